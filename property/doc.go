// Package property holds the laws of the Kullback-Leibler divergence as
// properties of an implementation's own answers, and the generators of the
// inputs on which they are tried.
//
// A law is a theorem. It poses questions that are drawn at random, puts them
// to a Subject, and says how the answers are related: permuting the pairs
// changes nothing, the log-sum inequality bounds the answer below, entropy
// and divergence add up to cross-entropy. No reference value is needed for
// that, so the laws are evidence about the oracle as well. Whether a relation
// holds within the accuracy that is demanded is decided by judge.Relation;
// pgregory.net/rapid draws, and shrinks what fails.
//
// A bound is of use where it is met. Half of the vectors for an inequality lie
// near its equality case, with sums and products that are exact; the bounds
// themselves are exact.Forms, linear forms in logarithms of rational numbers.
// Law.Power has the smallest faults that each law was measured to find, under
// the definition in float64; after a change to what is drawn
//
//	go test ./property -run 'TestPower$' -args -write
//
// measures them anew, in a few minutes.
//
// A statistical law compares the mean of an estimator over samples with its exact
// expectation, within what Bernstein's inequality allows for a probability of 2^-44:
//
//	klconf run estimators/trl --only 'law/LAW-23' --seed 7
//
// draws other samples than seed 1 does, and the same ones each time.
//
// Every law says under which conventions it is a theorem. Dividing by the
// totals first, say, breaks the scaling law; where a law does not hold it is
// not put.
//
// Sources: T. M. Cover and J. A. Thomas, Elements of Information Theory, 2nd
// edition, 2006, chapter 2; Y. Polyanskiy and Y. Wu, Information Theory: From
// Coding to Learning, 2024, chapters 2 to 7.
package property
