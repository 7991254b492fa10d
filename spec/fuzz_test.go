package spec_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"klconf/spec"
)

// sentence demands that an error is one line that says something.
func sentence(t *testing.T, err error) {
	t.Helper()
	if s := err.Error(); strings.TrimSpace(s) == "" || strings.ContainsAny(s, "\n\r") {
		t.Errorf("not one sentence: %q", s)
	}
}

// What is read of a known-failing file is written and read again unchanged.
func FuzzKnown(f *testing.F) {
	files, err := filepath.Glob("../adapters/*/known.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:min(len(data), 2000)])
	}
	f.Add([]byte(`{"schema":"klconf-known/1","known":[{"id":"golden/zero/*","status":"known-fail","why":"w","entry":"*"}]}`))
	f.Add([]byte(`{"schema":"klconf-known/1","known":[{"id":"a\nb","status":"known-fail","why":""}]}`))
	f.Add([]byte(`{"schema":"klconf-known/1","known":[{"id":"[","status":"known-fail","why":"w"}]}`))
	f.Add([]byte(`{"schema":"klconf-known/1","known":[]} {}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		known, err := spec.ReadKnown(data)
		if err != nil {
			sentence(t, err)
			return
		}
		text, err := spec.WriteKnown(known)
		if err != nil {
			t.Fatal(err)
		}
		again, err := spec.ReadKnown(text)
		if err != nil || len(known)+len(again) > 0 && !reflect.DeepEqual(known, again) {
			t.Errorf("%+v became %+v: %v\n%s", known, again, err, text)
		}
	})
}

// A convention that is read survives its own JSON, whole and field by field.
func FuzzConvention(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"complete":true}`, `{"base":"2","scale":0.5,"generalised":false}`, `{"normalises":"both","epsilon":{"kind":"clip_both","value":{"f64":"0x1p-52","f32":1e-7}}}`,
		`{"steps":[{"do":"replace","of":"q","at_or_below":"0","value":1e-10},{"do":"drop_term","where":"q","at_or_below":0}],"zero_q":"drop"}`,
		`{"steps":[]}`, `{"requires_normalised":"0x1p-20"}`, `{"requires_normalised":false}`, `{"result_dtype":{"f16":"f32"}}`, `{"steps":[{"do":"clamp","of":"both","lo":{}}]}`,
		`{"base":"e"}`, `{"scale":"-0x1p-3"}`, `{"steps":[{"do":"add","of":"p","value":{"f99":"1"}}]}`, `{"zero_q":"none\n"}`, `{"requires_normalised":true}`, `{"base":1e400}`,
		`{"requires_normalised":"e"}`, `{"steps":[{"do":"add","of":"p","value":"e"}]}`, `{"requires_normalised":null}`, `{"steps":[{"do":"clamp","of":"p","lo":null}]}`, `{"result_dtype":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c spec.Convention
		if err := json.Unmarshal(data, &c); err != nil {
			sentence(t, err)
			return
		}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", c, err)
		}
		var again spec.Convention
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if second, err := json.Marshal(again); err != nil || string(second) != string(text) {
			t.Fatalf("%s became %s: %v", text, second, err)
		}
		for _, field := range spec.Fields {
			var taken spec.Convention
			taken.Take(field, c)
			if taken.Has(field) != c.Has(field) || !taken.Same(field, c) {
				t.Errorf("%s of %s became %+v", field, text, taken)
			}
			c.Departure(field)
		}
	})
}

// A result file that is read is written and read again unchanged.
func FuzzReport(f *testing.F) {
	for _, seed := range []string{
		`{"schema":"klconf-result/1","implementation":{"id":"x"}}`,
		`{"schema":"klconf-result/1","implementation":{"id":"x","name":"n","convention":{"base":"2"}},"counts":{"pass":1},"results":[{"id":"golden/zero/q0/f64","requirements":["VAL-2"],"status":"pass","message":"","got":{"hex":"7ff0000000000000","decimal":"+Inf"},"expected":{"intervals":[{"lo":"0x1p+0","hi":"0x1.8p+0"}],"nan":false},"ulp":0.5}]}`,
		`{"schema":"klconf-result/1","implementation":{"id":"x"},"results":[{"expected":{"intervals":[{"lo":"-Inf","hi":"+Inf"}]}}]}`,
		`{"schema":"klconf-result/1","implementation":{"id":"x"},"results":[{"expected":{"intervals":[{}]}}]}`,
		`{"schema":"klconf-result/2"}`, `{"schema":"klconf-result/1"}`, `[]`, ``, `{"schema":"klconf-result/1","implementation":{"id":"x"},"accuracy":[{"stratum":"zero"}]}`,
		`{"schema":"klconf-result/1","implementation":{"id":"x"},"results":[{"expected":{"reject":true,"intervals":[{"lo":"0x1p-1000000000","hi":"0x1p+1000000000"}]}}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := spec.ReadReport(data)
		if err != nil {
			sentence(t, err)
			return
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("%s cannot be written: %v", data, err)
		}
		again, err := spec.ReadReport(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if second, err := json.Marshal(again); err != nil || string(second) != string(text) {
			t.Errorf("%s became %s: %v", text, second, err)
		}
	})
}
