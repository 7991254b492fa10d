package naive

import (
	"math"
	"testing"
)

func TestKL(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	half := []float64{.5, .5}
	for _, c := range []struct {
		name string
		p, q []float64
		want float64
	}{
		{"seed", []float64{.2, .5, .3}, []float64{.1, .6, .3}, 0x1.84dcfd8f12612p-5},
		{"zero p", []float64{0, 1}, half, nan},
		{"zero q", half, []float64{1, 0}, inf},
		{"zero both", []float64{.5, .5, 0}, []float64{.5, .5, 0}, nan},
		{"both negative", []float64{-.5}, []float64{-1}, .5 * math.Ln2},
		{"one negative", []float64{-.1, 1.1}, half, nan},
		{"Inf p", []float64{inf, .5}, half, inf},
		{"Inf q", half, []float64{inf, .5}, -inf},
		{"longer q", half, []float64{.5, .5, .5}, 0},
		{"p/q overflows", []float64{1}, []float64{5e-324}, inf},
		{"empty", nil, nil, 0},
	} {
		got := KL(c.p, c.q)
		if got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) && !(math.Abs(got-c.want) <= 0x1p-50*math.Abs(c.want)) {
			t.Errorf("%s: %x, want %x", c.name, got, c.want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a shorter q did not panic")
		}
	}()
	KL(half, half[:1])
}

func TestDescribe(t *testing.T) {
	d := New().Describe()
	if err := d.Convention.Check(); err != nil {
		t.Error(err)
	}
	if len(d.Ops) != 1 || d.Ops[0] != "kl" {
		t.Errorf("%+v", d)
	}
}
