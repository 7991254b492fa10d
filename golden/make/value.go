package main

import (
	"fmt"
	"math"

	"klconf/spec"
)

// nearEqual has P close to Q: the value is of second order, or of first order
// where the totals differ.
func nearEqual() family {
	const ulp = 0x1p-52
	var qs []question
	add := func(name, comment string, f format, p, q []float64, stratum, flags string) {
		qs = append(qs, question{name: name, f: f, comment: comment, p: p, q: q, req: "DEF-1", flags: flags, stratum: stratum})
	}
	add("one-up", "1 against 1 + 2^-52", f64, []float64{1}, []float64{1 + ulp}, "", "cancellation")
	add("one-down", "1 against 1 − 2^-53", f64, []float64{1}, []float64{1 - ulp/2}, "", "cancellation")
	add("one-two-up", "1 against 1 + 2^-51", f64, []float64{1}, []float64{1 + 2*ulp}, "", "cancellation")
	add("one-step-of-p", "1 + 2^-52 against 1", f64, []float64{1 + ulp}, []float64{1}, "", "cancellation")
	add("halves", "one step up and one down: the value is 2^-104", f64, []float64{.5, .5}, []float64{.5 + ulp, .5 - ulp}, "", "cancellation clamped-result")
	add("halves-half-step", "half a step: the totals differ by 2^-54", f64, []float64{.5, .5}, []float64{.5, .5 - ulp/4}, "", "cancellation")
	add("thirds", "1/3 three times against its neighbours", f64, repeat(3, 1./3), []float64{math.Nextafter(1./3, 1), 1. / 3, math.Nextafter(1./3, 0)}, "", "cancellation")
	add("negative", "rounded pmfs with a value slightly below 0", f64, []float64{.25, .25, .5 - ulp/2}, []float64{.25, .25, .5}, "", "cancellation clamped-result")
	qs[len(qs)-1].req += " VAL-19"
	add("quarters", "steps in four places that cancel in the totals", f64, repeat(4, .25), []float64{.25 + ulp, .25 - ulp, .25 + 2*ulp, .25 - 2*ulp}, "", "cancellation")
	p, q := pmfs(33)
	for i := range q {
		q[i] = p[i]
		if i < 32 {
			// Up and down by the same amount in pairs.
			d := math.Ldexp(1, -30)
			if i%2 == 1 {
				d = -d
			}
			q[i] += d
		}
	}
	add("pairs-33", "32 of 33 elements moved by 2^-30, with the total kept", f64, p, q, "", "cancellation")

	// Ladders: P = (1 ± δ)/2 against halves, δ the float64 nearest to 10^-k and
	// the power of two below it, and a total that differs by δ.
	for k, d := range []float64{1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15} {
		t := math.Ldexp(1, math.Ilogb(d))
		flags := "cancellation"
		stratum := ""
		if k < 2 {
			flags, stratum = "", "generic"
		}
		add(fmt.Sprintf("ladder-%d", k+1), fmt.Sprintf("halves against halves ± 2^%d", math.Ilogb(t)-1), f64,
			[]float64{.5, .5}, []float64{.5 + t/2, .5 - t/2}, stratum, flags)
		add(fmt.Sprintf("ladder-three-%d", k+1), fmt.Sprintf("three elements, two of them moved by about 1e-%d of themselves, rounded", k+1), f64,
			[]float64{.2, .5, .3}, []float64{.2 + float64(.2*d), .5 - float64(.2*d), .3}, stratum, flags)
		add(fmt.Sprintf("ladder-total-%d", k+1), fmt.Sprintf("one element moved by 2^%d: the totals differ", math.Ilogb(t)-1), f64,
			[]float64{.5, .5}, []float64{.5 + t/2, .5}, stratum, flags)
		if k < 6 {
			add(fmt.Sprintf("ladder-%d", k+1), fmt.Sprintf("halves against halves ± 2^%d", math.Ilogb(t)-1), f32,
				[]float64{.5, .5}, []float64{.5 + t/2, .5 - t/2}, stratum, flags)
		}
	}
	return family{"near-equal", "near-equal", "the definition", qs}
}

// measure is about weights that are no pmf: they are not normalised, nothing
// is added, and the value may be negative.
func measure() family {
	p7, q7 := pmfs(7)
	var qs []question
	for _, x := range []question{
		{name: "half-total-q", comment: "Q has half the total of P: ln 2 per unit of P", p: []float64{.5, .5}, q: []float64{.25, .25}},
		{name: "double-total-q", comment: "Q has twice the total of P: negative", p: []float64{.25, .75}, q: []float64{.5, 1.5}, req: "VAL-19"},
		{name: "counts", comment: "counts of the same total", p: []float64{2, 8}, q: []float64{1, 9}, flags: "value-clamped"},
		{name: "counts-three", comment: "counts, 100 of each", p: []float64{20, 50, 30}, q: []float64{10, 60, 30}, flags: "value-clamped"},
		{name: "counts-unequal", comment: "counts with different totals", p: []float64{3, 1, 4, 1, 5}, q: []float64{2, 7, 1, 8, 2}},
		{name: "counts-zero", comment: "counts with zeros", p: []float64{0, 3, 0, 5}, q: []float64{1, 2, 0, 4}, req: "VAL-1 VAL-3", flags: "zero-p-nan"},
		{name: "counts-large", comment: "counts beyond 2^53 of each other", p: []float64{0x1p60, 1}, q: []float64{1, 0x1p60}},
		{name: "total-2-to-minus-40", comment: "all weights times 2^-40", p: times(0x1p-40, p7), q: times(0x1p-40, q7), flags: "value-clamped epsilon-added"},
		{name: "total-2-to-minus-900", comment: "all weights times 2^-900", p: times(0x1p-900, p7), q: times(0x1p-900, q7), flags: "value-clamped epsilon-added"},
		{name: "total-2-to-900", comment: "all weights times 2^900", p: times(0x1p900, p7), q: times(0x1p900, q7), flags: "value-clamped"},
		{name: "small-p-large-q", comment: "the total of P is 2^-30, that of Q 2^30", p: times(0x1p-30, p7), q: times(0x1p30, q7), req: "VAL-19"},
		{name: "large-p-small-q", comment: "the total of P is 2^30, that of Q 2^-30", p: times(0x1p30, p7), q: times(0x1p-30, q7)},
		{name: "slightly-unnormalised", comment: "Q sums to 1 + 2^-20", p: []float64{.5, .5}, q: []float64{.5, .5 + 0x1p-20}},
		{name: "one-and-two", comment: "1 against 2, one element: −ln 2", p: []float64{1}, q: []float64{2}, req: "VAL-18 VAL-19"},
		{name: "pi-and-e", comment: "π against e, rounded, one element", p: []float64{0x1.921fb54442d18p+1}, q: []float64{0x1.5bf0a8b145769p+1}, req: "VAL-18"},
		{name: "negative-value", comment: "a value well below 0", p: []float64{.1, .2}, q: []float64{.3, .4}, req: "VAL-19", flags: "clamped-result"},
		{name: "p-below-q", comment: "P below Q everywhere", p: []float64{.1, .2, .3}, q: []float64{.2, .3, .4}, req: "VAL-19", flags: "clamped-result"},
		{name: "above-one", comment: "weights above 1", p: []float64{1.5, 2.5, .25}, q: []float64{2, 1.25, 1}, flags: "value-clamped"},
		{name: "generalised-tells", comment: "P = (1, 1), Q = (1, 1 + 2^-4): the terms −p + q are of the size of the value", p: []float64{1, 1}, q: []float64{1, 1.0625}, req: "VAL-19"},
		{name: "scale-1", comment: "KL(P‖Q), to compare with scale-8", p: p7, q: q7, stratum: "generic"},
		{name: "scale-8", comment: "KL(8P‖8Q) is 8·KL(P‖Q) to the bit", p: times(8, p7), q: times(8, q7)},
		{name: "scale-p-8", comment: "KL(8P‖Q) is 8·KL(P‖Q) + 8 ln 8", p: times(8, p7), q: q7},
		{name: "scale-q-8", comment: "KL(P‖8Q) is KL(P‖Q) − ln 8", p: p7, q: times(8, q7), req: "VAL-19"},
		{name: "ordinary-64", comment: "64 numbers from (0, 1) in both", p: ordinary(64, 1), q: ordinary(64, 2)},
	} {
		x.req = "DEF-1 DEF-3 DEF-8 DEF-11 " + x.req
		x.flags = "normalised generalised " + x.flags
		if x.name == "scale-1" {
			x.req, x.flags = "DEF-1 DEF-8", "halved"
		}
		qs = append(qs, x)
	}
	return family{"measure", "p-ne-q", "the definition", qs}
}

// article has the examples of a widely read introduction, with the values of
// its own formulas.
func article() family {
	const source = "an introduction to the divergence for language models: a die, and the example of its SciPy and TensorFlow code"
	dieA := repeat(6, 1./6)
	dieB := append([]float64{.5}, repeat(5, .1)...)
	p, q := []float64{.2, .5, .3}, []float64{.1, .6, .3}
	qs := []question{
		{name: "three", comment: "P = (0.2, 0.5, 0.3), Q = (0.1, 0.6, 0.3)", p: p, q: q, req: "DEF-1 DEF-4", flags: "wrong-logarithm wrong-base narrow-result epsilon-added"},
		{name: "three-reverse", comment: "the same with P and Q exchanged: another number", p: q, q: p, req: "DEF-1 DEF-2", flags: "swapped-arguments wrong-logarithm"},
		{name: "three-bits", comment: "the same in bits", p: p, q: q, opt: spec.Options{Base: "2"}, req: "DEF-4", flags: "wrong-base"},
		{name: "three-entropy", comment: "the entropy of P", op: "entropy", p: p, req: "DEF-5"},
		{name: "three-cross-entropy", comment: "the cross-entropy H(P, Q)", op: "cross_entropy", p: p, q: q, req: "DEF-6 DEF-2", flags: "symmetric-cross-entropy"},
		{name: "three-cross-entropy-reverse", comment: "the cross-entropy H(Q, P): another number", op: "cross_entropy", p: q, q: p, req: "DEF-6 DEF-2", flags: "symmetric-cross-entropy"},
		{name: "three-js", comment: "the Jensen-Shannon divergence of P and Q", op: "js", p: p, q: q, req: "DEF-7", flags: "js-scale"},
		{name: "dice", comment: "a fair die against a loaded one: 0.2426, not 0.251", p: dieA, q: dieB, req: "DEF-1", flags: "published-value wrong-logarithm"},
		{name: "dice-reverse", comment: "the loaded die against the fair one: 0.2939", p: dieB, q: dieA, req: "DEF-1 DEF-2", flags: "swapped-arguments"},
		{name: "dice-bits", comment: "the fair die against the loaded one in bits", p: dieA, q: dieB, opt: spec.Options{Base: "2"}, req: "DEF-4", flags: "wrong-base"},
		{name: "dice-entropy", comment: "the entropy of six times the float64 nearest 1/6", op: "entropy", p: dieA, req: "DEF-5"},
		{name: "dice-cross-entropy", comment: "H(A, B) = H(A) + KL(A‖B)", op: "cross_entropy", p: dieA, q: dieB, req: "DEF-6"},
	}
	qs = append(qs,
		question{name: "three", f: f32, comment: "the same with every number rounded to f32", p: single(p), q: single(q), req: "DEF-1", flags: "epsilon-added"},
		question{name: "dice", f: f32, comment: "the dice with every number rounded to f32", p: single(dieA), q: single(dieB), req: "DEF-1"})
	return family{"article", "generic", source, qs}
}
