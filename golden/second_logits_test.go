package golden_test

import (
	"math"
	"math/big"
	"sync"

	"klconf/spec"
)

// This file is the second route for logits and log-probabilities: e^x by its
// power series on fixed-point numbers.

// exponential returns e^x·2^prec for a rational x that is at most 2^12, within
// 2^8·e^x and a few units.
func exponential(x *big.Rat, prec int) *big.Int {
	work := prec + 64
	ln2 := ln2(work + 32)
	y := new(big.Int).Lsh(x.Num(), uint(work+32))
	y.Div(y, x.Denom())
	k, r := new(big.Int).DivMod(y, ln2, new(big.Int)) // x = k ln 2 + r, 0 ≤ r < ln 2
	r.Rsh(r, 32)
	sum, power := one(work), one(work)
	for j := int64(1); power.Sign() != 0; j++ {
		power.Mul(power, r).Rsh(power, uint(work))
		power.Quo(power, big.NewInt(j))
		sum.Add(sum, power)
	}
	shift := k.Int64() - 64
	if shift >= 0 {
		return sum.Lsh(sum, uint(shift))
	}
	return sum.Rsh(sum, uint(min(-shift, int64(work+64))))
}

// ln2 returns ln 2·2^prec and remembers it.
func ln2(prec int) *big.Int {
	if x, ok := ln2s.Load(prec); ok {
		return x.(*big.Int)
	}
	x := ln(big.NewRat(2, 1), prec)
	ln2s.Store(prec, x)
	return x
}

var ln2s sync.Map

// exponents evaluates a row of logits, divided by a temperature, or of
// log-probabilities:
//
//	logits            Σ s_i c_i + lse b − lse a, s = softmax(a), c = a − b for kl
//	log-probabilities Σ e^a_i c_i
func exponents(quantity spec.Quantity, domain spec.Domain, p, q []float64, temperature *big.Rat, prec int) (r row) {
	two := quantity.Arity() == 2
	for i := range p {
		for _, x := range []float64{p[i], q[i]} {
			r.nan = r.nan || math.IsNaN(x)
			r.domain = r.domain || math.IsInf(x, 1)
		}
	}
	if r.nan || r.domain {
		return row{nan: r.nan, domain: !r.nan}
	}
	scaled := func(x float64) *big.Rat {
		y := new(big.Rat).SetFloat64(x)
		return y.Quo(y, temperature)
	}
	// Σ e^x over the finite x, less the largest of them for logits.
	top := func(x []float64) float64 {
		t := math.Inf(-1)
		for _, v := range x {
			t = max(t, v)
		}
		return t
	}
	logSum := func(x []float64) *big.Rat {
		t, sum := top(x), new(big.Int)
		for _, v := range x {
			if !math.IsInf(v, -1) {
				sum.Add(sum, exponential(new(big.Rat).Sub(scaled(v), scaled(t)), prec))
			}
		}
		l := fixed(ln(fixed(sum, prec), prec), prec)
		return l.Add(l, scaled(t))
	}
	var lp, lq *big.Rat
	if domain == spec.Logits {
		if len(p) == 0 || math.IsInf(top(p), -1) || math.IsInf(top(q), -1) {
			return row{nan: true}
		}
		lp, lq = logSum(p), logSum(q)
	} else {
		lp, lq = new(big.Rat), new(big.Rat)
	}
	r.value = new(big.Rat)
	for i := range p {
		if math.IsInf(p[i], -1) {
			continue
		}
		if two && math.IsInf(q[i], -1) {
			r.infinite = true
			continue
		}
		a := scaled(p[i])
		a.Sub(a, lp) // ln of the weight
		c := new(big.Rat).Neg(a)
		if two {
			b := scaled(q[i])
			b.Sub(b, lq)
			c.Neg(b)
			if quantity == spec.KL {
				c.Add(c, a)
			}
		}
		w := fixed(exponential(a, prec), prec)
		m := w.Mul(w, c)
		n := new(big.Int).Lsh(m.Num(), uint(prec))
		r.value.Add(r.value, fixed(n.Quo(n, m.Denom()), prec))
	}
	return r
}
