package main

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
)

// pmfs returns two vectors of n > 1 positive dyadic numbers with totals of
// exactly 1 that every format holds. Where the one is large the other is
// small, by a factor of 3 and more, so that the terms alternate in sign and
// the positive ones are more than twice as large: each term, and each run of
// terms, weighs.
func pmfs(n int) (p, q []float64) {
	weights := func(phase int) []float64 {
		w := make([]int, n)
		sum := 0
		for i := range w {
			if (i+phase)%2 == 0 {
				w[i] = 12 + 2*(i*3/2%4)
			} else {
				w[i] = 2 + i/2%2
			}
			sum += w[i]
		}
		// What is missing to a power of two is spread in proportion, then one
		// by one.
		total := 1 << bits.Len(uint(sum-1))
		left := total
		for i := range w {
			w[i] = w[i] * total / sum
			left -= w[i]
		}
		x := make([]float64, n)
		for i := range w {
			if i < left {
				w[i]++
			}
			x[i] = float64(w[i]) / float64(total)
		}
		return x
	}
	return weights(0), weights(1)
}

// with returns a copy of x with element i replaced.
func with(x []float64, i int, v float64) []float64 {
	y := append([]float64(nil), x...)
	y[i] = v
	return y
}

// repeat returns n times x.
func repeat(n int, x float64) []float64 {
	y := make([]float64, n)
	for i := range y {
		y[i] = x
	}
	return y
}

// times returns k·x; k is a power of two, so that nothing is rounded.
func times(k float64, x []float64) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = k * x[i]
	}
	return y
}

// reverse returns x from its end.
func reverse(x []float64) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = x[len(x)-1-i]
	}
	return y
}

// place names element i of n in an id.
func place(i, n int) string { return fmt.Sprintf("at-%d-of-%d", i, n) }

// ordinary returns n numbers k/2^24 with 0 < k < 2^24 from a fixed sequence.
func ordinary(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 0))
	x := make([]float64, n)
	for i := range x {
		x[i] = math.Ldexp(float64(1+r.Uint64N(1<<24-1)), -24)
	}
	return x
}

// single returns the nearest float32 of each element.
func single(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(float32(v))
	}
	return y
}
