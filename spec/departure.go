package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Departure says in plain words how a field of the convention answers with
// another number than the definition. It is empty where the field is absent,
// has the definition's value, or only refuses something outside the pmfs,
// which is a narrower domain.
func (c Convention) Departure(field string) string {
	switch field {
	case "base":
		switch c.Base {
		case "", "e":
		case "2":
			return "the answer is in bits (base 2), not in nats"
		default:
			return "the logarithm has base " + decimal(c.Base)
		}
	case "scale":
		if c.Scale != "" {
			if v, err := c.Scale.Value(); err != nil || v != 1 {
				return "the value is multiplied by " + decimal(c.Scale)
			}
		}
	case "generalised":
		if c.Generalised != nil && *c.Generalised {
			return "adding Σ(q − p): the generalised divergence"
		}
	case "steps":
		return StepsInWords(c.Steps)
	case "zero_q":
		return map[string]string{
			"drop":   "a term with p > 0 = q counts 0 and not +Inf",
			"reject": "p > 0 = q is refused where +Inf is right",
			"nan":    "p > 0 = q gives NaN where +Inf is right",
		}[c.ZeroQ]
	case "zero_zero":
		return map[string]string{
			"nan":    "p = q = 0 gives NaN where the term is 0",
			"inf":    "p = q = 0 gives +Inf where the term is 0",
			"reject": "p = q = 0 is refused where the term is 0",
		}[c.ZeroZero]
	case "zero_p":
		return map[string]string{
			"nan":    "p = 0 < q gives NaN where the term is 0",
			"reject": "p = 0 < q is refused where the term is 0",
		}[c.ZeroP]
	case "nan":
		return map[string]string{"ignore": "a NaN is left out", "inf": "a NaN gives +Inf"}[c.NaN]
	case "negative":
		return map[string]string{"inf": "a negative weight gives an infinity", "value": "a negative weight gives a number"}[c.Negative]
	case "infinite":
		return map[string]string{"value": "an infinite weight gives whatever the formula gives"}[c.Infinite]
	case "empty":
		return map[string]string{"nan": "two empty vectors give NaN", "inf": "two empty vectors give +Inf"}[c.Empty]
	case "mismatch":
		return map[string]string{
			"truncate":  "the longer of two vectors is cut",
			"broadcast": "a vector of one element is stretched to the other's length",
		}[c.Mismatch]
	case "subnormal":
		if c.Subnormal == "flushed" {
			return "subnormal weights count as 0"
		}
	case "reduction":
		return map[string]string{
			"sum":       "of several rows it gives the sum",
			"mean":      "the sum is divided by the number of elements, rows × classes (mean)",
			"batchmean": "of several rows it gives the mean (batchmean)",
		}[c.Reduction]
	case "result_dtype":
		var parts []string
		for _, from := range slices.Sorted(maps.Keys(c.ResultDType)) {
			if to := c.ResultDType[from]; to != from.ResultDType() {
				parts = append(parts, fmt.Sprintf("%s inputs give %s", from, to))
			}
		}
		return strings.Join(parts, ", ")
	}
	return ""
}

// StepsInWords describes a list of steps in their order; it is empty for
// none.
func StepsInWords(steps []Step) string {
	var parts []string
	for _, s := range steps {
		parts = append(parts, s.words())
	}
	return strings.Join(parts, ", then ")
}

func (s Step) words() string {
	of := map[string]string{"both": "P and Q", "p": "P", "q": "Q", "": "P and Q"}[s.Of]
	in := ""
	if s.In == "log" {
		in = " inside the logarithm"
	}
	switch s.Do {
	case "normalise":
		return "normalising " + of
	case "clamp":
		t := fmt.Sprintf("clipping %s%s at %s", of, in, s.Lo.words())
		if s.Hi != nil {
			t += " and above at " + s.Hi.words()
		}
		return t
	case "add":
		return fmt.Sprintf("adding %s to %s%s", s.Value.words(), of, in)
	case "replace":
		return fmt.Sprintf("replacing %s at or below %s by %s%s", of, s.AtOrBelow.words(), s.Value.words(), in)
	case "add_ratio":
		return fmt.Sprintf("adding %s to p/q", s.Value.words())
	case "drop_term":
		return fmt.Sprintf("dropping terms with %s at or below %s", s.Where, s.AtOrBelow.words())
	}
	return s.Do
}

// words writes a threshold with six digits, for each format where it depends
// on it.
func (t *Threshold) words() string {
	switch {
	case t == nil:
		return ""
	case t.Under == nil:
		return decimal(t.All)
	}
	var parts []string
	for _, d := range slices.Sorted(maps.Keys(t.Under)) {
		parts = append(parts, fmt.Sprintf("%s in %s", decimal(t.Under[d]), d))
	}
	return strings.Join(parts, ", ")
}

// decimal writes a real with six digits.
func decimal(r Real) string {
	v, err := r.Value()
	if err != nil {
		return string(r)
	}
	return fmt.Sprintf("%.6g", v)
}
