package gonum

import (
	"context"
	"math"
	"os"
	"regexp"
	"testing"

	"klconf/spec"
)

func TestVersion(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(mod)
	if found == nil || string(found[1]) != version {
		t.Errorf("go.mod says %s, gonum.go %s", found, version)
	}
	if v := linked(); v != version {
		t.Errorf("the binary holds gonum %s, gonum.go says %s", v, version)
	}
}

func TestAnswers(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	half := []float64{.5, .5}
	seedP, seedQ := []float64{.2, .5, .3}, []float64{.1, .6, .3}
	impl := New()
	for _, c := range []struct {
		name string
		op   spec.Op
		p, q []float64
		want float64
	}{
		{"seed", "kl", seedP, seedQ, 0x1.84dcfd8f12614p-5},
		{"seed reversed", "kl", seedQ, seedP, 0x1.48521c62dd932p-5},
		{"counts", "kl", []float64{20, 50, 30}, []float64{10, 60, 30}, 0x1.2fcca617c65bep+2},
		{"zero p", "kl", []float64{0, 1}, half, math.Ln2},
		{"zero q", "kl", half, []float64{1, 0}, inf},
		{"zero both", "kl", []float64{.5, .5, 0}, []float64{.5, .5, 0}, 0},
		{"NaN p", "kl", []float64{nan, .5}, half, nan},
		{"NaN q", "kl", half, []float64{nan, .5}, nan},
		{"NaN q where p = 0", "kl", []float64{0, 1}, []float64{nan, 1}, 0},
		{"Inf p", "kl", []float64{inf, .5}, half, inf},
		{"Inf q", "kl", half, []float64{inf, .5}, -inf},
		{"Inf both", "kl", []float64{inf, .5}, []float64{inf, .5}, nan},
		{"negative p", "kl", []float64{-.1, 1.1}, half, nan},
		{"negative q", "kl", half, []float64{-.1, 1.1}, nan},
		{"negative both", "kl", []float64{-.1, 1.1}, []float64{-.2, 1.2}, nan},
		{"tiny q", "kl", half, []float64{0x1p-1022, 1}, 510 * math.Ln2},
		{"empty", "kl", nil, nil, 0},
		{"entropy", "entropy", half, nil, math.Ln2},
		{"entropy of one-hot", "entropy", []float64{1, 0}, nil, 0},
		{"Jensen-Shannon", "js", []float64{1, 0}, []float64{0, 1}, math.Ln2},
	} {
		r := spec.Request{Op: c.op, Arrays: []spec.Array{spec.Float64s("p", c.p)}}
		if c.op != "entropy" {
			r.Arrays = append(r.Arrays, spec.Float64s("q", c.q))
		}
		a := impl.Answer(context.Background(), r)
		x, ok := a.Result()
		if !ok {
			t.Errorf("%s: %s %s", c.name, a.Status, a.Message)
			continue
		}
		// The last bit differs where the compiler fuses or math.Log is another.
		got := x.Float(0)
		if got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) && !(math.Abs(got-c.want) <= 0x1p-50*c.want) {
			t.Errorf("%s: %x, want %x", c.name, got, c.want)
		}
	}
}

func TestMismatch(t *testing.T) {
	impl := New()
	for _, op := range []spec.Op{"kl", "js"} {
		a := impl.Answer(context.Background(), spec.Request{Op: op, Arrays: []spec.Array{
			spec.Float64s("p", []float64{.2, .5, .3}), spec.Float64s("q", []float64{.5, .5})}})
		if a.Status != spec.Rejected || a.Kind != spec.KindLength {
			t.Errorf("%s: %+v", op, a)
		}
	}
}

func TestDescribe(t *testing.T) {
	d := New().Describe()
	if err := d.Convention.Check(); err != nil {
		t.Error(err)
	}
	if !d.Offers("kl", spec.F64) || d.Offers("kl", spec.F32) || d.Name != "gonum" {
		t.Errorf("%+v", d)
	}
}
