// Package bench says what is timed and how: the inputs, the names of benchmarks, and a
// loop that times functions side by side.
//
// The Go benchmarks of every backend of klconf/impl are in its tests:
//
//	make bench           # into out/bench.txt
//	make bench-compare   # out/bench.txt against baseline/, by benchstat
//	make bench-peers     # against C, in one process: folder peers
//
// A name is KL/backend=avx512/dtype=f64/data=softmax/n=128256, and the metrics are
//
//	ns/el        nanoseconds per element
//	GB/s         bytes of the arguments, each read once, per nanosecond
//	x-dot        time over that of the dot product of two vectors of this size and format
//	fallthrough  share of vectors that the first tier of the backend did not answer
//	exact        share of vectors that went to the oracle
//	ulp-max      largest |result − K|/ulp(K), K being known to 2^-256
//
// The dot product is about as fast as anything can be that reads the same bytes; it is timed
// in the same process, just before and just after. The last three metrics are counted, not
// measured, on draws that depend on nothing but the name: [Draws] of [TierElements] and of
// [ULPElements]. The time is that of draw 0. A fallthrough is no error: every backend's
// ulp-max is at most 0.5, as its results are correctly rounded.
package bench
