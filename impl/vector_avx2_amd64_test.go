//go:build !purego

package impl

import (
	"math"
	"math/big"
	"slices"
	"testing"
)

// TestBoundsCanFailAVX2 shows that the attack of TestBounds finds a constant that is wrong.
func TestBoundsCanFailAVX2(t *testing.T) {
	if !slices.Contains(Backends(), "avx2") {
		t.Skip("this processor has no AVX2")
	}
	for _, c := range []struct {
		name    string
		number  *float64
		by      float64
		kernels []string
	}{
		{"ln(1 + 44/256) by 2^-60", &tableAVX2.logs[44].lo, 0x1p-60, []string{"avx2 KL tier 1", "avx2 KL tier 2"}},
		{"ln 2 by 2^-70", &tableAVX2.ln2Lo[3], 0x1p-70, []string{"avx2 KL tier 1", "avx2 KL tier 2"}},
		{"W by 2^-20", &tableAVX2.w0[0], 0x1p-20, []string{"avx2 KL tier 1"}},
		{"1/5 by 2^-10", &tableAVX2.fifth[2], 0x1p-10, []string{"avx2 KL tier 2"}},
		{"1/3 by 2^-54", &tableAVX2.thirdLo[1], 0x1p-54, []string{"avx2 KL tier 2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			old := *c.number
			defer func() { *c.number = old }()
			*c.number += c.by
			caught(t, []isa{avx2}, 1, c.kernels...)
		})
	}
}

// TestLemmasAVX2 checks the lines of section W of ACCURACY.md that are marked there.
func TestLemmasAVX2(t *testing.T) {
	t.Run("W2 W3 W4 W5", func(t *testing.T) {
		count := 0
		for x := range extremeRatios {
			if inRangeAVX2(x[0]) && inRangeAVX2(x[1]) {
				checkReductionAVX2(t, x[0], x[1])
				count++
			}
		}
		r := newRand(15)
		for range 40000 { // edges and centres of cells, near 1 more than elsewhere
			y := 1 + r.Float64()
			n := float64(512 + 1 + 2*r.IntN(512))
			switch r.IntN(3) {
			case 0:
				n = float64(1024 + r.IntN(9) - 4)
			case 1:
				n /= float64(uint64(1) << r.IntN(20))
			}
			x := math.Float64frombits(math.Float64bits(y*(n/1024)) + uint64(r.IntN(5)) - 2)
			checkReductionAVX2(t, x, y)
			checkReductionAVX2(t, y, x)
			checkReductionAVX2(t, x, 1)
			checkReductionAVX2(t, 1, y)
		}
		if count < 10000 {
			t.Errorf("only %d pairs in range", count)
		}
	})
	t.Run("W5", func(t *testing.T) {
		check := func(hi, lo float64, exact *big.Float) {
			t.Helper()
			if h := hi * 0x1p44; h != math.Trunc(h) || math.Abs(lo) > 0x1p-45 {
				t.Errorf("%x + %x: not a multiple of 2^-44 and a rest", hi, lo)
			}
			d := newFloat().SetFloat64(hi)
			d.Add(d, newFloat().SetFloat64(lo)).Sub(d, exact).Abs(d)
			if d.Cmp(newFloat().SetFloat64(0x1p-99)) > 0 {
				t.Errorf("%x + %x is off by %g", hi, lo, d)
			}
		}
		check(tableAVX2.ln2Hi[0], tableAVX2.ln2Lo[0], logRatio(2, 1))
		for j, c := range tableAVX2.logs {
			check(c.hi, c.lo, logRatio(int64(256+j), 256))
		}
		for e := -512.0; e <= 512; e++ {
			for _, c := range tableAVX2.logs {
				exact := newFloat().Mul(newFloat().SetFloat64(e), newFloat().SetFloat64(tableAVX2.ln2Hi[0]))
				exact.Add(exact, newFloat().SetFloat64(c.hi))
				if l, _ := exact.Float64(); math.FMA(e, tableAVX2.ln2Hi[0], c.hi) != l || exact.Cmp(newFloat().SetFloat64(l)) != 0 {
					t.Fatalf("%g·ln2Hi + %x is not exact", e, c.hi)
				}
			}
		}
	})
}

// TestLogitsPowersAVX2 checks the line Z9 of ACCURACY.md on every power that the kernels scale.
func TestLogitsPowersAVX2(t *testing.T) {
	for n := -2960; n <= 2960; n++ {
		bits := math.Float64bits(float64(n)/16 + tableLogitsAVX2.toPower[0])
		j := bits % 16
		got := math.Float64frombits(tableLogitsAVX2.powers[j].bits + bits<<48)
		if want := math.Ldexp(tableLogits.hi[j], (n-int(j))/16); got != want || int(j) != n&15 {
			t.Errorf("2^(%d/16): %x, want %x", n, got, want)
		}
	}
}

func inRangeAVX2(x float64) bool {
	return (uint32(math.Float64bits(x)>>32)-tableAVX2.first[0])&tableAVX2.outside[0] == 0
}

// checkReductionAVX2 does the first steps of the kernels on one lane, beside exact
// arithmetic.
func checkReductionAVX2(t *testing.T, x, y float64) {
	t.Helper()
	c := &tableAVX2
	bits := (math.Float64bits(x/y) + c.half[0]) & c.mask[0]
	R := math.Float64frombits(bits)
	e := math.Float64frombits(bits>>52|c.exponent[0]) - c.bias[0]
	row := c.logs[bits>>44%256]
	if R != math.Ldexp(float64(256+bits>>44%256), int(e)-8) || math.Abs(e) > 512 {
		t.Fatalf("(%x, %x): R = %x, E = %g", x, y, R, e)
	}
	d := math.FMA(R, y, -x)
	exact := newFloat().Mul(newFloat().SetFloat64(R), newFloat().SetFloat64(y))
	exact.Sub(exact, newFloat().SetFloat64(x))
	if exact.Cmp(newFloat().SetFloat64(d)) != 0 {
		t.Errorf("(%x, %x): d = %x is not exact", x, y, d)
	}
	if s := d / (2*x + d); math.Abs(d) >= 0.00195313*x || math.Abs(s) >= 0.00097752 || s*s >= 9.5556e-7 {
		t.Errorf("(%x, %x): d/x = %g, s = %g", x, y, d/x, s)
	}
	switch l := math.FMA(e, c.ln2Hi[0], row.hi); {
	case l == 0:
		if R != 1 || math.FMA(e, c.ln2Lo[0], row.lo) != 0 {
			t.Errorf("(%x, %x): L = 0, R = %x", x, y, R)
		}
	case math.Abs(d) > 0.502*x*math.Abs(l) || math.Abs(e)+1 > 1023.2*math.Abs(l):
		t.Errorf("(%x, %x): L = %g, d/x = %g", x, y, l, d/x)
	}
}
