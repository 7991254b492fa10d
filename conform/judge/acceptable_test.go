package judge_test

import (
	"math"
	"slices"
	"testing"

	"klconf/conform/judge"
	"klconf/golden"
	"klconf/spec"
)

// The ends of what is acceptable reach the level, and their neighbours outside do not.
func TestAcceptableEnds(t *testing.T) {
	checked := 0
	for _, v := range golden.Vectors() {
		if v.Op != "kl" || v.Convention != nil || v.Len() > 40 || !slices.Contains([]string{"near-equal", "ratio", "zero", "subnormal", "overflow", "measure", "ties"}, v.Family()) {
			continue
		}
		e, err := judge.Expect(v.Request(), spec.Convention{})
		if err != nil || len(e.Values) != 1 {
			continue
		}
		d, s := e.DType, e.Values[0]
		reaches := func(bits uint64, l spec.Level) bool {
			a := spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("result", d, bits)}}
			return judge.Assess(e, a).Level.Rank() >= l.Rank()
		}
		next := func(bits uint64, up bool) (uint64, bool) {
			x := d.Widen(bits)
			if math.IsInf(x, 0) || d != spec.F64 {
				return 0, false
			}
			to := math.Inf(-1)
			if up {
				to = math.Inf(1)
			}
			return math.Float64bits(math.Nextafter(x, to)), true
		}
		for _, l := range []spec.Level{spec.L1, spec.L2, spec.L4, spec.L5} {
			for _, r := range judge.Acceptable(s, d, l) {
				checked++
				if !reaches(r.Lo, l) || !reaches(r.Hi, l) {
					t.Errorf("%s at %s: an end of %x does not reach it", v.ID, l, r)
				}
				if b, ok := next(r.Lo, false); ok && reaches(b, l) {
					t.Errorf("%s at %s: below %x is another", v.ID, l, r.Lo)
				}
				if b, ok := next(r.Hi, true); ok && reaches(b, l) {
					t.Errorf("%s at %s: above %x is another", v.ID, l, r.Hi)
				}
				if l == spec.L5 && r.Lo != r.Hi {
					t.Errorf("%s: two numbers are correctly rounded: %x", v.ID, r)
				}
			}
		}
	}
	if checked < 200 {
		t.Errorf("%d ranges were looked at", checked)
	}
}
