package impl

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

// A Truncated is what a serving API returns of a row of a language model: the natural
// log-probabilities of some of its tokens, the most probable ones, as top_logprobs and
// prompt_logprobs do. A token that is not in it is at most as probable as the least of them.
type Truncated map[int]float64

// KLTruncated returns bounds lo ≤ KL(P‖Q) ≤ hi, in nats, that hold for all distributions P
// and Q of so many tokens with the log-probabilities of p and q, in which every other token is
// at most as probable as the least that is listed, and in Q, where floor is finite, has a
// log-probability of floor at least. What is left of 1 is shared out among the tokens that
// are not listed; totals above 1, by the rounding of the log-probabilities, are taken as
// they are, and so are totals of the whole vocabulary.
//
// The lower bound is that of Donsker and Varadhan for a function f of the tokens,
//
//	KL(P‖Q) ≥ Σ p·f − Σ q·e^f + P,
//
// with the least and the largest value that the unknown probabilities can give the sums; f is
// the logarithm of the ratio p/q where both are listed, and elsewhere that of the nearest pair,
// which is searched for: any f gives a bound, and the best is found to a few digits. The
// upper bound replaces each unknown q by the floor and shares out the rest of P where that
// gives the most. It is +Inf, and no better one exists, if there is no floor (−Inf) and P
// may have a token that Q does not list. Rounding is in both: they are widened by a bound of
// the errors of the sums.
//
// It is an error if a log-probability is above 0 or below −2^20 (a token of probability 0 is
// left out), if a list is empty or longer than the vocabulary, if its probabilities sum to more
// than 1.01, or if the floor is above what the tokens that Q does not list can have.
func KLTruncated(p, q Truncated, vocabulary int, floor float64) (lo, hi float64, err error) {
	t := truncated{floor: floor}
	if t.p, err = newListed("P", p, vocabulary); err != nil {
		return 0, 0, err
	}
	if t.q, err = newListed("Q", q, vocabulary); err != nil {
		return 0, 0, err
	}
	union := len(q)
	for token, a := range p {
		if b, ok := q[token]; ok {
			t.both = append(t.both, [2]float64{a, b})
		} else {
			t.onlyP = append(t.onlyP, a)
			union++
		}
	}
	for token, b := range q {
		if _, ok := p[token]; !ok {
			t.onlyQ = append(t.onlyQ, b)
		}
	}
	if union > vocabulary {
		return 0, 0, fmt.Errorf("impl: P and Q list %d tokens of a vocabulary of %d", union, vocabulary)
	}
	t.neither = float64(vocabulary - union)
	// The order of a map is random, and sums depend on it.
	slices.SortFunc(t.both, func(x, y [2]float64) int { return slices.Compare(x[:], y[:]) })
	slices.Sort(t.onlyP)
	slices.Sort(t.onlyQ)
	if unlisted := float64(len(t.onlyP)) + t.neither; math.IsNaN(floor) || floor > t.q.least || unlisted > 0 && math.Log(unlisted)+floor > math.Log(t.q.rest+1e-6) {
		return 0, 0, fmt.Errorf("impl: the floor %v is above what the %v tokens that Q does not list can have", floor, unlisted)
	}
	return t.lower(), t.upper(), nil
}

// A listed is what is known of one distribution.
type listed struct {
	least float64 // the log-probability that no other token exceeds
	total float64 // of the distribution: 1, or what is listed if that is more
	rest  float64 // the probability of the other tokens together
}

func newListed(name string, x Truncated, vocabulary int) (l listed, err error) {
	if len(x) == 0 || len(x) > vocabulary {
		return l, fmt.Errorf("impl: %s lists %d tokens of a vocabulary of %d", name, len(x), vocabulary)
	}
	var terms []float64
	for _, token := range slices.Sorted(maps.Keys(x)) {
		a := x[token]
		if !(a <= 0 && a >= -1<<20) {
			return l, fmt.Errorf("impl: the log-probability of token %d of %s is %v; it is 0 at most, and a token of probability 0 is left out", token, name, a)
		}
		terms = append(terms, a)
	}
	slices.Sort(terms)
	sum := 0.0
	for _, a := range terms {
		sum += power(a)
	}
	if sum > 1.01 {
		return l, fmt.Errorf("impl: the probabilities that %s lists sum to %v", name, sum)
	}
	if len(x) == vocabulary {
		return listed{least: terms[0], total: sum}, nil
	}
	return listed{least: terms[0], total: max(1, sum), rest: max(0, 1-sum)}, nil
}

// A truncated is a pair of rows. The ratio of a pair of tokens is p/q, and its bounds are
// those of the unknown one.
type truncated struct {
	p, q    listed
	both    [][2]float64 // log-probabilities of tokens that both list
	onlyP   []float64    // of tokens that P alone lists
	onlyQ   []float64
	neither float64 // how many tokens are in no list
	floor   float64
}

// power is e^x but for a relative error of 2^-53, and 0 below e^-600, which slack leaves room for.
func power(x float64) float64 {
	if x < leastLogit {
		return 0
	}
	return exp(pair{x, 0}).h
}

// A boundedSum is a sum in float64 and the sum of the absolute terms.
type boundedSum struct{ value, size, terms float64 }

func (s *boundedSum) add(x float64) {
	s.value += x
	s.size += math.Abs(x)
	s.terms++
}

// slack bounds the error of the sum. Its n terms are products of a probability, a number of
// tokens and a logarithm. Summing them errs by (n−1)u of the size; each is rounded three
// times; the logarithm of a probability is rounded once, which changes its power by at most
// 600u relatively, as powers below e^-600 are left out: of each term, which has a logarithm of
// at most 2^21 in size, these lose at most 2^-840.
func (s *boundedSum) slack() float64 {
	return (s.terms+0x1p10)*0x1p-52*s.size + s.terms*0x1p-840
}

// lower returns the best lower bound that is found.
func (t *truncated) lower() float64 {
	// K ≥ P − Q: of every f that is 0.
	var known, totals boundedSum
	totals.add(t.p.total)
	totals.add(-t.q.total)
	totals.terms += float64(len(t.both) + len(t.onlyP) + len(t.onlyQ))
	best := totals.value - totals.slack()

	known.add(t.p.total)
	for _, x := range t.both {
		// q·e^f is p.
		p := power(x[0])
		known.add(p * (x[0] - x[1]))
		known.add(-p)
	}
	// Where no token is at its bound, the ratio of what is left is the best.
	var g [2]float64
	if t.p.rest > 0 && t.q.rest > 0 {
		g[0] = math.Log(t.p.rest) - math.Log(t.q.rest)
		g[1] = g[0]
	}
	reached := t.dual(known, g)
	for _, step := range []float64{2, 1, 0x1p-2, 0x1p-4, 0x1p-6, 0x1p-8, 0x1p-10, 0x1p-12} {
		for k := range 4 { // one after the other, twice
			from := g
			for i := -16; i <= 16; i++ {
				x := from
				x[k%2] += float64(i) * step
				if v := t.dual(known, x); v > reached {
					reached, g = v, x
				}
			}
		}
	}
	best = max(best, reached)
	if t.q.rest > 0x1p-30 {
		best = max(best, 0) // Q sums to 1 and P to 1 at least
	}
	return best
}

// Logarithms of ratios are kept where their powers are.
const mostRatio = 500

// dual is Σ p·f − Σ q·e^f + P less its slack, at its least over the unknown probabilities. f is
// at most g[0] where the probability of P is unknown, and at least g[1] where that of Q
// is: what the sums of what is left ask for, unless a token is at its bound.
func (t *truncated) dual(s boundedSum, g [2]float64) float64 {
	g[0], g[1] = min(max(g[0], -mostRatio), mostRatio), min(max(g[1], -mostRatio), mostRatio)
	var unknownP, unknownQ []weighted // f, and e^f
	for _, a := range t.onlyP {
		f := min(max(g[1], a-t.q.least), mostRatio)
		s.add(power(a) * f)
		unknownQ = append(unknownQ, weighted{power(f), 1})
	}
	for _, b := range t.onlyQ {
		f := max(min(g[0], t.p.least-b), -mostRatio)
		s.add(-power(b + f))
		unknownP = append(unknownP, weighted{f, 1})
	}
	if t.neither > 0 {
		unknownP = append(unknownP, weighted{g[0], t.neither})
		unknownQ = append(unknownQ, weighted{power(g[0]), t.neither})
	}
	s.share(unknownP, t.p.rest, power(t.p.least), -1)
	s.share(unknownQ, t.q.rest, power(t.q.least), +1)
	return s.value - s.slack()
}

// A weighted is a value that so many tokens have.
type weighted struct{ value, count float64 }

// share adds what Σ xᵢvᵢ is at least (direction −1), or less what it is at most (+1), over
// 0 ≤ xᵢ ≤ most and Σxᵢ = rest. By duality the most is at most rest·μ + Σ most·(vᵢ − μ)⁺ for every μ, with
// equality for the value μ of the last token that gets a share; likewise the least.
func (s *boundedSum) share(v []weighted, rest, most, direction float64) {
	if len(v) == 0 {
		return
	}
	slices.SortFunc(v, func(x, y weighted) int { return cmp.Compare(direction*y.value, direction*x.value) })
	left, margin := rest, v[len(v)-1].value
	for _, x := range v {
		if left -= x.count * most; left <= 0 {
			margin = x.value
			break
		}
	}
	s.add(-direction * rest * margin)
	s.size += math.Abs(margin) // rest is a difference to 1
	for _, x := range v {
		if d := direction * (x.value - margin); d > 0 {
			s.add(-x.count * most * d)
		}
	}
}

// upper returns the upper bound.
func (t *truncated) upper() float64 {
	if math.IsInf(t.floor, -1) && (len(t.onlyP) > 0 || t.p.rest > 0 && t.neither > 0) {
		return math.Inf(1)
	}
	var s boundedSum
	for _, x := range t.both {
		s.add(power(x[0]) * (x[0] - x[1]))
	}
	for _, a := range t.onlyP {
		s.add(power(a) * (a - t.floor))
	}
	var unknown []weighted
	for _, b := range t.onlyQ {
		unknown = append(unknown, weighted{t.p.least - b, 1})
	}
	if t.neither > 0 {
		unknown = append(unknown, weighted{t.p.least - t.floor, t.neither})
	}
	var most boundedSum
	most.share(unknown, t.p.rest, power(t.p.least), +1)
	return s.value - most.value + s.slack() + most.slack()
}
