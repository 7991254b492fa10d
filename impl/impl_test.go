package impl

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// forEachBackend runs a test body once per backend as a subtest. KLCONF_REQUIRE_BACKENDS
// names backends, separated by commas, whose absence is a failure.
func forEachBackend(t *testing.T, body func(t *testing.T, b *Backend)) {
	t.Helper()
	for _, name := range strings.FieldsFunc(os.Getenv("KLCONF_REQUIRE_BACKENDS"), func(r rune) bool { return r == ',' }) {
		if !slices.Contains(Backends(), name) {
			t.Errorf("KLCONF_REQUIRE_BACKENDS: no backend %q among %q", name, Backends())
		}
	}
	for _, b := range backends {
		t.Run(b.Name, func(t *testing.T) { body(t, b) })
	}
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x6b6c636f6e66)) }

// A family draws pairs of vectors.
type family struct {
	name string
	draw func(r *rand.Rand, n int) (p, q []float64)
}

var families = []family{
	{"dirichlet", func(r *rand.Rand, n int) (p, q []float64) {
		return normalised(n, r.ExpFloat64), normalised(n, r.ExpFloat64)
	}},
	{"sparse dirichlet", func(r *rand.Rand, n int) (p, q []float64) {
		f := func() float64 { return math.Pow(r.Float64(), 10) + 1e-30 }
		return normalised(n, f), normalised(n, f)
	}},
	{"softmax 2N", softmax(2)},
	{"softmax 1/2 N", softmax(0.5)},
	{"softmax 1/10 N", softmax(0.1)},
	{"softmax 1/100 N", softmax(0.01)},
	{"near 1e-3", near(1e-3)},
	{"near 1e-5", near(1e-5)},
	{"near 1e-8", near(1e-8)},
	{"near 1e-12", near(1e-12)},
	{"near 1 ulp", near(0x1p-52)},
	{"normalised near 1e-6", func(r *rand.Rand, n int) (p, q []float64) {
		p, q = near(1e-6)(r, n)
		scale(p, 1/total(p))
		scale(q, 1/total(q))
		return p, q
	}},
	{"exp 20N", func(r *rand.Rand, n int) (p, q []float64) {
		f := func() float64 { return math.Exp(20 * r.NormFloat64()) }
		return drawn(n, f), drawn(n, f)
	}},
	{"huge ratios", func(r *rand.Rand, n int) (p, q []float64) {
		f := func() float64 { return math.Ldexp(1+r.Float64(), r.IntN(1800)-900) }
		return drawn(n, f), drawn(n, f)
	}},
	{"measure 1e300", magnitude(1e300)},
	{"measure 1e-300", magnitude(1e-300)},
	{"measure 1e-310", magnitude(1e-310)},
	{"all exponents", func(r *rand.Rand, n int) (p, q []float64) {
		f := func() float64 { return math.Float64frombits(r.Uint64N(infBits)) }
		return drawn(n, f), drawn(n, f)
	}},
	{"integers", func(r *rand.Rand, n int) (p, q []float64) {
		f := func() float64 { return float64(1 + r.IntN(9)) }
		return drawn(n, f), drawn(n, f)
	}},
	{"zeros", func(r *rand.Rand, n int) (p, q []float64) {
		p, q = normalised(n, r.ExpFloat64), normalised(n, r.ExpFloat64)
		for i := range p {
			switch r.IntN(4) {
			case 0:
				p[i], q[i] = 0, 0
			case 1:
				p[i] = math.Copysign(0, -1)
			}
		}
		return p, q
	}},
	{"subnormal q", func(r *rand.Rand, n int) (p, q []float64) {
		p, q = normalised(n, r.ExpFloat64), normalised(n, r.ExpFloat64)
		for i := range q {
			if r.IntN(3) == 0 {
				q[i] = math.Float64frombits(1 + r.Uint64N(1<<52))
			}
		}
		return p, q
	}},
	{"subnormal p", func(r *rand.Rand, n int) (p, q []float64) {
		q, p = normalised(n, r.ExpFloat64), normalised(n, r.ExpFloat64)
		for i := range p {
			if r.IntN(3) == 0 {
				p[i] = math.Float64frombits(1 + r.Uint64N(1<<52))
			}
		}
		return p, q
	}},
	{"equal but one", func(r *rand.Rand, n int) (p, q []float64) {
		p = normalised(n, r.ExpFloat64)
		q = slices.Clone(p)
		if n > 0 {
			i := r.IntN(n)
			q[i] *= 1 + r.NormFloat64()*math.Pow(2, -50*r.Float64())
			q[i] = math.Abs(q[i])
		}
		return p, q
	}},
	{"cell edges", func(r *rand.Rand, n int) (p, q []float64) {
		q = drawn(n, func() float64 { return math.Ldexp(1+r.Float64(), -r.IntN(8)) })
		p = make([]float64, n)
		for i, x := range q {
			p[i] = x * (171 - 0.5 + float64(r.IntN(214))) / 256
			p[i] = math.Float64frombits(math.Float64bits(p[i]) + uint64(r.IntN(5)) - 2)
		}
		return p, q
	}},
	{"halves of binades", func(r *rand.Rand, n int) (p, q []float64) {
		p = drawn(n, func() float64 { return math.Ldexp(1+r.Float64(), -r.IntN(8)) })
		q = make([]float64, n)
		for i, x := range p {
			q[i] = math.Float64frombits(math.Float64bits(x) + 1<<51 + uint64(r.IntN(5)) - 2)
		}
		return p, q
	}},
}

func drawn(n int, f func() float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = f()
	}
	return x
}

func total(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s
}

func scale(x []float64, by float64) {
	for i := range x {
		x[i] *= by
	}
}

func normalised(n int, f func() float64) []float64 {
	x := drawn(n, f)
	scale(x, 1/total(x))
	return x
}

// softmax draws the softmax of logits a = 2N and b = a + noise·N.
func softmax(noise float64) func(r *rand.Rand, n int) (p, q []float64) {
	return func(r *rand.Rand, n int) (p, q []float64) {
		p = drawn(n, func() float64 { return 2 * r.NormFloat64() })
		q = make([]float64, n)
		for i, a := range p {
			p[i], q[i] = math.Exp(a), math.Exp(a+noise*r.NormFloat64())
		}
		scale(p, 1/total(p))
		scale(q, 1/total(q))
		return p, q
	}
}

// near draws q = p(1 + δN).
func near(δ float64) func(r *rand.Rand, n int) (p, q []float64) {
	return func(r *rand.Rand, n int) (p, q []float64) {
		p = normalised(n, r.ExpFloat64)
		q = make([]float64, n)
		for i, x := range p {
			q[i] = math.Abs(x * (1 + δ*r.NormFloat64()))
		}
		return p, q
	}
}

func magnitude(m float64) func(r *rand.Rand, n int) (p, q []float64) {
	return func(r *rand.Rand, n int) (p, q []float64) {
		f := func() float64 { return m * r.ExpFloat64() }
		return drawn(n, f), drawn(n, f)
	}
}

// narrow rounds weights to float32.
func narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
		if v > 0 && y[i] == 0 {
			y[i] = 0x1p-149
		}
		if v < math.Inf(1) && math.IsInf(float64(y[i]), 1) {
			y[i] = math.MaxFloat32
		}
	}
	return y
}

// all evaluates every function of a backend, with the result bits.
func all(b *Backend, p, q []float64, p32, q32 []float32) map[string]uint64 {
	bits := math.Float64bits
	bits32 := func(x float32) uint64 { return uint64(math.Float32bits(x)) }
	return map[string]uint64{
		"KL":              bits(b.KL(p, q)),
		"Entropy":         bits(b.Entropy(p)),
		"CrossEntropy":    bits(b.CrossEntropy(p, q)),
		"JensenShannon":   bits(b.JensenShannon(p, q)),
		"KL32":            bits32(b.KL32(p32, q32)),
		"Entropy32":       bits32(b.Entropy32(p32)),
		"CrossEntropy32":  bits32(b.CrossEntropy32(p32, q32)),
		"JensenShannon32": bits32(b.JensenShannon32(p32, q32)),
	}
}

// agree compares every function of some backends with the oracle, bit for bit.
func agree(t *testing.T, p, q []float64, list ...*Backend) {
	t.Helper()
	p32, q32 := narrow(p), narrow(q)
	want := all(&exactBackend, p, q, p32, q32)
	for _, b := range list {
		got := all(b, p, q, p32, q32)
		for name, w := range want {
			if g := got[name]; g != w {
				if len(p) > 8 {
					t.Errorf("%s: %s of %d elements: %#x, want %#x", b.Name, name, len(p), g, w)
				} else {
					t.Errorf("%s: %s(%x, %x): %#x, want %#x", b.Name, name, p, q, g, w)
				}
			}
		}
	}
}

func TestAgainstOracle(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			r := newRand(1)
			for n := 0; n <= 48; n++ {
				for range 10 {
					p, q := f.draw(r, n)
					agree(t, p, q, backends[1:]...)
				}
			}
		})
	}
}

func ExampleKL() {
	p := []float64{0.2, 0.5, 0.3}
	q := []float64{0.1, 0.6, 0.3}
	fmt.Println(KL(p, q), KL(q, p))
	// Output: 0.047468657715011776 0.04007821602037821
}
