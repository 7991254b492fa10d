package exact

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
)

func randomPair(seed uint64, n int) (p, q []float64) {
	r := rand.New(rand.NewPCG(seed, 1))
	p, q = make([]float64, n), make([]float64, n)
	var sp, sq float64
	for i := range p {
		p[i], q[i] = r.ExpFloat64(), r.ExpFloat64()
		sp += p[i]
		sq += q[i]
	}
	for i := range p {
		p[i] /= sp
		q[i] /= sq
	}
	return p, q
}

func BenchmarkRound(b *testing.B) {
	for _, n := range []int{3, 1000, 150000} {
		p, q := randomPair(1, n)
		b.Run(fmt.Sprintf("KL/n=%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := KL(p, q).Round(Float64); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("JS/n=%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := JensenShannon(p, q).Round(Float64); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCancellation rounds a form of 1000 terms that first shows at about
// 900 bits, and one that is 0.
func BenchmarkCancellation(b *testing.B) {
	p, q := randomPair(1, 1000)
	minus := big.NewRat(-1, 1)
	for name, tail := range map[string]Num{"900-bits": Int(1).Ldexp(-900), "zero": {}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f := KL(p, q)
				f.AddScaled(minus, KL(p, q))
				f.AddLog(tail, Int(3), Int(1))
				if _, err := f.Round(Float64); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEnclose(b *testing.B) {
	p, q := randomPair(1, 1000)
	for _, w := range []int{64, 128, 256, 512, 1024, 2048} {
		b.Run(fmt.Sprintf("w=%d", w), func(b *testing.B) {
			for b.Loop() {
				KL(p, q).Enclose(w)
			}
		})
	}
}

func BenchmarkTable(b *testing.B) {
	for _, n := range []int{2, 4, 16, 64} {
		b.Run(fmt.Sprintf("limbs=%d", n), func(b *testing.B) {
			for b.Loop() {
				newTable(n)
			}
		})
	}
}
