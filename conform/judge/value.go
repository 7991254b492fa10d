package judge

import (
	"fmt"
	"math"
	"math/big"
	"slices"

	"klconf/impl/exact"
	"klconf/spec"
)

// massPrecision is the precision of the masses: they scale tolerances and
// need few digits, but the whole exponent range.
const massPrecision = 64

// margin is how many bits narrower than half an ulp of the result format an
// enclosure is made, so that errors in ulp are known to 2^-margin and a
// stored enclosure serves other conventions without new logarithms.
const margin = 64

// A rational value next to a tie is rounded exactly, and its enclosure then
// shows the rounding only if it is narrow; up to so many bits and terms that
// is made so. A tie itself is never shown.
const nearTie, nearTieTerms = 2048, 64

// enclose turns an outcome into a Set: the exact number becomes a certified
// enclosure, its correctly rounded bits and its masses.
func (q *question) enclose(o outcome) (spec.Set, error) {
	set := spec.Set{Reject: o.reject, NaN: o.nan, Intervals: []spec.Interval{}, Overflows: o.overflows, Divides: normalises(q.c)}
	if o.posInf {
		inf := new(big.Float).SetInf(false)
		set.Intervals = append(set.Intervals, spec.Interval{Lo: inf, Hi: inf})
	}
	if o.negInf {
		inf := new(big.Float).SetInf(true)
		set.Intervals = append(set.Intervals, spec.Interval{Lo: inf, Hi: inf})
	}
	if o.value == nil {
		if len(set.Intervals) == 1 && !set.NaN && !set.Reject {
			set.RN = spec.HexBits(q.result, q.format.RoundBig(set.Intervals[0].Lo))
		}
		return set, nil
	}
	n := *o.value
	if q.base != "" && q.base != "e" {
		b, err := q.base.Value()
		if err != nil || !(b > 0) || b == 1 || math.IsInf(b, 0) {
			return set, fmt.Errorf("judge: base %q is not a finite number > 0 other than 1", q.base)
		}
		base := exact.Float(b)
		n.form = based(n.form, base)
		one := new(exact.Form)
		one.AddLog(exact.Int(1), base, exact.Int(1))
		lnb := one.Mass(3 * massPrecision).Lo // a base next to 1 has a small logarithm
		n.mass = n.mass.each(func(x *big.Float) *big.Float { return up().Quo(x, lnb) })
	}

	r, err := n.form.Round(q.format)
	if err != nil {
		return set, fmt.Errorf("judge: %w", err)
	}
	v := q.tighten(n.form, r)
	set.Intervals = append(set.Intervals, v)
	if len(set.Intervals) == 1 && !set.NaN && !set.Reject {
		set.RN = spec.HexBits(q.result, r.Bits)
	}

	m := &spec.Mass{N: n.n, AbsT: n.absT, P: n.p, Logs: n.logs, Phi: n.phi, AbsK: maxAbs(v), Under: n.under}
	if q.base != "" && q.base != "e" || q.c.Scale != "" {
		m.Factor = m.AbsK
	}
	if n.lin != nil {
		// The terms q − p are terms of the sum too.
		m.AbsT = up().Add(m.AbsT, n.lin)
		m.P = n.lin
	}
	set.Mass = m
	return set, nil
}

// based returns f/ln b.
func based(f *exact.Form, b exact.Num) *exact.Form {
	g := new(exact.Form)
	g.AddScaled(big.NewRat(1, 1), f)
	g.SetBase(b)
	return g
}

// tighten returns an enclosure that is narrower than ulp·2^-margin, or than
// the same part of the least subnormal where the value is 0 or close to it.
func (q *question) tighten(f *exact.Form, r exact.Rounding) spec.Interval {
	v := interval(r.Enclosure)
	p, least := formatLimits(q.result)
	for w := max(2*r.Enclosure.W, 128); w <= 1<<14; w *= 2 {
		width := up().Sub(v.Hi, v.Lo)
		ulp := exponent(v, p)
		if width.Sign() == 0 || width.MantExp(nil)+margin <= max(ulp, least) {
			alike := q.format.RoundBig(v.Lo) == q.format.RoundBig(v.Hi)
			if alike || w > nearTie || f.Len() > nearTieTerms {
				break
			}
		}
		if r.Bits<<1 == 0 && width.MantExp(nil) <= least {
			break // a zero: narrower than the format can show
		}
		v = interval(f.Enclose(w))
	}
	return v
}

// exponent returns e with ulp(K) = 2^e for the larger end of v at precision p.
func exponent(v spec.Interval, p int) int {
	m := maxAbs(v)
	if m.Sign() == 0 {
		return math.MinInt32
	}
	return m.MantExp(nil) - p
}

func interval(e exact.Interval) spec.Interval {
	return spec.Interval{Lo: e.Lo, Hi: e.Hi, W: e.W, Err: e.Err}
}

func maxAbs(v spec.Interval) *big.Float {
	lo, hi := new(big.Float).Abs(v.Lo), new(big.Float).Abs(v.Hi)
	if lo.Cmp(hi) > 0 {
		return lo
	}
	return hi
}

func up() *big.Float { return new(big.Float).SetPrec(massPrecision).SetMode(big.ToPositiveInf) }

func float(r *big.Rat) *big.Float { return up().SetRat(r) }

// formatLimits returns the precision and the exponent of the least subnormal.
func formatLimits(d spec.DType) (precision, least int) {
	f, ok := formats[d]
	if !ok {
		f = exact.Float64
	}
	return f.Precision(), f.Least()
}

// A Grade is everything there is to say about one answer: the highest level
// whose demand and those of all lower levels it meets ("" when it fails even
// L0), and the errors behind it. Errors are those of the worst element.
type Grade struct {
	Level    spec.Level
	Why      string  // one sentence when a level is missed, naming got and expected
	Element  int     // the worst element
	ULP      float64 // |got − K|/ulp(K)
	Cond     float64 // |got − K|/(u(Σ|t| + P))
	Abs      float64 // |got − K|, in nats unless a base says otherwise
	BitsLost float64 // log2(1 + representable numbers between got and RN(K))
	Finite   bool    // ULP, Cond, Abs and BitsLost are meaningful
	NegZero  bool    // the answer is −0
	Negative bool    // the answer, or an element of it, is below 0
	Got      spec.Got
	Expected spec.Set
}

// Assess grades one answer against what it may be.
func Assess(e spec.Expected, a spec.Answer) Grade {
	switch a.Status {
	case spec.OK:
	case spec.Rejected:
		return refusal(e, a)
	default:
		g := Grade{Got: spec.Got{Status: string(a.Status)}, Why: string(a.Status) + because(a)}
		if len(e.Values) > 0 {
			g.Expected = e.Values[0]
		} else if e.Whole != nil {
			g.Expected = *e.Whole
		}
		if a.Status == spec.Errored && overflowing(e) {
			g.Level = spec.L1 // such as an OverflowError that was caught
		}
		return g
	}
	r, ok := a.Result()
	if !ok {
		return Grade{Why: fmt.Sprintf("the answer has %d buffers, not one", len(a.Arrays))}
	}
	if err := r.Check(); err != nil {
		return Grade{Why: err.Error()}
	}
	if e.Whole != nil {
		g := Grade{Expected: *e.Whole, Why: "the question must be refused"}
		if r.Len() > 0 && r.DType.Float() {
			g.Got = got(r, 0, false)
			g.Why = fmt.Sprintf("got %s, but the question must be refused", g.Got.Decimal)
		}
		return g
	}
	if r.DType != e.DType {
		return Grade{Got: first(r), Why: fmt.Sprintf("the result is %s, not %s", r.DType, e.DType)}
	}
	if !slices.Equal(r.Shape, e.Shape) {
		return Grade{Got: first(r), Why: fmt.Sprintf("the result has shape %v, not %v", r.Shape, e.Shape)}
	}
	worst := Grade{Level: spec.L5}
	if len(e.Values) == 0 {
		return worst
	}
	for i, s := range e.Values {
		g := one(s, r.DType, r.Bits(i))
		g.Element, g.Expected, g.Got = i, s, got(r, i, len(e.Shape) > 0)
		negZero, negative := worst.NegZero || g.NegZero, worst.Negative || r.Float(i) < 0
		if i == 0 || g.Level.Rank() < worst.Level.Rank() || g.Level == worst.Level && g.ULP > worst.ULP {
			worst = g
		}
		worst.NegZero, worst.Negative = negZero, negative
	}
	return worst
}

// refusal grades a refusal: one refused row refuses the question, and a
// number beyond the format on the way excuses one at L1.
func refusal(e spec.Expected, a spec.Answer) Grade {
	g := Grade{Level: spec.L5, Got: spec.Got{Status: string(spec.Rejected)}}
	if e.Whole != nil {
		g.Expected = *e.Whole
		return g
	}
	for _, s := range e.Values {
		if s.Reject {
			g.Expected = s
			return g
		}
	}
	g.Level = ""
	if overflowing(e) {
		g.Level = spec.L1
	}
	if len(e.Values) > 0 {
		g.Expected = e.Values[0]
	}
	g.Why = "it was refused" + because(a) + ", but " + describe(e.Values)
	return g
}

// overflowing reports whether a plain evaluation of some element overflows.
func overflowing(e spec.Expected) bool {
	return slices.ContainsFunc(e.Values, func(s spec.Set) bool { return s.Overflows })
}

func because(a spec.Answer) string {
	if a.Message == "" {
		return ""
	}
	return ": " + a.Message
}

// first is the first number of an answer of the wrong format or shape.
func first(r spec.Array) spec.Got {
	if r.Len() == 0 || !r.DType.Float() {
		return spec.Got{}
	}
	return got(r, 0, false)
}

func got(r spec.Array, i int, element bool) spec.Got {
	g := spec.Got{Hex: spec.HexBits(r.DType, r.Bits(i)), Decimal: spec.Decimal(r.Float(i))}
	if element {
		g.Element = &i
	}
	return g
}

// one grades one number.
func one(s spec.Set, d spec.DType, bits uint64) Grade {
	x := d.Widen(bits)
	g := Grade{NegZero: x == 0 && math.Signbit(x)}
	miss := func() Grade {
		g.Why = fmt.Sprintf("got %s, but %s", spec.Decimal(x), Describe(s))
		return g
	}
	if math.IsNaN(x) && s.NaN {
		g.Level = spec.L5
		return g
	}
	best := Grade{}
	found := false
	for _, v := range s.Intervals {
		if x != x {
			break
		}
		h, ok := against(v, s, d, bits, x)
		if ok && (!found || h.Level.Rank() > best.Level.Rank()) {
			best, found = h, true
		}
	}
	if (!found || best.Level.Rank() < spec.L1.Rank()) && excused(s, d, x) {
		g = miss()
		g.Level = spec.L1
		return g
	}
	if !found {
		return miss()
	}
	if best.Level.Rank() < spec.L1.Rank() {
		best.Why = miss().Why
		return best
	}
	best.NegZero = g.NegZero
	if best.Level != spec.L5 {
		best.Why = fmt.Sprintf("got %s, but %s", spec.Decimal(x), Describe(s))
	}
	return best
}

// excused reports whether x meets L1 because a plain evaluation overflows on
// the way: backward stability supposes that nothing does. An infinity, or the
// NaN of Inf−Inf, is excused where the exact value is finite. Where that is
// beyond the format itself, NaN and the other infinity are, if terms of the
// other sign, or both Σp ln p and Σp ln q, overflow too; next to an infinite
// term only NaN is. Dividing by a total that overflows gives zeros, of which
// the later steps may make any number.
func excused(s spec.Set, d spec.DType, x float64) bool {
	switch {
	case !s.Overflows:
		return false
	case s.Divides:
		return true
	case s.Mass == nil:
		return x != x
	case !beyond(s.Mass.AbsK, d):
		return x-x != 0
	}
	terms := up().Sub(s.Mass.AbsT, s.Mass.AbsK)
	logs := up().Quo(up().Sub(s.Mass.Logs, s.Mass.AbsT), big.NewFloat(2))
	return x-x != 0 && (beyond(terms, d) || beyond(logs, d))
}

// beyond reports whether x rounds to an infinity.
func beyond(x *big.Float, d spec.DType) bool { return x.Cmp(overflow(d)) >= 0 }

// against grades one number against one enclosure. ok is false when the two
// are not of a kind: an infinity against a number, say.
func against(v spec.Interval, s spec.Set, d spec.DType, bits uint64, x float64) (g Grade, ok bool) {
	f := formats[d]
	if v.Lo.IsInf() {
		if math.IsInf(x, 0) && (x > 0) == (v.Lo.Sign() > 0) {
			return Grade{Level: spec.L5}, true
		}
		return g, false
	}
	g.Finite = true
	rnLo, rnHi := f.RoundBig(v.Lo), f.RoundBig(v.Hi)
	// Next to a tie the enclosure may straddle it; RN is decided exactly.
	if s.RN == spec.HexBits(d, bits) || s.RN == "" && bits == rnLo && bits == rnHi {
		g.Level = spec.L5
	}
	if math.IsInf(x, 0) {
		if g.Level == spec.L5 {
			g.Finite = false
			return g, true
		}
	}
	X := new(big.Float).SetFloat64(x)
	if X.IsInf() {
		// Overflow is right within a level where the value plus that level's
		// error reaches the least number that rounds to infinity.
		X = overflow(d)
		if x < 0 {
			X.Neg(X)
		}
	}
	err := distance(X, v)
	p, least := formatLimits(d)
	ulp := new(big.Float).SetMantExp(big.NewFloat(1), max(exponent(v, p), least))
	g.ULP = quotient(err, ulp)
	g.Abs, _ = err.Float64()
	g.BitsLost = math.Log2(1 + math.Abs(float64(ordered(d, bits)-ordered(d, rnLo))))
	if s.Mass == nil {
		return g, true
	}
	b := bounds(s.Mass, ulp, p, least)
	u := new(big.Float).SetMantExp(big.NewFloat(1), -p)
	if m := up().Add(s.Mass.AbsT, s.Mass.P); m.Sign() > 0 {
		g.Cond = quotient(err, up().Mul(u, m))
	}
	if g.Level == spec.L5 {
		return g, true
	}
	if !math.IsInf(d.Widen(rnLo), 0) && faithful(f, d, v, bits) {
		g.Level = spec.L4
		return g, true
	}
	g.Level = spec.L0
	for _, l := range []spec.Level{spec.L1, spec.L2, spec.L3} {
		if b[l] == nil || err.Cmp(b[l]) > 0 {
			break
		}
		g.Level = l
	}
	return g, true
}

// bounds returns the greatest error that each level allows (README.md of
// spec, section "Accuracy"):
//
//	L1  ½ulp(K) + 2(n + 4)·u·(Σ|t| + P + Σ p(|ln p| + |ln q|)) + nη
//	L2  ½ulp(K) + 4(√n + 4)·u·Σ|t| + nη
//	L3  ½ulp(K) + 4(√n + 4)·u·(Σφ + |K|) + nη
//
// and, where the convention normalises, η·Σ(p/q + …) over the quotients that
// are subnormal (terms.underflow). The masses are upper bounds and every operation rounds up, so a bound is
// never too small, and too large by less than one part in 2^60.
func bounds(m *spec.Mass, ulp *big.Float, p, least int) map[spec.Level]*big.Float {
	u := new(big.Float).SetMantExp(big.NewFloat(1), -p)
	n := float64(m.N)
	floor := up().Add(
		up().Quo(ulp, big.NewFloat(2)),
		up().Mul(up().Add(big.NewFloat(n), m.Under), new(big.Float).SetMantExp(big.NewFloat(1), least)))
	if m.Factor != nil {
		floor.Add(floor, up().Mul(u, m.Factor))
	}
	bound := func(factor float64, mass *big.Float) *big.Float {
		b := up().Mul(up().Mul(big.NewFloat(factor), u), mass)
		return b.Add(b, floor)
	}
	root := 4 * (math.Nextafter(math.Sqrt(n), math.Inf(1)) + 4)
	b := map[spec.Level]*big.Float{
		spec.L1: bound(2*(n+4), up().Add(up().Add(m.AbsT, m.P), m.Logs)),
		spec.L2: bound(root, m.AbsT),
	}
	if m.Phi != nil {
		b[spec.L3] = bound(root, up().Add(m.Phi, m.AbsK))
	} else {
		b[spec.L3] = bound(root, m.AbsK)
	}
	return b
}

// Allowed returns the greatest error of the one number that e expects at a
// level: ½ulp at L5, one ulp at L4, the bound of the level below. It returns
// nil where the expected set is not a single finite number.
func Allowed(e spec.Expected, l spec.Level) *big.Float {
	if len(e.Values) != 1 || len(e.Values[0].Intervals) != 1 || e.Values[0].Mass == nil {
		return nil
	}
	s := e.Values[0]
	p, least := formatLimits(e.DType)
	ulp := new(big.Float).SetMantExp(big.NewFloat(1), max(exponent(s.Intervals[0], p), least))
	switch l {
	case spec.L5:
		return up().Quo(ulp, big.NewFloat(2))
	case spec.L4:
		return ulp
	case spec.L0:
		return new(big.Float).SetInf(false)
	}
	return bounds(s.Mass, ulp, p, least)[l]
}

// overflow returns the least number that rounds to infinity: 2^emax less half
// an ulp of the largest number.
func overflow(d spec.DType) *big.Float {
	p, least := formatLimits(d)
	emax := 3 - p - least
	top := new(big.Float).SetMantExp(big.NewFloat(1), emax)
	half := new(big.Float).SetMantExp(big.NewFloat(1), emax-p-1)
	return new(big.Float).SetPrec(64).Sub(top, half)
}

// distance returns how far x is from the nearest point of v, 0 inside.
func distance(x *big.Float, v spec.Interval) *big.Float {
	d := up()
	switch {
	case x.Cmp(v.Lo) < 0:
		return d.Sub(v.Lo, x)
	case x.Cmp(v.Hi) > 0:
		return d.Sub(x, v.Hi)
	}
	return d
}

func quotient(a, b *big.Float) float64 {
	q, _ := new(big.Float).SetPrec(massPrecision).Quo(a, b).Float64()
	return q
}

// faithful reports whether the number is RD(K) or RU(K): no number of the
// format lies strictly between it and K.
func faithful(f exact.Format, d spec.DType, v spec.Interval, bits uint64) bool {
	x := ordered(d, bits)
	return x >= ordered(d, f.RoundBig(v.Lo))-1 && x <= ordered(d, f.RoundBig(v.Hi))+1 && within(d, bits, v)
}

// within reports whether the neighbour of the number towards v lies on the
// other side of v, or beyond.
func within(d spec.DType, bits uint64, v spec.Interval) bool {
	x := ordered(d, bits)
	X := value(d, x)
	switch {
	case X.Cmp(v.Lo) < 0:
		return value(d, x+1).Cmp(v.Lo) >= 0
	case X.Cmp(v.Hi) > 0:
		return value(d, x-1).Cmp(v.Hi) <= 0
	}
	return true
}

// ordered maps bit patterns to integers in the order of the numbers; both
// zeros map to 0.
func ordered(d spec.DType, bits uint64) int64 {
	sign := uint64(1) << (8*d.Size() - 1)
	if bits&sign != 0 {
		return -int64(bits &^ sign)
	}
	return int64(bits)
}

// value is the number with that place in the order; beyond the largest it is
// an infinity.
func value(d spec.DType, place int64) *big.Float {
	x := d.Widen(bitsAt(d, place))
	if math.IsNaN(x) {
		x = math.Inf(int(place>>63 | 1))
	}
	return new(big.Float).SetFloat64(x)
}

// Value decides one requirement for one answer: Pass, or Fail for a MUST, or
// Note for a SHOULD or MAY. A requirement with a level demands that level;
// any other demands L1, which includes special values.
func Value(e spec.Expected, a spec.Answer, r spec.Requirement) spec.Status {
	return Assess(e, a).Status(r)
}

// Status decides one requirement.
func (g Grade) Status(r spec.Requirement) spec.Status {
	level := spec.L1
	if r.Level != "" {
		level = r.Level
	}
	ok := g.Level.Rank() >= level.Rank()
	switch r.ID {
	case "VAL-14":
		ok = ok && !g.NegZero
	case "LLM-13":
		ok = ok && !g.Negative
	}
	switch {
	case ok:
		return spec.Pass
	case r.Force == spec.Must:
		return spec.Fail
	}
	return spec.Note
}

// Describe says in words what one number may be.
func Describe(s spec.Set) string {
	var parts []string
	for _, v := range s.Intervals {
		parts = append(parts, "the exact value is "+short(v))
	}
	if s.NaN {
		parts = append(parts, "NaN is right")
	}
	if s.Reject {
		parts = append(parts, "a refusal is right")
	}
	switch len(parts) {
	case 0:
		return "nothing is right"
	case 1:
		return parts[0]
	}
	text := parts[0]
	for i, p := range parts[1:] {
		if i == len(parts)-2 {
			text += " or " + p
		} else {
			text += ", " + p
		}
	}
	return text
}

func describe(sets []spec.Set) string {
	if len(sets) == 0 {
		return "an empty result is right"
	}
	return Describe(sets[0])
}

// short writes an enclosure with 20 digits.
func short(v spec.Interval) string {
	if v.Lo.IsInf() {
		return v.Lo.String()
	}
	return v.Lo.Text('g', 20)
}

// Bits returns the bit pattern of x rounded to format d, to nearest, ties to
// even.
func Bits(d spec.DType, x float64) uint64 {
	f, ok := formats[d]
	switch {
	case !ok:
		panic("judge: no rounding to " + string(d))
	case math.IsNaN(x):
		return f.NaN()
	case x == 0 && math.Signbit(x):
		return 1 << (8*d.Size() - 1)
	}
	return f.RoundBig(new(big.Float).SetFloat64(x))
}
