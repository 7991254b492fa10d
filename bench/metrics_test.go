package bench

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/perf/benchfmt"

	"klconf/impl"
)

// read returns what is in the benchmark format, and fails on what is not.
func read(t *testing.T, text []byte, name string) (list []*benchfmt.Result, units map[benchfmt.UnitMetadataKey]*benchfmt.UnitMetadata) {
	t.Helper()
	r := benchfmt.NewReader(bytes.NewReader(text), name)
	for r.Scan() {
		switch x := r.Result().(type) {
		case *benchfmt.Result:
			list = append(list, x.Clone())
		case *benchfmt.SyntaxError:
			t.Errorf("%v", x)
		}
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return list, r.Units()
}

// keys returns the function of a benchmark and its case, or an error.
func keys(name benchfmt.Name) (function string, c Case, err error) {
	base, parts := name.Parts()
	value := map[string]string{}
	for _, p := range parts {
		if k, v, ok := strings.Cut(strings.TrimPrefix(string(p), "/"), "="); ok {
			value[k] = v
		}
	}
	c = Case{Backend: value["backend"], DType: value["dtype"], Data: value["data"]}
	if c.N, err = strconv.Atoi(value["n"]); err != nil {
		return "", c, err
	}
	if full, _, _ := strings.Cut(string(name), "-"); !strings.HasPrefix(string(name), string(base)+"/"+c.String()) {
		return "", c, fmt.Errorf("%s is not %s/%s", full, base, c)
	}
	return string(base), c, nil
}

// TestBenchmarks runs benchmarks and reads what they print.
func TestBenchmarks(t *testing.T) {
	times := []string{"B/op", "GB/s", "allocs/op", "ns/el", "ns/op", "x-dot"}
	for _, run := range []struct {
		pattern   string
		functions []string
		cases     int // of one subject
	}{
		{"^BenchmarkKL$/./././^n=1024$", []string{"KL"}, 2 * len(Families)},
		{"Entropy|JensenShannon|Short", []string{"CrossEntropy", "Entropy", "JensenShannon", "Short"}, 2 + 2 + 2 + 2*7},
	} {
		cmd := exec.Command(os.Args[0], "-test.run", "^$", "-test.bench", run.pattern, "-test.benchtime", "2x")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		list, units := read(t, out, run.pattern)
		if want := run.cases * len(subjects()); len(list) != want {
			t.Errorf("%s: %d benchmarks, want %d", run.pattern, len(list), want)
		}
		if units[benchfmt.UnitMetadataKey{Unit: "ulp-max", Key: "assume"}] == nil {
			t.Error("the unit ulp-max is not described")
		}
		seen := map[string]bool{}
		for _, r := range list {
			f, c, err := keys(r.Name)
			if err != nil {
				t.Error(err)
				continue
			}
			seen[f] = true
			if r.GetConfig("machine") == "" || r.GetConfig("cpu") == "" {
				t.Errorf("%s: the processor is not told", r.Name)
			}
			got := map[string]float64{}
			for _, v := range r.Values {
				if v.OrigUnit != "" { // the package turns ns into s
					v.Unit, v.Value = v.OrigUnit, v.OrigValue
				}
				got[v.Unit] = v.Value
			}
			want := slices.Clone(times)
			if f == "KL" {
				want = append(want, "ulp-max")
				if c.Backend != "naive" {
					want = append(want, "exact", "fallthrough")
				}
			}
			if d := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(maps.Keys(got))); d != "" {
				t.Errorf("%s: metrics (-want +got):\n%s", r.Name, d)
			}
			bytes := map[string]float64{"f64": 16, "f32": 8}[c.DType]
			if f == "Entropy" {
				bytes /= 2
			}
			// They are printed with four digits.
			if x := got["ns/el"] * got["GB/s"] / bytes; math.Abs(x-1) > 2e-3 {
				t.Errorf("%s: %v ns/el and %v GB/s are not %v bytes per element", r.Name, got["ns/el"], got["GB/s"], bytes)
			}
			if x := got["ns/el"] * float64(c.N) / got["ns/op"]; c.N >= 1024 && math.Abs(x-1) > 2e-3 {
				t.Errorf("%s: %v ns/el, but %v ns/op", r.Name, got["ns/el"], got["ns/op"])
			}
			if !(got["x-dot"] > 0) {
				t.Errorf("%s: %v times a dot product", r.Name, got["x-dot"])
			}
			if correct := got["ulp-max"] <= 0.5; correct != (c.Backend != "naive") && f == "KL" && c.DType == "f64" {
				t.Errorf("%s: ulp-max is %v", r.Name, got["ulp-max"])
			}
		}
		if d := cmp.Diff(run.functions, slices.Sorted(maps.Keys(seen))); d != "" {
			t.Errorf("functions (-want +got):\n%s", d)
		}
	}
}

// The counts must tell a wrong result and a later tier.
func TestCounts(t *testing.T) {
	w := newWorkload[float64](Families[1], 1024)
	b, err := impl.Lookup("go")
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	list := w.counts(functions[float64]{
		kl: func(p, q []float64) float64 { return math.Nextafter(b.KL(p, q), 2) },
		tier: func(p, q []float64) (float64, impl.Tier) {
			calls++
			return 0, []impl.Tier{impl.TierOne, impl.TierTwo, impl.TierOne, impl.TierExact}[calls%4]
		},
		first: impl.TierOne,
	})()
	got := map[string]float64{}
	for _, m := range list {
		got[m.unit] = m.value
	}
	if calls != 256 || got["fallthrough"] != 0.5 || got["exact"] != 0.25 {
		t.Errorf("%d calls, %v", calls, got)
	}
	if u := got["ulp-max"]; u <= 1 || u > 1.5 {
		t.Errorf("a result one ulp above the correctly rounded one: ulp-max %v", u)
	}
	if u := ulps(float32(math.NaN()), newWorkload[float32](Families[0], 1024).values()[0]); !math.IsInf(u, 1) {
		t.Errorf("a NaN: %v ulp", u)
	}
}

// In a bubble a call takes exactly as long as it sleeps.
func TestLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		sleep := func(d time.Duration) func(iters int) {
			return func(iters int) {
				calls++
				time.Sleep(time.Duration(iters) * d)
			}
		}
		l := Loop{Rounds: 9, Sample: time.Millisecond}
		start := time.Now()
		got := l.Run(sleep(time.Microsecond), sleep(3*time.Microsecond))
		if len(got) != 2 || len(got[0]) != 9 || got[0].Fastest() != 1000 || got[1].Median() != 3000 || got[1].Over(got[0]) != 3 {
			t.Errorf("%v", got)
		}
		if took := time.Since(start); took < 18*time.Millisecond {
			t.Errorf("18 samples of a millisecond took %v", took)
		}
		calls = 0
		noisy := func(iters int) {
			sleep(2 * time.Microsecond)(iters)
			if calls%3 == 0 {
				time.Sleep(time.Second)
			}
		}
		if r := l.Run(noisy)[0]; r.Fastest() != 2000 || r.Median() != 2000 {
			t.Errorf("with a disturbance: %v", r)
		}
	})
}

func TestFamilies(t *testing.T) {
	for i, k := range []float64{1, 1. / 8, 1. / 200, 5e-13} {
		f := Families[i]
		p, q := f.Draw(32768, 0)
		if got := impl.KL(p, q); got < k*0.8 || got > k*1.2 {
			t.Errorf("%s: K is %v, not about %v", f.Name, got, k)
		}
		again, _ := f.Draw(32768, 0)
		other, _ := f.Draw(32768, 1)
		if !slices.Equal(p, again) || slices.Equal(p, other) {
			t.Errorf("%s: a draw depends on more or less than its number", f.Name)
		}
		for _, x := range [][]float64{p, q} {
			s := 0.0
			for _, v := range x {
				s += v
			}
			if math.Abs(s-1) > 1e-12 {
				t.Errorf("%s: the weights have the sum %v", f.Name, s)
			}
		}
	}
}

// TestBaselines reads what is committed.
func TestBaselines(t *testing.T) {
	files, err := filepath.Glob("baseline/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no baseline: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list, _ := read(t, text, file)
		count := map[string]int{}
		for _, r := range list {
			if got := r.GetConfig("machine") + ".txt"; got != filepath.Base(file) {
				t.Errorf("%s was measured on %s", file, got)
				break
			}
			f, c, err := keys(r.Name)
			known := slices.ContainsFunc(slices.Concat(Families, logitsFamilies), func(f Family) bool { return f.Name == c.Data })
			if err != nil || !known {
				t.Errorf("%s: %s: no such benchmark: %v", file, r.Name, err)
			}
			count[f]++
		}
		// The confidence interval of a median needs six.
		if count["KL"] < 6*2*2*len(Families)*len(Sizes) {
			t.Errorf("%s has %v benchmarks of KL", file, count["KL"])
		}
	}
}
