package mutant

import (
	"math"
	"slices"

	"klconf/conform/judge"
	"klconf/spec"
)

// ofModels offers what language models ask, in float64 and float32.
func ofModels(d *spec.Description) {
	d.Ops = []spec.Op{"kl_logits", "kl_logits_rows", "kl_logprobs", "kl_logprobs_rows", "entropy_logits", "cross_entropy_logits"}
	d.DTypes = []spec.DType{spec.F64, spec.F32}
}

// model is questions about logits and log-probabilities.
func model(change func(spec.Request) spec.Request, options ...option) maker {
	return questions(change, append([]option{ofModels}, options...)...)
}

// logits is right about changed logits, of each array and row by themselves.
func logits(change func(x []float64) []float64, options ...option) maker {
	return model(func(r spec.Request) spec.Request {
		if _, d, _, _ := r.Op.Split(); d != spec.Logits {
			return r
		}
		for k, a := range r.Arrays {
			if a.DType == spec.U8 || len(a.Shape) == 0 || a.Len() == 0 {
				continue
			}
			n := a.Shape[len(a.Shape)-1]
			b, x := a.Clone(), a.Floats()
			for i := 0; i+n <= len(x); i += n {
				for j, v := range change(x[i : i+n]) {
					b.SetBits(i+j, judge.Bits(b.DType, v))
				}
			}
			r.Arrays[k] = b
		}
		return r
	}, options...)
}

// elements changes every number of one domain.
func elements(domain spec.Domain, f func(float64) float64, options ...option) maker {
	return model(func(r spec.Request) spec.Request {
		if _, d, _, _ := r.Op.Split(); d == domain {
			for i, a := range r.Arrays {
				if a.DType.Float() {
					r.Arrays[i] = mapped(a, f)
				}
			}
		}
		return r
	}, options...)
}

// numbers changes the numbers that come of one domain.
func numbers(domain spec.Domain, f func(r spec.Request, x float64) float64, options ...option) maker {
	return results(func(r spec.Request, x []float64) []float64 {
		if _, d, _, _ := r.Op.Split(); d == domain {
			for i := range x {
				x[i] = f(r, x[i])
			}
		}
		return x
	}, append([]option{ofModels}, options...)...)
}

// temperature returns that of a question, 1 where there is none.
func temperature(r spec.Request) float64 {
	if t, err := r.Options.Temperature.Value(); err == nil {
		return t
	}
	return 1
}

// has reports whether an array of the question has such a number.
func has(r spec.Request, such func(float64) bool) bool {
	return slices.ContainsFunc(r.Arrays, func(a spec.Array) bool { return a.DType.Float() && slices.ContainsFunc(a.Floats(), such) })
}

func isMinusInf(x float64) bool { return math.IsInf(x, -1) }

// Faults of divergences from logits and log-probabilities.
var ofLogits = []Fault{
	{Name: "no-maximum", Killer: "LLM-1", Fault: "The largest logit is not subtracted, and e^x overflows.", Source: "common: exp(x) / exp(x).sum()",
		make: numbers(spec.Logits, func(r spec.Request, v float64) float64 {
			if t := temperature(r); has(r, func(x float64) bool { return math.IsInf(math.Exp(x/t), 1) }) {
				return math.NaN()
			}
			return v
		})},
	{Name: "logits-in-bfloat16", Killer: "ACC-1", Fault: "The logits are rounded to bfloat16.", Source: "torch: autocast of log_softmax",
		make: elements(spec.Logits, func(x float64) float64 { return spec.BF16.Widen(judge.Bits(spec.BF16, x)) })},
	{Name: "bfloat16-arithmetic", Killer: "LLM-10", Fault: "Log-probabilities and terms of bfloat16 logits are rounded to bfloat16.", Source: "torch.nn.functional.kl_div on bfloat16 rows",
		make: answers(narrowLogits, in(spec.BF16), offers("kl_logits"))},
	{Name: "temperature-of-p-only", Killer: "LLM-8", Fault: "The temperature divides P's logits only.", Source: "plausible: teacher_logits / T and student_logits",
		make: model(func(r spec.Request) spec.Request { return cooled(r, 1, func(x, t float64) float64 { return x * t }) })},
	{Name: "temperature-of-q-only", Killer: "LLM-8", Fault: "The temperature divides Q's logits only.", Source: "plausible: student_logits / T and teacher_logits",
		make: model(func(r spec.Request) spec.Request { return cooled(r, 0, func(x, t float64) float64 { return x * t }) })},
	{Name: "temperature-multiplied", Killer: "LLM-8", Fault: "The logits are multiplied by the temperature.", Source: "plausible: an inverse temperature",
		make: model(func(r spec.Request) spec.Request {
			if t := temperature(r); t != 1 {
				r.Options.Temperature = spec.RealOf(1 / t)
			}
			return r
		})},
	{Name: "temperature-ignored", Killer: "LLM-8", Fault: "The option temperature is taken and not used.", Source: "plausible",
		make: model(func(r spec.Request) spec.Request { r.Options.Temperature = ""; return r })},
	{Name: "temperature-squared-factor", Killer: "LLM-8", Fault: "The value is multiplied by T².", Source: "distillation losses: Hinton's factor",
		make: numbers(spec.Logits, func(r spec.Request, v float64) float64 { return v * temperature(r) * temperature(r) })},
	{Name: "mask-ignored", Killer: "ROW-8", Fault: "The mask is taken and not used.", Source: "plausible",
		make: model(func(r spec.Request) spec.Request {
			if n := len(r.Arrays); r.Arrays[n-1].DType == spec.U8 {
				r.Arrays = r.Arrays[:n-1]
			}
			return r
		})},
	{Name: "mask-inverted", Killer: "ROW-8", Fault: "The mask keeps what it should remove.", Source: "common: PyTorch's attention masks are True where nothing is attended to",
		make: model(func(r spec.Request) spec.Request {
			if m := &r.Arrays[len(r.Arrays)-1]; m.DType == spec.U8 {
				*m = m.Clone()
				for i := range m.Len() {
					m.SetBits(i, 1-min(m.Bits(i), 1))
				}
			}
			return r
		})},
	{Name: "mask-multiplied", Killer: "ROW-8", Fault: "Masked logits become 0 and stay in the softmax.", Source: "common: logits * mask",
		make: model(func(r spec.Request) spec.Request {
			m := r.Arrays[len(r.Arrays)-1]
			if m.DType != spec.U8 {
				return r
			}
			for k, a := range r.Arrays[:len(r.Arrays)-1] {
				b := a.Clone()
				for i := range b.Len() {
					if m.Bits(i) == 0 {
						b.SetBits(i, 0)
					}
				}
				r.Arrays[k] = b
			}
			r.Arrays = r.Arrays[:len(r.Arrays)-1]
			return r
		})},
	{Name: "masked-elements-in-divisor", Killer: "ROW-8", Fault: "The reduction mean divides by the number of all elements, the masked ones too.", Source: "common: (kl * mask).mean()",
		make: results(func(r spec.Request, x []float64) []float64 {
			m := r.Arrays[len(r.Arrays)-1]
			if m.DType != spec.U8 || r.Options.Reduction != "mean" {
				return x
			}
			kept := 0
			for i := range m.Len() {
				kept += int(min(m.Bits(i), 1))
			}
			return times(x, float64(kept)/float64(m.Len()))
		}, ofModels)},
	{Name: "masked-logits-nan", Killer: "LLM-4", Fault: "A logit of −Inf on both sides gives NaN.", Source: "google-deepmind/optax PR #1786, pytorch/pytorch#40553",
		make: numbers(spec.Logits, func(r spec.Request, v float64) float64 {
			if has(r, isMinusInf) {
				return math.NaN()
			}
			return v
		})},
	{Name: "minus-inf-is-finite", Killer: "LLM-4", Fault: "A logit of −Inf counts as −1e9, so that masked in Q alone it gives a number.", Source: "transformers: masks of −1e9",
		make: elements(spec.Logits, func(x float64) float64 {
			if isMinusInf(x) {
				return -1e9
			}
			return x
		})},
	{Name: "all-masked-is-zero", Killer: "LLM-5", Fault: "A row whose logits are all −Inf gives 0.", Source: "torch.nan_to_num after the softmax",
		make: numbers(spec.Logits, func(r spec.Request, v float64) float64 {
			if v != v && !has(r, func(x float64) bool { return x != x || math.IsInf(x, 1) }) {
				return 0
			}
			return v
		})},
	{Name: "plus-inf-is-finite", Killer: "LLM-6", Fault: "A logit of +Inf counts as 1e9.", Source: "torch.nan_to_num on the logits",
		make: elements(spec.Logits, func(x float64) float64 {
			if math.IsInf(x, 1) {
				return 1e9
			}
			return x
		})},
	{Name: "logprobs-renormalised", Killer: "LLM-2", Fault: "Log-probabilities go through a log-softmax.", Source: "torch.distributions.Categorical(logits=logprobs)",
		make: model(func(r spec.Request) spec.Request {
			q, d, rows, _ := r.Op.Split()
			if d == spec.LogProbs {
				r.Op = spec.Op(q) + "_logits"
				if rows {
					r.Op += "_rows"
				}
			}
			return r
		})},
	{Name: "log-target-forgotten", Killer: "LLM-2", Fault: "P's log-probabilities are taken for probabilities: Σ a (ln a − b), and 0 where a ≤ 0.", Source: "torch.nn.functional.kl_div with log_target=False",
		make: answers(func(r spec.Request) spec.Answer {
			if r.Op != "kl_logprobs" || !plainOptions(r.Options) || r.Arrays[0].Len() != r.Arrays[1].Len() {
				return oracle(r)
			}
			s, p, q := 0.0, r.Arrays[0].Floats(), r.Arrays[1].Floats()
			for i := range p {
				switch {
				case isNaN(p[i], q[i]):
					s = math.NaN()
				case p[i] > 0:
					s += p[i] * (ln(p[i]) - q[i])
				}
			}
			return scalar(r.Arrays[0].DType, s)
		}, ofModels)},
	{Name: "logprobs-capped-at-zero", Killer: "LLM-7", Fault: "A log-probability above 0 counts as 0.", Source: "plausible: clamp(max=0) against rounding",
		make: elements(spec.LogProbs, func(x float64) float64 {
			if x > 0 && !math.IsInf(x, 0) {
				return 0
			}
			return x
		})},
	{Name: "logprob-minus-inf-nan", Killer: "LLM-7", Fault: "e^−Inf · (−Inf − b) is NaN.", Source: "torch.nn.functional.kl_div with log_target, optax.kl_divergence_with_log_targets",
		make: numbers(spec.LogProbs, func(r spec.Request, v float64) float64 {
			if slices.ContainsFunc(r.Arrays[0].Floats(), isMinusInf) {
				return math.NaN()
			}
			return v
		})},
	{Name: "cut-16-below-maximum", Killer: "LLM-11", Fault: "Logits more than 16 below the largest are raised to that.", Source: "ggml-org/llama.cpp PR #5076, ikawrakow/ik_llama.cpp PR #325",
		make: logits(func(x []float64) []float64 {
			top := slices.Max(x)
			y := slices.Clone(x)
			for i, v := range x {
				if v < top-16 && !isMinusInf(v) && !math.IsInf(top, 0) {
					y[i] = top - 16
				}
			}
			return y
		})},
	{Name: "top-20", Killer: "LLM-1", Fault: "Only the 20 largest logits of each side count.", Source: "APIs that return top_logprobs=20",
		make: logits(func(x []float64) []float64 {
			if len(x) <= 20 || slices.ContainsFunc(x, func(v float64) bool { return v != v }) {
				return x
			}
			s := slices.Sorted(slices.Values(x))
			y := slices.Clone(x)
			for i, v := range x {
				if least := s[len(s)-20]; v < least {
					y[i] = least - 700
				}
			}
			return y
		})},
	{Name: "logits-shift-of-p", Killer: "LLM-3", Fault: "Both sides are divided by P's sum of exponentials, which adds lse(b) − lse(a).", Source: "plausible: one log-sum-exp for both",
		make: answers(func(r spec.Request) spec.Answer {
			a := oracle(r)
			x, ok := a.Result()
			if r.Op != "kl_logits" || !ok || len(r.Arrays) != 2 || math.IsInf(x.Float(0), 0) {
				return a
			}
			t := temperature(r)
			v := x.Float(0) + lse(r.Arrays[0].Floats(), t) - lse(r.Arrays[1].Floats(), t)
			return spec.Answer{Status: spec.OK, Arrays: []spec.Array{rounded(x.DType, x.Shape, []float64{v})}}
		}, ofModels)},
	{Name: "equal-logits-negative", Killer: "LLM-9", Fault: "Equal logits give −1e-6.", Source: "pytorch/pytorch#32520, #80488",
		make: numbers(spec.Logits, func(r spec.Request, v float64) float64 {
			if v == 0 {
				return -1e-6
			}
			return v
		})},
	{Name: "vocabulary-in-float32", Killer: "ACC-1", Fault: "Log-probabilities of float64 logits are rounded to float32.", Source: "transformers: logits.float()",
		make: elements(spec.Logits, func(x float64) float64 { return float64(float32(x)) }, in(spec.F64))},
}

// cooled changes the logits of array i by f(x, T).
func cooled(r spec.Request, i int, f func(x, t float64) float64) spec.Request {
	if t := temperature(r); t != 1 && i < len(r.Arrays) && r.Arrays[i].DType.Float() {
		r.Arrays[i] = mapped(r.Arrays[i], func(x float64) float64 { return f(x, t) })
	}
	return r
}

// lse is ln Σ e^(x/t).
func lse(x []float64, t float64) float64 {
	top, s := slices.Max(x), 0.0
	for _, v := range x {
		s += math.Exp((v - top) / t)
	}
	return top/t + math.Log(s)
}

// narrowLogits rounds the log-probabilities and each term to bfloat16.
func narrowLogits(r spec.Request) spec.Answer {
	a := oracle(r)
	x, ok := a.Result()
	if !ok || len(r.Arrays) != 2 || math.IsInf(x.Float(0), 0) || x.Float(0) != x.Float(0) || x.DType != spec.F32 || r.Options.Grad != "" {
		return a
	}
	round := func(v float64) float64 { return spec.BF16.Widen(judge.Bits(spec.BF16, v)) }
	t := temperature(r)
	p, q, s := r.Arrays[0].Floats(), r.Arrays[1].Floats(), 0.0
	lp, lq := lse(p, t), lse(q, t)
	for i := range p {
		if !isMinusInf(p[i]) {
			u, v := round(p[i]/t-lp), round(q[i]/t-lq)
			s = round(s + round(round(math.Exp(u))*round(u-v)))
		}
	}
	return scalar(x.DType, s)
}
