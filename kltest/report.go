package kltest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"klconf/spec"
)

const (
	shownCases    = 5 // of one requirement, without -v
	shownElements = 8 // of one slice
)

// report makes a subtest of each requirement.
func report(t *testing.T, rep spec.Report) {
	t.Helper()
	if rep.Suggestion != "" {
		t.Run("convention", func(t *testing.T) {
			t.Helper()
			words, _, _ := strings.Cut(strings.Join(rep.Findings, "; "), "; if that is meant")
			t.Errorf("the function departs from the definition: %s.\nIf that is meant, declare it:\n\tkltest.Convention(`%s`)",
				words, strings.TrimPrefix(rep.Suggestion, `"convention":`))
		})
	}
	cases := map[string][]spec.Result{}
	for _, x := range rep.Results {
		if x.Status != spec.StatusUnsupported && x.Status != spec.Skipped {
			id := about(x)
			cases[id] = append(cases[id], x)
		}
	}
	for _, q := range spec.Requirements() {
		if results := cases[q.ID]; results != nil {
			t.Run(q.ID, func(t *testing.T) {
				t.Helper()
				requirement(t, q, results)
			})
		}
	}
	level := string(rep.Level)
	if level == "" {
		level = "no level"
	}
	t.Logf("accuracy: %s over all strata", level)
}

// about returns the requirement that a result is shown under: the one that is
// broken, else the first.
func about(x spec.Result) string {
	if id, _, ok := strings.Cut(x.Message, ":"); ok {
		if _, ok := spec.Lookup(id); ok {
			return id
		}
	}
	if len(x.Requirements) > 0 {
		return x.Requirements[0]
	}
	return "IO-6"
}

func requirement(t *testing.T, q spec.Requirement, results []spec.Result) {
	t.Helper()
	again := "go test -run '" + pattern(t.Name()) + "'"
	failed := 0
	for _, x := range results {
		switch {
		case x.Status.Red():
			if failed++; failed <= shownCases || testing.Verbose() {
				t.Errorf("%s\nrepeat:   %s", sentence(q, x), again)
			}
		case x.Status == spec.Note:
			t.Logf("%s: %s: %s", x.Status, x.ID, strings.TrimPrefix(x.Message, q.ID+": "))
		case x.Known != nil:
			t.Logf("%s: %s: %s: %s", x.Status, x.ID, x.Known.Why, strings.TrimPrefix(x.Message, q.ID+": "))
		}
	}
	if failed > shownCases && !testing.Verbose() {
		t.Errorf("and %d more cases: %s -v", failed-shownCases, again)
	}
}

// pattern is the argument of -run that selects one test.
func pattern(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

// sentence says what is wrong with one case, for people.
func sentence(q spec.Requirement, x spec.Result) string {
	why := strings.TrimPrefix(x.Message, q.ID+": ")
	why = strings.Replace(why, " ("+q.Statement+")", "", 1)
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", q.ID, q.Statement)
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "\n%-9s %s", name+":", text)
		}
	}
	line("case", x.ID)
	line("why", why)
	for _, in := range x.Inputs {
		line(in.Name, input(in))
	}
	if x.Expected != nil {
		line("expected", expected(*x.Expected))
	}
	if x.Got != nil {
		line("got", got(*x.Got))
	}
	return b.String()
}

func input(in spec.Input) string {
	shown := min(shownElements, len(in.Hex))
	n := 1
	for _, d := range in.Shape {
		n *= d
	}
	more := ""
	if shown < n {
		more = fmt.Sprintf(" … %d elements", n)
	}
	s := "[" + strings.Join(in.Decimal[:shown], " ") + more + "]"
	if shown > 0 {
		s += " = " + strings.Join(in.Hex[:shown], " ") + more
	}
	if len(in.Shape) != 1 {
		return fmt.Sprint("shape ", in.Shape, ": ", s)
	}
	return s
}

func expected(s spec.Set) string {
	var parts []string
	if s.RN != "" {
		d := spec.F64
		if len(s.RN) == 8 {
			d = spec.F32
		}
		if b, err := strconv.ParseUint(s.RN, 16, 64); err == nil {
			parts = append(parts, number(d, b))
		}
	} else {
		for _, v := range s.Intervals {
			parts = append(parts, v.Lo.Text('g', 17))
		}
	}
	if s.NaN {
		parts = append(parts, "NaN")
	}
	if s.Reject {
		parts = append(parts, "a refusal")
	}
	return strings.Join(slices.Compact(parts), " or ")
}

// number writes bits as the decimal and the hexadecimal word.
func number(d spec.DType, bits uint64) string {
	return spec.Decimal(d.Widen(bits)) + " = " + spec.HexBits(d, bits)
}

func got(g spec.Got) string {
	s := g.Status
	switch {
	case g.Hex != "":
		s = g.Decimal + " = " + g.Hex
	case g.Decimal != "":
		s = g.Decimal
	}
	if g.Element != nil {
		s += fmt.Sprintf(" in element %d", *g.Element)
	}
	return s
}
