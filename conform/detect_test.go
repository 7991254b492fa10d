package conform_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"klconf/conform"
	"klconf/golden"
	"klconf/property"
	"klconf/property/mutant"
	"klconf/spec"
)

// An obedient implementation follows a convention exactly, correctly rounded,
// and declares what it is told to declare.
type obedient struct {
	follows  spec.Convention
	declares *spec.Convention
	dtypes   []spec.DType
	ops      []spec.Op
}

func (o obedient) Describe() spec.Description {
	d := spec.Description{Name: "obedient", Version: "1", Ops: []spec.Op{"kl"}, DTypes: o.dtypes, Convention: o.declares}
	if o.ops != nil {
		d.Ops = o.ops
	}
	return d
}

func (o obedient) Answer(ctx context.Context, r spec.Request) spec.Answer {
	if _, _, _, ok := r.Op.Split(); !ok || !o.Describe().Offers(r.Op, "") {
		return spec.Answer{Status: spec.Unsupported, Message: "kl only"}
	}
	if len(o.ops) == 0 && (r.Options.Base != "" || r.Options.ResultDType != "") {
		return spec.Answer{Status: spec.Unsupported, Message: "no options"}
	}
	return mutant.Oracle(o.follows)(ctx, r)
}

// rest returns patterns of the families of vectors, the laws and the larger families of
// random questions that convention i leaves to others: each convention is asked a quarter of
// them, and each of them by a quarter of the conventions. A full run leaves nothing out.
func rest(i int) (skip []string) {
	if os.Getenv("KLCONF_FULL") != "" {
		return nil
	}
	var ids []string
	for _, v := range golden.Vectors() {
		if id := "golden/" + v.Family(); !slices.Contains(ids, id) && !slices.Contains([]string{"special", "zero", "convention", "policy"}, v.Family()) {
			ids = append(ids, id)
		}
	}
	for _, l := range property.Laws() {
		ids = append(ids, "law/"+l.ID)
	}
	ids = append(ids, "random/anywhere-*", "random/tails-*", "random/batch-*")
	for j, id := range ids {
		if (i+j)%4 != 0 {
			skip = append(skip, id)
		}
	}
	return skip
}

// An implementation that follows a convention and does not say so is
// undeclared in exactly the fields that differ and fails nothing; one that
// says so conforms.
func TestDetectionFindsEveryConvention(t *testing.T) {
	for i, name := range slices.Sorted(maps.Keys(mutant.Conventions)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := parse(t, mutant.Conventions[name])
			for _, dtypes := range [][]spec.DType{{spec.F64}, {spec.F64, spec.F32, spec.BF16}} {
				if name == "float32 result" && len(dtypes) > 1 {
					continue
				}
				// One format or three in turn; property/mutant has them all with one.
				if os.Getenv("KLCONF_FULL") == "" && (len(dtypes) > 1) != (i%2 == 0) {
					continue
				}
				grade := func(declares *spec.Convention) spec.Report {
					o := conform.Options{Version: "test", Seed: 3, Skip: rest(i)}
					if declares == nil {
						o.Skip = append(o.Skip, "law") // they ran under the declaration
					}
					rep, err := conform.Run(t.Context(), conform.Target{ID: "x", Impl: obedient{follows: c, declares: declares, dtypes: dtypes}}, o)
					if err != nil {
						t.Fatal(err)
					}
					if bad := reds(rep); len(bad) > 0 {
						t.Errorf("%v declared %v: red\n%s", dtypes, declares != nil, strings.Join(bad, "\n"))
					}
					return rep
				}
				if len(dtypes) == 1 {
					declared := c
					declared.Complete = true
					if rep := grade(&declared); rep.Verdict != spec.Conforming {
						t.Errorf("%v declared: %s", dtypes, rep.Verdict)
					}
				}

				var want []string
				for _, f := range spec.Fields {
					if departs(f, c) {
						want = append(want, f)
					}
				}
				rep := grade(nil)
				verdict := spec.Conforming
				if len(want) > 0 {
					verdict = spec.Undeclared
				}
				var got []string
				for _, r := range rep.Results {
					if f, ok := strings.CutPrefix(r.ID, "detect/"); ok && r.Status == spec.Note {
						got = append(got, f)
					}
				}
				if rep.Verdict != verdict || !slices.Equal(got, want) {
					t.Errorf("%v undeclared: %s in %v, want %s in %v\n%v", dtypes, rep.Verdict, got, verdict, want, rep.Findings)
				}
			}
		})
	}
}

// departs says which fields of a convention answer with another number.
func departs(f string, c spec.Convention) bool {
	return c.Has(f) && !c.Same(f, spec.Definition()) && !slices.Contains([]string{"reject", "nan"}, map[string]string{
		"nan": c.NaN, "negative": c.Negative, "infinite": c.Infinite}[f]) && !(f == "empty" && c.Empty == "reject") && f != "requires_normalised"
}

func parse(t *testing.T, text string) (c spec.Convention) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// A threshold that is another one in each format, as PyTorch's clamp_probs at the epsilon of the
// format is, is found as such; with it declared nothing fails.
func TestDetectionFindsAThresholdOfEachFormat(t *testing.T) {
	const eps = `{"f64":"0x1p-52","f32":"0x1p-23","f16":"0x1p-10"}`
	for _, steps := range []string{
		`{"do":"clamp","of":"both","in":"both","lo":` + eps + `}`,
		`{"do":"clamp","of":"q","in":"both","lo":` + eps + `}`,
		`{"do":"add","of":"both","in":"log","value":` + eps + `}`,
	} {
		c := parse(t, `{"steps":[`+steps+`]}`)
		o := conform.Options{Version: "test", Seed: 3, Only: []string{"detect", "golden/convention", "golden/zero", "golden/dtype"}}
		rep, err := conform.Run(t.Context(), conform.Target{ID: "x", Impl: obedient{follows: c, dtypes: floats[:3]}}, o)
		if err != nil {
			t.Fatal(err)
		}
		if found := *rep.Implementation.Convention; !found.Same("steps", c) || rep.Verdict != spec.Undeclared || len(reds(rep)) > 0 {
			t.Errorf("%s: %s, %v\n%v\n%v", steps, rep.Verdict, found.Steps, rep.Findings, reds(rep))
		}
	}
}
