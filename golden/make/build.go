package main

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"klconf/conform/judge"
	"klconf/golden"
	"klconf/spec"
)

// A family is one file of questions, with what those of them have that do
// not say otherwise.
type family struct {
	name      string
	stratum   string
	source    string
	questions []question
}

// A question declares one vector by its inputs alone.
type question struct {
	name    string // golden/FAMILY/name/DTYPE is the id
	comment string
	op      spec.Op // kl when empty
	f       format  // f64 when zero
	p, q    []float64
	pw, qw  []uint64 // bits in place of p, q
	shape   []int    // [len(p)] when nil
	qshape  []int    // [len(q)], or shape when that is given, when nil
	opt     spec.Options
	req     string // requirement ids
	flags   string // keys of notes
	stratum string
	source  string
}

// families lists every file.
func families() []family {
	return []family{
		special(), zero(), lengths(), mismatch(), ties(), exactZero(), subnormals(), ratio(), nearEqual(), overflow(), measure(),
		article(), regression(), dtype(), rows(), quantities(), base(), resultDType(),
	}
}

// build computes every file.
func build(families []family) (map[string][]byte, error) {
	files := map[string][]byte{}
	var errs []error
	for _, f := range families {
		vectors := make([]golden.Vector, len(f.questions))
		for i, q := range f.questions {
			v, err := f.vector(q)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", v.ID, err))
				continue
			}
			vectors[i] = v
		}
		if len(errs) == 0 {
			files[f.name+".json"] = layout(f.name, vectors)
		}
	}
	return files, errors.Join(errs...)
}

func (fam family) vector(q question) (golden.Vector, error) {
	if q.f.d == "" {
		q.f = f64
	}
	v := golden.Vector{
		ID:      strings.Join([]string{"golden", fam.name, q.name, q.f.short()}, "/"),
		Comment: q.comment, Op: q.op, DType: q.f.d, Shape: q.shape, Options: q.opt,
		Stratum: q.stratum, Requirements: words(q.req), Flags: words(q.flags), Source: q.source,
	}
	if v.Op == "" {
		v.Op = "kl"
	}
	if v.Stratum == "" {
		v.Stratum = fam.stratum
	}
	if v.Source == "" {
		v.Source = fam.source
	}
	quantity, _, rows, ok := v.Op.Split()
	if !ok || rows != (len(q.shape) == 2) {
		return v, fmt.Errorf("%s with shape %v", v.Op, q.shape)
	}
	var err error
	if v.P, err = q.encode(q.p, q.pw); err != nil {
		return v, err
	}
	if v.Shape == nil {
		v.Shape = []int{len(v.P)}
	}
	if quantity.Arity() == 2 {
		if v.Q, err = q.encode(q.q, q.qw); err != nil {
			return v, err
		}
		v.QShape = q.qshape
		if v.QShape == nil && q.shape == nil {
			v.QShape = []int{len(v.Q)}
		}
		if slices.Equal(v.QShape, v.Shape) {
			v.QShape = nil
		}
	}
	v.Class = class(v)
	v.Expected, err = expect(v.Request())
	return v, err
}

// words splits text at spaces and leaves repetitions out.
func words(text string) []string {
	var w []string
	for _, s := range strings.Fields(text) {
		if !slices.Contains(w, s) {
			w = append(w, s)
		}
	}
	return w
}

func (q question) encode(x []float64, bits []uint64) ([]string, error) {
	if bits != nil {
		x = make([]float64, len(bits))
	}
	w := make([]string, len(x))
	for i := range x {
		var b uint64
		if bits != nil {
			b = bits[i]
		} else {
			var err error
			if b, err = q.f.encode(x[i]); err != nil {
				return nil, err
			}
		}
		w[i] = spec.HexBits(q.f.d, b)
	}
	return w, nil
}

// expect asks the judge what may be answered when nothing was declared. That
// must be what the definition in words means; only where it leaves NaN or a
// refusal does the definition's own data name the first of the two.
func expect(r spec.Request) (spec.Expected, error) {
	e, err := judge.Expect(r, spec.Convention{})
	if err != nil {
		return e, err
	}
	d, err := judge.Expect(r, spec.Definition())
	if err != nil {
		return e, err
	}
	if err := agree(e, d); err != nil {
		return e, fmt.Errorf("nothing declared and the definition differ: %w", err)
	}
	for i := range e.Values {
		s := &e.Values[i]
		s.Mass = nil
		// An infinity is a right answer to the bit, too.
		if s.RN == "" && len(s.Intervals) == 1 && !s.NaN && !s.Reject && s.Intervals[0].Lo.IsInf() {
			b, err := formats[e.DType].encode(math.Inf(s.Intervals[0].Lo.Sign()))
			if err != nil {
				return e, err
			}
			s.RN = spec.HexBits(e.DType, b)
		}
	}
	return e, nil
}

func agree(e, d spec.Expected) error {
	if e.DType != d.DType || !slices.Equal(e.Shape, d.Shape) || (e.Whole == nil) != (d.Whole == nil) || len(e.Values) != len(d.Values) {
		return fmt.Errorf("%v %v against %v %v", e.DType, e.Shape, d.DType, d.Shape)
	}
	for i, s := range e.Values {
		t := d.Values[i]
		switch {
		case s.NaN != t.NaN, s.Reject != t.Reject && !(s.NaN && s.Reject), s.RN != t.RN, len(s.Intervals) != len(t.Intervals):
			return fmt.Errorf("element %d: %s against %s", i, judge.Describe(s), judge.Describe(t))
		}
		for j, v := range s.Intervals {
			if w := t.Intervals[j]; v.Lo.Cmp(w.Lo) != 0 || v.Hi.Cmp(w.Hi) != 0 {
				return fmt.Errorf("element %d: two enclosures", i)
			}
		}
	}
	return nil
}

// class says what the inputs are, from their exact totals; vectors of
// different shapes are no pair of pmfs.
func class(v golden.Vector) string {
	c := golden.PMF
	arrays := v.Request().Arrays
	if len(arrays) == 2 && !slices.Equal(arrays[0].Shape, arrays[1].Shape) {
		return golden.Other
	}
	for _, a := range arrays {
		n := a.Shape[len(a.Shape)-1]
		if a.Len() == 0 && c == golden.PMF {
			c = golden.Measure
		}
		bound := new(big.Rat).SetFrac64(int64(n), 1<<formats[a.DType].precision)
		for first := 0; first < a.Len(); first += n {
			total := big.NewRat(-1, 1)
			for i := first; i < first+n; i++ {
				x := a.Float(i)
				if !(x >= 0) || math.IsInf(x, 0) {
					return golden.Other
				}
				total.Add(total, new(big.Rat).SetFloat64(x))
			}
			if total.Abs(total).Cmp(bound) > 0 {
				c = golden.Measure
			}
		}
	}
	return c
}
