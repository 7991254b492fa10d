package mutant

import (
	"math"
	"strconv"

	"klconf/conform/judge"

	"klconf/spec"
)

// taylor is the logarithm by the exponent and three terms of the series of
// ln(1 + x) on [0, 1).
func taylor(x float64) float64 {
	f, e := math.Frexp(x)
	m := 2*f - 1
	return m - m*m/2 + m*m*m/3 + float64(e-1)*math.Ln2
}

// upward is one number of the format too large, where it is not 0.
func upward(v float64) float64 {
	if v == 0 || v != v || math.IsInf(v, 0) {
		return v
	}
	return math.Nextafter(v, math.Inf(1))
}

// Faults of accuracy.
var ofAccuracy = []Fault{
	{Name: "taylor-logarithm", Killer: "ACC-1", Fault: "The logarithm is the exponent and three terms of a series.", Source: "SimSIMD 6.5 in float64",
		make: terms(func(p, q float64) float64 { return p * (taylor(p) - taylor(q)) })},
	{Name: "ln2-of-four-digits", Killer: "ACC-1", Fault: "ln 2 is 0.6931.", Source: "plausible: a logarithm by its exponent",
		make: terms(func(p, q float64) float64 { return p * (math.Log2(p) - math.Log2(q)) * 0.6931 })},
	{Name: "float32-logarithm", Killer: "ACC-1", Fault: "The logarithms are rounded to float32.", Source: "libraries with one fast logarithm for all formats",
		make: terms(func(p, q float64) float64 { return p * (float64(float32(ln(p))) - float64(float32(ln(q)))) })},
	{Name: "float32-accumulation", Killer: "ACC-1", Fault: "The terms of float64 vectors are added in float32.", Source: "SimSIMD, OpenCV",
		make: vectors(loop(plainTerm, func(x []float64) float64 {
			s := float32(0)
			for _, v := range x {
				s += float32(v)
			}
			return float64(s)
		}))},
	{Name: "bfloat16-accumulation", Killer: "ACC-1", Fault: "The terms of bfloat16 vectors are rounded and added in bfloat16.", Source: "torch.nn.functional.kl_div on bfloat16",
		make: vectors(loop(plainTerm, func(x []float64) float64 {
			return narrowSum(x, spec.BF16)
		}), in(spec.BF16))},
	{Name: "float16-accumulation", Killer: "ACC-1", Fault: "The terms of float16 vectors are rounded and added in float16.", Source: "torch.nn.functional.kl_div on float16",
		make: vectors(loop(plainTerm, func(x []float64) float64 {
			return narrowSum(x, spec.F16)
		}), in(spec.F16))},
	{Name: "log1p-everywhere", Killer: "ACC-1", Fault: "Every logarithm is log1p((p − q)/q), which cancels or overflows where the two are far apart.", Source: "plausible: what helps near p = q is used everywhere",
		make: terms(func(p, q float64) float64 { return p * math.Log1p((p-q)/q) })},
	{Name: "printed-with-12-digits", Killer: "ACC-1", Fault: "The answer goes through a decimal text of 12 digits.", Source: "plausible: printf(\"%.12g\") in an adapter",
		make: values(func(v float64, _, _ []float64) float64 {
			w, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 12, 64), 64)
			return w
		})},
	{Name: "tolerance-zero", Killer: "ACC-1", Fault: "A value below 1e-9 is given as 0.", Source: "common: if kl < eps: return 0",
		make: values(func(v float64, _, _ []float64) float64 {
			if math.Abs(v) < 1e-9 {
				return 0
			}
			return v
		})},
	{Name: "wrong-by-1e-12", Killer: "ACC-1", Fault: "The value is too large by a factor of 1 + 1e-12.", Source: "plausible: a constant with 12 digits",
		make: values(func(v float64, _, _ []float64) float64 { return v * (1 + 1e-12) })},
	{Name: "second-order-when-near", Killer: "DEF-1", Fault: "Where every p/q is within 1 % of 1, the second-order term is given for the value.", Source: "plausible: Fisher's approximation",
		make: vectors(func(p, q []float64) (float64, error) {
			v, err := exactly(p, q)
			if err != nil || len(p) == 0 || anyPair(p, q, func(p, q float64) bool { return !(math.Abs(p-q) <= q/100) || q < 1e-300 }) {
				return v, err
			}
			s := 0.0
			for i := range p {
				s += (p[i] - q[i]) + (p[i]-q[i])*(p[i]-q[i])/(2*q[i])
			}
			return s, nil
		})},
	{Name: "claims-correct-rounding", Killer: "ACC-6", Fault: "L5 is claimed, and every answer is one ulp too large.", Source: "plausible",
		make: values(func(v float64, _, _ []float64) float64 { return upward(v) }, claims(spec.L5))},
	{Name: "claims-faithful", Killer: "ACC-6", Fault: "L4 is claimed of a plain loop.", Source: "plausible",
		make: vectors(loop(plainTerm, total), claims(spec.L4))},
	{Name: "claims-l3", Killer: "ACC-6", Fault: "L3 is claimed of a plain loop, which cancels for nearly equal vectors.", Source: "plausible",
		make: vectors(loop(plainTerm, total), claims(spec.L3))},
	{Name: "claims-l2", Killer: "ACC-6", Fault: "L2 is claimed of Σ p ln p − Σ p ln q, the difference of two sums.", Source: "entropy and cross-entropy, subtracted",
		make: vectors(difference, claims(spec.L2))},
	{Name: "rounded-twice", Killer: "ACC-6", Fault: "L5 is claimed in float32, and the value is rounded to float64 and then to float32.", Source: "plausible: correctly rounded in double is taken for correctly rounded in single",
		make: vectors(exactly, in(spec.F32), claims(spec.L5))},
}

// difference is Σ p ln p − Σ p ln q.
func difference(p, q []float64) (float64, error) {
	if v, err, done := special(p, q); done {
		return v, err
	}
	var s, t float64
	for i := range p {
		if p[i] > 0 {
			s += p[i] * ln(p[i])
			t += p[i] * ln(q[i])
		}
	}
	return s - t, nil
}

// narrowSum rounds every term and every partial sum to a format.
func narrowSum(x []float64, d spec.DType) float64 {
	round := func(v float64) float64 { return d.Widen(judge.Bits(d, v)) }
	s := 0.0
	for _, v := range x {
		s = round(s + round(v))
	}
	return s
}
