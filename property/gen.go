package property

import (
	"math"
	"math/bits"

	"klconf/conform/judge"
	"klconf/impl/exact"
	"klconf/spec"
	"pgregory.net/rapid"
)

// A layout is how a binary format keeps its numbers.
type layout struct {
	fraction int // bits of the fraction
	bias     int
	top      int // the largest exponent that is drawn
}

// Numbers are drawn up to 2^24 below the largest, so that sums of 1024 terms
// stay finite. float16 has no such room and its results are float32.
var layouts = map[spec.DType]layout{
	spec.F64: {52, 1023, 999}, spec.F32: {23, 127, 103}, spec.F16: {10, 15, 15}, spec.BF16: {7, 127, 103},
}

func (l layout) least() int { return 1 - l.bias } // exponent of the least normal number

// bits returns (1 + fraction/2^l.fraction)·2^e.
func (l layout) bits(e int, fraction uint64) uint64 {
	return uint64(e+l.bias)<<l.fraction | fraction&(1<<l.fraction-1)
}

// A zeros says which entries of a drawn pair may be exactly 0.
type zeros struct {
	p    bool // (0, q)
	q    bool // (p, 0)
	both bool // (0, 0)
}

// A domain says which vectors may be drawn.
type domain struct {
	dtype       spec.DType
	zeros       zeros
	subnormal   bool
	least, most int  // exponents of the normal numbers
	pmf         bool // both exact sums are 1
	positive    bool // both sums are positive
	min, max    int  // pairs, before the vectors are made long
	long        bool // lengths around 128, 256, 512 and 1024 as well
	close       bool // near-equal vectors above all: for bounds that these meet
	pmfBits     int  // the most that the entries of pmfs need, or 0
}

// domainOf returns what a convention can take: zeros where its rules give
// the definition's number, subnormals unless they are flushed, exact
// probability vectors where it wants them.
func domainOf(d spec.DType, c spec.Convention) domain {
	l := layouts[d]
	m := domain{
		dtype: d, least: l.least(), most: l.top, max: 70, long: true,
		subnormal: c.Subnormal != "flushed",
		zeros: zeros{
			p:    defaults(c.ZeroP, "zero"),
			q:    defaults(c.ZeroQ, "inf"),
			both: defaults(c.ZeroZero, "zero"),
		},
		pmf:      requiresNormalised(c),
		positive: normalises(c),
	}
	if m.pmf || m.positive || !defaults(c.Empty, "zero") || c.Reduction == "mean" {
		m.min = 1
	}
	return m
}

// A vectors is P and Q as bit patterns of one format.
type vectors struct{ p, q []uint64 }

func (v vectors) len() int { return len(v.p) }

// with returns a copy with pairs inserted at i.
func (v vectors) with(i int, pairs ...pair) vectors {
	var w vectors
	w.p = append(w.p, v.p[:i]...)
	w.q = append(w.q, v.q[:i]...)
	for _, x := range pairs {
		w.p = append(w.p, x.p)
		w.q = append(w.q, x.q)
	}
	w.p = append(w.p, v.p[i:]...)
	w.q = append(w.q, v.q[i:]...)
	return w
}

// pick returns the pairs in the order f(0), f(1), …, f(n-1).
func (v vectors) pick(n int, f func(int) int) vectors {
	w := vectors{make([]uint64, n), make([]uint64, n)}
	for i := range n {
		w.p[i], w.q[i] = v.p[f(i)], v.q[f(i)]
	}
	return w
}

func (v vectors) swapped() vectors { return vectors{v.q, v.p} }

// totals returns the exact sums of P and Q.
func (v vectors) totals(d spec.DType) (p, q exact.Num) { return total(d, v.p), total(d, v.q) }

func total(d spec.DType, x []uint64) exact.Num {
	n := make([]exact.Num, len(x))
	for i, b := range x {
		n[i] = exact.Float(d.Widen(b))
	}
	return exact.Sum(n)
}

// A pair is one entry of P and of Q.
type pair struct{ p, q uint64 }

// A flavour is a family of numbers.
type flavour int

const (
	counts    flavour = iota // integers 1 … 100
	ordinary                 // 2^-4 … 2^4
	pmfs                     // k/2^m with exact sum 1
	near                     // q within a few ulps of p
	dirichlet                // normalised in floating point
	ratio                    // 2^±30, mostly near 1
	wide                     // the whole range of exponents
	subnormal                // subnormals among ordinary numbers
	mixed                    // any of these, for each entry anew
)

// draw draws a pair of vectors. What decides about the whole is drawn before
// the entries, so that it keeps its meaning while entries are taken away.
func (d *domain) draw(t *rapid.T) vectors {
	f := pmfs
	if !d.pmf {
		flavours := []flavour{counts, ordinary, pmfs, near, dirichlet, ratio, wide, subnormal, mixed}
		if d.close {
			flavours = append([]flavour{near, pmfs, near, pmfs, near, pmfs}, flavours...)
		}
		f = rapid.SampledFrom(flavours).Draw(t, "flavour")
	}
	z := d.drawZeros(t)
	n := d.drawLength(t)
	from, to := d.window(t)
	var v vectors
	if f == pmfs && to > 0 {
		v = d.drawPMF(t, z, max(from, 1), to)
	} else {
		for _, x := range rapid.SliceOfN(d.pair(f, z), from, to).Draw(t, "pairs") {
			v.p, v.q = append(v.p, x.p), append(v.q, x.q)
		}
		if d.positive {
			v.p[0], v.q[0] = d.positiveOr1(v.p[0]), d.positiveOr1(v.q[0])
		}
		if f == dirichlet {
			d.normalise(v.p)
			d.normalise(v.q)
		}
	}
	if n > v.len() && v.len() > 0 {
		v = v.pick(n, func(i int) int { return i % v.len() })
	}
	return v
}

func (d *domain) positiveOr1(x uint64) uint64 {
	if x == 0 {
		return layouts[d.dtype].bits(0, 0)
	}
	return x
}

// window draws the range of the length.
func (d *domain) window(t *rapid.T) (from, to int) {
	w := rapid.SampledFrom([][2]int{{0, 8}, {1, 4}, {4, 16}, {16, 40}, {40, 70}}).Draw(t, "length")
	from, to = max(w[0], d.min), min(w[1], d.max)
	return min(from, to), to
}

// drawLength draws a length around a power of two to which the pairs are
// repeated, now and then, and otherwise 0.
func (d *domain) drawLength(t *rapid.T) int {
	if !d.long || d.pmf {
		return 0
	}
	switch k := at(dial(t, "long"), 48); k {
	case 44, 45, 46, 47:
		return 1<<(k-37) + rapid.IntRange(-1, 1).Draw(t, "beside")
	}
	return 0
}

// drawZeros draws which zeros this vector has, mostly none.
func (d *domain) drawZeros(t *rapid.T) zeros {
	all := []zeros{{}, {}, {}, {}}
	for _, z := range []zeros{{p: true}, {p: true, both: true}, {both: true}, {q: true}, {true, true, true}} {
		if (d.zeros.p || !z.p) && (d.zeros.q || !z.q) && (d.zeros.both || !z.both) {
			all = append(all, z)
		}
	}
	return all[at(dial(t, "zeros"), len(all))]
}

// zero draws which entries of one pair are 0.
func (z zeros) zero(t *rapid.T) (p, q bool) {
	if z == (zeros{}) {
		return false, false
	}
	switch k := at(dial(t, "zero"), 8); {
	case k == 5 && z.p:
		return true, false
	case k == 6 && z.both:
		return true, true
	case k == 7 && z.q:
		return false, true
	}
	return false, false
}

// pair returns a generator of one pair.
func (d *domain) pair(f flavour, z zeros) *rapid.Generator[pair] {
	return rapid.Custom(func(t *rapid.T) pair {
		f := f
		if f == mixed {
			f = rapid.SampledFrom([]flavour{counts, ordinary, near, ratio, wide, subnormal}).Draw(t, "flavour")
		}
		var x pair
		x.p = d.number(t, f)
		if f == near {
			x.q = d.beside(t, x.p)
		} else {
			x.q = d.number(t, f)
		}
		p0, q0 := z.zero(t)
		if p0 {
			x.p = 0
		}
		if q0 {
			x.q = 0
		}
		return x
	})
}

// number draws a positive number.
func (d *domain) number(t *rapid.T, f flavour) uint64 {
	l := layouts[d.dtype]
	within := func(e int) int { return min(max(e, d.least), d.most) }
	switch f {
	case counts:
		return judge.Bits(d.dtype, float64(1+rapid.Uint64Range(0, 99).Draw(t, "count")))
	case subnormal:
		if d.subnormal && rapid.Bool().Draw(t, "subnormal") {
			return max(fraction(t, l), 1)
		}
	case wide:
		return l.bits(d.least+at(dial(t, "exponent"), d.most-d.least+1), fraction(t, l))
	case ratio:
		return l.bits(within(rapid.IntRange(-30, 30).Draw(t, "exponent")), fraction(t, l))
	}
	return l.bits(within(rapid.IntRange(-4, 3).Draw(t, "exponent")), fraction(t, l))
}

// beside draws a number a few ulps from x.
func (d *domain) beside(t *rapid.T, x uint64) uint64 {
	y := x + uint64(rapid.IntRange(-4, 4).Draw(t, "ulps"))
	if e := int(y>>layouts[d.dtype].fraction) - layouts[d.dtype].bias; e < d.least || e > d.most {
		return x
	}
	return y
}

// fraction draws the fraction of a significand, short or of full length.
func fraction(t *rapid.T, l layout) uint64 {
	u := rapid.Uint64Range(0, 1<<l.fraction-1).Draw(t, "fraction")
	if rapid.Bool().Draw(t, "full") {
		u = scramble(u)
	}
	return u & (1<<l.fraction - 1)
}

// dial draws a number whose residues are all about equally likely; rapid's
// own integers are mostly small.
func dial(t *rapid.T, label string) uint64 { return scramble(rapid.Uint64().Draw(t, label)) }

// at is the place of a dial among n.
func at(dial uint64, n int) int { return int(dial % uint64(n)) }

// scramble is a bijection with scramble(0) = 0 (the finaliser of MurmurHash3).
func scramble(u uint64) uint64 {
	u = (u ^ u>>33) * 0xff51afd7ed558ccd
	u = (u ^ u>>33) * 0xc4ceb9fe1a85ec53
	return u ^ u>>33
}

// drawPMF draws probability vectors of multiples of 2^-m with exact sum 1.
func (d *domain) drawPMF(t *rapid.T, z zeros, from, to int) vectors {
	type weights struct{ p, q, zero uint64 }
	l := layouts[d.dtype]
	to = min(to, 1<<l.fraction) // one unit each, at least
	from = min(from, to)
	w := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) weights {
		var x weights
		x.p = rapid.Uint64Range(0, 1<<16).Draw(t, "weight")
		x.q = rapid.Uint64Range(0, 1<<16).Draw(t, "weight")
		p0, q0 := z.zero(t)
		if p0 {
			x.zero |= 1
		}
		if q0 {
			x.zero |= 2
		}
		return x
	}), from, to).Draw(t, "weights")
	return d.pmfOf(t, len(w), func(i int) (p, q uint64) { return w[i].p, w[i].q }, func(i int) (p, q bool) {
		return w[i].zero&1 != 0, w[i].zero&2 != 0
	})
}

// pmfOf shares out 2^m units by weights, one at least to each entry that is
// not zero; entry 0 never is, and takes the rest.
func (d *domain) pmfOf(t *rapid.T, n int, weight func(i int) (p, q uint64), zero func(i int) (p, q bool)) vectors {
	l := layouts[d.dtype]
	most := min(l.fraction+1, 1-d.least-1)
	if d.pmfBits > 0 {
		most = min(most, d.pmfBits)
	}
	m := rapid.IntRange(bits.Len(uint(n)), max(bits.Len(uint(n)), most)).Draw(t, "m")
	share := func(of func(i int) (w uint64, zero bool)) []uint64 {
		units := make([]uint64, n)
		left, sum := uint64(1)<<m, uint64(0)
		for i := range units {
			if w, zero := of(i); !zero || i == 0 {
				units[i] = 1
				left--
				sum += w
			}
		}
		if sum > 0 {
			spread := left
			for i := range units {
				if w, _ := of(i); units[i] > 0 {
					hi, lo := bits.Mul64(w, spread)
					k, _ := bits.Div64(hi, lo, sum)
					units[i] += k
					left -= k
				}
			}
		}
		units[0] += left
		return units
	}
	p := share(func(i int) (uint64, bool) { w, _ := weight(i); z, _ := zero(i); return w, z })
	q := share(func(i int) (uint64, bool) { _, w := weight(i); _, z := zero(i); return w, z })
	sameZeros := true
	for i := range p {
		sameZeros = sameZeros && (p[i] == 0) == (q[i] == 0)
	}
	if sameZeros && rapid.Bool().Draw(t, "near") {
		copy(q, p)
		for range rapid.IntRange(0, 3).Draw(t, "moves") {
			i, j := at(dial(t, "from"), n), at(dial(t, "to"), n)
			if q[i] > 1 && q[j] > 0 {
				q[i]--
				q[j]++
			}
		}
	}
	var v vectors
	for i := range p {
		v.p = append(v.p, judge.Bits(d.dtype, math.Ldexp(float64(p[i]), -m)))
		v.q = append(v.q, judge.Bits(d.dtype, math.Ldexp(float64(q[i]), -m)))
	}
	return v
}

// normalise divides by the sum, in floating point: a probability vector as
// programs have it, with a sum beside 1.
func (d *domain) normalise(x []uint64) {
	sum := 0.0
	for _, b := range x {
		sum += d.dtype.Widen(b)
	}
	if sum == 0 {
		return
	}
	l := layouts[d.dtype]
	for i, b := range x {
		if b != 0 {
			x[i] = max(judge.Bits(d.dtype, d.dtype.Widen(b)/sum), l.bits(d.least, 0))
		}
	}
}
