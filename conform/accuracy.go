package conform

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"klconf/conform/judge"
	"klconf/spec"
)

type stratumKey struct {
	name  string
	dtype spec.DType
}

func (k stratumKey) compare(l stratumKey) int {
	return cmp.Or(strings.Compare(k.name, l.name), strings.Compare(string(k.dtype), string(l.dtype)))
}

// A stratum gathers the finite answers to one kind of question in one
// format.
type stratum struct {
	questions int
	ulp       []float64 // of values that do not round to 0
	cond      float64
	abs       float64
	bits      float64
	worst     string
	inputs    []spec.Input
	level     spec.Level
}

// count adds one graded answer.
func (r *run) count(name string, e spec.Expected, req spec.Request, id string, g judge.Grade) {
	if name == "" || !g.Finite || len(req.Arrays) == 0 {
		return
	}
	k := stratumKey{name, req.Arrays[0].DType}
	s := r.strata[k]
	if s == nil {
		s = &stratum{level: spec.L5}
		r.strata[k] = s
	}
	// Where the value rounds to 0, an ulp is the least subnormal and measures
	// nothing; cond and the level do.
	if strings.Trim(g.Expected.RN, "0") != "" {
		if len(s.ulp) == 0 || g.ULP > slices.Max(s.ulp) {
			s.worst, s.inputs = id, spec.InputsOf(req.Arrays)
		}
		s.ulp = append(s.ulp, g.ULP)
	}
	s.questions++
	s.cond = math.Max(s.cond, g.Cond)
	s.abs = math.Max(s.abs, g.Abs)
	s.bits = math.Max(s.bits, g.BitsLost)
	// Where the factor of the bound exceeds 2^-6 (long rows in a short
	// format) every answer is within it: such a row ranks nothing.
	if g.Level.Rank() < s.level.Rank() && !unranked(e) {
		s.level = g.Level
	}
}

func unranked(e spec.Expected) bool {
	u := 1 - e.DType.Widen(judge.Bits(e.DType, 1)-1) // the spacing below 1
	for _, v := range e.Values {
		if v.Mass != nil && 2*float64(v.Mass.N+4)*u > 0x1p-6 {
			return true
		}
	}
	return false
}

// accuracy returns the rows of the report.
func (r *run) accuracy() []spec.Accuracy {
	var rows []spec.Accuracy
	for _, k := range slices.SortedFunc(maps.Keys(r.strata), stratumKey.compare) {
		s := r.strata[k]
		a := spec.Accuracy{Stratum: k.name, DType: k.dtype, N: s.questions, CondMax: finite(s.cond), AbsMax: finite(s.abs),
			BitsLost: finite(s.bits), Worst: s.worst, Level: s.level, WorstInputs: s.inputs}
		distribute(&a, s.ulp)
		if r.o.Shards > 1 {
			for _, x := range s.ulp {
				a.ULPs = append(a.ULPs, finite(x))
			}
		}
		rows = append(rows, a)
	}
	return rows
}

// distribute sets what a row says of the distribution of errors.
func distribute(a *spec.Accuracy, ulp []float64) {
	sorted := slices.Sorted(slices.Values(ulp))
	at := func(q float64) float64 {
		if len(sorted) == 0 {
			return 0
		}
		return finite(sorted[int(q*float64(len(sorted)-1)+.5)])
	}
	a.ULPMax, a.ULPP99, a.ULPMedian, a.ULPLog2 = at(1), at(.99), at(.5), spread(ulp)
}

// lowest returns the lowest level of the strata.
func lowest(rows []spec.Accuracy) (l spec.Level) {
	for i, a := range rows {
		if i == 0 || a.Level.Rank() < l.Rank() {
			l = a.Level
		}
	}
	return l
}

// spread counts errors by the power of two below them: n[k] are in
// [2^k, 2^(k+1)). What is below the first power counts there, and what no
// float64 holds under InfiniteULPLog2.
func spread(ulp []float64) map[int]int {
	n := map[int]int{}
	for _, x := range ulp {
		k := spec.LeastULPLog2
		if x = finite(x); x == math.MaxFloat64 {
			k = spec.InfiniteULPLog2
		} else if x > 0 {
			k = max(k, math.Ilogb(x))
		}
		n[k]++
	}
	return n
}

// finite keeps a number that JSON can hold.
func finite(x float64) float64 {
	if math.IsInf(x, 1) || math.IsNaN(x) {
		return math.MaxFloat64
	}
	return x
}

// levelChecks returns one check for each level above L1 and each stratum: L2 and L3 are
// SHOULD, L4 and L5 MAY.
func levelChecks(rows []spec.Accuracy, asked func(id string) bool) (list []spec.Result) {
	for _, l := range []struct {
		level spec.Level
		id    string
	}{{spec.L2, "ACC-2"}, {spec.L3, "ACC-3"}, {spec.L4, "ACC-4"}, {spec.L5, "ACC-5"}} {
		for _, a := range rows {
			id := fmt.Sprintf("accuracy/%s/%s/%s", strings.ToLower(string(l.level)), a.Stratum, a.DType)
			if !asked(id) {
				continue
			}
			res := spec.Result{ID: id, Requirements: []string{l.id}, Status: spec.Pass}
			if a.Level.Rank() < l.level.Rank() {
				res.Status = spec.Note
				res.Message = fmt.Sprintf("%s is reached; the largest error seen is %.3g ulp (%s)", a.Level, a.ULPMax, a.Worst)
			}
			list = append(list, res)
		}
	}
	return list
}

// cpuName returns the processor's name where the system says it.
func cpuName() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
