package mutant

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"slices"

	"klconf/conform/judge"
	"klconf/impl/exact"
	"klconf/spec"
)

var formats = map[spec.DType]exact.Format{spec.F64: exact.Float64, spec.F32: exact.Float32, spec.F16: exact.Float16, spec.BF16: exact.BFloat16}

// Answer turns what an answer may be into one: the correctly rounded number
// where there is one, else NaN, else a refusal.
func Answer(e spec.Expected) spec.Answer {
	if e.Whole != nil {
		return spec.Answer{Status: spec.Rejected, Kind: spec.KindLength}
	}
	a := spec.NewArray("result", e.DType, e.Shape...)
	for i, s := range e.Values {
		switch {
		case len(s.Intervals) > 0:
			v := s.Intervals[len(s.Intervals)-1] // the number, where an infinity is possible too
			a.SetBits(i, formats[e.DType].RoundBig(v.Lo))
		case s.NaN:
			a.SetBits(i, judge.Bits(e.DType, math.NaN()))
		default:
			return spec.Answer{Status: spec.Rejected, Kind: spec.KindDomain}
		}
	}
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{a}}
}

// Oracle answers every question that judge.Expect judges, under a convention:
// it is right, to the last bit.
func Oracle(c spec.Convention) func(context.Context, spec.Request) spec.Answer {
	return func(_ context.Context, r spec.Request) spec.Answer {
		e, err := judge.Expect(r, c)
		if err != nil {
			return spec.Answer{Status: spec.Unsupported, Message: err.Error()}
		}
		return Answer(e)
	}
}

// oracle is Oracle of the definition.
func oracle(r spec.Request) spec.Answer {
	return Oracle(spec.Convention{})(context.Background(), r)
}

// A kernel is an implementation made of a description and a function.
type kernel struct {
	description spec.Description
	answer      func(spec.Request) spec.Answer
}

func (k kernel) Describe() spec.Description { return k.description }

func (k kernel) Answer(_ context.Context, r spec.Request) spec.Answer {
	if len(r.Arrays) == 0 || !k.description.Offers(r.Op, r.Arrays[0].DType) {
		return spec.Answer{Status: spec.Unsupported, Message: string(r.Op) + " is not offered"}
	}
	return k.answer(r)
}

// An option changes a description. The default offers kl, kl_rows, entropy,
// cross_entropy and js in float64 and declares the definition.
type option func(*spec.Description)

func declares(convention string) option {
	return func(d *spec.Description) {
		d.Convention = nil
		if convention != "" {
			d.Convention = parse(convention)
		}
	}
}

// parse reads a convention from its JSON, which the tables here hold.
func parse(text string) *spec.Convention {
	c := new(spec.Convention)
	if err := json.Unmarshal([]byte(text), c); err != nil {
		panic("mutant: " + text + ": " + err.Error())
	}
	return c
}

func claims(l spec.Level) option { return func(d *spec.Description) { d.Accuracy = l } }

func offers(ops ...spec.Op) option { return func(d *spec.Description) { d.Ops = ops } }

func in(types ...spec.DType) option { return func(d *spec.Description) { d.DTypes = types } }

func deterministic(yes bool) option { return func(d *spec.Description) { d.Deterministic = &yes } }

func describe(options []option) spec.Description {
	d := spec.Description{Name: "mutant", Version: "1", Ops: []spec.Op{"kl", "kl_rows", "entropy", "cross_entropy", "js"},
		DTypes: []spec.DType{spec.F64}, Convention: &spec.Convention{Complete: true}}
	for _, o := range options {
		o(&d)
	}
	return d
}

// A maker makes an implementation with no past.
type maker func() spec.Implementation

// answers is an implementation that answers whole questions.
func answers(f func(spec.Request) spec.Answer, options ...option) maker {
	return func() spec.Implementation { return kernel{describe(options), f} }
}

// questions is right about other questions than it was asked.
func questions(change func(spec.Request) spec.Request, options ...option) maker {
	return answers(func(r spec.Request) spec.Answer {
		r.Arrays = slices.Clone(r.Arrays)
		return oracle(change(r))
	}, options...)
}

// results is right but for what is done to the numbers of its answers.
func results(change func(r spec.Request, x []float64) []float64, options ...option) maker {
	return answers(func(r spec.Request) spec.Answer {
		a := oracle(r)
		if x, ok := a.Result(); ok {
			a.Arrays = []spec.Array{rounded(x.DType, x.Shape, change(r, x.Floats()))}
		}
		return a
	}, options...)
}

func rounded(d spec.DType, shape []int, x []float64) spec.Array {
	a := spec.NewArray("result", d, shape...)
	for i, v := range x {
		a.SetBits(i, judge.Bits(d, v))
	}
	return a
}

// A divergence is a function of two vectors. An error is a refusal.
type divergence func(p, q []float64) (float64, error)

// vectors is right about all that it offers except kl and kl_rows, which it
// answers with f, row by row: a reduction adds the rows exactly and rounds
// once.
func vectors(f divergence, options ...option) maker {
	return stateful(func() divergence { return f }, options...)
}

// stateful is vectors with a function that may have a memory.
func stateful(f func() divergence, options ...option) maker {
	return func() spec.Implementation {
		d := describe(options)
		g := f()
		return kernel{d, func(r spec.Request) spec.Answer { return rowwise(g, r) }}
	}
}

func rowwise(f divergence, r spec.Request) spec.Answer {
	if r.Op != "kl" && r.Op != "kl_rows" {
		return oracle(r)
	}
	if !plainOptions(r.Options) {
		return spec.Answer{Status: spec.Unsupported, Message: "no option but reduction"}
	}
	p, q := r.Arrays[0], r.Arrays[1]
	d := p.DType.ResultDType()
	x, y := p.Floats(), q.Floats()
	if r.Op == "kl" {
		v, err := f(x, y)
		if err != nil {
			return refusal(err)
		}
		return spec.Answer{Status: spec.OK, Arrays: []spec.Array{rounded(d, nil, []float64{v})}}
	}
	if !slices.Equal(p.Shape, q.Shape) {
		return refusal(errLengths)
	}
	rows, n := p.Shape[0], p.Shape[1]
	values := make([]float64, rows)
	for i := range values {
		v, err := f(x[i*n:(i+1)*n], y[i*n:(i+1)*n])
		if err != nil {
			return refusal(err)
		}
		values[i] = v
	}
	switch r.Options.Reduction {
	case "":
		return spec.Answer{Status: spec.OK, Arrays: []spec.Array{rounded(d, []int{rows}, values)}}
	case "sum":
		return scalar(d, mean(values, 1))
	case "batchmean":
		return scalar(d, mean(values, rows))
	}
	return scalar(d, mean(values, rows*n))
}

func scalar(d spec.DType, x float64) spec.Answer {
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{rounded(d, nil, []float64{x})}}
}

var errLengths = errors.New("the shapes differ")

func refusal(err error) spec.Answer {
	kind := spec.KindDomain
	if err == errLengths {
		kind = spec.KindLength
	}
	return spec.Answer{Status: spec.Rejected, Kind: kind, Message: err.Error()}
}

// mean returns Σx/divisor, rounded once.
func mean(x []float64, divisor int) float64 {
	s := new(big.Float).SetPrec(2200)
	special := 0.0
	for _, v := range x {
		if math.IsInf(v, 0) || v != v {
			special += v
		} else {
			s.Add(s, new(big.Float).SetFloat64(v))
		}
	}
	if special != 0 || divisor == 0 {
		return special / float64(divisor)
	}
	v, _ := s.Quo(s, big.NewFloat(float64(divisor))).Float64()
	return v
}

// exactly is the definition, correctly rounded; different lengths are refused
// and what is outside the domain gives NaN.
func exactly(p, q []float64) (float64, error) {
	a := oracle(spec.Request{Op: "kl", Arrays: []spec.Array{spec.Float64s("p", p), spec.Float64s("q", q)}})
	if x, ok := a.Result(); ok {
		return x.Float(0), nil
	}
	return 0, errLengths
}

// inputs is right about changed vectors of equal lengths.
func inputs(change func(p, q []float64) ([]float64, []float64), options ...option) maker {
	return vectors(func(p, q []float64) (float64, error) {
		if len(p) != len(q) {
			return exactly(p, q)
		}
		return exactly(change(slices.Clone(p), slices.Clone(q)))
	}, options...)
}

// pairs is right about changed pairs.
func pairs(change func(p, q float64) (float64, float64), options ...option) maker {
	return inputs(func(p, q []float64) ([]float64, []float64) {
		for i := range p {
			p[i], q[i] = change(p[i], q[i])
		}
		return p, q
	}, options...)
}

// values is right but for what is done to the number in the end.
func values(change func(v float64, p, q []float64) float64, options ...option) maker {
	return vectors(func(p, q []float64) (float64, error) {
		v, err := exactly(p, q)
		if err == nil {
			v = change(v, p, q)
		}
		return v, err
	}, options...)
}

// special answers a question that a loop over terms does not: lengths, NaN,
// numbers outside the domain, p > 0 = q.
func special(p, q []float64) (v float64, err error, done bool) {
	if len(p) != len(q) {
		return 0, errLengths, true
	}
	infinite := false
	for i := range p {
		if outside(p[i]) || outside(q[i]) {
			return math.NaN(), nil, true
		}
		infinite = infinite || p[i] > 0 && q[i] == 0
	}
	return math.Inf(1), nil, infinite
}

func outside(x float64) bool { return !(x >= 0 && x <= math.MaxFloat64) }

// terms adds term(p, q) over p > 0, from the left, where there is no special
// value.
func terms(term func(p, q float64) float64, options ...option) maker {
	return vectors(loop(term, total), options...)
}

// loop adds the terms of p > 0 with sum, where there is no special value.
func loop(term func(p, q float64) float64, sum func([]float64) float64) divergence {
	return func(p, q []float64) (float64, error) {
		if v, err, done := special(p, q); done {
			return v, err
		}
		t := make([]float64, 0, len(p))
		for i := range p {
			if p[i] > 0 {
				t = append(t, term(p[i], q[i]))
			}
		}
		return sum(t), nil
	}
}

// total adds from the left.
func total(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s
}

// ln is the logarithm of a positive number to within an ulp or two; math.Log is
// not that for subnormal numbers on amd64.
func ln(x float64) float64 {
	f, e := math.Frexp(x)
	return math.Log(f) + float64(e)*math.Ln2
}

// plainOptions reports whether no option but a reduction is set.
func plainOptions(o spec.Options) bool {
	return o.Base == "" && o.Temperature == "" && o.Beta == "" && o.Estimator == "" && o.Grad == "" && o.ResultDType == ""
}
