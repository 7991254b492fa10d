package exact

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// naive is arithmetic on fixed-point numbers of so many fractional bits, by other
// means than the package's: a halved Taylor series, Newton's iteration, long
// divisions. Its errors are below 2^-(g-40) of what is asked of it here.
type naive struct{ g uint }

func (v naive) fixed(x *big.Rat) *big.Int {
	z := new(big.Int).Lsh(x.Num(), v.g)
	return z.Quo(z, x.Denom())
}

func (v naive) mul(x, y *big.Int) *big.Int { z := new(big.Int).Mul(x, y); return z.Rsh(z, v.g) }

func (v naive) quo(x, y *big.Int) *big.Int { z := new(big.Int).Lsh(x, v.g); return z.Quo(z, y) }

// exp is e^x for |x| < 2^12: the series at x/2^24, squared 24 times.
func (v naive) exp(x *big.Int) *big.Int {
	const halvings = 24
	w := naive{v.g + 200}
	y := new(big.Int).Lsh(x, 200-halvings)
	if halvings > 200 {
		panic("too few bits")
	}
	sum, t := new(big.Int), new(big.Int).Lsh(big.NewInt(1), w.g)
	for m := int64(1); t.Sign() != 0 && m < 400; m++ {
		sum.Add(sum, t)
		t = w.mul(t, y)
		t.Quo(t, big.NewInt(m))
	}
	for range halvings {
		sum = w.mul(sum, sum)
	}
	return sum.Rsh(sum, 200)
}

// ln is the root of e^y = x, from 0 for x near 1: y += 2(x - e^y)/(x + e^y).
func (v naive) ln(x *big.Int) *big.Int {
	f, _ := new(big.Float).SetMantExp(new(big.Float).SetInt(x), -int(v.g)).Float64()
	y := v.fixed(new(big.Rat).SetFloat64(math.Log(f)))
	for range 8 {
		e := v.exp(y)
		d := v.quo(new(big.Int).Sub(x, e), new(big.Int).Add(x, e))
		y.Add(y, d.Lsh(d, 1))
	}
	return y
}

// someExponent returns numbers of many kinds up to about most.
func someExponent(r *rand.Rand, most float64) float64 {
	switch r.IntN(6) {
	case 0:
		return 0
	case 1:
		return math.Ldexp(r.Float64(), -r.IntN(1070)) // next to 0
	case 2:
		return math.Trunc(most * r.Float64())
	case 3:
		return float64(1+r.IntN(int(most))) * math.Ln2 // next to a multiple of ln 2
	case 4:
		return float64(r.IntN(int(256*most))) / 256 // next to an entry of the table
	}
	return most * r.Float64()
}

// Each exponential is within expUnit units, which a constant in place of its
// reduction, its table or its series is not.
func TestExpBound(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	worst := 0.0
	for _, n := range []int{1, 2, 3, 5, 9} {
		k := newExpKernel(n)
		v := naive{uint(64*n + 128)}
		for range 400 {
			x, d := Float(-someExponent(r, float64(64*n+8))), Int(1)
			switch r.IntN(4) {
			case 0:
				d = Float(0.25 + 4*r.Float64())
			case 1:
				x = x.Add(Float(-math.Ldexp(r.Float64(), -60))) // more than 64 bits
			}
			k.exp(x, d)
			y := new(big.Rat).Quo(x.Rat(), d.Rat())
			want := v.exp(v.fixed(y))
			got := new(big.Int).Lsh(bigInt(k.out), 128)
			diff, _ := new(big.Float).SetInt(got.Sub(got, want)).Float64()
			diff = math.Abs(math.Ldexp(diff, -128))
			worst = max(worst, diff)
			if diff >= expUnit {
				t.Fatalf("n = %d: e^(%v/%v) is off by %g units", n, x.Float(), d.Float(), diff)
			}
		}
	}
	t.Logf("largest error seen: %.4f units of %d counted", worst, expUnit)
	if worst < 0.9 {
		t.Errorf("the largest error seen is %g: the attack is too tame to mean anything", worst)
	}
}

func TestExpBoundCanFail(t *testing.T) {
	damaged := func(change func(*expTable)) bool {
		n := 2
		good := expTableFor(n)
		bad := *good
		bad.ln2, bad.inverse = slices.Clone(good.ln2), slices.Clone(good.inverse)
		bad.coarse, bad.fine = slices.Clone(good.coarse), slices.Clone(good.fine)
		change(&bad)
		k := newExpKernel(n)
		k.t = &bad
		v := naive{uint(64*n + 128)}
		r := rand.New(rand.NewPCG(4, 2))
		for range 2000 {
			x := Float(-someExponent(r, 40))
			k.exp(x, Int(1))
			got := new(big.Int).Lsh(bigInt(k.out), 128)
			got.Sub(got, v.exp(v.fixed(x.Rat())))
			if got.CmpAbs(new(big.Int).Lsh(big.NewInt(expUnit), 128)) >= 0 {
				return true
			}
		}
		return false
	}
	high := func(x []uint64) []uint64 { y := slices.Clone(x); y[1] ^= 1 << 60; return y }
	for name, change := range map[string]func(*expTable){
		"ln 2":   func(t *expTable) { t.ln2[1] ^= 1 << 5 },
		"coarse": func(t *expTable) { t.coarse[100] = high(t.coarse[100]) },
		"fine": func(t *expTable) {
			for i := range t.fine {
				t.fine[i] = high(t.fine[i])
			}
		},
		"series": func(t *expTable) { t.inverse = t.inverse[:len(t.inverse)-6] },
	} {
		if !damaged(change) {
			t.Errorf("%s: the damage is not seen", name)
		}
	}
	if damaged(func(*expTable) {}) {
		t.Error("damage is seen where there is none")
	}
}

func TestFactor(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 3))
	for range 300 {
		n := 1 + r.IntN(4)
		x := someExponent(r, 3000)
		if r.IntN(2) == 0 {
			x = -x
		}
		b := newExpKernel(n).factor(Float(x), Int(1))
		v := naive{9000}
		want := dyadic(v.exp(v.fixed(new(big.Rat).SetFloat64(x))), -9000)
		if dyadic(b.lo, b.exp).Cmp(want) > 0 || dyadic(b.hi, b.exp).Cmp(want) < 0 {
			t.Fatalf("e^%v = %v is not in the enclosure", x, want)
		}
		if width := new(big.Int).Sub(b.hi, b.lo); x != 0 && width.BitLen()+40+64*n > b.hi.BitLen() {
			t.Fatalf("e^%v: the enclosure is too wide", x)
		}
	}
	if b := newExpKernel(1).factor(Float(-1e308), Int(1)); b.lo.Sign() != 0 || b.hi.Sign() <= 0 {
		t.Error("e^-1e308 is not enclosed by 0 and a tiny number")
	}
}

// Each quantity agrees with its formula as naive arithmetic evaluates it.
func TestExpectations(t *testing.T) {
	v := naive{700}
	r := rand.New(rand.NewPCG(4, 4))
	fix := func(x float64) *big.Int { return v.fixed(new(big.Rat).SetFloat64(x)) }
	for i := range 150 {
		m := 1 + r.IntN(6)
		a, b := make([]float64, m), make([]float64, m)
		temperature := 1.0
		if r.IntN(2) == 0 {
			temperature = 0.5 + r.Float64()
		}
		spread := math.Ldexp(1, 5-r.IntN(40))
		for j := range a {
			a[j] = 20 * r.NormFloat64()
			b[j] = a[j] + spread*r.NormFloat64()
			switch r.IntN(8) {
			case 0:
				a[j] = math.Inf(-1)
			case 1:
				a[j], b[j] = math.Inf(-1), math.Inf(-1)
			}
		}
		a[r.IntN(m)] = 3
		for j := range b {
			if a[j] > -1e300 && math.IsInf(b[j], -1) {
				b[j] = 1
			}
		}
		weights := func(x []float64, t float64) (z []*big.Int, total *big.Int) {
			total = new(big.Int)
			for _, u := range x {
				w := new(big.Int)
				if !math.IsInf(u, -1) {
					w = v.exp(v.quo(fix(u), fix(t)))
				}
				z, total = append(z, w), total.Add(total, w)
			}
			return z, total
		}
		p, pTotal := weights(a, temperature)
		q, qTotal := weights(b, temperature)
		sum := func(w []*big.Int, total *big.Int, number func(j int) *big.Int) *big.Int {
			s := new(big.Int)
			for j := range w {
				if w[j].Sign() != 0 {
					s.Add(s, v.mul(w[j], number(j)))
				}
			}
			return v.quo(s, total)
		}
		lnS := func(j int) *big.Int { return v.ln(v.quo(p[j], pTotal)) }
		lnR := func(j int) *big.Int { return v.ln(v.quo(q[j], qTotal)) }
		one := new(big.Int).Lsh(big.NewInt(1), v.g)
		w, _ := weights(a, 1)
		for name, x := range map[string]struct {
			got  *Form
			want *big.Int
		}{
			"KLLogits":             {KLLogits(a, b, temperature), sum(p, pTotal, func(j int) *big.Int { z := lnS(j); return z.Sub(z, lnR(j)) })},
			"EntropyLogits":        {EntropyLogits(a, temperature), sum(p, pTotal, func(j int) *big.Int { z := lnS(j); return z.Neg(z) })},
			"CrossEntropyLogits":   {CrossEntropyLogits(a, b, temperature), sum(p, pTotal, func(j int) *big.Int { z := lnR(j); return z.Neg(z) })},
			"KLLogProbs":           {within(KLLogProbs(a, b)), sum(w, one, func(j int) *big.Int { z := fix(a[j]); return z.Sub(z, fix(b[j])) })},
			"EntropyLogProbs":      {within(EntropyLogProbs(a)), sum(w, one, func(j int) *big.Int { return fix(-a[j]) })},
			"CrossEntropyLogProbs": {within(CrossEntropyLogProbs(a, b)), sum(w, one, func(j int) *big.Int { return fix(-b[j]) })},
		} {
			for _, width := range []int{64, 128, 320} {
				e := x.got.Enclose(width)
				slack := new(big.Float).SetMantExp(big.NewFloat(1), -450) // naive's own error, with weights up to e^100
				want := new(big.Float).SetPrec(1000).Set(dyadic(x.want, -int(v.g)))
				if e.Lo.Cmp(new(big.Float).SetPrec(1000).Add(want, slack)) > 0 || e.Hi.Cmp(new(big.Float).SetPrec(1000).Sub(want, slack)) < 0 {
					t.Fatalf("draw %d: %s(%v, %v, %v) at %d bits: %v is not in [%v, %v]", i, name, a, b, temperature, width,
						want.Text('g', 40), e.Lo.Text('g', 40), e.Hi.Text('g', 40))
				}
			}
		}
	}
}

// within is the sum of a LogSum that is not beyond.
func within(f *Form, beyond bool) *Form {
	if beyond {
		panic("a weight beyond every format")
	}
	return f
}

func rounded(t *testing.T, f *Form) (float64, Rounding) {
	t.Helper()
	r, err := f.Round(Float64)
	if err != nil {
		t.Fatal(err)
	}
	return math.Float64frombits(r.Bits), r
}

func TestExpectationsNamed(t *testing.T) {
	ninf := math.Inf(-1)
	for _, c := range []struct {
		name string
		f    *Form
		want float64
	}{
		{"deep logits", KLLogits([]float64{0, -700}, []float64{0, -701}, 1), 3.6271722970495225e-305},
		{"below every format", KLLogits([]float64{0, -1e5}, []float64{0, -1e5 - 1}, 1), 0},
		{"shifted", KLLogits([]float64{1, 2, 3}, []float64{1001, 1002, 1003}, 1), 0},
		{"one logit", EntropyLogits([]float64{ninf, 5, ninf}, 1), 0},
		{"uniform", EntropyLogits([]float64{7, 7}, 3), math.Ln2},
		{"uniform against four", KLLogits([]float64{7, ninf, 7, ninf}, []float64{1, 1, 1, 1}, 3), math.Ln2},
		{"far apart", CrossEntropyLogits([]float64{0, ninf}, []float64{-1e300, 1e300}, 1), 2e300},
		{"tie, to even", within(KLLogProbs([]float64{0, 0}, []float64{-1, -0x1p-53})), 1},
		{"tie, to even above", within(KLLogProbs([]float64{0, 0, -3}, []float64{-1, -0x1.8p-52, -3})), 1 + 0x1p-51},
		{"cancelling tie", within(KLLogProbs([]float64{0, 0, -3, -3}, []float64{-1, -0x1p-53, -4, -2})), 1},
		{"below the format", within(KLLogProbs([]float64{-1e308, -5000}, []float64{-1, -1})), 0},
		{"no weight", within(KLLogProbs([]float64{ninf}, []float64{0})), 0},
		{"giants that cancel", within(KLLogProbs([]float64{1e308, 0, 1e308, 1e5}, []float64{1e308 + 1e300, 1, 1e308 - 1e300, 1e5})), -1},
	} {
		if got, r := rounded(t, c.f); got != c.want || math.Signbit(got) != math.Signbit(c.want) {
			t.Errorf("%s: %v (%d bits), want %v", c.name, got, r.Enclosure.W, c.want)
		}
	}
	for want, x := range map[float64][2][]float64{
		math.Inf(1):  {{1e308, 0}, {1, 1}},
		math.Inf(-1): {{4e4, 0}, {5e4, 1}},
	} {
		f, beyond := KLLogProbs(x[0], x[1])
		sign, err := f.Sign()
		if got, _ := rounded(t, f); err != nil || got != want || !math.IsInf(want, sign) || !beyond {
			t.Errorf("KLLogProbs%v: %v, sign %d, beyond %v, %v", x, got, sign, beyond, err)
		}
	}
	// The value exceeds a tie by 2^-28854.
	if _, err := CrossEntropyLogits([]float64{0, ninf}, []float64{-0x1p-39, 20000}, 1).Round(Float64); !errors.Is(err, ErrUndecided) {
		t.Errorf("a value that 4096 bits do not tell from a tie: %v", err)
	}
	if _, err := CrossEntropyLogits([]float64{0, ninf}, []float64{0, -1e4}, 1).Sign(); !errors.Is(err, ErrUndecided) {
		t.Errorf("the sign of ln(1 + e^-10000): %v", err)
	}
	if sign, err := within(KLLogProbs([]float64{-3, -3}, []float64{-4, -2})).Sign(); sign != 0 || err != nil {
		t.Errorf("e^-3·1 - e^-3·1 has the sign %d, %v", sign, err)
	}
	// To base 2 only 0 is known to be rational.
	f := within(KLLogProbs([]float64{0, 0}, []float64{-1, -2}))
	f.SetBase(Int(2))
	if _, ok, decided := f.Rational(); ok || !decided {
		t.Error("3/ln 2 is taken for rational, or for undecided")
	}
	f = within(KLLogProbs([]float64{1, 0}, []float64{-1, -2}))
	f.SetBase(Int(2))
	if _, ok, decided := f.Rational(); ok || decided {
		t.Error("(2e + 2)/ln 2 is decided")
	}
}

func TestExpectationPanics(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, f := range map[string]func(){
		"lengths":         func() { KLLogits([]float64{1}, []float64{1, 2}, 1) },
		"NaN":             func() { KLLogits([]float64{1, nan}, []float64{1, 2}, 1) },
		"+Inf in Q":       func() { CrossEntropyLogProbs([]float64{1, -inf}, []float64{1, inf}) },
		"all masked":      func() { EntropyLogits([]float64{-inf}, 1) },
		"Q masked":        func() { KLLogits([]float64{1, 1}, []float64{1, -inf}, 1) },
		"temperature 0":   func() { KLLogits([]float64{1, 1}, []float64{1, 1}, 0) },
		"temperature NaN": func() { EntropyLogits([]float64{1, 1}, nan) },
		"temperatures": func() {
			new(Form).AddExpectation(big.NewRat(1, 1), Expectation{Of: NewExps([]Num{Int(1)}, Int(1)), C: []Num{Int(1)}, Over: NewExps([]Num{Int(1)}, Int(2))})
		},
		"numbers": func() {
			new(Form).AddExpectation(big.NewRat(1, 1), Expectation{Of: NewExps([]Num{Int(1)}, Int(1))})
		},
		"a weight above e^32768": func() {
			new(Form).AddExpectation(big.NewRat(1, 1), Expectation{Of: NewExps([]Num{Int(40000)}, Int(1)), C: []Num{Int(1)}})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func BenchmarkKLLogits(b *testing.B) {
	r := rand.New(rand.NewPCG(4, 5))
	x, y := make([]float32, 49152), make([]float32, 49152)
	for i := range x {
		x[i] = float32(3 * r.NormFloat64())
		y[i] = x[i] + float32(r.NormFloat64())/8
	}
	for b.Loop() {
		if _, err := KLLogits(x, y, 1).Round(Float64); err != nil {
			b.Fatal(err)
		}
	}
}
