package main

import (
	"math"
	"testing"

	"klconf/golden"
	"klconf/impl"
)

// The stored rows of a language model by the functions of llama.cpp itself, compiled by
// gcc -O2 -ffp-contract=off with glibc: KL(P‖Q), KL(P‖P), and the entries dropped. llama.cpp
// keeps a row as float32, and that is the same; the sums differ by 1e-12 where e^x of float32
// is rounded otherwise.
func TestLlamaKL(t *testing.T) {
	rows, err := golden.Logits()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		kl, self float64
		dropped  int
	}{
		{8.9230406981055665e-05, 2.4717875077298547e-07, 48960},
		{0.04560268348342271, -1.6726913061905626e-05, 40699},
		{0.92032765193739485, -1.6223524633457605e-06, 45925},
		{0.25315898643911167, -1.0296161409620476e-05, 28868},
	} {
		kl, dropped := llamaKL(rows[i], rows[4+i])
		self, _ := llamaKL(rows[i], rows[i])
		if float32(kl) != float32(want.kl) || float32(self) != float32(want.self) || dropped != want.dropped {
			t.Errorf("row %d: %v, %v and %d, want %v", i, kl, self, dropped, want)
		}
		// The comparison tells the exact value, and one without the floor, from it.
		if exact := impl.KLLogits32(rows[i], rows[4+i]); float32(exact) == float32(kl) {
			t.Errorf("row %d: the exact value is not told from it", i)
		}
		if whole := withoutFloor(rows[i], rows[4+i]); float32(whole) == float32(kl) {
			t.Errorf("row %d: the value without a floor is not told from it", i)
		}
	}
}

// withoutFloor is llamaKL with all entries of the base.
func withoutFloor(a, b []float32) (kl float64) {
	base, scale, least := llamaBase(a)
	most, sum := logSum(b)
	norm := most + float32(math.Log(sum))
	for i, u := range base {
		l := float32(scale*float32(u)) + least
		kl += float64(exp32(l) * (l - b[i] + norm))
	}
	return kl
}

func TestLlamaBase(t *testing.T) {
	// 16 below the largest and less is 0, the largest is 65535, the middle rounds to even.
	base, scale, least := llamaBase([]float32{-100, 0, 16, 8, 4})
	if base[0] != 0 || base[1] != 0 || base[2] != 65535 || base[3] != 32768 || base[4] != 16384 || scale != 16.0/65535 {
		t.Errorf("%v, %v, %v", base, scale, least)
	}
	if base, scale, least := llamaBase([]float32{3, 3}); base[0] != 0 || base[1] != 0 || scale != 0 || least != -float32(math.Log(2)) {
		t.Errorf("equal logits: %v, %v, %v", base, scale, least)
	}
	if kl, dropped := llamaKL([]float32{3, 3}, []float32{3, 3}); kl != 0 || dropped != 0 {
		t.Errorf("equal logits: %v, %d dropped", kl, dropped)
	}
}
