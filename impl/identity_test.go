package impl

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// identity are the hashes of so many vectors' answers, nine to a vector, on every machine.
var identity = map[int]string{
	1_000:   "86fb1c10f35d7e65",
	130_000: "2260b9a0e775ae5a",
}

// TestIdentity hashes the answers of every backend to vectors that are drawn with integers
// and single roundings alone, so that they, too, are the same everywhere. KLCONF_FULL
// asks a million answers. make identity runs it on other architectures.
func TestIdentity(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b *Backend) {
		vectors := 1_000
		if os.Getenv("KLCONF_FULL") != "" && b != &exactBackend {
			vectors = 130_000
		}
		got := identityHash(b, vectors)
		fmt.Printf("identity: %s: %d answers, %s\n", b.Name, 9*vectors, got)
		if got != identity[vectors] {
			t.Errorf("%d answers have the hash %s, not %s", 9*vectors, got, identity[vectors])
		}
	})
}

// TestIdentityCanFail shows that one wrong last bit in all answers is seen.
func TestIdentityCanFail(t *testing.T) {
	b, count := goBackend, 0
	b.entropy = func(p []float64) float64 {
		v := goBackend.Entropy(p)
		if count++; count == 700 {
			v = math.Float64frombits(math.Float64bits(v) ^ 1)
		}
		return v
	}
	if identityHash(&b, 1_000) == identity[1_000] {
		t.Error("the hash does not show it")
	}
}

func identityHash(b *Backend, vectors int) string {
	r, h := newRand(2026), sha256.New()
	for range vectors {
		p, q := identityVectors(r)
		p32, q32 := narrow(p), narrow(q)
		for _, x := range []float64{b.KL(p, q), b.Entropy(p), b.CrossEntropy(p, q), b.JensenShannon(p, q),
			float64(b.KL32(p32, q32)), float64(b.Entropy32(p32)), float64(b.CrossEntropy32(p32, q32)), float64(b.JensenShannon32(p32, q32))} {
			write(h, x)
		}
		write(h, b.KLLogits32(identityLogits(r)))
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

// write hashes the bits of x, of which those of a NaN differ between processors.
func write(h hash.Hash, x float64) {
	if math.IsNaN(x) {
		x = math.NaN()
	}
	binary.Write(h, binary.LittleEndian, math.Float64bits(x))
}

// identityLogits draws a pair of vectors of logits.
func identityLogits(r *rand.Rand) (a, b []float32) {
	n := 1 + r.IntN(40)
	if r.IntN(16) == 0 {
		n += r.IntN(600)
	}
	size, shift, masked := math.Ldexp(1, r.IntN(8)-2), -r.IntN(24), r.IntN(4) == 0
	for range n {
		x := float32(size * (r.Float64() - 0.5))
		y := float32(float64(x) + math.Ldexp(r.Float64(), shift))
		if masked && r.IntN(3) == 0 {
			x = float32(math.Inf(-1))
		}
		a, b = append(a, x), append(b, y)
	}
	return a, b
}

// identityVectors draws a pair of one of eight families.
func identityVectors(r *rand.Rand) (p, q []float64) {
	n := r.IntN(40)
	if r.IntN(16) == 0 {
		n = r.IntN(600)
	}
	p, q = make([]float64, n), make([]float64, n)
	family, shift := r.IntN(8), -r.IntN(45)
	for i := range p {
		p[i], q[i] = r.Float64(), r.Float64()
		switch family {
		case 1: // a few ulps apart
			q[i] = math.Float64frombits(math.Float64bits(p[i]) + r.Uint64N(9))
		case 2: // near each other
			q[i] = p[i] * (1 + math.Ldexp(r.Float64(), shift))
		case 3: // large ratios
			p[i], q[i] = math.Ldexp(1+p[i], r.IntN(200)-100), math.Ldexp(1+q[i], r.IntN(200)-100)
		case 4: // subnormal and huge numbers
			p[i], q[i] = math.Ldexp(1+p[i], r.IntN(2090)-1070), math.Ldexp(1+q[i], r.IntN(2090)-1070)
		case 5: // zeros
			p[i] *= float64(r.IntN(2))
		case 6: // small integers, whose sums are often exact
			p[i], q[i] = float64(r.IntN(4)), float64(1+r.IntN(4))
		case 7: // one odd element
			q[i] = p[i]
			if i == n/2 {
				odd := []float64{0, math.Inf(1), math.NaN(), -1, 5e-324, 1, 0x1p-400, math.MaxFloat64}
				p[i], q[i] = odd[r.IntN(len(odd))], odd[r.IntN(len(odd))]
			}
		}
	}
	return p, q
}
