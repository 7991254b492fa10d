package impl

import "fmt"

// KL returns the Kullback-Leibler divergence of p from q,
//
//	KL(p‖q) = Σ p[i]·ln(p[i]/q[i])   (nats),
//
// correctly rounded: the error is at most ½ ulp. Special cases are:
//
//	KL panics if the lengths differ
//	NaN, if any weight is NaN, negative or infinite
//	+Inf, if p[i] > 0 = q[i] for some i
//	terms with p[i] = 0 are 0; KL of empty vectors is +0
//
// The result is negative where Σp is sufficiently smaller than Σq. Time is
// linear in the length.
func KL(p, q []float64) float64 { return current.Load().KL(p, q) }

// KL32 is [KL] of float32 weights, rounded once, to float32.
func KL32(p, q []float32) float32 { return current.Load().KL32(p, q) }

// Entropy returns the Shannon entropy of p,
//
//	H(p) = −Σ p[i]·ln p[i]   (nats),
//
// correctly rounded: the error is at most ½ ulp. Special cases are:
//
//	NaN, if any weight is NaN, negative or infinite
//	terms with p[i] = 0 are 0; Entropy of an empty vector is +0
//
// Time is linear in the length.
func Entropy(p []float64) float64 { return current.Load().Entropy(p) }

// Entropy32 is [Entropy] of float32 weights, rounded once, to float32.
func Entropy32(p []float32) float32 { return current.Load().Entropy32(p) }

// CrossEntropy returns the cross-entropy of q relative to p,
//
//	H(p, q) = −Σ p[i]·ln q[i]   (nats),
//
// correctly rounded: the error is at most ½ ulp. Special cases are:
//
//	CrossEntropy panics if the lengths differ
//	NaN, if any weight is NaN, negative or infinite
//	+Inf, if p[i] > 0 = q[i] for some i
//	terms with p[i] = 0 are 0; CrossEntropy of empty vectors is +0
//
// Time is linear in the length.
func CrossEntropy(p, q []float64) float64 { return current.Load().CrossEntropy(p, q) }

// CrossEntropy32 is [CrossEntropy] of float32 weights, rounded once, to float32.
func CrossEntropy32(p, q []float32) float32 { return current.Load().CrossEntropy32(p, q) }

// JensenShannon returns the Jensen-Shannon divergence of p and q,
//
//	JS(p, q) = ½ KL(p‖m) + ½ KL(q‖m)   (nats),   m[i] = (p[i] + q[i])/2,
//
// with the exact midpoint m, correctly rounded: the error is at most ½ ulp.
// Special cases are:
//
//	JensenShannon panics if the lengths differ
//	NaN, if any weight is NaN, negative or infinite
//	terms with a zero factor are 0; JensenShannon of empty vectors is +0
//
// It is symmetric, never negative, and at most ln 2·Σ(p+q)/2. It is the divergence,
// not its square root, which is called the Jensen-Shannon distance. Time is
// linear in the length.
func JensenShannon(p, q []float64) float64 { return current.Load().JensenShannon(p, q) }

// JensenShannon32 is [JensenShannon] of float32 weights, rounded once, to float32.
func JensenShannon32(p, q []float32) float32 { return current.Load().JensenShannon32(p, q) }

// sameLength panics unless the two vectors of a function have the same length.
func sameLength(name string, p, q int) {
	if p != q {
		panic(fmt.Sprintf("impl: %s of vectors of different lengths, %d and %d", name, p, q))
	}
}
