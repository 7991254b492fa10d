package judge

import (
	"fmt"
	"math"
	"math/big"
	"strings"

	"klconf/spec"
)

// An Order is what a law says of a sum of answers and a bound.
type Order string

// The orders.
const (
	AtLeast Order = "≥"
	AtMost  Order = "≤"
	Equal   Order = "="
	Same    Order = "≡" // equal, and at L5 bit for bit: the sign of a zero counts
	Differ  Order = "≠" // different, wherever the exact values are
)

func (o Order) sign() Order {
	if o == Same {
		return Equal
	}
	return o
}

// A Term is one answer, a single number, with its weight in the sum.
type Term struct {
	Name   string   // for the sentence: "KL(P‖Q)"
	Weight *big.Rat // nil is 1
	DType  spec.DType
	Answer spec.Answer
	// Expected returns what the answer may be. It is called only where the
	// answers do not decide by themselves, so that a law about correctly
	// rounded numbers is evidence about Expect too.
	Expected func() (spec.Expected, error)
}

// Zero is the bound 0.
var Zero = spec.Interval{Lo: new(big.Float), Hi: new(big.Float)}

// Relation decides a law between answers: whether
//
//	Σ weight·answer  order  bound
//
// can be true of the exact values behind the answers, at a level of accuracy
// and for an exact bound that lies in the given enclosure. It returns Pass,
// or Fail for a MUST and Note for a SHOULD or MAY with a sentence that has
// the numbers, or Skipped where the law says nothing: an answer is a NaN or a
// refusal that the convention allows, or meets L1 only because a plain
// evaluation overflows on the way.
//
// Rounding to nearest is monotone and commutes with a scaling by 2^k of
// normal numbers. Hence at L5 one answer is compared with the rounded bound,
// and two answers with weights 1 and −2^k with one another, without any
// tolerance; and so with weights 1 and 2^k, as RN(−x) = −RN(x). In every other
// case each answer x stands for [x − e, x + e] with
// e of Allowed, an overflow for everything from the least number that rounds
// to infinity less e, and the relation fails if it is false for all of these.
// Sums are formed with directed rounding, outwards.
func Relation(terms []Term, order Order, bound spec.Interval, level spec.Level, r spec.Requirement) (spec.Status, string) {
	x := make([]float64, len(terms))
	for i, t := range terms {
		var status spec.Status
		var why string
		if x[i], status, why = t.read(level); status == spec.Fail {
			return violation(r), why
		} else if status != spec.Pass {
			return status, why
		}
	}
	l := relation{terms, order, bound, level, x}
	var ok bool
	var why string
	k, exact := l.power()
	switch {
	case order == Differ:
		return l.differ(r)
	case level == spec.L5 && len(terms) == 1:
		ok, why = l.single()
	case level == spec.L5 && exact:
		ok, why = l.scaled(k)
	default:
		var skip bool
		var err error
		if ok, skip, why, err = l.tolerant(); err != nil {
			return spec.StatusError, err.Error()
		} else if skip {
			return spec.Skipped, why
		}
	}
	if ok {
		return spec.Pass, ""
	}
	for _, t := range terms {
		if e, err := t.Expected(); err != nil {
			return spec.StatusError, err.Error()
		} else if _, ok := onlyNumber(e); !ok {
			return spec.Skipped, t.Name + " says nothing"
		}
	}
	return violation(r), why
}

func violation(r spec.Requirement) spec.Status {
	if r.Force == spec.Must {
		return spec.Fail
	}
	return spec.Note
}

// read returns the answer's number. The status is Pass, or Fail where the
// answer is none and has to be, or Skipped where it need not be.
func (t Term) read(level spec.Level) (float64, spec.Status, string) {
	var what string
	var allowed func(spec.Set) bool
	switch t.Answer.Status {
	case spec.OK:
		a, ok := t.Answer.Result()
		switch {
		case !ok:
			return 0, spec.Fail, fmt.Sprintf("the answer %s has %d buffers, not one", t.Name, len(t.Answer.Arrays))
		case a.Check() != nil:
			return 0, spec.Fail, fmt.Sprintf("%s: %v", t.Name, a.Check())
		case a.DType != t.DType || a.Len() != 1:
			return 0, spec.Fail, fmt.Sprintf("%s is %s of shape %v, not one number in %s", t.Name, a.DType, a.Shape, t.DType)
		}
		x := a.Float(0)
		if !math.IsNaN(x) {
			return x, spec.Pass, ""
		}
		what, allowed = "is NaN", func(s spec.Set) bool { return s.NaN }
	case spec.Rejected:
		what, allowed = "was refused"+because(t.Answer), func(s spec.Set) bool { return s.Reject }
	default:
		return 0, spec.StatusError, fmt.Sprintf("%s: %s%s", t.Name, t.Answer.Status, because(t.Answer))
	}
	e, err := t.Expected()
	switch {
	case err != nil:
		return 0, spec.StatusError, err.Error()
	case e.Whole != nil && allowed(*e.Whole), len(e.Values) == 1 && (allowed(e.Values[0]) || overflowed(e.Values[0], level)):
		return 0, spec.Skipped, t.Name + " " + what
	case len(e.Values) != 1:
		return 0, spec.Fail, t.Name + " " + what
	}
	return 0, spec.Fail, fmt.Sprintf("%s %s, but %s", t.Name, what, Describe(e.Values[0]))
}

// overflowed reports whether an infinity, a NaN, a 0 or a refusal is as good
// as the number at that level.
func overflowed(s spec.Set, level spec.Level) bool {
	return s.Overflows && level.Rank() <= spec.L1.Rank()
}

// onlyNumber returns the set of an answer that can be one number only.
func onlyNumber(e spec.Expected) (spec.Set, bool) {
	if len(e.Values) != 1 || len(e.Values[0].Intervals) != 1 || e.Values[0].NaN || e.Values[0].Reject {
		return spec.Set{}, false
	}
	return e.Values[0], true
}

// A relation is what Relation decides, its answers being numbers x.
type relation struct {
	terms []Term
	order Order
	bound spec.Interval
	level spec.Level
	x     []float64
}

func (t Term) weight() *big.Rat {
	if t.Weight == nil {
		return big.NewRat(1, 1)
	}
	return t.Weight
}

// single compares one correctly rounded answer with the rounded bound.
func (l relation) single() (bool, string) {
	w, f, order := l.terms[0].weight(), formats[l.terms[0].DType], l.order
	b := l.bound
	if w.Cmp(big.NewRat(1, 1)) != 0 {
		b = span(b).scale(new(big.Rat).Inv(w)).interval()
		if w.Sign() < 0 {
			order = map[Order]Order{AtLeast: AtMost, AtMost: AtLeast, Equal: Equal, Same: Same}[order]
		}
	}
	x, lo, hi := l.x[0], f.Value(f.RoundBig(b.Lo)), f.Value(f.RoundBig(b.Hi))
	ok := (order == AtMost || x >= lo) && (order == AtLeast || x <= hi) &&
		(order != Same || x != 0 || !math.Signbit(x))
	if ok {
		return true, ""
	}
	want := spec.Decimal(lo)
	if order == AtMost {
		want = spec.Decimal(hi)
	}
	return false, fmt.Sprintf("%s = %s, but correctly rounded it is %s %s", l.terms[0].Name, spec.Decimal(x), order.sign(), want)
}

// power returns the k for which the relation says that 2^k times the first
// answer is, but for the order, the second or its opposite. It is exact where
// rounding commutes with that scaling: always for k = 0, else for normal
// numbers.
func (l relation) power() (k int, exact bool) {
	if len(l.terms) != 2 || l.bound.Lo.Sign() != 0 || l.bound.Hi.Sign() != 0 || l.terms[0].DType != l.terms[1].DType {
		return 0, false
	}
	ratio := new(big.Rat).Quo(l.terms[0].weight(), l.terms[1].weight())
	ratio.Abs(ratio)
	num, den := ratio.Num(), ratio.Denom()
	if up, down := num.BitLen()-1, den.BitLen()-1; int(num.TrailingZeroBits()) == up && int(den.TrailingZeroBits()) == down {
		k = up - down
	} else {
		return 0, false
	}
	p, least := formatLimits(l.terms[0].DType)
	normal := func(x float64) bool { return math.Abs(x) >= math.Ldexp(1, least+p-1) && !math.IsInf(x, 0) }
	x, y := l.x[0], l.x[1]
	return k, k == 0 || math.Abs(x) == math.Abs(y) && (x == 0 || math.IsInf(x, 0)) || normal(x) && normal(y)
}

// scaled compares 2^k times the first answer with the second.
func (l relation) scaled(k int) (bool, string) {
	x, y := l.x[0], l.x[1]
	if k != 0 && x != 0 && !math.IsInf(x, 0) {
		// The product of normal numbers may overflow, which RN decides.
		f := formats[l.terms[0].DType]
		x = f.Value(f.RoundBig(new(big.Float).SetMantExp(new(big.Float).SetFloat64(x), k)))
	}
	if l.terms[0].weight().Sign() == l.terms[1].weight().Sign() {
		y = -y
	}
	if l.terms[0].weight().Sign() < 0 {
		x, y = y, x
	}
	var ok bool
	switch l.order {
	case AtLeast:
		ok = x >= y
	case AtMost:
		ok = x <= y
	default:
		ok = x == y && (l.order == Equal || math.Signbit(x) == math.Signbit(y))
	}
	if ok {
		return true, ""
	}
	return false, fmt.Sprintf("%s, but correctly rounded %s %s 0", l.values(), l.sum(), l.order.sign())
}

// tolerant decides a relation with the allowed errors of all its answers. A
// relation that is true of the answers as they stand needs none.
func (l relation) tolerant() (ok, skip bool, why string, err error) {
	reach := make([]enclosure, len(l.terms))
	for i, x := range l.x {
		exact := new(big.Float).SetFloat64(x)
		reach[i] = enclosure{exact, exact}
	}
	if l.possible(reach) {
		return true, false, "", nil
	}
	slack := up()
	for i, t := range l.terms {
		if reach[i], skip, err = l.reach(i); err != nil || skip {
			return false, skip, t.Name + " says nothing", err
		}
		if v := reach[i]; v.lo.IsInf() || v.hi.IsInf() {
			slack.SetInf(false)
		} else {
			abs := new(big.Rat).Abs(t.weight())
			slack.Add(slack, up().Mul(float(abs), up().Quo(up().Sub(v.hi, v.lo), big.NewFloat(2))))
		}
	}
	if l.possible(reach) {
		return true, false, "", nil
	}
	return false, false, fmt.Sprintf("%s, but %s %s, and at %s all errors together are at most %s",
		l.values(), l.sum(), l.limit(), l.level, slack.Text('g', 3)), nil
}

// limit writes the order and the bound, and both ends of one that is no enclosure of a
// single number.
func (l relation) limit() string {
	if lo, hi := l.bound.Lo.Text('g', 6), l.bound.Hi.Text('g', 6); lo != hi && l.order.sign() == Equal {
		return "∈ [" + lo + ", " + hi + "]"
	}
	return string(l.order.sign()) + " " + l.bound.Lo.Text('g', 17)
}

// many is how many answers are too many to be written one by one.
const many = 16

// possible reports whether the relation is true of some numbers within reach
// of the answers.
func (l relation) possible(reach []enclosure) bool {
	left, right := span(Zero), span(l.bound)
	for i, t := range l.terms {
		if w := t.weight(); w.Sign() > 0 {
			left = left.add(reach[i].scale(w))
		} else {
			right = right.add(reach[i].scale(new(big.Rat).Neg(w)))
		}
	}
	low := l.order != AtMost && left.hi.Cmp(right.lo) < 0
	high := l.order != AtLeast && left.lo.Cmp(right.hi) > 0
	return !low && !high
}

// reach returns what answer i may stand for.
func (l relation) reach(i int) (v enclosure, skip bool, err error) {
	e, err := l.terms[i].Expected()
	if err != nil {
		return v, false, err
	}
	s, ok := onlyNumber(e)
	if !ok || overflowed(s, l.level) && (math.IsInf(l.x[i], 0) || l.x[i] == 0) {
		return v, true, nil
	}
	error := Allowed(e, l.level)
	x := new(big.Float).SetFloat64(l.x[i])
	switch {
	case error == nil: // the exact value is an infinity: the answer stands for itself
		return enclosure{x, x}, false, nil
	case error.IsInf():
		return enclosure{new(big.Float).SetInf(true), new(big.Float).SetInf(false)}, false, nil
	case x.IsInf() && x.Sign() > 0:
		return enclosure{down().Sub(overflow(e.DType), error), x}, false, nil
	case x.IsInf():
		return enclosure{x, outward().Sub(error, overflow(e.DType))}, false, nil
	}
	return enclosure{down().Sub(x, error), outward().Add(x, error)}, false, nil
}

// differ decides that two answers are not equal where the exact values
// certainly are not.
func (l relation) differ(r spec.Requirement) (spec.Status, string) {
	if l.x[0] != l.x[1] {
		return spec.Pass, ""
	}
	var exact [2]spec.Set
	var reach [2]enclosure // of the right answers
	for i, t := range l.terms {
		e, err := t.Expected()
		if err != nil {
			return spec.StatusError, err.Error()
		}
		s, ok := onlyNumber(e)
		if !ok || overflowed(s, l.level) {
			return spec.Skipped, t.Name + " says nothing"
		}
		exact[i], reach[i] = s, span(s.Intervals[0])
		if a := Allowed(e, l.level); a != nil {
			reach[i] = reach[i].add(enclosure{new(big.Float).Neg(a), a})
		}
		if top := overflow(e.DType); reach[i].hi.Cmp(top) >= 0 {
			reach[i].hi = new(big.Float).SetInf(false)
		} else if reach[i].lo.Cmp(top.Neg(top)) <= 0 {
			reach[i].lo = new(big.Float).SetInf(true)
		}
	}
	apart := reach[0].hi.Cmp(reach[1].lo) < 0 || reach[1].hi.Cmp(reach[0].lo) < 0
	if l.level == spec.L5 {
		f := formats[l.terms[0].DType]
		apart = f.RoundBig(exact[0].Intervals[0].Lo) != f.RoundBig(exact[1].Intervals[0].Lo)
	}
	if !apart {
		return spec.Skipped, "the exact values are equal or too close"
	}
	return violation(r), fmt.Sprintf("%s and %s are both %s, but the exact values are %s and %s",
		l.terms[0].Name, l.terms[1].Name, spec.Decimal(l.x[0]), short(exact[0].Intervals[0]), short(exact[1].Intervals[0]))
}

// values writes the answers: "KL(P‖Q) = 0.25 and H(P) = 1".
func (l relation) values() string {
	if len(l.terms) >= many {
		left := span(Zero)
		for i, t := range l.terms {
			x := new(big.Float).SetFloat64(l.x[i])
			left = left.add(enclosure{x, x}.scale(t.weight()))
		}
		return fmt.Sprintf("the weighted sum of %d answers %s is %s", len(l.terms), l.terms[0].Name, left.lo.Text('g', 6))
	}
	var b strings.Builder
	for i, t := range l.terms {
		switch {
		case i == 0:
		case i == len(l.terms)-1:
			b.WriteString(" and ")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s = %s", t.Name, spec.Decimal(l.x[i]))
	}
	return b.String()
}

// sum writes the sum: "2·KL(P‖Q) − KL(P,P‖Q,Q)".
func (l relation) sum() string {
	if len(l.terms) >= many {
		return "it"
	}
	var b strings.Builder
	for i, t := range l.terms {
		w := t.weight()
		switch {
		case i > 0 && w.Sign() < 0:
			b.WriteString(" − ")
		case i > 0:
			b.WriteString(" + ")
		case w.Sign() < 0:
			b.WriteString("−")
		}
		if abs := new(big.Rat).Abs(w); abs.Cmp(big.NewRat(1, 1)) != 0 {
			b.WriteString(abs.RatString() + "·")
		}
		b.WriteString(t.Name)
	}
	return b.String()
}

// An enclosure is an Interval in the course of a computation with outward
// rounding. An end may be infinite.
type enclosure struct{ lo, hi *big.Float }

// sumPrecision is the precision of sums of answers: enough that their
// rounding is nothing beside half an ulp of the largest answer.
const sumPrecision = 320

func down() *big.Float {
	return new(big.Float).SetPrec(sumPrecision).SetMode(big.ToNegativeInf)
}
func outward() *big.Float {
	return new(big.Float).SetPrec(sumPrecision).SetMode(big.ToPositiveInf)
}

func span(v spec.Interval) enclosure { return enclosure{v.Lo, v.Hi} }

func (v enclosure) interval() spec.Interval { return spec.Interval{Lo: v.lo, Hi: v.hi} }

// add returns v + w; an end that is ∞ − ∞ is as wide as can be.
func (v enclosure) add(w enclosure) enclosure {
	one := func(z, x, y *big.Float, wide bool) *big.Float {
		if x.IsInf() && y.IsInf() && x.Sign() != y.Sign() {
			return z.SetInf(wide)
		}
		return z.Add(x, y)
	}
	return enclosure{one(down(), v.lo, w.lo, true), one(outward(), v.hi, w.hi, false)}
}

// scale returns r·v.
func (v enclosure) scale(r *big.Rat) enclosure {
	if r.Sign() == 0 {
		return span(Zero)
	}
	if r.Sign() < 0 {
		v.lo, v.hi = v.hi, v.lo
	}
	one := func(z, x *big.Float) *big.Float {
		if x.IsInf() {
			return z.SetInf((x.Sign() < 0) != (r.Sign() < 0))
		}
		// An exact product, and one rounding by the division.
		num := new(big.Float).SetInt(r.Num())
		num = new(big.Float).SetPrec(num.Prec()+x.Prec()+64).Mul(num, x)
		return z.Quo(num, new(big.Float).SetInt(r.Denom()))
	}
	return enclosure{one(down(), v.lo), one(outward(), v.hi)}
}
