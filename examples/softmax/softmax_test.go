package softmax

import (
	"math"
	"testing"

	"klconf/golden"
	"klconf/impl/exact"
)

func TestOf(t *testing.T) {
	rows, err := golden.Logits()
	if err != nil {
		t.Fatal(err)
	}
	inf := float32(math.Inf(-1))
	for _, x := range [][]float32{{1, 2, 3}, {5}, {0, inf, 0}, {-3e38, 0, 3e38}, {1e4, 1e4 + 1}, rows[0][:2000], rows[3][:2000]} {
		lo, hi := x[0], x[0]
		for _, v := range x {
			if v > inf {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
		bound := (float64(len(x)) + 3*float64(hi-lo) + 9) * 0x1p-53 // with what the rounding of ln costs
		p := Of(x)
		for i := 0; i < len(x); i += 1 + len(x)/20 {
			if want := probability(t, x, i); math.Abs(p[i]-want) > bound*want {
				t.Errorf("%d of %d: %v, want %v", i, len(x), p[i], want)
			}
		}
	}
}

// probability is one of the softmax by the oracle: the cross-entropy of the distribution that
// has all its weight at place i is −ln of it.
func probability(t *testing.T, x []float32, i int) float64 {
	one := make([]float32, len(x))
	for j := range one {
		one[j] = float32(math.Inf(-1))
	}
	one[i] = 0
	if math.IsInf(float64(x[i]), -1) {
		return 0
	}
	r, err := exact.CrossEntropyLogits(one, x, 1).Round(exact.Float64)
	if err != nil {
		t.Fatal(err)
	}
	return math.Exp(-exact.Float64.Value(r.Bits))
}
