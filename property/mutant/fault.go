package mutant

import (
	"slices"

	"klconf/spec"
)

// A Fault is one way of being wrong that somebody shipped or plausibly would.
type Fault struct {
	Name   string // kebab-case, unique
	Fault  string // what it does, in one sentence
	Source string // who had it; "plausible" where nobody is known to
	Killer string // the requirement that must fail
	Full   bool   // a quick run does not find it, a full one does
	make   maker
}

// New returns the wrong implementation, with no past. It declares what it
// claims to be: the definition, unless Describe says otherwise.
func (f Fault) New() spec.Implementation { return f.make() }

// Faults lists all of them, sorted by kind.
func Faults() []Fault {
	return slices.Concat(ofDefinition, ofSteps, ofSpecialValues, ofPlaces, ofLoops, ofRows, ofLogits, ofEstimators, ofAccuracy)
}

// Find returns the fault of that name.
func Find(name string) (Fault, bool) {
	all := Faults()
	i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == name })
	if i < 0 {
		return Fault{}, false
	}
	return all[i], true
}
