package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"klconf/spec"
)

// A practice is a convention of some library that computes another number
// than the definition: base, scale, generalised and steps.
type practice struct {
	name    string
	text    string // the convention, as JSON
	comment string
	source  string
	formats []format
	words   []string // policies that it is met with, as FIELD:WORD
}

// practices lists what libraries do. A convention that some adapter declares
// has its line here; a test says which one is missing.
var practices = []practice{
	{"normalised", `{"steps":[{"do":"normalise","of":"both"}]}`, "both are divided by their totals",
		"SciPy 1.17.1 stats.entropy, PyTorch and TensorFlow Probability Categorical, mathjs 15.2.0", []format{f64, f32, f16},
		[]string{"nan:reject", "negative:inf", "negative:nan", "negative:reject", "infinite:nan", "infinite:reject", "empty:reject", "empty:nan",
			"mismatch:broadcast", "subnormal:flushed", "result_dtype:f16", "result_dtype:bf16", "zero_q:reject", "zero_p:nan"}},
	{"normalised-p", `{"steps":[{"do":"normalise","of":"p"}]}`, "P is divided by its total", "the protocol's shorthand normalises: p", []format{f64}, nil},
	{"generalised", `{"generalised":true}`, "Σ(q − p) is added", "SciPy 1.17.1 special.kl_div, JAX 0.10.2 kl_div, optax 0.2.8", []format{f64, f32, f16},
		[]string{"negative:inf", "negative:nan", "infinite:value", "mismatch:broadcast", "subnormal:flushed", "zero_zero:nan",
			"result_dtype:f16", "result_dtype:bf16"}},
	{"bits", `{"base":"2"}`, "in bits", "NLTK 3.10.4, Mallet 2.0.8, LingPipe 4.1.0, dit 2.3", []format{f64, f32},
		[]string{"zero_q:reject", "zero_zero:reject", "zero_p:reject", "negative:reject", "infinite:value", "nan:reject"}},
	{"bits-normalised", `{"base":"2","steps":[{"do":"normalise","of":"both"}]}`, "both are divided by their totals, in bits", "Stanford CoreNLP 4.5.10", []format{f64}, []string{"nan:nan"}},
	{"digits", `{"base":"10"}`, "in decimal digits", "the bans of Turing and Good", []format{f64}, nil},
	{"base-half", `{"base":"0x1p-1"}`, "to the base 1/2: the sign turns over", "the definition of the field base", []format{f64}, nil},
	{"halved", `{"scale":"0x1p-1"}`, "half of it", "cuML, source", []format{f64, f32}, nil},
	{"negated", `{"scale":"-1"}`, "with the other sign", "Σ p ln(q/p), a common slip", []format{f64}, nil},
	{"clip-1e-7", `{"steps":[{"do":"clamp","of":"both","in":"both","lo":{"f64":"0x1.ad7f29abcaf48p-24","f32":"0x1.ad7f2ap-24","f16":"0x1p-23","bf16":"0x1.aep-24"},"hi":"1"}]}`,
		"both are clipped to [1e-7, 1], 1e-7 rounded to the format", "Keras 3.15.1 losses.kl_divergence, tfjs 4.22.0", []format{f64, f32, f16, bf16},
		[]string{"negative:value", "infinite:value", "mismatch:broadcast", "result_dtype:f16", "result_dtype:bf16"}},
	{"clip-1e-7-single", `{"steps":[{"do":"clamp","of":"both","in":"both","lo":"0x1.ad7f2ap-24","hi":"1"}]}`,
		"both are clipped to [1e-7, 1], 1e-7 as float32", "Keras 3.15.1 losses.KLDivergence", []format{f64, bf16},
		[]string{"negative:value", "infinite:value", "mismatch:broadcast", "result_dtype:f32", "reduction:batchmean"}},
	{"clamp-log-eps", `{"steps":[{"do":"normalise","of":"both"},{"do":"clamp","of":"both","in":"log","lo":{"f64":"0x1p-52","f32":"0x1p-23","f16":"0x1p-10","bf16":"0x1p-7"},"hi":{"f64":"0x1.ffffffffffffep-1","f32":"0x1.fffffcp-1","f16":"0x1.ff8p-1","bf16":"0x1.fcp-1"}}]}`,
		"divided by the totals; the logarithms see nothing outside [ε, 1 − ε]", "PyTorch 2.15.0 Categorical(probs)", []format{f64, f32, f16}, nil},
	{"add-log", `{"steps":[{"do":"add","of":"both","in":"log","value":{"f64":"0x1.203af9ee75616p-50","f32":"0x1.ad7f2ap-24"}}]}`,
		"1e-15, in f32 1e-7, is added inside the logarithm", "NumKong 7.8.6", []format{f64, f32}, []string{"infinite:value"}},
	{"add-log-1e-10", `{"steps":[{"do":"add","of":"both","in":"log","value":"0x1.b7cdfd9d7bdbbp-34"}]}`, "1e-10 is added inside the logarithm", "a common recipe", []format{f64, f32}, nil},
	{"add-q", `{"steps":[{"do":"add","of":"q","in":"log","value":"0x1.203af9ee75616p-50"}]}`, "1e-15 is added to q inside the logarithm", "a common recipe", []format{f64}, nil},
	{"smoothed", `{"steps":[{"do":"add","of":"both","in":"both","value":"0x1.ad7f29abcaf48p-24"},{"do":"normalise","of":"both"}]}`,
		"1e-7 is added to all, then both are divided by their totals", "a common recipe", []format{f64, f32}, nil},
	{"add-ratio", `{"steps":[{"do":"add_ratio","value":"0x1.cd2b297d889bcp-54"}]}`, "1e-16 is added to the ratio", "POT 0.9.7", []format{f64, f32}, nil},
	{"floor-1e-4", `{"steps":[{"do":"clamp","of":"both","in":"both","lo":"0x1.a36e2eb1c432dp-14"},{"do":"normalise","of":"both"}]}`,
		"both are raised to at least 1e-4, then divided by their totals", "flexmix 2.3", []format{f64}, nil},
	{"replace-q0", `{"steps":[{"do":"replace","of":"q","at_or_below":"0","value":"0x1p-52"}]}`, "q = 0 becomes 2^-52", "scikit-learn 1.9.1 NMF", []format{f64}, nil},
	{"replace-small", `{"steps":[{"do":"replace","of":"both","at_or_below":"0x1.b7cdfd9d7bdbbp-34","value":"0x1.b7cdfd9d7bdbbp-34"}]}`,
		"what is at or below 1e-10 becomes 1e-10", "OpenCV 5.0.0 compareHist, in spirit", []format{f64, f32}, nil},
	{"drop-small-p", `{"steps":[{"do":"drop_term","where":"p","at_or_below":"0x1.cd2b297d889bcp-54"}]}`, "terms with p at or below 1e-16 are left out", "a common recipe", []format{f64}, nil},
	{"drop-small-q", `{"steps":[{"do":"drop_term","where":"q","at_or_below":"0x1.b7cdfd9d7bdbbp-34"}]}`, "terms with q at or below 1e-10 are left out", "OpenCV 5.0.0 compareHist", []format{f64, f32}, nil},
	{"clip-log", `{"steps":[{"do":"clamp","of":"both","in":"log","lo":"0x1p-1022"}]}`, "inside the logarithm nothing is below the least normal number", "a common recipe", []format{f64}, nil},
	{"clip-q-log", `{"steps":[{"do":"clamp","of":"q","in":"log","lo":"0x1.19799812dea11p-40"}]}`, "inside the logarithm q is at least 1e-12", "a common recipe", []format{f64, f32}, nil},
}

// plain is the definition's number with the policies that are met with it.
var plain = practice{name: "plain", text: "{}", source: "the definition of the fields", words: []string{
	"zero_q:drop", "zero_q:reject", "zero_q:nan", "zero_zero:nan", "zero_zero:inf", "zero_zero:reject", "zero_p:nan", "zero_p:reject",
	"nan:ignore", "nan:reject", "nan:inf", "negative:reject", "negative:inf", "negative:value",
	"infinite:reject", "infinite:value", "empty:nan", "empty:inf", "empty:reject",
	"mismatch:truncate", "mismatch:broadcast", "subnormal:flushed", "requires_normalised:0x1p-20",
	"reduction:sum", "reduction:mean", "reduction:batchmean", "result_dtype:f16", "result_dtype:bf16", "result_dtype:f32",
}}

func (p practice) convention() *spec.Convention {
	c := new(spec.Convention)
	if err := json.Unmarshal([]byte(p.text), c); err != nil {
		panic(fmt.Sprintf("golden/make: %s: %v", p.name, err))
	}
	return c
}

// requirement names what the practice departs from.
func (p practice) requirement() string {
	c := p.convention()
	var req []string
	for _, s := range c.Steps {
		if s.Do == "normalise" {
			req = append(req, "DEF-3")
		} else {
			req = append(req, "DEF-10")
		}
	}
	if c.Base != "" {
		req = append(req, "DEF-4")
	}
	if c.Scale != "" {
		req = append(req, "DEF-8")
	}
	if c.Generalised != nil {
		req = append(req, "DEF-11")
	}
	return "DEF-1 " + strings.Join(req, " ")
}

// A threshold is a bound at which a practice changes over.
type threshold struct {
	word  string
	value float64
	upper bool
	of    string // both | p | q
}

// thresholds lists those of the steps in format f.
func (p practice) thresholds(f format) []threshold {
	var list []threshold
	add := func(word string, t *spec.Threshold, s spec.Step, upper bool) {
		if t == nil {
			return
		}
		v, err := t.At(f.d)
		if err != nil {
			panic("golden/make: " + err.Error())
		}
		if v == 0 {
			return
		}
		of := s.Of
		if s.Do == "drop_term" {
			of = s.Where
		}
		if of == "" {
			of = "both"
		}
		list = append(list, threshold{word, v, upper, of})
	}
	for _, s := range p.convention().Steps {
		switch s.Do {
		case "clamp":
			add("lo", s.Lo, s, false)
			add("hi", s.Hi, s, true)
		case "replace", "drop_term":
			add("at", s.AtOrBelow, s, false)
		case "add", "add_ratio":
			add("add", s.Value, s, false)
		}
	}
	return list
}

// around returns the numbers of the format below, at and above v; where v is
// no number of the format there is none at it.
func (f format) around(v float64) (below, at, above float64) {
	bits := func(x float64) uint64 {
		b, err := f.encode(x)
		if err != nil {
			return math.MaxUint64
		}
		return b
	}
	if b := bits(v); b != math.MaxUint64 {
		return f.d.Widen(b - 1), v, f.d.Widen(b + 1)
	}
	// The positive patterns are in the order of the numbers.
	lo, hi := uint64(0), bits(f.max)
	for hi-lo > 1 {
		if mid := lo + (hi-lo)/2; f.d.Widen(mid) < v {
			lo = mid
		} else {
			hi = mid
		}
	}
	return f.d.Widen(lo), 0, f.d.Widen(hi)
}

// convention has each practice where it makes a difference: on pmfs, on
// measures, at zeros and subnormals, and at and around its thresholds.
func convention() family {
	var qs []question
	for _, p := range practices {
		for _, f := range p.formats {
			qs = append(qs, p.questions(f)...)
		}
	}
	return family{"convention", "generic", "", qs}
}

func (p practice) questions(f format) []question {
	half := []float64{.5, .5}
	p5, q5 := pmfs(5)
	p17, q17 := pmfs(17)
	// A quotient below the least subnormal may become 0 when it is rounded.
	least := f.eta
	if normalises(*p.convention()) {
		least *= 4
	}
	list := []question{
		{name: "ordinary", comment: "five elements", p: p5, q: q5},
		{name: "measure", comment: "counts with different totals", p: []float64{3, 1, 4}, q: []float64{2, 7, 1}, stratum: "p-ne-q"},
		{name: "light", comment: "small totals", p: times(0x1p-12, p5), q: times(0x1p-10, q5), stratum: "p-ne-q"},
		{name: "near", comment: "P next to Q", p: []float64{.5, .25, .25}, q: []float64{.5, .25 + f.eps()/4, .25 - f.eps()/4}, stratum: "near-equal"},
		{name: "self", comment: "P = Q", p: p5, q: p5, req: "VAL-14"},
		{name: "p0", comment: "p = 0 < q", p: []float64{0, 1}, q: half, req: "VAL-1", stratum: "zero"},
		{name: "q0", comment: "p > 0 = q", p: half, q: []float64{0, 1}, req: "VAL-2", stratum: "zero"},
		{name: "both-zero", comment: "p = q = 0", p: []float64{.25, .75, 0}, q: []float64{.5, .5, 0}, req: "VAL-3", stratum: "zero"},
		{name: "disjoint", comment: "supports without a common element", p: []float64{1, 0}, q: []float64{0, 1}, req: "VAL-2", stratum: "zero"},
		{name: "all-zero", comment: "all zero", p: []float64{0, 0}, q: []float64{0, 0}, req: "VAL-3 VAL-17", stratum: "zero"},
		{name: "subnormal-q", comment: "a subnormal in Q", p: half, q: []float64{least, 1}, req: "VAL-11", stratum: "subnormal"},
		{name: "subnormal-p", comment: "a subnormal in P", p: []float64{least, 1}, q: half, req: "VAL-11", stratum: "subnormal"},
		{name: "one", comment: "one element", p: []float64{.25}, q: []float64{.75}, req: "VAL-18", stratum: "p-ne-q"},
	}
	if f.d != "f16" {
		list = append(list, question{name: "long", comment: "1000 elements of pmfs or, in bf16, of measures", gen: seeded("pmf", f, 1000), stratum: "large-n"})
		if f.d == "bf16" {
			list[len(list)-1].gen.Kind = "softmax"
		}
	}
	for _, t := range p.thresholds(f) {
		below, at, above := f.around(t.value)
		list = append(list, p.edges(f, t, map[string]float64{"below": below, "at": at, "above": above})...)
		if !t.upper && below > 0 {
			list = append(list, question{name: t.word + "-last-of-17", comment: "the last of 17 elements is below the threshold, in both",
				p: with(p17, 16, below), q: with(q17, 16, below), stratum: "huge-ratio"})
		}
	}
	for i := range list {
		x := &list[i]
		x.name, x.f, x.conv, x.source = p.name+"-"+x.name, f, p.convention(), p.source
		x.comment = p.comment + "; " + x.comment
		x.req = p.requirement() + " " + x.req
		x.flags = "convention-kept " + x.flags
	}
	return list
}

// edges has one element at a threshold, in each array that it is about, and
// in both.
func (p practice) edges(f format, t threshold, values map[string]float64) []question {
	other := .5
	stratum := "huge-ratio"
	if t.upper {
		stratum = "p-ne-q"
	}
	var list []question
	for _, where := range []string{"below", "at", "above"} {
		v := values[where]
		if v == 0 {
			continue
		}
		text := map[string]string{"below": "just below", "at": "at", "above": "just above"}[where] + " the threshold"
		add := func(side string, p, q []float64) {
			list = append(list, question{name: fmt.Sprintf("%s-%s-%s", t.word, side, where), comment: side + " is " + text,
				p: p, q: q, flags: "threshold-edge", stratum: stratum})
		}
		if t.of != "p" {
			add("q", []float64{other, other}, []float64{v, other})
		}
		if t.of != "q" {
			add("p", []float64{v, other}, []float64{other, other})
		}
		if t.of == "both" {
			add("pq", []float64{v, other}, []float64{values["above"], other})
		}
	}
	return list
}

// policy has each word of a convention that settles a special case.
func policy() family {
	var qs []question
	for _, p := range append([]practice{plain}, practices...) {
		for _, w := range p.words {
			field, word, _ := strings.Cut(w, ":")
			for _, x := range situations(field, word) {
				name := strings.NewReplacer("_", "-", "0x1p-20", "tolerance").Replace(field + "-" + word)
				x.name = fmt.Sprintf("%s-%s-%s", p.name, name, x.name)
				x.conv, x.source = p.convention(), p.source
				setWord(x.conv, field, word, x.f)
				x.flags = "convention-kept"
				qs = append(qs, x)
			}
		}
	}
	return family{"policy", "special", "", qs}
}

// setWord sets one field.
func setWord(c *spec.Convention, field, word string, f format) {
	value, err := json.Marshal(word)
	if field == "result_dtype" {
		from := f.d
		if from == "" {
			from = spec.F64
		}
		value, err = json.Marshal(map[string]string{string(from): word})
	}
	if err == nil {
		err = json.Unmarshal(fmt.Appendf(nil, "{%q:%s}", field, value), c)
	}
	if err != nil {
		panic("golden/make: " + err.Error())
	}
}

// situations returns questions that a word of a field decides.
func situations(field, word string) []question {
	half := []float64{.5, .5}
	q := func(name, comment string, p, q []float64, req, stratum string) question {
		return question{name: name, comment: comment, p: p, q: q, req: "DEF-1 " + req, stratum: stratum}
	}
	rows := func(name, comment string, p, q []float64, shape ...int) question {
		return question{name: name, comment: comment, op: "kl_rows", shape: shape, p: p, q: q, req: "DEF-1 ROW-1", stratum: "generic"}
	}
	switch field {
	case "zero_q":
		return []question{
			q("first", "p > 0 = q in the first of two: "+word, half, []float64{0, 1}, "VAL-2", "zero"),
			q("amid", "p > 0 = q amid others: "+word, []float64{.25, .25, .5}, []float64{.5, 0, .5}, "VAL-2", "zero"),
			q("none", "no such pair: the rule is not met", half, []float64{.25, .75}, "", "generic"),
		}
	case "zero_zero":
		return []question{
			q("last", "p = q = 0 in the last place: "+word, []float64{.25, .75, 0}, []float64{.5, .5, 0}, "VAL-3", "zero"),
			q("none", "p = 0 < q is another case", []float64{0, 1}, half, "VAL-1", "zero"),
		}
	case "zero_p":
		return []question{
			q("first", "p = 0 < q in the first place: "+word, []float64{0, 1}, half, "VAL-1", "zero"),
			q("none", "no zero: the rule is not met", []float64{.25, .75}, half, "", "generic"),
		}
	case "nan":
		return []question{
			q("p", "a NaN in P: "+word, []float64{nan, .5, .5}, []float64{.25, .25, .5}, "VAL-5", ""),
			q("q", "a NaN in Q: "+word, []float64{.25, .25, .5}, []float64{.5, nan, .25}, "VAL-5", ""),
		}
	case "negative":
		return []question{
			q("p", "a negative weight in P: "+word, []float64{-.5, 1.5}, half, "VAL-7", ""),
			q("q", "a negative weight in Q: "+word, half, []float64{-.5, 1.5}, "VAL-7", ""),
			q("both", "a negative weight at one place of both: "+word, []float64{-.25, 1.25}, []float64{-.5, 1.5}, "VAL-7", ""),
		}
	case "infinite":
		return []question{
			q("p", "an infinite weight in P: "+word, []float64{inf, .5}, half, "VAL-8", ""),
			q("q", "an infinite weight in Q: "+word, half, []float64{inf, .5}, "VAL-8", ""),
			q("both", "an infinite weight at one place of both: "+word, []float64{inf, .5}, []float64{inf, .5}, "VAL-8", ""),
		}
	case "empty":
		return []question{q("both", "no elements: "+word, []float64{}, []float64{}, "VAL-9", "")}
	case "mismatch":
		list := []question{q("p-4-q-2", "lengths 4 and 2: "+word, []float64{.25, .25, .25, .25}, half, "VAL-10", "")}
		if word == "broadcast" {
			list = append(list,
				q("q-1", "one element of Q for three of P", p3, []float64{.5}, "VAL-10", ""),
				q("p-1", "one element of P for three of Q", []float64{.5}, q3, "VAL-10", ""),
				question{name: "rows-q", comment: "one row of Q for two of P", op: "kl_rows", shape: []int{2, 3}, qshape: []int{1, 3},
					p: slices.Concat(p3, q3), q: q3, req: "DEF-1 VAL-10 ROW-1"})
		} else {
			list = append(list, q("p-2-q-3", "the third element of Q is left over", half, []float64{.25, .25, .5}, "VAL-10", ""))
		}
		return list
	case "subnormal":
		return []question{
			q("q", "a subnormal in Q counts as 0", half, []float64{f64.subnormal(), 1}, "VAL-11", "subnormal"),
			q("p", "a subnormal in P counts as 0", []float64{f64.eta, 1}, half, "VAL-11", "subnormal"),
			q("both", "a subnormal at one place of both", []float64{f64.eta, 1}, []float64{3 * f64.eta, 1}, "VAL-11", "subnormal"),
			q("normal", "the least normal number is kept", []float64{f64.normal, 1}, []float64{2 * f64.normal, 1}, "VAL-11", "subnormal"),
			{name: "q", f: f32, comment: "a subnormal in Q counts as 0", p: half, q: []float64{f32.eta, 1}, req: "DEF-1 VAL-11", stratum: "subnormal"},
		}
	case "requires_normalised":
		return []question{
			q("kept", "totals of exactly 1", p3, q3, "DEF-3", "generic"),
			q("at", "a total 2^-20 above 1 is within the tolerance", []float64{.5, .5 + 0x1p-20}, half, "DEF-3", "p-ne-q"),
			q("beyond", "a total a little more than 2^-20 above 1 is refused", []float64{.5, .5 + 0x1.8p-20}, half, "DEF-3", "p-ne-q"),
			q("q", "the total of Q is 2", half, []float64{1, 1}, "DEF-3", "p-ne-q"),
		}
	case "reduction":
		p5, q5 := pmfs(5)
		list := []question{
			rows("rows", "two rows of five, "+word+" without being asked", slices.Concat(p5, q5), slices.Concat(q5, p5), 2, 5),
			rows("one-row", "one row of five", p5, q5, 1, 5),
		}
		if word != "sum" {
			list = append(list, q("vector", "a vector of three: "+word, p3, q3, "ROW-1", "generic"))
		}
		return list
	case "result_dtype":
		p5, q5 := pmfs(5)
		from := map[string]format{"f16": f16, "bf16": bf16, "f32": f64}[word]
		return []question{
			{name: "ordinary", f: from, comment: "the result is " + word, p: p5, q: q5, req: "DEF-1 DEF-9", stratum: "low-precision"},
			{name: "counts", f: from, comment: "the result is " + word, p: []float64{3, 1, 4}, q: []float64{2, 7, 1}, req: "DEF-1 DEF-9", stratum: "low-precision"},
			{name: "q0", f: from, comment: "+Inf as " + word, p: half, q: []float64{0, 1}, req: "DEF-1 DEF-9 VAL-2", stratum: "zero"},
		}
	}
	panic("golden/make: no situation for " + field)
}
