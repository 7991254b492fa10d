package conform

import (
	"encoding/json"
	"slices"
	"strings"

	"klconf/spec"
)

// directionCheck records whether the first argument is P.
func (r *run) directionCheck(explained bool) {
	const id = "detect/direction"
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
	if r.selected(id) {
		r.record(res, spec.Request{})
	}
}

// requirementOf names the requirement that a field of the convention is
// about.
var requirementOf = map[string]string{
	"base": "DEF-4", "scale": "DEF-8", "generalised": "DEF-11", "steps": "DEF-10", "zero_q": "VAL-2", "zero_zero": "VAL-3",
	"zero_p": "VAL-1", "nan": "VAL-5", "negative": "VAL-7", "infinite": "VAL-8", "empty": "VAL-9", "mismatch": "VAL-10",
	"subnormal": "VAL-11", "requires_normalised": "DEF-3", "reduction": "ROW-1", "result_dtype": "DEF-9",
}

// reportDetection records one check for each field that was detected. What
// differs from the definition is said with the line to declare it by.
func (r *run) reportDetection() {
	for i, f := range spec.Fields {
		r.place = 1 + i
		if !r.open(f) {
			continue
		}
		if r.conv.Departure(f) != "" {
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
		return spec.StepsInWords(r.conv.Steps)
	}
	var only spec.Convention
	only.Take(f, r.conv)
	b, _ := json.Marshal(only)
	return strings.Trim(string(b), "{}")
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
