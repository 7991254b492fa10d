// Package exact encloses linear forms in logarithms of exact numbers, in softmax
// expectations and in softmax weights that were clamped, and rounds them once.
//
// The Kullback-Leibler divergence of two vectors of floating-point numbers, their
// entropies, and whatever follows from these by normalising, changing the base
// of the logarithm, weighting and averaging, are all of the shape
//
//	( R + Σ_g W_g · Σ_i a_i·ln(b_i/c_i) ) / ln(base)
//
// with rational R, W_g and dyadic a_i, b_i, c_i, base. Where the weights are given by
// logits or log-probabilities there are numbers Σ e^x·c among the sums too, divided
// by totals of weights and with logarithms of totals added: see [Expectation]. A
// [Form] is such a number, held exactly. [Form.Enclose] returns two dyadic numbers that are proved to
// have it between them, and [Form.Round] the nearest number of a binary
// floating-point format. Nothing here uses floating-point arithmetic: every
// operation is on integers and either exact or a truncation that is counted.
//
// # The error of a logarithm
//
// Let w = 64n be the number of fractional bits, and call ε = 2^-w one unit. For
// dyadic b, c > 0 the kernel finds e and x with b/c = x·2^e and 7/10 < x < 10/7,
// takes for J the integer nearest to 128x, and uses
//
//	ln(b/c) = e·ln 2 + ln(J/128) + 2·atanh z,   z = (128x - J)/(128x + J).
//
// This is an identity for every J, so J may be found from the leading 54 bits
// of b and c. Then |x - J/128| < 2^-8 + 2^-51 and x + J/128 > 1.39, hence
// |z| < 2^-8. The parts of the error are, in units:
//
//  1. z is the quotient of two exact integers, truncated to Z: 0 ≤ |z| - Z < 1.
//     By the mean value theorem atanh Z is short of atanh |z| by less than
//     1/(1 - 2^-16) < 1.00002.
//  2. The square v of Z is truncated to V, short by less than 1. Let ℓ be the
//     number of leading zero bits of V: then v < 2^-ℓ and ℓ ≥ 16.
//  3. atanh Z = Z + Z·v·T with T = 1/3 + v/5 + v²/7 + …, of which the terms up to
//     v^(N-1)/(2N+1), N = ⌈w/ℓ⌉ - 1, are kept. The rest contributes less than
//     Z·v^(N+1)/(2N+3)/(1-v) < 0.002, since v^(N+1) < 2^-w and Z < 2^-8.
//  4. T is evaluated by Horner's rule from the smallest term, s := r_i + v·s for
//     i = N … 1, with r_i = 1/(2i+1). Step i keeps t_i leading limbs, of unit
//     δ_i = 2^(-64·t_i). Dropping the rest of r_i and of the product costs less
//     than δ_i each, and dropping that of v costs less than 0.34·δ_i as
//     0 ≤ s ≤ T < 0.34. All three are on the same side. The choice of t_i
//     makes δ_i = ε, or else δ_i ≤ 2^(ℓi-64)·ε. Of the loss at step i a
//     multiple v^i reaches the product v·T, so that v·T is short by less than
//     2.34·(Σ 2^-16i + N·2^-64) < 0.0001 from this source, while N < 2^48.
//  5. V·T is truncated: with 0.34 from V it is short of v·T by less than
//     0.34 + 0.0001 + 1 < 1.35. Multiplied by Z and truncated it is short by
//     less than 1.35·2^-8 + 1 < 1.006.
//  6. So 2·atanh |z| is short by less than 2·(1.00002 + 0.002 + 1.006) < 4.02.
//  7. ln(J/128) is a sum of at most 55 terms 2·atanh 1/(2j+1), each computed with
//     128 further bits and truncated at the end: less than 1 + 2^-40.
//  8. ln 2 is held with 64 further bits, within 1 + 2^-40 units of the last of
//     them. Multiplied by |e| < 2^33 and truncated: less than 1 + 2^-30.
//
// Together less than 6.1 units; the code counts 7. Near-equal b and c give e = 0
// and J = 128, where parts 7 and 8 are zero, and a large ℓ, so that few terms are
// needed; b = c gives exactly 0.
//
// The bounds in 7 and 8 need w ≤ 2^16. [Form.Enclose] goes to 2^15, and a base close
// to 1 adds less than 2^14 + 128.
//
// # The error of a form
//
// A product of a_i with its logarithm, and the sum of such products, are formed
// exactly, by integer multiplication into an accumulator that spans all
// exponents that occur. Hence the sum over a group is in error by less than
// 7·Σ|a_i| units, for any number of terms, n ≤ 2^40 and more; the absolute values
// of the approximations serve for the mass with the same error. The group is
// multiplied by the numerator of W_g and divided by its denominator with one
// truncation to a common last place, about 2^-24 units times the largest
// |W_g|·Σ|a_i|; R is truncated to the same place. The error is the integer
//
//	E = Σ_g ( ⌈7·|W_g|·Σ|a_i|⌉ + 1 ) + [1 if R was truncated]
//
// in units of that place, each ⌈⌉ evaluated exactly. The form before the base is
// in [S-E, S+E]. Division by ln(base), which is enclosed likewise with at least 64
// more bits than its leading zeros cost, divides each end by the end of the
// divisor that moves it outwards, and rounds outwards.
//
// # The error of an exponential
//
// For dyadic x ≤ 0 and t > 0 and w = 64n the kernel finds |x/t| = k·ln 2 - r with
// 0 ≤ r < ln 2 + 2^-30, splits r = j/2^8 + i/2^16 + s with s < 2^-16, and uses
//
//	e^(x/t) = 2^-k·e^(j/2^8)·e^(i/2^16)·e^s.
//
// All of it is done on fractions of n+1 limbs, whose last place is δ = 2^-64 units:
//
//  1. |x/t| is truncated: less than 1 δ. From w on e^(x/t) < e^-w is taken for 0, which
//     costs less than 1 unit. So |x/t| < 2^15 and k < 2^16.
//  2. ln 2 is held within 1 + 2^-40 δ. The error of r is less than
//     (2^16 + 2)·(1 + 2^-40) δ < 2^17 δ, which changes e^r by less than 2^17.01 δ·e^r.
//  3. The factors 1/m! of the series for (e^s - 1 - s)/s² are short by less than 1 δ, and
//     so is each step of Horner's rule; with s < 2^-16 the sum is short by less than
//     2.1, and after two products with s and what the series leaves out e^s - 1 is
//     short by less than 2.02.
//  4. The other two factors are short by less than 1 δ each and so is each of the two
//     products (1+a)(1+b) - 1 = a + b + ab with b < 1: together less than 16.
//  5. So 2^-k·e^r, k ≥ 1, is off by less than 2^18 δ < 2^-46 units. Truncating it to
//     a unit costs less than 1.
//
// Together less than 1 + 2^-46 units; the code counts 2. A weight e^x that is taken out of
// a sum is used with its n+1 limbs, where 2, 3 and 4 make less than 2^20 δ.
//
// # The error of an expectation
//
// The largest exponent is taken out of every sum of weights, so that each weight is
// at most 1 and a total at least 1. A total of m weights is off by less than 2m units,
// and Σ e^x·c, formed exactly from the approximate weights, by less than 2·Σ|c|. The rest
// are a few operations on intervals, which round outwards: the logarithm of a quotient
// of two totals, which is monotone, is evaluated at both ends of the quotient.
//
// # The error of a softmax row after steps
//
// A weight e^((x-m)/t)/Σ e^((x-m)/t) is enclosed by quotients of the ends of numerator and
// total, rounded outwards. A clamp min(max(x, lo), hi), an addition and a division by the
// enclosed total of the row grow with x, so that each maps an enclosure to the one between
// the images of its ends, rounded outwards: nothing has to be
// decided about a weight that is next to a limit, as the value is continuous there, and the
// enclosure narrows with w on either side of it. The logarithm of a weight that no clamp or
// addition has changed is (x - m)/t - ln Z with the product Z of the totals; that of any
// other is evaluated at both ends, with 7 units each. The terms are added in units of
// 2^-64 units, each rounded outwards.
//
// # Ties and termination
//
// Rounding compares the two ends. It can fail for ever only where the value is a
// tie between two neighbouring results, hence rational. At base e a form with
// R = 0 is ρ·ln r with rational ρ and r > 0, which is 0 or transcendental (Hermite
// and Lindemann), so that there are no ties but 0; 0 needs no proof, because an
// enclosure inside half the least positive number rounds to +0 at both ends.
// At other bases, and with R ≠ 0, rational values exist: KL of (1, 2^-53) from
// (1/2, 2^-54) at base 2 is the tie 1 + 2^-53. [Form.Rational] recognises them by
// unique factorisation and they are rounded as rational numbers. Sums of weights and
// numbers have such values too, as KL of the log-probabilities (0, 0) from
// (-1, -2^-53), and by the theorem of Lindemann and Weierstrass Rational knows when.
// Of quotients and logarithms of totals it is only known when they are 0. About
// the rest of the numbers from logits there is no theorem: if 4096 bits do not tell
// one from a tie, the outcome is [ErrUndecided]. There are such: the cross-entropy of the
// logits (0, -Inf) from (-2^-39, 20000) exceeds the tie 20000 + 2^-39 by about 2^-28854.
//
// # Sources
//
// R. P. Brent and P. Zimmermann, Modern Computer Arithmetic, 2010, chapters 3 and
// 4 (fixed-point evaluation of series, argument reduction); J.-M. Muller et al.,
// Handbook of Floating-Point Arithmetic, 2nd edition, 2018 (Ziv's rounding test,
// round to odd); A. Baker, Transcendental Number Theory, 1975, chapter 1 (the theorem
// of Hermite and Lindemann; Baker's own theorem is not needed, as the coefficients
// here are rational); D. J. Bernstein, Factoring into coprimes in essentially linear
// time, Journal of Algorithms 54, 2005 (coprime bases).
package exact
