package mutant

import (
	"math"

	"klconf/spec"
)

// estimator answers kl_estimate of that name with f(d), d = ln q − ln p.
func estimator(name string, f func(d float64) float64, options ...option) maker {
	return results(func(r spec.Request, x []float64) []float64 {
		if r.Options.Estimator != name {
			return x
		}
		p, q := r.Arrays[0].Floats(), r.Arrays[1].Floats()
		for i := range x {
			if d := q[i] - p[i]; !math.IsInf(d, 0) && d == d {
				x[i] = f(d)
			}
		}
		return x
	}, append([]option{offers("kl_estimate"), in(spec.F64, spec.F32)}, options...)...)
}

// gradient changes the derivatives.
func gradient(change func(r spec.Request, x []float64) []float64) maker {
	return results(func(r spec.Request, x []float64) []float64 {
		if r.Options.Grad == "" {
			return x
		}
		return change(r, x)
	}, offers("kl", "kl_rows", "kl_logits", "kl_logprobs"), in(spec.F64, spec.F32))
}

// weighted is about the Jensen-Shannon divergence with a weight.
func weighted(change func(spec.Real) spec.Real) maker {
	return questions(func(r spec.Request) spec.Request {
		if r.Options.Beta != "" {
			r.Options.Beta = change(r.Options.Beta)
		}
		return r
	}, offers("js"))
}

// Faults of estimators, derivatives and weighted mixtures.
var ofEstimators = []Fault{
	{Name: "k1-sign", Killer: "LLM-12", Fault: "k1 is +d.", Source: "plausible: log-ratios of either sign are in use",
		make: estimator("k1", func(d float64) float64 { return d })},
	{Name: "k2-not-halved", Killer: "LLM-12", Fault: "k2 is d².", Source: "plausible: an mse loss on log-probabilities",
		make: estimator("k2", func(d float64) float64 { return d * d })},
	{Name: "k3-reversed", Killer: "LLM-12", Fault: "k3 is e^−d − 1 + d.", Source: "common: the ratio upside down, huggingface/trl#3015",
		make: estimator("k3", func(d float64) float64 { return math.Expm1(-d) + d })},
	{Name: "k3-cancels", Killer: "LLM-13", Fault: "k3 is evaluated as exp(d) − 1 − d.", Source: "google/tunix#2315",
		make: estimator("k3", func(d float64) float64 { return math.Exp(d) - 1 - d })},
	{Name: "k3-clamped", Killer: "LLM-12", Fault: "d is clamped to [−10, 10].", Source: "verl, OpenRLHF/OpenRLHF#525",
		make: estimator("k3", func(d float64) float64 { d = math.Max(-10, math.Min(10, d)); return math.Expm1(d) - d })},
	{Name: "k3-is-k2", Killer: "LLM-12", Fault: "k3 is d²/2.", Source: "plausible: the two agree for small d",
		make: estimator("k3", func(d float64) float64 { return d * d / 2 })},
	{Name: "gradient-sign", Killer: "LLM-14", Fault: "Derivatives have the wrong sign.", Source: "plausible: gradient ascent",
		make: gradient(func(r spec.Request, x []float64) []float64 { return times(x, -1) })},
	{Name: "gradient-nan-at-zero", Killer: "LLM-14", Fault: "The derivative at p = q = 0 is NaN.", Source: "pytorch/pytorch#89558, #80770",
		make: gradient(func(r spec.Request, x []float64) []float64 {
			if r.Op == "kl" && r.Options.Grad == "q" {
				p, q := r.Arrays[0].Floats(), r.Arrays[1].Floats()
				for i := range x {
					if p[i] == 0 && q[i] == 0 {
						x[i] = math.NaN()
					}
				}
			}
			return x
		})},
	{Name: "gradient-of-p", Killer: "LLM-14", Fault: "The derivative by P is given for that by Q.", Source: "plausible: argument order",
		make: questions(func(r spec.Request) spec.Request {
			if r.Options.Grad == "q" {
				r.Options.Grad = "p"
			}
			return r
		}, offers("kl", "kl_rows"), in(spec.F64, spec.F32))},
	{Name: "logit-gradient-of-sum", Killer: "LLM-15", Fault: "The derivative by the logits of Q is −softmax(a): the normaliser is forgotten.", Source: "plausible: the derivative by log-probabilities",
		make: gradient(func(r spec.Request, x []float64) []float64 {
			if r.Op == "kl_logits" && r.Options.Grad == "q" && temperature(r) == 1 && len(x) == r.Arrays[1].Len() {
				b := r.Arrays[1].Floats()
				for i, v := range softmax(b) {
					if v == v {
						x[i] -= v
					}
				}
			}
			return x
		})},
	{Name: "beta-on-the-other-side", Killer: "LLM-17", Fault: "β is Q's weight.", Source: "distillation losses have β on either side",
		make: weighted(func(b spec.Real) spec.Real {
			if v, err := b.Value(); err == nil {
				return spec.RealOf(1 - v)
			}
			return b
		})},
	{Name: "beta-ignored", Killer: "LLM-17", Fault: "The option beta is taken and not used.", Source: "plausible",
		make: weighted(func(spec.Real) spec.Real { return "" })},
}
