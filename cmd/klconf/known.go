package main

import (
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
// item of the old list stays as it is while something red matches it.
func newKnown(old []spec.Known, subjects []subject, reports []spec.Report) []spec.Known {
	var list []spec.Known
	for i, r := range reports {
		entry := subjects[i].entry.ID
		for _, x := range r.Results {
			if !x.Status.Red() || x.Status == spec.StatusNotRun {
				continue
			}
			item := spec.Known{ID: x.ID, Entry: entry, Status: spec.KnownFail, Why: x.Message}
			if at := slices.IndexFunc(old, func(k spec.Known) bool { return k.Applies(entry) && conform.Match(k.ID, x.ID) }); at >= 0 {
				item = old[at]
			}
			if !slices.Contains(list, item) {
				list = append(list, item)
			}
		}
	}
	return list
}

// writeKnown writes a list as readKnown reads it.
func writeKnown(file string, list []spec.Known) error {
	data, err := spec.WriteKnown(list)
	if err != nil {
		return err
	}
	return fileError(os.WriteFile(file, data, 0o644))
}
