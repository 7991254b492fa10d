// Package hunt looks for the pair of weights on which an implementation of KL(P‖Q) is the
// most wrong, by evolution: a population of the worst inputs that were seen, each question
// a change of one of them or a new one, judged like any other.
//
// Question k depends on the seed, k and the population alone, so that a hunt can be ended and
// taken up again, and parts of it run apart. What it finds is a lower bound of the error.
package hunt

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"klconf/conform/judge"
	"klconf/spec"
)

// An Objective is what is made large.
type Objective string

// The objectives of [judge.Grade].
const (
	ULP  Objective = "ulp"
	Cond Objective = "cond"
)

// Plan says what is hunted.
type Plan struct {
	Seed      uint64
	Questions int // how many in all, those of a resumed hunt included
	Objective Objective
	DType     spec.DType
	Lengths   []int // of vectors; few, as a compiler that specialises to shapes compiles for each
	// PMF keeps both vectors to weights that sum to 1 and ratios that no format overflows;
	// without it they are any positive weights of the format.
	PMF bool
}

// A Find is an input and how wrong the answer was.
type Find struct {
	P     []string `json:"p"` // words of bits
	Q     []string `json:"q"`
	Got   string   `json:"got"`
	RN    string   `json:"rn"` // the correctly rounded answer
	ULP   float64  `json:"ulp"`
	Cond  float64  `json:"cond"`
	K     int      `json:"question"`
	score float64
}

// A State is a hunt that can be taken up again.
type State struct {
	Schema    string     `json:"schema"`
	Name      string     `json:"name"`
	Seed      uint64     `json:"seed"`
	DType     spec.DType `json:"dtype"`
	Objective Objective  `json:"objective"`
	PMF       bool       `json:"pmf"`
	Lengths   []int      `json:"lengths"`
	Asked     int        `json:"asked"`
	// Refused counts questions that were answered by something other than a finite
	// number where one was due, with one of them.
	Refused int    `json:"not_answered,omitempty"`
	Example string `json:"example,omitempty"`
	Found   []Find `json:"found"` // the worst first
}

// Schema is that of a State.
const Schema = "klconf-hunt/1"

// population is how many of the worst inputs are kept.
const population = 24

// Start returns the state of a hunt that has not begun.
func Start(name string, p Plan) State {
	return State{Schema: Schema, Name: name, Seed: p.Seed, DType: p.DType, Objective: p.Objective, PMF: p.PMF, Lengths: p.Lengths, Found: []Find{}}
}

// Read reads a state.
func Read(data []byte) (s State, err error) {
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("not the state of a hunt: %w", err)
	}
	if s.Schema != Schema {
		return s, fmt.Errorf("not the state of a hunt: the schema is %q, not %q", s.Schema, Schema)
	}
	for i, f := range s.Found {
		if len(f.P) == 0 || len(f.P) != len(f.Q) {
			return s, errors.New("not the state of a hunt: an input has no two vectors of one length")
		}
		s.Found[i].score = s.score(f)
	}
	return s, nil
}

// Resume reads a state, which must be of the same hunt.
func Resume(data []byte, name string, p Plan) (State, error) {
	s, err := Read(data)
	if err != nil {
		return s, err
	}
	want := Start(name, p)
	if s.Name != want.Name || s.Seed != want.Seed || s.DType != want.DType || s.Objective != want.Objective || s.PMF != want.PMF || !slices.Equal(s.Lengths, want.Lengths) {
		return s, fmt.Errorf("it is the state of another hunt: %s, seed %d, %s, %s, lengths %v", s.Name, s.Seed, s.DType, s.Objective, s.Lengths)
	}
	return s, nil
}

func (s *State) score(f Find) float64 {
	if s.Objective == ULP {
		return f.ULP
	}
	return f.Cond
}

// Run asks until the plan's number of questions is reached or ctx is done.
func (s *State) Run(ctx context.Context, p Plan, c spec.Convention, ask func(ctx context.Context, id string, r spec.Request) spec.Answer, progress func(done, total int)) error {
	for ; s.Asked < p.Questions && ctx.Err() == nil; s.Asked++ {
		if progress != nil {
			progress(s.Asked, p.Questions)
		}
		g := &generator{rand.New(rand.NewPCG(s.Seed, uint64(s.Asked))), p}
		x, y := g.next(s.Found)
		req := spec.Request{Op: "kl", Arrays: []spec.Array{array("p", p.DType, x), array("q", p.DType, y)}}
		e, err := judge.Expect(req, c)
		if err != nil {
			return err
		}
		if e.Whole != nil || len(e.Values) != 1 || len(e.Values[0].Intervals) != 1 || e.Values[0].Intervals[0].Lo.IsInf() {
			continue // no number is due
		}
		a := ask(ctx, fmt.Sprintf("hunt/%s", p.DType), req)
		if ctx.Err() != nil {
			return nil
		}
		switch a.Status {
		case spec.NotRun:
			return fmt.Errorf("question %d: %s", s.Asked, a.Message)
		case spec.Unsupported:
			return fmt.Errorf("kl in %s is not offered: %s", p.DType, a.Message)
		}
		grade := judge.Assess(e, a)
		if !grade.Finite {
			if grade.Level.Rank() < spec.L1.Rank() {
				if s.Refused++; s.Refused == 1 {
					s.Example = fmt.Sprintf("question %d: %s", s.Asked, grade.Why)
				}
			}
			continue
		}
		f := Find{P: req.Arrays[0].Words(), Q: req.Arrays[1].Words(), Got: grade.Got.Hex, RN: e.Values[0].RN, ULP: grade.ULP, Cond: grade.Cond, K: s.Asked}
		if f.score = s.score(f); math.IsInf(f.score, 0) || math.IsNaN(f.score) {
			continue
		}
		s.keep(f)
	}
	return nil
}

// keep puts a find where it belongs, if it does.
func (s *State) keep(f Find) {
	at, _ := slices.BinarySearchFunc(s.Found, f, func(a, b Find) int { return cmp.Compare(b.score, a.score) })
	if at < population && !slices.ContainsFunc(s.Found, func(x Find) bool { return slices.Equal(x.P, f.P) && slices.Equal(x.Q, f.Q) }) {
		s.Found = slices.Insert(s.Found, at, f)
		s.Found = s.Found[:min(len(s.Found), population)]
	}
}

// A generator makes one question.
type generator struct {
	*rand.Rand
	Plan
}

// next returns a new input, or a changed one of those that were found.
func (g *generator) next(found []Find) (p, q []float64) {
	if len(found) < population || g.IntN(8) == 0 {
		return g.bounded(g.fresh())
	}
	// The worse, the more often.
	f := found[min(g.IntN(len(found)), g.IntN(len(found)))]
	p, q = numbers(g.DType, f.P), numbers(g.DType, f.Q)
	for range 1 + g.IntN(3) {
		g.change(p, q, found)
	}
	return g.bounded(p, q)
}

// fresh draws from one of some families.
func (g *generator) fresh() (p, q []float64) {
	n := g.Lengths[g.IntN(len(g.Lengths))]
	p, q = make([]float64, n), make([]float64, n)
	width, near := 4*g.Float64(), math.Pow(10, -16*g.Float64())
	for i := range p {
		p[i] = math.Exp(width * g.NormFloat64())
		switch q[i] = math.Exp(width * g.NormFloat64()); {
		case near < 1e-2: // else far
			q[i] = p[i] * (1 + near*g.NormFloat64())
		}
	}
	return p, q
}

// fraction is the number of bits of a fraction.
var fraction = map[spec.DType]int{spec.F64: 52, spec.F32: 23, spec.F16: 10, spec.BF16: 7}

// change changes an input in one way.
func (g *generator) change(p, q []float64, found []Find) {
	i, j := g.IntN(len(p)), g.IntN(len(p))
	x := [][]float64{p, q}[g.IntN(2)]
	switch g.IntN(11) {
	default: // by a factor near 1, however near
		x[i] *= 1 + math.Pow(10, -16*g.Float64())*g.NormFloat64()
	case 0: // some of the last bits
		x[i] = g.DType.Widen(judge.Bits(g.DType, x[i]) + uint64(g.IntN(17)) - 8)
	case 1: // any bit of the fraction
		x[i] = g.DType.Widen(judge.Bits(g.DType, x[i]) ^ 1<<g.IntN(fraction[g.DType]))
	case 2: // another size
		x[i] = math.Ldexp(x[i], g.IntN(41)-20)
	case 3: // nearer to the other vector
		q[i] = p[i] * (1 + math.Pow(10, -16*g.Float64())*g.NormFloat64())
	case 4:
		p[i], p[j], q[i], q[j] = p[j], p[i], q[j], q[i]
	case 5: // the other way round
		p[i], q[i] = q[i], p[i]
	case 6: // all nearer to each other
		t := g.Float64()
		for k := range q {
			q[k] += t * (p[k] - q[k])
		}
	case 7: // a part of another
		f := found[g.IntN(len(found))]
		if len(f.P) == len(p) {
			a, b := numbers(g.DType, f.P), numbers(g.DType, f.Q)
			lo, hi := min(i, j), max(i, j)+1
			copy(p[lo:hi], a[lo:hi])
			copy(q[lo:hi], b[lo:hi])
		}
	}
}

// bounded makes numbers of the format of what was drawn: positive ones, that sum to 1 if the
// plan wants it.
func (g *generator) bounded(p, q []float64) (x, y []float64) {
	least, most := g.DType.Widen(1), math.MaxFloat32
	switch {
	case g.PMF: // the ratio of two weights, and its product with one, are normal numbers
		least, most = map[spec.DType]float64{spec.F64: 0x1p-500, spec.F32: 0x1p-60, spec.BF16: 0x1p-60, spec.F16: 0x1p-7}[g.DType], 0x1p60
	case g.DType == spec.F64:
		most = 0x1p1000
	case g.DType == spec.F16:
		most = 60000
	}
	fit := func(v []float64) []float64 {
		v = slices.Clone(v)
		for i := range v {
			if !(math.Abs(v[i]) >= least) {
				v[i] = least
			}
			v[i] = min(math.Abs(v[i]), most)
		}
		if g.PMF {
			sum := 0.0
			for _, w := range v {
				sum += w
			}
			for i := range v {
				v[i] = max(v[i]/sum, least)
			}
		}
		for i := range v {
			v[i] = g.DType.Widen(judge.Bits(g.DType, v[i]))
		}
		return v
	}
	return fit(p), fit(q)
}

func array(name string, d spec.DType, x []float64) spec.Array {
	bits := make([]uint64, len(x))
	for i, v := range x {
		bits[i] = judge.Bits(d, v)
	}
	return spec.FromBits(name, d, bits)
}

func numbers(d spec.DType, words []string) []float64 {
	x := make([]float64, len(words))
	for i, w := range words {
		var bits uint64
		fmt.Sscanf(w, "%x", &bits)
		x[i] = d.Widen(bits)
	}
	return x
}
