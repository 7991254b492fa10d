package mutant

import (
	"errors"
	"math"

	"klconf/spec"
)

var errZero = errors.New("a weight is 0")

// anyPair reports whether a pair of two vectors of equal lengths is such.
func anyPair(p, q []float64, f func(p, q float64) bool) bool {
	if len(p) != len(q) {
		return false
	}
	for i := range p {
		if f(p[i], q[i]) {
			return true
		}
	}
	return false
}

// where answers with f where a pair is such, and is right elsewhere.
func where(such func(p, q float64) bool, f divergence, options ...option) maker {
	return vectors(func(p, q []float64) (float64, error) {
		if anyPair(p, q, such) {
			return f(p, q)
		}
		return exactly(p, q)
	}, options...)
}

func gives(v float64) divergence { return func(p, q []float64) (float64, error) { return v, nil } }

// without is right about the pairs that are not such.
func without(such func(p, q float64) bool) divergence {
	return func(p, q []float64) (float64, error) {
		var a, b []float64
		for i := range p {
			if !such(p[i], q[i]) {
				a, b = append(a, p[i]), append(b, q[i])
			}
		}
		return exactly(a, b)
	}
}

func isNaN(p, q float64) bool { return p != p || q != q }

var (
	zeroP    = func(p, q float64) bool { return p == 0 && q > 0 }
	zeroQ    = func(p, q float64) bool { return p > 0 && q == 0 }
	zeroZero = func(p, q float64) bool { return p == 0 && q == 0 }
	tiny     = func(x float64) bool { return x > 0 && x < 0x1p-1022 }
)

// Faults at zeros, NaN, infinities, negative and subnormal numbers, and at the
// shapes.
var ofSpecialValues = []Fault{
	{Name: "zero-q-dropped", Killer: "VAL-2", Fault: "Terms with p > 0 = q are left out.", Source: "Smile's MathEx.KullbackLeiblerDivergence, FLANN",
		make: where(zeroQ, without(zeroQ))},
	{Name: "zero-q-refused", Killer: "VAL-2", Fault: "p > 0 = q is refused.", Source: "S-Space's Similarity.klDivergence, the crate logp",
		make: where(zeroQ, func(p, q []float64) (float64, error) { return 0, errZero })},
	{Name: "zero-q-largest", Killer: "VAL-2", Fault: "In the place of +Inf comes the largest number.", Source: "torch.nan_to_num after the sum",
		make: values(func(v float64, _, _ []float64) float64 { return math.Min(v, math.MaxFloat64) })},
	{Name: "zero-q-late-dropped", Killer: "VAL-2", Fault: "A zero in Q behind the 16th element is not seen: the vector loop has no test, the scalar one has.", Source: "plausible: NumKong's kernels treat special values in other ways than its serial code",
		make: vectors(func(p, q []float64) (float64, error) { return late(p, q, 16, zeroQ) })},
	{Name: "zero-p-nan", Killer: "VAL-1", Fault: "0 · ln 0 is NaN.", Source: "drostlab/philentropy#10, JuliaStats/Distributions.jl#793, TheAlgorithms/Python#12233",
		make: where(zeroP, gives(math.NaN()))},
	{Name: "zero-p-gives-q", Killer: "VAL-1", Fault: "A pair with p = 0 contributes q.", Source: "jax-ml/jax#21192",
		make: values(func(v float64, p, q []float64) float64 {
			for i := range p {
				if p[i] == 0 {
					v += q[i]
				}
			}
			return v
		})},
	{Name: "zero-zero-nan", Killer: "VAL-3", Fault: "p = q = 0 gives NaN.", Source: "torch.nn.functional.kl_div with log_target, burn-nn, Lightning-AI/torchmetrics#1029",
		make: where(zeroZero, gives(math.NaN()))},
	{Name: "zero-zero-inf", Killer: "VAL-3", Fault: "p = q = 0 gives +Inf.", Source: "ELKI's KullbackLeiblerDivergenceAsymmetricDistance",
		make: where(zeroZero, func(p, q []float64) (float64, error) {
			if anyPair(p, q, isNaN) {
				return math.NaN(), nil
			}
			return math.Inf(1), nil
		})},
	{Name: "zero-zero-refused", Killer: "VAL-3", Fault: "Any q = 0 is refused, also next to p = 0.", Source: "S-Space",
		make: where(zeroZero, func(p, q []float64) (float64, error) { return 0, errZero })},
	{Name: "negative-zero-q-nan", Killer: "VAL-4", Fault: "p/−0 is −Inf, and its logarithm NaN.", Source: "mathjs, ml-distance, LingPipe, CoreNLP",
		make: where(func(p, q float64) bool { return p > 0 && q == 0 && math.Signbit(q) }, gives(math.NaN()))},
	{Name: "negative-zero-refused", Killer: "VAL-4", Fault: "The sign bit is taken for a negative number, and −0 gives NaN.", Source: "plausible: signbit(x) in the place of x < 0",
		make: where(func(p, q float64) bool { return p == 0 && math.Signbit(p) || q == 0 && math.Signbit(q) }, gives(math.NaN()))},
	{Name: "nan-skipped", Killer: "VAL-5", Fault: "A pair with a NaN is left out, because NaN > 0 is false.", Source: "JuliaStats/Distances.jl#259, ELKI, ranjs",
		make: where(isNaN, without(isNaN))},
	{Name: "nan-in-q-skipped", Killer: "VAL-6", Fault: "A NaN in Q is not seen where p = 0.", Source: "gonum's stat.KullbackLeibler, Mallet",
		make: where(func(p, q float64) bool { return p == 0 && q != q }, without(func(p, q float64) bool { return p == 0 && q != q }))},
	{Name: "nan-is-inf", Killer: "VAL-5", Fault: "A NaN gives +Inf.", Source: "jax.scipy.special.rel_entr",
		make: where(isNaN, gives(math.Inf(1)))},
	{Name: "nan-is-zero", Killer: "VAL-5", Fault: "A NaN result becomes 0.", Source: "fmax(result, 0), torch.nan_to_num",
		make: values(func(v float64, _, _ []float64) float64 {
			if v != v {
				return 0
			}
			return v
		})},
	{Name: "nan-late-skipped", Killer: "VAL-5", Fault: "Only the first 8 elements are looked at for NaN; behind them a pair with one is left out.", Source: "plausible: NumKong's serial and vector kernels differ here",
		make: vectors(func(p, q []float64) (float64, error) { return late(p, q, 8, isNaN) })},
	{Name: "nan-crashes", Killer: "VAL-5", Fault: "A NaN makes it die.", Source: "R's flexmix: missing value where TRUE/FALSE needed",
		make: where(isNaN, func(p, q []float64) (float64, error) { panic("missing value where true or false is needed") })},
	{Name: "negative-crashes", Killer: "VAL-20", Fault: "A negative weight makes it die.", Source: "plausible: an assertion in the place of a refusal",
		make: where(func(p, q float64) bool { return p < 0 || q < 0 }, func(p, q []float64) (float64, error) { panic("assertion failed: x >= 0") })},
	{Name: "negative-pair-counts", Killer: "VAL-7", Fault: "Two negative weights give p ln(p/q), a number.", Source: "every plain loop: ndarray-stats, CMSIS-DSP, ml-distance",
		make: vectors(func(p, q []float64) (float64, error) {
			if !anyPair(p, q, func(p, q float64) bool { return p < 0 && q < 0 }) ||
				anyPair(p, q, func(p, q float64) bool {
					return isNaN(p, q) || p < 0 != (q < 0) || outside(math.Abs(p)) || outside(math.Abs(q))
				}) {
				return exactly(p, q)
			}
			s := 0.0
			for i := range p {
				if p[i] != 0 {
					s += p[i] * (ln(math.Abs(p[i])) - ln(math.Abs(q[i])))
				}
			}
			return s, nil
		})},
	{Name: "negative-p-zeroed", Killer: "VAL-7", Fault: "A negative p counts as 0.", Source: "pytorch/pytorch#69230",
		make: pairs(func(p, q float64) (float64, float64) {
			if p < 0 && !math.IsInf(p, 0) {
				return 0, q
			}
			return p, q
		})},
	{Name: "negative-made-positive", Killer: "VAL-7", Fault: "The weights lose their signs.", Source: "plausible: abs() against negative zeros",
		make: pairs(func(p, q float64) (float64, float64) { return math.Abs(p), math.Abs(q) })},
	{Name: "negative-late-kept", Killer: "VAL-7", Fault: "A negative pair behind the 8th element is left out.", Source: "plausible: a validity check of the first block",
		make: vectors(func(p, q []float64) (float64, error) {
			return late(p, q, 8, func(p, q float64) bool { return p < 0 || q < 0 })
		})},
	{Name: "infinite-q-counts", Killer: "VAL-8", Fault: "q = +Inf gives −Inf, as the formula says.", Source: "gonum, NumPy, torch: inf_q",
		make: where(func(p, q float64) bool { return math.IsInf(q, 1) && !math.IsInf(p, 0) }, gives(math.Inf(-1)))},
	{Name: "infinite-is-largest", Killer: "VAL-8", Fault: "+Inf counts as the largest number.", Source: "torch.nan_to_num on the inputs",
		make: pairs(func(p, q float64) (float64, float64) {
			return math.Min(p, math.MaxFloat64), math.Min(q, math.MaxFloat64)
		})},
	{Name: "empty-nan", Killer: "VAL-9", Fault: "Two empty vectors give NaN.", Source: "R's flexmix; an average over nothing",
		make: onEmpty(gives(math.NaN()))},
	{Name: "empty-inf", Killer: "VAL-9", Fault: "Two empty vectors give +Inf.", Source: "Smile's MathEx.KullbackLeiblerDivergence",
		make: onEmpty(gives(math.Inf(1)))},
	{Name: "empty-crashes", Killer: "IO-6", Fault: "It reads element 0 before it looks at the length.", Source: "pytorch/pytorch#51910",
		make: onEmpty(func(p, q []float64) (float64, error) { return p[0], nil })},
	{Name: "truncates", Killer: "VAL-10", Fault: "The longer of two vectors is cut.", Source: "Mallet, FLANN, ruvector-math, Rust's ml-distance",
		make: vectors(func(p, q []float64) (float64, error) { n := min(len(p), len(q)); return exactly(p[:n], q[:n]) })},
	{Name: "padded-length", Killer: "VAL-10", Fault: "It compares the numbers of blocks of 8 and not the lengths, and fills up with zeros.", Source: "plausible: vectors are padded to lanes",
		make: vectors(func(p, q []float64) (float64, error) {
			if (len(p)+7)/8 != (len(q)+7)/8 {
				return 0, errLengths
			}
			n := max(len(p), len(q))
			return exactly(append(append([]float64{}, p...), make([]float64, n-len(p))...), append(append([]float64{}, q...), make([]float64, n-len(q))...))
		})},
	{Name: "broadcasts", Killer: "VAL-10", Fault: "A vector of one element is stretched to the other's length.", Source: "NumPy, PyTorch, mathjs",
		make: vectors(func(p, q []float64) (float64, error) {
			return exactly(stretched(p, len(q)), stretched(q, len(p)))
		})},
	{Name: "mismatch-crashes", Killer: "VAL-20", Fault: "Different lengths make it die.", Source: "gonum: panic: stat: slice length mismatch",
		make: vectors(func(p, q []float64) (float64, error) {
			if len(p) != len(q) {
				panic("slice length mismatch")
			}
			return exactly(p, q)
		})},
	{Name: "subnormal-q-flushed", Killer: "VAL-11", Fault: "A subnormal q counts as 0, and gives +Inf.", Source: "jax on the CPU; libraries built with -ffast-math",
		make: pairs(func(p, q float64) (float64, float64) {
			if tiny(q) {
				return p, 0
			}
			return p, q
		})},
	{Name: "subnormal-p-flushed", Killer: "VAL-11", Fault: "A subnormal p counts as 0.", Source: "plausible: p > tiny as the mask of the terms",
		make: pairs(func(p, q float64) (float64, float64) {
			if tiny(p) {
				return 0, q
			}
			return p, q
		})},
	{Name: "subnormal-logarithm", Killer: "VAL-11", Fault: "The logarithm of a subnormal number is −Inf.", Source: "vector logarithms that scale by the exponent field only",
		make: vectors(loop(func(p, q float64) float64 {
			a, b := ln(p), ln(q)
			if tiny(p) {
				a = math.Inf(-1)
			}
			if tiny(q) {
				b = math.Inf(-1)
			}
			return p * (a - b)
		}, total))},
	{Name: "ratio-overflows", Killer: "VAL-12", Fault: "p/q is computed and overflows to +Inf.", Source: "scipy/scipy#20710",
		make: terms(func(p, q float64) float64 {
			if r := p / q; math.IsInf(r, 0) {
				return math.Inf(1)
			}
			return p * (ln(p) - ln(q))
		})},
	{Name: "ratio-underflows", Killer: "VAL-13", Fault: "p/q is computed and underflows to 0.", Source: "scipy/scipy#20710",
		make: terms(func(p, q float64) float64 {
			if p/q == 0 {
				return math.Inf(-1)
			}
			return p * (ln(p) - ln(q))
		})},
	{Name: "product-of-ratios", Killer: "DEF-1", Fault: "It takes the logarithm of the product of (p/q)^p, which overflows or underflows.", Source: "plausible: one logarithm is cheaper than n",
		make: vectors(func(p, q []float64) (float64, error) {
			if v, err, done := special(p, q); done {
				return v, err
			}
			x := 1.0
			for i := range p {
				if p[i] > 0 {
					x *= math.Exp(p[i] * (ln(p[i]) - ln(q[i])))
				}
			}
			return math.Log(x), nil
		})},
	{Name: "saturates", Killer: "VAL-15", Fault: "A value beyond the largest number is the largest number; +Inf comes of q = 0 only.", Source: "plausible: saturating conversions",
		make: values(func(v float64, p, q []float64) float64 {
			if math.IsInf(v, 1) && !anyPair(p, q, zeroQ) {
				return math.MaxFloat64
			}
			return v
		})},
	{Name: "inf-before-nan", Killer: "VAL-16", Fault: "It returns +Inf at the first q = 0, before it has seen a NaN behind it.", Source: "plausible: the early return of a plain loop",
		make: vectors(func(p, q []float64) (float64, error) {
			for i := range min(len(p), len(q)) {
				if len(p) != len(q) || isNaN(p[i], q[i]) || outside(p[i]) || outside(q[i]) {
					break
				}
				if zeroQ(p[i], q[i]) {
					return math.Inf(1), nil
				}
			}
			return exactly(p, q)
		})},
	{Name: "inf-before-domain", Killer: "VAL-16", Fault: "It returns +Inf at the first q = 0, before it has seen a negative weight behind it.", Source: "plausible: the early return of a plain loop",
		make: vectors(func(p, q []float64) (float64, error) {
			if len(p) == len(q) && !anyPair(p, q, isNaN) {
				for i := range p {
					if outside(p[i]) || outside(q[i]) {
						break
					}
					if zeroQ(p[i], q[i]) {
						return math.Inf(1), nil
					}
				}
			}
			return exactly(p, q)
		})},
	{Name: "zero-total-uniform", Killer: "VAL-17", Fault: "Normalising is declared, and a vector of zeros becomes the uniform distribution.", Source: "plausible: torch.nn.functional.normalize with an eps, softmax as a fallback",
		make: answers(func(r spec.Request) spec.Answer {
			if r.Op == "kl" || r.Op == "kl_rows" {
				r.Arrays = append([]spec.Array{}, r.Arrays...)
				for i, a := range r.Arrays {
					zero := a.Len() > 0
					for _, v := range a.Floats() {
						zero = zero && v == 0
					}
					if zero {
						r.Arrays[i] = mapped(a, func(float64) float64 { return 1 })
					}
				}
			}
			return Oracle(*parse(`{"normalises":"both"}`))(nil, r)
		}, declares(`{"complete":true,"normalises":"both"}`), offers("kl"))},
	{Name: "single-element-zero", Killer: "VAL-18", Fault: "A vector with one element gives 0, because it can only be 1.", Source: "plausible: a shortcut that is true of pmfs",
		make: values(func(v float64, p, _ []float64) float64 {
			if len(p) == 1 && v == v && !math.IsInf(v, 0) {
				return 0
			}
			return v
		})},
	{Name: "subnormals-taken-for-equal", Killer: "VAL-11", Fault: "Weights closer than 1e-300 to each other count as equal, and their term as 0.", Source: "plausible: abs(p − q) < tiny as a guard",
		make: pairs(func(p, q float64) (float64, float64) {
			if p >= 0 && q >= 0 && math.Abs(p-q) < 1e-300 {
				return 0, 0
			}
			return p, q
		})},
}

// late is right about the pairs before at; behind it, those that are such are
// left out.
func late(p, q []float64, at int, such func(p, q float64) bool) (float64, error) {
	if len(p) != len(q) || len(p) <= at {
		return exactly(p, q)
	}
	var a, b []float64
	for i := range p {
		if i < at || !such(p[i], q[i]) {
			a, b = append(a, p[i]), append(b, q[i])
		}
	}
	return exactly(a, b)
}

func onEmpty(f divergence) maker {
	return vectors(func(p, q []float64) (float64, error) {
		if len(p)+len(q) == 0 {
			return f(p, q)
		}
		return exactly(p, q)
	})
}

func stretched(x []float64, n int) []float64 {
	if len(x) != 1 || n < 1 {
		return x
	}
	y := make([]float64, n)
	for i := range y {
		y[i] = x[0]
	}
	return y
}
