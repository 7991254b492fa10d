package conform_test

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"klconf/conform"
	"klconf/conform/judge"
	"klconf/golden"
	"klconf/impl/exact"
	"klconf/property"
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

var formats = map[spec.DType]exact.Format{spec.F64: exact.Float64, spec.F32: exact.Float32, spec.F16: exact.Float16, spec.BF16: exact.BFloat16}

func (o obedient) Answer(_ context.Context, r spec.Request) spec.Answer {
	if _, _, _, ok := r.Op.Split(); !ok || !o.Describe().Offers(r.Op, "") {
		return spec.Answer{Status: spec.Unsupported, Message: "kl only"}
	}
	if len(o.ops) == 0 && (r.Options.Base != "" || r.Options.ResultDType != "") {
		return spec.Answer{Status: spec.Unsupported, Message: "no options"}
	}
	e, err := judge.Expect(r, o.follows)
	if err != nil {
		return spec.Answer{Status: spec.Unsupported, Message: err.Error()}
	}
	if e.Whole != nil {
		return spec.Answer{Status: spec.Rejected, Kind: spec.KindLength}
	}
	a := spec.NewArray("result", e.DType, e.Shape...)
	for i, s := range e.Values {
		switch {
		case len(s.Intervals) > 0:
			a.SetBits(i, formats[e.DType].RoundBig(s.Intervals[len(s.Intervals)-1].Lo))
		case s.NaN:
			a.SetBits(i, judge.Bits(e.DType, math.NaN()))
		default:
			return spec.Answer{Status: spec.Rejected, Kind: spec.KindDomain}
		}
	}
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{a}}
}

// conventions are what real libraries do, and every word of every field.
var conventions = map[string]string{
	"definition":      `{}`,
	"bits":            `{"base":"2"}`,
	"bans":            `{"base":"10"}`,
	"half":            `{"scale":0.5}`,
	"negated":         `{"scale":-1}`,
	"generalised":     `{"generalised":true}`,
	"normalise both":  `{"normalises":"both"}`,
	"normalise p":     `{"normalises":"p"}`,
	"bits normalised": `{"base":"2","normalises":"both"}`,
	"scipy entropy":   `{"normalises":"both","negative":"inf","mismatch":"broadcast"}`,
	"scipy rel_entr":  `{"negative":"inf","infinite":"value","mismatch":"broadcast"}`,
	"scipy kl_div":    `{"generalised":true,"negative":"inf","mismatch":"broadcast"}`,
	"keras":           `{"negative":"value","infinite":"value","mismatch":"broadcast","steps":[{"do":"clamp","of":"both","in":"both","lo":"0x1.ad7f29abcaf48p-24","hi":"1"}]}`,
	"torch categorical": `{"steps":[{"do":"normalise","of":"both"},{"do":"clamp","of":"both","in":"log","lo":"0x1p-52","hi":"1"}],` +
		`"nan":"reject","negative":"reject","infinite":"reject","empty":"reject","mismatch":"broadcast"}`,
	"numkong":        `{"epsilon":{"kind":"add_both","value":"0x1.203af9ee75616p-50"}}`,
	"clip log":       `{"epsilon":{"kind":"clip_log","value":"0x1.12e0be826d695p-30"}}`,
	"replace q":      `{"epsilon":{"kind":"replace_q0","value":"0x1.5798ee2308c3ap-27"}}`,
	"floor q":        `{"steps":[{"do":"clamp","of":"q","in":"both","lo":"0x1.b7cdfd9d7bdbbp-34"}]}`,
	"floor both":     `{"steps":[{"do":"clamp","of":"both","in":"both","lo":"0x1.b7cdfd9d7bdbbp-34"}]}`,
	"add ratio":      `{"steps":[{"do":"add_ratio","value":"0x1.cd2b297d889bcp-54"}]}`,
	"add to q":       `{"steps":[{"do":"add","of":"q","in":"both","value":"0x1.5798ee2308c3ap-27"}]}`,
	"drop q = 0":     `{"zero_q":"drop"}`,
	"drop small p":   `{"steps":[{"do":"drop_term","where":"p","at_or_below":"0x1p-1022"}]}`,
	"drop p 1e-12":   `{"steps":[{"do":"drop_term","where":"p","at_or_below":"0x1.19799812dea11p-40"}]}`,
	"drop q 1e-9":    `{"steps":[{"do":"drop_term","where":"q","at_or_below":"0x1.12e0be826d695p-30"}]}`,
	"zero q refused": `{"zero_q":"reject"}`,
	"zero q nan":     `{"zero_q":"nan"}`,
	"naive":          `{"zero_p":"nan","zero_zero":"nan","negative":"value","infinite":"value"}`,
	"zeros refused":  `{"zero_p":"reject","zero_zero":"reject","zero_q":"reject"}`,
	"zero zero inf":  `{"zero_zero":"inf"}`,
	"nan ignored":    `{"nan":"ignore"}`,
	"nan as inf":     `{"nan":"inf"}`,
	"nan refused":    `{"nan":"reject"}`,
	"empty nan":      `{"empty":"nan"}`,
	"empty inf":      `{"empty":"inf"}`,
	"empty refused":  `{"empty":"reject"}`,
	"truncates":      `{"mismatch":"truncate"}`,
	"broadcasts":     `{"mismatch":"broadcast"}`,
	"flushes":        `{"subnormal":"flushed"}`,
	"pmfs only":      `{"requires_normalised":"0x1.19799812dea11p-40"}`,
	"mean":           `{"reduction":"mean"}`,
	"float32 result": `{"result_dtype":{"f64":"f32"}}`,
	"flexmix":        `{"steps":[{"do":"normalise","of":"both"},{"do":"clamp","of":"both","in":"both","lo":"0x1.a36e2eb1c432dp-14"},{"do":"normalise","of":"both"}]}`,
}

// rest returns patterns of the families of vectors and the laws that convention i
// leaves to others: each convention is asked a quarter of them, and every family
// and law by a quarter of the conventions. A full run leaves nothing out.
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
	for i, name := range slices.Sorted(maps.Keys(conventions)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := parse(t, conventions[name])
			for _, dtypes := range [][]spec.DType{{spec.F64}, {spec.F64, spec.F32, spec.BF16}} {
				if name == "float32 result" && len(dtypes) > 1 {
					continue
				}
				if len(dtypes) > 1 && testing.Short() {
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

// departs says which fields of the table above answer with another number.
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
