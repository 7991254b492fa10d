package mutant

import (
	"math"
	"slices"

	"klconf/spec"
)

// behind leaves out of kl the pairs at or behind a place that are such.
func behind(at int, such func(p, q float64) bool) maker {
	return vectors(func(p, q []float64) (float64, error) { return late(p, q, at, such) })
}

// tailLost does not read the last element of vectors of an op, where n mod 4 is 3.
func tailLost(op spec.Op, d spec.DType) maker {
	return questions(func(r spec.Request) spec.Request {
		n := r.Arrays[0].Len()
		if r.Options.Grad != "" || n < 8 || n%4 != 3 || slices.ContainsFunc(r.Arrays, func(a spec.Array) bool { return len(a.Shape) != 1 || a.Len() != n }) {
			return r
		}
		for i, a := range r.Arrays {
			a.Shape, a.Data = []int{n - 1}, a.Data[:(n-1)*a.DType.Size()]
			r.Arrays[i] = a
		}
		return r
	}, offers(op), in(d))
}

// secondRowLost gives the second row of a batch of another quantity the value
// of the first.
func secondRowLost(op spec.Op) maker {
	return results(func(r spec.Request, x []float64) []float64 {
		if r.Op == op+"_rows" && r.Options.Reduction == "" && len(x) > 1 {
			x[1] = x[0]
		}
		return x
	}, offers(op, op+"_rows"))
}

const (
	oneBlock  = "plausible: a validity check of the first block"
	tailOf    = "plausible: the tail of a vector loop, in one quantity only"
	strideOf  = "plausible: a stride of 0, in one quantity only"
	chunkRows = "plausible: rows in chunks, the rest taken from the first chunk"
)

// Faults that one place, one quantity or one format hides.
var ofPlaces = []Fault{
	{Name: "nan-behind-1024-skipped", Killer: "VAL-5", Fault: "A pair with a NaN behind the 1024th element is left out.", Source: oneBlock, make: behind(1024, isNaN)},
	{Name: "zero-q-behind-64-dropped", Killer: "VAL-2", Fault: "A term with p > 0 = q behind the 64th element is left out.", Source: oneBlock, make: behind(64, zeroQ)},
	{Name: "negative-behind-128-kept", Killer: "VAL-7", Fault: "A pair with a negative weight behind the 128th element is left out.", Source: oneBlock,
		make: behind(128, func(p, q float64) bool { return p < 0 || q < 0 })},
	{Name: "infinite-behind-256-kept", Killer: "VAL-8", Fault: "A pair with an infinite weight behind the 256th element is left out.", Source: oneBlock,
		make: behind(256, func(p, q float64) bool { return math.IsInf(p, 0) || math.IsInf(q, 0) })},
	{Name: "subnormal-q-behind-16-flushed", Killer: "VAL-11", Fault: "A subnormal q behind the 16th element gives +Inf: the vector logarithm flushes, the scalar one does not.", Source: "plausible: vector logarithms that scale by the exponent field only",
		make: vectors(func(p, q []float64) (float64, error) {
			for i := 16; i < len(p) && len(p) == len(q); i++ {
				if tiny(q[i]) && p[i] > 0 {
					return math.Inf(1), nil
				}
			}
			return exactly(p, q)
		})},
	{Name: "rows-beyond-4", Killer: "ROW-1", Fault: "Row i gets the value of row i − 4 from the fifth on.", Source: chunkRows,
		make: rows(func(x []float64) []float64 {
			for i := 4; i < len(x); i++ {
				x[i] = x[i-4]
			}
			return x
		})},
	{Name: "rows-beyond-16", Killer: "ROW-1", Fault: "Row i gets the value of row i − 16 from the seventeenth on.", Source: chunkRows,
		make: rows(func(x []float64) []float64 {
			for i := 16; i < len(x); i++ {
				x[i] = x[i-16]
			}
			return x
		})},
	{Name: "entropy-tail-lost-f32", Killer: "DEF-5", Fault: "The float32 entropy loses the last element where n mod 4 is 3.", Source: tailOf, make: tailLost("entropy", spec.F32)},
	{Name: "cross-entropy-tail-lost-f16", Killer: "DEF-6", Fault: "The float16 cross-entropy loses the last element where n mod 4 is 3.", Source: tailOf, make: tailLost("cross_entropy", spec.F16)},
	{Name: "js-tail-lost-bf16", Killer: "DEF-7", Fault: "The bfloat16 Jensen-Shannon divergence loses the last element where n mod 4 is 3.", Source: tailOf, make: tailLost("js", spec.BF16)},
	{Name: "entropy-logits-tail-lost", Killer: "LLM-1", Fault: "The entropy of logits loses the last one where n mod 4 is 3.", Source: tailOf, make: tailLost("entropy_logits", spec.F64)},
	{Name: "cross-entropy-logprobs-tail-lost", Killer: "LLM-2", Fault: "The cross-entropy of log-probabilities loses the last one where n mod 4 is 3.", Source: tailOf, make: tailLost("cross_entropy_logprobs", spec.F32)},
	{Name: "estimate-tail-lost", Killer: "LLM-12", Fault: "Of the samples of an estimator the last has no value where n mod 4 is 3.", Source: tailOf, make: tailLost("kl_estimate", spec.F64)},
	{Name: "js-second-row-lost", Killer: "ROW-1", Fault: "The second row of a batch of Jensen-Shannon divergences gets the first one's value.", Source: strideOf, make: secondRowLost("js")},
	{Name: "logit-entropy-second-row-lost", Killer: "ROW-1", Fault: "The second row of a batch of entropies of logits gets the first one's value.", Source: strideOf, make: secondRowLost("entropy_logits")},
}
