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

// Markdown writes the table over all reports, which call gives KL(P‖Q), the
// families of requirements, and under a heading for each implementation what
// was found and every failure.
func Markdown(w io.Writer, reports []spec.Report) error {
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
		for _, x := range failures {
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

var special = regexp.MustCompile("[\\\\`*_<>|\\[\\]#]")

// escape makes a text mean itself in Markdown.
func escape(s string) string { return special.ReplaceAllString(s, `\$0`) }
