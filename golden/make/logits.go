package main

import (
	"fmt"
	"slices"

	"klconf/golden"
	"klconf/spec"
)

// logits has rows that are the arguments of a softmax: small ones at every
// special value, and those of a language model.
func logits() family {
	var qs []question
	ramp, other := []float64{1, 2, 3}, []float64{5, 5, 5}
	for _, f := range []format{f64, f32, f16, bf16} {
		for _, x := range []question{
			{name: "ramp", comment: "(1, 2, 3) against equal logits", p: ramp, q: other},
			{name: "ramp-reverse", comment: "equal logits against (1, 2, 3)", p: other, q: ramp, req: "DEF-2", flags: "swapped-arguments"},
			{name: "self", comment: "P = Q: 0", p: ramp, q: ramp, req: "LLM-9 VAL-14", flags: "self-not-zero", source: "pytorch/pytorch#32520, pytorch/pytorch#80488"},
			{name: "shifted", comment: "a constant added to Q: 0", p: ramp, q: []float64{9, 10, 11}, req: "LLM-3 LLM-9 VAL-14", flags: "self-not-zero"},
			{name: "uniform", comment: "equal logits on both sides: 0", p: repeat(5, 2), q: repeat(5, -3), req: "LLM-3 LLM-9 VAL-14", flags: "self-not-zero"},
			{name: "wide", comment: "logits 100 below the largest", p: []float64{0, -100, -20}, q: []float64{-100, 0, -20}, req: "LLM-11", flags: "tail-cut-off"},
			{name: "tail", comment: "logits 30 below the largest still count", p: []float64{0, -30, -30}, q: []float64{0, -20, -40}, req: "LLM-11", flags: "tail-cut-off"},
			{name: "large", comment: "exp of the logits overflows, the softmax does not", p: []float64{1024, 1016, 1008}, q: []float64{-1024, -1032, -1024}, flags: "partial-overflow"},
			{name: "near", comment: "one step apart", p: []float64{1, 2, 3}, q: []float64{1 + f.eps(), 2, 3}, flags: "cancellation", stratum: "near-equal"},
			{name: "masked-both", comment: "−Inf in both contributes 0", p: []float64{1, negInf, 2}, q: []float64{2, negInf, 1}, req: "LLM-4", stratum: "zero"},
			{name: "masked-q", comment: "−Inf in Q alone: +Inf", p: []float64{1, 2, 3}, q: []float64{1, negInf, 3}, req: "LLM-4", stratum: "zero"},
			{name: "masked-p", comment: "−Inf in P alone contributes 0", p: []float64{1, negInf, 3}, q: []float64{1, 2, 3}, req: "LLM-4", flags: "zero-p-nan", stratum: "zero"},
			{name: "all-masked-p", comment: "all of P is −Inf: NaN", p: repeat(3, negInf), q: ramp, req: "LLM-5", stratum: "special"},
			{name: "all-masked-q", comment: "all of Q is −Inf: NaN", p: ramp, q: repeat(3, negInf), req: "LLM-5", stratum: "special"},
			{name: "infinite", comment: "a logit of +Inf", p: []float64{1, inf, 3}, q: ramp, req: "LLM-6", stratum: "special"},
			{name: "nan", comment: "a NaN", p: ramp, q: []float64{1, nan, 3}, req: "VAL-5", flags: "nan-lost", stratum: "special"},
			{name: "one", comment: "one element: 0 whatever it is", p: []float64{3}, q: []float64{-7}, req: "VAL-18 VAL-14"},
			{name: "mismatch", comment: "lengths 3 and 2", p: ramp, q: []float64{1, 2}, req: "VAL-10", stratum: "special"},
			{name: "temperature-2", comment: "divided by 2, without a factor 4", p: ramp, q: other, opt: spec.Options{Temperature: "2"}, req: "LLM-8", flags: "temperature-squared"},
			{name: "temperature-seven-tenths", comment: "divided by the float64 nearest to 0.7", p: ramp, q: []float64{3, 1, 0}, opt: spec.Options{Temperature: "0x1.6666666666666p-1"}, req: "LLM-8", flags: "temperature-squared"},
			{name: "entropy", op: "entropy_logits", comment: "the entropy of the softmax", p: ramp, req: "DEF-5"},
			{name: "cross-entropy", op: "cross_entropy_logits", comment: "the cross-entropy of the softmaxes", p: ramp, q: []float64{3, 1, 0}, req: "DEF-6"},
			{name: "bits", comment: "in bits", p: ramp, q: other, opt: spec.Options{Base: "2"}, req: "DEF-4", flags: "wrong-base"},
			{name: "rows", op: "kl_logits_rows", shape: []int{2, 3}, comment: "two rows", p: slices.Concat(ramp, other), q: slices.Concat(other, ramp), req: "ROW-1"},
			{name: "rows-batchmean", op: "kl_logits_rows", shape: []int{2, 3}, comment: "the mean of two rows", p: slices.Concat(ramp, other), q: slices.Concat(other, ramp),
				opt: spec.Options{Reduction: "batchmean"}, req: "ROW-4", flags: "mean-divisor"},
		} {
			if x.op == "" {
				x.op = "kl_logits"
			}
			x.f, x.req = f, "LLM-1 "+x.req
			if f.d == "f16" || f.d == "bf16" {
				x.req += " LLM-10"
				if x.stratum == "" {
					x.stratum = "low-precision"
				}
			}
			qs = append(qs, x)
		}
	}
	return family{"logits", "softmax", "the definition", append(qs, logitEdges()...)}
}

// logprobs has logarithms of weights, which are not renormalised.
func logprobs() family {
	var qs []question
	a, b := []float64{-1, -.5, -2}, []float64{-.75, -1.25, -1}
	for _, f := range []format{f64, f32, bf16} {
		for _, x := range []question{
			{name: "three", comment: "three log-probabilities", p: a, q: b},
			{name: "self", comment: "P = Q: 0", p: a, q: a, req: "VAL-14", flags: "self-not-zero"},
			{name: "above-zero", comment: "values above 0 are legal", p: []float64{1, 2}, q: []float64{.5, -1}, req: "LLM-7", stratum: "p-ne-q"},
			{name: "negative", comment: "e^a·(a − b) < 0", p: []float64{-3, -2}, q: []float64{-1, -1}, req: "VAL-19", flags: "clamped-result", stratum: "p-ne-q"},
			{name: "p0", comment: "−Inf in P contributes 0", p: []float64{negInf, 0}, q: []float64{-1, -.5}, req: "LLM-7 VAL-1", flags: "zero-p-nan", stratum: "zero"},
			{name: "q0", comment: "−Inf in Q alone: +Inf", p: []float64{-1, -.5}, q: []float64{negInf, 0}, req: "LLM-7 VAL-2", stratum: "zero"},
			{name: "both-zero", comment: "−Inf in both contributes 0", p: []float64{negInf, -.5}, q: []float64{negInf, -.25}, req: "LLM-7 VAL-3", flags: "zero-zero-nan", stratum: "zero"},
			{name: "infinite", comment: "+Inf", p: []float64{inf, 0}, q: []float64{-1, -1}, req: "LLM-6", stratum: "special"},
			{name: "nan", comment: "a NaN where P is −Inf", p: []float64{negInf, 0}, q: []float64{nan, 0}, req: "VAL-5 VAL-6", flags: "nan-behind-zero", stratum: "special"},
			{name: "entropy", op: "entropy_logprobs", comment: "−Σ a·e^a", p: a, req: "DEF-5"},
			{name: "cross-entropy", op: "cross_entropy_logprobs", comment: "−Σ b·e^a", p: a, q: b, req: "DEF-6"},
			{name: "tie", comment: "exactly 1 + 2^-52/2^-… : e^0 twice, a tie that is rational", p: []float64{0, 0}, q: []float64{-1, -f.eps() / 2}, flags: "tie", req: "DEF-9", stratum: "p-ne-q"},
			{name: "rows", op: "kl_logprobs_rows", shape: []int{2, 3}, comment: "two rows", p: slices.Concat(a, b), q: slices.Concat(b, a), req: "ROW-1"},
		} {
			if x.op == "" {
				x.op = "kl_logprobs"
			}
			if x.name == "tie" {
				if f.d == "bf16" {
					continue // the result is f32, where this is no tie
				}
				x.comment = "exactly 1 and half a step: e^0 twice, and to even is 1"
			}
			x.f, x.req = f, "LLM-2 "+x.req
			qs = append(qs, x)
		}
	}
	return family{"logprobs", "softmax", "the definition", append(qs, logProbEdges()...)}
}

// masks has questions with a mask: what is masked is removed before anything
// else and leaves the divisor.
func masks() family {
	var qs []question
	a, b := []float64{1, 2, 3, 9, -2}, []float64{3, 1, 0, -9, 4}
	rows := func(p, q []float64, reduction string, mask ...uint64) question {
		return question{op: "kl_logits_rows", shape: []int{2, 5}, p: slices.Concat(p, q), q: slices.Concat(q, p), mask: mask, opt: spec.Options{Reduction: reduction}}
	}
	none := rows(a, b, "", 1, 1, 1, 0, 0, 1, 1, 1, 1, 0)
	none.name, none.comment, none.req = "rows", "two rows, masked differently", "ROW-1"
	mean := rows(a, b, "mean", 1, 1, 1, 0, 0, 1, 1, 1, 1, 0)
	mean.name, mean.comment, mean.req, mean.flags = "rows-mean", "the mean over what is kept: seven elements", "ROW-3", "mean-divisor"
	batchmean := rows(a, b, "batchmean", 1, 1, 1, 0, 0, 0, 0, 0, 0, 1)
	batchmean.name, batchmean.comment, batchmean.req, batchmean.flags = "rows-batchmean", "the mean of two rows, one of a single element", "ROW-4", "mean-divisor"
	for _, f := range []format{f64, f32, bf16} {
		for _, x := range []question{
			{name: "one-out", comment: "one of five is masked: it leaves the softmax", p: a, q: b, mask: []uint64{1, 1, 1, 0, 1}},
			{name: "all-in", comment: "nothing is masked", p: a, q: b, mask: []uint64{1, 1, 1, 1, 1}},
			{name: "one-in", comment: "a single element is kept: 0", p: a, q: b, mask: []uint64{0, 0, 1, 0, 0}, req: "VAL-14 VAL-18"},
			{name: "hides-nan", comment: "a NaN behind the mask does not count", p: with(a, 1, nan), q: b, mask: []uint64{1, 0, 1, 1, 1}},
			{name: "hides-infinite", comment: "a +Inf behind the mask does not count", p: a, q: with(b, 4, inf), mask: []uint64{1, 1, 1, 1, 0}},
			{name: "hides-q0", comment: "−Inf in Q behind the mask does not count", p: a, q: with(b, 0, negInf), mask: []uint64{0, 1, 1, 1, 1}},
			{name: "entropy", op: "entropy_logits", comment: "the entropy of what is kept", p: a, mask: []uint64{1, 0, 1, 1, 1}, req: "DEF-5"},
			{name: "cross-entropy", op: "cross_entropy_logits", comment: "the cross-entropy of what is kept", p: a, q: b, mask: []uint64{1, 0, 1, 1, 1}, req: "DEF-6"},
			none, mean, batchmean,
		} {
			if x.op == "" {
				x.op = "kl_logits"
			}
			x.f, x.req, x.flags = f, "ROW-8 LLM-1 "+x.req, "mask-as-zero "+x.flags
			qs = append(qs, x)
		}
	}
	return family{"masks", "softmax", "the definition", qs}
}

// model has the next-token logits of a language model at four positions of a
// text, against those of the same model quantised further: positions with the
// smallest, a middling and the largest divergence, and with the largest
// entropy.
func model() family {
	var qs []question
	names := []string{"smallest", "middling", "largest", "entropic"}
	row := func(f format, name, comment string, op spec.Op, p, q []int, n int) question {
		x := question{name: name, f: f, comment: comment, op: op, data: &golden.Data{File: golden.DataFile, P: p, Q: q}, shape: []int{n}, req: "LLM-1 LLM-16", stratum: "softmax"}
		if len(p) > 1 {
			x.shape = []int{len(p), n}
		}
		if f.d == "f16" || f.d == "bf16" {
			x.req, x.stratum = x.req+" LLM-10", "low-precision"
		}
		return x
	}
	const n = golden.DataColumns
	for _, f := range []format{f32, f16, bf16, f64} {
		for i, name := range names {
			qs = append(qs,
				row(f, name, "the model against itself quantised further, in "+string(f.d), "kl_logits", []int{i}, []int{i + 4}, n),
				row(f, name+"-reverse", "the other way round", "kl_logits", []int{i + 4}, []int{i}, n))
		}
	}
	for i, name := range names {
		qs = append(qs,
			row(f32, name+"-1024", "the first 1024 logits", "kl_logits", []int{i}, []int{i + 4}, 1024),
			row(bf16, name+"-1024", "the first 1024 logits", "kl_logits", []int{i}, []int{i + 4}, 1024),
			row(f32, name+"-entropy", "the entropy", "entropy_logits", []int{i}, nil, n),
			row(f32, name+"-cross-entropy", "the cross-entropy", "cross_entropy_logits", []int{i}, []int{i + 4}, n))
	}
	for _, t := range []struct {
		name string
		t    spec.Real
	}{{"seven-tenths", "0x1.6666666666666p-1"}, {"2", "2"}} {
		x := row(f32, "largest-temperature-"+t.name, "all logits divided by "+t.name, "kl_logits", []int{2}, []int{6}, n)
		x.opt.Temperature, x.req = t.t, x.req+" LLM-8"
		qs = append(qs, x)
	}
	qs = append(qs,
		row(f32, "across", "one position against another", "kl_logits", []int{0}, []int{3}, n),
		row(f32, "across-reverse", "the other way round", "kl_logits", []int{3}, []int{0}, n),
		row(f32, "rows", "all four positions, 2048 logits of each", "kl_logits_rows", []int{0, 1, 2, 3}, []int{4, 5, 6, 7}, 2048))
	mean := row(f32, "rows-batchmean", "the mean of four positions, 2048 logits of each", "kl_logits_rows", []int{0, 1, 2, 3}, []int{4, 5, 6, 7}, 2048)
	mean.opt.Reduction, mean.req = "batchmean", mean.req+" ROW-4"
	qs = append(qs, mean)
	for i := range qs {
		qs[i].flags = "accumulation tail-cut-off"
	}
	return family{"model", "softmax", fmt.Sprintf("SmolLM2-135M-Instruct and its requantisation, %s", golden.DataFile), qs}
}
