package main

import (
	"io"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"klconf/reports/figure"
)

// picture draws the mean divergences in both directions against γ, with a mark where each is
// the smallest.
func picture(w io.Writer, points []Point) error {
	p := figure.New()
	p.X.Label.Text, p.Y.Label.Text = "γ", "mean divergence, nats"
	figure.Logarithmic(&p.X)
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.Padding, p.Legend.XOffs = vg.Points(3), vg.Points(8)
	forward, reverse := best(points)
	for i, c := range []struct {
		name string
		of   func(Point) float64
		best Point
	}{
		{"forward, KL(text‖model)", func(p Point) float64 { return p.Forward }, forward},
		{"reverse, KL(model‖text+½)", func(p Point) float64 { return p.Reverse }, reverse},
	} {
		var xys plotter.XYs
		for _, p := range points {
			xys = append(xys, plotter.XY{X: p.Gamma, Y: c.of(p)})
		}
		line, err := plotter.NewLine(xys)
		if err != nil {
			return err
		}
		mark, err := plotter.NewScatter(plotter.XYs{{X: c.best.Gamma, Y: c.of(c.best)}})
		if err != nil {
			return err
		}
		line.LineStyle = draw.LineStyle{Color: figure.Colours[i], Width: vg.Points(1.2)}
		mark.GlyphStyle = draw.GlyphStyle{Color: figure.Colours[i], Radius: vg.Points(4), Shape: draw.CircleGlyph{}}
		p.Add(line, mark)
		p.Legend.Add(c.name, line, mark)
	}
	p.Y.Min = 0
	c := vgsvg.New(16*vg.Centimeter, 10*vg.Centimeter)
	p.Draw(draw.New(c))
	return figure.Write(w, c)
}
