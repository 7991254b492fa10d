package main

import (
	"bytes"
	"math"
	"testing"

	"klconf/examples/readme"
	"klconf/examples/softmax"
	"klconf/golden"
	"klconf/impl"
	"klconf/impl/exact"
)

func TestOutput(t *testing.T) {
	var b bytes.Buffer
	if err := run(&b); err != nil {
		t.Fatal(err)
	}
	readme.Check(t, "go run ./examples/translation", b.String())
}

// The columns are the divergences that they are said to be, and obey what holds between them.
func TestColumns(t *testing.T) {
	rows, err := golden.Logits()
	if err != nil {
		t.Fatal(err)
	}
	for i := range golden.DataRows / 2 {
		p, q := rows[i], rows[i+golden.DataRows/2]
		forward, reverse := impl.KLLogits32(p, q), impl.KLLogits32(q, p)
		js, v := jensenShannon(p, q), variation(p, q)
		if forward == reverse {
			t.Errorf("row %d: both directions give %v", i, forward)
		}
		if most := pinsker(min(forward, reverse)); v > most || v < most/100 {
			t.Errorf("row %d: variation %v, at most %v", i, v, most)
		}
		// JS is convex in each argument: at most a quarter of the sum of both directions, and by
		// Pinsker's inequality of both halves at least v²/2.
		if js > (forward+reverse)/4 || js < v*v/2 {
			t.Errorf("row %d: JS %v of %v and %v, variation %v", i, js, forward, reverse, v)
		}
	}
}

// The divergence of rounded weights is that of the logits themselves: KL(P‖M) and KL(Q‖M) by
// the oracle, from the logits and the logarithms of M.
func TestJensenShannonOfLogits(t *testing.T) {
	a, b := []float32{1, 2, 3}, []float32{3, 1, 0}
	p, q := softmax.Of(a), softmax.Of(b)
	mix := func(x []float32) *exact.Form { // KL(softmax x‖M)
		m := make([]float64, len(p))
		logs := make([]float64, len(p))
		for i := range p {
			m[i] = math.Log((p[i] + q[i]) / 2)
			logs[i] = float64(x[i])
		}
		return exact.KLLogits(logs, m, 1)
	}
	var want float64
	for _, x := range [][]float32{a, b} {
		r, err := mix(x).Round(exact.Float64)
		if err != nil {
			t.Fatal(err)
		}
		want += exact.Float64.Value(r.Bits) / 2
	}
	if got := jensenShannon(a, b); math.Abs(got-want) > 1e-15 {
		t.Errorf("%v, from logits %v", got, want)
	}
}
