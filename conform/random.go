package conform

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"klconf/conform/judge"
	"klconf/spec"
)

// A family draws inputs of one stratum.
type family struct {
	op           spec.Op
	requirements []string
	name         string // of the check; that of the stratum if empty
	stratum      string // "" is none
	class        string
	draws        int // in a quick run; ten times as many in a full one
	// draw draws the i-th pair; one of rowsOf(i) rows where op has rows.
	draw    func(g *rand.Rand, d spec.DType, i int, full bool) (p, q []float64)
	options func(i int) spec.Options // nil is none
	// asks says of which conventions it is asked; nil is of all.
	asks func(spec.Convention) bool
}

var (
	ofWeights  = []string{"DEF-1", "ACC-1", "ACC-0"}
	ofLogits   = []string{"LLM-1", "LLM-9", "ACC-1", "ACC-0"}
	ofLogProbs = []string{"LLM-2", "ACC-1", "ACC-0"}
)

// families are the strata of random questions. Everything is drawn from the
// run's seed and the check's id.
var families = []family{
	{op: "kl", requirements: ofWeights, stratum: "generic", class: "measure", draws: 12, draw: func(g *rand.Rand, d spec.DType, _ int, _ bool) (p, q []float64) {
		n := 1 + g.IntN(64)
		return pmf(g, n, exponential), pmf(g, n, exponential)
	}},
	{op: "kl", requirements: ofWeights, stratum: "near-equal", class: "measure", draws: 12, draw: func(g *rand.Rand, d spec.DType, _ int, _ bool) (p, q []float64) {
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
	{op: "kl", requirements: ofWeights, stratum: "huge-ratio", class: "measure", draws: 12, draw: func(g *rand.Rand, d spec.DType, _ int, _ bool) (p, q []float64) {
		n := 1 + g.IntN(64)
		scale := map[spec.DType]float64{spec.F64: 20, spec.F32: 8, spec.BF16: 8, spec.F16: 1}[d]
		wide := func(g *rand.Rand) float64 { return math.Exp(scale * g.NormFloat64()) }
		return pmf(g, n, wide), pmf(g, n, wide)
	}},
	{op: "kl", requirements: ofWeights, stratum: "subnormal", class: "measure", draws: 8, draw: func(g *rand.Rand, d spec.DType, _ int, _ bool) (p, q []float64) {
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
	{op: "kl", requirements: ofWeights, stratum: "p-ne-q", class: "measure", draws: 12, draw: func(g *rand.Rand, d spec.DType, _ int, _ bool) (p, q []float64) {
		n := 1 + g.IntN(64)
		p, q = make([]float64, n), make([]float64, n)
		for i := range n {
			p[i], q[i] = math.Floor(100*g.Float64()), math.Floor(1+99*g.Float64())
		}
		return p, q
	}},
	{op: "kl", requirements: ofWeights, stratum: "softmax", class: "measure", draws: 3, draw: func(g *rand.Rand, d spec.DType, _ int, _ bool) (p, q []float64) {
		n := 64 + g.IntN(448)
		a, b := make([]float64, n), make([]float64, n)
		for i := range n {
			x := 4 * g.NormFloat64()
			a[i], b[i] = math.Exp(x), math.Exp(x+g.NormFloat64()/2)
		}
		return normalised(a), normalised(b)
	}},
	{op: "kl", requirements: ofWeights, stratum: "large-n", class: "measure", draws: 1, draw: func(g *rand.Rand, d spec.DType, _ int, full bool) (p, q []float64) {
		n := 4097 + g.IntN(512)
		if full {
			n = 20000 + g.IntN(20000)
		}
		return pmf(g, n, exponential), pmf(g, n, exponential)
	}},
	{op: "kl_logits", requirements: ofLogits, stratum: "logits", class: "other", draws: 12, draw: func(g *rand.Rand, d spec.DType, _ int, full bool) (p, q []float64) {
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
	{op: "kl_logprobs", requirements: ofLogProbs, stratum: "logprobs", class: "other", draws: 12, draw: func(g *rand.Rand, d spec.DType, _ int, _ bool) (p, q []float64) {
		n := 1 + g.IntN(64)
		p, q = pmf(g, n, exponential), pmf(g, n, exponential)
		for i := range n {
			p[i], q[i] = math.Log(p[i]), math.Log(q[i])
		}
		return p, q
	}},
}

// What follows makes no stratum of accuracy: it looks for tails, rows and
// special values that a position hides.
func init() {
	for _, x := range []struct {
		op          spec.Op
		requirement string
	}{
		{"entropy", "DEF-5"}, {"cross_entropy", "DEF-6"}, {"js", "DEF-7"},
		{"entropy_logits", "LLM-1"}, {"cross_entropy_logits", "LLM-1"}, {"entropy_logprobs", "LLM-2"}, {"cross_entropy_logprobs", "LLM-2"},
		{"kl_logits", "LLM-1"}, {"kl_logprobs", "LLM-2"}, {"kl_estimate", "LLM-12"}, {"kl", "DEF-1"},
	} {
		quantity, domain, _, _ := x.op.Split()
		tails := family{op: x.op, requirements: []string{x.requirement, "ACC-1", "ACC-0"}, name: "tails-" + string(x.op), class: "other", draws: 16,
			draw: func(g *rand.Rand, d spec.DType, i int, _ bool) (p, q []float64) {
				return drawn(g, domain, 16*g.IntN(4)+(i+15)%16+1)
			}}
		if domain == spec.Probs {
			tails.class = "measure"
		}
		if quantity == spec.KLEstimate {
			tails.class = "other"
			tails.draw = func(g *rand.Rand, d spec.DType, i int, _ bool) (p, q []float64) {
				return drawn(g, spec.LogProbs, 16*g.IntN(4)+(i+15)%16+1)
			}
			tails.options = func(i int) spec.Options { return spec.Options{Estimator: fmt.Sprint("k", 1+i%3)} }
			families = append(families, tails)
			continue
		}
		rows := tails
		rows.op, rows.name, rows.draws = x.op+"_rows", "batch-"+string(x.op), 18
		rows.requirements = []string{"ROW-1", "ROW-7", x.requirement, "ACC-1", "ACC-0"}
		rows.draw = func(g *rand.Rand, d spec.DType, i int, _ bool) (p, q []float64) {
			n := 1 + 7*i%20 // few shapes, as for lengths
			for range rowsOf(i) {
				x, y := drawn(g, domain, n)
				p, q = append(p, x...), append(q, y...)
			}
			return p, q
		}
		families = append(families, tails, rows)
	}
	families = append(families, family{op: "kl", requirements: []string{"VAL-17", "ACC-0"}, name: "zero-total", class: "other", draws: 8, draw: zeroTotal})
	// Equal but for one pair, which a shortcut for equal vectors may not look at.
	families = append(families, family{op: "kl", requirements: []string{"DEF-1", "ACC-1", "ACC-0"}, name: "one-differs", class: "measure", draws: 2 * len(lengths),
		draw: func(g *rand.Rand, d spec.DType, i int, _ bool) (p, q []float64) {
			p = pmf(g, lengths[i%len(lengths)], exponential)
			q = append(q, p...)
			q[g.IntN(len(q))] /= 2
			return p, q
		}})
	for _, x := range []struct {
		name, requirement string
		plant             func(g *rand.Rand, d spec.DType, p, q *float64)
	}{
		{"nan", "VAL-5", func(g *rand.Rand, _ spec.DType, p, q *float64) { *either(g, p, q) = math.NaN() }},
		{"negative", "VAL-7", func(g *rand.Rand, _ spec.DType, p, q *float64) { *either(g, p, q) *= -1 }},
		{"infinite", "VAL-8", func(g *rand.Rand, _ spec.DType, p, q *float64) { *either(g, p, q) = math.Inf(1) }},
		{"zero-p", "VAL-1", func(_ *rand.Rand, _ spec.DType, p, q *float64) { *p = 0 }},
		{"zero-q", "VAL-2", func(_ *rand.Rand, _ spec.DType, p, q *float64) { *q = 0 }},
		{"zero-zero", "VAL-3", func(_ *rand.Rand, _ spec.DType, p, q *float64) { *p, *q = 0, 0 }},
		{"negative-zero", "VAL-4", func(g *rand.Rand, _ spec.DType, p, q *float64) { *either(g, p, q) = math.Copysign(0, -1) }},
		{"subnormal-q", "VAL-11", func(_ *rand.Rand, d spec.DType, p, q *float64) { *q = d.Widen(1) }},
	} {
		families = append(families, family{op: "kl", requirements: []string{x.requirement, "ACC-0"}, name: "anywhere-" + x.name, class: "other", asks: func(c spec.Convention) bool {
			// What comes of a number outside the domain that is let through depends on
			// more than its place; the vectors about conventions ask for it.
			through := []string{"inf", "value"}
			return !(x.name == "negative" && slices.Contains(through, c.Negative) || x.name == "infinite" && slices.Contains(through, c.Infinite))
		}, draws: 2 * len(lengths),
			// Every length twice, once with the place among the last 16.
			draw: func(g *rand.Rand, d spec.DType, i int, _ bool) (p, q []float64) {
				n := lengths[i%len(lengths)]
				p, q = pmf(g, n, exponential), pmf(g, n, exponential)
				at := g.IntN(n)
				if i < len(lengths) {
					at = n - 1 - g.IntN(min(n, 16))
				}
				x.plant(g, d, &p[at], &q[at])
				return p, q
			}})
	}
}

// zeroTotal is all zero in P or in Q, next to weights that are not uniform: what
// puts a distribution in its place shows.
func zeroTotal(g *rand.Rand, _ spec.DType, i int, _ bool) (p, q []float64) {
	n := 1 + g.IntN(8)
	p, q = pmf(g, n, exponential), pmf(g, n, exponential)
	clear([][]float64{p, q}[i%2])
	return p, q
}

// lengths are those of vectors with a special value somewhere. They are few, as
// a compiler that specialises to shapes compiles for each.
var lengths = []int{1, 3, 7, 13, 27, 47, 90, 150, 300, 600, 1100}

// rowsOf is the number of rows of the i-th batch.
func rowsOf(i int) int { return 1 + i%18 }

func either(g *rand.Rand, p, q *float64) *float64 {
	if g.IntN(2) == 0 {
		return p
	}
	return q
}

// drawn draws two pmfs of n weights, as a domain writes them.
func drawn(g *rand.Rand, domain spec.Domain, n int) (p, q []float64) {
	p, q = pmf(g, n, exponential), pmf(g, n, exponential)
	if domain != spec.Probs {
		for i := range n {
			p[i], q[i] = math.Log(p[i]), math.Log(q[i])
		}
	}
	return p, q
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
			if !r.desc.Offers(f.op, d) || f.asks != nil && !f.asks(r.conv) {
				continue
			}
			if f.stratum == "large-n" && (d == spec.F16 || d == spec.BF16) {
				continue // the entries would all be 0 or subnormal
			}
			id := fmt.Sprintf("random/%s/%s", cmp.Or(f.name, f.stratum), d)
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
	quantity, _, rows, _ := f.op.Split()
	for i := range draws {
		p, q := f.draw(g, d, i, r.o.Full)
		req := spec.Request{Op: f.op, Arrays: []spec.Array{floats("p", d, p), floats("q", d, q)}[:quantity.Arity()]}
		if rows {
			for k := range req.Arrays {
				req.Arrays[k].Shape = []int{rowsOf(i), len(p) / rowsOf(i)}
			}
		}
		if f.options != nil {
			req.Options = f.options(i)
		}
		stratum, class := f.stratum, f.class
		if stratum != "" && (d == spec.F16 || d == spec.BF16) {
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
			if last.Status == spec.Fail {
				last, req = r.shrink(qu, req, last)
			}
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
