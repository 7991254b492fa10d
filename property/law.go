package property

import (
	"fmt"
	"math/big"

	"klconf/conform/judge"
	"klconf/impl/exact"
	"klconf/spec"
	"pgregory.net/rapid"
)

// A Law is a theorem about the answers of an implementation.
type Law struct {
	ID          string
	Requirement string // id in the catalogue
	Statement   string
	Proof       string
	Ops         []spec.Op // what it asks
	// HoldsUnder reports whether the law is a theorem under a convention, on
	// the inputs that are drawn for it.
	HoldsUnder func(spec.Convention) bool

	pose func(t *rapid.T, s *setting) *trial
}

// A setting is a subject as far as the laws know it.
type setting struct {
	domain
	convention spec.Convention
	result     spec.DType // of the answers
}

// A trial is one drawn instance of a law: questions, and how their answers
// must be related.
type trial struct {
	questions []spec.Request
	names     []string
	claims    []claim
	err       error // the bound could not be enclosed
}

// A claim is one relation between answers: Σ weight·answer, an order, a
// bound.
type claim struct {
	sum    []weighted
	order  judge.Order
	bound  spec.Interval
	strict bool // without any tolerance, whatever the level
}

// A weighted answer is that to a question, or one row of it.
type weighted struct {
	weight   *big.Rat
	question int
	row      int // -1 is the whole
}

func one(question int) weighted { return weighted{nil, question, -1} }

func times(n, d int64, question int) weighted { return weighted{big.NewRat(n, d), question, -1} }

// ask adds a question and returns its number.
func (r *trial) ask(name string, op spec.Op, arrays ...spec.Array) int {
	r.questions = append(r.questions, spec.Request{Op: op, Arrays: arrays})
	r.names = append(r.names, name)
	return len(r.questions) - 1
}

// kl asks for the divergence of a pair of vectors.
func (r *trial) kl(name string, d spec.DType, v vectors) int {
	return r.ask(name, "kl", spec.FromBits("p", d, v.p), spec.FromBits("q", d, v.q))
}

func (r *trial) claim(order judge.Order, bound spec.Interval, sum ...weighted) {
	r.claims = append(r.claims, claim{sum: sum, order: order, bound: bound})
}

// same claims that two answers are equal.
func (r *trial) same(a, b int) { r.claim(judge.Same, judge.Zero, one(a), times(-1, 1, b)) }

// Laws returns the laws in the order of the catalogue. The slice is shared: do
// not modify it.
func Laws() []Law { return laws }

var klOnly = []spec.Op{"kl"}

var laws = []Law{
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
	{
		ID: "LAW-1", Requirement: "LAW-1", Ops: klOnly,
		Statement: "K ≥ P ln(P/Q), P = Σp, Q = Σq",
		Proof:     "The log-sum inequality: Cover & Thomas, theorem 2.7.1.",
		HoldsUnder: func(c spec.Convention) bool {
			return !generalised(c) && (atLeastPlain(c) || endsNormalised(c))
		},
		pose: func(t *rapid.T, s *setting) *trial {
			v := s.but(func(d *domain) { d.close = true }).draw(t)
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

// but returns the setting's domain with a change.
func (s *setting) but(change func(*domain)) *domain {
	d := s.domain
	change(&d)
	return &d
}

// symmetric returns the domain whose vectors may be exchanged.
func (s *setting) symmetric() *domain {
	return s.but(func(d *domain) { d.zeros.p = d.zeros.p && d.zeros.q; d.zeros.q = d.zeros.p })
}

func (s *setting) unit(n int) unit { return unitOf(s.convention, s.result, n) }

// drawFlavour draws the family of a single number.
func (s *setting) drawFlavour(t *rapid.T) flavour {
	return rapid.SampledFrom([]flavour{counts, ordinary, ratio, wide, subnormal}).Draw(t, "flavour")
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

// row draws probability vectors of length n.
func (s *setting) row(t *rapid.T, n int) vectors {
	weight := func(i int) (p, q uint64) {
		u := scramble(uint64(i) + 1)
		return u >> 48, u >> 32 & 0xffff
	}
	return s.pmfOf(t, n, weight, func(int) (p, q bool) { return false, false })
}

// bound encloses a·ln(b/c) in a unit, with 0·ln(0/c) = 0 and a·ln(a/0) = +∞.
func (r *trial) bound(u unit, a, b, c exact.Num) spec.Interval {
	switch {
	case a.Sign() == 0:
		return judge.Zero
	case c.Sign() == 0:
		return u.infinity()
	}
	f := new(exact.Form)
	f.AddLog(a, b, c)
	return r.enclose(u, f)
}

func (r *trial) enclose(u unit, f *exact.Form) spec.Interval {
	v, err := u.of(f)
	if err != nil && r.err == nil {
		r.err = err
	}
	return v
}

// halved returns x/2 of a number whose half is normal, or 0.
func halved(d spec.DType, x uint64) uint64 { return scaled(d, x, -1) }

// scaled returns 2^k·x of a normal number whose multiple is normal, or 0.
func scaled(d spec.DType, x uint64, k int) uint64 {
	if x == 0 {
		return 0
	}
	return x + uint64(k)<<layouts[d].fraction
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
