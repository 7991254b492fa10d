// Package naive is the loop that people write, and an example of a Go
// function as an implementation that the suite can ask.
package naive

import (
	"math"

	"klconf/adapters"
	"klconf/spec"
)

// KL returns Σ p_i ln(p_i/q_i) and nothing more: 0·ln 0 is NaN, a longer q is
// cut silently, a shorter one panics, p/q overflows.
func KL(p, q []float64) float64 {
	sum := 0.0
	for i := range p {
		sum += p[i] * math.Log(p[i]/q[i])
	}
	return sum
}

// New returns KL as an implementation. What the convention leaves out, here
// mismatched lengths, is detected.
func New() spec.Implementation {
	no, yes := false, true
	return adapters.InProcess(spec.Description{
		Name:    "naive",
		Version: "1",
		Convention: &spec.Convention{
			Base: "e", Scale: "1", Generalised: &no, Steps: []spec.Step{},
			ZeroQ: "inf", ZeroZero: "nan", ZeroP: "nan", NaN: "nan", Negative: "value", Infinite: "value",
			Empty: "zero", Subnormal: "kept", RequiresNormalised: &spec.Tolerance{}, Reduction: "none",
		},
		Deterministic: &yes,
	}, map[spec.Op]adapters.Func{"kl": KL}, nil)
}
