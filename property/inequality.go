package property

import (
	"math"
	"math/big"
	"slices"

	"klconf/conform/judge"
	"klconf/impl/exact"
	"klconf/spec"
	"pgregory.net/rapid"
)

// The inequalities bound one answer by an exact number, or put two answers in
// order.
var inequalities = []Law{
	{
		ID: "LAW-1", Requirement: "LAW-1", Ops: klOnly,
		Statement: "K ≥ P ln(P/Q), P = Σp, Q = Σq",
		Proof:     "The log-sum inequality: Cover & Thomas, theorem 2.7.1.",
		HoldsUnder: func(c spec.Convention) bool {
			return !generalised(c) && (atLeastPlain(c) || endsNormalised(c))
		},
		pose: func(t *rapid.T, s *setting) *trial {
			var v vectors
			if !s.pmf && rapid.Bool().Draw(t, "near") {
				v = s.proportional(t, 6)
			} else {
				v = s.but(func(d *domain) { d.close = true }).draw(t)
			}
			r := new(trial)
			x := r.kl("KL(P‖Q)", s.dtype, v)
			p, q := v.totals(s.dtype)
			if endsNormalised(s.convention) {
				p, q = exact.Int(1), exact.Int(1)
			}
			u := s.unit(v.len())
			r.claim(u.atLeast(), r.bound(u, p, p, q), one(x))
			return r
		},
	},
	{
		ID: "LAW-2", Requirement: "LAW-2", Ops: klOnly,
		Statement:  "P ≥ Q ⇒ K ≥ 0, P = Σp, Q = Σq",
		Proof:      "Gibbs' inequality: Cover & Thomas, theorem 2.6.3, with LAW-1.",
		HoldsUnder: func(c spec.Convention) bool { return atLeastPlain(c) || endsNormalised(c) },
		pose:       func(t *rapid.T, s *setting) *trial { return s.nonnegative(t, false) },
	},
	{
		ID: "LAW-2S", Requirement: "LAW-2S", Ops: klOnly,
		Statement:  "P ≥ Q ⇒ the answer is never negative",
		Proof:      "LAW-2, and rounding to nearest is monotone.",
		HoldsUnder: func(c spec.Convention) bool { return atLeastPlain(c) || endsNormalised(c) },
		pose:       func(t *rapid.T, s *setting) *trial { return s.nonnegative(t, true) },
	},
	{
		ID: "LAW-2Z", Requirement: "LAW-2Z", Ops: klOnly,
		Statement:  "K(P‖P) = 0",
		Proof:      "Every term is p·ln 1.",
		HoldsUnder: alike,
		pose: func(t *rapid.T, s *setting) *trial {
			r := new(trial)
			r.claim(judge.Equal, judge.Zero, one(r.kl("KL(P‖P)", s.dtype, s.self(t))))
			r.claims[0].strict = true
			return r
		},
	},
	{
		ID: "LAW-4", Requirement: "LAW-4", Ops: klOnly,
		Statement:  "K ≥ P ln(P/Q) + (P/2)·(Σ|p/P − q/Q|)²",
		Proof:      "Pinsker's inequality, which is LAW-5 for the pmfs p/P and q/Q: Csiszár 1967; Polyanskiy & Wu, chapter 7.",
		HoldsUnder: boundedBelow,
		pose: func(t *rapid.T, s *setting) *trial {
			return s.bounded(t, s.drawEither, judge.AtLeast, func(w weights) *exact.Form {
				f := logSum(w)
				n := w.apart()
				f.AddRat(quotient(n.Mul(n), w.totalP.Mul(w.totalQ).Mul(w.totalQ).Ldexp(1)))
				return f
			})
		},
	},
	{
		ID: "LAW-5", Requirement: "LAW-5", Ops: klOnly,
		Statement: "K − P + Q ≥ 3T²/(2P + 4Q), T = Σ|p − q|",
		Proof: "3(x − 1)² ≤ (2x + 4)(x ln x − x + 1) for each x = p/q: both sides and three derivatives agree at 1. " +
			"Then the inequality of Cauchy and Schwarz: Tsybakov 2009, lemma 2.5.",
		HoldsUnder: boundedBelow,
		pose: func(t *rapid.T, s *setting) *trial {
			return s.bounded(t, s.drawMirrored, judge.AtLeast, func(w weights) *exact.Form {
				f, d := new(exact.Form), w.distance()
				f.AddRat(w.totalP.Sub(w.totalQ).Rat())
				f.AddRat(quotient(d.Mul(d).Mul(exact.Int(3)), w.totalP.Ldexp(1).Add(w.totalQ.Ldexp(2))))
				return f
			})
		},
	},
	{
		ID: "LAW-6", Requirement: "LAW-6", Ops: klOnly,
		Statement: "V ≤ √(1 − e^−D), V = ½Σ|p/P − q/Q|, D = K/P − ln(P/Q)",
		Proof: "D ≥ −ln(Σ√(pq/PQ))² by LAW-7, and (Σ√(pq/PQ))² ≤ (1 − V)(1 + V) by Cauchy and Schwarz: Bretagnolle & Huber 1979. " +
			"It is put as K ≥ P ln(P/Q) − P ln(1 − V²), where only logarithms of rational numbers stand.",
		HoldsUnder: boundedBelow,
		pose: func(t *rapid.T, s *setting) *trial {
			return s.bounded(t, s.drawProportional, judge.AtLeast, func(w weights) *exact.Form {
				d := w.totalP.Mul(w.totalQ).Ldexp(1)
				n := w.apart()
				d, n = d.Mul(d), n.Mul(n)
				if d.Cmp(n) == 0 {
					return nil // V = 1
				}
				f := logSum(w)
				f.AddLog(w.totalP, d, d.Sub(n))
				return f
			})
		},
	},
	{
		ID: "LAW-7", Requirement: "LAW-7", Ops: klOnly,
		Statement:  "K ≥ 2P ln(P/Σ√(pq))",
		Proof:      "Jensen's inequality for −2 ln of the mean of √(q/p): Polyanskiy & Wu, chapter 7.",
		HoldsUnder: boundedBelow,
		pose: func(t *rapid.T, s *setting) *trial {
			return s.bounded(t, s.drawProportional, judge.AtLeast, func(w weights) *exact.Form {
				// The lower end of the bound: from roots that are not below.
				var roots []exact.Num
				for i := range w.p {
					_, hi := root(w.p[i].Mul(w.q[i]))
					roots = append(roots, hi)
				}
				sum := exact.Sum(roots)
				if sum.Sign() == 0 {
					return nil
				}
				f := new(exact.Form)
				f.AddLog(w.totalP.Ldexp(1), w.totalP, sum)
				return f
			})
		},
	},
	{
		ID: "LAW-8", Requirement: "LAW-8", Ops: klOnly,
		Statement:  "K ≤ P ln(C/P), C = Σp²/q",
		Proof:      "Jensen's inequality for ln of the mean of p/q: Polyanskiy & Wu, chapter 7.",
		HoldsUnder: boundedAbove,
		pose: func(t *rapid.T, s *setting) *trial {
			return s.bounded(t, s.drawProportional, judge.AtMost, func(w weights) *exact.Form {
				// C = c/d.
				c, d := exact.Int(0), exact.Int(1)
				for i, p := range w.p {
					switch q := w.q[i]; {
					case p.Sign() == 0:
					case q.Sign() == 0:
						return nil
					default:
						c, d = c.Mul(q).Add(p.Mul(p).Mul(d)), d.Mul(q)
					}
				}
				f := new(exact.Form)
				f.AddLog(w.totalP, c, d.Mul(w.totalP))
				return f
			})
		},
	},
	{
		ID: "LAW-9", Requirement: "LAW-9", Ops: klOnly,
		Statement:  "P ln min(p/q) ≤ K ≤ P ln max(p/q) over p > 0",
		Proof:      "K/P is a mean of ln(p/q) with weights p/P.",
		HoldsUnder: boundedAbove,
		pose: func(t *rapid.T, s *setting) *trial {
			v := s.drawNear(t, s.drawProportional)
			r, w := new(trial), s.weights(v)
			x := r.kl("KL(P‖Q)", s.dtype, v)
			low, high := -1, -1
			for i, p := range w.p {
				if p.Sign() == 0 {
					continue
				}
				if low < 0 || p.Mul(w.q[low]).Cmp(w.p[low].Mul(w.q[i])) < 0 {
					low = i
				}
				if high < 0 || p.Mul(w.q[high]).Cmp(w.p[high].Mul(w.q[i])) > 0 {
					high = i
				}
			}
			for _, end := range []struct {
				order judge.Order
				at    int
			}{{judge.AtLeast, low}, {judge.AtMost, high}} {
				f := new(exact.Form)
				switch {
				case end.at < 0: // P = 0
				case w.q[end.at].Sign() == 0:
					f = nil
				default:
					f.AddLog(w.totalP, w.p[end.at], w.q[end.at])
				}
				s.bound(r, v, w, x, end.order, f)
			}
			return r
		},
	},
	{
		ID: "LAW-10", Requirement: "LAW-10", Ops: klOnly,
		Statement: "merging cells never increases K",
		Proof:     "The log-sum inequality for the cells that are merged: Cover & Thomas, theorem 2.7.1.",
		HoldsUnder: func(c spec.Convention) bool {
			return !averages(c) && steps(c, func(s spec.Step) bool { return s.Do == "normalise" || enlarges(s) })
		},
		pose: func(t *rapid.T, s *setting) *trial {
			var fine, merged vectors
			if s.pmf {
				fine = s.few(8).draw(t)
				merged = s.neighboursMerged(fine)
			} else {
				var second vectors
				for _, c := range s.splits(t, 4) {
					fine.p, fine.q = append(fine.p, c.one.p), append(fine.q, c.one.q)
					second.p, second.q = append(second.p, c.two.p), append(second.q, c.two.q)
					merged.p, merged.q = append(merged.p, c.whole.p), append(merged.q, c.whole.q)
				}
				fine = fine.followedBy(second)
			}
			r := new(trial)
			x := r.kl("KL(P‖Q)", s.dtype, fine)
			y := r.kl("KL(merged)", s.dtype, merged)
			r.claim(s.unit(1).atMost(), judge.Zero, one(y), times(-1, 1, x))
			return r
		},
	},
	{
		ID: "LAW-13", Requirement: "LAW-13", Ops: klOnly,
		Statement: "K(P + P′‖Q + Q′) ≤ K(P‖Q) + K(P′‖Q′), and the same of their halves",
		Proof:     "The log-sum inequality for each pair; with K(aP‖aQ) = aK(P‖Q) it is joint convexity: Cover & Thomas, theorem 2.7.2.",
		HoldsUnder: func(c spec.Convention) bool {
			return steps(c, func(s spec.Step) bool { return enlarges(s) })
		},
		pose: func(t *rapid.T, s *setting) *trial {
			var x, y, sum vectors
			weight := int64(1)
			if s.pmf {
				d := s.few(6)
				d.pmfBits = layouts[d.dtype].precision() - 2
				x = d.draw(t)
				y = x.pick(x.len(), func(i int) int { return x.len() - 1 - i })
				sum = s.halfway(x, y)
				weight = 2
			} else {
				for _, c := range s.splits(t, 4) {
					x.p, x.q = append(x.p, c.one.p), append(x.q, c.one.q)
					y.p, y.q = append(y.p, c.two.p), append(y.q, c.two.q)
					sum.p, sum.q = append(sum.p, c.whole.p), append(sum.q, c.whole.q)
				}
			}
			r := new(trial)
			k := r.kl("KL(sum)", s.dtype, sum)
			r.claim(s.unit(1).atMost(), judge.Zero, times(weight, 1, k),
				times(-1, 1, r.kl("KL(P‖Q)", s.dtype, x)), times(-1, 1, r.kl("KL(P′‖Q′)", s.dtype, y)))
			return r
		},
	},
	{
		ID: "LAW-15", Requirement: "LAW-15", Ops: klOnly,
		Statement: "Q ≤ Q′ ⇒ K(P‖Q′) ≤ K(P‖Q)",
		Proof:     "The logarithm is increasing, and p ≥ 0.",
		HoldsUnder: func(c spec.Convention) bool {
			return !generalised(c) && !requiresNormalised(c) && steps(c, func(s spec.Step) bool {
				switch s.Do {
				case "normalise", "replace":
					return s.Of == "p"
				case "drop_term":
					return s.Where == "p"
				}
				return true
			})
		},
		pose: func(t *rapid.T, s *setting) *trial {
			d := s.few(6)
			d.min, d.most = max(d.min, 1), d.most-1
			v := d.draw(t)
			i := at(dial(t, "place"), v.len())
			w := v.pick(v.len(), func(i int) int { return i })
			// By a few ulps, or to the double of a normal number.
			switch up := uint64(rapid.IntRange(1, 4).Draw(t, "ulps")); {
			case rapid.Bool().Draw(t, "double") && w.q[i]>>layouts[s.dtype].fraction > 0:
				w.q[i] = scaled(s.dtype, w.q[i], 1)
			case w.q[i] != 0 || s.zeros.q:
				w.q[i] += up
			}
			r := new(trial)
			r.claim(s.unit(v.len()).atMost(), judge.Zero, one(r.kl("KL(P‖Q′)", s.dtype, w)), times(-1, 1, r.kl("KL(P‖Q)", s.dtype, v)))
			return r
		},
	},
	{
		ID: "LAW-16", Requirement: "LAW-16", Ops: klOnly,
		Statement:  "all q = c ⇒ P ln(P/(nc)) ≤ K ≤ P ln(P/c)",
		Proof:      "K = P ln(P/c) − P·H(P/P), and the entropy lies between 0 and ln n: Cover & Thomas, theorem 2.6.4.",
		HoldsUnder: boundedAbove,
		pose: func(t *rapid.T, s *setting) *trial {
			v := s.drawUniform(t)
			r, w := new(trial), s.weights(v)
			x := r.kl("KL(P‖c)", s.dtype, v)
			low, high := new(exact.Form), new(exact.Form)
			switch {
			case w.totalP.Sign() == 0:
			case w.totalQ.Sign() == 0:
				low, high = nil, nil
			default:
				low.AddLog(w.totalP, w.totalP, w.totalQ)
				high.AddLog(w.totalP, w.totalP, w.q[0])
			}
			s.bound(r, v, w, x, judge.AtLeast, low)
			s.bound(r, v, w, x, judge.AtMost, high)
			return r
		},
	},
	{
		ID: "LAW-17", Requirement: "LAW-17", Ops: klOnly,
		Statement: "K ≥ Σ p·f − P ln Σ q·e^f + P ln P, with equality at f = ln(p/q)",
		Proof: "The difference is P times the divergence of P/P from q·e^f/Σ q·e^f: Donsker & Varadhan 1975; Polyanskiy & Wu, " +
			"chapter 4. With f = ln a for dyadic a every term is rational or the logarithm of a rational number.",
		HoldsUnder: boundedAbove,
		pose: func(t *rapid.T, s *setting) *trial {
			v, a, order := s.drawTilt(t)
			r, w := new(trial), s.weights(v)
			x := r.kl("KL(P‖Q)", s.dtype, v)
			f := new(exact.Form)
			var tilted []exact.Num
			for i, q := range w.q {
				e := exact.Float(a[i])
				f.AddLog(w.p[i], e, exact.Int(1))
				tilted = append(tilted, q.Mul(e))
			}
			switch sum := exact.Sum(tilted); {
			case w.totalP.Sign() == 0:
				f = new(exact.Form)
			case sum.Sign() == 0:
				f = nil
			default:
				f.AddLog(w.totalP, w.totalP, sum)
			}
			s.bound(r, v, w, x, order, f)
			return r
		},
	},
	{
		ID: "LAW-18", Requirement: "LAW-18", Ops: []spec.Op{"js"},
		Statement: "0 ≤ JS ≤ ln 2·(P + Q)/2",
		Proof: "The log-sum inequality for p and q against their midpoint m gives the lower end for each pair, " +
			"p/m ≤ 2 and q/m ≤ 2 the upper: Lin 1991.",
		HoldsUnder: func(c spec.Convention) bool {
			// What is done to both alike brings p and q closer together.
			return steps(c, func(s spec.Step) bool { return s.Do == "normalise" }) || steps(c, func(s spec.Step) bool {
				switch s.Do {
				case "clamp", "add":
					return s.Of == "both" && (s.In != "log" || !normalises(c))
				case "normalise", "replace":
					return s.Of == "both" && s.In != "log"
				}
				return true
			})
		},
		pose: func(t *rapid.T, s *setting) *trial {
			v := s.drawApart(t)
			r, w := new(trial), s.weights(v)
			x := r.ask("JS(P,Q)", "js", spec.FromBits("p", s.dtype, v.p), spec.FromBits("q", s.dtype, v.q))
			u, f := s.unit(v.len()), new(exact.Form)
			for _, side := range []struct {
				of    string
				total exact.Num
			}{{"p", w.totalP}, {"q", w.totalQ}} {
				if total := s.rescaled(side.of, side.total); total.Sign() > 0 {
					f.AddLog(total.Half(), exact.Int(2), exact.Int(1))
				}
			}
			r.claim(u.atLeast(), judge.Zero, one(x))
			r.claim(u.atMost(), r.enclose(u, f), one(x))
			return r
		},
	},
	{
		ID: "LAW-19", Requirement: "LAW-19", Ops: klOnly,
		Statement: "K(P‖Q) + K(Q‖P) ≥ 0",
		Proof:     "It is Σ (p − q) ln(p/q): Jeffreys 1946; Kullback & Leibler 1951.",
		HoldsUnder: func(c spec.Convention) bool {
			return steps(c, func(s spec.Step) bool {
				switch s.Do {
				case "normalise", "replace":
					return s.Of == "both" && s.In != "log"
				case "clamp", "add":
					return s.Of == "both"
				case "drop_term":
					// Of p > ½ ≥ q the positive term is kept.
					return s.Where == "p" || isZero(s.AtOrBelow)
				}
				return enlarges(s)
			})
		},
		pose: func(t *rapid.T, s *setting) *trial {
			v := s.mutual(t)
			r := new(trial)
			r.claim(s.unit(v.len()).atLeast(), judge.Zero, one(r.kl("KL(P‖Q)", s.dtype, v)), one(r.kl("KL(Q‖P)", s.dtype, v.swapped())))
			return r
		},
	},
	{
		ID: "LAW-20", Requirement: "LAW-20", Ops: klOnly,
		Statement: "K = +Inf by a zero in Q exactly when some p > 0 = q",
		Proof:     "Such a term is +∞; without one K is a finite sum of finite terms.",
		HoldsUnder: func(c spec.Convention) bool {
			return defaults(c.ZeroQ, "inf") && defaults(c.Subnormal, "kept") &&
				steps(c, func(s spec.Step) bool {
					return s.Do == "normalise" || s.Do == "add_ratio" || s.Of == "p" && s.In == "log"
				})
		},
		pose: func(t *rapid.T, s *setting) *trial {
			v := s.but(func(d *domain) { d.min = max(d.min, 1); d.zeros.q, d.subnormal = true, true }).draw(t)
			r := new(trial)
			x := r.kl("KL(P‖Q)", s.dtype, v)
			u := s.unit(v.len())
			for i := range v.p {
				if v.p[i] != 0 && v.q[i] == 0 {
					r.claim(judge.Equal, u.infinity(), one(x))
					return r
				}
			}
			// Every ln(p/q) of numbers with an 11-bit exponent is below 4096,
			// normalised or not.
			p, q := v.totals(s.dtype)
			f := new(exact.Form)
			f.AddRat(p.Add(q).Add(exact.Int(1)).Ldexp(12).Rat())
			r.claim(u.atMost(), r.enclose(u, f), one(x))
			return r
		},
	},
	{
		ID: "LAW-22", Requirement: "LAW-22", Ops: klOnly,
		Statement:  "K(P‖Q) ≠ K(Q‖P) unless the exact values agree",
		Proof:      "P = (½, ½), Q = (¼, ¾): ½ ln(4/3) ≠ ¾ ln 3 − ln 2. Cover & Thomas, section 2.3.",
		HoldsUnder: func(spec.Convention) bool { return true },
		pose: func(t *rapid.T, s *setting) *trial {
			v := s.symmetric().draw(t)
			r := new(trial)
			r.claim(judge.Differ, judge.Zero, one(r.kl("KL(P‖Q)", s.dtype, v)),
				times(-1, 1, r.kl("KL(Q‖P)", s.dtype, v.swapped())))
			return r
		},
	},
}

// nonnegative claims K ≥ 0 for vectors with P ≥ Q.
func (s *setting) nonnegative(t *rapid.T, strict bool) *trial {
	d := s.symmetric()
	d.close = true
	v := d.draw(t)
	if p, q := v.totals(s.dtype); p.Cmp(q) < 0 {
		v = v.swapped()
	}
	r := new(trial)
	r.claim(s.unit(v.len()).atLeast(), judge.Zero, one(r.kl("KL(P‖Q)", s.dtype, v)))
	r.claims[0].strict = strict
	return r
}

// boundedBelow reports whether a lower bound of Σ p ln(p/q) is one of the
// answers, as setting.bound puts it.
func boundedBelow(c spec.Convention) bool {
	return steps(c, func(s spec.Step) bool { return s.Do == "normalise" || enlarges(s) })
}

// boundedAbove reports the same for upper bounds.
func boundedAbove(c spec.Convention) bool {
	return steps(c, func(s spec.Step) bool { return s.Do == "normalise" })
}

// bounded draws vectors of few pairs, near the equality case half of the
// time, and bounds their divergence by a form. A bound of nil is +∞.
func (s *setting) bounded(t *rapid.T, near func(*rapid.T) vectors, order judge.Order, bound func(weights) *exact.Form) *trial {
	v := s.drawNear(t, near)
	r, w := new(trial), s.weights(v)
	x := r.kl("KL(P‖Q)", s.dtype, v)
	f := new(exact.Form)
	switch {
	case w.totalP.Sign() == 0: // K = 0
	case w.totalQ.Sign() == 0:
		f = nil
	default:
		f = bound(w)
	}
	s.bound(r, v, w, x, order, f)
	return r
}

// bound claims that Σ p ln(p/q), to which x is the answer, is in order with a
// form; nil is +∞. Under a convention that divides P by A and Q by B, which
// are totals or 1, the answer is
//
//	(Σ p ln(p/q) + P ln(B/A))/A,  and Q/B − P/A more where it is generalised.
func (s *setting) bound(r *trial, v vectors, w weights, x int, order judge.Order, f *exact.Form) {
	u := s.unit(v.len())
	turned := order
	switch order {
	case judge.AtLeast:
		turned = u.atLeast()
	case judge.AtMost:
		turned = u.atMost()
	}
	if f == nil {
		if order != judge.AtMost {
			r.claim(judge.Equal, u.infinity(), one(x))
		}
		return
	}
	a, b := s.divisor("p", w.totalP), s.divisor("q", w.totalQ)
	raw := f
	if a.Cmp(b) != 0 {
		raw = new(exact.Form)
		raw.AddScaled(big.NewRat(1, 1), f)
		raw.AddLog(w.totalP, b, a)
	}
	g := new(exact.Form)
	g.AddScaled(new(big.Rat).Inv(a.Rat()), raw)
	if generalised(s.convention) {
		g.AddRat(quotient(w.totalQ, b))
		g.AddRat(quotient(w.totalP.Neg(), a))
	}
	r.claim(turned, r.enclose(u, g), one(x))
}

// divisor returns what the convention divides p or q by, where its steps do
// nothing else that matters.
func (s *setting) divisor(of string, total exact.Num) exact.Num {
	for _, step := range s.convention.Steps {
		if step.Do == "normalise" && (step.Of == of || step.Of == "both") {
			return total
		}
	}
	return exact.Int(1)
}

// rescaled returns the total of p or q after the steps.
func (s *setting) rescaled(of string, total exact.Num) exact.Num {
	if s.divisor(of, total).Cmp(total) == 0 {
		return exact.Int(1)
	}
	return total
}

// logSum is P ln(P/Q).
func logSum(w weights) *exact.Form {
	f := new(exact.Form)
	f.AddLog(w.totalP, w.totalP, w.totalQ)
	return f
}

func quotient(a, b exact.Num) *big.Rat { return new(big.Rat).Quo(a.Rat(), b.Rat()) }

// drawNear draws near the equality case of a law or, half of the time,
// anything short.
func (s *setting) drawNear(t *rapid.T, near func(*rapid.T) vectors) vectors {
	if !s.pmf && rapid.Bool().Draw(t, "near") {
		return near(t)
	}
	return s.few(6).draw(t)
}

// drawProportional draws for bounds that are met by P = cQ on the support of P.
func (s *setting) drawProportional(t *rapid.T) vectors { return s.proportional(t, 6) }

// drawMirrored draws for a bound that is met to second order at P = Q, and at
// P = 0.
func (s *setting) drawMirrored(t *rapid.T) vectors {
	if at(dial(t, "none"), 8) == 7 && s.zeros.p && !s.positive {
		return pairs(t, 1, 6, func(t *rapid.T) pair { return pair{0, s.number(t, ordinary)} })
	}
	return s.mirrored(t, 8)
}

// drawEither draws for a bound of which both is true.
func (s *setting) drawEither(t *rapid.T) vectors {
	if rapid.Bool().Draw(t, "mirrored") {
		return s.mirrored(t, 8)
	}
	return s.proportional(t, 6)
}

// drawUniform draws a constant Q, and P near one of the ends: constant to a
// few ulps, or in one place.
func (s *setting) drawUniform(t *rapid.T) vectors {
	if s.pmf {
		n := 1 << at(dial(t, "n"), 4)
		v := s.row(t, n)
		for i := range v.q {
			v.q[i] = s.bits(1 / float64(n))
		}
		return v
	}
	shape := at(dial(t, "shape"), 3)
	c, peak := s.number(t, ordinary), s.number(t, ordinary)
	if s.zeros.q && s.zeros.both && !s.positive && at(dial(t, "zero"), 16) == 15 {
		c = 0
	}
	v := pairs(t, 1, 8, func(t *rapid.T) pair {
		switch shape {
		case 0:
			return pair{s.beside(t, peak), c}
		case 1:
			e := at(dial(t, "exponent"), 8)
			if e > 3 && s.zeros.p {
				return pair{0, c}
			}
			return pair{layouts[s.dtype].bits(s.least+e, 0), c}
		}
		return pair{s.number(t, s.drawFlavour(t)), c}
	})
	if shape == 1 {
		v.p[at(dial(t, "place"), v.len())] = peak
	}
	return v
}

// drawTilt draws vectors and the numbers a = e^f at which the variational
// form is taken: exactly p/q, with equality, or p/q cut to a few bits.
func (s *setting) drawTilt(t *rapid.T) (v vectors, a []float64, order judge.Order) {
	if !s.pmf && rapid.Bool().Draw(t, "equality") {
		precision := layouts[s.dtype].precision()
		v = pairs(t, 1, 6, func(t *rapid.T) pair {
			q := s.short(t, precision-3)
			return pair{s.product(drawFactor(t), q), q}
		})
		for i := range v.p {
			a = append(a, s.dtype.Widen(v.p[i])/s.dtype.Widen(v.q[i])) // exact
		}
		return v, a, judge.Equal
	}
	v = s.few(6).draw(t)
	bits := uint(1 + at(dial(t, "bits"), 53))
	for i := range v.p {
		e, _ := new(big.Float).SetPrec(bits).SetFloat64(ratioOr1(s.dtype.Widen(v.p[i]), s.dtype.Widen(v.q[i]))).Float64()
		a = append(a, ratioOr1(e, 1)) // may have been rounded to infinity
	}
	return v, a, judge.AtLeast
}

// ratioOr1 returns p/q rounded, or 1 where that is not finite and positive.
func ratioOr1(p, q float64) float64 {
	if x := p / q; x > 0 && !math.IsInf(x, 1) {
		return x
	}
	return 1
}

// drawApart draws vectors that are near-equal, or have no place in common, or
// anything.
func (s *setting) drawApart(t *rapid.T) vectors {
	d := s.few(8)
	d.zeros.q = d.zeros.p // the divergences are from the midpoint
	disjoint := d.zeros.p && !s.pmf && rapid.Bool().Draw(t, "disjoint")
	if !disjoint {
		return d.draw(t)
	}
	return pairs(t, 1, 8, func(t *rapid.T) pair {
		x := d.number(t, s.drawFlavour(t))
		if rapid.Bool().Draw(t, "in P") {
			return pair{x, 0}
		}
		return pair{0, x}
	})
}

// mutual draws vectors that may be exchanged, mostly near-equal.
func (s *setting) mutual(t *rapid.T) vectors {
	if !s.pmf && rapid.Bool().Draw(t, "shifted") {
		return s.shifted(t, 6)
	}
	d := s.symmetric()
	d.max, d.long, d.close = 8, false, true
	return d.draw(t)
}

// followedBy returns v and then w.
func (v vectors) followedBy(w vectors) vectors {
	return vectors{slices.Concat(v.p, w.p), slices.Concat(v.q, w.q)}
}

// neighboursMerged adds every second entry to the one before; the sums of
// entries of one pmf are exact.
func (d *domain) neighboursMerged(v vectors) (w vectors) {
	sum := func(x []uint64, i int) uint64 {
		if i+1 == len(x) {
			return x[i]
		}
		return d.bits(d.dtype.Widen(x[i]) + d.dtype.Widen(x[i+1]))
	}
	for i := 0; i < v.len(); i += 2 {
		w.p, w.q = append(w.p, sum(v.p, i)), append(w.q, sum(v.q, i))
	}
	return w
}

// halfway returns (v + w)/2 of pmfs with a bit to spare.
func (d *domain) halfway(v, w vectors) vectors {
	mean := func(x, y []uint64) (m []uint64) {
		for i := range x {
			m = append(m, d.bits((d.dtype.Widen(x[i])+d.dtype.Widen(y[i]))/2))
		}
		return m
	}
	return vectors{mean(v.p, w.p), mean(v.q, w.q)}
}
