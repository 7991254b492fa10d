package main

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"

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
	pw, qw  []uint64          // bits in place of p, q
	gen     *golden.Generator // in place of p, q
	data    *golden.Data      // in place of p, q
	mask    []uint64          // u8
	conv    *spec.Convention  // nil is the definition
	hard    int               // the hardness of an input found by searching
	shape   []int             // [len(p)] when nil
	qshape  []int             // [len(q)], or shape when that is given, when nil
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
		convention(), policy(), boundaries(), large(), hard(), ladder(), totals(),
		logits(), logprobs(), float8(), masks(), model(), estimators(), gradients(), weightedJS(),
	}
}

// build computes every file. The answers that known holds are taken over
// instead of being computed: those of the long vectors, where time matters.
func build(families []family, known map[string]golden.Vector) (map[string][]byte, error) {
	type job struct{ family, question int }
	jobs := make(chan job)
	vectors := make([][]golden.Vector, len(families))
	errs := make([][]error, len(families))
	for i, f := range families {
		vectors[i] = make([]golden.Vector, len(f.questions))
		errs[i] = make([]error, len(f.questions))
	}
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for j := range jobs {
				v, err := families[j.family].vector(families[j.family].questions[j.question], known)
				if err != nil {
					errs[j.family][j.question] = fmt.Errorf("%s: %w", v.ID, err)
				}
				vectors[j.family][j.question] = v
			}
		})
	}
	for i, f := range families {
		for k := range f.questions {
			jobs <- job{i, k}
		}
	}
	close(jobs)
	workers.Wait()

	if err := errors.Join(slices.Concat(errs...)...); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for i, f := range families {
		files[f.name+".json"] = layout(f.name, vectors[i])
	}
	return files, nil
}

func (fam family) vector(q question, known map[string]golden.Vector) (golden.Vector, error) {
	if q.f.d == "" {
		q.f = f64
	}
	v := golden.Vector{
		ID:      strings.Join([]string{"golden", fam.name, q.name, q.f.short()}, "/"),
		Comment: q.comment, Op: q.op, DType: q.f.d, Shape: q.shape, Generator: q.gen, Data: q.data,
		Options: q.opt, Convention: q.conv,
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
	if err := q.numbers(&v, quantity.Arity()); err != nil {
		return v, err
	}
	if k, ok := known[v.ID]; ok && reflect.DeepEqual(k.Request(), v.Request()) && reflect.DeepEqual(k.Convention, v.Convention) && k.Hardness == q.hard {
		v.Class, v.Expected, v.Cond, v.Hardness = k.Class, k.Expected, k.Cond, k.Hardness
		return v, nil
	}
	v.Class = class(v)
	var err error
	if v.Expected, v.Cond, err = expect(v.Request(), v.Convention); err != nil {
		return v, err
	}
	if q.hard > 0 {
		if v.Hardness, err = hardness(v); err == nil && v.Hardness != q.hard {
			err = fmt.Errorf("the hardness is %d, the table says %d", v.Hardness, q.hard)
		}
	}
	return v, err
}

// numbers fills in where the numbers of v come from, and its shape.
func (q question) numbers(v *golden.Vector, arity int) (err error) {
	for _, m := range q.mask {
		v.Mask = append(v.Mask, spec.HexBits(spec.U8, m))
	}
	if q.gen != nil {
		if v.Shape == nil {
			v.Shape = []int{q.gen.N}
		}
		return nil
	}
	if q.data != nil {
		if v.Shape == nil {
			v.Shape = []int{golden.DataColumns}
		}
		return nil
	}
	if v.P, err = q.encode(q.p, q.pw); err != nil {
		return err
	}
	if v.Shape == nil {
		v.Shape = []int{len(v.P)}
	}
	if arity == 1 {
		return nil
	}
	if v.Q, err = q.encode(q.q, q.qw); err != nil {
		return err
	}
	v.QShape = q.qshape
	if v.QShape == nil && q.shape == nil {
		v.QShape = []int{len(v.Q)}
	}
	if slices.Equal(v.QShape, v.Shape) {
		v.QShape = nil
	}
	return nil
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

// expect asks the judge what may be answered, and for the condition numbers.
// When no convention is given nothing is declared; that must be what the
// definition in words means, and only where it leaves NaN or a refusal does
// the definition's own data name the first of the two.
func expect(r spec.Request, c *spec.Convention) (spec.Expected, []string, error) {
	if c != nil {
		if err := c.Check(); err != nil {
			return spec.Expected{}, nil, err
		}
		e, err := judge.Expect(r, *c)
		return e, strip(&e, !normalises(*c) && weights(r)), err
	}
	e, err := judge.Expect(r, spec.Convention{})
	if err != nil {
		return e, nil, err
	}
	d, err := judge.Expect(r, spec.Definition())
	if err != nil {
		return e, nil, err
	}
	if err := agree(e, d); err != nil {
		return e, nil, fmt.Errorf("nothing declared and the definition differ: %w", err)
	}
	return e, strip(&e, weights(r)), nil
}

// weights reports whether a question is about the value of a sum over weights.
func weights(r spec.Request) bool {
	quantity, domain, _, _ := r.Op.Split()
	return domain == spec.Probs && quantity != spec.KLEstimate && r.Options.Grad == ""
}

func normalises(c spec.Convention) bool {
	return slices.ContainsFunc(c.Steps, func(s spec.Step) bool { return s.Do == "normalise" })
}

// strip removes the masses and returns the condition numbers that they make.
// The masses are upper bounds, and those of a convention that normalises are
// not close ones, so that it has no condition numbers; nor have logits and
// log-probabilities, whose masses are others.
func strip(e *spec.Expected, close bool) []string {
	cond := make([]string, len(e.Values))
	for i := range e.Values {
		s := &e.Values[i]
		if close && s.Mass != nil && s.RN != "" && strings.Trim(s.RN, "0") != "" {
			c := new(big.Float).SetPrec(64).Add(s.Mass.AbsT, s.Mass.P)
			cond[i] = c.Quo(c, s.Mass.AbsK).Text('e', 2)
		}
		s.Mass, s.Overflows, s.Divides = nil, false, false
		// An infinity is a right answer to the bit, too.
		if s.RN == "" && len(s.Intervals) == 1 && !s.NaN && !s.Reject && s.Intervals[0].Lo.IsInf() {
			b, err := formats[e.DType].encode(math.Inf(s.Intervals[0].Lo.Sign()))
			if err != nil {
				panic("golden/make: " + err.Error())
			}
			s.RN = spec.HexBits(e.DType, b)
		}
	}
	return cond
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

// class says what the inputs are, from the exact totals of what no mask
// hides; vectors of different shapes are no pair of pmfs, and logits and
// log-probabilities are no weights.
func class(v golden.Vector) string {
	c := golden.PMF
	arrays := v.Request().Arrays
	if !weights(v.Request()) {
		return golden.Other
	}
	hidden := func(i int) bool { return v.Mask != nil && v.Mask[i] == "00" }
	if v.Mask != nil {
		arrays = arrays[:len(arrays)-1]
	}
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
				if hidden(i) {
					continue
				}
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
