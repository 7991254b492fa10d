package conform

import (
	"fmt"
	"math"
	"slices"

	"klconf/conform/judge"
	"klconf/spec"
)

// Detection finds the fields of the convention that were not declared, by
// asking a few dozen small questions and choosing, among the conventions that
// differ from the definition least, the first that explains every answer. A
// field that no candidate explains keeps the definition's value, and the
// vectors say what is wrong.
//
// Every number of a probe is a short dyadic one, exact in bfloat16 too.

// A detector probes one implementation in one format.
type detector struct {
	r     *run
	dtype spec.DType
	asked map[string]spec.Answer
}

// detect fills r.conv: declared fields as declared, the others by probing.
func (r *run) detect() {
	if r.desc.Convention != nil {
		r.conv = *r.desc.Convention
	}
	def := spec.Definition()
	complete := r.conv.Complete
	for _, f := range spec.Fields {
		switch {
		case r.conv.Has(f):
			r.source[f] = "declared"
		case complete:
			r.source[f] = "declared"
		default:
			r.source[f] = "detected"
		}
	}
	if r.conv.Complete {
		declared := r.conv
		r.conv = def
		for _, f := range spec.Fields {
			if declared.Has(f) {
				r.conv.Take(f, declared)
			}
		}
		// Outside the domain the definition is NaN or a refusal.
		if !declared.Has("negative") {
			r.conv.Negative = ""
		}
		if !declared.Has("infinite") {
			r.conv.Infinite = ""
		}
		r.conv.Direction, r.conv.DomainP, r.conv.DomainQ = declared.Direction, declared.DomainP, declared.DomainQ
	}

	var d *detector
	for _, t := range []spec.DType{spec.F64, spec.F32, spec.F16, spec.BF16} {
		for _, op := range []spec.Op{"kl", "kl_rows"} {
			if d == nil && r.desc.Offers(op, t) {
				d = &detector{r: r, dtype: t, asked: map[string]spec.Answer{}}
			}
		}
	}
	if d == nil {
		return // nothing to probe with: the definition
	}
	if a := d.ask(pmfProbes[0]); a.Status != spec.OK {
		r.findings = append(r.findings, fmt.Sprintf("the first probe was not answered (%s%s): nothing could be detected", a.Status, because(a)))
		return
	}
	d.resultFormats()
	explained := d.generic()
	d.words()
	r.directionCheck(explained)
	r.reportDetection()
}

func because(a spec.Answer) string {
	if a.Message == "" {
		return ""
	}
	return ": " + a.Message
}

// open reports whether a field is to be detected.
func (r *run) open(field string) bool { return r.source[field] == "detected" }

// request makes the question of a probe: kl, or kl_rows of one row where only
// that is offered.
func (d *detector) request(x pairPQ) spec.Request {
	req := spec.Request{Op: "kl"}
	rows := !d.r.desc.Offers("kl", d.dtype)
	if rows {
		req.Op = "kl_rows"
	}
	for _, v := range []struct {
		name string
		x    []float64
	}{{"p", x.p}, {"q", x.q}} {
		bits := make([]uint64, len(v.x))
		for i, f := range v.x {
			bits[i] = judge.Bits(d.dtype, f)
		}
		a := spec.FromBits(v.name, d.dtype, bits)
		if rows {
			a.Shape = []int{1, len(v.x)}
		}
		req.Arrays = append(req.Arrays, a)
	}
	return req
}

// ask asks a probe once.
func (d *detector) ask(x pairPQ) spec.Answer {
	key := fmt.Sprintf("%v", x)
	if a, ok := d.asked[key]; ok {
		return a
	}
	a := d.r.put("detect/probe", d.request(x))
	d.asked[key] = a
	return a
}

// explains reports whether a convention makes every answer right at L1.
func (d *detector) explains(c spec.Convention, inputs []pairPQ) bool {
	for _, x := range inputs {
		e, err := judge.Expect(d.request(x), c)
		if err != nil || judge.Value(e, d.ask(x), definition) != spec.Pass {
			return false
		}
	}
	return true
}

// near reports whether a convention explains every answer, or, where within
// is not 0, comes that near to all of them.
func (d *detector) near(c spec.Convention, inputs []pairPQ, within float64) bool {
	if within == 0 {
		return d.explains(c, inputs)
	}
	for _, x := range inputs {
		e, err := judge.Expect(d.request(x), c)
		got, ok := number(d.ask(x))
		if err != nil || !ok || len(e.Values) != 1 || len(e.Values[0].Intervals) != 1 {
			return false
		}
		want, _ := e.Values[0].Intervals[0].Lo.Float64()
		if !(math.Abs(got-want) <= within*math.Max(1, math.Abs(want))) {
			return false
		}
	}
	return true
}

var definition = spec.Requirement{ID: "DEF-1", Force: spec.Must}

// resultFormats detects a result format other than the protocol's.
func (d *detector) resultFormats() {
	r := d.r
	if !r.open("result_dtype") {
		return
	}
	for _, t := range []spec.DType{spec.F64, spec.F32, spec.F16, spec.BF16} {
		if !r.desc.Offers("kl", t) && !r.desc.Offers("kl_rows", t) {
			continue
		}
		e := &detector{r: r, dtype: t, asked: map[string]spec.Answer{}}
		if t == d.dtype {
			e = d
		}
		res, ok := e.ask(pmfProbes[0]).Result()
		if ok && res.DType != t.ResultDType() && res.DType.Float() {
			if r.conv.ResultDType == nil {
				r.conv.ResultDType = map[spec.DType]spec.DType{}
			}
			r.conv.ResultDType[t] = res.DType
		}
	}
}

// generic detects base, scale, the generalised term, normalisation and a mean
// on inputs that no threshold touches. It reports whether some candidate
// explains the answers; if none does but one would for KL(Q‖P), the arguments
// are swapped. The steps follow.
func (d *detector) generic() bool {
	r := d.r
	inputs := slices.Clone(pmfProbes)
	for _, x := range measureProbes {
		switch d.ask(x).Status {
		case spec.OK:
			inputs = append(inputs, x)
		case spec.Rejected:
			r.narrow = r.narrow || r.open("requires_normalised")
		}
	}
	// An ε that is added everywhere touches even these inputs: then a
	// candidate that comes near is taken on trial, and the steps must explain
	// the rest.
	for _, within := range []float64{0, trial} {
		if c, ok := d.firstGeneric(inputs, within); ok {
			return d.adopt(c, inputs, within)
		}
		s := &detector{r: r, dtype: d.dtype, asked: map[string]spec.Answer{}}
		swapped := make([]pairPQ, len(inputs))
		for i, x := range inputs {
			swapped[i] = pairPQ{x.q, x.p}
			s.asked[fmt.Sprintf("%v", swapped[i])] = d.ask(x)
		}
		if c, ok := s.firstGeneric(swapped, within); ok {
			r.swapped = true
			r.agrees = spec.Agreement{PMFBy: "detect/direction", MeasureBy: "detect/direction"}
			d.asked = map[string]spec.Answer{}
			return d.adopt(c, inputs, within)
		}
	}
	return false
}

// trial is how near, relative to the larger of the value and 1, a candidate
// must come that only the steps will explain: 1e-4 added to the smallest
// number of a generic probe changes its value by less.
const trial = 4e-3

// adopt takes a generic candidate and looks for the steps. On trial without
// steps that explain every answer, nothing is adopted.
func (d *detector) adopt(c spec.Convention, inputs []pairPQ, within float64) bool {
	before := d.r.conv
	d.r.conv = c
	if within == 0 {
		d.steps(nil)
		return true
	}
	if d.steps(inputs) {
		return true
	}
	d.r.conv = before
	return false
}

// firstGeneric returns the first candidate that explains the inputs.
func (d *detector) firstGeneric(inputs []pairPQ, within float64) (spec.Convention, bool) {
	r := d.r
	yes, no := true, false
	options := func(field string, set ...func(*spec.Convention)) []func(*spec.Convention) {
		if !r.open(field) {
			return []func(*spec.Convention){func(*spec.Convention) {}}
		}
		return set
	}
	normalise := func(of string) func(*spec.Convention) {
		return func(c *spec.Convention) { c.Steps = []spec.Step{{Do: "normalise", Of: of}} }
	}
	base := func(b spec.Real) func(*spec.Convention) { return func(c *spec.Convention) { c.Base = b } }
	scale := func(s spec.Real) func(*spec.Convention) { return func(c *spec.Convention) { c.Scale = s } }
	bases := options("base", base("e"), base("2"), base("10"))
	scales := options("scale", scale("1"), scale(spec.RealOf(.5)), scale("2"), scale("-1"))
	generals := options("generalised", func(c *spec.Convention) { c.Generalised = &no }, func(c *spec.Convention) { c.Generalised = &yes })
	norms := options("steps", func(c *spec.Convention) { c.Steps = []spec.Step{} }, normalise("both"), normalise("p"), normalise("q"))
	means := options("reduction", func(*spec.Convention) {}, func(c *spec.Convention) { c.Reduction = "mean" })

	try := func(scales []func(*spec.Convention)) (spec.Convention, bool) {
		for _, setMean := range means {
			for _, setGeneral := range generals {
				for _, setNorm := range norms {
					for _, setScale := range scales {
						for _, setBase := range bases {
							c := r.conv
							for _, set := range []func(*spec.Convention){setMean, setGeneral, setNorm, setScale, setBase} {
								set(&c)
							}
							if d.near(c, inputs, within) {
								return c, true
							}
						}
					}
				}
			}
		}
		return spec.Convention{}, false
	}
	if c, ok := try(scales); ok {
		return c, true
	}
	if !r.open("scale") || within > 0 {
		return spec.Convention{}, false
	}
	// Some other factor: read off the first probe.
	c := r.conv
	c.Base, c.Scale = "e", "1"
	if !r.open("base") {
		c.Base = r.conv.Base
	}
	e, err := judge.Expect(d.request(inputs[0]), c)
	if err != nil || len(e.Values) != 1 || len(e.Values[0].Intervals) != 1 {
		return spec.Convention{}, false
	}
	want, _ := e.Values[0].Intervals[0].Lo.Float64()
	got, ok := number(d.ask(inputs[0]))
	if !ok || got == 0 || want == 0 || math.IsInf(got, 0) || math.IsNaN(got) {
		return spec.Convention{}, false
	}
	ratio := got / want
	bases = bases[:1]
	return try([]func(*spec.Convention){scale(spec.RealOf(snap(ratio)))})
}

// snap returns the number of at most four digits, or its reciprocal, that a
// measured factor stands for, else the factor itself.
func snap(x float64) float64 {
	for _, y := range []float64{x, 1 / x} {
		s := math.Round(y*1e4) / 1e4
		if s != 0 && math.Abs(s-y) < 1e-9*math.Abs(y) {
			if y == x {
				return s
			}
			return 1 / s
		}
	}
	return x
}

// number returns the single finite or infinite number of an answer.
func number(a spec.Answer) (float64, bool) {
	res, ok := a.Result()
	if !ok || !res.DType.Float() || res.Check() != nil || res.Len() != 1 {
		return 0, false
	}
	return res.Float(0), true
}

// word classifies an answer to a question about zeros.
func word(a spec.Answer, finite string) string {
	switch a.Status {
	case spec.Rejected:
		return "reject"
	case spec.OK:
		if x, ok := number(a); ok {
			switch {
			case math.IsNaN(x):
				return "nan"
			case math.IsInf(x, 1):
				return "inf"
			}
		}
		return finite
	}
	return ""
}

// steps detects what is done to zeros and small numbers: the words for
// zeros first, then the first family of steps and threshold that explains
// every probe.
// It reports whether every probe, and every input in also, is explained.
func (d *detector) steps(also []pairPQ) bool {
	r := d.r
	inputs := append(slices.Clone(also), stepProbes...)
	if d.dtype != spec.F16 {
		inputs = append(inputs, tinyProbes...)
	}
	if r.narrow || r.conv.RequiresNormalised != nil && r.conv.RequiresNormalised.Required {
		// Only probes whose totals are exactly 1 can be asked.
		inputs = []pairPQ{pmfProbes[0], zeroQ, stepProbes[1], zeroP, zeroZero, {[]float64{.5, .5}, []float64{0x1p-7, 1 - 0x1p-7}}}
		return d.fit(inputs)
	}
	switch d.dtype {
	case spec.F64:
		return d.fit(append(slices.Clone(inputs), extremeProbes...)) || d.fit(inputs)
	case spec.F32, spec.BF16:
		return d.fit(append(slices.Clone(inputs), extremeProbes[:5]...)) || d.fit(inputs)
	}
	return d.fit(inputs)
}

// fit looks for the words for zeros and the steps that explain the inputs.
func (d *detector) fit(inputs []pairPQ) bool {
	r := d.r
	base := r.conv
	set := func(field string, value string, into *string) {
		if r.open(field) && value != "" {
			*into = value
		}
	}
	set("zero_q", word(d.ask(zeroQ), "inf"), &base.ZeroQ)
	set("zero_p", word(d.ask(zeroP), "zero"), &base.ZeroP)
	set("zero_zero", word(d.ask(zeroZero), "zero"), &base.ZeroZero)
	if base.ZeroP == "inf" {
		base.ZeroP = "zero"
	}
	if !r.open("steps") {
		r.conv = base
		if r.open("zero_q") && !d.explains(base, []pairPQ{zeroQ}) {
			base.ZeroQ = "drop"
			if d.explains(base, []pairPQ{zeroQ}) {
				r.conv = base
			}
		}
		return d.explains(r.conv, inputs)
	}
	// What was answered without a finding: keep the words, drop a zero in q
	// before anything is said about thresholds.
	candidates := []spec.Convention{base}
	if r.open("zero_q") {
		dropped := base
		dropped.ZeroQ = "drop"
		candidates = append(candidates, dropped)
	}
	for _, c := range candidates {
		if d.explains(c, inputs) {
			r.conv = c
			return true
		}
	}
	norm := base.Steps
	arrange := func(s ...spec.Step) [][]spec.Step {
		if len(norm) == 0 {
			return [][]spec.Step{s}
		}
		before := append(slices.Clone(norm), s...)
		return [][]spec.Step{before, append(slices.Clone(s), norm...), append(slices.Clone(before), norm...)}
	}
	for _, family := range stepFamilies {
		inputs := inputs
		if family(nothing)[0].Do == "drop_term" && !d.r.narrow {
			// What is dropped shows no number that the threshold is read off
			// by: it lies between two neighbours of the list.
			inputs = append(slices.Clone(inputs), d.between()...)
		}
		for _, v := range thresholds(d.dtype) {
			for _, steps := range arrange(family(spec.Threshold{All: spec.RealOf(v)})...) {
				if d.try(base, steps, inputs) {
					d.otherFormats(family, arrange)
					return true
				}
			}
		}
	}
	// No listed threshold: read one off the answer to q = 0.
	for _, family := range stepFamilies {
		for i := range arrange(family(spec.Threshold{All: "0"})...) {
			v, ok := d.solve(base, func(v float64) []spec.Step {
				return arrange(family(spec.Threshold{All: spec.RealOf(v)})...)[i]
			})
			if !ok {
				continue
			}
			if d.try(base, arrange(family(spec.Threshold{All: spec.RealOf(v)})...)[i], inputs) {
				r.findings = append(r.findings, fmt.Sprintf("a threshold of about %.6g, which is on no list: it is known only to the digits that one answer shows", v))
				return true
			}
		}
	}
	// Nothing explains everything; keep the plain words if they explain the
	// zeros, so that one fault does not hide another.
	for _, c := range candidates {
		if d.explains(c, []pairPQ{zeroQ, zeroP, zeroZero}) {
			r.conv = c
			break
		}
	}
	return false
}

// between returns a probe with one small p, and one with one small q, for each
// pair of neighbours in the list of thresholds.
func (d *detector) between() []pairPQ {
	list := slices.Compact(slices.Sorted(slices.Values(thresholds(d.dtype))))
	var probes []pairPQ
	for i, v := range list[1:] {
		if list[i] < 1e-300 || list[i]*1.01 > v {
			continue // a rounded twin
		}
		middle := math.Sqrt(list[i] * v)
		probes = append(probes, pairPQ{[]float64{middle}, []float64{1}}, pairPQ{[]float64{.5}, []float64{middle}})
	}
	return probes
}

// try adopts the steps if they explain the inputs. What is still zero after
// them follows the words.
func (d *detector) try(base spec.Convention, steps []spec.Step, inputs []pairPQ) bool {
	c := base
	c.Steps = steps
	if d.explains(c, inputs) {
		d.r.conv = c
		return true
	}
	if c.ZeroQ != "inf" && c.ZeroQ != "" || !d.r.open("zero_q") {
		return false
	}
	// A finite answer to q = 0 that dropping explains, with steps elsewhere.
	if x, ok := number(d.ask(zeroQ)); !ok || math.IsInf(x, 0) {
		return false
	}
	c.ZeroQ = "drop"
	if d.explains(c, inputs) {
		d.r.conv = c
		return true
	}
	return false
}

// solve finds the threshold for which a family answers q = 0 as the
// implementation did, by bisection on its logarithm.
func (d *detector) solve(base spec.Convention, steps func(float64) []spec.Step) (float64, bool) {
	got, ok := number(d.ask(zeroQ))
	if !ok || math.IsInf(got, 0) || math.IsNaN(got) {
		return 0, false
	}
	at := func(v float64) (float64, bool) {
		c := base
		c.Steps = steps(v)
		e, err := judge.Expect(d.request(zeroQ), c)
		if err != nil || len(e.Values) != 1 || len(e.Values[0].Intervals) != 1 {
			return 0, false
		}
		x, _ := e.Values[0].Intervals[0].Lo.Float64()
		return x, true
	}
	lo, hi := -1000.0, 0.0 // powers of two
	a, okA := at(math.Exp2(lo))
	b, okB := at(math.Exp2(hi))
	if !okA || !okB || math.IsInf(a, 0) || (a < got) == (b < got) {
		return 0, false
	}
	for range 80 {
		mid := (lo + hi) / 2
		x, ok := at(math.Exp2(mid))
		if !ok {
			return 0, false
		}
		if (x < got) == (a < got) {
			lo = mid
		} else {
			hi = mid
		}
	}
	v := math.Exp2((lo + hi) / 2)
	// A short decimal is likelier than its neighbours.
	if s := decimalNear(v); math.Abs(s-v) < 1e-9*v {
		v = s
	}
	return v, true
}

// decimalNear returns the number of three digits next to v.
func decimalNear(v float64) float64 {
	var x float64
	fmt.Sscanf(fmt.Sprintf("%.2e", v), "%g", &x)
	return x
}

// otherFormats looks for the threshold of every other format that is offered,
// where the one that was found does not explain it.
func (d *detector) otherFormats(family func(spec.Threshold) []spec.Step, arrange func(...spec.Step) [][]spec.Step) {
	r := d.r
	found := r.conv.Steps
	byFormat := map[spec.DType]spec.Real{}
	differ := false
	for _, t := range []spec.DType{spec.F64, spec.F32, spec.F16, spec.BF16} {
		if !r.desc.Offers("kl", t) && !r.desc.Offers("kl_rows", t) {
			continue
		}
		own := thresholdOf(found)
		if t != d.dtype {
			e := &detector{r: r, dtype: t, asked: map[string]spec.Answer{}}
			if !e.explains(r.conv, []pairPQ{zeroQ, zeroP}) {
				for _, v := range thresholds(t) {
					matched := false
					for _, steps := range arrange(family(spec.Threshold{All: spec.RealOf(v)})...) {
						c := r.conv
						c.Steps = steps
						if len(steps) == len(found) && e.explains(c, []pairPQ{zeroQ, zeroP}) {
							own, matched = spec.RealOf(v), true
							break
						}
					}
					if matched {
						differ = true
						break
					}
				}
			}
		}
		byFormat[t] = own
	}
	if !differ {
		return
	}
	for _, steps := range arrange(family(spec.Threshold{Under: byFormat})...) {
		if len(steps) == len(found) {
			c := r.conv
			c.Steps = steps
			if d.explains(c, []pairPQ{zeroQ, zeroP}) {
				r.conv = c
				return
			}
		}
	}
}

// thresholdOf returns the threshold of the first step that has one.
func thresholdOf(steps []spec.Step) spec.Real {
	for _, s := range steps {
		for _, t := range []*spec.Threshold{s.Lo, s.Value, s.AtOrBelow} {
			if t != nil && t.All != "" && t.All != "0" {
				return t.All
			}
		}
	}
	return ""
}

// words detects the fields that one or a few answers show by themselves.
func (d *detector) words() {
	r := d.r
	fields := []struct {
		name   string
		inputs []pairPQ
		words  []string
		into   func(*spec.Convention) *string
	}{
		{"nan", nanProbes, []string{"nan", "reject", "inf", "ignore"}, func(c *spec.Convention) *string { return &c.NaN }},
		{"negative", negativeProbes, []string{"", "nan", "reject", "inf", "value"}, func(c *spec.Convention) *string { return &c.Negative }},
		{"infinite", infiniteProbes, []string{"", "nan", "reject", "value"}, func(c *spec.Convention) *string { return &c.Infinite }},
		{"empty", emptyProbes, []string{"zero", "nan", "inf", "reject"}, func(c *spec.Convention) *string { return &c.Empty }},
		{"mismatch", mismatchProbes, []string{"reject", "broadcast", "truncate"}, func(c *spec.Convention) *string { return &c.Mismatch }},
		{"subnormal", subnormalProbes(d.dtype), []string{"kept", "flushed"}, func(c *spec.Convention) *string { return &c.Subnormal }},
	}
	for _, f := range fields {
		if !r.open(f.name) {
			continue
		}
		inputs := f.inputs
		if f.name == "mismatch" && !r.desc.Offers("kl", d.dtype) {
			continue
		}
		refused := 0
		for _, x := range inputs {
			if d.ask(x).Status == spec.Rejected {
				refused++
			}
		}
		for _, w := range f.words {
			if w == "reject" && refused < len(inputs) && f.name != "mismatch" {
				continue
			}
			c := r.conv
			*f.into(&c) = w
			if d.explains(c, inputs) {
				r.conv = c
				break
			}
		}
	}
}
