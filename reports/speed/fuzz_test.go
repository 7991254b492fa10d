package speed

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// Text is refused with one sentence, or everything can be drawn of it.
func FuzzRead(f *testing.F) {
	const header = "goos: linux\ncommit: c1\n"
	for _, seed := range []string{header + "BenchmarkKL/impl=a/dtype=f64/data=softmax/n=64 10 100 ns/op 1.5 ns/el 2 x-dot 0.5 ulp-max\n",
		header + "BenchmarkKL/impl=a/n=4 10 fast ns/op\n", "BenchmarkKL/impl=a/n=0 1 0 ns/op\n", "BenchmarkKL/impl=a/n=-4 1 1 ns/op\nBenchmarkKL/impl=b/n=-4 1 1 ns/op\n",
		"BenchmarkKL/impl=a/n=99999999999999999999 1 1 ns/op\n", "BenchmarkX 10 NaN ns/op\ncommit: c2\nBenchmarkX 10 +Inf ns/op\n", "BenchmarkX 10 1e308 ns/op\ncommit: c2\nBenchmarkX 10 1e-308 ns/op\n",
		"BenchmarkKL/impl=a/n=1 1 0 ns/op\nBenchmarkKL/impl=b/n=1 1 0 ns/op\nBenchmarkKL/impl=b/n=2 1 -3 ns/op\n", "", "\x00", "Benchmark\n",
		strings.Repeat("commit: c\nBenchmarkX 10 100 ns/op\n", 4) + strings.Repeat("commit: d\nBenchmarkX 10 200 ns/op\n", 4)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := Read(bytes.NewReader(data), "file")
		if err != nil {
			if s := err.Error(); s == "" || strings.ContainsAny(s, "\n\r") {
				t.Errorf("not one sentence: %q", s)
			}
			return
		}
		for what, draw := range map[string]func() error{
			"the table":    func() error { return Table(io.Discard, all) },
			"the findings": func() error { return WriteFindings(io.Discard, Requirements(all)) },
			"the trends":   func() error { return WriteTrends(io.Discard, Trends(all, "ns/op")) },
		} {
			if err := draw(); err != nil && strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}
