package exact

import (
	"math"
	"math/big"
	"slices"
)

// KLLogits returns the divergence of the softmax distributions of a and b at
// temperature t,
//
//	Σ s_i·ln(s_i/r_i),   s_i = e^(a_i/t)/Σ e^(a_j/t),   r_i = e^(b_i/t)/Σ e^(b_j/t).
//
// A logit of -Inf is probability 0. It panics if the lengths differ, if a logit is
// NaN or +Inf, if all of a are -Inf, if b_i = -Inf where a_i is finite, and unless
// t is positive and finite.
func KLLogits[F float](a, b []F, t float64) *Form {
	x, c := support(a, b)
	p, q := weights(x, t), weights(finite(b), t)
	return expected(Expectation{Of: p, C: c, Over: p, Plus: q, Minus: p})
}

// EntropyLogits returns the entropy -Σ s_i·ln s_i of the softmax distribution of a
// at temperature t. It panics as KLLogits does.
func EntropyLogits[F float](a []F, t float64) *Form {
	x := finite(a)
	p := weights(x, t)
	return expected(Expectation{Of: p, C: negated(x), Over: p, Plus: p})
}

// CrossEntropyLogits returns the cross-entropy -Σ s_i·ln r_i of the softmax
// distributions of a and b at temperature t. It panics as KLLogits does.
func CrossEntropyLogits[F float](a, b []F, t float64) *Form {
	x, c := support(a, b)
	p, q := weights(x, t), weights(finite(b), t)
	for i := range c {
		c[i] = c[i].Sub(x[i])
	}
	return expected(Expectation{Of: p, C: c, Over: p, Plus: q})
}

// KLLogProbs returns Σ e^(a_i)·(a_i - b_i), the divergence of weights that are given
// by their logarithms, as LogSum does. A log-probability of -Inf is weight 0. It
// panics if the lengths differ, if one is NaN or +Inf, or if b_i = -Inf where a_i is
// finite.
func KLLogProbs[F float](a, b []F) (f *Form, beyond bool) {
	x, c := support(a, b)
	return LogSum(x, c)
}

// EntropyLogProbs returns -Σ e^(a_i)·a_i, and panics, as KLLogProbs does.
func EntropyLogProbs[F float](a []F) (f *Form, beyond bool) {
	x := finite(a)
	return LogSum(x, negated(x))
}

// CrossEntropyLogProbs returns -Σ e^(a_i)·b_i, and panics, as KLLogProbs does.
func CrossEntropyLogProbs[F float](a, b []F) (f *Form, beyond bool) {
	x, c := support(a, b)
	for i := range c {
		c[i] = c[i].Sub(x[i])
	}
	return LogSum(x, c)
}

// LogSum returns Σ e^(x_i)·c_i. Where a weight beyond e^32768 does not cancel it
// returns the sum times a small factor > 0 instead and reports beyond: the number
// that it stands for is infinite in every format, with the sign of f, except that a
// cancellation to 2^-40000 would go unnoticed.
func LogSum(x, c []Num) (f *Form, beyond bool) {
	limit := Int(maxPower)
	if slices.ContainsFunc(x, func(u Num) bool { return u.Cmp(limit) > 0 }) {
		x, c = merged(x, c)
	}
	if len(x) == 0 {
		return new(Form), false
	}
	e := Expectation{Of: NewExps(x, Int(1)), C: c}
	if beyond = e.Of.top.Cmp(limit) > 0; beyond {
		low := make([]Num, len(x))
		for i := range x {
			low[i] = x[i].Add(limit.Sub(e.Of.top))
		}
		e.Of = NewExps(low, Int(1))
	}
	return expected(e), beyond
}

// merged adds up the c of equal exponents and leaves out what comes to 0.
func merged(x, c []Num) (u, d []Num) {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return x[i].Cmp(x[j]) })
	for k := 0; k < len(order); {
		first, sum := x[order[k]], Num{}
		for ; k < len(order) && x[order[k]].Cmp(first) == 0; k++ {
			sum = sum.Add(c[order[k]])
		}
		if !sum.isZero() {
			u, d = append(u, first), append(d, sum)
		}
	}
	return u, d
}

func expected(e Expectation) *Form {
	f := new(Form)
	f.AddExpectation(big.NewRat(1, 1), e)
	return f
}

// support returns a_i and a_i - b_i for the finite a_i.
func support[F float](a, b []F) (x, c []Num) {
	if len(a) != len(b) {
		panic("exact: vectors of different lengths")
	}
	for i := range a {
		if u, ok := exponentOf(a[i]); ok {
			v, ok := exponentOf(b[i])
			if !ok {
				panic("exact: probability 0 where it must not be")
			}
			x, c = append(x, u), append(c, u.Sub(v))
		} else {
			exponentOf(b[i])
		}
	}
	return x, c
}

func finite[F float](a []F) (x []Num) {
	for _, v := range a {
		if u, ok := exponentOf(v); ok {
			x = append(x, u)
		}
	}
	return x
}

func negated(x []Num) []Num {
	z := make([]Num, len(x))
	for i := range x {
		z[i] = x[i].Neg()
	}
	return z
}

// exponentOf returns x, or false for -Inf.
func exponentOf[F float](x F) (Num, bool) {
	if math.IsInf(float64(x), -1) {
		return Num{}, false
	}
	if x != x || math.IsInf(float64(x), 1) {
		panic("exact: a logarithm that is NaN or +Inf")
	}
	return Float(float64(x)), true
}

func weights(x []Num, t float64) *Exps {
	if !(t > 0) || math.IsInf(t, 1) {
		panic("exact: a temperature that is not positive and finite")
	}
	return NewExps(x, Float(t))
}
