package spec

import (
	"encoding/json"
	"strings"
	"testing"
)

// What is wrong in a convention is said in a sentence that names it.
func TestWrongConventionsAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		`{"base":"0"}`:                         "base 0 is not a finite number > 0 other than 1",
		`{"base":"1"}`:                         "base 1 is not a finite number",
		`{"base":"ten"}`:                       `"ten" is not an exact number: write a hexadecimal float`,
		`{"base":"0xz"}`:                       `"0xz" is not a hexadecimal float`,
		`{"base":{}}`:                          "",
		`{"scale":"0"}`:                        "scale 0 is not a finite number other than 0",
		`{"scale":"0.1"}`:                      `"0.1" is not an exact number`,
		`{"zero_q":"big"}`:                     `"zero_q" is `,
		`{"normalises":"q"}`:                   `"normalises" is none, both or p, not "q"`,
		`{"epsilon":{"kind":"x","value":"1"}}`: `epsilon kind "x" is none of`,
		`{"steps":[{"do":"smooth"}]}`:          `step 1: "do" is normalise, clamp, add, replace, add_ratio or drop_term, not "smooth"`,
		`{"steps":[{"do":"clamp","of":"r"}]}`:  `step 1: clamp: "of" is both, p or q, not "r"`,
		`{"steps":[{"do":"clamp","of":"p"}]}`:  `step 1: clamp needs "lo"`,
		`{"steps":[{"do":"add_ratio"}]}`:       `step 1: add_ratio needs "value"`,
		`{"steps":[{"do":"drop_term"}]}`:       `step 1: drop_term: "where" is p or q, not ""`,
		`{"result_dtype":{"f64":"u8"}}`:        `result_dtype maps "f64" to "u8"; both must be floating-point formats`,
		`{"steps":[{"do":"normalise","of":"p"},{"do":"add","of":"q","value":"1","in":"x"}]}`: `step 2: add: "in" is log or both, not "x"`,
	} {
		var c Convention
		err := json.Unmarshal([]byte(text), &c)
		if err == nil {
			err = c.Check()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// The short forms mean steps.
func TestShortFormsOfSteps(t *testing.T) {
	for text, want := range map[string]string{
		`{"normalises":"none"}`:                                     `{"steps":[]}`,
		`{"normalises":"p"}`:                                        `{"steps":[{"do":"normalise","of":"p"}]}`,
		`{"normalises":"both","epsilon":{"kind":"none"}}`:           `{"steps":[{"do":"normalise","of":"both"}]}`,
		`{"epsilon":{"kind":"none"}}`:                               `{"steps":[]}`,
		`{"epsilon":{"kind":"clip_both","value":"0x1p-10"}}`:        `{"steps":[{"do":"clamp","of":"both","in":"both","lo":"0x1p-10","hi":"1"}]}`,
		`{"epsilon":{"kind":"clip_log","value":"0x1p-10"}}`:         `{"steps":[{"do":"clamp","of":"both","in":"log","lo":"0x1p-10","hi":"1"}]}`,
		`{"epsilon":{"kind":"add_both","value":{"f32":"0x1p-10"}}}`: `{"steps":[{"do":"add","of":"both","in":"log","value":{"f32":"0x1p-10"}}]}`,
		`{"epsilon":{"kind":"replace_q0","value":"0x1p-10"}}`:       `{"steps":[{"do":"replace","of":"q","at_or_below":"0","value":"0x1p-10"}]}`,
	} {
		var short, long Convention
		if err := json.Unmarshal([]byte(text), &short); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if err := json.Unmarshal([]byte(want), &long); err != nil {
			t.Fatal(err)
		}
		if !short.Same("steps", long) {
			t.Errorf("%s is %v, want %v", text, short.Steps, long.Steps)
		}
	}
}

// What is wrong in a list of known failures is said with its place.
func TestWrongKnownListsAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		`[]`:                                   "not of the form",
		`{"schema":"klconf-known/0"}`:          `the schema is "klconf-known/0", not "klconf-known/1"`,
		item(`"id":"["`):                       `item 1: "[" is not a pattern`,
		item(`"id":"a","status":"fail"`):       `item 1, "a": the status is known-fail or known-flaky, not "fail"`,
		item(`"id":"a","status":"known-fail"`): `item 1, "a": why must be given`,
		item(`"id":"a","status":"known-fail","reason":"x"`): `unknown field "reason"`,
	} {
		if _, err := ReadKnown([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	list, err := ReadKnown([]byte(item(`"id":"a/*","entry":"b","status":"known-flaky","why":"x"`)))
	if err != nil || len(list) != 1 || !list[0].Applies("b") || list[0].Applies("c") {
		t.Errorf("%v %v", list, err)
	}
}

func item(fields string) string {
	return `{"schema":"klconf-known/1","known":[{` + fields + `}]}`
}

// An interval is read as exactly as it was written, and what is none is refused.
func TestIntervalsSurviveJSON(t *testing.T) {
	for _, text := range []string{`{"Lo":"0x1.8p-1074","Hi":"+Inf"}`, `{"Lo":"-Inf","Hi":"0x1.0000000000000000000000001p+00"}`} {
		var v, again Interval
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(v)
		if err == nil {
			err = json.Unmarshal(b, &again)
		}
		if err != nil || v.Lo.Cmp(again.Lo) != 0 || v.Hi.Cmp(again.Hi) != 0 {
			t.Errorf("%s became %s, %v", text, b, err)
		}
	}
	for _, text := range []string{`{"Lo":"x","Hi":"0"}`, `{"Lo":"0","Hi":"x"}`, `[]`} {
		if err := json.Unmarshal([]byte(text), new(Interval)); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}
