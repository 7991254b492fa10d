package judge

import (
	"fmt"
	"math"
	"math/big"

	"klconf/impl/exact"
	"klconf/spec"
)

// elementwise takes the options of answers that have one number for each element:
// estimators of single samples, and derivatives. They are judged for the
// definition.
func (q *question) elementwise(o spec.Options) error {
	switch {
	case q.quantity == spec.KLEstimate && o.Grad != "":
		return fmt.Errorf("judge: derivatives of estimators: %w", ErrPlanned)
	case q.quantity == spec.KLEstimate:
		if o.Estimator != "k1" && o.Estimator != "k2" && o.Estimator != "k3" {
			return fmt.Errorf("judge: kl_estimate takes an estimator, k1, k2 or k3, got %q", o.Estimator)
		}
		q.each = o.Estimator
	case o.Estimator != "":
		return fmt.Errorf("judge: an estimator belongs to kl_estimate")
	case o.Grad == "":
		return nil
	case o.Grad != "p" && o.Grad != "q":
		return fmt.Errorf("judge: grad is p or q, got %q", o.Grad)
	case q.quantity != spec.KL || q.domain == spec.Logits && o.Grad == "p":
		return fmt.Errorf("judge: the derivative of %s in %s by %s: %w", q.quantity, q.domain, o.Grad, ErrPlanned)
	default:
		q.each = "grad " + o.Grad
	}
	c := q.c
	if scale, err := c.Scale.Value(); len(c.Steps) > 0 || c.Scale != "" && (err != nil || scale != 1) || c.Generalised != nil && *c.Generalised || c.Base != "" && c.Base != "e" ||
		o.Base != "" && o.Base != "e" || o.Reduction != "" {
		return fmt.Errorf("judge: %s under another convention than the definition, a base or a reduction: %w", q.each, ErrPlanned)
	}
	return nil
}

// elements evaluates one row, one outcome for each element.
func (q *question) elements(i int) []outcome {
	p, w := q.p[i], q.q[i]
	out := make([]outcome, len(p))
	if q.quantity == spec.KLEstimate {
		for j := range p {
			out[j] = q.estimate(p[j], w[j])
		}
		return out
	}
	// NaN or a number outside the domain decides the row, as it does the value.
	var nan, bad bool
	for _, x := range [][]float64{p, w} {
		for _, v := range x {
			nan = nan || math.IsNaN(v)
			bad = bad || math.IsInf(v, 1) || q.domain == spec.Probs && v < 0
		}
	}
	for j := range out {
		switch {
		case nan:
			out[j].nan = true
		case bad:
			out[j].nan, out[j].reject = true, true
		case q.domain == spec.Probs:
			out[j] = q.slope(p[j], w[j])
		case q.domain == spec.LogProbs:
			out[j] = q.logSlope(p[j], w[j])
		}
	}
	if q.domain == spec.Logits && !nan && !bad {
		q.softmaxSlopes(p, w, out)
	}
	return out
}

// estimate is k1 = −d, k2 = d²/2 or k3 = e^d − 1 − d of d = ln q − ln p. A sample that P
// does not have, ln p = −Inf, is outside the domain.
func (q *question) estimate(lnP, lnQ float64) outcome {
	switch {
	case math.IsNaN(lnP) || math.IsNaN(lnQ):
		return outcome{nan: true}
	case math.IsInf(lnP, 0) || math.IsInf(lnQ, 1):
		return outcome{nan: true, reject: true}
	case math.IsInf(lnQ, -1):
		return outcome{posInf: true}
	}
	d := exact.Float(lnQ).Sub(exact.Float(lnP))
	size := d.Abs().Float()
	switch q.each {
	case "k1":
		return rational(d.Neg().Rat(), size)
	case "k2":
		half := d.Mul(d).Half()
		o := rational(half.Rat(), half.Float())
		o.overflows = beyond(size, q.result)
		return o
	}
	// L1 is what exp(d) − 1 − d reaches. LLM-13 asks for expm1(d) − d: L2.
	f, infinite := exact.LogSum([]exact.Num{d}, []exact.Num{exact.Int(1)})
	if infinite {
		return outcome{posInf: true}
	}
	power := maxAbs(interval(f.Enclose(massPrecision)))
	f.AddRat(new(big.Rat).Neg(d.Add(exact.Int(1)).Rat()))
	expm1 := new(exact.Form)
	expm1.AddScaled(big.NewRat(1, 1), f)
	expm1.AddRat(d.Rat())
	n := &number{f, plainMass(up().Add(size, maxAbs(interval(expm1.Enclose(2*massPrecision)))))}
	n.p = up().Add(power, big.NewFloat(1))
	return outcome{value: n}
}

// plainMass is the mass of one number with that Σ|t|.
func plainMass(absT *big.Float) mass {
	return mass{n: 1, absT: absT, p: up(), logs: up(), under: up()}
}

// rational is an exact value, with Σ|t|.
func rational(r *big.Rat, absT *big.Float) outcome {
	f := new(exact.Form)
	f.AddRat(r)
	return outcome{value: &number{f, plainMass(absT)}}
}

// slope is ∂/∂q p ln(p/q) = −p/q, 0 at p = 0, or ∂/∂p = ln(p/q) + 1.
func (q *question) slope(p, w float64) outcome {
	x, y := exact.Float(p), exact.Float(w)
	if q.each == "grad q" {
		switch {
		case p == 0:
			return outcome{value: zero()}
		case w == 0:
			return outcome{negInf: true}
		}
		r := new(big.Rat).Quo(x.Rat(), y.Rat())
		return rational(r.Neg(r), float(new(big.Rat).Abs(r)))
	}
	switch {
	case p == 0 && w == 0:
		return outcome{nan: true, posInf: true, negInf: true, value: zero()} // no limit exists
	case p == 0:
		return outcome{negInf: true}
	case w == 0:
		return outcome{posInf: true}
	}
	f := new(exact.Form)
	f.AddLog(exact.Int(1), x, y)
	t := f.Mass(massPrecision).Hi
	f.AddRat(big.NewRat(1, 1))
	m := plainMass(up().Add(t, big.NewFloat(1)))
	logs := new(exact.Form)
	for _, z := range []exact.Num{x, y} {
		logs.AddLog(exact.Int(1), z, exact.Int(1))
		m.logs = up().Add(m.logs, logs.Mass(massPrecision).Hi)
		logs = new(exact.Form)
	}
	return outcome{value: &number{f, m}}
}

// logSlope is ∂/∂b e^a(a − b) = −e^a, or ∂/∂a = e^a(a − b + 1).
func (q *question) logSlope(a, b float64) outcome {
	if math.IsInf(a, -1) {
		return outcome{value: zero()}
	}
	c := exact.Int(-1)
	if q.each == "grad p" {
		if math.IsInf(b, -1) {
			return outcome{posInf: true}
		}
		c = exact.Float(a).Sub(exact.Float(b)).Add(exact.Int(1))
	}
	x := []exact.Num{exact.Float(a)}
	f, beyond := exact.LogSum(x, []exact.Num{c})
	if beyond {
		return infinite(f)
	}
	size, _ := exact.LogSum(x, []exact.Num{c.Abs().Add(exact.Int(1))})
	m := plainMass(maxAbs(interval(size.Enclose(massPrecision))))
	weight, _ := exact.LogSum(x, []exact.Num{x[0].Abs()})
	m.logs = maxAbs(interval(weight.Enclose(massPrecision)))
	return outcome{value: &number{f, m}}
}

// softmaxSlopes sets ∂K/∂b_i = (r_i − s_i)/T with s = softmax(a/T) and r = softmax(b/T).
func (q *question) softmaxSlopes(a, b []float64, out []outcome) {
	x, y := finite(a), finite(b)
	if len(x) == 0 || len(y) == 0 {
		for i := range out {
			out[i] = outcome{nan: true}
		}
		return
	}
	s, r := exact.NewExps(x, q.temperature), exact.NewExps(y, q.temperature)
	one, minus := big.NewRat(1, 1), big.NewRat(-1, 1)
	for i := range out {
		f, size := new(exact.Form), new(exact.Form)
		add := func(logit float64, all *exact.Exps, sign *big.Rat) {
			if math.IsInf(logit, -1) {
				return
			}
			e := exact.Expectation{Of: exact.NewExps([]exact.Num{exact.Float(logit)}, q.temperature), C: []exact.Num{exact.Int(1)}, Over: all}
			f.AddExpectation(sign, e)
			size.AddExpectation(one, e)
		}
		add(b[i], r, one)
		add(a[i], s, minus)
		m := plainMass(maxAbs(interval(size.Enclose(massPrecision))))
		m.n = len(out)
		out[i] = outcome{value: &number{f, m}}
	}
}
