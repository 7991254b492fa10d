package reports

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"klconf/spec"
)

// Markdown writes the table over all reports, and under a heading for each
// implementation what was found and every failure.
func Markdown(w io.Writer, reports []spec.Report) error {
	var b strings.Builder
	b.WriteString("# Kullback-Leibler conformance\n\n")
	b.WriteString(markdown(reports) + "\n")
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
		for _, x := range failures {
			fmt.Fprintf(&b, "\n### %s: %s\n\n```text\n%s```\n", escape(plain(x.ID)), x.Status, block(x))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var special = regexp.MustCompile("[\\\\`*_<>|\\[\\]#]")

// escape makes a text mean itself in Markdown.
func escape(s string) string { return special.ReplaceAllString(s, `\$0`) }
