package property

import (
	"math/big"
	"testing"
	"time"

	"klconf/conform/judge"
	"klconf/impl/exact"
	"klconf/spec"
	"pgregory.net/rapid"
)

var formatsDrawn = []spec.DType{spec.F64, spec.F32, spec.F16, spec.BF16}

// seeds returns how many seeds are tried in a format.
func seeds(d spec.DType) uint64 {
	if d == spec.F64 {
		return 2
	}
	return 1
}

// The laws are theorems: the oracle obeys them without tolerance.
func TestOracleObeysEveryLaw(t *testing.T) {
	for _, d := range formatsDrawn {
		for seed := range seeds(d) {
			start := time.Now()
			for _, l := range Laws() {
				o := Run(t.Context(), l, Subject{oracle(spec.Definition()), spec.Definition(), spec.L5, d, offersAll}, Options{seed, 100})
				if o.Status != spec.Pass {
					t.Errorf("%s in %s, seed %d: %s: %s", l.ID, d, seed, o.Status, o.Message)
				}
			}
			t.Logf("%s, seed %d: %v", d, seed, time.Since(start))
		}
	}
}

// A plain loop in float64 obeys them within L1.
func TestPlainLoopObeysEveryLaw(t *testing.T) {
	for _, d := range formatsDrawn {
		for seed := range seeds(d) {
			for _, l := range Laws() {
				o := Run(t.Context(), l, Subject{loop(naive), spec.Definition(), spec.L1, d, offersAll}, Options{seed, 100})
				if o.Status != spec.Pass && o.Status != spec.Note {
					t.Errorf("%s in %s, seed %d: %s: %s", l.ID, d, seed, o.Status, o.Message)
				}
			}
		}
	}
}

// Inequalities that are almost those of the catalogue, and false: the draws
// reach where they break.
func TestFalseInequalities(t *testing.T) {
	rational := func(w weights, r *big.Rat) *exact.Form {
		f := logSum(w)
		f.AddRat(r)
		return f
	}
	for name, pose := range map[string]func(t *rapid.T, s *setting) *trial{
		"Pinsker with P in place of P/2": func(t *rapid.T, s *setting) *trial {
			return s.bounded(t, s.drawEither, judge.AtLeast, func(w weights) *exact.Form {
				n := w.apart()
				return rational(w, quotient(n.Mul(n), w.totalP.Mul(w.totalQ).Mul(w.totalQ)))
			})
		},
		"LAW-5 with 2Q + 4P": func(t *rapid.T, s *setting) *trial {
			return s.bounded(t, s.drawMirrored, judge.AtLeast, func(w weights) *exact.Form {
				f, d := new(exact.Form), w.distance()
				f.AddRat(w.totalP.Sub(w.totalQ).Rat())
				f.AddRat(quotient(d.Mul(d).Mul(exact.Int(3)), w.totalQ.Ldexp(1).Add(w.totalP.Ldexp(2))))
				return f
			})
		},
		"Bretagnolle-Huber with V in place of V²": func(t *rapid.T, s *setting) *trial {
			return s.bounded(t, s.drawProportional, judge.AtLeast, func(w weights) *exact.Form {
				d, n := w.totalP.Mul(w.totalQ).Ldexp(1), w.apart()
				if d.Cmp(n) == 0 {
					return nil
				}
				f := logSum(w)
				f.AddLog(w.totalP, d, d.Sub(n))
				return f
			})
		},
		"half of chi-square": func(t *rapid.T, s *setting) *trial {
			return s.bounded(t, s.drawProportional, judge.AtMost, func(w weights) *exact.Form {
				c := new(big.Rat) // C − P
				for i, p := range w.p {
					if w.q[i].Sign() == 0 {
						return nil
					}
					c.Add(c, quotient(p.Mul(p), w.q[i]))
				}
				c.Sub(c, w.totalP.Rat())
				f := new(exact.Form)
				f.AddRat(c.Quo(c, big.NewRat(2, 1)))
				return f
			})
		},
	} {
		l := Law{ID: "LAW-0", Requirement: "LAW-0", HoldsUnder: boundedBelow, pose: pose}
		if o := run(t.Context(), l, subject(oracle(spec.Definition())), Options{1, 100}, 0); o.Status != spec.Fail {
			t.Errorf("%s: %s %s", name, o.Status, o.Message)
		}
	}
}
