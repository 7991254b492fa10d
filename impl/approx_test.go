package impl

import (
	"math"
	"testing"
)

// approxError returns the error of KLApprox over its bound, and in ulps of the mass.
func approxError(b *Backend, p, q []float64) (part, ulps float64) {
	sum, mass := 0.0, 0.0
	for i, x := range p {
		if x > 0 {
			sum += x
			mass += x * math.Abs(math.Log(x)-math.Log(q[i]))
		}
	}
	err := math.Abs(b.KLApprox(p, q) - b.KL(p, q))
	if err == 0 {
		return 0, 0
	}
	return err / (0x1p-48*sum + 72*u*(mass+sum)), err / (math.Nextafter(mass, math.Inf(1)) - mass)
}

// TestApprox measures the error of KLApprox and compares it with its bound.
func TestApprox(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b *Backend) {
		for _, f := range families {
			if f.name == "huge ratios" || f.name == "all exponents" || f.name == "subnormal q" {
				continue // the mass is infinite, or math.Log is wrong
			}
			r := newRand(31)
			for _, n := range []int{5, 100, 1000} {
				worst := 0.0
				for range 20 {
					p, q := f.draw(r, n)
					part, ulps := approxError(b, p, q)
					if part > 1 {
						t.Errorf("%s, n = %d: the error is %g times its bound", f.name, n, part)
					}
					worst = max(worst, ulps)
				}
				t.Logf("%-20s n = %4d: at most %.2f ulp of the mass", f.name, n, worst)
			}
		}
		for _, c := range []struct{ p, q, want float64 }{
			{0, 0, 0}, {0, 1, 0}, {1, 0, math.Inf(1)}, {-1, 1, math.NaN()}, {1, -1, math.NaN()},
			{math.NaN(), 1, math.NaN()}, {1, math.Inf(1), math.NaN()}, {0, math.NaN(), math.NaN()},
		} {
			for n := 1; n < 300; n += 37 {
				p, q := make([]float64, n), make([]float64, n)
				p[n/2], q[n/2] = c.p, c.q
				if got := b.KLApprox(p, q); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
					t.Errorf("%v ‖ %v among %d: %v, want %v", c.p, c.q, n, got, c.want)
				}
			}
		}
	})
}

// TestApproxCanFail shows that the bound of TestApprox sees a wrong sum.
func TestApproxCanFail(t *testing.T) {
	p, q := families[0].draw(newRand(32), 100)
	b := goBackend
	b.kl = func(p, q []float64) (float64, Tier) { v, t := goBackend.KLTier(p, q); return v * (1 + 0x1p-40), t }
	if part, _ := approxError(&b, p, q); part < 1 {
		t.Errorf("an error of 2^-40 is %g of the bound", part)
	}
}
