package impl

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"klconf/golden"
	"klconf/impl/exact"
)

// A logitsFamily draws pairs of vectors of logits.
type logitsFamily struct {
	name string
	draw func(r *rand.Rand, n int) (a, b []float32)
}

func normals(r *rand.Rand, n int, size float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(size * r.NormFloat64())
	}
	return x
}

// beside returns x + f(i), rounded.
func beside(x []float32, f func(i int) float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(float64(v) + f(i))
	}
	return y
}

func independent(size float64) func(r *rand.Rand, n int) (a, b []float32) {
	return func(r *rand.Rand, n int) (a, b []float32) { return normals(r, n, size), normals(r, n, size) }
}

func perturbed(size, by float64) func(r *rand.Rand, n int) (a, b []float32) {
	return func(r *rand.Rand, n int) (a, b []float32) {
		a = normals(r, n, size)
		return a, beside(a, func(int) float64 { return by * r.NormFloat64() })
	}
}

var logitsFamilies = []logitsFamily{
	{"N and N", independent(1)},
	{"3N and 3N", independent(3)},
	{"10N and 10N", independent(10)},
	{"100N and 100N", independent(100)},
	{"1e6 N", independent(1e6)},
	{"1e-6 N", independent(1e-6)},
	{"a + N", perturbed(3, 1)},
	{"a + N/2", perturbed(3, 0.5)},
	{"a + N/20", perturbed(3, 0.05)},
	{"a + 1e-2 N", perturbed(3, 1e-2)},
	{"a + 1e-3 N", perturbed(3, 1e-3)},
	{"a + 1e-4 N", perturbed(3, 1e-4)},
	{"a + 1e-6 N", perturbed(3, 1e-6)},
	{"masked", func(r *rand.Rand, n int) (a, b []float32) {
		a, b = perturbed(3, 0.3)(r, n)
		for i := range a {
			switch r.IntN(4) {
			case 0:
				a[i], b[i] = float32(math.Inf(-1)), float32(math.Inf(-1))
			case 1:
				a[i] = float32(math.Inf(-1))
			}
		}
		return a, b
	}},
	{"masked by numbers", func(r *rand.Rand, n int) (a, b []float32) {
		a, b = perturbed(3, 0.3)(r, n)
		for i := range a {
			if r.IntN(3) == 0 {
				a[i] = []float32{-1e4, -1e9, -math.MaxFloat32}[r.IntN(3)]
				if b[i] = a[i]; r.IntN(3) == 0 {
					b[i] *= 0.75
				}
			}
		}
		return a, b
	}},
	{"shifted", func(r *rand.Rand, n int) (a, b []float32) {
		a, b = perturbed(3, 0.1)(r, n)
		return a, beside(b, func(int) float64 { return 1000 })
	}},
	{"shifted by 2^-30", func(r *rand.Rand, n int) (a, b []float32) {
		a, b = perturbed(1e-3, 1e-5)(r, n)
		return a, beside(b, func(int) float64 { return 0x1p-30 })
	}},
	{"one dominates", func(r *rand.Rand, n int) (a, b []float32) {
		a, b = perturbed(1, 0.2)(r, n)
		if n > 0 {
			i := r.IntN(n)
			a[i], b[i] = 30, 31
		}
		return a, b
	}},
	{"elsewhere", func(r *rand.Rand, n int) (a, b []float32) { // b has its mass where a has none
		a, b = independent(1)(r, n)
		for i := range a {
			if i%2 == 0 {
				a[i] += 200
			} else {
				b[i] += 900
			}
		}
		return a, b
	}},
	{"small numbers", func(r *rand.Rand, n int) (a, b []float32) { // differences are rounded
		a, b = perturbed(3, 0.1)(r, n)
		for i := range a {
			if r.IntN(2) == 0 {
				a[i] *= 1e-9
			}
			if r.IntN(8) == 0 {
				b[i] *= 1e-30
			}
		}
		return a, b
	}},
	{"edge of the series", func(r *rand.Rand, n int) (a, b []float32) {
		a = normals(r, n, 1)
		return a, beside(a, func(i int) float64 { return 0.125 * float64(i%3-1) * (1 + 0.01*r.NormFloat64()) })
	}},
	{"integers", func(r *rand.Rand, n int) (a, b []float32) {
		a, b = make([]float32, n), make([]float32, n)
		for i := range a {
			a[i], b[i] = float32(r.IntN(20)), float32(r.IntN(20))
		}
		return a, b
	}},
}

func realLogits(t testing.TB) [][]float32 {
	t.Helper()
	rows, err := golden.Logits()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func agreeLogits(t *testing.T, b *Backend, x, y []float32) {
	t.Helper()
	got, tier := b.KLLogits32Tier(x, y)
	want, _ := screenedLogits(x, y)
	if math.Float64bits(got) != math.Float64bits(want) && !(got != got && want != want) {
		t.Errorf("n = %d, tier %v: %x, want %x\n%v\n%v", len(x), tier, got, want, x[:min(len(x), 8)], y[:min(len(y), 8)])
	}
}

// TestLogits compares with the oracle.
func TestLogits(t *testing.T) {
	for _, b := range backends[1:] {
		t.Run(b.Name, func(t *testing.T) {
			r := newRand(20)
			for _, f := range logitsFamilies {
				for _, n := range []int{1, 2, 3, 5, 8, 17, 40, 300} {
					for range 3 {
						x, y := f.draw(r, n)
						agreeLogits(t, b, x, y)
					}
				}
			}
		})
	}
}

// TestLogitsSpecial checks what the definition says without a sum.
func TestLogitsSpecial(t *testing.T) {
	inf := float32(math.Inf(1))
	nan := float32(math.NaN())
	for _, c := range []struct {
		a, b []float32
		want float64
	}{
		{nil, nil, math.NaN()},
		{[]float32{-inf}, []float32{-inf}, math.NaN()},
		{[]float32{-inf, -inf}, []float32{0, 1}, math.NaN()},
		{[]float32{0, 1}, []float32{-inf, -inf}, math.NaN()},
		{[]float32{0, -inf}, []float32{-inf, nan}, math.NaN()},
		{[]float32{0, nan}, []float32{-inf, 0}, math.NaN()},
		{[]float32{0, 1}, []float32{-inf, inf}, math.NaN()},
		{[]float32{0, inf}, []float32{0, 0}, math.NaN()},
		{[]float32{0, -inf}, []float32{0, inf}, math.NaN()},
		{[]float32{0, 1}, []float32{0, -inf}, math.Inf(1)},
		{[]float32{0, -inf}, []float32{-inf, 0}, math.Inf(1)},
		{[]float32{0, -inf}, []float32{0, -inf}, 0},
		{[]float32{0, -inf}, []float32{0, 0}, math.Ln2},
		{[]float32{3}, []float32{-7}, 0},
		{[]float32{1, 2, 3}, []float32{1, 2, 3}, 0},
		{[]float32{1, 2, 3}, []float32{5, 6, 7}, 0},
		{[]float32{0, -700}, []float32{0, -701}, 0x1.4p-1012}, // about
		{[]float32{0, -2000}, []float32{0, -2001}, 0},
		{[]float32{math.MaxFloat32, 0}, []float32{0, math.MaxFloat32}, math.MaxFloat32},
	} {
		for _, b := range backends {
			got := b.KLLogits32(c.a, c.b)
			if c.want == 0x1.4p-1012 {
				if !(got > 3.6e-305 && got < 3.7e-305) {
					t.Errorf("%s: KLLogits32(%v, %v) = %v", b.Name, c.a, c.b, got)
				}
				continue
			}
			if math.Float64bits(got) != math.Float64bits(c.want) && !(got != got && c.want != c.want) {
				t.Errorf("%s: KLLogits32(%v, %v) = %v, want %v", b.Name, c.a, c.b, got, c.want)
			}
		}
	}
	for _, b := range backends {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic for different lengths", b.Name)
				}
			}()
			b.KLLogits32([]float32{1}, nil)
		}()
	}
}

// A logitsAttempt is one tier's answer with the bound that it claims.
func tryLogits(a, b []float32) (x attempt, ok bool) {
	m, ok := surveyLogits(a, b).moments(a, b)
	if ok {
		x.h, x.l, x.err = m.divergence()
		x.err = max(x.err, 0x1p-900) // above the width of what it is compared with
	}
	return x, ok && !math.IsInf(x.err, 1)
}

func encloseLogits(a, b []float32) exact.Interval { return exact.KLLogits(a, b, 1).Enclose(1280) }

// TestLogitsReal compares all pairs of rows of a language model, cut short, and one whole pair.
func TestLogitsReal(t *testing.T) {
	rows := realLogits(t)
	for _, b := range backends[1:] {
		t.Run(b.Name, func(t *testing.T) {
			for i, x := range rows {
				for j, y := range rows {
					agreeLogits(t, b, x[100*i:][:1000], y[100*i:][:1000])
					if i/4 == 0 && j == i+4 {
						if _, tier := b.KLLogits32Tier(x, y); tier == TierExact {
							t.Errorf("rows %d and %d need the oracle", i, j)
						}
					}
				}
			}
			agreeLogits(t, b, rows[0], rows[4])
		})
	}
}

// logits attacks every tier.
func (a *attacker) logits(seed uint64, rounds int) {
	r := newRand(seed)
	for _, f := range logitsFamilies {
		for range rounds {
			n := 1 + r.IntN(12)
			if r.IntN(8) == 0 {
				n = 1 + r.IntN(200)
			}
			x, y := f.draw(r, n)
			if s := surveyLogits(x, y); s.infinite || math.IsInf(s.top, -1) || math.IsInf(s.topB, -1) {
				continue
			}
			if got, ok := tryLogits(x, y); ok {
				a.see("KLLogits tier 2, "+f.name, got, encloseLogits(x, y))
			}
		}
	}
}

// TestLogitsBounds tries to break every error bound.
func TestLogitsBounds(t *testing.T) {
	a := newAttacker()
	a.logits(21, 20)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range a.worst {
			if !yield(name) {
				return
			}
		}
	}) {
		t.Logf("%-40s uses at most %.3g of its bound", name, a.worst[name])
		if a.worst[name] > 1 {
			t.Errorf("%s is wrong by %g times its bound", name, a.worst[name])
		}
	}
}

func BenchmarkKLLogits(b *testing.B) {
	const n = 128256
	for _, f := range []logitsFamily{{"0.5", perturbed(3, 0.5)}, {"0.05", perturbed(3, 0.05)}, {"1e-4", perturbed(3, 1e-4)}} {
		x, y := f.draw(newRand(n), n)
		for _, back := range backends[1:] {
			b.Run(f.name+"/"+back.Name, func(b *testing.B) {
				for b.Loop() {
					sink += back.KLLogits32(x, y)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/el")
				_, t := back.KLLogits32Tier(x, y)
				b.ReportMetric(float64(t), "tier")
			})
		}
	}
}
