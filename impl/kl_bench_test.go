package impl

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// naive is what everyone writes first. Its time is the yardstick.
func naive(p, q []float64) float64 {
	s := 0.0
	for i, x := range p {
		s += x * math.Log(x/q[i])
	}
	return s
}

func naive32(p, q []float32) float32 {
	s := 0.0
	for i, x := range p {
		s += float64(x) * math.Log(float64(x)/float64(q[i]))
	}
	return float32(s)
}

func naiveEntropy(p []float64) float64 {
	s := 0.0
	for _, x := range p {
		s -= x * math.Log(x)
	}
	return s
}

func naiveCross(p, q []float64) float64 {
	s := 0.0
	for i, x := range p {
		s -= x * math.Log(q[i])
	}
	return s
}

func naiveJensen(p, q []float64) float64 {
	s := 0.0
	for i, x := range p {
		y := q[i]
		m := (x + y) / 2
		s += x*math.Log(x/m) + y*math.Log(y/m)
	}
	return s / 2
}

var (
	sink   float64
	sink32 float32
)

// benchFamilies are families of the tests worth timing.
var benchFamilies = []struct {
	name string
	draw func(r *rand.Rand, n int) (p, q []float64)
}{
	{"dirichlet", families[0].draw},
	{"softmax", softmax(0.5)},
	{"softmax-close", softmax(0.1)},
	{"near-equal", near(1e-6)},
}

// bench times f on vectors of n elements and reports ns per element.
func bench(b *testing.B, n int, f func()) {
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/el")
}

func BenchmarkKL(b *testing.B) {
	for _, n := range []int{1024, 128256} {
		for _, f := range benchFamilies {
			p, q := f.draw(newRand(uint64(n)), n)
			b.Run(f.name+"/"+size(n)+"/naive", func(b *testing.B) { bench(b, n, func() { sink += naive(p, q) }) })
			b.Run(f.name+"/"+size(n)+"/go", func(b *testing.B) {
				bench(b, n, func() { sink += goBackend.KL(p, q) })
				reportTier(b, p, q)
			})
		}
	}
}

func reportTier(b *testing.B, p, q []float64) {
	_, t := solve(klSum, p, q, noVectors)
	b.ReportMetric(float64(t), "tier")
}

func size(n int) string {
	if n == 1024 {
		return "1k"
	}
	return "128k"
}

func BenchmarkKL32(b *testing.B) {
	const n = 128256
	for _, f := range benchFamilies {
		p64, q64 := f.draw(newRand(n), n)
		p, q := narrow(p64), narrow(q64)
		b.Run(f.name+"/naive", func(b *testing.B) { bench(b, n, func() { sink32 += naive32(p, q) }) })
		b.Run(f.name+"/go", func(b *testing.B) { bench(b, n, func() { sink32 += goBackend.KL32(p, q) }) })
	}
}

func BenchmarkOthers(b *testing.B) {
	const n = 128256
	p, q := families[0].draw(newRand(n), n)
	b.Run("entropy/naive", func(b *testing.B) { bench(b, n, func() { sink += naiveEntropy(p) }) })
	b.Run("entropy/go", func(b *testing.B) { bench(b, n, func() { sink += goBackend.Entropy(p) }) })
	b.Run("cross/naive", func(b *testing.B) { bench(b, n, func() { sink += naiveCross(p, q) }) })
	b.Run("cross/go", func(b *testing.B) { bench(b, n, func() { sink += goBackend.CrossEntropy(p, q) }) })
	b.Run("js/naive", func(b *testing.B) { bench(b, n, func() { sink += naiveJensen(p, q) }) })
	b.Run("js/go", func(b *testing.B) { bench(b, n, func() { sink += goBackend.JensenShannon(p, q) }) })
}

// BenchmarkShort times vectors so short that what surrounds the kernel counts.
func BenchmarkShort(b *testing.B) {
	for _, n := range []int{3, 16, 64} {
		p, q := families[0].draw(newRand(1), n)
		b.Run(fmt.Sprint(n, "/naive"), func(b *testing.B) { bench(b, n, func() { sink += naive(p, q) }) })
		b.Run(fmt.Sprint(n, "/go"), func(b *testing.B) { bench(b, n, func() { sink += goBackend.KL(p, q) }) })
	}
}

// BenchmarkTiers times each tier alone.
func BenchmarkTiers(b *testing.B) {
	const n = 128256
	p, q := families[0].draw(newRand(n), n)
	b.Run("naive", func(b *testing.B) { bench(b, n, func() { sink += naive(p, q) }) })
	b.Run("1", func(b *testing.B) { bench(b, n, func() { var s sums; tier1(p, q, &s); sink += s.h }) })
	b.Run("2", func(b *testing.B) { bench(b, n, func() { var s sums; tier2(p, q, &s); sink += s.h }) })
}

// BenchmarkFallThrough reports which part of vectors needs which tier.
func BenchmarkFallThrough(b *testing.B) {
	const n = 1024
	for _, f := range benchFamilies {
		b.Run(f.name, func(b *testing.B) {
			r := newRand(7)
			var count [TierExact + 1]int
			for b.Loop() {
				b.StopTimer()
				p, q := f.draw(r, n)
				b.StartTimer()
				_, t := solve(klSum, p, q, noVectors)
				count[t]++
			}
			for t := TierOne; t <= TierExact; t++ {
				b.ReportMetric(float64(count[t])/float64(b.N), [...]string{"", "tier1", "tier2", "exact"}[t])
			}
		})
	}
}
