package conform

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"klconf/spec"
)

// directionCheck records whether the first argument is P.
func (r *run) directionCheck(explained bool) {
	const id = "detect/direction"
	if !r.selected(id) {
		return
	}
	res := spec.Result{ID: id, Requirements: []string{"DEF-2"}, Status: spec.Pass}
	switch {
	case r.swapped:
		res.Status = spec.Fail
		res.Message = "your arguments are swapped: every probe got KL(Q‖P) where KL(P‖Q) was asked; the other checks are asked with the arguments exchanged, so that this is one finding"
		r.findings = append(r.findings, "your arguments are swapped: the first array is P, the second Q")
	case !explained:
		res.Status = spec.Skipped
		res.Message = "the probes fit no known convention in either order"
	}
	r.record(res, spec.Request{})
}

// requirementOf names the requirement that a field of the convention is
// about.
var requirementOf = map[string]string{
	"base": "DEF-4", "scale": "DEF-8", "generalised": "DEF-11", "steps": "DEF-10", "zero_q": "VAL-2", "zero_zero": "VAL-3",
	"zero_p": "VAL-1", "nan": "VAL-5", "negative": "VAL-7", "infinite": "VAL-8", "empty": "VAL-9", "mismatch": "VAL-10",
	"subnormal": "VAL-11", "requires_normalised": "DEF-3", "reduction": "ROW-1", "result_dtype": "DEF-9",
}

// departure reports whether a field's value answers with another number than
// the definition's. Refusals outside the pmfs are a narrower domain.
func departure(field string, c spec.Convention) bool {
	switch field {
	case "base":
		return c.Base != "" && c.Base != "e"
	case "scale":
		if c.Scale == "" {
			return false
		}
		v, err := c.Scale.Value()
		return err != nil || v != 1
	case "generalised":
		return c.Generalised != nil && *c.Generalised
	case "steps":
		return len(c.Steps) > 0
	case "zero_q":
		return c.ZeroQ != "" && c.ZeroQ != "inf"
	case "zero_zero":
		return c.ZeroZero != "" && c.ZeroZero != "zero"
	case "zero_p":
		return c.ZeroP != "" && c.ZeroP != "zero"
	case "nan":
		return c.NaN == "ignore" || c.NaN == "inf"
	case "negative":
		return c.Negative == "inf" || c.Negative == "value"
	case "infinite":
		return c.Infinite == "value"
	case "empty":
		return c.Empty == "nan" || c.Empty == "inf"
	case "mismatch":
		return c.Mismatch == "truncate" || c.Mismatch == "broadcast"
	case "subnormal":
		return c.Subnormal == "flushed"
	case "reduction":
		return c.Reduction != "" && c.Reduction != "none"
	case "result_dtype":
		for from, to := range c.ResultDType {
			if to != from.ResultDType() {
				return true
			}
		}
	}
	return false
}

// reportDetection records one check for each field that was detected. What
// differs from the definition is said with the line to declare it by.
func (r *run) reportDetection() {
	for _, f := range spec.Fields {
		if !r.open(f) {
			continue
		}
		if departure(f, r.conv) {
			r.departs = append(r.departs, f)
		}
		id := "detect/" + f
		if !r.selected(id) {
			continue
		}
		res := spec.Result{ID: id, Requirements: []string{requirementOf[f]}, Status: spec.Pass}
		if slices.Contains(r.departs, f) {
			res.Status = spec.Note
			res.Message = "looks like " + r.describeField(f) + "; if that is meant, declare it"
		}
		r.record(res, spec.Request{})
	}
	if len(r.departs) > 0 {
		words := make([]string, len(r.departs))
		for i, f := range r.departs {
			words[i] = r.describeField(f)
		}
		r.findings = append(r.findings, "looks like "+strings.Join(words, ", ")+"; if that is meant, declare it: "+r.suggestion())
	}
}

// describeField writes a detected field in words.
func (r *run) describeField(f string) string {
	if f == "steps" {
		var parts []string
		for _, s := range r.conv.Steps {
			parts = append(parts, describeStep(s))
		}
		return strings.Join(parts, ", then ")
	}
	var only spec.Convention
	only.Take(f, r.conv)
	b, _ := json.Marshal(only)
	return strings.Trim(string(b), "{}")
}

func describeStep(s spec.Step) string {
	value := func(t *spec.Threshold) string {
		if t == nil {
			return ""
		}
		if t.Under != nil {
			var parts []string
			for _, d := range sortedKeys(t.Under) {
				v, _ := t.Under[d].Value()
				parts = append(parts, fmt.Sprintf("%.6g in %s", v, d))
			}
			return strings.Join(parts, ", ")
		}
		v, _ := t.All.Value()
		return fmt.Sprintf("%.6g", v)
	}
	of := map[string]string{"both": "P and Q", "p": "P", "q": "Q", "": "P and Q"}[s.Of]
	in := ""
	if s.In == "log" {
		in = " inside the logarithm"
	}
	switch s.Do {
	case "normalise":
		return "normalising " + of
	case "clamp":
		t := fmt.Sprintf("clipping %s at %s%s", of, value(s.Lo), in)
		if s.Of == "both" && s.In != "log" {
			t = "clip-both at " + value(s.Lo)
		}
		if s.Hi != nil {
			t += " and above at " + value(s.Hi)
		}
		return t
	case "add":
		return fmt.Sprintf("adding %s to %s%s", value(s.Value), of, in)
	case "replace":
		return fmt.Sprintf("replacing %s at or below %s by %s", of, value(s.AtOrBelow), value(s.Value))
	case "add_ratio":
		return fmt.Sprintf("adding %s to p/q", value(s.Value))
	case "drop_term":
		return fmt.Sprintf("dropping terms with %s at or below %s", s.Where, value(s.AtOrBelow))
	}
	return s.Do
}

// suggestion returns the convention object to paste into hello.
func (r *run) suggestion() string {
	var c spec.Convention
	if r.desc.Convention != nil {
		c = *r.desc.Convention
	}
	for _, f := range r.departs {
		c.Take(f, r.conv)
	}
	b, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	return `"convention":` + string(b)
}
