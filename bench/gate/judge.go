package gate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// limits are a policy's in the scale of estimates. The zero value of the switches is the
// gate; each takes one rule away, for the proof that none is idle.
type limits struct {
	alpha, minEffect, promised, maxSpread float64

	noHolm, noMinEffect, noSpread, noRerun bool
}

func newLimits(p Policy) limits {
	return limits{alpha: p.Alpha, minEffect: math.Log1p(p.MinEffect), promised: math.Log1p(p.Promised), maxSpread: p.MaxSpread}
}

// suspect reports whether an estimate by itself speaks for a change: p below alpha without
// any correction, an interval without 0, and the least effect that counts.
func (l limits) suspect(e estimate) bool {
	return e.p < l.alpha && (e.lo > 0 || e.hi < 0) && (l.noMinEffect || math.Abs(e.effect) >= l.minEffect)
}

// changed reports whether an estimate with its adjusted p shows a change.
func (l limits) changed(e estimate, adjusted float64) bool {
	if l.noHolm {
		adjusted = e.p
	}
	return l.suspect(e) && adjusted < l.alpha && (l.noSpread || e.spread <= l.maxSpread || math.Abs(e.effect) >= e.spread)
}

// unchanged reports whether an estimate rules out the promised effect.
func (l limits) unchanged(e estimate) bool {
	if l.noSpread {
		return !l.suspect(e)
	}
	return e.spread <= l.maxSpread && math.Abs(e.effect) < l.minEffect && e.lo > -l.promised && e.hi < l.promised
}

// A test is a comparison of measured samples.
type test struct {
	estimate         // of all that was measured
	adjusted float64 // Holm's p
	again    bool    // a suspect that was measured once more
	outcome  Outcome // unchanged, inconclusive, or improved for "changed"
}

// decide gives every test its outcome; a change is Improved here, whatever its direction.
//
// Without rerun, Holm's correction is over the p of all tests. With it, the suspects are
// measured once more, and a change must be suspected by both runs in the same direction and
// be shown by both together, with Holm's correction over all tests, those that were not
// measured again counting as p = 1. What is so rejected is a part of what Holm's procedure
// would reject had every test been repeated and all its pairs been used, so that the
// probability of any false rejection stays at most alpha, however many suspects there are.
// rerun returns, for the indices of suspects, the estimate of the second run and of both.
func (l limits) decide(tests []*test, rerun func(suspects []int) (second, both []estimate, err error)) error {
	p := make([]float64, len(tests))
	second := map[int]estimate{}
	for i, t := range tests {
		p[i] = t.p
	}
	if rerun != nil && !l.noRerun {
		var suspects []int
		for i, t := range tests {
			p[i] = 1
			if l.suspect(t.estimate) {
				suspects = append(suspects, i)
			}
		}
		if len(suspects) > 0 {
			again, both, err := rerun(suspects)
			if err != nil {
				return err
			}
			for k, i := range suspects {
				first := tests[i].effect
				tests[i].again, tests[i].estimate = true, both[k]
				if p[i] = both[k].p; !l.suspect(again[k]) || again[k].effect*first <= 0 {
					p[i] = 1
				}
				second[i] = again[k]
			}
		}
	}
	for i, a := range holm(p) {
		t := tests[i]
		t.adjusted = a
		confirmed := rerun == nil || l.noRerun || t.again && p[i] < 1
		switch {
		case confirmed && l.changed(t.estimate, a):
			t.outcome = Improved
		case l.unchanged(t.estimate):
			t.outcome = Unchanged
		default:
			t.outcome = Inconclusive
		}
	}
	return nil
}

// A comparison is one key with the series of both sides.
type comparison struct {
	key
	old, new *series
	better   int  // +1 if higher is better, −1 if lower is
	exact    bool // declared or by policy
	log      bool // the estimate is of logarithms
	test     *test
	result   Result
}

// A judge compares two sets.
type judge struct {
	policy Policy
	limits limits
	units  []string // the only ones, if any
	quiet  bool     // the host is
	paired bool     // samples by round
	report *Report
	old    *set
	new    *set
}

// run compares. rerun measures the suspects once more; nil if that cannot be.
func (j *judge) run(rerun func([]key) (old, new *set, err error)) error {
	j.report = &Report{Schema: ReportSchema, Old: j.old.name, New: j.new.name, QuietHost: j.quiet, Policy: j.policy, Results: []Result{}, Problems: []Problem{}, Notes: []string{}}
	if len(j.old.packages()) <= 1 && len(j.new.packages()) <= 1 {
		j.old.withoutPackage()
		j.new.withoutPackage()
	}
	if err := j.checkUnits(); err != nil {
		return err
	}
	j.notes()
	j.sets()
	comparisons := j.comparisons()
	measured := j.measured(comparisons)
	j.report.Tests = len(measured)
	measured = j.enough(measured, rerun != nil)
	tests := make([]*test, len(measured))
	for i, c := range measured {
		tests[i] = c.test
	}
	// Those with too few samples stay in the family.
	for len(tests) < j.report.Tests {
		tests = append(tests, &test{estimate: estimate{p: 1, lo: math.Inf(-1), hi: math.Inf(1)}})
	}
	var again func([]int) ([]estimate, []estimate, error)
	if rerun != nil {
		again = func(suspects []int) (second, both []estimate, err error) {
			var keys []key
			for _, i := range suspects {
				keys = append(keys, measured[i].key)
			}
			old, new, err := rerun(keys)
			if err != nil {
				return nil, nil, err
			}
			for _, i := range suspects {
				c := measured[i]
				x, y := old.series[c.key], new.series[c.key]
				if x == nil || y == nil {
					return nil, nil, fmt.Errorf("the rerun of the suspects gave no %s of %s; the commands must run it again, or the benchmark that {bench} names", c.unit, c.name)
				}
				e, _ := j.estimate(x, y)
				second = append(second, e)
				c.old.add(x)
				c.new.add(y)
				e, c.log = j.estimate(c.old, c.new)
				both = append(both, e)
			}
			return second, both, nil
		}
	}
	if err := j.limits.decide(tests, again); err != nil {
		return err
	}
	for _, c := range comparisons {
		if c.test != nil && c.test.outcome != "" {
			j.measuredResult(c)
		}
		if c.result.Outcome != "" {
			j.report.Results = append(j.report.Results, c.result)
		}
	}
	slices.SortStableFunc(j.report.Results, func(a, b Result) int {
		return slices.Index(outcomes, a.Outcome) - slices.Index(outcomes, b.Outcome)
	})
	return nil
}

// checkUnits returns an error if a unit that was asked for is nowhere.
func (j *judge) checkUnits() error {
	var all []string
	for _, s := range []*set{j.old, j.new} {
		for _, k := range s.order {
			if !slices.Contains(all, k.unit) {
				all = append(all, k.unit)
			}
		}
	}
	for _, u := range j.units {
		if !slices.Contains(all, tidy(u)) && len(all) > 0 {
			return fmt.Errorf("no benchmark has the unit %s; there are %s", u, strings.Join(all, ", "))
		}
	}
	return nil
}

func (j *judge) wanted(unit string) bool {
	return !lists(j.policy.Exclude, unit) && (len(j.units) == 0 || lists(j.units, unit))
}

func (j *judge) problem(k ProblemKind, s Severity, format string, args ...any) {
	j.report.Problems = append(j.report.Problems, Problem{k, s, fmt.Sprintf(format, args...)})
}

func (j *judge) note(format string, args ...any) {
	j.report.Notes = append(j.report.Notes, fmt.Sprintf(format, args...))
}

// notes says what may make the comparison another one than is meant.
func (j *judge) notes() {
	for _, c := range []string{"goos", "goarch", "cpu"} {
		a, b := j.old.config[c], j.new.config[c]
		if len(a) > 0 && len(b) > 0 && !slices.Equal(a, b) {
			j.note("%s is %s in %s and %s in %s: times of two machines say nothing of a change", c, strings.Join(a, ", "), j.old.name, strings.Join(b, ", "), j.new.name)
		}
	}
	for _, s := range []*set{j.old, j.new} {
		for _, name := range sorted(s.varying) {
			j.note("%s has results of the same benchmark with several values of %s, taken together; --filter %s:VALUE takes one", s.name, name, name)
		}
	}
}

func sorted(m map[string]bool) (list []string) {
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// bench is a key without its unit.
func (k key) bench() key { k.unit = ""; return k }

// title names the benchmark in sentences.
func (k key) title() string {
	if k.pkg != "" {
		return k.pkg + "." + k.name
	}
	return k.name
}

// benches lists the benchmarks of a set in order.
func (s *set) benches() (list []key) {
	seen := map[key]bool{}
	for _, k := range s.order {
		if b := k.bench(); !seen[b] {
			seen[b] = true
			list = append(list, b)
		}
	}
	return list
}

// some lists the first few of many.
func some(titles []string) string {
	const few = 3
	if len(titles) <= few {
		return strings.Join(titles, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(titles[:few], ", "), len(titles)-few)
}

// sets finds what is on one side only.
func (j *judge) sets() {
	old, new := j.old.benches(), j.new.benches()
	one := func(o Outcome, s Severity, have, lack *set, list, other []key) {
		var titles []string
		suffix := false
		for _, b := range list {
			if slices.Contains(other, b) {
				continue
			}
			titles = append(titles, b.title())
			suffix = suffix || slices.ContainsFunc(other, func(x key) bool { return stem(x.title()) == stem(b.title()) && !slices.Contains(list, x) })
			r := Result{Benchmark: b.name, Package: b.pkg, Outcome: o, Severity: s}
			r.Why = fmt.Sprintf("in %s only", have.name)
			j.report.Results = append(j.report.Results, r)
		}
		if len(titles) == 0 {
			return
		}
		fix := "measure the same benchmarks on both sides, or compare a part with --filter"
		switch {
		case len(lack.order) == 0 && lack.read == 0:
			fix = "that has no benchmark at all: did go test run with -bench, and did it succeed?"
		case suffix:
			fix = "the names differ in their end only, -N for GOMAXPROCS: measure with the same -cpu on both sides"
		}
		j.problem(SetsDiffer, s, "%s: in %s and not in %s; %s", some(titles), have.name, lack.name, fix)
	}
	one(Missing, j.policy.Missing, j.old, j.new, old, new)
	one(Added, j.policy.Added, j.new, j.old, new, old)
	if len(old)+len(new) == 0 {
		j.problem(TooFew, Hard, "neither %s nor %s has a benchmark; make them with go test -bench . -count 12", j.old.name, j.new.name)
	}
}

// stem cuts -N off a name.
func stem(name string) string {
	i := strings.LastIndexByte(name, '-')
	if i < 0 || strings.Trim(name[i+1:], "0123456789") != "" {
		return name
	}
	return name[:i]
}

// declared returns what both sides say of a unit; ok is false if they differ.
func (j *judge) declared(unit, what string) (value string, ok bool) {
	k := benchfmt.UnitMetadataKey{Unit: unit, Key: what}
	a, b := j.old.units[k], j.new.units[k]
	switch {
	case a == "":
		return b, true
	case b == "", a == b:
		return a, true
	}
	j.problem(MixedUnits, Hard, "%s declares %s=%s of the unit %s and %s declares %s; measure both sides with one declaration", j.old.name, what, a, unit, j.new.name, b)
	return "", false
}

// direction returns −1 or +1, or 0 if the unit cannot be compared, which it has then said.
func (j *judge) direction(unit string) int {
	value, ok := j.declared(unit, "better")
	if !ok {
		return 0
	}
	if value == "" {
		for u, b := range j.policy.Better {
			if tidy(u) == unit {
				value = b
			}
		}
	}
	switch value {
	case "lower":
		return -1
	case "higher":
		return +1
	}
	if b := benchfmt.UnitMetadataMap(nil).GetBetter(unit); b != 0 {
		return b
	}
	j.problem(MixedUnits, Hard, "nothing says whether lower or higher %s is better; write \"Unit %s better=lower\" or higher into the files, or name it under better or exclude in the policy", unit, unit)
	return 0
}

// comparisons pairs the series of both sides.
func (j *judge) comparisons() (list []*comparison) {
	type side struct{ have, lack *set }
	both := map[key]bool{}
	for _, b := range j.new.benches() {
		both[b] = false
	}
	for _, b := range j.old.benches() {
		_, both[b] = both[b]
	}
	lone := map[string]map[side][]string{}
	var units []string
	direction, exact := map[string]int{}, map[string]bool{}
	for _, s := range []side{{j.old, j.new}, {j.new, j.old}} {
		for _, k := range s.have.order {
			if !both[k.bench()] || !j.wanted(k.unit) {
				continue
			}
			if !slices.Contains(units, k.unit) {
				units = append(units, k.unit)
				direction[k.unit] = j.direction(k.unit)
				assume, ok := j.declared(k.unit, "assume")
				if !ok {
					direction[k.unit] = 0
				}
				exact[k.unit] = assume == "exact" || assume == "" && lists(j.policy.Exact, k.unit)
			}
			if s.lack.series[k] == nil {
				if lone[k.unit] == nil {
					lone[k.unit] = map[side][]string{}
				}
				lone[k.unit][s] = append(lone[k.unit][s], k.title())
				continue
			}
			if s.have == j.old && direction[k.unit] != 0 {
				list = append(list, &comparison{key: k, old: j.old.series[k], new: j.new.series[k], better: direction[k.unit], exact: exact[k.unit]})
			}
		}
	}
	for _, u := range units {
		for _, s := range []side{{j.old, j.new}, {j.new, j.old}} {
			if titles := lone[u][s]; titles != nil {
				j.problem(MixedUnits, Hard, "%s: measured in %s by %s and not by %s; measure both sides alike (-benchmem gives B/op and allocs/op), or leave the unit out with --unit or exclude", some(titles), u, s.have.name, s.lack.name)
			}
		}
	}
	return list
}

// measured compares exactly what is exact and returns the rest, each measurement once.
func (j *judge) measured(list []*comparison) (rest []*comparison) {
	kept := map[key][]*comparison{}
	restate := map[string]bool{}
	for _, c := range list {
		c.result = Result{Benchmark: c.name, Package: c.pkg, Unit: c.unit, Severity: j.policy.severity(c.unit, j.quiet), Better: map[int]string{-1: "lower", 1: "higher"}[c.better],
			Old: median(c.old.values), New: median(c.new.values), OldSamples: len(c.old.values), NewSamples: len(c.new.values)}
		x, y := c.old.written, c.new.written
		if c.old.unit == "" || c.old.unit != c.new.unit {
			x, y = c.old.values, c.new.values
		}
		constant := slices.Min(x) == slices.Max(x) && slices.Min(y) == slices.Max(y)
		switch {
		case c.exact:
			c.compareExact(x, y)
		case constant && lists(j.policy.ExactIfConstant, c.unit) && min(len(x), len(y)) >= j.policy.MinSamples:
			c.compareExact(x, y)
		default:
			if i := slices.IndexFunc(kept[c.bench()], c.restates); i >= 0 {
				restate[c.unit+" restates "+kept[c.bench()][i].unit] = true
				continue
			}
			kept[c.bench()] = append(kept[c.bench()], c)
			rest = append(rest, c)
		}
	}
	for _, s := range sorted(restate) {
		j.note("%s: tested once", s)
	}
	return rest
}

// restates reports whether a unit says nothing beside another of the same benchmark, because
// their ratio or their product is the same in every sample of both sides, as that of ns/op
// and MB/s is. The testing package prints four digits at least, so that the rounding of two
// values moves their ratio by a factor of (1+1e-3)/(1−1e-3) at most.
func (c *comparison) restates(d *comparison) bool {
	ratio, product := span{}, span{}
	for _, s := range [][2]*series{{c.old, d.old}, {c.new, d.new}} {
		x, y := s[0].values, s[1].values
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			if !(x[i] > 0 && y[i] > 0) {
				return false
			}
			ratio.add(x[i] / y[i])
			product.add(x[i] * y[i])
		}
	}
	const rounding = 1.0021
	return ratio.hi <= ratio.lo*rounding || product.hi <= product.lo*rounding
}

// A span is the least and the largest of what was added.
type span struct{ lo, hi float64 }

func (s *span) add(x float64) {
	if s.hi == 0 {
		s.lo, s.hi = x, x
	}
	s.lo, s.hi = min(s.lo, x), max(s.hi, x)
}

// compareExact compares values of which each is exact: what is not equal has changed. Where
// the values of one side differ among themselves, they are not what was declared; all on one
// side of the others is a change still, and anything else cannot be judged.
//
// benchmath.AssumeExact is of no use here: its comparison has P = 0 and Alpha = 0 whatever
// the values are, and its summary takes the most frequent value of those that differ.
func (c *comparison) compareExact(x, y []float64) {
	r := &c.result
	r.Exact = true
	a, b, d, e := slices.Min(x), slices.Max(x), slices.Min(y), slices.Max(y)
	if r.Old != 0 && !math.IsInf(r.New/r.Old, 0) {
		effect := r.New/r.Old - 1
		r.Effect = &effect
	}
	varies := a != b || d != e
	if varies {
		r.Why = fmt.Sprintf("an exact metric varies within a side, from %v to %v in OLD and from %v to %v in NEW: declare it assume=nothing, or make the benchmark repeat itself", a, b, d, e)
	}
	switch {
	case d > b:
		r.Outcome = direction(+1, c.better)
	case e < a:
		r.Outcome = direction(-1, c.better)
	case varies:
		r.Outcome = Inconclusive
	default:
		r.Outcome = Unchanged
	}
}

// direction names a change: sign is that of NEW less OLD.
func direction(sign, better int) Outcome {
	if sign == better {
		return Improved
	}
	return Regressed
}

// enough returns the comparisons with samples enough, estimated; the others are inconclusive.
func (j *judge) enough(list []*comparison, rerun bool) (rest []*comparison) {
	family := float64(len(list))
	var few, many []string
	for _, c := range list {
		n1, n2 := len(c.old.values), len(c.new.values)
		if j.paired {
			x, _ := pairs(c.old, c.new)
			n1, n2 = len(x), len(x)
		}
		floor := j.floor(n1, n2, rerun)
		c.result.OldSamples, c.result.NewSamples = n1, n2
		switch {
		case min(n1, n2) < j.policy.MinSamples || !(j.floor(n1, n2, false) < j.policy.Alpha):
			few = append(few, fmt.Sprintf("%s %s (%d and %d)", c.title(), c.unit, n1, n2))
			c.result.Outcome, c.result.Why = Inconclusive, "too few samples"
		case floor >= j.policy.Alpha/family && !j.limits.noHolm:
			many = append(many, fmt.Sprintf("%s %s (%d and %d)", c.title(), c.unit, n1, n2))
			c.result.Outcome, c.result.Why = Inconclusive, "too few samples for so many benchmarks"
		default:
			e, log := j.estimate(c.old, c.new)
			c.test, c.log = &test{estimate: e}, log
			rest = append(rest, c)
		}
	}
	need := func(limit float64) int {
		n := j.policy.MinSamples
		for j.floor(n, n, rerun) >= limit {
			n++
		}
		return n
	}
	how := "measure with go test -count %d"
	if j.paired {
		how = "run with --rounds %d"
	}
	if len(few) > 0 {
		j.problem(TooFew, Hard, "too few samples of %s in %s and %s: at least %d a side are needed; "+how, some(few), j.old.name, j.new.name, need(j.policy.Alpha), need(j.policy.Alpha/family))
	}
	if len(many) > 0 {
		j.problem(TooFew, Hard, "too few samples for %d tests: of %s in %s and %s no p-value can be below alpha/%d; "+how+", or compare fewer benchmarks with --filter or units with --unit",
			len(list), some(many), j.old.name, j.new.name, len(list), need(j.policy.Alpha/family))
	}
	return rest
}

// floor returns the least p that samples of these sizes can give, of two runs if there is a
// rerun.
func (j *judge) floor(n1, n2 int, rerun bool) float64 {
	switch {
	case !j.paired:
		return 2 / choose(n1+n2, n1)
	case rerun && !j.limits.noRerun:
		n1 *= 2
	}
	return math.Exp2(float64(1 - n1))
}

// pairs returns the values of the rounds that both have.
func pairs(old, new *series) (x, y []float64) {
	a, b := old.rounds(), new.rounds()
	var both []int
	for r := range a {
		if _, ok := b[r]; ok {
			both = append(both, r)
		}
	}
	slices.Sort(both)
	for _, r := range both {
		x, y = append(x, a[r]), append(y, b[r])
	}
	return x, y
}

// estimate compares two series: logarithms if every value is positive, and otherwise the
// values over the larger median.
func (j *judge) estimate(old, new *series) (e estimate, log bool) {
	x, y := old.values, new.values
	if j.paired {
		x, y = pairs(old, new)
	}
	x, y, log = scale(x, y)
	if j.paired {
		d := make([]float64, len(x))
		for i := range x {
			d[i] = y[i] - x[i]
		}
		return paired(d, j.policy.Alpha), log
	}
	return unpaired(x, y, j.policy.Alpha), log
}

// scale maps values to those of which the differences are effects.
func scale(x, y []float64) (u, v []float64, log bool) {
	f := math.Log
	log = slices.Min(x) > 0 && slices.Min(y) > 0
	if !log {
		unit := max(math.Abs(median(x)), math.Abs(median(y)))
		if unit == 0 {
			unit = 1
		}
		f = func(a float64) float64 { return a / unit }
	}
	to := func(x []float64) []float64 {
		y := make([]float64, len(x))
		for i, a := range x {
			y[i] = f(a)
		}
		return y
	}
	return to(x), to(y), log
}

// measuredResult turns a decided test into a result.
func (j *judge) measuredResult(c *comparison) {
	t, r := c.test, &c.result
	r.Old, r.New = median(c.old.values), median(c.new.values)
	r.OldSamples, r.NewSamples = t.n1, t.n2
	back := func(x float64) *float64 {
		if c.log {
			x = math.Expm1(x)
		}
		if math.IsInf(x, 0) {
			return nil
		}
		return &x
	}
	r.Effect, r.Lo, r.Hi, r.P, r.Holm, r.Spread, r.Rerun = back(t.effect), back(t.lo), back(t.hi), &t.p, &t.adjusted, &t.spread, t.again
	r.Outcome = t.outcome
	l := j.limits
	switch {
	case t.outcome == Improved && t.effect < 0:
		r.Outcome = direction(-1, c.better)
	case t.outcome == Improved:
		r.Outcome = direction(+1, c.better)
	case t.outcome != Inconclusive:
	case t.spread > l.maxSpread:
		r.Why = fmt.Sprintf("the spread is above %.3g %%: measure on a quieter host, or longer", 100*l.maxSpread)
	case t.again:
		r.Why = "suspected, and not confirmed by the rerun"
	case l.suspect(t.estimate):
		r.Why = fmt.Sprintf("suspected, but not after Holm's correction for %d tests: take more samples", j.report.Tests)
	default:
		r.Why = fmt.Sprintf("the interval does not rule out %.3g %%: take more samples", 100*j.policy.Promised)
	}
}
