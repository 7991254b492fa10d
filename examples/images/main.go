// Images compares the grey values of two images made by rule, and the normal distributions of
// a variational auto-encoder.
package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"text/tabwriter"

	"klconf/impl"
)

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "images takes no arguments")
		os.Exit(2)
	}
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

// The images: a bright disc that fades to its edge, and the same with less contrast.
func disc(x, y float64) float64 { return 1 - math.Hypot(x, y)/math.Sqrt2 }

func pale(x, y float64) float64 { return 0.3 + 0.5*disc(x, y) }

func run(w io.Writer) error {
	a, b := made(256, disc), made(256, pale)
	p, q := a.Histogram(0), b.Histogram(0)
	only := func(p, q []float64) (n int) {
		for i := range p {
			if p[i] > 0 && q[i] == 0 {
				n++
			}
		}
		return n
	}
	fmt.Fprintln(w, "Grey values of a disc A and of the same disc with half the contrast B, in nats:")
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name string, value float64, why string) { fmt.Fprintf(t, "  %s\t%.6f\t%s\n", name, value, why) }
	line("KL(A‖B)", impl.KL(p, q), fmt.Sprintf("A has %d grey values that B has not", only(p, q)))
	line("KL(B‖A)", impl.KL(q, p), fmt.Sprintf("B has %d grey values that A has not", only(q, p)))
	line("JS(A, B)", impl.JensenShannon(p, q), fmt.Sprintf("always finite, at most ln 2 = %.6f", math.Ln2))
	line("KL(A‖B), ½ added", impl.KL(a.Histogram(0.5), b.Histogram(0.5)), "depends on what is added:")
	line("KL(A‖B), 1e-7 added", impl.KL(a.Histogram(1e-7), b.Histogram(1e-7)), "to every count of both")
	line("KL(A‖mirrored A)", impl.KL(p, a.Mirrored().Histogram(0)), "a histogram does not know where a pixel is")
	if err := t.Flush(); err != nil {
		return err
	}

	fmt.Fprintln(w, "\nKL(N(μ, σ²)‖N(0, 1)) of one latent variable, in nats:")
	fmt.Fprintln(w)
	fmt.Fprintln(t, "  μ\tσ\tclosed form\tthe same, naively\tnaively in float32")
	for _, x := range [][2]float64{{1, 0.5}, {0.1, 0.9}, {2e-4, 1}, {0, 1.0001}, {1e-9, 1}} {
		m, s := x[:1], x[1:]
		fmt.Fprintf(t, "  %v\t%v\t%.10g\t%.7g\t%.7g\n", x[0], x[1], Gaussian(m, s), Naive(m, s), Naive([]float32{float32(x[0])}, []float32{float32(x[1])}))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nThe same of λ = ln σ², as an encoder puts it out:")
	fmt.Fprintln(w)
	fmt.Fprintln(t, "  μ\tλ\tclosed form\tthe same, naively\tnaively in float32")
	for _, x := range [][2]float64{{0, 1e-3}, {0, -1e-3}, {0, 1e-9}, {0, -1e-9}, {1e-9, 1e-9}} {
		m, l := x[:1], x[1:]
		fmt.Fprintf(t, "  %v\t%v\t%.10g\t%.7g\t%.7g\n", x[0], x[1], GaussianLog(m, l), NaiveLog(m, l), NaiveLog([]float32{float32(x[0])}, []float32{float32(x[1])}))
	}
	return t.Flush()
}
