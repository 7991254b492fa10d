package exact

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func generator(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x6b6c)) }

// anyFloat draws positive numbers of every kind: near 1, ordinary, of any
// exponent, subnormal, and small integers.
func anyFloat(r *rand.Rand) float64 {
	switch r.IntN(5) {
	case 0:
		return 1 + float64(r.IntN(17)-8)*0x1p-52
	case 1:
		return r.ExpFloat64() + 1e-9
	case 2:
		return math.Float64frombits(1 + r.Uint64N(0x7fefffffffffffff))
	case 3:
		return math.Float64frombits(1 + r.Uint64N(1<<52-1))
	}
	return float64(1 + r.IntN(300))
}

// anyNum also draws sums and products too wide for one word.
func anyNum(r *rand.Rand) Num {
	x := Float(anyFloat(r))
	switch r.IntN(4) {
	case 0:
		return x.Add(Float(anyFloat(r)))
	case 1:
		return x.Mul(Float(anyFloat(r)))
	}
	return x
}

func anySigned(r *rand.Rand) Num {
	x := anyNum(r)
	switch r.IntN(8) {
	case 0:
		return Num{}
	case 1, 2, 3:
		return x.Neg()
	}
	return x
}

func TestNumArithmeticAgreesWithRat(t *testing.T) {
	r := generator(1)
	for range 5000 {
		x, y := anySigned(r), anySigned(r)
		if r.IntN(3) == 0 {
			y = x.Add(Float(math.Ldexp(anyFloat(r), -r.IntN(40)))).Neg()
		}
		a, b := x.Rat(), y.Rat()
		check := func(name string, got Num, want *big.Rat) {
			t.Helper()
			if got.Rat().Cmp(want) != 0 {
				t.Fatalf("%s(%v, %v) = %v, want %v", name, a, b, got.Rat(), want)
			}
			if f, acc := new(big.Rat).SetString(got.Float().Text('p', 0)); acc && f.Cmp(want) != 0 {
				t.Fatalf("Float of %v is %v", want, f)
			}
			if z, _ := got.Float().Rat(nil); z.Cmp(want) != 0 {
				t.Fatalf("Float of %v is %v", want, z)
			}
			canonical := got.isZero() && got == Num{} ||
				got.wide == nil && got.man&1 == 1 ||
				got.wide != nil && got.man == 0 && got.wide.Bit(0) == 1 && got.wide.BitLen() > 64
			if !canonical {
				t.Fatalf("%s(%v, %v) is not canonical: %+v", name, a, b, got)
			}
		}
		check("Add", x.Add(y), new(big.Rat).Add(a, b))
		check("Sub", x.Sub(y), new(big.Rat).Sub(a, b))
		check("Mul", x.Mul(y), new(big.Rat).Mul(a, b))
		check("Neg", x.Neg(), new(big.Rat).Neg(a))
		check("Abs", x.Abs(), new(big.Rat).Abs(a))
		check("Half", x.Half(), new(big.Rat).Mul(a, big.NewRat(1, 2)))
		if x.Cmp(y) != a.Cmp(b) || x.Sign() != a.Sign() || x.Cmp(x) != 0 {
			t.Fatalf("order of %v and %v", a, b)
		}
	}
}

func TestNumOfMachineNumbers(t *testing.T) {
	for _, x := range []float64{0, math.Copysign(0, -1), 1, -1, 5e-324, math.MaxFloat64, 0x1p-1022, -0x1.fffffffffffffp-1023} {
		if got, _ := Float(x).Float().Float64(); got != x {
			t.Errorf("Float(%g) = %g", x, got)
		}
	}
	for _, n := range []int64{0, 1, -1, math.MaxInt64, math.MinInt64} {
		if got := Int(n).Rat(); !got.IsInt() || got.Num().Int64() != n {
			t.Errorf("Int(%d) = %v", n, got)
		}
	}
	full := Int(math.MaxInt64).Ldexp(1).Add(Int(1)) // 2^64 - 1
	for _, x := range []Num{Int(1), Int(1).Ldexp(62), Int(1).Ldexp(63), full, full.Neg()} {
		want := new(big.Rat).Add(full.Rat(), x.Rat())
		if got := full.Add(x).Rat(); got.Cmp(want) != 0 || x.Add(full).Rat().Cmp(want) != 0 {
			t.Errorf("2^64 - 1 + %v = %v", x.Rat(), got)
		}
	}
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		mustPanic(t, func() { Float(x) })
	}
}

func mustPanic(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f()
}

func TestSum(t *testing.T) {
	r := generator(2)
	for n := range 60 {
		xs := make([]Num, n)
		want := new(big.Rat)
		for i := range xs {
			xs[i] = anySigned(r)
			want.Add(want, xs[i].Rat())
		}
		if got := Sum(xs).Rat(); got.Cmp(want) != 0 {
			t.Fatalf("n = %d: got %v, want %v", n, got, want)
		}
	}
	ones := make([]Num, 1<<16)
	for i := range ones {
		ones[i] = Float(math.MaxFloat64)
	}
	if got, want := Sum(ones), Float(math.MaxFloat64).Ldexp(16); got.Cmp(want) != 0 {
		t.Errorf("carries: got %v", got.Rat())
	}
}
