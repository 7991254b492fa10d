package reports

import (
	"slices"
	"strings"

	"klconf/spec"
)

// Compact returns the report as it is published: what passed, was not offered
// or was skipped is only counted (Elided). The inputs of vectors are left
// out, which their ids tell, and so is the time, so that the same answers
// give the same file.
func Compact(r spec.Report) spec.Report {
	kept := []spec.Result{}
	var left elisions
	for _, e := range r.Elided {
		left.add(e)
	}
	for _, x := range r.Results {
		switch x.Status {
		case spec.Pass, spec.StatusUnsupported, spec.Skipped:
			counts := map[spec.Status]int{x.Status: 1}
			for _, id := range x.Requirements {
				left.add(spec.Elision{Cited: id, Under: []string{under(x.ID)}, Counts: counts})
			}
			for _, f := range families(x.Requirements) {
				left.add(spec.Elision{Cited: f, Counts: counts})
			}
			continue
		}
		if strings.HasPrefix(x.ID, vectorPrefix) {
			x.Inputs = nil
		}
		kept = append(kept, x)
	}
	r.Results, r.Elided = kept, left
	r.Accuracy = slices.Clone(r.Accuracy)
	for i, a := range r.Accuracy {
		if strings.HasPrefix(a.Worst, vectorPrefix) {
			r.Accuracy[i].WorstInputs = nil
		}
	}
	r.Environment.Seconds = 0
	return r
}

// vectorPrefix begins the id of each golden vector.
const vectorPrefix = "golden/"

// elisions are in the order of what they cite, families after requirements.
type elisions []spec.Elision

func (l *elisions) add(e spec.Elision) {
	i, found := slices.BinarySearchFunc(*l, e, func(a, b spec.Elision) int { return strings.Compare(a.Cited, b.Cited) })
	if !found {
		*l = slices.Insert(*l, i, spec.Elision{Cited: e.Cited, Counts: map[spec.Status]int{}})
	}
	at := &(*l)[i]
	for s, n := range e.Counts {
		at.Counts[s] += n
	}
	for _, u := range e.Under {
		if j, found := slices.BinarySearch(at.Under, u); !found {
			at.Under = slices.Insert(at.Under, j, u)
		}
	}
}

// under returns the first two components of an id.
func under(id string) string {
	parts := strings.SplitN(id, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}
