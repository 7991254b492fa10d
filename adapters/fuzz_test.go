package adapters

import (
	"encoding/json"
	"io/fs"
	"reflect"
	"strings"
	"testing"
)

// A manifest is refused with one sentence, or survives its own JSON and still passes.
func FuzzManifest(f *testing.F) {
	files, err := fs.Glob(embedded, "*/manifest.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, file := range files {
		data, err := fs.ReadFile(embedded, file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"name":"x","title":"X","language":"Go","start":["{file}"],"entries":[{"id":"a\nb","title":"t"}]}`))
	f.Add([]byte(`{"name":"x","title":"X","language":"Go","start":["{file}"],"packages":{"a\n":"1"},"entries":[{"id":"e","title":"t","convention":{"hue":1}}]}`))
	f.Add([]byte(`{"name":"x","title":"X","language":"Go","start":["{file}"],"entries":[{"id":"e","title":"t","convention":{"zero_q":"drop"},"CONVENTION":null}]}`))
	f.Add([]byte(`{"entries":[{"convention":{"base":null}},{"id":"\n","convention":{"x":1}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parse(data)
		if err == nil {
			err = m.check(m.Name)
		}
		if err != nil {
			if s := err.Error(); s == "" || strings.ContainsAny(s, "\n\r") {
				t.Errorf("not one sentence: %q", s)
			}
			return
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse(text)
		if err == nil {
			err = again.check(m.Name)
		}
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if second, err := json.Marshal(again); err != nil || !reflect.DeepEqual(second, text) {
			t.Errorf("%s became %s: %v", text, second, err)
		}
	})
}
