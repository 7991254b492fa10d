package main

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"klconf/impl"
	"klconf/impl/exact"
	"klconf/spec"
)

// A reference is package impl as a spec.Implementation: the kernels where
// they answer the question as asked, the oracle's exact sums for every other
// format, base and reduction. Each result is rounded once.
type reference struct {
	name    string
	backend *impl.Backend
}

// newReference returns the reference for "reference" or "reference/BACKEND".
func newReference(name string) (spec.Implementation, error) {
	_, backend, _ := strings.Cut(name, "/")
	if backend == "" {
		backend = impl.Current()
	}
	b, err := impl.Lookup(backend)
	if err != nil {
		return nil, err
	}
	return &reference{name: name, backend: b}, nil
}

func (r *reference) Describe() spec.Description {
	d := spec.Description{
		Name: r.name, Version: version, Language: "Go",
		DTypes:     []spec.DType{spec.F64, spec.F32, spec.F16, spec.BF16, spec.F8E4M3, spec.F8E5M2},
		Convention: &spec.Convention{Complete: true},
		Accuracy:   spec.L5,
		Encodings:  []string{"frame", "b64", "hex"},
	}
	yes := true
	d.Deterministic = &yes
	for _, q := range []spec.Quantity{spec.KL, spec.Entropy, spec.CrossEntropy, spec.JS} {
		d.Ops = append(d.Ops, spec.Op(q), spec.Op(q)+"_rows")
		if q != spec.JS {
			for _, domain := range []spec.Domain{spec.Logits, spec.LogProbs} {
				op := spec.Op(q) + "_" + spec.Op(domain)
				d.Ops = append(d.Ops, op, op+"_rows")
			}
		}
	}
	d.Ops = append(d.Ops, spec.Op(spec.KLEstimate))
	return d
}

func reject(kind, format string, args ...any) spec.Answer {
	return spec.Answer{Status: spec.Rejected, Kind: kind, Message: fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) spec.Answer {
	return spec.Answer{Status: spec.Unsupported, Message: fmt.Sprintf(format, args...)}
}

var resultFormats = map[spec.DType]exact.Format{
	spec.F64: exact.Float64, spec.F32: exact.Float32, spec.F16: exact.Float16, spec.BF16: exact.BFloat16,
}

// Answer refuses what is outside the domain, in the order of precedence of
// spec/README.md: shapes, NaN, domain.
func (r *reference) Answer(_ context.Context, q spec.Request) spec.Answer {
	quantity, domain, rows, ok := q.Op.Split()
	o := q.Options
	switch {
	case !ok || domain != spec.Probs && quantity == spec.JS || rows && quantity == spec.KLEstimate:
		return unsupported("op %q is not offered", q.Op)
	case len(o.Unknown) > 0:
		return unsupported("option %q is not known", o.Unknown[0])
	case o.Temperature != "" && domain != spec.Logits:
		return unsupported("a temperature is offered for logits only")
	case o.Beta != "" && quantity != spec.JS:
		return unsupported("beta is offered for js only")
	case (o.Estimator != "") != (quantity == spec.KLEstimate):
		return unsupported("kl_estimate is offered with an estimator, and nothing else is")
	}
	arity := quantity.Arity()
	if len(q.Arrays) < arity || len(q.Arrays) > arity+1 {
		return spec.Answer{Status: spec.Errored, Message: fmt.Sprintf("%s takes %d arrays and an optional mask, got %d", q.Op, arity, len(q.Arrays))}
	}
	p := q.Arrays[0]
	for _, a := range q.Arrays[:arity] {
		if !a.DType.Float() {
			return unsupported("arrays of %s are not offered", a.DType)
		}
		if a.DType != p.DType {
			return reject(spec.KindDType, "%s is %s and %s is %s; give both in one format", p.Name, p.DType, a.Name, a.DType)
		}
		if !slices.Equal(a.Shape, p.Shape) {
			return reject(spec.KindLength, "%s has shape %v and %s has shape %v", p.Name, p.Shape, a.Name, a.Shape)
		}
		if dims := map[bool]int{false: 1, true: 2}[rows]; len(a.Shape) != dims {
			return reject(spec.KindLength, "%s takes arrays with %d dimensions; %s has shape %v", q.Op, dims, a.Name, a.Shape)
		}
	}
	var mask *spec.Array
	if len(q.Arrays) > arity {
		mask = &q.Arrays[arity]
		if mask.DType != spec.U8 || !slices.Equal(mask.Shape, p.Shape) {
			return reject(spec.KindLength, "the mask is u8 with the shape %v of %s", p.Shape, p.Name)
		}
	}
	result := p.DType.ResultDType()
	if o.ResultDType != "" {
		result = o.ResultDType
	}
	format, ok := resultFormats[result]
	if !ok {
		return unsupported("results in %s are not offered", result)
	}
	base, err := baseOf(o.Base)
	if err != nil {
		return reject(spec.KindDomain, "%v", err)
	}

	temperature, err := temperatureOf(o.Temperature)
	if err != nil {
		return reject(spec.KindDomain, "%v", err)
	}
	beta, err := betaOf(o.Beta)
	if err != nil {
		return reject(spec.KindDomain, "%v", err)
	}
	if o.Grad != "" || o.Estimator != "" {
		if base != 0 || mask != nil || o.Reduction != "" {
			return unsupported("derivatives and estimators are offered without a base, a mask and a reduction")
		}
		return elementwise(q, domain, temperature, result, format)
	}

	n, width := 1, p.Len()
	if rows {
		n, width = p.Shape[0], p.Shape[1]
	}
	s := sum{base: base, format: format, beta: beta}
	kept := 0
	for i := range n {
		x, bad := numbers(domain, p, mask, i*width, width)
		var y []float64
		if arity == 2 {
			var badQ string
			y, badQ = numbers(domain, q.Arrays[1], mask, i*width, width)
			if hasNaN(x) || hasNaN(y) {
				bad = ""
			} else if bad == "" {
				bad = badQ
			}
		} else if hasNaN(x) {
			bad = ""
		}
		if bad != "" {
			return reject(spec.KindDomain, "%s", bad)
		}
		kept += len(x)
		if domain == spec.Probs {
			s.add(r, quantity, x, y, result == p.DType && (result == spec.F64 || result == spec.F32))
		} else {
			v := logarithmic(quantity, domain, x, y, temperature)
			if v.form != nil && quantity == spec.KL && domain == spec.Logits && p.DType == spec.F32 &&
				result == spec.F64 && temperature == 1 && base == 0 {
				v.kernel = func() (uint64, bool) {
					k := r.backend.KLLogits32(narrow(x), narrow(y))
					return math.Float64bits(k), k == k
				}
			}
			s.rows = append(s.rows, v)
		}
	}

	if rows && o.Reduction == "" || !rows {
		a := spec.NewArray("result", result, n)
		if !rows {
			a.Shape = []int{}
		}
		for i, v := range s.rows {
			bits, err := s.bits(v)
			if err != nil {
				return spec.Answer{Status: spec.Errored, Message: err.Error()}
			}
			a.SetBits(i, bits)
		}
		return spec.Answer{Status: spec.OK, Arrays: []spec.Array{a}}
	}
	divisor := 1
	switch o.Reduction {
	case "sum":
	case "mean":
		divisor = kept
	case "batchmean":
		divisor = n
	default:
		return unsupported("reduction %q is not known; sum, mean and batchmean are", o.Reduction)
	}
	bits, err := s.reduced(divisor)
	if err != nil {
		return spec.Answer{Status: spec.Errored, Message: err.Error()}
	}
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("result", result, bits)}}
}

// Prepare returns the call of package impl that answers a question about one pair of
// float64 or float32 vectors, or of float32 logits whose KL is wanted in float64.
func (r *reference) Prepare(q spec.Request) (func() float64, bool) {
	quantity, domain, rows, ok := q.Op.Split()
	want := spec.DType("")
	if domain == spec.Logits {
		want = spec.F64
	}
	if !ok || rows || quantity == spec.KLEstimate || len(q.Arrays) != quantity.Arity() || len(q.Options.Unknown) > 0 {
		return nil, false
	}
	if o := q.Options; o.Reduction != "" || o.Base != "" || o.Temperature != "" || o.Beta != "" || o.Grad != "" || o.ResultDType != want {
		return nil, false
	}
	t := q.Arrays[0].DType
	for _, a := range q.Arrays {
		if a.DType != t || len(a.Shape) != 1 || a.Len() != q.Arrays[0].Len() {
			return nil, false
		}
	}
	p, y := q.Arrays[0].Floats(), []float64(nil)
	if len(q.Arrays) == 2 {
		y = q.Arrays[1].Floats()
	}
	p32, y32 := narrow(p), narrow(y)
	b := r.backend
	switch {
	case domain == spec.Logits && quantity == spec.KL && t == spec.F32:
		return func() float64 { return b.KLLogits32(p32, y32) }, true
	case domain != spec.Probs:
		return nil, false
	case t == spec.F64:
		switch quantity {
		case spec.Entropy:
			return func() float64 { return b.Entropy(p) }, true
		case spec.CrossEntropy:
			return func() float64 { return b.CrossEntropy(p, y) }, true
		case spec.JS:
			return func() float64 { return b.JensenShannon(p, y) }, true
		}
		return func() float64 { return b.KL(p, y) }, true
	case t == spec.F32:
		switch quantity {
		case spec.Entropy:
			return func() float64 { return float64(b.Entropy32(p32)) }, true
		case spec.CrossEntropy:
			return func() float64 { return float64(b.CrossEntropy32(p32, y32)) }, true
		case spec.JS:
			return func() float64 { return float64(b.JensenShannon32(p32, y32)) }, true
		}
		return func() float64 { return float64(b.KL32(p32, y32)) }, true
	}
	return nil, false
}

// baseOf returns the base of the logarithm, 0 for e.
func baseOf(b spec.Real) (float64, error) {
	if b == "" || b == "e" {
		return 0, nil
	}
	x, err := b.Value()
	if err != nil {
		return 0, err
	}
	if !(x > 0) || x == 1 || math.IsInf(x, 0) {
		return 0, fmt.Errorf("the base %s is not a finite number > 0 other than 1", b)
	}
	return x, nil
}

// temperatureOf returns what logits are divided by.
func temperatureOf(t spec.Real) (float64, error) {
	if t == "" {
		return 1, nil
	}
	x, err := t.Value()
	if err == nil && !(x > 0 && !math.IsInf(x, 1)) {
		err = fmt.Errorf("the temperature %s is not a finite number > 0", t)
	}
	return x, err
}

// betaOf returns the weight of P in a Jensen-Shannon divergence.
func betaOf(b spec.Real) (float64, error) {
	if b == "" {
		return 0.5, nil
	}
	x, err := b.Value()
	if err == nil && !(x >= 0 && x <= 1) {
		err = fmt.Errorf("beta %s is not a number from 0 to 1", b)
	}
	return x, err
}

// numbers returns one row without its masked elements, and what is outside
// the domain.
func numbers(domain spec.Domain, a spec.Array, mask *spec.Array, from, n int) (x []float64, bad string) {
	x = make([]float64, 0, n)
	for i := from; i < from+n; i++ {
		if mask != nil && mask.Bits(i) == 0 {
			continue
		}
		v := a.Float(i)
		switch {
		case bad != "":
		case domain == spec.Probs && (v < 0 || math.IsInf(v, 0)):
			bad = fmt.Sprintf("%s[%d] is %s; weights are finite and ≥ 0", a.Name, i, spec.Decimal(v))
		case domain != spec.Probs && math.IsInf(v, 1):
			bad = fmt.Sprintf("%s[%d] is %s; logits and log-probabilities are finite or -Inf", a.Name, i, spec.Decimal(v))
		}
		x = append(x, v)
	}
	return x, bad
}

func hasNaN(x []float64) bool {
	for _, v := range x {
		if v != v {
			return true
		}
	}
	return false
}

// A rowValue is one row's exact value: special, or a form, or, where a kernel
// answered, its correctly rounded number.
type rowValue struct {
	nan    bool
	inf    int // −1 or +1 where the row is infinite
	form   func() *exact.Form
	kernel func() (bits uint64, ok bool)
}

// A sum gathers the rows of one answer.
type sum struct {
	base   float64
	beta   float64 // of a Jensen-Shannon divergence
	format exact.Format
	rows   []rowValue
}

func (s *sum) add(r *reference, quantity spec.Quantity, p, q []float64, kernel bool) {
	v := rowValue{nan: hasNaN(p) || hasNaN(q)}
	if !v.nan && (quantity == spec.KL || quantity == spec.CrossEntropy) {
		for i := range p {
			if p[i] > 0 && q[i] == 0 {
				v.inf = 1
			}
		}
	}
	v.form = func() *exact.Form {
		switch quantity {
		case spec.Entropy:
			return exact.Entropy(p)
		case spec.CrossEntropy:
			return exact.CrossEntropy(p, q)
		case spec.JS:
			return exact.JensenShannonWeighted(p, q, s.beta)
		}
		return exact.KL(p, q)
	}
	if kernel && s.base == 0 && s.beta == 0.5 {
		v.kernel = func() (uint64, bool) { return r.kernel(s.format, quantity, p, q), true }
	}
	s.rows = append(s.rows, v)
}

// bits returns the correctly rounded value of one row.
func (s *sum) bits(v rowValue) (uint64, error) {
	if v.kernel != nil {
		if bits, ok := v.kernel(); ok {
			return bits, nil
		}
	}
	switch {
	case v.nan:
		return s.format.NaN(), nil
	case v.inf != 0:
		return s.infinity(v.inf), nil
	}
	return s.round(v.form())
}

// reduced returns RN((Σ rows)/divisor).
func (s *sum) reduced(divisor int) (uint64, error) {
	if divisor == 0 {
		return s.format.NaN(), nil
	}
	total := new(exact.Form)
	weight := big.NewRat(1, int64(divisor))
	var above, below bool
	for _, v := range s.rows {
		if v.nan {
			return s.format.NaN(), nil
		}
		above, below = above || v.inf > 0, below || v.inf < 0
	}
	switch {
	case above && below:
		return s.format.NaN(), nil
	case above:
		return s.infinity(1), nil
	case below:
		return s.infinity(-1), nil
	}
	for _, v := range s.rows {
		total.AddScaled(weight, v.form())
	}
	return s.round(total)
}

func (s *sum) round(f *exact.Form) (uint64, error) {
	if s.base != 0 {
		f.SetBase(exact.Float(s.base))
	}
	r, err := f.Round(s.format)
	return r.Bits, err
}

// infinity is ±Inf/ln(base).
func (s *sum) infinity(sign int) uint64 {
	return s.format.RoundBig(new(big.Float).SetInf((sign < 0) != (s.base != 0 && s.base < 1)))
}

// logarithmic is the value of one row of logits, or of log-probabilities.
func logarithmic(quantity spec.Quantity, domain spec.Domain, a, b []float64, t float64) (v rowValue) {
	empty := func(x []float64) bool {
		return !slices.ContainsFunc(x, func(v float64) bool { return !math.IsInf(v, -1) })
	}
	switch {
	case hasNaN(a) || hasNaN(b):
		v.nan = true
	case domain == spec.Logits && (empty(a) || quantity.Arity() == 2 && empty(b)):
		v.nan = true
	}
	if v.nan {
		return v
	}
	for i := range b {
		if !math.IsInf(a[i], -1) && math.IsInf(b[i], -1) {
			v.inf = 1
			return v
		}
	}
	if domain == spec.Logits {
		v.form = func() *exact.Form {
			switch quantity {
			case spec.Entropy:
				return exact.EntropyLogits(a, t)
			case spec.CrossEntropy:
				return exact.CrossEntropyLogits(a, b, t)
			}
			return exact.KLLogits(a, b, t)
		}
		return v
	}
	var f *exact.Form
	var beyond bool
	switch quantity {
	case spec.Entropy:
		f, beyond = exact.EntropyLogProbs(a)
	case spec.CrossEntropy:
		f, beyond = exact.CrossEntropyLogProbs(a, b)
	default:
		f, beyond = exact.KLLogProbs(a, b)
	}
	if beyond {
		// An undecided sign is left to the form, which is undecided too.
		if v.inf, _ = f.Sign(); v.inf != 0 {
			return v
		}
	}
	v.form = func() *exact.Form { return f }
	return v
}

// kernel asks package impl for a float64 or float32 row.
func (r *reference) kernel(format exact.Format, quantity spec.Quantity, p, q []float64) uint64 {
	if format == exact.Float32 {
		p, q := narrow(p), narrow(q)
		var x float32
		switch quantity {
		case spec.Entropy:
			x = r.backend.Entropy32(p)
		case spec.CrossEntropy:
			x = r.backend.CrossEntropy32(p, q)
		case spec.JS:
			x = r.backend.JensenShannon32(p, q)
		default:
			x = r.backend.KL32(p, q)
		}
		return uint64(math.Float32bits(x))
	}
	var x float64
	switch quantity {
	case spec.Entropy:
		x = r.backend.Entropy(p)
	case spec.CrossEntropy:
		x = r.backend.CrossEntropy(p, q)
	case spec.JS:
		x = r.backend.JensenShannon(p, q)
	default:
		x = r.backend.KL(p, q)
	}
	return math.Float64bits(x)
}

// narrow returns numbers that came from float32 as float32.
func narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}
