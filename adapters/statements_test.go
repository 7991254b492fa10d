package adapters

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"klconf/spec"
)

var rewrite = flag.Bool("write", false, "write reports/published/statements.md anew; every adapter must be there")

// A record is testdata/statements.json: what each entry was measured to
// answer, and what of it is known to be seen otherwise.
type record struct {
	Source     string
	Statements []statement
	Cases      map[string]map[spec.DType]struct{ P, Q []string }
	Grid       map[string]map[spec.DType]map[string]string // entry, format, case: answer
	Explained  []explanation
}

// A statement is a sentence about one entry with the question that decides
// it. Numbers are decimal or hexadecimal text, an answer may also be "refused"
// or the shape of an array.
type statement struct {
	Says     string
	Entry    string
	Op       spec.Op
	DType    spec.DType
	Options  spec.Options
	Shapes   [2][]int
	P, Q     []string
	Measured string
}

// An explanation says why something measured then is not seen now. Case is a
// pattern of path.Match for the name of a case or the words of a statement.
type explanation struct {
	Entry, Case string
	DType       spec.DType // empty for every format
	Why         string
	used        bool
}

// A row of the table.
type row struct {
	statement
	seen  string
	agree string // same, yes, no, –
	why   string
}

func readRecord(t *testing.T) record {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "statements.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// of returns all statements about an entry: the sentences first, then the
// grid by format and case.
func (r record) of(entry string) []statement {
	var all []statement
	for _, s := range r.Statements {
		if s.Entry == entry {
			if s.Op == "" {
				s.Op = "kl"
			}
			all = append(all, s)
		}
	}
	for _, d := range []spec.DType{spec.F64, spec.F32, spec.F16, spec.BF16} {
		for _, name := range slices.Sorted(maps.Keys(r.Grid[entry][d])) {
			c := r.Cases[name][d]
			all = append(all, statement{Says: name, Entry: entry, Op: "kl", DType: d, P: c.P, Q: c.Q, Measured: r.Grid[entry][d][name]})
		}
	}
	return all
}

func (s statement) request(t *testing.T) spec.Request {
	t.Helper()
	number := func(text []string) []float64 {
		x := make([]float64, len(text)) // never nil: an array of no elements is an array
		for i, v := range text {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil {
				t.Fatalf("%s: %v", s.Says, err)
			}
			x[i] = f
		}
		return x
	}
	r := pair(s.Op, s.DType, number(s.P), number(s.Q))
	r.Options = s.Options
	for i, shape := range s.Shapes {
		if shape != nil {
			r.Arrays[i].Shape = shape
		}
	}
	return r
}

// seen writes an answer in the words of the record.
func seen(a spec.Answer) string {
	x, ok := a.Result()
	switch {
	case a.Status == spec.Rejected:
		return "refused"
	case a.Status == spec.Unsupported:
		return "not offered"
	case !ok:
		return string(a.Status) + " " + a.Message
	case x.Len() != 1:
		return "shape " + fmt.Sprint(x.Shape)
	}
	return strings.ToLower(strings.TrimPrefix(spec.Decimal(x.Float(0)), "+"))
}

// agrees compares in format d. A value that was noted with few digits is
// compared to those; the mathematical functions of another processor may
// differ in the last places.
func agrees(got, want string, d spec.DType) string {
	if got == "not offered" {
		return "–"
	}
	g, errG := strconv.ParseFloat(got, 64)
	w, errW := strconv.ParseFloat(want, 64)
	if errG != nil || errW != nil {
		if got == want {
			return "same"
		}
		return "no"
	}
	if g == w && math.Signbit(g) == math.Signbit(w) || math.IsNaN(g) && math.IsNaN(w) {
		return "same"
	}
	if math.IsInf(g, 0) || math.IsInf(w, 0) || math.IsNaN(g) || math.IsNaN(w) {
		return "no"
	}
	last := map[spec.DType]float64{spec.F64: 0x1p-50, spec.F32: 0x1p-21, spec.F16: 0x1p-9, spec.BF16: 0x1p-6}[d] * math.Abs(w)
	if _, digits, ok := strings.Cut(want, "."); ok && !strings.ContainsAny(want, "epx") {
		last = max(last, .5*math.Pow(10, -float64(len(digits))))
	}
	if math.Abs(g-w) <= last || g == 0 && w == 0 {
		return "yes"
	}
	return "no"
}

func TestAgrees(t *testing.T) {
	for _, c := range []struct {
		got, want string
		d         spec.DType
		say       string
	}{
		{"nan", "nan", spec.F64, "same"},
		{"inf", "inf", spec.F64, "same"},
		{"inf", "-inf", spec.F64, "no"},
		{"nan", "inf", spec.F64, "no"},
		{"0", "-0", spec.F64, "yes"},
		{"0", "5e-324", spec.F64, "no"},
		{"refused", "refused", spec.F32, "same"},
		{"refused", "nan", spec.F32, "no"},
		{"nan", "refused", spec.F32, "no"},
		{"not offered", "1", spec.F16, "–"},
		{"0.6931471805599453", "0.6931471805599451", spec.F64, "yes"},
		{"0.69314718", "0.6931471805599451", spec.F64, "no"},
		{"0.69314718", "0.69314706", spec.F32, "yes"},
		{"0.6924", "0.69314706", spec.F32, "no"},
		{"0.015822885905", "0.0158228859", spec.F64, "yes"},
		{"0.01582289", "0.0158228859", spec.F64, "no"},
		{"shape [0]", "shape [0]", spec.F64, "same"},
		{"0", "shape [0]", spec.F64, "no"},
	} {
		if say := agrees(c.got, c.want, c.d); say != c.say {
			t.Errorf("%s for %s in %s: %s, want %s", c.got, c.want, c.d, say, c.say)
		}
	}
}

// TestStatements asks every entry what it was once measured to answer. The
// large frameworks are asked when KLCONF_FULL=1 or KLCONF_REQUIRE_ADAPTERS
// says so. With -args -write it writes the table of all.
func TestStatements(t *testing.T) {
	r := readRecord(t)
	byEntry := map[string][]row{}
	var entries []string
	for _, m := range all(t) {
		for _, e := range m.Entries {
			name := m.Name + "/" + e.ID
			list := r.of(name)
			if len(list) == 0 {
				continue
			}
			entries = append(entries, name)
			t.Run(name, func(t *testing.T) {
				wanted(t, m.Name)
				l := start(t, m, e, Options{})
				for _, s := range list {
					x := row{statement: s, seen: seen(l.ask(s.request(t)))}
					x.agree = agrees(x.seen, s.Measured, s.DType)
					if i := r.explains(s); i >= 0 && x.agree == "no" {
						r.Explained[i].used, x.why = true, r.Explained[i].Why
					} else if x.agree == "no" {
						t.Errorf("%s in %s: %s was measured, now %s", s.Says, s.DType, s.Measured, x.seen)
					}
					byEntry[name] = append(byEntry[name], x)
				}
				for _, x := range r.Explained {
					if x.Entry == name && !x.used {
						t.Errorf("%s %s is explained (%s), but nothing differs", x.Case, x.DType, x.Why)
					}
				}
			})
		}
	}
	for name := range r.Grid {
		if !slices.Contains(entries, name) {
			t.Errorf("no adapter has the entry %s", name)
		}
	}
	if *rewrite {
		if len(byEntry) != len(entries) {
			t.Fatalf("only %d of %d entries were asked: the table is not written", len(byEntry), len(entries))
		}
		put(t, filepath.Join("..", "reports", "published", "statements.md"), table(r, entries, byEntry))
	}
}

// explains returns the index of the explanation of a statement, or -1.
func (r record) explains(s statement) int {
	return slices.IndexFunc(r.Explained, func(x explanation) bool {
		ok, err := path.Match(x.Case, s.Says)
		return err == nil && ok && x.Entry == s.Entry && (x.DType == "" || x.DType == s.DType)
	})
}

// wanted skips an adapter that is too large to be asked each time.
func wanted(t *testing.T, tool string) {
	t.Helper()
	if tool == "scipy" || tool == "nltk" || *rewrite || os.Getenv("KLCONF_FULL") == "1" || required(tool) {
		return
	}
	t.Skipf("%s is large and not asked each time; KLCONF_FULL=1 or KLCONF_REQUIRE_ADAPTERS=%s asks it", tool, tool)
}

// table renders what was seen.
func table(r record, entries []string, byEntry map[string][]row) string {
	var b strings.Builder
	count := func(rows []row) map[string]int {
		n := map[string]int{}
		for _, x := range rows {
			n[x.agree]++
		}
		return n
	}
	var total []row
	for _, e := range entries {
		total = append(total, byEntry[e]...)
	}
	b.WriteString("# What was measured, and what is seen now\n\n")
	b.WriteString("Written by `go test ./adapters -run Statements -args -write`; do not edit. " + r.Source + "\n\n")
	b.WriteString("*Same* is the same number, *yes* differs from it in the last places at most (or beyond the digits that were noted), ")
	b.WriteString("*no* is explained in its row. A format that an adapter does not offer is not asked.\n\n")
	b.WriteString("| entry | statements | same | yes | no | not asked |\n|---|---|---|---|---|---|\n")
	line := func(name string, rows []row) {
		n := count(rows)
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d |\n", name, len(rows), n["same"], n["yes"], n["no"], n["–"])
	}
	for _, e := range entries {
		line(e, byEntry[e])
	}
	line("**all**", total)
	cell := strings.NewReplacer("|", "\\|", "\n", " ").Replace
	for _, e := range entries {
		fmt.Fprintf(&b, "\n## %s\n\n| statement | format | question | measured then | seen now | agree |\n|---|---|---|---|---|---|\n", e)
		for _, x := range byEntry[e] {
			if x.agree == "–" {
				continue
			}
			agree := x.agree
			if x.why != "" {
				agree += ": " + x.why
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", cell(x.Says), x.DType, cell(x.question()), x.Measured, cell(x.seen), cell(agree))
		}
	}
	return b.String()
}

// question writes the arrays of a statement, shortened.
func (s statement) question() string {
	some := func(x []string) string {
		if len(x) > 6 {
			x = append(slices.Clone(x[:4]), "…")
		}
		return "(" + strings.Join(x, ", ") + ")"
	}
	q := some(s.P) + " ‖ " + some(s.Q)
	if s.Op != "kl" {
		q = string(s.Op) + " " + q
	}
	return q
}
