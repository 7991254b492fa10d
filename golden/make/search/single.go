package main

import (
	"math"
	"math/big"
	"slices"

	"klconf/spec"
)

// ratios keeps p/q = 2^k·a/b for one pair: p = a·m·2^k and q = b·m. The m that
// bring it closest to a multiple of half a step are multiples of denominators
// of a continued fraction.
func ratios() []found {
	var all []found
	for _, c := range []struct {
		d     spec.DType
		limit int64 // of a and b
		shift int   // |k| up to it
	}{{spec.F64, 400, 24}, {spec.F32, 400, 24}} {
		w := precision(c.d)
		scale := uint(w + 140)
		ln := map[int64]*big.Int{}
		for a := int64(1); a <= c.limit; a++ {
			ln[a] = logarithm(big.NewRat(a, 1), "e", int(scale))
		}
		ln2 := logarithm(big.NewRat(2, 1), "e", int(scale))
		var cases []found
		floor := 0
		for a := int64(1); a < c.limit; a += 2 {
			for b := int64(1); b < c.limit; b += 2 {
				if gcd(a, b) > 1 {
					continue
				}
				for k := -c.shift; k <= c.shift; k++ {
					if a == b && k == 0 {
						continue
					}
					// L = a·ln(2^k·a/b), the value in units of m.
					l := new(big.Int).Mul(ln2, big.NewInt(int64(k)))
					l.Add(l, ln[a]).Sub(l, ln[b])
					l.Mul(l, big.NewInt(a)).Abs(l)
					// The largest m, and half a step of m·L in two binades.
					limit := (int64(1)<<w - 1) / max(a, b)
					f := new(big.Float).SetInt(l)
					top := f.MantExp(nil) - int(scale) + bits(limit) // m·L < 2^top
					for _, e := range []int{top - w - 1, top - w - 2} {
						for _, x := range close(l, int(scale)+e, limit, w) {
							if x.hardness < floor {
								continue
							}
							p, q := float64(a*x.m), float64(b*x.m)
							y := found{dtype: c.d, op: "kl", base: "e",
								p: []float64{math.Ldexp(p, k-bits(a*x.m))}, q: []float64{math.Ldexp(q, -bits(a*x.m))}}
							if y.hardness, _ = hardnessOf(y); y.hardness >= floor {
								cases = append(cases, y)
							}
						}
						if len(cases) > 400 {
							cases = best(40, cases)
							floor = cases[len(cases)-1].hardness
						}
					}
				}
			}
		}
		// At most two with the same ratio.
		seen := map[float64]int{}
		var some []found
		for _, x := range best(40, cases) {
			if r := x.p[0] / x.q[0]; seen[r] < 2 {
				seen[r]++
				some = append(some, x)
			}
		}
		all = append(all, named("kl-1", some[:12])...)
	}
	return all
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func bits(m int64) int { return big.NewInt(m).BitLen() }

type multiple struct {
	m        int64
	hardness int
}

// close returns the m ≤ limit for which m·l is closest to a multiple of
// 2^unit, with m·l at least 2^w of them.
func close(l *big.Int, unit int, limit int64, w int) []multiple {
	one := new(big.Int).Lsh(big.NewInt(1), uint(unit))
	var found []multiple
	// Convergents of l/one: denominators m0, m1.
	x, y := new(big.Int).Set(l), one
	m0, m1 := big.NewInt(1), new(big.Int)
	for y.Sign() != 0 {
		q, rest := new(big.Int).QuoRem(x, y, new(big.Int))
		x, y = y, rest
		m0, m1 = m1, new(big.Int).Add(new(big.Int).Mul(q, m1), m0)
		if m1.Sign() == 0 {
			m1 = big.NewInt(1) // after the first quotient
			m0 = new(big.Int)
		}
		if !m1.IsInt64() || m1.Int64() > limit {
			break
		}
		m := m1.Int64()
		// The largest multiples below the limit: the value has to have w bits.
		for t := limit / m; t >= 1 && t > limit/m-1; t-- {
			v := new(big.Int).Mul(l, big.NewInt(t*m))
			if v.BitLen()-unit != w+1 {
				continue
			}
			r := new(big.Int).Mod(v, one)
			if s := new(big.Int).Sub(one, r); s.Cmp(r) < 0 {
				r = s
			}
			found = append(found, multiple{t * m, unit - r.BitLen()})
		}
	}
	slices.SortFunc(found, func(a, b multiple) int { return b.hardness - a.hardness })
	return found[:min(1, len(found))]
}

// walks keeps q and walks p through consecutive numbers. In a window of 2^16
// of them the value in half steps is c + αi but for i²·2^-54, so that the i
// that bring it to within 2^-20 of an integer are found as in the search for
// the worst cases of functions (Lefèvre 1997), by the steps of Euclid's
// algorithm, instead of one by one.
func walks() []found {
	const window, windows = 1 << 16, 1 << 20
	var cases []found
	r := splitMix64(1)
	for range 4 {
		q := math.Ldexp(float64(r.next()>>11|1<<52), -54)  // in [1/4, 1/2)
		p0 := math.Ldexp(float64(r.next()>>11|1<<52), -53) // in [1/2, 1)
		floor := 0
		var some []found
		for k := range windows {
			p := p0 + math.Ldexp(float64(k)*window, -53)
			if p+math.Ldexp(window, -53) >= 1 {
				break
			}
			// c and α in units of 2^-64 of a half step, modulo 1.
			l := logarithm(new(big.Rat).Quo(new(big.Rat).SetFloat64(p), new(big.Rat).SetFloat64(q)), "e", 200)
			m := new(big.Int).SetUint64(uint64(math.Ldexp(p, 53)))
			v := new(big.Int).Mul(l, m) // the value in units of 2^-253
			half := v.BitLen() - 54     // half a step, in the same units
			at := func(x *big.Int) uint64 {
				y := new(big.Int).Lsh(x, 64)
				y.Rsh(y, uint(half))
				return new(big.Int).And(y, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
			}
			slope := new(big.Int).Add(l, new(big.Int).Lsh(big.NewInt(1), 200)) // (ln(p/q) + 1)·2^-53 a step of p
			c, a := at(v), at(slope)
			const delta = 1 << 45 // 2^-19
			for i := uint64(0); i < window; i++ {
				j, ok := first(a, c+a*i+delta, 2*delta, window-i)
				if !ok {
					break
				}
				i += j
				x := found{dtype: spec.F64, op: "kl", base: "e", p: []float64{p + math.Ldexp(float64(i), -53)}, q: []float64{q}}
				// The quadratic term decides; it is a matter of 60 bits.
				if x.hardness = quick(c, a, i, p, half); x.hardness >= floor {
					if x.hardness, _ = hardnessOf(x); x.hardness >= floor {
						some = append(some, x)
					}
				}
			}
			if len(some) > 64 {
				some = best(8, some)
				floor = some[len(some)-1].hardness
			}
		}
		cases = append(cases, best(2, some)...)
	}
	return named("kl-1-walk", cases)
}

// quick returns about how many bits are equal, from the expansion to second
// order: less than two too few.
func quick(c, a, i uint64, p float64, half int) int {
	x := float64(i)
	second := math.Ldexp(x*x/(2*p), 253-106-half) // (i·2^-53)²/(2p) in half steps
	y := c + a*i + uint64(int64(math.Ldexp(second, 64)))
	if int64(y) < 0 {
		y = -y
	}
	return 64 - bits(int64(y|1)) + 2
}

// first returns the least j < n with (c + a·j) mod 2^64 ≤ width.
func first(a, c, width, n uint64) (uint64, bool) {
	if c <= width {
		return 0, true
	}
	// (a·j) mod 2^64 in [−c, −c + width].
	j, ok := between(a, new(big.Int).Lsh(big.NewInt(1), 64), -c, -c+width)
	return j, ok && j < n
}

// between returns the least j ≥ 0 with low ≤ a·j mod m ≤ high, by Euclid's
// algorithm on (a, m). It needs 0 < low ≤ high < m.
func between(a uint64, m *big.Int, low, high uint64) (uint64, bool) {
	j, ok := modular(new(big.Int).SetUint64(a), m, new(big.Int).SetUint64(low), new(big.Int).SetUint64(high))
	if !ok || !j.IsUint64() {
		return 0, false
	}
	return j.Uint64(), true
}

func modular(a, m, low, high *big.Int) (*big.Int, bool) {
	if low.Sign() == 0 {
		return new(big.Int), true
	}
	if a.Sign() == 0 {
		return nil, false
	}
	if twice := new(big.Int).Lsh(a, 1); twice.Cmp(m) > 0 {
		return modular(new(big.Int).Sub(m, a), m, new(big.Int).Sub(m, high), new(big.Int).Sub(m, low))
	}
	j := new(big.Int).Add(low, new(big.Int).Sub(a, big.NewInt(1)))
	j.Quo(j, a) // ⌈low/a⌉
	if new(big.Int).Mul(j, a).Cmp(high) <= 0 {
		return j, true
	}
	// a·j − m·i in [low, high]: modulo a, −m·i in [low, high].
	i, ok := modular(new(big.Int).Mod(new(big.Int).Neg(m), a), a, new(big.Int).Mod(low, a), new(big.Int).Mod(high, a))
	if !ok {
		return nil, false
	}
	j.Mul(i, m).Add(j, low).Add(j, new(big.Int).Sub(a, big.NewInt(1)))
	return j.Quo(j, a), true
}

// smallFormats looks at every pair of f16 and bf16 significands with every
// ratio of exponents that fits the format on both sides of 1 and, in bf16,
// keeps the value inside f32. A common power of two changes nothing.
func smallFormats() []found {
	var all []found
	for _, c := range []struct {
		d     spec.DType
		w     int // precision
		shift int // exponents differ by up to so much
	}{{spec.F16, 11, 27}, {spec.BF16, 8, 240}} {
		var cases []found
		for k := -c.shift; k <= c.shift; k++ {
			// 2^k·m/n with p = m·2^k: the exponent of p is shared out so that both
			// stay inside the format.
			for m := int64(1) << (c.w - 1); m < 1<<c.w; m++ {
				for n := int64(1) << (c.w - 1); n < 1<<c.w; n++ {
					p, q := math.Ldexp(float64(m), k/2-c.w), math.Ldexp(float64(n), k/2-k-c.w)
					if x, hard := inDoubles(p, p*math.Log(p/q)); hard {
						x.dtype, x.op, x.base, x.q = c.d, "kl", "e", []float64{q}
						x.hardness, _ = hardnessOf(x)
						cases = append(cases, x)
					}
				}
			}
			cases = best(8, cases)
		}
		all = append(all, named("kl-1-all", cases)...)
	}
	return all
}

// singles walks all p of a binade of f32 against 128 q, and the entropy of all
// p of three binades.
func singles() []found {
	var cases, entropies []found
	r := splitMix64(2)
	for range 128 {
		q := math.Ldexp(float64(r.next()>>40|1<<23), -25) // in [1/4, 1/2)
		for m := 1 << 23; m < 1<<24; m++ {
			p := math.Ldexp(float64(m), -24)
			if x, hard := inDoubles(p, p*math.Log(p/q)); hard {
				x.dtype, x.op, x.base, x.q = spec.F32, "kl", "e", []float64{q}
				x.hardness, _ = hardnessOf(x)
				cases = append(cases, x)
			}
		}
		cases = best(8, cases)
	}
	for _, e := range []int{-24, -25, -26} {
		for m := 1 << 23; m < 1<<24; m++ {
			p := math.Ldexp(float64(m), e)
			if x, hard := inDoubles(p, -p*math.Log(p)); hard {
				x.dtype, x.op, x.base = spec.F32, "entropy", "e"
				x.hardness, _ = hardnessOf(x)
				entropies = append(entropies, x)
			}
		}
	}
	return append(named("kl-1-all-p", cases), named("entropy-1-all", best(6, entropies))...)
}

// inDoubles reports whether a value computed in float64 is within 2^-21 of a
// multiple of half a step of f32: what is harder than that passes, as the
// float64 is good to 2^-24 half steps for ratios that are not close to 1.
func inDoubles(p, value float64) (found, bool) {
	v := math.Abs(value)
	if v == 0 {
		return found{}, false
	}
	x := math.Ldexp(v, 24-math.Ilogb(v)) // in half steps
	if math.Abs(x-math.RoundToEven(x)) > 0x1p-21 {
		return found{}, false
	}
	return found{p: []float64{p}}, true
}
