package reports

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"klconf/spec"
)

// Options say how a terminal is written to.
type Options struct {
	Width int  // columns; 0 is any number
	Color bool // a second mark besides the words
	// Failures is how many failures of each implementation are written in
	// full; 0 is 5 and less than that is all. More says where the others are.
	Failures int
	More     string
}

const (
	fewFailures = 5
	fewElements = 4
)

// Terminal writes one table over all reports and then, for each
// implementation, what was found and what failed.
func Terminal(w io.Writer, reports []spec.Report, o Options) error {
	t := terminal{Options: o}
	var paint func(spec.Verdict, string) string
	if o.Color {
		paint = colored
	}
	t.WriteString(fit(reports, o.Width, paint) + "\n")
	for _, r := range reports {
		t.report(r)
	}
	_, err := io.WriteString(w, t.String())
	return err
}

// colored adds a colour to the word of a verdict.
func colored(v spec.Verdict, s string) string {
	code := map[spec.Verdict]string{spec.Conforming: "32", spec.Nonconforming: "31"}[v]
	return "\x1b[" + cmp.Or(code, "33") + "m" + s + "\x1b[0m"
}

type terminal struct {
	strings.Builder
	Options
}

// report writes what the table does not say. It is silent about an
// implementation without a fault.
func (t *terminal) report(r spec.Report) {
	failures, noted := bad(r), notes(r)
	if len(failures) == 0 && len(r.Findings) == 0 && r.Incomplete == "" && noted == "" && r.Verdict == spec.Conforming {
		return
	}
	fmt.Fprintf(t, "\n%s: %s\n", name(r), Verdict(r))
	if r.Incomplete != "" {
		t.wrapped("  ", "", plain(r.Incomplete))
	}
	if len(r.Results) > 0 {
		t.wrapped("  ", "", counts(r))
	}
	if d := departures(r.Agrees); d != "" {
		t.wrapped("  ", "", d)
	}
	for _, f := range r.Findings {
		t.finding(f, r.Suggestion)
	}
	most := t.Failures
	switch {
	case most == 0:
		most = fewFailures
	case most < 0:
		most = len(failures)
	}
	for _, x := range first(failures)[:min(most, len(failures))] {
		t.failure(x)
	}
	if n := len(failures) - most; n > 0 {
		t.wrapped("  ", "", strings.TrimSuffix(fmt.Sprintf("and %d more: %s", n, t.More), ": "))
	}
	if noted != "" {
		t.wrapped("  ", "", "notes: "+noted)
	}
}

// finding writes one finding. What is meant to be pasted stands on a line of
// its own, in one piece.
func (t *terminal) finding(f, paste string) {
	if paste == "" || !strings.HasSuffix(f, paste) {
		t.wrapped("  ", "", plain(f))
		return
	}
	t.wrapped("  ", "", plain(strings.TrimSuffix(f, paste)))
	fmt.Fprintf(t, "    %s\n", plain(paste))
}

func (t *terminal) failure(x spec.Result) {
	elements := fewElements
	if t.Failures < 0 {
		elements = len(x.Inputs) + 1<<10
	}
	fmt.Fprintf(t, "  %s  %s\n", strings.ToUpper(string(x.Status)), plain(x.ID))
	for _, p := range passages(x, elements) {
		switch p.Label {
		case "rerun":
			fmt.Fprintf(t, "    %-9s %s\n", p.Label, p.Text) // in one piece, to be copied
		default:
			t.wrapped("    ", p.Label, p.Text)
		}
	}
}

// wrapped writes a text within the width, with its label before it.
func (t *terminal) wrapped(indent, label, s string) {
	if label != "" {
		label = fmt.Sprintf("%-9s ", label)
	}
	space := len(indent) + len(label)
	if t.Width > space+20 {
		s = text.WrapSoft(s, t.Width-space)
	}
	for i, line := range strings.Split(s, "\n") {
		if i == 1 {
			label = strings.Repeat(" ", len(label))
		}
		t.WriteString(strings.TrimRight(indent+label+line, " ") + "\n")
	}
}
