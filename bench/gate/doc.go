// Package gate compares benchmarks in the Go benchmark format and does not cry wolf.
//
// [Files] compares two files, [Run] two commands that it runs itself. Each benchmark gets an
// [Outcome] in each unit.
//
// # Measured units
//
// The effect is NEW/OLD, on a logarithmic scale. Where a value is not positive it is the
// difference over the larger median.
//
//	files  Mann-Whitney U test; Hodges-Lehmann estimate of the ratio of two samples and its
//	       distribution-free interval
//	run    Wilcoxon signed-rank test of the ratios NEW/OLD of the rounds; Hodges-Lehmann estimate,
//	       the median of the Walsh averages, and its distribution-free interval
//
// The spread is the robust standard deviation of one ratio: half the distance between the
// quantiles at 15.9 % and 84.1 % of the logarithms of the paired ratios; with files, the root of
// the sum of the squares of that of either side.
//
// A change, regressed or improved by the direction of the unit, is all of this:
//
//   - Holm's adjusted p, over all measured benchmarks and units of the run, is below alpha (0.05);
//   - the estimate is at least min_effect (2 %): a ratio of 1.02 or more, or 1/1.02 or less;
//   - the interval, of confidence 1−alpha for this benchmark by itself, excludes no change;
//   - the spread is at most max_spread (3 %), or the estimate is at least as large as the spread:
//     noise of this size has causes that come and go with the host, not with the sample, and
//     those can outlive the rounds; an effect beyond it cannot be theirs;
//   - run: the suspects, those with an uncorrected p below alpha and an effect of min_effect, are
//     measured once more, and the second run must make the same one a suspect, in the same
//     direction. The other figures are then of both runs together.
//
// Unchanged is all of this: the spread is at most max_spread, the estimate is below min_effect,
// and the interval lies within ± promised_effect (5 %): with such a spread a change of 5 % would
// have been seen in 95 of 100 cases (PROOF.md), and this interval has none. Anything else is
// inconclusive. So nothing with a spread above 3 % is ever unchanged.
//
// The rerun keeps the error rate: see limits.decide. n pairs have p = 2^(1−n) at least and two
// samples of n have 2/C(2n, n); where that is not below alpha/m, with m tests in the family, no
// single regression could be shown, and the gate says "too few samples" in place of an
// outcome. 12 rounds and their rerun have 2^-23, enough for 400 000 tests; 12 samples a side
// 7.4e-7; 6 a side, the least, suffice for 23 tests.
//
// A unit whose ratio to another of the same benchmark, or whose product with it, is the same
// in every sample, as that of MB/s and ns/op is, is tested once, by the first of them.
//
// # Exact units
//
// A unit is exact if a file declares "Unit X assume=exact", or if no file says anything and the
// policy lists it. Any difference is a change in its direction. If the values of one side
// differ among themselves, the unit is not what was declared: it is a change only if all of
// NEW lie on one side of all of OLD, and else inconclusive with a sentence of its own. B/op is
// compared exactly where neither side varies, and otherwise measured: the size of a growing
// map or of a pool depends on the iterations.
//
// # Directions
//
// The direction is that which a file declares ("Unit X better=lower"), else the policy's, else
// that of the testing package's own units. A unit without one is a problem, not a guess.
//
// Alpha bounds the probability that a run in which nothing changed reports a change, under two
// assumptions that the host must keep: the rounds do not depend on each other, and neither
// command is favoured. PROOF.md shows what is so found and not found on a real host.
package gate
