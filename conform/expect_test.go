package conform

import (
	"fmt"
	"testing"

	"klconf/conform/judge"
	"klconf/golden"
	"klconf/spec"
)

func written(e spec.Expected) string {
	s := fmt.Sprint(e.DType, e.Shape, e.Whole != nil)
	for _, v := range e.Values {
		s += fmt.Sprint(v.Intervals, v.NaN, v.Reject, v.RN)
		if v.Mass != nil {
			s += fmt.Sprint(v.Mass.N, v.Mass.AbsT, v.Mass.P)
		}
	}
	return s
}

// What is remembered is what would be computed, for each convention apart, and nothing that
// grading does changes it.
func TestExpectedIsRemembered(t *testing.T) {
	base2 := spec.Convention{Base: "2"}
	for _, v := range golden.Vectors() {
		if v.Len() > 4 || v.Op != "kl" || v.DType != spec.F64 {
			continue
		}
		for _, c := range []spec.Convention{{}, {Complete: true}, base2} {
			want, wantErr := judge.Expect(v.Request(), c)
			for range 2 {
				got, err := expected(v.Request(), c, conventionKey(c))
				if written(got) != written(want) || (err == nil) != (wantErr == nil) {
					t.Fatalf("%s under %+v: %v, %v", v.ID, c, got, err)
				}
				if err == nil {
					alsoRefused(got)
				}
			}
		}
	}
}

// The convention that was asked about the longest ago is forgotten first.
func TestMemoryForgets(t *testing.T) {
	m := memory{under: map[string]*underConvention{}}
	question := func(i int) (k [32]byte) {
		copy(k[:], fmt.Sprint(i))
		return k
	}
	for i := range mostExpectations - 1 {
		m.put("a", question(i), spec.Expected{})
	}
	m.put("b", question(0), spec.Expected{})
	m.get("a", question(0))
	m.put("c", question(0), spec.Expected{})
	if m.under["b"] != nil || m.under["a"] == nil || m.under["c"] == nil || m.size != mostExpectations {
		t.Errorf("of %d entries %d are left under %d conventions", mostExpectations+1, m.size, len(m.under))
	}
}
