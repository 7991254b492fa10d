package mutant

import (
	"math"

	"klconf/spec"
)

// rows changes what kl_rows without a reduction answers.
func rows(change func(x []float64) []float64, options ...option) maker {
	return results(func(r spec.Request, x []float64) []float64 {
		if r.Op == "kl_rows" && r.Options.Reduction == "" {
			return change(x)
		}
		return x
	}, append([]option{offers("kl", "kl_rows")}, options...)...)
}

// reduced changes what a reduction of the rows answers, of which there are r
// with n elements.
func reduced(word string, change func(x float64, r, n int) float64, options ...option) maker {
	return results(func(q spec.Request, x []float64) []float64 {
		if q.Op == "kl_rows" && q.Options.Reduction == word && len(q.Arrays[0].Shape) == 2 {
			x[0] = change(x[0], q.Arrays[0].Shape[0], q.Arrays[0].Shape[1])
		}
		return x
	}, append([]option{offers("kl", "kl_rows")}, options...)...)
}

// skipping reduces without the rows that are such.
func skipping(such func(float64) bool) maker {
	return answers(func(r spec.Request) spec.Answer {
		if r.Op != "kl_rows" || r.Options.Reduction == "" {
			return oracle(r)
		}
		each := r
		each.Options.Reduction = ""
		a := oracle(each)
		x, ok := a.Result()
		if !ok {
			return a
		}
		var kept []float64
		for _, v := range x.Floats() {
			if !such(v) {
				kept = append(kept, v)
			}
		}
		divisor := map[string]int{"sum": 1, "batchmean": len(kept), "mean": len(kept) * r.Arrays[0].Shape[1]}[r.Options.Reduction]
		return scalar(x.DType, mean(kept, divisor))
	}, offers("kl", "kl_rows"))
}

// Faults of batches and their reductions.
var ofRows = []Fault{
	{Name: "mean-over-rows", Killer: "ROW-3", Fault: "The reduction mean divides by the number of rows.", Source: "pytorch/pytorch#6622, HikariTJU/LD#74",
		make: reduced("mean", func(x float64, r, n int) float64 { return x * float64(n) })},
	{Name: "batchmean-over-elements", Killer: "ROW-4", Fault: "The reduction batchmean divides by the number of elements.", Source: "pytorch/pytorch#2259, PR #14457, facebookresearch/deit#61",
		make: reduced("batchmean", func(x float64, r, n int) float64 { return x / float64(n) })},
	{Name: "batchmean-unbiased", Killer: "ROW-4", Fault: "The reduction batchmean divides by r − 1.", Source: "plausible: the divisor of a variance",
		make: reduced("batchmean", func(x float64, r, n int) float64 { return x * float64(r) / float64(r-1) })},
	{Name: "batchmean-not-divided", Killer: "ROW-4", Fault: "The reduction batchmean is the sum.", Source: "pytorch/pytorch PR #138810, which divided by 1",
		make: reduced("batchmean", func(x float64, r, n int) float64 { return x * float64(r) })},
	{Name: "sum-is-mean", Killer: "ROW-2", Fault: "The reduction sum is the mean over the rows.", Source: "plausible: two enumerations with other orders",
		make: reduced("sum", func(x float64, r, n int) float64 { return x / float64(r) })},
	{Name: "first-row-repeated", Killer: "ROW-1", Fault: "Every row gets the value of the first.", Source: "plausible: a stride of 0",
		make: rows(func(x []float64) []float64 {
			for i := range x {
				x[i] = x[0]
			}
			return x
		})},
	{Name: "rows-reversed", Killer: "ROW-1", Fault: "The values come in reverse order.", Source: "plausible: a stack of results",
		make: rows(func(x []float64) []float64 {
			for i := range len(x) / 2 {
				x[i], x[len(x)-1-i] = x[len(x)-1-i], x[i]
			}
			return x
		})},
	{Name: "row-accumulator-kept", Killer: "ROW-7", Fault: "Half of a row's value is added to the next one's.", Source: "plausible: the accumulator is not reset between rows",
		make: rows(func(x []float64) []float64 {
			for i := len(x) - 1; i > 0; i-- {
				x[i] += x[i-1] / 2
			}
			return x
		})},
	{Name: "row-bits-differ", Killer: "ROW-7", Fault: "Correct rounding is claimed, and in a batch the last bit of every second row differs.", Source: "BLAS and GPU kernels that choose by the shape",
		make: rows(func(x []float64) []float64 {
			for i := 1; i < len(x); i += 2 {
				if x[i] != 0 {
					x[i] = math.Nextafter(x[i], math.Inf(1))
				}
			}
			return x
		}, claims(spec.L5))},
	{Name: "rows-in-float32", Killer: "ROW-1", Fault: "A batch of float64 is computed in float32.", Source: "keras.losses: batches are cast to floatx",
		make: rows(func(x []float64) []float64 {
			for i := range x {
				x[i] = float64(float32(x[i]))
			}
			return x
		})},
	{Name: "last-row-lost", Killer: "ROW-1", Fault: "Of an odd number of rows above 1 the last is 0.", Source: "plausible: two rows at a time",
		make: rows(func(x []float64) []float64 {
			if n := len(x); n > 1 && n%2 == 1 {
				x[n-1] = 0
			}
			return x
		})},
	{Name: "transposed", Killer: "ROW-1", Fault: "The batch is read by columns.", Source: "plausible: Fortran order, R and Julia",
		make: questions(func(r spec.Request) spec.Request {
			if r.Op != "kl_rows" {
				return r
			}
			for k, a := range r.Arrays {
				if len(a.Shape) != 2 {
					continue
				}
				b := a.Clone()
				i := 0
				for column := range a.Shape[1] {
					for row := range a.Shape[0] {
						b.SetBits(row*a.Shape[1]+column, a.Bits(i))
						i++
					}
				}
				r.Arrays[k] = b
			}
			return r
		}, offers("kl", "kl_rows"))},
	{Name: "batch-normalised", Killer: "ROW-1", Fault: "Normalising is declared, and a batch is divided by the total of all its rows.", Source: "plausible: x / x.sum() without an axis",
		make: answers(func(r spec.Request) spec.Answer {
			right := Oracle(*parse(`{"normalises":"both"}`))
			a := right(nil, r)
			x, ok := a.Result()
			if r.Op != "kl_rows" || r.Options.Reduction != "" || !ok || x.Len() < 2 {
				return a
			}
			y := x.Floats()
			p, q := r.Arrays[0].Floats(), r.Arrays[1].Floats()
			n, t, w := r.Arrays[0].Shape[1], total(p), total(q)
			for i := range y {
				s, u := total(p[i*n:(i+1)*n]), total(q[i*n:(i+1)*n])
				if y[i] == y[i] && !math.IsInf(y[i], 0) && s > 0 && u > 0 {
					y[i] = s/t*y[i] + s/t*math.Log(s/t*(w/u))
				}
			}
			a.Arrays = []spec.Array{rounded(x.DType, x.Shape, y)}
			return a
		}, declares(`{"complete":true,"normalises":"both"}`), offers("kl", "kl_rows"))},
	{Name: "nan-row-skipped", Killer: "ROW-6", Fault: "A reduction leaves NaN rows out.", Source: "numpy.nansum, numpy.nanmean",
		make: skipping(func(x float64) bool { return x != x })},
	{Name: "inf-row-skipped", Killer: "ROW-6", Fault: "A reduction leaves infinite rows out.", Source: "common: loss[torch.isfinite(loss)].mean()",
		make: skipping(func(x float64) bool { return math.IsInf(x, 0) })},
	{Name: "nothing-averages-to-zero", Killer: "ROW-9", Fault: "A mean over nothing is 0.", Source: "common: total / max(count, 1)",
		make: results(func(r spec.Request, x []float64) []float64 {
			for _, a := range r.Arrays {
				if r.Options.Reduction != "" && a.Len() == 0 {
					return []float64{0}
				}
			}
			return x
		}, offers("kl", "kl_rows"))},
	{Name: "reduction-keeps-rows", Killer: "ROW-2", Fault: "The option reduction is taken and not used.", Source: "plausible: keepdims=True, an option that is passed on to nobody",
		make: questions(func(r spec.Request) spec.Request { r.Options.Reduction = ""; return r }, offers("kl", "kl_rows"))},
}
