package reports

import (
	"fmt"
	"math"
	"slices"

	"klconf/spec"
)

// A scatter places implementations by time and error, in percent of a field whose scales are
// logarithmic. It is laid out by the page, in the reader's own font and size.
type scatter struct {
	X, Y   []tick
	Half   string // where ½ ulp is
	Points []point
}

type point struct {
	link
	X, Y  string
	Mark  mark
	Title string
}

// A decade of errors below the first and above the last is drawn at the edge.
const (
	leastDecade = -1
	mostDecade  = 4
)

// points places those whose time and error are known; it is nil if none is.
func (s Speeds) points(reports []spec.Report) *scatter {
	var known []spec.Report
	var times []float64
	for _, r := range reports {
		if _, _, ok := errorsOf(r); ok && s[r.Implementation.ID] > 0 {
			known = append(known, r)
			times = append(times, math.Log10(s[r.Implementation.ID]))
		}
	}
	if len(known) == 0 {
		return nil
	}
	left, right := math.Floor(slices.Min(times)), math.Ceil(slices.Max(times))
	right = max(right, left+1)
	x := func(log float64) string { return percent(0.02 + 0.96*(log-left)/(right-left)) }
	y := func(ulp float64) string {
		log := min(max(math.Log10(ulp), leastDecade), mostDecade)
		return percent(0.03 + 0.94*(mostDecade-log)/(mostDecade-leastDecade))
	}
	out := &scatter{Half: y(.5)}
	for d := left; d <= right; d++ {
		out.X = append(out.X, tick{x(d), powerOfTen(int(d))})
	}
	for d := leastDecade; d <= mostDecade; d++ {
		label := powerOfTen(d)
		if d == mostDecade {
			label = "≥ " + label
		}
		out.Y = append(out.Y, tick{y(math.Pow10(d)), label})
	}
	for i, r := range known {
		typical, _, _ := errorsOf(r)
		c := callOf(r)
		out.Points = append(out.Points, point{link: linkTo(r), X: x(times[i]), Y: y(typical), Mark: c.PMF,
			Title: fmt.Sprintf("%s: %s × dot product, %s ulp", plain(r.Implementation.ID), s.of(r), digits(typical))})
	}
	return out
}
