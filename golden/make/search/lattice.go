package main

import (
	"fmt"
	"math"
	"math/big"

	"klconf/spec"
)

// A setting is a sum Σ m_i·2^-e_i·ln(r_i) in which the integers m_i are free:
// p = m·a·2^-e against q = m·b·2^-e, or a fixed q for the cross-entropy.
type setting struct {
	dtype spec.DType
	op    string
	base  string
	a, b  []int64 // r = a/b
	e     []int   // of the terms
	bits  []int   // of the integers
}

// lattices finds integers m with Σ m_i x_i very close to an integer N, where
// x_i is the i-th logarithm in half steps of the result. In the lattice of
// the vectors (m_1, …, m_n, C·(Σ m_i x_i − N)) those are the vectors near
// (m*_1, …, m*_n, 0) for any m* of the wanted size; with C = M^(n+1) for m
// about M the last coordinate is as small as the others, so that
// |Σ m_i x_i − N| is about M^-n.
func lattices() []found {
	var all []found
	for _, c := range []struct {
		name  string
		keep  int
		tries int
		s     setting
	}{
		{"kl-2", 6, 60, setting{spec.F64, "kl", "e", []int64{2, 1}, []int64{1, 3}, []int{52, 53}, []int{51, 51}}},
		{"kl-3", 6, 30, setting{spec.F64, "kl", "e", []int64{2, 1, 5}, []int64{1, 3, 1}, []int{52, 53, 54}, []int{51, 51, 50}}},
		{"kl-4", 6, 15, setting{spec.F64, "kl", "e", []int64{2, 1, 5, 1}, []int64{1, 3, 1, 7}, []int{52, 53, 54, 53}, []int{51, 51, 50, 50}}},
		{"kl-2-negative", 2, 40, setting{spec.F64, "kl", "e", []int64{1, 1}, []int64{2, 3}, []int{52, 53}, []int{51, 51}}},
		{"kl-2-near", 2, 40, setting{spec.F64, "kl", "e", []int64{31, 64}, []int64{32, 65}, []int{53, 55}, []int{48, 46}}},
		{"kl-3-other", 4, 30, setting{spec.F64, "kl", "e", []int64{8, 7, 1}, []int64{1, 1, 11}, []int{55, 55, 54}, []int{50, 50, 49}}},
		{"kl-4-other", 4, 15, setting{spec.F64, "kl", "e", []int64{3, 9, 1, 13}, []int64{1, 5, 4, 1}, []int{54, 56, 53, 56}, []int{51, 49, 51, 49}}},
		{"kl-2-bits", 4, 40, setting{spec.F64, "kl", "2", []int64{3, 1}, []int64{1, 5}, []int{54, 53}, []int{51, 50}}},
		{"kl-2-digits", 2, 40, setting{spec.F64, "kl", "10", []int64{2, 1}, []int64{1, 3}, []int{52, 53}, []int{51, 51}}},
		{"kl-2", 3, 60, setting{spec.F32, "kl", "e", []int64{2, 1}, []int64{1, 3}, []int{23, 24}, []int{22, 22}}},
		{"kl-3", 3, 30, setting{spec.F32, "kl", "e", []int64{2, 1, 5}, []int64{1, 3, 1}, []int{23, 24, 25}, []int{22, 22, 21}}},
		{"kl-4", 3, 15, setting{spec.F32, "kl", "e", []int64{2, 1, 5, 1}, []int64{1, 3, 1, 7}, []int{23, 24, 25, 24}, []int{22, 22, 21, 21}}},
		{"kl-2-bits", 2, 40, setting{spec.F32, "kl", "2", []int64{3, 1}, []int64{1, 5}, []int{25, 24}, []int{22, 21}}},
	} {
		all = append(all, named(c.name, best(c.keep, c.s.search(c.tries)))...)
	}
	return all
}

// crossEntropies has fixed Q, so that all of p is free.
func crossEntropies() []found {
	var all []found
	for _, c := range []struct {
		name string
		keep int
		s    setting
	}{
		{"cross-entropy-2", 3, setting{spec.F64, "cross_entropy", "e", []int64{4, 8}, []int64{1, 3}, []int{54, 53}, []int{53, 52}}},
		{"cross-entropy-3", 3, setting{spec.F64, "cross_entropy", "e", []int64{4, 8, 16}, []int64{1, 3, 5}, []int{54, 53, 53}, []int{53, 52, 52}}},
		{"cross-entropy-2", 2, setting{spec.F32, "cross_entropy", "e", []int64{4, 8}, []int64{1, 3}, []int{25, 24}, []int{24, 23}}},
	} {
		all = append(all, named(c.name, best(c.keep, c.s.search(30)))...)
	}
	return all
}

// rat returns a/b.
func (s setting) rat(i int) *big.Rat { return big.NewRat(s.a[i], s.b[i]) }

// coefficient is what m_i·2^-e_i·ln(a_i/b_i) is multiplied by.
func (s setting) coefficient(i int) int64 {
	if s.op == "cross_entropy" {
		return 1
	}
	return s.a[i]
}

// at returns the case of the integers m.
func (s setting) at(m []int64) found {
	c := found{dtype: s.dtype, op: s.op, base: s.base}
	for i := range m {
		x := math.Ldexp(float64(m[i]), -s.e[i])
		if s.op == "cross_entropy" {
			c.p, c.q = append(c.p, x), append(c.q, float64(s.b[i])/float64(s.a[i]))
		} else {
			c.p, c.q = append(c.p, x*float64(s.a[i])), append(c.q, x*float64(s.b[i]))
		}
	}
	return c
}

func (s setting) search(tries int) []found {
	n := len(s.a)
	sum := 0
	least := s.bits[0]
	for _, b := range s.bits {
		sum, least = sum+b, min(least, b)
	}
	const guard = 20
	c := sum + least // log2 C
	var cases []found
	r := splitMix64(uint64(n))
	for range tries {
		// The middle that the integers are wanted around, and half a step there.
		middle := make([]*big.Int, n)
		value := 0.0
		for i := range middle {
			x := math.Ldexp(.6+.3*float64(r.next()>>11)*0x1p-53, s.bits[i])
			middle[i] = big.NewInt(int64(x))
			f, _ := s.rat(i).Float64()
			value += math.Ldexp(x, -s.e[i]) * float64(s.coefficient(i)) * math.Log(f) / lnBase(s.base)
		}
		half := math.Ilogb(value) - precision(s.dtype) // exponent of half a step
		// Rows of the basis: the integers times 2^guard, and C·x·2^guard.
		var basis [][]*big.Int
		for i := range n {
			row := make([]*big.Int, n+1)
			for j := range row {
				row[j] = new(big.Int)
			}
			row[i].Lsh(big.NewInt(1), uint(guard+least+1-s.bits[i]))
			l := logarithm(s.rat(i), s.base, c+guard-s.e[i]-half)
			row[n] = l.Mul(l, big.NewInt(s.coefficient(i)))
			basis = append(basis, row)
		}
		last := make([]*big.Int, n+1)
		for j := range last {
			last[j] = new(big.Int)
		}
		last[n].Lsh(big.NewInt(1), uint(c+guard))
		basis = append(basis, last)
		target := make([]*big.Int, n+1)
		for i := range n {
			target[i] = new(big.Int).Mul(middle[i], basis[i][i])
		}
		target[n] = new(big.Int)
		unit := make([]*big.Int, n)
		for i := range unit {
			unit[i] = new(big.Int).Set(basis[i][i])
		}

		reduce(basis)
		near := nearest(basis, target)
		var some []found
		around(basis, near, 3, func(v []*big.Int) {
			m := make([]int64, n)
			for i := range m {
				q := new(big.Int).Quo(v[i], unit[i])
				if !q.IsInt64() || q.Int64() >= 1<<s.bits[i] || q.Int64() < 1<<(s.bits[i]-2) {
					return
				}
				m[i] = q.Int64()
			}
			// A value in another binade than the middle has other half steps.
			if guess := c + guard - v[n].BitLen(); guess > c-least-8 {
				x := s.at(m)
				if x.hardness, _ = hardnessOf(x); x.hardness > c-least-8 {
					some = append(some, x)
				}
			}
		})
		cases = append(cases, best(4, some)...)
	}
	if len(cases) == 0 {
		panic(fmt.Sprintf("search: nothing for %+v", s))
	}
	return cases
}

func lnBase(base string) float64 {
	switch base {
	case "2":
		return math.Ln2
	case "10":
		return math.Ln10
	}
	return 1
}

// reduce is the algorithm of Lenstra, Lenstra and Lovász with exact rational
// arithmetic: the dimensions here are at most five.
func reduce(b [][]*big.Int) {
	n := len(b)
	mu, norm := orthogonalise(b)
	half := big.NewRat(1, 2)
	size := func(k, j int) {
		if new(big.Rat).Abs(mu[k][j]).Cmp(half) <= 0 {
			return
		}
		q := round(mu[k][j])
		subtract(b[k], b[j], q)
		f := new(big.Rat).SetInt(q)
		for i := range j {
			mu[k][i].Sub(mu[k][i], new(big.Rat).Mul(f, mu[j][i]))
		}
		mu[k][j].Sub(mu[k][j], f)
	}
	for k := 1; k < n; {
		size(k, k-1)
		// Lovász: |b*_k|² ≥ (3/4 − µ²)|b*_(k−1)|².
		bound := new(big.Rat).Mul(mu[k][k-1], mu[k][k-1])
		bound.Sub(big.NewRat(3, 4), bound)
		bound.Mul(bound, norm[k-1])
		if norm[k].Cmp(bound) >= 0 {
			for j := k - 2; j >= 0; j-- {
				size(k, j)
			}
			k++
			continue
		}
		b[k], b[k-1] = b[k-1], b[k]
		mu, norm = orthogonalise(b)
		k = max(k-1, 1)
	}
}

// orthogonalise returns the coefficients and the squared lengths of Gram and
// Schmidt.
func orthogonalise(b [][]*big.Int) (mu [][]*big.Rat, norm []*big.Rat) {
	var star [][]*big.Rat
	for i := range b {
		v := make([]*big.Rat, len(b[i]))
		for k, x := range b[i] {
			v[k] = new(big.Rat).SetInt(x)
		}
		row := make([]*big.Rat, len(b))
		for j := range i {
			m := new(big.Rat)
			for k, x := range b[i] {
				m.Add(m, new(big.Rat).Mul(new(big.Rat).SetInt(x), star[j][k]))
			}
			row[j] = m.Quo(m, norm[j])
			for k := range v {
				v[k].Sub(v[k], new(big.Rat).Mul(row[j], star[j][k]))
			}
		}
		s := new(big.Rat)
		for _, x := range v {
			s.Add(s, new(big.Rat).Mul(x, x))
		}
		mu, norm, star = append(mu, row), append(norm, s), append(star, v)
	}
	return mu, norm
}

func round(x *big.Rat) *big.Int {
	y := new(big.Rat).Add(x, big.NewRat(1, 2))
	return new(big.Int).Div(y.Num(), y.Denom())
}

func subtract(v, w []*big.Int, q *big.Int) {
	for i := range v {
		v[i] = new(big.Int).Sub(v[i], new(big.Int).Mul(q, w[i]))
	}
}

// nearest is Babai's nearest plane: a vector of the lattice near the target.
func nearest(b [][]*big.Int, target []*big.Int) []*big.Int {
	rest := make([]*big.Int, len(target))
	for i, x := range target {
		rest[i] = new(big.Int).Set(x)
	}
	for i := len(b) - 1; i >= 0; i-- {
		// µ of the rest along b*_i, from a basis that ends with the rest.
		all := append(append([][]*big.Int{}, b[:i+1]...), rest)
		mu, _ := orthogonalise(all)
		subtract(rest, b[i], round(mu[i+1][i]))
	}
	near := make([]*big.Int, len(target))
	for i := range near {
		near[i] = new(big.Int).Sub(target[i], rest[i])
	}
	return near
}

// around visits near plus every combination of the basis with coefficients
// up to reach.
func around(b [][]*big.Int, near []*big.Int, reach int64, visit func([]*big.Int)) {
	var add func(i int, v []*big.Int)
	add = func(i int, v []*big.Int) {
		if i == len(b) {
			visit(v)
			return
		}
		for k := -reach; k <= reach; k++ {
			w := append([]*big.Int{}, v...)
			subtract(w, b[i], big.NewInt(k))
			add(i+1, w)
		}
	}
	add(0, near)
}
