package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"klconf/spec"
)

func diffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff A B",
		Short: "Say what changed between two result files or folders of them",
		Long: `Diff compares result files, as klconf run --json writes them, or folders of
them: verdicts, conventions, agreement with the definition, the checks that began
or stopped failing, and the largest error of each stratum.

Exit codes: 0 nothing is worse in B; 1 something is: a graver verdict, a check that
began to fail, a lost agreement, a lower accuracy level, an implementation that is
gone; 2 a file cannot be read.`,
		Example: `  klconf run --json before/ && … && klconf run --json after/
  klconf diff before after`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("diff takes two result files or two folders of them")
			}
			a, err := readResults(args[0])
			if err != nil {
				return err
			}
			b, err := readResults(args[1])
			if err != nil {
				return err
			}
			d := differ{w: cmd.OutOrStdout()}
			d.all(a, b)
			if d.err != nil {
				return d.err
			}
			if d.worse {
				return nonconforming.as()
			}
			return nil
		},
	}
}

// A differ writes what changed.
type differ struct {
	w     io.Writer
	err   error
	worse bool
	name  string // of the implementation that the next line is about
	said  bool   // its heading is written
}

// line writes one line about an implementation, after its heading. A change
// for the worse is marked.
func (d *differ) line(worse bool, format string, args ...any) {
	if !d.said {
		d.printf("%s\n", d.name)
		d.said = true
	}
	mark := " "
	if worse {
		mark, d.worse = "✗", true
	}
	d.printf("  %s %s\n", mark, fmt.Sprintf(format, args...))
}

func (d *differ) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(d.w, format, args...); err != nil && d.err == nil {
		d.err = err
	}
}

// all compares the implementations of the same id. Two single files are
// compared whatever the ids are.
func (d *differ) all(a, b []spec.Report) {
	changed := false
	about := func(name string, compare func()) {
		d.name, d.said = name, false
		compare()
		changed = changed || d.said
	}
	find := func(list []spec.Report, id string) int {
		return slices.IndexFunc(list, func(r spec.Report) bool { return r.Implementation.ID == id })
	}
	if len(a) == 1 && len(b) == 1 && a[0].Implementation.ID != b[0].Implementation.ID {
		about(a[0].Implementation.ID+" → "+b[0].Implementation.ID, func() { d.pair(a[0], b[0]) })
	} else {
		for _, x := range a {
			about(x.Implementation.ID, func() {
				if i := find(b, x.Implementation.ID); i >= 0 {
					d.pair(x, b[i])
				} else {
					d.line(true, "is gone")
				}
			})
		}
		for _, y := range b {
			if find(a, y.Implementation.ID) < 0 {
				about(y.Implementation.ID, func() { d.line(false, "is new: %s", y.Verdict) })
			}
		}
	}
	if !changed {
		d.printf("no difference\n")
	}
}

// gravity orders verdicts, the best first.
var gravity = []spec.Verdict{spec.Conforming, spec.Undeclared, spec.Incomplete, spec.Nonconforming}

func (d *differ) pair(a, b spec.Report) {
	change := func(what, x, y string) {
		if x != y {
			d.line(false, "%s: %s → %s", what, cmp.Or(x, "none"), cmp.Or(y, "none"))
		}
	}
	change("version", a.Implementation.Version, b.Implementation.Version)
	change("questions", questions(a.Suite), questions(b.Suite))
	if a.Verdict != b.Verdict {
		d.line(slices.Index(gravity, b.Verdict) > slices.Index(gravity, a.Verdict), "verdict: %s → %s", a.Verdict, b.Verdict)
	}
	agreement := func(class string, x, y bool, by string) {
		switch {
		case x && !y:
			d.line(true, "no longer the definition's value on %s: %s", class, by)
		case !x && y:
			d.line(false, "now the definition's value on %s", class)
		}
	}
	agreement("pmfs", a.Agrees.PMF, b.Agrees.PMF, b.Agrees.PMFBy)
	agreement("measures", a.Agrees.Measure, b.Agrees.Measure, b.Agrees.MeasureBy)
	d.conventions(a, b)
	d.checks(a, b)
	d.accuracy(a, b)
}

func questions(s spec.Suite) string {
	return fmt.Sprintf("klconf %s, requirements %s, vectors %s, %s, seed %d", s.Version, s.Spec, s.Vectors, s.Mode, s.Seed)
}

func (d *differ) conventions(a, b spec.Report) {
	var x, y spec.Convention
	if a.Implementation.Convention != nil {
		x = *a.Implementation.Convention
	}
	if b.Implementation.Convention != nil {
		y = *b.Implementation.Convention
	}
	for _, f := range spec.Fields {
		if !x.Same(f, y) {
			d.line(false, "convention %s: %s → %s", f, fieldText(x, f), fieldText(y, f))
		}
	}
}

// fieldText writes one field as JSON.
func fieldText(c spec.Convention, field string) string {
	if !c.Has(field) {
		return "absent"
	}
	var only spec.Convention
	only.Take(field, c)
	s := conventionText(&only)
	return strings.TrimSuffix(strings.TrimPrefix(s, fmt.Sprintf("{%q:", field)), "}")
}

// checks compares the statuses of checks; the levels of strata are compared
// by accuracy. In a compact file what is absent did not fail.
func (d *differ) checks(a, b spec.Report) {
	before, after := statuses(a), statuses(b)
	var began, stopped, other []string
	say := func(list *[]string, id string) {
		*list = append(*list, fmt.Sprintf("%s: %s → %s", id, was(before, a, id), was(after, b, id)))
	}
	for _, x := range b.Results {
		old := was(before, a, x.ID)
		switch now := string(x.Status); {
		case old == now, strings.HasPrefix(x.ID, "accuracy/"):
		case x.Status.Red() && !spec.Status(old).Red():
			say(&began, x.ID)
		case spec.Status(old).Red() && !x.Status.Red():
			say(&stopped, x.ID)
		case routine(old) && routine(now):
		default:
			say(&other, x.ID)
		}
	}
	for _, x := range a.Results {
		if _, there := after[x.ID]; there || strings.HasPrefix(x.ID, "accuracy/") {
			continue
		}
		switch {
		case x.Status.Red():
			say(&stopped, x.ID)
		case !routine(string(x.Status)):
			say(&other, x.ID)
		}
	}
	for _, l := range []struct {
		worse bool
		what  string
		ids   []string
	}{{true, "began to fail", began}, {false, "stopped failing", stopped}, {false, "changed", other}} {
		for _, id := range l.ids {
			d.line(l.worse, "%s: %s", l.what, id)
		}
	}
}

func statuses(r spec.Report) map[string]spec.Status {
	out := map[string]spec.Status{}
	for _, x := range r.Results {
		out[x.ID] = x.Status
	}
	return out
}

// was returns the status of a check in a report as a word.
func was(of map[string]spec.Status, r spec.Report, id string) string {
	if s, there := of[id]; there {
		return string(s)
	}
	if len(r.Elided) > 0 {
		return "did not fail"
	}
	return "not asked"
}

// routine reports whether a status is one of those that a compact file leaves
// out, or the absence of a check.
func routine(status string) bool {
	switch spec.Status(status) {
	case spec.Pass, spec.StatusUnsupported, spec.Skipped, "did not fail", "not asked":
		return true
	}
	return false
}

// accuracy compares the strata: a lower level is worse, and a larger error
// within the level is only shown.
func (d *differ) accuracy(a, b spec.Report) {
	type key struct {
		stratum string
		dtype   spec.DType
	}
	before := map[key]spec.Accuracy{}
	for _, x := range a.Accuracy {
		before[key{x.Stratum, x.DType}] = x
	}
	for _, y := range b.Accuracy {
		k := key{y.Stratum, y.DType}
		x, there := before[k]
		delete(before, k)
		if !there {
			d.line(false, "accuracy %s/%s: new, %s, largest %s ulp", k.stratum, k.dtype, y.Level, ulpText(y.ULPMax))
			continue
		}
		if x.Level != y.Level || ulpText(x.ULPMax) != ulpText(y.ULPMax) || ulpText(x.ULPMedian) != ulpText(y.ULPMedian) {
			d.line(y.Level.Rank() < x.Level.Rank(), "accuracy %s/%s: %s → %s, median %s → %s, largest %s → %s ulp (%s)", k.stratum, k.dtype,
				x.Level, y.Level, ulpText(x.ULPMedian), ulpText(y.ULPMedian), ulpText(x.ULPMax), ulpText(y.ULPMax), y.Worst)
		}
	}
	for _, x := range a.Accuracy {
		if _, gone := before[key{x.Stratum, x.DType}]; gone {
			d.line(false, "accuracy %s/%s: no longer measured", x.Stratum, x.DType)
		}
	}
}

func ulpText(x float64) string { return fmt.Sprintf("%.3g", x) }
