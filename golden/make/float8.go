package main

import (
	"slices"

	"klconf/spec"
)

// The 8-bit formats of the Open Compute Project (OCP 8-bit Floating Point Specification,
// revision 1.0). E4M3 has no infinity, so that no logit in it is a mask.
var (
	e4m3 = format{spec.F8E4M3, 4, 0x1p-9, 0x1p-6, 448}
	e5m2 = format{spec.F8E5M2, 3, 0x1p-16, 0x1p-14, 57344}
)

// float8 has weights and logits in 8 bits: every bit pattern counts, and the answer is a
// float32 of the exact value.
func float8() family {
	var qs []question
	ramp, flat := []float64{1, 2, 3}, []float64{5, 5, 5}
	for _, f := range []format{e4m3, e5m2} {
		list := []question{
			{name: "ramp", op: "kl_logits", comment: "(1, 2, 3) against equal logits", p: ramp, q: flat},
			{name: "ramp-reverse", op: "kl_logits", comment: "equal logits against (1, 2, 3)", p: flat, q: ramp, req: "DEF-2", flags: "swapped-arguments"},
			{name: "self", op: "kl_logits", comment: "P = Q: 0", p: ramp, q: ramp, req: "LLM-9 VAL-14", flags: "self-not-zero"},
			{name: "shifted", op: "kl_logits", comment: "a constant added to Q: 0", p: ramp, q: []float64{5, 6, 7}, req: "LLM-3 LLM-9 VAL-14", flags: "self-not-zero"},
			{name: "near", op: "kl_logits", comment: "one step apart", p: ramp, q: []float64{1 + f.eps(), 2, 3}, flags: "cancellation"},
			{name: "wide", op: "kl_logits", comment: "logits 96 below the largest", p: []float64{0, -96, -20}, q: []float64{-96, 0, -20}, req: "LLM-11", flags: "tail-cut-off"},
			{name: "largest", op: "kl_logits", comment: "exp of the largest numbers overflows, the softmax does not", p: []float64{f.max, 448, 384}, q: []float64{-f.max, -448, -384}, flags: "partial-overflow"},
			{name: "subnormals", op: "kl_logits", comment: "subnormal logits are numbers", p: []float64{f.eta, f.subnormal(), 0}, q: []float64{0, f.eta, f.subnormal()}, req: "VAL-11", flags: "cancellation"},
			{name: "nan", op: "kl_logits", comment: "a NaN", p: ramp, q: []float64{1, nan, 3}, req: "VAL-5", flags: "nan-lost", stratum: "special"},
			{name: "temperature-2", op: "kl_logits", comment: "divided by 2, without a factor 4", p: ramp, q: flat, opt: spec.Options{Temperature: "2"}, req: "LLM-8", flags: "temperature-squared"},
			{name: "entropy", op: "entropy_logits", comment: "the entropy of the softmax", p: ramp, req: "DEF-5"},
			{name: "rows", op: "kl_logits_rows", shape: []int{2, 3}, comment: "two rows", p: slices.Concat(ramp, flat), q: slices.Concat(flat, ramp), req: "ROW-1"},
			{name: "rows-batchmean", op: "kl_logits_rows", shape: []int{2, 3}, comment: "the mean of two rows", p: slices.Concat(ramp, flat), q: slices.Concat(flat, ramp),
				opt: spec.Options{Reduction: "batchmean"}, req: "ROW-4", flags: "mean-divisor"},
			{name: "dyadic", op: "kl", comment: "three weights that sum to 1", p: []float64{.5, .25, .25}, q: []float64{.25, .25, .5}},
			{name: "counts", op: "kl", comment: "weights that sum to 12 and to 7", p: []float64{7, 3, 2}, q: []float64{1, 2, 4}, req: "DEF-3", stratum: "p-ne-q"},
			{name: "q0", op: "kl", comment: "p > 0 = q: +Inf", p: []float64{.5, .5}, q: []float64{1, 0}, req: "VAL-2", stratum: "zero"},
			{name: "p0", op: "kl", comment: "p = 0 < q contributes 0", p: []float64{0, 1}, q: []float64{.5, .5}, req: "VAL-1", flags: "zero-p-nan", stratum: "zero"},
			{name: "q-least", op: "kl", comment: "q is the least subnormal", p: []float64{.5, .5}, q: []float64{1, f.eta}, req: "VAL-11", stratum: "subnormal"},
			{name: "negative", op: "kl", comment: "a weight below 0 is outside the domain", p: []float64{-.5, 1.5}, q: []float64{.5, .5}, req: "VAL-7", stratum: "special"},
		}
		if f == e5m2 {
			list = append(list,
				question{name: "masked-both", op: "kl_logits", comment: "−Inf in both contributes 0", p: []float64{1, negInf, 2}, q: []float64{2, negInf, 1}, req: "LLM-4", stratum: "zero"},
				question{name: "masked-q", op: "kl_logits", comment: "−Inf in Q alone: +Inf", p: ramp, q: []float64{1, negInf, 3}, req: "LLM-4", stratum: "zero"},
				question{name: "all-masked", op: "kl_logits", comment: "all of P is −Inf: NaN", p: repeat(3, negInf), q: ramp, req: "LLM-5", stratum: "special"},
				question{name: "infinite", op: "kl_logits", comment: "a logit of +Inf", p: []float64{1, inf, 3}, q: ramp, req: "LLM-6", stratum: "special"})
		}
		for _, x := range list {
			x.f = f
			if q, d, _, _ := x.op.Split(); d == spec.Logits {
				x.req = "LLM-1 LLM-10 " + x.req
			} else if q == spec.KL {
				x.req = "LLM-10 " + x.req
			}
			if x.stratum == "" {
				x.stratum = "low-precision"
			}
			qs = append(qs, x)
		}
	}
	return family{"float8", "low-precision", "the definition", qs}
}
