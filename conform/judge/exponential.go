package judge

import (
	"fmt"
	"math"
	"math/big"

	"klconf/impl/exact"
	"klconf/spec"
)

// logarithmic checks what is special to logits and log-probabilities: a temperature is
// one of logits. Of the steps a normalisation is judged, and on softmax rows a clamp and an
// addition too.
func (q *question) logarithmic(o spec.Options) error {
	if temperature := o.Temperature; temperature != "" {
		t, err := temperature.Value()
		switch {
		case q.domain != spec.Logits:
			return fmt.Errorf("judge: a temperature belongs to logits")
		case err != nil || !(t > 0) || math.IsInf(t, 1):
			return fmt.Errorf("judge: temperature %q is not a finite number > 0", temperature)
		}
		q.temperature = exact.Float(t)
	}
	if q.domain == spec.Probs {
		return nil
	}
	for _, s := range q.c.Steps {
		if s.Do != "normalise" && (q.domain != spec.Logits || s.Do != "clamp" && s.Do != "add") {
			return fmt.Errorf("judge: the step %s of %s: %w", s.Do, q.domain, ErrPlanned)
		}
	}
	if t := q.c.RequiresNormalised; t != nil && t.Required && q.domain == spec.LogProbs {
		return fmt.Errorf("judge: required totals of log-probabilities: %w", ErrPlanned)
	}
	return nil
}

// normalised reports whether the weights of p or of q are divided by their total.
func (q *question) normalised(which string) bool {
	if q.domain == spec.Logits {
		return true
	}
	for _, s := range q.c.Steps {
		if s.Do == "normalise" && (s.Of == "" || s.Of == "both" || s.Of == which) {
			return true
		}
	}
	return false
}

// A gibbs is one row in logarithms: the weights are e^(p/T) and e^(w/T), or these
// divided by their totals.
type gibbs struct {
	q      *question
	p, w   *exact.Exps // the finite logarithms of P, and of Q; nil where there is none
	kept   *exact.Exps // of P, those that count; p itself if all do
	x, y   []exact.Num // the logarithms at the places that count
	pn, qn bool        // normalised
}

// exponential evaluates one row of logits or log-probabilities.
func (q *question) exponential(p, w []float64, infinite bool) outcome {
	if infinite { // through: whatever arithmetic makes of e^∞
		return outcome{nan: true, reject: true, posInf: true, negInf: true}
	}
	two := w != nil
	if q.domain == spec.Logits && len(finite(p)) > 0 && (!two || len(finite(w)) > 0) && q.changesSoftmax() {
		return q.stepped(p, w)
	}
	g := gibbs{q: q, pn: q.normalised("p"), qn: two && q.normalised("q")}
	all, other := finite(p), finite(w)
	if len(all) > 0 {
		g.p = exact.NewExps(all, q.temperature)
	}
	if len(other) > 0 {
		g.w = exact.NewExps(other, q.temperature)
	}
	if g.pn && g.p == nil || g.qn && g.w == nil {
		o := outcome{nan: true}
		if q.domain != spec.Logits {
			o.reject = true
			if or(q.c.ZeroZero, "zero") == "zero" {
				o.value = zero()
			}
		}
		return o
	}

	var o outcome
	for i, x := range p {
		if q.counts(&o, math.IsInf(x, -1), two && math.IsInf(w[i], -1)) {
			g.x = append(g.x, exact.Float(x))
			if two {
				g.y = append(g.y, exact.Float(w[i]))
			}
		}
	}
	switch {
	case o.nan || o.reject:
		o.posInf = false
		return o
	case o.posInf:
		return q.signed(o)
	case len(g.x) == 0:
		o.value = zero()
		return o
	}
	if g.kept = g.p; len(g.x) < len(all) {
		g.kept = exact.NewExps(g.x, q.temperature)
	}
	return q.signed(g.evaluate())
}

// counts reports whether a place has a term. Where P has no weight, or Q, it does what is the
// rule there.
func (q *question) counts(o *outcome, none, missing bool) bool {
	switch {
	case none && missing:
		o.rule(or(q.c.ZeroZero, "zero"))
	case none:
		o.rule(or(q.c.ZeroP, "zero"))
	case missing:
		o.rule(or(q.c.ZeroQ, "inf"))
	default:
		return true
	}
	return false
}

// finite returns the numbers that are not −Inf.
func finite(x []float64) (n []exact.Num) {
	for _, v := range x {
		if !math.IsInf(v, -1) {
			n = append(n, exact.Float(v))
		}
	}
	return n
}

// giant is the logarithm of a weight that no format can hold, by far.
const giant = 1 << 15

func (g *gibbs) giant(x *exact.Exps, normalised bool) bool {
	return x != nil && !normalised && x.Top().Cmp(exact.Int(giant)) > 0
}

func (g *gibbs) evaluate() outcome {
	q := g.q
	c := g.numbers()
	e := g.expectation(c)
	generalised := q.quantity == spec.KL && q.c.Generalised != nil && *q.c.Generalised
	if generalised && (g.giant(g.kept, g.pn) || g.giant(g.w, g.qn)) {
		// Σφ ≥ 0, and one of its weights is beyond every format: so is the sum,
		// unless every weight of P has its equal in Q.
		return outcome{nan: true, posInf: true, value: zero(), overflows: true}
	}

	n := &number{form: new(exact.Form)}
	switch {
	case g.pn:
		n.form.AddExpectation(big.NewRat(1, 1), e)
		n.mass = g.softmaxMass(e, n.form)
	case g.qn && g.giant(g.kept, false):
		return outcome{nan: true, reject: true, posInf: true, negInf: true} // e^32768 times a small difference
	case g.qn:
		n.form.AddExpectation(big.NewRat(1, 1), e)
		n.mass = g.weightMass(e, n.form)
	default:
		f, beyond := exact.LogSum(g.x, c)
		if beyond {
			return infinite(f)
		}
		n.form = f
		if g.giant(g.kept, false) { // and it cancels
			n.mass = zero().mass
			return outcome{value: q.scaled(n), overflows: true}
		}
		n.mass = g.weightMass(e, n.form)
	}
	if generalised {
		g.generalise(n)
	}
	o := outcome{value: q.scaled(n)}
	o.overflows = g.overflows(n)
	return o
}

// numbers returns what is averaged: t = p ln(p/q) has the logarithm less that of
// Q, entropies have them turned over.
func (g *gibbs) numbers() []exact.Num {
	c := make([]exact.Num, len(g.x))
	for i := range c {
		switch g.q.quantity {
		case spec.KL:
			c[i] = g.x[i].Sub(g.y[i])
		case spec.Entropy:
			c[i] = g.x[i].Neg()
		default:
			c[i] = g.y[i].Neg()
		}
	}
	return c
}

// expectation is the value of the row for the numbers c.
func (g *gibbs) expectation(c []exact.Num) exact.Expectation {
	e := g.average(c)
	switch g.q.quantity {
	case spec.KL:
		e.Minus = e.Over
		if g.qn {
			e.Plus = g.w
		}
	case spec.Entropy:
		e.Plus = e.Over
	case spec.CrossEntropy:
		if g.qn {
			e.Plus = g.w
		}
	}
	return e
}

// average is Σ e^x·c, over the total where P is normalised.
func (g *gibbs) average(c []exact.Num) exact.Expectation {
	e := exact.Expectation{Of: g.kept, C: c}
	if g.pn {
		e.Over = g.p
	}
	return e
}

// infinite is the outcome of a sum that stands for a number beyond every format.
func infinite(f *exact.Form) outcome {
	sign, err := f.Sign()
	if err != nil || sign == 0 {
		return outcome{nan: true, reject: true, posInf: true, negInf: true}
	}
	return outcome{posInf: sign > 0, negInf: sign < 0, overflows: true}
}

// bound returns an upper bound of |e|.
func bound(e exact.Expectation, precision int) *big.Float {
	f := new(exact.Form)
	f.AddExpectation(big.NewRat(1, 1), e)
	return maxAbs(interval(f.Enclose(precision)))
}

func absolute(x []exact.Num) []exact.Num {
	z := make([]exact.Num, len(x))
	for i := range x {
		z[i] = x[i].Abs()
	}
	return z
}

func ones(n int) []exact.Num {
	z := make([]exact.Num, n)
	for i := range z {
		z[i] = exact.Int(1)
	}
	return z
}

// logTotal returns an upper bound of |ln Σ e^(x/T)|.
func logTotal(x *exact.Exps) *big.Float {
	one := exact.NewExps([]exact.Num{{}}, x.Temperature())
	return bound(exact.Expectation{Of: one, C: []exact.Num{{}}, Plus: x}, massPrecision)
}

// softmaxMass is the mass of a row with softmax weights s, averages E under s and
// the numbers c = d for KL, −a/T for the entropy, −b/T for the cross-entropy:
//
//	L1  E|c| + |lse a| + |lse b| + 1
//	L2  E|c − E c|, and the value itself for the entropies
//	L3  the value
//
// A weight that is subnormal in the result format, or vanishes there, costs up to
// η·|c|.
func (g *gibbs) softmaxMass(e exact.Expectation, value *exact.Form) mass {
	c := e.C
	plain := g.average(c)
	f := new(exact.Form)
	f.AddExpectation(big.NewRat(1, 1), plain)
	mean := interval(f.Enclose(massPrecision))
	// E|c − E c| ≤ E|c − γ| + |γ − E c| for any γ; this one is in units of c, 1/T.
	t := g.q.temperature
	middle, _ := new(big.Float).SetPrec(massPrecision).Mul(mean.Lo, t.Float()).Float64()
	if math.IsInf(middle, 0) {
		middle = 0
	}
	gamma := exact.Float(middle)
	away := make([]exact.Num, len(c))
	for i := range c {
		away[i] = c[i].Sub(gamma).Abs()
	}
	at := up().Quo(gamma.Float(), t.Float())
	off := up().Add(up().Abs(up().Sub(mean.Lo, at)), up().Abs(up().Sub(mean.Hi, at)))
	spread := up().Add(bound(g.average(away), massPrecision), off)

	all := bound(g.average(absolute(c)), massPrecision)
	for _, x := range []*exact.Exps{g.p, g.w} {
		if x != nil {
			all = up().Add(all, logTotal(x))
		}
	}
	if g.q.quantity != spec.KL {
		spread = up().Add(spread, maxAbs(interval(value.Enclose(massPrecision))))
	}
	// The bounds add Σ|t| to the rest of L1's mass.
	if all.Sub(all, spread).Sign() < 0 {
		all = up()
	}
	return mass{n: len(c), absT: spread, p: big.NewFloat(1), logs: all, under: g.under(c)}
}

// weightMass is the mass of a row of log-probabilities that are not normalised.
// Beside Σ p(|ln p| + |ln q|) L1 has Σ p|x|, x the log-probabilities.
func (g *gibbs) weightMass(e exact.Expectation, value *exact.Form) mass {
	c := e.C
	m := mass{n: len(c), p: bound(g.average(ones(len(c))), massPrecision), absT: bound(g.average(absolute(c)), massPrecision), under: g.under(c)}
	if g.qn {
		m.absT = up().Add(m.absT, up().Mul(m.p, logTotal(g.w)))
	}
	logs := absolute(g.x)
	for i, y := range g.y {
		logs[i] = logs[i].Add(y.Abs())
	}
	l := bound(g.average(logs), massPrecision)
	m.logs = up().Add(l, l)
	if g.q.quantity == spec.KL && !g.giant(g.w, g.qn) {
		phi := new(exact.Form)
		phi.AddScaled(big.NewRat(1, 1), value)
		g.difference(phi)
		m.phi = maxAbs(interval(phi.Enclose(2 * massPrecision)))
	}
	return m
}

// difference adds Q − P, the totals of the weights that count.
func (g *gibbs) difference(f *exact.Form) {
	one, minus := big.NewRat(1, 1), big.NewRat(-1, 1)
	switch {
	case g.qn:
		f.AddRat(one)
	case g.w != nil:
		f.AddExpectation(one, exact.Expectation{Of: g.w, C: ones(g.w.Len())})
	}
	if g.pn && g.kept == g.p {
		f.AddRat(minus)
	} else {
		f.AddExpectation(minus, g.average(ones(len(g.x))))
	}
}

// generalise adds the terms q − p.
func (g *gibbs) generalise(n *number) {
	g.difference(n.form)
	total := new(exact.Form)
	g.difference(total)
	n.lin = up().Add(n.p, up().Add(n.p, maxAbs(interval(total.Enclose(massPrecision)))))
}

// under bounds Σ|c| over the weights below the least normal number of the result,
// as seen from the largest weight where they are normalised.
func (g *gibbs) under(c []exact.Num) *big.Float {
	p, least := formatLimits(g.q.result)
	from := exact.Int(int64(math.Ceil(float64(least+p-1) * math.Ln2))).Mul(g.q.temperature)
	if g.pn {
		from = from.Add(g.p.Top())
	}
	var low []exact.Num
	for i, x := range g.x {
		if x.Cmp(from) < 0 {
			low = append(low, c[i].Abs())
		}
	}
	return up().Quo(exact.Sum(low).Float(), g.q.temperature.Float())
}

// overflows reports whether a plain evaluation meets a number beyond the result
// format: a weight or a sum of log-probabilities, a difference of logits.
func (g *gibbs) overflows(n *number) bool {
	var most exact.Num
	for _, v := range [][]exact.Num{g.x, g.y} {
		for _, x := range v {
			if x.Abs().Cmp(most) > 0 {
				most = x.Abs()
			}
		}
	}
	if beyond(up().Quo(most.Ldexp(1).Float(), g.q.temperature.Float()), g.q.result) {
		return true
	}
	return !g.pn && (beyond(n.logs, g.q.result) || beyond(n.absT, g.q.result) || beyond(n.p, g.q.result))
}

// ErrUndecided is wrapped by the error of Expect where the exact value cannot be
// told from the middle of two results.
var ErrUndecided = exact.ErrUndecided
