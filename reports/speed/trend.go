package speed

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"klconf/reports/figure"
)

// A Trend is what one benchmark measured in run after run.
type Trend struct {
	Name string
	Unit string
	Runs []Run
	// Changes are the runs, counted from 0, that begin another level.
	Changes []int
}

// A Run is the samples of one benchmark in one run of a history.
type Run struct {
	Label string // the commit, or the date, or the number
	Interval
}

// level returns the median over the runs around a change, as far as the neighbouring ones.
func (t Trend) level(from, to int) float64 {
	var x []float64
	for _, r := range t.Runs[from:to] {
		x = append(x, r.Center)
	}
	return intervalOf(x).Center
}

// Trends returns the trend of every benchmark with the unit; runs are told apart by their
// commit and date, and are in the order of the history. The change points are those of
// [changes].
func Trends(all []*Series, unit string) []Trend {
	var list []Trend
	at := map[string]int{}
	for _, s := range all {
		x := s.Values[unit]
		if len(x) == 0 {
			continue
		}
		i, known := at[s.Name]
		if !known {
			i = len(list)
			at[s.Name] = i
			list = append(list, Trend{Name: s.Name, Unit: unit})
		}
		t := &list[i]
		label := s.Config["commit"]
		if label == "" {
			label = s.Config["date"]
		}
		if label == "" {
			label = fmt.Sprint(len(t.Runs) + 1)
		}
		t.Runs = append(t.Runs, Run{label, intervalOf(x)})
	}
	for i := range list {
		var x []float64
		for _, r := range list[i].Runs {
			x = append(x, r.Center)
		}
		list[i].Changes = changes(x)
	}
	return list
}

// Change points are looked for in at least leastRuns runs, are at least leastChange, and
// stand out from the noise by more than alarm standard deviations.
const (
	leastRuns   = 6
	leastChange = 0.02
	alarm       = 4.5
)

// changes returns where the logarithms of x, of which all are above 0, move to another level,
// by binary segmentation: the split whose two sides differ most,
//
//	|mean(left) − mean(right)| / (σ √(1/l + 1/r)),
//
// is a change if that is above alarm and the levels are apart by leastChange; then both sides are looked
// at. A side has two runs at least, and before that each run is replaced by the median of itself and
// its neighbours, so that one slow run is no change. σ is 1.48 times the median of |x[i+1] − x[i]|/√2,
// of the logarithms as they were, which a few changes do not raise. In 1000 histories of 6 to 40
// runs of normal noise there are at most 20 false changes (TestChanges).
func changes(x []float64) []int {
	if len(x) < leastRuns || slices.Min(x) <= 0 {
		return nil
	}
	y, steps := make([]float64, len(x)), make([]float64, len(x)-1)
	for i, v := range x {
		y[i] = math.Log(v)
		if i > 0 {
			steps[i-1] = math.Abs(y[i]-y[i-1]) / math.Sqrt2
		}
	}
	smooth := slices.Clone(y)
	for i := 1; i < len(y)-1; i++ {
		smooth[i] = max(min(y[i-1], y[i]), min(max(y[i-1], y[i]), y[i+1]))
	}
	y = smooth
	// Of few steps the median is often too small by chance: √(1 + 12/n) makes up for it.
	σ := max(1.48*intervalOf(steps).Center*math.Sqrt(1+12/float64(len(steps))), 1e-4)
	var found []int
	var split func(from, to int)
	split = func(from, to int) {
		best, at := 0.0, 0
		for k := from + 2; k <= to-2; k++ {
			l, r := y[from:k], y[k:to]
			d := math.Abs(mean(l) - mean(r))
			if z := d / (σ * math.Sqrt(1/float64(len(l))+1/float64(len(r)))); z > best && d >= math.Log1p(leastChange) {
				best, at = z, k
			}
		}
		if best > alarm {
			found = append(found, at)
			split(from, at)
			split(at, to)
		}
	}
	split(0, len(y))
	slices.Sort(found)
	return found
}

func mean(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s / float64(len(x))
}

// WriteTrends says of each benchmark how many runs there are and what the last one measured,
// and where it changed.
func WriteTrends(w io.Writer, list []Trend) error {
	var b strings.Builder
	for _, t := range list {
		last := t.Runs[len(t.Runs)-1]
		fmt.Fprintf(&b, "%s: %s %s, %d runs", t.Name, last.Interval, t.Unit, len(t.Runs))
		if len(t.Runs) < leastRuns {
			fmt.Fprintf(&b, " (changes are looked for from %d)", leastRuns)
		}
		fmt.Fprintln(&b)
		bounds := append(append([]int{0}, t.Changes...), len(t.Runs))
		for i, at := range t.Changes {
			before, after := t.level(bounds[i], at), t.level(at, bounds[i+2])
			fmt.Fprintf(&b, "  changed at %s: %s → %s %s (%+.1f %%)\n", t.Runs[at].Label, written(before), written(after), t.Unit, 100*(after/before-1))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// DrawTrends draws each benchmark in a panel: the runs with their intervals, and a dashed line
// where a level begins.
func DrawTrends(w io.Writer, list []Trend) error {
	return panels(w, len(list), func(i int, p *plot.Plot) error {
		t := list[i]
		p.Title.Text = t.Name
		p.X.Label.Text, p.Y.Label.Text = "run", t.Unit
		var xys plotter.XYs
		var errs plotter.YErrors
		for i, r := range t.Runs {
			xys = append(xys, plotter.XY{X: float64(i + 1), Y: r.Center})
			errs = append(errs, struct{ Low, High float64 }{r.Center - finite(r.Lo, r.Center), finite(r.Hi, r.Center) - r.Center})
		}
		if err := line(p, "", 0, xys, errs); err != nil {
			return err
		}
		lo, hi := math.Inf(1), 0.0
		for i, e := range errs {
			lo, hi = min(lo, xys[i].Y-e.Low), max(hi, xys[i].Y+e.High)
		}
		for _, at := range t.Changes {
			x := float64(at) + 0.5
			l, err := plotter.NewLine(plotter.XYs{{X: x, Y: lo}, {X: x, Y: hi}})
			if err != nil {
				return err
			}
			l.LineStyle = draw.LineStyle{Color: figure.Ink, Width: vg.Points(1), Dashes: []vg.Length{vg.Points(4), vg.Points(3)}}
			p.Add(l)
		}
		labels := make([]plot.Tick, len(t.Runs))
		every := 1 + len(t.Runs)/8
		for i, r := range t.Runs {
			labels[i].Value = float64(i + 1)
			if i%every == 0 {
				labels[i].Label = r.Label[:min(len(r.Label), 7)]
			}
		}
		p.X.Tick.Marker = plot.ConstantTicks(labels)
		return nil
	})
}
