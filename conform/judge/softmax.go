package judge

import (
	"fmt"
	"math"
	"math/big"

	"klconf/impl/exact"
	"klconf/spec"
)

// changesSoftmax reports whether a step changes softmax weights: a normalisation does not.
func (q *question) changesSoftmax() bool {
	for _, s := range q.c.Steps {
		if s.Do != "normalise" {
			return true
		}
	}
	return false
}

// limits refuses steps on softmax rows that could make a weight negative.
func (q *question) limits() error {
	if q.domain != spec.Logits {
		return nil
	}
	for _, s := range q.c.Steps {
		lo, hi := q.threshold(s.Lo), q.threshold(s.Hi)
		switch {
		case s.Do == "clamp" && (lo.Sign() < 0 || s.Hi != nil && (hi.Sign() <= 0 || hi.Cmp(lo) < 0)):
			return fmt.Errorf("judge: softmax weights clamped to less than 0: %w", ErrPlanned)
		case s.Do == "add" && q.threshold(s.Value).Sign() < 0:
			return fmt.Errorf("judge: a negative number added to softmax weights: %w", ErrPlanned)
		}
	}
	return nil
}

// A simplex is one argument of a row of logits under steps: its softmax weights as factors,
// and as they stand inside the logarithm.
type simplex struct{ factor, log *exact.Softmax }

// simplex applies the steps of P, or of Q, to the softmax of a row.
func (q *question) simplex(logits []float64, which string) simplex {
	one := exact.NewSoftmax(logits, q.temperature)
	s := simplex{one, one}
	for _, step := range q.c.Steps {
		if step.Of == "p" && which == "q" || step.Of == "q" && which == "p" {
			continue
		}
		f := func(x *exact.Softmax) *exact.Softmax {
			switch step.Do {
			case "normalise":
				return x.Normalise()
			case "add":
				return x.Add(q.threshold(step.Value))
			}
			if step.Hi == nil {
				return x.Clamp(q.threshold(step.Lo), nil)
			}
			hi := q.threshold(step.Hi)
			return x.Clamp(q.threshold(step.Lo), &hi)
		}
		same := s.factor == s.log
		s.log = f(s.log)
		switch {
		case step.In == "log":
		case same:
			s.factor = s.log
		default:
			s.factor = f(s.factor)
		}
	}
	return s
}

// stepped evaluates a row of logits whose softmax weights are clamped or added to, with a
// finite logit on each side: the exact value of the steps on the exact softmax. A weight
// next to a limit needs no decision, as exact.Softmax encloses it on both sides of it.
func (q *question) stepped(p, w []float64) outcome {
	var o outcome
	a := q.simplex(p, "p")
	var b simplex
	if w != nil {
		b = q.simplex(w, "q")
	}
	var at []int // the places that count
	for i := range p {
		if q.counts(&o, a.factor.IsZero(i), w != nil && b.log.IsZero(i)) {
			at = append(at, i)
		}
	}
	switch {
	case o.nan || o.reject:
		o.posInf = false
		return o
	case o.posInf:
		return q.signed(o)
	}

	// Σ factor·(ln over − ln under)
	one := big.NewRat(1, 1)
	var over, under, divisor *exact.Softmax
	switch q.quantity {
	case spec.KL:
		over, under, divisor = a.log, b.log, b.log
	case spec.Entropy:
		under = a.log
	default:
		under, divisor = b.log, b.log
	}
	n := &number{form: new(exact.Form)}
	n.form.AddSoftmax(one, at, a.factor, over, under)
	n.mass = q.stepMass(at, a.factor, over, under, divisor)
	for _, s := range []simplex{a, b} {
		if s.factor != nil {
			n.logs = up().Add(n.logs, logTotal(s.factor.Exps()))
		}
	}
	if q.quantity == spec.KL {
		all := make([]int, len(p))
		for i := range all {
			all[i] = i
		}
		phi := new(exact.Form)
		phi.AddScaled(one, n.form)
		phi.AddSoftmax(one, all, b.factor, nil, nil)
		phi.AddSoftmax(big.NewRat(-1, 1), at, a.factor, nil, nil)
		n.phi = maxAbs(interval(phi.Enclose(2 * massPrecision)))
		if q.c.Generalised != nil && *q.c.Generalised {
			n.form.AddSoftmax(one, all, b.factor, nil, nil)
			n.form.AddSoftmax(big.NewRat(-1, 1), all, a.factor, nil, nil)
			total := new(exact.Form)
			total.AddSoftmax(one, all, b.factor, nil, nil)
			total.AddSoftmax(one, all, a.factor, nil, nil)
			n.lin = maxAbs(interval(total.Enclose(massPrecision)))
		}
	}
	o.value = q.scaled(n)
	var most float64
	for _, x := range [][]float64{p, w} {
		for _, v := range x {
			if !math.IsInf(v, -1) {
				most = max(most, math.Abs(v))
			}
		}
	}
	o.overflows = beyond(up().Quo(exact.Float(most).Ldexp(1).Float(), q.temperature.Float()), q.result)
	return q.signed(o)
}

// stepMass is the mass of Σ f·(ln x − ln y) over stepped softmax weights, the one that the
// weights p, q after the steps would have if they were given: Σ|t|, P, Σ p(|ln p| + |ln q|).
// To the last of them [question.stepped] adds |lse a| + |lse b|, what L1 allows of logits.
//
// L1 so allows what a softmax in the format and a plain loop after it lose. To first order
// s_i is off by (A_i + n + 6)·u of itself: A_i = |a_i − max a|/T ≤ |ln s_i| from the
// exponent, which e^x multiplies, n from the total, and the rest from a few roundings. A
// clamp keeps or removes the error and an addition makes no more of it. All but A_i is what
// L1 allows of any loop; and A_i moves a term of Q by A_i·p ≤ p|ln q|, one of P by
// A_i(|t| + p) ≤ |ln p|·|t| + p|ln p|, of which all has a place in Σ p(|ln p| + |ln q|) but
// |ln p|·|t|. That has one in the factor n + 4 while |ln p|, which a limit of 1e-7 keeps
// below 16.2, is not much more than n; in a shorter row p is a small part of P = 1 there.
//
// A weight of P that is subnormal in the result format moves by up to η/2, its term by
// η(|ln x − ln y| + 1); one of Q, not below η, moves its term by up to η·p/q, as in
// underflow of terms.
func (q *question) stepMass(at []int, f, x, y, divisor *exact.Softmax) mass {
	m := mass{n: len(at), absT: up(), p: up(), logs: up(), under: up()}
	precision, least := formatLimits(q.result)
	normal := new(big.Float).SetMantExp(big.NewFloat(1), least+precision-1)
	subnormal := new(big.Float).SetMantExp(big.NewFloat(1), least)
	for _, i := range at {
		weight, _ := f.Enclose(i, 2*massPrecision)
		d := spec.Interval{Lo: up(), Hi: up()}
		logs := up()
		if x != nil {
			_, l := x.Enclose(i, 2*massPrecision)
			d = interval(l)
			logs.Add(logs, maxAbs(d))
		}
		_, l := y.Enclose(i, 2*massPrecision)
		logs.Add(logs, maxAbs(interval(l)))
		d = span(d).add(enclosure{new(big.Float).Neg(l.Hi), new(big.Float).Neg(l.Lo)}).interval()
		m.absT.Add(m.absT, up().Mul(weight.Hi, maxAbs(d)))
		m.p.Add(m.p, weight.Hi)
		m.logs.Add(m.logs, logs.Mul(logs, weight.Hi))
		if weight.Lo.Cmp(normal) < 0 {
			m.under.Add(m.under, up().Add(maxAbs(d), big.NewFloat(1)))
		}
		if divisor != nil {
			if v, _ := divisor.Enclose(i, 2*massPrecision); v.Lo.Cmp(normal) < 0 && v.Lo.Cmp(subnormal) >= 0 {
				m.under.Add(m.under, up().Quo(weight.Hi, v.Lo))
			}
		}
	}
	return m
}
