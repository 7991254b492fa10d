package reports

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"klconf/spec"
)

// mostInMarkdown is how many failures of one implementation are written in full.
const mostInMarkdown = 20

// Markdown writes the table over all reports, which call gives KL(P‖Q), the
// families of requirements, the accuracy level of each stratum with the worst input and the
// time, where speeds, which may be nil, knows it, and under a heading for each implementation
// what was found and its failures.
func Markdown(w io.Writer, reports []spec.Report, speeds Speeds) error {
	var b strings.Builder
	b.WriteString("# Kullback-Leibler conformance\n\n")
	var by []string
	for _, r := range reports {
		by = appendNew(by, suiteText(r.Suite)+", on "+machineText(r.Environment))
	}
	fmt.Fprintf(&b, "Graded by %s.\n\n", escape(strings.Join(by, "; ")))
	b.WriteString(markdown(reports) + "\n")
	b.WriteString("\n## Which call gives KL(P‖Q) in nats?\n\n")
	b.WriteString(markdownFinder(reports) + "\n")
	b.WriteString("\n## Families of requirements\n\n")
	b.WriteString(markdownMatrix(reports) + "\n")
	b.WriteString("\n## Accuracy level of each stratum\n\nThe lowest over the formats; the worst input is that of the largest error.")
	if len(speeds) > 0 {
		b.WriteString(" The time is over that of a dot product of the same vectors, rows of a softmax of 1024 in float64.")
	}
	b.WriteString("\n\n" + markdownAccuracy(reports, speeds) + "\n")
	for _, r := range reports {
		failures, noted := bad(r), notes(r)
		fmt.Fprintf(&b, "\n## %s: %s\n\n", escape(name(r)), Verdict(r))
		if r.Incomplete != "" {
			fmt.Fprintf(&b, "%s\n\n", escape(plain(r.Incomplete)))
		}
		fmt.Fprintf(&b, "%s.", counts(r))
		if noted != "" {
			fmt.Fprintf(&b, " Notes: %s.", noted)
		}
		b.WriteString("\n")
		for _, f := range r.Findings {
			fmt.Fprintf(&b, "\n- %s\n", escape(plain(f)))
		}
		var known []reason
		for _, x := range r.Results {
			if x.Known != nil {
				known = addKnown(known, x, failure{})
			}
		}
		for i, k := range known {
			if i == 0 {
				b.WriteString("\nKnown failures:\n\n")
			}
			fmt.Fprintf(&b, "- %d: %s\n", len(k.Failures), escape(k.Why))
		}
		for i, x := range failures {
			if i == mostInMarkdown {
				fmt.Fprintf(&b, "\n%d more are in the result file, and on the page that klconf report --html writes of it.\n", len(failures)-i)
				break
			}
			fmt.Fprintf(&b, "\n### %s: %s\n\n```text\n%s```\n", escape(plain(x.ID)), x.Status, block(x))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdownFinder writes the finder as one table.
func markdownFinder(reports []spec.Report) string {
	t := table.NewWriter()
	t.AppendHeader(table.Row{"tool", "call", "KL(P‖Q) in nats on pmfs?", "on measures?", "what is different"})
	for _, tool := range finder(reports) {
		for _, c := range tool {
			title := c.Title
			if c.Arguments != "" {
				title += " (" + c.Arguments + ")"
			}
			why := slices.Clone(c.Why)
			for _, s := range c.WhyMeasure {
				why = append(why, "on measures: "+s)
			}
			t.AppendRow(table.Row{c.Tool, title, c.PMF.String(), c.Measure.String(), strings.Join(why, "; ")})
		}
	}
	return t.RenderMarkdown()
}

// markdownMatrix writes how each implementation does in each family.
func markdownMatrix(reports []spec.Report) string {
	t := table.NewWriter()
	header := table.Row{"implementation"}
	for _, f := range spec.Families {
		header = append(header, f.Name)
	}
	t.AppendHeader(header)
	for _, r := range reports {
		row := table.Row{name(r)}
		counts := tally(r)
		for _, f := range spec.Families {
			row = append(row, counts[f.Name].Mark().Sign+" "+counts[f.Name].Text())
		}
		t.AppendRow(row)
	}
	return t.RenderMarkdown()
}

// markdownAccuracy writes the level of each implementation in each stratum, its worst input
// and its time.
func markdownAccuracy(reports []spec.Report, speeds Speeds) string {
	t := table.NewWriter()
	header := table.Row{"implementation"}
	var strata []string
	for _, s := range strataOf(reports) {
		strata = append(strata, s.Name)
		header = append(header, s.Name)
	}
	header = append(header, "worst input", "its error, ulp")
	if len(speeds) > 0 {
		header = append(header, "time")
	}
	t.AppendHeader(header)
	for _, r := range reports {
		lowest := map[string]spec.Level{}
		var worst spec.Accuracy
		for _, a := range r.Accuracy {
			if old, ok := lowest[a.Stratum]; !ok || a.Level.Rank() < old.Rank() {
				lowest[a.Stratum] = a.Level
			}
			if worst.Worst == "" || a.ULPMax > worst.ULPMax {
				worst = a
			}
		}
		row := table.Row{name(r)}
		for _, s := range strata {
			row = append(row, orNone(string(lowest[s])))
		}
		if worst.Worst == "" {
			row = append(row, none, none)
		} else {
			row = append(row, plain(worst.Worst), digits(worst.ULPMax))
		}
		if len(speeds) > 0 {
			row = append(row, orNone(speeds.of(r)))
		}
		t.AppendRow(row)
	}
	return t.RenderMarkdown()
}

var special = regexp.MustCompile("[\\\\`*_<>|\\[\\]#]")

// escape makes a text mean itself in Markdown.
func escape(s string) string { return special.ReplaceAllString(s, `\$0`) }
