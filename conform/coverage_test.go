package conform_test

import (
	"slices"
	"testing"

	"klconf/conform"
	"klconf/spec"
)

// Every requirement of this version of the catalogue is cited by a check that
// was made and passed, and every check cites requirements of the catalogue.
func TestEveryRequirementHasACheck(t *testing.T) {
	all := []spec.Op{"kl_estimate"}
	for _, q := range []spec.Op{"kl", "entropy", "cross_entropy", "js", "kl_logits", "entropy_logits", "cross_entropy_logits",
		"kl_logprobs", "entropy_logprobs", "cross_entropy_logprobs"} {
		all = append(all, q, q+"_rows")
	}
	definition := spec.Convention{Complete: true}
	cited := map[string]bool{}
	for _, declares := range []*spec.Convention{&definition, nil} {
		claims := claiming{obedient{declares: declares, dtypes: floats, ops: all}}
		rep, err := conform.Run(t.Context(), conform.Target{ID: "x", Impl: claims}, conform.Options{Seed: 5})
		if err != nil {
			t.Fatal(err)
		}
		if rep.Verdict != spec.Conforming {
			t.Fatalf("%s: %v", rep.Verdict, reds(rep))
		}
		for _, r := range rep.Results {
			if len(r.Requirements) == 0 {
				t.Errorf("%s cites no requirement", r.ID)
			}
			for _, id := range r.Requirements {
				if _, ok := spec.Lookup(id); !ok {
					t.Errorf("%s cites %s, which is not in the catalogue", r.ID, id)
				}
				if r.Status == spec.Pass {
					cited[id] = true
				}
			}
		}
	}
	// What a convention other than the definition's is needed for.
	for _, text := range []string{`{"complete":true,"normalises":"both"}`} {
		rep, err := conform.Run(t.Context(), conform.Target{ID: "x", Impl: obedient{follows: parse(t, text), declares: ptr(parse(t, text)), dtypes: floats[:1]}}, conform.Options{Seed: 5})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rep.Results {
			for _, id := range r.Requirements {
				cited[id] = cited[id] || r.Status == spec.Pass
			}
		}
	}
	var planned []string
	for _, r := range spec.Requirements() {
		switch {
		case r.Since > spec.Version:
			planned = append(planned, r.ID)
			if cited[r.ID] {
				t.Errorf("%s is planned for %s, but a check cites it", r.ID, r.Since)
			}
		case r.Family() == "PERF": // klconf bench checks them, see reports/speed
		case !cited[r.ID]:
			t.Errorf("%s has no check that passed", r.ID)
		}
	}
	slices.Sort(planned)
	t.Logf("planned: %v", planned)
}

var floats = []spec.DType{spec.F64, spec.F32, spec.F16, spec.BF16}

// claiming claims L5 and determinism.
type claiming struct{ obedient }

func (c claiming) Describe() spec.Description {
	d := c.obedient.Describe()
	yes := true
	d.Accuracy, d.Deterministic = spec.L5, &yes
	return d
}

func ptr[T any](x T) *T { return &x }
