package bench

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
)

// Sizes are the lengths that are timed: vectors in the first-level cache, in the second, a
// row of a language model with 128256 tokens, and vectors in memory.
var Sizes = []int{1024, 32768, 128256, 4 << 20}

// StepSizes are lengths below, at and above powers of two, where blocks end.
func StepSizes() (sizes []int) {
	for _, n := range []int{256, 1024, 4096} {
		sizes = append(sizes, n-1, n, n+1)
	}
	return sizes
}

// A Family is a way to draw a pair of pmfs.
type Family struct {
	Name string
	draw func(r *rand.Rand, n int) (p, q []float64)
}

// Families are those that are timed, the harder the later: K is about 1, 1/8, 1/200 and
// 5e-13, and its terms cancel to that.
var Families = []Family{
	{"dirichlet", func(r *rand.Rand, n int) (p, q []float64) {
		return dirichlet(r, n), dirichlet(r, n)
	}},
	{"softmax", softmax(0.5)},
	{"softmax-close", softmax(0.1)},
	{"near-equal", nearEqual(1e-6)},
}

// Zeros is softmax of logits ½N apart with half of the weights of P exactly 0, and half of
// these in Q too. It is not among Families: loops that everyone writes first give NaN.
var Zeros = Family{"zeros", func(r *rand.Rand, n int) (p, q []float64) {
	p, q = softmax(0.5)(r, n)
	for i := range n / 2 {
		p[2*i] = 0
		if r.Uint64()&1 == 0 {
			q[2*i] = 0
		}
	}
	normalise(p)
	normalise(q)
	return p, q
}}

// Draw returns a pair of n elements each, the same for the same arguments.
func (f Family) Draw(n, draw int) (p, q []float64) {
	h := fnv.New64a()
	h.Write([]byte(f.Name))
	return f.draw(rand.New(rand.NewPCG(h.Sum64()+uint64(n), uint64(draw))), n)
}

// Draws returns how many pairs of n elements have so many elements together: at least 1, at
// most 256.
func Draws(n, elements int) int { return min(max(elements/n, 1), 256) }

// What is counted and not timed is counted over so many elements.
const (
	TierElements = 1 << 21 // which tier answers
	ULPElements  = 1 << 17 // the error, which the oracle takes a third of a microsecond for
)

// dirichlet draws from the uniform distribution on the simplex.
func dirichlet(r *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.ExpFloat64()
	}
	normalise(x)
	return x
}

// softmax draws the softmax of logits 2N and of the same logits with noise·N added.
func softmax(noise float64) func(r *rand.Rand, n int) (p, q []float64) {
	return func(r *rand.Rand, n int) (p, q []float64) {
		p, q = make([]float64, n), make([]float64, n)
		for i := range p {
			a := 2 * r.NormFloat64()
			p[i], q[i] = math.Exp(a), math.Exp(a+noise*r.NormFloat64())
		}
		normalise(p)
		normalise(q)
		return p, q
	}
}

// nearEqual draws p(1 + δN) for q, normalised.
func nearEqual(δ float64) func(r *rand.Rand, n int) (p, q []float64) {
	return func(r *rand.Rand, n int) (p, q []float64) {
		p, q = dirichlet(r, n), make([]float64, n)
		for i, x := range p {
			q[i] = x * (1 + δ*r.NormFloat64())
		}
		normalise(q)
		return p, q
	}
}

func normalise(x []float64) {
	s := 0.0
	for _, v := range x {
		s += v
	}
	for i := range x {
		x[i] /= s
	}
}

// As rounds to F.
func As[F float32 | float64](x []float64) []F {
	y := make([]F, len(x))
	for i, v := range x {
		y[i] = F(v)
	}
	return y
}
