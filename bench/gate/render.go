package gate

import (
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"golang.org/x/perf/benchunit"
	"klconf/reports/grid"
)

// format writes a value of a tidied unit: 1.27µ of sec/op.
func format(x float64, unit string, exact bool) string {
	if exact {
		return benchunit.NoOpScaler.Format(x)
	}
	return benchunit.Scale(x, benchunit.ClassOf(unit))
}

func percent(x *float64) string {
	if x == nil {
		return "–"
	}
	return fmt.Sprintf("%+.2f%%", 100**x)
}

// cells are the columns of a result.
func (r *Report) cells(x Result) table.Row {
	outcome := string(x.Outcome)
	if x.Severity == Warn && (x.Outcome == Regressed || x.Outcome == Missing || x.Outcome == Added) {
		outcome += " (warning)"
	}
	if x.Unit == "" {
		return table.Row{outcome, x.title(), "", "", "", "", "", "", "", ""}
	}
	interval, p, spread := "", "exact", ""
	if x.P != nil {
		interval = "[" + percent(x.Lo) + ", " + percent(x.Hi) + "]"
		p = fmt.Sprintf("%.2g", *x.Holm)
		spread = fmt.Sprintf("%.1f%%", 100**x.Spread)
	} else if !x.Exact {
		p = ""
	}
	n := fmt.Sprint(x.OldSamples)
	if x.NewSamples != x.OldSamples {
		n += "+" + fmt.Sprint(x.NewSamples)
	}
	if x.Rerun {
		n += " rerun"
	}
	return table.Row{outcome, x.title(), x.Unit, format(x.Old, x.Unit, x.Exact), format(x.New, x.Unit, x.Exact), percent(x.Effect), interval, p, spread, n}
}

func (x Result) title() string { return key{pkg: x.Package, name: x.Benchmark}.title() }

var header = table.Row{"outcome", "benchmark", "unit", "old", "new", "change", "interval", "p (Holm)", "spread", "n"}

func (r *Report) table(list []Result) table.Writer {
	t := grid.NewTable()
	t.AppendHeader(header)
	var configs []table.ColumnConfig
	for i := range header {
		c := table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight}
		if i < 3 {
			c.Align, c.AlignHeader = text.AlignLeft, text.AlignLeft
		}
		configs = append(configs, c)
	}
	t.SetColumnConfigs(configs)
	for _, x := range list {
		t.AppendRow(r.cells(x))
	}
	return t
}

// sentences says, one a line, everything that is not a figure: regressions, problems, the
// reasons of what is inconclusive, notes.
func (r *Report) sentences() (list []string) {
	for _, x := range r.Results {
		if x.Outcome == Regressed {
			list = append(list, x.sentence())
		}
	}
	for _, p := range r.Problems {
		s := p.Sentence
		if p.Severity == Warn {
			s = "warning: " + s
		}
		list = append(list, s)
	}
	reasons := map[string][]string{}
	var order []string
	for _, x := range r.Results {
		if x.Why == "" || x.Outcome == Missing || x.Outcome == Added || x.Outcome == Regressed || strings.HasPrefix(x.Why, "too few") {
			continue
		}
		if reasons[x.Why] == nil {
			order = append(order, x.Why)
		}
		reasons[x.Why] = append(reasons[x.Why], x.title()+" "+x.Unit)
	}
	for _, why := range order {
		list = append(list, fmt.Sprintf("%s: %s", some(reasons[why]), why))
	}
	for _, n := range r.Notes {
		list = append(list, "note: "+n)
	}
	return list
}

// sentence says a regression.
func (x Result) sentence() string {
	s := fmt.Sprintf("%s %s: %s from %s to %s", x.title(), x.Outcome, x.Unit, format(x.Old, x.Unit, x.Exact), format(x.New, x.Unit, x.Exact))
	if x.Effect != nil {
		s += fmt.Sprintf(", %s", percent(x.Effect))
	}
	if x.Holm != nil {
		s += fmt.Sprintf(" with p %.2g after Holm's correction", *x.Holm)
	}
	if x.Why != "" {
		s += "; " + x.Why
	}
	if x.Severity == Warn {
		s = "warning: " + s
	}
	return s
}

// Summary counts the outcomes.
func (r *Report) Summary() string {
	var parts []string
	for _, o := range outcomes {
		if n := r.Count(o); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing compared"}
	}
	return fmt.Sprintf("%s, %d tests", strings.Join(parts, ", "), r.Tests)
}

// Text writes the table and the sentences.
func (r *Report) Text(w io.Writer) error {
	var b strings.Builder
	if len(r.Results) > 0 {
		b.WriteString(r.table(r.Results).Render() + "\n\n")
	}
	for _, s := range r.sentences() {
		b.WriteString(s + "\n")
	}
	b.WriteString(r.Summary() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

var special = regexp.MustCompile("[\\\\`*_<>|\\[\\]#]")

// Markdown writes the same in Markdown; what is unchanged is only counted.
func (r *Report) Markdown(w io.Writer) error {
	escape := func(s string) string { return special.ReplaceAllString(s, `\$0`) }
	var b strings.Builder
	fmt.Fprintf(&b, "# Performance gate: %s\n\n", r.Summary())
	fmt.Fprintf(&b, "OLD is %s, NEW is %s.\n", escape(r.Old), escape(r.New))
	for i, s := range r.sentences() {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "- %s\n", escape(s))
	}
	var shown []Result
	for _, x := range r.Results {
		if x.Outcome != Unchanged {
			shown = append(shown, x)
		}
	}
	if len(shown) > 0 {
		fmt.Fprintf(&b, "\n%s\n", r.table(shown).RenderMarkdown())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// The elements of JUnit XML.
type (
	junitSuite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string      `xml:"name,attr"`
		Class   string      `xml:"classname,attr"`
		Failure *junitSaid  `xml:"failure"`
		Skipped *junitSaid  `xml:"skipped"`
		Out     *junitPrint `xml:"system-out"`
	}
	junitSaid struct {
		Message string `xml:"message,attr"`
	}
	junitPrint struct {
		Text string `xml:",chardata"`
	}
)

// JUnit writes a test case for each result and each problem. What fails the gate is a
// failure, what is inconclusive is skipped unless the policy makes it fail, and a warning goes
// to system-out.
func (r *Report) JUnit(w io.Writer) error {
	s := junitSuite{Name: "klconf gate"}
	add := func(c junitCase) {
		s.Cases = append(s.Cases, c)
		s.Tests++
		if c.Failure != nil {
			s.Failures++
		}
		if c.Skipped != nil {
			s.Skipped++
		}
	}
	for _, x := range r.Results {
		name := x.Unit
		if name == "" {
			name = "present"
		}
		c := junitCase{Name: name, Class: x.title()}
		switch {
		case x.Outcome == Regressed && x.Severity == Hard:
			c.Failure = &junitSaid{x.sentence()}
		case x.Outcome == Regressed:
			c.Out = &junitPrint{x.sentence()}
		case (x.Outcome == Missing || x.Outcome == Added) && x.Severity == Hard:
			c.Failure = &junitSaid{string(x.Outcome) + ": " + x.Why}
		case x.Outcome == Missing || x.Outcome == Added:
			c.Out = &junitPrint{string(x.Outcome) + ": " + x.Why}
		case x.Outcome == Inconclusive && r.Policy.FailInconclusive:
			c.Failure = &junitSaid{"inconclusive: " + x.Why}
		case x.Outcome == Inconclusive:
			c.Skipped = &junitSaid{"inconclusive: " + x.Why}
		}
		add(c)
	}
	for i, p := range r.Problems {
		c := junitCase{Name: fmt.Sprintf("%s %d", p.Kind, i+1), Class: "problems"}
		if p.Severity == Hard {
			c.Failure = &junitSaid{p.Sentence}
		} else {
			c.Out = &junitPrint{p.Sentence}
		}
		add(c)
	}
	b, err := xml.MarshalIndent(s, "", " ")
	if err != nil {
		return fmt.Errorf("the report cannot be written as JUnit XML: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, b)
	return err
}
