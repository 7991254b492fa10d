// Package histogram shows how numbers that span many powers of ten are spread: bins of like
// width on a logarithmic scale, as lines of text and as a picture.
package histogram

import (
	"fmt"
	"image/color"
	"io"
	"iter"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"klconf/reports/figure"
)

// A Bin counts the numbers x with Lo ≤ x < Hi.
type Bin struct {
	Lo, Hi float64
	Count  int
}

// A Histogram counts numbers. NaN is not counted.
type Histogram struct {
	Bins                     []Bin // of positive finite numbers, without gaps, rising; the first and the last are not empty
	Negative, Zero, Infinite int
}

// New counts the values, which it goes through twice. Bins end at 1, 2 and 5 times powers of
// ten; where those would be more than fifteen, at powers of ten; and where those would be
// more than that, at every second power, or third, and so on.
func New(values iter.Seq[float64]) *Histogram {
	h := new(Histogram)
	least, most := math.Inf(1), 0.0
	for x := range values {
		switch {
		case x < 0:
			h.Negative++
		case x == 0:
			h.Zero++
		case math.IsInf(x, 1):
			h.Infinite++
		case x > 0:
			least, most = min(least, x), max(most, x)
		}
	}
	if most == 0 {
		return h
	}
	edges := between(least, most)
	counts := make([]int, len(edges)-1)
	for x := range values {
		if x > 0 && !math.IsInf(x, 1) {
			k := 0
			for x >= edges[k+1] {
				k++
			}
			counts[k]++
		}
	}
	for k, n := range counts {
		h.Bins = append(h.Bins, Bin{edges[k], edges[k+1], n})
	}
	return h
}

// between returns edges around least ≤ most: the first at most least and the second above
// it, the last above most and the one before at most that.
func between(least, most float64) []float64 {
	const bins = 15
	first, last := exponent(least), exponent(most)+1
	marks, step := []string{"1", "2", "5"}, 1
	for {
		var edges []float64
		for e := first - first%step - step; e <= last+step; e += step {
			for _, m := range marks {
				x, _ := strconv.ParseFloat(m+"e"+strconv.Itoa(e), 64) // 0 and +Inf beyond the ends
				if len(edges) == 1 && x <= least {
					edges[0] = x
				} else if len(edges) == 0 || edges[len(edges)-1] <= most {
					edges = append(edges, x)
				}
			}
		}
		switch {
		case len(edges) <= bins+1:
			return edges
		case len(marks) > 1:
			marks = marks[:1]
		default:
			step++
		}
	}
}

// exponent returns the largest e with 10^e ≤ x.
func exponent(x float64) int {
	_, e, _ := strings.Cut(strconv.FormatFloat(x, 'e', -1, 64), "e")
	n, _ := strconv.Atoi(e)
	return n
}

// number writes an edge.
func number(x float64) string {
	if x == 0 || x >= 1e-3 && x < 1e4 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	if math.IsInf(x, 1) {
		return "∞"
	}
	m, _, _ := strings.Cut(strconv.FormatFloat(x, 'e', -1, 64), "e")
	return m + "e" + strconv.Itoa(exponent(x))
}

// Text writes a line for each bin: its ends, its count, and a bar in the rest of so many
// columns.
func (h *Histogram) Text(w io.Writer, columns int) error {
	type line struct {
		label string
		count int
	}
	var lines []line
	add := func(label string, count int, always bool) {
		if always || count > 0 {
			lines = append(lines, line{label, count})
		}
	}
	add("below 0", h.Negative, false)
	add("0", h.Zero, false)
	for _, b := range h.Bins {
		add(number(b.Lo)+" … "+number(b.Hi), b.Count, true)
	}
	add("∞", h.Infinite, false)
	most, label := 0, 0
	for _, l := range lines {
		most, label = max(most, l.count), max(label, len([]rune(l.label)))
	}
	digits := len(strconv.Itoa(most))
	room := max(8, columns-label-digits-4)
	for _, l := range lines {
		text := fmt.Sprintf("%*s  %*d  %s", label, l.label, digits, l.count, bar(l.count, most, room))
		if _, err := fmt.Fprintln(w, strings.TrimRight(text, " ")); err != nil {
			return err
		}
	}
	return nil
}

// bar draws count/most of so many columns in eighths, one at least if there is something.
func bar(count, most, room int) string {
	if count == 0 {
		return ""
	}
	eighths := max(1, int(math.Round(8*float64(room)*float64(count)/float64(most))))
	s := strings.Repeat("█", eighths/8)
	if eighths%8 > 0 {
		s += string("▏▎▍▌▋▊▉"[3*(eighths%8-1):][:3])
	}
	return s
}

// SVG draws the bins under a title, over a logarithmic axis with a name. What has no place on
// it is said in the title.
func (h *Histogram) SVG(w io.Writer, title, axis string) error {
	const width, height = 18 * vg.Centimeter, 10 * vg.Centimeter
	p := figure.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, axis, "rows"
	for _, x := range []struct {
		count int
		what  string
	}{{h.Negative, "below 0"}, {h.Zero, "of 0"}, {h.Infinite, "of +Inf"}} {
		if x.count > 0 {
			p.Title.Text += fmt.Sprintf(", %d %s", x.count, x.what)
		}
	}
	if len(h.Bins) > 0 {
		bars := &plotter.Histogram{FillColor: figure.Colours[0], LineStyle: draw.LineStyle{Color: color.White, Width: vg.Points(0.5)}}
		for _, b := range h.Bins {
			// The ends of float64 have no place on the axis.
			lo, hi := max(b.Lo, math.SmallestNonzeroFloat64), min(b.Hi, math.MaxFloat64)
			bars.Bins = append(bars.Bins, plotter.HistogramBin{Min: lo, Max: hi, Weight: float64(b.Count)})
		}
		figure.Logarithmic(&p.X)
		p.Add(bars)
		p.X.Min, p.X.Max, p.Y.Min = bars.Bins[0].Min, bars.Bins[len(bars.Bins)-1].Max, 0
	}
	c := vgsvg.New(width, height)
	p.Draw(draw.New(c))
	return figure.Write(w, c)
}
