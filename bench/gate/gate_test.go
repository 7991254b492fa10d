package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Each rule must be missed: without it a demand of the proof is not met.
func TestRulesAreNotIdle(t *testing.T) {
	if os.Getenv("KLCONF_FULL") == "" {
		t.Skip("half a minute of replays and simulations: KLCONF_FULL=1, as .ci/run has it")
	}
	rec, gate := readRecord(t), newLimits(DefaultPolicy())
	t.Run("no Holm correction", func(t *testing.T) {
		l := gate
		l.noHolm, l.noRerun, l.noSpread = true, true, true
		n, _ := rec.alarms(t, l, byRounds)
		l.noHolm = false
		with, where := rec.alarms(t, l, byRounds)
		if n <= 10 || with > n/10 {
			t.Errorf("%d false alarms in the record without the correction, %d with it: %v", n, with, where)
		}
	})
	t.Run("no least effect", func(t *testing.T) {
		l := gate
		l.noMinEffect = true
		if demand(simulated(models[0], l, byRounds, true), quietSimulated) == nil {
			t.Error("the demand that 1 % does not count is met without a least effect")
		}
	})
	t.Run("no spread", func(t *testing.T) {
		l := gate
		l.noSpread = true
		if rec.quiet(t, l, byRounds) == 0 {
			t.Error("nothing with a spread above 3 % is called unchanged")
		}
	})
	t.Run("unpaired", func(t *testing.T) {
		drift := models[3]
		if f := demand(simulated(drift, gate, bySamples, true), quietSimulated); f == nil {
			t.Error("the demands are met under drift by samples that are not paired")
		}
		if f := demand(simulated(drift, gate, byRounds, true), quietSimulated); f != nil {
			t.Errorf("the demands are not met under drift: %v", f)
		}
	})
}

// The exact distributions against all signs, and the two cuts against the tables of
// Hollander and Wolfe, Nonparametric Statistical Methods: 12 pairs at 5 % have the critical
// value 13, and 12 and 12 samples 37.
func TestStatistics(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 10; n++ {
		d := make([]float64, n)
		for i := range d {
			d[i] = float64(r.IntN(9) - 4) // ties and zeros
		}
		// Mid-ranks of |d|, zeros among them.
		rank := make([]float64, n)
		for i := range d {
			for k := range d {
				switch a, b := math.Abs(d[k]), math.Abs(d[i]); {
				case a < b:
					rank[i]++
				case a == b:
					rank[i] += 0.5
				}
			}
		}
		statistic := func(sign func(i int) bool) (w, total float64) {
			for i := range d {
				if d[i] != 0 {
					total += rank[i] + 0.5
					if sign(i) {
						w += rank[i] + 0.5
					}
				}
			}
			return min(w, total-w), total
		}
		seen, _ := statistic(func(i int) bool { return d[i] > 0 })
		extreme := 0
		for s := range 1 << n {
			if w, _ := statistic(func(i int) bool { return s>>i&1 == 1 }); w <= seen {
				extreme++
			}
		}
		if got, want := signedRank(d), float64(extreme)/float64(int(1)<<n); math.Abs(got-want) > 1e-12 {
			t.Errorf("%v: p is %v, and %v by counting", d, got, want)
		}
	}
	if c := signedRankCut(12, 0.05); c != 14 {
		t.Errorf("the cut of 12 pairs is %d", c)
	}
	if c := mannWhitneyCut(12, 12, 0.05); c != 38 {
		t.Errorf("the cut of 12 and 12 samples is %d", c)
	}
	if d := cmp.Diff([]float64{0.03, 0.04, 0.04}, holm([]float64{0.01, 0.03, 0.02}), cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-12 })); d != "" {
		t.Errorf("Holm (-want +got):\n%s", d)
	}
	sum := 0.0
	for range 2000 {
		x := make([]float64, 12)
		for i := range x {
			x[i] = r.NormFloat64()
		}
		sum += spread(x)
	}
	if mean := sum / 2000; mean < 0.9 || mean > 1.1 {
		t.Errorf("the spread of a standard normal variable is %v", mean)
	}
}

// An interval holds the true effect as often as it says.
func TestIntervals(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for name, f := range map[string]statistic{"paired": byRounds, "unpaired": bySamples} {
		held := 0
		for range 2000 {
			x, y := normal(r, 12, 0.05)
			for i := range y {
				y[i] *= 1.1
			}
			if e := f(x, y); e.lo <= math.Log(1.1) && math.Log(1.1) <= e.hi {
				held++
			}
		}
		if held < 1870 { // 1900 less three standard deviations
			t.Errorf("%s: the interval of 95 %% holds the effect in %d of 2000 cases", name, held)
		}
	}
}

func TestPolicySchema(t *testing.T) {
	s, err := jsonschema.NewCompiler().Compile("../../spec/schema/gate-policy.json")
	if err != nil {
		t.Fatal(err)
	}
	def, err := json.Marshal(DefaultPolicy())
	if err != nil {
		t.Fatal(err)
	}
	p, err := ReadPolicy(def)
	if err != nil || !cmp.Equal(p, DefaultPolicy()) {
		t.Errorf("the default read back: %v %v", p, err)
	}
	var keys map[string]any
	if err := json.Unmarshal(def, &keys); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("../../spec/schema/gate-policy.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct{ Properties map[string]any }
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	if len(schema.Properties) != len(keys) {
		t.Errorf("the schema has %d properties and the policy %d keys", len(schema.Properties), len(keys))
	}
	for text, ok := range map[string]bool{
		string(def):                         true,
		`{"schema":"klconf-gate-policy/1"}`: true,
		`{}`:                                false,
		`{"schema":"klconf-gate-policy/1","alpha":0.5}`:             false,
		`{"schema":"klconf-gate-policy/1","better":{"x":"faster"}}`: false,
		`{"schema":"klconf-gate-policy/1","missing":"soft"}`:        false,
		`{"schema":"klconf-gate-policy/1","min_samples":1}`:         false,
		`{"schema":"klconf-gate-policy/1","unknown":1}`:             false,
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); (err == nil) != ok {
			t.Errorf("schema, %s: %v", text, err)
		}
		if _, err := ReadPolicy([]byte(text)); (err == nil) != ok {
			t.Errorf("ReadPolicy, %s: %v", text, err)
		}
	}
}

func TestParseCommand(t *testing.T) {
	for line, want := range map[string]Command{
		`a b`:                              {"a", "b"},
		"  a\t'b c' \"d \\\" \\n\" e\\ f ": {"a", "b c", `d " \n`, "e f"},
		`a '' "x"'y'`:                      {"a", "", "xy"},
		`a '`:                              nil,
		`a \`:                              nil,
		` `:                                nil,
	} {
		got, err := ParseCommand(line)
		if (err != nil) != (want == nil) || err == nil && !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", line, got, err)
		}
	}
}

// The pattern names the suspects and nothing else, level by level as go test reads it.
func TestPattern(t *testing.T) {
	p := pattern([]key{{name: "BenchmarkA/n=1-2", unit: "sec/op"}, {name: "BenchmarkA/n=1-2", unit: "x-dot"}, {name: "BenchmarkB-8"}})
	if want := `^BenchmarkA$/^n=1(-2)?$|^BenchmarkB(-8)?$`; p != want {
		t.Errorf("%s, want %s", p, want)
	}
	for _, w := range strings.FieldsFunc(p, func(r rune) bool { return r == '/' || r == '|' }) {
		if re := regexp.MustCompile(w); re.MatchString("BenchmarkAB") || re.MatchString("n=12") {
			t.Errorf("%s matches too much", w)
		}
	}
	c := Command{"x", "{bench}", "-b={bench:^A{2}$}"}
	if got := c.with(""); !slices.Equal(got, []string{"x", ".", "-b=^A{2}$"}) {
		t.Errorf("%q", got)
	}
	if got := c.with("S"); !slices.Equal(got, []string{"x", "S", "-b=S"}) {
		t.Errorf("%q", got)
	}
}

// TestMain lets the test binary be the command that --run runs: it prints benchmarks whose
// noise depends on how often it was run, counted in a file.
func TestMain(m *testing.M) {
	if file := os.Getenv("GATE_TEST_COUNT"); file != "" {
		program(file)
		return
	}
	os.Exit(m.Run())
}

func program(file string) {
	count, _ := os.ReadFile(file)
	os.WriteFile(file, append(count, '.'), 0o666)
	r := rand.New(rand.NewPCG(9, uint64(len(count))))
	slow, pattern := os.Args[1], os.Args[2]
	for _, name := range []string{"BenchmarkA-2", "BenchmarkB-2", "BenchmarkC-2"} {
		x := 100 * math.Exp(0.005*r.NormFloat64())
		if ok, _ := regexp.MatchString(pattern, name); !ok {
			continue
		}
		// transient is slower at first only, so that the rerun must not confirm it.
		if slow == "slow" && name == "BenchmarkB-2" || slow == "transient" && len(count) < 26 {
			x *= 1.1
		}
		os.Stdout.WriteString(name + " 1 " + formatFloat(x) + " ns/op 3 allocs/op\n")
	}
	if slow == "fail" {
		os.Stderr.WriteString("no such thing\n")
		os.Exit(1)
	}
}

func formatFloat(x float64) string { b, _ := json.Marshal(x); return string(b) }

func TestRun(t *testing.T) {
	for _, c := range []struct {
		new  string
		want string
	}{
		{"same", "6 unchanged, 3 tests"},
		{"slow", "1 regressed, 5 unchanged, 3 tests"},
		{"transient", "3 inconclusive, 3 unchanged, 3 tests"},
	} {
		t.Run(c.new, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("GATE_TEST_COUNT", filepath.Join(dir, "count"))
			r := Run{Old: Command{os.Args[0], "same", "{bench}"}, New: Command{os.Args[0], c.new, "{bench}"}, Rounds: 12, Keep: dir, Options: Options{Policy: DefaultPolicy()}}
			report, err := r.Compare(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if got := report.Summary(); got != c.want {
				var b bytes.Buffer
				report.Text(&b)
				t.Errorf("%s, want %s\n%s", got, c.want, b.String())
			}
			for _, x := range report.Results {
				if x.Outcome == Regressed && (x.Benchmark != "BenchmarkB-2" || !x.Rerun || x.OldSamples != 24) {
					t.Errorf("%+v", x)
				}
			}
			kept, err := os.ReadFile(filepath.Join(dir, "new.txt"))
			if err != nil || bytes.Count(kept, []byte("round: ")) != 13 {
				t.Errorf("kept: %v\n%s", err, kept)
			}
			if again, err := os.ReadFile(filepath.Join(dir, "rerun-new.txt")); (err == nil) != (c.new != "same") || c.new == "slow" && bytes.Contains(again, []byte("BenchmarkA")) {
				t.Errorf("the rerun of suspects: %v\n%s", err, again)
			}
		})
	}
	t.Setenv("GATE_TEST_COUNT", filepath.Join(t.TempDir(), "count"))
	r := Run{Old: Command{os.Args[0], "same", "."}, New: Command{os.Args[0], "fail", "."}, Rounds: 12, Options: Options{Policy: DefaultPolicy()}}
	if _, err := r.Compare(context.Background()); err == nil || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("a command that fails: %v", err)
	}
}
