package main

import "fmt"

// Three elements that every format holds, as pmfs.
var (
	p3 = []float64{.25, .5, .25}
	q3 = []float64{.5, .125, .375}
)

// special is the grid: each special value in P, in Q and in both, at each
// place of short vectors and at places of longer ones where kernels with 4, 8
// or 16 lanes change over.
func special() family {
	var qs []question

	// Values outside the domain.
	type value struct {
		word, text string
		x          func(f format) float64
		req, flags string
	}
	fixed := func(x float64) func(format) float64 { return func(format) float64 { return x } }
	outside := []value{
		{"nan", "NaN", fixed(nan), "VAL-5", "nan-lost"},
		{"inf", "+Inf", fixed(inf), "VAL-8", "infinity-answered"},
		{"minus-inf", "−Inf", fixed(negInf), "VAL-7 VAL-8", "negative-answered infinity-answered"},
		{"negative", "−1/4", fixed(-.25), "VAL-7", "negative-answered"},
		{"negative-subnormal", "minus the least subnormal", func(f format) float64 { return -f.eta }, "VAL-7 VAL-11", "negative-answered"},
	}
	put := func(f format, v value, side string, i int, p, q []float64) question {
		n := len(p)
		where := map[string]string{"p": "P", "q": "Q", "both": "P and of Q"}[side]
		x := question{
			name: fmt.Sprintf("%s-in-%s-%s", v.word, side, place(i, n)), f: f,
			comment: fmt.Sprintf("%s is element %d of %d of %s", v.text, i, n, where),
			p:       p, q: q, req: v.req, flags: v.flags,
		}
		if side != "q" {
			x.p = with(p, i, v.x(f))
		}
		if side != "p" {
			x.q = with(q, i, v.x(f))
		}
		return x
	}
	for _, f := range []format{f64, f32, f16, bf16} {
		for k, v := range outside {
			if f.d != "f64" && (v.word == "minus-inf" || v.word == "negative-subnormal") {
				continue
			}
			if f.d == "f64" || f.d == "f32" {
				for _, side := range []string{"p", "q"} {
					qs = append(qs, put(f, v, side, 0, []float64{1}, []float64{.5}))
				}
			}
			for _, side := range []string{"p", "q", "both"} {
				for i := range 3 {
					if f.d == "f64" || i == 2 && side != "both" {
						qs = append(qs, put(f, v, side, i, p3, q3))
					}
				}
			}
			if f.d != "f64" && f.d != "f32" || k > 3 || v.word == "minus-inf" {
				continue
			}
			for _, at := range [][2]int{{3, 5}, {6, 17}, {15, 33}, {32, 33}, {64, 67}} {
				p, q := pmfs(at[1])
				for _, side := range []string{"p", "q"} {
					qs = append(qs, put(f, v, side, at[0], p, q))
				}
			}
		}
	}

	// The edges of the domain: finite, and to be computed.
	edges := []value{
		{"least-subnormal", "the least subnormal", func(f format) float64 { return f.eta }, "DEF-1 VAL-11", "subnormal-flushed"},
		{"largest-subnormal", "the largest subnormal", format.subnormal, "DEF-1 VAL-11", "subnormal-flushed"},
		{"least-normal", "the least normal number", func(f format) float64 { return f.normal }, "DEF-1 DEF-10", "value-clamped"},
		{"largest-finite", "the largest number", func(f format) float64 { return f.max }, "DEF-1 DEF-3", ""},
	}
	for _, f := range []format{f64, f32, f16, bf16} {
		for k, v := range edges {
			for _, side := range []string{"p", "q", "both"} {
				for _, i := range []int{0, 2} {
					if i == 0 && f.d != "f64" {
						continue
					}
					x := put(f, v, side, i, p3, q3)
					switch {
					case k == 3:
						x.stratum = "huge-ratio"
						if side == "p" && f.d != "f16" {
							x.req, x.flags = "DEF-1 VAL-15", "value-overflow"
							x.comment += "; the value is beyond the format"
						}
					case k < 2:
						x.stratum = "subnormal"
					default:
						x.stratum = "huge-ratio"
					}
					qs = append(qs, x)
				}
			}
		}
	}

	// Bits of NaNs other than the usual one.
	for _, x := range []question{
		{name: "negative-nan-in-p", comment: "a NaN with the sign bit set in P", pw: []uint64{0xfff8000000000000, 0x3fe0000000000000}, q: []float64{.5, .5}},
		{name: "nan-payload-in-q", comment: "a quiet NaN with a payload in Q", p: []float64{.5, .5}, qw: []uint64{0x3fe0000000000000, 0x7ff80000deadbeef}},
		{name: "signalling-nan-in-p", comment: "a signalling NaN in P", pw: []uint64{0x3fe0000000000000, 0x7ff0000000000001}, q: []float64{.5, .5}},
		{name: "signalling-nan-in-q", comment: "a signalling NaN in Q", p: []float64{.5, .5}, qw: []uint64{0x7ff0000000000001, 0x3fe0000000000000}},
		{name: "signalling-nan-in-p", f: f32, comment: "a signalling NaN in P", pw: []uint64{0x3f000000, 0x7f800001}, q: []float64{.5, .5}},
		{name: "signalling-nan-in-q", f: f32, comment: "a signalling NaN in Q", p: []float64{.5, .5}, qw: []uint64{0x7f800001, 0x3f000000}},
	} {
		x.req, x.flags = "VAL-5", "nan-lost"
		qs = append(qs, x)
	}

	// Which of several comes first: NaN, then outside the domain, then +Inf.
	half := []float64{.5, .5}
	for _, f := range []format{f64, f32} {
		for _, x := range []question{
			{name: "nan-q-at-p0", comment: "a NaN in Q counts where p = 0 too", p: []float64{0, 1}, q: []float64{nan, 1}, req: "VAL-5 VAL-6", flags: "nan-behind-zero"},
			{name: "nan-q-at-p0-last", comment: "a NaN in Q counts where p = 0 too, in the last of 17", p: append(repeat(16, .0625), 0), q: append(repeat(16, .0625), nan), req: "VAL-5 VAL-6", flags: "nan-behind-zero"},
			{name: "nan-q-at-negative-zero", comment: "a NaN in Q where p = −0", p: []float64{negZero, 1}, q: []float64{nan, 1}, req: "VAL-4 VAL-5 VAL-6", flags: "nan-behind-zero"},
			{name: "nan-q-all-p0", comment: "P is all zero and Q has a NaN", p: []float64{0, 0}, q: []float64{.5, nan}, req: "VAL-5 VAL-6 VAL-17", flags: "nan-behind-zero"},
			{name: "nan-p-at-q0", comment: "a NaN in P where q = 0", p: []float64{nan, 1}, q: []float64{0, 1}, req: "VAL-5 VAL-16", flags: "nan-lost order-of-checks"},
			{name: "nan-p-then-q0", comment: "a NaN in P, and later p > 0 = q: NaN comes before +Inf", p: []float64{nan, .5}, q: []float64{1, 0}, req: "VAL-5 VAL-16", flags: "order-of-checks"},
			{name: "q0-then-nan-p", comment: "p > 0 = q, and later a NaN in P: NaN comes before +Inf", p: []float64{.5, nan}, q: []float64{0, 1}, req: "VAL-5 VAL-16", flags: "order-of-checks"},
			{name: "q0-then-nan-q", comment: "p > 0 = q, and later a NaN in Q: NaN comes before +Inf", p: half, q: []float64{0, nan}, req: "VAL-5 VAL-16", flags: "order-of-checks"},
			{name: "negative-then-nan", comment: "a negative weight and a NaN: NaN, not a refusal", p: []float64{-.5, nan}, q: half, req: "VAL-5 VAL-16", flags: "order-of-checks"},
			{name: "nan-then-negative", comment: "a NaN and a negative weight: NaN, not a refusal", p: []float64{nan, .5}, q: []float64{.5, -.5}, req: "VAL-5 VAL-16", flags: "order-of-checks"},
			{name: "inf-and-nan", comment: "an infinite weight and a NaN: NaN, not a refusal", p: []float64{inf, nan}, q: half, req: "VAL-5 VAL-16", flags: "order-of-checks"},
			{name: "inf-q-and-nan-p", comment: "an infinite weight in Q and a NaN in P at one place", p: []float64{nan, .5}, q: []float64{inf, .5}, req: "VAL-5 VAL-16", flags: "order-of-checks"},
			{name: "nan-only", comment: "NaN against NaN, one element", p: []float64{nan}, q: []float64{nan}, req: "VAL-5 VAL-18", flags: "nan-lost"},
			{name: "negative-p-at-q0", comment: "a negative weight over a zero", p: []float64{-.5, 1.5}, q: []float64{0, 1}, req: "VAL-7 VAL-16", flags: "negative-answered"},
			{name: "negative-q-at-p0", comment: "a negative weight in Q counts where p = 0 too", p: []float64{0, 1}, q: []float64{-.5, 1.5}, req: "VAL-7", flags: "negative-answered"},
			{name: "negative-then-q0", comment: "a negative weight, and later p > 0 = q: the domain comes before +Inf", p: []float64{-.5, 1.5}, q: []float64{1, 0}, req: "VAL-7 VAL-16", flags: "negative-answered order-of-checks"},
			{name: "q0-then-negative", comment: "p > 0 = q, and later a negative weight in Q", p: half, q: []float64{0, -1}, req: "VAL-7 VAL-16", flags: "negative-answered order-of-checks"},
			{name: "negative-both", comment: "a negative weight in P and in Q: the signs do not cancel in the ratio", p: []float64{-.25, 1.25}, q: []float64{-.5, 1.5}, req: "VAL-7", flags: "negative-answered"},
			{name: "negative-both-equal", comment: "P = Q with a negative weight is not 0", p: []float64{-.5, 1.5}, q: []float64{-.5, 1.5}, req: "VAL-7", flags: "negative-answered"},
			{name: "negative-totals-one", comment: "a negative weight in a vector that sums to 1", p: []float64{-.5, 1.5}, q: half, req: "VAL-7", flags: "negative-answered"},
			{name: "inf-p-at-q0", comment: "an infinite weight over a zero", p: []float64{inf, .5}, q: []float64{0, 1}, req: "VAL-8 VAL-16", flags: "infinity-answered"},
			{name: "inf-q-at-p0", comment: "an infinite weight in Q counts where p = 0 too", p: []float64{0, 1}, q: []float64{inf, 1}, req: "VAL-8", flags: "infinity-answered"},
			{name: "inf-then-q0", comment: "an infinite weight, and later p > 0 = q: the domain comes before +Inf", p: []float64{inf, .5}, q: []float64{1, 0}, req: "VAL-8 VAL-16", flags: "infinity-answered order-of-checks"},
			{name: "inf-both-only", comment: "+Inf against +Inf, one element: not 0", p: []float64{inf}, q: []float64{inf}, req: "VAL-8 VAL-18", flags: "infinity-answered"},
			{name: "inf-and-negative", comment: "an infinite and a negative weight", p: []float64{inf, -.5}, q: half, req: "VAL-7 VAL-8 VAL-16", flags: "negative-answered infinity-answered"},
			{name: "minus-inf-both", comment: "−Inf at one place of both: the signs do not cancel in the ratio", p: []float64{negInf, 1}, q: []float64{negInf, 1}, req: "VAL-7 VAL-8", flags: "negative-answered infinity-answered"},
		} {
			x.f = f
			qs = append(qs, x)
		}
	}
	return family{"special", "special", "the definition", qs}
}
