package histogram

import (
	"bytes"
	"encoding/xml"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestBins(t *testing.T) {
	for _, c := range []struct{ least, most float64 }{
		{1, 1}, {2, 2}, {0.1, 0.1}, {0.3, 0.7}, {1e-3, 1}, {1e-3, 1e3}, {1e-5, 20}, {7e-15, 3}, {5e-324, 5e-324}, {5e-324, math.MaxFloat64}, {1e300, math.MaxFloat64}, {1e-320, 1e-300},
	} {
		x := []float64{c.least, c.most}
		r := rand.New(rand.NewPCG(1, 2))
		for range 100 {
			x = append(x, max(c.least, min(c.most, c.least*math.Exp(r.Float64()*(math.Log(c.most)-math.Log(c.least))))))
		}
		h := New(slices.Values(x))
		n := 0
		for i, b := range h.Bins {
			if !(b.Lo < b.Hi) || i > 0 && b.Lo != h.Bins[i-1].Hi {
				t.Errorf("%v: bins %v", c, h.Bins)
			}
			want := 0
			for _, v := range x {
				if b.Lo <= v && v < b.Hi {
					want++
				}
			}
			if b.Count != want {
				t.Errorf("%v: %d in %v", c, want, b)
			}
			n += b.Count
		}
		if n != len(x) || len(h.Bins) > 15 || h.Bins[0].Count == 0 || h.Bins[len(h.Bins)-1].Count == 0 {
			t.Errorf("%v: %v holds %d of %d", c, h.Bins, n, len(x))
		}
	}
}

func TestText(t *testing.T) {
	x := []float64{-1, 0, 0, 0.01, 0.015, 0.0199999, 0.02, 0.3, math.Inf(1), math.NaN()}
	var b strings.Builder
	if err := New(slices.Values(x)).Text(&b, 30); err != nil {
		t.Fatal(err)
	}
	want := `    below 0  1  ████▋
          0  2  █████████▍
0.01 … 0.02  3  ██████████████
0.02 … 0.05  1  ████▋
 0.05 … 0.1  0
  0.1 … 0.2  0
  0.2 … 0.5  1  ████▋
          ∞  1  ████▋
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	if got := number(2e-15) + number(1e5) + number(math.Inf(1)); got != "2e-151e5∞" {
		t.Error(got)
	}
	if bar(1, 1e6, 10) != "▏" || bar(0, 1, 10) != "" {
		t.Error("a bar of little")
	}
}

func TestSVG(t *testing.T) {
	for name, x := range map[string][]float64{"some": {0, 1e-3, 2e-3, 0.1, 1}, "none": nil, "zeros": {0, 0}, "one": {3}, "ends": {5e-324, math.MaxFloat64}} {
		var b bytes.Buffer
		if err := New(slices.Values(x)).SVG(&b, name+" rows", "KL"); err != nil {
			t.Fatal(err)
		}
		svg := b.String()
		d := xml.NewDecoder(&b)
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		for _, bad := range []string{"#000000", "NaN", "Inf", "Liberation"} {
			if strings.Contains(svg, bad) {
				t.Errorf("%s has %q", name, bad)
			}
		}
		if !strings.Contains(svg, name+" rows") || name == "some" && !strings.Contains(svg, ", 1 of 0") {
			t.Errorf("%s has no title", name)
		}
	}
}
