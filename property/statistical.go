package property

import (
	"math"
	"math/big"
	"math/rand/v2"

	"klconf/conform/judge"
	"klconf/spec"
	"pgregory.net/rapid"
)

// samples is how many samples of P a law about estimators asks for at once.
const samples = 512

// falseAlarm bounds the probability that an instance of a statistical law accuses an
// estimator without a fault. A full run has 2000 instances in its first format and 200 in
// each of three others, so that all of them together accuse one with probability below
// 2600·2^-44 < 1.5e-10, and a quick run with less than 1e-11.
const falseAlarm = 0x1p-44

// The statistical laws are about means over samples. What is sampled is decided by the seed
// of the run like all that is drawn.
var statistical = []Law{
	{
		ID: "LAW-23", Requirement: "LAW-23", Ops: []spec.Op{"kl_estimate"},
		Statement: "the means over samples of P are near E k1 = E k3 = K(P‖Q) and E k2 = ½Σp ln²(p/q)",
		Proof: "E_P of q/p is 1, so that e^d − 1 in k3 = e^d − 1 − d has the mean 0. " +
			"Bernstein's inequality bounds how far a mean of independent samples strays: Boucheron, Lugosi & Massart 2013, section 2.8.",
		HoldsUnder: estimates,
		pose: func(t *rapid.T, s *setting) *trial {
			name := rapid.SampledFrom([]string{"k1", "k2", "k3"}).Draw(t, "estimator")
			var x sampled
			for _, c := range rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]int {
				return [2]int{1 + at(dial(t, "p"), 16), 1 + at(dial(t, "q"), 16)}
			}), 2, 6).Draw(t, "counts") {
				x.p, x.q = append(x.p, c[0]), append(x.q, c[1])
			}
			x.draw(rand.New(rand.NewPCG(dial(t, "samples"), scramble(samples))))
			r := new(trial)
			p, q := x.logs(s.dtype)
			k := r.ask(name, "kl_estimate", spec.FromBits("p", s.dtype, p), spec.FromBits("q", s.dtype, q))
			r.questions[k].Options.Estimator = name
			mean := make([]weighted, samples)
			for i := range mean {
				mean[i] = weighted{big.NewRat(1, samples), k, i}
			}
			r.claim(judge.Equal, x.near(name, s.dtype), mean...)
			return r
		},
	},
}

// estimates reports whether estimators are judged: under the definition.
func estimates(c spec.Convention) bool {
	scale := 1.0
	if c.Scale != "" {
		scale, _ = c.Scale.Value()
	}
	return len(c.Steps) == 0 && scale == 1 && !generalised(c) && defaults(string(c.Base), "e") && !requiresNormalised(c)
}

// A sampled is samples of P = p/Σp, where Q = q/Σq. All counts are positive.
type sampled struct {
	p, q []int
	of   []int // the outcome of each sample
}

func (x *sampled) draw(r *rand.Rand) {
	n := 0
	for _, c := range x.p {
		n += c
	}
	x.of = make([]int, samples)
	for i := range x.of {
		k, u := 0, r.IntN(n)
		for u >= x.p[k] {
			u -= x.p[k]
			k++
		}
		x.of[i] = k
	}
}

// probabilities returns P and Q.
func (x *sampled) probabilities() (p, q []float64) {
	divided := func(counts []int) []float64 {
		n := 0
		for _, c := range counts {
			n += c
		}
		z := make([]float64, len(counts))
		for i, c := range counts {
			z[i] = float64(c) / float64(n)
		}
		return z
	}
	return divided(x.p), divided(x.q)
}

// logs returns ln p and ln q of each sample, rounded to the format.
func (x *sampled) logs(d spec.DType) (lnP, lnQ []uint64) {
	p, q := x.probabilities()
	for _, k := range x.of {
		lnP, lnQ = append(lnP, judge.Bits(d, math.Log(p[k]))), append(lnQ, judge.Bits(d, math.Log(q[k])))
	}
	return lnP, lnQ
}

// near is where the mean of an estimator k over the samples lies, but for a probability of
// [falseAlarm] over what was sampled. By Bernstein's inequality the mean of m independent
// samples with variance σ² and |k − E k| ≤ M strays by t or more with a probability of at
// most 2·exp(−mt²/(2σ² + 2Mt/3)), which is falseAlarm at
//
//	t = a + √(a² + 2σ²L/m),   a = ML/(3m),   L = ln(2/falseAlarm).
//
// E, σ and M are those of the exact log-ratios. The logarithms in the question are rounded,
// which moves k at each outcome by a known amount; the mean of these is added. All is
// computed in float64, of at most six terms below 2^12, so that 2^-35 is more than what
// that loses.
func (x *sampled) near(name string, d spec.DType) spec.Interval {
	p, q := x.probabilities()
	k := map[string]func(d float64) float64{
		"k1": func(d float64) float64 { return -d },
		"k2": func(d float64) float64 { return d * d / 2 },
		"k3": func(d float64) float64 { return math.Expm1(d) - d },
	}[name]
	e, variance, most := 0.0, 0.0, 0.0
	for i := range p {
		d := math.Log(q[i] / p[i])
		if name == "k2" {
			e += p[i] * d * d / 2
		} else {
			e -= p[i] * d
		}
	}
	moved := make([]float64, len(p))
	for i := range p {
		ratio := math.Log(q[i] / p[i])
		v := k(ratio)
		variance += p[i] * (v - e) * (v - e)
		most = max(most, math.Abs(v-e))
		stored := d.Widen(judge.Bits(d, math.Log(q[i]))) - d.Widen(judge.Bits(d, math.Log(p[i])))
		moved[i] = math.Abs(k(stored) - v)
	}
	const m = samples
	l := math.Log(2 / falseAlarm)
	a := most * l / (3 * m)
	width := a + math.Sqrt(a*a+2*variance*l/m) + 0x1p-35
	for _, i := range x.of {
		width += moved[i] / m
	}
	return spec.Interval{Lo: big.NewFloat(e - width), Hi: big.NewFloat(e + width)}
}
