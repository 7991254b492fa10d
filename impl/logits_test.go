package impl

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
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

// tryLogitsVectors is tryLogits of the vector kernels.
func tryLogitsVectors(v isa, a, b []float32, mixed bool) (x attempt, name string, ok bool) {
	if len(a) < logitsLeast {
		return x, "", false
	}
	e, special := extremesOf(a, b, v)
	s, most, least := e.survey()
	if special {
		return x, "", false
	}
	c := sampled(a, b, s.top)
	m, ok := s.vectorMoments(v, a, b, c, most, least, mixed)
	if ok {
		x.h, x.l, x.err = m.divergence()
		x.err = max(x.err, 0x1p-900)
	}
	name = "wide"
	if max(most-c, c-least) < logitsNear*(1-1e-6) {
		name = "near"
	} else if mixed {
		name = "mixed"
	}
	return x, name, ok && !math.IsInf(x.err, 1)
}

func encloseLogits(a, b []float32) exact.Interval { return exact.KLLogits(a, b, 1).Enclose(1280) }

// TestLogitsReal compares all pairs of rows of a language model, cut short, and two
// whole pairs, and shows that no pair needs the oracle.
func TestLogitsReal(t *testing.T) {
	rows := realLogits(t)
	for _, b := range backends[1:] {
		t.Run(b.Name, func(t *testing.T) {
			for i, x := range rows {
				for j, y := range rows {
					agreeLogits(t, b, x[100*i:][:1000], y[100*i:][:1000])
					if b.Name == "go" && j != i+4 {
						continue // 8 ms each
					}
					if _, tier := b.KLLogits32Tier(x, y); tier == TierExact {
						t.Errorf("rows %d and %d need the oracle", i, j)
					}
				}
			}
			agreeLogits(t, b, rows[0], rows[4])
			agreeLogits(t, b, rows[2], rows[6])
		})
	}
}

// TestLogitsApprox holds the approximation to what its documentation says was measured, and
// shows that this is not the correctly rounded value.
func TestLogitsApprox(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b *Backend) {
		worst, rounded := 0.0, true
		see := func(name string, x, y []float32) {
			got, want := b.KLLogitsApprox32(x, y), goBackend.KLLogits32(x, y)
			if !(got >= 0) {
				t.Errorf("%s: %v", name, got)
			}
			rounded = rounded && got == want
			part := math.Abs(got-want) / (1e-6 + 1e-6*want)
			if worst = max(worst, part); part > 1 {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
		r := newRand(28)
		n := 2003
		if b == &exactBackend {
			n = 50
		}
		for _, f := range logitsFamilies[:13] {
			x, y := f.draw(r, n)
			see(f.name, x, y)
		}
		rows := realLogits(t)
		for i, x := range rows {
			for j, y := range rows {
				if b != &exactBackend || i+j == 4 {
					see(fmt.Sprintf("rows %d and %d", i, j), x[:8*n], y[:8*n])
				}
			}
		}
		t.Logf("at most %.3g of what is documented", worst)
		if rounded != (b == &exactBackend) {
			t.Errorf("correctly rounded: %v", rounded)
		}
	})
	inf := float32(math.Inf(-1))
	forEachBackend(t, func(t *testing.T, b *Backend) {
		x, y := perturbed(2, 0.5)(newRand(29), 40)
		for _, c := range []struct {
			a, b [2]float32
			want float64
		}{
			{[2]float32{0, 0}, [2]float32{inf, 0}, math.Inf(1)},
			{[2]float32{0, -inf}, [2]float32{0, 0}, math.NaN()},
			{[2]float32{0, inf}, [2]float32{0, float32(math.NaN())}, math.NaN()},
		} {
			x[3], x[38], y[3], y[38] = c.a[0], c.a[1], c.b[0], c.b[1]
			if got := b.KLLogitsApprox32(x, y); got != c.want && !(got != got && c.want != c.want) {
				t.Errorf("%v and %v among others: %v, want %v", c.a, c.b, got, c.want)
			}
		}
		x[3], x[38], y[3], y[38] = inf, -1e9, inf, -1e9
		if got, want := b.KLLogitsApprox32(x, y), goBackend.KLLogits32(x, y); math.Abs(got-want) > 1e-6*(1+want) {
			t.Errorf("masked: %v, want %v", got, want)
		}
	})
}

// logits attacks every tier.
func (a *attacker) logits(seed uint64, rounds int) {
	r := newRand(seed)
	for _, f := range logitsFamilies {
		for range rounds {
			n := 1 + r.IntN(12)
			if r.IntN(3) == 0 {
				n = 1 + r.IntN(100)
			}
			x, y := f.draw(r, n)
			if s := surveyLogits(x, y); s.infinite || math.IsInf(s.top, -1) || math.IsInf(s.topB, -1) {
				continue
			}
			value := encloseLogits(x, y)
			for _, v := range a.isas {
				if v == noVectors {
					if got, ok := tryLogits(x, y); ok {
						a.see("KLLogits tier 2, "+f.name, got, value)
					}
					continue
				}
				for _, mixed := range []bool{false, true} {
					if got, name, ok := tryLogitsVectors(v, x, y, mixed); ok {
						a.see(v.String()+"KLLogits "+name+", "+f.name, got, value)
					}
				}
			}
		}
	}
}

// A logitsLane is what all lanes of a vector kernel are given.
type logitsLane struct {
	k      logitsKernel
	top    float64 // A; c = 0
	u, d   float32 // a and b − a
	series bool    // |d| ≤ 1/4
}

func newLogitsLane(r *rand.Rand) (c logitsLane) {
	c.top = float64(r.IntN(60))
	c.u = float32(c.top - 3*r.ExpFloat64())
	if r.IntN(8) == 0 {
		c.u = float32(c.top - 100*r.Float64())
	}
	c.k = logitsKernel(r.IntN(3))
	c.series = c.k == logitsSeries || c.k == logitsMixed && r.IntN(2) == 0
	c.d = float32(20 * r.NormFloat64())
	if c.series {
		c.d = float32(logitsNear * math.Pow(2, -20*r.Float64()*r.Float64()) * (2*r.Float64() - 1))
	}
	return c
}

// beside returns a neighbour.
func (c logitsLane) beside(r *rand.Rand) logitsLane {
	by := math.Pow(2, -24*r.Float64())
	if r.IntN(2) == 0 {
		c.u = float32(float64(c.u) + by*r.NormFloat64())
	} else {
		c.d = float32(float64(c.d) * (1 + by*r.NormFloat64()))
	}
	return c
}

// lane compares what every lane of a kernel adds up with its bound, if the kernel takes it, and
// returns the largest part used of it.
func (a *attacker) lane(v isa, c logitsLane) (worst float64) {
	u, b := float64(c.u), float64(c.u+c.d)
	size := math.Abs(b - u)
	if math.Abs(u) < 1 || math.Abs(u) > 63 || math.Abs(b) < 1e-3 || math.Abs(b) > 63 || u > c.top || b-c.top > 30 || c.series && size > logitsNear {
		return 0
	}
	var x, y [16]float32
	for i := range x {
		x[i], y[i] = c.u, c.u+c.d
	}
	lanes := 8
	if v == avx2 {
		lanes = 4
	}
	each := float64(lanes) / float64(len(x)) // of what a lane has added up, a power of two
	see := func(name string, got *struct{ high, low [8]float64 }, want pair, bound float64) {
		for i := range lanes {
			d := pair{got.high[i] * each, got.low[i] * each}.plus(want.negated())
			worst = max(worst, math.Abs(d.h)/(bound/a.shrink))
		}
		name = v.String() + "lanes: " + name
		a.worst[name] = max(a.worst[name], worst)
	}
	p := logitsPoint{top: c.top, topB: c.top, w: window(17), s: window(17 * size), third: window(20 * size * size)}
	switch largest := math.Exp(b - c.top); c.k {
	case logitsWide:
		p.third = window(17 * largest)
	case logitsMixed:
		p.third, p.weight = 0, window(1.1*largest)
	}
	var acc logitsSums
	if logitsVector(v, c.k, x[:], y[:], &p, &acc) != len(x) {
		panic("the kernel does not take its elements")
	}
	const rounding = 0x1p-97 // [Z5]
	w, delta, z := exp(pair{u - c.top, 0}), pair{b - u, 0}, exp(pair{b - c.top, 0})
	switch c.k {
	case logitsMixed:
		f := z.plus(w.times(pair{1, 0}.plus(delta)).negated())
		if size <= logitsNear {
			f = w.times(phi2(delta))
			f = pair{f.h / 2, f.l / 2}
		}
		see("mixed", &acc.third, f, farError*f.h+rounding/4*(p.weight+p.w*(1+size)))
	case logitsSeries:
		f := w.times(phi2(delta))
		see("weight·φ", &acc.third, f, (expError+seriesError(size))*f.h+rounding*(p.third+p.w*size*size))
	case logitsWide:
		see("weight of b", &acc.third, z, expError*z.h+rounding*p.third)
	}
	third := worst
	worst = 0
	see("weight, of a", &acc.w, w, expError*w.h+rounding*p.w)
	worst = 0
	see("weight·x", &acc.s, w.times(delta), expError*w.h*size+rounding*(p.s+p.w*size))
	return third
}

// kernelLanes attacks what a vector kernel adds up, lane by lane, and climbs from the worst.
func (a *attacker) kernelLanes(v isa, seed uint64, rounds int) {
	r := newRand(seed)
	var worst [3]logitsLane
	var used [3]float64
	for range rounds {
		c := newLogitsLane(r)
		if k := c.k; used[k] > 0 && r.IntN(3) == 0 {
			c = worst[k].beside(r)
		}
		if x := a.lane(v, c); x > used[c.k] {
			worst[c.k], used[c.k] = c, x
		}
	}
}

// phi2 is 2φ for |x| ≤ 1/4, from φ for half of that: φ(2v) = 2φ(v) + (v + φ(v))².
func phi2(x pair) pair {
	v := pair{x.h / 2, x.l / 2}
	f := phi(v)
	e := v.plus(f)
	g := pair{2 * f.h, 2 * f.l}.plus(e.times(e))
	return pair{2 * g.h, 2 * g.l}
}

// TestLogitsBounds tries to break every error bound.
func TestLogitsBounds(t *testing.T) {
	a := newAttacker()
	a.logits(21, 20)
	for _, v := range isas()[1:] {
		a.kernelLanes(v, 22, 200_000)
	}
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

// TestLogitsBoundsCanFail shows that the attack of TestLogitsBounds finds what is wrong.
func TestLogitsBoundsCanFail(t *testing.T) {
	kernels := []string{"KLLogits near", "KLLogits wide", "lanes: weight,", "lanes: weight of b", "lanes: weight·x", "lanes: weight·φ", "KLLogits mixed", "lanes: mixed"}
	t.Run("bounds divided by 1000", func(t *testing.T) {
		caughtLogits(t, noVectors, 1000, "KLLogits tier 2")
		for _, v := range isas()[1:] {
			caughtLogits(t, v, 1000, kernels...)
		}
	})
	t.Run("a power off by 2^-77", func(t *testing.T) {
		old := powers[12]
		defer func() { powers[12] = old }()
		powers[12].l += 0x1p-77
		caughtLogits(t, noVectors, 1, "KLLogits tier 2")
	})
	t.Run("1/2 off by 2^-78", func(t *testing.T) {
		old := factorials[2]
		defer func() { factorials[2] = old }()
		factorials[2].l += 0x1p-78
		caughtLogits(t, noVectors, 1, "KLLogits tier 2")
	})
	for _, v := range isas()[1:] {
		t.Run(v.String()+"a power off by 2^-67", func(t *testing.T) {
			number := &tableLogits.lo[5]
			if v == avx2 {
				number = &tableLogitsAVX2.powers[5].lo
			}
			defer func(old float64) { *number = old }(*number)
			*number += 0x1p-67
			caughtLogits(t, v, 1, "lanes: weight,", "lanes: weight of b", "lanes: weight·x")
		})
		t.Run(v.String()+"1/12 off by 2^-57", func(t *testing.T) {
			number := &tableLogits.twelfth[1]
			if v == avx2 {
				number = &tableLogitsAVX2.twelfth[1][3]
			}
			defer func(old float64) { *number = old }(*number)
			*number += 0x1p-57
			caughtLogits(t, v, 1, "lanes: weight·φ")
		})
	}
}

// caughtLogits expects the attack to break the bounds of the named kernels, divided by shrink.
func caughtLogits(t *testing.T, v isa, shrink float64, names ...string) {
	t.Helper()
	a := newAttacker()
	a.isas, a.shrink = []isa{v}, shrink
	if slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "KLLogits") }) {
		a.logits(23, 10)
	}
	if v != noVectors {
		a.kernelLanes(v, 24, 20_000)
	}
	for _, name := range names {
		worst := 0.0
		for n, x := range a.worst {
			if strings.HasPrefix(n, v.String()+name) {
				worst = max(worst, x)
			}
		}
		if worst <= 1 {
			t.Errorf("%s%s passes, using %g of its bound", v, name, worst)
		}
	}
}

// TestLogitsLengths compares with the oracle for every length over several blocks.
func TestLogitsLengths(t *testing.T) {
	for _, b := range backends[1:] {
		t.Run(b.Name, func(t *testing.T) {
			r := newRand(25)
			for _, draw := range []func(*rand.Rand, int) (a, b []float32){perturbed(2, 0.5), perturbed(2, 1e-3)} {
				for n := 0; n <= 2*logitsBlock+70; n++ {
					x, y := draw(r, n)
					agreeLogits(t, b, x, y)
				}
			}
		})
	}
}

// TestLogitsOddOnes puts a logit that the kernels do not take, or just take, at every place
// over several blocks, in a or in b, and compares with pure Go. It shows that a kernel that
// takes all of them is caught.
func TestLogitsOddOnes(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	odd := []float32{0, 1e-45, 0x1p-23, 0x1p-22, 0x1.fffffep5, 64, -64, -2845, -1e9, math.MaxFloat32, -inf, inf, nan}
	wrong := func(b *Backend, every int) (examples []string) {
		r := newRand(30)
		for _, by := range []float64{0.5, 1e-3} {
			x, y := perturbed(2, by)(r, logitsBlock+50)
			for at := 0; at < len(x); at += every {
				i, j := r.IntN(len(odd)), r.IntN(len(odd))
				for _, set := range [][2]float32{{odd[i], y[at]}, {x[at], odd[j]}, {odd[i], odd[j]}} {
					a, b1 := x[at], y[at]
					x[at], y[at] = set[0], set[1]
					got, want := b.KLLogits32(x, y), goBackend.KLLogits32(x, y)
					if got != want && !(got != got && want != want) {
						examples = append(examples, fmt.Sprintf("%v at %d: %x, want %x", set, at, got, want))
					}
					x[at], y[at] = a, b1
				}
			}
		}
		return examples
	}
	for _, b := range backends[2:] {
		t.Run(b.Name, func(t *testing.T) {
			for _, e := range wrong(b, 1) {
				t.Error(e)
			}
			defer func(old constantsLogits, old2 constantsLogitsAVX2) { tableLogits, tableLogitsAVX2 = old, old2 }(tableLogits, tableLogitsAVX2)
			tableLogits.span = math.MaxUint32
			for i := range tableLogitsAVX2.span {
				tableLogitsAVX2.span[i] = math.MaxUint32
			}
			if len(wrong(b, 10)) == 0 {
				t.Error("nothing is wrong without the check of the range")
			}
		})
	}
}

// TestLogitsInvariance checks that neither the order of the elements nor what stands around
// them matters, and that logits equal but for a constant give +0.
func TestLogitsInvariance(t *testing.T) {
	inf, nan := float32(math.Inf(-1)), float32(math.NaN())
	forEachBackend(t, func(t *testing.T, b *Backend) {
		r := newRand(26)
		for range 10 {
			n := 1 + r.IntN(700)
			x, y := perturbed(2, 0.3)(r, n)
			if r.IntN(2) == 0 {
				x[n/2], y[n/2] = inf, inf
			}
			want := b.KLLogits32(x, y)
			for offset := range 9 {
				xg, yg := guarded(x, offset, nan), guarded(y, 8-offset, nan)
				if got := b.KLLogits32(xg[offset:][:n], yg[8-offset:][:n]); got != want && want == want {
					t.Errorf("n = %d, offset %d: %x, want %x", n, offset, got, want)
				}
				if !unchanged(xg, guarded(x, offset, nan)) || !unchanged(yg, guarded(y, 8-offset, nan)) {
					t.Errorf("n = %d, offset %d: inputs changed", n, offset)
				}
			}
			r.Shuffle(n, func(i, j int) { x[i], x[j], y[i], y[j] = x[j], x[i], y[j], y[i] })
			if got := b.KLLogits32(x, y); got != want && want == want {
				t.Errorf("n = %d: %x after a permutation of what gave %x", n, got, want)
			}
			for i := range x { // multiples of 2^-10, so that sums are exact
				x[i] = float32(math.RoundToEven(float64(x[i])*1024) / 1024)
				y[i] = x[i] + 3.25
			}
			if got := b.KLLogits32(x, y); n > 1 && math.Float64bits(got) != 0 {
				t.Errorf("n = %d: %x of logits that differ by a constant", n, got)
			}
		}
	})
}

// TestLogitsNoAllocation checks the common path.
func TestLogitsNoAllocation(t *testing.T) {
	for _, b := range backends[1:] {
		for _, by := range []float64{0.5, 1e-3} {
			x, y := perturbed(2, by)(newRand(27), 1000)
			if n := testing.AllocsPerRun(5, func() { sink += b.KLLogits32(x, y) }); n != 0 {
				t.Errorf("%s allocates %v times", b.Name, n)
			}
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
