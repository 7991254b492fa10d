package property

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"klconf/impl/exact"
	"klconf/spec"
	"pgregory.net/rapid"
)

func conventionOf(t *testing.T, text string) spec.Convention {
	t.Helper()
	var c spec.Convention
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(text, err)
	}
	return c
}

// drawMany calls f with n drawn vectors.
func drawMany(t *testing.T, n int, m domain, f func(t *rapid.T, v vectors)) {
	t.Helper()
	defer setFlags(n, 1)()
	r := record("klconf/"+t.Name(), func(r *recorder) {
		rapid.Check(r, func(t *rapid.T) { f(t, m.draw(t)) })
	})
	if r.failed {
		t.Fatal(r.message())
	}
}

// What is drawn reaches everything that it has to reach, in every format.
func TestGeneratorsReach(t *testing.T) {
	for _, d := range formatsDrawn {
		l := layouts[d]
		seen := map[string]bool{}
		lengths := map[int]bool{}
		lo, hi := math.Inf(1), math.Inf(-1)
		drawMany(t, 3000, domainOf(d, spec.Definition()), func(t *rapid.T, v vectors) {
			lengths[v.len()] = true
			p, q := v.totals(d)
			seen[map[int]string{-1: "P < Q", 0: "P = Q", 1: "P > Q"}[p.Cmp(q)]] = true
			near, apart := v.len() > 0, false
			for i := range v.p {
				x, y := d.Widen(v.p[i]), d.Widen(v.q[i])
				for _, x := range []float64{x, y} {
					if !(x >= 0) || math.IsInf(x, 0) || math.Signbit(x) {
						t.Fatalf("%s: drew %v", d, x)
					}
					if x > 0 {
						lo, hi = min(lo, x), max(hi, x)
					}
				}
				switch {
				case x == 0 && y == 0:
					seen["(0, 0)"] = true
				case x == 0:
					seen["(0, q)"] = true
				case y == 0:
					seen["(p, 0)"] = true
				case x > 0x1p20*y:
					seen["huge ratio"] = true
				case y > 0x1p20*x:
					seen["tiny ratio"] = true
				}
				if v.p[i] != 0 && v.p[i]>>l.fraction == 0 {
					seen["subnormal p"] = true
				}
				if v.q[i] != 0 && v.q[i]>>l.fraction == 0 {
					seen["subnormal q"] = true
				}
				ulps := int64(v.p[i] - v.q[i])
				near = near && -4 <= ulps && ulps <= 4
				apart = apart || ulps != 0
			}
			if near && apart {
				seen["near-equal"] = true
			}
			if one := exact.Int(1); p.Cmp(one) == 0 && q.Cmp(one) == 0 && v.len() > 1 {
				seen["exact pmfs"] = true
			} else if x, _ := p.Float().Float64(); p.Cmp(one) != 0 && math.Abs(x-1) < 16*math.Ldexp(1, -l.fraction) {
				seen["inexact pmf"] = true
			}
		})
		want := map[string]bool{"P < Q": true, "P = Q": true, "P > Q": true, "(0, 0)": true, "(0, q)": true, "(p, 0)": true, "huge ratio": true,
			"tiny ratio": true, "subnormal p": true, "subnormal q": true, "near-equal": true, "exact pmfs": true, "inexact pmf": true}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("%s: %s", d, diff)
		}
		if least := d.Widen(1); lo > 64*least || hi < math.Ldexp(1, l.top-1) {
			t.Errorf("%s: only from %g to %g", d, lo, hi)
		}
		for n := range 71 {
			if !lengths[n] {
				t.Errorf("%s: no vector has length %d", d, n)
			}
		}
		for _, n := range []int{128, 256, 512, 1024} {
			if !lengths[n-1] || !lengths[n] || !lengths[n+1] {
				t.Errorf("%s: lengths around %d are missing", d, n)
			}
		}
	}
}

// What is drawn is what the convention can take.
func TestGeneratorsRespectTheConvention(t *testing.T) {
	one := exact.Int(1)
	for _, c := range []struct {
		convention string
		ok         func(d spec.DType, v vectors) bool
	}{
		{`{"requires_normalised":"0"}`, func(d spec.DType, v vectors) bool {
			p, q := v.totals(d)
			return p.Cmp(one) == 0 && q.Cmp(one) == 0
		}},
		{`{"normalises":"both"}`, func(d spec.DType, v vectors) bool {
			p, q := v.totals(d)
			return p.Sign() > 0 && q.Sign() > 0
		}},
		{`{"empty":"nan"}`, func(_ spec.DType, v vectors) bool { return v.len() > 0 }},
		{`{"reduction":"mean"}`, func(_ spec.DType, v vectors) bool { return v.len() > 0 }},
		{`{"subnormal":"flushed"}`, eachPair(func(l layout, p, q uint64) bool {
			return (p == 0 || p>>l.fraction != 0) && (q == 0 || q>>l.fraction != 0)
		})},
		{`{"zero_p":"nan"}`, eachPair(func(_ layout, p, q uint64) bool { return p != 0 || q == 0 })},
		{`{"zero_zero":"reject"}`, eachPair(func(_ layout, p, q uint64) bool { return p != 0 || q != 0 })},
		{`{"zero_q":"nan","requires_normalised":"0"}`, eachPair(func(_ layout, p, q uint64) bool { return p == 0 || q != 0 })},
		{`{"zero_q":"drop"}`, eachPair(func(_ layout, p, q uint64) bool { return p == 0 || q != 0 })},
		{`{"zero_q":"nan","zero_p":"nan","zero_zero":"nan"}`, eachPair(func(_ layout, p, q uint64) bool { return p != 0 && q != 0 })},
	} {
		for _, d := range formatsDrawn {
			drawMany(t, 300, domainOf(d, conventionOf(t, c.convention)), func(t *rapid.T, v vectors) {
				if !c.ok(d, v) {
					t.Fatalf("%s in %s: drew %x, %x", c.convention, d, v.p, v.q)
				}
			})
		}
	}
}

func eachPair(ok func(l layout, p, q uint64) bool) func(spec.DType, vectors) bool {
	return func(d spec.DType, v vectors) bool {
		for i := range v.p {
			if !ok(layouts[d], v.p[i], v.q[i]) {
				return false
			}
		}
		return true
	}
}

// The arithmetic inside the laws is exact.
func TestInstancesAreExact(t *testing.T) {
	const draws = 200
	for _, d := range formatsDrawn {
		for _, c := range []string{`{}`, `{"requires_normalised":"0"}`} {
			s := &setting{domainOf(d, conventionOf(t, c)), conventionOf(t, c), d.ResultDType()}
			number := func(x uint64) exact.Num { return exact.Float(d.Widen(x)) }
			posed := func(id string, f func(t *rapid.T, all []vectors)) {
				l := lawOf(t, id)
				defer setFlags(draws, 1)()
				r := record("klconf/"+id, func(r *recorder) {
					rapid.Check(r, func(t *rapid.T) {
						var all []vectors
						for _, q := range l.pose(t, s).questions {
							all = append(all, bitsOf(q))
						}
						f(t, all)
					})
				})
				if r.failed {
					t.Fatal(r.message())
				}
			}
			pose := func(id string, f func(t *rapid.T, one, two vectors)) {
				posed(id, func(t *rapid.T, all []vectors) { f(t, all[0], all[1]) })
			}
			pose("LAW-M5", func(t *rapid.T, one, two vectors) {
				p, q := one.totals(d)
				x, y := two.totals(d)
				if p.Cmp(x) != 0 || q.Cmp(y) != 0 || two.len() != one.len()+1 {
					t.Fatalf("LAW-M5 in %s: %x and %x", d, one, two)
				}
			})
			pose("LAW-M7", func(t *rapid.T, one, two vectors) {
				p, q := one.totals(d)
				x, y := two.totals(d)
				if p.Ldexp(1).Cmp(x) != 0 || q.Ldexp(1).Cmp(y) != 0 {
					t.Fatalf("LAW-M7 in %s: %x and %x", d, one, two)
				}
			})
			pose("LAW-M1", func(t *rapid.T, one, two vectors) {
				p, q := one.totals(d)
				x, y := two.totals(d)
				if p.Cmp(x) != 0 || q.Cmp(y) != 0 {
					t.Fatalf("LAW-M1 in %s: %x and %x", d, one, two)
				}
			})
			pose("LAW-10", func(t *rapid.T, fine, merged vectors) {
				p, q := fine.totals(d)
				x, y := merged.totals(d)
				if p.Cmp(x) != 0 || q.Cmp(y) != 0 || merged.len() > fine.len() {
					t.Fatalf("LAW-10 in %s: %x and %x", d, fine, merged)
				}
			})
			pose("LAW-15", func(t *rapid.T, raised, v vectors) {
				for i := range v.p {
					if raised.p[i] != v.p[i] || d.Widen(raised.q[i]) < d.Widen(v.q[i]) || math.IsInf(d.Widen(raised.q[i]), 0) {
						t.Fatalf("LAW-15 in %s: %x and %x", d, v, raised)
					}
				}
			})
			posed("LAW-13", func(t *rapid.T, all []vectors) {
				factor := exact.Int(1) // 2 where the sum is of halves
				if s.pmf {
					factor = exact.Int(2)
				}
				for i := range all[0].p {
					for _, x := range [][3]uint64{{all[0].p[i], all[1].p[i], all[2].p[i]}, {all[0].q[i], all[1].q[i], all[2].q[i]}} {
						if number(x[0]).Mul(factor).Cmp(number(x[1]).Add(number(x[2]))) != 0 {
							t.Fatalf("LAW-13 in %s: %x", d, all)
						}
					}
				}
			})
			// Product and joint measures have the totals that their parts say, and
			// so all entries; an entry that was rounded would show.
			posed("LAW-12", func(t *rapid.T, all []vectors) {
				product, v, w := all[0], all[1], all[2]
				for i := range product.p {
					j, k := i/w.len(), i%w.len()
					if number(product.p[i]).Cmp(number(v.p[j]).Mul(number(w.p[k]))) != 0 ||
						number(product.q[i]).Cmp(number(v.q[j]).Mul(number(w.q[k]))) != 0 {
						t.Fatalf("LAW-12 in %s: %x", d, all)
					}
				}
			})
			posed("LAW-11", func(t *rapid.T, all []vectors) {
				margins, rows, joint := all[0], all[1:len(all)-1], all[len(all)-1]
				p, q := margins.totals(d)
				x, y := joint.totals(d)
				if p.Cmp(x) != 0 || q.Cmp(y) != 0 {
					t.Fatalf("LAW-11 in %s: %x", d, all)
				}
				for _, row := range rows {
					p, q := row.totals(d)
					if one := exact.Int(1); p.Cmp(one) != 0 || q.Cmp(one) != 0 {
						t.Fatalf("LAW-11 in %s: row %x", d, row)
					}
				}
			})
			if !s.pmf {
				pose("LAW-14", func(t *rapid.T, scaled, v vectors) {
					// One ratio for all, and so no rounding: (a·p)·p' = (a·p')·p.
					for i := range v.p {
						for _, x := range [][4]uint64{{scaled.p[i], v.p[0], scaled.p[0], v.p[i]}, {scaled.q[i], v.q[0], scaled.q[0], v.q[i]}} {
							if number(x[0]).Mul(number(x[1])).Cmp(number(x[2]).Mul(number(x[3]))) != 0 {
								t.Fatalf("LAW-14 in %s: %x and %x", d, v, scaled)
							}
						}
					}
				})
			}
			pose("LAW-M6", func(t *rapid.T, one, two vectors) {
				l := layouts[d]
				for i := range one.p {
					for _, x := range [][2]uint64{{one.p[i], two.p[i]}, {one.q[i], two.q[i]}} {
						a, b := d.Widen(x[0]), d.Widen(x[1])
						if (a == 0) != (b == 0) || a != 0 && (x[0]>>l.fraction == 0 || x[1]>>l.fraction == 0 || math.IsInf(b, 0)) {
							t.Fatalf("LAW-M6 in %s: %v and %v", d, a, b)
						}
					}
				}
			})
		}
	}
}

func bitsOf(r spec.Request) (v vectors) {
	for i := range r.Arrays[0].Len() {
		v.p, v.q = append(v.p, r.Arrays[0].Bits(i)), append(v.q, r.Arrays[1].Bits(i))
	}
	return v
}
