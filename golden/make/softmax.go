package main

import (
	"fmt"
	"math"
	"slices"

	"klconf/spec"
)

// wave returns n logits k/8 between −8 and 8, from a fixed sequence that no other
// phase repeats.
func wave(n, phase int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64((i*i*7+i*(3+2*phase)+11*phase)%129-64) / 8
	}
	return x
}

// logitEdges has logits that are large, far apart, near each other or masked, and
// rows of many lengths.
func logitEdges() []question {
	a3, b3 := []float64{1, 2, 4}, []float64{3, 1, 2}
	var qs []question
	for _, f := range logitFormats {
		far, lift := map[spec.DType]float64{"f64": 700, "f32": 90, "bf16": 90, "f16": 96}[f.d], 512.0
		if f.d == "f64" {
			lift = 8192
		}
		deep := []float64{0, -far}
		for _, x := range []question{
			{name: "lifted", comment: "three logits of P raised by 512, 8192 in f64: the value of lifted-not", p: shift(lift, []float64{0, 4, 16}), q: []float64{8, 0, 4}, req: "LLM-3", flags: "no-maximum"},
			{name: "lifted-not", comment: "the same without the 512", p: []float64{0, 4, 16}, q: []float64{8, 0, 4}, req: "LLM-3"},
			{name: "lifted-both", comment: "both raised", p: shift(lift, []float64{0, 4, 16}), q: shift(lift, []float64{8, 0, 4}), req: "LLM-3", flags: "no-maximum"},
			{name: "lowered-both", comment: "both lowered: every exponential is 0", p: shift(-lift, []float64{0, 4, 16}), q: shift(-lift, []float64{8, 0, 4}), req: "LLM-3", flags: "no-maximum"},
			{name: "deep", comment: fmt.Sprintf("what differs lies %v below the largest logit", far), p: deep, q: []float64{0, -far - 1}, req: "LLM-11", flags: "tail-cut-off", stratum: "subnormal"},
			{name: "deep-q", comment: fmt.Sprintf("half of P where the logit of Q is %v below the largest", 10*far), p: []float64{0, 0}, q: []float64{0, -10 * far}, req: "LLM-11", flags: "tail-cut-off softmax-underflow", stratum: "huge-ratio"},
			{name: "deep-p", comment: "a tail of P that weighs nothing, against half of Q", p: []float64{0, -10 * far}, q: []float64{0, 0}, req: "LLM-11", flags: "softmax-underflow"},
			{name: "keras-limit", comment: "probabilities below 1e-7 on both sides", p: []float64{0, -17, -18, -19}, q: []float64{0, -19, -18, -17}, req: "LLM-11 DEF-10", flags: "value-clamped tail-cut-off", stratum: "huge-ratio"},
			{name: "u16-base", comment: "logits spread over more than 16 below the largest", p: []float64{20, 4, 3, 2, 0}, q: []float64{20, 3, 4, 0, 2}, req: "LLM-11", flags: "tail-cut-off"},
			{name: "masked-all-but-one", comment: "one logit left of P", p: []float64{negInf, 3, negInf}, q: []float64{1, 3, 5}, req: "LLM-4", flags: "masked-nan", stratum: "zero"},
			{name: "masked-one-each", comment: "one logit left, the same on both sides: 0", p: []float64{negInf, 3, negInf}, q: []float64{negInf, 5, negInf}, req: "LLM-4 LLM-9", flags: "masked-nan exact-zero", stratum: "zero"},
			{name: "masked-disjoint", comment: "nothing in common: +Inf", p: []float64{1, negInf}, q: []float64{negInf, 1}, req: "LLM-4", flags: "zero-q-finite", stratum: "zero"},
			{name: "nothing-of-both", comment: "all logits are −Inf", p: []float64{negInf, negInf}, q: []float64{negInf, negInf}, req: "LLM-5", flags: "all-masked", stratum: "special"},
			{name: "nan-q", comment: "NaN among the logits of Q where P is masked", p: []float64{1, negInf, 2}, q: []float64{2, nan, 1}, req: "VAL-6", flags: "nan-lost", stratum: "special"},
			{name: "inf-q", comment: "+Inf among the logits of Q", p: a3, q: []float64{inf, 1, 2}, req: "LLM-6", flags: "infinite-logit", stratum: "special"},
			{name: "nan-before-inf", comment: "NaN before +Inf", p: []float64{1, inf, nan}, q: b3, req: "VAL-16", flags: "order-of-checks", stratum: "special"},
			{name: "negative-zero", comment: "−0 against +0", p: []float64{negZero, 1}, q: []float64{0, 1}, req: "VAL-4 LLM-9", flags: "exact-zero"},
			{name: "uniform-4-of-8", comment: "four equal logits against eight: ln 2", p: append(repeat(4, 1), repeat(4, negInf)...), q: repeat(8, -3), req: "LLM-4"},
			{name: "hot", comment: "nearly all in one class, in different ones", p: []float64{16, 0, 0, 0}, q: []float64{0, 0, 0, 16}},
			{name: "temperature-half", comment: "temperature 1/2", p: a3, q: b3, opt: spec.Options{Temperature: "0x1p-01"}, req: "LLM-8", flags: "temperature-squared"},
			{name: "temperature-low", comment: "temperature 2^-10: nearly argmax against argmax", p: a3, q: []float64{1, 3, 3.5}, opt: spec.Options{Temperature: "0x1p-10"}, req: "LLM-8", flags: "no-maximum softmax-underflow"},
			{name: "temperature-high", comment: "temperature 1024: nearly uniform", p: a3, q: b3, opt: spec.Options{Temperature: "1024"}, req: "LLM-8", flags: "cancellation temperature-squared", stratum: "near-equal"},
			{name: "entropy-masked", op: "entropy_logits", comment: "the entropy of two equal logits and a masked one: ln 2", p: []float64{0, 0, negInf}, req: "DEF-5 LLM-4", flags: "masked-nan", stratum: "zero", source: "pytorch/pytorch#40553"},
			{name: "entropy-one", op: "entropy_logits", comment: "the entropy of one logit left: +0", p: []float64{negInf, 5}, req: "DEF-5 LLM-4 VAL-14", flags: "masked-nan negative-zero-result", stratum: "zero"},
			{name: "entropy-deep", op: "entropy_logits", comment: "the entropy of a tail below the format", p: deep, req: "DEF-5 LLM-11", flags: "tail-cut-off", stratum: "subnormal"},
			{name: "entropy-lifted", op: "entropy_logits", comment: "the entropy of lifted logits", p: shift(lift, []float64{0, 4, 16}), req: "DEF-5 LLM-3", flags: "no-maximum"},
			{name: "cross-entropy-one", op: "cross_entropy_logits", comment: "the negative log-likelihood of one class", p: []float64{negInf, 0, negInf}, q: b3, req: "DEF-6 LLM-4", flags: "masked-nan", stratum: "zero"},
			{name: "cross-entropy-masked-q", op: "cross_entropy_logits", comment: "a class that Q masks: +Inf", p: []float64{1, 0, 2}, q: []float64{2, negInf, 1}, req: "DEF-6 LLM-4", flags: "zero-q-finite", stratum: "zero"},
			{name: "cross-entropy-far", op: "cross_entropy_logits", comment: "a class far below the largest: nearly the distance", p: []float64{0, negInf}, q: []float64{-far, far}, req: "DEF-6 LLM-11", flags: "softmax-underflow", stratum: "huge-ratio"},
			{name: "integers", comment: "1, 2, 3 against 8, 10, 6", source: "pytorch/pytorch#80488", p: []float64{1, 2, 3}, q: []float64{8, 10, 6}, flags: "self-not-zero"},
		} {
			x.f = f
			x.req = "LLM-1 " + x.req
			if f.d != "f64" && f.d != "f32" {
				x.req += " LLM-10"
			}
			qs = append(qs, x)
		}
		// Next to P, and as near as the format goes.
		for k := 4; k < f.precision-1; k += 6 {
			d := math.Ldexp(1, -k)
			qs = append(qs, question{name: fmt.Sprintf("near-%d", k), f: f, comment: fmt.Sprintf("four logits of which two moved by 2^-%d", k),
				p: []float64{1, 0.5, 0.75, 0}, q: []float64{1, 0.5 + d, 0.75 - d, 0}, req: "LLM-1 LLM-9", flags: "cancellation", stratum: "near-equal"})
		}
		for _, n := range []int{2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257} {
			if n > 65 && f.d != "f64" && f.d != "f32" {
				continue
			}
			qs = append(qs, question{name: fmt.Sprintf("elements-%d", n), f: f, comment: fmt.Sprintf("%d logits", n),
				p: wave(n, 0), q: wave(n, 1), req: "LLM-1 IO-4", flags: "element-lost"})
		}
		rows := question{f: f, op: "kl_logits_rows", shape: []int{4, 3}, comment: "four rows of three",
			p: slices.Concat(a3, b3, a3, []float64{0, negInf, 1}), q: slices.Concat(b3, a3, a3, []float64{1, negInf, 0})}
		for _, reduction := range []string{"sum", "mean"} {
			x := rows
			x.name, x.opt = "rows-"+reduction, spec.Options{Reduction: reduction}
			x.comment += ", " + reduction
			x.req = map[string]string{"sum": "LLM-1 ROW-2 ROW-5", "mean": "LLM-1 ROW-3 ROW-5"}[reduction]
			x.flags = map[string]string{"mean": "mean-divisor"}[reduction]
			qs = append(qs, x)
		}
		if f.d != "f64" {
			qs = append(qs, question{name: "three-f64", f: f, comment: "three logits, the result in f64", p: a3, q: b3,
				opt: spec.Options{ResultDType: spec.F64}, req: "LLM-1 LLM-10 DEF-9", flags: "narrow-result"})
		}
	}
	for i := range qs {
		if qs[i].op == "" {
			qs[i].op = "kl_logits"
		}
	}
	return qs
}

// logProbEdges has logarithms of weights at the ends of the range, at zeros, and in
// rows of several lengths.
func logProbEdges() []question {
	a3, b3 := []float64{-1, -2, -0.5}, []float64{-2, -1, -1.5}
	var qs []question
	for _, f := range logitFormats {
		for _, x := range []question{
			{name: "no-weight", comment: "no weight at all: 0", p: []float64{negInf, negInf}, q: []float64{-1, 0}, req: "LLM-7", flags: "masked-nan", stratum: "zero"},
			{name: "one-hot", comment: "one weight of 1", p: []float64{0, negInf}, q: []float64{-1, negInf}, req: "LLM-7", flags: "masked-nan", stratum: "zero"},
			{name: "masked-target", comment: "−Inf among the targets", source: "google-deepmind/optax#1786", p: []float64{negInf, -0.9375, -0.5, negInf}, q: []float64{-3, -1, -1, -3}, req: "LLM-7", flags: "masked-nan", stratum: "zero"},
			{name: "inf-q", comment: "+Inf in Q", p: []float64{-1, -1}, q: []float64{inf, -1}, req: "LLM-6", flags: "infinite-logit", stratum: "special"},
			{name: "near", comment: "Q next to P", p: []float64{-1, -0.5}, q: []float64{-1 - f.eps(), -0.5 + f.eps()/2}, flags: "cancellation", stratum: "near-equal"},
			{name: "small-weights", comment: "weights of e^-60 and less", p: []float64{-60, -64, -72}, q: []float64{-64, -60, -80}, flags: "value-clamped", stratum: "subnormal"},
			{name: "bits", comment: "three log-probabilities, in bits", p: a3, q: b3, opt: spec.Options{Base: "2"}, req: "DEF-4", flags: "wrong-base"},
			{name: "entropy-zero-weight", op: "entropy_logprobs", comment: "an entropy with a weight of 0", p: []float64{negInf, -1}, req: "DEF-5 LLM-7", flags: "masked-nan", stratum: "zero"},
			{name: "entropy-one", op: "entropy_logprobs", comment: "the entropy of one weight of 1: +0", p: []float64{0, negInf}, req: "DEF-5 VAL-14", flags: "masked-nan negative-zero-result", stratum: "zero"},
			{name: "cross-entropy-zero-weight-q", op: "cross_entropy_logprobs", comment: "a cross-entropy with a weight of 0 in Q alone: +Inf", p: a3, q: []float64{-1, negInf, -2}, req: "DEF-6 LLM-7", flags: "zero-q-finite", stratum: "zero"},
		} {
			x.f = f
			x.req = "LLM-2 " + x.req
			if f.d != "f64" && f.d != "f32" {
				x.req += " LLM-10"
			}
			qs = append(qs, x)
		}
		top := map[spec.DType]float64{"f64": 709, "f32": 88, "f16": 88, "bf16": 88}[f.d]
		qs = append(qs,
			question{name: "large", f: f, comment: "a weight near the largest number", p: []float64{top, 0}, q: []float64{top - 0.5, 1}, req: "LLM-2 LLM-7", flags: "value-clamped renormalised", stratum: "huge-ratio"},
			question{name: "overflow", f: f, comment: "a weight beyond the largest number", p: []float64{top + 8, 0}, q: []float64{0, 0}, req: "LLM-2 LLM-7 VAL-15", flags: "value-overflow", stratum: "huge-ratio"},
			question{name: "overflow-negative", f: f, comment: "a value beyond the largest number, below 0", p: []float64{top, 0}, q: []float64{top + 64, 0}, req: "LLM-2 LLM-7 VAL-15", flags: "value-overflow", stratum: "huge-ratio"},
			question{name: "vanishing", f: f, comment: "weights below the least number", p: []float64{-8 * top, -9 * top}, q: []float64{0, -1}, req: "LLM-2 VAL-14", flags: "negative-zero-result exact-zero", stratum: "subnormal"})
		for _, n := range []int{8, 17, 64, 65} {
			p, q := shift(-9, wave(n, 0)), shift(-9, wave(n, 1))
			qs = append(qs, question{name: fmt.Sprintf("elements-%d", n), f: f, comment: fmt.Sprintf("%d log-probabilities", n),
				p: p, q: q, req: "LLM-2 IO-4", flags: "element-lost renormalised"})
		}
		x := question{f: f, op: "kl_logprobs_rows", shape: []int{2, 3}, p: slices.Concat(a3, b3), q: slices.Concat(b3, b3)}
		for _, reduction := range []string{"sum", "mean", "batchmean"} {
			x.name, x.comment, x.opt = "rows-"+reduction, "two rows of three, "+reduction, spec.Options{Reduction: reduction}
			x.req = map[string]string{"sum": "LLM-2 ROW-2", "mean": "LLM-2 ROW-3", "batchmean": "LLM-2 ROW-4"}[reduction]
			qs = append(qs, x)
		}
	}
	for i := range qs {
		if qs[i].op == "" {
			qs[i].op = "kl_logprobs"
		}
	}
	return qs
}
