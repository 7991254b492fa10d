package impl

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"klconf/impl/exact"
)

// mostProbable returns the k most probable tokens of a pmf.
func mostProbable(p []float64, k int) Truncated {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case p[i] > p[j]:
			return -1
		case p[i] < p[j]:
			return 1
		}
		return 0
	})
	t := Truncated{}
	for _, i := range order[:k] {
		t[i] = math.Log(p[i])
	}
	return t
}

func softmaxOf(r *rand.Rand, n int, width float64, near []float64, noise float64) (p, logits []float64) {
	logits = make([]float64, n)
	p = make([]float64, n)
	sum := 0.0
	for i := range p {
		logits[i] = width * r.NormFloat64()
		if near != nil {
			logits[i] = near[i] + noise*r.NormFloat64()
		}
		p[i] = math.Exp(logits[i])
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p, logits
}

// The divergence of the whole rows lies between the bounds, which are those of a row that
// the lists allow.
func TestTruncatedHoldsTheDivergence(t *testing.T) {
	t.Log("seed 5")
	r := rand.New(rand.NewPCG(5, 0))
	closest := math.Inf(1)
	for i := range 120 {
		n := 2 + r.IntN(60)
		if i%20 == 0 {
			n = 2000
		}
		width := math.Pow(10, -1+1.6*r.Float64())
		p, a := softmaxOf(r, n, width, nil, 0)
		q, _ := softmaxOf(r, n, width, a, math.Pow(10, -4+5*r.Float64()))
		kp, kq := 1+r.IntN(min(n, 50)), 1+r.IntN(min(n, 50))
		k := KL(p, q)
		least := math.Log(slices.Min(q))
		lo, hi, err := KLTruncated(mostProbable(p, kp), mostProbable(q, kq), n, math.Nextafter(least, -1e9)-1e-9)
		if err != nil {
			t.Fatal(err)
		}
		// The pmfs sum to 1 only within n·2^-53, and the lists hold rounded logarithms.
		if room := float64(n) * 0x1p-50 * (1 + math.Abs(least)); !(lo-room <= k && k <= hi+room) {
			t.Errorf("n = %d, %d and %d tokens: KL %v is not in [%v, %v]", n, kp, kq, k, lo, hi)
		}
		if lo < -0x1p-40 && kq < n { // K ≥ P − Q, of which rounding takes less
			t.Errorf("n = %d, %d and %d tokens: the lower bound %v is negative", n, kp, kq, lo)
		}
		if lo2, hi2, err := KLTruncated(mostProbable(p, kp), mostProbable(q, kq), n, math.Inf(-1)); err != nil || lo2 != lo || hi2 < hi {
			t.Errorf("n = %d: without a floor [%v, %v], with one [%v, %v], %v", n, lo2, hi2, lo, hi, err)
		}
		if kp == n && kq == n && hi-lo > 1e-9 {
			t.Errorf("n = %d: all is listed and the bounds are [%v, %v]", n, lo, hi)
		}
		closest = min(closest, (k-lo)/k)
	}
	if closest > 1e-3 {
		t.Errorf("no lower bound is within %v of the divergence", closest)
	}
}

// least returns the least divergence of 5 tokens over a grid of what the lists leave open:
// P lists tokens 0 and 1, Q lists tokens 0 and 2.
func leastOnGrid(p0, p1, q0, q2 float64, steps int) float64 {
	best := math.Inf(1)
	mostP, mostQ := min(p0, p1), min(q0, q2)
	share := func(rest, most float64, f func(x, y, z float64)) {
		for i := range steps + 1 {
			for j := range steps + 1 - i {
				x, y := rest*float64(i)/float64(steps), rest*float64(j)/float64(steps)
				if z := rest - x - y; x <= most && y <= most && z <= most+1e-12 && z >= -1e-12 {
					f(x, y, max(z, 0))
				}
			}
		}
	}
	term := func(p, q float64) float64 {
		if p == 0 {
			return 0
		}
		return p * math.Log(p/q)
	}
	share(1-p0-p1, mostP, func(p2, p3, p4 float64) {
		share(1-q0-q2, mostQ, func(q1, q3, q4 float64) {
			best = min(best, term(p0, q0)+term(p1, q1)+term(p2, q2)+term(p3, q3)+term(p4, q4))
		})
	})
	return best
}

// The lower bound is the least divergence that the lists allow, as a search finds it.
func TestTruncatedLowerBoundIsTight(t *testing.T) {
	for _, x := range [][4]float64{
		{.4, .3, .5, .2},     // nothing at its bound
		{.4, .35, .9, .03},   // Q cannot give token 1 what P has
		{.3, .25, .3, .25},   // much is left
		{.7, .1, .34, .33},   // P cannot give token 2 what Q has
		{.5, .499, .5, .499}, // almost nothing is left
	} {
		p0, p1, q0, q2 := x[0], x[1], x[2], x[3]
		lo, _, err := KLTruncated(Truncated{0: math.Log(p0), 1: math.Log(p1)}, Truncated{0: math.Log(q0), 2: math.Log(q2)}, 5, math.Inf(-1))
		if err != nil {
			t.Fatal(err)
		}
		least := leastOnGrid(p0, p1, q0, q2, 60)
		if lo > least+1e-12 || lo < least-0.01*least-1e-3 {
			t.Errorf("%v: the bound is %v, the least divergence on the grid %v", x, lo, least)
		}
	}
}

// What is listed whole gives the divergence, as closely as rounding allows.
func TestTruncatedOfWholeRows(t *testing.T) {
	a, b := []float64{-1, -.5, -3}, []float64{-.75, -1.25, -1.5}
	p, q := Truncated{}, Truncated{}
	for i := range a {
		p[i], q[i] = a[i], b[i]
	}
	form, _ := exact.KLLogProbs(a, b)
	v := form.Enclose(80)
	k, _ := v.Lo.Float64()
	lo, hi, err := KLTruncated(p, q, 3, math.Inf(-1))
	if err == nil || !strings.Contains(err.Error(), "sum to") {
		t.Errorf("a total of %v is taken: [%v, %v], %v, KL %v", math.Exp(-1)+math.Exp(-.5)+math.Exp(-3), lo, hi, err, k)
	}
	for i := range a {
		p[i], q[i] = a[i]-.05, b[i]-.05
	}
	form, _ = exact.KLLogProbs([]float64{p[0], p[1], p[2]}, []float64{q[0], q[1], q[2]})
	v = form.Enclose(80)
	k, _ = v.Lo.Float64()
	lo, hi, err = KLTruncated(p, q, 3, math.Inf(-1))
	if err != nil || !(hi >= k && hi <= k+1e-11) || lo > k {
		t.Errorf("[%v, %v], %v; KL is %v", lo, hi, err, k)
	}
}

func TestTruncatedErrors(t *testing.T) {
	ok := Truncated{1: -1, 2: -2}
	inf := math.Inf(-1)
	for _, x := range []struct {
		p, q       Truncated
		vocabulary int
		floor      float64
		want       string
	}{
		{Truncated{}, ok, 9, inf, "P lists 0 tokens of a vocabulary of 9"},
		{ok, ok, 1, inf, "P lists 2 tokens of a vocabulary of 1"},
		{ok, Truncated{7: .5}, 9, inf, "the log-probability of token 7 of Q is 0.5"},
		{Truncated{7: inf}, ok, 9, inf, "the log-probability of token 7 of P is -Inf"},
		{ok, Truncated{7: math.NaN()}, 9, inf, "the log-probability of token 7 of Q is NaN"},
		{Truncated{1: -.1, 2: -.2}, ok, 9, inf, "the probabilities that P lists sum to"},
		{ok, Truncated{3: -1, 4: -2}, 3, inf, "P and Q list 4 tokens of a vocabulary of 3"},
		{ok, ok, 9, -1, "the floor -1 is above"},
		{ok, ok, 9, math.NaN(), "the floor NaN is above"},
	} {
		if _, _, err := KLTruncated(x.p, x.q, x.vocabulary, x.floor); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v, %v: %v, want %q", x.p, x.q, err, x.want)
		}
	}
}
