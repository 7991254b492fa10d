package bench

import (
	"math/rand/v2"
	"slices"
	"time"
)

// A Loop times functions side by side: in every round each of them once, in random
// order, so that what slows the machine for a while slows all of them.
type Loop struct {
	Rounds int
	Sample time.Duration // the least that one timing should take
}

// Run returns the nanoseconds of one iteration of each function in each round. A function
// is given the number of iterations to do.
func (l Loop) Run(fs ...func(iters int)) []Times {
	iters := make([]int, len(fs))
	for i, f := range fs {
		iters[i] = l.iterations(f)
	}
	times := make([]Times, len(fs))
	for i := range times {
		times[i] = make(Times, l.Rounds)
	}
	r := rand.New(rand.NewPCG(uint64(len(fs)), uint64(l.Rounds)))
	for round := range l.Rounds {
		for _, i := range r.Perm(len(fs)) {
			start := time.Now()
			fs[i](iters[i])
			times[i][round] = float64(time.Since(start)) / float64(iters[i])
		}
	}
	return times
}

// iterations finds how many take l.Sample, which warms f up.
func (l Loop) iterations(f func(iters int)) int {
	for n := 1; ; {
		start := time.Now()
		f(n)
		took := time.Since(start)
		if took >= l.Sample {
			return n
		}
		// A fifth more than is wanted, and at most a hundred times as many.
		n = max(n+1, min(100*n, int(1.2*float64(n)*float64(l.Sample)/float64(max(took, 1)))))
	}
}

// Times are the nanoseconds of one iteration, round by round.
type Times []float64

// Fastest returns the least.
func (t Times) Fastest() float64 { return slices.Min(t) }

// Over returns the median of t/u over the rounds in which both were timed.
func (t Times) Over(u Times) float64 {
	ratios := make([]float64, len(t))
	for i := range t {
		ratios[i] = t[i] / u[i]
	}
	return median(ratios)
}

// Median returns the middle one, or the mean of the middle two.
func (t Times) Median() float64 { return median(slices.Clone(t)) }

func median(x []float64) float64 {
	slices.Sort(x)
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
