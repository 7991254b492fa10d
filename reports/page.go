package reports

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"klconf/spec"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// pageTemplate knows the functions of place.template by name only.
var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"implementation": noLink, "requirement": noLink, "family": noLink, "part": noLink,
	"open": func(int, string) template.HTML { return "" }, "close": func(int) template.HTML { return "" },
	"whole": func() bool { return false }, "policy": func() string { return "" }, "style": func() template.HTML { return "" },
}).Parse(pageHTML))

func noLink(string) string { return "" }

// HTML writes one page over all reports: which call gives KL(P‖Q), how every
// implementation does in every family of requirements, the distribution of
// its errors, each failure, and each requirement. The page is one file that
// loads nothing and needs no script; it carries no date, so that the same
// reports give the same page.
func HTML(w io.Writer, reports []spec.Report) error {
	var b bytes.Buffer
	if err := (place{whole: true}).template().ExecuteTemplate(&b, "whole", newPage(reports)); err != nil {
		return fmt.Errorf("the page cannot be written: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// A page is what page.html shows.
type page struct {
	Suites          []string // which suite graded, one line each if several did
	Machines        []string
	Tools           [][]call
	Families        []family
	Rows            []row
	Strata          []stratum
	Implementations []implementation
	Planned         int // requirements that this version does not check
	Speed           *scatter
}

// A row is one implementation in the matrix.
type row struct {
	link
	Verdict      mark
	PMF, Measure mark
	Level        string
	Speed        string // over a dot product
	Cells        []cell
}

// A cell is one family of one implementation.
type cell struct {
	Family string
	counter
}

type family struct {
	Name, About  string
	Requirements []requirement
}

// A requirement is its own section of the page.
type requirement struct {
	spec.Requirement
	Planned bool
	Checks  []string // prefixes of the ids of those that cite it
	Holds   []link
	Broken  []breach
	Notes   []breach
	Unasked []link
}

// subscript finds an index of one letter or digit after a letter.
var subscript = regexp.MustCompile(`\b([A-Za-z])_([A-Za-z0-9])\b`)

// Typeset is the formula with its indices set low.
func (q requirement) Typeset() template.HTML {
	return template.HTML(subscript.ReplaceAllString(template.HTMLEscapeString(q.Formula), "$1<sub>$2</sub>"))
}

// A link leads to the section of an implementation.
type link struct{ ID, Name string }

// Breakable is the name with places where it may be broken.
func (l link) Breakable() template.HTML {
	return template.HTML(separator.ReplaceAllString(template.HTMLEscapeString(l.Name), "$0<wbr>"))
}

var separator = regexp.MustCompile(`[/._]`)

// A breach is an implementation that has checks against a requirement.
type breach struct {
	link
	counter
	Why []string // the reasons of known failures
}

// A stratum has one table for each format.
type stratum struct {
	Name, About string
	Formats     []format
}

type format struct {
	DType spec.DType
	Ticks []tick
	Rows  []errorRow
}

// An errorRow is one implementation in one stratum and format.
type errorRow struct {
	link
	Plot             template.HTML
	N                int
	Median, P99, Max template.HTML
	Abs              string // in nats unless a base says otherwise
	Level, Worst     string
	Inputs           []passage
}

// An implementation is its own section of the page.
type implementation struct {
	call
	Verdict                mark
	Facts                  []passage
	Loaded                 []string // packages with their versions
	Convention             string   // as JSON
	Differences            []difference
	Counts                 string
	Departures             string
	Incomplete, Suggestion string
	Findings               []string
	Failures               []failure
	More                   []failure // failures beyond those that are written in full
	Known                  []reason
	Notes                  []noted
}

// A difference is a field of a convention that is not the definition's.
type difference struct{ Text, Source string }

// A failure is one check in full.
type failure struct {
	Anchor, ID, Title string
	Status            spec.Status
	Requirements      []string
	Passages          []passage
}

// A reason gathers the known failures that share it.
type reason struct {
	Why, Source string
	Flaky       bool
	Failures    []failure
}

// First is written in full.
func (r reason) First() failure { return r.Failures[0] }

// Others are named with what was answered.
func (r reason) Others() []failure { return r.Failures[1:] }

// noted gathers the notes on one requirement.
type noted struct {
	ID, Statement string
	Checks        []string
}

// mostFailures is how many failures of one implementation are written in
// full; the others are named with their messages.
const mostFailures = 200

var verdicts = map[spec.Verdict]mark{
	spec.Conforming:    {"✓", "conforming", "good"},
	spec.Undeclared:    {"≈", "undeclared", "known"},
	spec.Nonconforming: {"✗", "nonconforming", "bad"},
	spec.Incomplete:    {"…", "incomplete", "known"},
}

func verdictOf(r spec.Report) mark {
	m, ok := verdicts[r.Verdict]
	if !ok {
		m = mark{"–", string(r.Verdict), "none"}
	}
	m.Word = Verdict(r)
	return m
}

func newPage(reports []spec.Report) page {
	p := page{Tools: finder(reports)}
	for _, r := range reports {
		p.Suites = appendNew(p.Suites, suiteText(r.Suite))
		p.Machines = appendNew(p.Machines, machineText(r.Environment))
		p.Rows = append(p.Rows, rowOf(r))
		p.Implementations = append(p.Implementations, implementationOf(r))
	}
	p.Strata = strataOf(reports)
	p.Families, p.Planned = requirementsOf(reports)
	return p
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func suiteText(s spec.Suite) string {
	return fmt.Sprintf("klconf %s, requirements %s, vectors %s, %s run, seed %d", s.Version, s.Spec, s.Vectors, s.Mode, s.Seed)
}

func machineText(e spec.Environment) string {
	s := e.OS + "/" + e.Arch
	if e.CPU != "" {
		s += ", " + plain(e.CPU)
	}
	return s
}

func linkTo(r spec.Report) link { return link{anchor(r.Implementation.ID), plain(r.Implementation.ID)} }

// anchor makes an id of an element of a name.
func anchor(name string) string {
	safe := func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._-", c) {
			return c
		}
		return '-'
	}
	return "i-" + strings.Map(safe, name)
}

func rowOf(r spec.Report) row {
	c := callOf(r)
	l := linkTo(r)
	out := row{link: l, Verdict: verdictOf(r), PMF: c.PMF, Measure: c.Measure, Level: c.Level}
	counts := tally(r)
	for _, f := range spec.Families {
		out.Cells = append(out.Cells, cell{f.Name, counts[f.Name]})
	}
	return out
}

func implementationOf(r spec.Report) implementation {
	s := r.Implementation
	l := linkTo(r)
	out := implementation{call: callOf(r), Verdict: verdictOf(r), Counts: strings.TrimPrefix(counts(r), "checks: "),
		Departures: departures(r.Agrees), Incomplete: plain(r.Incomplete), Suggestion: plain(r.Suggestion)}
	for _, f := range r.Findings {
		out.Findings = append(out.Findings, plain(f))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Packages)) {
		out.Loaded = append(out.Loaded, plain(name+" "+s.Packages[name]))
	}
	out.Facts = slices.DeleteFunc([]passage{
		{"language", plain(s.Language)}, {"homepage", plain(s.Homepage)},
		{"questions", words(s.Ops)}, {"formats", words(s.DTypes)}, {"claims", string(s.Accuracy)},
		{"suite", suiteText(r.Suite)}, {"machine", machineText(r.Environment)},
	}, func(p passage) bool { return p.Text == "" })
	if s.Convention != nil {
		b, err := json.Marshal(s.Convention)
		if err == nil {
			out.Convention = string(b)
		}
		for _, f := range spec.Fields {
			if d := s.Convention.Departure(f); d != "" {
				out.Differences = append(out.Differences, difference{d, s.ConventionSource[f]})
			}
		}
	}
	for i, x := range first(bad(r)) {
		f := failureOf(l.ID, x)
		if i < mostFailures {
			out.Failures = append(out.Failures, f)
		} else {
			out.More = append(out.More, f)
		}
	}
	for _, x := range r.Results {
		if x.Status == spec.KnownFail || x.Status == spec.KnownFlaky {
			out.Known = addKnown(out.Known, x, failureOf(l.ID, x))
		}
	}
	out.Notes = notedBy(r)
	return out
}

func words[T ~string](list []T) string {
	var out []string
	for _, x := range list {
		out = append(out, string(x))
	}
	return strings.Join(out, ", ")
}

func failureOf(implementation string, x spec.Result) failure {
	list := passages(x, fewElements)
	f := failure{Anchor: implementation + "--" + strings.TrimPrefix(anchor(x.ID), "i-"), ID: plain(x.ID), Status: x.Status, Requirements: x.Requirements}
	if x.Got != nil {
		f.Title = got(x)
	}
	// The first passage is the message with the statement of the requirement.
	if len(list) > 0 && list[0].Label == "" {
		list[0].Label = "what"
	}
	f.Passages = slices.DeleteFunc(list, func(p passage) bool { return p.Label == "known" })
	return f
}

func addKnown(list []reason, x spec.Result, f failure) []reason {
	k := spec.Known{Why: "on the list of known failures"}
	if x.Known != nil {
		k = *x.Known
	}
	flaky := x.Status == spec.KnownFlaky
	i := slices.IndexFunc(list, func(r reason) bool { return r.Why == plain(k.Why) && r.Source == plain(k.Source) && r.Flaky == flaky })
	if i < 0 {
		list, i = append(list, reason{plain(k.Why), plain(k.Source), flaky, nil}), len(list)
	}
	list[i].Failures = append(list[i].Failures, f)
	return list
}

// notedBy gathers the notes of a report by requirement.
func notedBy(r spec.Report) []noted {
	by := map[string][]string{}
	for _, x := range r.Results {
		if x.Status == spec.Note {
			for _, id := range speaks(x.Status, x.Requirements) {
				by[id] = append(by[id], plain(x.ID))
			}
		}
	}
	var list []noted
	for _, q := range spec.Requirements() {
		if len(by[q.ID]) > 0 {
			list = append(list, noted{q.ID, q.Statement, by[q.ID]})
		}
	}
	return list
}

// aboutStrata says what the numbers of a stratum are like; the strata are
// shown in this order.
var aboutStrata = []struct{ name, about string }{
	{"generic", "ordinary vectors of a few elements"},
	{"near-equal", "P and Q differ in the last digits: the terms cancel"},
	{"p-ne-q", "P and Q with different totals"},
	{"huge-ratio", "p/q beyond or below what the format holds"},
	{"zero", "zeros in P, in Q or in both"},
	{"special", "special values, where the answer is a number"},
	{"subnormal", "weights below the least normal number"},
	{"softmax", "rows of a softmax, as long as a vocabulary"},
	{"large-n", "long vectors"},
	{"low-precision", "formats of 16 bits"},
}

func strataOf(reports []spec.Report) []stratum {
	type key struct {
		name  string
		dtype spec.DType
	}
	rows := map[key][]spec.Accuracy{}
	owners := map[key][]spec.Report{}
	names := map[string]bool{}
	for _, r := range reports {
		for _, a := range r.Accuracy {
			if len(a.ULPLog2) == 0 {
				continue // every value rounds to 0, where an ulp measures nothing
			}
			k := key{a.Stratum, a.DType}
			rows[k] = append(rows[k], a)
			owners[k] = append(owners[k], r)
			names[a.Stratum] = true
		}
	}
	var list []stratum
	for _, about := range aboutStrata {
		if names[about.name] {
			list = append(list, stratum{Name: about.name, About: about.about})
			delete(names, about.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		list = append(list, stratum{Name: name})
	}
	for i, s := range list {
		for _, d := range spec.DTypes {
			k := key{s.Name, d}
			if len(rows[k]) == 0 {
				continue
			}
			a := newAxis(rows[k])
			f := format{DType: d, Ticks: a.ticks()}
			for j, r := range rows[k] {
				row := errorRow{link: linkTo(owners[k][j]), Plot: a.plot(r), N: r.N, Median: ulps(r.ULPMedian), P99: ulps(r.ULPP99),
					Max: ulps(r.ULPMax), Abs: digits(r.AbsMax), Level: string(r.Level), Worst: plain(r.Worst)}
				for _, in := range r.WorstInputs {
					row.Inputs = append(row.Inputs, passage{in.Name, input(in, fewElements)})
				}
				f.Rows = append(f.Rows, row)
			}
			list[i].Formats = append(list[i].Formats, f)
		}
	}
	return list
}

// ulps writes an error as digits does, in full up to 99999 and beyond that
// as a multiple of a power of ten.
func ulps(x float64) template.HTML {
	s := digits(x)
	mantissa, exponent, long := strings.Cut(s, "e")
	power, err := strconv.Atoi(exponent)
	switch {
	case !long || err != nil:
		return template.HTML(s)
	case power > 0 && power < 5:
		y, _ := strconv.ParseFloat(s, 64)
		return template.HTML(strconv.FormatFloat(y, 'f', -1, 64))
	}
	return template.HTML(fmt.Sprintf("%s·10<sup>%d</sup>", mantissa, power))
}

func requirementsOf(reports []spec.Report) (list []family, planned int) {
	counts := make([]map[string]counter, len(reports))
	var checks elisions // Under alone
	for i, r := range reports {
		counts[i] = tally(r)
		for _, e := range r.Elided {
			checks.add(e)
		}
		for _, x := range r.Results {
			for _, id := range x.Requirements {
				checks.add(spec.Elision{Cited: id, Under: []string{under(x.ID)}})
			}
		}
	}
	for _, f := range spec.Families {
		fam := family{Name: f.Name, About: f.About}
		for _, q := range spec.Requirements() {
			if q.Family() != f.Name {
				continue
			}
			one := requirement{Requirement: q, Planned: q.Since > spec.Version}
			if one.Planned {
				planned++
			}
			if i := slices.IndexFunc(checks, func(e spec.Elision) bool { return e.Cited == q.ID }); i >= 0 {
				one.Checks = checks[i].Under
			}
			for i, r := range reports {
				c := counts[i][q.ID]
				switch c.Mark() {
				case markNone:
					one.Unasked = append(one.Unasked, linkTo(r))
				case markPass:
					one.Holds = append(one.Holds, linkTo(r))
				case markNote:
					one.Notes = append(one.Notes, breach{linkTo(r), c, nil})
				default:
					one.Broken = append(one.Broken, breach{linkTo(r), c, reasonsFor(r, q.ID)})
				}
			}
			slices.SortStableFunc(one.Broken, func(a, b breach) int { return cmp.Compare(b.Red, a.Red) })
			fam.Requirements = append(fam.Requirements, one)
		}
		list = append(list, fam)
	}
	return list, planned
}

// reasonsFor lists why a report's known failures against a requirement are
// known.
func reasonsFor(r spec.Report, id string) []string {
	var list []string
	for _, x := range r.Results {
		if x.Known != nil && slices.Contains(x.Requirements, id) {
			list = appendNew(list, plain(x.Known.Why))
		}
	}
	return list
}
