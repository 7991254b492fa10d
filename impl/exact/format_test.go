package exact

import (
	"math"
	"math/big"
	"sort"
	"testing"
)

func TestEveryHalfPrecisionValueRoundTrips(t *testing.T) {
	for name, f := range map[string]Format{"float16": Float16, "bfloat16": BFloat16} {
		for b := range uint64(1 << 16) {
			x := f.Value(b)
			switch {
			case math.IsNaN(x):
				if b&f.infinity() != f.infinity() || b&(1<<(f.prec-1)-1) == 0 {
					t.Fatalf("%s %04x is not a NaN", name, b)
				}
				continue
			case x == 0:
				if got := f.RoundBig(big.NewFloat(x)); got != 0 {
					t.Fatalf("%s %04x: zero rounds to %04x", name, b, got)
				}
				continue
			}
			if got := f.RoundBig(big.NewFloat(x)); got != b {
				t.Fatalf("%s %04x = %g rounds to %04x", name, b, x, got)
			}
		}
	}
	if x := Float16.Value(0x7bff); x != 65504 {
		t.Errorf("largest float16 is %g", x)
	}
	if x := BFloat16.Value(0x0001); x != 0x1p-133 {
		t.Errorf("least bfloat16 is %g", x)
	}
	if x := Float32.Value(0x00000001); x != math.SmallestNonzeroFloat32 {
		t.Errorf("least float32 is %g", x)
	}
}

// TestRoundingByBruteForce looks the nearest value up in the list of all values.
func TestRoundingByBruteForce(t *testing.T) {
	r := generator(3)
	for name, f := range map[string]Format{"float16": Float16, "bfloat16": BFloat16} {
		// The values up to the one that would follow the largest, which stands for ∞.
		inf := f.infinity()
		values := make([]*big.Rat, inf+1)
		for b := range inf {
			values[b] = new(big.Rat).SetFloat64(f.Value(b))
		}
		last := new(big.Rat).Sub(values[inf-1], values[inf-2])
		values[inf] = last.Add(last, values[inf-1])
		nearest := func(x *big.Rat) uint64 {
			i := uint64(sort.Search(len(values), func(i int) bool { return values[i].Cmp(x) >= 0 }))
			if i > inf {
				return inf
			}
			if i == 0 {
				return 0
			}
			below := new(big.Rat).Sub(x, values[i-1])
			above := new(big.Rat).Sub(values[i], x)
			if c := below.Cmp(above); c < 0 || c == 0 && i&1 == 1 {
				return i - 1
			}
			return i
		}
		tiny := big.NewRat(1, 1<<40)
		for range 20000 {
			b := r.Uint64N(inf)
			mid := new(big.Rat).Add(values[b], values[b+1])
			mid.Mul(mid, big.NewRat(1, 2))
			third := new(big.Rat).Mul(big.NewRat(int64(1+r.IntN(2)), 3), new(big.Rat).Sub(values[b+1], values[b]))
			off := new(big.Rat).Mul(mid, tiny)
			for _, x := range []*big.Rat{mid, third.Add(third, values[b]), new(big.Rat).Add(mid, off), new(big.Rat).Sub(mid, off)} {
				want := nearest(x)
				if got := f.RoundRat(x); got != want {
					t.Fatalf("%s of %v: %04x, want %04x", name, x, got, want)
				}
				if want != 0 {
					want |= 1 << 15
				}
				if got := f.RoundRat(x.Neg(x)); got != want {
					t.Fatalf("%s of %v: %04x, want %04x", name, x, got, want)
				}
			}
		}
	}
}

// TestRoundingAgreesWithRat compares with math/big's own conversion.
func TestRoundingAgreesWithRat(t *testing.T) {
	r := generator(4)
	for range 20000 {
		x := anySigned(r).Rat()
		if r.IntN(2) == 0 {
			x.Quo(x, anyNum(r).Rat())
		}
		if r.IntN(4) == 0 { // a tie between two float64 values
			y := anyFloat(r)
			z := math.Nextafter(y, 0)
			x.SetFloat64(y)
			x.Add(x, new(big.Rat).SetFloat64(z))
			x.Mul(x, big.NewRat(1, 2))
		}
		want64, _ := x.Float64()
		if got := Float64.RoundRat(x); got != math.Float64bits(want64+0) {
			t.Fatalf("float64 of %v: %x, want %x", x, Float64.Value(got), want64)
		}
		want32, _ := x.Float32()
		if got := Float32.RoundRat(x); got != uint64(math.Float32bits(want32+0)) {
			t.Fatalf("float32 of %v: %x, want %x", x, Float32.Value(got), want32)
		}
		if f, ok := exactFloat(x); ok {
			if got := Float32.RoundBig(f); got != uint64(math.Float32bits(want32+0)) {
				t.Fatalf("float32 of %v: %x, want %x", f, Float32.Value(got), want32)
			}
		}
	}
}

func exactFloat(x *big.Rat) (*big.Float, bool) {
	f := new(big.Float).SetPrec(4500).SetRat(x)
	y, _ := f.Rat(nil)
	return f, y.Cmp(x) == 0
}

func TestRoundingAtTheEnds(t *testing.T) {
	half := func(x float64) *big.Float { return dyadic(Float(x).signed(0), int(Float(x).exp)-1) }
	for _, c := range []struct {
		x    *big.Float
		want float64
	}{
		{half(5e-324), 0},
		{half(-5e-324), 0},
		{half(0x1.8p-1073), 0x1p-1073}, // 3/2 of the least: to even
		{new(big.Float).Add(half(5e-324), big.NewFloat(0).SetMantExp(big.NewFloat(1), -1130)), 5e-324},
		{big.NewFloat(math.MaxFloat64), math.MaxFloat64},
		{new(big.Float).SetMantExp(big.NewFloat(1), 1024), math.Inf(1)},
		{new(big.Float).SetMantExp(big.NewFloat(-1), 5000), math.Inf(-1)},
		{new(big.Float).SetInf(true), math.Inf(-1)},
		{new(big.Float).SetPrec(60).Add(big.NewFloat(math.MaxFloat64), big.NewFloat(0x1p969)), math.MaxFloat64},
		{new(big.Float).SetPrec(60).Add(big.NewFloat(math.MaxFloat64), big.NewFloat(0x1p970)), math.Inf(1)},
	} {
		if got := Float64.RoundBig(c.x); got != math.Float64bits(c.want) {
			t.Errorf("%v: got %x, want %x", c.x.Text('p', 0), Float64.Value(got), c.want)
		}
	}
}
