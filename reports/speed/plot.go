package speed

import (
	"fmt"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"klconf/reports/figure"
)

// The size of one panel; a picture has one for each function, format and family, two in a row.
const (
	panelWidth  = 15 * vg.Centimeter
	panelHeight = 10 * vg.Centimeter
	inRow       = 2
)

// shapes mark points; with the colours they tell 36 implementations apart.
var shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.CrossGlyph{}, draw.PlusGlyph{}, draw.PyramidGlyph{}}

func styleOf(i int) (draw.LineStyle, draw.GlyphStyle) {
	c := figure.Colours[i%len(figure.Colours)]
	return draw.LineStyle{Color: c, Width: vg.Points(1.2)},
		draw.GlyphStyle{Color: c, Radius: vg.Points(2.5), Shape: shapes[(i+i/len(figure.Colours))%len(shapes)]}
}

// Time draws nanoseconds per element against length, both on logarithmic scales, with the
// interval of each point and, dashed, the dot product of the same vectors.
func Time(w io.Writer, all []*Series) error {
	return picture(w, all, func(p *plot.Plot, g *group) error {
		p.X.Label.Text, p.Y.Label.Text = "n", "ns per element"
		figure.Logarithmic(&p.X)
		figure.Logarithmic(&p.Y)
		dots := map[int][]float64{}
		for i, impl := range g.impls {
			var points struct {
				plotter.XYs
				plotter.YErrors
			}
			for _, n := range g.sizes {
				s := g.at[cell{impl, n}]
				if s == nil {
					continue
				}
				x, ok := s.perElement()
				if !ok {
					continue
				}
				points.XYs = append(points.XYs, plotter.XY{X: float64(n), Y: x.Center})
				points.YErrors = append(points.YErrors, struct{ Low, High float64 }{x.Center - finite(x.Lo, x.Center), finite(x.Hi, x.Center) - x.Center})
				for i, ratio := range s.Values["x-dot"] {
					if i < len(s.Values["ns/op"]) {
						dots[n] = append(dots[n], s.Values["ns/op"][i]/ratio/float64(n))
					}
				}
			}
			if err := line(p, impl, i, points.XYs, points.YErrors); err != nil {
				return err
			}
		}
		var limit plotter.XYs
		for _, n := range g.sizes {
			if len(dots[n]) > 0 {
				limit = append(limit, plotter.XY{X: float64(n), Y: intervalOf(dots[n]).Center})
			}
		}
		if len(limit) == 0 {
			return nil
		}
		l, err := plotter.NewLine(limit)
		if err != nil {
			return err
		}
		l.LineStyle = draw.LineStyle{Color: figure.Ink, Width: vg.Points(1), Dashes: []vg.Length{vg.Points(4), vg.Points(3)}}
		p.Add(l)
		p.Legend.Add("dot product", l)
		return nil
	})
}

// finite replaces the bound of an interval that has too few samples.
func finite(x, other float64) float64 {
	if math.IsInf(x, 0) {
		return other
	}
	return x
}

// line adds points, joined, with their intervals.
func line(p *plot.Plot, name string, i int, xys plotter.XYs, errs plotter.YErrors) error {
	if len(xys) == 0 {
		return nil
	}
	l, points, err := plotter.NewLinePoints(xys)
	if err != nil {
		return err
	}
	l.LineStyle, points.GlyphStyle = styleOf(i)
	bars, err := plotter.NewYErrorBars(struct {
		plotter.XYs
		plotter.YErrors
	}{xys, errs})
	if err != nil {
		return err
	}
	bars.LineStyle = l.LineStyle
	p.Add(l, points, bars)
	if name != "" {
		p.Legend.Add(name, l, points)
	}
	return nil
}

// What is more exact than leastError is drawn there, and what is no number or off by more
// than mostError, there.
const (
	leastError = 0.1
	mostError  = 1e18
)

// Accuracy draws the largest error against the time over a dot product, at the longest
// vectors of which the error is known: who is fast is on the left, who is right below. The
// line is ½ ulp.
func Accuracy(w io.Writer, all []*Series) error {
	return picture(w, all, func(p *plot.Plot, g *group) error {
		known := slices.DeleteFunc(slices.Clone(g.sizes), func(n int) bool {
			return !slices.ContainsFunc(g.impls, func(impl string) bool {
				s := g.at[cell{impl, n}]
				return s != nil && len(s.Values["ulp-max"]) > 0
			})
		})
		if len(known) == 0 {
			return nil
		}
		n := slices.Max(known)
		p.Title.Text += fmt.Sprintf(", n = %d", n)
		p.X.Label.Text, p.Y.Label.Text = "time over that of a dot product", "largest error, ulp"
		figure.Logarithmic(&p.X)
		figure.Logarithmic(&p.Y)
		left, right := math.Inf(1), math.Inf(-1)
		for i, impl := range g.impls {
			s := g.at[cell{impl, n}]
			if s == nil || len(s.Values["ulp-max"]) == 0 || len(s.Values["x-dot"]) == 0 {
				continue
			}
			at := plotter.XY{X: intervalOf(s.Values["x-dot"]).Center, Y: slices.Max(s.Values["ulp-max"])}
			name := fmt.Sprintf("%s: %s ulp", impl, written(at.Y))
			at.Y = min(max(at.Y, leastError), mostError)
			points, err := plotter.NewScatter(plotter.XYs{at})
			if err != nil {
				return err
			}
			_, points.GlyphStyle = styleOf(i)
			points.GlyphStyle.Radius = vg.Points(4)
			p.Add(points)
			p.Legend.Add(name, points)
			left, right = min(left, at.X), max(right, at.X)
		}
		if left > right {
			return nil
		}
		half, err := plotter.NewLine(plotter.XYs{{X: left / 1.5, Y: 0.5}, {X: right * 1.5, Y: 0.5}})
		if err != nil {
			return err
		}
		half.LineStyle = draw.LineStyle{Color: figure.Ink, Width: vg.Points(0.5)}
		p.Add(half)
		return nil
	})
}

// picture draws one panel for each group, with its legend to the right of the axes.
func picture(w io.Writer, all []*Series, panel func(p *plot.Plot, g *group) error) error {
	list := groups(all)
	return panels(w, len(list), func(i int, p *plot.Plot) error {
		p.Title.Text = list[i].title()
		p.Legend.Top = true
		p.Legend.Padding = vg.Points(3)
		p.Legend.XOffs = legend
		return panel(p, list[i])
	})
}

// legend is the room to the right of the axes.
const legend vg.Length = 150

// panels draws so many panels as SVG.
func panels(w io.Writer, n int, panel func(i int, p *plot.Plot) error) error {
	rows := (n + inRow - 1) / inRow
	c := vgsvg.New(inRow*panelWidth, vg.Length(rows)*panelHeight)
	tiles := draw.Tiles{Rows: rows, Cols: inRow, PadX: vg.Points(14), PadY: vg.Points(14), PadTop: vg.Points(4), PadBottom: vg.Points(4), PadLeft: vg.Points(4), PadRight: vg.Points(4)}
	for i := range n {
		p := figure.New()
		if err := panel(i, p); err != nil {
			return err
		}
		tile := tiles.At(draw.New(c), i%inRow, i/inRow)
		p.Draw(draw.Crop(tile, 0, -p.Legend.XOffs, 0, 0))
	}
	return figure.Write(w, c)
}
