package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"

	"klconf/spec"
)

// The elements of JUnit XML as CI systems read it.
type (
	suites struct {
		XMLName xml.Name `xml:"testsuites"`
		Name    string   `xml:"name,attr"`
		totals
		Time   string  `xml:"time,attr"`
		Suites []suite `xml:"testsuite"`
	}
	suite struct {
		Name string `xml:"name,attr"`
		totals
		Time       string     `xml:"time,attr"`
		Properties []property `xml:"properties>property"`
		Cases      []testcase `xml:"testcase"`
	}
	totals struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
	}
	property struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	testcase struct {
		Name    string   `xml:"name,attr"`
		Class   string   `xml:"classname,attr"`
		Failure *mishap  `xml:"failure"`
		Error   *mishap  `xml:"error"`
		Skipped *mishap  `xml:"skipped"`
		Out     *printed `xml:"system-out"`
	}
	mishap struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
	printed struct {
		Text string `xml:",chardata"`
	}
)

// JUnit writes one test suite for each implementation and one test case for
// each check. A failed check is a failure, one that could not be judged
// (crash, timeout, not-run …) an error, one that is known to fail or not
// offered is skipped, and a note goes to system-out. The last case of each
// suite is the verdict, so that an undeclared or incomplete implementation is
// red too.
func JUnit(w io.Writer, reports []spec.Report) error {
	all := suites{Name: "klconf"}
	seconds := 0.0
	for _, r := range reports {
		s := suiteOf(r)
		all.Suites = append(all.Suites, s)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
		seconds += r.Environment.Seconds
	}
	all.Time = duration(seconds)
	b, err := xml.MarshalIndent(all, "", " ")
	if err != nil {
		return fmt.Errorf("the reports cannot be written as JUnit XML: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, b)
	return err
}

func duration(seconds float64) string { return fmt.Sprintf("%.3f", seconds) }

func suiteOf(r spec.Report) suite {
	id := r.Implementation.ID
	s := suite{Name: id, Time: duration(r.Environment.Seconds), Properties: []property{
		{"implementation", name(r)},
		{"verdict", string(r.Verdict)},
		{"suite", r.Suite.Version},
		{"vectors", r.Suite.Vectors},
		{"mode", r.Suite.Mode},
		{"seed", fmt.Sprint(r.Suite.Seed)},
	}}
	for _, x := range r.Results {
		s.add(caseOf(id, x))
	}
	s.add(verdictCase(id, r))
	return s
}

func (s *suite) add(c testcase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

func caseOf(id string, x spec.Result) testcase {
	c := testcase{Name: x.ID, Class: id}
	said := &mishap{Message: sentence(x), Type: string(x.Status)}
	switch x.Status {
	case spec.Pass:
	case spec.Note:
		c.Out = &printed{sentence(x)}
	case spec.Fail:
		said.Text = block(x)
		c.Failure = said
	case spec.KnownFail, spec.KnownFlaky, spec.StatusUnsupported, spec.Skipped:
		said.Message, said.Type = fmt.Sprintf("%s: %s", x.Status, sentence(x)), ""
		if x.Known != nil {
			said.Message += ", known: " + because(*x.Known)
		}
		c.Skipped = said
	default:
		said.Text = block(x)
		c.Error = said
	}
	return c
}

func verdictCase(id string, r spec.Report) testcase {
	c := testcase{Name: "verdict", Class: id}
	said := &mishap{Message: string(r.Verdict), Type: string(r.Verdict), Text: strings.Join(r.Findings, "\n")}
	switch r.Verdict {
	case spec.Conforming:
	case spec.Incomplete:
		said.Message += ": " + r.Incomplete
		c.Error = said
	default:
		c.Failure = said
	}
	return c
}

// block writes everything about a check as labelled lines.
func block(x spec.Result) string {
	var b strings.Builder
	for _, p := range passages(x, math.MaxInt) {
		if p.Label != "" {
			fmt.Fprintf(&b, "%-9s ", p.Label)
		}
		b.WriteString(p.Text + "\n")
	}
	return b.String()
}
