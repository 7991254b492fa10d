package property

import (
	"math/big"

	"klconf/conform/judge"
	"klconf/impl/exact"
	"klconf/spec"
	"pgregory.net/rapid"
)

// Inputs near the equality case of a law, where a small fault shows, and
// inputs whose sums and products are exact because their significands are
// short.

// precision returns the bits of a significand, the hidden one included.
func (l layout) precision() int { return l.fraction + 1 }

// shorten cuts the significand of a normal number to that many bits.
func (d *domain) shorten(x uint64, bits int) uint64 {
	cut := layouts[d.dtype].precision() - bits
	return x >> cut << cut
}

// short draws an ordinary number with a significand of that many bits.
func (d *domain) short(t *rapid.T, bits int) uint64 { return d.shorten(d.number(t, ordinary), bits) }

// bits rounds to the format; here every x is a number of it.
func (d *domain) bits(x float64) uint64 { return judge.Bits(d.dtype, x) }

// product returns c·x where that is a number of the format.
func (d *domain) product(c float64, x uint64) uint64 { return d.bits(c * d.dtype.Widen(x)) }

// few returns the domain with few pairs: for laws that ask much or whose
// bounds are long numbers.
func (s *setting) few(n int) *domain {
	return s.but(func(d *domain) { d.max, d.long, d.close = n, false, true })
}

// pairs draws from and up to to pairs.
func pairs(t *rapid.T, from, to int, f func(t *rapid.T) pair) (v vectors) {
	for _, x := range rapid.SliceOfN(rapid.Custom(f), from, to).Draw(t, "pairs") {
		v.p, v.q = append(v.p, x.p), append(v.q, x.q)
	}
	return v
}

// proportional draws P = cQ wherever P is not zero, exactly or to a few ulps.
// Between such vectors K = P ln c meets the bounds by the totals, by the
// extreme ratios, by Hellinger's distance and by chi-square.
func (d *domain) proportional(t *rapid.T, most int) vectors {
	c := drawFactor(t)
	apart := at(dial(t, "apart"), 3) == 2
	outside := d.zeros.p && at(dial(t, "outside"), 4) == 3
	v := pairs(t, 1, most, func(t *rapid.T) pair {
		q := d.short(t, layouts[d.dtype].precision()-3)
		x := pair{d.product(c, q), q}
		switch {
		case apart:
			x.p = d.beside(t, x.p)
		case outside && rapid.Bool().Draw(t, "zero"):
			x.p = 0
		}
		return x
	})
	if v.p[0] == 0 && d.positive {
		v.p[0] = d.product(c, v.q[0])
	}
	return v
}

// drawFactor draws a number m·2^k with m < 8.
func drawFactor(t *rapid.T) float64 {
	k := rapid.IntRange(0, 6).Draw(t, "exponent")
	return float64(rapid.IntRange(1, 7).Draw(t, "factor")) * []float64{1, 2, .5, 4, .25, 8, .125}[k]
}

// mirrored draws pairs ((1+δ)x, x) and ((1-δ)x, x) with one δ = 2^-k. Between
// such vectors K meets the bounds by the total variation to second order in δ.
func (d *domain) mirrored(t *rapid.T, most int) (v vectors) {
	precision := layouts[d.dtype].precision()
	k := 1 + at(dial(t, "k"), precision/2)
	delta := 1 / float64(int64(1)<<k)
	for _, x := range rapid.SliceOfN(rapid.Custom(func(t *rapid.T) uint64 { return d.short(t, precision-1-k) }), 1, max(most/2, 1)).Draw(t, "pairs") {
		v.p = append(v.p, d.product(1+delta, x), d.product(1-delta, x))
		v.q = append(v.q, x, x)
	}
	return v
}

// shifted draws pairs ((1+δ)x, x) with one δ = ±2^-k. Then K(P‖Q) ≈ δQ and
// K(Q‖P) ≈ −δQ, and their sum is of second order.
func (d *domain) shifted(t *rapid.T, most int) vectors {
	precision := layouts[d.dtype].precision()
	k := 1 + at(dial(t, "k"), precision/2)
	factor := 1 + 1/float64(int64(1)<<k)
	if rapid.Bool().Draw(t, "down") {
		factor = 2 - factor
	}
	return pairs(t, 1, most, func(t *rapid.T) pair {
		x := d.short(t, precision-1-k)
		return pair{d.product(factor, x), x}
	})
}

// A split is a cell (x + x', y + y') in two parts whose sum is exact.
type split struct{ one, two, whole pair }

// splits draws cells in two parts. Where the parts are proportional nothing is
// lost by merging them, and the divergences of the parts and of the whole
// agree; half of the time all of them are.
func (d *domain) splits(t *rapid.T, most int) []split {
	alike := rapid.Bool().Draw(t, "alike")
	z := d.drawZeros(t)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) split {
		part := func() float64 { return float64(rapid.IntRange(1, 7).Draw(t, "part")) }
		x, y := d.short(t, layouts[d.dtype].precision()-4), d.short(t, layouts[d.dtype].precision()-4)
		a, b := part(), part()
		c, e := a, b
		if !alike {
			c, e = part(), part()
		}
		if p0, q0 := z.zero(t); p0 || q0 {
			a, c = a*not(p0), c*not(q0)
		}
		return split{
			pair{d.product(a, x), d.product(c, y)}, pair{d.product(b, x), d.product(e, y)},
			pair{d.product(a+b, x), d.product(c+e, y)},
		}
	}), 1, most).Draw(t, "cells")
}

func not(zero bool) float64 {
	if zero {
		return 0
	}
	return 1
}

// shortened draws few pairs and cuts their significands, so that products
// with numbers of that many bits are numbers of the format and normal.
func (s *setting) shortened(t *rapid.T, n, spare int) vectors {
	d := s.few(n)
	d.least, d.most, d.subnormal = d.least+8, d.most-8, false
	if d.dtype == spec.F16 {
		d.least, d.most = -5, 5
	}
	v := d.draw(t)
	for _, x := range [][]uint64{v.p, v.q} {
		for i := range x {
			x[i] = d.shorten(x[i], layouts[d.dtype].precision()-spare)
		}
	}
	return v
}

// weights are vectors as exact numbers, with their sums.
type weights struct {
	p, q           []exact.Num
	totalP, totalQ exact.Num
}

func (d *domain) weights(v vectors) (w weights) {
	for i := range v.p {
		w.p = append(w.p, exact.Float(d.dtype.Widen(v.p[i])))
		w.q = append(w.q, exact.Float(d.dtype.Widen(v.q[i])))
	}
	w.totalP, w.totalQ = exact.Sum(w.p), exact.Sum(w.q)
	return w
}

// apart returns Σ|Q·p − P·q|, which is PQ·Σ|p/P − q/Q|.
func (w weights) apart() exact.Num {
	var x []exact.Num
	for i := range w.p {
		x = append(x, w.totalQ.Mul(w.p[i]).Sub(w.totalP.Mul(w.q[i])).Abs())
	}
	return exact.Sum(x)
}

// distance returns T = Σ|p − q|.
func (w weights) distance() exact.Num {
	var x []exact.Num
	for i := range w.p {
		x = append(x, w.p[i].Sub(w.q[i]).Abs())
	}
	return exact.Sum(x)
}

// root encloses √x to 255 bits; the ends agree where the root is dyadic.
func root(x exact.Num) (lo, hi exact.Num) {
	if x.Sign() == 0 {
		return x, x
	}
	const width = 512
	mantissa := new(big.Float)
	e := x.Float().MantExp(mantissa) // in [½, 1)
	w := max(width, int(mantissa.MinPrec()))
	w += (w - e) & 1 // e − w is even
	n, _ := mantissa.SetMantExp(mantissa, w).Int(nil)
	r := new(big.Int).Sqrt(n)
	lo = integer(r)
	if hi = lo; new(big.Int).Mul(r, r).Cmp(n) != 0 {
		hi = lo.Add(exact.Int(1))
	}
	return lo.Ldexp((e - w) / 2), hi.Ldexp((e - w) / 2)
}

// integer returns x ≥ 0 exactly.
func integer(x *big.Int) exact.Num {
	var parts []exact.Num
	mask := new(big.Int).SetUint64(1<<62 - 1)
	for k := 0; k < x.BitLen(); k += 62 {
		part := new(big.Int).Rsh(x, uint(k))
		parts = append(parts, exact.Int(part.And(part, mask).Int64()).Ldexp(k))
	}
	return exact.Sum(parts)
}
