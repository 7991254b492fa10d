package mutant

import (
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"klconf/impl/exact"
	"klconf/spec"
)

// A Variant is a right implementation that differs from others in what it may
// differ in: its convention, its accuracy, what it offers.
type Variant struct {
	Name       string
	Statement  string // what it does, in one sentence
	Convention string // what it follows, as JSON; {} is the definition
	make       maker
}

// New returns the implementation, with its convention declared or with
// nothing declared.
func (v Variant) New(declared bool) spec.Implementation {
	k := v.make().(kernel)
	k.description.Convention = nil
	if declared {
		c := parse(v.Convention)
		c.Complete = true
		k.description.Convention = c
	}
	return k
}

// Differs lists the fields that a run finds undeclared when nothing is
// declared.
func (v Variant) Differs() []string {
	c := parse(v.Convention)
	var fields []string
	for _, f := range spec.Fields {
		if c.Departure(f) != "" {
			fields = append(fields, f)
		}
	}
	return fields
}

// Variants lists all of them.
func Variants() []Variant {
	all := slices.Clone(ofArithmetic)
	for _, name := range slices.Sorted(maps.Keys(Conventions)) {
		c := Conventions[name]
		right := Oracle(*parse(c))
		all = append(all, Variant{name, "It follows the convention exactly and rounds once.", c,
			answers(func(r spec.Request) spec.Answer {
				if r.Options.Base != "" || r.Options.ResultDType != "" {
					return spec.Answer{Status: spec.Unsupported, Message: "no options"}
				}
				return right(nil, r)
			}, offers("kl"))})
	}
	return all
}

// Conventions are what real libraries do, and every word of every field.
var Conventions = map[string]string{
	"definition":      `{}`,
	"bits":            `{"base":"2"}`,
	"bans":            `{"base":"10"}`,
	"half":            `{"scale":0.5}`,
	"negated":         `{"scale":-1}`,
	"generalised":     `{"generalised":true}`,
	"normalise both":  `{"normalises":"both"}`,
	"normalise p":     `{"normalises":"p"}`,
	"bits normalised": `{"base":"2","normalises":"both"}`,
	"scipy entropy":   `{"normalises":"both","negative":"inf","mismatch":"broadcast"}`,
	"scipy rel_entr":  `{"negative":"inf","infinite":"value","mismatch":"broadcast"}`,
	"scipy kl_div":    `{"generalised":true,"negative":"inf","mismatch":"broadcast"}`,
	"keras":           `{"negative":"value","infinite":"value","mismatch":"broadcast","steps":[{"do":"clamp","of":"both","in":"both","lo":"0x1.ad7f29abcaf48p-24","hi":"1"}]}`,
	"torch categorical": `{"steps":[{"do":"normalise","of":"both"},{"do":"clamp","of":"both","in":"log","lo":"0x1p-52","hi":"1"}],` +
		`"nan":"reject","negative":"reject","infinite":"reject","empty":"reject","mismatch":"broadcast"}`,
	"numkong":        `{"epsilon":{"kind":"add_both","value":"0x1.203af9ee75616p-50"}}`,
	"clip log":       `{"epsilon":{"kind":"clip_log","value":"0x1.12e0be826d695p-30"}}`,
	"replace q":      `{"epsilon":{"kind":"replace_q0","value":"0x1.5798ee2308c3ap-27"}}`,
	"floor q":        `{"steps":[{"do":"clamp","of":"q","in":"both","lo":"0x1.b7cdfd9d7bdbbp-34"}]}`,
	"floor both":     `{"steps":[{"do":"clamp","of":"both","in":"both","lo":"0x1.b7cdfd9d7bdbbp-34"}]}`,
	"add ratio":      `{"steps":[{"do":"add_ratio","value":"0x1.cd2b297d889bcp-54"}]}`,
	"add to q":       `{"steps":[{"do":"add","of":"q","in":"both","value":"0x1.5798ee2308c3ap-27"}]}`,
	"drop q = 0":     `{"zero_q":"drop"}`,
	"drop small p":   `{"steps":[{"do":"drop_term","where":"p","at_or_below":"0x1p-1022"}]}`,
	"drop p 1e-12":   `{"steps":[{"do":"drop_term","where":"p","at_or_below":"0x1.19799812dea11p-40"}]}`,
	"drop q 1e-9":    `{"steps":[{"do":"drop_term","where":"q","at_or_below":"0x1.12e0be826d695p-30"}]}`,
	"zero q refused": `{"zero_q":"reject"}`,
	"zero q nan":     `{"zero_q":"nan"}`,
	"naive":          `{"zero_p":"nan","zero_zero":"nan","negative":"value","infinite":"value"}`,
	"zeros refused":  `{"zero_p":"reject","zero_zero":"reject","zero_q":"reject"}`,
	"zero zero inf":  `{"zero_zero":"inf"}`,
	"nan ignored":    `{"nan":"ignore"}`,
	"nan as inf":     `{"nan":"inf"}`,
	"nan refused":    `{"nan":"reject"}`,
	"empty nan":      `{"empty":"nan"}`,
	"empty inf":      `{"empty":"inf"}`,
	"empty refused":  `{"empty":"reject"}`,
	"truncates":      `{"mismatch":"truncate"}`,
	"broadcasts":     `{"mismatch":"broadcast"}`,
	"flushes":        `{"subnormal":"flushed"}`,
	"pmfs only":      `{"requires_normalised":"0x1.19799812dea11p-40"}`,
	"mean":           `{"reduction":"mean"}`,
	"float32 result": `{"result_dtype":{"f64":"f32"}}`,
	"flexmix":        `{"steps":[{"do":"normalise","of":"both"},{"do":"clamp","of":"both","in":"both","lo":"0x1.a36e2eb1c432dp-14"},{"do":"normalise","of":"both"}]}`,
}

var errUnnormalised = errors.New("a total is not 1")

// ofArithmetic are right by an error analysis: those that a level is claimed
// of reach it, the others reach L1.
var ofArithmetic = []Variant{
	{"correctly rounded", "It offers every question in four formats, is correctly rounded and says so, and is deterministic.", `{}`,
		answers(oracle, offers("kl", "kl_rows", "entropy", "entropy_rows", "cross_entropy", "cross_entropy_rows", "js", "js_rows",
			"kl_logits", "kl_logits_rows", "entropy_logits", "cross_entropy_logits", "kl_logprobs", "kl_logprobs_rows", "entropy_logprobs", "cross_entropy_logprobs", "kl_estimate"),
			in(spec.F64, spec.F32, spec.F16, spec.BF16), claims(spec.L5), deterministic(true))},
	{"faithful", "It rounds down, which is faithful, and claims L4.", `{}`, vectors(down, claims(spec.L4), offers("kl"))},
	{"L3", "It adds p ln(p/q) − p + q by a series where p and q are near, compensated, and claims L3.", `{}`, vectors(centred, claims(spec.L3))},
	{"L2", "It is the same and claims L2.", `{}`, vectors(centred, claims(spec.L2))},
	{"plain", "It adds p (ln p − ln q) from the left and claims L1.", `{}`, vectors(loop(plainTerm, total), claims(spec.L1))},
	{"backwards", "It adds from the right.", `{}`, vectors(loop(plainTerm, func(x []float64) float64 { slices.Reverse(x); return total(x) }))},
	{"sorted", "It adds the smallest terms first.", `{}`, vectors(loop(plainTerm, func(x []float64) float64 {
		slices.SortFunc(x, func(a, b float64) int { return int(math.Copysign(1, math.Abs(a)-math.Abs(b))) })
		return total(x)
	}))},
	{"pairwise", "It adds the halves by themselves.", `{}`, vectors(loop(plainTerm, pairwise))},
	{"lanes of 8", "It has 8 partial sums, as vector code does.", `{}`, vectors(loop(plainTerm, func(x []float64) float64 {
		var s [8]float64
		for i, v := range x {
			s[i%8] += v
		}
		return total(s[:])
	}))},
	{"compensated", "It adds by Neumaier's algorithm.", `{}`, vectors(loop(plainTerm, neumaier))},
	{"fused", "It multiplies and adds with one rounding.", `{}`, vectors(func(p, q []float64) (float64, error) {
		if v, err, done := special(p, q); done {
			return v, err
		}
		s := 0.0
		for i := range p {
			if p[i] > 0 {
				s = math.FMA(p[i], ln(p[i])-ln(q[i]), s)
			}
		}
		return s, nil
	})},
	{"ratio", "It takes the logarithm of p/q, and the difference of two logarithms where p/q is not a normal number.", `{}`, vectors(loop(ratioTerm, total))},
	{"difference of sums", "It is Σ p ln p − Σ p ln q.", `{}`, vectors(difference)},
	{"by log2", "It takes logarithms to base 2 and multiplies by ln 2.", `{}`, vectors(loop(func(p, q float64) float64 { return p * (log2(p) - log2(q)) * math.Ln2 }, total))},
	{"one ulp off", "Every answer is one ulp too large.", `{}`, values(func(v float64, _, _ []float64) float64 { return upward(v) })},
	{"negative zero", "A result that is zero is −0.", `{}`, values(func(v float64, _, _ []float64) float64 {
		if v == 0 {
			return math.Copysign(0, -1)
		}
		return v
	})},
	{"in any order", "It adds in another order each time, and declares that it is not deterministic.", `{}`, stateful(func() divergence {
		g := rand.New(rand.NewPCG(1, 2))
		return loop(plainTerm, func(x []float64) float64 {
			g.Shuffle(len(x), func(i, j int) { x[i], x[j] = x[j], x[i] })
			return total(x)
		})
	}, deterministic(false))},
	{"float32 only", "It offers float32 and computes in float32.", `{}`, vectors(loop(term32, total32), in(spec.F32))},
	{"16 bits", "It offers float16 and bfloat16 and computes in float32.", `{}`, vectors(loop(term32, total32), in(spec.F16, spec.BF16))},
	{"no rows", "It offers kl of two vectors only.", `{}`, vectors(loop(plainTerm, total), offers("kl"))},
	{"refuses what is not normalised", "Vectors whose total is farther than 1e-9 from 1 are refused.", `{"requires_normalised":"0x1.12e0be826d695p-30"}`,
		vectors(func(p, q []float64) (float64, error) {
			for _, x := range [][]float64{p, q} {
				if s := neumaier(x); s == s && math.Abs(s-1) > 0x1.12e0be826d695p-30 && len(p) == len(q) && !anyPair(p, q, isNaN) {
					return 0, errUnnormalised
				}
			}
			return loop(plainTerm, total)(p, q)
		}, offers("kl"))},
	{"refuses what is bad", "NaN, negative and infinite weights and empty vectors are refused.", `{"nan":"reject","negative":"reject","infinite":"reject","empty":"reject"}`,
		vectors(func(p, q []float64) (float64, error) {
			if len(p) == 0 || anyPair(p, q, func(p, q float64) bool { return outside(p) || outside(q) }) {
				return 0, errors.New("an input is outside the domain")
			}
			return loop(plainTerm, total)(p, q)
		}, offers("kl"))},
	{"bits by log2", "It gives bits, from logarithms to base 2.", `{"base":"2"}`, vectors(loop(func(p, q float64) float64 { return p * (log2(p) - log2(q)) }, total), offers("kl"))},
	{"half by multiplying", "It gives ½ KL by a plain loop.", `{"scale":0.5}`, vectors(loop(func(p, q float64) float64 { return plainTerm(p, q) / 2 }, total), offers("kl"))},
	{"clipped plainly", "It clips at 1e-7 in float64 and adds from the left, as Keras does.", Conventions["keras"], vectors(func(p, q []float64) (float64, error) {
		n := max(len(p), len(q))
		if len(p) != len(q) && len(p) != 1 && len(q) != 1 {
			return 0, errLengths
		}
		p, q = stretched(p, n), stretched(q, n)
		if len(p) != len(q) {
			n = min(len(p), len(q)) // one of them is empty
		}
		s := 0.0
		for i := range n {
			if isNaN(p[i], q[i]) {
				return math.NaN(), nil
			}
			a, b := math.Min(math.Max(p[i], 0x1.ad7f29abcaf48p-24), 1), math.Min(math.Max(q[i], 0x1.ad7f29abcaf48p-24), 1)
			s += plainTerm(a, b)
		}
		return s, nil
	}, offers("kl"))},
	{"generalised plainly", "It adds p (ln p − ln q) − p + q.", `{"generalised":true}`, vectors(func(p, q []float64) (float64, error) {
		if v, err, done := special(p, q); done {
			return v, err
		}
		s := 0.0
		for i := range p {
			if p[i] > 0 {
				s += plainTerm(p[i], q[i]) - p[i]
			}
			s += q[i]
		}
		return s, nil
	}, offers("kl"))},
	{"models plainly", "It answers logits, log-probabilities and estimators in float64 for float64 and float32, with the largest logit subtracted.", `{}`,
		answers(modelPlainly, offers("kl_logits", "kl_logprobs", "kl_estimate"), in(spec.F64, spec.F32))},
}

// down is RD of the divergence.
func down(p, q []float64) (float64, error) {
	v, err := exactly(p, q)
	if err != nil || v != v || math.IsInf(v, 0) {
		return v, err
	}
	f := exact.KL(p, q)
	r := exact.Float(v).Rat()
	f.AddRat(r.Neg(r))
	if s, err := f.Sign(); err == nil && s < 0 {
		v = math.Nextafter(v, math.Inf(-1))
	}
	return v, nil
}

// centred is Σφ + Σ(p − q) over the pairs whose ratio is between ½ and 2, with
// d = (q − p)/p and φ/p = d − ln(1 + d) by a series, plus Σ p ln(p/q) over the
// others, where |p ln(p/q)| ≤ 3.6 φ. q − p is exact in the first case
// (Sterbenz). So the error is a small multiple of u(Σφ + |K|), as L3 demands.
func centred(p, q []float64) (float64, error) {
	if v, err, done := special(p, q); done {
		return v, err
	}
	var t []float64
	for i := range p {
		a, b := p[i], q[i]
		switch {
		case a == 0:
		case b >= a/2 && b <= 2*a && a > 0x1p-1000:
			d := (b - a) / a
			s := 0.0
			for k := 80; k >= 2 && math.Abs(d) < 0.5; k-- {
				s = 1/float64(k) - d*s
			}
			phi := a * d * d * s
			if math.Abs(d) >= 0.5 {
				phi = a * (d - math.Log1p(d))
			}
			t = append(t, phi, a-b)
		default:
			t = append(t, ratioTerm(a, b))
		}
	}
	return neumaier(t), nil
}

func ratioTerm(p, q float64) float64 {
	if r := p / q; r > 0x1p-1000 && r < 0x1p1000 {
		return p * math.Log(r)
	}
	return plainTerm(p, q)
}

func log2(x float64) float64 {
	f, e := math.Frexp(x)
	return math.Log2(f) + float64(e)
}

func pairwise(x []float64) float64 {
	if len(x) < 3 {
		return total(x)
	}
	return pairwise(x[:len(x)/2]) + pairwise(x[len(x)/2:])
}

func neumaier(x []float64) float64 {
	s, c := 0.0, 0.0
	for _, v := range x {
		t := s + v
		if math.Abs(s) >= math.Abs(v) {
			c += s - t + v
		} else {
			c += v - t + s
		}
		s = t
	}
	if math.IsInf(s, 0) {
		return s
	}
	return s + c
}

// term32 is p (ln p − ln q) in float32.
func term32(p, q float64) float64 {
	return float64(float32(p) * (float32(ln(p)) - float32(ln(q))))
}

func total32(x []float64) float64 {
	s := float32(0)
	for _, v := range x {
		s += float32(v)
	}
	return float64(s)
}

// modelPlainly is what a careful programmer writes in an afternoon.
func modelPlainly(r spec.Request) spec.Answer {
	if len(r.Arrays) != 2 || r.Options.Base != "" || r.Options.Grad != "" || r.Options.ResultDType != "" {
		return spec.Answer{Status: spec.Unsupported, Message: "neither masks, bases, derivatives nor other formats"}
	}
	d := r.Arrays[0].DType
	p, q := r.Arrays[0].Floats(), r.Arrays[1].Floats()
	if len(p) != len(q) {
		return refusal(errLengths)
	}
	x := make([]float64, len(p))
	for i := range p {
		if isNaN(p[i], q[i]) {
			if r.Op == "kl_estimate" {
				x[i] = math.NaN()
				continue
			}
			return scalar(d, math.NaN())
		}
	}
	if r.Op == "kl_estimate" {
		return estimates(r, p, q)
	}
	t, lp, lq := temperature(r), 0.0, 0.0
	for i := range p {
		if math.IsInf(p[i], 1) || math.IsInf(q[i], 1) {
			return scalar(d, math.NaN())
		}
	}
	if r.Op == "kl_logits" {
		if len(p) == 0 || isMinusInf(slices.Max(p)) || isMinusInf(slices.Max(q)) {
			return scalar(d, math.NaN())
		}
		lp, lq = lse(p, t), lse(q, t)
	}
	s := 0.0
	for i := range p {
		if !isMinusInf(p[i]) {
			s += math.Exp(p[i]/t-lp) * ((p[i]/t - lp) - (q[i]/t - lq))
		}
	}
	return scalar(d, s)
}

func estimates(r spec.Request, p, q []float64) spec.Answer {
	a := oracle(r)
	x, ok := a.Result()
	if !ok {
		return a
	}
	y := x.Floats()
	for i := range y {
		d := q[i] - p[i]
		if d != d || math.IsInf(d, 0) {
			continue // as the definition has it
		}
		switch r.Options.Estimator {
		case "k1":
			y[i] = -d
		case "k2":
			y[i] = d * d / 2
		case "k3":
			if math.Abs(d) < 0.01 {
				y[i] = d * d * (1.0/2 + d*(1.0/6+d*(1.0/24+d*(1.0/120+d*(1.0/720+d/5040)))))
			} else {
				y[i] = math.Expm1(d) - d
			}
		}
	}
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{rounded(x.DType, x.Shape, y)}}
}
