package reports

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"klconf/spec"
)

var update = flag.Bool("update", false, "write testdata anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s is not what is written (-want +got; -update writes it):\n%s", name, d)
	}
}

func written(t *testing.T, write func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func hexFloat(s string) *big.Float {
	x, _, err := big.ParseFloat(s, 0, 200, big.ToNearestEven)
	if err != nil {
		panic(err)
	}
	return x
}

func ptr[T any](x T) *T { return &x }

// fixed returns reports of every kind.
func fixed() []spec.Report {
	suite := spec.Suite{Version: "0.1.0", Spec: "0.1", Vectors: "0.1", Mode: "quick", Seed: 1}
	environment := spec.Environment{OS: "linux", Arch: "amd64", CPU: "a processor", Seconds: 1.25}
	definition := spec.Definition()
	report := func(id, version string, v spec.Verdict) spec.Report {
		return spec.Report{
			Schema: spec.ResultSchema, Suite: suite, Environment: environment, Verdict: v,
			Implementation: spec.Subject{ID: id, Description: spec.Description{Name: id, Version: version, Ops: []spec.Op{"kl"},
				DTypes: []spec.DType{spec.F64}, Convention: &definition}, ConventionSource: map[string]string{"base": "declared"}},
			Counts: map[spec.Status]int{}, Results: []spec.Result{},
		}
	}
	add := func(r *spec.Report, results ...spec.Result) {
		for _, x := range results {
			r.Counts[x.Status]++
			r.Results = append(r.Results, x)
		}
	}
	inputs := []spec.Input{
		{Name: "p", DType: spec.F64, Shape: []int{5}, Hex: []string{"3fe0000000000000", "3fd0000000000000", "3fc0000000000000", "3fb0000000000000", "0000000000000001"},
			Decimal: []string{"0.5", "0.25", "0.125", "0.0625", "5e-324"}},
		{Name: "q", DType: spec.F64, Shape: []int{2}, Hex: []string{"3fe0000000000000", "7ff8000000000000"}, Decimal: []string{"0.5", "NaN"}},
	}
	value := &spec.Set{RN: "3fe058aefa811452", Intervals: []spec.Interval{{
		Lo: hexFloat("0x1.058aefa811451a5cd9e84c8cf5b1d0p-1"), Hi: hexFloat("0x1.058aefa811451a5cd9e84c8cf5b1d8p-1")}}}
	outside := &spec.Set{NaN: true, Reject: true}
	infinity := &spec.Set{Intervals: []spec.Interval{{Lo: new(big.Float).SetInf(false), Hi: new(big.Float).SetInf(false)}}}

	reference := report("reference", "0.1.0", spec.Conforming)
	reference.Agrees, reference.Level = spec.Agreement{PMF: true, PMFAsked: true, Measure: true, MeasureAsked: true}, spec.L5
	add(&reference, spec.Result{ID: "golden/generic/two/f64", Requirements: []string{"DEF-1"}, Status: spec.Pass})
	reference.Accuracy = []spec.Accuracy{{Stratum: "generic", DType: spec.F64, N: 12, ULPMax: .5, ULPP99: .49912, ULPMedian: .2512, Level: spec.L5,
		ULPLog2: map[int]int{-10: 1, -3: 5, -2: 5, -1: 1}, Worst: "golden/generic/two/f64", WorstInputs: inputs}}

	library := report("library/f", "1.17.1", spec.Nonconforming)
	library.Implementation.Tool, library.Implementation.Title = "The Library", "library.f(p, q)"
	library.Agrees, library.Level = spec.Agreement{PMF: true, PMFAsked: true, MeasureAsked: true, MeasureBy: "golden/measure/counts/f64"}, spec.L1
	library.Accuracy = []spec.Accuracy{
		{Stratum: "generic", DType: spec.F64, N: 12, ULPMax: 12.3401, ULPP99: 11, ULPMedian: .7345, Level: spec.L2, ULPLog2: map[int]int{-1: 10, 3: 2}},
		{Stratum: "near-equal", DType: spec.F64, N: 12, ULPMax: math.MaxFloat64, ULPP99: 4e15, Level: spec.L1, ULPLog2: map[int]int{-1: 1, 51: 10, spec.InfiniteULPLog2: 1}},
		{Stratum: "large-n", DType: spec.F64, N: 1, ULPMax: 1e300, ULPP99: 1e300, Level: spec.L2},
	}
	def1, _ := spec.Lookup("DEF-1")
	add(&library,
		spec.Result{ID: "golden/generic/two/f64", Requirements: []string{"DEF-1"}, Status: spec.Pass},
		spec.Result{ID: "golden/generic/three/f64", Requirements: []string{"DEF-1", "ACC-1"}, Status: spec.Fail, Inputs: inputs,
			Message: "DEF-1: got 0.3 (" + def1.Statement + ")", Expected: value, ULP: ptr(1.9e15), Cond: ptr(3.2),
			Got: &spec.Got{Hex: "3fd3333333333333", Decimal: "0.3"}, Rerun: "klconf run library/f --only golden/generic/three/f64 --seed 1"},
		spec.Result{ID: "golden/special/nan/f64", Requirements: []string{"VAL-5"}, Status: spec.StatusCrash, Inputs: inputs[1:],
			Message: "it died: exit status 1; stderr ends: \x1b[31mTraceback\x00 | <b>a & b</b>", Expected: outside, Got: &spec.Got{Status: "crash"}},
		spec.Result{ID: "golden/rows/inf/f64", Requirements: []string{"VAL-2"}, Status: spec.Fail, Message: "got 7", Expected: infinity,
			Got: &spec.Got{Hex: "401c000000000000", Decimal: "7", Element: ptr(3)}},
		spec.Result{ID: "golden/empty/rows/f64", Requirements: []string{"VAL-9"}, Status: spec.StatusTimeout, Message: "no answer within 10s"},
		spec.Result{ID: "io/echo/f64", Requirements: []string{"IO-5"}, Status: spec.StatusProtocol, Message: `klap: a line that is not JSON; first bytes: "hello"`},
		spec.Result{ID: "io/echo/f32", Requirements: []string{"IO-5"}, Status: spec.StatusError, Message: ""},
		spec.Result{ID: "law/LAW-1/f64", Requirements: []string{"LAW-1"}, Status: spec.StatusNotRun, Message: "3 of 3 died under law/LAW-1"},
		spec.Result{ID: "golden/zero/a/f64", Requirements: []string{"VAL-1"}, Status: spec.KnownFail, Message: "got NaN", Inputs: inputs,
			Known: &spec.Known{ID: "golden/zero/*/f64", Status: spec.KnownFail, Why: "a bug | of theirs", Source: "library/library#1"}},
		spec.Result{ID: "golden/zero/b/f64", Requirements: []string{"VAL-1"}, Status: spec.KnownFlaky, Message: "got NaN"},
		spec.Result{ID: "golden/zero/a/f16", Requirements: []string{"VAL-1"}, Status: spec.StatusUnsupported, Message: "kl in f16 is not offered"},
		spec.Result{ID: "detect/direction", Requirements: []string{"DEF-2"}, Status: spec.Skipped, Message: "the probes fit no known convention"},
		spec.Result{ID: "accuracy/l2/near-equal/f64", Requirements: []string{"ACC-2"}, Status: spec.Note, Message: "L1 is reached"},
		spec.Result{ID: "accuracy/l3/near-equal/f64", Requirements: []string{"ACC-3"}, Status: spec.Note, Message: "L1 is reached"},
	)

	undeclared := report("./my-adapter --with 'a long command' and several arguments", "2", spec.Undeclared)
	undeclared.Level = spec.L3
	undeclared.Agrees = spec.Agreement{PMFAsked: true, MeasureAsked: true, PMFBy: "golden/article/three/f64", MeasureBy: "golden/measure/counts/f64"}
	undeclared.Implementation.Convention = &spec.Convention{Base: "2"}
	undeclared.Suggestion = `"convention":{"base":"2"}`
	undeclared.Findings = []string{`looks like "base":"2"; if that is meant, declare it: ` + undeclared.Suggestion, "a *second* finding"}
	add(&undeclared, spec.Result{ID: "detect/base", Requirements: []string{"DEF-4"}, Status: spec.Note, Message: `looks like "base":"2"; if that is meant, declare it`})

	stopped := report("slow", "", spec.Incomplete)
	stopped.Incomplete = "interrupted"
	add(&stopped, spec.Result{ID: "golden/generic/two/f64", Requirements: []string{"DEF-1"}, Status: spec.Pass})

	absent := report("absent/f", "", spec.Incomplete)
	absent.Environment.Seconds = 0
	absent.Incomplete = "not run: adapter absent needs the command cargo, which is not on PATH"

	return []spec.Report{reference, library, undeclared, stopped, absent}
}

func TestTerminal(t *testing.T) {
	for _, c := range []struct {
		file string
		Options
	}{
		{"wide.txt", Options{More: "--full-output writes all"}},
		{"120.txt", Options{Width: 120, Failures: 2}},
		{"80.txt", Options{Width: 80, Failures: 1, Color: true}},
		{"all.txt", Options{Width: 100, Failures: -1}},
	} {
		got := written(t, func(w io.Writer) error { return Terminal(w, fixed(), c.Options) })
		golden(t, c.file, got)
		for line := range strings.Lines(string(got)) {
			pasted := strings.Contains(line, "convention") || strings.Contains(line, "rerun")
			if n := text.StringWidthWithoutEscSequences(strings.TrimRight(line, "\n")); c.Width > 0 && n > c.Width && !pasted {
				t.Errorf("%s: a line of %d columns: %s", c.file, n, line)
			}
			if strings.HasSuffix(line, " \n") {
				t.Errorf("%s: a line ends in space: %q", c.file, line)
			}
		}
		if escapes := bytes.Count(got, []byte("\x1b")); (escapes > 0) != c.Color || bytes.ContainsRune(got, 0) {
			t.Errorf("%s: control characters of an adapter reach the terminal", c.file)
		}
	}
}

func TestMarkdown(t *testing.T) {
	golden(t, "report.md", written(t, func(w io.Writer) error { return Markdown(w, fixed(), nil) }))
}

func TestJUnit(t *testing.T) {
	got := written(t, func(w io.Writer) error { return JUnit(w, fixed()) })
	golden(t, "junit.xml", got)

	var back suites
	if err := xml.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(got))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range fixed() {
		s := back.Suites[i]
		red := len(bad(r))
		if r.Verdict != spec.Conforming {
			red++
		}
		if s.Tests != len(r.Results)+1 || s.Tests != len(s.Cases) || s.Failures+s.Errors != red {
			t.Errorf("%s: %d tests, %d failures, %d errors", s.Name, s.Tests, s.Failures, s.Errors)
		}
	}
}

func TestJSON(t *testing.T) {
	c := jsonschema.NewCompiler()
	schema, err := c.Compile(filepath.Join("..", "spec", "schema", "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range fixed() {
		got := written(t, func(w io.Writer) error { return JSON(w, r) })
		if i == 1 {
			golden(t, "result.json", got)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(got))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", r.Implementation.ID, err)
		}
		var back spec.Report
		if err := json.Unmarshal(got, &back); err != nil {
			t.Error(err)
		}
		if again := written(t, func(w io.Writer) error { return JSON(w, back) }); !bytes.Equal(got, again) {
			t.Errorf("%s changes when it is read and written again:\n%s", r.Implementation.ID, cmp.Diff(string(got), string(again)))
		}
	}
}

func TestWriteErrors(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"JSON":     func(w io.Writer) error { return JSON(w, fixed()[0]) },
		"JUnit":    func(w io.Writer) error { return JUnit(w, fixed()) },
		"Markdown": func(w io.Writer) error { return Markdown(w, fixed(), nil) },
		"Terminal": func(w io.Writer) error { return Terminal(w, fixed(), Options{}) },
	} {
		if err := write(full{}); !errors.Is(err, errFull) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestDigits(t *testing.T) {
	for x, want := range map[float64]string{0: "0", .5: "0.5", .4991: "0.5", .50001: "0.501", 12.34: "12.4", 99.99: "100", 999.1: "1e+03",
		1.9e15: "1.9e+15", math.MaxFloat64: "∞", 1e-9: "1e-09"} {
		if got := digits(x); got != want {
			t.Errorf("digits(%v) = %s, want %s", x, got, want)
		}
	}
	for _, x := range []float64{.1, 1. / 3, math.Pi, 1e22, 1.005e-7} {
		var y float64
		if _, err := fmt.Sscan(digits(x), &y); err != nil || y < x || y > 1.02*x {
			t.Errorf("digits(%v) = %s is no close bound", x, digits(x))
		}
	}
}
