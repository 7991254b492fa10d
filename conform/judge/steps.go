package judge

import (
	"fmt"
	"math"
	"math/big"

	"klconf/impl/exact"
	"klconf/spec"
)

// A vector is an exact vector x_i = num_i/div with one positive divisor, so
// that a normalisation costs no division; inf marks entries that are ±Inf.
type vector struct {
	num []exact.Num
	inf []int8 // nil when every entry is finite
	div exact.Num
}

func newVector(x []float64, least float64) vector {
	v := vector{num: make([]exact.Num, len(x)), div: exact.Int(1)}
	for i, f := range x {
		switch {
		case math.IsInf(f, 0):
			if v.inf == nil {
				v.inf = make([]int8, len(x))
			}
			v.inf[i] = int8(math.Copysign(1, f))
		case math.Abs(f) >= least:
			v.num[i] = exact.Float(f)
		}
	}
	return v
}

func (v vector) infinite(i int) int8 {
	if v.inf == nil {
		return 0
	}
	return v.inf[i]
}

func (v vector) sign(i int) int {
	if s := v.infinite(i); s != 0 {
		return int(s)
	}
	return v.num[i].Sign()
}

// each returns a copy with every entry replaced by f of it; an infinite entry
// is offered to g, which says whether it becomes finite.
func (v vector) each(f func(x exact.Num) exact.Num, g func(sign int8) (exact.Num, bool)) vector {
	w := vector{num: make([]exact.Num, len(v.num)), div: v.div}
	for i, x := range v.num {
		if s := v.infinite(i); s != 0 {
			y, finite := g(s)
			if !finite {
				if w.inf == nil {
					w.inf = make([]int8, len(v.num))
				}
				w.inf[i] = s
				continue
			}
			w.num[i] = y
			continue
		}
		w.num[i] = f(x)
	}
	return w
}

// normalise divides by the exact total. ok is false where the total is 0 or
// infinite: the result is not defined.
func (v vector) normalise() (w vector, ok bool) {
	if v.inf != nil {
		return v, false
	}
	t := exact.Sum(v.num)
	switch t.Sign() {
	case 0:
		return v, false
	case -1:
		w = v.each(exact.Num.Neg, nil)
		t = t.Neg()
	default:
		w = v
	}
	w.div = t // num/div divided by t/div is num/t
	return w, true
}

// A pair of vectors stands for one argument: the factor before the logarithm
// and the number inside it, which a step "in log" tears apart.
type pair struct{ factor, log vector }

func (a *pair) apply(in string, f func(vector) vector) {
	a.log = f(a.log)
	if in != "log" {
		a.factor = f(a.factor)
	}
}

// An operand is the state between the steps.
type operand struct {
	p, q      pair
	drop      []bool
	ratio     exact.Num // added to p/q inside the logarithm
	undefined bool      // a normalisation was 0/0 or infinite
}

// transform applies the steps of the convention to one row.
func (q *question) transform(p, w []float64) operand {
	least := 0.0
	if q.c.Subnormal == "flushed" {
		least = q.leastNormal()
	}
	one := func(x []float64) pair {
		v := newVector(x, least)
		return pair{v, v}
	}
	s := operand{p: one(p)}
	if w != nil {
		s.q = one(w)
	}
	for _, step := range q.c.Steps {
		q.apply(&s, step, w != nil)
	}
	return s
}

func (q *question) leastNormal() float64 {
	switch q.from {
	case spec.F32, spec.BF16:
		return 0x1p-126
	case spec.F16, spec.F8E5M2:
		return 0x1p-14
	case spec.F8E4M3:
		return 0x1p-6
	}
	return 0x1p-1022
}

func (q *question) apply(s *operand, step spec.Step, two bool) {
	at := q.threshold
	on := func(f func(vector) vector) {
		if step.Of != "q" {
			s.p.apply(step.In, f)
		}
		if step.Of != "p" && two {
			s.q.apply(step.In, f)
		}
	}
	switch step.Do {
	case "normalise":
		on(func(v vector) vector {
			w, ok := v.normalise()
			s.undefined = s.undefined || !ok
			return w
		})
	case "clamp":
		on(func(v vector) vector {
			lo := at(step.Lo).Mul(v.div)
			bounded := step.Hi != nil
			var hi exact.Num
			if bounded {
				hi = at(step.Hi).Mul(v.div)
			}
			return v.each(func(x exact.Num) exact.Num {
				if x.Cmp(lo) < 0 {
					x = lo
				}
				if bounded && x.Cmp(hi) > 0 {
					x = hi
				}
				return x
			}, func(sign int8) (exact.Num, bool) {
				if sign < 0 {
					return lo, true
				}
				return hi, bounded
			})
		})
	case "add":
		on(func(v vector) vector {
			d := at(step.Value).Mul(v.div)
			return v.each(d.Add, stay)
		})
	case "replace":
		on(func(v vector) vector {
			limit, value := at(step.AtOrBelow).Mul(v.div), at(step.Value).Mul(v.div)
			return v.each(func(x exact.Num) exact.Num {
				if x.Cmp(limit) <= 0 {
					return value
				}
				return x
			}, func(sign int8) (exact.Num, bool) { return value, sign < 0 })
		})
	case "add_ratio":
		s.ratio = s.ratio.Add(at(step.Value))
	case "drop_term":
		v := s.p.factor
		if step.Where == "q" {
			if !two {
				return // there is no q
			}
			v = s.q.factor
		}
		limit := at(step.AtOrBelow).Mul(v.div)
		if s.drop == nil {
			s.drop = make([]bool, len(v.num))
		}
		for i, x := range v.num {
			if v.infinite(i) < 0 || v.infinite(i) == 0 && x.Cmp(limit) <= 0 {
				s.drop[i] = true
			}
		}
	}
}

// threshold is a number of a step in the format of the inputs. One that the convention does
// not give for it is 0: Check and the engine's plan keep such questions away.
func (q *question) threshold(t *spec.Threshold) exact.Num {
	if t == nil {
		return exact.Num{}
	}
	x, err := t.At(q.from)
	if err != nil {
		return exact.Num{}
	}
	return exact.Float(x)
}

func stay(int8) (exact.Num, bool) { return exact.Num{}, false }

// evaluate applies the steps, the zero rules and the formula to one row.
func (q *question) evaluate(p, w []float64) outcome {
	s := q.transform(p, w)
	if s.undefined {
		// x/Σx with Σx = 0 or ∞: NaN, a refusal, or the sum of nothing.
		o := outcome{nan: true, reject: true}
		if q.c.ZeroZero == "" || q.c.ZeroZero == "zero" {
			o.value = zero()
		}
		return o
	}
	t := newTerms(q, s)
	switch q.quantity {
	case spec.KL:
		for i := range s.p.factor.num {
			t.kl(i)
		}
		if q.c.Generalised != nil && *q.c.Generalised {
			t.generalise()
		}
	case spec.Entropy:
		for i := range s.p.factor.num {
			t.entropy(i)
		}
	case spec.CrossEntropy:
		for i := range s.p.factor.num {
			t.cross(i)
		}
	case spec.JS:
		for i := range s.p.factor.num {
			t.js(i)
		}
	}
	o := t.finish()
	o.overflows = q.overflows(t, p, w, o.value == nil)
	if q.c.Subnormal == "flushed" && o.value != nil {
		o.value.n++ // the result may be flushed as well: one more η
	}
	return o
}

// overflows reports whether a plain evaluation meets a number beyond the
// result format on the way: Σ p(|ln p| + |ln q|) before scale and base bounds
// every partial sum, and the totals are what a normalisation divides by. Next
// to an infinite term only what may turn it into NaN counts: finite terms of
// the other sign, or Σp ln p and Σp ln q both.
func (q *question) overflows(t *terms, p, w []float64, infinite bool) bool {
	mass := new(big.Rat).Quo(exact.Sum(t.mass).Rat(), t.s.p.factor.div.Rat())
	// |ln p| + |ln q| < 1500 for numbers of any format: most rows end here.
	if beyond(up().Mul(float(mass), big.NewFloat(1500)), q.result) && q.termsOverflow(t, infinite) {
		return true
	}
	if !t.divides && t.lin == nil {
		return false
	}
	for _, x := range [][]float64{p, w} {
		for _, v := range x {
			if math.IsInf(v, 0) {
				return true
			}
		}
		if beyond(total(x).Abs().Float(), q.result) {
			return true
		}
	}
	return false
}

func (q *question) termsOverflow(t *terms, infinite bool) bool {
	weight := new(big.Rat).Inv(t.s.p.factor.div.Rat())
	terms, logs := new(exact.Form), new(exact.Form)
	terms.AddScaled(weight, t.form)
	logs.AddScaled(weight, t.logs)
	abs, all := terms.Mass(massPrecision).Hi, logs.Mass(massPrecision).Hi
	half := func(x, y *big.Float) bool {
		return beyond(up().Quo(up().Sub(x, y), big.NewFloat(2)), q.result)
	}
	if infinite {
		return half(abs, terms.Enclose(massPrecision).Lo) || half(all, abs)
	}
	return beyond(abs, q.result) || beyond(all, q.result)
}

// terms accumulates one row. All vectors of the row have the divisors dp and
// dq; the logarithms of the divisors are added once at the end:
//
//	Σ (x/dp) ln((x/dp)/(y/dq)) = (1/dp)·( Σ x ln(x/y) + Σx·ln(dq/dp) )
type terms struct {
	q            *question
	s            operand
	form, logs   *exact.Form // times 1/div of the factor
	mass         []exact.Num // factors, for P
	n            int
	out          outcome
	pos, neg     bool      // infinite terms seen
	extra        exact.Num // Σ of the factors that meet ln(dq/dp)
	lin, linMass *big.Rat
	divides      bool       // the convention normalises
	under        *big.Float // × η: what subnormal quotients may cost
	may          outcome    // what they may turn the row into
}

func newTerms(q *question, s operand) *terms {
	return &terms{q: q, s: s, form: new(exact.Form), logs: new(exact.Form), divides: normalises(q.c), under: up()}
}

// rule records what a word for a zero stands for.
func (t *terms) rule(word string) {
	if word == "inf" {
		t.pos = true // until the other terms are known
		return
	}
	t.out.rule(word)
}

// vanishes reports whether a normalisation makes p_i smaller than the least
// subnormal.
func (t *terms) vanishes(i int) bool {
	if !t.divides || t.s.p.factor.infinite(i) != 0 {
		return false
	}
	_, least := formatLimits(t.q.result)
	return below(t.s.p.factor.num[i], t.s.p.factor.div, least)
}

// below reports whether x/div < 2^e.
func below(x, div exact.Num, e int) bool { return x.Cmp(div.Ldexp(e)) < 0 }

func or(word, otherwise string) string {
	if word == "" {
		return otherwise
	}
	return word
}

// skip reports whether term i is settled without arithmetic: dropped, or an
// infinite entry, or a zero that a rule decides.
func (t *terms) skip(i int, quantity spec.Quantity) bool {
	s, c := &t.s, &t.q.c
	if s.drop != nil && s.drop[i] {
		return true
	}
	p := s.p.factor.sign(i)
	q := 1
	if quantity != spec.Entropy {
		q = s.q.log.sign(i)
	}
	switch {
	case p == 0 && q == 0:
		t.rule(or(c.ZeroZero, "zero"))
		return true
	case p == 0:
		t.rule(or(c.ZeroP, "zero"))
		return true
	case q == 0 && p > 0 && t.vanishes(i):
		// The quotient p may have been rounded to 0 before it met the zero.
		t.may.rule(or(c.ZeroQ, "inf"))
		return true
	case q == 0 && p > 0:
		t.rule(or(c.ZeroQ, "inf"))
		return true
	case q == 0:
		t.out.nan = true // a negative weight over zero
		return true
	}
	return false
}

// infinities settles a term with an infinite entry as IEEE arithmetic does:
// Inf·ln(Inf/q) = Inf, p·ln(p/Inf) = −Inf, Inf/Inf is NaN.
func (t *terms) infinities(i int) bool {
	pf, pl := t.s.p.factor.infinite(i), t.s.p.log.infinite(i)
	ql := t.s.q.log.infinite(i)
	if pf == 0 && pl == 0 && ql == 0 {
		return false
	}
	switch {
	case ql < 0 && pf == 0 && pl == 0:
		// ln(p/−Inf) is −Inf by way of ln −0, ln p − ln −Inf is NaN.
		t.out.nan, t.out.negInf = true, true
	case pf < 0 || pl < 0 || ql < 0, pl > 0 && ql > 0:
		t.out.nan = true
	case pl > 0 || pf > 0 && ql == 0:
		t.pos = true
	default:
		t.neg = true
	}
	return true
}

// kl adds the term p ln(p/q + ratio).
func (t *terms) kl(i int) {
	if t.skip(i, spec.KL) || t.infinities(i) {
		return
	}
	a, x, y := t.s.p.factor.num[i], t.s.p.log.num[i], t.s.q.log.num[i]
	if x.Sign() == 0 {
		// A positive factor with a zero inside the logarithm only.
		t.neg = true
		return
	}
	if x.Sign() < 0 && y.Sign() < 0 {
		x, y = x.Neg(), y.Neg()
	}
	if x.Sign() != y.Sign() {
		t.out.nan = true
		return
	}
	t.n++
	t.mass = append(t.mass, a.Abs())
	dp, dq := t.s.p.log.div, t.s.q.log.div
	if t.s.ratio.Sign() != 0 {
		// x/dp ÷ y/dq + v = (x·dq + v·y·dp)/(y·dp)
		den := y.Mul(dp)
		num := x.Mul(dq).Add(t.s.ratio.Mul(den))
		if num.Sign() <= 0 {
			t.out.nan = true
			return
		}
		t.form.AddLog(a, num, den)
	} else {
		t.form.AddLog(a, x, y)
		t.extra = t.extra.Add(a)
	}
	t.logMass(a, x, dp)
	t.logMass(a, y, dq)
	t.underflow(a, y)
}

// underflow allows for a quotient y/dq of a normalisation that is subnormal:
// rounding it moves it by up to η/2, hence ln(p/q) by up to η/q (from
// −ln(1−x) ≤ 2x for x ≤ ¾), and the term by (a/dp)·η/q; a subnormal p moves
// its term by η(|ln(p/q)| + 1), and no two numbers of a format have a ratio
// beyond e^1500. A quotient below η may be rounded to 0, with what the zero
// rule makes of it.
func (t *terms) underflow(a, y exact.Num) {
	dq := t.s.q.log.div
	if !t.divides {
		return
	}
	p, least := formatLimits(t.q.result)
	if below(y, dq, least+p-1) {
		f := new(big.Float).SetPrec(massPrecision).SetMode(big.ToPositiveInf)
		f.Quo(f.Mul(a.Abs().Float(), dq.Float()), new(big.Float).SetPrec(massPrecision).Mul(t.s.p.factor.div.Float(), y.Abs().Float()))
		t.under = up().Add(t.under, f)
		if below(y, dq, least) {
			t.may.rule(or(t.q.c.ZeroQ, "inf"))
		}
	}
	if below(a.Abs(), t.s.p.factor.div, least+p-1) {
		t.under = up().Add(t.under, big.NewFloat(1501))
	}
}

// logMass adds |a|·|ln(x/div)| to the mass of logarithms.
func (t *terms) logMass(a, x, div exact.Num) {
	if x.Cmp(div) >= 0 {
		t.logs.AddLog(a.Abs(), x, div)
	} else {
		t.logs.AddLog(a.Abs(), div, x)
	}
}

func (t *terms) entropy(i int) {
	if t.skip(i, spec.Entropy) {
		return
	}
	if s := t.s.p.factor.infinite(i); s != 0 || t.s.p.log.infinite(i) != 0 {
		if s < 0 {
			t.out.nan = true
		} else {
			t.neg = true // −∞·ln ∞
		}
		return
	}
	a, x := t.s.p.factor.num[i], t.s.p.log.num[i]
	if x.Sign() <= 0 {
		t.out.nan = true
		return
	}
	t.n++
	t.mass = append(t.mass, a.Abs())
	t.form.AddLog(a.Neg(), x, exact.Int(1))
	t.extra = t.extra.Add(a)
	t.logMass(a, x, t.s.p.log.div)
}

func (t *terms) cross(i int) {
	if t.skip(i, spec.CrossEntropy) {
		return
	}
	if pf, ql := t.s.p.factor.infinite(i), t.s.q.log.infinite(i); pf != 0 || ql != 0 {
		switch {
		case pf < 0 || ql < 0:
			t.out.nan = true
		case ql > 0:
			t.neg = true
		default:
			y := t.s.q.log.num[i]
			switch y.Cmp(t.s.q.log.div) {
			case -1:
				t.pos = true
			case 1:
				t.neg = true
			default:
				t.out.nan = true
			}
		}
		return
	}
	a, y := t.s.p.factor.num[i], t.s.q.log.num[i]
	if y.Sign() < 0 {
		t.out.nan = true
		return
	}
	t.n++
	t.mass = append(t.mass, a.Abs())
	t.form.AddLog(a.Neg(), y, exact.Int(1))
	t.extra = t.extra.Add(a)
	t.logMass(a, y, t.s.q.log.div)
}

// mixing takes the weight β of a Jensen-Shannon divergence.
func (q *question) mixing(o spec.Options) error {
	q.beta = exact.Int(1).Half()
	if o.Beta == "" {
		return nil
	}
	b, err := o.Beta.Value()
	switch {
	case q.quantity != spec.JS:
		return fmt.Errorf("judge: beta belongs to js")
	case err != nil || !(b >= 0 && b <= 1):
		return fmt.Errorf("judge: beta %q is not a number from 0 to 1", o.Beta)
	}
	q.beta = exact.Float(b)
	return nil
}

// js adds β p ln(p/m) + (1−β) q ln(q/m) with m = βp + (1−β)q. The two vectors are
// brought to the common divisor dp·dq first.
func (t *terms) js(i int) {
	if t.s.drop != nil && t.s.drop[i] {
		return
	}
	p, q := t.s.p, t.s.q
	for _, v := range []vector{p.factor, p.log, q.factor, q.log} {
		if v.infinite(i) != 0 || v.num[i].Sign() < 0 {
			t.out.nan = true
			return
		}
	}
	if p.factor.num[i].Sign() == 0 && q.factor.num[i].Sign() == 0 {
		t.rule(or(t.q.c.ZeroZero, "zero"))
		return
	}
	x, y := p.log.num[i].Mul(q.log.div), q.log.num[i].Mul(p.log.div)
	alpha, beta := exact.Int(1).Sub(t.q.beta), t.q.beta
	m := beta.Mul(x).Add(alpha.Mul(y))
	for _, h := range []struct{ a, b, w exact.Num }{
		{p.factor.num[i].Mul(q.factor.div), x, beta}, {q.factor.num[i].Mul(p.factor.div), y, alpha},
	} {
		if h.w.Sign() == 0 {
			continue
		}
		if h.a.Sign() == 0 {
			t.rule(or(t.q.c.ZeroP, "zero"))
			continue
		}
		if h.b.Sign() == 0 {
			t.neg = true
			continue
		}
		a := h.a.Mul(h.w)
		t.mass = append(t.mass, a)
		t.form.AddLog(a, h.b, m)
		div := p.log.div.Mul(q.log.div)
		t.logMass(a, h.b, div)
		t.logMass(a, m, div)
	}
	t.n++
}

// generalise adds Σ(q − p) over the terms that were not dropped.
func (t *terms) generalise() {
	t.lin, t.linMass = new(big.Rat), new(big.Rat)
	for _, part := range []struct {
		v    vector
		sign int64
	}{{t.s.q.factor, 1}, {t.s.p.factor, -1}} {
		var kept []exact.Num
		for i, x := range part.v.num {
			if t.s.drop != nil && t.s.drop[i] {
				continue
			}
			if inf := part.v.infinite(i); inf != 0 {
				if (inf > 0) == (part.sign > 0) {
					t.pos = true
				} else {
					t.neg = true
				}
				continue
			}
			kept = append(kept, x)
		}
		sum := new(big.Rat).Quo(exact.Sum(kept).Rat(), part.v.div.Rat())
		t.lin.Add(t.lin, new(big.Rat).Mul(sum, big.NewRat(part.sign, 1)))
		t.linMass.Add(t.linMass, sum.Abs(sum))
	}
}

// finish assembles the outcome of the row: divisors, linear part, scale and
// base.
func (t *terms) finish() outcome {
	o := t.out
	if o.nan || o.reject {
		return o
	}
	switch {
	case t.pos && t.neg:
		o.nan = true
		return o
	case t.pos:
		o.posInf = true
		return t.q.signed(o)
	case t.neg:
		o.negInf = true
		return t.q.signed(o)
	}

	div := t.s.p.factor.div
	switch t.q.quantity {
	case spec.JS:
		div = div.Mul(t.s.q.factor.div)
	case spec.KL:
		t.form.AddLog(t.extra, t.s.q.log.div, t.s.p.log.div)
	case spec.Entropy:
		t.form.AddLog(t.extra, t.s.p.log.div, exact.Int(1))
	case spec.CrossEntropy:
		t.form.AddLog(t.extra, t.s.q.log.div, exact.Int(1))
	}
	weight := new(big.Rat).Inv(div.Rat())
	all := exact.Sum(t.mass).Rat()
	all.Mul(all, weight)

	num := &number{form: new(exact.Form), mass: mass{n: t.n, p: float(all), under: t.under}}
	num.form.AddScaled(weight, t.form)
	num.absT = num.form.Mass(massPrecision).Hi
	if t.q.quantity == spec.KL && t.s.ratio.Sign() == 0 {
		num.phi = t.phi(num.form, all)
	}
	logs := new(exact.Form)
	logs.AddScaled(weight, t.logs)
	num.logs = logs.Mass(massPrecision).Hi
	if t.lin != nil {
		num.form.AddRat(t.lin)
		num.lin = float(t.linMass)
	}
	o.value = t.q.scaled(num)
	o.nan, o.reject, o.posInf = t.may.nan, t.may.reject, t.may.posInf
	return t.q.signed(o)
}

// phi returns an upper bound of Σφ = K − P + Q of the row.
func (t *terms) phi(k *exact.Form, p *big.Rat) *big.Float {
	f := new(exact.Form)
	f.AddScaled(big.NewRat(1, 1), k)
	q := new(big.Rat).Quo(exact.Sum(t.s.q.factor.num).Rat(), t.s.q.factor.div.Rat())
	f.AddRat(q.Sub(q, p))
	return maxAbs(interval(f.Enclose(2 * massPrecision)))
}

// signed turns an infinity over for a negative scale or a base below 1.
func (q *question) signed(o outcome) outcome {
	flip := false
	if q.c.Scale != "" {
		v, err := q.c.Scale.Value()
		flip = err == nil && v < 0
	}
	if q.base != "" && q.base != "e" {
		v, err := q.base.Value()
		flip = flip != (err == nil && v < 1)
	}
	if flip {
		o.posInf, o.negInf = o.negInf, o.posInf
	}
	return o
}

// scaled multiplies by the scale of the convention.
func (q *question) scaled(n *number) *number {
	v, err := q.c.Scale.Value()
	if q.c.Scale == "" || err != nil || v == 1 {
		return n
	}
	s := new(big.Rat)
	s.SetFloat64(v)
	m := &number{new(exact.Form), n.mass.times(new(big.Rat).Abs(s))}
	m.form.AddScaled(s, n.form)
	return m
}
