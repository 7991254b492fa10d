package property

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"klconf/spec"
)

// Over many distributions and samples no mean of an estimator leaves the interval of its
// false-alarm probability, stored logarithms included; and it is no wider than it has to be
// for that: one of 2 standard deviations is left about as often as the normal distribution
// says.
func TestNear(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 1))
	estimators := []string{"k1", "k2", "k3"}
	const draws = 4000
	left, narrow := 0, 0
	for i := range draws {
		var x sampled
		for range 2 + r.IntN(5) {
			x.p, x.q = append(x.p, 1+r.IntN(16)), append(x.q, 1+r.IntN(16))
		}
		x.draw(r)
		name, d := estimators[i%3], formatsDrawn[i/3%4]
		lnP, lnQ := x.logs(d)
		mean := 0.0
		for i := range lnP {
			mean += estimate(name, d.Widen(lnQ[i])-d.Widen(lnP[i])) / samples
		}
		v := x.near(name, d)
		lo, _ := v.Lo.Float64()
		hi, _ := v.Hi.Float64()
		if mean < lo || mean > hi {
			left++
			t.Errorf("%s in %s of %v from %v: %v is not in [%v, %v]", name, d, x.p, x.q, mean, lo, hi)
		}
		if d != spec.F64 {
			continue
		}
		p, q := x.probabilities()
		e, variance := 0.0, 0.0
		for i := range p {
			e += p[i] * estimate(name, math.Log(q[i]/p[i]))
		}
		for i := range p {
			k := estimate(name, math.Log(q[i]/p[i])) - e
			variance += p[i] * k * k
		}
		if math.Abs((lo+hi)/2-e) > 1e-12 {
			t.Errorf("%s of %v from %v has the mean %v, not %v", name, x.p, x.q, (lo+hi)/2, e)
		}
		if math.Abs(mean-e) > 2*math.Sqrt(variance/samples) {
			narrow++
		}
	}
	if narrow < draws/4/50 || narrow > draws/4/12 { // 4.6 % are expected
		t.Errorf("two standard deviations are exceeded by %d of %d means", narrow, draws/4)
	}
}

// Another estimator, a wrong sign, a missing half and a ratio upside down leave it, in every
// format, within 40 instances.
func TestEstimatorsAreToldApart(t *testing.T) {
	instead := func(of string, wrong func(d float64) float64) func(string, float64) float64 {
		return func(estimator string, d float64) float64 {
			if estimator == of {
				return wrong(d)
			}
			return estimate(estimator, d)
		}
	}
	for name, f := range map[string]func(estimator string, d float64) float64{
		"the sign of k1":  instead("k1", func(d float64) float64 { return d }),
		"k2 without half": instead("k2", func(d float64) float64 { return d * d }),
		"k1 for k2":       instead("k2", func(d float64) float64 { return -d }),
		"k3 upside down":  instead("k3", func(d float64) float64 { return estimate("k3", -d) }),
		"all with −d":     func(estimator string, d float64) float64 { return estimate(estimator, -d) },
	} {
		for _, d := range formatsDrawn {
			o := run(t.Context(), lawOf(t, "LAW-23"), Subject{elements(f), spec.Definition(), spec.L1, d, offersAll}, Options{1, 40}, 0)
			if o.Status != spec.Fail {
				t.Errorf("%s in %s is not found: %s %s", name, d, o.Status, o.Message)
			}
		}
	}
}

// One who offers some of the estimators is asked for these.
func TestSomeEstimators(t *testing.T) {
	for _, c := range []struct {
		offers string
		sign   float64
		want   spec.Status
	}{{"k1", 1, spec.Pass}, {"k1", -1, spec.Fail}, {"", 1, spec.StatusUnsupported}} {
		right := elements(func(estimator string, d float64) float64 { return c.sign * estimate(estimator, d) })
		some := func(ctx context.Context, r spec.Request) spec.Answer {
			if r.Options.Estimator != c.offers {
				return spec.Answer{Status: spec.Unsupported}
			}
			return right(ctx, r)
		}
		o := run(t.Context(), lawOf(t, "LAW-23"), Subject{some, spec.Definition(), spec.L1, spec.F64, offersAll}, Options{1, 20}, 0)
		if o.Status != c.want {
			t.Errorf("%q is offered, times %v: %s %s, want %s", c.offers, c.sign, o.Status, o.Message, c.want)
		}
	}
}
