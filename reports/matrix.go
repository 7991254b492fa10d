package reports

import (
	"fmt"
	"slices"
	"strings"

	"klconf/spec"
)

// A mark says how checks went: a sign and a word, so that no colour is
// needed.
type mark struct {
	Sign, Word string
	Class      string // for the style sheet
}

func (m mark) String() string { return m.Sign + " " + m.Word }

var (
	markPass  = mark{"✓", "pass", "good"}
	markNote  = mark{"✓", "pass, with notes", "good"} // a SHOULD or MAY does not hold
	markKnown = mark{"≈", "known failures", "known"}
	markFail  = mark{"✗", "fail", "bad"}
	markNone  = mark{"–", "not asked", "none"}
)

// A counter counts checks by what they say about what they cite.
type counter struct{ Pass, Note, Known, Red, Out int }

func (c *counter) add(s spec.Status, n int) {
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
func (c counter) Asked() int { return c.Pass + c.Note + c.Known + c.Red }

// Mark is the mark of the gravest of the checks.
func (c counter) Mark() mark {
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

// Main is the number of the gravest, or of all if they are as they should be.
func (c counter) Main() int {
	switch {
	case c.Red > 0:
		return c.Red
	case c.Known > 0:
		return c.Known
	}
	return c.Asked()
}

// Rest says what Main counts, and of how many.
func (c counter) Rest() string {
	switch {
	case c.Red > 0 && c.Known > 0:
		return fmt.Sprintf("fail, %d known, of %d", c.Known, c.Asked())
	case c.Red > 0:
		return fmt.Sprintf("fail of %d", c.Asked())
	case c.Known > 0:
		return fmt.Sprintf("known of %d", c.Asked())
	case c.Note == 1:
		return "1 note"
	case c.Note > 1:
		return fmt.Sprintf("%d notes", c.Note)
	}
	return ""
}

// Text writes the counts.
func (c counter) Text() string {
	switch {
	case c.Asked() == 0:
		return "not asked"
	case c.Red+c.Known == 0 && c.Note > 0:
		return fmt.Sprintf("%d, %s", c.Main(), c.Rest())
	}
	return strings.TrimSuffix(fmt.Sprintf("%d %s", c.Main(), c.Rest()), " ")
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

// tally counts the checks of a report by what they cite: each requirement,
// and each family once for a check.
func tally(r spec.Report) map[string]counter {
	out := map[string]counter{}
	add := func(cited string, s spec.Status, n int) {
		c := out[cited]
		c.add(s, n)
		out[cited] = c
	}
	for _, e := range r.Elided {
		for s, n := range e.Counts {
			add(e.Cited, s, n)
		}
	}
	for _, x := range r.Results {
		against := speaks(x.Status, x.Requirements)
		for _, ids := range [][2][]string{{x.Requirements, against}, {families(x.Requirements), families(against)}} {
			for _, id := range ids[0] {
				if slices.Contains(ids[1], id) {
					add(id, x.Status, 1)
				} else {
					add(id, spec.Pass, 1)
				}
			}
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

// Against says in one line what a report holds against a requirement: how
// many checks, and why they are known to fail. It is empty where all that
// was asked holds.
func Against(r spec.Report, id string) string {
	c := tally(r)[id]
	if c.Red+c.Known+c.Note == 0 {
		return ""
	}
	s := name(r) + ": " + c.Text()
	if why := reasonsFor(r, id); len(why) > 0 {
		s += ": " + strings.Join(why, "; ")
	}
	return s
}

// Answer says whether the implementation of a report gives KL(P‖Q) in nats,
// on pmfs and on measures, and what is different.
func Answer(r spec.Report) string {
	c := callOf(r)
	s := fmt.Sprintf("on pmfs %s, on measures %s", c.PMF.Word, c.Measure.Word)
	for _, why := range c.Why {
		s += "; " + why
	}
	for _, why := range c.WhyMeasure {
		s += "; on measures: " + why
	}
	return s
}
