package conform

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"sync"

	"klconf/conform/judge"
	"klconf/spec"
)

// A memory holds what was expected of which question under which convention: many
// implementations are asked the same, and the exact value costs more than the question.
type memory struct {
	sync.Mutex
	under map[string]*underConvention
	size  int
	clock int
}

type underConvention struct {
	used int // the clock when it was last asked about
	of   map[[sha256.Size]byte]spec.Expected
}

var expectations = memory{under: map[string]*underConvention{}}

// mostExpectations is what quick runs under some conventions ask, in about 60 MB. Beyond it the
// convention that was asked about the longest ago is forgotten.
const mostExpectations = 40_000

func (m *memory) get(convention string, question [sha256.Size]byte) (spec.Expected, bool) {
	m.Lock()
	defer m.Unlock()
	u := m.under[convention]
	if u == nil {
		return spec.Expected{}, false
	}
	m.clock++
	u.used = m.clock
	e, ok := u.of[question]
	return e, ok
}

func (m *memory) put(convention string, question [sha256.Size]byte, e spec.Expected) {
	m.Lock()
	defer m.Unlock()
	u := m.under[convention]
	if u == nil {
		u = &underConvention{of: map[[sha256.Size]byte]spec.Expected{}}
		m.under[convention] = u
	}
	m.clock++
	u.used = m.clock
	if _, ok := u.of[question]; !ok {
		u.of[question] = e
		m.size++
	}
	for m.size > mostExpectations {
		oldest := ""
		for c, x := range m.under {
			if oldest == "" || x.used < m.under[oldest].used {
				oldest = c
			}
		}
		m.size -= len(m.under[oldest].of)
		delete(m.under, oldest)
	}
}

// conventionKey tells conventions apart that may allow different answers. What is said of the
// library's own call changes none. An absent field is not the definition's: it may allow more.
func conventionKey(c spec.Convention) string {
	c.Direction, c.DomainP, c.DomainQ = "", "", ""
	key, err := json.Marshal(c)
	if err != nil {
		panic(err) // it was read from JSON, or is made of what JSON holds
	}
	return string(key)
}

// expected is judge.Expect, remembered; key is conventionKey(c), which a run makes once. What
// it returns is shared: nobody may change it.
func expected(r spec.Request, c spec.Convention, key string) (spec.Expected, error) {
	h := sha256.New()
	head := struct {
		Op      spec.Op
		Options spec.Options
		Arrays  []spec.Array
	}{r.Op, r.Options, nil}
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
	question := [sha256.Size]byte(h.Sum(nil))
	if e, ok := expectations.get(key, question); ok {
		return e, nil
	}
	e, err := judge.Expect(r, c)
	if err == nil {
		expectations.put(key, question, e)
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
