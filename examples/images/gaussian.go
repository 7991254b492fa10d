package main

import "math"

// Gaussian returns the divergence of a normal distribution with independent components from
// the standard one, as the loss of a variational auto-encoder has it:
//
//	KL(N(μ, diag σ²)‖N(0, I)) = ½ Σ (μ[i]² + σ[i]² − 1 − ln σ[i]²)   (nats).
//
// No term is negative, and none is computed as a difference that cancels. With u = 2⁻⁵³ and
// n components the error is at most (12 + n)u times the value, and 2⁻¹⁰⁷³·n where squares
// underflow, if Expm1, Log1p and Log of package math are off by less than one unit in the
// last place, 2u, as Go's are:
//
//	excess(σ)    11u, see there
//	μ²            1u
//	their sum     1u more, of two numbers ≥ 0; ½ is exact
//	n terms      (n−1)u, of numbers ≥ 0
//	second order, products of these: less than 1u
//
// Special cases are: NaN if a μ or σ is NaN or a σ is negative; +Inf if a μ is infinite or a
// σ is 0 or +Inf, or where a square overflows. It panics if the lengths differ.
func Gaussian(mu, sigma []float64) float64 {
	if len(mu) != len(sigma) {
		panic("Gaussian: μ and σ have different lengths")
	}
	var sum float64
	for i, m := range mu {
		sum += 0.5 * (float64(m*m) + excess(sigma[i]))
	}
	return sum
}

// GaussianLog is Gaussian of λ = ln σ², which is what an encoder's network puts out:
//
//	½ Σ (μ[i]² + e^λ[i] − 1 − λ[i]),
//
// with the same bound; a λ of −Inf or +Inf gives +Inf.
func GaussianLog(mu, lambda []float64) float64 {
	if len(mu) != len(lambda) {
		panic("GaussianLog: μ and λ have different lengths")
	}
	var sum float64
	for i, m := range mu {
		sum += 0.5 * (float64(m*m) + phi(lambda[i]))
	}
	return sum
}

// excess returns σ² − 1 − ln σ² ≥ 0 within 11u of the value.
//
// Between ½ and 2, σ − 1 is exact (Sterbenz), and λ = 2·ln(1 + (σ−1)) is off by 2u at most.
// An error of λ enters φ with the factor λ·φ′(λ)/φ(λ), which rises from 1.6 at σ = ½ to 2.6 at
// σ = 2: 5.2u, beside the 5.8u of φ. Elsewhere σ² − 1 = (σ−1)(σ+1) is off by 3u and 2·ln σ by
// 2u, which is at most 7.9u of the value, at σ = ½, and 1u for the subtraction.
func excess(sigma float64) float64 {
	switch {
	case sigma >= 0.5 && sigma <= 2:
		return phi(2 * math.Log1p(sigma-1))
	case math.IsInf(sigma, 1):
		return sigma
	}
	return float64((sigma-1)*(sigma+1)) - float64(2*math.Log(sigma))
}

// phi returns φ(x) = e^x − 1 − x ≥ 0 within 5.8u of the value.
//
// For |x| ≤ 1 it is x²/2·s with s = 1 + x/3·(1 + x/4·(1 + x/5·…)). A factor of s is between
// 0.73 and 1.44 and takes from the next at most 0.37 of its relative error and of the 2u of
// x·t/k, so that s is off by (1 + 0.37·2)/(1 − 0.37)u < 2.8u; what is left out after k = 20
// is below 2⁻⁵⁹; with x² and the last product it is 4.8u. Elsewhere e^x − 1 is off by 2u and at
// most 2.4 times φ, at 1 (1.8 times at −1): 4.8u, and 1u for the subtraction.
func phi(x float64) float64 {
	switch {
	case math.Abs(x) <= 1:
		s := 1.0
		for k := 20.0; k >= 3; k-- {
			s = 1 + float64(x*s)/k
		}
		return float64(0.5*(x*x)) * s
	case math.IsInf(x, 1):
		return x
	}
	return math.Expm1(x) - x
}

// Naive is the formula as it is usually written, in the format of its arguments: 1 + μ² loses
// what is below half a unit of 1, and so does σ².
func Naive[F float32 | float64](mu, sigma []F) (sum F) {
	for i := range mu {
		r := F(sigma[i] * sigma[i])
		sum += 0.5 * (r + F(mu[i]*mu[i]) - 1 - F(math.Log(float64(r))))
	}
	return sum
}

// NaiveLog is the formula of λ = ln σ² as it is usually written.
func NaiveLog[F float32 | float64](mu, lambda []F) (sum F) {
	for i := range mu {
		sum += -0.5 * (1 + lambda[i] - F(mu[i]*mu[i]) - F(math.Exp(float64(lambda[i]))))
	}
	return sum
}
