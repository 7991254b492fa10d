package spec

import (
	"encoding/json"
	"errors"
	"fmt"
)

// A Status is what became of one check.
type Status string

// The statuses of a check. A crash never satisfies "must reject", not-run is
// never green, and an unexpected pass of a known-fail is red.
const (
	Pass              Status = "pass"
	Fail              Status = "fail"
	Note              Status = "note" // a failed SHOULD or MAY
	StatusUnsupported Status = "unsupported"
	Skipped           Status = "skipped"
	KnownFail         Status = "known-fail"
	KnownFlaky        Status = "known-flaky"
	StatusError       Status = "error"
	StatusCrash       Status = "crash"
	StatusTimeout     Status = "timeout"
	StatusProtocol    Status = "protocol-error"
	StatusNotRun      Status = "not-run"
)

// Statuses lists every status in the order of reports.
var Statuses = []Status{Pass, Fail, Note, KnownFail, KnownFlaky, StatusError, StatusCrash, StatusTimeout,
	StatusProtocol, StatusNotRun, StatusUnsupported, Skipped}

// Red reports whether the status speaks against an implementation.
func (s Status) Red() bool {
	switch s {
	case Fail, StatusError, StatusCrash, StatusTimeout, StatusProtocol, StatusNotRun:
		return true
	}
	return false
}

// A Verdict is the outcome for a whole implementation.
type Verdict string

// The verdicts.
const (
	Conforming    Verdict = "conforming"
	Undeclared    Verdict = "undeclared"    // consistent, but with a convention it did not declare
	Nonconforming Verdict = "nonconforming" // a MUST failed
	Incomplete    Verdict = "incomplete"    // something was not run
)

// A Got is the number an implementation answered, as bits and, for people,
// as a decimal.
type Got struct {
	Hex     string `json:"hex,omitempty"`
	Decimal string `json:"decimal,omitempty"`
	Status  string `json:"status,omitempty"` // rejected, nan …, where there is no number
	Element *int   `json:"element,omitempty"`
}

// A Result is the outcome of one check.
type Result struct {
	ID           string   `json:"id"`
	Requirements []string `json:"requirements"`
	Status       Status   `json:"status"`
	Message      string   `json:"message"`
	Got          *Got     `json:"got,omitempty"`
	Expected     *Set     `json:"expected,omitempty"`
	ULP          *float64 `json:"ulp,omitempty"`  // |got − K|/ulp(K), against the enclosure
	Cond         *float64 `json:"cond,omitempty"` // |got − K|/(u(Σ|t| + P))
	Inputs       []Input  `json:"inputs,omitempty"`
	Known        *Known   `json:"known,omitempty"` // the item of the list of known failures, where the status is one of its
	Rerun        string   `json:"rerun,omitempty"`
}

// An Input is one array of a failing question, for people: hexadecimal words
// and decimals, cut after the first elements.
type Input struct {
	Name    string   `json:"name"`
	DType   DType    `json:"dtype"`
	Shape   []int    `json:"shape"`
	Hex     []string `json:"hex"`
	Decimal []string `json:"decimal"`
}

// shownElements is how many elements of an array a report shows.
const shownElements = 16

// InputsOf writes arrays for people.
func InputsOf(arrays []Array) []Input {
	var in []Input
	for _, a := range arrays {
		x := Input{Name: a.Name, DType: a.DType, Shape: a.Shape, Hex: []string{}, Decimal: []string{}}
		if a.Check() == nil {
			for i := range min(a.Len(), shownElements) {
				x.Hex = append(x.Hex, HexBits(a.DType, a.Bits(i)))
				if a.DType.Float() {
					x.Decimal = append(x.Decimal, Decimal(a.Float(i)))
				} else {
					x.Decimal = append(x.Decimal, fmt.Sprint(a.Bits(i)))
				}
			}
		}
		in = append(in, x)
	}
	return in
}

// An Accuracy row sums up one stratum in one format.
type Accuracy struct {
	Stratum   string  `json:"stratum"`
	DType     DType   `json:"dtype"`
	N         int     `json:"n"` // questions
	ULPMax    float64 `json:"ulp_max"`
	ULPP99    float64 `json:"ulp_p99"`
	ULPMedian float64 `json:"ulp_median"`
	// ULPLog2 is the distribution: ULPLog2[k] answers have an error in
	// [2^k, 2^(k+1)) ulp. Errors below 2^LeastULPLog2, 0 too, count under
	// LeastULPLog2, infinite ones under InfiniteULPLog2. Values that round to 0 are not
	// in it.
	ULPLog2 map[int]int `json:"ulp_log2,omitempty"`
	CondMax float64     `json:"cond_max"`
	// AbsMax is the largest |got − K|, in nats unless a base says otherwise: where the
	// divergence is below what a format can tell apart, an error in ulp says little.
	AbsMax      float64 `json:"abs_max"`
	BitsLost    float64 `json:"bits_lost"`
	Worst       string  `json:"worst"`
	Level       Level   `json:"level"`
	WorstInputs []Input `json:"worst_inputs,omitempty"`
	// ULPs are all errors, in the file of a shard only.
	ULPs []float64 `json:"ulps,omitempty"`
}

// A Shard says which part of a run a report is of, and what the run asks. A part has no
// checks of levels.
type Shard struct {
	Index          int      `json:"index"` // from 1
	Total          int      `json:"total"`
	Order          []int    `json:"order"` // of each result, the place of its check in the whole run
	Only           []string `json:"only,omitempty"`
	Skip           []string `json:"skip,omitempty"`
	Strict         bool     `json:"strict,omitempty"`
	AcceptDetected bool     `json:"accept_detected,omitempty"`
}

// The least key of Accuracy.ULPLog2, and that of infinite errors.
const (
	LeastULPLog2    = -10
	InfiniteULPLog2 = 1024
)

// An Elision counts the results that a compact report leaves out and that
// cite one requirement, or any requirement of one family.
type Elision struct {
	Cited  string         `json:"cited"`           // VAL-1, or VAL
	Under  []string       `json:"under,omitempty"` // of a requirement: the first two components of their ids
	Counts map[Status]int `json:"counts"`
}

// A Suite says which suite graded, and how.
type Suite struct {
	Version string `json:"version"`
	Spec    string `json:"spec"`
	Vectors string `json:"vectors"`
	Mode    string `json:"mode"` // quick | full
	Seed    uint64 `json:"seed"`
}

// An Environment says where.
type Environment struct {
	OS       string            `json:"os"`
	Arch     string            `json:"arch"`
	CPU      string            `json:"cpu"`
	Packages map[string]string `json:"packages,omitempty"`
	Threads  map[string]string `json:"threads,omitempty"`
	Seconds  float64           `json:"seconds"`
}

// A Subject is the implementation that was graded, with the convention it was
// graded under and where each field of it came from.
type Subject struct {
	Description
	ID               string            `json:"id"`
	Tool             string            `json:"tool,omitempty"`              // what it is part of, as people call it
	Title            string            `json:"title,omitempty"`             // the call, as a user of the tool writes it
	ConventionSource map[string]string `json:"convention_source,omitempty"` // declared | detected | default
}

// Agreement says whether every answer on a class of inputs is the
// definition's, whatever was declared.
type Agreement struct {
	PMF     bool `json:"pmf"`
	Measure bool `json:"measure"`
	// Whether anything of the class was asked and judged; softmaxes of logits are pmfs.
	PMFAsked     bool `json:"pmf_asked,omitempty"`
	MeasureAsked bool `json:"measure_asked,omitempty"`
	// The first check of each class that gave another answer.
	PMFBy     string `json:"pmf_by,omitempty"`
	MeasureBy string `json:"measure_by,omitempty"`
}

// A Report is the result file of one implementation (schema
// klconf-result/1).
type Report struct {
	Schema         string         `json:"schema"`
	Suite          Suite          `json:"suite"`
	Shard          *Shard         `json:"shard,omitempty"`
	Environment    Environment    `json:"environment"`
	Implementation Subject        `json:"implementation"`
	Verdict        Verdict        `json:"verdict"`
	Agrees         Agreement      `json:"agrees_with_definition"`
	Level          Level          `json:"level,omitempty"` // lowest over the strata
	Findings       []string       `json:"findings,omitempty"`
	Suggestion     string         `json:"suggestion,omitempty"` // the convention line to paste
	Incomplete     string         `json:"incomplete,omitempty"` // why
	Counts         map[Status]int `json:"counts"`
	Results        []Result       `json:"results"`
	Elided         []Elision      `json:"elided,omitempty"` // what a compact report leaves out; it is in Counts
	Accuracy       []Accuracy     `json:"accuracy,omitempty"`
}

// ResultSchema is the schema name of a Report.
const ResultSchema = "klconf-result/1"

// ReadReport reads a result file.
func ReadReport(data []byte) (Report, error) {
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("not a result file: %w", err)
	}
	if r.Schema != ResultSchema {
		return r, fmt.Errorf("not a result file: the schema is %q, not %q", r.Schema, ResultSchema)
	}
	if r.Implementation.ID == "" {
		return r, errors.New("not a result file: the implementation has no id")
	}
	return r, nil
}
