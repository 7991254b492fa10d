package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"

	"klconf/conform"
	"klconf/spec"
)

// readKnown reads a list of known failures.
func readKnown(file string) ([]spec.Known, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fileError(err)
	}
	known, err := spec.ReadKnown(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return known, nil
}

// knownOf returns the items of a list that concern a subject.
func knownOf(list []spec.Known, s subject) []spec.Known {
	return slices.DeleteFunc(slices.Clone(list), func(k spec.Known) bool { return !k.Applies(s.entry.ID) })
}

// newKnown lists what was red in reports that were made without a list. An
// item of the old list stays as it is while something red matches it, and
// also if it fails only at times or about an implementation or a check that
// was not asked: partial says that the reports leave checks out.
func newKnown(old []spec.Known, subjects []subject, reports []spec.Report, partial bool) []spec.Known {
	matches := func(k spec.Known, red bool) bool {
		for i, r := range reports {
			if k.Applies(subjects[i].entry.ID) && slices.ContainsFunc(r.Results, func(x spec.Result) bool {
				return conform.Match(k.ID, x.ID) && (!red || failed(x))
			}) {
				return true
			}
		}
		return false
	}
	asked := func(k spec.Known) bool {
		return slices.ContainsFunc(subjects, func(s subject) bool { return k.Applies(s.entry.ID) })
	}
	list := slices.DeleteFunc(slices.Clone(old), func(k spec.Known) bool {
		return asked(k) && k.Status != spec.KnownFlaky && !matches(k, true) && (!partial || matches(k, false))
	})
	for i, r := range reports {
		entry := subjects[i].entry.ID
		for _, x := range r.Results {
			listed := slices.ContainsFunc(list, func(k spec.Known) bool { return k.Applies(entry) && conform.Match(k.ID, x.ID) })
			if failed(x) && !listed {
				list = append(list, spec.Known{ID: x.ID, Entry: entry, Status: spec.KnownFail, Why: cmp.Or(x.Message, string(x.Status))})
			}
		}
	}
	return list
}

// failed reports whether a check speaks against an implementation and can be
// listed; what was not run can not.
func failed(x spec.Result) bool { return x.Status.Red() && x.Status != spec.StatusNotRun }

// writeKnown writes a list as readKnown reads it.
func writeKnown(file string, list []spec.Known) error {
	data, err := spec.WriteKnown(list)
	if err != nil {
		return err
	}
	return fileError(os.WriteFile(file, data, 0o644))
}
