package impl

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"klconf/impl/exact"
)

// An attempt is one kernel's answer with the bound that it claims.
type attempt struct{ h, l, err float64 }

// isas are the instructions that this machine has vector kernels for, and none.
func isas() []isa {
	list := []isa{noVectors}
	for _, b := range backends {
		if b.isa != noVectors {
			list = append(list, b.isa)
		}
	}
	return list
}

// tryTier returns what a tier makes of vectors, ok if it has an answer. The sums of vector
// kernels are given 2^room times the room that solve gives them.
func tryTier(k kind, t Tier, v isa, p, q []float64, room int) (a attempt, ok bool) {
	_, typical := survey(k, p, q, v)
	b := batch{tier: t, isa: v, middle: math.Ldexp(middle(typical, t), room)}
	if st := b.sum(k, p, q); st > small {
		return a, false
	}
	a.h, a.l, a.err = b.result(k)
	return a, true
}

// trySingle does the same for the float32 tier.
func trySingle(v isa, p, q []float32) (a attempt, ok bool) {
	var s sums
	if !s.single(p, q, v) {
		return a, false
	}
	a.h, a.l, a.err = s.pair(0)
	return a, true
}

// used returns |h + l − value| / err, rounded up, for the worst value of an enclosure.
func (a attempt) used(value exact.Interval) float64 {
	worst := new(big.Float)
	for _, end := range []*big.Float{value.Lo, value.Hi} {
		d := new(big.Float).SetPrec(3000).SetFloat64(a.h)
		d.Add(d, big.NewFloat(a.l))
		if d.Sub(d, end).Abs(d); d.Cmp(worst) > 0 {
			worst = d
		}
	}
	if worst.Sign() == 0 {
		return 0
	}
	if a.err == 0 {
		return math.Inf(1)
	}
	r, _ := worst.Quo(worst, big.NewFloat(a.err)).Float64()
	return r
}

// enclose returns an enclosure that is narrow against any bound of this package.
func enclose[F float32 | float64](k kind, p, q []F) exact.Interval { return form(k, p, q).Enclose(320) }

// attacker looks for inputs on which a kernel is wrong by more than its bound.
type attacker struct {
	worst  map[string]float64 // the largest part of the bound used, by kernel
	shrink float64            // divides every bound
	isas   []isa
	room   int // with little, some blocks just fit and others are left to Go
}

func newAttacker() *attacker { return &attacker{map[string]float64{}, 1, isas(), 0} }

func (a *attacker) see(name string, x attempt, value exact.Interval) float64 {
	x.err /= a.shrink
	r := x.used(value)
	a.worst[name] = max(a.worst[name], r)
	return r
}

// kernels attacks every kernel with two vectors and returns the largest part of a bound
// used by tier t of kind k.
func (a *attacker) kernels(p, q []float64, kinds ...kind) {
	for _, k := range kinds {
		var value exact.Interval
		for _, v := range a.isas {
			for t := TierOne; t <= TierTwo; t++ {
				if v != noVectors && !(&batch{isa: v, tier: t}).vectorised(k) {
					continue
				}
				if x, ok := tryTier(k, t, v, p, q, a.room); ok {
					if value.Lo == nil {
						value = enclose(k, p, q)
					}
					a.see(fmt.Sprintf("%v%v tier %v", v, k, t), x, value)
				}
			}
		}
	}
	if slices.Contains(kinds, klSum) {
		p32, q32 := narrow(p), narrow(q)
		for _, v := range a.isas {
			if x, ok := trySingle(v, p32, q32); ok {
				a.see(fmt.Sprintf("%vKL32 single", v), x, enclose(klSum, p32, q32))
			}
		}
	}
}

// climb changes one element at a time and keeps what uses more of the bound.
func (a *attacker) climb(r *rand.Rand, k kind, t Tier, v isa, p, q []float64, steps int) {
	name := fmt.Sprintf("%v%v tier %v climbing", v, k, t)
	best := -1.0
	for range steps {
		i, old := r.IntN(len(p)), [2]float64{}
		old[0], old[1] = p[i], q[i]
		switch r.IntN(4) {
		case 0:
			q[i] *= 1 + math.Pow(2, -40*r.Float64())*r.NormFloat64()
		case 1:
			p[i] = math.Float64frombits(math.Float64bits(p[i]) + uint64(r.IntN(9)) - 4)
		case 2:
			q[i] = p[i] * math.Float64frombits(math.Float64bits(1)+uint64(r.IntN(1<<10)))
		case 3:
			p[i] = q[i] * (171 - 0.5 + float64(r.IntN(428))/2) / 256
		}
		p[i], q[i] = math.Abs(p[i]), math.Abs(q[i])
		got := -1.0
		if p[i] > 0 && q[i] > 0 {
			if x, ok := tryTier(k, t, v, p, q, a.room); ok {
				got = a.see(name, x, enclose(k, p, q))
			}
		}
		if got < best {
			p[i], q[i] = old[0], old[1]
		} else {
			best = got
		}
	}
}

// bounds families isolate terms of the error bounds.
var boundFamilies = []family{
	{"centres", func(r *rand.Rand, n int) (p, q []float64) { // φ = 0: [A6] and [A7] alone
		p, q = make([]float64, n), make([]float64, n)
		for i := range p {
			m := float64(1 + 2*r.IntN(1<<20))
			p[i], q[i] = m*float64(171+r.IntN(214)), math.Ldexp(m, 8-r.IntN(20))
		}
		return p, q
	}},
	{"one cell", func(r *rand.Rand, n int) (p, q []float64) { // L = 0: φ and the sums alone
		p, q = make([]float64, n), make([]float64, n)
		for i := range p {
			p[i] = 1 + r.Float64()
			q[i] = p[i] * (1 + (r.Float64()-0.5)/256)
		}
		return p, q
	}},
	{"one edge", func(r *rand.Rand, n int) (p, q []float64) { // the largest s, all alike
		p, q = make([]float64, n), make([]float64, n)
		for i := range p {
			p[i] = 1 + r.Float64()*0x1p-20
			q[i] = p[i] * 1.4970
		}
		return p, q
	}},
	{"alternating", func(r *rand.Rand, n int) (p, q []float64) { // large partial sums, small total
		p, q = make([]float64, n), make([]float64, n)
		for i := range p {
			p[i] = 1 + r.Float64()
			if q[i] = p[i] * 8; i >= n/2 {
				q[i] = p[i] / 8
			}
		}
		return p, q
	}},
}

var allKinds = []kind{klSum, entropySum, crossSum, jensenSum}

func (a *attacker) run(seed uint64, rounds int) {
	r := newRand(seed)
	for _, f := range slices.Concat(families, boundFamilies) {
		for range rounds {
			n := 1 + r.IntN(12)
			if r.IntN(4) == 0 {
				n = 1 + r.IntN(200)
			}
			p, q := f.draw(r, n)
			a.kernels(p, q, allKinds...)
		}
		p, q := f.draw(r, 400+r.IntN(2600))
		a.kernels(p, q, klSum)
	}
	for _, k := range allKinds {
		for _, v := range a.isas {
			for t := TierOne; t <= TierTwo; t++ {
				if v != noVectors && !(&batch{isa: v, tier: t}).vectorised(k) {
					continue
				}
				for range 4 {
					p, q := families[0].draw(r, 1+r.IntN(4)+int(min(v, 1))*vectorLeast)
					a.climb(r, k, t, v, p, q, 20*rounds)
				}
			}
		}
	}
}

// TestBounds tries to break every error bound.
func TestBounds(t *testing.T) {
	a := newAttacker()
	a.run(1, 100)
	for a.room = -7; a.room >= -16; a.room -= 3 {
		a.run(3, 10)
	}
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range a.worst {
			if !yield(name) {
				return
			}
		}
	})
	for _, name := range names {
		t.Logf("%-32s uses at most %.3g of its bound", name, a.worst[name])
		if a.worst[name] > 1 {
			t.Errorf("%s is wrong by %g times its bound", name, a.worst[name])
		}
	}
}

// caught runs the attack on the kernels of some isas with bounds divided by shrink, and
// fails if one of those named passes.
func caught(t *testing.T, list []isa, shrink float64, kernels ...string) {
	t.Helper()
	a := newAttacker()
	a.isas, a.shrink = list, shrink
	a.run(2, 40)
	for _, name := range kernels {
		if a.worst[name] <= 1 {
			t.Errorf("%s passes, using %g of its bound", name, a.worst[name])
		}
	}
}

// TestBoundsCanFail shows that the attack of TestBounds finds what is wrong.
func TestBoundsCanFail(t *testing.T) {
	t.Run("bounds divided by 1000", func(t *testing.T) {
		names := []string{"JensenShannon tier 1", "Entropy tier 2", "CrossEntropy tier 2", "JensenShannon tier 2"}
		for _, v := range isas() {
			for _, name := range []string{"KL32 single", "KL tier 1", "Entropy tier 1", "CrossEntropy tier 1", "KL tier 2"} {
				names = append(names, v.String()+name)
			}
		}
		caught(t, isas(), 1000, names...)
	})
	t.Run("a logarithm off by 2^-64", func(t *testing.T) {
		old := cells[7]
		defer func() { cells[7] = old }()
		cells[7].lo += 0x1p-64
		caught(t, []isa{noVectors}, 1, "KL tier 1", "KL tier 2")
	})
	t.Run("a logarithm off by 2^-44", func(t *testing.T) {
		old := cells[200]
		defer func() { cells[200] = old }()
		cells[200].lo += 0x1p-44
		caught(t, []isa{noVectors}, 1, "KL32 single")
	})
}
