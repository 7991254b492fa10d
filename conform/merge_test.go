package conform_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"klconf/conform"
	"klconf/spec"
)

// graded runs an implementation, whole or a shard, and writes and reads the result as files do.
func graded(t *testing.T, f fake, o conform.Options) spec.Report {
	t.Helper()
	o.Version, o.Seed = "0", 1
	rep, err := conform.Run(t.Context(), conform.Target{ID: "x", Impl: f}, o)
	if err != nil {
		t.Fatal(err)
	}
	var read spec.Report
	if err := json.Unmarshal(text(t, rep), &read); err != nil {
		t.Fatal(err)
	}
	return read
}

func text(t *testing.T, rep spec.Report) []byte {
	t.Helper()
	b, err := json.Marshal(rep)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The shards of a run, in whatever order, make the run, byte for byte but for the seconds.
func TestShardsMakeTheRun(t *testing.T) {
	bits := func(p, q []float64) (float64, error) {
		x, err := right(p, q)
		return x / math.Ln2, err
	}
	never := func(p, q []float64) (float64, error) { return math.NaN(), nil }
	lost := func(p, q []float64) (float64, error) { // the pair at 32 is lost
		if len(p) == 33 && len(q) == 33 {
			p, q = p[:32], q[:32]
		}
		return right(p, q)
	}
	for _, x := range []struct {
		name string
		impl fake
		o    conform.Options
		n    int
	}{
		{"right", fake{`{"complete":true}`, spec.L5, right}, conform.Options{Only: []string{"golden/[a-l]*", "random/*/f64", "law/LAW-1"}}, 3},
		{"a fault", fake{"", "", lost}, conform.Options{Skip: []string{"law", "random"}}, 4},
		{"a convention that is found", fake{"", "", bits}, conform.Options{Only: []string{"golden/[a-l]*"}}, 2},
		{"always NaN", fake{"", "", never}, conform.Options{Only: []string{"golden/[a-l]*"}, Strict: true}, 5},
		{"nothing selected", fake{"", "", right}, conform.Options{Only: []string{"golden/no-such"}}, 2},
	} {
		t.Run(x.name, func(t *testing.T) {
			whole := graded(t, x.impl, x.o)
			var shards []spec.Report
			for i := range x.n {
				x.o.Shard, x.o.Shards = i, x.n
				shards = append(shards, graded(t, x.impl, x.o))
			}
			slices.Reverse(shards)
			merged, err := conform.Merge(shards)
			if err != nil {
				t.Fatal(err)
			}
			whole.Environment.Seconds, merged.Environment.Seconds = 0, 0
			if a, b := string(text(t, whole)), string(text(t, merged)); a != b {
				i := 0
				for i < min(len(a), len(b)) && a[i] == b[i] {
					i++
				}
				t.Errorf("at byte %d the whole run has\n%.300s\nand the merged shards\n%.300s", i, a[i:], b[i:])
			}
		})
	}
}

// What makes no whole is refused, and it is said why.
func TestWhatMakesNoWhole(t *testing.T) {
	shard := func(i int) spec.Report {
		return spec.Report{Implementation: spec.Subject{ID: "x"}, Shard: &spec.Shard{Index: i, Total: 3}}
	}
	with := func(change func(*spec.Report)) spec.Report {
		r := shard(2)
		change(&r)
		return r
	}
	for want, list := range map[string][]spec.Report{
		"there is nothing to merge":                                {},
		"shard 3 of 3 is there 0 times":                            {shard(1), shard(2)},
		"shard 2 of 3 is there 2 times":                            {shard(2), shard(1), shard(2), shard(3)},
		"of a whole run, not of a shard":                           {shard(1), with(func(r *spec.Report) { r.Shard = nil }), shard(3)},
		"shard 2 of 3 is compact":                                  {shard(1), with(func(r *spec.Report) { r.Shard.Order = []int{1} }), shard(3)},
		"shards 1 and 2 are not of one suite":                      {shard(1), with(func(r *spec.Report) { r.Suite.Seed = 2 }), shard(3)},
		"shards 1 and 2 are not of one implementation":             {shard(1), with(func(r *spec.Report) { r.Implementation.ID = "y" }), shard(3)},
		"shards 1 and 2 are not of one run":                        {shard(1), with(func(r *spec.Report) { r.Shard.Strict = true }), shard(3)},
		"shards 1 and 2 are not of one system":                     {shard(1), with(func(r *spec.Report) { r.Environment.Arch = "arm64" }), shard(3)},
		"shards 1 and 2 are not of one packages: map[] and map[a:": {shard(1), with(func(r *spec.Report) { r.Environment.Packages = map[string]string{"a": "1"} }), shard(3)},
		"shards 1 and 2 are not of one findings":                   {shard(1), with(func(r *spec.Report) { r.Findings = []string{"f"} }), shard(3)},
	} {
		if _, err := conform.Merge(list); err == nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	merged, err := conform.Merge([]spec.Report{shard(3), with(func(r *spec.Report) { r.Environment.CPU = "another" }), shard(1)})
	if err != nil || merged.Environment.CPU != "several" || merged.Incomplete == "" {
		t.Errorf("%+v %v", merged, err)
	}
}
