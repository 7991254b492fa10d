package main

import "fmt"

// zero is about weights of 0: in P, in Q, in both, of either sign.
func zero() family {
	var qs []question
	half := []float64{.5, .5}
	for _, f := range []format{f64, f32, f16, bf16} {
		small := f.d == "f16" || f.d == "bf16"
		for _, x := range []question{
			{name: "p0", comment: "0·ln(0/q) is 0", p: []float64{0, 1}, q: half, req: "DEF-1 VAL-1", flags: "zero-p-nan"},
			{name: "q0", comment: "p > 0 = q gives +Inf", p: half, q: []float64{1, 0}, req: "VAL-2", flags: "zero-q-finite zero-q-dropped"},
			{name: "both-zero", comment: "0·ln(0/0) is 0: P = Q with a zero", p: []float64{.5, .5, 0}, q: []float64{.5, .5, 0}, req: "VAL-3 VAL-14", flags: "zero-zero-nan"},
			{name: "both-zero-unequal", comment: "0·ln(0/0) is 0 beside other terms", p: []float64{.25, .75, 0}, q: []float64{.5, .5, 0}, req: "DEF-1 VAL-3", flags: "zero-zero-nan"},
			{name: "disjoint-2", comment: "supports without a common element", p: []float64{1, 0}, q: []float64{0, 1}, req: "VAL-2", flags: "zero-q-finite zero-p-nan"},
			{name: "negative-zero-q", comment: "q = −0 is 0: +Inf, not NaN and not −Inf", p: half, q: []float64{1, negZero}, req: "VAL-2 VAL-4", flags: "negative-zero-input"},
			{name: "negative-zero-p", comment: "p = −0 is 0", p: []float64{negZero, 1}, q: half, req: "DEF-1 VAL-1 VAL-4", flags: "negative-zero-input"},
			{name: "negative-zero-both", comment: "−0 against −0", p: []float64{negZero, 1}, q: []float64{negZero, 1}, req: "VAL-3 VAL-4 VAL-14", flags: "negative-zero-input zero-zero-nan"},
			{name: "tiny-p-over-zero", comment: "the least p > 0 over q = 0 is +Inf too: nothing is so small that it may be dropped", p: []float64{f.eta, 1}, q: []float64{0, 1}, req: "VAL-2 VAL-11 DEF-10", flags: "zero-q-dropped subnormal-flushed"},
			{name: "over-tiny-q", comment: "p > 0 over the least q > 0 is finite", p: half, q: []float64{f.eta, 1}, req: "DEF-1 VAL-11 DEF-10", flags: "subnormal-flushed value-clamped", stratum: "subnormal"},
		} {
			x.f = f
			qs = append(qs, x)
		}
		if small {
			continue
		}
		for _, x := range []question{
			{name: "negative-zero-p-over-zero", comment: "−0 against 0", p: []float64{negZero, 1}, q: []float64{0, 1}, req: "VAL-3 VAL-4 VAL-14", flags: "negative-zero-input zero-zero-nan"},
			{name: "p-zero-over-negative-zero", comment: "0 against −0", p: []float64{0, 1}, q: []float64{negZero, 1}, req: "VAL-3 VAL-4 VAL-14", flags: "negative-zero-input zero-zero-nan"},
			{name: "negative-zero-only", comment: "−0 against −0, one element: +0", p: []float64{negZero}, q: []float64{negZero}, req: "VAL-3 VAL-4 VAL-14 VAL-18", flags: "negative-zero-result zero-zero-nan"},
			{name: "one-over-negative-zero", comment: "1 over −0, one element", p: []float64{1}, q: []float64{negZero}, req: "VAL-2 VAL-4 VAL-18", flags: "negative-zero-input"},
			{name: "one-p0", comment: "0 against 1/2, one element: +0", p: []float64{0}, q: []float64{.5}, req: "VAL-1 VAL-14 VAL-18 DEF-11", flags: "zero-p-nan value-clamped generalised"},
			{name: "one-q0", comment: "1/2 against 0, one element", p: []float64{.5}, q: []float64{0}, req: "VAL-2 VAL-18", flags: "zero-q-finite"},
			{name: "one-both-zero", comment: "0 against 0, one element", p: []float64{0}, q: []float64{0}, req: "VAL-3 VAL-14 VAL-17 VAL-18", flags: "zero-zero-nan"},
			{name: "all-zero-p", comment: "P is all zero: +0", p: []float64{0, 0}, q: half, req: "VAL-1 VAL-14 VAL-17", flags: "all-zero zero-p-nan"},
			{name: "all-zero-q", comment: "Q is all zero: +Inf", p: half, q: []float64{0, 0}, req: "VAL-2 VAL-17", flags: "all-zero zero-q-finite"},
			{name: "all-zero-both", comment: "both are all zero: +0", p: []float64{0, 0, 0}, q: []float64{0, 0, 0}, req: "VAL-3 VAL-14 VAL-17", flags: "all-zero zero-zero-nan"},
			{name: "disjoint-4", comment: "interleaved supports without a common element", p: []float64{.5, 0, .5, 0}, q: []float64{0, .5, 0, .5}, req: "VAL-2", flags: "zero-q-finite"},
			{name: "disjoint-halves-16", comment: "supports are the two halves of 16 elements", p: append(repeat(8, .125), repeat(8, 0)...), q: append(repeat(8, 0), repeat(8, .125)...), req: "VAL-2", flags: "zero-q-finite"},
			{name: "one-hot-self", comment: "P = Q is one-hot: +0", p: []float64{0, 1, 0, 0}, q: []float64{0, 1, 0, 0}, req: "VAL-3 VAL-14", flags: "zero-zero-nan negative-zero-result"},
			{name: "nested-support", comment: "the support of P is part of that of Q", p: []float64{.5, 0, .5, 0}, q: []float64{.25, .25, .25, .25}, req: "DEF-1 VAL-1", flags: "zero-p-nan"},
			{name: "nested-support-reverse", comment: "the support of Q is part of that of P", p: []float64{.25, .25, .25, .25}, q: []float64{.5, 0, .5, 0}, req: "VAL-2 DEF-2", flags: "zero-q-finite swapped-arguments"},
			{name: "sparse-33", comment: "33 elements of which each carries four, two of them in common", p: sparse(33, 0, 7, 15, 32), q: sparse(33, 0, 8, 16, 32), req: "VAL-2", flags: "zero-q-finite"},
			{name: "sparse-33-covered", comment: "33 elements, four of them > 0 in P and eight in Q", p: sparse(33, 1, 9, 17, 32), q: sparse(33, 0, 1, 8, 9, 16, 17, 31, 32), req: "DEF-1 VAL-1 VAL-3", flags: "zero-p-nan zero-zero-nan"},
		} {
			x.f = f
			qs = append(qs, x)
		}
		for i := range 3 {
			one := with(repeat(3, 0), i, 1)
			qs = append(qs,
				question{name: "one-hot-p-" + place(i, 3), f: f, comment: "P is one-hot: the value is ln 1/q of that element",
					p: one, q: q3, req: "DEF-1 VAL-1", flags: "zero-p-nan"},
				question{name: "one-hot-q-" + place(i, 3), f: f, comment: "Q is one-hot and P is not",
					p: p3, q: one, req: "VAL-2 DEF-2", flags: "zero-q-finite swapped-arguments"})
		}
		for _, i := range []int{0, 3, 7, 8, 15, 16} {
			p, q := pmfs(17)
			qs = append(qs,
				question{name: "q0-" + place(i, 17), f: f, comment: fmt.Sprintf("q = 0 < p at element %d of 17", i),
					p: p, q: with(q, i, 0), req: "VAL-2", flags: "zero-q-finite"},
				question{name: "p0-" + place(i, 17), f: f, comment: fmt.Sprintf("p = 0 < q at element %d of 17", i),
					p: with(p, i, 0), q: q, req: "DEF-1 VAL-1", flags: "zero-p-nan"},
				question{name: "both-zero-" + place(i, 17), f: f, comment: fmt.Sprintf("p = q = 0 at element %d of 17", i),
					p: with(p, i, 0), q: with(q, i, 0), req: "DEF-1 VAL-3", flags: "zero-zero-nan"})
		}
	}
	return family{"zero", "zero", "the definition", qs}
}

// sparse spreads 1 evenly over the named elements, of which there are a power
// of two.
func sparse(n int, at ...int) []float64 {
	x := repeat(n, 0)
	for _, i := range at {
		x[i] = 1 / float64(len(at))
	}
	return x
}
