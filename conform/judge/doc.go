// Package judge decides what an answer may be and whether it is.
//
// Expect turns a question and a convention into the set of right answers:
// every step of the convention is applied to exact rationals and the result
// is enclosed by impl/exact, so that an implementation that clips at 1e-7 is
// graded to the last bit against clipping at 1e-7. Value grades one answer
// against that set, Relation a law between several answers. Nothing else in
// this module decides whether an answer passes.
//
// The package is pure: no input or output, no state, no clock.
package judge
