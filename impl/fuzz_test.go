package impl

import (
	"encoding/binary"
	"math"
	"testing"
)

// words reads pairs of float64 from bytes, 16 a pair, repeated to n pairs at least, so that
// a few bytes reach the vector kernels.
func words(data []byte, n int) (p, q []float64) {
	for len(data) >= 16 {
		p = append(p, math.Float64frombits(binary.LittleEndian.Uint64(data)))
		q = append(q, math.Float64frombits(binary.LittleEndian.Uint64(data[8:])))
		data = data[16:]
	}
	for i := 0; len(p) > 0 && len(p) < n; i++ {
		p, q = append(p, p[i]), append(q, q[i])
	}
	return p, q
}

func halves(data []byte, n int) (p, q []float32) {
	for len(data) >= 8 {
		p = append(p, math.Float32frombits(binary.LittleEndian.Uint32(data)))
		q = append(q, math.Float32frombits(binary.LittleEndian.Uint32(data[4:])))
		data = data[8:]
	}
	for i := 0; len(p) > 0 && len(p) < n; i++ {
		p, q = append(p, p[i]), append(q, q[i])
	}
	return p, q
}

// seedWords are interesting numbers of float64 as bytes.
func seedWords(f *testing.F) {
	add := func(n uint8, x ...float64) {
		var b []byte
		for _, v := range x {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
		f.Add(b, n)
	}
	inf, nan := math.Inf(1), math.NaN()
	add(0)
	add(1, 0.5, 0.25)
	add(40, 0.5, 0.25, 0.25, 0.5, 0.25, 0.25)
	add(17, 1, math.Nextafter(1, 2), 0.5, math.Nextafter(0.5, 0))
	add(9, 5e-324, 0, 0, 5e-324, 0, 0)
	add(33, 5e-324, 1, 1, 5e-324, 0x1p-1022, 0x1p-1023)
	add(20, math.MaxFloat64, 5e-324, 5e-324, math.MaxFloat64)
	add(12, math.MaxFloat64, 1, math.MaxFloat64, 2)
	add(8, inf, 1)
	add(8, 0, nan, 1, 0)
	add(16, -1, 1, math.Copysign(0, -1), 1)
	add(16, 1, math.Copysign(0, -1))
	add(65, 0.1, 0.1, 0.2, 0.2, 0.7, 0.7)
	add(30, 3, 1, 1, 3, 2, 2)
	add(4, 1e300, 1e-300, 1e-300, 1e300)
}

// Every backend gives what the oracle gives, bit for bit, whatever the bits of the inputs;
// NaN is NaN.
func FuzzBackends(f *testing.F) {
	seedWords(f)
	f.Fuzz(func(t *testing.T, data []byte, n uint8) {
		p, q := words(data[:min(len(data), 16*64)], int(n))
		p32, q32 := halves(data[:min(len(data), 8*64)], int(n))
		want := all(&exactBackend, p, q, p32, q32)
		for _, b := range backends[1:] {
			for name, g := range all(b, p, q, p32, q32) {
				if !alike(name, g, want[name]) {
					t.Errorf("%s: %s is %#x, the oracle says %#x; %x %x, %x %x", b.Name, name, g, want[name], p, q, p32, q32)
				}
			}
		}
	})
}

// alike compares bits of float64, or of float32 where the name ends in 32.
func alike(name string, a, b uint64) bool {
	x, y := math.Float64frombits(a), math.Float64frombits(b)
	if name[len(name)-2:] == "32" {
		x, y = float64(math.Float32frombits(uint32(a))), float64(math.Float32frombits(uint32(b)))
	}
	return a == b || x != x && y != y
}

// A wrong last bit is seen, and a NaN in the place of a number.
func TestAlikeCanFail(t *testing.T) {
	one, nan := math.Float64bits(1), math.Float64bits(math.NaN())
	if alike("KL", one, one+1) || alike("KL", one, nan) || alike("KL", 0, 1<<63) || !alike("KL", nan, nan+1) {
		t.Error("float64")
	}
	if one, nan := uint64(math.Float32bits(1)), uint64(0x7fc00000); alike("KL32", one, one+1) || alike("KL32", one, nan) || !alike("KL32", nan, nan+1) {
		t.Error("float32")
	}
}

// The same of logits in float32.
func FuzzLogits(f *testing.F) {
	add := func(n uint8, x ...float32) {
		var b []byte
		for _, v := range x {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		f.Add(b, n)
	}
	inf := float32(math.Inf(1))
	add(0)
	add(1, 0, 0)
	add(40, 1, 2, -3, 0.5)
	add(17, 1, 1.0000001, 2, 2)
	add(33, -inf, 0, 0, -inf, 1, 1)
	add(20, math.MaxFloat32, -math.MaxFloat32, 0, 1e-45)
	add(8, float32(math.NaN()), 1, 1, inf)
	add(65, 88, -88, -104, 104, 0, 0)
	f.Fuzz(func(t *testing.T, data []byte, n uint8) {
		a, b := halves(data[:min(len(data), 8*64)], int(n))
		want, _ := screenedLogits(a, b)
		for _, backend := range backends[1:] {
			got, _ := backend.KLLogits32Tier(a, b)
			if !alike("KL", math.Float64bits(got), math.Float64bits(want)) {
				t.Errorf("%s: %x, the oracle says %x; %x %x", backend.Name, got, want, a, b)
			}
		}
	})
}
