package conform

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"klconf/conform/judge"
	"klconf/golden"
	"klconf/spec"
)

// A Target is one implementation to grade: Impl in this process, or Command
// as an adapter.
type Target struct {
	ID      string // "gonum", "scipy/stats.entropy", "./my-adapter"
	Tool    string // what the implementation is part of, as people call it: "SciPy"
	Title   string // the call, as a user of the tool writes it
	Impl    spec.Implementation
	Command []string
	Env     []string // added to the environment of Command
	Known   []spec.Known
	// Rerun returns the command line that repeats one check.
	Rerun func(id string, seed uint64) string
}

// Options say how much to ask.
type Options struct {
	Version        string // of the suite
	Full           bool
	Only, Skip     []string // patterns of Match
	Seed           uint64
	TimeoutScale   float64 // 1 if zero
	Strict         bool    // demand agreement with the definition on pmfs
	AcceptDetected bool
	Shard, Shards  int                   // this shard of so many; 0 of 0 is all
	Progress       func(done, total int) // may be nil
}

// ErrStart is wrapped by the error of Run when an implementation could not be
// started or did not speak the protocol.
var ErrStart = errors.New("could not start or speak")

// Run grades one implementation. The only error is one that wraps ErrStart;
// everything that goes wrong later is in the report. When ctx is done the
// report says incomplete and holds what was asked until then.
func Run(ctx context.Context, t Target, o Options) (spec.Report, error) {
	r := &run{ctx: ctx, target: t, o: o, source: map[string]string{}, strata: map[stratumKey]*stratum{},
		agrees: spec.Agreement{PMF: true, Measure: true}, began: time.Now()}
	c, err := Open(ctx, t, o)
	if err != nil {
		return spec.Report{}, err
	}
	defer c.Close()
	r.asker, r.desc = c.asker, c.Description
	r.detect()
	r.grade()
	return r.finish(), nil
}

// A run is the state of grading one implementation.
type run struct {
	ctx    context.Context
	target Target
	o      Options
	asker  asker
	desc   spec.Description
	began  time.Time

	conv     spec.Convention
	key      string            // conventionKey of conv, once it is detected
	source   map[string]string // field → declared | detected
	narrow   bool              // a refusal of unnormalised input was detected
	swapped  bool              // the arguments are swapped: asked as (Q, P)
	departs  []string          // detected fields that differ from the definition
	findings []string

	results []spec.Result
	strata  map[stratumKey]*stratum
	agrees  spec.Agreement
	fresh   int   // questions since the last repetition
	order   []int // of each result, the place of its check in the whole plan
	place   int   // of the check that is asked
}

// A question is one check that asks once and grades the answer.
type question struct {
	id           string
	requirements []string
	request      func() spec.Request
	stratum      string
	class        string // pmf | measure | other
}

// grade asks everything in the plan.
func (r *run) grade() {
	r.key = conventionKey(r.conv)
	plan := r.plan()
	for i, c := range plan {
		if r.ctx.Err() != nil {
			break
		}
		if r.o.Progress != nil {
			r.o.Progress(i, len(plan))
		}
		// Which questions are repeated depends on nothing but the check.
		r.place, r.fresh = c.place, int(hash(c.id)%repetition)
		c.ask()
	}
	if r.o.Progress != nil {
		r.o.Progress(len(plan), len(plan))
	}
}

// selected reports whether a check belongs to this run and shard.
func (r *run) selected(id string) bool {
	return r.o.asks(id) && (r.o.Shards < 2 || int(hash(id)%uint32(r.o.Shards)) == r.o.Shard)
}

// asks reports whether a check is asked by any shard.
func (o Options) asks(id string) bool {
	return (len(o.Only) == 0 || matchAny(o.Only, id)) && !matchAny(o.Skip, id)
}

func hash(id string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(id))
	return h.Sum32()
}

// A check is one entry of the plan.
type check struct {
	id    string
	place int // among all that any shard asks; detection comes first
	ask   func()
}

// quickLimit is the largest vector of a quick run.
const quickLimit = 4096

func (r *run) plan() []check {
	var plan []check
	place := 1 + len(spec.Fields)
	add := func(id string, ask func()) {
		if r.selected(id) {
			plan = append(plan, check{id, place, ask})
		}
		place++
	}
	large := map[string]bool{}
	for _, v := range golden.Vectors() {
		// A vector about a convention is asked of those who follow it.
		if !v.Concerns(r.conv) {
			continue
		}
		if n := v.Len(); !r.o.Full && n > quickLimit {
			if large[v.Stratum] {
				continue
			}
			large[v.Stratum] = true
		}
		add(v.ID, func() {
			r.question(question{v.ID, v.Requirements, v.Request, v.Stratum, v.Class})
		})
	}
	r.planIO(add)
	r.planRandom(add)
	r.planLaws(add)
	return plan
}

// offers reports whether a question can be put, and if not why.
func (r *run) offers(q spec.Request) (string, bool) {
	var d spec.DType
	if len(q.Arrays) > 0 {
		d = q.Arrays[0].DType
	}
	if !r.desc.Offers(q.Op, d) {
		return fmt.Sprintf("%s in %s is not offered", q.Op, d), false
	}
	for _, s := range r.conv.Steps {
		for _, t := range []*spec.Threshold{s.Lo, s.Hi, s.Value, s.AtOrBelow} {
			if t == nil {
				continue
			}
			if _, err := t.At(d); err != nil {
				return err.Error(), false
			}
		}
	}
	return "", true
}

// put asks one question, with the arguments in the order the implementation
// wants them.
func (r *run) put(id string, q spec.Request) spec.Answer {
	if r.swapped && len(q.Arrays) >= 2 {
		q.Arrays = slices.Clone(q.Arrays)
		q.Arrays[0], q.Arrays[1] = q.Arrays[1], q.Arrays[0]
		q.Arrays[0].Name, q.Arrays[1].Name = "p", "q"
	}
	return r.asker.ask(r.ctx, id, q)
}

// expect is judge.Expect under the convention in force, with the refusals
// that were detected outside the pmfs added.
func (r *run) expect(q question) (spec.Expected, error) {
	req := q.request()
	e, err := expected(req, r.conv, r.key)
	if err == nil && r.narrow && !judge.SumsToOne(req) {
		e = alsoRefused(e)
	}
	return e, err
}

// question asks one question and records one result.
func (r *run) question(q question) {
	req := q.request()
	if why, ok := r.offers(req); !ok {
		r.record(spec.Result{ID: q.id, Requirements: q.requirements, Status: spec.StatusUnsupported, Message: why}, req)
		return
	}
	e, err := r.expect(q)
	if err != nil {
		r.record(spec.Result{ID: q.id, Requirements: q.requirements, Status: notJudged(err), Message: err.Error()}, req)
		return
	}
	a := r.put(q.id, req)
	if r.ctx.Err() != nil {
		return // interrupted: this question was neither answered nor failed
	}
	res := r.gradeAnswer(q, req, e, a)
	if res.Status == spec.Pass || res.Status == spec.Note {
		if again, asked := r.repeat(q, e, a); asked {
			res.Requirements = append(slices.Clone(res.Requirements), "IO-2")
			if again != nil {
				res.Status, res.Message = again.Status, again.Message
			}
		}
	}
	r.record(res, req)
}

// notJudged is the status of a question that the judge cannot judge: what it does
// not do yet, and a value that it cannot tell from a tie, say nothing about
// the implementation.
func notJudged(err error) spec.Status {
	if errors.Is(err, judge.ErrPlanned) || errors.Is(err, judge.ErrUndecided) {
		return spec.Skipped
	}
	return spec.StatusError
}

// gradeAnswer turns one answer into a result without recording it, and
// counts it in its stratum.
func (r *run) gradeAnswer(q question, req spec.Request, e spec.Expected, a spec.Answer) spec.Result {
	res := spec.Result{ID: q.id, Requirements: q.requirements}
	excused := a.Status == spec.Errored && judge.Assess(e, a).Level.Rank() >= spec.L1.Rank()
	if a.Status != spec.OK && a.Status != spec.Rejected && !excused {
		res.Status, res.Message = statusOf(a)
		if a.Status != spec.Unsupported {
			if quantity, _, _, _ := req.Op.Split(); quantity == spec.KL {
				r.disagree(q.class, q.id)
			}
			res.Got = &spec.Got{Status: string(a.Status)}
			if len(e.Values) > 0 {
				res.Expected = &e.Values[0]
			}
		}
		if a.Status == spec.Crashed {
			res.Requirements = append(slices.Clone(res.Requirements), "IO-6")
			if refusable(e) {
				res.Requirements = append(res.Requirements, "VAL-20")
			}
		}
		return res
	}
	g := judge.Assess(e, a)
	r.compare(q, a, g)
	r.count(q.stratum, e, req, q.id, g)
	res.Status = spec.Pass
	if g.Got != (spec.Got{}) {
		res.Got = &g.Got
	}
	if x := g.Expected; len(x.Intervals) > 0 || x.NaN || x.Reject {
		res.Expected = &x
	}
	if g.Finite {
		ulp, cond := finite(g.ULP), finite(g.Cond)
		res.ULP, res.Cond = &ulp, &cond
	}
	broken := func(id string, s spec.Status, why string) {
		if res.Status == spec.Fail || s == spec.Note && res.Status == spec.Note {
			return
		}
		res.Status, res.Message = s, why
		if req, ok := spec.Lookup(id); ok {
			res.Message = fmt.Sprintf("%s: %s (%s)", id, why, req.Statement)
		}
	}
	for _, id := range q.requirements {
		requirement, ok := spec.Lookup(id)
		if !ok {
			requirement = spec.Requirement{ID: id, Force: spec.Must}
		}
		if s := g.Status(requirement); s != spec.Pass {
			why := g.Why
			switch {
			case why != "":
			case g.Negative:
				why = "got a number below 0"
			case g.NegZero:
				why = "got -0"
			}
			broken(id, s, why)
		}
	}
	if claim := r.desc.Accuracy; claim.Rank() > spec.L1.Rank() && g.Finite {
		res.Requirements = append(slices.Clone(res.Requirements), "ACC-6")
		if claim.Rank() > g.Level.Rank() && g.Level != "" && res.Status != spec.Fail {
			broken("ACC-6", spec.Fail, fmt.Sprintf("%s is claimed: %s", claim, g.Why))
		}
	}
	return res
}

// refusable reports whether a refusal would have been a right answer.
func refusable(e spec.Expected) bool {
	return e.Whole != nil && e.Whole.Reject || slices.ContainsFunc(e.Values, func(s spec.Set) bool { return s.Reject })
}

// statusOf translates an answer that is neither a number nor a refusal.
func statusOf(a spec.Answer) (spec.Status, string) {
	switch a.Status {
	case spec.Unsupported:
		return spec.StatusUnsupported, a.Message
	case spec.Errored:
		return spec.StatusError, "it answered error: " + a.Message
	case spec.Crashed:
		return spec.StatusCrash, "it died: " + a.Message
	case spec.TimedOut:
		return spec.StatusTimeout, a.Message
	case spec.ProtocolError:
		return spec.StatusProtocol, a.Message
	}
	return spec.StatusNotRun, a.Message
}

// repetition is how many questions of an implementation there are for each that is repeated.
const repetition = 50

// repeat asks again: every question twice more of an implementation that
// says it is not deterministic, one in fifty of the others. Every answer must
// pass; the bits must be the same where "deterministic" is declared.
func (r *run) repeat(q question, e spec.Expected, first spec.Answer) (bad *spec.Result, asked bool) {
	if d := r.desc.Deterministic; d != nil && !*d {
		for range 2 {
			req := q.request()
			if res := r.gradeAnswer(q, req, e, r.put(q.id, req)); res.Status.Red() {
				return &res, false
			}
		}
		return nil, false
	}
	if r.fresh++; r.fresh < repetition {
		return nil, false
	}
	r.fresh = 0
	req := q.request()
	second := r.put(q.id, req)
	if sameAnswer(first, second) {
		return nil, true
	}
	if r.desc.Deterministic == nil {
		if res := r.gradeAnswer(q, req, e, second); res.Status.Red() {
			return &res, false
		}
		return nil, false
	}
	return &spec.Result{Status: spec.Fail, Message: "IO-2: the same question, asked twice, gave different answers: " + text(first) + " and " + text(second)}, true
}

func sameAnswer(a, b spec.Answer) bool {
	if a.Status != b.Status || len(a.Arrays) != len(b.Arrays) {
		return false
	}
	for i := range a.Arrays {
		x, y := a.Arrays[i], b.Arrays[i]
		if x.DType != y.DType || !slices.Equal(x.Shape, y.Shape) || x.Len() != y.Len() {
			return false
		}
		for j := range x.Len() {
			// NaN payloads are never required.
			if x.Bits(j) != y.Bits(j) && !(x.DType.Float() && x.Float(j) != x.Float(j) && y.Float(j) != y.Float(j)) {
				return false
			}
		}
	}
	return true
}

// text writes an answer in a few words.
func text(a spec.Answer) string {
	r, ok := a.Result()
	if !ok || r.Check() != nil || r.Len() == 0 || !r.DType.Float() {
		return string(a.Status)
	}
	s := fmt.Sprintf("%s (%s)", spec.Decimal(r.Float(0)), spec.HexBits(r.DType, r.Bits(0)))
	if r.Len() > 1 {
		s += " …"
	}
	return s
}

// compare keeps agrees_with_definition: on pmfs the raw and the normalised
// value both count as the definition's.
func (r *run) compare(q question, a spec.Answer, g judge.Grade) {
	quantity, domain, _, _ := q.request().Op.Split()
	if domain == spec.Logits {
		q.class = "pmf"
	}
	if quantity != spec.KL || q.class != "pmf" && q.class != "measure" {
		return
	}
	r.agrees.PMFAsked = r.agrees.PMFAsked || q.class == "pmf"
	r.agrees.MeasureAsked = r.agrees.MeasureAsked || q.class == "measure"
	if q.class == "pmf" && !r.agrees.PMF || q.class == "measure" && !r.agrees.Measure {
		return // one disagreement is enough
	}
	if len(r.departs) == 0 && !r.departsDeclared() {
		if g.Level.Rank() < spec.L1.Rank() {
			r.disagree(q.class, q.id)
		}
		return
	}
	definitions := []spec.Convention{{}}
	if q.class == "pmf" {
		definitions = append(definitions, spec.Convention{Steps: []spec.Step{{Do: "normalise", Of: "both"}}})
	}
	for _, c := range definitions {
		c.ResultDType = r.conv.ResultDType
		if e, err := expected(q.request(), c, conventionKey(c)); err == nil && judge.Assess(e, a).Level.Rank() >= spec.L1.Rank() {
			return
		}
	}
	r.disagree(q.class, q.id)
}

// departsDeclared reports whether the declared convention is anything but
// the definition.
func (r *run) departsDeclared() bool {
	for _, f := range spec.Fields {
		if r.conv.Departure(f) != "" {
			return true
		}
	}
	return false
}

func (r *run) disagree(class, id string) {
	a := &r.agrees
	switch {
	case class == "pmf" && a.PMF:
		a.PMF, a.PMFBy = false, id
	case class == "measure" && a.Measure:
		a.Measure, a.MeasureBy = false, id
	}
}

// ApplyKnown returns what the list of known failures makes of one result: a
// red one that is listed is known, and one that passes although it is listed
// as failing is red.
func ApplyKnown(known []spec.Known, res spec.Result) spec.Result {
	i := slices.IndexFunc(known, func(k spec.Known) bool { return Match(k.ID, res.ID) })
	if i < 0 {
		return res
	}
	k := known[i]
	switch {
	case res.Status == spec.StatusNotRun || res.Status == spec.Skipped || res.Status == spec.StatusUnsupported:
	case k.Status == spec.KnownFlaky:
		if res.Status.Red() {
			res.Status, res.Known = spec.KnownFlaky, &k
		}
	case res.Status.Red():
		res.Status, res.Known = spec.KnownFail, &k
	default:
		res.Status = spec.Fail
		res.Message = fmt.Sprintf("unexpected pass: %q is listed as known to fail (%s); take it off the list", k.ID, k.Why)
	}
	return res
}

// record applies the known-failing list and appends the result.
func (r *run) record(res spec.Result, req spec.Request) {
	res.Requirements = slices.Clone(res.Requirements)
	res = ApplyKnown(r.target.Known, res)
	if res.Status != spec.Pass && res.Status != spec.StatusUnsupported {
		if len(req.Arrays) > 0 {
			res.Inputs = spec.InputsOf(req.Arrays)
		}
		if r.target.Rerun != nil {
			res.Rerun = r.target.Rerun(res.ID, r.o.Seed)
		}
	}
	r.results = append(r.results, res)
	r.order = append(r.order, r.place)
}

// finish makes the report.
func (r *run) finish() spec.Report {
	mode := "quick"
	if r.o.Full {
		mode = "full"
	}
	rep := spec.Report{
		Schema:         spec.ResultSchema,
		Suite:          spec.Suite{Version: r.o.Version, Spec: spec.Version, Vectors: golden.Version, Mode: mode, Seed: r.o.Seed},
		Environment:    environment(),
		Implementation: spec.Subject{Description: r.desc, ID: r.target.ID, Tool: r.target.Tool, Title: r.target.Title, ConventionSource: r.source},
		Agrees:         r.agrees,
		Findings:       r.findings,
		Counts:         map[spec.Status]int{},
	}
	rep.Environment.Packages = r.desc.Packages
	c := r.conv
	c.Complete = false
	rep.Implementation.Convention = &c
	rep.Accuracy = r.accuracy()
	rep.Results = r.results
	if rep.Results == nil {
		rep.Results = []spec.Result{}
	}
	if r.o.Shards > 1 {
		rep.Shard = &spec.Shard{Index: r.o.Shard + 1, Total: r.o.Shards, Order: r.order, Only: r.o.Only, Skip: r.o.Skip, Strict: r.o.Strict, AcceptDetected: r.o.AcceptDetected}
	}
	switch {
	case r.ctx.Err() != nil:
		rep.Incomplete = "interrupted"
	case r.asker.ended() != "":
		rep.Incomplete = r.asker.ended()
	case len(r.results) == 0 && r.o.Shards < 2:
		rep.Incomplete = "nothing was selected"
	}
	if len(r.departs) > 0 {
		rep.Suggestion = r.suggestion()
	}
	r.o.conclude(&rep)
	rep.Environment.Seconds = time.Since(r.began).Seconds()
	return rep
}

// conclude adds what follows from the results and the strata: the levels, their checks, of
// which a shard has none, the counts and the verdict.
func (o Options) conclude(rep *spec.Report) {
	rep.Level = lowest(rep.Accuracy)
	if rep.Shard == nil {
		rep.Results = append(rep.Results, levelChecks(rep.Accuracy, o.asks)...)
	}
	red, judged := 0, false
	for _, res := range rep.Results {
		rep.Counts[res.Status]++
		kind, _, _ := strings.Cut(res.ID, "/")
		judged = judged || (kind == "golden" || kind == "random" || kind == "law") && res.Status != spec.Skipped && res.Status != spec.StatusUnsupported
		if res.Status.Red() && res.Status != spec.StatusNotRun {
			red++
		}
	}
	if rep.Incomplete == "" && rep.Shard == nil && len(o.Only)+len(o.Skip) == 0 && !judged {
		rep.Incomplete = "no answer could be judged: what it offers is not asked about, or not under its convention"
	}
	switch {
	case rep.Incomplete != "":
		rep.Verdict = spec.Incomplete
	case red > 0, o.Strict && !rep.Agrees.PMF:
		rep.Verdict = spec.Nonconforming
	case rep.Counts[spec.StatusNotRun] > 0:
		rep.Verdict = spec.Incomplete
	case rep.Suggestion != "" && !o.AcceptDetected:
		rep.Verdict = spec.Undeclared
	default:
		rep.Verdict = spec.Conforming
	}
}

func environment() spec.Environment {
	return spec.Environment{OS: runtime.GOOS, Arch: runtime.GOARCH, CPU: cpuName(),
		Threads: map[string]string{"GOMAXPROCS": fmt.Sprint(runtime.GOMAXPROCS(0))}}
}

// rng returns the generator of one check: the same for a seed and an id,
// whatever else runs.
func (r *run) rng(id string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(id))
	return rand.New(rand.NewPCG(r.o.Seed, h.Sum64()))
}
