package conform_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"klconf/conform"
	"klconf/spec"
)

// What a failed random question shows is as small as the fault allows: as many elements as
// it needs, and one row of a batch.
func TestShrink(t *testing.T) {
	for _, x := range []struct {
		name  string
		only  string
		impl  spec.Implementation
		shape []int
	}{
		{"one pair", "random/p-ne-q", fake{`{"complete":true}`, "", func(p, q []float64) (float64, error) {
			k, err := right(p, q)
			if i := slices.IndexFunc(p, func(v float64) bool { return v > 60 && v < 80 }); i >= 0 && !math.IsNaN(k) {
				k += p[i]
			}
			return k, err
		}}, []int{1}},
		{"a length", "random/p-ne-q", fake{`{"complete":true}`, "", func(p, q []float64) (float64, error) {
			k, err := right(p, q)
			if len(p) >= 12 {
				k *= 2
			}
			return k, err
		}}, []int{12}},
		{"a row", "random/batch-kl", secondRow{}, []int{2, 1}},
	} {
		t.Run(x.name, func(t *testing.T) {
			rep, err := conform.Run(t.Context(), conform.Target{ID: "fake", Impl: x.impl}, conform.Options{Seed: 3, Only: []string{x.only}})
			if err != nil {
				t.Fatal(err)
			}
			failed := 0
			for _, r := range rep.Results {
				if !r.Status.Red() {
					continue
				}
				failed++
				for _, in := range r.Inputs {
					if !slices.Equal(in.Shape, x.shape) {
						t.Errorf("%s of %s has shape %v, want %v", in.Name, r.ID, in.Shape, x.shape)
					}
				}
			}
			if failed == 0 {
				t.Error("nothing failed")
			}
			// A failure that is listed is left as it was drawn.
			known := conform.Target{ID: "fake", Impl: x.impl, Known: []spec.Known{{ID: x.only + "/*", Why: "a test", Status: spec.KnownFail}}}
			rep, err = conform.Run(t.Context(), known, conform.Options{Seed: 3, Only: []string{x.only}})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rep.Results {
				if r.Status == spec.KnownFail && slices.Equal(r.Inputs[0].Shape, x.shape) {
					t.Errorf("%s was made smaller although it is known", r.ID)
				}
			}
		})
	}
}

// secondRow gives the second row of a batch the value of the first.
type secondRow struct{}

func (secondRow) Describe() spec.Description {
	d := fake{convention: `{"complete":true}`}.Describe()
	d.Ops = append(d.Ops, "kl_rows")
	return d
}

func (secondRow) Answer(ctx context.Context, r spec.Request) spec.Answer {
	if r.Op != "kl_rows" || r.Options.Reduction != "" {
		return fake{f: right}.Answer(ctx, r)
	}
	p, q, shape := r.Arrays[0].Floats(), r.Arrays[1].Floats(), r.Arrays[0].Shape
	out := make([]float64, shape[0])
	for i := range out {
		k := i
		if i == 1 {
			k = 0
		}
		out[i], _ = right(p[k*shape[1]:][:shape[1]], q[k*shape[1]:][:shape[1]])
	}
	a := spec.Float64s("result", out)
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{a}}
}
