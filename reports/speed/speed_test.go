package speed

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// A row is one benchmark whose rounds take t·noise nanoseconds.
type row struct {
	function, impl, data string
	n                    int
	t, dot, ulp, bytes   float64
}

var noise = []float64{0.99, 1.01, 1, 0.995, 1.005, 1, 0.99, 1.01}

// benchmarks writes benchmarks in their format.
func benchmarks(list ...row) string {
	var b strings.Builder
	b.WriteString("goos: linux\ncpu: any\nUnit ns/el better=lower\nUnit ulp-max better=lower assume=exact\n")
	for _, x := range list {
		for i, f := range noise {
			t, dot := x.t*f, x.dot*noise[(i+3)%len(noise)]
			fmt.Fprintf(&b, "Benchmark%s/impl=%s/dtype=f64/data=%s/n=%d\t10\t%.9g ns/op\t%.9g ns/el\t%.9g x-dot\t%v ulp-max\t%v B/op\n",
				x.function, x.impl, x.data, x.n, t, t/float64(x.n), t/dot, x.ulp, x.bytes)
		}
	}
	return b.String()
}

func parsed(t *testing.T, s string) []*Series {
	t.Helper()
	all, err := Read(strings.NewReader(s), "test.txt")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var two = benchmarks(
	row{"KL", "ours", "softmax", 1024, 1000, 100, 0.5, 0},
	row{"KL", "ours", "softmax", 32768, 32000, 3200, 0.5, 0},
	row{"KL", "theirs", "softmax", 1024, 2500, 100, 12, 8192},
	row{"KL", "theirs", "softmax", 32768, 64000, 3200, math.Inf(1), 262144},
)

func TestRead(t *testing.T) {
	all := parsed(t, two)
	if len(all) != 4 || all[2].Impl != "theirs" || all[2].N != 1024 || len(all[2].Values["ulp-max"]) != 8 || all[0].Config["cpu"] != "any" {
		t.Errorf("%+v", all[2])
	}
	for bad, says := range map[string]string{
		"BenchmarkX 10 abc ns/op\n": "test.txt:1:",
		"nothing here\n":            "no line of a benchmark",
	} {
		if _, err := Read(strings.NewReader(bad), "test.txt"); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	if err := Table(&b, parsed(t, two)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"KL, f64, softmax", "n = 1024", "n = 32768", "0.98 [0.97, 0.99] ns", "2.50 [2.50, 2.50]", "2.00 [2.00, 2.00]", "∞", "262144"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in the table:\n%s", want, b.String())
		}
	}
	if err := Table(io.Discard, parsed(t, "BenchmarkX 10 5 ns/op\n")); err == nil || !strings.Contains(err.Error(), "impl and n") {
		t.Errorf("names without keys: %v", err)
	}
}

// Every requirement must be missed by who misses it, and by nobody else.
func TestRequirements(t *testing.T) {
	sizes := []int{64, 1024, 32768, 131072, 4 << 20}
	// measured is what an implementation measures that takes t(n) and bytes(n), and special
	// times as much for zeros.
	measured := func(time, bytes func(n float64) float64, special, after float64) string {
		var list []row
		for _, n := range sizes {
			x := float64(n)
			dot := 0.16 * x
			if n > 1<<20 {
				dot = 0.5 * x
			}
			list = append(list, row{"KL", "it", "softmax", n, time(x) + dot, dot, 1, bytes(x)},
				row{"KL", "it", "zeros", n, special * time(x), dot, 1, bytes(x)})
		}
		for _, n := range []int{1023, 1024, 1025} {
			x := time(float64(n))
			if n == 1025 {
				x *= after
			}
			list = append(list, row{Steps, "it", "softmax", n, x, 0.16 * float64(n), 1, 0})
		}
		return benchmarks(list...)
	}
	linear := func(n float64) float64 { return 40 + 2*n }
	none := func(float64) float64 { return 0 }
	for _, c := range []struct {
		name   string
		text   string
		missed string
	}{
		{"right", measured(linear, func(float64) float64 { return 48 }, 2, 1.02), ""},
		{"a sort", measured(func(n float64) float64 { return n * math.Log2(n) / 8 }, none, 1, 1), "PERF-1"},
		{"a square", measured(func(n float64) float64 { return n * n / 1e5 }, none, 1, 1), "PERF-1 PERF-4"},
		{"slow zeros", measured(linear, none, 12, 1), "PERF-2"},
		{"a temporary array", measured(linear, func(n float64) float64 { return 8 * n }, 1, 1), "PERF-3"},
		{"a mask", measured(linear, func(n float64) float64 { return n }, 1, 1), "PERF-3"},
		{"a scalar library", measured(func(n float64) float64 { return 20 * n }, none, 1, 1), "PERF-4"},
		{"a rest answered twice", measured(linear, none, 1, 1.4), "PERF-6"},
	} {
		var missed []string
		list := Requirements(parsed(t, c.text))
		for _, f := range list {
			if !f.Met {
				missed = append(missed, f.Requirement)
			}
		}
		if got := strings.Join(missed, " "); got != c.missed || len(list) != 5 {
			t.Errorf("%s: %d findings, missed %q, want %q: %+v", c.name, len(list), got, c.missed, list)
		}
		var b strings.Builder
		if err := WriteFindings(&b, list); err != nil || strings.Contains(b.String(), "NOT MET") != (c.missed != "") {
			t.Errorf("%s: %v\n%s", c.name, err, b.String())
		}
	}
	if got := Requirements(parsed(t, benchmarks(row{"KL", "it", "softmax", 64, 100, 10, 1, 0}))); len(got) != 0 {
		t.Errorf("of one short length: %+v", got)
	}
}

// Pictures are XML, in the ink of their surroundings, and name every implementation.
func TestPictures(t *testing.T) {
	for name, draw := range map[string]func(io.Writer, []*Series) error{"time": Time, "accuracy": Accuracy} {
		var b bytes.Buffer
		if err := draw(&b, parsed(t, two)); err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(bytes.NewReader(b.Bytes()))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		svg := b.String()
		for _, want := range []string{"ours", "theirs", "currentColor", "KL, f64, softmax"} {
			if !strings.Contains(svg, want) {
				t.Errorf("%s does not have %q", name, want)
			}
		}
		for _, bad := range []string{"#000000", "#FFFFFF", "NaN", "Inf", "Liberation"} {
			if strings.Contains(svg, bad) {
				t.Errorf("%s has %q", name, bad)
			}
		}
		if name == "time" && !strings.Contains(svg, "dot product") {
			t.Error("the limit is not drawn")
		}
	}
}

// False changes are rare, and a change that stands out is found where it is.
func TestChanges(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	history := func(runs int, noise float64) []float64 {
		x := make([]float64, runs)
		for i := range x {
			x[i] = math.Exp(noise * r.NormFloat64())
		}
		return x
	}
	alarms := 0
	for range 1000 {
		alarms += len(changes(history(6+r.IntN(35), 0.03)))
	}
	if alarms > 20 {
		t.Errorf("%d false changes in 1000 histories", alarms)
	}
	t.Logf("%d false changes in 1000 histories", alarms)
	for _, c := range []struct {
		noise, shift float64
		runs, least  int // of 100
	}{{0.01, 0.10, 20, 98}, {0.03, 0.20, 30, 98}, {0.01, 0.05, 30, 95}, {0.001, 0.03, 10, 98}} {
		found := 0
		for range 100 {
			x := history(c.runs, c.noise)
			for i := c.runs / 2; i < c.runs; i++ {
				x[i] *= 1 + c.shift
			}
			if at := changes(x); len(at) == 1 && at[0] >= c.runs/2-1 && at[0] <= c.runs/2+1 {
				found++
			}
		}
		if found < c.least {
			t.Errorf("noise %v, shift %v, %d runs: found in %d of 100", c.noise, c.shift, c.runs, found)
		}
	}
	// One slow run, a change too small to matter, and too few runs.
	for _, x := range [][]float64{{1, 1.001, 1, 1.5, 1, 1.001, 1}, {1, 1, 1, 1, 1.01, 1.01, 1.01, 1.01}, {1, 1, 1, 2, 2}} {
		if at := changes(x); len(at) > 0 {
			t.Errorf("%v changes at %v", x, at)
		}
	}
	if at := changes([]float64{1, 1, 1.001, 1, 1.2, 1.2, 1.201, 1.2, 0.9, 0.9, 0.901}); fmt.Sprint(at) != "[4 8]" {
		t.Errorf("two changes: %v", at)
	}
}

func TestTrends(t *testing.T) {
	var b strings.Builder
	for run := range 8 {
		fmt.Fprintf(&b, "commit: c%d\n", run)
		cost := 1000.0
		if run >= 5 {
			cost = 1100
		}
		b.WriteString(benchmarks(row{"KL", "ours", "softmax", 1024, cost, 100, 0.5, 0}))
	}
	list := Trends(parsed(t, b.String()), "ns/el")
	if len(list) != 1 || len(list[0].Runs) != 8 || fmt.Sprint(list[0].Changes) != "[5]" || list[0].Runs[5].Label != "c5" {
		t.Fatalf("%+v", list)
	}
	var text, svg strings.Builder
	if err := WriteTrends(&text, list); err != nil || !strings.Contains(text.String(), "changed at c5: 0.98 → 1.07 ns/el (+10.0 %)") {
		t.Errorf("%v: %s", err, text.String())
	}
	if err := DrawTrends(&svg, list); err != nil || !strings.Contains(svg.String(), "KL/impl=ours") {
		t.Errorf("%v: %s", err, svg.String())
	}
	if list := Trends(parsed(t, b.String()), "furlongs"); len(list) > 0 {
		t.Errorf("a unit that nothing has: %+v", list)
	}
}

func TestRatios(t *testing.T) {
	slower := strings.ReplaceAll(two, "theirs/dtype=f64/data=softmax/n=32768", "theirs/dtype=f64/data=softmax/n=1")
	for _, c := range []struct {
		other string
		says  string
	}{
		{two, "2 of 2 ratios agree"},
		{slower, "1 of 1 ratios agree"},
		{benchmarks(row{"KL", "ours", "softmax", 1024, 1000, 100, 0.5, 0}, row{"KL", "theirs", "softmax", 1024, 2600, 100, 12, 0}), "theirs: 2.50 [2.50, 2.50] and 2.60"},
	} {
		var b strings.Builder
		if err := WriteRatios(&b, Ratios(parsed(t, two), parsed(t, c.other))); err != nil || !strings.Contains(b.String(), c.says) {
			t.Errorf("%v, %s: want %q", err, b.String(), c.says)
		}
	}
}

func TestOverDot(t *testing.T) {
	const line = "BenchmarkKL/impl=library:f/dtype=%s/data=softmax/n=%d 1 10 ns/op %d x-dot\n"
	all := parsed(t, fmt.Sprintf(strings.Repeat(line, 5), "f64", 1024, 21, "f64", 1024, 23, "f64", 1024, 22, "f32", 1024, 99, "f64", 64, 98))
	if got := OverDot(all, "KL", "f64", "softmax", 1024); len(got) != 1 || got["library:f"] != 22 {
		t.Errorf("%v", got)
	}
}
