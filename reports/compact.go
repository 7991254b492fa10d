package reports

import (
	"slices"
	"strings"

	"klconf/spec"
)

// Compact returns the report as it is published: what passed, was not offered
// or was skipped is only counted (Elided). The inputs of vectors are left
// out, which their ids tell, other inputs after the first elements, and the
// statements of requirements in messages; Expand puts back what the ids tell.
// The time is left out too, so that the same answers give the same file.
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
		x.Inputs = cut(x.ID, x.Inputs)
		if q, ok := named(x); ok {
			x.Message = strings.TrimSuffix(x.Message, stated(q))
		}
		kept = append(kept, x)
	}
	r.Results, r.Elided = kept, left
	r.Accuracy = slices.Clone(r.Accuracy)
	for i, a := range r.Accuracy {
		r.Accuracy[i].WorstInputs = cut(a.Worst, a.WorstInputs)
	}
	r.Environment.Seconds = 0
	return r
}

// Expand puts back what Compact left out and the ids of a report tell: the
// statements of requirements, and the inputs of vectors, which inputs returns
// by id, nil for an id that it does not know.
func Expand(r spec.Report, inputs func(id string) []spec.Input) spec.Report {
	if r.Elided == nil {
		return r
	}
	r.Results, r.Accuracy = slices.Clone(r.Results), slices.Clone(r.Accuracy)
	for i, x := range r.Results {
		if x.Inputs == nil {
			r.Results[i].Inputs = inputs(x.ID)
		}
		if q, ok := named(x); ok && !strings.HasSuffix(x.Message, stated(q)) {
			r.Results[i].Message += stated(q)
		}
	}
	for i, a := range r.Accuracy {
		if a.WorstInputs == nil {
			r.Accuracy[i].WorstInputs = inputs(a.Worst)
		}
	}
	return r
}

// named returns the requirement that a message begins with.
func named(x spec.Result) (spec.Requirement, bool) {
	id, _, _ := strings.Cut(x.Message, ": ")
	if !slices.Contains(x.Requirements, id) {
		return spec.Requirement{}, false
	}
	return spec.Lookup(id)
}

// stated is how a message ends that says the requirement.
func stated(q spec.Requirement) string { return " (" + q.Statement + ")" }

// cut leaves out the inputs of vectors, and of others all but the first
// elements.
func cut(id string, inputs []spec.Input) []spec.Input {
	if strings.HasPrefix(id, vectorPrefix) {
		return nil
	}
	inputs = slices.Clone(inputs)
	for i, in := range inputs {
		inputs[i].Hex = in.Hex[:min(fewElements, len(in.Hex))]
		inputs[i].Decimal = in.Decimal[:min(fewElements, len(in.Decimal))]
	}
	return inputs
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
