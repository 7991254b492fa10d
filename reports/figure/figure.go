// Package figure is what the plots of klconf look like: no ground of their own, the colour of
// the text around them, and the reader's typeface.
package figure

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"regexp"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Ink is what is drawn in the colour of the text around the picture.
var Ink = color.Black

// Colours are told apart on light and dark ground, and by those who do not see red and
// green apart (Okabe and Ito, "Color Universal Design", 2008, without black and yellow).
var Colours = []color.Color{
	color.RGBA{0x00, 0x72, 0xb2, 0xff}, color.RGBA{0xd5, 0x5e, 0x00, 0xff}, color.RGBA{0x00, 0x9e, 0x73, 0xff},
	color.RGBA{0xcc, 0x79, 0xa7, 0xff}, color.RGBA{0xe6, 0x9f, 0x00, 0xff}, color.RGBA{0x56, 0xb4, 0xe9, 0xff},
}

// sans is the typeface that widths are reckoned with.
var sans = font.Font{Typeface: "Liberation", Variant: "Sans"}

// New returns an empty plot.
func New() *plot.Plot {
	p := plot.New()
	for _, style := range []*text.Style{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		style.Font = font.From(sans, style.Font.Size)
	}
	p.BackgroundColor = nil
	p.Title.Padding = vg.Points(6)
	return p
}

// Logarithmic gives an axis a logarithmic scale with a label at each power of ten.
func Logarithmic(a *plot.Axis) {
	a.Scale = plot.LogScale{}
	a.Tick.Marker = plot.TickerFunc(func(lo, hi float64) (ticks []plot.Tick) {
		if !(lo > 0) {
			return nil
		}
		first, last := int(math.Floor(math.Log10(lo))), int(math.Ceil(math.Log10(hi)))
		every := 1 + (last-first)/8
		for e := first; e <= last; e++ {
			if (e-first)%every == 0 {
				ticks = append(ticks, plot.Tick{Value: math.Pow10(e), Label: power(e)})
			}
			if every == 1 {
				for m := 2.0; m < 10; m++ {
					label := ""
					if last-first <= 1 && (m == 2 || m == 5) {
						label = fmt.Sprintf("%.3g", m*math.Pow10(e))
					}
					ticks = append(ticks, plot.Tick{Value: m * math.Pow10(e), Label: label})
				}
			}
		}
		return slices.DeleteFunc(ticks, func(t plot.Tick) bool { return t.Value < lo || t.Value > hi })
	})
}

func power(e int) string {
	if e >= -2 && e <= 4 {
		return fmt.Sprint(math.Pow10(e))
	}
	return fmt.Sprintf("1e%d", e)
}

// Write writes what has been drawn as SVG.
func Write(w io.Writer, c *vgsvg.Canvas) error {
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return err
	}
	_, err := w.Write(inked(b.Bytes()))
	return err
}

var (
	black = regexp.MustCompile(`#000000`)
	face  = regexp.MustCompile(`font-family:[^;"]*`)
)

// inked replaces black by the colour of the text around the picture, which has no ground of
// its own, and the typeface by the reader's.
func inked(svg []byte) []byte {
	svg = bytes.Replace(svg, []byte("<svg "), []byte(`<svg fill="currentColor" `), 1)
	svg = black.ReplaceAll(svg, []byte("currentColor"))
	return face.ReplaceAll(svg, []byte("font-family:sans-serif"))
}
