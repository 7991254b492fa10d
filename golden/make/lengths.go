package main

import (
	"fmt"

	"klconf/spec"
)

// lengths has every length from 0 to 70: blocks of 4, 8, 16, 32 and 64
// elements with every remainder. No element is small: losing one, or the
// last few, or counting one twice, is far outside level L1.
func lengths() family {
	var qs []question
	for _, f := range []format{f64, f32} {
		qs = append(qs,
			question{name: "n-00", f: f, comment: "the empty sum is +0", p: []float64{}, q: []float64{},
				req: "VAL-9 VAL-14 IO-4", flags: "empty-input", stratum: "special"},
			question{name: "n-01", f: f, comment: "one element: ln 2", p: []float64{1}, q: []float64{.5},
				req: "DEF-1 VAL-18 IO-4", flags: "element-lost"})
		for n := 2; n <= 70; n++ {
			p, q := pmfs(n)
			qs = append(qs, question{
				name: fmt.Sprintf("n-%02d", n), f: f, comment: fmt.Sprintf("%d elements, each of which weighs", n),
				p: p, q: q, req: "DEF-1 IO-4", flags: "element-lost",
			})
		}
	}
	return family{"lengths", "generic", "the definition", qs}
}

// mismatch is about shapes that do not agree: refused whatever they hold.
func mismatch() family {
	type pair struct {
		name, comment string
		p, q          []float64
	}
	p5, q5 := pmfs(5)
	p64, q64 := pmfs(64)
	var qs []question
	for _, f := range []format{f64, f32} {
		pairs := []pair{
			{"p-3-q-2", "Q is one short", p3, []float64{.5, .5}},
			{"p-2-q-3", "Q is one long", []float64{.5, .5}, q3},
			{"p-3-q-1", "Q has one element: it is not stretched", p3, []float64{1}},
			{"p-1-q-3", "P has one element: it is not stretched", []float64{1}, q3},
			{"p-1-q-0", "Q is empty", []float64{1}, []float64{}},
			{"p-0-q-1", "P is empty", []float64{}, []float64{1}},
			{"p-64-q-63", "Q is one short of 64", p64, q64[:63]},
			{"p-4-q-5", "P is one short of 5", p5[:4], q5},
			{"equal-prefix", "P and Q agree as far as Q goes: not 0", []float64{.5, .5, 0}, []float64{.5, .5}},
			{"extra-zeros", "Q goes on with zeros: they are elements", []float64{.5, .5}, []float64{.5, .5, 0, 0}},
			{"extra-zeros-p", "P goes on with zeros: they are elements", []float64{.25, .75, 0}, []float64{.5, .5}},
		}
		for _, x := range pairs {
			qs = append(qs, question{name: x.name, f: f, comment: x.comment, p: x.p, q: x.q, req: "VAL-10 VAL-20", flags: "length-mismatch"})
		}
	}
	for _, x := range []question{
		{name: "before-nan-p", comment: "a mismatch comes before a NaN in P", p: []float64{nan, .5, .5}, q: []float64{.5, .5}},
		{name: "before-nan-q", comment: "a mismatch comes before a NaN in Q", p: []float64{.5, .5}, q: []float64{.25, .25, nan}},
		{name: "before-negative", comment: "a mismatch comes before a negative weight", p: []float64{-.5, 1, .5}, q: []float64{.5, .5}},
		{name: "before-infinite", comment: "a mismatch comes before an infinite weight", p: []float64{.5, .5}, q: []float64{inf, .5, .5}},
		{name: "before-q0", comment: "a mismatch comes before p > 0 = q", p: []float64{.5, .5}, q: []float64{0, .5, .5}},
	} {
		x.req, x.flags = "VAL-10 VAL-16", "length-mismatch order-of-checks"
		qs = append(qs, x)
	}
	for _, x := range []question{
		{name: "cross-entropy", comment: "lengths 3 and 2", op: "cross_entropy", p: p3, q: []float64{.5, .5}, req: "VAL-10 DEF-6"},
		{name: "js", comment: "lengths 2 and 3", op: "js", p: []float64{.5, .5}, q: q3, req: "VAL-10 DEF-7"},
		{name: "rows-transposed", comment: "2×3 against 3×2: as many elements, another shape", op: "kl_rows", shape: []int{2, 3}, qshape: []int{3, 2},
			p: append(p3, q3...), q: append(q3, p3...), req: "VAL-10 ROW-1"},
		{name: "rows-one-q", comment: "2×3 against 1×3: one row is not used for all", op: "kl_rows", shape: []int{2, 3}, qshape: []int{1, 3},
			p: append(p3, q3...), q: q3, req: "VAL-10 ROW-1"},
		{name: "rows-one-p", comment: "1×3 against 2×3: one row is not used for all", op: "kl_rows", shape: []int{1, 3}, qshape: []int{2, 3},
			p: p3, q: append(p3, q3...), req: "VAL-10 ROW-1"},
		{name: "rows-short", comment: "2×3 against 2×2", op: "kl_rows", shape: []int{2, 3}, qshape: []int{2, 2},
			p: append(p3, q3...), q: repeat(4, .5), req: "VAL-10 ROW-1"},
		{name: "rows-sum", comment: "2×3 against 1×3, summed: refused, not a number", op: "kl_rows", shape: []int{2, 3}, qshape: []int{1, 3},
			p: append(p3, q3...), q: q3, opt: spec.Options{Reduction: "sum"}, req: "VAL-10 ROW-1"},
	} {
		x.flags = "length-mismatch"
		qs = append(qs, x)
	}
	return family{"mismatch", "special", "the definition", qs}
}
