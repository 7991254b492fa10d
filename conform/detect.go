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
	// An ε that is added everywhere touches even these inputs: then each
	// candidate that comes near is taken on trial, and the steps must explain
	// the rest.
	plain := func(c spec.Convention) bool {
		r.conv = c
		d.steps(nil)
		return true
	}
	onTrial := func(c spec.Convention) bool {
		before := r.conv
		r.conv = c
		if d.steps(inputs) {
			return true
		}
		r.conv = before
		return false
	}
	for _, t := range []struct {
		within float64
		accept func(spec.Convention) bool
	}{{0, plain}, {trial, onTrial}} {
		if d.firstGeneric(inputs, t.within, t.accept) {
			return true
		}
		s := &detector{r: r, dtype: d.dtype, asked: map[string]spec.Answer{}}
		swapped := make([]pairPQ, len(inputs))
		for i, x := range inputs {
			swapped[i] = pairPQ{x.q, x.p}
			s.asked[fmt.Sprintf("%v", swapped[i])] = d.ask(x)
		}
		straight := d.asked
		found := s.firstGeneric(swapped, t.within, func(c spec.Convention) bool {
			r.swapped, d.asked = true, map[string]spec.Answer{}
			return t.accept(c)
		})
		if found {
			r.agrees = spec.Agreement{PMFBy: "detect/direction", MeasureBy: "detect/direction"}
			return true
		}
		r.swapped, d.asked = false, straight
	}
	return false
}

// trial is how near, relative to the larger of the value and 1, a candidate
// must come that only the steps will explain: 1e-3 added to the smallest
// number of a generic probe changes its value by less.
const trial = 3e-2

// firstGeneric offers the candidates that explain the inputs, or come within
// so much of them, until one is accepted.
func (d *detector) firstGeneric(inputs []pairPQ, within float64, accept func(spec.Convention) bool) bool {
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

	base0 := r.conv
	try := func(scales []func(*spec.Convention)) bool {
		for _, setMean := range means {
			for _, setGeneral := range generals {
				for _, setNorm := range norms {
					for _, setScale := range scales {
						for _, setBase := range bases {
							c := base0
							for _, set := range []func(*spec.Convention){setMean, setGeneral, setNorm, setScale, setBase} {
								set(&c)
							}
							if d.near(c, inputs, within) && accept(c) {
								return true
							}
						}
					}
				}
			}
		}
		return false
	}
	if try(scales) {
		return true
	}
	if !r.open("scale") || within > 0 {
		return false
	}
	// Some other factor: read off the first probe.
	c := r.conv
	c.Base, c.Scale = "e", "1"
	if !r.open("base") {
		c.Base = r.conv.Base
	}
	e, err := judge.Expect(d.request(inputs[0]), c)
	if err != nil || len(e.Values) != 1 || len(e.Values[0].Intervals) != 1 {
		return false
	}
	want, _ := e.Values[0].Intervals[0].Lo.Float64()
	got, ok := number(d.ask(inputs[0]))
	if !ok || got == 0 || want == 0 || math.IsInf(got, 0) || math.IsNaN(got) {
		return false
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
	var fallback *spec.Convention // explains the inputs, but not what lies around its threshold
	consider := func(steps []spec.Step, v float64, inputs []pairPQ) bool {
		c, ok := d.with(base, steps, inputs)
		if !ok {
			return false
		}
		if d.explains(c, d.around(v)) {
			r.conv = c
			return true
		}
		if fallback == nil {
			fallback = &c
		}
		return false
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
				if consider(steps, v, inputs) {
					d.otherFormats(family, arrange)
					return true
				}
			}
		}
	}
	// No listed threshold: read one off an answer that depends on it.
	for _, family := range stepFamilies {
		for i := range arrange(family(spec.Threshold{All: "0"})...) {
			at := func(v float64) []spec.Step { return arrange(family(spec.Threshold{All: spec.RealOf(v)})...)[i] }
			for _, anchor := range anchors {
				v, ok := d.solve(base, anchor, at)
				if ok && consider(at(v), v, inputs) {
					r.findings = append(r.findings, fmt.Sprintf("a threshold of about %.6g, which is on no list: it is known only to the digits that one answer shows", v))
					return true
				}
			}
		}
	}
	if fallback != nil {
		r.conv = *fallback
		return true
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

// around returns probes that lie next to a threshold, and others by which the
// places of one in the order of the steps differ.
func (d *detector) around(v float64) []pairPQ {
	if d.r.narrow || d.r.conv.RequiresNormalised != nil && d.r.conv.RequiresNormalised.Required {
		return nil
	}
	probes := []pairPQ{
		{[]float64{0}, []float64{1}},
		{[]float64{8, 8}, []float64{16, 0}},
		{[]float64{0x1p-4, 0x1p-4}, []float64{0x1p-3, 0}},
		{[]float64{4, 12}, []float64{2, 0x1p-14}},
	}
	if least := d.dtype.Widen(judge.Bits(d.dtype, v/16)); least > 0 {
		probes = append(probes, []pairPQ{
			{[]float64{3 * v}, []float64{1}},
			{[]float64{v / 4}, []float64{1}},
			{[]float64{1}, []float64{3 * v}},
			{[]float64{1}, []float64{v / 4}},
			{[]float64{v / 4}, []float64{v / 8}},
			{[]float64{v / 4, 0}, []float64{v / 2, v / 4}},
			{[]float64{.5, .5}, []float64{v / 4, 1}},
		}...)
	}
	return probes
}

// with returns the convention with these steps if it explains the inputs.
// What is still zero after them follows the words.
func (d *detector) with(base spec.Convention, steps []spec.Step, inputs []pairPQ) (spec.Convention, bool) {
	c := base
	c.Steps = steps
	if d.explains(c, inputs) {
		return c, true
	}
	if c.ZeroQ != "inf" && c.ZeroQ != "" || !d.r.open("zero_q") {
		return c, false
	}
	// A finite answer to q = 0 that dropping explains, with steps elsewhere.
	if x, ok := number(d.ask(zeroQ)); !ok || math.IsInf(x, 0) {
		return c, false
	}
	c.ZeroQ = "drop"
	return c, d.explains(c, inputs)
}

// solve finds the threshold for which a family answers the anchor as the
// implementation did, by bisection on its logarithm.
func (d *detector) solve(base spec.Convention, anchor pairPQ, steps func(float64) []spec.Step) (float64, bool) {
	got, ok := number(d.ask(anchor))
	if !ok || math.IsInf(got, 0) || math.IsNaN(got) {
		return 0, false
	}
	at := func(v float64) (float64, bool) {
		c := base
		c.Steps = steps(v)
		e, err := judge.Expect(d.request(anchor), c)
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
