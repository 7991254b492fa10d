// Package witness_test lets two libraries that the suite does not use judge
// the golden vectors: witness.py, run by uv.
package witness_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"klconf/adapters"
	"klconf/golden"
)

// A record is what witness.py --write leaves; SciPy's answers depend on the
// processor and are not compared.
type record struct {
	Versions map[string]string `json:"versions"`
	Vectors  int               `json:"vectors"`
	Values   map[string]int    `json:"values"`
	Fields   map[string]int    `json:"fields"`
	Hardest  map[string]int    `json:"hardest"`
	Checked  struct {
		Arb      int `json:"arb"`
		MPMath   int `json:"mpmath"`
		Rational int `json:"rational"`
		Cond     int `json:"cond"`
	} `json:"checked"`
	MostBits int `json:"most_bits"`
	Largest  struct {
		ULP string `json:"ulp"`
		ID  string `json:"id"`
	} `json:"largest_disagreement"`
}

func read(t *testing.T, file string) (r record) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const stale = "record.json is stale, go test -run Witness ./golden/witness -args -write writes it anew"

var write = flag.Bool("write", false, "write record.json anew")

// The record is about the vectors that are here.
func TestRecord(t *testing.T) {
	values := map[string]int{"finite": 0, "infinite": 0, "nan": 0, "nan_or_refusal": 0, "refusal": 0, "several": 0}
	fields := map[string]int{"convention": 0, "generator": 0, "data": 0, "mask": 0, "hardness": 0}
	hardest := map[string]int{}
	cond := 0
	for _, v := range golden.Vectors() {
		for field, there := range map[string]bool{"convention": v.Convention != nil, "generator": v.Generator != nil,
			"data": v.Data != nil, "mask": v.Mask != nil, "hardness": v.Hardness > 0} {
			if there {
				fields[field]++
			}
		}
		if v.Hardness > 0 {
			key := fmt.Sprintf("%s, n = %d", v.DType, v.Len())
			hardest[key] = max(hardest[key], v.Hardness)
		}
		if v.Expected.Whole != nil {
			values["refusal"]++
		}
		for _, c := range v.Cond {
			if c != "" {
				cond++
			}
		}
		for _, s := range v.Expected.Values {
			switch {
			case len(s.Intervals) > 0 && s.NaN:
				values["several"]++
			case len(s.Intervals) == 0 && s.Reject && !s.NaN:
				values["refusal"]++
			case len(s.Intervals) > 0 && s.Intervals[0].Lo.IsInf():
				values["infinite"]++
			case len(s.Intervals) > 0:
				values["finite"]++
			case s.Reject:
				values["nan_or_refusal"]++
			default:
				values["nan"]++
			}
		}
	}
	r := read(t, "record.json")
	if n := len(golden.Vectors()); r.Vectors != n {
		t.Errorf("%s: it counts %d vectors, there are %d", stale, r.Vectors, n)
	}
	if !reflect.DeepEqual(r.Values, values) {
		t.Errorf("%s: it counts the values %v, there are %v", stale, r.Values, values)
	}
	if !reflect.DeepEqual(r.Fields, fields) || !reflect.DeepEqual(r.Hardest, hardest) || r.Checked.Cond != cond {
		t.Errorf("%s: it counts %v, hardest %v and %d condition numbers, there are %v, %v and %d", stale, r.Fields, r.Hardest, r.Checked.Cond, fields, hardest, cond)
	}
	if n := values["finite"]; r.Checked.Arb != n || r.Checked.MPMath != n {
		t.Errorf("%s: Arb saw %d finite values, mpmath %d, there are %d", stale, r.Checked.Arb, r.Checked.MPMath, n)
	}
}

// uv returns the uv that runs the adapters in Python, obtained if need be.
func uv(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: no foreign tool is started")
	}
	var said bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	uv, err := adapters.UV(ctx, &said, adapters.Options{})
	if err != nil {
		unable(t, err, said.String())
	}
	return uv
}

// unable skips the test, but not in CI.
func unable(t *testing.T, err error, said string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("the witnesses cannot be run: %v\n%s", err, said)
	}
	t.Skipf("not tested here: %v\n%s", err, said)
}

// witness runs the program and returns what it prints and its exit code.
func witness(t *testing.T, uv string, words ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	words = append([]string{"run", "--quiet", "--offline", "--script", "witness.py"}, words...)
	cmd := exec.CommandContext(ctx, uv, words...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// Arb and mpmath agree with every vector, or with a tenth of them.
func TestWitness(t *testing.T) {
	uv := uv(t)
	if _, err := os.ReadFile("witness.py"); err != nil { // so that go test knows when its result is out of date
		t.Fatal(err)
	}

	// The only step that may fetch.
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), uv, "run", "--quiet", "--script", "witness.py", "--versions")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		unable(t, err, stderr.String())
	}
	var versions map[string]string
	if err := json.Unmarshal(stdout.Bytes(), &versions); err != nil {
		t.Fatalf("%v: %s", err, &stdout)
	}
	if *write {
		if out, code := witness(t, uv, "--write", "record.json"); code != 0 {
			t.Fatalf("nothing is written: exit code %d\n%s", code, out)
		}
	}
	r := read(t, "record.json")
	if !reflect.DeepEqual(versions, r.Versions) {
		t.Errorf("%s: it is of %v, and the libraries are %v", stale, r.Versions, versions)
	}

	t.Run("vectors", func(t *testing.T) {
		if os.Getenv("KLCONF_FULL") == "" {
			out, code := witness(t, uv, "--tenth")
			if code != 0 {
				t.Errorf("exit code %d\n%s", code, out)
			}
			t.Logf("%s", out)
			return
		}
		file := filepath.Join(t.TempDir(), "record.json")
		out, code := witness(t, uv, "--write", file)
		if code != 0 {
			t.Fatalf("exit code %d\n%s", code, out)
		}
		if now := read(t, file); !reflect.DeepEqual(now, r) {
			t.Errorf("%s: it says\n%+v, found was\n%+v", stale, r, now)
		}
		t.Logf("%s", out)
	})

	// A witness that cannot object is none.
	t.Run("spoil", func(t *testing.T) {
		out, code := witness(t, uv, "--tenth", "--spoil")
		if code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		for _, kind := range []string{"enclosure", "point", "rn", "special", "infinity", "errs", "cond", "hardness",
			"seed", "kind", "step", "scale", "word", "row", "mask", "temperature"} {
			if n := strings.Count("\n"+out, "\n"+kind+" wrong golden/"); n != 1 {
				t.Errorf("%s: %d complaints, want one\n%s", kind, n, out)
			}
		}
	})
}
