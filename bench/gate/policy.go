package gate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/perf/benchproc"
	"golang.org/x/perf/benchunit"
)

// PolicySchema is the schema name of a policy file (spec/schema/gate-policy.json).
const PolicySchema = "klconf-gate-policy/1"

// A Policy says what counts as a change and what fails. Units may be written as in the files
// (ns/op) or as benchstat shows them (sec/op).
type Policy struct {
	Schema string `json:"schema"`

	// Alpha bounds the probability that a run without any change reports one.
	Alpha float64 `json:"alpha"`
	// MinEffect is the least relative change that counts.
	MinEffect float64 `json:"min_effect"`
	// Promised is the relative change that "unchanged" rules out.
	Promised float64 `json:"promised_effect"`
	// MaxSpread is the largest spread with which something may be called unchanged.
	MaxSpread float64 `json:"max_spread"`
	// MinSamples is the least number of samples a side of a measured unit.
	MinSamples int `json:"min_samples"`

	// Exact lists the units that are compared exactly, besides those that a file declares.
	Exact []string `json:"exact"`
	// ExactIfConstant lists units that are compared exactly where neither side varies.
	ExactIfConstant []string `json:"exact_if_constant"`
	// Better gives the direction, lower or higher, of units that no file declares.
	Better map[string]string `json:"better"`
	// Exclude lists units that are not compared.
	Exclude []string `json:"exclude"`
	// Filter is a filter of golang.org/x/perf/benchproc.
	Filter string `json:"filter"`

	// WallClock lists the units that depend on what else the host does.
	WallClock []string `json:"wall_clock"`
	// WarnWallClock makes regressions of these only warn, unless the host is declared quiet.
	WarnWallClock bool `json:"warn_wall_clock"`
	// Warn lists units whose regressions only warn.
	Warn []string `json:"warn"`
	// Missing and Added say whether a benchmark on one side only is hard or warn.
	Missing Severity `json:"missing"`
	Added   Severity `json:"added"`
	// FailInconclusive makes an inconclusive comparison fail.
	FailInconclusive bool `json:"fail_inconclusive"`
}

// A Severity says what a finding does.
type Severity string

// The severities.
const (
	Hard Severity = "hard" // it fails
	Warn Severity = "warn" // it is shown
)

// DefaultPolicy returns what holds without a policy file.
func DefaultPolicy() Policy {
	return Policy{
		Schema:          PolicySchema,
		Alpha:           0.05,
		MinEffect:       0.02,
		Promised:        0.05,
		MaxSpread:       0.03,
		MinSamples:      6, // the interval of a median, or of one of them, at 95 % needs six
		Exact:           []string{"allocs/op", "ulp-max", "fallthrough", "exact"},
		ExactIfConstant: []string{"B/op"},
		Better: map[string]string{"ns/el": "lower", "x-dot": "lower", "GB/s": "higher",
			"ulp-max": "lower", "fallthrough": "lower", "exact": "lower"},
		Exclude:   []string{},
		Filter:    "*",
		WallClock: []string{"ns/op", "ns/el", "MB/s", "GB/s"},
		Warn:      []string{},
		Missing:   Hard,
		Added:     Hard,
	}
}

// ReadPolicy reads a policy file. A key that is absent keeps its default; a key that does not
// exist is an error.
func ReadPolicy(data []byte) (Policy, error) {
	p := DefaultPolicy()
	p.Schema = ""
	// A map that is given replaces the default, as a list does.
	better := p.Better
	p.Better = nil
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, fmt.Errorf("not a policy: %w; klconf gate --print-policy shows one", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return p, fmt.Errorf("there is something after the policy; a file holds one")
	}
	if p.Better == nil {
		p.Better = better
	}
	return p, p.Check()
}

// Check returns an error for what cannot be meant.
func (p Policy) Check() error {
	share := func(name string, x, below float64) error {
		if !(x > 0 && x < below) {
			return fmt.Errorf("%s is a number above 0 and below %v, not %v", name, below, x)
		}
		return nil
	}
	if p.Schema != PolicySchema {
		return fmt.Errorf("the schema is %q, not %q", p.Schema, PolicySchema)
	}
	for _, err := range []error{share("alpha", p.Alpha, 0.5), share("min_effect", p.MinEffect, 1), share("promised_effect", p.Promised, 1), share("max_spread", p.MaxSpread, 1)} {
		if err != nil {
			return err
		}
	}
	if p.Promised < p.MinEffect {
		return fmt.Errorf("promised_effect, %v, is below min_effect, %v: less than what counts cannot be promised", p.Promised, p.MinEffect)
	}
	if p.MinSamples < 2 {
		return fmt.Errorf("min_samples is a number from 2, not %d", p.MinSamples)
	}
	for unit, b := range p.Better {
		if b != "lower" && b != "higher" {
			return fmt.Errorf("better: %q is lower or higher, not %q", unit, b)
		}
	}
	for name, s := range map[string]Severity{"missing": p.Missing, "added": p.Added} {
		if s != Hard && s != Warn {
			return fmt.Errorf("%s is hard or warn, not %q", name, s)
		}
	}
	_, err := newFilter(p.Filter)
	return err
}

// newFilter reads a filter. The package's errors show the place in lines of their own.
func newFilter(text string) (*benchproc.Filter, error) {
	f, err := benchproc.NewFilter(text)
	if err != nil {
		what, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("the filter %q: %s", text, what)
	}
	return f, nil
}

// tidy returns the unit as benchfmt measures in: sec/op for ns/op.
func tidy(unit string) string {
	_, t := benchunit.Tidy(1, unit)
	return t
}

// lists reports whether a tidied unit is in a list.
func lists(units []string, unit string) bool {
	return slices.ContainsFunc(units, func(u string) bool { return tidy(u) == unit })
}

// severity returns what a regression of a unit does.
func (p Policy) severity(unit string, quietHost bool) Severity {
	if lists(p.Warn, unit) || p.WarnWallClock && !quietHost && lists(p.WallClock, unit) {
		return Warn
	}
	return Hard
}
