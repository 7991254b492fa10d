package spec_test

import (
	"encoding/json"
	"testing"

	"klconf/spec"
)

func TestDepartures(t *testing.T) {
	definition := spec.Definition()
	for _, f := range spec.Fields {
		if d := definition.Departure(f); d != "" {
			t.Errorf("the definition departs from itself: %s: %s", f, d)
		}
		if d := (spec.Convention{}).Departure(f); d != "" {
			t.Errorf("an absent %s departs: %s", f, d)
		}
	}
	for _, c := range []struct{ convention, field, want string }{
		{`{"base":"2"}`, "base", "the answer is in bits (base 2), not in nats"},
		{`{"base":"0x1.8p+0"}`, "base", "the logarithm has base 1.5"},
		{`{"scale":0.5}`, "scale", "the value is multiplied by 0.5"},
		{`{"scale":1}`, "scale", ""},
		{`{"generalised":true}`, "generalised", "adding Σ(q − p): the generalised divergence"},
		{`{"normalises":"both"}`, "steps", "normalising P and Q"},
		{`{"epsilon":{"kind":"clip_both","value":1e-7}}`, "steps", "clipping P and Q at 1e-07 and above at 1"},
		{`{"epsilon":{"kind":"clip_log","value":1e-7}}`, "steps", "clipping P and Q inside the logarithm at 1e-07 and above at 1"},
		{`{"steps":[{"do":"normalise","of":"q"},{"do":"add","of":"p","value":{"f64":1e-9,"f32":1e-5}}]}`, "steps",
			"normalising Q, then adding 1e-05 in f32, 1e-09 in f64 to P"},
		{`{"epsilon":{"kind":"replace_q0","value":1e-10}}`, "steps", "replacing Q at or below 0 by 1e-10"},
		{`{"steps":[{"do":"add_ratio","value":1e-10}]}`, "steps", "adding 1e-10 to p/q"},
		{`{"steps":[{"do":"drop_term","where":"p","at_or_below":1e-10}]}`, "steps", "dropping terms with p at or below 1e-10"},
		{`{"zero_q":"drop"}`, "zero_q", "a term with p > 0 = q counts 0 and not +Inf"},
		{`{"zero_zero":"nan"}`, "zero_zero", "p = q = 0 gives NaN where the term is 0"},
		{`{"zero_p":"reject"}`, "zero_p", "p = 0 < q is refused where the term is 0"},
		{`{"nan":"reject"}`, "nan", ""},
		{`{"nan":"ignore"}`, "nan", "a NaN is left out"},
		{`{"negative":"reject"}`, "negative", ""},
		{`{"negative":"value"}`, "negative", "a negative weight gives a number"},
		{`{"infinite":"value"}`, "infinite", "an infinite weight gives whatever the formula gives"},
		{`{"empty":"reject"}`, "empty", ""},
		{`{"empty":"nan"}`, "empty", "two empty vectors give NaN"},
		{`{"mismatch":"broadcast"}`, "mismatch", "a vector of one element is stretched to the other's length"},
		{`{"subnormal":"flushed"}`, "subnormal", "subnormal weights count as 0"},
		{`{"requires_normalised":0.001}`, "requires_normalised", ""},
		{`{"reduction":"mean"}`, "reduction", "the sum is divided by the number of elements, rows × classes (mean)"},
		{`{"result_dtype":{"f64":"f32","f32":"f32"}}`, "result_dtype", "f64 inputs give f32"},
	} {
		var got spec.Convention
		if err := json.Unmarshal([]byte(c.convention), &got); err != nil {
			t.Fatal(err)
		}
		if d := got.Departure(c.field); d != c.want {
			t.Errorf("%s: %q, want %q", c.convention, d, c.want)
		}
	}
}
