package main

import (
	"fmt"
	"hash/fnv"

	"klconf/golden"
)

// seeded is a generator whose seed comes from what it is asked for.
func seeded(kind string, f format, n int) *golden.Generator {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s %d", kind, f.d, n)
	return &golden.Generator{Name: "splitmix64", Kind: kind, Seed: fmt.Sprintf("%016x", h.Sum64()), N: n}
}

// vocabularies are lengths of rows of real models, and round ones.
var vocabularies = []int{1000, 10007, 32000, 50257, 128256, 150000}

// large has vectors up to 150 000 elements, made by a rule.
func large() family {
	var qs []question
	for _, f := range []format{f64, f32, bf16} {
		for _, k := range []struct{ kind, comment, req, flags, stratum string }{
			{"pmf", "totals of exactly 1, one element with most of the mass", "DEF-1", "accumulation", "large-n"},
			{"softmax", "weights over 30 binades, as a softmax has them; not normalised", "DEF-1 DEF-3", "accumulation normalised", "softmax"},
			{"near", "the same with Q next to P", "DEF-1", "accumulation cancellation", "near-equal"},
			{"zeros", "the same with zeros in P and in both", "DEF-1 VAL-1 VAL-3", "accumulation zero-p-nan zero-zero-nan", "zero"},
		} {
			for _, n := range vocabularies {
				if f.d == "bf16" && (k.kind != "softmax" || n > 50257) {
					continue // totals of 1 and neighbours of P need more digits
				}
				x := question{name: fmt.Sprintf("%s-%d", k.kind, n), f: f, comment: fmt.Sprintf("%d elements: %s", n, k.comment),
					gen: seeded(k.kind, f, n), req: k.req, flags: k.flags, stratum: k.stratum}
				if k.stratum == "softmax" && f.d == "bf16" {
					x.stratum = "low-precision"
				}
				qs = append(qs, x)
			}
		}
		if f.d == "bf16" {
			continue
		}
		for _, x := range []question{
			{name: "entropy-50257", op: "entropy", comment: "the entropy of 50257 weights", gen: seeded("softmax", f, 50257), req: "DEF-5"},
			{name: "cross-entropy-50257", op: "cross_entropy", comment: "the cross-entropy of 50257 weights", gen: seeded("softmax", f, 50257), req: "DEF-6"},
			{name: "js-50257", op: "js", comment: "the Jensen-Shannon divergence of 50257 weights", gen: seeded("softmax", f, 50257), req: "DEF-7"},
			{name: "rows-4-12500", op: "kl_rows", shape: []int{4, 12500}, comment: "four rows of 12500", gen: seeded("softmax", f, 50000), req: "ROW-1 ROW-7"},
			{name: "rows-500-100", op: "kl_rows", shape: []int{500, 100}, comment: "500 rows of 100", gen: seeded("zeros", f, 50000), req: "ROW-1 ROW-7 VAL-1 VAL-3"},
		} {
			x.f, x.flags, x.stratum = f, "accumulation", "large-n"
			qs = append(qs, x)
		}
	}
	return family{"large", "large-n", "made by a rule", qs}
}

// boundaries has the lengths around powers of two where kernels change over.
// In "even" every term weighs alike, so that losing one or counting it twice
// is seen; where the bound of L1 grows beyond one term, in f32 from about
// 1800 elements on, L2 still sees it, and in "tail" only the last 17 elements
// weigh, so that L1 sees the loss of any of them at every length.
func boundaries() family {
	var qs []question
	for _, f := range []format{f64, f32, f16, bf16} {
		for _, size := range []int{128, 256, 512, 1024, 2048, 4096} {
			for n := size - 1; n <= size+1; n++ {
				qs = append(qs, question{name: fmt.Sprintf("even-%d", n), f: f, comment: fmt.Sprintf("%d elements, each of which weighs", n),
					gen: seeded("even", f, n), req: "DEF-1", flags: "element-lost", stratum: "large-n"})
				if (f.d == "f64" || f.d == "f32") && size >= 1024 {
					qs = append(qs, question{name: fmt.Sprintf("tail-%d", n), f: f, comment: fmt.Sprintf("%d elements, of which the last 17 weigh", n),
						gen: seeded("tail", f, n), req: "DEF-1", flags: "element-lost", stratum: "large-n"})
				}
			}
		}
	}
	for _, size := range []int{128, 1024} {
		for n := size - 1; n <= size+1; n++ {
			for _, x := range []question{
				{name: "entropy", op: "entropy", req: "DEF-5"}, {name: "cross-entropy", op: "cross_entropy", req: "DEF-6"}, {name: "js", op: "js", req: "DEF-7"},
				{name: "rows", op: "kl_rows", shape: []int{3, n}, req: "ROW-1 ROW-7"},
			} {
				total := n
				if x.shape != nil {
					total *= 3
				}
				x.name, x.comment = fmt.Sprintf("%s-%d", x.name, n), fmt.Sprintf("%d elements a row, each of which weighs", n)
				x.gen, x.flags, x.stratum = seeded("even", f64, total), "element-lost", "large-n"
				qs = append(qs, x)
			}
		}
	}
	return family{"boundaries", "large-n", "the definition", qs}
}
