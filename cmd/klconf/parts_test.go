package main

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"klconf/spec"
)

func TestGravest(t *testing.T) {
	for _, c := range []struct {
		all  []status
		want status
	}{
		{nil, incomplete},
		{[]status{conforming, conforming}, conforming},
		{[]status{conforming, incomplete}, incomplete},
		{[]status{incomplete, nonconforming, conforming}, nonconforming},
		{[]status{nonconforming, unstarted}, unstarted},
		{[]status{unstarted, misused, conforming}, misused},
	} {
		if got := gravest(c.all); got != c.want {
			t.Errorf("gravest(%v) = %d, want %d", c.all, got, c.want)
		}
	}
	for v, want := range map[spec.Verdict]status{spec.Conforming: 0, spec.Undeclared: 1, spec.Nonconforming: 1, spec.Incomplete: 4} {
		if got := statusOf(v); got != want {
			t.Errorf("statusOf(%s) = %d, want %d", v, got, want)
		}
	}
}

func TestShard(t *testing.T) {
	for _, c := range []struct {
		flag, env    string
		index, total int
		fails        bool
	}{
		{"", "", 0, 0, false},
		{"1/3", "", 0, 3, false},
		{"3/3", "", 2, 3, false},
		{"0/3", "", 0, 0, true},
		{"4/3", "", 0, 0, true},
		{"1", "", 0, 0, true},
		{"a/b", "", 0, 0, true},
		{"", "TEST_SHARD_INDEX=1 TEST_TOTAL_SHARDS=4", 1, 4, false},
		{"", "JOB_COMPLETION_INDEX=0 TEST_TOTAL_SHARDS=4", 0, 4, false},
		{"", "JOB_COMPLETION_INDEX=5", 0, 0, false},
		{"", "TEST_TOTAL_SHARDS=4", 0, 0, false},
		{"", "TEST_SHARD_INDEX=4 TEST_TOTAL_SHARDS=4", 0, 0, true},
		{"", "TEST_SHARD_INDEX=x TEST_TOTAL_SHARDS=4", 0, 0, true},
		{"2/2", "TEST_SHARD_INDEX=0 TEST_TOTAL_SHARDS=4", 1, 2, false},
	} {
		env := map[string]string{}
		for _, pair := range strings.Fields(c.env) {
			k, v, _ := strings.Cut(pair, "=")
			env[k] = v
		}
		index, total, err := shard(c.flag, func(k string) string { return env[k] })
		if index != c.index || total != c.total || (err != nil) != c.fails {
			t.Errorf("shard(%q, %q) = %d, %d, %v", c.flag, c.env, index, total, err)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"run", "list", "doctor", "scipy/stats.entropy"}
	for name, want := range map[string]string{"rnu": "run", "RUN": "run", "lists": "list", "docter": "doctor", "scipy/entropy": "",
		"scipy/stats.entrop": "scipy/stats.entropy", "x": "", "": "", "frobnicate": ""} {
		got, ok := nearest(name, known)
		if ok != (want != "") || ok && got != want {
			t.Errorf("nearest(%q) = %q, %v; want %q", name, got, ok, want)
		}
	}
	if d := distance("kitten", "sitting"); d != 3 {
		t.Errorf("distance = %d, want 3", d)
	}
}

// A quoted word comes back from a shell as it was.
func TestQuoted(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	for _, word := range []string{"plain", "./a-b_c.d/e", "with space", "", "it's", `"`, "$HOME", "a\\b", "*", "a\nb", "é", "~", "#x", "!"} {
		out, err := exec.Command(sh, "-c", "printf %s "+quoted(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("quoted(%q) = %s comes back as %q (%v)", word, quoted(word), out, err)
		}
	}
}

func TestFileName(t *testing.T) {
	for id, want := range map[string]string{"reference": "reference.json", "scipy/stats.entropy": "scipy-stats.entropy.json",
		"./my-adapter --x": "my-adapter---x.json", "../../etc/passwd": "etc-passwd.json", "/": "implementation.json", "": "implementation.json"} {
		if got := fileName(spec.Report{Implementation: spec.Subject{ID: id}}); got != want || got != filepath.Base(got) {
			t.Errorf("fileName(%q) = %q, want %q", id, got, want)
		}
	}
}

func TestParseNumber(t *testing.T) {
	for s, want := range map[string]float64{"0.1": .1, "1e-3": 1e-3, "0x1.8p-3": .1875, "-0": math.Copysign(0, -1), "0e5": 0, "0x0p-2000": 0,
		"5e-324": 5e-324, "1e999": 0, "1e-999": 0, "0x1p-2000": 0, "x": 0, "1.2.3": 0, "": 0} {
		got, err := parseNumber(s)
		bad := strings.Contains("1e999 1e-999 0x1p-2000 x 1.2.3", s)
		if (err != nil) != bad || err == nil && math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("parseNumber(%q) = %v, %v", s, got, err)
		}
	}
}

// The decimal ends enclose the exact ones, and closely.
func TestOutward(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		lo := new(big.Float).SetPrec(200).SetMantExp(big.NewFloat(g.Float64()-.5), g.IntN(2000)-1000)
		width := new(big.Float).SetPrec(200).SetMantExp(big.NewFloat(g.Float64()), lo.MantExp(nil)-20-g.IntN(100))
		v := spec.Interval{Lo: lo, Hi: new(big.Float).SetPrec(400).Add(lo, width)}
		a, b := outward(v)
		down, up := parsed(t, a), parsed(t, b)
		slack := new(big.Float).Quo(width, big.NewFloat(10))
		if down.Cmp(v.Lo) > 0 || up.Cmp(v.Hi) < 0 || new(big.Float).Sub(v.Lo, down).Cmp(slack) > 0 || new(big.Float).Sub(up, v.Hi).Cmp(slack) > 0 {
			t.Fatalf("[%s, %s] for [%s, %s]", a, b, v.Lo.Text('g', 60), v.Hi.Text('g', 60))
		}
	}
	for _, x := range []float64{0, 1, -.25, 1e300, 5e-324} {
		v := spec.Interval{Lo: big.NewFloat(x), Hi: big.NewFloat(x)}
		a, b := outward(v)
		if parsed(t, a).Cmp(v.Lo) > 0 || parsed(t, b).Cmp(v.Hi) < 0 {
			t.Errorf("[%s, %s] for %v", a, b, x)
		}
	}
}

func parsed(t *testing.T, s string) *big.Float {
	t.Helper()
	x, _, err := big.ParseFloat(s, 10, 4000, big.ToNearestEven)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestKnownRoundTrip(t *testing.T) {
	subjects := []subject{{id: "tool/a"}, {id: "tool/b"}}
	subjects[0].entry.ID, subjects[1].entry.ID = "a", "b"
	reports := make([]spec.Report, 2)
	for i, entry := range []string{"a", "b"} {
		for _, x := range []spec.Result{{ID: "golden/x/1", Status: spec.Fail}, {ID: "golden/x/2", Status: spec.StatusCrash}, {ID: "golden/x/3", Status: spec.Pass},
			{ID: "golden/x/4", Status: spec.StatusNotRun}, {ID: "golden/" + entry, Status: spec.Fail}} {
			x.Message = fmt.Sprintf("%s in %s", x.ID, entry)
			reports[i].Results = append(reports[i].Results, x)
		}
	}
	old := []spec.Known{{ID: "golden/x", Status: spec.KnownFail, Why: "old"}, {ID: "golden/gone", Status: spec.KnownFail, Why: "gone"}}
	list := newKnown(old, subjects, reports, false)
	want := []spec.Known{old[0], {ID: "golden/a", Entry: "a", Status: spec.KnownFail, Why: "golden/a in a"}, {ID: "golden/b", Entry: "b", Status: spec.KnownFail, Why: "golden/b in b"}}
	if fmt.Sprint(list) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", list, want)
	}
	file := filepath.Join(t.TempDir(), "known.json")
	if err := writeKnown(file, list); err != nil {
		t.Fatal(err)
	}
	back, err := readKnown(file)
	if err != nil || fmt.Sprint(back) != fmt.Sprint(want) {
		t.Errorf("read back %v, %v", back, err)
	}
}
