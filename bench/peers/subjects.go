package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"unsafe"

	"github.com/klauspost/cpuid/v2"
	"gonum.org/v1/gonum/stat"

	"klconf/bench"
	"klconf/bench/peers/call"
	"klconf/bench/peers/dot"
	"klconf/bench/peers/libmvec"
	"klconf/bench/peers/numkong"
	"klconf/bench/peers/scalar"
	"klconf/impl"
)

type float interface{ float32 | float64 }

// A subject is something that is timed.
type subject[F float] struct {
	name  string
	kind  kind
	width int // bits of the widest vectors it uses; 64 without vectors
	f     func(p, q []F, iters int) float64

	// What its value is known by: it adds epsilon to both weights under the logarithm, and
	// works with unit roundoff u.
	epsilon, u float64
}

type kind int

const (
	limit kind = iota // the dot product
	peer
	ours
)

// Unit roundoffs.
const (
	u64 = 0x1p-53
	u32 = 0x1p-24
)

// subjects64 lists what there is for float64 on this processor, the dot product first.
func subjects64() ([]subject[float64], error) {
	native := func(name string, width int, f call.Function, epsilon float64) subject[float64] {
		return subject[float64]{name, peer, width, nativeOf(f, call.F64), epsilon, u64}
	}
	return available([]subject[float64]{
		{"dot", limit, 512, nativeOf(dot.F64, call.F64), 0, u64},
		native("libmvec-512", 512, libmvec.F64x512, 0),
		native("libmvec-256", 256, libmvec.F64x256, 0),
		native("numkong-skylake", 512, numkong.Skylake64, numkong.Epsilon64),
		native("numkong-haswell", 256, numkong.Haswell64, numkong.Epsilon64),
		native("numkong-serial", 64, numkong.Serial64, numkong.Epsilon64),
		native("scalar-c", 64, scalar.F64, 0),
		{"gonum", peer, 64, goOf(stat.KullbackLeibler), 0, u64},
		{"naive-go", peer, 64, goOf(naive[float64]), 0, u64},
	}, func(b *impl.Backend) map[string]func(p, q []float64) float64 {
		functions := map[string]func(p, q []float64) float64{"": b.KL}
		if b.Name != "go" { // where it is KL without the rounding test
			functions["-approx"] = b.KLApprox
		}
		return functions
	})
}

// subjects32 lists what there is for float32. gonum has nothing, NumKong nothing for AVX2.
func subjects32() ([]subject[float32], error) {
	native := func(name string, width int, f call.Function, epsilon float64) subject[float32] {
		return subject[float32]{name, peer, width, nativeOf(f, call.F32), epsilon, u32}
	}
	return available([]subject[float32]{
		{"dot", limit, 512, nativeOf(dot.F32, call.F32), 0, u32},
		native("libmvec-512", 512, libmvec.F32x512, 0),
		native("libmvec-256", 256, libmvec.F32x256, 0),
		native("numkong-skylake", 512, numkong.Skylake32, numkong.Epsilon32),
		native("numkong-serial", 64, numkong.Serial32, numkong.Epsilon32),
		native("scalar-c", 64, scalar.F32, 0),
		{"naive-go", peer, 64, goOf(naive[float32]), 0, u32},
	}, func(b *impl.Backend) map[string]func(p, q []float32) float32 {
		return map[string]func(p, q []float32) float32{"": b.KL32}
	})
}

// available drops what this processor cannot run, checks that the libmvec loops are what
// they are named for, and adds our backends.
func available[F float](list []subject[F], kl func(b *impl.Backend) map[string]func(p, q []F) F) ([]subject[F], error) {
	avx2 := cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3)
	avx512 := cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512DQ, cpuid.AVX512VL, cpuid.AVX512BW)
	var here []subject[F]
	for _, s := range list {
		if s.f == nil || s.kind == peer && (s.width == 512 && !avx512 || s.width == 256 && !avx2) {
			continue
		}
		switch s.name {
		case "libmvec-512":
			if err := libmvec.Check(libmvec.Logs512); err != nil {
				return nil, err
			}
		case "libmvec-256":
			if err := libmvec.Check(libmvec.Logs256); err != nil {
				return nil, err
			}
		}
		here = append(here, s)
	}
	for _, name := range impl.Backends() {
		if name == "exact" {
			continue
		}
		b, err := impl.Lookup(name)
		if err != nil {
			return nil, err
		}
		width, ok := map[string]int{"go": 64, "avx2": 256, "avx512": 512}[name]
		if !ok {
			return nil, fmt.Errorf("backend %q: say in subjects.go how wide its vectors are", name)
		}
		u := u64
		if unsafe.Sizeof(F(0)) == 4 {
			u = u32
		}
		functions := kl(b)
		for _, suffix := range slices.Sorted(maps.Keys(functions)) {
			here = append(here, subject[F]{"klconf-" + name + suffix, ours, width, goOf(functions[suffix]), 0, u})
		}
	}
	return here, nil
}

// nativeOf returns nil for a function that there is not.
func nativeOf[F float](f call.Function, times func(f call.Function, p, q []F, iters int) float64) func(p, q []F, iters int) float64 {
	if f == nil {
		return nil
	}
	return func(p, q []F, iters int) float64 { return times(f, p, q, iters) }
}

func goOf[F float](f func(p, q []F) F) func(p, q []F, iters int) float64 {
	return func(p, q []F, iters int) float64 {
		var v F
		for range iters {
			v = f(p, q)
		}
		return float64(v)
	}
}

// naive is the loop that everyone writes.
func naive[F float](p, q []F) F {
	s := 0.0
	for i, x := range p {
		s += float64(x) * math.Log(float64(x)/float64(q[i]))
	}
	return F(s)
}

// check returns an error unless s gives what it is known to give, Σ p ln((p + ε)/(q + ε)),
// so that nobody is timed on something else.
//
// With t the terms, u the unit roundoff and n/lanes elements to each partial sum, the error is
// at most about
//
//	(n/lanes + 16)·u·Σ|t| + 32·u·Σp
//
// The sums, of which a vector has as many as lanes and the last 16 join at most 6 times,
// are n/lanes + 6 roundings of Σ|t|. A term has one by its product, one by ln 2, and
// 4 ulp by the logarithm. Its argument has 4 by the two additions, the division, and
// the refined reciprocal that stands for one in float32 under -ffast-math: 4u·Σp.
// NumKong cuts the series of the logarithm, which leaves 28u in float32, 15u in float64.
func check[F float](s subject[F], p, q []F) error {
	if s.kind == limit {
		return nil
	}
	got := s.f(p, q, 1)
	var k, c, abs, total float64 // k + c is the sum, c what its additions lost
	for i, x := range p {
		x, y := float64(x), float64(q[i])
		t := x * math.Log((x+s.epsilon)/(y+s.epsilon))
		next := k + t
		if math.Abs(k) >= math.Abs(t) {
			c += k - next + t
		} else {
			c += t - next + k
		}
		k = next
		abs += math.Abs(t)
		total += x
	}
	k += c
	lanes := 1
	if s.width > 64 {
		lanes = s.width / 8 / int(unsafe.Sizeof(p[0]))
	}
	bound := (float64(len(p)/lanes)+16)*s.u*abs + 32*s.u*total
	if !(math.Abs(got-k) <= bound) {
		return fmt.Errorf("%s gives %v for %d elements, not %v within %.2g: it computes something else and is not timed", s.name, got, len(p), k, bound)
	}
	return nil
}

// pair draws the vectors of a family.
func pair[F float](f bench.Family, n, draw int) (p, q []F) {
	x, y := f.Draw(n, draw)
	return bench.As[F](x), bench.As[F](y)
}
