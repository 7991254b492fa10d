package conform

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"

	"klconf/spec"
)

// Merge makes the report of a whole run of those of its shards, in any order: it is that of
// one run but for the seconds, which are added. It is an error if a shard is missing or there
// twice, or if two are of different runs: another suite, seed, implementation or convention,
// or another selection.
func Merge(shards []spec.Report) (spec.Report, error) {
	if len(shards) == 0 {
		return spec.Report{}, fmt.Errorf("there is nothing to merge")
	}
	for _, s := range shards {
		if s.Shard == nil {
			return spec.Report{}, fmt.Errorf("the result of %s is of a whole run, not of a shard", s.Implementation.ID)
		}
		if len(s.Shard.Order) != len(s.Results) {
			return spec.Report{}, fmt.Errorf("shard %d of %d is compact: write it without --compact", s.Shard.Index, s.Shard.Total)
		}
	}
	shards = slices.Clone(shards)
	slices.SortStableFunc(shards, func(a, b spec.Report) int { return cmp.Compare(a.Shard.Index, b.Shard.Index) })
	first := shards[0]
	for _, s := range shards[1:] {
		a, b := *first.Shard, *s.Shard
		a.Index, a.Order, b.Index, b.Order = 0, nil, 0, nil
		for _, x := range []struct {
			what string
			a, b any
		}{
			{"implementation", first.Implementation, s.Implementation},
			{"suite", first.Suite, s.Suite},
			{"run", a, b},
			{"system", [2]string{first.Environment.OS, first.Environment.Arch}, [2]string{s.Environment.OS, s.Environment.Arch}},
			{"packages", first.Environment.Packages, s.Environment.Packages},
			{"findings", first.Findings, s.Findings},
		} {
			if !reflect.DeepEqual(x.a, x.b) {
				return spec.Report{}, fmt.Errorf("shards %d and %d are not of one %s: %v and %v", first.Shard.Index, s.Shard.Index, x.what, x.a, x.b)
			}
		}
	}
	for i := range first.Shard.Total {
		n := 0
		for _, s := range shards {
			if s.Shard.Index == i+1 {
				n++
			}
		}
		if n != 1 {
			return spec.Report{}, fmt.Errorf("shard %d of %d is there %d times", i+1, first.Shard.Total, n)
		}
	}

	out := first
	out.Shard, out.Results, out.Accuracy, out.Counts = nil, []spec.Result{}, nil, map[spec.Status]int{}
	out.Environment.Seconds = 0
	type placed struct {
		place int
		spec.Result
	}
	var all []placed
	place := map[string]int{} // of each check
	for _, s := range shards {
		for i, r := range s.Results {
			all = append(all, placed{s.Shard.Order[i], r})
			place[r.ID] = s.Shard.Order[i]
		}
		out.Environment.Seconds += s.Environment.Seconds
		out.Incomplete = cmp.Or(out.Incomplete, s.Incomplete)
		if s.Environment.CPU != first.Environment.CPU {
			out.Environment.CPU = "several"
		}
		disagree(&out.Agrees.PMF, &out.Agrees.PMFBy, s.Agrees.PMF, s.Agrees.PMFBy, place)
		disagree(&out.Agrees.Measure, &out.Agrees.MeasureBy, s.Agrees.Measure, s.Agrees.MeasureBy, place)
		out.Agrees.PMFAsked = out.Agrees.PMFAsked || s.Agrees.PMFAsked
		out.Agrees.MeasureAsked = out.Agrees.MeasureAsked || s.Agrees.MeasureAsked
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.place, b.place) })
	for _, r := range all {
		out.Results = append(out.Results, r.Result)
	}
	if out.Incomplete == "" && len(all) == 0 {
		out.Incomplete = "nothing was selected"
	}
	out.Accuracy = mergeAccuracy(shards, place)
	Options{Only: first.Shard.Only, Skip: first.Shard.Skip, Strict: first.Shard.Strict, AcceptDetected: first.Shard.AcceptDetected}.conclude(&out)
	return out, nil
}

// disagree takes over a disagreement of a shard if its check comes first in the run. What
// stands in no result comes before all: detection.
func disagree(agrees *bool, by *string, shardAgrees bool, shardBy string, place map[string]int) {
	if shardAgrees || !*agrees && place[*by] <= place[shardBy] {
		return
	}
	*agrees, *by = false, shardBy
}

// mergeAccuracy puts the rows of a stratum together.
func mergeAccuracy(shards []spec.Report, place map[string]int) (rows []spec.Accuracy) {
	type sum struct {
		row spec.Accuracy
		ulp []float64
	}
	sums := map[stratumKey]*sum{}
	for _, s := range shards {
		for _, a := range s.Accuracy {
			k := stratumKey{a.Stratum, a.DType}
			t := sums[k]
			if t == nil {
				sums[k] = &sum{a, a.ULPs}
				continue
			}
			row := &t.row
			if len(a.ULPs) > 0 && (len(t.ulp) == 0 || a.ULPMax > row.ULPMax || a.ULPMax == row.ULPMax && place[a.Worst] < place[row.Worst]) {
				row.Worst, row.WorstInputs, row.ULPMax = a.Worst, a.WorstInputs, a.ULPMax
			}
			t.ulp = append(slices.Clone(t.ulp), a.ULPs...)
			row.N += a.N
			row.CondMax, row.AbsMax, row.BitsLost = math.Max(row.CondMax, a.CondMax), math.Max(row.AbsMax, a.AbsMax), math.Max(row.BitsLost, a.BitsLost)
			if a.Level.Rank() < row.Level.Rank() {
				row.Level = a.Level
			}
		}
	}
	for _, t := range sums {
		distribute(&t.row, t.ulp)
		t.row.ULPs = nil
		rows = append(rows, t.row)
	}
	slices.SortFunc(rows, func(a, b spec.Accuracy) int {
		return stratumKey{a.Stratum, a.DType}.compare(stratumKey{b.Stratum, b.DType})
	})
	return rows
}
