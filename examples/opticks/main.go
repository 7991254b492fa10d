// Opticks goes from a text to a language model, to its divergence from the text in both
// directions, and to the smoothing that makes each the smallest.
package main

import (
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"text/tabwriter"

	"klconf/impl"
)

const (
	seed     = 1    // of the split
	contexts = 20   // the most frequent in what is held out
	gamma    = 0.1  // of the model that is shown by context
	discount = 0.75 // of Kneser and Ney
	half     = 0.5  // is added to what is held out, so that it has no zeros
)

func main() {
	file := flag.String("text", "", "read the text from `FILE` instead of Go's tree")
	cutoff := flag.Int("cutoff", 2, "take words that occur less than `N` times for "+unknown)
	svg := flag.String("svg", "", "draw the divergences against the smoothing to `FILE`")
	flag.Parse()
	if flag.NArg() > 0 || *cutoff < 1 {
		fmt.Fprintln(os.Stderr, "opticks: no arguments, and -cutoff from 1")
		os.Exit(2)
	}
	if err := run(os.Stdout, *file, *cutoff, *svg); err != nil {
		fmt.Fprintln(os.Stderr, "opticks:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, file string, cutoff int, svg string) error {
	text, err := opticks(file)
	if err != nil {
		return err
	}
	s := newStudy(text, cutoff)
	if err := s.report(w); err != nil || svg == "" {
		return err
	}
	f, err := os.Create(svg)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := picture(f, s.sweep(10)); err != nil {
		return err
	}
	return f.Close()
}

// A Study is a model of the larger part of a text and the rest of the text to compare it with.
type Study struct {
	Text              [][]string
	Train, HeldOut    [][]string
	Model, Seen       *Bigrams    // of Train and of HeldOut, with the vocabulary of Train
	Contexts          []int       // the most frequent of Seen
	Empirical, Raised [][]float64 // of each context: what is held out, and that plus half
}

func newStudy(text string, cutoff int) *Study {
	s := &Study{Text: sentences(text)}
	s.Train, s.HeldOut = split(s.Text, seed)
	words := vocabulary(s.Train, cutoff)
	s.Model, s.Seen = count(words, s.Train), count(words, s.HeldOut)
	s.Contexts = s.Seen.frequent(contexts)
	for _, c := range s.Contexts {
		s.Empirical = append(s.Empirical, s.Seen.Lidstone(c, 0))
		s.Raised = append(s.Raised, s.Seen.Lidstone(c, half))
	}
	return s
}

// mean weights the numbers of the contexts with how often those occur in what is held out.
func (s *Study) mean(of func(i, context int) float64) float64 {
	var sum, n float64
	for i, c := range s.Contexts {
		weight := float64(s.Seen.total[c])
		sum += float64(weight * of(i, c))
		n += weight
	}
	return sum / n
}

// forward is the mean of KL(text‖model), reverse that of KL(model‖text + ½).
func (s *Study) forward(model func(context int) []float64) float64 {
	return s.mean(func(i, c int) float64 { return impl.KL(s.Empirical[i], model(c)) })
}

func (s *Study) reverse(model func(context int) []float64) float64 {
	return s.mean(func(i, c int) float64 { return impl.KL(model(c), s.Raised[i]) })
}

// refused counts the contexts after which the text has a word that the model excludes.
func (s *Study) refused(model func(context int) []float64) (n int) {
	for i, c := range s.Contexts {
		if math.IsInf(impl.KL(s.Empirical[i], model(c)), 1) {
			n++
		}
	}
	return n
}

func (s *Study) lidstone(gamma float64) func(int) []float64 {
	return func(c int) []float64 { return s.Model.Lidstone(c, gamma) }
}

func (s *Study) kneserNey(c int) []float64 { return s.Model.KneserNey(c, discount) }

// A Point is what one smoothing gives.
type Point struct{ Gamma, Forward, Reverse float64 }

// sweep tries so many smoothings in a decade, from 0.001 to 100.
func (s *Study) sweep(perDecade int) (points []Point) {
	for k := -3 * perDecade; k <= 2*perDecade; k++ {
		g := math.Pow(10, float64(k)/float64(perDecade))
		points = append(points, Point{g, s.forward(s.lidstone(g)), s.reverse(s.lidstone(g))})
	}
	return points
}

// best returns the points with the smallest divergence in either direction.
func best(points []Point) (forward, reverse Point) {
	forward, reverse = points[0], points[0]
	for _, p := range points {
		if p.Forward < forward.Forward {
			forward = p
		}
		if p.Reverse < reverse.Reverse {
			reverse = p
		}
	}
	return forward, reverse
}

func (s *Study) report(w io.Writer) error {
	types, tokens := map[string]bool{}, 0
	for _, sentence := range s.Text {
		for _, word := range sentence {
			types[word] = true
		}
		tokens += len(sentence)
	}
	fmt.Fprintf(w, "1. Text: %d sentences, %d tokens, %d different; %d sentences are held out.\n", len(s.Text), tokens, len(types), len(s.HeldOut))
	fmt.Fprintf(w, "2. Model: bigrams over a vocabulary of %d; Lidstone, γ = %v.\n", len(s.Model.Words), gamma)
	fmt.Fprintf(w, "3. Divergence in nats at the %d most frequent contexts that are held out:\n\n", contexts)

	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "context\ttimes\tKL(text‖model)\tKL(model‖text)\tKL(model‖text+½)\t")
	model, infinite, times := s.lidstone(gamma), 0, 0
	for i, c := range s.Contexts {
		unraised := impl.KL(model(c), s.Empirical[i])
		if math.IsInf(unraised, 1) {
			infinite++
		}
		times += s.Seen.total[c]
		fmt.Fprintf(t, "%s\t%d\t%.4f\t%.4f\t%.4f\t\n", s.Seen.Words[c], s.Seen.total[c], impl.KL(s.Empirical[i], model(c)), unraised, impl.KL(model(c), s.Raised[i]))
	}
	fmt.Fprintf(t, "mean\t%d\t%.4f\t%.4f\t%.4f\t\n", times, s.forward(model), s.mean(func(i, c int) float64 { return impl.KL(model(c), s.Empirical[i]) }), s.reverse(model))
	t.Flush()
	fmt.Fprintf(w, "\n   KL(model‖text) is +Inf at %d of %d: the model allows words that the text does not have there.\n", infinite, contexts)
	fmt.Fprintf(w, "   Kneser and Ney, discount %v: KL(text‖model) %.4f (+Inf at %d), KL(model‖text+½) %.4f.\n", discount, s.forward(s.kneserNey), s.refused(s.kneserNey), s.reverse(s.kneserNey))

	fmt.Fprintf(w, "4. Optimise γ, mean divergences:\n\n")
	fmt.Fprintln(t, "γ\tforward\treverse\t")
	for _, p := range s.sweep(2) {
		fmt.Fprintf(t, "%.3g\t%.4f\t%.4f\t\n", p.Gamma, p.Forward, p.Reverse)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	forward, reverse := best(s.sweep(10))
	_, err := fmt.Fprintf(w, "\n   Of ten in a decade, forward is least at γ = %.2g (%.4f), reverse at γ = %.2g (%.4f).\n", forward.Gamma, forward.Forward, reverse.Gamma, reverse.Reverse)
	return err
}
