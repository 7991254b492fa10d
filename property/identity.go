package property

import (
	"fmt"
	"klconf/conform/judge"
	"klconf/impl/exact"
	"klconf/spec"
	"math/big"
	"pgregory.net/rapid"
)

// The identities are equations between several answers.
var identities = []Law{
	{
		ID: "LAW-3", Requirement: "LAW-3", Ops: klOnly,
		Statement: "K = Σφ + (P − Q), φ = k − p + q ≥ 0 for the answer k of each pair alone",
		Proof:     "ln x ≤ x − 1 at x = q/p gives φ ≥ 0; the rest is addition. Polyanskiy & Wu, section 2.1.",
		HoldsUnder: func(c spec.Convention) bool {
			return atLeastPlain(c) && !generalised(c) && !averages(c) && !requiresNormalised(c)
		},
		pose: func(t *rapid.T, s *setting) *trial {
			v := s.but(func(d *domain) { d.max, d.long = 6, false }).draw(t)
			r := new(trial)
			u := s.unit(v.len())
			all := []weighted{one(r.kl("KL(P‖Q)", s.dtype, v))}
			for i := range v.len() {
				x := v.pick(1, func(int) int { return i })
				k := r.kl(fmt.Sprintf("KL(p%d‖q%d)", i, i), s.dtype, x)
				all = append(all, times(-1, 1, k))
				p, q := x.totals(s.dtype)
				f := new(exact.Form)
				f.AddRat(p.Sub(q).Rat())
				r.claim(u.atLeast(), r.enclose(u, f), one(k))
			}
			r.claim(judge.Equal, judge.Zero, all...)
			return r
		},
	},
	{
		ID: "LAW-11", Requirement: "LAW-11", Ops: klOnly,
		Statement: "K(joint) = K(margins) + Σ P(x)·K(row x), the rows with sum 1",
		Proof:     "ln(P(x)p(y)/Q(x)q(y)) = ln(P(x)/Q(x)) + ln(p(y)/q(y)): Cover & Thomas, theorem 2.5.3.",
		HoldsUnder: func(c spec.Convention) bool {
			return !averages(c) && steps(c, func(s spec.Step) bool { return s.Do == "normalise" })
		},
		pose: func(t *rapid.T, s *setting) *trial {
			rowBits := layouts[s.dtype].precision() / 2
			margins := s.factor(t, 3, layouts[s.dtype].precision()-rowBits, s.pmf || s.positive)
			r, joint := new(trial), vectors{}
			sum := []weighted{{}, times(-1, 1, r.kl("KL(margins)", s.dtype, margins))}
			for x := range margins.p {
				row := s.but(func(d *domain) {
					d.pmf, d.pmfBits, d.min, d.max, d.long = true, rowBits, 1, 4, false
					if !d.zeros.both {
						d.zeros = zeros{} // 0·q against p·0 is a pair of zeros
					}
				}).draw(t)
				joint = joint.followedBy(s.times(margins.p[x], margins.q[x], row))
				if margins.p[x] != 0 {
					p := new(big.Rat).SetFloat64(s.dtype.Widen(margins.p[x]))
					sum = append(sum, weighted{p.Neg(p), r.kl(fmt.Sprintf("KL(row %d)", x), s.dtype, row), -1})
				}
			}
			sum[0] = one(r.kl("KL(joint)", s.dtype, joint))
			r.claim(judge.Equal, judge.Zero, sum...)
			return r
		},
	},
	{
		ID: "LAW-12", Requirement: "LAW-12", Ops: klOnly,
		Statement: "K(P×P′‖Q×Q′) = P′·K(P‖Q) + P·K(P′‖Q′)",
		Proof:     "ln(pp′/qq′) = ln(p/q) + ln(p′/q′): Cover & Thomas, section 2.5.",
		HoldsUnder: func(c spec.Convention) bool {
			return !averages(c) && !generalised(c) && steps(c, func(s spec.Step) bool { return s.Do == "normalise" })
		},
		pose: func(t *rapid.T, s *setting) *trial {
			bits := layouts[s.dtype].precision() / 2
			v := s.factor(t, 3, bits, s.pmf)
			w := s.but(func(d *domain) {
				if !d.zeros.both {
					d.zeros = zeros{}
				}
			}).factor(t, 3, layouts[s.dtype].precision()-bits, s.pmf)
			var product vectors
			for i := range v.p {
				product = product.followedBy(s.times(v.p[i], v.q[i], w))
			}
			p, _ := v.totals(s.dtype)
			p2, _ := w.totals(s.dtype)
			r := new(trial)
			r.claim(judge.Equal, judge.Zero, one(r.kl("KL(P×P′‖Q×Q′)", s.dtype, product)),
				weighted{s.rescaled("p", p2).Neg().Rat(), r.kl("KL(P‖Q)", s.dtype, v), -1},
				weighted{s.rescaled("p", p).Neg().Rat(), r.kl("KL(P′‖Q′)", s.dtype, w), -1})
			return r
		},
	},
	{
		ID: "LAW-14", Requirement: "LAW-14", Ops: klOnly,
		Statement:  "K(aP‖bQ) = aK(P‖Q) + aP ln(a/b)",
		Proof:      "ap ln(ap/bq) = a·p ln(p/q) + ap ln(a/b).",
		HoldsUnder: func(c spec.Convention) bool { return plain(c) && !generalised(c) && !requiresNormalised(c) },
		pose: func(t *rapid.T, s *setting) *trial {
			a, b := drawFactor(t), drawFactor(t)
			v := s.shortened(t, 8, 3)
			var w vectors
			for i := range v.p {
				w.p, w.q = append(w.p, s.product(a, v.p[i])), append(w.q, s.product(b, v.q[i]))
			}
			total, _ := v.totals(s.dtype)
			f := new(exact.Form)
			f.AddLog(total.Mul(exact.Float(a)), exact.Float(a), exact.Float(b))
			r := new(trial)
			weight := new(big.Rat).SetFloat64(a)
			r.claim(judge.Equal, r.enclose(s.unit(v.len()), f), one(r.kl(fmt.Sprintf("KL(%g·P‖%g·Q)", a, b), s.dtype, w)),
				weighted{weight.Neg(weight), r.kl("KL(P‖Q)", s.dtype, v), -1})
			return r
		},
	},
	{
		ID: "LAW-21", Requirement: "LAW-21", Ops: []spec.Op{"kl", "entropy", "cross_entropy"},
		Statement: "H(P,Q) = H(P) + K(P‖Q)",
		Proof:     "−Σ p ln q = −Σ p ln p + Σ p ln(p/q): Cover & Thomas, section 2.3.",
		HoldsUnder: func(c spec.Convention) bool {
			return !generalised(c) && steps(c, func(s spec.Step) bool {
				return s.Do != "add_ratio" && (s.Do != "drop_term" || s.Where == "p")
			})
		},
		pose: func(t *rapid.T, s *setting) *trial {
			v := s.draw(t)
			r := new(trial)
			x := r.kl("KL(P‖Q)", s.dtype, v)
			p, q := r.questions[x].Arrays[0], r.questions[x].Arrays[1]
			r.claim(judge.Equal, judge.Zero, one(r.ask("H(P,Q)", "cross_entropy", p, q)),
				times(-1, 1, r.ask("H(P)", "entropy", p)), times(-1, 1, x))
			return r
		},
	},
}

// factor draws up to n pairs of at most that many bits, P not all zero.
func (d *domain) factor(t *rapid.T, n, bits int, pmf bool) vectors {
	if pmf {
		c := *d
		c.pmf, c.pmfBits, c.min, c.max, c.long = true, bits, 1, n, false
		return c.draw(t)
	}
	z := d.drawZeros(t)
	v := pairs(t, 1, n, func(t *rapid.T) pair {
		x := pair{d.short(t, bits), d.short(t, bits)}
		p0, q0 := z.zero(t)
		if p0 {
			x.p = 0
		}
		if q0 {
			x.q = 0
		}
		return x
	})
	v.p[0], v.q[0] = d.positiveOr1(v.p[0]), d.positiveOr1(v.q[0])
	return v
}

// times returns (a·p, b·q) for each pair; the products are exact.
func (d *domain) times(a, b uint64, v vectors) (w vectors) {
	for i := range v.p {
		w.p = append(w.p, d.product(d.dtype.Widen(a), v.p[i]))
		w.q = append(w.q, d.product(d.dtype.Widen(b), v.q[i]))
	}
	return w
}
