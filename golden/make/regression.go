package main

import (
	"math"

	"klconf/spec"
)

// regression has the inputs of public bug reports, as far as they are
// questions on probabilities. Decimal numbers are those of the reports and
// stand for the float64, or float32, nearest to them.
func regression() family {
	half := []float64{.5, .5}
	sixteen := repeat(16, .0625)
	tfp := func(n int) (p, q []float64) {
		p, q = repeat(n, 0), repeat(n, 0)
		p[0], p[1], q[0], q[1] = .5, .5, f32.eta, 1
		return p, q
	}
	tfp2, tfq2 := tfp(2)
	tfp8, tfq8 := tfp(8)
	tfp64, tfq64 := tfp(64)
	seedRows := func() (p, q []float64) {
		return []float64{.2, .5, .3, .1, .6, .3}, []float64{.1, .6, .3, .2, .5, .3}
	}
	rp, rq := seedRows()
	uniform := func(n int) []float64 { return single(ordinary(n, uint64(n))) }

	return family{"regression", "generic", "", []question{
		{name: "near-equal-log1p-1", comment: "a term of 1e-14 from weights that agree to 14 digits", source: "scipy/scipy#20710, scipy/scipy#20816",
			p: []float64{0.9456657713430001}, q: []float64{0.9456657713430094}, req: "DEF-1 VAL-18", flags: "cancellation", stratum: "near-equal"},
		{name: "near-equal-log1p-2", comment: "the second pair of the report", source: "scipy/scipy#20710, scipy/scipy#20816",
			p: []float64{0.48066098564791515}, q: []float64{0.48066098564794774}, req: "DEF-1 VAL-18", flags: "cancellation", stratum: "near-equal"},
		{name: "near-equal-log1p-3", comment: "the third pair of the report", source: "scipy/scipy#20710, scipy/scipy#20816",
			p: []float64{0.786048657854401}, q: []float64{0.7860486578542367}, req: "DEF-1 VAL-18", flags: "cancellation", stratum: "near-equal"},
		{name: "near-equal-log1p-sum", comment: "the three pairs of the report in one sum", source: "scipy/scipy#20710, scipy/scipy#20816",
			p: []float64{0.9456657713430001, 0.48066098564791515, 0.786048657854401}, q: []float64{0.9456657713430094, 0.48066098564794774, 0.7860486578542367},
			req: "DEF-1", flags: "cancellation", stratum: "near-equal"},
		{name: "ratio-overflow-1", comment: "p/q overflows: 2839.14, and +Inf was answered", source: "scipy/scipy#20710, scipy/scipy#20816",
			p: []float64{4}, q: []float64{2.22e-308}, req: "DEF-1 VAL-11 VAL-12", flags: "ratio-overflow generalised subnormal-flushed", stratum: "huge-ratio"},
		{name: "ratio-overflow-2", comment: "p/q underflows: −9.2e-198", source: "scipy/scipy#20710, scipy/scipy#20816",
			p: []float64{1e-200}, q: []float64{1e200}, req: "DEF-1 VAL-13", flags: "ratio-underflow log1p-difference generalised", stratum: "huge-ratio"},
		{name: "ratio-overflow-3", comment: "a subnormal over 1e15: −1.6e-305", source: "scipy/scipy#20710, scipy/scipy#20816",
			p: []float64{2.22e-308}, q: []float64{1e15}, req: "DEF-1 VAL-11 VAL-13", flags: "ratio-underflow log1p-difference subnormal-flushed", stratum: "huge-ratio"},
		{name: "implicit-normalise", comment: "Q sums to 0.6: 0.5108, and 0 was answered", source: "scipy/scipy#12553",
			p: half, q: []float64{.3, .3}, req: "DEF-1 DEF-3", flags: "normalised", stratum: "p-ne-q"},
		{name: "kl-div-linear-terms", comment: "Σ p ln(p/q) and Σ p ln(p/q) − p + q differ: 0.1989 and 0.0489", source: "scipy/scipy#6521",
			p: []float64{.25, .5}, q: []float64{.125, .475}, req: "DEF-1 DEF-11", flags: "generalised", stratum: "p-ne-q"},
		{name: "zero-q-2d", comment: "one zero in one row of Q: +Inf in that row only", source: "scipy/scipy#3030, scipy/scipy#3041", op: "kl_rows", shape: []int{3, 2},
			p: []float64{.1, .9, .2, .8, .3, .7}, q: []float64{.2, .8, 0, 1, .4, .6}, req: "VAL-2 ROW-1 ROW-7", flags: "zero-q-finite row-leak", stratum: "zero"},
		{name: "no-normalise-switch", comment: "counts: 0.4440, and with hidden normalising 0.0444", source: "scipy/scipy#23064, scipy/scipy#23069",
			p: []float64{2, 8}, q: []float64{1, 9}, req: "DEF-1 DEF-3", flags: "normalised", stratum: "p-ne-q"},
		{name: "js-sqrt-negative", f: f32, comment: "nearly equal vectors: a tiny negative sum became NaN under a square root", source: "scipy/scipy#20083, scipy/scipy#20779, scipy/scipy#24664", op: "js",
			p: []float64{float64(float32(0.027501475)), float64(float32(0.055202297))}, q: []float64{float64(float32(0.027537677)), float64(float32(0.055334348))},
			req: "DEF-7", flags: "negative-js cancellation", stratum: "near-equal"},
		{name: "js-sqrt-negative", comment: "one step apart: a tiny negative sum became NaN under a square root", source: "scipy/scipy#20083, scipy/scipy#20779, scipy/scipy#24664", op: "js",
			p: []float64{math.Nextafter(.5, 0), .5}, q: []float64{.5, math.Nextafter(.5, 0)}, req: "DEF-7", flags: "negative-js cancellation", stratum: "near-equal"},
		{name: "subnormal-half", comment: "the midpoint of 0 and the least subnormal is not 0: finite", source: "scipy/scipy#19436", op: "js",
			p: []float64{0, 1}, q: []float64{5e-324, 1}, req: "DEF-7 VAL-11 VAL-14", flags: "subnormal-midpoint", stratum: "subnormal"},
		{name: "p0-returns-q", comment: "p = 0 gives 0, and q was answered", source: "jax-ml/jax#21192, jax-ml/jax#21265",
			p: []float64{0}, q: []float64{1}, req: "VAL-1 VAL-14 VAL-18", flags: "zero-p-nan generalised", stratum: "zero"},
		{name: "p0-returns-q-four", comment: "p = 0 < q in one place and p > 0 = q in another: +Inf", source: "jax-ml/jax#21192, jax-ml/jax#21265",
			p: []float64{.7, .3, 0, 0}, q: []float64{0, .3, .7, 0}, req: "VAL-1 VAL-2 VAL-3", flags: "zero-p-nan zero-q-finite", stratum: "zero"},
		{name: "p0-returns-q-three", comment: "the same without the place of +Inf: only the zeros remain", source: "jax-ml/jax#21192, jax-ml/jax#21265",
			p: []float64{.3, 0, 0}, q: []float64{.3, .7, 0}, req: "VAL-1 VAL-3 VAL-14", flags: "zero-p-nan zero-zero-nan", stratum: "zero"},
		{name: "probs-passed-as-logs", comment: "P against itself is 0: −0.1753 came from a function that wants log Q and was given Q", source: "pytorch/pytorch#51716, pytorch/pytorch#5282",
			p: sixteen, q: sixteen, req: "DEF-1 VAL-14", flags: "logarithm-expected", stratum: "generic"},
		{name: "argument-order", comment: "KL(P‖Q) is 0.5108, KL(Q‖P) 0.3681", source: "pytorch/pytorch#57459, Lightning-AI/torchmetrics#2369, google-deepmind/rlax#14, sarahwie/attention#6",
			p: half, q: []float64{.9, .1}, req: "DEF-2", flags: "swapped-arguments", stratum: "generic"},
		{name: "mean-vs-batchmean", comment: "the mean over rows", source: "pytorch/pytorch#2259, pytorch/pytorch#6622, pytorch/pytorch#14457, facebookresearch/deit#61, HikariTJU/LD#74", op: "kl_rows", shape: []int{2, 3},
			p: rp, q: rq, opt: spec.Options{Reduction: "batchmean"}, req: "ROW-4", flags: "mean-divisor", stratum: "generic"},
		{name: "mean-vs-batchmean-elements", comment: "the mean over elements: a third of the mean over rows", source: "pytorch/pytorch#2259, pytorch/pytorch#6622, pytorch/pytorch#14457", op: "kl_rows", shape: []int{2, 3},
			p: rp, q: rq, opt: spec.Options{Reduction: "mean"}, req: "ROW-3", flags: "mean-divisor", stratum: "generic"},
		{name: "batchmean-broadcast", comment: "two rows of P against one of Q: refused; the mean divided by the rows of Q", source: "pytorch/pytorch#138810", op: "kl_rows", shape: []int{2, 3}, qshape: []int{1, 3},
			p: rp, q: rq[:3], opt: spec.Options{Reduction: "batchmean"}, req: "VAL-10 ROW-4", flags: "mean-divisor length-mismatch", stratum: "special"},
		{name: "negative-target-zeroed", comment: "p = −1 was taken for 0", source: "pytorch/pytorch#69230",
			p: []float64{-1}, q: []float64{.5}, req: "VAL-7 VAL-18", flags: "negative-answered", stratum: "special"},
		{name: "empty", comment: "no rows: the mean divides by 0", source: "pytorch/pytorch#51910", op: "kl_rows", shape: []int{0, 1},
			opt: spec.Options{Reduction: "mean"}, req: "VAL-9 ROW-3 ROW-9", flags: "empty-input", stratum: "special"},
		{name: "minus-inf-logit", comment: "(½, ½, 0), where logits (0, 0, −Inf) gave NaN", source: "pytorch/pytorch#40553", op: "entropy",
			p: []float64{.5, .5, 0}, req: "DEF-5 VAL-1", flags: "zero-p-nan", stratum: "zero"},
		{name: "negative-inputs-p", comment: "a negative weight in P was clipped and a number came out", source: "keras-team/keras#19520",
			p: []float64{-.1, 1.1}, q: half, req: "VAL-7", flags: "negative-answered value-clamped", stratum: "special"},
		{name: "negative-inputs-q", comment: "a negative weight in Q was clipped and a number came out", source: "keras-team/keras#19520",
			p: half, q: []float64{-.1, 1.1}, req: "VAL-7", flags: "negative-answered value-clamped", stratum: "special"},
		{name: "unnormalised", comment: "sigmoid outputs near 1 are no pmf: the sum is negative and right", source: "keras-team/keras#13747, keras-team/keras#9754",
			p: []float64{0, 1, 0, .5}, q: []float64{.99, .98, .97, .96}, req: "DEF-3 VAL-19", flags: "clamped-result", stratum: "p-ne-q"},
		{name: "hand-kl", comment: "−0.24849: weights that sum to 0.3 and 0.7", source: "keras-team/keras#2473",
			p: []float64{.1, .2}, q: []float64{.3, .4}, req: "DEF-1 DEF-2 DEF-3 VAL-19", flags: "swapped-arguments", stratum: "p-ne-q"},
		{name: "p0-nan", comment: "0 against 1/2, and NaN was answered", source: "drostlab/philentropy#10",
			p: []float64{0}, q: []float64{.5}, req: "VAL-1 VAL-14 VAL-18", flags: "zero-p-nan", stratum: "zero"},
		{name: "nan-swallowed", comment: "a NaN was dropped: −0.1609 was answered", source: "JuliaStats/Distances.jl#259, JuliaStats/Distances.jl#260",
			p: []float64{nan, .1}, q: half, req: "VAL-5", flags: "nan-lost", stratum: "special"},
		{name: "p0-distributions", comment: "0.9 ln 1.125 = 0.1060, and NaN was answered", source: "JuliaStats/Distributions.jl#793",
			p: []float64{0, .1, .9}, q: []float64{.1, .1, .8}, req: "DEF-1 VAL-1", flags: "zero-p-nan", stratum: "zero"},
		{name: "js-negative-unnormalised", comment: "weights near 1 that are no pmf: never negative", source: "JuliaStats/Distances.jl#170", op: "js",
			p: []float64{.99, .98, 1, .97}, q: []float64{.98, .99, .97, 1}, req: "DEF-7 DEF-3", flags: "negative-js", stratum: "p-ne-q"},
		{name: "zero-one-hot", comment: "one-hot P against a softmax", source: "Lightning-AI/torchmetrics#1029",
			p: []float64{1, 0, 0}, q: []float64{.7, .2, .1}, req: "DEF-1 VAL-1", flags: "zero-p-nan", stratum: "zero"},
		{name: "zero-both", comment: "P = Q with a zero", source: "Lightning-AI/torchmetrics#1029",
			p: []float64{.5, .5, 0}, q: []float64{.5, .5, 0}, req: "VAL-3 VAL-14", flags: "zero-zero-nan", stratum: "zero"},
		{name: "zero-q", comment: "p > 0 = q: +Inf, and NaN was answered", source: "Lightning-AI/torchmetrics#1029",
			p: []float64{.3, .3, .4}, q: []float64{.5, .5, 0}, req: "VAL-2", flags: "zero-q-finite", stratum: "zero"},
		{name: "bernoulli-p0", comment: "a coin that never shows heads: ln 1/(1 − q)", source: "uber/causalml#167, uber/causalml#999",
			p: []float64{0, 1}, q: []float64{.25, .75}, req: "DEF-1 VAL-1", flags: "zero-p-nan", stratum: "zero"},
		{name: "bernoulli-p1", comment: "a coin that always shows heads: ln 1/q", source: "uber/causalml#167, uber/causalml#999",
			p: []float64{1, 0}, q: []float64{.25, .75}, req: "DEF-1 VAL-1", flags: "zero-p-nan", stratum: "zero"},
		{name: "textbook-p0", comment: "a zero in P of three", source: "TheAlgorithms/Python#12233",
			p: []float64{0, .3, .7}, q: []float64{.2, .3, .5}, req: "DEF-1 VAL-1", flags: "zero-p-nan", stratum: "zero"},
		{name: "textbook-one-hot", comment: "P = (0, 0, 1) against 1/2 in the last place: ln 2", source: "TheAlgorithms/Python#12233",
			p: []float64{0, 0, 1}, q: []float64{.25, .25, .5}, req: "DEF-1 VAL-1", flags: "zero-p-nan", stratum: "zero"},
		{name: "negative-zero-shown", comment: "equal vectors: +0, and −0.0000 was printed", source: "p-e-w/heretic#141",
			p: []float64{.125, .5, .375}, q: []float64{.125, .5, .375}, req: "DEF-1 VAL-14", flags: "negative-zero-result", stratum: "generic"},
		{name: "zeros-in-kernel", comment: "zeros in P, in Q and in both: NaN was answered, +Inf is right", source: "NVIDIA/raft#716, NVIDIA/raft#724",
			p: []float64{0, .5, 0, .5}, q: []float64{0, .5, .5, 0}, req: "VAL-1 VAL-2 VAL-3", flags: "zero-zero-nan zero-q-finite", stratum: "zero"},
		{name: "zeros-in-kernel-finite", comment: "zeros in P and in both", source: "NVIDIA/raft#716, NVIDIA/raft#724",
			p: []float64{0, .5, 0, .5}, q: []float64{0, .25, .5, .25}, req: "DEF-1 VAL-1 VAL-3", flags: "zero-zero-nan zero-p-nan", stratum: "zero"},
		{name: "js-scale", comment: "the divergence itself, with its ½ and without a square root", source: "ashvardanian/NumKong#207, ashvardanian/NumKong#233", op: "js",
			p: []float64{.1, .4, .5}, q: []float64{.2, .3, .5}, req: "DEF-7", flags: "js-scale", stratum: "generic"},
		{name: "missing-token", comment: "a token that Q has never seen: +Inf, and a division by 0 was raised", source: "comet-ml/opik#8338",
			p: []float64{.5, .25, .25}, q: []float64{.5, .5, 0}, req: "VAL-2", flags: "zero-q-finite", stratum: "zero"},
		{name: "cross-device", comment: "eight rows of five: each row the same on every device", source: "pytorch/pytorch#5801", op: "kl_rows", shape: []int{8, 5},
			p: eightByFive(0), q: eightByFive(1), req: "ROW-1 ROW-7", flags: "row-leak", stratum: "generic"},

		// From reading and running releases; no report was found.
		{name: "zero-q-dropped", comment: "p > 0 = q was skipped: −0.3466 was answered", source: "Smile 3.1.1, FLANN 1.9.2",
			p: half, q: []float64{1, 0}, req: "VAL-2", flags: "zero-q-dropped", stratum: "zero"},
		{name: "overload-swaps", comment: "a dense P and a sparse Q: one overload answered KL(Q‖P)", source: "Smile 3.1.1",
			p: []float64{.2, .5, .3}, q: []float64{.1, .6, .3}, req: "DEF-2", flags: "swapped-arguments", stratum: "generic"},
		{name: "epsilon-bias-256", f: f32, comment: "256 numbers from (0, 1): an ε inside the logarithm adds up", source: "NumKong 7.8.6",
			p: uniform(256), q: single(ordinary(256, 1000)), req: "DEF-1 DEF-10", flags: "epsilon-added", stratum: "large-n"},
		{name: "epsilon-bias-256", comment: "256 numbers from (0, 1): an ε inside the logarithm adds up", source: "NumKong 7.8.6",
			p: uniform(256), q: single(ordinary(256, 1000)), req: "DEF-1 DEF-10", flags: "epsilon-added", stratum: "large-n"},
		{name: "nan-in-q-lost", comment: "a NaN in Q: two of three kernels answered 355.09", source: "NumKong 7.8.6, serial and Haswell kernels",
			p: half, q: []float64{nan, .5}, req: "VAL-5", flags: "nan-lost", stratum: "special"},
		{name: "small-p-zero-q", comment: "a small p over q = 0: a negative number by the source", source: "philentropy, source",
			p: []float64{1e-6, 1 - 1e-6}, q: []float64{0, 1}, req: "VAL-2", flags: "zero-q-finite", stratum: "zero"},
		{name: "tiny-q-saturates", comment: "q = 1e-30: 36.04 was answered for every q up to the ε of the format", source: "PyTorch 2.15.0, Categorical(probs)",
			p: []float64{1, 0}, q: []float64{1e-30, 1}, req: "DEF-10 VAL-1", flags: "value-clamped", stratum: "huge-ratio"},
		{name: "nan-to-inf", comment: "a NaN in P: +Inf was answered", source: "JAX 0.10.2, scipy.special.rel_entr",
			p: []float64{nan}, q: []float64{.5}, req: "VAL-5 VAL-18", flags: "nan-lost", stratum: "special"},
		{name: "halved", comment: "KL(P‖Q), and half of it by the source", source: "cuML, source",
			p: []float64{.25, .75}, q: []float64{.5, .5}, req: "DEF-1 DEF-8", flags: "halved", stratum: "generic"},
		{name: "signed-zero-self", comment: "P against itself: −0.0 was answered", source: "ndarray-stats 0.7.0, CMSIS-DSP 1.10.3",
			p: []float64{.2, .3, .5}, q: []float64{.2, .3, .5}, req: "DEF-1 VAL-14", flags: "negative-zero-result", stratum: "generic"},
		{name: "counts-clipped", comment: "all weights ≥ 1 were clipped to 1: 0 was answered", source: "Keras 3.15.1",
			p: []float64{20, 50, 30}, q: []float64{10, 60, 30}, req: "DEF-1 DEF-3 DEF-10", flags: "value-clamped", stratum: "p-ne-q"},
		{name: "wrong-logarithm", comment: "0.5108, and 8.38 was answered", source: "SimSIMD 6.5.16",
			p: half, q: []float64{.1, .9}, req: "DEF-1", flags: "wrong-logarithm", stratum: "generic"},
		{name: "wrong-logarithm-2", comment: "1.6145, and 19031 was answered", source: "SimSIMD 6.5.16",
			p: half, q: []float64{.01, .99}, req: "DEF-1", flags: "wrong-logarithm", stratum: "generic"},
		{name: "js-disjoint-zero", comment: "disjoint supports: ln 2, and 0 was answered", source: "NumKong 7.8.6, Skylake kernel", op: "js",
			p: []float64{1, 0}, q: []float64{0, 1}, req: "DEF-7 VAL-1", flags: "js-scale zero-p-nan", stratum: "zero"},
		{name: "subnormal-by-length-2", f: f32, comment: "a subnormal in Q, 2 elements: 50.946, and 51.293 was answered", source: "TensorFlow Probability 0.25.0",
			p: tfp2, q: tfq2, req: "DEF-1 VAL-11", flags: "subnormal-flushed", stratum: "subnormal"},
		{name: "subnormal-by-length-8", f: f32, comment: "the same and zeros in a whole block of 8: +Inf was answered", source: "TensorFlow Probability 0.25.0",
			p: tfp8, q: tfq8, req: "DEF-1 VAL-11 VAL-3", flags: "subnormal-flushed", stratum: "subnormal"},
		{name: "subnormal-by-length-64", f: f32, comment: "the same and zeros in 64 elements: +Inf was answered", source: "TensorFlow Probability 0.25.0",
			p: tfp64, q: tfq64, req: "DEF-1 VAL-11 VAL-3", flags: "subnormal-flushed", stratum: "subnormal"},
		{name: "self-narrow-64", f: f32, comment: "P against itself, 64 elements: a few 1e-8 were answered", source: "CMSIS-DSP 1.10.3, optax 0.2.8",
			p: single(ordinary(64, 3)), q: single(ordinary(64, 3)), req: "DEF-1 VAL-14", flags: "self-not-zero exact-zero", stratum: "p-ne-q"},
	}}
}

// eightByFive returns eight pmfs of five elements.
func eightByFive(phase int) []float64 {
	var x []float64
	p, q := pmfs(5)
	for i := range 8 {
		row := p
		if (i+phase)%2 == 1 {
			row = q
		}
		k := (i / 2) % 5
		x = append(x, row[k:]...)
		x = append(x, row[:k]...)
	}
	return x
}
