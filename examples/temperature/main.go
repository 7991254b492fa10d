// Temperature chooses a sampling temperature for a budget of divergence: how far may what a
// language model says be from what it has learnt?
package main

import (
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"sort"
	"text/tabwriter"

	"klconf/examples/softmax"
	"klconf/golden"
	"klconf/impl"
)

func main() {
	budget := flag.Float64("budget", 0.05, "mean divergence allowed, in `nats`")
	draws := flag.Int("draws", 10000, "sample `N` tokens at each position")
	flag.Parse()
	if flag.NArg() > 0 || !(*budget > 0) || *draws < 2 {
		fmt.Fprintln(os.Stderr, "temperature: no arguments, -budget above 0, -draws from 2")
		os.Exit(2)
	}
	if err := run(os.Stdout, *budget, *draws); err != nil {
		fmt.Fprintln(os.Stderr, "temperature:", err)
		os.Exit(1)
	}
}

// at returns the logits at temperature t, rounded to float32 as a sampler has them.
func at(logits []float32, t float64) []float32 {
	scaled := make([]float32, len(logits))
	for i, x := range logits {
		scaled[i] = float32(float64(x) / t)
	}
	return scaled
}

// mean returns the mean of KL(P_T‖P) over the rows, where P is the softmax of a row and P_T
// that of the row at temperature T.
//
// It rises with T from T = 1 on. With b = 1/T, P_T is p_b ∝ e^(b·x), and with A(b) = ln Σ e^(b·x)
//
//	KL(p_b‖p_1) = (b−1)·A′(b) − A(b) + A(1),   d/db = (b−1)·A″(b) ≤ 0 for b ≤ 1,
//
// as A″ is the variance of the logits under p_b. So what is within a budget ends at one T.
// Rounding the logits, by 1.9e-6 at most, moves the value by less than the 1/steps of T that
// are told apart.
func mean(rows [][]float32, t float64) float64 {
	var sum float64
	for _, x := range rows {
		sum += impl.KLLogits32(at(x, t), x)
	}
	return sum / float64(len(rows))
}

// steps of 1/steps are tried between the temperatures 1 and most.
const steps, most = 10000, 10

// hottest returns the largest temperature k/steps at which the mean divergence is within
// budget, by bisection, and whether there is one below most.
func hottest(rows [][]float32, budget float64) (t float64, found bool) {
	k := sort.Search((most-1)*steps, func(k int) bool { return mean(rows, 1+float64(k)/steps) > budget })
	return 1 + float64(k-1)/steps, k < (most-1)*steps // k > 0: at T = 1 the divergence is 0
}

// sampled estimates KL(s‖p) from so many tokens drawn from s, as the mean of ln(s/p) with its
// standard error: the estimator k1, all that is left where a distribution is not at hand.
func sampled(rng *rand.Rand, s, p []float64, draws int) (mean, standardError float64) {
	until := make([]float64, len(s))
	var sum, squares float64
	for i, x := range s {
		sum += x
		until[i] = sum
	}
	total := sum
	sum = 0
	for range draws {
		i := min(sort.SearchFloat64s(until, rng.Float64()*total), len(s)-1)
		d := math.Log(s[i] / p[i])
		sum += d
		squares += d * d
	}
	n := float64(draws)
	mean = sum / n
	return mean, math.Sqrt((squares/n - mean*mean) / (n - 1))
}

func run(w io.Writer, budget float64, draws int) error {
	all, err := golden.Logits()
	if err != nil {
		return err
	}
	rows := all[:golden.DataRows/2]
	t, found := hottest(rows, budget)
	if !found {
		return fmt.Errorf("the mean divergence stays below %v nats up to the temperature %d: take a smaller budget", budget, most)
	}
	fmt.Fprintf(w, "Budget %v nats: the largest temperature is %.4f, where the mean of KL(P_T‖P) is %.9f;\nat %.4f it is %.9f.\n\n", budget, t, mean(rows, t), t+1.0/steps, mean(rows, t+1.0/steps))

	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "position\ttop p, T = 1\ttop p, T\tKL(P_T‖P)\tfrom samples\t±\tKL(P‖P_T)\t")
	rng := rand.New(rand.NewPCG(1, 0))
	for i, x := range rows {
		hot := at(x, t)
		p, s := softmax.Of(x), softmax.Of(hot)
		estimate, deviation := sampled(rng, s, p, draws)
		fmt.Fprintf(table, "%d\t%.4f\t%.4f\t%.6f\t%.4f\t%.4f\t%.6f\t\n", i, top(p), top(s), impl.KLLogits32(hot, x), estimate, deviation, impl.KLLogits32(x, hot))
	}
	return table.Flush()
}

func top(p []float64) (top float64) {
	for _, x := range p {
		top = max(top, x)
	}
	return top
}
