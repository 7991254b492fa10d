package impl

import (
	"fmt"
	"math"

	"klconf/impl/exact"
)

// KLLogits32 returns the Kullback-Leibler divergence of the softmax distributions of
// two vectors of logits,
//
//	KL = Σ s[i]·ln(s[i]/r[i])   (nats),   s[i] = e^a[i]/Σe^a[j],   r[i] = e^b[i]/Σe^b[j],
//
// correctly rounded to float64: the error is at most ½ ulp. The logits are taken as
// exact reals, and a logit of −Inf is probability 0. Special cases are, the first that
// applies:
//
//	KLLogits32 panics if the lengths differ
//	NaN, if any logit is NaN or +Inf
//	NaN, if all of a or all of b are −Inf, as in empty vectors
//	+Inf, if b[i] = −Inf where a[i] is finite
//	NaN, if 4096 bits do not tell the value from the midpoint of two float64 numbers
//
// The last is known to happen for inputs made for it, where a weight below 2^−4000
// decides. The result is never negative. Time is linear in the length.
func KLLogits32(a, b []float32) float64 { return current.Load().KLLogits32(a, b) }

// KLLogits32 is [KLLogits32] by this backend.
func (b *Backend) KLLogits32(x, y []float32) float64 {
	v, _ := b.KLLogits32Tier(x, y)
	return v
}

// KLLogits32Tier is KLLogits32 and the tier that gave it.
func (b *Backend) KLLogits32Tier(x, y []float32) (float64, Tier) {
	sameLength("KLLogits32", len(x), len(y))
	return b.klLogits32(x, y)
}

// KLLogits is [KLLogits32] of the logits a/T and b/T, the exact quotients, which need not be
// numbers of float32: the distributions at temperature T. It is correctly rounded and has
// the same special cases, and panics unless T is positive and finite.
//
// If all quotients are numbers of float32, as those of float32 logits are where T is 1 or
// another power of two, it takes little longer than KLLogits32. Otherwise exact arithmetic
// gives the value, at some microseconds an element (BenchmarkKLLogitsTemperature).
func KLLogits(a, b []float64, temperature float64) float64 {
	return current.Load().KLLogits(a, b, temperature)
}

// KLLogits is [KLLogits] by this backend.
func (b *Backend) KLLogits(x, y []float64, temperature float64) float64 {
	sameLength("KLLogits", len(x), len(y))
	if !(temperature > 0) || math.IsInf(temperature, 1) {
		panic(fmt.Sprintf("impl: KLLogits at temperature %v, which is not positive and finite", temperature))
	}
	if v, ok := surveyLogits(x, y).special(); ok {
		return v
	}
	if x32, ok := quotients32(x, temperature); ok {
		if y32, ok := quotients32(y, temperature); ok {
			return b.KLLogits32(x32, y32)
		}
	}
	return oracleLogits(x, y, temperature)
}

// quotients32 returns x/t, ok if float32 holds all of it. A quotient y is exact if y·t − x,
// which has no more than 24 + 53 bits below the first of x, is 0.
func quotients32(x []float64, t float64) (y []float32, ok bool) {
	const least = 0x1p-900 // the product of a smaller number could underflow
	y = make([]float32, len(x))
	for i, v := range x {
		q := float32(v / t)
		y[i] = q
		if v == 0 || math.IsInf(v, -1) {
			continue
		}
		if !(math.Abs(v) >= least) || math.FMA(float64(q), t, -v) != 0 {
			return nil, false
		}
	}
	return y, true
}

// KLLogitsApprox32 is an approximation of [KLLogits32] for those who need speed more than
// digits, with the same special cases. It is never negative. Nothing is proved of its
// error, and its bits depend on the backend. TestLogitsApprox compares it with KLLogits32:
// on AVX-512 and AVX2, where it is arithmetic of float32, the error stays below
// 1e-6 + 1e-6·KL for logits of a language model and for normal ones, so that a divergence
// below 1e-5 has few right digits or none; it grows with the mean of b − a, 1e-7 of which is
// lost. Elsewhere it is that of a loop in float64.
func KLLogitsApprox32(a, b []float32) float64 { return current.Load().KLLogitsApprox32(a, b) }

// KLLogitsApprox32 is [KLLogitsApprox32] by this backend.
func (b *Backend) KLLogitsApprox32(x, y []float32) float64 {
	sameLength("KLLogitsApprox32", len(x), len(y))
	return b.klLogitsApprox32(x, y)
}

// approxLogits is the loop in float64.
func approxLogits(a, b []float32) float64 {
	s := surveyLogits(a, b)
	if v, ok := s.special(); ok {
		return v
	}
	var w, wb, sum float64
	for i, x := range a {
		wb += math.Exp(float64(b[i]) - s.topB)
		if y := float64(x) - s.top; y > -700 {
			e := math.Exp(y)
			w += e
			sum += float64(e * (float64(b[i]) - float64(x)))
		}
	}
	return max(0, math.Log(wb/w)+(s.topB-s.top)-sum/w)
}

// screenedLogits answers through the oracle alone.
func screenedLogits(a, b []float32) (float64, Tier) {
	if v, ok := surveyLogits(a, b).special(); ok {
		return v, TierExact
	}
	return exactLogits(a, b), TierExact
}

// exactLogits returns a value that is known to be finite, by the oracle.
func exactLogits(a, b []float32) float64 { return oracleLogits(a, b, 1) }

func oracleLogits[F float32 | float64](a, b []F, temperature float64) float64 {
	r, err := exact.KLLogits(a, b, temperature).Round(exact.Float64)
	if err != nil {
		return math.NaN()
	}
	return math.Float64frombits(r.Bits)
}

// solveLogits returns the correctly rounded divergence and the tier that gave it.
func solveLogits(a, b []float32) (float64, Tier) {
	s := surveyLogits(a, b)
	if v, ok := s.special(); ok {
		return v, TierTwo
	}
	return s.solve(a, b)
}

// solve is solveLogits after the survey.
func (s logitsSurvey) solve(a, b []float32) (float64, Tier) {
	if m, ok := s.moments(a, b); ok {
		if v, ok := certify64(m.divergence()); ok {
			return v, TierTwo
		}
	}
	return exactLogits(a, b), TierExact
}

// moments is the middle tier: everything in pairs of numbers.
func (s logitsSurvey) moments(a, b []float32) (m moments, ok bool) {
	c, ok := s.centre(a, b)
	if !ok || len(a) > mostLogits {
		return m, false
	}
	m.add(a, b, s.top, c)
	m.bound()
	return m, true
}

// A logitsSurvey is what is known of two vectors of logits after one look.
type logitsSurvey struct {
	bad      bool    // a NaN or +Inf
	infinite bool    // a finite logit of a is beside −Inf
	top      float64 // the largest of a, −Inf if all are
	at       int     // its place
	topB     float64 // the largest of b
}

func surveyLogits[F float32 | float64](a, b []F) logitsSurvey {
	inf := F(math.Inf(1))
	s := logitsSurvey{}
	top, topB := -inf, -inf
	for i, x := range a {
		y := b[i]
		if !(x < inf) || !(y < inf) {
			s.bad = true
			return s
		}
		if y == -inf && x != -inf {
			s.infinite = true
		}
		if x > top {
			top, s.at = x, i
		}
		topB = max(topB, y)
	}
	s.top, s.topB = float64(top), float64(topB)
	return s
}

// special returns the values that the definition gives without a sum.
func (s logitsSurvey) special() (v float64, ok bool) {
	switch {
	case s.bad || math.IsInf(s.top, -1) || math.IsInf(s.topB, -1):
		return math.NaN(), true
	case s.infinite:
		return math.Inf(1), true
	}
	return 0, false
}

const (
	mostLogits  = 1 << 22 // [Y7]
	leastLogit  = -600    // weights below e^-600 are left to the slack [Y6]
	mostCentre  = 1 << 20 // [Y3]
	mostWeightB = 500     // of the exponents of the weights of b
)

// centre returns a number near Σ s·(b−a), exactly b − a if that is the same everywhere.
func (s logitsSurvey) centre(a, b []float32) (c float64, ok bool) {
	first := float64(b[s.at]) - float64(a[s.at])
	var sum, weight float64
	for i, x := range a {
		y := float64(x) - s.top
		if y < -40 { // −Inf among them
			continue
		}
		w := math.Exp(y)
		weight += w
		sum += float64(w * (float64(b[i]) - float64(x) - first))
	}
	return s.limit(first + sum/weight)
}

// limit moves a centre to where the weights of b do not overflow, ok if it may be used.
func (s logitsSurvey) limit(c float64) (float64, bool) {
	c = max(c, s.topB-s.top-mostWeightB)
	return c, math.Abs(c) <= mostCentre
}

// moments are sums over the elements. With y = a − A, where A is the largest of a, and x = b − a − c
// for a centre c,
//
//	W = Σ e^y,   G = Σ e^y·φ(x),   S = Σ e^y·x,   φ(x) = e^x − 1 − x ≥ 0,
//	KL = log1p((G + S)/W) − S/W.
//
// S is small if c is near the mean of b − a, and nothing else can cancel.
type moments struct {
	w, g, s sums
	// Bounds of the errors of the sums.
	errW, errG, errS float64

	plain int // elements that add has added
}

// add adds elements to the moments in pairs of numbers [Y].
func (m *moments) add(a, b []float32, top, c float64) {
	m.plain += len(a)
	b = b[:len(a)]
	for i, a32 := range a {
		x, y := float64(a32), float64(b[i])
		if x < -math.MaxFloat32 {
			if z := difference(y, top, c); z.h >= leastLogit {
				e := exp(z)
				m.g.add(e.h)
				m.g.add(e.l)
				m.errG += momentError * e.h
			} else if y >= -math.MaxFloat32 {
				m.dropped()
			}
			continue
		}
		var w, e pair // e^y, e^z
		u0 := pair{}
		if u0.h, u0.l = twoSum(x, -top); u0.h >= leastLogit {
			w = exp(u0)
		} else {
			m.dropped()
		}
		d := difference(y, x, c)
		size := math.Abs(d.h)
		var g pair
		if size <= smallLogit {
			g = w.times(phi(d))
			m.errG += momentError * g.h
		} else {
			if z := difference(y, top, c); z.h >= leastLogit {
				e = exp(z)
			} else {
				m.dropped()
			}
			g = e.plus(w.times(pair{1, 0}.plus(d)).negated())
			m.errG += momentError * (e.h + float64(w.h*(1+size)))
		}
		s := w.times(d)
		if _, low := twoSum(y, -x); low != 0 { // d is rounded [Y3]
			low = math.Abs(low)
			err := float64(w.h * ((low + 1.1*u*size) * (1.1 * u)))
			m.errS += err
			m.errG += 1.3 * float64(err*(size+low))
		}
		m.w.add(w.h)
		m.w.add(w.l)
		m.g.add(g.h)
		m.g.add(g.l)
		m.s.add(s.h)
		m.s.add(s.l)
		m.errS += momentError * math.Abs(s.h)
	}
}

// dropped counts a weight that was taken for 0 [Y6].
func (m *moments) dropped() {
	m.errW += 0x1p-730
	m.errG += 0x1p-730
	m.errS += 0x1p-730
}

const (
	smallLogit  = 0.125    // φ is a series up to here
	momentError = 0x1p-82  // bounds the relative errors of what add adds [Y5]
	sumError    = 0x1p-100 // of the evaluation from the moments [Y8]
)

// bound completes the bounds.
func (m *moments) bound() { m.errW += momentError * m.w.h }

// divergence returns KL as h + l with an error of at most err [Y8], [Y9].
func (m *moments) divergence() (h, l, err float64) {
	w, g, s := m.w.total(), m.g.total(), m.s.total()
	n := g.plus(s)
	wb := w.plus(n)
	if !(wb.h >= 0x1p-10*w.h) || !(w.h < 0x1p900) || !(wb.h < 0x1p900) {
		return 0, 0, math.Inf(1)
	}
	t, mean := n.over(w), s.over(w)
	log := log1p(t)
	k := log.plus(mean.negated())

	size, errN := math.Abs(g.h)+math.Abs(s.h), m.errG+m.errS
	slope := (math.Abs(n.h) + errN) / w.h // of S
	slopeW := (math.Abs(mean.h)+m.errS/w.h)*slope + (math.Abs(g.h)+m.errG)/w.h
	err = (m.errG + slope*m.errS + slopeW*m.errW + sumError*size) / wb.h
	err += sumError * (math.Abs(mean.h) + math.Abs(k.h))
	if math.Abs(t.h) < 0x1p-9 {
		err += 0x1p-90 * math.Abs(t.h)
	} else {
		err += 0x1p-84
	}
	return k.h, k.l, 1.01 * err
}

// total returns a sum as a pair.
func (s *sums) total() pair {
	h, e := twoSum(s.h, s.m)
	return sorted(h, e+s.l)
}

// A pair is the unevaluated sum of two numbers, l at most about an ulp of h.
type pair struct{ h, l float64 }

// sorted returns a + b as a pair, exactly if |a| ≥ |b| or a = 0.
func sorted(a, b float64) pair {
	s := a + b
	return pair{s, b - (s - a)}
}

func (a pair) negated() pair { return pair{-a.h, -a.l} }

// plus errs by at most 6u²(|a| + |b|) [Y1].
func (a pair) plus(b pair) pair {
	h, e := twoSum(a.h, b.h)
	return sorted(h, e+(a.l+b.l))
}

// times errs by at most 8u²·|ab| [Y1].
func (a pair) times(b pair) pair {
	p := float64(a.h * b.h)
	return sorted(p, math.FMA(a.h, b.h, -p)+(float64(a.h*b.l)+float64(a.l*b.h)))
}

// over errs by at most 16u²·|a/b| [Y1].
func (a pair) over(b pair) pair {
	q := a.h / b.h
	return sorted(q, (math.FMA(-q, b.h, a.h)+(a.l-float64(q*b.l)))/b.h)
}

// difference returns x − y − c. It is exact if x − y is a float64 [Y3].
func difference(x, y, c float64) pair {
	d, e := twoSum(x, -y)
	t, f := twoSum(d, -c)
	h, l := twoSum(t, e+f)
	return pair{h, l}
}

// exp returns e^x for −600 ≤ x ≤ 501 [Y4].
func exp(x pair) pair {
	const perOctave = 64
	n := math.RoundToEven(x.h * (perOctave / math.Ln2))
	r, l := twoSum(math.FMA(-n, ln2Hi/perOctave, x.h), math.FMA(-n, ln2Lo/perOctave, x.l))
	p := pair{r, l}
	q := 1.0/120 + float64(r*(1.0/720+float64(r*(1.0/5040+float64(r*(1.0/40320+float64(r*(1.0/362880))))))))
	s := sorted(factorials[4].h, factorials[4].l+float64(r*q))
	for k := 3; k >= 1; k-- {
		s = factorials[k].plus(p.times(s))
	}
	i := int(n)
	t := powers[i&(perOctave-1)]
	t = t.plus(t.times(p.times(s)))
	scale := math.Float64frombits(uint64(1023+i>>6) << 52)
	return pair{t.h * scale, t.l * scale}
}

// phi returns e^x − 1 − x for |x| ≤ 1/8 [Y5].
func phi(x pair) pair {
	const first = 9 // 1/10! and on in plain float64
	q := 0.0
	for k := len(factorials) - 1; k > first; k-- {
		q = factorials[k].h + float64(x.h*q)
	}
	s := sorted(factorials[first].h, factorials[first].l+float64(x.h*q))
	for k := first - 1; k >= 2; k-- {
		s = factorials[k].plus(x.times(s))
	}
	return x.times(x).times(s)
}

// log1p returns ln(1 + t), t > −1 [Y9].
func log1p(t pair) pair {
	v := pair{1, 0}.plus(t)
	e := 0
	if math.Abs(t.h) >= 0x1p-9 {
		var f float64
		if f, e = math.Frexp(v.h); f < 2.0/3 {
			e--
		}
		scale := math.Ldexp(1, -e)
		v.h, v.l = v.h*scale, v.l*scale
	}
	c := 1.0
	d := t
	if math.Abs(t.h) >= 0x1p-9 {
		c = (v.h + toCell) - toCell
		d = sorted(v.h-c, v.l)
	}
	s := d.over(v.plus(pair{c, 0}))
	z := s.times(s)
	w := sorted(thirdHi, thirdLo+float64(z.h*(1.0/5+float64(z.h*(1.0/7+float64(z.h*(1.0/9)))))))
	l := s.plus(s.times(z.times(w)))
	l = pair{2 * l.h, 2 * l.l}
	cell := cells[math.Float64bits(c+toCell)%uint64(len(cells))]
	f := float64(e)
	return sorted(float64(f*ln2Hi)+cell.hi, 0).plus(pair{float64(f * ln2Lo), cell.lo}).plus(l)
}
