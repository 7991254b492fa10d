package exact

import (
	"bufio"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func round64(t *testing.T, f *Form) float64 {
	t.Helper()
	r, err := f.Round(Float64)
	if err != nil {
		t.Fatal(err)
	}
	return math.Float64frombits(r.Bits)
}

// same is equality of bits.
func same(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) }

func atBase(f *Form, b float64) *Form {
	f.SetBase(Float(b))
	return f
}

// normalised is KL of p/Σp from q/Σq.
func normalised(p, q []float64) *Form {
	total := func(x []float64) Num {
		var xs []Num
		for _, v := range x {
			xs = append(xs, Float(v))
		}
		return Sum(xs)
	}
	sp, sq := total(p), total(q)
	f := new(Form)
	f.AddScaled(new(big.Rat).Inv(sp.Rat()), KL(p, q))
	f.AddLog(Int(-1), sp, sq)
	return f
}

func TestKnownDivergences(t *testing.T) {
	p, q := []float64{.2, .5, .3}, []float64{.1, .6, .3}
	if got := round64(t, KL(p, q)); got != 0x1.84dcfd8f12615p-5 {
		t.Errorf("KL(P‖Q) = %x", got)
	}
	if got := round64(t, KL(q, p)); got != 0x1.48521c62dd932p-5 {
		t.Errorf("KL(Q‖P) = %x", got)
	}

	file, err := os.Open("testdata/divergences.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	vector := func(s string) (x []float64) {
		for _, w := range strings.Split(s, ",") {
			if w != "" {
				b, err := strconv.ParseUint(w, 16, 64)
				if err != nil {
					t.Fatal(err)
				}
				x = append(x, math.Float64frombits(b))
			}
		}
		return x
	}
	cases := 0
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		f := strings.Split(lines.Text(), "|")
		name, p, q := f[0], vector(f[1]), vector(f[2])
		cases++
		if got, want := round64(t, KL(p, q)), vector(f[3])[0]; !same(got, want) {
			t.Errorf("%s: got %x, want %x", name, got, want)
		}
		if f[4] == "-" {
			continue
		}
		if got, want := round64(t, normalised(p, q)), vector(f[4])[0]; !same(got, want) {
			t.Errorf("%s normalised: got %x, want %x", name, got, want)
		}
	}
	if err := lines.Err(); err != nil || cases < 30 {
		t.Errorf("%d cases, %v", cases, err)
	}
}

// anyForm draws a form with up to three weighted groups, R and a base.
func anyForm(r *rand.Rand) *Form {
	f := new(Form)
	for range 1 + r.IntN(3) {
		g := new(Form)
		for range 1 + r.IntN(6) {
			b, c := anyNum(r), anyNum(r)
			if r.IntN(4) == 0 {
				c = b.Add(b.Ldexp(-20 - r.IntN(100)))
			}
			g.AddLog(anySigned(r), b, c)
		}
		w := big.NewRat(1, 1)
		if r.IntN(2) == 0 {
			w.SetFrac64(int64(r.IntN(2000)-1000), int64(1+r.IntN(1000)))
		}
		f.AddScaled(w, g)
	}
	if r.IntN(3) == 0 {
		f.AddRat(big.NewRat(int64(r.IntN(200)-100), int64(1+r.IntN(99))))
	}
	if b := anyNum(r); r.IntN(3) == 0 && b.Cmp(Int(1)) != 0 {
		f.SetBase(b)
	}
	return f
}

func contains(outer, inner Interval) bool {
	return outer.Lo.Cmp(inner.Lo) <= 0 && inner.Hi.Cmp(outer.Hi) <= 0
}

func TestEnclosuresAreNested(t *testing.T) {
	r := generator(21)
	for range 3000 {
		f := anyForm(r)
		w := 64 * (1 + r.IntN(3))
		if !contains(f.Enclose(w), f.Enclose(4*w)) {
			t.Fatalf("w = %d: %v does not contain %v", w, f.Enclose(w), f.Enclose(4*w))
		}
		if a, b := f.Mass(w), f.Mass(4*w); !contains(a, b) || a.Lo.Sign() < 0 {
			t.Fatalf("mass, w = %d: %v does not contain %v", w, a, b)
		}
	}
}

// TestEnclosureWidth holds the width to what Enclose promises.
func TestEnclosureWidth(t *testing.T) {
	r := generator(22)
	for range 500 {
		f := new(Form)
		total := Num{}
		for range 1 + r.IntN(20) {
			a := anySigned(r)
			n := f.Len()
			f.AddLog(a, anyNum(r), anyNum(r))
			if f.Len() > n {
				total = total.Add(a.Abs())
			}
		}
		if f.Len() == 0 {
			continue
		}
		// A base far from 1, close to it, or very close to it.
		perBase := big.NewFloat(1)
		switch b := Int(1).Add(Int(1).Ldexp(-r.IntN(70) * r.IntN(6))); r.IntN(3) {
		case 0:
			b = anyNum(r)
			fallthrough
		case 1:
			if b.Cmp(Int(1)) == 0 {
				break
			}
			f.SetBase(b)
			l := new(Form)
			l.AddLog(Int(1), b, Int(1))
			v := l.Enclose(1024)
			if perBase.SetPrec(900).Quo(perBase, v.Lo); perBase.Signbit() {
				perBase.Neg(perBase)
			}
		}
		v := f.Enclose(100)
		if v.W != 128 {
			t.Fatalf("W = %d", v.W)
		}
		width := new(big.Float).SetPrec(9000).Sub(v.Hi, v.Lo)
		limit := new(big.Float).SetPrec(9000).Mul(total.Float(), big.NewFloat(14.001*0x1p-128))
		limit.Mul(limit, perBase)
		if width.Cmp(limit) > 0 {
			t.Fatalf("width %g, limit %g", width, limit)
		}
		// Hi - Lo ≤ 2·Err·2^-W
		err := new(big.Float).SetPrec(9000).SetInt(v.Err)
		if err.SetMantExp(err, 1-v.W); width.Cmp(err) > 0 {
			t.Fatalf("width %g, counted %g", width, err)
		}
	}
}

func TestRoundAgreesWithAWideEnclosure(t *testing.T) {
	r := generator(23)
	for range 1500 {
		f := anyForm(r)
		v := f.Enclose(2560)
		for _, to := range []Format{Float64, Float32, Float16, BFloat16} {
			x, err := f.Round(to)
			if err != nil {
				t.Fatal(err)
			}
			if lo, hi := to.RoundBig(v.Lo), to.RoundBig(v.Hi); !x.Exact && (x.Bits != lo || x.Bits != hi) {
				t.Fatalf("got %x, the ends round to %x and %x", x.Bits, lo, hi)
			}
			if x.Enclosure.Hi.Cmp(v.Lo) < 0 || x.Enclosure.Lo.Cmp(v.Hi) > 0 {
				t.Fatalf("the enclosures %v and %v are disjoint", x.Enclosure, v)
			}
		}
	}
}

func TestTies(t *testing.T) {
	const ulp = 0x1p-52
	log := func(terms ...float64) *Form {
		f := new(Form)
		for i := 0; i < len(terms); i += 3 {
			f.AddLog(Float(terms[i]), Float(terms[i+1]), Float(terms[i+2]))
		}
		return f
	}
	plus := func(r *big.Rat, f *Form) *Form {
		f.AddRat(r)
		return f
	}
	tie := new(big.Rat).SetFloat64(0x1p-53)
	tie.Add(tie, big.NewRat(1, 1))
	for _, c := range []struct {
		name  string
		f     *Form
		want  float64
		exact bool
	}{
		{"base 2, down to even", atBase(KL([]float64{1, 0x1p-53}, []float64{.5, 0x1p-54}), 2), 1, true},
		{"base 2, up to even", atBase(KL([]float64{1, 0x3p-53}, []float64{.5, 0x3p-54}), 2), 1 + 2*ulp, true},
		{"base 4", atBase(KL([]float64{2, 0x1p-52}, []float64{1, 0x1p-53}), 4), 1, true},
		{"base 1/2", atBase(KL([]float64{1, 0x3p-53}, []float64{.5, 0x3p-54}), 0.5), -1 - 2*ulp, true},
		{"base 10", atBase(log(1, 10, 1, 0x1p-54, 100, 1), 10), 1, true},
		{"base 10, apart", atBase(log(1, 5, 3, 1, 6, 1, 0x3p-53, 40, 4), 10), 1 + 2*ulp, true},
		{"base 3/2", atBase(log(1, 3, 1, -1, 2, 1, 0x1p-54, 9, 4), 1.5), 1, true},
		{"base 15 of 9 and 25", atBase(log(.5, 9, 1, .5, 25, 1, 0x1p-54, 225, 1), 15), 1, true},
		{"base 2, a little more", atBase(log(1, 2, 1, 0x1p-53, 2, 1, 0x1p-600, 3, 1), 2), 1 + ulp, false},
		{"base 2, a little less", atBase(log(1, 2, 1, 0x1p-53, 2, 1, 0x1p-600, 1, 3), 2), 1, false},
		{"base 2, a rational more", atBase(log(1, 2, 1, 0x1p-53, 2, 1, 0x1p-600, 2, 1), 2), 1 + ulp, true},
		{"R, no logarithms", plus(tie, log()), 1, true},
		{"R, the logarithms cancel", plus(tie, KL([]float64{1, 1}, []float64{2, .5})), 1, true},
		{"R, a little more", plus(tie, log(0x1p-600, 3, 1)), 1 + ulp, false},
	} {
		r, err := c.f.Round(Float64)
		if err != nil || !same(math.Float64frombits(r.Bits), c.want) || r.Exact != c.exact {
			t.Errorf("%s: %x, exact %v, %v; want %x, exact %v",
				c.name, math.Float64frombits(r.Bits), r.Exact, err, c.want, c.exact)
		}
	}
}

func TestZeros(t *testing.T) {
	p := []float64{.2, .5, .3}
	r, err := KL(p, p).Round(Float64)
	if err != nil || r.Bits != 0 || !r.Exact || KL(p, p).Len() != 0 {
		t.Errorf("KL(P‖P): %+v, %v", r, err)
	}
	r, err = KL([]float64{1, 1}, []float64{2, .5}).Round(Float64)
	if err != nil || r.Bits != 0 || !r.Exact {
		t.Errorf("P < Q: %+v, %v", r, err)
	}
	// Below half the least number, from either side, through the width alone.
	for _, sign := range []int64{1, -1} {
		f := new(Form)
		f.AddLog(Int(sign), Int(1).Add(Int(1).Ldexp(-1100)), Int(1))
		r, err := f.Round(Float64)
		if err != nil || r.Bits != 0 || r.Exact || r.Enclosure.W > 1200 {
			t.Errorf("ln(1 + 2^-1100): %+v, %v", r, err)
		}
	}
	// 0.69 of the least number is rounded to it, 0.35 of it to +0.
	tiny := new(Form)
	tiny.AddLog(Float(-5e-324), Int(2), Int(1))
	if got := round64(t, tiny); got != -5e-324 {
		t.Errorf("-0.69 of the least number: %g", got)
	}
	half := new(Form)
	half.AddScaled(big.NewRat(1, 2), tiny)
	if got := round64(t, half); !same(got, 0) {
		t.Errorf("-0.35 of the least number: %g", got)
	}
	if got := round64(t, KL([]float64{}, nil)); !same(got, 0) {
		t.Errorf("empty: %g", got)
	}
}

func TestOverflow(t *testing.T) {
	for _, c := range []struct{ p, q, want float64 }{
		{1e308, 5e-324, math.Inf(1)},
		{math.MaxFloat64 / 2, math.MaxFloat64, -math.MaxFloat64 / 2 * math.Ln2},
		{1e306, 1e-300, math.Inf(1)},
	} {
		got := round64(t, KL([]float64{c.p}, []float64{c.q}))
		if math.IsInf(c.want, 0) && got != c.want || math.Abs(got/c.want-1) > 1e-15 {
			t.Errorf("KL(%g‖%g) = %g, want %g", c.p, c.q, got, c.want)
		}
	}
	f := new(Form)
	f.AddLog(Float(-math.MaxFloat64), Int(3), Int(1))
	if got := round64(t, f); got != math.Inf(-1) {
		t.Errorf("got %g", got)
	}
	r, err := KL([]float64{70000}, []float64{1}).Round(Float16)
	if err != nil || Float16.Value(r.Bits) != math.Inf(1) {
		t.Errorf("float16: %+v, %v", r, err)
	}
}

// TestNearEqual compares Σ p·ln(p/q) with its leading terms p - q + (p-q)²/2p, whose
// remainder is below 2^-154 here.
func TestNearEqual(t *testing.T) {
	r := generator(24)
	for range 300 {
		var p, q []float64
		series := new(big.Rat)
		for range 1 + r.IntN(8) {
			x := 1 + r.Float64()
			y := x + float64(r.IntN(5)-2)*0x1p-52
			p, q = append(p, x), append(q, y)
			d := Float(x).Sub(Float(y)).Rat()
			series.Add(series, d)
			d.Mul(d, d)
			series.Add(series, d.Quo(d, Float(x).Add(Float(x)).Rat()))
		}
		v := KL(p, q).Enclose(192)
		slack := Int(1).Ldexp(-150).Rat()
		lo, _ := v.Lo.Rat(nil)
		hi, _ := v.Hi.Rat(nil)
		if hi.Cmp(new(big.Rat).Sub(series, slack)) < 0 || lo.Cmp(new(big.Rat).Add(series, slack)) > 0 {
			t.Fatalf("KL(%x‖%x): %v", p, q, v)
		}
	}
}

func TestQuantities(t *testing.T) {
	r := generator(25)
	one, minus := big.NewRat(1, 1), big.NewRat(-1, 1)
	for range 100 {
		n := 1 + r.IntN(10)
		p, q, m := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range p {
			p[i], q[i] = float64(r.IntN(100)), float64(1+r.IntN(100))
			m[i] = (p[i] + q[i]) / 2
		}
		zero := func(name string, f *Form) {
			t.Helper()
			if v, ok, decided := f.Rational(); !ok || !decided || v.Sign() != 0 {
				t.Fatalf("%s fails for %v, %v", name, p, q)
			}
		}
		f := CrossEntropy(p, q)
		f.AddScaled(minus, Entropy(p))
		f.AddScaled(minus, KL(p, q))
		zero("H(P,Q) = H(P) + KL", f)
		f = new(Form)
		f.AddScaled(big.NewRat(-2, 1), JensenShannon(p, q))
		f.AddScaled(one, KL(p, m))
		f.AddScaled(one, KL(q, m))
		zero("2·JS = KL(P‖M) + KL(Q‖M)", f)
	}
	if got := round64(t, atBase(Entropy([]float64{.5, .25, .25}), 2)); got != 1.5 {
		t.Errorf("entropy %g", got)
	}
	if got := round64(t, atBase(JensenShannon([]float64{1, 0}, []float64{0, 1}), 2)); got != 1 {
		t.Errorf("JS of disjoint vectors %g", got)
	}
	if got := round64(t, JensenShannon([]float64{0, 1}, []float64{5e-324, 1})); !same(got, 0) {
		t.Errorf("JS with the least number %g", got)
	}
	if x, y := KL([]float32{.2, .8}, []float32{.5, .5}), KL([]float64{float64(float32(.2)), float64(float32(.8))}, []float64{.5, .5}); round64(t, x) != round64(t, y) {
		t.Error("float32 weights")
	}
	for _, f := range []func(){
		func() { KL([]float64{1}, []float64{1, 2}) },
		func() { KL([]float64{1}, []float64{0}) },
		func() { KL([]float64{-1}, []float64{1}) },
		func() { KL([]float64{1}, []float64{math.NaN()}) },
		func() { Entropy([]float64{math.Inf(1)}) },
		func() { new(Form).AddLog(Int(1), Int(0), Int(1)) },
		func() { new(Form).SetBase(Int(1)) },
		func() { new(Form).SetBase(Int(-2)) },
		func() { new(Form).AddScaled(one, atBase(new(Form), 2)) },
	} {
		mustPanic(t, f)
	}
}

func TestSharedTerms(t *testing.T) {
	g := KL([]float64{1}, []float64{3})
	f := new(Form)
	f.AddScaled(big.NewRat(1, 1), g)
	before := round64(t, f)
	g.AddLog(Int(1), Int(5), Int(1))
	f.AddScaled(big.NewRat(1, 1), new(Form))
	if got := round64(t, f); got != before || g.Len() != 2 || f.Len() != 1 {
		t.Errorf("a later term of g shows in f: %g, then %g", before, got)
	}
	f.AddScaled(big.NewRat(-1, 1), f)
	if v, ok, _ := f.Rational(); !ok || v.Sign() != 0 {
		t.Error("f - f is not 0")
	}
}

func TestGrowingForm(t *testing.T) {
	f := new(Form)
	for i := range int64(5) {
		f.AddLog(Int(i+1), Int(i+2), Int(1))
		g := new(Form)
		for j := range i + 1 {
			g.AddLog(Int(j+1), Int(j+2), Int(1))
		}
		if x, y := f.Enclose(64), g.Enclose(64); !contains(x, y) || !contains(y, x) {
			t.Errorf("%d terms: %v after growing, %v at once", i+1, x, y)
		}
	}
}

// TestQuotient divides all small intervals.
func TestQuotient(t *testing.T) {
	interval := func(lo, hi int64) bounds { return bounds{big.NewInt(lo), big.NewInt(hi), 0} }
	for d := int64(1); d < 12; d++ {
		for e := d; e < 12; e++ {
			for lo := int64(-9); lo < 9; lo++ {
				for hi := lo; hi < 9; hi++ {
					for _, sign := range []int64{1, -1} {
						div := interval(min(sign*d, sign*e), max(sign*d, sign*e))
						v := interval(lo, hi).quotient(div, false)
						scale := Int(1).Ldexp(v.exp).Rat()
						a := new(big.Rat).Mul(scale, new(big.Rat).SetInt(v.lo))
						b := new(big.Rat).Mul(scale, new(big.Rat).SetInt(v.hi))
						for _, x := range []int64{lo, hi} {
							for _, y := range []int64{sign * d, sign * e} {
								if z := big.NewRat(x, y); z.Cmp(a) < 0 || z.Cmp(b) > 0 {
									t.Fatalf("[%d,%d]/%v: %v is outside [%v,%v]", lo, hi, div, z, a, b)
								}
							}
						}
					}
				}
			}
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	p, q := randomPair(9, 50)
	f := KL(p, q)
	want := round64(t, KL(p, q))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			g := new(Form)
			g.AddScaled(big.NewRat(1, 1), f)
			f.Enclose(64 * (11 + i%3))
			f.Mass(64)
			if r, err := g.Round(Float64); err != nil || math.Float64frombits(r.Bits) != want {
				t.Errorf("%x, %v", r.Bits, err)
			}
		})
	}
	wg.Wait()
}

func TestUndecided(t *testing.T) {
	f := ring(maxParts + 2)
	f.AddLog(Int(1).Add(Int(1).Ldexp(-53)), Int(2), Int(1))
	f.SetBase(Int(2))
	if _, ok, decided := f.Rational(); ok || decided {
		t.Error("Rational decided beyond its limit")
	}
	if _, err := f.Round(Float64); !errors.Is(err, ErrUndecided) {
		t.Errorf("got %v", err)
	}
}
