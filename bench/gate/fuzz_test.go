package gate

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func sentence(t *testing.T, err error) {
	t.Helper()
	if s := err.Error(); strings.TrimSpace(s) == "" || strings.ContainsAny(s, "\n\r") {
		t.Errorf("not one sentence: %q", s)
	}
}

// A policy is refused with one sentence, or survives its own JSON.
func FuzzPolicy(f *testing.F) {
	text, err := json.Marshal(DefaultPolicy())
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(text), `{"schema":"klconf-gate-policy/1"}`, `{"schema":"klconf-gate-policy/1","filter":"/n:4 OR\n"}`,
		`{"schema":"klconf-gate-policy/1","better":{"x\n":"up"}}`, `{"schema":"klconf-gate-policy/1","alpha":1}`, `{"schema":"klconf-gate-policy/1"} {}`,
		`{"schema":"klconf-gate-policy/1","exact":null,"better":{},"min_samples":-1}`, `{"schema":"klconf-gate-policy/1","hue":1}`, `[]`, ``,
		`{"schema":"klconf-gate-policy/1","filter":"\"\\x\""}`, `{"schema":"klconf-gate-policy/1","missing":"x\ny"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ReadPolicy(data)
		if err != nil {
			sentence(t, err)
			return
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ReadPolicy(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if second, err := json.Marshal(again); err != nil || string(second) != string(text) {
			t.Errorf("%s became %s: %v", text, second, err)
		}
	})
}

// Text is refused with one sentence, or what is read compares with itself as unchanged.
func FuzzReadSet(f *testing.F) {
	many := strings.Repeat("BenchmarkX-8 100 12.5 ns/op 0 B/op 0 allocs/op\n", 12)
	for _, seed := range []string{"goos: linux\npkg: a\n" + many + "PASS\nok a 1s\n", "BenchmarkX 1 1 ns/op\n--- FAIL: X\n", "heading\n" + many, "heading\n", "",
		"Unit ns/op better=higher\n" + many, "Unit x assume=\nBenchmarkX 1 1 x\n", "BenchmarkX 1 NaN ns/op\n", "BenchmarkX 1 1 ns/op 2 ns/op\n", "BenchmarkX 1 fast ns/op\n",
		"12 13 ns/op\n", "pkg: a\r\nBenchmarkX/n=1-8 1 1 ns/op\r\nround: 2\r\nBenchmarkX/n=1-8 1 1 ns/op\r\n", "\ufeffBenchmarkX 1 -1 ns/op\n", "BenchmarkX 1 0 ns/op\nBenchmarkX 1 1e308 ns/op\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p := DefaultPolicy()
		s, err := readSet("file", data, p, 0)
		if err != nil {
			sentence(t, err)
			return
		}
		again, err := readSet("file", data, p, 0)
		if err != nil || !reflect.DeepEqual(s.order, again.order) {
			t.Fatalf("read twice: %v, %v: %v", s.order, again.order, err)
		}
		report, err := Options{Policy: p}.compare(s, again, s.read+again.read)
		if err != nil {
			sentence(t, err)
			return
		}
		if text, err := json.Marshal(report); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
		for _, c := range report.Results {
			if c.Outcome == Regressed || c.Outcome == Improved {
				t.Errorf("the same text twice: %+v", c)
			}
		}
	})
}
