package bench

import (
	"math"
	"math/rand/v2"
	"testing"

	"klconf/impl"
)

// logitsFamilies are logits 3N and the same with noise·N added: KL is about 1/8, 1/800 and
// 5e-9.
var logitsFamilies = []Family{
	{"logits-0.5", noisyLogits(0.5)},
	{"logits-0.05", noisyLogits(0.05)},
	{"logits-1e-4", noisyLogits(1e-4)},
}

func noisyLogits(noise float64) func(r *rand.Rand, n int) (p, q []float64) {
	return func(r *rand.Rand, n int) (a, b []float64) {
		a, b = make([]float64, n), make([]float64, n)
		for i := range a {
			x := float64(float32(3 * r.NormFloat64()))
			a[i], b[i] = x, x+noise*r.NormFloat64()
		}
		return a, b
	}
}

// naiveLogits is KL of softmax distributions in two passes over float64.
func naiveLogits(a, b []float32) float64 {
	topA, topB := math.Inf(-1), math.Inf(-1)
	for i, x := range a {
		topA, topB = max(topA, float64(x)), max(topB, float64(b[i]))
	}
	var w, wb, s float64
	for i, x := range a {
		e := math.Exp(float64(x) - topA)
		w += e
		wb += math.Exp(float64(b[i]) - topB)
		s += e * (float64(x) - float64(b[i]))
	}
	return s/w - (math.Log(w) + topA) + (math.Log(wb) + topB)
}

// BenchmarkKLLogits times KL from float32 logits, correctly rounded and approximate.
func BenchmarkKLLogits(b *testing.B) {
	for _, f := range logitsFamilies {
		w := newWorkload[float32](f, 128256)
		w.run(b, "naive", 2, func(p, q []float32) float32 { return float32(naiveLogits(p, q)) }, nil)
		for _, name := range impl.Backends()[1:] {
			back, err := impl.Lookup(name)
			if err != nil {
				b.Fatal(err)
			}
			counts := func() []metric {
				var through, oracle, draws float64
				for i := range Draws(w.n, TierElements) {
					_, t := back.KLLogits32Tier(w.draw(i))
					draws++
					if t > impl.TierOne {
						through++
					}
					if t == impl.TierExact {
						oracle++
					}
				}
				return []metric{{"fallthrough", through / draws}, {"exact", oracle / draws}}
			}
			w.run(b, name, 2, func(p, q []float32) float32 { return float32(back.KLLogits32(p, q)) }, counts)
			w.run(b, name+"-approx", 2, func(p, q []float32) float32 { return float32(back.KLLogitsApprox32(p, q)) }, nil)
		}
	}
}
