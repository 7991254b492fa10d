package property

import (
	"strings"
	"testing"

	"klconf/spec"
)

// conventions has every graded field with every word, and every step, one at
// a time.
var conventions = []string{
	`{}`,
	`{"base":"2"}`, `{"base":"10"}`, `{"base":"0x1p-1"}`,
	`{"scale":2}`, `{"scale":"0x1.8p-2"}`, `{"scale":-1}`,
	`{"generalised":true}`,
	`{"steps":[{"do":"normalise","of":"both"}]}`,
	`{"steps":[{"do":"normalise","of":"p"}]}`,
	`{"steps":[{"do":"normalise","of":"q"}]}`,
	`{"steps":[{"do":"clamp","of":"both","lo":"0x1p-1","hi":"1"}]}`,
	`{"steps":[{"do":"clamp","of":"both","lo":"0x1p-1"}]}`,
	`{"steps":[{"do":"clamp","of":"both","in":"log","lo":"0x1p-1","hi":"1"}]}`,
	`{"steps":[{"do":"clamp","of":"p","lo":"0x1p-1"}]}`,
	`{"steps":[{"do":"clamp","of":"p","in":"log","lo":"0x1p-1"}]}`,
	`{"steps":[{"do":"clamp","of":"q","lo":"0x1p-1"}]}`,
	`{"steps":[{"do":"add","of":"both","value":"0x1p-1"}]}`,
	`{"steps":[{"do":"add","of":"both","in":"log","value":"0x1p-1"}]}`,
	`{"steps":[{"do":"add","of":"p","value":"0x1p-1"}]}`,
	`{"steps":[{"do":"add","of":"q","value":"0x1p-1"}]}`,
	`{"steps":[{"do":"replace","of":"q","at_or_below":"0","value":"0x1p-1"}]}`,
	`{"steps":[{"do":"replace","of":"p","at_or_below":"0","value":"0x1p-1"}]}`,
	`{"steps":[{"do":"replace","of":"both","at_or_below":"0x1p-1","value":"0x1p-2"}]}`,
	`{"steps":[{"do":"add_ratio","value":"0x1p-1"}]}`,
	`{"steps":[{"do":"drop_term","where":"p","at_or_below":"0"}]}`,
	`{"steps":[{"do":"drop_term","where":"p","at_or_below":"0x1p-1"}]}`,
	`{"steps":[{"do":"drop_term","where":"q","at_or_below":"0"}]}`,
	`{"steps":[{"do":"drop_term","where":"q","at_or_below":"0x1p-1"}]}`,
	`{"steps":[{"do":"normalise","of":"both"},{"do":"clamp","of":"both","lo":"0x1p-1"},{"do":"normalise","of":"both"}]}`,
	`{"steps":[{"do":"add","of":"p","in":"log","value":"0x1p-1"},{"do":"normalise","of":"p"}]}`,
	`{"steps":[{"do":"normalise","of":"p"},{"do":"add","of":"p","in":"log","value":"0x1p-1"}]}`,
	`{"zero_q":"drop"}`, `{"zero_q":"reject"}`, `{"zero_q":"nan"}`,
	`{"zero_zero":"nan"}`, `{"zero_zero":"inf"}`, `{"zero_zero":"reject"}`,
	`{"zero_p":"nan"}`, `{"zero_p":"reject"}`,
	`{"nan":"ignore"}`, `{"nan":"reject"}`, `{"nan":"inf"}`,
	`{"negative":"nan"}`, `{"negative":"reject"}`, `{"negative":"inf"}`, `{"negative":"value"}`,
	`{"infinite":"nan"}`, `{"infinite":"reject"}`, `{"infinite":"value"}`,
	`{"empty":"nan"}`, `{"empty":"inf"}`, `{"empty":"reject"}`,
	`{"mismatch":"truncate"}`, `{"mismatch":"broadcast"}`,
	`{"subnormal":"flushed"}`,
	`{"requires_normalised":"0x1p-20"}`, `{"requires_normalised":"0"}`,
	`{"reduction":"sum"}`, `{"reduction":"mean"}`, `{"reduction":"batchmean"}`,
	`{"result_dtype":{"f64":"f32"}}`, `{"result_dtype":{"f64":"bf16"}}`, `{"result_dtype":{"f64":"f16"}}`,
}

// conservative lists where HoldsUnder says no although nothing that is drawn
// contradicts the law, and why. The laws are separated by spaces.
var conservative = []struct{ laws, convention, why string }{
	{"LAW-2 LAW-2S LAW-3 LAW-19", `{"steps":[{"do":"clamp","of":"p","lo":"0x1p-1"}]}`, "P grows and Q stays: K ≥ P′ − Q ≥ P − Q"},
	{"LAW-2 LAW-2S LAW-3 LAW-19", `{"steps":[{"do":"add","of":"p","value":"0x1p-1"}]}`, "P grows and Q stays"},
	{"LAW-2 LAW-2S LAW-3 LAW-19", `{"steps":[{"do":"replace","of":"p","at_or_below":"0","value":"0x1p-1"}]}`, "P grows and Q stays"},
	{"LAW-1 LAW-2 LAW-2S LAW-3 LAW-4 LAW-5 LAW-6 LAW-7 LAW-19", `{"steps":[{"do":"clamp","of":"p","in":"log","lo":"0x1p-1"}]}`, "every term grows"},
	{"LAW-10 LAW-13", `{"steps":[{"do":"clamp","of":"p","in":"log","lo":"0x1p-1"}]}`, "every term grows, by p·max(0, ln(½/p)), which is subadditive"},
	{"LAW-4 LAW-5 LAW-6 LAW-7", `{"steps":[{"do":"normalise","of":"p"},{"do":"add","of":"p","in":"log","value":"0x1p-1"}]}`, "every term grows"},
	{"LAW-10", `{"steps":[{"do":"normalise","of":"p"},{"do":"add","of":"p","in":"log","value":"0x1p-1"}]}`, "every term grows, by p ln(1 + 1/(2p)), which is subadditive"},
	{"LAW-8", `{"steps":[{"do":"add","of":"p","in":"log","value":"0x1p-1"},{"do":"normalise","of":"p"}]}`, "Σ p ln p′ ≤ Σ p ln p for two pmfs"},
	{"LAW-8", `{"steps":[{"do":"clamp","of":"q","lo":"0x1p-1"}]}`, "Q grows and P stays"},
	{"LAW-8", `{"steps":[{"do":"add","of":"q","value":"0x1p-1"}]}`, "Q grows and P stays"},
	{"LAW-8", `{"steps":[{"do":"replace","of":"q","at_or_below":"0","value":"0x1p-1"}]}`, "the bound is infinite where anything is replaced"},
	{"LAW-8", `{"steps":[{"do":"drop_term","where":"q","at_or_below":"0"}]}`, "the bound is infinite where a term is dropped"},
	{"LAW-8", `{"steps":[{"do":"add","of":"both","value":"0x1p-1"}]}`, "K is subadditive, and that of equal numbers is 0"},
	{"LAW-8", `{"steps":[{"do":"normalise","of":"both"},{"do":"clamp","of":"both","lo":"0x1p-1"},{"do":"normalise","of":"both"}]}`,
		"clamping makes every φ smaller, and P′ ≥ 1: K′ ≤ Σφ′/P′ ≤ Σφ = K"},
	{"LAW-16", `{"steps":[{"do":"normalise","of":"both"},{"do":"clamp","of":"both","lo":"0x1p-1"},{"do":"normalise","of":"both"}]}`, "Q stays constant"},
	{"LAW-16", `{"steps":[{"do":"add","of":"p","in":"log","value":"0x1p-1"},{"do":"normalise","of":"p"}]}`,
		"P′ is a mean of P and the constant, and K is convex"},
	{"LAW-15", `{"steps":[{"do":"replace","of":"both","at_or_below":"0x1p-1","value":"0x1p-2"}]}`, "what is replaced by less stays in order"},
	{"LAW-2 LAW-2S LAW-3", `{"steps":[{"do":"add","of":"both","value":"0x1p-1"}]}`, "P − Q stays"},
	{"LAW-20", `{"zero_q":"reject"}`, "what would contradict it is refused"},
	{"LAW-20", `{"zero_q":"nan"}`, "what would contradict it is NaN"},
	{"LAW-M2", `{"zero_p":"nan"}`, "what would contradict it is NaN"},
	{"LAW-M2", `{"zero_p":"reject"}`, "what would contradict it is refused"},
	{"LAW-M2 LAW-M3 LAW-M6 LAW-M7 LAW-M8 LAW-3 LAW-14 LAW-15", `{"requires_normalised":"0x1p-20"}`, "what is not normalised is refused"},
	{"LAW-M2 LAW-M3 LAW-M6 LAW-M7 LAW-M8 LAW-3 LAW-14 LAW-15", `{"requires_normalised":"0"}`, "what is not normalised is refused"},
}

// HoldsUnder is exact: where it says yes the oracle under that convention
// obeys the law, and where it says no it does not.
func TestHoldsUnder(t *testing.T) {
	reasons := map[string]string{}
	for _, r := range conservative {
		for _, id := range strings.Fields(r.laws) {
			reasons[id+" "+r.convention] = r.why
		}
	}
	for _, text := range conventions {
		c := conventionOf(t, text)
		if !estimates(c) {
			reasons["LAW-23 "+text] = "estimators are judged under the definition"
		}
		for _, l := range Laws() {
			s := Subject{oracle(c), c, spec.L5, spec.F64, offersAll}
			if l.HoldsUnder(c) {
				if o := Run(t.Context(), l, s, Options{1, 12}); o.Status != spec.Pass {
					t.Errorf("%s under %s: %s: %s", l.ID, text, o.Status, o.Message)
				}
				continue
			}
			key := l.ID + " " + text
			reason := reasons[key]
			delete(reasons, key)
			var o Outcome
			broken := false
			for seed := uint64(1); seed <= 8 && !broken; seed++ {
				o = run(t.Context(), l, s, Options{seed, 100}, 0)
				broken = o.Status == spec.Fail || o.Status == spec.Note
				if reason != "" {
					break
				}
			}
			switch {
			case !broken && reason == "":
				t.Errorf("%s under %s is said not to hold, but nothing drawn contradicts it: %s %s", l.ID, text, o.Status, o.Message)
			case broken && reason != "":
				t.Errorf("%s under %s is broken: %s", l.ID, text, o.Message)
			}
		}
	}
	for k := range reasons {
		t.Errorf("%s: the law holds by HoldsUnder, so that no reason is needed", k)
	}
}
