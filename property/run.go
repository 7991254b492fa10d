package property

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"klconf/conform/judge"
	"klconf/spec"
	"pgregory.net/rapid"
)

// A Subject is what a law is tried on.
type Subject struct {
	// Ask puts one question. It returns whatever became of it; a panic counts
	// as a crash.
	Ask        func(ctx context.Context, r spec.Request) spec.Answer
	Convention spec.Convention
	Level      spec.Level            // the accuracy that is demanded; L1 if empty
	DType      spec.DType            // the format of the questions
	Offers     func(op spec.Op) bool // nil offers kl only
}

// Options say how much to ask.
type Options struct {
	Seed  uint64 // the same seed draws the same questions
	Draws int    // 100 if zero
}

// An Outcome is what became of a law.
type Outcome struct {
	Status  spec.Status
	Message string
	// The questions and answers of the counterexample, as small as it was
	// made, or those that ended the law.
	Requests []spec.Request
	Answers  []spec.Answer
	Draws    int // instances tried before shrinking
}

// Shrinking ends after so many instances that were asked about, or rapid's
// attempts at one, which is the same on every machine, or after this time,
// which is for slow subjects.
const (
	shrinkLimit    = 300
	shrinkAttempts = 10 // for each of them
	shrinkTime     = 10 * time.Second
)

// running guards rapid's flags, which are global.
var running sync.Mutex

// Run tries one law on a subject.
//
// The status is Pass when no draw contradicts it, Fail or Note (by the force
// of the requirement) with a counterexample, StatusUnsupported where the law
// does not hold under the subject's convention or asks what is not offered,
// and what an answer that is none stands for: a crash, a time-out, a
// protocol error or a question not put ends the law and is no
// counterexample. When ctx is done the status is StatusNotRun, unless a
// counterexample was already found.
func Run(ctx context.Context, l Law, s Subject, o Options) Outcome {
	if !l.HoldsUnder(s.Convention) {
		return Outcome{Status: spec.StatusUnsupported, Message: l.ID + " does not hold under this convention"}
	}
	return run(ctx, l, s, o, shrinkLimit)
}

func run(ctx context.Context, l Law, s Subject, o Options, shrink int) Outcome {
	if o.Draws <= 0 {
		o.Draws = 100
	}
	if s.Level == "" {
		s.Level = spec.L1
	}
	if s.Offers == nil {
		s.Offers = func(op spec.Op) bool { return op == "kl" }
	}
	for _, op := range l.Ops {
		if !s.Offers(op) {
			return Outcome{Status: spec.StatusUnsupported, Message: fmt.Sprintf("%s is not offered", op)}
		}
	}
	result := s.DType.ResultDType()
	if d, ok := s.Convention.ResultDType[s.DType]; ok {
		result = d
	}
	if _, ok := layouts[s.DType]; !ok || formats[result].Bits() == 0 {
		return Outcome{Status: spec.StatusUnsupported, Message: fmt.Sprintf("laws in %s with results in %s are not drawn", s.DType, result)}
	}
	if err := thresholds(s.Convention, s.DType); err != nil {
		return Outcome{Status: spec.StatusUnsupported, Message: err.Error()}
	}
	requirement, ok := spec.Lookup(l.Requirement)
	if !ok {
		requirement = spec.Requirement{ID: l.Requirement, Force: spec.Must}
	}
	c := &checker{ctx: ctx, law: l, subject: s, requirement: requirement, limit: shrink, seen: map[key]verdict{},
		setting: &setting{domainOf(s.DType, s.Convention), s.Convention, result}}

	running.Lock()
	defer running.Unlock()
	defer setFlags(o.Draws, seedOf(o.Seed, l.ID, s.DType))()
	rec := record("klconf/"+l.ID, func(t *recorder) { rapid.Check(t, c.check) })
	return c.outcome(rec, o.Seed)
}

// seedOf mixes the seed with what is drawn, so that laws and formats do not
// try the same vectors. It is not 0, which means a random seed to rapid.
func seedOf(seed uint64, id string, d spec.DType) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s/%s", seed, id, d)
	return max(h.Sum64(), 1)
}

// setFlags sets rapid's flags, in a test binary or outside, and returns a
// function that puts them back.
func setFlags(draws int, seed uint64) (restore func()) {
	testing.Init() // does nothing a second time
	if !flag.Parsed() {
		flag.CommandLine.Parse(nil) // of no arguments: cannot fail
	}
	if testing.Short() {
		draws *= 5 // rapid divides by 5
	}
	before := map[string]string{}
	for name, value := range map[string]string{
		"rapid.checks":     strconv.Itoa(draws),
		"rapid.seed":       strconv.FormatUint(seed, 10),
		"rapid.shrinktime": shrinkTime.String(),
		"rapid.nofailfile": "true",
		"rapid.failfile":   "",
		"rapid.log":        "false",
		"rapid.v":          "false",
		"rapid.debug":      "false",
		"rapid.debugvis":   "false",
	} {
		before[name] = flag.Lookup(name).Value.String()
		flag.Set(name, value)
	}
	return func() {
		for name, value := range before {
			flag.Set(name, value)
		}
	}
}

// A checker tries the instances of one law. rapid calls check for every draw,
// in search of a counterexample and then to make it smaller.
type checker struct {
	ctx         context.Context
	law         Law
	subject     Subject
	requirement spec.Requirement
	setting     *setting
	limit       int // of shrunk

	tried            int             // instances in the search
	decided          int             // of these, how many said anything
	attempts, shrunk int             // instances in shrinking, and those asked about
	found            *verdict        // the smallest counterexample so far
	seen             map[key]verdict // by questions, once something was found
	end              *verdict        // what ended the law without a counterexample
}

// A verdict is what became of one instance.
type verdict struct {
	status  spec.Status
	message string
	trial   *trial
	answers []spec.Answer
}

func (c *checker) check(t *rapid.T) {
	v := c.verdict(t)
	switch v.status {
	case spec.Fail, spec.Note:
		c.found = &v
		t.Fatalf("%s", v.message)
	case spec.Pass, spec.Skipped:
		if c.found == nil && v.status == spec.Pass {
			c.decided++
		}
	default:
		if c.found == nil {
			c.end = &v
		}
		runtime.Goexit() // as testing.T.FailNow does: out of rapid
	}
}

// verdict draws an instance and tries it. An instance that was tried since
// the first counterexample keeps its verdict: rapid takes a change for a
// flaky test, and a subject that changes its mind is still wrong.
func (c *checker) verdict(t *rapid.T) (v verdict) {
	if err := c.ctx.Err(); err != nil {
		return verdict{status: spec.StatusNotRun, message: "interrupted: " + err.Error()}
	}
	defer func() {
		if e := recover(); e != nil {
			if strings.HasPrefix(fmt.Sprintf("%T", e), "rapid.") {
				panic(e) // how rapid abandons a draw
			}
			v = verdict{status: spec.StatusError, message: fmt.Sprintf("%s panicked: %v", c.law.ID, e)}
		}
	}()
	if c.found == nil {
		c.tried++
	} else if c.attempts++; c.shrunk >= c.limit || c.attempts > shrinkAttempts*c.limit {
		return verdict{status: spec.StatusNotRun} // small enough
	}
	r := c.law.pose(t, c.setting)
	k := r.key()
	v, ok := c.seen[k]
	if !ok {
		if c.found != nil {
			c.shrunk++
		}
		v = c.try(r)
		if c.found != nil || v.status == spec.Fail || v.status == spec.Note {
			c.seen[k] = v
		}
	}
	v.trial = r
	return v
}

// A key stands for the bits of all questions of an instance.
type key [16]byte

func (r *trial) key() (k key) {
	h := fnv.New128a()
	for _, q := range r.questions {
		fmt.Fprint(h, q.Op)
		for _, a := range q.Arrays {
			fmt.Fprint(h, a.Shape)
			h.Write(a.Data)
		}
	}
	h.Sum(k[:0])
	return k
}

// try puts the questions and decides the claims. The first that is not met
// is the verdict.
func (c *checker) try(r *trial) verdict {
	v := verdict{status: spec.Skipped}
	if r.err != nil {
		v.status, v.message = spec.StatusError, r.err.Error()
		return v
	}
	for i, q := range r.questions {
		a := c.ask(q)
		v.answers = append(v.answers, a)
		if a.Status == spec.Unsupported && q.Options.Estimator != "" {
			return v // others may be offered
		}
		status, ok := ends[a.Status]
		if ok {
			v.status, v.message = status, fmt.Sprintf("%s: %s: %s", r.names[i], a.Status, a.Message)
			return v
		}
	}
	expected := make([]func() (spec.Expected, error), len(r.questions))
	for i, q := range r.questions {
		expected[i] = sync.OnceValues(func() (spec.Expected, error) { return judge.Expect(q, c.subject.Convention) })
	}
	v.status, v.message = c.decide(r, v.answers, expected)
	return v
}

// decide decides the claims about answers, each of which may be what expected
// says.
func (c *checker) decide(r *trial, answers []spec.Answer, expected []func() (spec.Expected, error)) (spec.Status, string) {
	all := spec.Skipped
	for _, claim := range r.claims {
		level := c.subject.Level
		if claim.strict {
			level = spec.L5
		}
		terms := make([]judge.Term, len(claim.sum))
		for i, w := range claim.sum {
			terms[i] = judge.Term{Name: r.names[w.question], Weight: w.weight, DType: c.setting.result,
				Answer: answers[w.question], Expected: expected[w.question]}
			if w.row >= 0 {
				terms[i].Answer, terms[i].Expected = rowOf(w.row, answers[w.question], expected[w.question])
			}
		}
		status, why := judge.Relation(terms, claim.order, claim.bound, level, c.requirement)
		switch status {
		case spec.Pass:
			all = spec.Pass
		case spec.Skipped:
		default:
			return status, why
		}
	}
	return all, ""
}

// ends lists the answers that end a law.
var ends = map[spec.AnswerStatus]spec.Status{
	spec.Unsupported: spec.StatusUnsupported, spec.Errored: spec.StatusError, spec.Crashed: spec.StatusCrash,
	spec.TimedOut: spec.StatusTimeout, spec.ProtocolError: spec.StatusProtocol, spec.NotRun: spec.StatusNotRun,
}

func (c *checker) ask(q spec.Request) (a spec.Answer) {
	defer func() {
		if e := recover(); e != nil {
			a = spec.Answer{Status: spec.Crashed, Message: fmt.Sprintf("panic: %v", e)}
		}
	}()
	return c.subject.Ask(c.ctx, q)
}

// rowOf returns one row of the answer to a batch, and what it may be.
func rowOf(row int, a spec.Answer, expected func() (spec.Expected, error)) (spec.Answer, func() (spec.Expected, error)) {
	if x, ok := a.Result(); ok && x.Check() == nil && len(x.Shape) == 1 && row < x.Shape[0] {
		a.Arrays = []spec.Array{spec.Scalar(x.Name, x.DType, x.Bits(row))}
	}
	return a, func() (spec.Expected, error) {
		e, err := expected()
		if err == nil && row < len(e.Values) {
			e.Shape, e.Values = nil, e.Values[row:row+1]
		}
		return e, err
	}
}

// outcome sums up. rapid's own report is used only where it knows something
// that the checker does not: that a draw went wrong.
func (c *checker) outcome(rec *recorder, seed uint64) Outcome {
	o := Outcome{Draws: c.tried}
	fill := func(v *verdict) Outcome {
		o.Status, o.Message, o.Answers = v.status, v.message, v.answers
		if v.trial != nil {
			o.Requests = v.trial.questions
		}
		return o
	}
	switch {
	case c.found != nil:
		fill(c.found)
		o.Message = fmt.Sprintf("%s: %s; %s (draw %d of seed %d)", c.law.Statement, o.Message, describe(o.Requests), c.tried, seed)
		return o
	case c.end != nil:
		return fill(c.end)
	case rec.failed:
		return Outcome{Status: spec.StatusError, Message: c.law.ID + ": " + rec.message(), Draws: c.tried}
	case c.decided == 0:
		o.Status, o.Message = spec.StatusUnsupported, c.law.ID+" says nothing about what this convention lets be drawn"
		return o
	}
	o.Status = spec.Pass
	return o
}

// describe writes the first question's arrays: "p = [1, 0], q = [2, 3]".
func describe(requests []spec.Request) string {
	if len(requests) == 0 {
		return ""
	}
	var parts []string
	for _, a := range requests[0].Arrays {
		var x []string
		for i := range min(a.Len(), 8) {
			x = append(x, spec.Decimal(a.Float(i)))
		}
		if a.Len() > len(x) {
			x = append(x, fmt.Sprintf("… %d in all", a.Len()))
		}
		parts = append(parts, fmt.Sprintf("%s = [%s]", a.Name, strings.Join(x, ", ")))
	}
	return strings.Join(parts, ", ")
}

// A recorder is the testing.TB that rapid reports to. With a *testing.T rapid
// stops early, and green, when the deadline of the test binary is near.
type recorder struct {
	name   string
	failed bool
	lines  []string // of Error and Fatal
}

// record runs f in a goroutine of its own, so that FailNow and SkipNow can
// leave it as they leave a test, and waits for it.
func record(name string, f func(*recorder)) *recorder {
	r := &recorder{name: name}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if e := recover(); e != nil {
				r.Errorf("panic: %v", e)
			}
		}()
		f(r)
	}()
	<-done
	return r
}

// message is what was reported, without rapid's advice on how to reproduce
// it: that is by our seed.
func (r *recorder) message() string {
	text, _, _ := strings.Cut(strings.Join(r.lines, "; "), "\nTo reproduce")
	return strings.TrimPrefix(text, "[rapid] ")
}

func (r *recorder) Helper()                           {}
func (r *recorder) Name() string                      { return r.name }
func (r *recorder) Logf(format string, args ...any)   {}
func (r *recorder) Log(args ...any)                   {}
func (r *recorder) Skipf(format string, args ...any)  { r.SkipNow() }
func (r *recorder) Skip(args ...any)                  { r.SkipNow() }
func (r *recorder) SkipNow()                          { runtime.Goexit() }
func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }
func (r *recorder) Error(args ...any)                 { r.lines = append(r.lines, fmt.Sprint(args...)); r.Fail() }
func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }
func (r *recorder) Fatal(args ...any)                 { r.Error(args...); r.FailNow() }
func (r *recorder) FailNow()                          { r.Fail(); runtime.Goexit() }
func (r *recorder) Fail()                             { r.failed = true }
func (r *recorder) Failed() bool                      { return r.failed }
