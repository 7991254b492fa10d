package main

import (
	"math"
	"math/big"

	"klconf/impl/exact"
	"klconf/spec"
)

// elementwise answers with one number for each element: an estimator of single
// samples, or the derivative of the divergence by one array.
func elementwise(q spec.Request, domain spec.Domain, t float64, result spec.DType, format exact.Format) spec.Answer {
	quantity, _, rows, _ := q.Op.Split()
	if quantity == spec.KLEstimate {
		domain = spec.LogProbs
	}
	by := q.Options.Grad
	if by != "" && (quantity != spec.KL || by != "q" && (by != "p" || domain == spec.Logits)) {
		return unsupported("the derivative of %s by %q is not offered", q.Op, by)
	}
	p, w := q.Arrays[0], q.Arrays[1]
	n, width := 1, p.Len()
	if rows {
		n, width = p.Shape[0], p.Shape[1]
	}
	out := spec.NewArray("result", result, p.Shape...)
	for i := range n {
		x, bad := numbers(domain, p, nil, i*width, width)
		y, badQ := numbers(domain, w, nil, i*width, width)
		if bad == "" {
			bad = badQ
		}
		nan := hasNaN(x) || hasNaN(y)
		if bad != "" && !nan {
			return reject(spec.KindDomain, "%s", bad)
		}
		var f func(j int) (*exact.Form, float64)
		switch {
		case quantity == spec.KLEstimate:
			f = func(j int) (*exact.Form, float64) { return estimate(q.Options.Estimator, x[j], y[j]) }
		case nan:
			f = func(int) (*exact.Form, float64) { return nil, math.NaN() }
		case domain == spec.Probs:
			f = func(j int) (*exact.Form, float64) { return slope(by, x[j], y[j]) }
		case domain == spec.LogProbs:
			f = func(j int) (*exact.Form, float64) { return logSlope(by, x[j], y[j]) }
		default:
			f = softmaxSlopes(x, y, t)
		}
		for j := range width {
			v, special := f(j)
			var bits uint64
			switch {
			case v == nil && special != special:
				bits = format.NaN()
			case v == nil:
				bits = format.RoundBig(new(big.Float).SetFloat64(special))
			default:
				r, err := v.Round(format)
				if err != nil {
					return spec.Answer{Status: spec.Errored, Message: err.Error()}
				}
				bits = r.Bits
			}
			out.SetBits(i*width+j, bits)
		}
	}
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{out}}
}

// estimate is k1 = −d, k2 = d²/2 or k3 = e^d − 1 − d of d = ln q − ln p: exactly, or a
// special value.
func estimate(estimator string, lnP, lnQ float64) (*exact.Form, float64) {
	switch {
	case lnP != lnP || lnQ != lnQ || math.IsInf(lnP, 0) || math.IsInf(lnQ, 1):
		return nil, math.NaN()
	case math.IsInf(lnQ, -1):
		return nil, math.Inf(1)
	}
	d, f := exact.Float(lnQ).Sub(exact.Float(lnP)), new(exact.Form)
	switch estimator {
	case "k1":
		f.AddRat(d.Neg().Rat())
	case "k2":
		f.AddRat(d.Mul(d).Half().Rat())
	default:
		var beyond bool
		if f, beyond = exact.LogSum([]exact.Num{d}, []exact.Num{exact.Int(1)}); beyond {
			return nil, math.Inf(1)
		}
		f.AddRat(d.Add(exact.Int(1)).Neg().Rat())
	}
	return f, 0
}

// slope is the derivative of p ln(p/q) by one of the two.
func slope(by string, p, q float64) (*exact.Form, float64) {
	x, y, f := exact.Float(p), exact.Float(q), new(exact.Form)
	switch {
	case by == "q" && p == 0:
		return f, 0
	case by == "q" && q == 0:
		return nil, math.Inf(-1)
	case by == "q":
		r := new(big.Rat).Quo(x.Rat(), y.Rat())
		f.AddRat(r.Neg(r))
	case p == 0 && q == 0:
		return nil, math.NaN()
	case p == 0:
		return nil, math.Inf(-1)
	case q == 0:
		return nil, math.Inf(1)
	default:
		f.AddLog(exact.Int(1), x, y)
		f.AddRat(big.NewRat(1, 1))
	}
	return f, 0
}

// logSlope is the derivative of e^a(a − b) by one of the two.
func logSlope(by string, a, b float64) (*exact.Form, float64) {
	c := exact.Int(-1)
	switch {
	case math.IsInf(a, -1):
		return new(exact.Form), 0
	case by == "p" && math.IsInf(b, -1):
		return nil, math.Inf(1)
	case by == "p":
		c = exact.Float(a).Sub(exact.Float(b)).Add(exact.Int(1))
	}
	f, beyond := exact.LogSum([]exact.Num{exact.Float(a)}, []exact.Num{c})
	if beyond {
		if sign, err := f.Sign(); err == nil {
			return nil, math.Inf(sign)
		}
	}
	return f, 0
}

// softmaxSlopes returns the derivatives (softmax(b/t) − softmax(a/t))/t by the logits b.
func softmaxSlopes(a, b []float64, t float64) func(j int) (*exact.Form, float64) {
	all := func(x []float64) *exact.Exps {
		var n []exact.Num
		for _, v := range x {
			if !math.IsInf(v, -1) {
				n = append(n, exact.Float(v))
			}
		}
		if len(n) == 0 {
			return nil
		}
		return exact.NewExps(n, exact.Float(t))
	}
	s, r := all(a), all(b)
	return func(j int) (*exact.Form, float64) {
		if s == nil || r == nil {
			return nil, math.NaN()
		}
		f := new(exact.Form)
		for _, x := range []struct {
			logit float64
			all   *exact.Exps
			sign  int64
		}{{b[j], r, 1}, {a[j], s, -1}} {
			if !math.IsInf(x.logit, -1) {
				one := exact.NewExps([]exact.Num{exact.Float(x.logit)}, exact.Float(t))
				f.AddExpectation(big.NewRat(x.sign, 1), exact.Expectation{Of: one, C: []exact.Num{exact.Int(1)}, Over: x.all})
			}
		}
		return f, 0
	}
}
