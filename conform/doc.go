// Package conform grades implementations: it puts the questions of golden,
// property and its own random strata to an implementation in this process or
// to an adapter behind a pipe, survives whatever that does, detects what was
// not declared, and records one spec.Result for each check.
//
// Whether an answer is right is decided in conform/judge alone; this package
// decides what is asked, and what a crash, a hang or silence costs.
package conform
