package impl

import (
	"math"
	"testing"
)

// TestAdd checks [A9] on sums with much cancellation.
func TestAdd(t *testing.T) {
	r := newRand(15)
	worst := 0.0
	for range 300 {
		var s sums
		exact, mass := newFloat().SetPrec(2000), 0.0
		for range 1000 {
			x := math.Ldexp(r.Float64()-0.5, r.IntN(150))
			s.add(x)
			exact.Add(exact, newFloat().SetFloat64(x))
			mass += math.Abs(x)
		}
		for _, x := range []float64{s.h, s.m, s.l} {
			exact.Sub(exact, newFloat().SetFloat64(x))
		}
		g := float64(s.adds) * u
		e, _ := exact.Float64()
		worst = max(worst, math.Abs(e)/(1.1*g*g*g*mass))
	}
	t.Logf("uses at most %.3g of its bound", worst)
	if worst > 1 {
		t.Errorf("wrong by %g times the bound", worst)
	}
}

// TestTiers checks that answers come from where they should, so that a broken tier does not
// hide behind the next one.
func TestTiers(t *testing.T) {
	draw := func(name string) func(n int) (p, q []float64) {
		return func(n int) (p, q []float64) { return familyNamed(name).draw(newRand(16), n) }
	}
	onehot := func(n int) (p, q []float64) {
		p, q = make([]float64, n), make([]float64, n)
		p[n/2], q[n/2] = 1, 1
		return p, q
	}
	equal := func(n int) (p, q []float64) {
		p, _ = draw("dirichlet")(n)
		return p, p
	}
	// The tiers of KL, Entropy, CrossEntropy and JensenShannon.
	for _, c := range []struct {
		name string
		draw func(n int) (p, q []float64)
		want [4]Tier
	}{
		{"dirichlet", draw("dirichlet"), [4]Tier{TierOne, TierOne, TierOne, TierOne}},
		{"exp 20N", draw("exp 20N"), [4]Tier{TierOne, TierOne, TierOne, TierOne}},
		{"zeros", draw("zeros"), [4]Tier{TierOne, TierOne, TierOne, TierOne}},
		{"subnormal q", draw("subnormal q"), [4]Tier{TierOne, TierOne, TierOne, TierOne}},
		{"subnormal p", draw("subnormal p"), [4]Tier{TierOne, TierOne, TierOne, TierOne}},
		{"near 1e-3", draw("near 1e-3"), [4]Tier{TierTwo, TierOne, TierOne, TierTwo}},
		{"near 1e-8", draw("near 1e-8"), [4]Tier{TierTwo, TierOne, TierOne, TierTwo}},
		{"measure 1e300", draw("measure 1e300"), [4]Tier{TierTwo, TierTwo, TierTwo, TierTwo}},
		{"measure 1e-300", draw("measure 1e-300"), [4]Tier{TierTwo, TierTwo, TierTwo, TierTwo}},
		{"measure 1e-310", draw("measure 1e-310"), [4]Tier{TierTwo, TierTwo, TierTwo, TierExact}}, // a subnormal JensenShannon,
		{"one-hot", onehot, [4]Tier{TierOne, TierOne, TierOne, TierOne}},
		{"equal", equal, [4]Tier{TierOne, TierOne, TierOne, TierOne}},
	} {
		p, q := c.draw(1000)
		for _, k := range allKinds {
			if _, got := solve(k, p, q, noVectors); got != c.want[k] {
				t.Errorf("%v of %s: tier %v, want %v", k, c.name, got, c.want[k])
			}
		}
	}
	p, q := draw("dirichlet")(1000)
	if _, got := solveKL32(narrow(p), narrow(q), noVectors); got != TierSingle {
		t.Errorf("KL32 of dirichlet: tier %v", got)
	}
}
