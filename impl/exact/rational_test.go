package exact

import (
	"math"
	"math/big"
	"testing"
)

// ring is a form with n parts that is 0 by factorisation only: products of
// neighbouring primes around a ring, with signs that alternate.
func ring(n int) *Form {
	var primes []int64
	for x := int64(3); len(primes) < n; x += 2 {
		if big.NewInt(x).ProbablyPrime(0) {
			primes = append(primes, x)
		}
	}
	f := new(Form)
	for i := 0; i < n; i += 2 {
		j, k := (i+1)%n, (i+2)%n
		f.AddLog(Int(1), Int(primes[i]*primes[j]), Int(primes[j]*primes[k]))
	}
	return f
}

func TestRational(t *testing.T) {
	n := func(x int64) Num { return Int(x) }
	for _, c := range []struct {
		name  string
		build func(f *Form)
		want  *big.Rat // nil if irrational
	}{
		{"0", func(f *Form) {}, new(big.Rat)},
		{"ln 2", func(f *Form) { f.AddLog(n(1), n(2), n(1)) }, nil},
		{"ln 2 / ln 2", func(f *Form) { f.AddLog(n(1), n(2), n(1)); f.SetBase(n(2)) }, big.NewRat(1, 1)},
		{"ln 2 / ln 8", func(f *Form) { f.AddLog(n(1), n(2), n(1)); f.SetBase(n(8)) }, big.NewRat(1, 3)},
		{"ln 3 / ln 2", func(f *Form) { f.AddLog(n(1), n(3), n(1)); f.SetBase(n(2)) }, nil},
		{"ln 3 / ln 1/9", func(f *Form) { f.AddLog(n(1), n(3), n(1)); f.AddScaled(big.NewRat(1, 7), ring(6)); f.SetBase(n(9)) }, big.NewRat(1, 2)},
		{"ln 6 / ln 12", func(f *Form) { f.AddLog(n(1), n(6), n(1)); f.SetBase(n(12)) }, nil},
		{"ln 36 / ln 6", func(f *Form) { f.AddLog(n(1), n(9), n(1)); f.AddLog(n(2), n(2), n(1)); f.SetBase(n(6)) }, big.NewRat(2, 1)},
		{"ln 12 - ln 4 - ln 3", func(f *Form) { f.AddLog(n(1), n(12), n(4)); f.AddLog(n(-1), n(3), n(1)) }, new(big.Rat)},
		{"2/3 + 0", func(f *Form) { f.AddRat(big.NewRat(2, 3)); f.AddScaled(big.NewRat(3, 7), ring(10)) }, big.NewRat(2, 3)},
		{"1 + ln 3", func(f *Form) { f.AddRat(big.NewRat(1, 1)); f.AddLog(n(1), n(3), n(1)) }, nil},
		{"1 / ln 2", func(f *Form) { f.AddRat(big.NewRat(1, 1)); f.SetBase(n(2)) }, nil},
		{"(1 + ln 2) / ln 2", func(f *Form) { f.AddRat(big.NewRat(1, 1)); f.AddLog(n(1), n(2), n(1)); f.SetBase(n(2)) }, nil},
		{"weights of thirds", func(f *Form) {
			g := new(Form)
			g.AddLog(n(3), n(15), n(14))
			f.AddScaled(big.NewRat(2, 9), g)
			h := new(Form)
			h.AddLog(n(1), n(14), n(15))
			f.AddScaled(big.NewRat(2, 3), h)
			f.AddLog(n(5), n(49), n(2))
			f.SetBase(n(7).Mul(n(7)).Half())
		}, big.NewRat(5, 1)},
		{"wide numbers", func(f *Form) {
			x, y := n(math.MaxInt64).Mul(n(math.MaxInt64-2)), n(math.MaxInt64-2).Mul(n(5))
			f.AddLog(n(1), x, y)
			f.AddLog(n(-1), n(math.MaxInt64), n(5))
		}, new(big.Rat)},
	} {
		f := new(Form)
		c.build(f)
		r, ok, decided := f.Rational()
		if !decided || ok != (c.want != nil) || ok && r.Cmp(c.want) != 0 {
			t.Errorf("%s: %v, %v, %v; want %v", c.name, r, ok, decided, c.want)
		}
		// The value must lie in every enclosure.
		if ok {
			v := f.Enclose(256)
			lo, _ := v.Lo.Rat(nil)
			hi, _ := v.Hi.Rat(nil)
			if r.Cmp(lo) < 0 || r.Cmp(hi) > 0 {
				t.Errorf("%s: %v is outside %v", c.name, r, v)
			}
		}
	}
}

// TestRationalAgainstExponents decides the same question by trial division over
// numbers made of a few small primes.
func TestRationalAgainstExponents(t *testing.T) {
	r := generator(31)
	primes := []int64{2, 3, 5, 7, 11}
	rational := 0
	for range 3000 {
		f := new(Form)
		var lambda, base [5]int64
		number := func(e *[5]int64, k int64, factors int) Num {
			x := int64(1)
			for range factors {
				i := r.IntN(len(primes) - r.IntN(4))
				x *= primes[i]
				e[i] += k
			}
			return Int(x)
		}
		for range 1 + r.IntN(4) {
			a := int64(r.IntN(5) - 2)
			b, c := number(&lambda, a, r.IntN(5)), number(&lambda, -a, r.IntN(5))
			f.AddLog(Int(a), b, c)
		}
		withBase := r.IntN(2) == 0
		if withBase {
			b := number(&base, 1, 1+r.IntN(3))
			f.SetBase(b)
		}
		// want: lambda = s·base for a rational s; s = 0 without a base.
		want := true
		for i := range lambda {
			for j := range lambda {
				want = want && lambda[i]*base[j] == lambda[j]*base[i]
			}
			want = want && (withBase || lambda[i] == 0)
		}
		_, ok, decided := f.Rational()
		if !decided || ok != want {
			t.Fatalf("exponents %v at base %v: rational %v, decided %v", lambda, base, ok, decided)
		}
		if ok {
			rational++
		}
	}
	if rational < 100 {
		t.Errorf("only %d rational cases", rational)
	}
}

func TestRingsNeedARefinement(t *testing.T) {
	for _, n := range []int{4, 20, firstParts + 40} {
		f := ring(n)
		if r, ok, decided := f.Rational(); !ok || !decided || r.Sign() != 0 {
			t.Errorf("%d parts: %v, %v, %v", n, r, ok, decided)
		}
		x, err := f.Round(Float64)
		if err != nil || x.Bits != 0 || !x.Exact {
			t.Errorf("%d parts: %+v, %v", n, x, err)
		}
	}
	if _, ok, decided := ring(firstParts + 40).rational(firstParts); ok || decided {
		t.Error("the first limit is not kept")
	}
}
