package gate

import (
	"encoding/json"
	"io"
)

// ReportSchema is the schema name of a report in JSON.
const ReportSchema = "klconf-gate/1"

// An Outcome says what became of one benchmark in one unit.
type Outcome string

// The outcomes.
const (
	Regressed    Outcome = "regressed"
	Improved     Outcome = "improved"
	Unchanged    Outcome = "unchanged"
	Inconclusive Outcome = "inconclusive"
	Missing      Outcome = "missing" // in OLD only
	Added        Outcome = "added"   // in NEW only
)

// outcomes is the order of tables.
var outcomes = []Outcome{Regressed, Missing, Added, Inconclusive, Improved, Unchanged}

// A Result is about one benchmark in one unit; of a missing or added benchmark there is one
// without a unit.
type Result struct {
	Benchmark string   `json:"benchmark"`
	Package   string   `json:"pkg,omitempty"`
	Unit      string   `json:"unit,omitempty"` // tidied: sec/op for ns/op
	Outcome   Outcome  `json:"outcome"`
	Severity  Severity `json:"severity"`
	Why       string   `json:"why,omitempty"` // one sentence, where the figures do not say it

	Better string  `json:"better,omitempty"`
	Exact  bool    `json:"exact,omitempty"` // compared exactly
	Old    float64 `json:"old"`             // medians
	New    float64 `json:"new"`

	// Effect is NEW/OLD − 1, estimated, and the interval holds it with probability 1−alpha;
	// absent where there is none.
	Effect *float64 `json:"effect,omitempty"`
	Lo     *float64 `json:"lo,omitempty"`
	Hi     *float64 `json:"hi,omitempty"`
	P      *float64 `json:"p,omitempty"`      // of no change
	Holm   *float64 `json:"p_holm,omitempty"` // adjusted for all tests of the run
	Spread *float64 `json:"spread,omitempty"`

	OldSamples int  `json:"old_samples"`
	NewSamples int  `json:"new_samples"`
	Rerun      bool `json:"rerun,omitempty"` // a suspect that was measured once more
}

// A ProblemKind says what is wrong beside regressions.
type ProblemKind string

// The kinds of problems.
const (
	SetsDiffer ProblemKind = "sets-differ"
	MixedUnits ProblemKind = "mixed-units"
	TooFew     ProblemKind = "too-few-samples"
)

// A Problem is one sentence on what keeps benchmarks from being compared.
type Problem struct {
	Kind     ProblemKind `json:"kind"`
	Severity Severity    `json:"severity"`
	Sentence string      `json:"sentence"`
}

// A Report is what the gate found.
type Report struct {
	Schema    string    `json:"schema"`
	Old       string    `json:"old"`
	New       string    `json:"new"`
	Rounds    int       `json:"rounds,omitempty"` // with --run
	QuietHost bool      `json:"quiet_host"`
	Tests     int       `json:"tests"` // the family of Holm's correction
	Policy    Policy    `json:"policy"`
	Results   []Result  `json:"results"`
	Problems  []Problem `json:"problems"`
	Notes     []string  `json:"notes"`
}

// Count returns the number of results with an outcome.
func (r *Report) Count(o Outcome) (n int) {
	for _, x := range r.Results {
		if x.Outcome == o {
			n++
		}
	}
	return n
}

// Regressed reports whether there is a regression that is not only a warning.
func (r *Report) Regressed() bool {
	for _, x := range r.Results {
		if x.Outcome == Regressed && x.Severity == Hard {
			return true
		}
	}
	return false
}

// Has reports whether there is a problem of a kind that is not only a warning.
func (r *Report) Has(k ProblemKind) bool {
	for _, p := range r.Problems {
		if p.Kind == k && p.Severity == Hard {
			return true
		}
	}
	return false
}

// JSON writes the report.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(r)
}
