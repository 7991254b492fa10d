package exact

import (
	"math"
	"math/big"
)

// A Softmax is a row of weights s_i = e^(x_i/t)/Σ e^(x_j/t), or of what exact steps have
// made of one: each of Clamp, Add and Normalise returns a new row with one more step. The
// weights may be used by several goroutines and in several forms.
type Softmax struct {
	e     *Exps
	of    []int // the place in e of each weight; -1 for a mask
	steps []step

	rows memo[*softmaxRow]
}

// A step is x/Σx, or min(max(x, lo), hi) + add.
type step struct {
	normalise   bool
	lo, hi, add Num
	bounded     bool // above, by hi
}

// NewSoftmax returns the softmax weights of logits at temperature t. A logit of -Inf is
// weight 0. It panics if one is NaN or +Inf, if all are -Inf, and unless t is positive.
func NewSoftmax(logits []float64, t Num) *Softmax {
	s := &Softmax{of: make([]int, len(logits))}
	for i := range s.of {
		s.of[i] = -1
	}
	k := 0
	for i, x := range logits {
		if !math.IsInf(x, -1) {
			s.of[i] = k
			k++
		}
	}
	s.e = NewExps(finite(logits), t)
	return s
}

func (s *Softmax) then(x step) *Softmax {
	return &Softmax{e: s.e, of: s.of, steps: append(s.steps[:len(s.steps):len(s.steps)], x)}
}

// Clamp returns min(max(x, lo), hi) of the weights, without the upper limit if hi is nil.
// It panics unless 0 ≤ lo ≤ hi and hi > 0.
func (s *Softmax) Clamp(lo Num, hi *Num) *Softmax {
	x := step{lo: lo}
	if hi != nil {
		x.hi, x.bounded = *hi, true
	}
	if lo.Sign() < 0 || x.bounded && (x.hi.Sign() <= 0 || x.hi.Cmp(lo) < 0) {
		panic("exact: a clamp to what is no interval of weights")
	}
	return s.then(x)
}

// Add returns x + d of the weights. It panics if d is negative.
func (s *Softmax) Add(d Num) *Softmax {
	if d.Sign() < 0 {
		panic("exact: a negative number added to weights")
	}
	return s.then(step{add: d})
}

// Normalise returns x/Σx of the weights.
func (s *Softmax) Normalise() *Softmax { return s.then(step{normalise: true}) }

// Exps returns the weights e^(x_i/t) of the logits that are not -Inf.
func (s *Softmax) Exps() *Exps { return s.e }

// Len returns the number of weights, those of logits of -Inf included.
func (s *Softmax) Len() int { return len(s.of) }

// IsZero reports whether weight i is 0: its logit is -Inf and no step has raised it.
func (s *Softmax) IsZero(i int) bool {
	zero := s.of[i] < 0
	for _, x := range s.steps {
		zero = zero && x.lo.isZero() && x.add.isZero()
	}
	return zero
}

// Enclose returns enclosures of weight i and of its logarithm from exponentials and
// logarithms with w fractional bits. It panics if the weight is 0.
func (s *Softmax) Enclose(i, w int) (weight, log Interval) {
	if s.IsZero(i) {
		panic("exact: logarithm of a weight 0")
	}
	n := limbsFor(min(w, maxWidth))
	r := s.row(n)
	return r.weights[i].export(n), r.logs[i].export(n)
}

// A softmaxRow has the enclosures of the weights, which are never below 0, and of the
// logarithms of those that are not 0.
type softmaxRow struct{ weights, logs []bounds }

func (s *Softmax) row(n int) *softmaxRow { return s.rows.at(n, s.evaluate) }

// evaluate applies the steps to enclosures of the weights. Every step is monotone in each
// end, so that nothing is decided: a weight that its enclosure does not tell from a limit
// becomes the part of the enclosure within the limit. Weights that no clamp or addition
// has touched are kept by their logarithms, (x - top)/t - ln Z with Z the product of the
// totals that were divided by, which stay accurate where the weight is below 2^-47000.
func (s *Softmax) evaluate(n int) *softmaxRow {
	total := s.e.total(n)
	one := exactly(Int(1))
	logZ := logRatio(n, total, one)
	k := newExpKernel(n)
	v, touched := make([]bounds, len(s.of)), make([]bool, len(s.of))
	for i, j := range s.of {
		if j < 0 {
			v[i] = exactly(Num{})
			continue
		}
		v[i] = k.factor(s.e.x[j].Sub(s.e.top), s.e.t).fine(64*n+64).quotient(total, false).trim(64*n + 64)
		v[i], _ = v[i].clamp(Num{}, Int(1), true, n)
	}
	changed := false // by a clamp or an addition: the total is no longer 1
	for _, x := range s.steps {
		if x.normalise {
			if changed {
				z := v[0]
				for _, u := range v[1:] {
					z = z.plus(u)
				}
				z = z.trim(64*n + 64)
				for i := range v {
					v[i] = v[i].fine(64*n+64).quotient(z, false).trim(64*n + 64)
				}
				logZ = logZ.plus(logOf(n, z))
				changed = false
			}
			continue
		}
		for i := range v {
			u, cut := v[i].clamp(x.lo, x.hi, x.bounded, n)
			if !x.add.isZero() {
				u, cut = u.plus(exactly(x.add)).trim(64*n+64), true
			}
			v[i] = u
			touched[i], changed = touched[i] || cut, changed || cut
		}
	}

	logs := make([]bounds, len(v))
	var last, lastLog bounds // most of a row may be clamped to one number
	for i, j := range s.of {
		switch {
		case s.IsZero(i):
		case touched[i]:
			if last.lo == nil || last.exp != v[i].exp || last.lo.Cmp(v[i].lo) != 0 || last.hi.Cmp(v[i].hi) != 0 {
				last, lastLog = v[i], logOf(n, v[i])
			}
			logs[i] = lastLog
		default:
			x := exactly(s.e.x[j].Sub(s.e.top)).fine(64*n + 64)
			logs[i] = x.over(s.e.t).plus(logZ.negative())
		}
	}
	return &softmaxRow{v, logs}
}

// exactly is the enclosure of a number by itself.
func exactly(x Num) bounds {
	m := x.signed(0)
	return bounds{m, m, int(x.exp)}
}

// fine is v in a unit that gives its larger end at least so many bits.
func (v bounds) fine(size int) bounds {
	k := size - max(v.lo.BitLen(), v.hi.BitLen())
	if k <= 0 {
		return v
	}
	return bounds{new(big.Int).Lsh(v.lo, uint(k)), new(big.Int).Lsh(v.hi, uint(k)), v.exp - k}
}

// clamp encloses min(max(x, lo), hi) and reports whether that may differ from x.
func (v bounds) clamp(lo, hi Num, bounded bool, n int) (u bounds, cut bool) {
	number := func(m *big.Int) Num { return wide(m.Sign() < 0, new(big.Int).Abs(m), v.exp) }
	a, b := number(v.lo), number(v.hi)
	switch {
	case b.Cmp(lo) <= 0 && a.Cmp(lo) == 0, bounded && a.Cmp(hi) >= 0 && b.Cmp(hi) == 0:
		return v, false
	case b.Cmp(lo) <= 0:
		return exactly(lo), true
	case bounded && a.Cmp(hi) >= 0:
		return exactly(hi), true
	}
	if a.Cmp(lo) < 0 {
		a, cut = lo, true
	}
	if bounded && b.Cmp(hi) > 0 {
		b, cut = hi, true
	}
	if !cut {
		return v, false
	}
	exp := min(int(a.exp), int(b.exp))
	return bounds{a.signed(int(a.exp) - exp), b.signed(int(b.exp) - exp), exp}.trim(64*n + 64), true
}

// logOf encloses the logarithm of a number > 0.
func logOf(n int, x bounds) bounds {
	k := newKernel(tableFor(n))
	ln := func(m *big.Int) *big.Int {
		neg := k.log(wide(false, new(big.Int).Set(m), x.exp), Int(1))
		z := bigInt(k.out)
		if neg {
			z.Neg(z)
		}
		return z
	}
	u := big.NewInt(unit)
	lo := ln(x.lo)
	hi := new(big.Int).Set(lo)
	if x.lo.Cmp(x.hi) != 0 {
		hi = ln(x.hi)
	}
	return bounds{lo.Sub(lo, u), hi.Add(hi, u), -64 * n}
}

// negative encloses -x.
func (v bounds) negative() bounds {
	return bounds{new(big.Int).Neg(v.hi), new(big.Int).Neg(v.lo), v.exp}
}

// A softmaxSum is Σ w_i·(ln x_i - ln y_i) over places of rows, or Σ w_i if x and y are nil.
type softmaxSum struct {
	at      []int
	w, x, y *Softmax
	values  memo[bounds]
}

// AddSoftmax adds c·Σ w_i·(ln x_i - ln y_i) over the places i that are listed, where the
// logarithms of nil are 0; if both are nil, c·Σ w_i. It panics if the lengths of the rows
// differ or a logarithm is that of a weight 0.
func (f *Form) AddSoftmax(c *big.Rat, at []int, w, x, y *Softmax) {
	for _, s := range []*Softmax{x, y} {
		if s == nil {
			continue
		}
		if s.Len() != w.Len() {
			panic("exact: rows of different lengths")
		}
		for _, i := range at {
			if s.IsZero(i) {
				panic("exact: logarithm of a weight 0")
			}
		}
	}
	if c.Sign() != 0 && len(at) > 0 {
		f.means = append(f.means, mean{new(big.Rat).Set(c), &softmaxSum{at: at, w: w, x: x, y: y}})
	}
}

func (s *softmaxSum) len() int { return len(s.at) }

func (s *softmaxSum) enclose(n int) bounds { return s.values.at(n, s.evaluate) }

// evaluate adds the terms in units of 2^-(w+64), each rounded outwards by less than one.
func (s *softmaxSum) evaluate(n int) bounds {
	weights := s.w.row(n).weights
	var x, y []bounds
	if s.x != nil {
		x = s.x.row(n).logs
	}
	if s.y != nil {
		y = s.y.row(n).logs
	}
	unit := 64*n + 64
	lo, hi := new(big.Int), new(big.Int)
	for _, i := range s.at {
		t := weights[i]
		switch {
		case x != nil && y != nil:
			t = t.times(x[i].plus(y[i].negative()))
		case x != nil:
			t = t.times(x[i])
		case y != nil:
			t = t.times(y[i].negative())
		}
		lo.Add(lo, floorScaled(t.lo, nil, t.exp+unit))
		hi.Add(hi, ceilScaled(t.hi, nil, t.exp+unit))
	}
	return bounds{lo, hi, -unit}
}
