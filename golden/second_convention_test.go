package golden_test

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"

	"klconf/golden"
	"klconf/spec"
)

// This file is the second route for vectors with a convention: the steps, the
// rules for zeros and the words for what is outside the domain, read off
// spec/README.md and done on rationals.

// A real is a rational or, with inf ±1, an infinity.
type real struct {
	r   *big.Rat
	inf int
}

func (x real) sign() int {
	if x.inf != 0 {
		return x.inf
	}
	return x.r.Sign()
}

func realOf(f, least float64) real {
	switch {
	case math.IsInf(f, 1):
		return real{inf: 1}
	case math.IsInf(f, -1):
		return real{inf: -1}
	case math.Abs(f) < least:
		f = 0
	}
	return real{r: new(big.Rat).SetFloat64(f)}
}

// cmp compares x with a rational.
func (x real) cmp(y *big.Rat) int {
	if x.inf != 0 {
		return x.inf
	}
	return x.r.Cmp(y)
}

// An under is everything that a row may give under a convention.
type under struct {
	nan, reject, above, below bool
	finite                    bool
	terms                     []term
	linear                    *big.Rat
}

// leastNormal is where numbers of a format stop being subnormal.
var leastNormal = map[spec.DType]float64{spec.F64: 0x1p-1022, spec.F32: 0x1p-126, spec.F16: 0x1p-14, spec.BF16: 0x1p-126}

// A follower evaluates rows under a convention, with the definition's words
// where it is silent.
type follower struct {
	c spec.Convention
	d spec.DType
}

func (f follower) word(w string, o *under) (goOn bool) {
	switch w {
	case "value":
		return true
	case "nan":
		o.nan = true
	case "reject":
		o.reject = true
	case "inf":
		o.above = true
	case "":
		o.nan, o.reject = true, true
	}
	return false
}

func (f follower) row(p, q []float64) (o under) {
	o.linear = new(big.Rat)
	if len(p) == 0 {
		switch f.c.Empty {
		case "", "zero":
			o.finite = true
		default:
			f.word(f.c.Empty, &o)
		}
		return o
	}
	if slices.ContainsFunc(slices.Concat(p, q), math.IsNaN) {
		switch f.c.NaN {
		case "", "nan":
			o.nan = true
			return o
		case "ignore":
			var a, b []float64
			for i := range p {
				if !math.IsNaN(p[i]) && !math.IsNaN(q[i]) {
					a, b = append(a, p[i]), append(b, q[i])
				}
			}
			p, q = a, b
		default:
			f.word(f.c.NaN, &o)
			return o
		}
	}
	for _, x := range slices.Concat(p, q) {
		if x < 0 && !f.word(f.c.Negative, &o) || math.IsInf(x, 0) && !f.word(f.c.Infinite, &o) {
			return o
		}
	}
	if t := f.c.RequiresNormalised; t != nil && t.Required {
		within := number(t.Within)
		for _, x := range [][]float64{p, q} {
			total := big.NewRat(-1, 1)
			for _, v := range x {
				total.Add(total, new(big.Rat).SetFloat64(v))
			}
			if total.Abs(total).Cmp(within) > 0 {
				o.reject = true
				return o
			}
		}
	}

	least := 0.0
	if f.c.Subnormal == "flushed" {
		least = leastNormal[f.d]
	}
	n := len(p)
	var factor, inside [2][]real // of P and Q: before and inside the logarithm
	for side, x := range [][]float64{p, q} {
		for _, v := range x {
			factor[side] = append(factor[side], realOf(v, least))
		}
		inside[side] = slices.Clone(factor[side])
	}
	dropped := make([]bool, n)
	ratio := new(big.Rat)
	for _, s := range f.c.Steps {
		at := func(t *spec.Threshold) *big.Rat {
			if t == nil {
				return nil
			}
			if t.Under != nil {
				return number(t.Under[f.d])
			}
			return number(t.All)
		}
		lo, hi, value, limit := at(s.Lo), at(s.Hi), at(s.Value), at(s.AtOrBelow)
		for side, name := range []string{"p", "q"} {
			if s.Do == "drop_term" && s.Where == name {
				for i := range n {
					dropped[i] = dropped[i] || factor[side][i].cmp(limit) <= 0
				}
			}
			if s.Of != "both" && s.Of != name {
				continue
			}
			lists := [][]real{inside[side], factor[side]}
			if s.In == "log" {
				lists = lists[:1]
			}
			for _, list := range lists {
				switch s.Do {
				case "normalise":
					total := new(big.Rat)
					for _, x := range list {
						total.Add(total, x.r)
					}
					if total.Sign() == 0 {
						o.nan, o.reject, o.finite = true, true, true // 0/0: NaN, a refusal, or the sum of nothing
						return o
					}
					for i, x := range list {
						list[i] = real{r: new(big.Rat).Quo(x.r, total)}
					}
				default:
					for i, x := range list {
						list[i] = change(s.Do, x, lo, hi, value, limit)
					}
				}
			}
		}
		if s.Do == "add_ratio" {
			ratio.Add(ratio, value)
		}
	}

	o.finite = true
	or := func(word, otherwise string) string {
		if word == "" {
			return otherwise
		}
		return word
	}
	rule := func(word string) {
		if word != "zero" && word != "drop" {
			f.word(word, &o)
		}
	}
	generalised := f.c.Generalised != nil && *f.c.Generalised
	for i := range n {
		if dropped[i] {
			continue
		}
		a, x, y := factor[0][i], inside[0][i], inside[1][i]
		if generalised {
			for _, part := range []struct {
				x    real
				sign int
			}{{factor[1][i], 1}, {a, -1}} {
				if part.x.inf != 0 {
					o.above = o.above || part.x.inf*part.sign > 0
					o.below = o.below || part.x.inf*part.sign < 0
				} else {
					o.linear.Add(o.linear, new(big.Rat).Mul(part.x.r, big.NewRat(int64(part.sign), 1)))
				}
			}
		}
		switch {
		case a.sign() == 0 && y.sign() == 0:
			rule(or(f.c.ZeroZero, "zero"))
		case a.sign() == 0:
			rule(or(f.c.ZeroP, "zero"))
		case y.sign() == 0 && a.sign() > 0:
			rule(or(f.c.ZeroQ, "inf"))
		case y.sign() == 0, x.sign()*y.sign() < 0:
			o.nan = true
		case x.inf != 0 && y.inf != 0:
			o.nan = true
		case x.inf != 0:
			o.above = true
		case y.inf != 0:
			o.below = true
		case x.sign() == 0:
			o.below = true // ln 0
		default:
			z := new(big.Rat).Quo(x.r, y.r)
			if z.Add(z, ratio).Sign() <= 0 {
				o.nan = true
				break
			}
			o.terms = append(o.terms, term{a.r, z})
		}
	}
	switch {
	case o.nan || o.above && o.below:
		return under{nan: true, linear: o.linear}
	case o.reject:
		return under{reject: true, linear: o.linear}
	case o.above || o.below:
		o.finite = false
		if scale := f.scale(); scale.Sign() < 0 {
			o.above, o.below = o.below, o.above
		}
		if b := f.c.Base; b != "" && b != "e" && number(b).Cmp(big.NewRat(1, 1)) < 0 {
			o.above, o.below = o.below, o.above
		}
	}
	return o
}

func (f follower) scale() *big.Rat {
	if f.c.Scale == "" {
		return big.NewRat(1, 1)
	}
	return number(f.c.Scale)
}

func number(x spec.Real) *big.Rat {
	f, err := x.Value()
	if err != nil {
		panic(err)
	}
	return new(big.Rat).SetFloat64(f)
}

// change is one step on one number.
func change(do string, x real, lo, hi, value, limit *big.Rat) real {
	switch do {
	case "clamp":
		if x.cmp(lo) < 0 {
			x = real{r: lo}
		}
		if hi != nil && x.cmp(hi) > 0 {
			x = real{r: hi}
		}
	case "add":
		if x.inf == 0 {
			x = real{r: new(big.Rat).Add(x.r, value)}
		}
	case "replace":
		if x.cmp(limit) <= 0 {
			x = real{r: value}
		}
	}
	return x
}

// fit makes shapes equal as the convention says, or reports that it cannot.
func fit(mismatch string, a, b spec.Array) (p, q [][]float64, ok bool) {
	split := func(a spec.Array) [][]float64 {
		if len(a.Shape) == 1 {
			return [][]float64{a.Floats()}
		}
		var rows [][]float64
		for i := range a.Shape[0] {
			rows = append(rows, a.Floats()[i*a.Shape[1]:(i+1)*a.Shape[1]])
		}
		return rows
	}
	p, q = split(a), split(b)
	if slices.Equal(a.Shape, b.Shape) {
		return p, q, true
	}
	switch mismatch {
	case "truncate":
		n := min(len(p[0]), len(q[0]))
		return [][]float64{p[0][:n]}, [][]float64{q[0][:n]}, len(a.Shape) == 1
	case "broadcast":
		grow := func(x [][]float64, rows, columns int) bool {
			return (len(x) == rows || len(x) == 1) && (len(x[0]) == columns || len(x[0]) == 1)
		}
		rows, columns := max(len(p), len(q)), max(len(p[0]), len(q[0]))
		if !grow(p, rows, columns) || !grow(q, rows, columns) {
			return nil, nil, false
		}
		stretch := func(x [][]float64) [][]float64 {
			var y [][]float64
			for i := range rows {
				row := x[min(i, len(x)-1)]
				if len(row) == 1 {
					row = slices.Repeat(row, columns)
				}
				y = append(y, row)
			}
			return y
		}
		return stretch(p), stretch(q), true
	}
	return nil, nil, false
}

// verifyConvention is verify for a vector with a convention.
func verifyConvention(v golden.Vector) error {
	r := v.Request()
	quantity, domain, rows, _ := r.Op.Split()
	if quantity != spec.KL || domain != spec.Probs || !reflect.DeepEqual(v.Options, spec.Options{}) {
		return fmt.Errorf("%s with a convention is not computed here", v.Op)
	}
	f := follower{*v.Convention, v.DType}
	p, q, ok := fit(f.c.Mismatch, r.Arrays[0], r.Arrays[1])
	if !ok {
		if v.Expected.Whole == nil {
			return fmt.Errorf("the shapes are refused")
		}
		return nil
	}
	var answers []under
	elements := 0
	for i := range p {
		answers = append(answers, f.row(p[i], q[i]))
		elements += len(p[i])
	}
	weight := f.scale()
	if reduction := f.c.Reduction; reduction != "" && reduction != "none" && (rows || reduction != "sum") {
		switch reduction {
		case "mean":
			weight = new(big.Rat).Mul(weight, big.NewRat(1, int64(elements)))
		case "batchmean":
			weight = new(big.Rat).Mul(weight, big.NewRat(1, int64(len(p))))
		}
		all := under{finite: true, linear: new(big.Rat)}
		for _, o := range answers {
			if !o.finite || o.nan || o.reject {
				return fmt.Errorf("a reduction of rows that are not finite is not computed here")
			}
			all.terms = append(all.terms, o.terms...)
			all.linear.Add(all.linear, o.linear)
		}
		answers = []under{all}
	}
	values := v.Expected.Values
	if v.Expected.Whole != nil {
		values = []spec.Set{*v.Expected.Whole}
	}
	if len(values) != len(answers) {
		return fmt.Errorf("%d answers, %d are stored", len(answers), len(values))
	}
	for i, o := range answers {
		if err := f.compare(o, weight, values[i], v.Expected.DType); err != nil {
			return fmt.Errorf("%s: answer %d: %w", v.ID, i, err)
		}
	}
	return nil
}

func (f follower) compare(o under, weight *big.Rat, s spec.Set, d spec.DType) error {
	if o.nan != s.NaN || o.reject != s.Reject {
		return fmt.Errorf("NaN %t, refusal %t; stored are %t, %t", o.nan, o.reject, s.NaN, s.Reject)
	}
	var above, below, finite bool
	for _, x := range s.Intervals {
		above = above || x.Lo.IsInf() && x.Lo.Sign() > 0
		below = below || x.Lo.IsInf() && x.Lo.Sign() < 0
		finite = finite || !x.Lo.IsInf()
	}
	if above != o.above || below != o.below || finite != o.finite {
		return fmt.Errorf("+Inf %t, −Inf %t, a number %t; stored are %t, %t, %t", o.above, o.below, o.finite, above, below, finite)
	}
	if !finite {
		return nil
	}
	x := s.Intervals[len(s.Intervals)-1]
	bits := bitsFor(s)
	prec := precisionFor(o.terms, bits, f.c.Base != "" && f.c.Base != "e")
	value := sumOf(o.terms, prec)
	value.Add(value, o.linear)
	value.Mul(value, weight)
	if b := f.c.Base; b != "" && b != "e" {
		value.Quo(value, fixed(ln(number(b), prec), prec))
	}
	return contains(x, value, power(-bits))
}
