package judge

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"

	"klconf/impl/exact"
	"klconf/spec"
)

// ErrPlanned is wrapped by the error of Expect for questions of the protocol
// that this version cannot judge yet.
var ErrPlanned = errors.New("not judged in this version")

// Formats maps the result formats to the oracle's.
var formats = map[spec.DType]exact.Format{
	spec.F64: exact.Float64, spec.F32: exact.Float32, spec.F16: exact.Float16, spec.BF16: exact.BFloat16,
}

// Expect returns everything that the answer to r may be under the convention
// c; a field that c leaves out has the definition's value. The order is that
// of README.md in spec: shape, NaN, domain, the steps as listed, undefined
// normalisation, zero rules, term, generalised, scale, base, reduction, one
// rounding.
//
// An error means that the question cannot be judged: it is malformed, or it
// wraps ErrPlanned. It never speaks about an implementation.
func Expect(r spec.Request, c spec.Convention) (spec.Expected, error) {
	q, err := parse(r, c)
	if err != nil {
		return spec.Expected{}, err
	}
	e := spec.Expected{DType: q.result}
	switch {
	case q.refused:
		e.Whole = &spec.Set{Reject: true}
		return e, nil
	case q.each != "":
		e.Shape = q.shape
		for i := range q.p {
			for _, o := range q.elements(i) {
				set, err := q.enclose(o)
				if err != nil {
					return e, err
				}
				e.Values = append(e.Values, set)
			}
		}
	case q.reduction == "none":
		if q.rows {
			e.Shape = []int{len(q.p)}
		}
		e.Values = make([]spec.Set, len(q.p))
		for i := range q.p {
			if e.Values[i], err = q.enclose(q.row(i)); err != nil {
				return e, err
			}
		}
	default:
		set, err := q.enclose(q.reduce())
		if err != nil {
			return e, err
		}
		e.Values = []spec.Set{set}
	}
	return e, nil
}

// A question is a request made ready: rows of widened numbers and the words
// of the convention with the definition's filled in.
type question struct {
	quantity    spec.Quantity
	domain      spec.Domain
	rows        bool
	p, q        [][]float64 // one slice a row; q nil for entropy
	c           spec.Convention
	from        spec.DType // format of the inputs
	result      spec.DType
	format      exact.Format
	base        spec.Real
	temperature exact.Num // of logits
	beta        exact.Num // the weight of P in a Jensen-Shannon divergence
	each        string    // "k1" … "k3", "grad p", "grad q": one number for each element
	shape       []int     // of P
	reduction   string
	columns     int  // elements that a mean divides by
	refused     bool // the shapes are refused
}

func parse(r spec.Request, c spec.Convention) (*question, error) {
	quantity, domain, rows, ok := r.Op.Split()
	switch {
	case !ok:
		return nil, fmt.Errorf("judge: %q is not a question", r.Op)
	case domain != spec.Probs && quantity == spec.JS || rows && quantity == spec.KLEstimate:
		return nil, fmt.Errorf("judge: %s: %w", r.Op, ErrPlanned)
	case len(r.Options.Unknown) > 0:
		return nil, fmt.Errorf("judge: unknown option %q", r.Options.Unknown[0])
	}
	q := &question{quantity: quantity, domain: domain, rows: rows, c: c, base: c.Base, temperature: exact.Int(1), reduction: "none"}
	if quantity == spec.KLEstimate {
		q.domain = spec.LogProbs
	}
	for _, check := range []func(spec.Options) error{q.logarithmic, q.mixing, q.elementwise} {
		if err := check(r.Options); err != nil {
			return nil, err
		}
	}
	arity := quantity.Arity()
	if len(r.Arrays) < arity || len(r.Arrays) > arity+1 {
		return nil, fmt.Errorf("judge: %s takes %d arrays and an optional mask, got %d", r.Op, arity, len(r.Arrays))
	}
	for _, a := range r.Arrays {
		if err := a.Check(); err != nil {
			return nil, fmt.Errorf("judge: %w", err)
		}
	}
	a := r.Arrays[0]
	dims := 1
	if rows {
		dims = 2
	}
	for _, x := range r.Arrays[:arity] {
		if !x.DType.Float() || x.DType != a.DType {
			return nil, fmt.Errorf("judge: %s takes arrays of one floating-point format, got %s and %s", r.Op, a.DType, x.DType)
		}
		if len(x.Shape) != dims {
			return nil, fmt.Errorf("judge: %s takes arrays with %d dimensions, got shape %v", r.Op, dims, x.Shape)
		}
	}
	q.from = a.DType
	if err := q.limits(); err != nil {
		return nil, err
	}
	q.p = split(a)
	shape := a.Shape
	q.shape = shape
	if arity == 2 {
		b := r.Arrays[1]
		q.q = split(b)
		if !slices.Equal(shape, b.Shape) {
			if !q.fit(shape, b.Shape) {
				q.refused = true
			}
		}
	}
	if len(r.Arrays) > arity && q.each != "" {
		return nil, fmt.Errorf("judge: %s with a mask: %w", q.each, ErrPlanned)
	}
	if len(r.Arrays) > arity {
		mask := r.Arrays[arity]
		if mask.DType != spec.U8 || !slices.Equal(mask.Shape, shape) {
			return nil, fmt.Errorf("judge: a mask is u8 with the shape %v of the first array, got %s %v", shape, mask.DType, mask.Shape)
		}
		q.mask(mask)
	}
	for _, row := range q.p {
		q.columns += len(row)
	}

	if r.Options.Base != "" {
		q.base = r.Options.Base
	}
	if rows || c.Reduction == "mean" || c.Reduction == "batchmean" {
		switch {
		case r.Options.Reduction != "":
			q.reduction = r.Options.Reduction
		case c.Reduction != "":
			q.reduction = c.Reduction
		}
	}
	switch q.reduction {
	case "none", "sum", "mean", "batchmean":
	default:
		return nil, fmt.Errorf("judge: unknown reduction %q", q.reduction)
	}

	q.result = q.from.ResultDType()
	if d, ok := c.ResultDType[q.from]; ok {
		q.result = d
	}
	if r.Options.ResultDType != "" {
		q.result = r.Options.ResultDType
	}
	if q.format, ok = formats[q.result]; !ok {
		return nil, fmt.Errorf("judge: results in %s: %w", q.result, ErrPlanned)
	}
	return q, nil
}

// split returns the rows of a one- or two-dimensional array.
func split(a spec.Array) [][]float64 {
	x := a.Floats()
	if len(a.Shape) == 1 {
		return [][]float64{x}
	}
	rows := make([][]float64, a.Shape[0])
	for i := range rows {
		rows[i] = x[i*a.Shape[1] : (i+1)*a.Shape[1]]
	}
	return rows
}

// fit makes unequal shapes equal where the convention says how: truncating
// single rows to the shorter, broadcasting every dimension of length 1.
func (q *question) fit(a, b []int) bool {
	switch q.c.Mismatch {
	case "truncate":
		if q.rows {
			return false
		}
		n := min(a[0], b[0])
		q.p[0], q.q[0] = q.p[0][:n], q.q[0][:n]
		return true
	case "broadcast":
		for i := range a {
			if a[i] != b[i] && a[i] != 1 && b[i] != 1 {
				return false
			}
		}
		columns := broadcast(a[len(a)-1], b[len(b)-1])
		rows := 1
		if q.rows {
			rows = broadcast(a[0], b[0])
		}
		q.p, q.q = stretch(q.p, rows, columns), stretch(q.q, rows, columns)
		return true
	}
	return false
}

// broadcast returns the common length of two of which one may be 1.
func broadcast(n, m int) int {
	if n == 1 {
		return m
	}
	return n
}

func stretch(x [][]float64, rows, columns int) [][]float64 {
	out := make([][]float64, rows)
	for i := range out {
		row := x[min(i, len(x)-1)]
		if len(row) == 1 {
			row = slices.Repeat(row, columns)
		}
		out[i] = row
	}
	return out
}

// mask removes the masked elements of every row.
func (q *question) mask(m spec.Array) {
	k := 0
	for i := range q.p {
		var p, w []float64
		for j := range q.p[i] {
			if m.Bits(k) != 0 {
				p = append(p, q.p[i][j])
				if q.q != nil {
					w = append(w, q.q[i][j])
				}
			}
			k++
		}
		q.p[i] = p
		if q.q != nil {
			q.q[i] = w
		}
	}
}

// An outcome is everything one row may give: refusal, NaN, an infinity, and
// an exact number with its masses. Usually exactly one of them.
type outcome struct {
	reject, nan, posInf, negInf bool
	value                       *number
	overflows                   bool // a plain evaluation overflows on the way
}

// A number is an exact value with what the accuracy levels are measured by.
type number struct {
	form *exact.Form
	mass
}

// A mass is what the errors are measured by, as upper bounds.
type mass struct {
	n     int
	absT  *big.Float // Σ|t|
	p     *big.Float // P
	logs  *big.Float // Σ p(|ln p| + |ln q|)
	phi   *big.Float // Σφ; nil where the quantity has none
	lin   *big.Float // P + Q for a generalised form, else nil
	under *big.Float // × η: what subnormal quotients of a normalisation may cost
}

// each returns the mass with f applied to all that is measured.
func (m mass) each(f func(x *big.Float) *big.Float) mass {
	m.absT, m.p, m.logs, m.under = f(m.absT), f(m.p), f(m.logs), f(m.under)
	if m.phi != nil {
		m.phi = f(m.phi)
	}
	if m.lin != nil {
		m.lin = f(m.lin)
	}
	return m
}

// times returns w ≥ 0 times the mass.
func (m mass) times(w *big.Rat) mass {
	return m.each(func(x *big.Float) *big.Float { return up().Mul(float(w), x) })
}

// plus adds two masses. Σφ is that of a sum only where both have one.
func (m mass) plus(k mass) mass {
	sum := func(x, y *big.Float) *big.Float { return up().Add(x, y) }
	s := mass{n: m.n + k.n, absT: sum(m.absT, k.absT), p: sum(m.p, k.p), logs: sum(m.logs, k.logs), under: sum(m.under, k.under)}
	if m.phi != nil && k.phi != nil {
		s.phi = sum(m.phi, k.phi)
	}
	switch {
	case m.lin == nil:
		s.lin = k.lin
	case k.lin == nil:
		s.lin = m.lin
	default:
		s.lin = sum(m.lin, k.lin)
	}
	return s
}

// zero returns the number 0, a sum of nothing.
func zero() *number {
	return &number{new(exact.Form), mass{absT: up(), p: up(), logs: up(), phi: up(), under: up()}}
}

// certain reports whether a finite number is impossible.
func (o outcome) certain() bool { return o.value == nil && !o.posInf && !o.negInf }

// reduce combines the rows: any NaN row gives NaN, else any infinite row
// gives that infinity, else the exact sum is divided once.
func (q *question) reduce() outcome {
	if !q.rows && q.columns == 0 {
		return q.empty() // two empty vectors are no batch
	}
	divisor := int64(1)
	switch q.reduction {
	case "mean":
		divisor = int64(q.columns)
	case "batchmean":
		divisor = int64(len(q.p))
	}
	if divisor == 0 {
		return outcome{nan: true}
	}
	weight := big.NewRat(1, divisor)
	sum := zero()
	all := outcome{value: sum}
	finite, infinite := true, true
	for i := range q.p {
		o := q.row(i)
		all.reject = all.reject || o.reject
		all.nan = all.nan || o.nan
		all.overflows = all.overflows || o.overflows
		all.posInf = all.posInf || o.posInf
		all.negInf = all.negInf || o.negInf
		infinite = infinite && !o.certain()
		if o.value == nil {
			finite = false
			continue
		}
		sum.add(weight, o.value)
	}
	if all.posInf && all.negInf {
		all.nan = true
	}
	all.posInf = all.posInf && infinite
	all.negInf = all.negInf && infinite
	if !finite {
		all.value = nil
	}
	return all
}

// add adds w ≥ 0 times t.
func (s *number) add(w *big.Rat, t *number) {
	s.form.AddScaled(w, t.form)
	s.mass = s.mass.plus(t.mass.times(w))
}

// row evaluates one row.
func (q *question) row(i int) outcome {
	p := q.p[i]
	var w []float64
	if q.q != nil {
		w = q.q[i]
	}
	if len(p) == 0 {
		return q.empty()
	}

	var nan, negative, infinite bool
	for _, x := range [][]float64{p, w} {
		for _, v := range x {
			nan = nan || math.IsNaN(v)
			if q.domain == spec.Probs {
				negative = negative || v < 0
				infinite = infinite || math.IsInf(v, 0)
			} else {
				infinite = infinite || math.IsInf(v, 1)
			}
		}
	}
	if nan {
		switch q.c.NaN {
		case "reject":
			return outcome{reject: true}
		case "inf":
			return outcome{posInf: true}
		case "ignore":
			if p, w = withoutNaN(p, w); len(p) == 0 {
				o := q.empty()
				o.value = zero() // the sum of nothing, whatever an empty input gives
				return o
			}
		default:
			// Which of a NaN and something that the convention refuses is met
			// first is not laid down.
			return outcome{nan: true, reject: negative && q.c.Negative == "reject" || q.refusesZero(p, w)}
		}
	}
	if negative || infinite {
		var o outcome
		through := true
		if negative {
			through = o.word(q.c.Negative) && through
			// −p ln p of a negative p is −Inf where p ln(p/q) is +Inf.
			o.negInf = o.posInf && q.quantity != spec.KL
		}
		if infinite {
			through = o.word(q.c.Infinite) && through
		}
		if !through {
			if negative && infinite {
				o.nan = true // which of the two is met first is not laid down
			}
			return o
		}
	}
	if q.domain != spec.Probs {
		return q.exponential(p, w, infinite)
	}
	o := q.evaluate(p, w)
	if t := q.c.RequiresNormalised; t != nil && t.Required && q.outside(p, w, t.Within) {
		return outcome{reject: true}
	}
	return o
}

// refusesZero reports whether there is a zero and a rule that refuses one.
func (q *question) refusesZero(p, w []float64) bool {
	refused := q.c.ZeroP == "reject" || q.c.ZeroQ == "reject" || q.c.ZeroZero == "reject"
	none := 0.0
	if q.domain != spec.Probs {
		none = math.Inf(-1)
	}
	return refused && (slices.Contains(p, none) || slices.Contains(w, none))
}

// word adds what a word for inputs outside the domain stands for and reports
// whether the numbers are evaluated like any others. Without a word it is
// the definition's: NaN or refused.
func (o *outcome) word(w string) (through bool) {
	switch w {
	case "value":
		return true
	case "nan":
		o.nan = true
	case "reject":
		o.reject = true
	case "inf":
		o.posInf = true
	default:
		o.nan, o.reject = true, true
	}
	return false
}

// rule adds what a word for a zero stands for.
func (o *outcome) rule(word string) {
	switch word {
	case "nan":
		o.nan = true
	case "reject":
		o.reject = true
	case "inf":
		o.posInf = true
	}
}

func (q *question) empty() outcome {
	switch q.c.Empty {
	case "nan":
		return outcome{nan: true}
	case "inf":
		return outcome{posInf: true}
	case "reject":
		return outcome{reject: true}
	}
	o := outcome{value: zero()}
	if t := q.c.RequiresNormalised; t != nil && t.Required {
		o.reject = true // the total of nothing is 0 and not 1
	}
	if q.c.Empty == "" && (normalises(q.c) || q.domain == spec.Logits) {
		o.nan, o.reject = true, true
	}
	return o
}

func normalises(c spec.Convention) bool {
	for _, s := range c.Steps {
		if s.Do == "normalise" {
			return true
		}
	}
	return false
}

func withoutNaN(p, w []float64) (a, b []float64) {
	for i := range p {
		if math.IsNaN(p[i]) || w != nil && math.IsNaN(w[i]) {
			continue
		}
		a = append(a, p[i])
		if w != nil {
			b = append(b, w[i])
		}
	}
	return a, b
}

// outside reports whether a total is farther than the tolerance from 1. The
// totals are those of the inputs as given.
func (q *question) outside(p, w []float64, within spec.Real) bool {
	tol, err := within.Value()
	if err != nil {
		return false
	}
	for _, x := range [][]float64{p, w} {
		if x == nil {
			continue
		}
		s := exact.Int(-1)
		for _, v := range x {
			if math.IsInf(v, 0) {
				return true
			}
		}
		s = s.Add(total(x))
		if s.Abs().Cmp(exact.Float(tol)) > 0 {
			return true
		}
	}
	return false
}

func total(x []float64) exact.Num {
	n := make([]exact.Num, len(x))
	for i, v := range x {
		n[i] = exact.Float(v)
	}
	return exact.Sum(n)
}

// IsPMF reports whether a's entries are finite and ≥ 0 and their exact sum is
// within n·u of 1, u the unit roundoff of the array's format.
func IsPMF(a spec.Array) bool {
	x := a.Floats()
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			return false
		}
	}
	p, _ := formatLimits(a.DType)
	return total(x).Sub(exact.Int(1)).Abs().Cmp(exact.Int(int64(len(x))).Ldexp(-p)) <= 0
}

// SumsToOne reports whether every floating-point array of the question is a
// pmf whose rows' exact sums are exactly 1.
func SumsToOne(r spec.Request) bool {
	for _, a := range r.Arrays {
		if !a.DType.Float() {
			continue
		}
		for _, row := range split(a) {
			for _, v := range row {
				if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
					return false
				}
			}
			if total(row).Cmp(exact.Int(1)) != 0 {
				return false
			}
		}
	}
	return true
}
