package property

import (
	"context"
	"math"

	"klconf/conform/judge"
	"klconf/property/mutant"
	"klconf/spec"
)

// Subjects of the tests.

// answer turns what an answer may be into one, correctly rounded.
var answer = mutant.Answer

// asker answers one question.
type asker = func(context.Context, spec.Request) spec.Answer

// oracle answers with judge.Expect: it is right, to the last bit.
func oracle(c spec.Convention) asker { return mutant.Oracle(c) }

func offersAll(spec.Op) bool { return true }

// ln is the logarithm of any positive number; math.Log is not, on amd64.
func ln(x float64) float64 {
	f, e := math.Frexp(x)
	return math.Log(f) + float64(e)*math.Ln2
}

// loop answers row by row with a function of float64 vectors, rounded to the
// result format.
func loop(f map[spec.Quantity]func(p, q []float64) float64) asker {
	return func(ctx context.Context, r spec.Request) spec.Answer {
		quantity, _, rows, _ := r.Op.Split()
		if quantity == spec.KLEstimate {
			return elements(estimate)(ctx, r)
		}
		p, d := r.Arrays[0], r.Arrays[0].DType.ResultDType()
		q := p
		if quantity.Arity() == 2 {
			q = r.Arrays[1]
		}
		a := spec.NewArray("result", d)
		n := p.Len()
		if rows {
			a, n = spec.NewArray("result", d, p.Shape[0]), p.Shape[1]
		}
		x, y := p.Floats(), q.Floats()
		for i := range a.Len() {
			a.SetBits(i, judge.Bits(d, f[quantity](x[i*n:(i+1)*n], y[i*n:(i+1)*n])))
		}
		return spec.Answer{Status: spec.OK, Arrays: []spec.Array{a}}
	}
}

// elements answers samples with an estimator of d = ln q − ln p.
func elements(f func(estimator string, d float64) float64) asker {
	return func(_ context.Context, r spec.Request) spec.Answer {
		p, q := r.Arrays[0].Floats(), r.Arrays[1].Floats()
		a := spec.NewArray("result", r.Arrays[0].DType.ResultDType(), len(p))
		for i := range p {
			a.SetBits(i, judge.Bits(a.DType, f(r.Options.Estimator, q[i]-p[i])))
		}
		return spec.Answer{Status: spec.OK, Arrays: []spec.Array{a}}
	}
}

// estimate is the estimator of one sample, d = ln q − ln p.
func estimate(name string, d float64) float64 {
	switch name {
	case "k1":
		return -d
	case "k2":
		return d * d / 2
	}
	return math.Exp(d) - 1 - d
}

// naive is the plain loop with its zero rules.
var naive = map[spec.Quantity]func(p, q []float64) float64{
	spec.KL: func(p, q []float64) float64 {
		s := 0.0
		for i := range p {
			switch {
			case p[i] == 0:
			case q[i] == 0:
				return math.Inf(1)
			default:
				s += p[i] * (ln(p[i]) - ln(q[i]))
			}
		}
		return s
	},
	spec.JS: func(p, q []float64) float64 {
		s := 0.0
		for i := range p {
			m := ln(p[i] + q[i])
			for _, x := range []float64{p[i], q[i]} {
				if x > 0 {
					s += x / 2 * (ln(x) + math.Ln2 - m)
				}
			}
		}
		return s
	},
	spec.Entropy: func(p, _ []float64) float64 {
		s := 0.0
		for i := range p {
			if p[i] > 0 {
				s -= p[i] * ln(p[i])
			}
		}
		return s
	},
	spec.CrossEntropy: func(p, q []float64) float64 {
		s := 0.0
		for i := range p {
			switch {
			case p[i] == 0:
			case q[i] == 0:
				return math.Inf(1)
			default:
				s -= p[i] * ln(q[i])
			}
		}
		return s
	},
}

var nan = math.NaN()

// number is x as an answer.
func number(d spec.DType, x float64) spec.Answer {
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("result", d, judge.Bits(d, x))}}
}
