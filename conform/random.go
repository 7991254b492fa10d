package conform

import (
	"fmt"
	"math"
	"math/rand/v2"

	"klconf/conform/judge"
	"klconf/spec"
)

// A family draws inputs of one stratum.
type family struct {
	op           spec.Op
	requirements []string
	stratum      string
	class        string
	draws        int // in a quick run; ten times as many in a full one
	draw         func(g *rand.Rand, d spec.DType, full bool) (p, q []float64)
}

var (
	ofWeights  = []string{"DEF-1", "ACC-1", "ACC-0"}
	ofLogits   = []string{"LLM-1", "LLM-9", "ACC-1", "ACC-0"}
	ofLogProbs = []string{"LLM-2", "ACC-1", "ACC-0"}
)

// families are the strata of random questions. Everything is drawn from the
// run's seed and the check's id.
var families = []family{
	{"kl", ofWeights, "generic", "measure", 12, func(g *rand.Rand, d spec.DType, _ bool) (p, q []float64) {
		n := 1 + g.IntN(64)
		return pmf(g, n, exponential), pmf(g, n, exponential)
	}},
	{"kl", ofWeights, "near-equal", "measure", 12, func(g *rand.Rand, d spec.DType, _ bool) (p, q []float64) {
		n := 1 + g.IntN(64)
		p = pmf(g, n, exponential)
		delta := math.Pow(10, -1-7*g.Float64())
		if d == spec.F64 {
			delta = math.Pow(10, -1-15*g.Float64())
		}
		q = make([]float64, n)
		for i := range q {
			q[i] = p[i] * (1 + delta*g.NormFloat64())
			if q[i] <= 0 {
				q[i] = p[i]
			}
		}
		return p, q
	}},
	{"kl", ofWeights, "huge-ratio", "measure", 12, func(g *rand.Rand, d spec.DType, _ bool) (p, q []float64) {
		n := 1 + g.IntN(64)
		scale := map[spec.DType]float64{spec.F64: 20, spec.F32: 8, spec.BF16: 8, spec.F16: 1}[d]
		wide := func(g *rand.Rand) float64 { return math.Exp(scale * g.NormFloat64()) }
		return pmf(g, n, wide), pmf(g, n, wide)
	}},
	{"kl", ofWeights, "subnormal", "measure", 8, func(g *rand.Rand, d spec.DType, _ bool) (p, q []float64) {
		n := 1 + g.IntN(16)
		p, q = pmf(g, n, exponential), pmf(g, n, exponential)
		least := d.Widen(1)
		for i := range n {
			tiny := least * float64(1+g.IntN(100))
			switch g.IntN(4) {
			case 0:
				p[i] = tiny
			case 1:
				q[i] = tiny
			case 2:
				p[i], q[i] = tiny, least*float64(1+g.IntN(100))
			}
		}
		return p, q
	}},
	{"kl", ofWeights, "p-ne-q", "measure", 12, func(g *rand.Rand, d spec.DType, _ bool) (p, q []float64) {
		n := 1 + g.IntN(64)
		p, q = make([]float64, n), make([]float64, n)
		for i := range n {
			p[i], q[i] = math.Floor(100*g.Float64()), math.Floor(1+99*g.Float64())
		}
		return p, q
	}},
	{"kl", ofWeights, "softmax", "measure", 3, func(g *rand.Rand, d spec.DType, _ bool) (p, q []float64) {
		n := 64 + g.IntN(448)
		a, b := make([]float64, n), make([]float64, n)
		for i := range n {
			x := 4 * g.NormFloat64()
			a[i], b[i] = math.Exp(x), math.Exp(x+g.NormFloat64()/2)
		}
		return normalised(a), normalised(b)
	}},
	{"kl", ofWeights, "large-n", "measure", 1, func(g *rand.Rand, d spec.DType, full bool) (p, q []float64) {
		n := 4097 + g.IntN(512)
		if full {
			n = 20000 + g.IntN(20000)
		}
		return pmf(g, n, exponential), pmf(g, n, exponential)
	}},
	{"kl_logits", ofLogits, "logits", "other", 12, func(g *rand.Rand, d spec.DType, full bool) (p, q []float64) {
		n := 2 + g.IntN(256)
		if full {
			n = 2 + g.IntN(4096)
		}
		// As a model's: a few nats wide or many, Q next to P or not, and the whole
		// row anywhere, since only differences count.
		width, delta, shift := math.Pow(2, 4*g.Float64()), math.Pow(10, -6*g.Float64()), 40*g.NormFloat64()
		p, q = make([]float64, n), make([]float64, n)
		for i := range n {
			p[i] = shift + width*g.NormFloat64()
			q[i] = p[i] + delta*g.NormFloat64()
		}
		return p, q
	}},
	{"kl_logprobs", ofLogProbs, "logprobs", "other", 12, func(g *rand.Rand, d spec.DType, _ bool) (p, q []float64) {
		n := 1 + g.IntN(64)
		p, q = pmf(g, n, exponential), pmf(g, n, exponential)
		for i := range n {
			p[i], q[i] = math.Log(p[i]), math.Log(q[i])
		}
		return p, q
	}},
}

func exponential(g *rand.Rand) float64 { return g.ExpFloat64() + 1e-3 }

func pmf(g *rand.Rand, n int, draw func(*rand.Rand) float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = draw(g)
	}
	return normalised(x)
}

func normalised(x []float64) []float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	for i := range x {
		x[i] /= s
	}
	return x
}

// planRandom adds one check for each stratum and format.
func (r *run) planRandom(add func(string, func())) {
	for _, f := range families {
		for _, d := range floatTypes {
			if !r.desc.Offers(f.op, d) {
				continue
			}
			if f.stratum == "large-n" && (d == spec.F16 || d == spec.BF16) {
				continue // the entries would all be 0 or subnormal
			}
			id := fmt.Sprintf("random/%s/%s", f.stratum, d)
			add(id, func() { r.random(id, f, d) })
		}
	}
}

// random asks the draws of one stratum until one fails.
func (r *run) random(id string, f family, d spec.DType) {
	g := r.rng(id)
	draws := f.draws
	if r.o.Full {
		draws *= 10
	}
	var last spec.Result
	var lastReq spec.Request
	for range draws {
		p, q := f.draw(g, d, r.o.Full)
		req := spec.Request{Op: f.op, Arrays: []spec.Array{floats("p", d, p), floats("q", d, q)}}
		stratum, class := f.stratum, f.class
		if d == spec.F16 || d == spec.BF16 {
			stratum = "low-precision"
		}
		if f.op == "kl" && judge.IsPMF(req.Arrays[0]) && judge.IsPMF(req.Arrays[1]) {
			class = "pmf"
		}
		if t := r.conv.RequiresNormalised; (r.narrow || t != nil && t.Required) && class == "measure" {
			continue
		}
		qu := question{id: id, requirements: f.requirements, stratum: stratum, class: class,
			request: func() spec.Request { return req }}
		if why, ok := r.offers(req); !ok {
			r.record(spec.Result{ID: id, Requirements: qu.requirements, Status: spec.StatusUnsupported, Message: why}, req)
			return
		}
		e, err := r.expect(qu)
		if err != nil {
			r.record(spec.Result{ID: id, Requirements: qu.requirements, Status: notJudged(err), Message: err.Error()}, req)
			return
		}
		a := r.put(id, req)
		last, lastReq = r.gradeAnswer(qu, req, e, a), req
		if last.Status != spec.Pass && last.Status != spec.Note {
			r.record(last, req)
			return
		}
		if again, _ := r.repeat(qu, e, a); again != nil {
			last.Status, last.Message = again.Status, again.Message
			r.record(last, req)
			return
		}
	}
	if last.ID == "" {
		r.record(spec.Result{ID: id, Requirements: f.requirements[:1], Status: spec.StatusUnsupported, Message: "every draw is outside the narrower domain"}, lastReq)
		return
	}
	last.Got, last.Expected, last.ULP, last.Cond = nil, nil, nil, nil
	r.record(last, spec.Request{})
}
