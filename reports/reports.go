// Package reports writes what was found out about implementations: a table
// for a terminal, JSON, JUnit XML, Markdown and HTML. It decides nothing; every
// status and every number comes from spec.Report.
package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"klconf/spec"
)

// JSON writes the result file of one implementation (schema
// klconf-result/1), a check a line.
func JSON(w io.Writer, r spec.Report) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("the report of %s cannot be written as JSON: %w", r.Implementation.ID, err)
	}
	_, err := w.Write(lines(b.Bytes()))
	return err
}

// lines breaks a JSON object after each field and after each element of a
// list that is a field.
func lines(object []byte) []byte {
	var out []byte
	var open []byte // brackets
	quoted, escaped := false, false
	for _, c := range object {
		out = append(out, c)
		switch {
		case escaped:
			escaped = false
		case quoted:
			quoted, escaped = c != '"', c == '\\'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			open = append(open, c)
		case c == '}' || c == ']':
			open = open[:len(open)-1]
		case c == ',' && (len(open) == 1 || len(open) == 2 && open[1] == '['):
			out = append(out, '\n')
			out = append(out, "  "[:len(open)]...)
		}
	}
	return out
}

// name returns what a reader calls the implementation.
func name(r spec.Report) string {
	s := r.Implementation.ID
	if s == "" {
		s = r.Implementation.Name
	}
	if v := r.Implementation.Version; v != "" {
		s += " " + v
	}
	return plain(s)
}

// Verdict returns the word for the outcome: the verdict, or "not run" where
// there is nothing that it could be about.
func Verdict(r spec.Report) string {
	if r.Verdict == spec.Incomplete && !asked(r) {
		return "not run"
	}
	return string(r.Verdict)
}

// asked reports whether there is any check.
func asked(r spec.Report) bool { return len(r.Results)+len(r.Elided) > 0 }

// bad returns the results that speak against the implementation.
func bad(r spec.Report) []spec.Result {
	return slices.DeleteFunc(slices.Clone(r.Results), func(x spec.Result) bool { return !x.Status.Red() })
}

// first moves one failure of each kind to the front, so that a few show most
// of what is wrong. Those under one id prefix, with one status, are of a kind.
func first(failures []spec.Result) []spec.Result {
	type kind struct {
		prefix string
		status spec.Status
	}
	seen := map[kind]bool{}
	var front, rest []spec.Result
	for _, x := range failures {
		parts := strings.SplitN(x.ID, "/", 3)
		k := kind{strings.Join(parts[:min(2, len(parts))], "/"), x.Status}
		if seen[k] {
			rest = append(rest, x)
		} else {
			front = append(front, x)
		}
		seen[k] = true
	}
	return append(front, rest...)
}

// count adds up the checks with one of the statuses.
func count(r spec.Report, statuses ...spec.Status) int {
	n := 0
	for _, s := range statuses {
		n += r.Counts[s]
	}
	return n
}

// departures names the first checks whose answers are not the definition's.
func departures(a spec.Agreement) string {
	var parts []string
	if !a.PMF && a.PMFBy != "" {
		parts = append(parts, "on pmfs by "+a.PMFBy)
	}
	if !a.Measure && a.MeasureBy != "" {
		parts = append(parts, "on measures by "+a.MeasureBy)
	}
	if len(parts) == 0 {
		return ""
	}
	return "another number than the definition's " + plain(strings.Join(parts, ", "))
}

// counts writes the number of checks by status.
func counts(r spec.Report) string {
	var parts []string
	for _, s := range spec.Statuses {
		if n := r.Counts[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if len(parts) == 0 {
		return "no checks"
	}
	return fmt.Sprintf("checks: %s", strings.Join(parts, ", "))
}

// notes sums up the failed SHOULD and MAY by requirement, in one line.
func notes(r spec.Report) string {
	seen := map[string]int{}
	for _, x := range r.Results {
		if x.Status != spec.Note {
			continue
		}
		for _, id := range x.Requirements {
			if q, ok := spec.Lookup(id); ok && (q.Force != spec.Must || len(x.Requirements) == 1) {
				seen[id]++
			}
		}
	}
	var parts []string
	for _, q := range spec.Requirements() {
		if n := seen[q.ID]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s ×%d", q.ID, n))
		}
	}
	return strings.Join(parts, ", ")
}

// longRows are the strata whose rows are longer than 64 or so: there the
// error of every plain sum grows with the length.
var longRows = []string{"large-n", "softmax"}

// errorsOf returns the typical error in ulp, the median of generic inputs (or logits or
// log-probabilities, where no weights are taken) in the format where it is largest, and the
// largest over the strata of short rows, where cancellation rules. ok is false if nothing
// was measured.
func errorsOf(r spec.Report) (typical, largest float64, ok bool) {
	ordinary := func(stratum string) bool {
		return slices.ContainsFunc(r.Accuracy, func(a spec.Accuracy) bool { return a.Stratum == stratum })
	}
	name := "generic"
	for _, other := range []string{"logits", "logprobs"} {
		if !ordinary(name) {
			name = other
		}
	}
	for _, a := range r.Accuracy {
		if a.Stratum == name {
			typical = max(typical, a.ULPMedian)
		}
		if !slices.Contains(longRows, a.Stratum) {
			largest, ok = max(largest, a.ULPMax), true
		}
	}
	return typical, largest, ok
}

// infinite stands for an error that no number holds.
const infinite = "∞"

// digits writes an error with three digits, rounded up, so that the text is a
// bound as the number is.
func digits(x float64) string {
	if math.IsNaN(x) || x >= math.MaxFloat64 {
		return infinite
	}
	s := strconv.FormatFloat(x, 'g', 3, 64)
	if y, err := strconv.ParseFloat(s, 64); err == nil && y < x {
		unit := math.Pow(10, math.Floor(math.Log10(x))-2)
		s = strconv.FormatFloat(y+unit, 'g', 3, 64)
	}
	return s
}

// A passage is a labelled part of what is said about a check.
type passage struct{ Label, Text string }

// passages says what happened in one check: the requirement and what broke
// it, the inputs with at most so many elements, what is right, what was
// answered, and how to see it again.
func passages(x spec.Result, elements int) []passage {
	list := []passage{{"", sentence(x)}}
	for _, in := range x.Inputs {
		list = append(list, passage{in.Name, input(in, elements)})
	}
	if x.Expected != nil {
		list = append(list, passage{"expected", expected(*x.Expected)})
	}
	if x.Got != nil {
		list = append(list, passage{"got", got(x)})
	}
	if x.Known != nil {
		list = append(list, passage{"known", because(*x.Known)})
	}
	if x.Rerun != "" {
		list = append(list, passage{"rerun", x.Rerun})
	}
	return slices.DeleteFunc(list, func(p passage) bool { return p.Text == "" })
}

// sentence returns the message with the statement of the requirement that
// the check is about.
func sentence(x spec.Result) string {
	said := plain(x.Message)
	for _, id := range x.Requirements {
		q, ok := spec.Lookup(id)
		switch {
		case !ok:
		case strings.Contains(x.Message, q.Statement):
			return said
		case said == "":
			return q.ID + ": " + q.Statement
		default:
			return fmt.Sprintf("%s (%s: %s)", strings.TrimPrefix(said, q.ID+": "), q.ID, q.Statement)
		}
	}
	return said
}

// because says why a check is known to fail.
func because(k spec.Known) string {
	if k.Source == "" {
		return plain(k.Why)
	}
	return fmt.Sprintf("%s (%s)", plain(k.Why), plain(k.Source))
}

func input(in spec.Input, elements int) string {
	n := 1
	for _, d := range in.Shape {
		n *= d
	}
	s := fmt.Sprintf("%s %v", in.DType, in.Shape)
	shown := min(elements, len(in.Hex), len(in.Decimal))
	if shown == 0 {
		return s
	}
	hex, decimal := in.Hex[:shown], in.Decimal[:shown]
	if shown < n {
		hex, decimal = append(slices.Clone(hex), "…"), append(slices.Clone(decimal), "…")
	}
	return fmt.Sprintf("%s %s = %s", s, strings.Join(hex, " "), strings.Join(decimal, ", "))
}

func expected(s spec.Set) string {
	var parts []string
	for _, v := range s.Intervals {
		parts = append(parts, enclosure(v))
	}
	if s.NaN {
		parts = append(parts, "NaN")
	}
	if s.Reject {
		parts = append(parts, "a refusal")
	}
	text := strings.Join(parts, " or ")
	if s.RN != "" && !s.Intervals[0].Lo.IsInf() {
		text += ", rounds to " + s.RN
	}
	return text
}

// shownBits is the precision of an enclosure as a person reads it.
const shownBits = 80

// enclosure writes an interval in decimal, and in hexadecimal rounded
// outwards.
func enclosure(v spec.Interval) string {
	if v.Lo.IsInf() || v.Hi.IsInf() || v.Lo.Sign() == 0 && v.Hi.Sign() == 0 {
		return v.Lo.Text('g', 3)
	}
	round := func(x *big.Float, mode big.RoundingMode) string {
		return new(big.Float).SetMode(mode).SetPrec(shownBits).Set(x).Text('x', -1)
	}
	return fmt.Sprintf("%s in [%s, %s]", v.Lo.Text('g', 20), round(v.Lo, big.ToNegativeInf), round(v.Hi, big.ToPositiveInf))
}

func got(x spec.Result) string {
	g := x.Got
	s := g.Status
	if g.Hex != "" {
		s = g.Hex + " = " + g.Decimal
	} else if g.Decimal != "" {
		s = g.Decimal
	}
	if g.Element != nil {
		s = fmt.Sprintf("element %d: %s", *g.Element, s)
	}
	if x.ULP != nil && digits(*x.ULP) != infinite && !strings.HasSuffix(g.Decimal, "Inf") {
		s += ", " + digits(*x.ULP) + " ulp away"
	}
	return plain(s)
}

// plain replaces what an adapter may have put into its texts and a terminal
// or a parser would act upon.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || r == unicode.ReplacementChar:
			return '�'
		}
		return r
	}, s)
}
