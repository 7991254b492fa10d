package exact

import (
	"math/big"
	"slices"
	"testing"
)

// logUnits returns k's approximation of 2^w·ln(b/c).
func (k *kernel) logUnits(b, c Num) *big.Int {
	neg := k.log(b, c)
	z := bigInt(k.out)
	if neg {
		z.Neg(z)
	}
	return z
}

// logError returns by how many units of the coarse kernel its logarithm differs
// from that of the fine one, which is exact for this purpose.
func logError(coarse, fine *kernel, b, c Num) float64 {
	d := coarse.logUnits(b, c)
	shift := uint(64 * (fine.t.n - coarse.t.n))
	d.Sub(d.Lsh(d, shift), fine.logUnits(b, c))
	return units(d, shift)
}

// units returns |d|·2^-shift.
func units(d *big.Int, shift uint) float64 {
	x, _ := dyadic(d, -int(shift)).Float64()
	return max(x, -x)
}

// hardPair draws arguments that exercise every part of the bound: equal up to a
// few bits, at the edges of the reduced range, of any exponents, wide.
func hardPair(seed uint64) func() (b, c Num) {
	r := generator(seed)
	edges := []Num{Float(0.7), Float(1.4), Float(5.0 / 7), Float(10.0 / 7), Float(1), Float(2), Float(0.5)}
	return func() (b, c Num) {
		b, c = anyNum(r), anyNum(r)
		switch r.IntN(4) {
		case 0:
			c = b.Add(b.Ldexp(-1 - r.IntN(150)))
		case 1:
			c = Float(1 + r.Float64())
			b = c.Mul(edges[r.IntN(len(edges))]).Add(Float(r.NormFloat64() * 0x1p-40))
		}
		return b, c
	}
}

// TestErrorOfALogarithm attacks the bound of 6.1 units of the package comment.
func TestErrorOfALogarithm(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 7} {
		next := hardPair(uint64(n))
		coarse, fine := newKernel(tableFor(n)), newKernel(tableFor(4*n))
		worst := 0.0
		for range 40000 / (n * n) {
			b, c := next()
			e := logError(coarse, fine, b, c)
			if e > 6.1 {
				t.Fatalf("w = %d: ln(%v / %v) is off by %.3f units", 64*n, b.Rat(), c.Rat(), e)
			}
			worst = max(worst, e)
		}
		t.Logf("w = %3d: largest error found %.3f of %d units", 64*n, worst, unit)
	}
}

// TestErrorOfAtanh holds parts 2 to 5 of the proof, which are one-sided.
func TestErrorOfAtanh(t *testing.T) {
	r := generator(11)
	for _, n := range []int{1, 2, 3, 5, 8, 24} {
		coarse, fine := newKernel(tableFor(n)), newKernel(tableFor(4*n))
		worst := 0.0
		for range 20000 / (n * n) {
			z := make([]uint64, n)
			for i := range z {
				z[i] = r.Uint64()
			}
			top := r.IntN(min(64*n-8, 200)) >> r.IntN(9) // leading zeros beyond the 8 required
			for i := 0; i < 8+top; i++ {
				z[n-1-i/64] &^= 1 << (63 - i%64)
			}
			clear(fine.z)
			copy(coarse.z, z)
			copy(fine.z[3*n:], z)
			coarse.atanh()
			fine.atanh()
			d := bigInt(fine.z)
			d.Sub(d, new(big.Int).Lsh(bigInt(coarse.z), uint(192*n)))
			// The fine one is itself up to 1.01 of its units short.
			short := units(d, uint(192*n))
			if d.Sign() < 0 && short > 0x1p-100 || short >= 1.01 {
				t.Fatalf("w = %d: atanh of %x is short by %.4f, sign %d", 64*n, z, short, d.Sign())
			}
			worst = max(worst, short)
		}
		t.Logf("w = %3d: largest error found %.4f of 1.01 units", 64*n, worst)
	}
}

// TestTables compares every constant with one of twice the width.
func TestTables(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 9, 16} {
		a, b := newTable(n), newTable(2*n)
		check := func(name string, j int, x, y []uint64, limit float64) {
			s := uint(64 * (len(y) - len(x)))
			d := new(big.Int).Sub(new(big.Int).Lsh(bigInt(x), s), bigInt(y))
			if e := units(d, s); e > limit {
				t.Errorf("w = %d: %s %d is off by %g units", 64*n, name, j, e)
			}
		}
		check("ln", 2, a.ln2, b.ln2, 1+0x1p-40)
		for i := range a.lnJ {
			check("ln of J =", firstJ+i, a.lnJ[i], b.lnJ[i], 1+0x1p-40)
		}
		for k := 1; k < len(a.recip); k++ {
			check("reciprocal of 2k+1 for k =", k, a.recip[k], b.recip[k], 1)
		}
	}
}

// TestLogAgainstExp is an independent route: exp is increasing, so the ends of
// an enclosure of ln(b/c) must go to either side of b/c.
func TestLogAgainstExp(t *testing.T) {
	next := hardPair(5)
	for i := range 600 {
		n := 1 + i%4
		b, c := next()
		l := newKernel(tableFor(n)).logUnits(b, c)
		ratio := new(big.Rat).Quo(b.Rat(), c.Rat())
		for _, side := range []int64{-1, 1} {
			end := new(big.Int).Add(l, big.NewInt(side*unit))
			if got := exp(end, 64*n).Cmp(ratio); got != int(side) {
				t.Fatalf("w = %d, ln(%v / %v): exp of the end %+d lies on side %+d", 64*n, b.Rat(), c.Rat(), side, got)
			}
		}
	}
}

// exp returns e^(x·2^-w) to a relative error far below 2^-w, by Taylor's series
// of x/2^40 and 40 squarings in 1200 bits.
func exp(x *big.Int, w int) *big.Rat {
	const p, halvings = 1200, 40
	y := divOrMul(x, p-w-halvings)
	one := new(big.Int).Lsh(big.NewInt(1), p)
	sum, term := new(big.Int).Set(one), new(big.Int).Set(one)
	for k := int64(1); term.BitLen() > 1; k++ {
		term.Mul(term, y).Rsh(term, p)
		term.Quo(term, big.NewInt(k))
		sum.Add(sum, term)
	}
	e := 0 // sum·2^(e-p)
	for range halvings {
		sum.Mul(sum, sum)
		e *= 2
		cut := sum.BitLen() - p
		sum.Rsh(sum, uint(cut))
		e += cut - p
	}
	return Num{}.Add(wide(false, sum, e-p)).Rat()
}

func divOrMul(x *big.Int, k int) *big.Int { return floorScaled(x, nil, k) }

// TestBrokenTablesAreCaught shows that the comparison with a wider kernel can
// fail: one entry 16 units off, one term of the series left out, and one
// reciprocal in place of another.
func TestBrokenTablesAreCaught(t *testing.T) {
	const n = 2
	breaks := map[string]func(*table){
		"ln 2":       func(t *table) { t.ln2[1] ^= 1 << 4 },
		"one ln J":   func(t *table) { t.lnJ[150-firstJ][0] ^= 1 << 4 },
		"term 1":     func(t *table) { clear(t.recip[1]) },
		"term 3":     func(t *table) { clear(t.recip[3]) },
		"last term":  func(t *table) { clear(t.recip[6]) },
		"two as one": func(t *table) { t.recip[2] = t.recip[3] },
	}
	worst := func(tab *table) (e float64) {
		coarse, fine := newKernel(tab), newKernel(tableFor(4*n))
		next := hardPair(7)
		for range 4000 {
			b, c := next()
			e = max(e, logError(coarse, fine, b, c))
		}
		return e
	}
	if e := worst(newTable(n)); e > unit {
		t.Errorf("a good table is off by %g units", e)
	}
	for name, harm := range breaks {
		tab := newTable(n)
		harm(tab)
		if e := worst(tab); e <= unit {
			t.Errorf("%s: the harm passes, error %g units", name, e)
		}
	}
}

func TestNestingCatchesABrokenTable(t *testing.T) {
	r := generator(8)
	tab := newTable(2)
	tab.lnJ = slices.Clone(tab.lnJ)
	tab.lnJ[100-firstJ] = tab.lnJ[101-firstJ]
	caught := 0
	for range 50 {
		b := new(block)
		for range 40 {
			b.terms = append(b.terms, term{Int(1), Float(1 + r.Float64()), Float(1 + r.Float64())})
		}
		for _, broken := range []bool{false, true} {
			good := tableFor(2)
			if broken {
				good = tab
			}
			low, high := b.span()
			d := b.evaluate(good, low, high, false)
			d.Sub(d.Lsh(d, 64*6), b.evaluate(tableFor(8), low, high, false))
			outside := units(d, 64*6-uint(low)) > 40*unit
			if outside && !broken {
				t.Fatal("a good table is caught")
			}
			if outside {
				caught++
			}
		}
	}
	if caught < 10 {
		t.Errorf("a wrong table entry was caught in %d of 50 sums", caught)
	}
}
