package property

import (
	"fmt"
	"math/big"

	"klconf/conform/judge"
	"klconf/spec"
	"pgregory.net/rapid"
)

// The metamorphic laws compare two answers to questions of which one is made
// from the other without rounding.
var metamorphic = []Law{
	{
		ID: "LAW-M1", Requirement: "LAW-M1", Ops: klOnly,
		Statement:  "K(πP‖πQ) = K(P‖Q) for a permutation π",
		Proof:      "Addition is commutative; totals do not change.",
		HoldsUnder: func(spec.Convention) bool { return true },
		pose: func(t *rapid.T, s *setting) *trial {
			stride, shift := dial(t, "stride"), dial(t, "shift")
			v := s.but(func(d *domain) { d.min = 2 }).draw(t)
			n := v.len()
			// i ↦ b − a·i with a coprime to n.
			a, b := 1+at(stride, n), n-1+at(shift, n)
			for gcd(a, n) != 1 {
				a++
			}
			r := new(trial)
			r.same(r.kl("KL(P‖Q)", s.dtype, v),
				r.kl("KL(πP‖πQ)", s.dtype, v.pick(n, func(i int) int { return (b - a*i%n) % n })))
			return r
		},
	},
	{
		ID: "LAW-M2", Requirement: "LAW-M2", Ops: klOnly,
		Statement: "a pair (0, q) changes nothing",
		Proof:     "0·ln(0/q) = 0 by continuity (Cover & Thomas, section 2.3).",
		HoldsUnder: func(c spec.Convention) bool {
			// A factor 0 stays 0 when P is normalised or shifted inside the
			// logarithm, but a shift changes the total of what comes after.
			shifted := false
			ok := steps(c, func(s spec.Step) bool {
				switch s.Do {
				case "normalise":
					return s.Of == "p" && !shifted
				case "clamp", "add", "replace":
					shifted = shifted || s.Of != "q"
					return s.Of == "q" || s.In == "log"
				}
				return true
			})
			return ok && defaults(c.ZeroP, "zero") && !generalised(c) && !averages(c) && !requiresNormalised(c)
		},
		pose: func(t *rapid.T, s *setting) *trial {
			return s.inserted(t, "KL(P,0‖Q,q)", pair{0, s.number(t, s.drawFlavour(t))})
		},
	},
	{
		ID: "LAW-M3", Requirement: "LAW-M3", Ops: klOnly,
		Statement: "a pair (a, a) changes nothing",
		Proof:     "a·ln(a/a) = 0.",
		HoldsUnder: func(c spec.Convention) bool {
			return alike(c) && !normalises(c) && !averages(c) && !requiresNormalised(c)
		},
		pose: func(t *rapid.T, s *setting) *trial {
			a := s.number(t, s.drawFlavour(t))
			if s.zeros.both && at(dial(t, "zero"), 10) == 9 {
				a = 0
			}
			return s.inserted(t, "KL(P,a‖Q,a)", pair{a, a})
		},
	},
	{
		ID: "LAW-M4", Requirement: "LAW-M4", Ops: klOnly,
		Statement:  "K(P‖P) = +0",
		Proof:      "Every term is p·ln 1.",
		HoldsUnder: alike,
		pose: func(t *rapid.T, s *setting) *trial {
			r := new(trial)
			r.claim(judge.Same, judge.Zero, one(r.kl("KL(P‖P)", s.dtype, s.self(t))))
			return r
		},
	},
	{
		ID: "LAW-M5", Requirement: "LAW-M5", Ops: klOnly,
		Statement: "splitting a pair into two exact halves changes nothing",
		Proof:     "p ln(p/q) = 2·(p/2) ln((p/2)/(q/2)); totals do not change.",
		HoldsUnder: func(c spec.Convention) bool {
			return !averages(c) && steps(c, func(s spec.Step) bool { return s.Do == "normalise" || homogeneous(s) })
		},
		pose: func(t *rapid.T, s *setting) *trial {
			place := dial(t, "place")
			normal := s.but(func(d *domain) { d.least, d.subnormal = layouts[d.dtype].least()+1, false })
			x := normal.pair(mixed, normal.drawZeros(t)).Draw(t, "pair")
			v := s.draw(t)
			i := at(place, v.len()+1)
			if !s.pmf {
				v = v.with(i, x)
			} else if i == v.len() {
				i = 0 // all are multiples of 2^-m with a small m: exact halves
			}
			half := pair{halved(s.dtype, v.p[i]), halved(s.dtype, v.q[i])}
			w := v.with(i, half)
			w.p[i+1], w.q[i+1] = half.p, half.q
			r := new(trial)
			r.same(r.kl("KL(P‖Q)", s.dtype, v), r.kl("KL(…,p/2,p/2‖…,q/2,q/2)", s.dtype, w))
			return r
		},
	},
	{
		ID: "LAW-M6", Requirement: "LAW-M6", Ops: klOnly,
		Statement: "K(2^k P‖2^k Q) = 2^k K(P‖Q) while all numbers are normal",
		Proof:     "The ratios stay, the factors are multiplied.",
		HoldsUnder: func(c spec.Convention) bool {
			return !requiresNormalised(c) && steps(c, homogeneous)
		},
		pose: func(t *rapid.T, s *setting) *trial {
			// A quarter of the exponents for the numbers, a quarter for the
			// scale: the results are normal.
			a := min(-layouts[s.dtype].least(), -layouts[s.result].least()) / 4
			if s.dtype == spec.F16 {
				a = 7 // the results are wider
			}
			k := rapid.IntRange(-a, a).Draw(t, "k")
			v := s.but(func(d *domain) { d.least, d.most, d.subnormal = -a, a, false }).draw(t)
			w := v.pick(v.len(), func(i int) int { return i })
			for i := range w.p {
				w.p[i], w.q[i] = scaled(s.dtype, w.p[i], k), scaled(s.dtype, w.q[i], k)
			}
			r := new(trial)
			x, y := r.kl("KL(P‖Q)", s.dtype, v), r.kl(fmt.Sprintf("KL(2^%d·P‖2^%d·Q)", k, k), s.dtype, w)
			power := new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), uint(max(k, -k))))
			if k < 0 {
				power.Inv(power)
			}
			r.claim(judge.Same, judge.Zero, weighted{power, x, -1}, times(-1, 1, y))
			return r
		},
	},
	{
		ID: "LAW-M7", Requirement: "LAW-M7", Ops: klOnly,
		Statement: "K(P,P‖Q,Q) = 2 K(P‖Q)",
		Proof:     "Every term stands twice.",
		HoldsUnder: func(c spec.Convention) bool {
			return !normalises(c) && !averages(c) && !requiresNormalised(c)
		},
		pose: func(t *rapid.T, s *setting) *trial {
			v := s.draw(t)
			r := new(trial)
			x := r.kl("KL(P‖Q)", s.dtype, v)
			y := r.kl("KL(P,P‖Q,Q)", s.dtype, v.pick(2*v.len(), func(i int) int { return i % v.len() }))
			r.claim(judge.Same, judge.Zero, times(2, 1, x), times(-1, 1, y))
			return r
		},
	},
	{
		ID: "LAW-M8", Requirement: "LAW-M8", Ops: klOnly,
		Statement:  "K((p)‖(q)) = p ln(p/q)",
		Proof:      "The definition for n = 1.",
		HoldsUnder: func(c spec.Convention) bool { return plain(c) && !generalised(c) && !requiresNormalised(c) },
		pose: func(t *rapid.T, s *setting) *trial {
			v := s.but(func(d *domain) { d.min, d.max, d.long = 1, 1, false }).draw(t)
			r := new(trial)
			x := r.kl("KL(p‖q)", s.dtype, v)
			p, q := v.totals(s.dtype)
			r.claim(judge.Same, r.bound(s.unit(1), p, p, q), one(x))
			return r
		},
	},
	{
		ID: "LAW-M9", Requirement: "LAW-M9", Ops: []spec.Op{"kl", "kl_rows"},
		Statement:  "the answer for a row does not depend on its place in a batch",
		Proof:      "The rows of a batch have nothing to do with one another.",
		HoldsUnder: func(c spec.Convention) bool { return defaults(c.Reduction, "none") },
		pose: func(t *rapid.T, s *setting) *trial {
			// An odd number of rows before it, so that with an odd n it begins
			// at another alignment.
			before := 1 + 2*at(dial(t, "before"), 3)
			rows := before + 1 + at(dial(t, "after"), 3)
			others := s.but(func(d *domain) { d.min, d.max, d.long = 1, 8, false }).draw(t)
			v := s.but(func(d *domain) { d.min = 1 }).draw(t)
			n := v.len()
			other := others.pick(n, func(i int) int { return i % others.len() })
			if s.pmf {
				other = s.row(t, n)
			}
			all := v.pick(rows*n, func(i int) int { return i % n })
			for i := range all.p {
				if i/n != before {
					j := (i + i/n) % n // rotated by the number of the row
					all.p[i], all.q[i] = other.p[j], other.q[j]
				}
			}
			r := new(trial)
			x := r.kl("KL(P‖Q)", s.dtype, v)
			p, q := spec.FromBits("p", s.dtype, all.p), spec.FromBits("q", s.dtype, all.q)
			p.Shape, q.Shape = []int{rows, n}, []int{rows, n}
			y := r.ask(fmt.Sprintf("row %d of %d", before, rows), "kl_rows", p, q)
			r.claim(judge.Same, judge.Zero, one(x), weighted{big.NewRat(-1, 1), y, before})
			return r
		},
	},
}

// self draws P twice.
func (s *setting) self(t *rapid.T) vectors {
	v := s.but(func(d *domain) { d.zeros = zeros{both: d.zeros.both} }).draw(t)
	return vectors{v.p, v.p}
}

// inserted claims that a pair changes nothing, wherever it stands.
func (s *setting) inserted(t *rapid.T, name string, x pair) *trial {
	place := dial(t, "place")
	v := s.draw(t)
	r := new(trial)
	r.same(r.kl("KL(P‖Q)", s.dtype, v), r.kl(name, s.dtype, v.with(at(place, v.len()+1), x)))
	return r
}
