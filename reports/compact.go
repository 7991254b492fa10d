package reports

import (
	"slices"
	"strings"

	"klconf/spec"
)

// compactElements is how many elements of an array a compact report shows.
const compactElements = 4

// Compact returns the report as it is published: what passed, was not offered
// or was skipped is only counted (Elided), arrays are cut after the first
// elements, and the time is left out, so that the same answers give the same
// file.
func Compact(r spec.Report) spec.Report {
	kept := []spec.Result{}
	left := slices.Clone(r.Elided)
	for _, x := range r.Results {
		switch x.Status {
		case spec.Pass, spec.StatusUnsupported, spec.Skipped:
			left = gather(left, spec.Tally{Under: under(x.ID), Requirements: x.Requirements, Status: x.Status, N: 1})
			continue
		}
		x.Inputs = cut(x.Inputs)
		kept = append(kept, x)
	}
	r.Results, r.Elided = kept, left
	r.Accuracy = slices.Clone(r.Accuracy)
	for i, a := range r.Accuracy {
		r.Accuracy[i].WorstInputs = cut(a.WorstInputs)
	}
	r.Environment.Seconds = 0
	return r
}

// gather adds one count to a list that has one for each kind.
func gather(list []spec.Tally, one spec.Tally) []spec.Tally {
	i := slices.IndexFunc(list, func(t spec.Tally) bool {
		return t.Under == one.Under && t.Status == one.Status && slices.Equal(t.Requirements, one.Requirements)
	})
	if i < 0 {
		return append(list, one)
	}
	list[i].N += one.N
	return list
}

func cut(inputs []spec.Input) []spec.Input {
	inputs = slices.Clone(inputs)
	for i, in := range inputs {
		inputs[i].Hex = in.Hex[:min(compactElements, len(in.Hex))]
		inputs[i].Decimal = in.Decimal[:min(compactElements, len(in.Decimal))]
	}
	return inputs
}

// under returns the first two components of an id.
func under(id string) string {
	parts := strings.SplitN(id, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// tallies counts all results of a report, those that are left out as well.
func tallies(r spec.Report) []spec.Tally {
	list := slices.Clone(r.Elided)
	for _, x := range r.Results {
		list = gather(list, spec.Tally{Under: under(x.ID), Requirements: x.Requirements, Status: x.Status, N: 1})
	}
	return list
}
