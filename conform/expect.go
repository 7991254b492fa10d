package conform

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"sync"

	"klconf/conform/judge"
	"klconf/spec"
)

// expectations remembers what was expected of which question under which convention: many
// implementations are asked the same, and the exact value costs more than the question.
var expectations = struct {
	sync.Mutex
	of map[[sha256.Size]byte]spec.Expected
}{of: map[[sha256.Size]byte]spec.Expected{}}

var byDefinition = spec.Definition()

// mostExpectations is about three conventions, and 30 MB.
const mostExpectations = 20_000

// expected is judge.Expect, remembered. What it returns is shared: nobody may change it.
func expected(r spec.Request, c spec.Convention) (spec.Expected, error) {
	h := sha256.New()
	// What is said of the library's own call changes no answer, and an absent field is the definition's.
	full := c
	full.Complete, full.Direction, full.DomainP, full.DomainQ = false, "", "", ""
	for _, f := range spec.Fields {
		if !full.Has(f) {
			full.Take(f, byDefinition)
		}
	}
	head := struct {
		Op         spec.Op
		Options    spec.Options
		Convention spec.Convention
		Arrays     []spec.Array
	}{r.Op, r.Options, full, nil}
	for _, a := range r.Arrays {
		a.Data = nil
		head.Arrays = append(head.Arrays, a)
	}
	if err := json.NewEncoder(h).Encode(head); err != nil {
		return judge.Expect(r, c)
	}
	for _, a := range r.Arrays {
		h.Write(a.Data)
	}
	key := [sha256.Size]byte(h.Sum(nil))
	expectations.Lock()
	e, ok := expectations.of[key]
	expectations.Unlock()
	if ok {
		return e, nil
	}
	e, err := judge.Expect(r, c)
	if err == nil {
		expectations.Lock()
		if len(expectations.of) >= mostExpectations {
			clear(expectations.of)
		}
		expectations.of[key] = e
		expectations.Unlock()
	}
	return e, err
}

// alsoRefused returns e with a refusal right as well.
func alsoRefused(e spec.Expected) spec.Expected {
	e.Values = slices.Clone(e.Values)
	for i := range e.Values {
		e.Values[i].Reject = true
	}
	return e
}
