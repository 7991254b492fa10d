package gate

import (
	"math"
	"slices"
	"sync"

	"github.com/aclements/go-moremath/stats"
	"golang.org/x/perf/benchmath"
)

// An estimate says how far NEW is from OLD. Effect, Lo, Hi and Spread are natural logarithms
// of a ratio, or, where a value is not positive, differences relative to the larger median.
type estimate struct {
	p      float64 // two-sided, of the hypothesis that nothing changed
	effect float64 // Hodges-Lehmann
	lo, hi float64 // distribution-free interval of the effect; infinite where the samples are too few
	spread float64 // robust standard deviation of one sample's effect
	floor  float64 // the least p that so many samples can give
	n1, n2 int
}

// paired estimates the location of the differences d of pairs.
//
// The test is Wilcoxon's signed-rank test: under the hypothesis that the two commands do not
// differ, the order of a pair is as good as the other, so every d may have either sign, and
// the exact distribution of the rank sum over all signs gives p, with mid-ranks for ties and
// Pratt's treatment of zeros. Nothing is assumed of the distribution of d, unlike in a t-test,
// whose power one disturbed round destroys; where d is normal it needs 5 % more pairs.
// The effect is the median of the n(n+1)/2 Walsh averages, and the interval is of two of them.
func paired(d []float64, alpha float64) estimate {
	n := len(d)
	e := estimate{p: signedRank(d), n1: n, n2: n, floor: math.Exp2(float64(1 - n))}
	walsh := make([]float64, 0, n*(n+1)/2)
	for i, x := range d {
		for _, y := range d[i:] {
			walsh = append(walsh, (x+y)/2)
		}
	}
	e.effect, e.lo, e.hi = hodgesLehmann(walsh, signedRankCut(n, alpha))
	e.spread = spread(d)
	return e
}

// unpaired estimates the shift from x to y.
//
// The test is the Mann-Whitney U test of benchmath, the effect the median of the differences
// of all pairs, and the interval is of two of them. The spread is that of one y less one x.
func unpaired(x, y []float64, alpha float64) estimate {
	e := estimate{n1: len(x), n2: len(y), floor: 2 / choose(len(x)+len(y), len(x))}
	t := benchmath.Thresholds{CompareAlpha: alpha}
	// NewSample sorts what it is given. A failure of the test means that all are equal: p is 1.
	e.p = min(1, benchmath.AssumeNothing.Compare(benchmath.NewSample(slices.Clone(x), &t), benchmath.NewSample(slices.Clone(y), &t)).P)
	all := make([]float64, 0, len(x)*len(y))
	for _, a := range x {
		for _, b := range y {
			all = append(all, b-a)
		}
	}
	e.effect, e.lo, e.hi = hodgesLehmann(all, mannWhitneyCut(len(x), len(y), alpha))
	e.spread = math.Hypot(spread(x), spread(y))
	return e
}

// hodgesLehmann returns the median of x and its cut-th element from either end, infinite for
// the zeroth. It sorts x.
func hodgesLehmann(x []float64, cut int) (effect, lo, hi float64) {
	slices.Sort(x)
	effect = (x[(len(x)-1)/2] + x[len(x)/2]) / 2
	if cut < 1 {
		return effect, math.Inf(-1), math.Inf(1)
	}
	return effect, x[cut-1], x[len(x)-cut]
}

// spread returns half the distance between the two quantiles that are one standard deviation
// from the mean of a normal distribution. It is the standard deviation of normal samples;
// of twelve, one may be anything on either side, and of more a sixth, but no more: unlike the
// median absolute deviation it sees the disturbances that would decide a test.
func spread(x []float64) float64 {
	const tail = 0.15865525393145707
	x = slices.Sorted(slices.Values(x))
	return (quantile(x, 1-tail) - quantile(x, tail)) / 2
}

// quantile is Hyndman and Fan's eighth of sorted samples, whose median is that of the
// distribution's quantile whatever the distribution is, nearly.
func quantile(x []float64, p float64) float64 {
	at := min(max((float64(len(x))+1./3)*p+1./3, 1), float64(len(x)))
	i := int(at)
	if i == len(x) {
		return x[i-1]
	}
	return x[i-1] + (at-float64(i))*(x[i]-x[i-1])
}

// median returns the middle one, or the mean of the middle two.
func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// signedRank returns the two-sided p of Wilcoxon's signed-rank test.
func signedRank(d []float64) float64 {
	d = slices.Clone(d)
	slices.SortFunc(d, func(a, b float64) int {
		switch x, y := math.Abs(a), math.Abs(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	var ranks []int // doubled, so that mid-ranks are whole
	plus, total := 0, 0
	for i := 0; i < len(d); {
		j := i
		for j < len(d) && math.Abs(d[j]) == math.Abs(d[i]) {
			j++
		}
		rank := i + 1 + j // twice the mean of i+1 … j
		for ; i < j; i++ {
			if d[i] != 0 {
				ranks = append(ranks, rank)
				total += rank
				if d[i] > 0 {
					plus += rank
				}
			}
		}
	}
	cdf := signSums(ranks)
	return min(1, 2*cdf[min(plus, total-plus)])
}

// signSums returns the distribution function of the sum of the ranks that a fair coin takes
// each: element w is the probability of a sum of at most w.
func signSums(ranks []int) []float64 {
	total := 0
	for _, r := range ranks {
		total += r
	}
	f := make([]float64, total+1)
	f[0] = 1
	top := 0
	for _, r := range ranks {
		top += r
		for w := top; w >= 0; w-- {
			f[w] /= 2
			if w >= r {
				f[w] += f[w-r] / 2
			}
		}
	}
	for w := 1; w <= total; w++ {
		f[w] += f[w-1]
	}
	return f
}

type cutKey struct {
	n1, n2 int
	alpha  float64
}

// cuts holds what the two functions below have returned.
var cuts sync.Map

func cached(k cutKey, compute func() int) int {
	if c, ok := cuts.Load(k); ok {
		return c.(int)
	}
	c := compute()
	cuts.Store(k, c)
	return c
}

// signedRankCut returns the largest c with 2 P(W ≤ c−1) ≤ alpha: the interval from the c-th
// Walsh average to the c-th from above holds the location with probability 1−alpha at least.
func signedRankCut(n int, alpha float64) int {
	return cached(cutKey{n, -1, alpha}, func() int {
		ranks := make([]int, n)
		for i := range ranks {
			ranks[i] = i + 1
		}
		c := 0
		for _, p := range signSums(ranks) {
			if 2*p > alpha {
				break
			}
			c++
		}
		return c
	})
}

// mannWhitneyCut is the same for the differences of all pairs of two samples. Above the sizes
// for which benchmath computes the test exactly it is that of the normal distribution.
func mannWhitneyCut(n1, n2 int, alpha float64) int {
	return cached(cutKey{n1, n2, alpha}, func() int {
		if n1 > stats.MannWhitneyExactLimit || n2 > stats.MannWhitneyExactLimit {
			m, sd := float64(n1)*float64(n2)/2, math.Sqrt(float64(n1)*float64(n2)*float64(n1+n2+1)/12)
			return max(0, int(math.Floor(m-sd*math.Sqrt2*math.Erfinv(1-alpha))))
		}
		c, u := 0, stats.UDist{N1: n1, N2: n2}
		for 2*u.CDF(float64(c)) <= alpha {
			c++
		}
		return c
	})
}

// choose returns n over k, rounded.
func choose(n, k int) float64 {
	c := 1.0
	for i := range k {
		c *= float64(n-i) / float64(i+1)
	}
	return c
}

// holm returns the adjusted p-values of Holm's step-down procedure: with the k-th smallest
// multiplied by the number of those not smaller, and none below an earlier one, the
// probability that any true hypothesis has an adjusted p below alpha is at most alpha.
func holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	out, last := make([]float64, len(p)), 0.0
	for k, i := range order {
		last = max(last, min(1, float64(len(p)-k)*p[i]))
		out[i] = last
	}
	return out
}
