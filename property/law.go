package property

import (
	"math/big"
	"slices"

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

// laws in the order of the catalogue.
var laws = slices.SortedFunc(slices.Values(slices.Concat(metamorphic, inequalities, identities, statistical)), func(a, b Law) int {
	return place(a) - place(b)
})

func place(l Law) int {
	return slices.IndexFunc(spec.Requirements(), func(r spec.Requirement) bool { return r.ID == l.Requirement })
}

var klOnly = []spec.Op{"kl"}

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
