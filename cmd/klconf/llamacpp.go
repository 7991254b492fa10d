package main

import "math"

// llamaKL is the divergence of one row by the arithmetic of llama.cpp's llama-perplexity
// --kl-divergence (ggml-org/llama.cpp, tools/perplexity/perplexity.cpp at commit 050fc7f,
// functions log_softmax and nearest_int, MIT licence), restated from it. The base file of
// P, which --kl-divergence-base writes, has for each row a scale s, a least log-probability m
// and 16 bits u for each entry; with a float32 for every number but the sums,
//
//	KL = Σ e^l·(l − b + max b + ln Σ e^(b − max b)) over l > −16,   l = s·u + m,
//
// where u rounds 65535·(a − least)/(max a − least), least = max(min a, max a − 16), and m is
// the log-probability of least. What P has below −16 is dropped; what is kept does not sum to
// 1; and l is off by up to s/2 = 1.2e-4 times e^l. So the value for two equal rows is not 0,
// and may be negative.
//
// It returns how many entries are dropped too. a and b have the same length, not 0. Products
// are rounded before they are added to: a build of llama.cpp with fused multiply-add gives
// slightly other values. e^x is correctly rounded but for one case in 10^8, as that of glibc
// nearly always is.
func llamaKL(a, b []float32) (kl float64, dropped int) {
	base, scale, least := llamaBase(a)
	most, sum := logSum(b)
	norm := most + float32(math.Log(sum))
	for i, u := range base {
		l := float32(scale*float32(u)) + least
		if !(l > -16) {
			dropped++
			continue
		}
		kl += float64(exp32(l) * (l - b[i] + norm))
	}
	return kl, dropped
}

// llamaBase returns what a base file has of a row.
func llamaBase(a []float32) (base []uint16, scale, leastLogProb float32) {
	least := a[0]
	for _, x := range a {
		least = min(least, x)
	}
	most, sum := logSum(a)
	least = max(least, most-16)
	leastLogProb = least - most - float32(math.Log(sum))
	scale = (most - least) / 65535
	base = make([]uint16, len(a))
	if scale == 0 {
		return base, scale, leastLogProb
	}
	inverse := 1 / scale
	for i, x := range a {
		if x > least {
			// The sum with 1.5·2^23 rounds to a whole number, ties to even.
			v := float32(inverse*(x-least)) + 12582912
			base[i] = uint16(math.Float32bits(v)&0x7fffff - 0x400000)
		}
	}
	return base, scale, leastLogProb
}

// logSum returns max x and Σ e^(x − max x).
func logSum(x []float32) (most float32, sum float64) {
	most = x[0]
	for _, v := range x {
		most = max(most, v)
	}
	for _, v := range x {
		sum += float64(exp32(v - most))
	}
	return most, sum
}

func exp32(x float32) float32 { return float32(math.Exp(float64(x))) }
