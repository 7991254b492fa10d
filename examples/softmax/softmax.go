// Package softmax has the probabilities of logits for examples that need those themselves and
// not only their divergence.
package softmax

import "math"

// Of returns e^x[i]/Σ e^x[j] in plain float64. Of n logits that span r, finite or −Inf, each is
// within (n + 2r + 6)u of itself, u = 2⁻⁵³, by far the most of which is a factor that all
// have in common: x − max is off by ru, Exp by 2u, the sum by (n + r + 2)u, the quotient by u, at most.
func Of(logits []float32) []float64 {
	top := math.Inf(-1)
	for _, x := range logits {
		top = max(top, float64(x))
	}
	p := make([]float64, len(logits))
	var sum float64
	for i, x := range logits {
		p[i] = math.Exp(float64(x) - top)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}
