package judge_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"klconf/conform/judge"
	"klconf/spec"
)

const clip = `{"do":"clamp","of":"both","in":"both","lo":{"f64":"0x1.ad7f29abcaf48p-24","f32":"0x1.ad7f2ap-24","f16":"0x1p-23","bf16":"0x1.aep-24"},"hi":"1"}`

// One row under steps on its softmax, masks included, against values that mpmath 1.3.0
// computed with 60 digits from the definition of each step.
func TestSoftmaxSteps(t *testing.T) {
	a, b := []float64{0, -3.5, -20, 7.25, -inf}, []float64{1, -30, 2.5, 6, .5}
	for _, c := range []struct {
		name, convention string
		op               spec.Op
		temperature      spec.Real
		want             float64
	}{
		{"both", `{"steps":[` + clip + `]}`, "kl_logits", "", 0.03798680402723264248361863370653025796751},
		{"Q alone", `{"steps":[{"do":"clamp","of":"q","lo":"0x1.ad7f29abcaf48p-24"}]}`, "kl_logits", "", 0.03798911957107708975340237828216410677456},
		{"in the logarithm alone", `{"steps":[{"do":"clamp","of":"both","in":"log","lo":"0x1.ad7f29abcaf48p-24","hi":"1"}]}`, "kl_logits", "", 0.03798911958736088914857619109628960266532},
		{"normalised before", `{"steps":[{"do":"normalise","of":"both"},` + clip + `]}`, "kl_logits", "", 0.03798680402723264248361863370653025796751},
		{"normalised after", `{"steps":[` + clip + `,{"do":"normalise","of":"both"}]}`, "kl_logits", "", 0.03798669643140640536364961277765596508582},
		{"added", `{"steps":[{"do":"add","of":"both","value":"0x1p-10"}]}`, "kl_logits", "", 0.03203894752746023366916593903662456284224},
		{"at temperature 2.5", `{"steps":[` + clip + `]}`, "kl_logits", "0x1.4p1", 0.4159884633039709140836761707868284193206},
		{"generalised, above too", `{"generalised":true,"steps":[{"do":"clamp","of":"both","lo":"0x1p-6","hi":"0x1p-1"}]}`, "kl_logits", "", 0.00371556139396868012417194803697584754485},
		{"bits", `{"base":"2","steps":[` + clip + `]}`, "kl_logits", "", 0.05480337378930943697997232306562168150041},
		{"half", `{"scale":"-0x1p-1","steps":[` + clip + `]}`, "kl_logits", "", -0.5 * 0.03798680402723264248361863370653025796751},
		{"entropy", `{"steps":[` + clip + `]}`, "entropy_logits", "", 0.006109945646044288670272414339725562262035},
		{"cross-entropy", `{"steps":[` + clip + `]}`, "cross_entropy_logits", "", 0.04409674967327693115389104804625582022954},
	} {
		r := ask(c.op, a, b)
		if c.op == "entropy_logits" {
			r = ask(c.op, a, nil)
		}
		r.Options.Temperature = c.temperature
		e, err := judge.Expect(r, convention(t, c.convention))
		if err != nil {
			t.Fatal(err)
		}
		if rn := spec.HexBits(spec.F64, math.Float64bits(c.want)); e.Values[0].RN != rn {
			t.Errorf("%s: %s, want %v", c.name, judge.Describe(e.Values[0]), c.want)
		}
	}
}

// The zeros that a step leaves, rows without a distribution, and rows that become equal.
func TestSoftmaxStepsAtZeros(t *testing.T) {
	ninf := -inf
	onP, onQ := `{"steps":[{"do":"clamp","of":"p","lo":"0x1p-2"}]%s}`, `{"steps":[{"do":"clamp","of":"q","lo":"0x1p-2"}]%s}`
	for _, c := range []struct {
		name, convention string
		p, q             []float64
		answer           float64
		want             bool
	}{
		{"masked in Q, P raised", fmt.Sprintf(onP, ""), []float64{0, ninf}, []float64{0, ninf}, inf, true},
		{"masked in Q, P raised, finite", fmt.Sprintf(onP, ""), []float64{0, ninf}, []float64{0, ninf}, 0, false},
		{"masked in Q, dropped as declared", fmt.Sprintf(onP, `,"zero_q":"drop"`), []float64{0, ninf}, []float64{0, ninf}, 0, true},
		{"masked in P, Q raised", fmt.Sprintf(onQ, ""), []float64{0, ninf}, []float64{0, ninf}, 0, true},
		{"masked in P, NaN as declared", fmt.Sprintf(onQ, `,"zero_p":"nan"`), []float64{0, ninf}, []float64{0, ninf}, nan, true},
		{"nothing left of P", fmt.Sprintf(onP, ""), []float64{ninf, ninf}, []float64{0, 0}, nan, true},
		{"nothing left of Q, raised", fmt.Sprintf(onQ, ""), []float64{0, 0}, []float64{ninf, ninf}, 0, false},
		{"NaN", `{"steps":[` + clip + `]}`, []float64{0, nan}, []float64{0, 0}, nan, true},
		{"NaN raised", `{"steps":[` + clip + `]}`, []float64{0, nan}, []float64{0, 0}, 16, false},
		{"shifted", `{"steps":[` + clip + `]}`, []float64{1, 2, -30}, []float64{1001, 1002, 970}, 0, true},
		{"all tails", `{"steps":[` + clip + `]}`, []float64{0, -40, -50}, []float64{3, -41, -61}, 0, true},
		{"a tail of P, not raised", `{"steps":[` + clip + `]}`, []float64{0, -40}, []float64{0, -14}, 8.31528e-7, false},
		{"no logits", `{"steps":[` + clip + `]}`, []float64{}, []float64{}, nan, true},
	} {
		e, err := judge.Expect(ask("kl_logits", c.p, c.q), convention(t, c.convention))
		if err != nil {
			t.Fatal(err)
		}
		a := spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("kl", spec.F64, math.Float64bits(c.answer))}}
		if g := judge.Assess(e, a); g.Level.Rank() >= spec.L1.Rank() != c.want {
			t.Errorf("%s: level %q: %s", c.name, g.Level, g.Why)
		}
	}
}

// A float is a format to compute in.
type float interface{ float32 | float64 }

func softmaxOf[F float](a []F) []F {
	top := a[0]
	for _, x := range a {
		top = max(top, x)
	}
	s, sum := make([]F, len(a)), F(0)
	for i, x := range a {
		s[i] = F(math.Exp(float64(x - top)))
		sum += s[i]
	}
	for i := range s {
		s[i] /= sum
	}
	return s
}

// clippedLoop clips both softmaxes to [lo, 1] and adds up p ln(p/q), all of it in F.
func clippedLoop[F float](a, b []F, lo F) F {
	p, q, k := softmaxOf(a), softmaxOf(b), F(0)
	for i := range p {
		x, y := min(max(p[i], lo), 1), min(max(q[i], lo), 1)
		k += x * F(math.Log(float64(x/y)))
	}
	return k
}

// The loop that Keras runs passes L1 in float32 and float64, at any length and width of
// the logits; one that clips elsewhere, on one side, or divides again, does not.
func TestClippedSoftmaxLoops(t *testing.T) {
	only := func(a, b []float64) float64 { // Q alone
		p, q, k := softmaxOf(a), softmaxOf(b), 0.0
		for i := range p {
			if p[i] > 0 {
				k += p[i] * math.Log(p[i]/max(q[i], 1e-7))
			}
		}
		return k
	}
	divided := func(a, b []float64) float64 {
		p, q := softmaxOf(a), softmaxOf(b)
		sp, sq := 0.0, 0.0
		for i := range p {
			p[i], q[i] = max(p[i], 1e-7), max(q[i], 1e-7)
			sp, sq = sp+p[i], sq+q[i]
		}
		k := 0.0
		for i := range p {
			k += p[i] / sp * math.Log(p[i]/sp/(q[i]/sq))
		}
		return k
	}
	wrong := map[string]struct {
		f      rowFunc
		caught int
	}{
		"not clipped":        {f: klLogSoftmax},
		"clipped at 1.01e-7": {f: func(a, b []float64) float64 { return clippedLoop(a, b, 1.01e-7) }},
		"Q alone":            {f: only},
		"divided again":      {f: divided},
		"swapped":            {f: func(a, b []float64) float64 { return clippedLoop(b, a, 1e-7) }},
	}
	c := convention(t, `{"steps":[`+clip+`]}`)
	r := rand.New(rand.NewPCG(7, 9))
	const draws = 60
	for k := range draws {
		n := 2 + k%5
		if k%3 == 0 {
			n = 2 + r.IntN(300)
		}
		width := math.Pow(2, 5*r.Float64())
		a, b := make([]float32, n), make([]float32, n)
		x, y := make([]float64, n), make([]float64, n)
		for i := range a {
			a[i] = float32(width * r.NormFloat64())
			b[i] = a[i] + float32(3*r.NormFloat64())
			x[i], y[i] = float64(a[i]), float64(b[i])
		}
		grade := func(d spec.DType, answer spec.Array) judge.Grade {
			q := ask("kl_logits", x, y)
			if d == spec.F32 {
				q.Arrays = []spec.Array{spec.Float32s("p", a), spec.Float32s("q", b)}
				q.Options.ResultDType = spec.F32
			}
			answer.Shape = nil
			e, err := judge.Expect(q, c)
			if err != nil {
				t.Fatal(err)
			}
			return judge.Assess(e, spec.Answer{Status: spec.OK, Arrays: []spec.Array{answer}})
		}
		if g := grade(spec.F32, spec.Float32s("kl", []float32{clippedLoop(a, b, 1e-7)})); g.Level.Rank() < spec.L1.Rank() {
			t.Fatalf("float32, n = %d, width %v: level %q: %s", n, width, g.Level, g.Why)
		}
		if g := grade(spec.F64, spec.Float64s("kl", []float64{clippedLoop(x, y, 1e-7)})); g.Level.Rank() < spec.L1.Rank() {
			t.Fatalf("float64, n = %d, width %v: level %q: %s", n, width, g.Level, g.Why)
		}
		for name, w := range wrong {
			if g := grade(spec.F64, spec.Float64s("kl", []float64{w.f(x, y)})); g.Level.Rank() < spec.L1.Rank() {
				w.caught++
				wrong[name] = w
			}
		}
	}
	for name, w := range wrong {
		if w.caught < draws/3 {
			t.Errorf("%s: caught in %d of %d rows only", name, w.caught, draws)
		}
		t.Logf("%s: caught in %d of %d rows", name, w.caught, draws)
	}
}

// A row at the size of a vocabulary is judged, most of it below the limit.
func TestSoftmaxStepsOfLongRows(t *testing.T) {
	const n = 1 << 13
	r := rand.New(rand.NewPCG(1, 2))
	a, b := make([]float64, n), make([]float64, n)
	for i := range a {
		a[i] = 6 * r.NormFloat64()
		b[i] = a[i] + .3*r.NormFloat64()
	}
	e, err := judge.Expect(ask("kl_logits", a, b), convention(t, `{"steps":[`+clip+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	lo := clippedLoop(a, b, 0x1.ad7f29abcaf48p-24)
	if got, _ := e.Values[0].Intervals[0].Lo.Float64(); math.Abs(got-lo) > 1e-12*lo {
		t.Errorf("%v, a loop %v", got, lo)
	}
}
