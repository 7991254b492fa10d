// Package kltest checks a Go function that computes the Kullback-Leibler
// divergence
//
//	KL(P‖Q) = Σ p_i ln(p_i/q_i)
//
// in an ordinary test, in the manner of testing/slogtest and testing/fstest:
//
//	func TestKL(t *testing.T) { kltest.Run(t, kltest.Func(KL)) }
//
// P is the first slice and Q the second, the logarithm is natural, nothing is
// normalised, p = 0 contributes 0, p > 0 = q gives +Inf, a NaN gives NaN, a
// negative or infinite weight gives NaN or is refused, and slices of different
// lengths are refused. [Func] refuses by a panic whose message speaks of the
// length, [FuncErr] by an error. spec/README.md says all of it.
//
// # What is asked
//
// The golden vectors, random vectors and laws of klconf, graded against exact
// arithmetic; with -short no laws and no random vectors longer than 64. What
// only Go can see comes on top, under ids that begin with go/: the slices and
// the memory around them are left alone, what lies around them and how they are
// aligned changes no bit, the two slices may be one or overlap, calls remember
// nothing, and goroutines may call at the same time (more telling with -race).
//
// Every requirement is a subtest, such as TestKL/VAL-2, and every failed case
// is one message with the inputs, what was expected, what came, and the command
// to repeat it; without -v the first few of a requirement are shown. What is a
// SHOULD or a MAY only is logged.
//
// # Options
//
// A function may depart from the definition on purpose. What it does and does
// not declare is found and reported by one failure, in the subtest convention,
// with the option to paste:
//
//	kltest.Run(t, kltest.Func(KL), kltest.Convention(`{"zero_q":"drop"}`))
//
// It is then graded against exactly that. [Known] lists what fails today, and a
// case that is on the list and passes is a failure; [Claim] demands an accuracy
// level, such as spec.L4, above the one that everybody must keep.
package kltest
