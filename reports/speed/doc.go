// Package speed draws what is written in the Go benchmark format: a table of ratios with
// intervals, time against length, accuracy against time, and the trend of a history.
//
// It reads the files of klconf bench and of go test -bench alike. From a benchmark's name it
// takes the keys impl (or backend), dtype, data and n, and from its lines the units of
// package bench.
package speed

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"
)

// A Series is the samples of one benchmark under one configuration.
type Series struct {
	Name     string // in full, without "Benchmark" and the number of processors
	Function string // KL
	Impl     string // who is timed: the key impl, or backend
	DType    string
	Data     string
	N        int // 0 if the name has none

	Config map[string]string    // goos, cpu, commit …
	Values map[string][]float64 // by unit, in the order of the file
}

// Read reads benchmarks, those of a name together, in the order in which names appear. A line
// that means to be a benchmark and is none is an error.
func Read(r io.Reader, file string) ([]*Series, error) {
	var list []*Series
	found := map[string]*Series{}
	reader := benchfmt.NewReader(r, file)
	for reader.Scan() {
		switch x := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, fmt.Errorf("%s:%d: %s; a line is BenchmarkNAME, iterations, and pairs of a number and a unit", x.FileName, x.Line, x.Msg)
		case *benchfmt.Result:
			s := newSeries(x)
			key := s.Name + "\x00" + fmt.Sprint(s.Config)
			if old := found[key]; old != nil {
				s = old
			} else {
				found[key] = s
				list = append(list, s)
			}
			for _, v := range x.Values {
				if v.OrigUnit != "" { // the package turns ns into s
					v.Unit, v.Value = v.OrigUnit, v.OrigValue
				}
				s.Values[v.Unit] = append(s.Values[v.Unit], v.Value)
			}
		}
	}
	if err := reader.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s has no line of a benchmark: such a line starts with Benchmark", file)
	}
	return list, nil
}

func newSeries(x *benchfmt.Result) *Series {
	s := &Series{Config: map[string]string{}, Values: map[string][]float64{}}
	for _, c := range x.Config {
		s.Config[c.Key] = string(c.Value)
	}
	base, parts := x.Name.Parts()
	s.Function, s.Name = string(base), string(base)
	for _, p := range parts {
		if p[0] == '-' {
			continue
		}
		s.Name += string(p)
		key, value, _ := strings.Cut(string(p[1:]), "=")
		switch key {
		case "impl", "backend":
			s.Impl = value
		case "dtype":
			s.DType = value
		case "data":
			s.Data = value
		case "n":
			s.N, _ = strconv.Atoi(value)
		}
	}
	return s
}

// An Interval is a median with a confidence interval, of 95 percent at least where there
// are six samples; with fewer it is unbounded.
type Interval struct{ Lo, Center, Hi float64 }

const confidence = 0.95

// intervalOf returns the median of numbers of any distribution and the interval of order
// statistics around it.
func intervalOf(x []float64) Interval {
	s := benchmath.AssumeNothing.Summary(benchmath.NewSample(slices.Clone(x), &benchmath.DefaultThresholds), confidence)
	return Interval{s.Lo, s.Center, s.Hi}
}

// perElement returns the interval of ns/el.
func (s *Series) perElement() (Interval, bool) {
	if x := s.Values["ns/el"]; len(x) > 0 {
		return intervalOf(x), true
	}
	x := slices.Clone(s.Values["ns/op"])
	if len(x) == 0 || s.N == 0 {
		return Interval{}, false
	}
	for i := range x {
		x[i] /= float64(s.N)
	}
	return intervalOf(x), true
}

// OverDot returns for each implementation the median of x-dot, its time over that of a dot
// product of the same vectors, in one benchmark.
func OverDot(all []*Series, function, dtype, data string, n int) map[string]float64 {
	found := map[string]float64{}
	for _, s := range all {
		if s.Function == function && s.DType == dtype && s.Data == data && s.N == n && len(s.Values["x-dot"]) > 0 {
			found[s.Impl] = intervalOf(s.Values["x-dot"]).Center
		}
	}
	return found
}

// over returns the interval of the ratios of times, sample by sample: samples of one number
// are taken to be of the same round.
func (s *Series) over(t *Series) (Interval, bool) {
	x, y := s.Values["ns/op"], t.Values["ns/op"]
	n := min(len(x), len(y))
	if n == 0 {
		return Interval{}, false
	}
	ratios := make([]float64, n)
	for i := range n {
		ratios[i] = x[i] / y[i]
	}
	return intervalOf(ratios), true
}

// A group is the series of one function, format and family.
type group struct {
	Function, DType, Data string

	impls []string // in order of appearance
	sizes []int    // rising
	at    map[cell]*Series
}

type cell struct {
	impl string
	n    int
}

// groups parts series with a length, in order of appearance.
func groups(all []*Series) []*group {
	var list []*group
	for _, s := range all {
		if s.N == 0 || s.Impl == "" || s.Function == Steps {
			continue
		}
		i := slices.IndexFunc(list, func(g *group) bool { return g.Function == s.Function && g.DType == s.DType && g.Data == s.Data })
		if i < 0 {
			i = len(list)
			list = append(list, &group{Function: s.Function, DType: s.DType, Data: s.Data, at: map[cell]*Series{}})
		}
		g := list[i]
		if !slices.Contains(g.impls, s.Impl) {
			g.impls = append(g.impls, s.Impl)
		}
		g.at[cell{s.Impl, s.N}] = s
	}
	for _, g := range list {
		sizes := map[int]bool{}
		for c := range g.at {
			sizes[c.n] = true
		}
		g.sizes = slices.Sorted(maps.Keys(sizes))
	}
	return list
}

// title says what a group is of.
func (g *group) title() string {
	return strings.Join(slices.DeleteFunc([]string{g.Function, g.DType, g.Data}, func(s string) bool { return s == "" }), ", ")
}

// written writes a number with three significant digits.
func written(x float64) string {
	switch {
	case math.IsInf(x, 0) || x != x:
		return "∞"
	case x >= 1e5 || x != 0 && math.Abs(x) < 1e-3:
		return fmt.Sprintf("%.3g", x)
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// A Ratio is the time of an implementation over that of the first of its group, in one cell.
type Ratio struct {
	Group, Impl string
	N           int
	A, B        Interval // in two runs
}

// Agree reports whether the two intervals have a number in common.
func (r Ratio) Agree() bool { return r.A.Lo <= r.B.Hi && r.B.Lo <= r.A.Hi }

// Ratios returns the ratios that two runs have both measured.
func Ratios(a, b []*Series) (list []Ratio) {
	other := groups(b)
	for _, g := range groups(a) {
		i := slices.IndexFunc(other, func(h *group) bool { return h.title() == g.title() })
		if i < 0 {
			continue
		}
		for _, impl := range g.impls[1:] {
			for _, n := range g.sizes {
				x, okA := g.ratio(impl, n)
				y, okB := other[i].ratio(impl, n)
				if okA && okB {
					list = append(list, Ratio{g.title(), impl, n, x, y})
				}
			}
		}
	}
	return list
}

// ratio returns the time of an implementation over that of the first.
func (g *group) ratio(impl string, n int) (Interval, bool) {
	s, first := g.at[cell{impl, n}], g.at[cell{g.impls[0], n}]
	if s == nil || first == nil {
		return Interval{}, false
	}
	return s.over(first)
}

// WriteRatios says which ratios of two runs do not agree, and how many do.
func WriteRatios(w io.Writer, list []Ratio) error {
	agree := 0
	for _, r := range list {
		if r.Agree() {
			agree++
		} else if _, err := fmt.Fprintf(w, "%s, n = %d, %s: %s and %s\n", r.Group, r.N, r.Impl, r.A, r.B); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d of %d ratios agree: their intervals of %.0f %% have a number in common\n", agree, len(list), 100*confidence)
	return err
}
