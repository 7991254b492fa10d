package gate

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchproc"
)

// A key names what is compared.
type key struct {
	pkg, name string // the configuration pkg, and the full name with its suffix -GOMAXPROCS
	unit      string // tidied
}

// A series holds the samples of a key.
type series struct {
	values  []float64 // tidied: seconds for nanoseconds
	written []float64 // as in the file
	unit    string    // as in the file; "" if it is written in several ways
	round   []int     // of each value
}

func (s *series) add(t *series) {
	if s.unit != t.unit {
		s.unit = ""
	}
	s.values = append(s.values, t.values...)
	s.written = append(s.written, t.written...)
	s.round = append(s.round, t.round...)
}

// rounds returns the median of each round.
func (s *series) rounds() map[int]float64 {
	by := map[int][]float64{}
	for i, r := range s.round {
		by[r] = append(by[r], s.values[i])
	}
	out := map[int]float64{}
	for r, v := range by {
		out[r] = median(v)
	}
	return out
}

// A set holds the benchmarks of one side.
type set struct {
	name    string
	order   []key // as first seen
	series  map[key]*series
	units   map[benchfmt.UnitMetadataKey]string // what is declared of units
	config  map[string][]string                 // the values of goos, goarch and cpu
	read    int                                 // results, before any filter
	varying map[string]bool                     // configuration that differs within a benchmark
}

// A Syntax error is about a line that is not in the Go benchmark format.
type Syntax struct{ sentence string }

func (s *Syntax) Error() string { return s.sentence }

// chatter matches what go test prints besides benchmarks: its verdicts, the lines of -v, and
// indented log lines. # begins a comment by custom.
var chatter = regexp.MustCompile(`^(PASS|ok\s|\?\s|=== |--- (BENCH|PASS|SKIP)|testing: |coverage: |#|\s|goos:|$)`)

// configLine matches a configuration line of the format.
var configLine = regexp.MustCompile(`^\p{Ll}[^\s\p{Lu}]*:(\s|$)`)

// failed matches what a run prints that did not come to its end.
var failed = regexp.MustCompile(`^(FAIL|--- FAIL|panic: |fatal error: |exit status |signal: )`)

// readSet reads results in the Go benchmark format of one round. Every line must be of the
// format, a comment, or what go test prints, but for a heading of any text above the first of
// them: the format itself would pass over a result that other output has torn apart.
func readSet(name string, text []byte, p Policy, round int) (*set, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	lines := strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	bad := func(line int, what, fix string) error {
		quote := ""
		if line >= 1 && line <= len(lines) {
			quote = strings.TrimSpace(lines[line-1])
			if r := []rune(quote); len(r) > 100 {
				quote = string(r[:100]) + "…"
			}
		}
		return &Syntax{fmt.Sprintf("%s:%d: %q: %s; %s", name, line, quote, what, fix)}
	}
	heading := 0 // the first line of text above everything that is of the format
	begun := false
	for i, l := range lines {
		fields := strings.Fields(l)
		switch {
		case failed.MatchString(l):
			return nil, bad(i+1, "the benchmarks did not come to their end", "mend what failed and measure again")
		case len(fields) >= 3 && isNumber(fields[0]) && isNumber(fields[1]) && !isNumber(fields[2]):
			return nil, bad(i+1, "a result without its benchmark's name, which other output has torn off", "let the benchmark print nothing to standard output and measure again")
		case strings.HasPrefix(l, "Benchmark"), len(fields) > 0 && fields[0] == "Unit", configLine.MatchString(l):
			begun = true
		case chatter.MatchString(l):
		case !begun:
			if heading == 0 {
				heading = i + 1
			}
		default:
			return nil, bad(i+1, "not in the Go benchmark format", "it has lines such as BenchmarkName 100 12.3 ns/op; take the line out, or begin it with #")
		}
	}
	s := &set{name: name, series: map[key]*series{}, units: map[benchfmt.UnitMetadataKey]string{}, config: map[string][]string{}, varying: map[string]bool{}}
	filter, err := newFilter(p.Filter)
	if err != nil {
		return nil, err
	}
	var parser benchproc.ProjectionParser
	identity, err := parser.Parse("pkg,.fullname", filter)
	if err != nil {
		return nil, err
	}
	pkg, full := identity.Fields()[0], identity.Fields()[1]
	// What Run.Keep writes tells rounds apart, which are samples of one thing.
	if _, err := parser.Parse("round", filter); err != nil {
		return nil, err
	}
	residue := parser.Residue()
	residues := map[benchproc.Key][]benchproc.Key{}
	r := benchfmt.NewReader(bytes.NewReader(text), name)
	for r.Scan() {
		switch x := r.Result().(type) {
		case *benchfmt.SyntaxError:
			_, line := x.Pos()
			if strings.HasPrefix(x.Msg, "metadata ") {
				return nil, bad(line, x.Msg, "declare a unit once, in one way")
			}
			return nil, bad(line, x.Msg, "a result is BenchmarkName, the iterations, and pairs of a value and its unit: correct the line or take it out")
		case *benchfmt.UnitMetadata:
			_, line := x.Pos()
			switch v := x.Value; {
			case x.Key == "better" && v != "lower" && v != "higher":
				return nil, bad(line, "better is lower or higher", "correct the declaration")
			case x.Key == "assume" && v != "exact" && v != "nothing":
				return nil, bad(line, "assume is exact or nothing", "correct the declaration")
			}
			s.units[x.UnitMetadataKey] = x.Value
		case *benchfmt.Result:
			s.read++
			_, line := x.Pos()
			seen := map[string]bool{}
			for _, v := range x.Values {
				unit, value := v.Unit, v.Value
				if v.OrigUnit != "" {
					unit, value = v.OrigUnit, v.OrigValue
				}
				switch {
				case math.IsNaN(value) || math.IsInf(value, 0):
					return nil, bad(line, fmt.Sprintf("%v %s is no measurement", value, unit), "measure again, or take the line out")
				case seen[unit]:
					return nil, bad(line, unit+" is given twice", "a result has one value of a unit: correct the line")
				}
				seen[unit] = true
			}
			match, err := filter.Match(x)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: the filter %q: %w", name, line, p.Filter, err)
			}
			if !match.Any() {
				continue
			}
			for _, c := range []string{"goos", "goarch", "cpu"} {
				if v := x.GetConfig(c); v != "" && !slices.Contains(s.config[c], v) {
					s.config[c] = append(s.config[c], v)
				}
			}
			id := identity.Project(x)
			if k := residue.Project(x); !slices.Contains(residues[id], k) {
				residues[id] = append(residues[id], k)
			}
			for i, v := range x.Values {
				if !match.Test(i) {
					continue
				}
				unit, value := v.Unit, v.Value
				if v.OrigUnit != "" {
					unit, value = v.OrigUnit, v.OrigValue
				}
				// benchfmt does not tidy the unit of a zero.
				k := key{id.Get(pkg), "Benchmark" + id.Get(full), tidy(unit)}
				s.add(k, &series{[]float64{v.Value}, []float64{value}, unit, []int{round}})
			}
		}
	}
	if s.read == 0 && heading > 0 {
		return nil, bad(heading, "not in the Go benchmark format, and nothing below it is", "give a file that go test -bench . -count 12 wrote")
	}
	if err := r.Err(); err != nil {
		return nil, &Syntax{fmt.Sprintf("%v; the Go benchmark format has shorter lines", err)}
	}
	for _, keys := range residues {
		for _, f := range benchproc.NonSingularFields(keys) {
			s.varying[f.Name] = true
		}
	}
	return s, nil
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

func (s *set) add(k key, t *series) {
	if have := s.series[k]; have != nil {
		have.add(t)
		return
	}
	s.order = append(s.order, k)
	s.series[k] = t
}

// merge adds the results of another round.
func (s *set) merge(t *set) error {
	for _, k := range t.order {
		s.add(k, t.series[k])
	}
	for k, v := range t.units {
		if have, ok := s.units[k]; ok && have != v {
			return &Syntax{fmt.Sprintf("%s: one run declares %s=%s of the unit %s and another %s; declare a unit in one way", s.name, k.Key, have, k.Unit, v)}
		}
		s.units[k] = v
	}
	s.read += t.read
	return nil
}

// packages lists the values of pkg.
func (s *set) packages() (list []string) {
	for _, k := range s.order {
		if !slices.Contains(list, k.pkg) {
			list = append(list, k.pkg)
		}
	}
	return list
}

// withoutPackage drops pkg from every key.
func (s *set) withoutPackage() {
	for i, k := range s.order {
		x := s.series[k]
		delete(s.series, k)
		k.pkg = ""
		s.order[i], s.series[k] = k, x
	}
}

// errBoth is returned for - as both sides.
var errBoth = errors.New("standard input can be one side only")
