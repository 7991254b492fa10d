package exact

import (
	"errors"
	"math/big"
	"sync"
	"sync/atomic"
)

// A Form is an exact real number, a linear form in logarithms and expectations
//
//	( R + Σ_g W_g · Σ_i a_i·ln(b_i/c_i) + Σ_h W_h · E_h ) / ln(base)
//
// with rational R and W, dyadic a_i of any sign, dyadic b_i, c_i > 0, each E_h an
// [Expectation] or a sum over rows of [Softmax], and a base that is e or a positive dyadic number other than 1.
// The zero value is the number 0 at base e.
//
// The Add methods and SetBase may not run at the same time as another method of
// the same form; all others may, and g may be in use elsewhere while AddScaled
// reads it. Sums are remembered for each width and shared between the forms made
// from one another with AddScaled.
type Form struct {
	r      *big.Rat // nil is 0
	groups []group
	means  []mean
	base   *block // one term 1·ln(base/1); nil at base e
}

// A mean is w times an expectation, or a sum over softmax rows.
type mean struct {
	w *big.Rat
	e interface {
		enclose(limbs int) bounds
		len() int // of weights
	}
}

// A group is w times a block; a nil w is 1.
type group struct {
	w *big.Rat
	b *block
}

type term struct{ a, b, c Num }

// A block is a sum Σ a·ln(b/c) with a ≠ 0, b ≠ c in every term. Terms are only
// appended, and not at all once the block is shared.
type block struct {
	terms  []term
	shared atomic.Bool

	mu    sync.Mutex // guards what is remembered of the terms
	sums  map[sumKey]*big.Int
	total Num // Σ|a|, or 0
}

type sumKey struct {
	limbs int
	abs   bool
}

// AddLog adds a·ln(b/c). It panics unless b and c are positive.
func (f *Form) AddLog(a, b, c Num) {
	if b.Sign() <= 0 || c.Sign() <= 0 {
		panic("exact: logarithm of a number that is not positive")
	}
	if a.isZero() || b.Cmp(c) == 0 {
		return
	}
	var last *block
	if n := len(f.groups); n > 0 && f.groups[n-1].w == nil {
		last = f.groups[n-1].b
	}
	if last == nil || last.shared.Load() {
		last = new(block)
		f.groups = append(f.groups, group{b: last})
	}
	last.terms = append(last.terms, term{a, b, c})
	last.sums, last.total = nil, Num{}
}

// AddRat adds r.
func (f *Form) AddRat(r *big.Rat) {
	if f.r == nil {
		f.r = new(big.Rat)
	}
	f.r = new(big.Rat).Add(f.r, r)
}

// AddScaled adds w·g, sharing the terms of g. It panics if g has a base.
func (f *Form) AddScaled(w *big.Rat, g *Form) {
	if g.base != nil {
		panic("exact: AddScaled of a form with a base")
	}
	if w.Sign() == 0 {
		return
	}
	if g.r != nil {
		f.AddRat(new(big.Rat).Mul(w, g.r))
	}
	one := big.NewRat(1, 1)
	for _, h := range g.groups {
		h.b.shared.Store(true)
		v := new(big.Rat).Set(w)
		if h.w != nil {
			v.Mul(v, h.w)
		}
		if v.Cmp(one) == 0 {
			v = nil
		}
		f.groups = append(f.groups, group{v, h.b})
	}
	for _, m := range g.means {
		f.means = append(f.means, mean{new(big.Rat).Mul(w, m.w), m.e})
	}
}

// SetBase divides the form by ln b in place of any earlier base. It panics
// unless b is positive and |b-1| ≥ 2^-16384.
func (f *Form) SetBase(b Num) {
	one := Int(1)
	if d := b.Sub(one); b.Sign() <= 0 || d.isZero() || d.top() <= -1<<14 {
		panic("exact: a base must be positive and not 1")
	}
	f.base = &block{terms: []term{{one, b, one}}}
}

// Len returns the number of logarithms and of weights in f, not counting the base.
// Terms that are 0 because a = 0 or b = c were never added.
func (f *Form) Len() int {
	n := 0
	for _, g := range f.groups {
		n += len(g.b.terms)
	}
	for _, m := range f.means {
		n += m.e.len()
	}
	return n
}

// An Interval is a certified enclosure Lo ≤ value ≤ Hi with exact dyadic ends.
type Interval struct {
	Lo, Hi *big.Float
	W      int      // fractional bits of the logarithms behind it; a multiple of 64
	Err    *big.Int // the counted error: half of Hi - Lo in units of 2^-W, rounded up
}

// Enclose returns an enclosure of f from logarithms and exponentials with w
// fractional bits, rounded up to a multiple of 64 and at most 2^15. Without
// expectations its width is about 14·2^-w·Σ_g |W_g|·Σ_i |a_i| / |ln base|, so that a
// form whose value is tiny against its coefficients needs a larger w.
func (f *Form) Enclose(w int) Interval {
	n := limbsFor(min(w, maxWidth))
	return f.enclose(n, false).export(n)
}

// Mass returns an enclosure of Σ_g |W_g|·Σ_i |a_i·ln(b_i/c_i)| / |ln base|, from
// logarithms as in Enclose. It does not see R and the expectations.
func (f *Form) Mass(w int) Interval {
	n := limbsFor(min(w, maxWidth))
	return f.enclose(n, true).export(n)
}

// maxWidth limits the precision, as the tables grow with its square. A base close to
// 1 adds less than 2^14 bits, and the proof covers 2^16.
const maxWidth = 1 << 15

// maxMeanWidth is the limit of Round for forms with expectations.
const maxMeanWidth = 1 << 12

func limbsFor(w int) int { return max(1, (w+63)/64) }

// bounds is the interval [lo, hi]·2^exp.
type bounds struct {
	lo, hi *big.Int
	exp    int
}

func (v bounds) export(limbs int) Interval {
	w := 64 * limbs
	err := new(big.Int).Sub(v.hi, v.lo)
	return Interval{
		Lo:  dyadic(v.lo, v.exp),
		Hi:  dyadic(v.hi, v.exp),
		W:   w,
		Err: ceilScaled(err, nil, v.exp+w-1),
	}
}

// hasZero reports 0 ∈ v.
func (v bounds) hasZero() bool { return v.lo.Sign() <= 0 && v.hi.Sign() >= 0 }

// spread returns k with hi - lo < 2^k.
func (v bounds) spread() int { return new(big.Int).Sub(v.hi, v.lo).BitLen() + v.exp }

// guard is how many bits finer than the error the sums of the groups are kept.
const guard = 24

// enclose evaluates f, or its mass, over logarithms of n limbs.
func (f *Form) enclose(n int, mass bool) bounds {
	r := f.r
	if mass {
		r = nil
	}
	v := f.numerator(n, r, mass)
	if len(f.means) > 0 && !mass {
		for _, m := range f.means {
			v = v.plus(m.e.enclose(n).scale(m.w))
		}
		v = v.trim(64*n + 64)
	}
	if f.base != nil && (v.lo.Sign() != 0 || v.hi.Sign() != 0) {
		v = v.quotient(f.divisor(n), mass)
	}
	return v
}

// numerator encloses r + Σ_g W_g Σ_i a_i ln(b_i/c_i), or the mass and r.
func (f *Form) numerator(n int, r *big.Rat, mass bool) bounds {
	// The sum is kept in units of 2^exp with 2^(exp+w+guard) about the largest
	// |W_g|·Σ|a_i|, or about |r| where there are no logarithms.
	top, empty := 0, true
	see := func(t int) {
		if empty || t > top {
			top, empty = t, false
		}
	}
	for _, g := range f.groups {
		t := g.b.weight().top()
		if g.w != nil {
			t += g.w.Num().BitLen() - g.w.Denom().BitLen() + 1
		}
		see(t)
	}
	if empty {
		if r == nil || r.Sign() == 0 {
			return bounds{new(big.Int), new(big.Int), 0}
		}
		see(r.Num().BitLen() - r.Denom().BitLen())
	}
	w := 64 * n
	exp := top - w - guard

	sum, err := new(big.Int), new(big.Int)
	one := big.NewInt(1)
	for _, g := range f.groups {
		weight := g.b.weight()
		s, low := g.b.sum(n, mass)
		e := new(big.Int).Mul(weight.significand(), big.NewInt(unit))
		var den *big.Int
		if g.w != nil {
			num := g.w.Num()
			if mass {
				num = new(big.Int).Abs(num)
			}
			s = new(big.Int).Mul(s, num)
			e.Mul(e, new(big.Int).Abs(num))
			den = g.w.Denom()
		}
		sum.Add(sum, floorScaled(s, den, low-w-exp))            // floor: short by less than 1
		err.Add(err, ceilScaled(e, den, int(weight.exp)-w-exp)) // rounded up
		err.Add(err, one)
	}
	if r != nil && r.Sign() != 0 {
		q, exact := divScaled(r.Num(), r.Denom(), -exp)
		sum.Add(sum, q) // floor: short by less than 1
		if !exact {
			err.Add(err, one)
		}
	}
	v := bounds{new(big.Int).Sub(sum, err), sum.Add(sum, err), exp}
	if mass && v.lo.Sign() < 0 {
		v.lo.SetInt64(0)
	}
	return v
}

// divisor encloses ln(base) away from 0 with about 64n significant bits.
func (f *Form) divisor(n int) bounds {
	// |ln b| > |b-1|/2 where |b-1| < 1/2, and |ln b| > 0.4 elsewhere.
	b := f.base.terms[0].b
	if d := b.Sub(Int(1)); d.top() < 0 {
		n += (1 - d.top() + 63) / 64
	}
	return (&Form{groups: []group{{b: f.base}}}).numerator(n+1, nil, false)
}

// quotient encloses v/d, or v/|d|, for an enclosure d that excludes 0. Its unit
// is that of v over about |d|, and each end is rounded outwards by less than 1.
func (v bounds) quotient(d bounds, abs bool) bounds {
	lo, hi := v.lo, v.hi
	dlo, dhi := d.lo, d.hi
	if dlo.Sign() < 0 {
		dlo, dhi = new(big.Int).Neg(dhi), new(big.Int).Neg(dlo)
		if !abs {
			lo, hi = new(big.Int).Neg(hi), new(big.Int).Neg(lo)
		}
	}
	k := dhi.BitLen()
	by := func(x, positive, negative *big.Int) *big.Int {
		if x.Sign() < 0 {
			return negative
		}
		return positive
	}
	return bounds{
		floorScaled(lo, by(lo, dhi, dlo), k),
		ceilScaled(hi, by(hi, dlo, dhi), k),
		v.exp - d.exp - k,
	}
}

// floorScaled returns ⌊x·2^k/d⌋ for d > 0; a nil d is 1.
func floorScaled(x, d *big.Int, k int) *big.Int {
	q, _ := divScaled(x, d, k)
	return q
}

// ceilScaled returns ⌈x·2^k/d⌉ for d > 0; a nil d is 1.
func ceilScaled(x, d *big.Int, k int) *big.Int {
	q, _ := divScaled(new(big.Int).Neg(x), d, k)
	return q.Neg(q)
}

// divScaled returns ⌊x·2^k/d⌋ and whether nothing was lost.
func divScaled(x, d *big.Int, k int) (q *big.Int, exact bool) {
	q = new(big.Int)
	if d == nil || d.IsUint64() && d.Uint64() == 1 {
		if k >= 0 {
			return q.Lsh(x, uint(k)), true
		}
		exact = x.Sign() == 0 || x.TrailingZeroBits() >= uint(-k)
		return q.Rsh(x, uint(-k)), exact // arithmetic: towards -∞
	}
	m := new(big.Int)
	if k >= 0 {
		x = m.Lsh(x, uint(k))
		m = new(big.Int)
	} else {
		d = new(big.Int).Lsh(d, uint(-k))
	}
	q.DivMod(x, d, m) // Euclidean, which is the floor as d > 0
	return q, m.Sign() == 0
}

// weight returns Σ|a|.
func (b *block) weight() Num {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.total.isZero() {
		low, high := b.span()
		s := newAccumulator(low, high, len(b.terms), 1)
		one := []uint64{1}
		for i := range b.terms {
			s.addMul(one, b.terms[i].a, false)
		}
		b.total = wide(false, s.value(), low)
	}
	return b.total
}

func (b *block) span() (low, high int) {
	return span(len(b.terms), func(i int) Num { return b.terms[i].a })
}

// sum returns an integer S with |S·2^low - 2^w·Σ a·ln(b/c)| < unit·Σ|a|, or the same
// for Σ|a·ln(b/c)|.
func (b *block) sum(n int, abs bool) (s *big.Int, low int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	low, high := b.span()
	key := sumKey{n, abs}
	if s := b.sums[key]; s != nil {
		return s, low
	}
	s = b.evaluate(tableFor(n), low, high, abs)
	if b.sums == nil {
		b.sums = make(map[sumKey]*big.Int)
	}
	b.sums[key] = s
	return s, low
}

// evaluate is sum without the memory, over a given table.
func (b *block) evaluate(t *table, low, high int, abs bool) *big.Int {
	acc := newAccumulator(low, high, len(b.terms), t.n+1)
	k := newKernel(t)
	for i := range b.terms {
		x := &b.terms[i]
		neg := k.log(x.b, x.c) != x.a.neg
		acc.addMul(k.out, x.a, neg && !abs) // |·| moves no approximation further away
	}
	return acc.value()
}

// A Rounding is the correctly rounded value of a form.
type Rounding struct {
	Bits      uint64   // in the format asked for
	Enclosure Interval // of the value; both ends round to Bits unless Exact
	Exact     bool     // the value is a rational number and was rounded as one
}

// ErrUndecided is returned by [Form.Round] when the value could not be told from
// a tie between two results within the limits stated there.
var ErrUndecided = errors.New("exact: the value cannot be told from a tie")

// hopeless is how many bits finer than the result's last place an enclosure may
// become before Round gives up on a value that Rational cannot decide.
const hopeless = 512

// Round returns the value of f rounded once to the nearest number of the format,
// ties to even. Overflow gives an infinity and every result that is 0 is +0.
//
// The precision doubles until both ends of the enclosure round to the same
// number. A value that may be rational is tested for it from the second
// enclosure on, as only rational values can be ties. The test is first limited
// to 256 distinct odd parts of b and c, then to the 4096 of Rational. Where it
// cannot decide, Round returns ErrUndecided once the enclosure is less than
// 2^-512 of the last place wide; in any case it does so beyond 2^15 bits.
//
// A form with expectations is rational where [Form.Rational] says so, and about all
// others nothing is known: their enclosures go to 4096 bits.
func (f *Form) Round(to Format) (Rounding, error) {
	start := limbsFor(to.prec + 40)
	widest := maxWidth
	if len(f.means) > 0 {
		widest = maxMeanWidth
	}
	if f.Len() == 0 && (f.base == nil || f.rat().Sign() == 0) {
		return f.exact(to, start, f.rat())
	}
	irrational := false
	parts := firstParts
	for n := start; 64*n <= widest; {
		v := f.enclose(n, false)
		lo, hi := to.dyadic(v.lo, v.exp), to.dyadic(v.hi, v.exp)
		if lo == hi {
			return Rounding{Bits: lo, Enclosure: v.export(n)}, nil
		}
		if n > start && !irrational {
			r, ok, decided := f.rational(parts)
			if ok {
				return f.exact(to, n, r)
			}
			irrational = decided
			if parts == maxParts && !decided && !v.hasZero() && v.spread()+hopeless < to.quantum(v) {
				break
			}
			parts = maxParts
		}
		next := 2 * n
		if v.hasZero() {
			// Enough to end inside half the least positive number on both sides.
			need := limbsFor(64*n + v.spread() - to.Least() + 2)
			if n < need && need < next {
				next = need
			}
		}
		n = next
	}
	return Rounding{}, ErrUndecided
}

// Sign returns -1 or +1 as f is below or above 0, or 0 where it is proved to be 0
// or, with ErrUndecided, where 4096 bits do not tell.
func (f *Form) Sign() (int, error) {
	for n := 2; 64*n <= maxMeanWidth; n *= 2 {
		switch v := f.enclose(n, false); {
		case v.lo.Sign() > 0:
			return 1, nil
		case v.hi.Sign() < 0:
			return -1, nil
		case v.lo.Sign() == 0 && v.hi.Sign() == 0:
			return 0, nil
		}
		if r, ok, _ := f.Rational(); ok {
			return r.Sign(), nil
		}
	}
	return 0, ErrUndecided
}

func (f *Form) rat() *big.Rat {
	if f.r == nil {
		return new(big.Rat)
	}
	return f.r
}

// exact rounds a value that is known to be r.
func (f *Form) exact(to Format, n int, r *big.Rat) (Rounding, error) {
	g := Form{r: r}
	return Rounding{Bits: to.RoundRat(r), Enclosure: g.enclose(n, false).export(n), Exact: true}, nil
}
