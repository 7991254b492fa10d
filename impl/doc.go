// Package impl computes the Kullback-Leibler divergence, the entropy, the
// cross-entropy and the Jensen-Shannon divergence of vectors of weights, correctly
// rounded: every result is the exact real value, in nats, rounded once to the
// nearest number of its format, ties to even.
//
// Weights are any finite numbers ≥ 0, taken as exact reals. Nothing is normalised,
// clamped or smoothed. Because the result is unique, its bits depend on nothing
// else: not on the machine, the backend, the order of the elements, their
// alignment or the number of goroutines.
//
// All functions agree on special values, the first that applies:
//
//   - vectors of different lengths: panic naming both lengths
//   - a NaN, a negative weight or an infinity anywhere, even beside a zero: NaN
//   - p > 0 = q somewhere (KL and CrossEntropy): +Inf
//   - otherwise the value, with 0·ln 0 = 0·ln(0/0) = 0; it is ±Inf if it rounds to that
//
// [KLLogits32] takes logits instead, which may be negative and have special values of
// their own; [KLLogits] divides them by a temperature. [KLLogitsRows32] answers for rows in
// memory, and [StreamRows] with a [LogitsSummary] for rows that are read one by one, such as
// those of two language models.
//
// −0 counts as 0, empty vectors give +0, and every zero result is +0.
//
// # How
//
// A fast tier with a proved error bound E computes an unevaluated sum h + l. If
// all reals in [h+l−E, h+l+E] round to the same number, that is the result (Ziv's
// test); otherwise a more precise tier tries, and in the end the package
// klconf/impl/exact decides with integers. ACCURACY.md proves the bounds, line by
// line; comments of the form [A3] name its lines. The common path allocates
// nothing, takes time linear in the length, and is safe for concurrent use.
//
// The implementation is a [Backend]: "avx512" or "avx2" where the processor has the
// instructions, whose assembly adds up the elements that it can take, blocks of
// ordinary numbers, and leaves the rest to "go". The build tag purego leaves
// assembly out. KLCONF_BACKEND in the environment forces a backend by name;
// [EnvironmentError] tells of a name that is not available on the machine.
//
// # Sources
//
// Error-free transformations: T. Ogita, S. M. Rump, S. Oishi, Accurate sum and dot
// product, SIAM J. Sci. Comput. 26, 2005. Rounding test: A. Ziv, Fast evaluation of
// elementary mathematical functions with correctly rounded last bit, ACM TOMS 17,
// 1991. Table-driven logarithms with short centres: P. T. P. Tang, ACM TOMS 16,
// 1990. Definitions: T. M. Cover, J. A. Thomas, Elements of Information Theory,
// chapter 2; J. Lin, Divergence measures based on the Shannon entropy, IEEE Trans.
// Inf. Theory 37, 1991.
package impl
