package judge_test

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"klconf/conform/judge"
	"klconf/spec"
)

// A said is one answer in a relation: a number to a question, with a weight.
type said struct {
	x      float64
	weight *big.Rat
	p, q   []float64 // the question, and
	c      string    // the convention, on which Expected goes
}

func times(n, d int64, s said) said {
	s.weight = big.NewRat(n, d)
	return s
}

func (s said) term(t *testing.T) judge.Term {
	return judge.Term{Name: "K", Weight: s.weight, DType: spec.F64,
		Answer: spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("result", spec.F64, math.Float64bits(s.x))}},
		Expected: func() (spec.Expected, error) {
			if s.p == nil {
				return spec.Expected{}, errors.New("Expected was not needed")
			}
			c := s.c
			if c == "" {
				c = "{}"
			}
			return judge.Expect(ask("kl", s.p, s.q), convention(t, c))
		}}
}

func bound(x float64) spec.Interval {
	return spec.Interval{Lo: new(big.Float).SetFloat64(x), Hi: new(big.Float).SetFloat64(x)}
}

func next(x float64, ulps int) float64 {
	for ; ulps > 0; ulps-- {
		x = math.Nextafter(x, math.Inf(1))
	}
	for ; ulps < 0; ulps++ {
		x = math.Nextafter(x, math.Inf(-1))
	}
	return x
}

func TestRelation(t *testing.T) {
	var (
		p, q   = []float64{.2, .5, .3}, []float64{.1, .6, .3}
		k      = 0x1.84dcfd8f12615p-5 // RN of their divergence
		two    = []float64{2}
		one    = []float64{1}
		huge   = []float64{1e308}
		tiny   = []float64{0x1p-1074}
		zero   = []float64{0}
		least  = 0x1p-1022
		above  = new(big.Float).SetPrec(80).Add(big.NewFloat(k), big.NewFloat((next(k, 1)-k)/4))
		beside = spec.Interval{Lo: above, Hi: above} // rounds to k
	)
	minus := func(s said) said { return times(-1, 1, s) }
	right := said{x: k, p: p, q: q}
	const normalised = `{"steps":[{"do":"normalise","of":"both"}]}`

	for _, c := range []struct {
		name  string
		sum   []said
		order judge.Order
		bound spec.Interval
		level spec.Level
		want  spec.Status
	}{
		// One answer and a bound, without tolerance at L5.
		{"at the bound", []said{{x: k}}, judge.AtLeast, bound(k), spec.L5, spec.Pass},
		{"bound rounds to it", []said{{x: k}}, judge.AtLeast, beside, spec.L5, spec.Pass},
		{"an ulp below", []said{{x: next(k, -1), p: p, q: q}}, judge.AtLeast, beside, spec.L5, spec.Fail},
		{"an ulp above", []said{{x: next(k, 1), p: p, q: q}}, judge.AtMost, beside, spec.L5, spec.Fail},
		{"equal", []said{{x: k}}, judge.Equal, beside, spec.L5, spec.Pass},
		{"negative weight", []said{minus(said{x: k})}, judge.AtMost, bound(-k), spec.L5, spec.Pass},
		{"negative weight, wrong", []said{minus(right)}, judge.AtMost, bound(-next(k, 1)), spec.L5, spec.Fail},
		{"weight 3", []said{times(3, 1, said{x: 0x1p-60})}, judge.Equal, bound(3 * 0x1p-60), spec.L5, spec.Pass},
		{"-0 equals 0", []said{{x: math.Copysign(0, -1)}}, judge.Equal, judge.Zero, spec.L5, spec.Pass},
		{"-0 is not +0", []said{{x: math.Copysign(0, -1), p: p, q: p}}, judge.Same, judge.Zero, spec.L5, spec.Fail},
		{"-0 is +0 at L1", []said{{x: math.Copysign(0, -1), p: p, q: p}}, judge.Same, judge.Zero, spec.L1, spec.Pass},
		{"infinite", []said{{x: inf}}, judge.Equal, bound(inf), spec.L5, spec.Pass},
		{"finite for infinite", []said{{x: 700, p: one, q: zero}}, judge.Equal, bound(inf), spec.L5, spec.Fail},
		{"finite for infinite, L1", []said{{x: 700, p: one, q: zero}}, judge.Equal, bound(inf), spec.L1, spec.Fail},
		{"infinite for finite", []said{{x: inf, p: p, q: q}}, judge.AtMost, bound(1e300), spec.L1, spec.Fail},

		// The same with the bound of a level.
		{"within L1", []said{{x: next(k, -20), p: p, q: q}}, judge.AtLeast, bound(k), spec.L1, spec.Pass},
		{"beyond L1", []said{{x: next(k, -20000), p: p, q: q}}, judge.AtLeast, bound(k), spec.L1, spec.Fail},
		{"within L4", []said{{x: next(k, -1), p: p, q: q}}, judge.AtLeast, bound(k), spec.L4, spec.Pass},
		{"beyond L4", []said{{x: next(k, -2), p: p, q: q}}, judge.AtLeast, bound(k), spec.L4, spec.Fail},
		{"L0 says nothing", []said{{x: -1, p: p, q: q}}, judge.AtLeast, judge.Zero, spec.L0, spec.Pass},

		// Two answers.
		{"same", []said{{x: k}, minus(said{x: k})}, judge.Same, judge.Zero, spec.L5, spec.Pass},
		{"not the same", []said{right, minus(said{x: next(k, 1), p: p, q: q})}, judge.Same, judge.Zero, spec.L5, spec.Fail},
		{"in order", []said{{x: next(k, 1)}, minus(said{x: k})}, judge.AtLeast, judge.Zero, spec.L5, spec.Pass},
		{"in the wrong order", []said{{x: next(k, 1), p: p, q: q}, minus(right)}, judge.AtMost, judge.Zero, spec.L5, spec.Fail},
		{"in order, signs exchanged", []said{minus(said{x: k}), {x: next(k, 1)}}, judge.AtLeast, judge.Zero, spec.L5, spec.Pass},
		{"of opposite signs", []said{{x: next(k, 1)}, {x: -k}}, judge.AtLeast, judge.Zero, spec.L5, spec.Pass},
		{"of opposite signs, wrong", []said{{x: next(k, -1), p: p, q: q}, {x: -k, p: p, q: q}}, judge.AtLeast, judge.Zero, spec.L5, spec.Fail},
		{"of opposite signs, turned", []said{minus(said{x: next(k, -1)}), minus(said{x: -k})}, judge.AtLeast, judge.Zero, spec.L5, spec.Pass},
		{"of opposite signs, turned, wrong", []said{minus(said{x: next(k, 1), p: p, q: q}), minus(said{x: -k, p: p, q: q})}, judge.AtLeast, judge.Zero, spec.L5, spec.Fail},
		{"of opposite signs, L1", []said{{x: next(k, -1), p: p, q: q}, {x: -k, p: p, q: q}}, judge.AtLeast, judge.Zero, spec.L1, spec.Pass},
		{"infinities of one sign", []said{{x: inf}, {x: inf}}, judge.AtLeast, judge.Zero, spec.L5, spec.Pass},
		{"signs of zero", []said{{x: 0, p: p, q: p}, minus(said{x: math.Copysign(0, -1), p: p, q: p})}, judge.Same, judge.Zero, spec.L5, spec.Fail},
		{"doubled", []said{times(2, 1, said{x: k}), minus(said{x: 2 * k})}, judge.Same, judge.Zero, spec.L5, spec.Pass},
		{"not doubled", []said{times(2, 1, right), minus(said{x: next(2*k, 1), p: p, q: q})}, judge.Same, judge.Zero, spec.L5, spec.Fail},
		{"halved", []said{times(1, 2, said{x: k}), minus(said{x: k / 2})}, judge.Same, judge.Zero, spec.L5, spec.Pass},
		{"infinite both", []said{times(2, 1, said{x: inf}), minus(said{x: inf})}, judge.Same, judge.Zero, spec.L5, spec.Pass},
		{"two within L1", []said{right, minus(said{x: next(k, 30), p: p, q: q})}, judge.Same, judge.Zero, spec.L1, spec.Pass},
		{"two beyond L1", []said{right, minus(said{x: 1.01 * k, p: p, q: q})}, judge.Same, judge.Zero, spec.L1, spec.Fail},

		// Subnormal results do not scale exactly: 2η·ln 2 rounds to η, 8η·ln 2
		// to 6η.
		{"subnormal", []said{times(4, 1, said{x: 0x1p-1074, p: []float64{0x1p-1073}, q: tiny}), minus(said{x: 6 * 0x1p-1074, p: []float64{0x1p-1071}, q: []float64{0x1p-1072}})},
			judge.Same, judge.Zero, spec.L5, spec.Pass},
		{"beyond subnormal", []said{times(4, 1, said{x: 0x1p-1074, p: []float64{0x1p-1073}, q: tiny}), minus(said{x: 9 * 0x1p-1074, p: []float64{0x1p-1071}, q: []float64{0x1p-1072}})},
			judge.Same, judge.Zero, spec.L5, spec.Fail},
		{"normal beside least", []said{times(2, 1, said{x: least}), minus(said{x: 2 * least})}, judge.Same, judge.Zero, spec.L5, spec.Pass},

		// Overflow: 2 K is beyond the largest number.
		{"overflow", []said{times(2, 1, said{x: 1.2e308, p: []float64{1.2e308 / math.Ln2}, q: []float64{0.6e308 / math.Ln2}}),
			minus(said{x: inf, p: huge, q: []float64{1e300}})}, judge.Same, judge.Zero, spec.L5, spec.Pass},

		// Sums of several answers get the sum of their half ulps.
		{"sum of three", []said{{x: next(3*math.Ln2, 0), p: []float64{3}, q: []float64{1.5}}, minus(said{x: math.Ln2, p: one, q: []float64{.5}}), minus(said{x: 2 * math.Ln2, p: two, q: one})},
			judge.Equal, judge.Zero, spec.L5, spec.Pass},
		{"sum of three, an ulp off", []said{{x: next(3*math.Ln2, 1), p: []float64{3}, q: []float64{1.5}}, minus(said{x: math.Ln2, p: one, q: []float64{.5}}), minus(said{x: 2 * math.Ln2, p: two, q: one})},
			judge.Equal, judge.Zero, spec.L5, spec.Pass},
		{"sum of three, three ulps off", []said{{x: next(3*math.Ln2, 3), p: []float64{3}, q: []float64{1.5}}, minus(said{x: math.Ln2, p: one, q: []float64{.5}}), minus(said{x: 2 * math.Ln2, p: two, q: one})},
			judge.Equal, judge.Zero, spec.L5, spec.Fail},
		{"infinite sum", []said{{x: inf, p: one, q: zero}, minus(said{x: 0, p: one, q: one}), minus(said{x: inf, p: one, q: zero})},
			judge.Equal, judge.Zero, spec.L5, spec.Pass},
		{"infinite on one side", []said{{x: inf, p: one, q: zero}, minus(said{x: 0, p: one, q: one}), minus(said{x: 1, p: one, q: zero})},
			judge.Equal, judge.Zero, spec.L5, spec.Fail},

		// Nothing is claimed.
		{"NaN is right", []said{{x: nan, p: []float64{nan}, q: one}}, judge.AtLeast, judge.Zero, spec.L5, spec.Skipped},
		{"NaN is wrong", []said{{x: nan, p: p, q: q}}, judge.AtLeast, judge.Zero, spec.L5, spec.Fail},
		{"0/0", []said{{x: -1, p: zero, q: one, c: normalised}}, judge.AtLeast, judge.Zero, spec.L5, spec.Skipped},
		{"overflow on the way", []said{{x: nan, p: []float64{1.7e308, 1.7e308}, q: []float64{1, 1}, c: normalised}}, judge.AtLeast, judge.Zero, spec.L1, spec.Skipped},
		{"overflow on the way, L5", []said{{x: nan, p: []float64{1.7e308, 1.7e308}, q: []float64{1, 1}, c: normalised}}, judge.AtLeast, judge.Zero, spec.L5, spec.Fail},

		// Different answers.
		{"different", []said{{x: 1}, minus(said{x: 2})}, judge.Differ, judge.Zero, spec.L5, spec.Pass},
		{"alike, rightly", []said{right, minus(right)}, judge.Differ, judge.Zero, spec.L5, spec.Skipped},
		{"alike, wrongly", []said{right, minus(said{x: k, p: q, q: p})}, judge.Differ, judge.Zero, spec.L5, spec.Fail},
		{"alike, wrongly at L1", []said{right, minus(said{x: k, p: q, q: p})}, judge.Differ, judge.Zero, spec.L1, spec.Fail},
		{"alike, within L0", []said{right, minus(said{x: k, p: q, q: p})}, judge.Differ, judge.Zero, spec.L0, spec.Skipped},
		{"overflows alike", []said{{x: inf, p: huge, q: one}, minus(said{x: inf, p: huge, q: two})}, judge.Differ, judge.Zero, spec.L4, spec.Skipped},
		{"alike, one overflows", []said{{x: inf, p: huge, q: one}, minus(said{x: inf, p: p, q: q})}, judge.Differ, judge.Zero, spec.L4, spec.Fail},
		{"infinities alike", []said{{x: inf, p: one, q: zero}, minus(said{x: inf, p: []float64{1, 0}, q: []float64{0, 1}})}, judge.Differ, judge.Zero, spec.L5, spec.Skipped},
	} {
		t.Run(c.name, func(t *testing.T) {
			var terms []judge.Term
			for _, s := range c.sum {
				terms = append(terms, s.term(t))
			}
			got, why := judge.Relation(terms, c.order, c.bound, c.level, spec.Requirement{Force: spec.Must})
			if got != c.want || (got == spec.Fail) != (why != "") && got != spec.Skipped {
				t.Errorf("%s: %q, want %s", got, why, c.want)
			}
			if c.want == spec.Fail {
				if note, _ := judge.Relation(terms, c.order, c.bound, c.level, spec.Requirement{Force: spec.Should}); note != spec.Note {
					t.Errorf("a SHOULD: %s", note)
				}
			}
		})
	}
}

func TestRelationSentences(t *testing.T) {
	k := said{x: 1, p: []float64{2}, q: []float64{1}}.term(t)
	h := said{x: 1, p: []float64{1}, q: []float64{1}}.term(t)
	h.Name, h.Weight = "H", big.NewRat(-1, 2)
	for _, c := range []struct {
		terms []judge.Term
		order judge.Order
		level spec.Level
		want  string
	}{
		{[]judge.Term{k}, judge.AtMost, spec.L5, "K = 1, but correctly rounded it is ≤ 0"},
		{[]judge.Term{k, h, k}, judge.Same, spec.L1, "K = 1, H = 1 and K = 1, but K − 1/2·H + K = 0, and at L1 all errors together are at most "},
		{[]judge.Term{h, k}, judge.AtMost, spec.L5, "H = 1 and K = 1, but correctly rounded −1/2·H + K ≤ 0"},
	} {
		if _, why := judge.Relation(c.terms, c.order, judge.Zero, c.level, spec.Requirement{}); !strings.HasPrefix(why, c.want) {
			t.Errorf("%q, want %q", why, c.want)
		}
	}
	for _, a := range []spec.Answer{
		{Status: spec.Crashed}, {Status: spec.NotRun},
	} {
		k.Answer = a
		if s, why := judge.Relation([]judge.Term{k}, judge.AtMost, judge.Zero, spec.L1, spec.Requirement{}); s != spec.StatusError || why == "" {
			t.Errorf("%s: %s %q", a.Status, s, why)
		}
	}
	k.Answer = spec.Answer{Status: spec.Rejected, Message: "I will not"}
	if s, why := judge.Relation([]judge.Term{k}, judge.AtMost, judge.Zero, spec.L1, spec.Requirement{}); s != spec.Note || !strings.Contains(why, "refused: I will not, but the exact value is 1.386") {
		t.Errorf("refused: %s %q", s, why)
	}
}
