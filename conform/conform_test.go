package conform_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"klconf/conform"
	"klconf/impl/exact"
	"klconf/spec"
)

// A fake is a function of two float64 vectors as an implementation. It may
// return NaN and infinities, panic, or refuse by returning an error.
type fake struct {
	convention string // JSON of hello's convention, "" for none
	accuracy   spec.Level
	f          func(p, q []float64) (float64, error)
}

func (f fake) Describe() spec.Description {
	d := spec.Description{Name: "fake", Version: "1", Ops: []spec.Op{"kl"}, DTypes: []spec.DType{spec.F64}, Accuracy: f.accuracy}
	if f.convention != "" {
		d.Convention = new(spec.Convention)
		if err := json.Unmarshal([]byte(f.convention), d.Convention); err != nil {
			panic(err)
		}
	}
	return d
}

func (f fake) Answer(_ context.Context, r spec.Request) spec.Answer {
	if r.Op != "kl" || !reflect.DeepEqual(r.Options, spec.Options{}) {
		return spec.Answer{Status: spec.Unsupported, Message: "kl without options only"}
	}
	x, err := f.f(r.Arrays[0].Floats(), r.Arrays[1].Floats())
	if err != nil {
		return spec.Answer{Status: spec.Rejected, Kind: "domain", Message: err.Error()}
	}
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("result", spec.F64, math.Float64bits(x))}}
}

// right is the definition, correctly rounded.
func right(p, q []float64) (float64, error) {
	if len(p) != len(q) {
		return 0, fmt.Errorf("lengths %d and %d", len(p), len(q))
	}
	inf := false
	for i := range p {
		if math.IsNaN(p[i]) || math.IsNaN(q[i]) {
			return math.NaN(), nil
		}
	}
	for i := range p {
		if p[i] < 0 || q[i] < 0 || math.IsInf(p[i], 0) || math.IsInf(q[i], 0) {
			return math.NaN(), nil
		}
		inf = inf || p[i] > 0 && q[i] == 0
	}
	if inf {
		return math.Inf(1), nil
	}
	r, err := exact.KL(p, q).Round(exact.Float64)
	return math.Float64frombits(r.Bits), err
}

// mapped is right on changed inputs.
func mapped(change func(p, q []float64) ([]float64, []float64)) func(p, q []float64) (float64, error) {
	return func(p, q []float64) (float64, error) {
		if len(p) != len(q) {
			return right(p, q)
		}
		return right(change(slices.Clone(p), slices.Clone(q)))
	}
}

func each(x []float64, f func(float64) float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = f(v)
	}
	return y
}

// loop is the textbook loop over terms, with the shapes checked.
func loop(term func(p, q float64) float64) func(p, q []float64) (float64, error) {
	return func(p, q []float64) (float64, error) {
		if len(p) != len(q) {
			return 0, fmt.Errorf("lengths %d and %d", len(p), len(q))
		}
		s := 0.0
		for i := range p {
			s += term(p[i], q[i])
		}
		return s, nil
	}
}

func outside(p, q float64) bool {
	return p != p || q != q || p < 0 || q < 0 || math.IsInf(p, 0) || math.IsInf(q, 0)
}

func clip(lo float64) func(float64) float64 {
	return func(x float64) float64 {
		if x != x {
			return x
		}
		return math.Min(math.Max(x, lo), 1)
	}
}

func run(t *testing.T, f fake, skip ...string) spec.Report {
	t.Helper()
	rep, err := conform.Run(t.Context(), conform.Target{ID: "fake", Impl: f}, conform.Options{Version: "test", Seed: 1, Skip: skip})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func reds(rep spec.Report) []string {
	var ids []string
	for _, r := range rep.Results {
		if r.Status.Red() {
			ids = append(ids, r.ID+" "+string(r.Status)+": "+r.Message)
		}
	}
	return ids[:min(len(ids), 8)]
}

func TestVerdicts(t *testing.T) {
	const clip7 = 0x1.ad7f29abcaf48p-24 // 1e-7
	definition := `{"complete":true}`
	clipDeclared := `{"complete":true,"negative":"value","infinite":"value","steps":[{"do":"clamp","of":"both","in":"both","lo":"0x1.ad7f29abcaf48p-24","hi":"1"}]}`
	clipped := mapped(func(p, q []float64) ([]float64, []float64) { return each(p, clip(clip7)), each(q, clip(clip7)) })
	shift := func(e float64) func(p, q []float64) (float64, error) {
		return loop(func(p, q float64) float64 {
			if outside(p, q) {
				return math.NaN()
			}
			return p * (exactLog(p+e) - exactLog(q+e))
		})
	}
	half := func(p, q []float64) (float64, error) { x, err := right(p, q); return x / 2, err }
	for _, c := range []struct {
		name    string
		f       fake
		verdict spec.Verdict
		finding string // in the findings or in a red message
	}{
		{"right, declared", fake{definition, spec.L5, right}, spec.Conforming, ""},
		{"right, nothing declared", fake{"", "", right}, spec.Conforming, ""},
		{"swapped", fake{"", "", func(p, q []float64) (float64, error) { return right(q, p) }}, spec.Nonconforming, "swapped"},
		{"swapped, declared", fake{definition, "", func(p, q []float64) (float64, error) { return right(q, p) }}, spec.Nonconforming, "swapped"},
		{"half, nothing declared", fake{"", "", half}, spec.Undeclared, `"scale":"0x1p-01"`},
		{"half, declared right", fake{definition, "", half}, spec.Nonconforming, ""},
		{"half, declared half", fake{`{"complete":true,"scale":0.5}`, "", half}, spec.Conforming, ""},
		{"bits", fake{"", "", func(p, q []float64) (float64, error) { x, err := right(p, q); return x / math.Ln2, err }}, spec.Undeclared, `"base":"2"`},
		{"negated", fake{"", "", func(p, q []float64) (float64, error) { x, err := right(p, q); return -x, err }}, spec.Undeclared, `"scale":"-1"`},
		{"a third", fake{"", "", func(p, q []float64) (float64, error) { x, err := right(p, q); return x / 3, err }}, spec.Undeclared, `"scale"`},
		{"zero q dropped", fake{"", "", loop(func(p, q float64) float64 {
			if outside(p, q) {
				return math.NaN()
			}
			if p == 0 || q == 0 {
				return 0
			}
			return p * (exactLog(p) - exactLog(q))
		})}, spec.Undeclared, `"zero_q":"drop"`},
		{"zero q dropped, declared", fake{`{"complete":true,"zero_q":"drop"}`, "", loop(func(p, q float64) float64 {
			if outside(p, q) {
				return math.NaN()
			}
			if p == 0 || q == 0 {
				return 0
			}
			return p * (exactLog(p) - exactLog(q))
		})}, spec.Conforming, ""},
		{"last element lost", fake{"", "", mapped(func(p, q []float64) ([]float64, []float64) {
			return p[:max(0, len(p)-1)], q[:max(0, len(q)-1)]
		})}, spec.Nonconforming, ""},
		{"last lanes of 8 lost", fake{"", "", mapped(func(p, q []float64) ([]float64, []float64) {
			if n := len(p); n > 8 {
				return p[:n/8*8], q[:n/8*8]
			}
			return p, q
		})}, spec.Nonconforming, ""},
		{"last lane lost", fake{"", "", mapped(func(p, q []float64) ([]float64, []float64) {
			if n := len(p); n%4 == 3 && n > 5 {
				return p[:n-1], q[:n-1]
			}
			return p, q
		})}, spec.Nonconforming, ""},
		{"log1p everywhere", fake{"", "", loop(func(p, q float64) float64 {
			if outside(p, q) {
				return math.NaN()
			}
			if p == 0 {
				return 0
			}
			return p * math.Log1p((p-q)/q)
		})}, spec.Nonconforming, ""},
		{"clip at 1e-7, nothing declared", fake{"", "", clipped}, spec.Undeclared, "clipping P and Q at 1e-07"},
		{"clip at 1e-7, declared", fake{clipDeclared, "", clipped}, spec.Conforming, ""},
		{"clip at 1e-7, declared at 1e-8", fake{strings.Replace(clipDeclared, "0x1.ad7f29abcaf48p-24", "0x1.5798ee2308c3ap-27", 1), "", clipped}, spec.Nonconforming, ""},
		{"clip at 1e-7, declared right", fake{definition, "", clipped}, spec.Nonconforming, ""},
		{"clip at 3e-9, nothing declared", fake{"", "", mapped(func(p, q []float64) ([]float64, []float64) {
			return each(p, clip(3e-9)), each(q, clip(3e-9))
		})}, spec.Undeclared, "3e-09"},
		{"shift by 1e-12, nothing declared", fake{"", "", shift(1e-12)}, spec.Undeclared, "adding 1e-12"},
		{"shift by 1e-12, declared", fake{`{"complete":true,"epsilon":{"kind":"add_both","value":"0x1.19799812dea11p-40"}}`, "", shift(1e-12)}, spec.Conforming, ""},
		{"shift by 1e-12, declared right", fake{definition, "", shift(1e-12)}, spec.Nonconforming, ""},
		{"normalising, nothing declared", fake{"", "", normalising}, spec.Undeclared, "normalising"},
		{"normalising, declared", fake{`{"complete":true,"normalises":"both"}`, "", normalising}, spec.Conforming, ""},
		{"clamped at zero", fake{"", "", func(p, q []float64) (float64, error) {
			x, err := right(p, q)
			if x < 0 {
				x = 0
			}
			return x, err
		}}, spec.Nonconforming, ""},
		{"nan swallowed", fake{"", "", func(p, q []float64) (float64, error) {
			x, err := right(p, q)
			if x != x {
				x = 0
			}
			return x, err
		}}, spec.Nonconforming, ""},
		{"panics on empty", fake{"", "", func(p, q []float64) (float64, error) { _ = p[0]; return right(p, q) }}, spec.Nonconforming, "panic"},
		{"unnormalised refused", fake{"", "", func(p, q []float64) (float64, error) {
			for _, x := range [][]float64{p, q} {
				s := 0.0
				for _, v := range x {
					s += v
				}
				if math.Abs(s-1) > 1e-9 {
					return 0, fmt.Errorf("the sum is %g", s)
				}
			}
			return right(p, q)
		}}, spec.Conforming, ""},
		{"claims too much", fake{definition, spec.L5, func(p, q []float64) (float64, error) {
			x, err := right(p, q)
			if x != 0 {
				x = math.Nextafter(x, 2*x)
			}
			return x, err
		}}, spec.Nonconforming, "L5 is claimed"},
		{"one ulp off, no claim", fake{definition, "", func(p, q []float64) (float64, error) {
			x, err := right(p, q)
			if x != 0 {
				x = math.Nextafter(x, 2*x)
			}
			return x, err
		}}, spec.Conforming, ""},
		{"changes its input", fake{definition, "", func(p, q []float64) (float64, error) { return right(p, q) }}, spec.Conforming, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var skip []string
			if c.verdict == spec.Nonconforming {
				skip = []string{"law"} // the laws find it too, but shrink it first
			}
			rep := run(t, c.f, skip...)
			if rep.Verdict != c.verdict {
				t.Errorf("verdict %s, want %s\nfindings: %v\nred: %s", rep.Verdict, c.verdict, rep.Findings, strings.Join(reds(rep), "\n"))
			}
			said := strings.Join(rep.Findings, "\n") + strings.Join(reds(rep), "\n")
			if !strings.Contains(said, c.finding) {
				t.Errorf("nothing says %q:\n%s", c.finding, said)
			}
			if rep.Verdict == spec.Undeclared && len(reds(rep)) > 0 {
				t.Errorf("an undeclared convention must be the only finding, but: %s", strings.Join(reds(rep), "\n"))
			}
		})
	}
}

// exactLog is ln x to within an ulp for every x, subnormals included, which
// math.Log is not on amd64.
func exactLog(x float64) float64 {
	f, e := math.Frexp(x)
	if x <= 0 || math.IsInf(x, 0) || x != x {
		return math.Log(x)
	}
	return math.Log(f) + float64(e)*math.Ln2
}

func normalising(p, q []float64) (float64, error) {
	if len(p) != len(q) {
		return right(p, q)
	}
	over := func(x []float64) []float64 {
		s := 0.0
		for _, v := range x {
			if v < 0 {
				return []float64{math.NaN()}
			}
			s += v
		}
		return each(x, func(v float64) float64 { return v / s })
	}
	if len(p) == 0 {
		return 0, nil
	}
	a, b := over(p), over(q)
	if len(a) != len(b) {
		return math.NaN(), nil
	}
	return right(a, b)
}

// A vector about a convention is asked of those who follow it, and nobody
// else hears of it; one who declares it and does another thing fails there.
func TestConventionVectorsAreForThoseWhoFollow(t *testing.T) {
	asked := func(rep spec.Report, prefix string) (n, red int) {
		for _, r := range rep.Results {
			if strings.HasPrefix(r.ID, prefix) {
				n++
				if r.Status.Red() {
					red++
				}
			}
		}
		return n, red
	}
	const (
		clipped = `{"complete":true,"epsilon":{"kind":"clip_both","value":"0x1.ad7f29abcaf48p-24"}}`
		vectors = "golden/convention/clip-1e-7-"
	)
	at := func(lo float64) fake {
		return fake{convention: clipped, f: mapped(func(p, q []float64) ([]float64, []float64) { return each(p, clip(lo)), each(q, clip(lo)) })}
	}
	if n, red := asked(run(t, at(0x1.ad7f29abcaf48p-24), "law", "random", "io"), vectors); n < 15 || red != 0 {
		t.Errorf("clipping as declared: %d vectors, %d red", n, red)
	}
	if n, red := asked(run(t, at(0x1.ad7f29abcaf48p-23), "law", "random", "io"), vectors); n < 15 || red < 5 {
		t.Errorf("clipping at twice the threshold: %d vectors, %d red", n, red)
	}
	for _, convention := range []string{`{"complete":true}`, ""} {
		rep := run(t, fake{convention: convention, f: right}, "law", "random", "io")
		if n, _ := asked(rep, "golden/convention/"); n != 0 {
			t.Errorf("the definition, declared as %q, is asked %d vectors about conventions", convention, n)
		}
	}
}
