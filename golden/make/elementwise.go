package main

import (
	"fmt"
	"math"

	"klconf/spec"
)

// The formats of questions on logits and log-probabilities.
var logitFormats = []format{f64, f32, f16, bf16}

// shift returns x + d, which every format used here holds.
func shift(d float64, x []float64) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = x[i] + d
	}
	return y
}

// estimators has log-probabilities of samples from P.
func estimators() family {
	var qs []question
	for _, f := range logitFormats {
		p, q := []float64{-1, -2, -0.25, -4, -8}, []float64{-1.5, -1, -0.25, -4.5, -2}
		for _, k := range []string{"k1", "k2", "k3"} {
			flags := "estimator-sign"
			req := "LLM-12"
			if k == "k3" {
				req += " LLM-13"
			}
			opt := spec.Options{Estimator: k}
			qs = append(qs,
				question{name: k, f: f, op: "kl_estimate", comment: k + " of five samples", p: p, q: q, opt: opt, req: req, flags: flags},
				question{name: k + "-equal", f: f, op: "kl_estimate", comment: k + " where the probabilities are equal: 0", p: p, q: p, opt: opt, req: req + " VAL-14", flags: "exact-zero"},
				question{name: k + "-zero-q", f: f, op: "kl_estimate", comment: k + " of a sample that Q does not have: +Inf", p: []float64{-1, -1}, q: []float64{negInf, -1}, opt: opt, req: req, flags: flags, stratum: "zero"},
				question{name: k + "-nan", f: f, op: "kl_estimate", comment: k + " with a NaN in one sample", p: []float64{nan, -1}, q: []float64{-1, -2}, opt: opt, req: req + " VAL-5", flags: "nan-lost", stratum: "special"},
				question{name: k + "-far", f: f, op: "kl_estimate", comment: k + " where the ratio is e^100 and e^-100", source: "huggingface/trl#3015, OpenRLHF/OpenRLHF#525", p: []float64{-120, -1}, q: []float64{-20, -101}, opt: opt, req: req, flags: flags + " estimator-overflow", stratum: "huge-ratio"})
		}
		for k := 3; k < f.precision+8; k += 5 {
			d := math.Ldexp(1, -k)
			if d < f.eta {
				break
			}
			qs = append(qs, question{name: fmt.Sprintf("k3-small-%d", k), f: f, op: "kl_estimate", comment: fmt.Sprintf("k3 at d = ±2^-%d", k),
				p: []float64{0, 0}, q: []float64{d, -d}, opt: spec.Options{Estimator: "k3"}, req: "LLM-12 LLM-13", flags: "estimator-cancellation", stratum: "near-equal"})
		}
	}
	qs = append(qs, question{name: "k3-report", f: f32, op: "kl_estimate", comment: "k3 where −6e-8 was answered for 5e-13", source: "google/tunix#2315",
		p: []float64{float64(float32(-1e-6))}, q: []float64{0}, opt: spec.Options{Estimator: "k3"}, req: "LLM-12 LLM-13", flags: "estimator-cancellation", stratum: "near-equal"})
	return family{"estimator", "softmax", "J. Schulman, Approximating KL Divergence, 2020", qs}
}

// gradients has derivatives of the divergence by one of its arrays.
func gradients() family {
	a, b := []float64{1, 2, 4, 0}, []float64{3, 1, 2, 0.5}
	byP, byQ := spec.Options{Grad: "p"}, spec.Options{Grad: "q"}
	var qs []question
	for _, f := range []format{f64, f32} {
		far := map[spec.DType]float64{"f64": 800, "f32": 120}[f.d]
		for _, x := range []question{
			{name: "by-q", comment: "−p/q", p: []float64{.25, .5, .25}, q: []float64{.5, .375, .125}, opt: byQ, req: "LLM-14"},
			{name: "by-q-zeros", comment: "+0 at p = 0, also at q = 0, and −Inf at p > 0 = q", source: "pytorch/pytorch#89558, pytorch/pytorch#80770", p: []float64{0, 0, .5, .5}, q: []float64{.5, 0, .5, 0}, opt: byQ, req: "LLM-14", flags: "gradient-nan", stratum: "zero"},
			{name: "by-q-nan", comment: "NaN makes all derivatives of the row NaN", p: []float64{nan, .5}, q: []float64{.5, .5}, opt: byQ, req: "LLM-14 VAL-5", flags: "nan-lost", stratum: "special"},
			{name: "by-q-rows", op: "kl_rows", shape: []int{2, 2}, comment: "−p/q in two rows", p: []float64{.5, .5, .25, .75}, q: []float64{.25, .75, .5, .5}, opt: byQ, req: "LLM-14 ROW-1"},
			{name: "by-p", comment: "ln(p/q) + 1", p: []float64{.25, .5, .25}, q: []float64{.5, .375, .125}, opt: byP, req: "LLM-14"},
			{name: "logprobs-by-q", op: "kl_logprobs", comment: "−e^a, and 0 where there is no weight", p: []float64{-1, negInf, 0}, q: []float64{-2, -1, negInf}, opt: byQ, req: "LLM-14 LLM-7", flags: "gradient-nan", stratum: "softmax"},
			{name: "logits-by-q", op: "kl_logits", comment: "softmax(b) − softmax(a)", p: a, q: b, opt: byQ, req: "LLM-15", stratum: "softmax"},
			{name: "logits-by-q-masked", op: "kl_logits", comment: "masked on one side, on the other, on both", p: []float64{0, negInf, 1, negInf}, q: []float64{negInf, 0, 1, negInf}, opt: byQ, req: "LLM-15 LLM-4", flags: "gradient-nan masked-nan", stratum: "zero"},
			{name: "logits-by-q-far", op: "kl_logits", comment: "bounded also where the exponentials are not", p: []float64{0, far, -far}, q: []float64{far, 0, far - 1}, opt: byQ, req: "LLM-15 LLM-11", flags: "gradient-nan no-maximum", stratum: "huge-ratio"},
			{name: "logits-by-q-saturated", op: "kl_logits", comment: "a saturated Bernoulli against a fair one", source: "pytorch/pytorch#15288", p: []float64{30, 0}, q: []float64{0, 0}, opt: byQ, req: "LLM-15", flags: "gradient-nan", stratum: "softmax"},
			{name: "logits-by-q-equal", op: "kl_logits", comment: "0 where the distributions are equal", p: a, q: shift(4, a), opt: byQ, req: "LLM-15 VAL-14", flags: "exact-zero", stratum: "softmax"},
			{name: "logits-by-q-temperature", op: "kl_logits", comment: "divided by the temperature, 2", p: a, q: b, opt: spec.Options{Grad: "q", Temperature: "2"}, req: "LLM-15 LLM-8", flags: "temperature-squared", stratum: "softmax"},
			{name: "logits-by-q-all-masked", op: "kl_logits", comment: "NaN where the row has no distribution", p: []float64{0, 1}, q: []float64{negInf, negInf}, opt: byQ, req: "LLM-15 LLM-5", flags: "all-masked", stratum: "special"},
		} {
			x.f = f
			qs = append(qs, x)
		}
	}
	return family{"gradient", "generic", "the definition", qs}
}

// weightedJS has Jensen-Shannon divergences with another weight than ½.
func weightedJS() family {
	p7, q7 := pmfs(7)
	var qs []question
	for _, f := range []format{f64, f32} {
		for _, beta := range []spec.Real{"0x1p-02", "0x1.999999999999ap-04", "0x1.8p-01", "0", "1"} {
			name := map[spec.Real]string{"0x1p-02": "quarter", "0x1.999999999999ap-04": "tenth", "0x1.8p-01": "three-quarters", "0": "zero", "1": "one"}[beta]
			qs = append(qs,
				question{name: name, f: f, op: "js", comment: "weight " + name + " on P", p: p7, q: q7, opt: spec.Options{Beta: beta}, req: "LLM-17 DEF-7", flags: "js-weight"},
				question{name: name + "-disjoint", f: f, op: "js", comment: "weight " + name + " on P, nothing in common", p: []float64{1, 0}, q: []float64{0, 1}, opt: spec.Options{Beta: beta}, req: "LLM-17 DEF-7", flags: "js-weight", stratum: "zero"})
		}
	}
	return family{"weighted-js", "generic", "the generalised Jensen-Shannon divergence of J. Lin, 1991", qs}
}
