package kltest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"klconf/conform"
	"klconf/spec"
)

// An Option changes what Run demands.
type Option func(*settings) error

type settings struct {
	convention *spec.Convention
	known      []spec.Known
	claim      spec.Level
}

// Convention declares how the function departs from the definition: a
// [spec.Convention], or its JSON as in spec/README.md. Without it everything is
// found by probes; `{"complete":true}` declares the definition.
func Convention[C string | spec.Convention](c C) Option {
	return func(s *settings) error {
		s.convention = new(spec.Convention)
		switch c := any(c).(type) {
		case spec.Convention:
			*s.convention = c
			return s.convention.Check()
		case string:
			if err := json.Unmarshal([]byte(c), s.convention); err != nil {
				return fmt.Errorf("%s: %w", c, err)
			}
			var fields map[string]json.RawMessage
			_ = json.Unmarshal([]byte(c), &fields) // it was read already
			for name := range fields {
				if !slices.Contains(spec.Fields, name) && !slices.Contains(otherFields, name) {
					return fmt.Errorf("%s: a convention has no field %q", c, name)
				}
			}
		}
		return nil
	}
}

// otherFields are those that are not graded or stand for others.
var otherFields = []string{"complete", "direction", "domain_p", "domain_q", "normalises", "epsilon"}

// Known lists cases that fail today, by a pattern of their ids: * stands for
// anything within one component of the path, and a pattern includes everything
// below it. They are asked all the same; one that passes is a failure.
func Known(pattern, why string) Option {
	return func(s *settings) error {
		if err := conform.CheckPattern(pattern); err != nil || pattern == "" || why == "" {
			return fmt.Errorf("Known(%q, %q): a pattern of ids and a reason", pattern, why)
		}
		s.known = append(s.known, spec.Known{ID: pattern, Status: spec.KnownFail, Why: why})
		return nil
	}
}

// Claim demands an accuracy level everywhere. L1 is demanded of everybody.
func Claim(level spec.Level) Option {
	return func(s *settings) error {
		if level.Rank() < 0 {
			return fmt.Errorf("Claim(%q): the levels are %v", level, spec.Levels)
		}
		s.claim = level
		return nil
	}
}

// Run tests f. Results appear as subtests of t, one for each requirement.
func Run(t *testing.T, f Function, options ...Option) {
	t.Helper()
	var s settings
	for _, o := range options {
		if err := o(&s); err != nil {
			t.Fatalf("kltest: %v", err)
		}
	}
	if f.answer == nil {
		t.Fatal("kltest: no function: use Func, FuncErr, Func32 or Rows")
	}
	yes := true
	target := conform.Target{ID: t.Name(), Known: s.known, Impl: implementation{f, spec.Description{
		Name: t.Name(), Version: "under test", Language: "Go", Ops: f.ops, DTypes: []spec.DType{f.dtype},
		Convention: s.convention, Accuracy: s.claim, Deterministic: &yes,
	}}}
	o := conform.Options{Version: spec.Version, Seed: 1}
	if testing.Short() {
		o.Skip = []string{"law", "random/softmax", "random/large-n"}
	}
	rep, err := conform.Run(context.Background(), target, o)
	if err != nil {
		t.Fatalf("kltest: %v", err)
	}
	if rep.Incomplete == "" {
		for _, x := range f.checks() {
			rep.Results = append(rep.Results, conform.ApplyKnown(s.known, x))
		}
	} else {
		t.Errorf("kltest: the run is incomplete: %s", rep.Incomplete)
	}
	report(t, rep)
	for _, k := range s.known {
		if !testing.Short() && !slices.ContainsFunc(rep.Results, func(x spec.Result) bool { return conform.Match(k.ID, x.ID) }) {
			t.Errorf("kltest: Known(%q, …) matches no case", k.ID)
		}
	}
}

// Answer puts a question to the function. There are no options.
func (m implementation) Answer(_ context.Context, r spec.Request) spec.Answer {
	o := r.Options
	if o.Reduction != "" || o.Base != "" && o.Base != "e" || o.Temperature != "" || o.Beta != "" || o.Estimator != "" ||
		o.Grad != "" || o.ResultDType != "" && o.ResultDType != m.dtype {
		return unsupported("options")
	}
	if slices.ContainsFunc(r.Arrays, func(a spec.Array) bool { return a.DType != m.dtype }) {
		return unsupported("only arrays of " + string(m.dtype))
	}
	return m.answer(r)
}
