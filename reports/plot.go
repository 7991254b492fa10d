package reports

import (
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strings"

	"klconf/spec"
)

// An axis places errors in ulp on a logarithmic scale, in powers of two from
// lo to hi. Where an error is infinite there is one place more on the right.
//
// The picture is laid out by hand: a row of bars that is stretched to the
// width of its table cell, drawn in the colour of the text. Words and numbers
// stand in the table around it, in the reader's own font and size.
type axis struct {
	lo, hi   int
	infinite bool
}

// leastShown is the least power of two that an axis shows; what is below
// stands in its first place.
const leastShown = -7

// newAxis returns the axis that holds all rows.
func newAxis(rows []spec.Accuracy) axis {
	a := axis{leastShown, 3, false}
	for _, r := range rows {
		for k := range r.ULPLog2 {
			if k >= spec.InfiniteULPLog2 {
				a.infinite = true
			} else {
				a.hi = max(a.hi, k+1)
			}
		}
	}
	return a
}

// width is the number of places.
func (a axis) width() float64 {
	w := float64(a.hi - a.lo)
	if a.infinite {
		return w + a.slot()
	}
	return w
}

// slot is the width of the place for infinite errors.
func (a axis) slot() float64 { return max(1, float64(a.hi-a.lo)/20) }

// x places an error.
func (a axis) x(ulp float64) float64 {
	switch {
	case ulp >= math.MaxFloat64:
		return a.width() - a.slot()/2
	case ulp <= math.Ldexp(1, a.lo):
		return 0
	}
	return math.Log2(ulp) - float64(a.lo)
}

// A tick is a labelled place on an axis, in percent of its width.
type tick struct {
	At    string
	Label template.HTML
}

// ticks labels at most seven powers of ten.
func (a axis) ticks() []tick {
	first, last := -2, int(math.Floor(float64(a.hi)*math.Log10(2)))
	step := 1
	for (last-first)/step > 6 {
		step *= 2
	}
	var list []tick
	for d := first; d <= last; d += step {
		list = append(list, tick{percent(a.x(math.Pow10(d)) / a.width()), powerOfTen(d)})
	}
	if a.infinite {
		list = append(list, tick{percent(a.x(math.Inf(1)) / a.width()), infinite})
	}
	return list
}

func powerOfTen(d int) template.HTML {
	if d >= -2 && d <= 3 {
		return template.HTML(fmt.Sprintf("%g", math.Pow10(d)))
	}
	return template.HTML(fmt.Sprintf("10<sup>%d</sup>", d))
}

func percent(x float64) string { return fmt.Sprintf("%.2f%%", 100*x) }

// The heights of a picture.
const (
	plotHeight = 24
	plotFoot   = 22 // the base line
)

// plot draws the distribution of errors in one row: a bar for each power of
// two, its height as the square root of the number, so that a single answer
// is seen; a full line at the median, a dashed one at the 99th percentile and
// a dot at the largest error.
func (a axis) plot(r spec.Accuracy) template.HTML {
	var bars, grid strings.Builder
	places := map[int]int{}
	most := 0
	for k, n := range r.ULPLog2 {
		k = max(k, a.lo)
		places[k] += n
		most = max(most, places[k])
	}
	for _, k := range slices.Sorted(maps.Keys(places)) {
		left, wide := float64(k-a.lo), 1.0
		if k >= spec.InfiniteULPLog2 {
			left, wide = a.width()-a.slot(), a.slot()
		}
		height := (plotFoot - 2) * math.Sqrt(float64(places[k])/float64(most))
		fmt.Fprintf(&bars, "M%.4g %dv-%.3gh%.3gv%.3gz", left+wide*.06, plotFoot, height, wide*.88, height)
	}
	for _, t := range a.ticks() {
		var x float64
		fmt.Sscanf(t.At, "%f%%", &x)
		fmt.Fprintf(&grid, "M%.4g 0V%d", x/100*a.width(), plotFoot)
	}
	return template.HTML(fmt.Sprintf(`<svg class="plot" viewBox="0 0 %.4g %d" preserveAspectRatio="none" role="img" aria-label="%s">`+
		`<path class="grid" d="%sM0 %dH%.4g"/><path class="bars" d="%s"/><path class="median" d="M%.4g 0V%d"/><path class="p99" d="M%.4g 0V%d"/><path class="max" d="M%.4g %dh0"/></svg>`,
		a.width(), plotHeight, aria(r), grid.String(), plotFoot, a.width(), bars.String(),
		a.x(r.ULPMedian), plotFoot, a.x(r.ULPP99), plotFoot, a.x(r.ULPMax), plotFoot))
}

// aria says the picture in words.
func aria(r spec.Accuracy) string {
	return fmt.Sprintf("%d errors: median %s, 99th percentile %s, largest %s ulp", r.N, digits(r.ULPMedian), digits(r.ULPP99), digits(r.ULPMax))
}
