package exact

import (
	"math/big"
	"math/bits"
	"slices"
)

const (
	firstParts = 256  // odd parts that Round refines at once
	maxParts   = 4096 // odd parts that Rational and a second attempt of Round refine
	maxCommon  = 1 << 14
)

// Rational reports whether the value of f is a rational number, and which. It
// gives up, with decided false, on forms with more than 4096 distinct odd parts
// of b and c that its shortcut does not settle.
//
// With Λ = Σ W·a·ln(b/c): D·Λ is the logarithm of a positive rational number for
// some integer D > 0, and so is D'·(Λ - r·ln base) for every rational r. By the
// theorem of Hermite and Lindemann the logarithm of a positive rational number
// other than 1 is transcendental. Hence at base e the value R + Λ is rational
// iff Λ = 0, and at another base (R + Λ)/ln base is rational never if R ≠ 0, and
// iff Λ = r·ln base if R = 0. Whether these hold is decided on a coprime base
// (Bernstein): logarithms of pairwise coprime integers above 1 are linearly
// independent over the rationals by unique factorisation.
//
// Of a form with expectations it knows this: Σ c·e^x with rational c and distinct
// rational x is rational iff every c at an x ≠ 0 is 0 (Lindemann and Weierstrass),
// and then it is the c at 0, to be divided by ln base. Where totals are divided by, or
// their logarithms added, nothing is decided.
func (f *Form) Rational() (r *big.Rat, ok, decided bool) { return f.rational(maxParts) }

// A part is one member of a set of odd integers x > 1, with the coefficients of
// ln x in D·Λ and in ln base.
type part struct {
	x         Num // exponent 0
	coef, inB Num
}

func (f *Form) rational(limit int) (r *big.Rat, ok, decided bool) {
	if len(f.means) > 0 {
		return f.rationalMeans()
	}
	if f.base != nil && f.rat().Sign() != 0 {
		return nil, false, true
	}
	parts, two, common, ok := f.parts()
	if !ok {
		return nil, false, false
	}
	if privatePrime(parts) {
		return nil, false, true
	}
	if len(parts) > limit {
		return nil, false, false
	}
	all := append(coprimeBase(parts), two)

	if f.base == nil {
		for _, p := range all {
			if !p.coef.isZero() {
				return nil, false, true
			}
		}
		return new(big.Rat).Set(f.rat()), true, true
	}
	// Λ = r·ln base iff all coefficients are in the ratio of some pair; the base is
	// not 1, so one of its coefficients is not 0.
	k := slices.IndexFunc(all, func(p part) bool { return !p.inB.isZero() })
	pivot := all[k]
	for _, p := range all {
		if p.coef.Mul(pivot.inB).Cmp(pivot.coef.Mul(p.inB)) != 0 {
			return nil, false, true
		}
	}
	den := new(big.Rat).Mul(pivot.inB.Rat(), new(big.Rat).SetInt(common))
	return new(big.Rat).Quo(pivot.coef.Rat(), den), true, true
}

// rationalMeans is rational for a form with expectations.
func (f *Form) rationalMeans() (r *big.Rat, ok, decided bool) {
	type weighted struct {
		x Num
		c *big.Rat
	}
	var all []weighted
	for _, m := range f.means {
		e, ok := m.e.(*expectation)
		if !ok || e.Over != nil || e.Plus != nil || e.Minus != nil || e.Of.t.Cmp(Int(1)) != 0 {
			return nil, false, false
		}
		for i, x := range e.Of.x {
			all = append(all, weighted{x, new(big.Rat).Mul(m.w, e.C[i].Rat())})
		}
	}
	if len(f.groups) > 0 {
		return nil, false, false
	}
	slices.SortFunc(all, func(a, b weighted) int { return a.x.Cmp(b.x) })
	r = new(big.Rat).Set(f.rat())
	for i := 0; i < len(all); {
		x, c := all[i].x, new(big.Rat)
		for ; i < len(all) && all[i].x.Cmp(x) == 0; i++ {
			c.Add(c, all[i].c)
		}
		switch {
		case x.isZero():
			r.Add(r, c)
		case c.Sign() != 0:
			return nil, false, f.base == nil
		}
	}
	if f.base != nil && r.Sign() != 0 {
		return nil, false, true
	}
	return r, true, true
}

// parts collects the distinct odd parts above 1 of all b and c whose logarithms
// do not cancel, the coefficients of ln 2, and the common denominator D of the
// weights. It fails if D has more than maxCommon bits.
func (f *Form) parts() (parts []part, two part, common *big.Int, ok bool) {
	common = big.NewInt(1)
	for _, g := range f.groups {
		if g.w == nil {
			continue
		}
		den := g.w.Denom()
		common.Mul(common, new(big.Int).Quo(den, new(big.Int).GCD(nil, nil, common, den)))
		if common.BitLen() > maxCommon {
			return nil, part{}, nil, false
		}
	}
	var all []part
	var twos []Num
	add := func(x, coef, inB Num) {
		e := Int(int64(x.exp))
		twos = append(twos, coef.Mul(e))
		two.inB = two.inB.Add(inB.Mul(e))
		if o := x.odd(); o.man != 1 {
			all = append(all, part{o, coef, inB})
		}
	}
	for _, g := range f.groups {
		w := new(big.Int).Set(common)
		if g.w != nil {
			w.Mul(w, g.w.Num()).Quo(w, g.w.Denom())
		}
		m := wide(w.Sign() < 0, new(big.Int).Abs(w), 0)
		for _, t := range g.b.terms {
			c := t.a.Mul(m)
			add(t.b, c, Num{})
			add(t.c, c.Neg(), Num{})
		}
	}
	if f.base != nil {
		add(f.base.terms[0].b, Num{}, Int(1))
	}
	two.x, two.coef = Int(2), Sum(twos)

	slices.SortFunc(all, func(a, b part) int { return a.x.cmpAbs(b.x) })
	for i := 0; i < len(all); {
		p, coefs := all[i], []Num(nil)
		for ; i < len(all) && all[i].x.cmpAbs(p.x) == 0; i++ {
			coefs = append(coefs, all[i].coef)
			if !all[i].inB.isZero() {
				p.inB = all[i].inB
			}
		}
		p.coef = Sum(coefs)
		if !p.coef.isZero() || !p.inB.isZero() {
			parts = append(parts, p)
		}
	}
	return parts, two, common, true
}

// privatePrime reports true if it finds a prime that divides one part only, one
// that is not the base: then Λ is neither 0 nor a multiple of ln base. It asks a
// few parts, at one gcd for every other part, and so settles most forms in
// linear time.
func privatePrime(parts []part) bool {
	asked := 0
	for i := len(parts) - 1; i >= 0 && asked < 4; i-- {
		if !parts[i].inB.isZero() {
			continue
		}
		asked++
		x := parts[i].x
		for j := 0; j < len(parts) && x.man != 1; j++ {
			if j == i {
				continue
			}
			for {
				g := gcd(x, parts[j].x)
				if g.man == 1 {
					break
				}
				x = quo(x, g)
			}
		}
		if x.man != 1 {
			return true
		}
	}
	return false
}

// coprimeBase refines parts by gcds until they are pairwise coprime, keeping
// Σ coef·ln x and Σ inB·ln x. Parts that drop out of both sums are left out.
func coprimeBase(parts []part) []part {
	var done []part
	todo := slices.Clone(parts)
next:
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if p.x.man == 1 || p.coef.isZero() && p.inB.isZero() {
			continue
		}
		for i, q := range done {
			g := gcd(p.x, q.x)
			if g.man == 1 {
				continue
			}
			done = slices.Delete(done, i, i+1)
			todo = append(todo,
				part{quo(p.x, g), p.coef, p.inB},
				part{quo(q.x, g), q.coef, q.inB},
				part{g, p.coef.Add(q.coef), p.inB.Add(q.inB)})
			continue next
		}
		done = append(done, p)
	}
	return done
}

// gcd and quo work on odd positive integers, for quo on a divisor.
func gcd(x, y Num) Num {
	if x.wide == nil && y.wide == nil {
		a, b := x.man, y.man
		for a != b {
			if a < b {
				a, b = b, a
			}
			a -= b
			a >>= bits.TrailingZeros64(a)
		}
		return Num{man: a}
	}
	return wide(false, new(big.Int).GCD(nil, nil, x.significand(), y.significand()), 0)
}

func quo(x, y Num) Num {
	if x.wide == nil && y.wide == nil {
		return Num{man: x.man / y.man}
	}
	return wide(false, new(big.Int).Quo(x.significand(), y.significand()), 0)
}
