package reports

import (
	"fmt"
	"slices"

	"klconf/spec"
)

// A mark says how checks went: a sign and a word, so that no colour is
// needed.
type mark struct {
	Sign, Word string
	Class      string // for the style sheet
}

var (
	markPass  = mark{"✓", "pass", "good"}
	markNote  = mark{"✓", "pass, with notes", "good"} // a SHOULD or MAY does not hold
	markKnown = mark{"≈", "known failures", "known"}
	markFail  = mark{"✗", "fail", "bad"}
	markNone  = mark{"–", "not asked", "none"}
)

// A tallyOf counts checks by what they say about what they cite.
type tallyOf struct{ Pass, Note, Known, Red, Out int }

func (c *tallyOf) add(s spec.Status, n int) {
	switch {
	case s == spec.Pass:
		c.Pass += n
	case s == spec.Note:
		c.Note += n
	case s == spec.KnownFail || s == spec.KnownFlaky:
		c.Known += n
	case s.Red():
		c.Red += n
	default:
		c.Out += n
	}
}

// Asked is the number of checks that were judged.
func (c tallyOf) Asked() int { return c.Pass + c.Note + c.Known + c.Red }

// Mark is the mark of the gravest of the checks.
func (c tallyOf) Mark() mark {
	switch {
	case c.Red > 0:
		return markFail
	case c.Known > 0:
		return markKnown
	case c.Note > 0:
		return markNote
	case c.Pass > 0:
		return markPass
	}
	return markNone
}

// Text writes the counts.
func (c tallyOf) Text() string {
	switch {
	case c.Red > 0 && c.Known > 0:
		return fmt.Sprintf("%d fail, %d known of %d", c.Red, c.Known, c.Asked())
	case c.Red > 0:
		return fmt.Sprintf("%d fail of %d", c.Red, c.Asked())
	case c.Known > 0:
		return fmt.Sprintf("%d known of %d", c.Known, c.Asked())
	case c.Note > 0:
		return fmt.Sprintf("%d, %d with notes", c.Asked(), c.Note)
	case c.Pass > 0:
		return fmt.Sprint(c.Pass)
	}
	return "not asked"
}

// speaks lists the requirements that a check with that status speaks
// against: all that it cites if it is red or known, and of a note those that
// bind less than a MUST.
func speaks(s spec.Status, requirements []string) []string {
	if s != spec.Note {
		return requirements
	}
	var soft []string
	for _, id := range requirements {
		if q, ok := spec.Lookup(id); ok && q.Force != spec.Must {
			soft = append(soft, id)
		}
	}
	if soft == nil {
		return requirements
	}
	return soft
}

// byRequirement counts the checks of a report under each requirement that
// they cite.
func byRequirement(r spec.Report) map[string]tallyOf {
	out := map[string]tallyOf{}
	for _, t := range tallies(r) {
		against := speaks(t.Status, t.Requirements)
		for _, id := range t.Requirements {
			s := t.Status
			if !slices.Contains(against, id) {
				s = spec.Pass
			}
			c := out[id]
			c.add(s, t.N)
			out[id] = c
		}
	}
	return out
}

// byFamily counts the checks of a report under each family that they cite,
// each once for a family.
func byFamily(r spec.Report) map[string]tallyOf {
	out := map[string]tallyOf{}
	for _, t := range tallies(r) {
		against := families(speaks(t.Status, t.Requirements))
		for _, f := range families(t.Requirements) {
			s := t.Status
			if !slices.Contains(against, f) {
				s = spec.Pass
			}
			c := out[f]
			c.add(s, t.N)
			out[f] = c
		}
	}
	return out
}

func families(ids []string) []string {
	var list []string
	for _, id := range ids {
		if f := (spec.Requirement{ID: id}).Family(); !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return list
}
