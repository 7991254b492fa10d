package main

import (
	"bytes"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"klconf/conform/judge"
	"klconf/golden"
	"klconf/spec"
)

const folder = "../vectors"

// wanted is what the tables give. Of the long vectors only a few are computed
// anew, unless the test is a full one; the answers of the others are taken as
// stored.
var wanted = sync.OnceValues(func() (map[string][]byte, error) {
	known := map[string]golden.Vector{}
	for _, v := range golden.Vectors() {
		if !sampled(v) {
			known[v.ID] = v
		}
	}
	return build(families(), known)
})

// sampled reports whether a vector is computed in this test: all up to 1200
// elements, and one of each kind of the longer ones.
func sampled(v golden.Vector) bool {
	longer := []string{"golden/large/softmax-10007/f64", "golden/boundaries/even-4097/f32", "golden/model/largest/bf16"}
	return os.Getenv("KLCONF_FULL") != "" || v.Len() <= 1200 || slices.Contains(longer, v.ID)
}

func wantedFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := wanted()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// The stored files are what the tables and the judge give today.
func TestStoredIsCurrent(t *testing.T) {
	if err := compare(folder, wantedFiles(t)); err != nil {
		t.Error(err)
	}
}

// A check that cannot fail proves nothing: one digit anywhere, a file too
// few and a file too many are noticed, and writing mends them.
func TestStaleIsNoticed(t *testing.T) {
	files := wantedFiles(t)
	dir := t.TempDir()
	if err := write(dir, files); err != nil {
		t.Fatal(err)
	}
	if err := compare(dir, files); err != nil {
		t.Fatal(err)
	}
	for name, b := range files {
		for k := range 25 {
			// The first digit of a word or an enclosure after an evenly spread place.
			at := len(b) * k / 25
			found := bytes.Index(b[at:], []byte(`"expected"`))
			if found < 0 {
				break
			}
			at += found
			if i := bytes.IndexAny(b[at:], "0123456789"); i < 0 {
				break
			} else {
				at += i
			}
			bad := bytes.Clone(b)
			bad[at] = '0' + (bad[at]-'0'+1)%10
			if err := os.WriteFile(filepath.Join(dir, name), bad, 0o666); err != nil {
				t.Fatal(err)
			}
			err := compare(dir, files)
			if err == nil || !strings.Contains(err.Error(), name+": ") || !strings.Contains(err.Error(), "(golden/"+strings.TrimSuffix(name, ".json")+"/") {
				t.Errorf("%s: digit %d changed: %v", name, at, err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}

	if err := os.Remove(filepath.Join(dir, "zero.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "extra.json"), []byte("{}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	err := compare(dir, files)
	if err == nil || !strings.Contains(err.Error(), "zero.json: missing") || !strings.Contains(err.Error(), "extra.json: no table writes it") {
		t.Errorf("a file too few and one too many: %v", err)
	}
	if err := write(dir, files); err != nil {
		t.Fatal(err)
	}
	if err := compare(dir, files); err != nil {
		t.Errorf("after writing: %v", err)
	}
}

func TestFilesFollowTheSchema(t *testing.T) {
	c := jsonschema.NewCompiler()
	for _, name := range spec.SchemaNames {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(spec.Schema(name)))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(name+".json", doc); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := c.Compile("vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	files, err := stored(folder)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range files {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The judge must give full marks to the stored answer, and fail another one.
func TestJudgeGradesWhatIsStored(t *testing.T) {
	must := spec.Requirement{ID: "DEF-1", Force: spec.Must}
	for _, v := range golden.Vectors() {
		if !sampled(v) {
			continue
		}
		c := spec.Convention{}
		if v.Convention != nil {
			c = *v.Convention
		}
		e, err := judge.Expect(v.Request(), c)
		if err != nil {
			t.Fatal(err)
		}
		refused := e.Whole != nil || slices.ContainsFunc(e.Values, func(s spec.Set) bool { return s.Reject && !s.NaN && len(s.Intervals) == 0 })
		right := spec.NewArray("result", e.DType, e.Shape...)
		wrong := right.Clone()
		for i, s := range v.Expected.Values {
			bits := formats[e.DType].nan()
			if s.RN != "" {
				if bits, err = strconv.ParseUint(s.RN, 16, 64); err != nil {
					t.Fatal(err)
				}
			}
			right.SetBits(i, bits)
			if bits, err = formats[e.DType].encode(outside(e, i)); err != nil {
				t.Fatal(err)
			}
			wrong.SetBits(i, bits)
		}
		answer := spec.Answer{Status: spec.OK, Arrays: []spec.Array{right}}
		if refused {
			answer = spec.Answer{Status: spec.Rejected}
		}
		if g := judge.Assess(e, answer); g.Level != spec.L5 {
			t.Errorf("%s: the stored answer is graded %q: %s", v.ID, g.Level, g.Why)
		}
		if len(v.Expected.Values) == 0 && !refused {
			continue // nothing could be wrong
		}
		if s := judge.Value(e, spec.Answer{Status: spec.OK, Arrays: []spec.Array{wrong}}, must); s != spec.Fail {
			t.Errorf("%s: a wrong answer is graded %s", v.ID, s)
		}
		refusable := refused || slices.ContainsFunc(e.Values, func(s spec.Set) bool { return s.Overflows }) || slices.ContainsFunc(v.Expected.Values, func(s spec.Set) bool { return s.Reject })
		if s := judge.Value(e, spec.Answer{Status: spec.Rejected}, must); (s == spec.Pass) != refusable {
			t.Errorf("%s: a refusal is graded %s", v.ID, s)
		}
	}
}

// outside returns a finite number that is far enough from element i of what
// is expected: four times what L1 allows beyond the enclosure.
func outside(e spec.Expected, i int) float64 {
	s := e.Values[i]
	if len(s.Intervals) == 0 || s.Intervals[0].Lo.IsInf() || s.Mass == nil {
		return 17
	}
	d := judge.Allowed(spec.Expected{DType: e.DType, Values: []spec.Set{s}}, spec.L1)
	d.Mul(d, big.NewFloat(4))
	for _, x := range []*big.Float{new(big.Float).Add(s.Intervals[0].Hi, d), new(big.Float).Sub(s.Intervals[0].Lo, d)} {
		y, _ := x.Float64()
		switch e.DType {
		case spec.F32:
			z, _ := x.Float32()
			y = float64(z)
		case spec.F16, spec.BF16:
			y = e.DType.Widen(judge.Bits(e.DType, y))
		}
		if !math.IsInf(y, 0) {
			return y
		}
	}
	return 17 // nothing finite is near a value beyond the format
}

func TestNotesAreUsed(t *testing.T) {
	used := map[string]bool{}
	for _, f := range families() {
		for _, q := range f.questions {
			for _, flag := range words(q.flags) {
				used[flag] = true
				if _, ok := notes[flag]; !ok {
					t.Errorf("%s/%s has the flag %q, which has no note", f.name, q.name, flag)
				}
			}
		}
	}
	for flag := range notes {
		if !used[flag] {
			t.Errorf("nothing has the flag %q", flag)
		}
	}
}

func TestEncode(t *testing.T) {
	for _, c := range []struct {
		f    format
		x    float64
		bits uint64
	}{
		{f64, .1, 0x3fb999999999999a}, {f64, negZero, 1 << 63},
		{f32, f32.eta, 1}, {f32, f32.max, 0x7f7fffff}, {f32, negInf, 0xff800000}, {f32, f32.normal, 0x00800000}, {f32, f32.subnormal(), 0x007fffff},
		{f16, 1, 0x3c00}, {f16, f16.eta, 1}, {f16, f16.max, 0x7bff}, {f16, inf, 0x7c00}, {f16, -f16.normal, 0x8400}, {f16, f16.subnormal(), 0x03ff}, {f16, nan, 0x7e00}, {f16, 1 + f16.eps(), 0x3c01},
		{bf16, 1, 0x3f80}, {bf16, bf16.eta, 1}, {bf16, bf16.max, 0x7f7f}, {bf16, bf16.normal, 0x0080}, {bf16, nan, 0x7fc0}, {bf16, 1 + bf16.eps(), 0x3f81}, {bf16, negZero, 0x8000},
		{e4m3, 1, 0x38}, {e4m3, e4m3.eta, 1}, {e4m3, e4m3.max, 0x7e}, {e4m3, -e4m3.normal, 0x88}, {e4m3, nan, 0x7f}, {e4m3, 1 + e4m3.eps(), 0x39}, {e4m3, negZero, 0x80},
		{e5m2, 1, 0x3c}, {e5m2, e5m2.eta, 1}, {e5m2, e5m2.max, 0x7b}, {e5m2, negInf, 0xfc}, {e5m2, nan, 0x7e}, {e5m2, 1 + e5m2.eps(), 0x3d}, {e5m2, e5m2.subnormal(), 0x03},
	} {
		if got, err := c.f.encode(c.x); err != nil || got != c.bits {
			t.Errorf("%s %x: %x, %v; want %x", c.f.d, c.x, got, err, c.bits)
		}
	}
	for _, c := range []struct {
		f format
		x float64
	}{{f32, .1}, {f32, 1e39}, {f32, 1e-50}, {f16, 1.0001}, {f16, 1e5}, {f16, 0x1p-25}, {bf16, 1.001}, {bf16, 0x1p-134}, {e4m3, inf}, {e4m3, 449}, {e4m3, 9.5}, {e5m2, 9}, {e5m2, 0x1p-17}} {
		if got, err := c.f.encode(c.x); err == nil {
			t.Errorf("%s takes %x as %x", c.f.d, c.x, got)
		}
	}
}

func TestClass(t *testing.T) {
	for _, c := range []struct {
		p, q []float64
		want string
	}{
		{[]float64{.5, .5}, []float64{.25, .75}, golden.PMF},
		{[]float64{.2, .5, .3}, []float64{.1, .6, .3}, golden.PMF},
		{[]float64{.5, .5}, []float64{.5, .5 + 0x1p-52}, golden.PMF},       // 2u off
		{[]float64{.5, .5}, []float64{.5, .5 + 0x1.8p-52}, golden.Measure}, // 3u
		{[]float64{.5, .25}, []float64{.5, .5}, golden.Measure},
		{[]float64{.5, .5}, []float64{.5, -.5}, golden.Other},
		{[]float64{.5, nan}, []float64{.5, .5}, golden.Other},
		{[]float64{.5, .5}, []float64{inf, 0}, golden.Other},
		{nil, nil, golden.Measure},
	} {
		v, err := family{}.vector(question{name: "x", p: c.p, q: c.q}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if v.Class != c.want {
			t.Errorf("%v, %v is %s, want %s", c.p, c.q, v.Class, c.want)
		}
	}
}

// A question that is declared wrongly is refused.
func TestBuildRefuses(t *testing.T) {
	for _, q := range []question{
		{name: "x", f: f32, p: []float64{.1}, q: []float64{.5}},
		{name: "x", op: "kl_rows", p: []float64{.5}, q: []float64{.5}},
		{name: "x", shape: []int{1, 1}, p: []float64{.5}, q: []float64{.5}},
		{name: "x", op: "nothing", p: []float64{.5}, q: []float64{.5}},
		{name: "x", op: "kl_logprobs", p: []float64{.5}, q: []float64{.5}, conv: practices[len(practices)-1].convention()}, // a step on log-probabilities
		{name: "x", p: []float64{.5}, q: []float64{.5}, opt: spec.Options{Base: "1"}},
	} {
		if files, err := build([]family{{name: "f", questions: []question{q}}}, nil); err == nil {
			t.Errorf("%+v was accepted: %s", q, files["f.json"])
		}
	}
}
