package main

import (
	"bytes"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"klconf/examples/readme"
	"klconf/examples/softmax"
	"klconf/golden"
	"klconf/impl"
)

// rows are the first logits of the rows that the program takes: laws need no more, and
// without assembly more takes long.
func rows(t *testing.T) [][]float32 {
	t.Helper()
	all, err := golden.Logits()
	if err != nil {
		t.Fatal(err)
	}
	p := all[:golden.DataRows/2]
	for i := range p {
		p[i] = p[i][:4096]
	}
	return p
}

func TestOutput(t *testing.T) {
	var b bytes.Buffer
	if err := run(&b, 0.05, 10000); err != nil {
		t.Fatal(err)
	}
	readme.Check(t, "go run ./examples/temperature", b.String())
}

// The temperature found is within the budget, and the next is not.
func TestHottest(t *testing.T) {
	p := rows(t)
	for _, budget := range []float64{1e-6, 0.01, 0.3, 2} {
		at, found := hottest(p, budget)
		if here, next := mean(p, at), mean(p, at+1.0/steps); !found || here > budget || next <= budget {
			t.Errorf("budget %v: T = %v has %v and the next %v", budget, at, here, next)
		}
	}
	if at, found := hottest(p, 20); found {
		t.Errorf("budget 20: T = %v, want none", at)
	}
	if err := run(io.Discard, 20, 2); err == nil || !strings.Contains(err.Error(), "smaller budget") {
		t.Errorf("budget 20: %v", err)
	}
}

// The mean divergence rises, in wide steps and in the smallest.
func TestMeanRises(t *testing.T) {
	p := rows(t)
	for _, from := range []float64{1, 1.2, 3, 9.99} {
		before := mean(p, from)
		for k := 1; k <= 20; k++ {
			now := mean(p, from+float64(k)/steps)
			if now <= before {
				t.Errorf("%d steps from T = %v it is %v after %v", k, from, now, before)
			}
			before = now
		}
	}
	if got := mean(p, 1); got != 0 {
		t.Errorf("at T = 1 it is %v", got)
	}
	// KL(p_b‖p_1) = (b−1)A′(b) − A(b) + A(1), by sums in float64: right to 1e-12 or so.
	for _, temperature := range []float64{0.5, 2, 4} {
		b := 1 / temperature
		var want float64
		for _, x := range p {
			var first, total, one float64
			for _, v := range x {
				e := math.Exp(b * float64(v))
				first, total, one = first+e*float64(v), total+e, one+math.Exp(float64(v))
			}
			want += ((b-1)*first/total - math.Log(total) + math.Log(one)) / float64(len(p))
		}
		if got := mean(p, temperature); math.Abs(got-want) > 1e-10 {
			t.Errorf("T = %v: %v, by the derivatives of ln Σ e^bx %v", temperature, got, want)
		}
	}
}

// Samples estimate KL(P_T‖P), and would not pass for the other direction.
func TestSampled(t *testing.T) {
	x := rows(t)[3]
	hot := at(x, 1.5)
	rng := rand.New(rand.NewPCG(1, 1))
	estimate, deviation := sampled(rng, softmax.Of(hot), softmax.Of(x), 50000)
	right, wrong := impl.KLLogits32(hot, x), impl.KLLogits32(x, hot)
	if math.Abs(estimate-right) > 4*deviation {
		t.Errorf("estimate %v ± %v of %v", estimate, deviation, right)
	}
	if math.Abs(estimate-wrong) < 6*deviation {
		t.Errorf("estimate %v ± %v could be %v, of the wrong direction", estimate, deviation, wrong)
	}
}
