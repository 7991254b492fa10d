package impl

import (
	"fmt"
	"math"
	"testing"
)

var (
	negZero = math.Copysign(0, -1)
	inf     = math.Inf(1)
)

// specialWeights are all kinds of elements, and the edges of what the kernels take.
var specialWeights = []float64{
	0, negZero, math.NaN(), -math.NaN(), inf, -inf, -1, -0x1p-1074,
	0x1p-1074, 0x1p-1073, 0x1p-1022 - 0x1p-1074, 0x1p-1022, 0x1p-901, 0x1p-801,
	math.Nextafter(minLane, 0), minLane, 0x1p-501, 0x1p-500, 0x1p-149, 0x1p-126,
	0.5, 1, math.Nextafter(1, 2), 3, 0x1p127, math.MaxFloat32, 0x1p500, 0x1p501,
	maxLane, math.Nextafter(maxLane, inf), 0x1p1023, math.MaxFloat64,
}

// expected says what the definition asks of special values, ok if that settles it.
func expected(k kind, p, q []float64) (v float64, ok bool) {
	zero := false
	for i := range p {
		x, y := p[i], 1.0
		if k != entropySum {
			y = q[i]
		}
		if math.IsNaN(x+y) || math.IsInf(x, 0) || math.IsInf(y, 0) || x < 0 || y < 0 {
			return math.NaN(), true
		}
		zero = zero || x > 0 && y == 0
	}
	return inf, zero && (k == klSum || k == crossSum)
}

func (b *Backend) function(k kind) func(p, q []float64) float64 {
	switch k {
	case klSum:
		return b.KL
	case entropySum:
		return func(p, _ []float64) float64 { return b.Entropy(p) }
	case crossSum:
		return b.CrossEntropy
	}
	return b.JensenShannon
}

func (b *Backend) function32(k kind) func(p, q []float32) float32 {
	switch k {
	case klSum:
		return b.KL32
	case entropySum:
		return func(p, _ []float32) float32 { return b.Entropy32(p) }
	case crossSum:
		return b.CrossEntropy32
	}
	return b.JensenShannon32
}

// same compares with NaN equal to NaN and +0 unequal to −0.
func same(x, y float64) bool {
	return math.Float64bits(x) == math.Float64bits(y) || x != x && y != y
}

// TestSpecialValues puts every pair of special weights at every place that matters.
func TestSpecialValues(t *testing.T) {
	r := newRand(3)
	sizes := []struct{ n, at int }{{1, 0}, {2, 0}, {2, 1}, {33, 0}, {33, 15}, {33, 31}, {33, 32}, {70, 64}, {70, 69}}
	forEachBackend(t, func(t *testing.T, b *Backend) {
		for _, s := range sizes {
			p0, q0 := families[0].draw(r, s.n)
			for _, x := range specialWeights {
				for _, y := range specialWeights {
					p, q := append([]float64(nil), p0...), append([]float64(nil), q0...)
					p[s.at], q[s.at] = x, y
					for _, k := range allKinds {
						checkSpecial(t, b, k, p, q, fmt.Sprintf("(%g, %g) at %d of %d", x, y, s.at, s.n))
					}
				}
			}
		}
	})
}

func checkSpecial(t *testing.T, b *Backend, k kind, p, q []float64, what string) {
	t.Helper()
	got := b.function(k)(p, q)
	want, ok := expected(k, p, q)
	switch {
	case ok:
	case b == &exactBackend:
		if math.IsNaN(got) {
			t.Errorf("%v of %s: NaN", k, what)
		}
		return
	default:
		want = exactly(k, p, q)
	}
	if !same(got, want) {
		t.Errorf("%v of %s: %x, want %x", k, what, got, want)
	}

	p32, q32 := make([]float32, len(p)), make([]float32, len(q))
	wp, wq := make([]float64, len(p)), make([]float64, len(q))
	for i := range p {
		p32[i], q32[i] = float32(p[i]), float32(q[i])
		wp[i], wq[i] = float64(p32[i]), float64(q32[i])
	}
	got = float64(b.function32(k)(p32, q32))
	if want, ok = expected(k, wp, wq); !ok {
		want = float64(exactly(k, p32, q32))
	}
	if !same(got, want) {
		t.Errorf("%v32 of %s: %x, want %x", k, what, got, want)
	}
}

// TestTwoSpecialValues checks the precedence of two special pairs far apart.
func TestTwoSpecialValues(t *testing.T) {
	pairs := [][2]float64{{math.NaN(), 1}, {0, math.NaN()}, {-1, 1}, {0, inf}, {inf, 1}, {1, 0}, {1, negZero},
		{0x1p-1074, 1}, {1, 0x1p-1074}, {math.MaxFloat64, 1}, {0, 0}}
	r := newRand(4)
	forEachBackend(t, func(t *testing.T, b *Backend) {
		p0, q0 := families[0].draw(r, 100)
		for _, x := range pairs {
			for _, y := range pairs {
				p, q := append([]float64(nil), p0...), append([]float64(nil), q0...)
				p[3], q[3], p[90], q[90] = x[0], x[1], y[0], y[1]
				for _, k := range allKinds {
					checkSpecial(t, b, k, p, q, fmt.Sprint(x, y))
				}
			}
		}
	})
}
