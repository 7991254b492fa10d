package judge_test

import (
	"encoding/json"
	"math"
	"testing"

	"klconf/conform/judge"
	"klconf/spec"
)

func convention(t *testing.T, text string) spec.Convention {
	t.Helper()
	var c spec.Convention
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func ask(op spec.Op, p, q []float64) spec.Request {
	r := spec.Request{Op: op, Arrays: []spec.Array{spec.Float64s("p", p)}}
	if q != nil {
		r.Arrays = append(r.Arrays, spec.Float64s("q", q))
	}
	return r
}

var (
	nan = math.NaN()
	inf = math.Inf(1)
	eta = 5e-324
)

// Values that real libraries answered (SciPy 1.17.1, Keras 3.15.1, NLTK
// 3.10.4, POT 0.9.7, OpenCV 5.0, R flexmix 2.3) under what they document:
// each must come out right, to the level that the library reaches.
func TestConventionsOfRealLibraries(t *testing.T) {
	const keras = `{"steps":[{"do":"clamp","of":"both","in":"both","lo":"0x1.ad7f29abcaf48p-24","hi":"1"}]}`
	for _, c := range []struct {
		name, convention string
		p, q             []float64
		want             float64
	}{
		{"definition", `{}`, []float64{.2, .5, .3}, []float64{.1, .6, .3}, 0x1.84dcfd8f12615p-5},
		{"reverse", `{}`, []float64{.1, .6, .3}, []float64{.2, .5, .3}, 0x1.48521c62dd932p-5},
		{"normalised", `{"normalises":"both"}`, []float64{2, 8}, []float64{1, 9}, 0.0444030075868823},
		{"raw", `{}`, []float64{2, 8}, []float64{1, 9}, 0.444030075868823},
		{"generalised", `{"generalised":true}`, []float64{.5, .5}, []float64{.3, .3}, 0.11082562376599068},
		{"generalised over zero p", `{"generalised":true}`, []float64{0}, []float64{1}, 1},
		{"bits", `{"base":"2"}`, []float64{.2, .5, .3}, []float64{.1, .6, .3}, 0.068482797083102938},
		{"bits normalised zero", `{"base":"2"}`, []float64{0, 1}, []float64{.5, .5}, 1},
		{"keras disjoint", keras, []float64{1, 0}, []float64{0, 1}, 16.118094039148755},
		{"keras q0", keras, []float64{.5, .5}, []float64{1, 0}, 7.365900094571},
		{"keras one-hot", keras, []float64{0}, []float64{.5}, -1.5424948470398373e-06},
		{"keras counts", keras, []float64{2, 8}, []float64{1, 9}, 0},
		{"keras inf", keras[:len(keras)-1] + `,"infinite":"value"}`, []float64{inf, .5}, []float64{.5, .5}, 0.693147180559945},
		{"pot", `{"steps":[{"do":"add_ratio","value":"0x1.cd2b297d889bcp-54"}]}`, []float64{.5}, []float64{1e300}, .5 * math.Log(1e-16)},
		{"numkong", `{"epsilon":{"kind":"add_both","value":"0x1.203af9ee75616p-50"}}`, []float64{1, 0}, []float64{0, 1}, 34.538776394910684},
		{"smile", `{"zero_q":"drop"}`, []float64{.5, .5}, []float64{1, 0}, -0.34657359027997264},
		{"half", `{"scale":"0x1p-1"}`, []float64{.2, .5, .3}, []float64{.1, .6, .3}, 0x1.84dcfd8f12615p-6},
		{"opencv", `{"steps":[{"do":"drop_term","where":"p","at_or_below":"0x1p-52"},{"do":"replace","of":"q","at_or_below":"0x1p-52","value":"0x1.b7cdfd9d7bdbbp-34"}]}`,
			[]float64{.5, .5}, []float64{1, 0}, 10.819778284410282},
		{"flexmix", `{"steps":[{"do":"normalise","of":"both"},{"do":"clamp","of":"both","lo":"0x1.a36e2eb1c432dp-14"},{"do":"normalise","of":"both"}]}`,
			[]float64{.5, .5}, []float64{1, 0}, 3.91212},
		{"both negative as IEEE", `{"negative":"value"}`, []float64{-.1, 1.1}, []float64{-.2, 1.2}, -0.0263978},
		{"infinite as IEEE", `{"infinite":"value"}`, []float64{.5, .5}, []float64{inf, .5}, -inf},
		{"infinite p as IEEE", `{"infinite":"value"}`, []float64{inf, .5}, []float64{.5, .5}, inf},
		{"broadcast", `{"mismatch":"broadcast","steps":[]}`, []float64{1}, []float64{.2, .3, .5}, 3.506557897319982},
		{"truncate", `{"mismatch":"truncate"}`, []float64{.5, .5}, []float64{.2, .3, .5}, .5*math.Log(2.5) + .5*math.Log(5.0/3)},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := judge.Expect(ask("kl", c.p, c.q), convention(t, c.convention))
			if err != nil {
				t.Fatal(err)
			}
			v := e.Values[0]
			if len(v.Intervals) != 1 {
				t.Fatalf("expected one enclosure, got %s", judge.Describe(v))
			}
			lo, _ := v.Intervals[0].Lo.Float64()
			if lo == c.want {
				return
			}
			// The literals above are printed with 6 to 17 digits.
			if d := math.Abs(lo - c.want); !(d <= 1e-5*math.Abs(c.want)) {
				t.Errorf("got %v, want %v", lo, c.want)
			}
		})
	}
}

func TestSpecialValues(t *testing.T) {
	pmf := []float64{.5, .5}
	for _, c := range []struct {
		name, convention string
		p, q             []float64
		answer           float64
		rejected         bool
		want             bool
	}{
		{"nan", `{}`, []float64{nan, .5}, pmf, nan, false, true},
		{"nan where p = 0", `{}`, []float64{0, 1}, []float64{nan, 1}, 0, false, false},
		{"nan refused undeclared", `{}`, []float64{nan, .5}, pmf, 0, true, false},
		{"nan ignored, declared", `{"nan":"ignore"}`, []float64{nan, .5}, []float64{.5, .5}, 0, false, true},
		{"nan ignored, undeclared", `{}`, []float64{nan, .5}, []float64{.5, .5}, 0, false, false},
		{"nan as inf", `{"nan":"inf"}`, []float64{nan, .5}, pmf, inf, false, true},
		{"negative nan", `{}`, []float64{-.5, 1.5}, pmf, nan, false, true},
		{"negative refused", `{}`, []float64{-.5, 1.5}, pmf, 0, true, true},
		{"negative finite", `{}`, []float64{-.5, 1.5}, pmf, 1, false, false},
		{"negative inf", `{"negative":"inf"}`, []float64{-.5, 1.5}, pmf, inf, false, true},
		{"infinite nan", `{}`, []float64{inf, .5}, pmf, nan, false, true},
		{"infinite inf", `{}`, []float64{inf, .5}, pmf, inf, false, false},
		{"q zero", `{}`, pmf, []float64{1, 0}, inf, false, true},
		{"q negative zero", `{}`, pmf, []float64{1, math.Copysign(0, -1)}, inf, false, true},
		{"q zero finite", `{}`, pmf, []float64{1, 0}, 16.1, false, false},
		{"q zero refused", `{"zero_q":"reject"}`, pmf, []float64{1, 0}, 0, true, true},
		{"nan before q zero", `{}`, []float64{nan, 1}, []float64{1, 0}, nan, false, true},
		{"nan before q zero, inf", `{}`, []float64{nan, 1}, []float64{1, 0}, inf, false, false},
		{"both zero", `{}`, []float64{0, 1}, []float64{0, 1}, 0, false, true},
		{"both zero nan", `{}`, []float64{0, 1}, []float64{0, 1}, nan, false, false},
		{"negative zero answer", `{}`, []float64{0, 1}, []float64{0, 1}, math.Copysign(0, -1), false, true},
		{"empty", `{}`, []float64{}, []float64{}, 0, false, true},
		{"empty nan", `{}`, []float64{}, []float64{}, nan, false, false},
		{"lengths", `{}`, pmf, []float64{1}, 0, true, true},
		{"lengths answered", `{}`, pmf, []float64{1}, 0, false, false},
		{"all zero normalised nan", `{"normalises":"both"}`, []float64{0, 0}, pmf, nan, false, true},
		{"all zero normalised refused", `{"normalises":"both"}`, []float64{0, 0}, pmf, 0, true, true},
		{"subnormal", `{}`, pmf, []float64{eta, 1}, 371.52688878013066, false, true},
		{"subnormal log wrong", `{}`, pmf, []float64{eta, 1}, 353.85, false, false},
		{"overflow of the ratio", `{}`, []float64{4}, []float64{2.22e-308}, 2839.139983229607, false, true},
		{"overflow of the ratio wrong", `{}`, []float64{4}, []float64{2.22e-308}, inf, false, false},
		{"overflow of the value", `{}`, []float64{1e308}, []float64{1}, inf, false, true},
		{"near overflow", `{}`, []float64{math.MaxFloat64}, []float64{math.MaxFloat64 / math.E}, inf, false, true},
		{"tiny negative to +0", `{}`, []float64{0x1p-1074}, []float64{0x1.8p-1073}, -eta, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := judge.Expect(ask("kl", c.p, c.q), convention(t, c.convention))
			if err != nil {
				t.Fatal(err)
			}
			a := spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("result", spec.F64, math.Float64bits(c.answer))}}
			if c.rejected {
				a = spec.Answer{Status: spec.Rejected}
			}
			got := judge.Value(e, a, spec.Requirement{ID: "DEF-1", Force: spec.Must}) == spec.Pass
			if got != c.want {
				t.Errorf("pass = %v, want %v: %s", got, c.want, judge.Assess(e, a).Why)
			}
		})
	}
}

func TestLevels(t *testing.T) {
	p, q := []float64{.2, .5, .3}, []float64{.1, .6, .3}
	e, err := judge.Expect(ask("kl", p, q), spec.Definition())
	if err != nil {
		t.Fatal(err)
	}
	rn := 0x1.84dcfd8f12615p-5 // the exact value lies 0.2 ulp below it
	for _, c := range []struct {
		x    float64
		want spec.Level
	}{
		{rn, spec.L5}, {math.Nextafter(rn, 0), spec.L4}, {math.Nextafter(rn, 1), spec.L3},
		{rn * (1 + 3e-15), spec.L3}, {rn * (1 + 1e-14), spec.L2}, {rn * (1 + 4e-14), spec.L1}, {rn * 1.001, spec.L0}, {nan, ""},
	} {
		a := spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("", spec.F64, math.Float64bits(c.x))}}
		if g := judge.Assess(e, a); g.Level != c.want {
			t.Errorf("%x: level %q, want %q (%.3g ulp)", c.x, g.Level, c.want, g.ULP)
		}
	}
}

func TestRows(t *testing.T) {
	p := spec.NewArray("p", spec.F64, 2, 2)
	q := spec.NewArray("q", spec.F64, 2, 2)
	for i, v := range []float64{.5, .5, .25, .75} {
		p.SetBits(i, math.Float64bits(v))
	}
	for i, v := range []float64{.25, .75, .5, .5} {
		q.SetBits(i, math.Float64bits(v))
	}
	a, b := 0.14384103622589045, 0.13081203594113697
	for _, c := range []struct {
		reduction string
		shape     int
		want      []float64
	}{{"", 1, []float64{a, b}}, {"sum", 0, []float64{a + b}}, {"mean", 0, []float64{(a + b) / 4}}, {"batchmean", 0, []float64{(a + b) / 2}}} {
		r := spec.Request{Op: "kl_rows", Arrays: []spec.Array{p, q}, Options: spec.Options{Reduction: c.reduction}}
		e, err := judge.Expect(r, spec.Definition())
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Shape) != c.shape || len(e.Values) != len(c.want) {
			t.Fatalf("%q: shape %v", c.reduction, e.Shape)
		}
		for i, w := range c.want {
			if got, _ := e.Values[i].Intervals[0].Lo.Float64(); math.Abs(got-w) > 1e-15 {
				t.Errorf("%q[%d]: %v, want %v", c.reduction, i, got, w)
			}
		}
	}
}

// Found by review: each was graded wrongly once.
func TestGradesNextToLimits(t *testing.T) {
	answer := func(x float64) spec.Answer {
		return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("", spec.F64, math.Float64bits(x))}}
	}
	for _, c := range []struct {
		name, convention string
		p, q             []float64
		x                float64
		want             spec.Level
	}{
		{"rational next to a tie", `{"base":"2"}`, []float64{1, 0x1p-53, 0x1p-300}, []float64{.5, 0x1p-54, 0x1p-301}, 1 + 0x1p-52, spec.L5},
		{"beyond the format, the largest", `{}`, []float64{1e308}, []float64{1}, math.MaxFloat64, spec.L0},
		{"beyond the format, zero", `{}`, []float64{1e308}, []float64{1}, 0, spec.L0},
		{"beyond the format, NaN", `{}`, []float64{1e308}, []float64{1}, nan, ""},
		{"beyond the format, +Inf", `{}`, []float64{1e308}, []float64{1}, inf, spec.L5},
		{"beyond the format and q = 0, NaN", `{}`, []float64{1e308, 1}, []float64{1, 0}, nan, ""},
		{"a total beyond the format, normalised", `{"normalises":"both"}`, []float64{1.5e308, 1e308}, []float64{1, 2}, 0, spec.L1},
		{"zero for an ordinary value", `{}`, []float64{.5, .5}, []float64{.25, .75}, 0, spec.L0},
	} {
		e, err := judge.Expect(ask("kl", c.p, c.q), convention(t, c.convention))
		if err != nil {
			t.Fatal(err)
		}
		if g := judge.Assess(e, answer(c.x)); g.Level != c.want {
			t.Errorf("%s: level %q, want %q: %s", c.name, g.Level, c.want, g.Why)
		}
	}
}
