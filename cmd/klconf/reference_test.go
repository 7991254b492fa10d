package main

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"klconf/conform/judge"
	"klconf/spec"
)

// Whatever can be asked is answered as the judge, which finds the value in its
// own way, expects it: correctly rounded, NaN, an infinity or a refusal.
func TestReferenceAgreesWithJudge(t *testing.T) {
	ref, err := newReference("reference")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(11, 4))
	hex := func(x float64) spec.Real { return spec.Real(strconv.FormatFloat(x, 'x', -1, 64)) }
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	asked := map[string]int{}
	for range 3000 {
		quantity := pick("kl", "kl", "kl", "entropy", "cross_entropy", "js", "kl_estimate")
		domain := pick("", "_logits", "_logprobs")
		if quantity == "js" || quantity == "kl_estimate" {
			domain = ""
		}
		d := []spec.DType{spec.F64, spec.F32, spec.F16, spec.BF16, spec.F8E4M3, spec.F8E5M2}[r.IntN(6)]
		rows, n := 1, r.IntN(9)
		op := quantity + domain
		shape := []int{n}
		if quantity != "kl_estimate" && r.IntN(3) == 0 {
			rows = r.IntN(4)
			op, shape = op+"_rows", []int{rows, n}
		}
		width := math.Exp(6*r.Float64() - 3)
		number := func(near float64) float64 {
			x := width * r.NormFloat64()
			if near != 0 && r.IntN(2) == 0 {
				x = near * (1 + math.Exp(-20*r.Float64())*r.NormFloat64())
			}
			if domain == "" && quantity != "kl_estimate" {
				x = math.Abs(x)
			}
			switch r.IntN(40) {
			case 0:
				return 0
			case 1:
				return math.Inf(-1)
			case 2:
				return []float64{math.Inf(1), math.NaN(), -1, 1e300, -1e300, 5e-324}[r.IntN(6)]
			}
			return x
		}
		p, q := make([]float64, rows*n), make([]float64, rows*n)
		for i := range p {
			p[i] = number(0)
			q[i] = number(p[i])
		}
		request := spec.Request{Op: spec.Op(op), Arrays: []spec.Array{rounded("p", d, shape, p)}}
		if quantity != "entropy" {
			request.Arrays = append(request.Arrays, rounded("q", d, shape, q))
		}
		o := &request.Options
		grad := quantity == "kl" && r.IntN(5) == 0
		switch {
		case quantity == "kl_estimate":
			o.Estimator = pick("k1", "k2", "k3")
		case grad:
			o.Grad = pick("p", "q")
		case r.IntN(4) == 0:
			mask := spec.NewArray("mask", spec.U8, shape...)
			for i := range mask.Len() {
				mask.SetBits(i, uint64(r.IntN(2)))
			}
			request.Arrays = append(request.Arrays, mask)
		}
		if !grad && quantity != "kl_estimate" {
			o.Base = []spec.Real{"", "", "e", "2", "10", "0x1p-1", hex(0.5 + 3*r.Float64())}[r.IntN(7)]
			if len(shape) == 2 {
				o.Reduction = pick("", "sum", "mean", "batchmean")
			}
		}
		if domain == "_logits" && r.IntN(2) == 0 {
			o.Temperature = hex(math.Exp(2 * r.NormFloat64()))
		}
		if quantity == "js" && r.IntN(2) == 0 {
			o.Beta = hex(r.Float64())
		}
		if r.IntN(3) == 0 {
			o.ResultDType = []spec.DType{spec.F64, spec.F32}[r.IntN(2)]
		}

		e, err := judge.Expect(request, spec.Convention{})
		a := ref.Answer(t.Context(), request)
		if err != nil {
			if a.Status != spec.Unsupported {
				t.Fatalf("%s %+v is not judged (%v), and answered %s", op, *o, err, a.Status)
			}
			asked["not judged"]++
			continue
		}
		g := judge.Assess(e, a)
		if g.Level != spec.L5 || g.NegZero {
			t.Fatalf("%s of %s, options %+v\np %v\nq %v\n%s %s: level %q, %s", op, d, *o, request.Arrays[0].Floats(), q, a.Status, a.Message, g.Level, g.Why)
		}
		asked[string(a.Status)]++
		asked[quantity+domain]++
	}
	for _, what := range []string{"ok", "rejected", "not judged", "kl", "kl_logits", "kl_logprobs", "entropy_logits", "cross_entropy_logprobs", "js", "kl_estimate"} {
		if asked[what] < 40 {
			t.Errorf("%s: %d of 3000 questions only", what, asked[what])
		}
	}
}

// rounded returns the numbers of the format nearest to x.
func rounded(name string, d spec.DType, shape []int, x []float64) spec.Array {
	a := spec.NewArray(name, d, shape...)
	for i, v := range x {
		if d.Size() > 1 {
			a.SetBits(i, judge.Bits(d, v))
			continue
		}
		// Of 256 numbers the nearest; NaN where there is no better one.
		best, distance := uint64(0x7f), math.Inf(1)
		for b := range uint64(256) {
			if gap := math.Abs(d.Widen(b) - v); d.Widen(b) == v || gap < distance {
				best, distance = b, gap
			}
		}
		a.SetBits(i, best)
	}
	return a
}
