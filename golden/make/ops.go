package main

import (
	"math"
	"slices"
	"strings"

	"klconf/spec"
)

// rows has batches: one value a row, and reductions that are one exact value,
// rounded once.
func rows() family {
	var qs []question
	p5, q5 := pmfs(5)
	p, q := slices.Concat(p5, reverse(p5), q5, p5), slices.Concat(q5, p5, reverse(p5), p5)
	reductions := []string{"", "sum", "mean", "batchmean"}
	word := func(r string) string {
		if r == "" {
			return "none"
		}
		return r
	}
	needs := map[string]string{"": "ROW-1", "sum": "ROW-2", "mean": "ROW-3", "batchmean": "ROW-4"}
	means := map[string]string{"": "one value a row", "sum": "the sum of all rows", "mean": "the sum over rows × columns", "batchmean": "the sum over rows"}
	all := func(name, comment string, f format, shape []int, p, q []float64, req, flags, stratum string) {
		for _, r := range reductions {
			need := needs[r]
			if r == "mean" && shape[0]*shape[1] == 0 || r == "batchmean" && shape[0] == 0 {
				need += " ROW-9"
			}
			qs = append(qs, question{name: name + "-" + word(r), f: f, comment: comment + "; " + means[r], op: "kl_rows", shape: shape, p: p, q: q,
				opt: spec.Options{Reduction: r}, req: need + " " + req, flags: flags, stratum: stratum})
		}
	}
	for _, f := range []format{f64, f32, f16, bf16} {
		all("four", "four rows of five, the last with P = Q", f, []int{4, 5}, p, q, "", "mean-divisor", "")
	}
	all("one", "one row", f64, []int{1, 5}, p5, q5, "", "mean-divisor", "")
	all("one-column", "three rows of one element", f64, []int{3, 1}, []float64{.5, 1, 2}, []float64{.25, 1, 3}, "VAL-18", "mean-divisor", "p-ne-q")
	all("unequal-totals", "rows with totals 1/2, 2 and 1: no row is normalised", f64, []int{3, 5}, slices.Concat(times(.5, p5), times(2, q5), p5), slices.Concat(q5, p5, times(4, q5)),
		"DEF-3", "normalised mean-divisor", "p-ne-q")
	all("nan", "NaN in the middle row of three", f64, []int{3, 3}, slices.Concat(p3, with(q3, 1, nan), p3), slices.Concat(q3, p3, q3), "VAL-5 ROW-6 ROW-7", "row-leak nan-lost", "special")
	all("inf", "p > 0 = q in the middle row of three", f64, []int{3, 3}, slices.Concat(p3, p3, p3), slices.Concat(q3, with(q3, 1, 0), p3), "VAL-2 ROW-6 ROW-7", "row-leak zero-q-finite", "zero")
	all("nan-and-inf", "NaN in one row, p > 0 = q in another: NaN comes first", f64, []int{3, 3}, slices.Concat(p3, p3, with(q3, 2, nan)), slices.Concat(with(q3, 0, 0), q3, p3), "VAL-2 VAL-5 VAL-16 ROW-6", "row-leak order-of-checks", "special")
	all("negative", "a negative weight in the last row of two", f64, []int{2, 3}, slices.Concat(p3, []float64{-.5, 1, .5}), slices.Concat(q3, q3), "VAL-7 ROW-6", "row-leak negative-answered", "special")
	all("infinite", "an infinite weight in the first row of two", f64, []int{2, 3}, slices.Concat(with(p3, 0, inf), p3), slices.Concat(q3, q3), "VAL-8 ROW-6", "row-leak infinity-answered", "special")
	all("zeros", "zeros in P, in both, and a row of zeros", f64, []int{3, 3}, []float64{0, .5, .5, .5, .5, 0, 0, 0, 0}, []float64{.25, .25, .5, .25, .75, 0, .5, .25, .25}, "VAL-1 VAL-3", "zero-p-nan zero-zero-nan", "zero")
	all("no-rows", "no rows of three", f64, []int{0, 3}, nil, nil, "VAL-9", "empty-input", "special")
	all("no-columns", "two rows of no elements", f64, []int{2, 0}, nil, nil, "VAL-9", "empty-input", "special")
	all("nothing", "no rows of no elements", f64, []int{0, 0}, nil, nil, "VAL-9", "empty-input", "special")
	// A row counts alike at every place.
	p17, q17 := pmfs(17)
	all("repeated", "one row of 17, nine times", f64, []int{9, 17}, slices.Repeat(p17, 9), slices.Repeat(q17, 9), "ROW-7", "row-leak", "")
	all("self", "P = Q in all three rows", f64, []int{3, 5}, p[:15], p[:15], "VAL-14", "self-not-zero exact-zero", "")
	all("cancel", "rows of opposite sign that cancel: 0 after reduction", f64, []int{2, 1}, []float64{1, 1}, []float64{2, .5}, "ROW-5", "rows-rounded", "p-ne-q")

	// Rounding the rows first, then adding or dividing, gives another number.
	// The inputs were found by search.
	weights := []float64{3, 5, 7, 11, 13, 17}
	for _, x := range []struct {
		f         format
		reduction string
		q         []float64
	}{
		{f64, "mean", []float64{13, 19, 11, 14, 2, 10}},
		{f64, "batchmean", []float64{17, 16, 1, 11, 13, 10}},
		{f64, "sum", []float64{19, 2, 16, 8, 13, 14}},
		{f32, "mean", []float64{10, 19, 18, 4, 15, 9}},
		{f32, "batchmean", []float64{6, 4, 14, 13, 18, 10}},
		{f32, "sum", []float64{16, 5, 19, 18, 4, 11}},
	} {
		qs = append(qs, question{name: "rounded-once-" + x.reduction, f: x.f, comment: "rounding the three rows before the " + x.reduction + " gives another number",
			op: "kl_rows", shape: []int{3, 2}, p: weights, q: x.q, opt: spec.Options{Reduction: x.reduction}, req: needs[x.reduction] + " ROW-5 DEF-9", flags: "rows-rounded", stratum: "p-ne-q"})
	}
	qs = append(qs,
		question{name: "beyond-the-format", comment: "one row beyond the format, the mean inside it", op: "kl_rows", shape: []int{2, 1},
			p: []float64{f64.max, 1}, q: []float64{0x1p1022, 1}, opt: spec.Options{Reduction: "batchmean"}, req: "ROW-4 ROW-5 VAL-15", flags: "partial-overflow rows-rounded", stratum: "huge-ratio"},
		question{name: "beyond-and-back", comment: "one row above the format and one below −max, the sum inside", op: "kl_rows", shape: []int{2, 4},
			p: slices.Concat(repeat(3, f64.max), []float64{1}, repeat(4, 0x1p1022)), q: slices.Concat(repeat(3, 0x1p1023), []float64{1}, repeat(4, f64.max)), opt: spec.Options{Reduction: "sum"},
			req: "ROW-2 ROW-5 VAL-15", flags: "partial-overflow rows-rounded", stratum: "huge-ratio"},
		question{name: "below-the-format", comment: "four rows that round to 0 each, and to two least subnormals together", op: "kl_rows", shape: []int{4, 2},
			p: slices.Repeat([]float64{2 * f64.eta, 3 * f64.eta}, 4), q: slices.Repeat([]float64{3 * f64.eta, 2 * f64.eta}, 4), opt: spec.Options{Reduction: "sum"},
			req: "ROW-2 ROW-5 VAL-11", flags: "rows-rounded subnormal-flushed", stratum: "subnormal"},
		question{name: "entropy", comment: "the entropies of two rows", op: "entropy_rows", shape: []int{2, 5}, p: slices.Concat(p5, q5), req: "ROW-1 DEF-5"},
		question{name: "entropy-mean", comment: "the sum of the entropies over all elements", op: "entropy_rows", shape: []int{2, 5}, p: slices.Concat(p5, q5), opt: spec.Options{Reduction: "mean"}, req: "ROW-3 DEF-5", flags: "mean-divisor"},
		question{name: "cross-entropy-batchmean", comment: "the cross-entropies of two rows, averaged", op: "cross_entropy_rows", shape: []int{2, 5}, p: slices.Concat(p5, q5), q: slices.Concat(q5, p5), opt: spec.Options{Reduction: "batchmean"}, req: "ROW-4 DEF-6", flags: "mean-divisor"},
		question{name: "js-none", comment: "P, Q and Q, P: the same number twice", op: "js_rows", shape: []int{2, 5}, p: slices.Concat(p5, q5), q: slices.Concat(q5, p5), req: "ROW-1 DEF-7"},
		question{name: "bits-sum", comment: "two rows in bits, summed", op: "kl_rows", shape: []int{2, 5}, p: slices.Concat(p5, q5), q: slices.Concat(q5, p5), opt: spec.Options{Reduction: "sum", Base: "2"}, req: "ROW-2 DEF-4", flags: "wrong-base"},
		question{name: "wide-result", f: f32, comment: "rows in f32, results in f64", op: "kl_rows", shape: []int{2, 5}, p: slices.Concat(p5, q5), q: slices.Concat(q5, p5), opt: spec.Options{ResultDType: spec.F64}, req: "ROW-1 DEF-9", flags: "narrow-result"},
	)
	return family{"rows", "generic", "the definition", qs}
}

// quantities has entropy, cross-entropy and the Jensen-Shannon divergence.
func quantities() family {
	var qs []question
	half := []float64{.5, .5}
	p9, _ := pmfs(9)
	p33, q33 := pmfs(33)
	for _, f := range []format{f64, f32} {
		e, m := f.eta, f.max
		for _, x := range []question{
			{name: "entropy-uniform-2", comment: "ln 2", p: half},
			{name: "entropy-uniform-4", comment: "ln 4", p: repeat(4, .25)},
			{name: "entropy-uniform-64", comment: "ln 64", p: repeat(64, 0x1p-6)},
			{name: "entropy-uniform-8-bits", comment: "exactly 3 bits", p: repeat(8, .125), opt: spec.Options{Base: "2"}, req: "DEF-4"},
			{name: "entropy-9", comment: "nine elements", p: p9},
			{name: "entropy-33", comment: "33 elements", p: p33, req: "IO-4"},
			{name: "entropy-one-hot", comment: "one-hot: +0, not −0", p: []float64{0, 1, 0}, req: "VAL-1 VAL-14", flags: "negative-zero-result zero-p-nan", stratum: "zero"},
			{name: "entropy-one", comment: "(1): +0, not −0", p: []float64{1}, req: "VAL-14 VAL-18", flags: "negative-zero-result"},
			{name: "entropy-zero", comment: "(0): +0", p: []float64{0}, req: "VAL-1 VAL-14 VAL-18", flags: "zero-p-nan", stratum: "zero"},
			{name: "entropy-negative-zero", comment: "(½, ½, −0): ln 2", p: []float64{.5, .5, negZero}, req: "VAL-4", flags: "negative-zero-input", stratum: "zero"},
			{name: "entropy-empty", comment: "no elements: +0", p: []float64{}, req: "VAL-9 VAL-14", flags: "empty-input", stratum: "special"},
			{name: "entropy-nan", comment: "a NaN", p: []float64{.5, nan}, req: "VAL-5", flags: "nan-lost", stratum: "special"},
			{name: "entropy-inf", comment: "an infinite weight", p: []float64{.5, inf}, req: "VAL-8", flags: "infinity-answered", stratum: "special"},
			{name: "entropy-negative", comment: "a negative weight", p: []float64{-.5, 1.5}, req: "VAL-7", flags: "negative-answered", stratum: "special"},
			{name: "entropy-negative-then-nan", comment: "a negative weight and a NaN: NaN", p: []float64{-.5, nan}, req: "VAL-5 VAL-16", flags: "order-of-checks", stratum: "special"},
			{name: "entropy-above-one", comment: "weights above 1: a negative entropy", p: []float64{2, .5, 3}, req: "DEF-3 VAL-19", flags: "clamped-result normalised", stratum: "p-ne-q"},
			{name: "entropy-unnormalised", comment: "weights that sum to ½: not normalised", p: []float64{.25, .25}, req: "DEF-3", flags: "normalised", stratum: "p-ne-q"},
			{name: "entropy-least", comment: "the least subnormal beside 1", p: []float64{e, 1}, req: "VAL-11", flags: "subnormal-flushed", stratum: "subnormal"},
			{name: "entropy-near-one", comment: "one step below 1: the entropy is one step", p: []float64{1 - f.eps()/2}, req: "VAL-18", flags: "cancellation", stratum: "near-equal"},
			{name: "entropy-near-one-two", comment: "one step below 1, and what is missing", p: []float64{1 - f.eps()/2, f.eps() / 2}, flags: "epsilon-added", stratum: "huge-ratio"},
			{name: "entropy-overflow", comment: "−max·ln max is below −max: −Inf by rounding", p: []float64{m}, req: "VAL-15 VAL-18", flags: "value-overflow", stratum: "huge-ratio"},
		} {
			x.f, x.op, x.req = f, "entropy", "DEF-5 "+x.req
			qs = append(qs, x)
		}
		for _, x := range []question{
			{name: "cross-entropy-3", comment: "three elements", p: p3, q: q3},
			{name: "cross-entropy-3-reverse", comment: "P and Q exchanged: another number", p: q3, q: p3, req: "DEF-2", flags: "symmetric-cross-entropy"},
			{name: "cross-entropy-33", comment: "33 elements", p: p33, q: q33, req: "IO-4"},
			{name: "cross-entropy-self", comment: "H(P, P) = H(P)", p: p9, q: p9},
			{name: "cross-entropy-bits", comment: "three elements in bits", p: p3, q: q3, opt: spec.Options{Base: "2"}, req: "DEF-4", flags: "wrong-base"},
			{name: "cross-entropy-p0-q0", comment: "p = q = 0 counts 0", p: []float64{0, 1}, q: []float64{0, 1}, req: "VAL-3 VAL-14", flags: "zero-zero-nan negative-zero-result", stratum: "zero"},
			{name: "cross-entropy-p0", comment: "p = 0 < q counts 0", p: []float64{0, 1}, q: half, req: "VAL-1", flags: "zero-p-nan", stratum: "zero"},
			{name: "cross-entropy-q0", comment: "p > 0 = q gives +Inf", p: half, q: []float64{1, 0}, req: "VAL-2", flags: "zero-q-finite", stratum: "zero"},
			{name: "cross-entropy-q1", comment: "q = 1 throughout: +0, not −0", p: half, q: []float64{1, 1}, req: "VAL-14", flags: "negative-zero-result", stratum: "p-ne-q"},
			{name: "cross-entropy-above-one", comment: "q above 1: negative", p: half, q: []float64{2, 3}, req: "VAL-19", flags: "clamped-result", stratum: "p-ne-q"},
			{name: "cross-entropy-nan", comment: "a NaN in Q where p = 0", p: []float64{0, 1}, q: []float64{nan, 1}, req: "VAL-5 VAL-6", flags: "nan-behind-zero", stratum: "special"},
			{name: "cross-entropy-negative", comment: "a negative weight in Q where p = 0", p: []float64{0, 1}, q: []float64{-1, 1}, req: "VAL-7", flags: "negative-answered", stratum: "special"},
			{name: "cross-entropy-inf", comment: "an infinite weight in Q", p: half, q: []float64{inf, 1}, req: "VAL-8", flags: "infinity-answered", stratum: "special"},
			{name: "cross-entropy-empty", comment: "no elements: +0", p: []float64{}, q: []float64{}, req: "VAL-9 VAL-14", flags: "empty-input", stratum: "special"},
			{name: "cross-entropy-least-q", comment: "the least subnormal in Q", p: half, q: []float64{e, 1}, req: "VAL-11", flags: "subnormal-flushed value-clamped", stratum: "subnormal"},
		} {
			x.f, x.op, x.req = f, "cross_entropy", "DEF-6 "+x.req
			qs = append(qs, x)
		}
		for _, x := range []question{
			{name: "js-3", comment: "three elements", p: p3, q: q3, flags: "js-scale"},
			{name: "js-3-reverse", comment: "P and Q exchanged: the same number", p: q3, q: p3, flags: "js-scale"},
			{name: "js-33", comment: "33 elements", p: p33, q: q33, req: "IO-4"},
			{name: "js-self", comment: "P = Q: +0", p: p9, q: p9, req: "VAL-14", flags: "self-not-zero"},
			{name: "js-bits", comment: "disjoint supports, in bits: exactly 1", p: []float64{1, 0}, q: []float64{0, 1}, opt: spec.Options{Base: "2"}, req: "DEF-4 VAL-1", flags: "wrong-base js-scale", stratum: "zero"},
			{name: "js-disjoint", comment: "disjoint supports: ln 2", p: []float64{1, 0}, q: []float64{0, 1}, req: "VAL-1", flags: "js-scale zero-p-nan", stratum: "zero"},
			{name: "js-both-zero", comment: "p = q = 0 counts 0", p: []float64{.5, .5, 0}, q: []float64{.25, .75, 0}, req: "VAL-3", flags: "zero-zero-nan", stratum: "zero"},
			{name: "js-one-sided", comment: "q = 0 < p is finite here", p: half, q: []float64{1, 0}, req: "VAL-2", flags: "zero-q-finite", stratum: "zero"},
			{name: "js-midpoint-least", comment: "0 against the least subnormal: the midpoint is half of it, and not 0", p: []float64{0, 1}, q: []float64{e, 1}, req: "VAL-11", flags: "subnormal-midpoint", stratum: "subnormal"},
			{name: "js-midpoint-least-swapped", comment: "the least subnormal against 0", p: []float64{e, 1}, q: []float64{0, 1}, req: "VAL-11", flags: "subnormal-midpoint", stratum: "subnormal"},
			{name: "js-midpoint-odd", comment: "midpoints between two subnormals", p: []float64{8 * e, 3 * e}, q: []float64{3 * e, 8 * e}, req: "VAL-11", flags: "subnormal-midpoint subnormal-flushed", stratum: "subnormal"},
			{name: "js-midpoint-overflow", comment: "p + q overflows, the value does not", p: []float64{m}, q: []float64{m / 2}, req: "VAL-18 VAL-15", flags: "partial-overflow", stratum: "huge-ratio"},
			{name: "js-near-equal", comment: "one step up and one down", p: []float64{.5, .5}, q: []float64{.5 + f.eps(), .5 - f.eps()}, flags: "negative-js cancellation", stratum: "near-equal"},
			{name: "js-unnormalised", comment: "totals 1 and 4: not normalised", p: p3, q: times(4, q3), req: "DEF-3", flags: "normalised", stratum: "p-ne-q"},
			{name: "js-nan", comment: "a NaN in P", p: []float64{nan, .5}, q: half, req: "VAL-5", flags: "nan-lost", stratum: "special"},
			{name: "js-negative", comment: "a negative weight", p: []float64{-.5, 1.5}, q: half, req: "VAL-7", flags: "negative-answered", stratum: "special"},
			{name: "js-negative-midpoint-zero", comment: "−½ against ½: the midpoint is 0", p: []float64{-.5, 1.5}, q: half, req: "VAL-7 VAL-16", flags: "negative-answered", stratum: "special"},
			{name: "js-inf", comment: "an infinite weight in Q", p: half, q: []float64{inf, .5}, req: "VAL-8", flags: "infinity-answered", stratum: "special"},
			{name: "js-empty", comment: "no elements: +0", p: []float64{}, q: []float64{}, req: "VAL-9 VAL-14", flags: "empty-input", stratum: "special"},
		} {
			if x.name == "js-negative" {
				x.p = []float64{-.25, 1.25} // the other one has the midpoint 0
			}
			x.f, x.op, x.req = f, "js", "DEF-7 "+x.req
			qs = append(qs, x)
		}
	}
	for _, f := range []format{f16, bf16} {
		qs = append(qs,
			question{name: "entropy-9", f: f, comment: "nine elements", op: "entropy", p: p9, req: "DEF-5", stratum: "low-precision"},
			question{name: "cross-entropy-3", f: f, comment: "three elements", op: "cross_entropy", p: p3, q: q3, req: "DEF-6", stratum: "low-precision"},
			question{name: "js-3", f: f, comment: "three elements", op: "js", p: p3, q: q3, req: "DEF-7", flags: "js-scale", stratum: "low-precision"},
			question{name: "js-midpoint-least", f: f, comment: "0 against the least subnormal", op: "js", p: []float64{0, 1}, q: []float64{f.eta, 1}, req: "DEF-7 VAL-11", flags: "subnormal-midpoint", stratum: "low-precision"})
	}
	return family{"quantities", "generic", "the definition", qs}
}

// base has the option base: the logarithm to it is the natural one divided by
// ln base, rounded once.
func base() family {
	var qs []question
	for _, f := range []format{f64, f32} {
		for _, x := range []struct {
			base          spec.Real
			name, comment string
		}{
			{"2", "2", "bits"},
			{"10", "10", "decimal digits"},
			{"3", "3", "base 3"},
			{"256", "256", "bytes"},
			{"0x1p+1", "hex-2", "bits, the base as a hexadecimal float"},
			{"0x1.5bf0a8b145769p+01", "hex-near-e", "the float64 nearest to e, which is not e"},
			{"0x1.8p+00", "hex-three-halves", "base 1.5"},
			{"0x1p-01", "half", "base 1/2: the sign changes"},
			{"0x1.0000000000001p+00", "next-to-one", "the float64 after 1: a value of 2·10^15"},
			{"0x1.fffffffffffffp-01", "before-one", "the float64 before 1: a value of −4·10^15"},
			{"0x1p+1023", "huge", "base 2^1023"},
			{"0x0.0000000000001p-1022", "least", "the least subnormal as base: the sign changes"},
			{"0x1p-1022", "least-normal", "base 2^-1022"},
			{"e", "e", "the word e: natural logarithms"},
		} {
			if f.d == "f32" && !slices.Contains([]string{"2", "10", "half", "hex-near-e"}, x.name) {
				continue
			}
			qs = append(qs, question{name: x.name, f: f, comment: "three elements, " + x.comment, p: p3, q: q3, opt: spec.Options{Base: x.base}, req: "DEF-4", flags: "wrong-base"})
		}
	}
	p9, q9 := pmfs(9)
	for _, x := range []question{
		{name: "2-exact", comment: "exactly 1 bit", p: []float64{1, 0}, q: []float64{.5, .5}, opt: spec.Options{Base: "2"}, req: "VAL-1"},
		{name: "2-nine", comment: "nine elements in bits", p: p9, q: q9, opt: spec.Options{Base: "2"}},
		{name: "10-exact", comment: "exactly 10: ratios of 10", p: []float64{10}, q: []float64{1}, opt: spec.Options{Base: "10"}, req: "VAL-18", stratum: "p-ne-q"},
		{name: "10-not-exact", comment: "the ratio is that of two float64 next to 1/10 and 1: not quite 1", p: []float64{1}, q: []float64{.1}, opt: spec.Options{Base: "10"}, req: "VAL-18", stratum: "p-ne-q"},
		{name: "1024-exact", comment: "exactly 1/10", p: []float64{1}, q: []float64{.5}, opt: spec.Options{Base: "1024"}, req: "VAL-18", stratum: "p-ne-q"},
		{name: "2-self", comment: "P = Q: +0 to every base", p: p9, q: p9, opt: spec.Options{Base: "2"}, req: "VAL-14", flags: "exact-zero"},
		{name: "half-self", comment: "P = Q to base 1/2: +0, not −0", p: p9, q: p9, opt: spec.Options{Base: "0x1p-01"}, req: "VAL-14", flags: "negative-zero-result exact-zero"},
		{name: "2-q0", comment: "p > 0 = q: +Inf to every base above 1", p: p3, q: with(q3, 1, 0), opt: spec.Options{Base: "2"}, req: "VAL-2", stratum: "zero"},
		{name: "half-q0", comment: "p > 0 = q to base 1/2: −Inf", p: p3, q: with(q3, 1, 0), opt: spec.Options{Base: "0x1p-01"}, req: "VAL-2", stratum: "zero"},
		{name: "2-nan", comment: "NaN to every base", p: with(p3, 2, nan), q: q3, opt: spec.Options{Base: "2"}, req: "VAL-5", stratum: "special"},
		{name: "2-overflow", comment: "max·ln 2 is inside the format, max·log₂ 4 is not", p: []float64{f64.max}, q: []float64{f64.max / 4}, opt: spec.Options{Base: "2"}, req: "VAL-15 VAL-18", flags: "value-overflow", stratum: "huge-ratio"},
		{name: "2-ratio", comment: "1 over the least subnormal in bits: exactly 1074", p: []float64{1}, q: []float64{f64.eta}, opt: spec.Options{Base: "2"}, req: "VAL-11 VAL-12 VAL-18", flags: "ratio-overflow subnormal-flushed", stratum: "huge-ratio"},
		{name: "2-entropy", comment: "the entropy of nine elements in bits", op: "entropy", p: p9, opt: spec.Options{Base: "2"}, req: "DEF-5"},
		{name: "10-cross-entropy", comment: "a cross-entropy in decimal digits", op: "cross_entropy", p: p9, q: q9, opt: spec.Options{Base: "10"}, req: "DEF-6"},
		{name: "2-js", comment: "a Jensen-Shannon divergence in bits", op: "js", p: p9, q: q9, opt: spec.Options{Base: "2"}, req: "DEF-7"},
	} {
		x.req = "DEF-4 " + x.req
		x.flags = "wrong-base " + x.flags
		qs = append(qs, x)
	}
	return family{"base", "generic", "the definition", qs}
}

// resultDType has results in a format wider than the inputs.
func resultDType() family {
	var qs []question
	p9, q9 := pmfs(9)
	to64, to32 := spec.Options{ResultDType: spec.F64}, spec.Options{ResultDType: spec.F32}
	for _, f := range []format{f32, f16, bf16} {
		for _, x := range []question{
			{name: "f64-three", comment: "three elements", p: p3, q: q3},
			{name: "f64-nine", comment: "nine elements", p: p9, q: q9},
			{name: "f64-self", comment: "P = Q", p: p9, q: p9, req: "VAL-14", flags: "exact-zero"},
			{name: "f64-q0", comment: "p > 0 = q", p: p3, q: with(q3, 2, 0), req: "VAL-2", stratum: "zero"},
			{name: "f64-nan", comment: "NaN", p: with(p3, 0, nan), q: q3, req: "VAL-5", stratum: "special"},
			{name: "f64-negative", comment: "a negative weight", p: with(p3, 0, -.25), q: q3, req: "VAL-7", stratum: "special"},
			{name: "f64-largest", comment: "the largest number of the inputs twice", p: []float64{f.max, f.max}, q: []float64{1, 1}, flags: "partial-overflow", stratum: "huge-ratio"},
			{name: "f64-subnormal", comment: "the least subnormal of the inputs is an ordinary number of the result", p: []float64{2 * f.eta}, q: []float64{f.eta}, req: "VAL-11 VAL-18", flags: "subnormal-flushed", stratum: "subnormal"},
			{name: "f64-near-equal", comment: "one step up and one down", p: []float64{.5, .5}, q: []float64{.5 + f.eps(), .5 - f.eps()}, flags: "cancellation", stratum: "near-equal"},
		} {
			x.f, x.opt = f, to64
			x.comment += ", the result in f64"
			x.req = "DEF-1 DEF-9 " + x.req
			x.flags = "narrow-result " + x.flags
			qs = append(qs, x)
		}
		qs = append(qs,
			question{name: "f64-entropy", f: f, comment: "an entropy in f64", op: "entropy", p: p9, opt: to64, req: "DEF-5 DEF-9", flags: "narrow-result"},
			question{name: "f64-js", f: f, comment: "a Jensen-Shannon divergence in f64", op: "js", p: p9, q: q9, opt: to64, req: "DEF-7 DEF-9", flags: "narrow-result"})
		if f.d != "f32" {
			qs = append(qs, question{name: "f32-nine", f: f, comment: "nine elements, the result in f32, as without the option", p: p9, q: q9, opt: to32, req: "DEF-1 DEF-9", flags: "narrow-result"})
		}
	}
	return family{"result-dtype", "low-precision", "the definition", qs}
}

// dtype has the important questions in the narrow formats, with values that
// are chosen in them.
func dtype() family {
	var qs []question
	p64, q64 := pmfs(64)
	p33, q33 := pmfs(33)
	geometric := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = math.Ldexp(1, -min(i+1, n-1))
		}
		return x
	}
	for _, f := range []format{f32, f16, bf16} {
		e := f.eps()
		u := e / 2
		for _, x := range []question{
			{name: "three", comment: "three elements", p: p3, q: q3},
			{name: "three-reverse", comment: "P and Q exchanged", p: q3, q: p3, req: "DEF-2", flags: "swapped-arguments"},
			{name: "odd-weights", comment: "weights with all bits of the format", p: []float64{nearest(f, 1./3), nearest(f, 2./3)}, q: []float64{nearest(f, 3./5), nearest(f, 2./5)}},
			{name: "odd-weights-self", comment: "P = Q with all bits of the format", p: []float64{nearest(f, 1./3), nearest(f, 2./3)}, q: []float64{nearest(f, 1./3), nearest(f, 2./3)}, req: "VAL-14", flags: "exact-zero self-not-zero"},
			{name: "elements-33", comment: "33 elements", p: p33, q: q33, req: "IO-4", flags: "element-lost"},
			{name: "elements-64", comment: "64 elements", p: p64, q: q64, req: "IO-4", flags: "element-lost"},
			{name: "uniform-64", comment: "64 equal terms: sums in the input format stop growing", p: repeat(64, 0x1p-6), q: repeat(64, 0x1p-7), flags: "narrow-sum", stratum: "p-ne-q"},
			{name: "step-up", comment: "1 against the next larger number", p: []float64{1}, q: []float64{1 + e}, req: "VAL-18", flags: "cancellation", stratum: "near-equal"},
			{name: "step-down", comment: "1 against the next smaller number", p: []float64{1}, q: []float64{1 - u}, req: "VAL-18", flags: "cancellation", stratum: "near-equal"},
			{name: "steps-in-halves", comment: "one step up and one down", p: []float64{.5, .5}, q: []float64{.5 + u, .5 - u}, flags: "cancellation clamped-result", stratum: "near-equal"},
			{name: "sum-below-one", comment: "rounded weights that sum to a step less than 1", p: []float64{.5 - u/2, .25, .25}, q: []float64{.5, .25, .25}, req: "VAL-19", flags: "clamped-result", stratum: "near-equal"},
			{name: "geometric", comment: "1/2, 1/4, 1/8 … against the reverse, as peaked as a softmax", p: geometric(13), q: reverse(geometric(13)), stratum: "softmax"},
			{name: "geometric-flat", comment: "1/2, 1/4, 1/8 … against a flat vector", p: geometric(13), q: append(repeat(10, .0625), .125, .125, .125), stratum: "softmax"},
			{name: "flat-geometric", comment: "a flat vector against 1/2, 1/4, 1/8 …", p: append(repeat(10, .0625), .125, .125, .125), q: geometric(13), stratum: "softmax"},
			{name: "nearly-one-hot", comment: "one weight next to 1 and one that is what is missing", p: []float64{1 - u, u}, q: []float64{u, 1 - u}, stratum: "softmax"},
			{name: "keras-limit", comment: "q below 1e-7", p: []float64{.5, .5}, q: []float64{max(0x1p-24, f.eta), 1}, req: "DEF-10", flags: "value-clamped", stratum: "huge-ratio"},
			{name: "counts", comment: "counts", p: []float64{20, 50, 30}, q: []float64{10, 60, 30}, req: "DEF-3", flags: "normalised value-clamped", stratum: "p-ne-q"},
			{name: "negative", comment: "P below Q", p: []float64{.125, .25}, q: []float64{.25, .5}, req: "VAL-19 DEF-11", flags: "clamped-result generalised", stratum: "p-ne-q"},
			{name: "least-over-largest", comment: "the least subnormal over the largest number", p: []float64{f.eta}, q: []float64{f.max}, req: "VAL-11 VAL-13 VAL-18", flags: "ratio-underflow subnormal-flushed", stratum: "huge-ratio"},
			{name: "largest-over-least", comment: "the largest number over the least subnormal", p: []float64{f.max}, q: []float64{f.eta}, req: "VAL-11 VAL-12 VAL-15 VAL-18", flags: "ratio-overflow value-overflow", stratum: "huge-ratio"},
			{name: "huge-total", comment: "weights at the top of the format, P = 2Q", p: repeat(4, f.max), q: repeat(4, f.max/2), req: "VAL-15", flags: "value-overflow", stratum: "huge-ratio"},
			{name: "subnormals-both", comment: "subnormals of both in one place", p: []float64{3 * f.eta, .5, .5}, q: []float64{7 * f.eta, .5, .5}, req: "VAL-11", flags: "subnormal-flushed", stratum: "subnormal"},
		} {
			x.f = f
			x.req = "DEF-1 " + x.req
			if x.stratum == "" && f.d == "f32" {
				x.stratum = "generic"
			}
			if f.d == "f16" { // whose results are f32
				x.req, x.flags = strings.ReplaceAll(x.req, "VAL-15", ""), strings.ReplaceAll(x.flags, "value-overflow", "")
			}
			qs = append(qs, x)
		}
	}
	return family{"dtype", "low-precision", "the definition", qs}
}

// nearest rounds x to the precision of f; for tables only, where x is not
// near the ends of the range.
func nearest(f format, x float64) float64 {
	m, e := math.Frexp(x)
	return math.Ldexp(math.RoundToEven(math.Ldexp(m, f.precision)), e-f.precision)
}
