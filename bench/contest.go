package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"klconf/conform/judge"
	"klconf/spec"
)

// A Contestant is an implementation that is timed beside others.
type Contestant struct {
	Name          string
	Description   spec.Description // its convention, if it declares none, is the definition
	Deterministic bool             // the same question gets the same bits

	// Ask puts a question: load, drop, bench, or a quantity.
	Ask func(ctx context.Context, r spec.Request) spec.Answer
	// Peak calls f and returns the bytes by which memory rose meanwhile, if that is known;
	// nil if it never is.
	Peak func(f func()) (bytes int64, ok bool)
}

// A Plan says what is timed, and how long.
type Plan struct {
	Op       spec.Op // kl, or another quantity of two vectors
	DTypes   []spec.DType
	Families []Family
	Sizes    []int
	Passes   int           // over all cells; 0 is 1
	Rounds   int           // the samples that are kept of each, in each pass
	Sample   time.Duration // the least that a sample should take
	Limit    time.Duration // what takes longer for one call is not timed

	dot func(a []spec.Array) func(iters int) // for tests; dotOf if nil
}

// warmUp is the number of rounds that are run first and not kept: one in each order.
const warmUp = 2

// A Cell is what was measured on one pair of vectors.
type Cell struct {
	DType   spec.DType
	Data    string
	N       int
	Dot     Times // of the dot product of the same vectors, in the same rounds
	Entries []Entry
}

// An Entry is what was measured of one contestant. Without times, Why says why.
type Entry struct {
	Name  string
	Why   string
	Iters int
	Times Times

	ULP    *float64     // the largest |answer − K|/ulp(K) over the draws, K by the convention; nil above ULPLimit
	Allocs *spec.Allocs // of one sample of Iters calls, if it is known
	Peak   *int64       // bytes by which memory rose during a sample, if it is known
}

// Measure times the contestants on every cell of the plan. The vectors are loaded before,
// iterations are calibrated, and in each round each contestant is timed once, in the
// opposite order of the round before: ABBA, so that a steady drift cancels. Each pass goes over all
// cells and loads the vectors anew: what depends on the minute, or on where in memory they
// lie, differs between samples of one run, and not only between runs. What does not pass the
// checks is not timed, and the entry says why:
//
//   - a bench answers with the iterations that were asked, in no more time than passed here;
//   - its result is that of the question, bit for bit if the same question always gets the
//     same answer;
//   - four times the iterations take at least twice the time;
//   - of the time that passes more for them, at least half is said.
//
// done is called after each cell of each pass; it may be nil. The error is that of ctx.
func (p Plan) Measure(ctx context.Context, all []Contestant, done func()) ([]Cell, error) {
	if p.dot == nil {
		p.dot = dotOf
	}
	var tables []*table
	for _, dtype := range p.DTypes {
		for _, family := range p.Families {
			for _, n := range p.Sizes {
				t := &table{plan: p, dtype: dtype, family: family, n: n}
				for _, x := range all {
					t.seats = append(t.seats, &seat{Contestant: x, plan: p, entry: Entry{Name: x.Name}})
				}
				tables = append(tables, t)
			}
		}
	}
	for pass := range max(p.Passes, 1) {
		for _, t := range tables {
			t.pass(ctx, pass == 0)
			if ctx.Err() != nil {
				break
			}
			if done != nil {
				done()
			}
		}
	}
	var cells []Cell
	for _, t := range tables {
		c := Cell{DType: t.dtype, Data: t.family.Name, N: t.n, Dot: t.dot}
		for _, s := range t.seats {
			if len(s.entry.Times) < len(t.dot) { // interrupted, or not timed to the end
				s.entry.Times = nil
			}
			c.Entries = append(c.Entries, s.entry)
		}
		if len(t.dot) > 0 {
			cells = append(cells, c)
		}
	}
	return cells, ctx.Err()
}

// Arrays returns a draw of a family as the arrays of a question.
func Arrays(f Family, dtype spec.DType, n, draw int) []spec.Array {
	x, y := f.Draw(n, draw)
	return []spec.Array{rounded("p", dtype, x), rounded("q", dtype, y)}
}

func rounded(name string, t spec.DType, x []float64) spec.Array {
	a := spec.NewArray(name, t, len(x))
	for i, v := range x {
		if t == spec.F32 {
			a.SetBits(i, uint64(math.Float32bits(float32(v))))
		} else {
			a.SetBits(i, math.Float64bits(v))
		}
	}
	return a
}

// A table is a cell with those who sit at it.
type table struct {
	plan   Plan
	dtype  spec.DType
	family Family
	n      int
	seats  []*seat
	dot    Times
}

// pass loads the vectors, the first time prepares every seat, and times the rounds.
func (t *table) pass(ctx context.Context, first bool) {
	var k *values
	var arrays []spec.Array
	if first {
		k = newValues(t.plan.Op, t.family, t.dtype, t.n)
		arrays = k.draws[0]
	} else {
		arrays = Arrays(t.family, t.dtype, t.n, 0)
	}
	for _, s := range t.seats {
		if s.entry.Why != "" {
			continue
		}
		err := s.load(ctx, arrays)
		if err == nil && first {
			err = s.prepare(ctx, k)
		}
		if err != nil {
			s.entry.Why = err.Error()
		}
	}
	dot := t.plan.dot(arrays)
	iters := Loop{Sample: min(t.plan.Sample, time.Millisecond)}.iterations(dot)
	for round := range warmUp + t.plan.Rounds {
		if ctx.Err() != nil {
			return
		}
		start := time.Now()
		dot(iters)
		ns := float64(time.Since(start)) / float64(iters)
		order := slices.Clone(t.seats)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, s := range order {
			if s.entry.Why != "" {
				continue
			}
			took, _, err := s.sample(ctx, s.entry.Iters)
			if err != nil {
				s.entry.Why = err.Error()
			} else if round >= warmUp {
				s.entry.Times = append(s.entry.Times, float64(took)/float64(s.entry.Iters))
			}
		}
		if round >= warmUp {
			t.dot = append(t.dot, ns)
		}
	}
	for _, s := range t.seats {
		if first && s.entry.Why == "" && s.Peak != nil {
			if bytes, ok := s.Peak(func() { s.sample(ctx, s.entry.Iters) }); ok {
				s.entry.Peak = &bytes
			}
		}
		if s.loaded {
			s.forget(ctx)
		}
	}
}

// A seat is a contestant at one table.
type seat struct {
	Contestant
	plan   Plan
	loaded bool
	answer spec.Answer // of the question
	entry  Entry
}

// resident names the vectors that are loaded.
var resident = []string{"bench-p", "bench-q"}

// load has the vectors stored.
func (s *seat) load(ctx context.Context, arrays []spec.Array) error {
	if t := arrays[0].DType; !s.Description.Offers(s.plan.Op, t) {
		return fmt.Errorf("%s in %s is not offered", s.plan.Op, t)
	}
	s.loaded = true
	for i, key := range resident {
		if a := s.Ask(ctx, spec.Request{Op: spec.OpLoad, Key: key, Arrays: arrays[i : i+1]}); a.Status != spec.OK {
			return fmt.Errorf("load was answered %s", said(a))
		}
	}
	return nil
}

// prepare has the question answered, and finds how many iterations a sample takes.
func (s *seat) prepare(ctx context.Context, k *values) error {
	s.answer = s.Ask(ctx, spec.Request{Op: s.plan.Op, Keys: resident})
	if _, ok := s.answer.Result(); !ok {
		return fmt.Errorf("the question was answered %s", said(s.answer))
	}
	if k.draws[0][0].Len() <= ULPLimit {
		worst, finite := 0.0, false
		for draw, list := range k.draws {
			a := s.answer
			if draw > 0 {
				a = s.Ask(ctx, spec.Request{Op: s.plan.Op, Arrays: list})
				if a.Status != spec.OK && a.Status != spec.Rejected {
					return fmt.Errorf("another draw of the question was answered %s", said(a))
				}
			}
			ulp, ok, err := k.ulp(draw, a, s.Description.Convention)
			if err != nil {
				return err
			}
			worst, finite = max(worst, ulp), finite || ok
		}
		if finite {
			s.entry.ULP = &worst
		}
	}
	return s.calibrate(ctx)
}

// calibrate finds the iterations of a sample, and checks that time grows with them.
func (s *seat) calibrate(ctx context.Context) error {
	if _, _, err := s.sample(ctx, 1); err != nil { // what is done once only
		return err
	}
	iters := 1
	for {
		took, _, err := s.sample(ctx, iters)
		if err != nil {
			return err
		}
		if one := took / time.Duration(iters); one > s.plan.Limit {
			return fmt.Errorf("one call takes %v, which is above the limit of %v", one.Round(time.Millisecond), s.plan.Limit)
		}
		if took >= s.plan.Sample {
			break
		}
		iters = max(iters+1, min(100*iters, int(1.2*float64(iters)*float64(s.plan.Sample)/float64(max(took, 1)))))
		if iters > 1<<30 {
			return fmt.Errorf("a billion calls take %v: nothing is computed", took)
		}
	}
	s.entry.Iters = iters
	// The least of a few: what disturbs only adds, to what is said and to what is not.
	const never = time.Duration(math.MaxInt64)
	once, four := never, never
	rest, rest4 := never, never // what passed and was not said: what the question itself takes
	for tries := 1; tries <= 5; tries++ {
		a, wall, err := s.sample(ctx, iters)
		if err != nil {
			return err
		}
		b, wall4, err := s.sample(ctx, 4*iters)
		if err != nil {
			return err
		}
		once, four = min(once, a), min(four, b)
		rest, rest4 = min(rest, wall-a), min(rest4, wall4-b)
		// A disturbance of one short sample could hide in rest what is not said.
		if four >= 2*once && four <= 8*once && rest4-rest <= four-once && (tries >= 3 || once > 50*time.Millisecond) {
			return nil
		}
	}
	switch {
	case four < 2*once:
		return fmt.Errorf("time does not grow with the iterations: %d take %v and %d take %v", iters, once, 4*iters, four)
	case rest4-rest > four-once:
		return fmt.Errorf("bench says less than half of the time: for %d calls more it says %v more, and %v more passed", 3*iters, four-once, four-once+rest4-rest)
	}
	return nil // slower when it works longer: that is for the rounds to show
}

// sample has so many calls timed, and checks the answer. It returns what the answer says that
// they took, and what passed here.
func (s *seat) sample(ctx context.Context, iters int) (says, wall time.Duration, err error) {
	start := time.Now()
	a := s.Ask(ctx, spec.Request{Op: spec.OpBench, Of: s.plan.Op, Keys: resident, Iters: iters})
	wall = time.Since(start)
	says = time.Duration(a.NS)
	got, ok := a.Result()
	switch {
	case a.Status != spec.OK:
		return 0, 0, fmt.Errorf("bench was answered %s", said(a))
	case !ok:
		return 0, 0, errors.New("bench was answered without the result of the question")
	case a.Iters != iters:
		return 0, 0, fmt.Errorf("bench was asked for %d iterations and says that it did %d", iters, a.Iters)
	case a.NS <= 0:
		return 0, 0, fmt.Errorf("bench says that %d calls took %d ns", iters, a.NS)
	case says > wall:
		return 0, 0, fmt.Errorf("bench says that it took %v, and %v passed meanwhile", says, wall)
	}
	want, _ := s.answer.Result()
	if got.DType != want.DType || got.Len() != want.Len() || s.Deterministic && !slices.Equal(got.Data, want.Data) {
		return 0, 0, fmt.Errorf("bench gives %v, and the question was answered %v", got.Floats(), want.Floats())
	}
	s.entry.Allocs = a.Allocs
	return says, wall, nil
}

func (s *seat) forget(ctx context.Context) {
	s.loaded = false
	for _, key := range resident {
		s.Ask(ctx, spec.Request{Op: spec.OpDrop, Key: key})
	}
}

// said is an answer's status and message in a few words.
func said(a spec.Answer) string {
	text := string(a.Status)
	if a.Message != "" {
		text += ": " + a.Message
	}
	return text
}

// ulp-max is over so many draws at most, and above this length it is not known: the oracle
// takes two microseconds for an element.
const (
	maxDraws = 16
	ULPLimit = 1 << 18
)

// values are the draws of a cell, and what their question gives under each convention.
type values struct {
	op    spec.Op
	draws [][]spec.Array
	known map[string][]spec.Expected // by convention, in JSON
}

func newValues(op spec.Op, f Family, dtype spec.DType, n int) *values {
	k := &values{op: op, known: map[string][]spec.Expected{}}
	for draw := range min(Draws(n, ULPElements), maxDraws) {
		k.draws = append(k.draws, Arrays(f, dtype, n, draw))
	}
	return k
}

// ulp returns the error of the answer to a draw, infinite where the answer should be a number
// and is none; ok is false where the convention gives none either.
func (k *values) ulp(draw int, a spec.Answer, convention *spec.Convention) (ulp float64, ok bool, err error) {
	c := spec.Convention{}
	if convention != nil {
		c = *convention
	}
	text, err := json.Marshal(c)
	if err != nil {
		return 0, false, err
	}
	list := k.known[string(text)]
	for len(list) <= draw {
		e, err := judge.Expect(spec.Request{Op: k.op, Arrays: k.draws[len(list)]}, c)
		if err != nil {
			return 0, false, fmt.Errorf("its value is not known: %w", err)
		}
		list = append(list, e)
		k.known[string(text)] = list
	}
	g := judge.Assess(list[draw], a)
	if !g.Finite && g.Level.Rank() < spec.L1.Rank() {
		return math.Inf(1), true, nil
	}
	return g.ULP, g.Finite, nil
}
