package spec

import (
	_ "embed"
	"encoding/json"
	"strings"
)

// Version is the version of this catalogue of requirements.
const Version = "0.2"

// A Force says how strongly a requirement binds, as in RFC 2119. Only a
// failed MUST makes an implementation nonconforming.
type Force string

// The forces.
const (
	Must   Force = "MUST"
	Should Force = "SHOULD"
	May    Force = "MAY"
)

// A Requirement is one testable sentence. IDs are permanent and never
// reused.
type Requirement struct {
	ID        string `json:"id"`
	Force     Force  `json:"force"`
	Statement string `json:"statement"`
	Formula   string `json:"formula,omitempty"`
	Rationale string `json:"rationale"`
	Source    string `json:"source"`
	Since     string `json:"since"`           // catalogue version; a later one than Version is planned
	Level     Level  `json:"level,omitempty"` // the accuracy level that is demanded, where it is one
}

// Family returns the letters before the dash: DEF, VAL, LAW, ACC, IO, ROW,
// LLM or PERF.
func (r Requirement) Family() string {
	f, _, _ := strings.Cut(r.ID, "-")
	return f
}

// Families lists the families with what they are about.
var Families = []struct{ Name, About string }{
	{"DEF", "the definition: value, order of arguments, logarithm"},
	{"VAL", "special values"},
	{"LAW", "theorems"},
	{"ACC", "accuracy levels"},
	{"IO", "inputs unchanged, determinism, aliasing, every length"},
	{"ROW", "batches and reductions"},
	{"LLM", "logits, log-probabilities, masks, estimators, gradients"},
	{"PERF", "speed and growth"},
}

//go:embed requirements.json
var requirementsJSON []byte

var catalogue = func() []Requirement {
	var file struct {
		Requirements []Requirement `json:"requirements"`
	}
	if err := json.Unmarshal(requirementsJSON, &file); err != nil {
		panic("spec: requirements.json: " + err.Error())
	}
	return file.Requirements
}()

// Requirements returns the catalogue in its order. The slice is shared: do
// not modify it.
func Requirements() []Requirement { return catalogue }

// Lookup returns the requirement with that id.
func Lookup(id string) (Requirement, bool) {
	for _, r := range catalogue {
		if r.ID == id {
			return r, true
		}
	}
	return Requirement{}, false
}
