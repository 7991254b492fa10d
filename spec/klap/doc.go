// Package klap speaks KLAP/1, the protocol by which an implementation in any
// language is asked about the Kullback-Leibler divergence. [Serve] is the
// adapter's side, [Client] the runner's, and [Session] adds the protocol's
// verbs (load, drop, echo, bench) to any [spec.Implementation], so that a
// question means the same in process and through a pipe.
//
// A message is one line of JSON, at most [MaxLine] bytes, and then exactly
// the raw bytes that the line announces, at most [MaxFrames]. Data is bits,
// never decimal text. The protocol is written out in full in the README of
// package spec.
//
// Whatever arrives that is not of the protocol becomes a [Fault] that names
// the fault and quotes its first bytes. Starting, killing and restarting
// processes is not done here.
package klap
