// Translation compares what two versions of a model would say next, position by position of a
// text that is given: a decoder of translations and its quantised copy are compared so.
package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"text/tabwriter"

	"klconf/examples/softmax"
	"klconf/golden"
	"klconf/impl"
)

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "translation takes no arguments")
		os.Exit(2)
	}
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "translation:", err)
		os.Exit(1)
	}
}

// jensenShannon returns ½KL(P‖M) + ½KL(Q‖M), M = (P+Q)/2, of the distributions of logits. The
// weights that it is given are rounded, which moves it by 1e-11 of itself at most.
func jensenShannon(a, b []float32) float64 { return impl.JensenShannon(softmax.Of(a), softmax.Of(b)) }

// variation returns ½Σ|p−q|, the most by which the probability of any set of tokens differs.
func variation(a, b []float32) (v float64) {
	p, q := softmax.Of(a), softmax.Of(b)
	for i := range p {
		v += math.Abs(p[i]-q[i]) / 2
	}
	return v
}

// pinsker returns the most that the variation can be for a divergence: √(KL/2).
func pinsker(kl float64) float64 { return math.Sqrt(kl / 2) }

func run(w io.Writer) error {
	rows, err := golden.Logits()
	if err != nil {
		return err
	}
	original, quantised := rows[:golden.DataRows/2], rows[golden.DataRows/2:]
	var forward, reverse impl.LogitsSummary
	fmt.Fprintf(w, "A model P and its quantised copy Q, %d tokens, %d positions; in nats:\n\n", golden.DataColumns, len(original))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "position\tKL(P‖Q)\tKL(Q‖P)\tJS(P, Q)\tsame top\tvariation\tat most\t")
	for i, p := range original {
		q := quantised[i]
		f, r := impl.CompareLogits32(i, p, q), impl.CompareLogits32(i, q, p)
		forward.Add(f)
		reverse.Add(r)
		same := map[bool]string{true: "yes", false: "no"}[f.SameTop]
		fmt.Fprintf(t, "%d\t%.9f\t%.9f\t%.9f\t%s\t%.4f\t%.4f\t\n", i, f.KL, r.KL, jensenShannon(p, q), same, variation(p, q), pinsker(min(f.KL, r.KL)))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\nMean KL(P‖Q) %.6f ± %.6f, mean KL(Q‖P) %.6f ± %.6f; the same top token at %d of %d; worst at position %d.\n",
		forward.Mean(), forward.StandardError(), reverse.Mean(), reverse.StandardError(), forward.SameTop(), forward.Len(), forward.Max().Row)
	return err
}
