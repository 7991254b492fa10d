package impl

import (
	"math"
	"math/big"
	"testing"
)

// TestLemmas checks the lines of ACCURACY.md that are marked there, on extreme cases.
func TestLemmas(t *testing.T) {
	t.Run("A2 A3 A4 A5 A6", func(t *testing.T) {
		for x := range extremeRatios {
			checkReduction(t, x[0], x[1])
		}
	})
	t.Run("A6", func(t *testing.T) {
		check := func(hi, lo float64, exact *big.Float) {
			t.Helper()
			if h := hi * 0x1p40; h != math.Trunc(h) || math.Abs(lo) > 0x1p-41 {
				t.Errorf("%x + %x: not a multiple of 2^-40 and a rest", hi, lo)
			}
			d := newFloat().SetFloat64(hi)
			d.Add(d, newFloat().SetFloat64(lo)).Sub(d, exact).Abs(d)
			if d.Cmp(newFloat().SetFloat64(0x1p-95)) > 0 {
				t.Errorf("%x + %x is off by %g", hi, lo, d)
			}
		}
		check(ln2Hi, ln2Lo, logRatio(2, 1))
		for j := int64(171); j <= 384; j++ {
			c := cells[j%256]
			check(c.hi, c.lo, logRatio(j, 256))
		}
	})
	t.Run("B1", func(t *testing.T) {
		if e := farthest(2.1521e-6, []float64{w0, w1}, 1, 3); e > 8.28e-14 {
			t.Errorf("w0 + w1·z is off by %g", e)
		}
	})
	t.Run("V2 V3", func(t *testing.T) {
		for x := range extremeRatios {
			if 0x1p-400 <= x[0] && x[0] < 0x1p112 && 0x1p-400 <= x[1] && x[1] < 0x1p112 {
				for _, off := range []float64{-0x1p-14, 0, 0x1p-14} {
					checkVectorReduction(t, x[0], x[1], off)
				}
			}
		}
		for j := -40; j <= 40; j++ { // around the edges of the cells beside 1
			for _, edge := range []float64{61. / 64, 63. / 64, 33. / 32, 35. / 32} {
				checkVectorReduction(t, edge*(1+float64(j)*0x1p-17), 1, 0x1p-14)
				checkVectorReduction(t, edge*(1+float64(j)*0x1p-17), 1, -0x1p-14)
			}
		}
	})
	t.Run("V6", func(t *testing.T) {
		if e := farthest(2.532e-4, []float64{v0, v1, v2}, 1, 3); e > 5.7e-14 {
			t.Errorf("W is off by %g", e)
		}
		if s := 0.03132 / (2 - 0.03132); s*s > 2.532e-4 {
			t.Errorf("z ≤ %g", s*s)
		}
	})
	t.Run("X2", func(t *testing.T) {
		if e := farthest(2.532e-4, []float64{x0, x1}, 2, 1); e*0.01592 > 5.12e-11 {
			t.Errorf("2 atanh(s)/s is off by %g", e)
		}
	})
	t.Run("zmax", func(t *testing.T) {
		const eta = 0x1p-9 * (1 + 0x1p-43)
		if s := 1.5 * eta / (2 - 1.5*eta); s > 0.001467 || s*s > 2.1521e-6 {
			t.Errorf("s ≤ %g", s)
		}
	})
}

// farthest returns how far a polynomial in z is from Σ scale·z^k/(2k + first) on [0, m].
func farthest(m float64, poly []float64, scale, first int64) float64 {
	worst := new(big.Float)
	for i := 0; i <= 1000; i++ {
		z := newFloat().SetFloat64(m * float64(i) / 1000)
		series := newFloat()
		for k := int64(16); k >= 0; k-- {
			series.Mul(series, z).Add(series, newFloat().Quo(newFloat().SetInt64(scale), newFloat().SetInt64(2*k+first)))
		}
		p := newFloat()
		for k := len(poly) - 1; k >= 0; k-- {
			p.Mul(p, z).Add(p, newFloat().SetFloat64(poly[k]))
		}
		if d := p.Sub(p, series).Abs(p); d.Cmp(worst) > 0 {
			worst = d
		}
	}
	f, _ := worst.Float64()
	return f
}

// checkVectorReduction does the first steps of the AVX-512 kernels on one lane, with a
// reciprocal that is off by a relative 2^-14 at most.
func checkVectorReduction(t *testing.T, x, y, off float64) {
	t.Helper()
	big := math.Float64bits(x*((1+off)/y)) + 1<<47
	ratio := math.Float64frombits(big &^ (1<<48 - 1))
	d := math.FMA(ratio, y, -x)
	exact := newFloat().Mul(newFloat().SetFloat64(ratio), newFloat().SetFloat64(y))
	if exact.Sub(exact, newFloat().SetFloat64(x)).Cmp(newFloat().SetFloat64(d)) != 0 {
		t.Errorf("(%x, %x): d = %x is not exact", x, y, d)
	}
	if math.Abs(d) > 0.03132*x {
		t.Errorf("(%x, %x): d/x = %g", x, y, d/x)
	}
	e := float64(math.Ilogb(ratio))
	l := e*ln2Hi + octave[big>>48&15].hi
	if want := math.Log(ratio); math.Abs(l-want) > (math.Abs(e)+1)*0x1p-40 {
		t.Errorf("(%x, %x): L = %g, ln %g = %g", x, y, l, ratio, want)
	}
	if (l == 0) != (ratio == 1) {
		t.Errorf("(%x, %x): R = %g, L = %g", x, y, ratio, l)
	}
	if l != 0 && (math.Abs(d) > 0.53*math.Abs(x*l) || math.Abs(e)+1 > 64*math.Abs(l)) {
		t.Errorf("(%x, %x): d = %g, x·L = %g", x, y, d, x*l)
	}
}

// extremeRatios yields pairs at and around the edges of halves of binades, of cells,
// and of binades, and random ones.
func extremeRatios(yield func([2]float64) bool) {
	r := newRand(13)
	fractions := []float64{1, 1.25, 4.0 / 3, 1.5, 5.0 / 3, 1.75, math.Nextafter(2, 1)}
	for range 20 {
		fractions = append(fractions, 1+r.Float64())
	}
	near := func(x float64, i int) float64 { return math.Float64frombits(math.Float64bits(x) + uint64(i)) }
	for _, f := range fractions {
		for _, shift := range []int{0, 1, -1, 700, -700, -1021} {
			y := math.Ldexp(f, shift)
			for i := -2; i <= 2; i++ {
				for _, half := range []uint64{1 << 51, -1 << 51 & math.MaxUint64} {
					if !yield([2]float64{near(math.Float64frombits(math.Float64bits(f)+half), i), near(y, max(i, 0))}) {
						return
					}
				}
				for j := 340; j <= 770; j++ { // centres and edges
					if !yield([2]float64{near(f*float64(j)/512, i), y}) {
						return
					}
				}
			}
		}
	}
	for range 20000 {
		x := math.Ldexp(1+r.Float64(), r.IntN(1770)-800)
		y := math.Ldexp(1+r.Float64(), r.IntN(2040)-1020)
		if !yield([2]float64{x, y}) {
			return
		}
	}
}

// checkReduction does the first steps of the kernels on one lane, beside exact arithmetic.
func checkReduction(t *testing.T, x, y float64) {
	t.Helper()
	xb, yb := math.Float64bits(x), math.Float64bits(y)
	if xb-firstX >= spanX || yb-firstY >= spanY {
		t.Fatalf("(%x, %x) is not a lane", x, y)
	}
	e := int64(xb-yb+1<<51) >> 52
	yr := math.Float64frombits(yb + uint64(e)<<52)
	if yr != math.Ldexp(y, int(e)) || x > 1.5*yr || 1.5*x < yr*(1-0x1p-52) {
		t.Errorf("(%x, %x): y' = %x", x, y, yr)
	}
	s := x/yr + toCell
	c := s - toCell
	j := math.Float64bits(s) % 256
	if k := uint64(c * 256); float64(k) != c*256 || k < 171 || k > 384 || k%256 != j {
		t.Errorf("(%x, %x): c = %x, cell %d", x, y, c, j)
	}
	d := math.FMA(c, yr, -x)
	exact := newFloat().Mul(newFloat().SetFloat64(c), newFloat().SetFloat64(yr))
	exact.Sub(exact, newFloat().SetFloat64(x))
	if exact.Cmp(newFloat().SetFloat64(d)) != 0 {
		t.Errorf("(%x, %x): d = %x is not exact", x, y, d)
	}
	if math.Abs(d) > 0.00292969*x {
		t.Errorf("(%x, %x): d/x = %g", x, y, d/x)
	}
	lh := float64(e)*ln2Hi + cells[j].hi
	if xl := x * lh; lh != 0 {
		if a := xl - d; math.Abs(xl) < math.Abs(d) || x*(math.Abs(float64(e))+1) > 513.6*min(math.Abs(a), math.Abs(xl)) {
			t.Errorf("(%x, %x): x·Lhi = %g, d = %g", x, y, xl, d)
		}
	}
}

// TestCertify compares the rounding tests with exact rounding of both ends.
func TestCertify(t *testing.T) {
	r := newRand(14)
	passed := 0
	for range 60000 {
		h := math.Ldexp(1+r.Float64(), r.IntN(40)-20)
		switch r.IntN(4) {
		case 0:
			h = float64(float32(h))
		case 1: // a tie of float32
			h = float64(math.Float32frombits(math.Float32bits(float32(h)) &^ 1))
			h += h * 0x1p-24 / (h / math.Ldexp(1, math.Ilogb(h)))
		case 2: // a float32 or float64 subnormal
			h = math.Ldexp(h, []int{-140, -1060}[r.IntN(2)])
		}
		l := h * math.Ldexp(r.Float64()-0.5, -53-r.IntN(10))
		if r.IntN(4) == 0 {
			l = math.Copysign(h*0x1p-54, l)
		}
		err := math.Abs(h) * math.Ldexp(r.Float64(), -54-r.IntN(20))
		if r.IntN(2) == 0 {
			err = math.Abs(h) * math.Ldexp(r.Float64(), -20-r.IntN(34))
		}
		ends := func(sign float64) *big.Float {
			x := newFloat().SetPrec(3000).SetFloat64(err * sign)
			return x.Add(x, newFloat().SetFloat64(l)).Add(x, newFloat().SetFloat64(h))
		}
		lo, hi := ends(-1), ends(1)
		// pair widens its bound by 2^-10 of it and 2^-50·|l| for the rounding of the test.
		wide := err*1.002 + 0x1p-50*math.Abs(l)
		if v, ok := certify64(h, l, wide); ok {
			a, _ := lo.Float64()
			b, _ := hi.Float64()
			if a != v || b != v {
				t.Fatalf("certify64(%x, %x, %x) = %x, but the ends round to %x and %x", h, l, err, v, a, b)
			}
			passed++
		}
		if v, ok := certify32(h, l, wide); ok {
			a, _ := lo.Float32()
			b, _ := hi.Float32()
			if a != v || b != v {
				t.Fatalf("certify32(%x, %x, %x) = %x, but the ends round to %x and %x", h, l, err, v, a, b)
			}
			passed++
		}
	}
	if passed < 30000 {
		t.Errorf("only %d tests passed", passed)
	}
}
