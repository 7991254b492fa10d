package exact

import (
	"math/big"
	"slices"
	"sync"
)

// Exps are the positive weights e^(x_i/t) of exact exponents and a temperature.
// They may be used by several goroutines and in several forms.
type Exps struct {
	x   []Num
	t   Num
	top Num // the largest of x

	mu     sync.Mutex       // guards what is remembered
	totals map[int]*big.Int // limbs → 2^w·Σ e^((x_i - top)/t) within expUnit·len(x)
}

// NewExps returns the weights e^(x_i/t). It keeps x, and panics unless there is
// an exponent and t is positive.
func NewExps(x []Num, t Num) *Exps {
	if len(x) == 0 || t.Sign() <= 0 {
		panic("exact: weights without an exponent or a positive temperature")
	}
	return &Exps{x: x, t: t, top: slices.MaxFunc(x, Num.Cmp)}
}

// Len returns the number of weights.
func (e *Exps) Len() int { return len(e.x) }

// Top returns the largest of the exponents x_i.
func (e *Exps) Top() Num { return e.top }

// Temperature returns t.
func (e *Exps) Temperature() Num { return e.t }

// total encloses Σ e^((x_i - top)/t), which is at least 1 and at most len(x).
func (e *Exps) total(n int) bounds {
	e.mu.Lock()
	defer e.mu.Unlock()
	z := e.totals[n]
	if z == nil {
		k := newExpKernel(n)
		acc := newAccumulator(0, 1, len(e.x), n+1)
		for _, x := range e.x {
			k.exp(x.Sub(e.top), e.t)
			acc.addMul(k.out, Int(1), false)
		}
		z = acc.value()
		e.remember(n, z)
	}
	err := big.NewInt(int64(expUnit * len(e.x)))
	return bounds{new(big.Int).Sub(z, err), err.Add(z, err), -64 * n}
}

// remember keeps a total; e.mu is held.
func (e *Exps) remember(n int, z *big.Int) {
	if e.totals == nil {
		e.totals = make(map[int]*big.Int)
	}
	e.totals[n] = z
}

// An Expectation is the number
//
//	Σ_i e^(x_i/t)·( c_i/t + ln ΣPlus - ln ΣMinus ) / ΣOver
//
// over the weights e^(x_i/t) of Of, where ΣX is the total of the weights X and the
// sums of nil are 1: the logarithms vanish and nothing is divided. All four have
// one temperature t. The divergence of two softmax distributions is the one with
// c = a - b, Of, Over and Minus the weights of a, and Plus those of b.
type Expectation struct {
	Of          *Exps
	C           []Num // one for each weight of Of
	Over        *Exps
	Plus, Minus *Exps
}

// An expectation is an Expectation in a form, with what is remembered of it.
type expectation struct {
	Expectation
	values memo[bounds]
}

// AddExpectation adds w·e. It panics if the numbers of e.Of and e.C differ, or the
// temperatures do, or an exponent of Of, less the largest of Over, exceeds 2^15·t.
func (f *Form) AddExpectation(w *big.Rat, e Expectation) {
	for _, x := range []*Exps{e.Over, e.Plus, e.Minus} {
		if x != nil && x.t.Cmp(e.Of.t) != 0 {
			panic("exact: an expectation with two temperatures")
		}
	}
	if len(e.C) != len(e.Of.x) {
		panic("exact: an expectation of more or fewer numbers than weights")
	}
	if e.offset().Cmp(e.Of.t.Mul(Int(maxPower))) > 0 {
		panic("exact: a weight above e^32768")
	}
	if w.Sign() != 0 && !e.isZero() {
		f.means = append(f.means, mean{new(big.Rat).Set(w), &expectation{Expectation: e}})
	}
}

// isZero reports whether all c are one number γ and ΣMinus = e^(γ/t)·ΣPlus: sums of
// exponentials are equal iff they have the same exponents (Lindemann and
// Weierstrass), of which the sum of nil has 0.
func (e *Expectation) isZero() bool {
	c := e.C[0]
	for _, x := range e.C[1:] {
		if x.Cmp(c) != 0 {
			return false
		}
	}
	exponents := func(x *Exps, add Num) []Num {
		if x == nil {
			return []Num{add}
		}
		z := make([]Num, len(x.x))
		for i := range z {
			z[i] = x.x[i].Add(add)
		}
		slices.SortFunc(z, Num.Cmp)
		return z
	}
	return slices.EqualFunc(exponents(e.Plus, c), exponents(e.Minus, Num{}), func(a, b Num) bool { return a.Cmp(b) == 0 })
}

// offset is the exponent, times t, that was taken out of the sums.
func (e *Expectation) offset() Num {
	if e.Over == nil {
		return e.Of.top
	}
	return e.Of.top.Sub(e.Over.top)
}

func (e *expectation) len() int { return len(e.C) }

// enclose evaluates e with exponentials and logarithms of n limbs.
func (e *expectation) enclose(n int) bounds { return e.values.at(n, e.evaluate) }

func (e *expectation) evaluate(n int) bounds {
	// With m(X) the largest exponent of X, ln ΣX = m(X)/t + ln Σ e^((x - m)/t), so that
	// the largest exponents join the c.
	var shift Num
	if e.Plus != nil {
		shift = shift.Add(e.Plus.top)
	}
	if e.Minus != nil {
		shift = shift.Sub(e.Minus.top)
	}
	c := e.C
	if !shift.isZero() {
		c = make([]Num, len(e.C))
		for i := range c {
			c[i] = e.C[i].Add(shift)
		}
	}
	sum, all := e.Of.weigh(n, c)
	v := sum.over(e.Of.t)
	if e.Plus != nil || e.Minus != nil {
		one := bounds{big.NewInt(1), big.NewInt(1), 0}
		plus, minus := one, one
		if e.Plus != nil {
			plus = e.Plus.total(n)
		}
		if e.Minus != nil {
			minus = e.Minus.total(n)
		}
		v = v.plus(all.times(logRatio(n, plus, minus)))
	}
	if y := e.offset(); !y.isZero() {
		v = v.times(newExpKernel(n).factor(y, e.Of.t))
	}
	if e.Over != nil {
		v = v.quotient(e.Over.total(n), false)
	}
	return v.trim(64*n + 64)
}

// weigh encloses Σ e^((x_i - top)/t)·c_i and Σ e^((x_i - top)/t). Each weight is within
// expUnit units, so that the first is within expUnit·Σ|c_i|.
func (e *Exps) weigh(n int, c []Num) (sum, all bounds) {
	low, high := span(len(c), func(i int) Num { return c[i] })
	one := []uint64{1}
	weighted := newAccumulator(low, high, len(c), n+1)
	mass := newAccumulator(low, high, len(c), 1)
	total := newAccumulator(0, 1, len(c), n+1)
	k := newExpKernel(n)
	for i, x := range e.x {
		k.exp(x.Sub(e.top), e.t)
		weighted.addMul(k.out, c[i], c[i].neg)
		mass.addMul(one, c[i], false)
		total.addMul(k.out, Int(1), false)
	}
	z, s, err := total.value(), weighted.value(), mass.value()
	e.mu.Lock()
	e.remember(n, z)
	e.mu.Unlock()
	err.Mul(err, big.NewInt(expUnit))
	count := big.NewInt(int64(expUnit * len(e.x)))
	return bounds{new(big.Int).Sub(s, err), s.Add(s, err), low - 64*n},
		bounds{new(big.Int).Sub(z, count), count.Add(z, count), -64 * n}
}

// logRatio encloses ln(x/y) for enclosures of two numbers ≥ 1.
func logRatio(n int, x, y bounds) bounds {
	k := newKernel(tableFor(n))
	// The ends are positive: their errors are below expUnit·len·2^-w, and len < 2^62.
	ln := func(b, c *big.Int) *big.Int {
		neg := k.log(wide(false, new(big.Int).Set(b), x.exp), wide(false, new(big.Int).Set(c), y.exp))
		z := bigInt(k.out)
		if neg {
			z.Neg(z)
		}
		return z
	}
	u := big.NewInt(unit)
	lo, hi := ln(x.lo, y.hi), ln(x.hi, y.lo)
	return bounds{lo.Sub(lo, u), hi.Add(hi, u), -64 * n}
}

// plus encloses the sum of two numbers.
func (v bounds) plus(u bounds) bounds {
	if v.exp < u.exp {
		v, u = u, v
	}
	d := uint(v.exp - u.exp)
	lo, hi := new(big.Int).Lsh(v.lo, d), new(big.Int).Lsh(v.hi, d)
	return bounds{lo.Add(lo, u.lo), hi.Add(hi, u.hi), u.exp}
}

// times encloses the product of a number and one ≥ 0.
func (v bounds) times(u bounds) bounds {
	if u.lo.Sign() < 0 {
		v, u = u, v
	}
	by := func(x, negative, positive *big.Int) *big.Int {
		if x.Sign() < 0 {
			return new(big.Int).Mul(x, negative)
		}
		return new(big.Int).Mul(x, positive)
	}
	return bounds{by(v.lo, u.hi, u.lo), by(v.hi, u.lo, u.hi), v.exp + u.exp}
}

// over divides by an exact positive number.
func (v bounds) over(t Num) bounds {
	if t.man == 1 && t.wide == nil {
		return bounds{v.lo, v.hi, v.exp - int(t.exp)}
	}
	d := t.significand()
	k := d.BitLen()
	return bounds{floorScaled(v.lo, d, k), ceilScaled(v.hi, d, k), v.exp - int(t.exp) - k}
}

// scale multiplies by an exact number.
func (v bounds) scale(w *big.Rat) bounds {
	lo, hi := new(big.Int).Mul(v.lo, w.Num()), new(big.Int).Mul(v.hi, w.Num())
	if w.Sign() < 0 {
		lo, hi = hi, lo
	}
	k := w.Denom().BitLen()
	return bounds{floorScaled(lo, w.Denom(), k), ceilScaled(hi, w.Denom(), k), v.exp - k}
}

// trim rounds outwards to at most so many bits.
func (v bounds) trim(size int) bounds {
	k := max(v.lo.BitLen(), v.hi.BitLen()) - size
	if k <= 0 {
		return v
	}
	return bounds{floorScaled(v.lo, nil, -k), ceilScaled(v.hi, nil, -k), v.exp + k}
}
