package mutant

import (
	"math"
	"slices"

	"klconf/conform/judge"
	"klconf/spec"
)

// cut is right about the first keep(n) pairs.
func cut(keep func(n int) int, options ...option) maker {
	return inputs(func(p, q []float64) ([]float64, []float64) {
		n := keep(len(p))
		return p[:n], q[:n]
	}, options...)
}

// twice counts the pair at index i(n) twice, where it is not below 0.
func twice(i func(n int) int, options ...option) maker {
	return inputs(func(p, q []float64) ([]float64, []float64) {
		if k := i(len(p)); k >= 0 {
			return append(p, p[k]), append(q, q[k])
		}
		return p, q
	}, options...)
}

// Faults of loops, of memory and of what is kept from call to call.
var ofLoops = []Fault{
	{Name: "last-element-lost", Killer: "IO-4", Fault: "The last pair is not read.", Source: "plausible: i < n − 1",
		make: cut(func(n int) int { return max(n-1, 0) })},
	{Name: "rest-of-4-lost", Killer: "IO-4", Fault: "What is left of n mod 4 is not read.", Source: "plausible: the tail of a vector loop",
		make: cut(func(n int) int { return n &^ 3 })},
	{Name: "rest-of-8-lost", Killer: "IO-4", Fault: "From n = 8 on, what is left of n mod 8 is not read.", Source: "plausible: the tail of a vector loop",
		make: cut(func(n int) int {
			if n < 8 {
				return n
			}
			return n &^ 7
		})},
	{Name: "rest-of-16-lost", Killer: "IO-4", Fault: "From n = 16 on, what is left of n mod 16 is not read.", Source: "plausible: the tail of a vector loop",
		make: cut(func(n int) int {
			if n < 16 {
				return n
			}
			return n &^ 15
		})},
	{Name: "lane-lost-at-3-mod-4", Killer: "IO-4", Fault: "Where n mod 4 is 3, the last pair is not read.", Source: "plausible: a mask table with one wrong entry",
		make: cut(func(n int) int {
			if n > 5 && n%4 == 3 {
				return n - 1
			}
			return n
		})},
	{Name: "lane-lost-at-63", Killer: "IO-4", Fault: "Where n mod 64 is 63, the last pair is not read.", Source: "plausible: a mask of 64 bits that is built with a shift of 63",
		make: cut(func(n int) int {
			if n%64 == 63 {
				return n - 1
			}
			return n
		})},
	{Name: "odd-tail-counted-twice", Killer: "IO-4", Fault: "Of an odd number of pairs the last counts twice.", Source: "plausible: pairs of lanes, the last one clamped to n − 1",
		make: twice(func(n int) int {
			if n > 1 && n%2 == 1 {
				return n - 1
			}
			return -1
		})},
	{Name: "block-of-64-overlaps", Killer: "IO-4", Fault: "The first pair behind a block of 64 counts twice.", Source: "plausible: i <= end",
		make: twice(func(n int) int {
			if n > 64 {
				return 64
			}
			return -1
		})},
	{Name: "block-of-1024-overlaps", Killer: "DEF-1", Fault: "The first pair behind a block of 1024 counts twice.", Source: "plausible: i <= end",
		make: twice(func(n int) int {
			if n > 1024 {
				return 1024
			}
			return -1
		})},
	{Name: "block-of-65536-overlaps", Killer: "DEF-1", Full: true, Fault: "The first pair behind a block of 65536 counts twice.", Source: "plausible: the grid of a GPU kernel",
		make: twice(func(n int) int {
			if n > 65536 {
				return 65536
			}
			return -1
		}, offers("kl"))},
	{Name: "cut-at-65535", Killer: "DEF-1", Full: true, Fault: "The length is kept in 16 bits.", Source: "plausible: vocabularies were below 65536",
		make: cut(func(n int) int { return n & 65535 }, offers("kl"))},
	{Name: "first-element-lost", Killer: "IO-4", Fault: "From n = 2 on the first pair is not read.", Source: "plausible: indices from 1",
		make: inputs(func(p, q []float64) ([]float64, []float64) {
			if len(p) < 2 {
				return p, q
			}
			return p[1:], q[1:]
		})},
	{Name: "element-37-lost", Killer: "IO-4", Fault: "The pair at index 37 is not read.", Source: "plausible: a typing error in an unrolled loop",
		make: inputs(func(p, q []float64) ([]float64, []float64) {
			if len(p) > 37 {
				p[37], q[37] = 0, 1
			}
			return p, q
		})},
	{Name: "q-shifted-behind-zero", Killer: "VAL-1", Fault: "Zeros are filtered out of P, and Q keeps its indices.", Source: "common: p = p[p > 0] and then zip(p, q)",
		make: inputs(func(p, q []float64) ([]float64, []float64) {
			p = slices.DeleteFunc(p, func(x float64) bool { return x == 0 })
			return p, q[:len(p)]
		})},
	{Name: "filtered-apart", Killer: "VAL-2", Fault: "Zeros are filtered out of each vector by itself, and the longer one is cut.", Source: "common: zip(p[p > 0], q[q > 0])",
		make: inputs(func(p, q []float64) ([]float64, []float64) {
			isZero := func(x float64) bool { return x == 0 }
			p, q = slices.DeleteFunc(p, isZero), slices.DeleteFunc(q, isZero)
			n := min(len(p), len(q))
			return p[:n], q[:n]
		})},
	{Name: "sorted-apart", Killer: "DEF-1", Fault: "Both vectors are sorted by themselves.", Source: "plausible: histograms as rank-frequency lists",
		make: inputs(func(p, q []float64) ([]float64, []float64) {
			slices.Sort(p)
			slices.Sort(q)
			return p, q
		})},
	{Name: "duplicates-dropped", Killer: "LAW-M7", Fault: "Pairs that are equal to an earlier one are left out.", Source: "plausible: a dictionary with the values as keys",
		make: inputs(func(p, q []float64) ([]float64, []float64) {
			seen := map[[2]float64]bool{}
			var a, b []float64
			for i := range p {
				if k := [2]float64{p[i], q[i]}; !seen[k] {
					seen[k] = true
					a, b = append(a, p[i]), append(b, q[i])
				}
			}
			return a, b
		})},
	{Name: "ends-decide-equality", Killer: "DEF-1", Fault: "Vectors with equal first and last pairs count as equal.", Source: "plausible: a shortcut for identical models",
		make: values(func(v float64, p, q []float64) float64 {
			if n := len(p); n > 0 && p[0] == q[0] && p[n-1] == q[n-1] && v == v && !math.IsInf(v, 0) {
				return 0
			}
			return v
		})},
	{Name: "stride-two", Killer: "IO-4", Fault: "From n = 8 on every second pair is read, counted twice.", Source: "plausible: an array of pairs read as two arrays",
		make: inputs(func(p, q []float64) ([]float64, []float64) {
			if len(p) < 8 {
				return p, q
			}
			for i := 0; i+1 < len(p); i += 2 {
				p[i+1], q[i+1] = p[i], q[i]
			}
			return p, q
		})},
	{Name: "p-overwritten", Killer: "IO-1", Fault: "The terms are stored into P.", Source: "plausible: numpy.log(p, out=p)",
		make: overwriting(0)},
	{Name: "q-overwritten", Killer: "IO-1", Fault: "Q is normalised in its own memory.", Source: "plausible: q /= q.sum()",
		make: overwriting(1)},
	{Name: "restrict", Killer: "IO-3", Fault: "One array given as both arguments gives the entropy: logarithms go to Q's memory and P is read afterwards.", Source: "plausible: __restrict__ and in-place logarithms",
		make: answers(func(r spec.Request) spec.Answer {
			if p := r.Arrays[0].Data; r.Op == "kl" && len(p) > 0 && len(r.Arrays[1].Data) > 0 && &p[0] == &r.Arrays[1].Data[0] {
				r.Op, r.Arrays = "entropy", r.Arrays[:1]
			}
			return oracle(r)
		})},
	{Name: "accumulator-kept", Killer: "IO-7", Fault: "A part of the last answer is added: the accumulator is not reset.", Source: "plausible: a field of the object",
		make: stateful(func() divergence {
			last := 0.0
			return func(p, q []float64) (float64, error) {
				v, err := exactly(p, q)
				if err != nil || v != v || math.IsInf(v, 0) {
					last = 0
					return v, err
				}
				w := v + last
				last = v / 16
				return w, nil
			}
		})},
	{Name: "cached-by-length", Killer: "DEF-1", Fault: "Questions with the same length and the same first pair get the first one's answer.", Source: "plausible: a cache with a bad key",
		make: stateful(func() divergence {
			cache := map[[3]float64]float64{}
			return func(p, q []float64) (float64, error) {
				v, err := exactly(p, q)
				if err != nil || v != v || len(p) == 0 {
					return v, err
				}
				k := [3]float64{float64(len(p)), p[0], q[0]}
				if w, ok := cache[k]; ok {
					return w, nil
				}
				cache[k] = v
				return v, nil
			}
		})},
	{Name: "nan-sticks", Killer: "IO-7", Fault: "The answer after a NaN is NaN too.", Source: "plausible: a status flag that is cleared too late",
		make: stateful(func() divergence {
			before := false
			return func(p, q []float64) (float64, error) {
				v, err := exactly(p, q)
				stuck := before
				before = v != v
				if stuck && err == nil {
					return math.NaN(), nil
				}
				return v, err
			}
		})},
	{Name: "warm-up", Killer: "IO-7", Fault: "What comes after a vector longer than 64 is answered by another kernel, whose last bit differs.", Source: "JIT compilers and dispatchers that learn, jax and BLAS",
		make: stateful(func() divergence {
			before := 0
			return func(p, q []float64) (float64, error) {
				v, err := exactly(p, q)
				if before > 64 && v != 0 {
					v = math.Nextafter(v, math.Inf(1))
				}
				before = len(p)
				return v, err
			}
		})},
	{Name: "order-of-threads", Killer: "IO-2", Fault: "Determinism is declared, and the order in which partial sums are added depends on which thread is done first.", Source: "pytorch/pytorch#5801; atomics on GPUs",
		make: stateful(func() divergence {
			call := 0
			return func(p, q []float64) (float64, error) {
				v, err := exactly(p, q)
				if call++; call%3 == 0 && v != 0 {
					v = math.Nextafter(v, math.Inf(1))
				}
				return v, err
			}
		}, deterministic(true))},
	{Name: "wide-float32-lanes", Killer: "ACC-1", Fault: "From n = 32 on the lanes are added in float32.", Source: "SimSIMD: float32 accumulators",
		make: vectors(func(p, q []float64) (float64, error) {
			if len(p) < 32 {
				return exactly(p, q)
			}
			return loop(plainTerm, func(x []float64) float64 {
				s := float32(0)
				for _, v := range x {
					s += float32(v)
				}
				return float64(s)
			})(p, q)
		})},
}

// plainTerm is p·(ln p − ln q).
func plainTerm(p, q float64) float64 { return p * (ln(p) - ln(q)) }

// overwriting answers kl rightly and changes array i.
func overwriting(i int) maker {
	return answers(func(r spec.Request) spec.Answer {
		a := oracle(r)
		if r.Op == "kl" {
			x := r.Arrays[i]
			for j := range x.Len() {
				x.SetBits(j, judge.Bits(x.DType, x.Float(j)/2))
			}
		}
		return a
	})
}
