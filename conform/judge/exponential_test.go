package judge_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"klconf/conform/judge"
	"klconf/spec"
)

func TestLogarithmicSpecialValues(t *testing.T) {
	ninf := -inf
	for _, c := range []struct {
		name, convention string
		op               spec.Op
		p, q             []float64
		answer           float64
		rejected         bool
		want             bool
	}{
		{"masked on both sides", `{}`, "kl_logits", []float64{0, ninf}, []float64{3, ninf}, 0, false, true},
		{"masked in P", `{}`, "kl_logits", []float64{0, ninf}, []float64{0, 0}, math.Ln2, false, true},
		{"masked in Q", `{}`, "kl_logits", []float64{0, 0}, []float64{0, ninf}, inf, false, true},
		{"masked in Q, finite", `{}`, "kl_logits", []float64{0, 0}, []float64{0, ninf}, math.Ln2, false, false},
		{"masked in Q, dropped as declared", `{"zero_q":"drop"}`, "kl_logits", []float64{0, 0}, []float64{0, ninf}, .5 * math.Log(.5), false, true},
		{"nothing left of P", `{}`, "kl_logits", []float64{ninf, ninf}, []float64{0, 1}, nan, false, true},
		{"nothing left of P, 0", `{}`, "kl_logits", []float64{ninf, ninf}, []float64{0, 1}, 0, false, false},
		{"nothing left of Q", `{}`, "kl_logits", []float64{0, 1}, []float64{ninf, ninf}, nan, false, true},
		{"nothing left of Q, Inf", `{}`, "kl_logits", []float64{0, 1}, []float64{ninf, ninf}, inf, false, false},
		{"nothing left of P, entropy", `{}`, "entropy_logits", []float64{ninf, ninf}, nil, nan, false, true},
		{"+Inf", `{}`, "kl_logits", []float64{0, inf}, []float64{0, 1}, nan, false, true},
		{"+Inf refused", `{}`, "kl_logits", []float64{0, 1}, []float64{0, inf}, 0, true, true},
		{"+Inf, finite", `{}`, "kl_logits", []float64{0, inf}, []float64{0, 1}, 1, false, false},
		{"NaN before a mask", `{}`, "kl_logits", []float64{ninf, nan}, []float64{0, 1}, nan, false, true},
		{"shifted", `{}`, "kl_logits", []float64{1, 2}, []float64{1001, 1002}, 0, false, true},
		{"negative zero", `{}`, "kl_logits", []float64{1, 2}, []float64{1, 2}, math.Copysign(0, -1), false, true},
		{"weight 0", `{}`, "kl_logprobs", []float64{ninf, 0}, []float64{5, -1}, 1, false, true},
		{"weight 0 as NaN, declared", `{"zero_p":"nan"}`, "kl_logprobs", []float64{ninf, 0}, []float64{5, -1}, nan, false, true},
		{"weight 0 as NaN, undeclared", `{}`, "kl_logprobs", []float64{ninf, 0}, []float64{5, -1}, nan, false, false},
		{"both weights 0", `{}`, "kl_logprobs", []float64{ninf, 0}, []float64{ninf, -1}, 1, false, true},
		{"no weight at all", `{}`, "kl_logprobs", []float64{ninf}, []float64{0}, 0, false, true},
		{"q 0", `{}`, "kl_logprobs", []float64{0, 0}, []float64{ninf, -1}, inf, false, true},
		{"above 0", `{}`, "kl_logprobs", []float64{1}, []float64{0}, math.E, false, true},
		{"not renormalised", `{}`, "kl_logprobs", []float64{1}, []float64{0}, 0, false, false},
		{"normalised, declared", `{"normalises":"both"}`, "kl_logprobs", []float64{1}, []float64{0}, 0, false, true},
		{"P normalised, declared", `{"normalises":"p"}`, "kl_logprobs", []float64{1}, []float64{.5}, -.5, false, true},
		{"generalised, declared", `{"generalised":true}`, "kl_logprobs", []float64{1}, []float64{0}, 1, false, true},
		{"bits, declared", `{"base":"2"}`, "kl_logprobs", []float64{0}, []float64{-1}, math.Log2E, false, true},
		{"half, declared", `{"scale":"0x1p-1"}`, "kl_logprobs", []float64{0}, []float64{-1}, .5, false, true},
		{"−half, infinite", `{"scale":"-0x1p-1"}`, "kl_logits", []float64{0, 0}, []float64{0, ninf}, -inf, false, true},
		{"a weight beyond the format", `{}`, "kl_logprobs", []float64{1e308, 0}, []float64{0, 0}, inf, false, true},
		{"a weight beyond the format, finite", `{}`, "kl_logprobs", []float64{1e308, 0}, []float64{0, 0}, 1e300, false, false},
		{"beyond the format and equal", `{}`, "kl_logprobs", []float64{1e308, 0}, []float64{1e308, 1}, -1, false, true},
		{"beyond the format and equal, NaN of 0·∞", `{}`, "kl_logprobs", []float64{1e308, 0}, []float64{1e308, 1}, nan, false, true},
		{"below the format", `{}`, "kl_logprobs", []float64{-1e308, -5000}, []float64{0, 0}, 0, false, true},
		{"Q beyond the format", `{}`, "kl_logprobs", []float64{0}, []float64{1e6}, -1e6, false, true},
		{"Q beyond the format, generalised", `{"generalised":true}`, "kl_logprobs", []float64{0}, []float64{1e6}, inf, false, true},
		{"empty log-probabilities", `{}`, "kl_logprobs", []float64{}, []float64{}, 0, false, true},
		{"empty logits", `{}`, "kl_logits", []float64{}, []float64{}, nan, false, true},
		{"cross-entropy", `{}`, "cross_entropy_logprobs", []float64{0, ninf}, []float64{-2, ninf}, 2, false, true},
		{"cross-entropy of logits", `{}`, "cross_entropy_logits", []float64{0, ninf}, []float64{0, 0}, math.Ln2, false, true},
		{"entropy of one", `{}`, "entropy_logits", []float64{7, ninf}, nil, 0, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ask(c.op, c.p, c.q)
			e, err := judge.Expect(r, convention(t, c.convention))
			if err != nil {
				t.Fatal(err)
			}
			a := spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("kl", spec.F64, math.Float64bits(c.answer))}}
			if c.rejected {
				a = spec.Answer{Status: spec.Rejected, Kind: spec.KindDomain}
			}
			if g := judge.Assess(e, a); g.Level.Rank() >= spec.L1.Rank() != c.want {
				t.Errorf("level %q: %s; expected %s", g.Level, g.Why, judge.Describe(e.Values[0]))
			}
		})
	}
}

// A row function, as someone would write it.
type rowFunc func(a, b []float64) float64

func logSumExp(x []float64) float64 {
	m := math.Inf(-1)
	for _, v := range x {
		m = max(m, v)
	}
	s := 0.0
	for _, v := range x {
		s += math.Exp(v - m)
	}
	return m + math.Log(s)
}

// klLogSoftmax is Σ e^ln s·(ln s − ln r).
func klLogSoftmax(a, b []float64) float64 {
	la, lb, k := logSumExp(a), logSumExp(b), 0.0
	for i := range a {
		if !math.IsInf(a[i], -1) {
			k += math.Exp(a[i]-la) * ((a[i] - la) - (b[i] - lb))
		}
	}
	return k
}

// klCentred is log1p Σ s·(expm1 d − d), d = b − a less its mean under s.
func klCentred(a, b []float64) float64 {
	la := logSumExp(a)
	s, d := make([]float64, len(a)), make([]float64, len(a))
	mean := 0.0
	for i := range a {
		s[i], d[i] = math.Exp(a[i]-la), b[i]-a[i]
		if s[i] == 0 {
			d[i] = 0
		}
		mean += s[i] * d[i]
	}
	k := 0.0
	for i := range a {
		x := d[i] - mean
		if math.Abs(x) < 1e-3 { // expm1 x − x without cancellation
			k += s[i] * x * x * (0.5 + x*(1./6+x*(1./24+x*(1./120+x/720))))
		} else {
			k += s[i] * (math.Expm1(x) - x)
		}
	}
	return math.Log1p(k)
}

func each(a []float64, f func(float64) float64) []float64 {
	z := make([]float64, len(a))
	for i, v := range a {
		z[i] = f(v)
	}
	return z
}

// What people write passes at L1 and better; faults do not.
func TestLogitsLevels(t *testing.T) {
	unstable := func(a, b []float64) float64 { // exponentials without the maximum
		pa, pb := 0.0, 0.0
		for i := range a {
			pa, pb = pa+math.Exp(a[i]), pb+math.Exp(b[i])
		}
		k := 0.0
		for i := range a {
			p, q := math.Exp(a[i])/pa, math.Exp(b[i])/pb
			k += p * math.Log(p/q)
		}
		return k
	}
	clipped := func(a, b []float64) float64 { // probabilities not below 1e-7
		la, lb, k := logSumExp(a), logSumExp(b), 0.0
		for i := range a {
			p, q := max(math.Exp(a[i]-la), 1e-7), max(math.Exp(b[i]-lb), 1e-7)
			k += p * math.Log(p/q)
		}
		return k
	}
	tempered := func(a, b []float64) float64 { // T² times the value
		half := func(x float64) float64 { return x / 2 }
		return 4 * klLogSoftmax(each(a, half), each(b, half))
	}
	for _, c := range []struct {
		name        string
		f           rowFunc
		temperature spec.Real
		families    map[string]spec.Level // the level that it reaches; "" fails L1
	}{
		{"log-softmax", klLogSoftmax, "", map[string]spec.Level{"ordinary": spec.L1, "near": spec.L1, "shifted": spec.L1, "deep": spec.L1}},
		{"centred", klCentred, "", map[string]spec.Level{"ordinary": spec.L3, "near": spec.L3}},
		{"no maximum", unstable, "", map[string]spec.Level{"shifted": ""}},
		{"clipped", clipped, "", map[string]spec.Level{"deep": ""}},
		{"swapped", func(a, b []float64) float64 { return klLogSoftmax(b, a) }, "", map[string]spec.Level{"ordinary": "", "deep": ""}},
		{"T² applied", tempered, "0x1p+1", map[string]spec.Level{"ordinary": ""}},
	} {
		for family, least := range c.families {
			r := rand.New(rand.NewPCG(7, 7))
			failed := 0
			for range 40 {
				n := 2 + r.IntN(200)
				a, b := make([]float64, n), make([]float64, n)
				for i := range a {
					a[i] = 4 * r.NormFloat64()
					switch family {
					case "near":
						b[i] = a[i] + 1e-9*r.NormFloat64()
					case "deep":
						a[i] *= 30
						b[i] = a[i] + 20*r.NormFloat64()
					default:
						b[i] = a[i] + r.NormFloat64()
					}
				}
				if family == "shifted" {
					a = each(a, func(x float64) float64 { return x + 800 })
				}
				q := ask("kl_logits", a, b)
				q.Options.Temperature = c.temperature
				e, err := judge.Expect(q, spec.Convention{})
				if err != nil {
					t.Fatal(err)
				}
				answer := spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("kl", spec.F64, math.Float64bits(c.f(a, b)))}}
				g := judge.Assess(e, answer)
				if g.Level.Rank() < max(least.Rank(), spec.L1.Rank()) {
					failed++
					if least != "" {
						t.Errorf("%s on %s rows: level %q: %s", c.name, family, g.Level, g.Why)
						break
					}
				}
			}
			if least == "" && failed < 10 {
				t.Errorf("%s on %s rows is caught in %d of 40 only", c.name, family, failed)
			}
		}
	}
}

// The levels of entropies and of log-probabilities.
func TestLogProbsLevels(t *testing.T) {
	sum := func(a, b []float64, term func(x, y float64) float64) float64 {
		s := 0.0
		for i := range a {
			y := 0.0
			if b != nil {
				y = b[i]
			}
			s += term(a[i], y)
		}
		return s
	}
	for _, c := range []struct {
		op   spec.Op
		good rowFunc
		bad  rowFunc
	}{
		{"kl_logprobs", func(a, b []float64) float64 {
			return sum(a, b, func(x, y float64) float64 { return math.Exp(x) * (x - y) })
		}, func(a, b []float64) float64 {
			return sum(a, b, func(x, y float64) float64 { return math.Exp(y) * (y - x) })
		}},
		{"entropy_logprobs", func(a, _ []float64) float64 {
			return sum(a, nil, func(x, _ float64) float64 { return -math.Exp(x) * x })
		}, func(a, _ []float64) float64 {
			return sum(a, nil, func(x, _ float64) float64 { return -math.Exp(x) * x * (1 + 1e-10) })
		}},
		{"cross_entropy_logprobs", func(a, b []float64) float64 {
			return sum(a, b, func(x, y float64) float64 { return -math.Exp(x) * y })
		}, func(a, b []float64) float64 { return sum(a, b, func(x, y float64) float64 { return -x * y }) }},
		{"entropy_logits", func(a, _ []float64) float64 {
			l := logSumExp(a)
			return sum(a, nil, func(x, _ float64) float64 { return -math.Exp(x-l) * (x - l) })
		}, func(a, _ []float64) float64 {
			return sum(a, nil, func(x, _ float64) float64 { return -math.Exp(x) * x })
		}},
		{"cross_entropy_logits", func(a, b []float64) float64 {
			l, m := logSumExp(a), logSumExp(b)
			return sum(a, b, func(x, y float64) float64 { return -math.Exp(x-l) * (y - m) })
		}, func(a, b []float64) float64 {
			l := logSumExp(a)
			return sum(a, b, func(x, y float64) float64 { return -math.Exp(x-l) * y })
		}},
	} {
		r := rand.New(rand.NewPCG(7, 8))
		for range 40 {
			n := 1 + r.IntN(100)
			a, b := make([]float64, n), make([]float64, n)
			for i := range a {
				a[i], b[i] = -8*r.Float64(), 1-8*r.Float64()
			}
			q := b
			if c.op == "entropy_logits" || c.op == "entropy_logprobs" {
				q = nil
			}
			e, err := judge.Expect(ask(c.op, a, q), spec.Convention{})
			if err != nil {
				t.Fatal(err)
			}
			level := func(x float64) int {
				return judge.Assess(e, spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("kl", spec.F64, math.Float64bits(x))}}).Level.Rank()
			}
			if level(c.good(a, b)) < spec.L1.Rank() {
				t.Fatalf("%s of %d elements: a plain loop fails", c.op, n)
			}
			if level(c.bad(a, b)) >= spec.L1.Rank() {
				t.Fatalf("%s of %d elements: a wrong one passes", c.op, n)
			}
		}
	}
}

func TestLogarithmicReductions(t *testing.T) {
	p := spec.Float64s("p", []float64{0, 0, 0, math.Inf(-1), 1, 2, 3, 4})
	q := spec.Float64s("q", []float64{0, 0, 0, 0, 1, 2, 3, 4})
	p.Shape, q.Shape = []int{4, 2}, []int{4, 2}
	for reduction, want := range map[string]float64{"sum": math.Ln2, "batchmean": math.Ln2 / 4, "mean": math.Ln2 / 8} {
		e, err := judge.Expect(spec.Request{Op: "kl_logits_rows", Arrays: []spec.Array{p, q}, Options: spec.Options{Reduction: reduction}}, spec.Convention{})
		if err != nil {
			t.Fatal(err)
		}
		if rn := e.Values[0].RN; rn != spec.HexBits(spec.F64, math.Float64bits(want)) {
			t.Errorf("%s: %s, want %v", reduction, judge.Describe(e.Values[0]), want)
		}
	}
	mask := spec.NewArray("mask", spec.U8, 4, 2)
	for i := range 8 {
		mask.SetBits(i, uint64(i%2))
	}
	e, err := judge.Expect(spec.Request{Op: "kl_logits_rows", Arrays: []spec.Array{p, q, mask}, Options: spec.Options{}}, spec.Convention{})
	if err != nil {
		t.Fatal(err)
	}
	if d := judge.Describe(e.Values[1]); d != "NaN is right" {
		t.Errorf("a row of which only a logit of -Inf is left: %s", d)
	}
	if d := judge.Describe(e.Values[0]); d != "the exact value is 0" {
		t.Errorf("a row of which one logit is left: %s", d)
	}
}

func TestLogarithmicErrors(t *testing.T) {
	a := []float64{0, 1}
	for _, c := range []struct {
		name    string
		r       spec.Request
		c       string
		planned bool
	}{
		{"clamp of log-probabilities", ask("kl_logprobs", a, a), `{"steps":[{"do":"clamp","of":"q","lo":"0x1p-20"}]}`, true},
		{"replace", ask("kl_logits", a, a), `{"steps":[{"do":"replace","of":"q","at_or_below":"0","value":"0x1p-20"}]}`, true},
		{"clamp below 0", ask("kl_logits", a, a), `{"steps":[{"do":"clamp","of":"q","lo":"-0x1p-20"}]}`, true},
		{"negative addition", ask("kl_logits", a, a), `{"steps":[{"do":"add","of":"q","value":"-0x1p-20"}]}`, true},
		{"js", ask("js_logits", a, a), `{}`, true},
		{"temperature of weights", spec.Request{Op: "kl", Arrays: ask("kl", a, a).Arrays, Options: spec.Options{Temperature: "2"}}, `{}`, false},
		{"temperature of log-probabilities", spec.Request{Op: "kl_logprobs", Arrays: ask("kl", a, a).Arrays, Options: spec.Options{Temperature: "2"}}, `{}`, false},
		{"temperature 0", spec.Request{Op: "kl_logits", Arrays: ask("kl", a, a).Arrays, Options: spec.Options{Temperature: "0"}}, `{}`, false},
	} {
		_, err := judge.Expect(c.r, convention(t, c.c))
		if err == nil || errors.Is(err, judge.ErrPlanned) != c.planned {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := judge.Expect(ask("cross_entropy_logits", []float64{0, math.Inf(-1)}, []float64{-0x1p-39, 20000}), spec.Convention{}); !errors.Is(err, judge.ErrUndecided) {
		t.Errorf("a value that is not told from a tie: %v", err)
	}
}
