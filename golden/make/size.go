package main

import (
	"fmt"
	"math"

	"klconf/spec"
)

// subnormals has subnormal weights and subnormal values.
func subnormals() family {
	var qs []question
	for _, f := range []format{f64, f32, f16, bf16} {
		e, n := f.eta, f.normal
		for _, x := range []question{
			{name: "p-least", comment: "the least subnormal in P", p: []float64{e, 1}, q: []float64{.5, .5}, flags: "subnormal-flushed"},
			{name: "q-least", comment: "the least subnormal in Q: its logarithm counts half", p: []float64{.5, .5}, q: []float64{e, 1}, flags: "subnormal-flushed value-clamped"},
			{name: "q-largest", comment: "the largest subnormal in Q", p: []float64{.5, .5}, q: []float64{f.subnormal(), 1}, flags: "subnormal-flushed value-clamped"},
			{name: "q-all", comment: "Q is subnormal throughout", p: []float64{.5, .5}, q: []float64{e, 3 * e}, flags: "subnormal-flushed value-clamped"},
			{name: "ratio-of-subnormals", comment: "both are subnormal in one place", p: []float64{3 * e, 1}, q: []float64{e, 1}, flags: "subnormal-flushed"},
			{name: "ratio-across", comment: "a subnormal over a normal and the reverse", p: []float64{3 * e, n}, q: []float64{n, 3 * e}, flags: "subnormal-flushed"},
			{name: "one-least-over-one", comment: "the least subnormal against 1, one element", p: []float64{e}, q: []float64{1}, req: "VAL-13 VAL-18", flags: "subnormal-flushed"},
			{name: "one-over-least", comment: "1 against the least subnormal, one element", p: []float64{1}, q: []float64{e}, req: "VAL-12 VAL-18", flags: "subnormal-flushed ratio-overflow"},
		} {
			x.f, x.req = f, "DEF-1 VAL-11 "+x.req
			qs = append(qs, x)
		}
		if f.d == "f16" || f.d == "bf16" {
			continue
		}
		for _, x := range []question{
			{name: "one-double", comment: "two least subnormals against one: 1.39 of them, rounded to one", p: []float64{2 * e}, q: []float64{e}},
			{name: "one-half", comment: "one least subnormal against two: −0.69 of one, rounded to −1", p: []float64{e}, q: []float64{2 * e}, req: "VAL-19"},
			{name: "value-subnormal", comment: "a subnormal value from subnormal weights", p: []float64{n / 4, n / 8}, q: []float64{n / 16, n / 8}},
			{name: "value-subnormal-negative", comment: "a negative subnormal value", p: []float64{n / 16, n / 8}, q: []float64{n / 4, n / 8}, req: "VAL-19"},
			{name: "value-from-normals", comment: "a subnormal value from normal weights that nearly agree", p: []float64{n * (1 + 1.0/256)}, q: []float64{n}},
			{name: "q-least-16", comment: "the least subnormal in each of 16 places of Q", p: repeat(16, .0625), q: repeat(16, e)},
			{name: "q-least-first-of-8", comment: "the least subnormal first in a whole block of 8", p: repeat(8, .125), q: with(repeat(8, .125), 0, e)},
			{name: "q-least-last-of-9", comment: "the least subnormal last, after a block of 8", p: repeat(9, .125), q: with(repeat(9, .125), 8, e)},
			{name: "p-least-17", comment: "17 elements of P are the least subnormal, Q is normal", p: repeat(17, e), q: repeat(17, .0625)},
		} {
			x.f, x.req, x.flags = f, "DEF-1 VAL-11 "+x.req, "subnormal-flushed"
			qs = append(qs, x)
		}
	}
	return family{"subnormal", "subnormal", "the definition", qs}
}

// ratio is about p/q that leaves the range of the format although p ln(p/q)
// does not. The weights of P are all tiny where that shows best: an answer
// by way of log1p, of a ratio that became 0, or of an ε is then far outside
// level L1.
func ratio() family {
	var qs []question
	for _, x := range []question{
		{name: "overflow-4", comment: "4/2.22e-308 overflows, the value is 2839.1", p: []float64{4}, q: []float64{0x0.ff6a8ebe79958p-1022}, req: "VAL-12", flags: "ratio-overflow subnormal-flushed"},
		{name: "overflow-normal", comment: "2^600/2^-600 overflows, both are normal", p: []float64{0x1p600}, q: []float64{0x1p-600}, req: "VAL-12", flags: "ratio-overflow"},
		{name: "overflow-pmf", comment: "1/2 over 2^-1060 beside an ordinary term", p: []float64{.5, .5}, q: []float64{0x1p-1060, 1}, req: "VAL-11 VAL-12", flags: "subnormal-flushed"},
		{name: "overflow-extreme", comment: "a ratio of 2^1974, with a value that is finite", p: []float64{0x1p900}, q: []float64{f64.eta}, req: "VAL-11 VAL-12", flags: "ratio-overflow"},
		{name: "overflow-two", comment: "two ratios that overflow", p: []float64{0x1p520, 0x1p540}, q: []float64{0x1p-520, 0x1p-540}, req: "VAL-12", flags: "ratio-overflow"},
		{name: "overflow-16", comment: "16 ratios that overflow", p: repeat(16, 0x1p520), q: repeat(16, 0x1.8p-520), req: "VAL-12", flags: "ratio-overflow"},
		{name: "underflow", comment: "1e-200/1e200 underflows to 0, the value is −9.2e-198", p: []float64{1e-200}, q: []float64{1e200}, req: "VAL-13 VAL-19", flags: "ratio-underflow log1p-difference"},
		{name: "underflow-subnormal", comment: "2.22e-308/1e15 underflows, the value is −1.6e-305", p: []float64{0x0.ff6a8ebe79958p-1022}, q: []float64{1e15}, req: "VAL-11 VAL-13", flags: "ratio-underflow log1p-difference"},
		{name: "underflow-partly", comment: "the ratio is subnormal and has lost digits", p: []float64{0x1.921fb54442d18p-600}, q: []float64{0x1.5bf0a8b145769p+460}, req: "VAL-13", flags: "ratio-underflow log1p-difference"},
		{name: "underflow-two", comment: "two ratios that underflow", p: []float64{0x1p-540, 0x1p-520}, q: []float64{0x1p540, 0x1p560}, req: "VAL-13", flags: "ratio-underflow log1p-difference"},
		{name: "underflow-pmf", comment: "a tiny weight over an ordinary one, beside 1/1", p: []float64{f64.eta, 1}, q: []float64{1, 1}, req: "VAL-11 VAL-13 VAL-19", flags: "ratio-underflow log1p-difference subnormal-flushed"},
		{name: "both-ways", comment: "one ratio overflows, the other underflows", p: []float64{0x1p520, 0x1p-520}, q: []float64{0x1p-520, 0x1p520}, req: "VAL-12 VAL-13", flags: "ratio-overflow ratio-underflow"},
	} {
		x.req = "DEF-1 DEF-10 " + x.req
		qs = append(qs, x)
	}
	for _, f := range []format{f64, f32} {
		// Ratios at and around the powers of two at which shortcuts give up.
		k := f.precision
		for _, e := range []int{k - 1, k, k + 1, 2 * k, 100} {
			s := math.Ldexp(1, -e)
			r := fmt.Sprintf("2^-%d", e)
			qs = append(qs,
				question{name: fmt.Sprintf("small-%d", e), f: f, comment: r + " against 1, one element: only the small term counts",
					p: []float64{s}, q: []float64{1}, req: "DEF-1 DEF-10 VAL-13 VAL-18 VAL-19", flags: "log1p-difference epsilon-added value-clamped"},
				question{name: fmt.Sprintf("small-%d-two", e), f: f, comment: fmt.Sprintf("%s and 3·2^-%d against 1/2: only small terms", r, e+2),
					p: []float64{s, .75 * s}, q: []float64{.5, .5}, req: "DEF-1 DEF-10 VAL-13 VAL-19", flags: "log1p-difference epsilon-added value-clamped"},
				question{name: fmt.Sprintf("small-q-%d", e), f: f, comment: "1 against " + r + ", one element",
					p: []float64{1}, q: []float64{s}, req: "DEF-1 DEF-10 VAL-12 VAL-18", flags: "epsilon-added value-clamped"},
				question{name: fmt.Sprintf("both-small-%d", e), f: f, comment: fmt.Sprintf("%s against 3·2^-%d: an ε added to both makes this 0", r, e),
					p: []float64{s}, q: []float64{3 * s}, req: "DEF-1 DEF-10 VAL-18 VAL-19", flags: "epsilon-added value-clamped"})
		}
		for _, x := range []question{
			{name: "clamp-4", comment: "weights around 1e-4", p: []float64{0x1.a36e2ep-14, 1}, q: []float64{0x1.0624dcp-10, 1}},
			{name: "clamp-7", comment: "weights below 1e-7", p: []float64{0x1.5798eep-27, 1}, q: []float64{0x1.12e0bep-30, 1}},
			{name: "clamp-10", comment: "weights around 1e-10", p: []float64{0x1.b7cdfcp-34, 0x1.b7cdfcp-37}, q: []float64{0x1.b7cdfcp-37, 0x1.b7cdfcp-34}},
			{name: "clamp-16", comment: "weights below 1e-16", p: []float64{0x1.cd2b2ap-55, 0x1.cd2b2ap-57}, q: []float64{0x1.cd2b2ap-60, 0x1.cd2b2ap-50}},
			{name: "clamp-30", comment: "weights around 1e-30, throughout", p: []float64{0x1.4484cp-100, 0x1.4484cp-101}, q: []float64{0x1.4484cp-102, 0x1.4484cp-100}},
			{name: "clamp-above-one", comment: "weights above 1", p: []float64{8, 2}, q: []float64{9, 1}},
		} {
			x.f, x.req, x.flags = f, "DEF-1 DEF-10", "value-clamped epsilon-added"
			qs = append(qs, x)
		}
	}
	for _, x := range []question{
		{name: "overflow-f32", comment: "4/2^-148 overflows f32, the value does not", f: f32, p: []float64{4}, q: []float64{0x1p-148}, req: "VAL-11 VAL-12", flags: "ratio-overflow subnormal-flushed"},
		{name: "overflow-f32-normal", comment: "2^70/2^-70 overflows f32, both are normal", f: f32, p: []float64{0x1p70}, q: []float64{0x1p-70}, req: "VAL-12", flags: "ratio-overflow"},
		{name: "underflow-f32", comment: "2^-80/2^80 underflows f32", f: f32, p: []float64{0x1p-80}, q: []float64{0x1p80}, req: "VAL-13 VAL-19", flags: "ratio-underflow log1p-difference"},
		{name: "overflow-f16", comment: "8/2^-24 overflows f16, not its result format f32", f: f16, p: []float64{8}, q: []float64{0x1p-24}, req: "VAL-11 VAL-12", flags: "ratio-overflow"},
		{name: "overflow-f16-normal", comment: "16/2^-14 overflows f16, both are normal", f: f16, p: []float64{16}, q: []float64{0x1p-14}, req: "VAL-12", flags: "ratio-overflow"},
		{name: "underflow-f16", comment: "2^-14/2^12 underflows f16", f: f16, p: []float64{0x1p-14}, q: []float64{0x1p12}, req: "VAL-13 VAL-19", flags: "ratio-underflow log1p-difference"},
		{name: "overflow-bf16", comment: "2^70/2^-70 overflows bf16", f: bf16, p: []float64{0x1p70}, q: []float64{0x1p-70}, req: "VAL-12", flags: "ratio-overflow"},
		{name: "underflow-bf16", comment: "2^-80/2^80 underflows bf16", f: bf16, p: []float64{0x1p-80}, q: []float64{0x1p80}, req: "VAL-13 VAL-19", flags: "ratio-underflow log1p-difference"},
	} {
		x.req = "DEF-1 DEF-10 " + x.req
		qs = append(qs, x)
	}
	return family{"ratio", "huge-ratio", "the definition", qs}
}

// overflow has values beyond the format, and values inside it whose partial
// sums are not.
func overflow() family {
	var qs []question
	for _, f := range []format{f64, f32} {
		m := f.max
		e := 1023
		if f.d == "f32" {
			e = 127
		}
		h := math.Ldexp(1, e)                // the largest power of two
		step := math.Ldexp(h, 1-f.precision) // from the largest number to the next smaller
		two := spec.Options{Base: "2"}
		for _, x := range []question{
			{name: "one", comment: "one term beyond the format: +Inf by rounding", p: []float64{m}, q: []float64{1}, req: "VAL-15 VAL-18", flags: "value-overflow"},
			{name: "sum", comment: "terms inside the format, their sum beyond it", p: []float64{m, m}, q: []float64{h, h}, req: "VAL-15", flags: "value-overflow"},
			{name: "sum-negative", comment: "the sum is below −max: −Inf by rounding", p: repeat(4, h/2), q: repeat(4, m), req: "VAL-15 VAL-19", flags: "value-overflow clamped-result"},
			{name: "just-inside", comment: "the largest power of two times ln 2: inside", p: []float64{h}, q: []float64{h / 2}, req: "VAL-18", flags: "partial-overflow"},
			{name: "just-inside-negative", comment: "large and negative, inside", p: []float64{h / 2, h / 2}, q: []float64{h, h}, req: "VAL-19", flags: "clamped-result"},
			{name: "partial-sum", comment: "the first two terms overflow together, all four do not", p: []float64{m, m, h / 2, h / 2}, q: []float64{h, h, m, m}, flags: "partial-overflow"},
			{name: "total", comment: "the total of P overflows, the value does not", p: []float64{m, m, m}, q: []float64{m, m, h}, req: "DEF-3", flags: "partial-overflow normalised"},
			{name: "inf-by-zero", comment: "+Inf because p > 0 = q, which is not an overflow", p: []float64{m, 1}, q: []float64{m, 0}, req: "VAL-2", flags: "zero-q-finite"},
			{name: "overflow-and-zero", comment: "an overflow below −max and p > 0 = q: +Inf", p: append(repeat(4, h/2), 1), q: append(repeat(4, m), 0), req: "VAL-2 VAL-16", flags: "order-of-checks"},
			{name: "edge-largest", comment: "exactly the largest number, at base 2", p: []float64{m}, q: []float64{m / 2}, opt: two, req: "DEF-4 VAL-18", flags: "partial-overflow"},
			{name: "edge-tie", comment: "exactly half a step above the largest number, at base 2: +Inf", p: []float64{m, step / 2}, q: []float64{m / 2, step / 4}, opt: two, req: "DEF-4 VAL-15", flags: "tie value-overflow"},
			{name: "edge-below-tie", comment: "a little less than half a step above the largest number, at base 2: the largest number", p: []float64{m, step / 2, 1}, q: []float64{m / 2, step / 4, 3}, opt: two, req: "DEF-4", flags: "near-tie"},
		} {
			x.f, x.req = f, "DEF-1 "+x.req
			qs = append(qs, x)
		}
	}
	return family{"overflow", "huge-ratio", "the definition", qs}
}
