package main

import (
	"math"
	"strings"

	"klconf/spec"
)

// ties is about values on or next to the middle between two results. Only a
// rational value can lie on it, and at base e only 0 is rational; at other
// bases ties exist and go to the even neighbour.
func ties() family {
	var qs []question
	tie := func(name, comment string, base spec.Real, p, q []float64) {
		qs = append(qs, question{name: name, comment: comment, p: p, q: q, opt: spec.Options{Base: base},
			req: "DEF-1 DEF-4 DEF-9", flags: "tie"})
	}
	tie("base-2-down", "exactly 1 + 2^-53: to even is down to 1", "2", []float64{1, 0x1p-53}, []float64{.5, 0x1p-54})
	tie("base-2-up", "exactly 1 + 3·2^-53: to even is up to 1 + 2^-51", "2", []float64{1, 0x1.8p-52}, []float64{.5, 0x1.8p-53})
	tie("base-2-negative-down", "exactly −1 − 2^-53: to even is −1", "2", []float64{1, 0x1p-53}, []float64{2, 0x1p-52})
	tie("base-2-negative-up", "exactly −1 − 3·2^-53: to even is −1 − 2^-51", "2", []float64{1, 0x1.8p-52}, []float64{2, 0x1.8p-51})
	tie("base-2-below-one", "exactly 1 − 2^-54, the middle below a power of two: to even is 1", "2", []float64{1, 0x1p-54}, []float64{.5, 0x1p-53})
	tie("base-2-many", "a tie that four terms make together: 1 + 2^-53", "2",
		[]float64{.5, .25, .25, 0x1p-53}, []float64{.25, .125, .125, 0x1p-54})
	tie("base-2-different-logs", "a tie of terms with logarithms 2, −1 and 1: 1/2 + 2^-54", "2",
		[]float64{.5, .5, 0x1p-54}, []float64{.125, 1, 0x1p-55})
	tie("base-2-odd-primes", "ln 3 and ln 5 cancel: exactly 2 + 2^-52, to even is 2", "2",
		[]float64{15, 15, 2, 0x1p-52}, []float64{9, 25, 1, 0x1p-53})
	tie("base-4-down", "exactly 1 + 2^-53 at base 4: half of (2 + 2^-52)", "4", []float64{2, 0x1p-52}, []float64{1, 0x1p-53})
	tie("base-4-up", "exactly 1 + 3·2^-53 at base 4", "4", []float64{2, 0x1.8p-51}, []float64{1, 0x1.8p-52})
	tie("base-4-whole", "exactly 1 + 2^-53 at base 4 from ratios of 4", "4", []float64{1, 0x1p-53}, []float64{.25, 0x1p-55})
	tie("base-8-down", "exactly 1 + 2^-53 at base 8: a third of (3 + 3·2^-53)", "8", []float64{3, 0x1.8p-52}, []float64{1.5, 0x1.8p-53})
	tie("base-8-up", "exactly 1 + 3·2^-53 at base 8", "8", []float64{3, 0x1.2p-50}, []float64{1.5, 0x1.2p-51})
	tie("base-10-down", "exactly 10 + 5·2^-50, two and a half steps above 10: to even is two", "10", []float64{10, 0x1.4p-48}, []float64{1, 0x1p-51})
	tie("base-10-up", "exactly 10 + 15·2^-50, seven and a half steps above 10: to even is eight", "10", []float64{10, 0x1.ep-47}, []float64{1, 0x1.8p-50})
	tie("base-half-down", "exactly −1 − 2^-53 at base 1/2", "0x1p-01", []float64{1, 0x1p-53}, []float64{.5, 0x1p-54})
	tie("base-half-up", "exactly −1 − 3·2^-53 at base 1/2", "0x1p-01", []float64{1, 0x1.8p-52}, []float64{.5, 0x1.8p-53})
	tie("base-three-halves-down", "exactly 3 + 9·2^-52 at base 3/2, four and a half steps above 3: to even is four", "0x1.8p+00",
		[]float64{3, 0x1.2p-49}, []float64{2, 0x1.8p-50})
	tie("base-three-halves-up", "exactly 3 + 3·2^-52 at base 3/2, one and a half steps above 3: to even is two", "0x1.8p+00",
		[]float64{3, 0x1.8p-51}, []float64{2, 0x1p-51})
	tie("base-hundred", "exactly 5 + 5·2^-51 at base 100, half of (10 + 10·2^-51): two and a half steps above 5", "100",
		[]float64{10, 0x1.4p-48}, []float64{1, 0x1p-51})
	tie("base-4-subnormal", "exactly −3/2 of the least subnormal: to even is −2 of it", "4", []float64{3 * f64.eta}, []float64{6 * f64.eta})
	tie("base-4-half-least", "exactly −1/2 of the least subnormal: to even is 0, and that is +0", "4", []float64{f64.eta}, []float64{2 * f64.eta})
	for i := range qs[len(qs)-2:] {
		x := &qs[len(qs)-2+i]
		x.req, x.stratum = x.req+" VAL-11", "subnormal"
	}
	qs[len(qs)-1].req += " VAL-14"
	qs[len(qs)-1].flags += " negative-zero-result"

	near := func(name, comment string, base spec.Real, p, q []float64) {
		qs = append(qs, question{name: name, comment: comment, p: p, q: q, opt: spec.Options{Base: base},
			req: "DEF-1 DEF-9", flags: "near-tie"})
		if base != "" {
			qs[len(qs)-1].req += " DEF-4"
		}
	}
	near("near-above-105", "2^-105 above the middle: up", "2", []float64{1, 0x1p-53, 0x1p-105}, []float64{.5, 0x1p-54, 0x1p-106})
	near("near-below-105", "2^-105 below the middle: down, although the even neighbour is above", "2",
		[]float64{1, 0x1.8p-52, 0x1p-105}, []float64{.5, 0x1.8p-53, 0x1p-104})
	near("near-above-1072", "3·2^-1074·log₂ 3 above the middle: up", "2", []float64{1, 0x1p-53, 3 * f64.eta}, []float64{.5, 0x1p-54, f64.eta})
	near("near-below-1072", "2^-1074·log₂ 3 below the middle: down, although the even neighbour is above", "2",
		[]float64{1, 0x1.8p-52, f64.eta}, []float64{.5, 0x1.8p-53, 3 * f64.eta})
	near("near-above-300", "rational, 2^-300 above the middle: up", "2", []float64{1, 0x1p-53, 0x1p-300}, []float64{.5, 0x1p-54, 0x1p-301})
	near("near-above-1073", "rational, 2^-1073 above the middle: up", "2", []float64{1, 0x1p-53, 0x1p-1073}, []float64{.5, 0x1p-54, 0x1p-1074})
	near("near-irrational", "1 + 2^-53 and 3·2^-201·log₂ 3: up", "2",
		[]float64{1, 0x1p-53, 0x1.8p-200}, []float64{.5, 0x1p-54, 0x1p-201})
	// p·ln 2 and p·ln 4 closest to the middle of two neighbours: m/2^53 with m
	// from the continued fraction of the logarithm.
	m := func(m uint64, e int) float64 { return math.Ldexp(float64(m), e) }
	for _, x := range []struct {
		name, comment string
		m             uint64
		k             float64
	}{
		{"ln2-below", "p·ln 2 lies 2^-52.7 of a step below the middle: down, although the even neighbour is above", 0x18a5dd21ef35af, .5},
		{"ln2-above", "p·ln 2 lies 2^-51.5 of a step above the middle: up, although the even neighbour is below", 0x172b7dc660ed4b, .5},
		{"ln4-below", "p·ln 4 lies 2^-53.1 of a step below the middle: down, although the even neighbour is above", 0x104f0b79a8f317, .25},
		{"ln4-above", "p·ln 4 lies 2^-50 of a step above the middle: up", 0x16cce5ef7d5b32, .25},
	} {
		p := m(x.m, -53)
		near(x.name, x.comment, "", []float64{p}, []float64{p * x.k})
		near(x.name+"-negative", x.comment+"; negative", "", []float64{p}, []float64{p / x.k})
	}
	for _, x := range []struct {
		name, comment string
		m             uint64
		k             float64
	}{
		{"ln2-below", "p·ln 2 lies 2^-24.8 of a step below the middle: down, although the even neighbour is above", 0xcff562, .5},
		{"ln4-above", "p·ln 4 lies 2^-21.6 of a step above the middle: up, although the even neighbour is below", 0x92d5e2, .25},
	} {
		p := m(x.m, -24)
		qs = append(qs, question{name: x.name, f: f32, comment: x.comment, p: []float64{p}, q: []float64{p * x.k},
			req: "DEF-1 DEF-9", flags: "near-tie"})
	}

	// The same in the other formats. Results of f16 and bf16 are f32.
	for _, x := range []question{
		{name: "base-2-down", f: f32, comment: "exactly 1 + 2^-24: to even is down to 1", p: []float64{1, 0x1p-24}, q: []float64{.5, 0x1p-25}, flags: "tie"},
		{name: "base-2-up", f: f32, comment: "exactly 1 + 3·2^-24: to even is up to 1 + 2^-22", p: []float64{1, 0x1.8p-23}, q: []float64{.5, 0x1.8p-24}, flags: "tie"},
		{name: "double-rounding", f: f32, comment: "1 + 2^-24 + 2^-60 is above the middle: up; by way of float64 it becomes a tie and goes down",
			p: []float64{1, 0x1p-24, 0x1p-60}, q: []float64{.5, 0x1p-25, 0x1p-61}, flags: "rounded-twice near-tie"},
		{name: "double-rounding-below", f: f32, comment: "1 + 3·2^-24 − 2^-60 is below the middle: down; by way of float64 it becomes a tie and goes up",
			p: []float64{1, 0x1.8p-23, 0x1p-60}, q: []float64{.5, 0x1.8p-24, 0x1p-59}, flags: "rounded-twice near-tie"},
		{name: "base-2-down", f: bf16, comment: "exactly 1 + 2^-24, in f32: to even is down to 1", p: []float64{1, 0x1p-24}, q: []float64{.5, 0x1p-25}, flags: "tie"},
		{name: "double-rounding", f: bf16, comment: "1 + 2^-24 + 2^-80 is above the middle of two f32: up",
			p: []float64{1, 0x1p-24, 0x1p-80}, q: []float64{.5, 0x1p-25, 0x1p-81}, flags: "rounded-twice near-tie"},
		{name: "base-2-down", f: f16, comment: "exactly 1 + 2^-24 at base 4, in f32: to even is down to 1", p: []float64{2, 0x1p-23}, q: []float64{1, 0x1p-24}, opt: spec.Options{Base: "4"}, flags: "tie"},
	} {
		if x.opt.Base == "" {
			x.opt.Base = "2"
		}
		x.req = "DEF-1 DEF-4 DEF-9"
		qs = append(qs, x)
	}
	return family{"ties", "p-ne-q", "numerics of exact rounding: transcendence of the logarithm (Hermite, Lindemann) and unique factorisation", qs}
}

// exactZero has questions whose value is 0, or rounds to it. Every such
// result is +0.
func exactZero() family {
	p70, _ := pmfs(70)
	var qs []question
	for _, x := range []question{
		// P = Q.
		{name: "self-3", comment: "P = Q", p: []float64{.2, .5, .3}, q: []float64{.2, .5, .3}},
		{name: "self-two-thirds", comment: "P = Q with weights that are not short in binary", p: []float64{1. / 3, 2. / 3}, q: []float64{1. / 3, 2. / 3}},
		{name: "self-one", comment: "P = Q = (1)", p: []float64{1}, q: []float64{1}, req: "VAL-18"},
		{name: "self-70", comment: "P = Q, 70 elements", p: p70, q: p70},
		{name: "self-zeros", comment: "P = Q with zeros", p: []float64{0, .5, 0, .5, 0}, q: []float64{0, .5, 0, .5, 0}, req: "VAL-3"},
		{name: "self-counts", comment: "P = Q = counts", p: []float64{3, 1, 4, 1, 5, 9, 2, 6}, q: []float64{3, 1, 4, 1, 5, 9, 2, 6}, req: "DEF-3", stratum: "p-ne-q"},
		{name: "self-least", comment: "P = Q is the least subnormal", p: []float64{f64.eta}, q: []float64{f64.eta}, req: "VAL-11 VAL-18", stratum: "subnormal"},
		{name: "self-subnormal", comment: "P = Q with subnormals", p: []float64{f64.eta, f64.subnormal(), 1}, q: []float64{f64.eta, f64.subnormal(), 1}, req: "VAL-11", stratum: "subnormal"},
		{name: "self-largest", comment: "P = Q is the largest number: P ln P would overflow", p: []float64{f64.max, f64.max}, q: []float64{f64.max, f64.max}, req: "VAL-15", stratum: "huge-ratio", flags: "partial-overflow"},
		{name: "self-wide", comment: "P = Q over the whole range of exponents", p: []float64{f64.eta, 0x1p-700, 0x1p-3, 0x1p700}, q: []float64{f64.eta, 0x1p-700, 0x1p-3, 0x1p700}, stratum: "huge-ratio"},

		// Zeros of P < Q: the terms cancel, P is not Q.
		{name: "two", comment: "ln(1/2) + ln 2", p: []float64{1, 1}, q: []float64{2, .5}, stratum: "p-ne-q"},
		{name: "two-swapped", comment: "ln 2 + ln(1/2): the order does not matter", p: []float64{1, 1}, q: []float64{.5, 2}, stratum: "p-ne-q"},
		{name: "half-and-four", comment: "4 ln(1/2) + (1/2) ln 2^8", p: []float64{4, .5}, q: []float64{8, 0x1p-9}, stratum: "p-ne-q"},
		{name: "two-thirds", comment: "6 ln(6/4) + 6 ln(6/9): (36/36)^6", p: []float64{6, 6}, q: []float64{4, 9}, stratum: "p-ne-q", flags: "cancellation"},
		{name: "fifteen", comment: "15 ln(15/9) + 15 ln(15/25)", p: []float64{15, 15}, q: []float64{9, 25}, stratum: "p-ne-q", flags: "cancellation"},
		{name: "weighted", comment: "6 ln(6/3) + 3 ln(3/12): weights differ too", p: []float64{6, 3}, q: []float64{3, 12}, stratum: "p-ne-q"},
		{name: "order-1", comment: "30 ln 30/20 + 30 ln 30/36 + 30 ln 30/37.5: 20·36·37.5 = 30³", p: []float64{30, 30, 30}, q: []float64{20, 36, 37.5}, stratum: "p-ne-q", flags: "cancellation"},
		{name: "order-2", comment: "the same terms in another order", p: []float64{30, 30, 30}, q: []float64{37.5, 20, 36}, stratum: "p-ne-q", flags: "cancellation"},
		{name: "order-3", comment: "the same terms in a third order", p: []float64{30, 30, 30}, q: []float64{36, 37.5, 20}, stratum: "p-ne-q", flags: "cancellation"},
		{name: "scaled", comment: "6 ln(6/4) + 6 ln(6/9), all of it times 2^-500", p: []float64{0x1.8p-498, 0x1.8p-498}, q: []float64{0x1p-498, 0x1.2p-497}, stratum: "p-ne-q", flags: "cancellation"},
		{name: "huge-ratios", comment: "ln 2^1000 and ln 2^-1000", p: []float64{1, 1}, q: []float64{0x1p-1000, 0x1p1000}, stratum: "huge-ratio"},
		{name: "wide-weights", comment: "ln(1/2) and 2^-10·ln 2^1024", p: []float64{1, 0x1p-10}, q: []float64{2, 0x1p-1034}, req: "VAL-11 VAL-12", stratum: "huge-ratio", flags: "ratio-overflow"},
		{name: "sixty-four", comment: "32 times ln(1/2) and 32 times ln 2", p: repeat(64, 1), q: append(repeat(32, 2), repeat(32, .5)...), stratum: "p-ne-q"},

		// Not zero, but nearer to 0 than to the least subnormal.
		{name: "tiny-negative", comment: "(3 ln(3/2) + ln(1/4)) least subnormals, −0.17 of one: +0", p: []float64{3 * f64.eta, f64.eta}, q: []float64{2 * f64.eta, 4 * f64.eta}, req: "VAL-11 VAL-19", stratum: "subnormal", flags: "negative-zero-result"},
		{name: "tiny-positive", comment: "(2 ln(2/3) + 3 ln(3/2)) least subnormals, 0.41 of one: +0", p: []float64{2 * f64.eta, 3 * f64.eta}, q: []float64{3 * f64.eta, 2 * f64.eta}, req: "VAL-11", stratum: "subnormal"},
		{name: "tiny-normal", comment: "two terms of weights near the least normal that leave 2^-1125: +0",
			p: []float64{0x1.0000000000001p-1021, 0x1p-1021}, q: []float64{0x1p-1021, 0x1.0000000000001p-1021}, req: "VAL-11", stratum: "subnormal", flags: "cancellation"},
	} {
		x.req = "DEF-1 VAL-14 " + x.req
		if !strings.HasPrefix(x.name, "tiny") {
			x.flags = "exact-zero " + x.flags
		}
		if strings.HasPrefix(x.name, "self") {
			x.flags = "self-not-zero " + x.flags
		}
		qs = append(qs, x)
	}

	// Products of powers that are 1, for P < Q: K ≥ P ln(P/Q) leaves no others.
	// The integers are numbers of every format.
	for _, f := range []format{f64, f32, f16, bf16} {
		for _, x := range []struct {
			name, comment string
			op            spec.Op
			p, q          []float64
		}{
			{"six-3-12", "6 ln(6/3) + 6 ln(6/12)", "kl", []float64{6, 6}, []float64{3, 12}},
			{"six-2-18", "6 ln(6/2) + 6 ln(6/18)", "kl", []float64{6, 6}, []float64{2, 18}},
			{"ten-4-25", "10 ln(10/4) + 10 ln(10/25)", "kl", []float64{10, 10}, []float64{4, 25}},
			{"twelve-9-16", "12 ln(12/9) + 12 ln(12/16)", "kl", []float64{12, 12}, []float64{9, 16}},
			{"fourteen-4-49", "14 ln(14/4) + 14 ln(14/49)", "kl", []float64{14, 14}, []float64{4, 49}},
			{"three-powers", "8 ln(8/4) + 4 ln(4/8) + 4 ln(4/8)", "kl", []float64{8, 4, 4}, []float64{4, 8, 8}},
			{"thirty-in-three", "30 ln 30/25 + 30 ln 30/27 + 30 ln 30/40: 25·27·40 = 30³", "kl", []float64{30, 30, 30}, []float64{25, 27, 40}},
			{"unequal-weights", "12 ln(12/6) + 6 ln(6/24): 2¹²·4⁻⁶", "kl", []float64{12, 6}, []float64{6, 24}},
			{"with-zeros", "6 ln(6/4) + 6 ln(6/9) beside zeros", "kl", []float64{0, 6, 6, 0}, []float64{1, 4, 9, 0}},
			{"cross-entropy", "ln 2 + ln(1/2)", "cross_entropy", []float64{3, 3}, []float64{2, .5}},
			{"entropy", "2 ln 2 + 4·(1/2) ln(1/2)", "entropy", []float64{2, .5, .5, .5, .5}, nil},
		} {
			y := question{name: x.name, f: f, comment: x.comment + " = 0", op: x.op, p: x.p, q: x.q, req: "DEF-1 VAL-14", flags: "exact-zero cancellation", stratum: "p-ne-q"}
			switch x.op {
			case "cross_entropy":
				y.req = "DEF-6 VAL-14"
			case "entropy":
				y.req = "DEF-5 VAL-14"
			}
			qs = append(qs, y)
		}
	}
	return family{"exact-zero", "near-equal", "unique factorisation", qs}
}
