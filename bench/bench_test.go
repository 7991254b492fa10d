package bench

import (
	"flag"
	"fmt"
	"math"
	"os"
	"sync"
	"testing"
	"time"
	"unsafe"

	"klconf/bench/machine"
	"klconf/conform/judge"
	"klconf/impl"
	"klconf/impl/exact"
	"klconf/spec"
)

// TestMain writes ahead of the benchmarks what the benchmark format wants to know of them.
func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() != "" {
		fmt.Printf("machine: %s\ndot: %s\n", machine.Name(), DotKind())
		for _, u := range units {
			fmt.Println("Unit", u)
		}
	}
	os.Exit(m.Run())
}

type float interface{ float32 | float64 }

// A subject is timed under a backend's name.
type subject struct {
	name string
	f64  functions[float64]
	f32  functions[float32]
}

type functions[F float] struct {
	kl, cross, jensen func(p, q []F) F
	entropy           func(p []F) F

	tier  func(p, q []F) (F, impl.Tier) // KL and who answered; nil without tiers
	first impl.Tier                     // the cheapest
}

// subjects lists what is timed: the loops that everyone writes first, and each backend
// but the oracle, which takes a thousand times as long.
func subjects() []subject {
	list := []subject{{"naive", naive[float64](), naive[float32]()}}
	for _, name := range impl.Backends() {
		if name == "exact" {
			continue
		}
		b, err := impl.Lookup(name)
		if err != nil {
			panic(err)
		}
		first64, first32 := impl.TierOne, impl.TierSingle
		switch name {
		case "avx512":
			first64 = impl.TierCoarse
		case "avx2":
			first32 = impl.TierOne
		}
		list = append(list, subject{
			name,
			functions[float64]{b.KL, b.CrossEntropy, b.JensenShannon, b.Entropy, b.KLTier, first64},
			functions[float32]{b.KL32, b.CrossEntropy32, b.JensenShannon32, b.Entropy32, b.KL32Tier, first32},
		})
	}
	return list
}

// naive returns the loops in float64.
func naive[F float]() functions[F] {
	return functions[F]{
		kl: func(p, q []F) F {
			s := 0.0
			for i, x := range p {
				s += float64(x) * math.Log(float64(x)/float64(q[i]))
			}
			return F(s)
		},
		cross: func(p, q []F) F {
			s := 0.0
			for i, x := range p {
				s -= float64(x) * math.Log(float64(q[i]))
			}
			return F(s)
		},
		jensen: func(p, q []F) F {
			s := 0.0
			for i := range p {
				x, y := float64(p[i]), float64(q[i])
				m := (x + y) / 2
				s += x*math.Log(x/m) + y*math.Log(y/m)
			}
			return F(s / 2)
		},
		entropy: func(p []F) F {
			s := 0.0
			for _, x := range p {
				s -= float64(x) * math.Log(float64(x))
			}
			return F(s)
		},
	}
}

// BenchmarkKL times every subject on every family at every size.
func BenchmarkKL(b *testing.B) {
	for _, f := range Families {
		for _, n := range Sizes {
			w64, w32 := newWorkload[float64](f, n), newWorkload[float32](f, n)
			for _, s := range subjects() {
				w64.run(b, s.name, 2, s.f64.kl, w64.counts(s.f64))
				w32.run(b, s.name, 2, s.f32.kl, w32.counts(s.f32))
			}
		}
	}
}

// BenchmarkKLApprox times what is not correctly rounded; its ulp-max tells how far.
func BenchmarkKLApprox(b *testing.B) {
	for _, family := range Families {
		for _, n := range Sizes {
			w := newWorkload[float64](family, n)
			for _, name := range impl.Backends()[1:] {
				backend, err := impl.Lookup(name)
				if err != nil {
					b.Fatal(err)
				}
				w.run(b, name, 2, backend.KLApprox, w.counts(functions[float64]{kl: backend.KLApprox}))
			}
		}
	}
}

// BenchmarkShort times KL of vectors so short that what surrounds the kernel counts.
func BenchmarkShort(b *testing.B) {
	for _, n := range []int{3, 8, 16, 32, 64, 128, 256} {
		w64, w32 := newWorkload[float64](Families[0], n), newWorkload[float32](Families[0], n)
		for _, s := range subjects() {
			w64.run(b, s.name, 2, s.f64.kl, nil)
			w32.run(b, s.name, 2, s.f32.kl, nil)
		}
	}
}

// The other functions are timed on one family at one size.
var otherFamily, otherSize = Families[1], 128256

func BenchmarkEntropy(b *testing.B) {
	w64, w32 := newWorkload[float64](otherFamily, otherSize), newWorkload[float32](otherFamily, otherSize)
	for _, s := range subjects() {
		w64.run(b, s.name, 1, func(p, _ []float64) float64 { return s.f64.entropy(p) }, nil)
		w32.run(b, s.name, 1, func(p, _ []float32) float32 { return s.f32.entropy(p) }, nil)
	}
}

func BenchmarkCrossEntropy(b *testing.B) {
	w64, w32 := newWorkload[float64](otherFamily, otherSize), newWorkload[float32](otherFamily, otherSize)
	for _, s := range subjects() {
		w64.run(b, s.name, 2, s.f64.cross, nil)
		w32.run(b, s.name, 2, s.f32.cross, nil)
	}
}

func BenchmarkJensenShannon(b *testing.B) {
	w64, w32 := newWorkload[float64](otherFamily, otherSize), newWorkload[float32](otherFamily, otherSize)
	for _, s := range subjects() {
		w64.run(b, s.name, 2, s.f64.jensen, nil)
		w32.run(b, s.name, 2, s.f32.jensen, nil)
	}
}

// A workload is what a family draws at one size, in one format.
type workload[F float] struct {
	family Family
	n      int
	first  func() (p, q []F)      // draw 0
	values func() []spec.Expected // KL of the draws that ulp-max is over
}

func newWorkload[F float](f Family, n int) *workload[F] {
	w := &workload[F]{family: f, n: n}
	w.first = sync.OnceValues(func() (p, q []F) { return w.draw(0) })
	w.values = sync.OnceValue(func() []spec.Expected {
		list := make([]spec.Expected, Draws(n, ULPElements))
		for i := range list {
			list[i] = value(w.draw(i))
		}
		return list
	})
	return w
}

func (w *workload[F]) draw(i int) (p, q []F) {
	x, y := w.family.Draw(w.n, i)
	return As[F](x), As[F](y)
}

// value returns KL as the oracle encloses it. 256 bits after the point are more than
// enough: the least K of a family is above 2^-42.
func value[F float](p, q []F) spec.Expected {
	v := exact.KL(p, q).Enclose(256)
	return spec.Expected{DType: dtype[F](), Values: []spec.Set{{Intervals: []spec.Interval{{Lo: v.Lo, Hi: v.Hi}}}}}
}

// ulps returns |got − K|/ulp(K).
func ulps[F float](got F, k spec.Expected) float64 {
	bits := uint64(math.Float32bits(float32(got)))
	if k.DType == spec.F64 {
		bits = math.Float64bits(float64(got))
	}
	g := judge.Assess(k, spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("kl", k.DType, bits)}})
	if !g.Finite {
		return math.Inf(1)
	}
	return g.ULP
}

func dtype[F float]() spec.DType {
	if _, ok := any(F(0)).(float32); ok {
		return spec.F32
	}
	return spec.F64
}

// A metric is what a benchmark reports beside times.
type metric struct {
	unit  string
	value float64
}

// counts returns fallthrough, exact and ulp-max of a KL, counted when first asked for.
func (w *workload[F]) counts(f functions[F]) func() []metric {
	return sync.OnceValue(func() []metric {
		values := w.values()
		draws := len(values)
		if f.tier != nil {
			draws = max(draws, Draws(w.n, TierElements))
		}
		var worst float64
		var through, oracle int
		for i := range draws {
			p, q := w.draw(i)
			if i < len(values) {
				worst = max(worst, ulps(f.kl(p, q), values[i]))
			}
			if f.tier != nil {
				_, t := f.tier(p, q)
				if t > f.first {
					through++
				}
				if t == impl.TierExact {
					oracle++
				}
			}
		}
		list := []metric{{"ulp-max", worst}}
		if f.tier != nil {
			list = append(list, metric{"fallthrough", float64(through) / float64(draws)}, metric{"exact", float64(oracle) / float64(draws)})
		}
		return list
	})
}

// run runs the benchmark of f, which reads so many vectors, on draw 0.
func (w *workload[F]) run(b *testing.B, backend string, vectors int, f func(p, q []F) F, counts func() []metric) {
	b.Run(Case{backend, string(dtype[F]()), w.family.Name, w.n}.String(), func(b *testing.B) {
		p, q := w.first()
		before := dot(p, q)
		b.ReportAllocs()
		for b.Loop() {
			sink += float64(f(p, q))
		}
		ns, n := float64(b.Elapsed().Nanoseconds())/float64(b.N), float64(w.n)
		after := dot(p, q)
		b.ReportMetric(ns/n, "ns/el")
		b.ReportMetric(n*float64(vectors)*float64(unsafe.Sizeof(p[0]))/ns, "GB/s")
		b.ReportMetric(ns/((before+after)/2), "x-dot")
		if counts != nil {
			for _, m := range counts() {
				b.ReportMetric(m.value, m.unit)
			}
		}
	})
}

var sink float64

// dot returns the nanoseconds of the dot product, the median of a few.
func dot[F float](p, q []F) float64 {
	return Loop{Rounds: 5, Sample: time.Millisecond}.Run(repeated(p, q))[0].Median()
}
