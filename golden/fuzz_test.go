package golden_test

import (
	"io/fs"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"klconf/golden"
)

// A file of vectors is refused with one sentence, or every question in it can be asked.
func FuzzVectors(f *testing.F) {
	names, err := fs.Glob(golden.Files(), "*.json")
	if err != nil || len(names) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(golden.Files(), name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(firstVector(data))
	}
	f.Add([]byte(`{"schema":"klconf-vectors/1","family":"a\nb","vectors":[{"id":"golden/x\n/y","op":"kl"}]}`))
	f.Add([]byte(`{"schema":"klconf-vectors/1","family":"x","vectors":[{"id":"golden/x/y","op":"kl","dtype":"f64","shape":[9223372036854775807,9223372036854775807],"p":[],"q":[]}]}`))
	f.Add([]byte(`{"schema":"klconf-vectors/1","family":"x","vectors":[{"id":"golden/x/y","op":"kl_rows","dtype":"f64","shape":[],"p":[],"q":[],"expected":[]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		vectors, _, err := golden.Parse(data)
		if err != nil {
			if s := err.Error(); s == "" || strings.ContainsAny(s, "\n\r") {
				t.Errorf("not one sentence: %q", s)
			}
			return
		}
		for _, v := range vectors {
			for _, s := range v.Expected.Values {
				for _, i := range s.Intervals {
					if i.Lo.Cmp(i.Hi) > 0 {
						t.Errorf("%s: an enclosure from %v to %v", v.ID, i.Lo, i.Hi)
					}
					if w, ok := golden.Width(i); ok {
						if d := new(big.Float).Sub(i.Hi, i.Lo); d.Cmp(new(big.Float).SetMantExp(big.NewFloat(1), -w)) > 0 {
							t.Errorf("%s: wider than 2^-%d", v.ID, w)
						}
					}
				}
			}
			if v.Len() > 1<<16 {
				continue // a generator may be asked for a lot
			}
			r := v.Request()
			for _, a := range r.Arrays {
				if err := a.Check(); err != nil {
					t.Errorf("%s: %v", v.ID, err)
				}
			}
			if again := v.Request(); !reflect.DeepEqual(r, again) {
				t.Errorf("%s: %v became %v", v.ID, r, again)
			}
		}
	})
}

// firstVector cuts a file, which has a vector a line or a few, after its first one.
func firstVector(data []byte) []byte {
	text := string(data)
	start := strings.Index(text, `"vectors"`)
	depth, quoted := 0, false
	for i := start; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' && text[i-1] != '\\':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return []byte(text[:i+1] + "]}")
			}
		}
	}
	return data
}

// The seeds must be files, or nothing would be tried.
func TestFirstVector(t *testing.T) {
	names, _ := fs.Glob(golden.Files(), "*.json")
	for _, name := range names {
		data, err := fs.ReadFile(golden.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		if v, _, err := golden.Parse(firstVector(data)); err != nil || len(v) != 1 {
			t.Errorf("%s: %d vectors, %v", name, len(v), err)
		}
	}
}
