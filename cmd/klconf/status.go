package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"klconf/spec"
)

// A status is how a command ended. Its number is the exit code.
type status int

// The statuses.
const (
	conforming    status = 0 // everything is as it should be
	nonconforming status = 1 // nonconforming, undeclared, or an unexpected pass
	misused       status = 2 // the command line or a file is wrong
	unstarted     status = 3 // an adapter could not start or speak
	incomplete    status = 4 // not everything was asked, or nothing
	regressed     status = 5 // klconf gate found a regression
	setsDiffer    status = 6 // a benchmark is on one side only
	notBenchmark  status = 7 // a line is not in the Go benchmark format
	mixedUnits    status = 8 // a unit cannot be compared
	tooFew        status = 9 // a benchmark has too few samples
)

// precedence orders the statuses of several implementations: the first that
// applies is that of the command.
var precedence = []status{misused, unstarted, nonconforming, incomplete, conforming}

// gravest returns the status that comes first in precedence; without any it
// is incomplete.
func gravest(all []status) status {
	for _, s := range precedence {
		if slices.Contains(all, s) {
			return s
		}
	}
	return incomplete
}

// statusOf returns the status of one report.
func statusOf(v spec.Verdict) status {
	switch v {
	case spec.Conforming:
		return conforming
	case spec.Incomplete:
		return incomplete
	}
	return nonconforming
}

// ended is the error by which a command ends with a status. Without an error
// inside, everything has been said.
type ended struct {
	status
	error
}

func (e ended) Error() string {
	if e.error == nil {
		return fmt.Sprintf("exit %d", e.status)
	}
	return e.error.Error()
}

func (e ended) Unwrap() error { return e.error }

// as returns nil for conforming, and else the error that ends a command which
// has said everything.
func (s status) as() error {
	if s == conforming {
		return nil
	}
	return ended{s, nil}
}

var interrupts = []os.Signal{os.Interrupt, syscall.SIGTERM}

// unknown says that there is nothing of that name, and names the nearest, or
// all.
func unknown(kind, name string, known []string) error {
	if near, ok := nearest(name, known); ok {
		return fmt.Errorf("no %s is called %q; did you mean %s?", kind, name, near)
	}
	return fmt.Errorf("no %s is called %q; there are %s", kind, name, strings.Join(known, ", "))
}

// nearest returns the known name that the fewest edits make of name, if they
// are few.
func nearest(name string, known []string) (string, bool) {
	if len(known) == 0 {
		return "", false
	}
	by := func(s string) int { return distance(strings.ToLower(name), strings.ToLower(s)) }
	best := slices.MinFunc(known, func(a, b string) int { return cmp.Compare(by(a), by(b)) })
	return best, by(best) <= min(max(2, len(name)/3), len(name)-1)
}

// distance returns the number of insertions, deletions and replacements that
// make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
