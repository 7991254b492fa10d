package spec

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Real is an exact real option in text: "e" where a base is meant, a short
// decimal integer such as "2", or a hexadecimal float such as "0x1.8p-3".
// The empty string is absent.
type Real string

// RealOf returns x as a hexadecimal float string.
func RealOf(x float64) Real { return Real(strconv.FormatFloat(x, 'x', -1, 64)) }

// Value returns the number. It is an error for "e", for the empty string and
// for text that is neither a hexadecimal float nor a decimal integer.
func (r Real) Value() (float64, error) {
	s := string(r)
	if !strings.ContainsAny(s, "xX") {
		if n, err := strconv.ParseInt(s, 10, 54); err == nil {
			return float64(n), nil
		}
		return 0, fmt.Errorf("%q is not an exact number: write a hexadecimal float such as %q", s, "0x1.8p-3")
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a hexadecimal float", s)
	}
	return x, nil
}

// UnmarshalJSON takes a string or a JSON number; a number means the float64
// nearest to it.
func (r *Real) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		if s != "e" {
			if _, err := Real(s).Value(); err != nil {
				return err
			}
		}
		*r = Real(s)
		return nil
	}
	x, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("%s is not a number", b)
	}
	if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
		*r = Real(strconv.FormatInt(int64(x), 10))
	} else {
		*r = RealOf(x)
	}
	return nil
}

// A Threshold is a real that may depend on the format: one value for all, or
// one for each dtype.
type Threshold struct {
	All   Real
	Under map[DType]Real
}

// At returns the value in format d.
func (t Threshold) At(d DType) (float64, error) {
	if t.Under == nil {
		return t.All.Value()
	}
	r, ok := t.Under[d]
	if !ok {
		return 0, fmt.Errorf("the convention gives no threshold for %s", d)
	}
	return r.Value()
}

// Absent reports whether no value was given.
func (t Threshold) Absent() bool { return t.All == "" && t.Under == nil }

// MarshalJSON writes a string, or an object by dtype.
func (t Threshold) MarshalJSON() ([]byte, error) {
	if t.Under != nil {
		return json.Marshal(t.Under)
	}
	return json.Marshal(t.All)
}

// UnmarshalJSON reads what MarshalJSON writes, and a JSON number.
func (t *Threshold) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		return json.Unmarshal(b, &t.Under)
	}
	return json.Unmarshal(b, &t.All)
}

// A Step is one exact transformation of the inputs. Every step is applied to
// exact rationals; nothing is rounded between steps.
//
//	normalise  x / Σx                                 of both, p or q
//	clamp      min(max(x, lo), hi)                    hi may be absent
//	add        x + value
//	replace    x ≤ at_or_below ? value : x
//	add_ratio  ln(p/q + value)
//	drop_term  terms whose p or q is ≤ at_or_below
//
// In "log" a step acts inside the logarithm only and the factor p stays.
type Step struct {
	Do        string     `json:"do"`
	Of        string     `json:"of,omitempty"` // both | p | q
	In        string     `json:"in,omitempty"` // both | log
	Lo        *Threshold `json:"lo,omitempty"`
	Hi        *Threshold `json:"hi,omitempty"`
	Value     *Threshold `json:"value,omitempty"`
	AtOrBelow *Threshold `json:"at_or_below,omitempty"`
	Where     string     `json:"where,omitempty"` // p | q
}

// A Convention is how an implementation deliberately departs from the
// definition, as data. The zero value of a field is absent: it is detected
// by probes, never assumed. Definition returns the definition's own values.
type Convention struct {
	// Complete says that every absent field has the definition's value.
	Complete bool `json:"complete,omitempty"`

	// Direction, DomainP and DomainQ inform about the library's own call and
	// are never graded: turning (P, Q) into that call is the adapter's job.
	Direction string `json:"direction,omitempty"`
	DomainP   string `json:"domain_p,omitempty"`
	DomainQ   string `json:"domain_q,omitempty"`

	Base        Real   `json:"base,omitempty"`
	Scale       Real   `json:"scale,omitempty"`
	Generalised *bool  `json:"generalised,omitempty"` // adds Σ(q − p)
	Steps       []Step `json:"steps,omitzero"`        // nil is absent, empty is none

	ZeroQ     string `json:"zero_q,omitempty"`    // p > 0 = q after the steps: inf | drop | reject | nan
	ZeroZero  string `json:"zero_zero,omitempty"` // p = q = 0: zero | nan | inf | reject
	ZeroP     string `json:"zero_p,omitempty"`    // p = 0 < q: zero | nan | reject
	NaN       string `json:"nan,omitempty"`       // nan | ignore | reject | inf
	Negative  string `json:"negative,omitempty"`  // nan | reject | inf | value
	Infinite  string `json:"infinite,omitempty"`  // nan | reject | value
	Empty     string `json:"empty,omitempty"`     // zero | nan | inf | reject
	Mismatch  string `json:"mismatch,omitempty"`  // reject | truncate | broadcast
	Subnormal string `json:"subnormal,omitempty"` // kept | flushed

	RequiresNormalised *Tolerance      `json:"requires_normalised,omitempty"`
	Reduction          string          `json:"reduction,omitempty"` // sum | mean | batchmean | none
	ResultDType        map[DType]DType `json:"result_dtype,omitempty"`
}

// A Tolerance is false, or how far a total may be from 1 before the input is
// refused.
type Tolerance struct {
	Required bool
	Within   Real
}

// MarshalJSON writes false or the tolerance.
func (t Tolerance) MarshalJSON() ([]byte, error) {
	if !t.Required {
		return []byte("false"), nil
	}
	return json.Marshal(t.Within)
}

// UnmarshalJSON reads false, or a tolerance.
func (t *Tolerance) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "false":
		*t = Tolerance{}
		return nil
	case "true":
		return fmt.Errorf("requires_normalised is false or a tolerance, not true")
	}
	t.Required = true
	return json.Unmarshal(b, &t.Within)
}

// UnmarshalJSON expands the shorthands "normalises" and "epsilon" into steps
// and checks every word.
func (c *Convention) UnmarshalJSON(b []byte) error {
	type plain Convention
	wire := struct {
		*plain
		Normalises string `json:"normalises"`
		Epsilon    *struct {
			Kind  string    `json:"kind"`
			Value Threshold `json:"value"`
		} `json:"epsilon"`
	}{plain: (*plain)(c)}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	var steps []Step
	switch wire.Normalises {
	case "":
	case "none":
		steps = []Step{}
	case "both", "p":
		steps = append(steps, Step{Do: "normalise", Of: wire.Normalises})
	default:
		return fmt.Errorf(`convention: "normalises" is none, both or p, not %q`, wire.Normalises)
	}
	if e := wire.Epsilon; e != nil {
		v, zero, one := e.Value, Threshold{All: "0"}, Threshold{All: "1"}
		switch e.Kind {
		case "none":
			steps = append([]Step{}, steps...)
		case "clip_both":
			steps = append(steps, Step{Do: "clamp", Of: "both", In: "both", Lo: &v, Hi: &one})
		case "clip_log":
			steps = append(steps, Step{Do: "clamp", Of: "both", In: "log", Lo: &v, Hi: &one})
		case "add_both":
			steps = append(steps, Step{Do: "add", Of: "both", In: "log", Value: &v})
		case "replace_q0":
			steps = append(steps, Step{Do: "replace", Of: "q", AtOrBelow: &zero, Value: &v})
		default:
			return fmt.Errorf(`convention: epsilon kind %q is none of none, clip_both, clip_log, add_both, replace_q0`, e.Kind)
		}
	}
	if steps != nil {
		c.Steps = append(steps, c.Steps...)
	}
	return c.Check()
}

// words lists the values that each textual field may have.
var words = map[string][]string{
	"direction": {"p||q", "q||p"},
	"zero_q":    {"inf", "drop", "reject", "nan"},
	"zero_zero": {"zero", "nan", "inf", "reject"},
	"zero_p":    {"zero", "nan", "reject"},
	"nan":       {"nan", "ignore", "reject", "inf"},
	"negative":  {"nan", "reject", "inf", "value"},
	"infinite":  {"nan", "reject", "value"},
	"empty":     {"zero", "nan", "inf", "reject"},
	"mismatch":  {"reject", "truncate", "broadcast"},
	"subnormal": {"kept", "flushed"},
	"reduction": {"none", "sum", "mean", "batchmean"},
}

// Check returns an error that names the first field with an unknown word, a
// bad number or a step that lacks a part.
func (c *Convention) Check() error {
	for _, f := range []struct{ name, value string }{
		{"direction", c.Direction}, {"zero_q", c.ZeroQ}, {"zero_zero", c.ZeroZero}, {"zero_p", c.ZeroP},
		{"nan", c.NaN}, {"negative", c.Negative}, {"infinite", c.Infinite}, {"empty", c.Empty},
		{"mismatch", c.Mismatch}, {"subnormal", c.Subnormal}, {"reduction", c.Reduction},
	} {
		if f.value != "" && !slices.Contains(words[f.name], f.value) {
			return fmt.Errorf("convention: %q is %s, not %q", f.name, strings.Join(words[f.name], " | "), f.value)
		}
	}
	if c.Base != "" && c.Base != "e" {
		b, err := c.Base.Value()
		if err != nil {
			return fmt.Errorf("convention: base: %w", err)
		}
		if !(b > 0) || b == 1 || math.IsInf(b, 0) {
			return fmt.Errorf("convention: base %s is not a finite number > 0 other than 1", c.Base)
		}
	}
	if c.Scale != "" {
		s, err := c.Scale.Value()
		if err != nil {
			return fmt.Errorf("convention: scale: %w", err)
		}
		if s == 0 || math.IsInf(s, 0) || math.IsNaN(s) {
			return fmt.Errorf("convention: scale %s is not a finite number other than 0", c.Scale)
		}
	}
	for i, s := range c.Steps {
		if err := s.check(); err != nil {
			return fmt.Errorf("convention: step %d: %w", i+1, err)
		}
	}
	for from, to := range c.ResultDType {
		if !from.Float() || !to.Float() {
			return fmt.Errorf("convention: result_dtype maps %q to %q; both must be floating-point formats", from, to)
		}
	}
	return nil
}

func (s Step) check() error {
	switch s.Do {
	case "normalise", "clamp", "add", "replace":
		if !slices.Contains([]string{"both", "p", "q"}, s.Of) {
			return fmt.Errorf(`%s: "of" is both, p or q, not %q`, s.Do, s.Of)
		}
	case "add_ratio", "drop_term":
	default:
		return fmt.Errorf(`"do" is normalise, clamp, add, replace, add_ratio or drop_term, not %q`, s.Do)
	}
	need := map[string]*Threshold{}
	switch s.Do {
	case "clamp":
		need["lo"] = s.Lo
	case "add", "add_ratio":
		need["value"] = s.Value
	case "replace":
		need["value"], need["at_or_below"] = s.Value, s.AtOrBelow
	case "drop_term":
		need["at_or_below"] = s.AtOrBelow
		if s.Where != "p" && s.Where != "q" {
			return fmt.Errorf(`drop_term: "where" is p or q, not %q`, s.Where)
		}
	}
	for name, t := range need {
		if t == nil || t.Absent() {
			return fmt.Errorf("%s needs %q", s.Do, name)
		}
	}
	if s.In != "" && s.In != "log" && s.In != "both" {
		return fmt.Errorf(`%s: "in" is log or both, not %q`, s.Do, s.In)
	}
	return nil
}

// Definition returns the convention of the definition itself, with every
// field present. Outside the domain it may refuse or answer NaN; the judge
// knows that, and the words here name the first of the two.
func Definition() Convention {
	no := false
	return Convention{
		Complete: true, Base: "e", Scale: "1", Generalised: &no, Steps: []Step{},
		ZeroQ: "inf", ZeroZero: "zero", ZeroP: "zero", NaN: "nan", Negative: "nan", Infinite: "nan",
		Empty: "zero", Mismatch: "reject", Subnormal: "kept",
		RequiresNormalised: &Tolerance{}, Reduction: "none",
	}
}

// Fields lists the graded fields of a convention, in the order of detection
// and of reports.
var Fields = []string{"base", "scale", "generalised", "steps", "zero_q", "zero_zero", "zero_p", "nan", "negative",
	"infinite", "empty", "mismatch", "subnormal", "requires_normalised", "reduction", "result_dtype"}

// Has reports whether the field of that name is present.
func (c Convention) Has(field string) bool {
	_, ok := c.fields()[field]
	return ok
}

// Take copies the field of that name from d.
func (c *Convention) Take(field string, d Convention) {
	m, from := c.fields(), d.fields()
	if v, ok := from[field]; ok {
		m[field] = v
	} else {
		delete(m, field)
	}
	b, err := json.Marshal(m)
	if err == nil {
		*c = Convention{}
		err = json.Unmarshal(b, c)
	}
	if err != nil {
		panic("spec: a convention that does not survive its own JSON: " + err.Error())
	}
}

// Same reports whether the field of that name is written alike in both.
func (c Convention) Same(field string, d Convention) bool {
	return string(c.fields()[field]) == string(d.fields()[field])
}

// fields returns the convention as its JSON object.
func (c Convention) fields() map[string]json.RawMessage {
	b, err := json.Marshal(c)
	if err != nil {
		panic("spec: a convention that cannot be written: " + err.Error())
	}
	m := map[string]json.RawMessage{}
	if err := json.Unmarshal(b, &m); err != nil {
		panic("spec: a convention that cannot be read: " + err.Error())
	}
	return m
}
