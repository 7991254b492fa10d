package judge_test

import (
	"math"
	"testing"

	"klconf/conform/judge"
	"klconf/spec"
)

// Each option that has one number for each element, with answers that are right
// and such as real code gave.
func TestElementwise(t *testing.T) {
	ninf := -inf
	for _, c := range []struct {
		name   string
		op     spec.Op
		o      spec.Options
		p, q   []float64
		answer []float64
		want   bool
	}{
		{"k1", "kl_estimate", spec.Options{Estimator: "k1"}, []float64{-1, -2}, []float64{-1.5, -2}, []float64{.5, 0}, true},
		{"k1 with the other sign", "kl_estimate", spec.Options{Estimator: "k1"}, []float64{-1}, []float64{-1.5}, []float64{-.5}, false},
		{"k2", "kl_estimate", spec.Options{Estimator: "k2"}, []float64{-1}, []float64{-1.5}, []float64{.125}, true},
		{"k2 without the half", "kl_estimate", spec.Options{Estimator: "k2"}, []float64{-1}, []float64{-1.5}, []float64{.25}, false},
		{"k3", "kl_estimate", spec.Options{Estimator: "k3"}, []float64{-1, 0, 3}, []float64{-1.5, 0x1p-20, 3}, []float64{math.Exp(-.5) - .5, 0x1.00000555556aap-41, 0}, true},
		{"k3 of −d", "kl_estimate", spec.Options{Estimator: "k3"}, []float64{-1}, []float64{-1.5}, []float64{math.Exp(.5) - 1.5}, false},
		{"k3 beyond the format", "kl_estimate", spec.Options{Estimator: "k3"}, []float64{-1e300, 0}, []float64{0, ninf}, []float64{inf, inf}, true},
		{"estimators with NaN", "kl_estimate", spec.Options{Estimator: "k3"}, []float64{nan, 0}, []float64{0, 0}, []float64{nan, 0}, true},
		{"a sample that P does not have", "kl_estimate", spec.Options{Estimator: "k1"}, []float64{ninf}, []float64{0}, []float64{1}, false},
		{"by q", "kl", spec.Options{Grad: "q"}, []float64{.5, 0, .5, 0}, []float64{.25, .5, 0, 0}, []float64{-2, 0, ninf, 0}, true},
		{"by q, NaN at 0/0", "kl", spec.Options{Grad: "q"}, []float64{0, 1}, []float64{0, 1}, []float64{nan, -1}, false},
		{"by q, 1 − p/q", "kl", spec.Options{Grad: "q"}, []float64{.5}, []float64{.25}, []float64{-1}, false},
		{"by p", "kl", spec.Options{Grad: "p"}, []float64{.5, 0}, []float64{.25, .5}, []float64{1 + math.Ln2, ninf}, true},
		{"by p without the 1", "kl", spec.Options{Grad: "p"}, []float64{.5}, []float64{.25}, []float64{math.Ln2}, false},
		{"log-probabilities by q", "kl_logprobs", spec.Options{Grad: "q"}, []float64{0, ninf, -1}, []float64{3, 0, ninf}, []float64{-1, 0, -math.Exp(-1)}, true},
		{"log-probabilities by p", "kl_logprobs", spec.Options{Grad: "p"}, []float64{0, ninf}, []float64{3, 0}, []float64{-2, 0}, true},
		{"logits by q", "kl_logits", spec.Options{Grad: "q"}, []float64{0, 0, ninf, ninf}, []float64{7, ninf, 7, ninf}, []float64{0, -.5, .5, 0}, true},
		{"logits by q at temperature 2", "kl_logits", spec.Options{Grad: "q", Temperature: "2"}, []float64{0, 0, ninf}, []float64{7, ninf, 7}, []float64{0, -.25, .25}, true},
		{"logits by q, T forgotten", "kl_logits", spec.Options{Grad: "q", Temperature: "2"}, []float64{0, 0, ninf}, []float64{7, ninf, 7}, []float64{0, -.5, .5}, false},
		{"logits by q, turned over", "kl_logits", spec.Options{Grad: "q"}, []float64{0, 0, ninf}, []float64{7, ninf, 7}, []float64{0, .5, -.5}, false},
		{"logits by q, nothing left", "kl_logits", spec.Options{Grad: "q"}, []float64{0, 0}, []float64{ninf, ninf}, []float64{nan, nan}, true},
		{"a NaN decides the row", "kl", spec.Options{Grad: "q"}, []float64{nan, 1}, []float64{1, 1}, []float64{nan, -1}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ask(c.op, c.p, c.q)
			r.Options = c.o
			e, err := judge.Expect(r, spec.Convention{})
			if err != nil {
				t.Fatal(err)
			}
			a := spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Float64s("x", c.answer)}}
			if g := judge.Assess(e, a); g.Level.Rank() >= spec.L1.Rank() != c.want {
				t.Errorf("level %q: %s", g.Level, g.Why)
			}
		})
	}
}

// expm1(d) − d keeps what exp(d) − 1 − d loses, and is never negative.
func TestK3(t *testing.T) {
	requirement, ok := spec.Lookup("LLM-13")
	if !ok {
		t.Fatal("LLM-13 is not in the catalogue")
	}
	status := func(d float64, f func(d float32) float32) spec.Status {
		p, q := spec.Float32s("p", []float32{0}), spec.Float32s("q", []float32{float32(d)})
		e, err := judge.Expect(spec.Request{Op: "kl_estimate", Arrays: []spec.Array{p, q}, Options: spec.Options{Estimator: "k3"}}, spec.Convention{})
		if err != nil {
			t.Fatal(err)
		}
		return judge.Value(e, spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Float32s("x", []float32{f(float32(d))})}}, requirement)
	}
	careful := func(d float32) float32 { return float32(math.Expm1(float64(d))) - d }
	plain := func(d float32) float32 { return float32(math.Exp(float64(d))) - 1 - d }
	below := func(d float32) float32 { return -0x1p-40 }
	for _, d := range []float64{1e-3, -1e-3, 1e-5, 3e-6, 1} {
		if s := status(d, careful); s != spec.Pass {
			t.Errorf("expm1(d) − d at d = %g: %s", d, s)
		}
		if s := status(d, below); s != spec.Fail {
			t.Errorf("a number below 0 at d = %g: %s", d, s)
		}
	}
	for _, d := range []float64{1e-5, 3e-6} {
		if s := status(d, plain); s != spec.Fail {
			t.Errorf("exp(d) − 1 − d at d = %g: %s", d, s)
		}
	}
}

func TestWeightedJensenShannon(t *testing.T) {
	for beta, want := range map[spec.Real]float64{"0x1p-1": math.Ln2, "0": 0, "1": 0, "0x1p-2": .25*math.Log(4) + .75*math.Log(4./3)} {
		r := ask("js", []float64{1, 0}, []float64{0, 1})
		r.Options.Beta = beta
		e, err := judge.Expect(r, spec.Convention{})
		if err != nil {
			t.Fatal(err)
		}
		if x, _ := e.Values[0].Intervals[0].Lo.Float64(); math.Abs(x-want) > 1e-15 {
			t.Errorf("β = %s: %v, want %v", beta, x, want)
		}
	}
	r := ask("js", []float64{1}, []float64{1})
	r.Options.Beta = "0x1.8p0"
	if _, err := judge.Expect(r, spec.Convention{}); err == nil {
		t.Error("β = 1.5 is judged")
	}
}
