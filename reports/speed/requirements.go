package speed

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"klconf/spec"
)

// What the requirements on speed allow, beside the limits in their formulas. A limit is
// passed only if the whole interval lies beyond it.
const (
	// leastFitted is the length from which the growth of time is fitted: below it what
	// a call costs by itself counts.
	leastFitted = 1024
	// growth is how far the slope of ln t against ln n may exceed 1. Sorting exceeds it by
	// 1/ln n, which is 0.07 at 2^20 and 0.14 at 2^10.
	growth = 0.05
	// bytesPerElement is what memory may grow by; one temporary array has 4 or 8.
	bytesPerElement = 0.5
	specialCost     = 8    // PERF-2
	dotCost         = 16   // PERF-4
	step            = 1.25 // PERF-6
)

// Steps is the function of benchmarks on both sides of block boundaries, at the lengths
// 2^k − 1, 2^k and 2^k + 1; they are not in the tables.
const Steps = "Steps"

// A Finding is what one requirement on speed says of one implementation and format.
type Finding struct {
	Impl, DType string
	Requirement string // PERF-1
	Met         bool
	Measured    string // in a few words
}

// Requirements judges PERF-1 to PERF-4 and PERF-6 by what was measured; what was not
// measured is left out.
//
//	PERF-1  the slope of ln t against ln n, of all families but zeros, from n = 1024
//	PERF-2  zeros and near-equal vectors over softmax of the same length
//	PERF-3  B/op (in process) or peak-B/el, from the shortest to the longest vectors
//	PERF-4  x-dot of the longest generic vectors
//	PERF-6  t(2^k + 1)/t(2^k)
func Requirements(all []*Series) []Finding {
	var list []Finding
	byOwner := map[[2]string][]*Series{}
	var owners [][2]string
	for _, s := range all {
		if s.N == 0 || s.Impl == "" {
			continue
		}
		owner := [2]string{s.Impl, s.DType}
		if byOwner[owner] == nil {
			owners = append(owners, owner)
		}
		byOwner[owner] = append(byOwner[owner], s)
	}
	for _, owner := range owners {
		r := requirements{series: byOwner[owner]}
		for _, check := range []struct {
			id string
			f  func() (string, bool)
		}{
			{"PERF-1", r.linear}, {"PERF-2", r.special}, {"PERF-3", r.memory}, {"PERF-4", r.limit}, {"PERF-6", r.steps},
		} {
			if text, met := check.f(); text != "" {
				list = append(list, Finding{owner[0], owner[1], check.id, met, text})
			}
		}
	}
	return list
}

// requirements are the checks on the series of one implementation and format. Each returns
// what it measured, "" if it could measure nothing.
type requirements struct{ series []*Series }

// families returns the series by family, the lengths rising, without those of Steps.
func (r requirements) families() map[string][]*Series {
	by := map[string][]*Series{}
	for _, s := range r.series {
		if s.Function != Steps {
			by[s.Data] = append(by[s.Data], s)
		}
	}
	for _, list := range by {
		slices.SortFunc(list, func(a, b *Series) int { return a.N - b.N })
	}
	return by
}

// linear fits ln t against ln n in every round apart. What the dot product takes more for an
// element of long vectors than of short ones is taken off first: it is the memory's.
func (r requirements) linear() (string, bool) {
	worst, family := Interval{Center: math.Inf(-1)}, ""
	for data, list := range r.families() {
		if data == "zeros" {
			continue // a branch predictor learns where the zeros of short vectors are
		}
		list = slices.DeleteFunc(slices.Clone(list), func(s *Series) bool { return s.N < leastFitted || len(s.Values["x-dot"]) == 0 })
		if len(list) < 3 {
			continue
		}
		if x := slopes(list); x.Center > worst.Center {
			worst, family = x, data
		}
	}
	if family == "" {
		return "", false
	}
	return fmt.Sprintf("t ~ n^%s (%s)", worst, family), worst.Lo <= 1+growth
}

// slopes returns the interval of the slopes of the rounds.
func slopes(list []*Series) Interval {
	rounds := math.MaxInt
	for _, s := range list {
		rounds = min(rounds, len(s.Values["ns/op"]), len(s.Values["x-dot"]))
	}
	var all []float64
	for i := range rounds {
		dot := func(s *Series) float64 { return s.Values["ns/op"][i] / s.Values["x-dot"][i] }
		least := math.Inf(1) // of an element
		for _, s := range list {
			least = min(least, dot(s)/float64(s.N))
		}
		var sx, sy, sxx, sxy float64
		for _, s := range list {
			n, t := float64(s.N), s.Values["ns/op"][i]
			x, y := math.Log(n), math.Log(max(t-(dot(s)-least*n), t/2))
			sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
		}
		n := float64(len(list))
		all = append(all, (n*sxy-sx*sy)/(n*sxx-sx*sx))
	}
	return intervalOf(all)
}

// special compares zeros and near-equal vectors with softmax.
func (r requirements) special() (string, bool) {
	by := r.families()
	worst, where := Interval{Center: math.Inf(-1)}, ""
	for _, data := range []string{"zeros", "near-equal"} {
		for _, s := range by[data] {
			for _, generic := range by["softmax"] {
				if generic.N != s.N || s.N < leastFitted {
					continue
				}
				if x, ok := s.over(generic); ok && x.Center > worst.Center {
					worst, where = x, fmt.Sprintf("%s, n=%d", data, s.N)
				}
			}
		}
	}
	if where == "" {
		return "", false
	}
	return fmt.Sprintf("%s × generic (%s)", worst, where), worst.Lo <= specialCost
}

// memory compares what the longest and the shortest vectors take.
func (r requirements) memory() (string, bool) {
	most, unit := math.Inf(-1), ""
	for _, list := range r.families() {
		first, last := list[0], list[len(list)-1]
		if last.N < 2*first.N || last.N < leastFitted {
			continue
		}
		length := float64(last.N - first.N)
		if a, b := first.Values["B/op"], last.Values["B/op"]; len(a) > 0 && len(b) > 0 {
			if x := (slices.Min(b) - slices.Min(a)) / length; x > most {
				most, unit = x, "B/op"
			}
		} else if x := last.Values["peak-B/el"]; len(x) > 0 && slices.Min(x) > most {
			most, unit = slices.Min(x), "resident memory"
		}
	}
	if unit == "" {
		return "", false
	}
	return fmt.Sprintf("%s B per element (%s)", written(max(most, 0)), unit), most <= bytesPerElement
}

// limit compares the longest generic vectors with their dot product.
func (r requirements) limit() (string, bool) {
	list := r.families()["softmax"]
	if len(list) == 0 {
		return "", false
	}
	s := list[len(list)-1]
	if s.N < leastFitted || len(s.Values["x-dot"]) == 0 {
		return "", false
	}
	x := intervalOf(s.Values["x-dot"])
	return fmt.Sprintf("%s × dot (n=%d)", x, s.N), x.Lo <= dotCost
}

// steps compares one element beyond a block with the block.
func (r requirements) steps() (string, bool) {
	worst, at := Interval{Center: math.Inf(-1)}, 0
	for _, s := range r.series {
		for _, t := range r.series {
			if s.Function != Steps || t.Function != Steps || t.N != s.N+1 || s.N&(s.N-1) != 0 || s.Data != t.Data {
				continue
			}
			if x, ok := t.over(s); ok && x.Center > worst.Center {
				worst, at = x, s.N
			}
		}
	}
	if at == 0 {
		return "", false
	}
	return fmt.Sprintf("t(%d) = %s t(%d)", at+1, worst, at), worst.Lo <= step
}

// WriteFindings writes the findings, one line for each implementation, and what a
// requirement says that is not met.
func WriteFindings(w io.Writer, list []Finding) error {
	var b strings.Builder
	var missed []string
	owner := ""
	for _, f := range list {
		if o := f.Impl + " " + f.DType; o != owner {
			if owner == "" {
				fmt.Fprintln(&b, "requirements on speed")
			}
			owner = o
			fmt.Fprintf(&b, "\n%s\n", owner)
		}
		mark := "met    "
		if !f.Met {
			mark = "NOT MET"
			if !slices.Contains(missed, f.Requirement) {
				missed = append(missed, f.Requirement)
			}
		}
		fmt.Fprintf(&b, "  %s %s  %s\n", f.Requirement, mark, f.Measured)
	}
	slices.Sort(missed)
	for i, id := range missed {
		if q, ok := spec.Lookup(id); ok {
			if i == 0 {
				fmt.Fprintln(&b)
			}
			fmt.Fprintf(&b, "%s (%s): %s %s\n", id, q.Force, q.Statement, q.Rationale)
		}
	}
	if b.Len() > 0 {
		fmt.Fprintln(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
