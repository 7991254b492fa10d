package impl

import (
	"fmt"
	"math"

	"klconf/impl/exact"
)

// A Tier is a way to a result, in order of precision: a tier that cannot certify its
// sum leaves the answer to a later one.
type Tier uint8

const (
	TierSingle Tier = iota // float32 only: plain float64
	TierCoarse             // tier 1 with the 16 cells of AVX-512, whose φ are larger
	TierOne                // the sum in pairs of float64, φ in float64
	TierTwo                // φ in pairs as well
	TierExact              // the package exact
)

func (t Tier) String() string { return [...]string{"single", "1, coarse", "1", "2", "exact"}[t] }

// A step is an attempt at a sum: a tier and the vector kernels that add the elements
// which they take.
type step struct {
	tier Tier
	isa  isa
}

// name is the tier as the callers are told.
func (s step) name() Tier {
	if s.isa == avx512 && s.tier == TierOne {
		return TierCoarse
	}
	return s.tier
}

// steps are the attempts of a backend, in order. The kernels of AVX-512 have cells of
// 2⁻⁴, those of AVX2, which take longer, of 2⁻⁸: 2¹⁰ times more precise in the same tier.
var steps = [...][]step{
	noVectors: {{TierOne, noVectors}, {TierTwo, noVectors}},
	avx2:      {{TierOne, avx2}, {TierTwo, avx2}},
	avx512:    {{TierOne, avx512}, {TierOne, avx2}, {TierTwo, avx512}, {TierTwo, avx2}},
}

// solve returns the correctly rounded value of a sum and the tier that gave it, by the
// steps of v.
func solve(k kind, p, q []float64, v isa) (float64, Tier) {
	i, typical := survey(k, p, q, v)
	scale := 0
	for {
		s := steps[v][i]
		b := batch{tier: s.tier, scale: scale, isa: s.isa, middle: middle(typical, s.tier)}
		st := b.sum(k, p, q)
		switch st {
		case invalid:
			return math.NaN(), s.name()
		case infinite:
			return math.Inf(1), s.name()
		case regular, small:
			if v, ok := certify64(b.result(k)); ok {
				if v, ok = unscale(v, scale); ok {
					return v, s.name()
				}
			}
		}
		last := len(steps[v]) - 1
		switch {
		case scale == 0 && (st == outside || st == small && s.tier == TierTwo):
			// Bring the largest weight to about 1 and try once more.
			if scale = -exponent(k, p, q); scale == 0 {
				return exactly(k, p, q), TierExact
			}
			i = last
		case i < last:
			i++
		default:
			return exactly(k, p, q), TierExact
		}
	}
}

// solve32 is solve for float32 weights, all of which the kernels take.
func solve32(k kind, p, q []float32, v isa) (float32, Tier) {
	typical := 0.0
	if v != noVectors {
		_, typical = survey(k, p, q, v)
	}
	for _, s := range steps[v] {
		b := batch{tier: s.tier, isa: s.isa, middle: middle(typical, s.tier)}
		switch b.sum32(k, p, q) {
		case invalid:
			return float32(math.NaN()), s.name()
		case infinite:
			return float32(math.Inf(1)), s.name()
		}
		if v, ok := certify32(b.result(k)); ok {
			return v, s.name()
		}
	}
	return exactly(k, p, q), TierExact
}

// result returns the value asked for as h + l with an error of at most err.
func (b *batch) result(k kind) (h, l, err float64) {
	c := float64(phiError1)
	if b.tier == TierTwo {
		c = phiError2
		if b.isa == avx512 {
			c = vectorPhi2
		}
	}
	h, l, err = b.pair(c)
	switch k {
	case entropySum:
		h, l = -h, -l
	case jensenSum:
		h, l, err = h/2, l/2, err/2 // [D5]
	}
	return h, l, err
}

// unscale returns v·2^-scale, ok if rounding commutes with that [D6].
func unscale(v float64, scale int) (r float64, ok bool) {
	if scale == 0 || v == 0 {
		return v, true
	}
	const least = 0x1p-1022
	r = math.Ldexp(v, -scale)
	return r, math.Abs(v) > least && math.Abs(r) > least && !math.IsInf(r, 0)
}

// exponent returns that of the largest weight that multiplies a logarithm, which is
// positive.
func exponent(k kind, p, q []float64) int {
	top := 0.0
	for _, x := range p {
		top = max(top, x)
	}
	if k == jensenSum {
		for _, x := range q {
			top = max(top, x)
		}
	}
	return math.Ilogb(top)
}

// survey guesses from a sample with which step to begin, and what a typical |x ln(x/y)| is.
// Tier 1 fails in about 2⁷·Σφ/|K| of all cases (of AVX-512 2⁶), and the next step takes up to
// twice the time.
func survey[F float32 | float64](k kind, p, q []F, v isa) (first int, typical float64) {
	samples := 16
	if len(p) < 4096 {
		samples = 8 // a twentieth of the time of 1024 elements
	}
	if len(p) < vectorLeast {
		return 0, 0
	}
	// For normalised vectors K is Σ p ln(p/q) − p + q, each term of which is about
	// (q − p)²/(p + q). So is φ or, away from p = q, it is about 2⁻¹⁸/6·p for cells of 2⁻⁸ and
	// 2⁻¹⁴·p for those of 2⁻⁴. The two lanes of a Jensen-Shannon term are half as far apart.
	var sum, fine, coarse, size float64
	count := 0
	for i := 0; i < len(p); i += max(1, len(p)/samples) {
		count++
		x, y := float64(p[i]), 1.0
		if k != entropySum {
			y = float64(q[i])
		}
		switch k {
		case entropySum:
			size += termSize(x, 1)
			continue
		case crossSum:
			size += x * termSize(1, y)
			continue
		}
		if x+y == 0 {
			continue
		}
		d := y - x
		term := d / (x + y) * d
		if k == jensenSum {
			x, term = x+y, term/2
		}
		size += termSize(x, y)
		sum += term
		fine += min(term, x*(0x1p-18/6))
		coarse += min(term, x*0x1p-14)
	}
	typical = size / float64(count)
	flat := len(p) >= 64 && (k == klSum || k == jensenSum) && fine > 0x1p-8*sum
	switch {
	case v != avx512 && flat, v == avx2 && typical == 0:
		return 1, typical
	case v == avx512 && (flat || typical == 0): // tier 2 alone tells that vectors are equal
		return 2, typical
	case v == avx512 && len(p) >= 64 && coarse > 0x1p-7*sum:
		return 1, typical
	}
	return 0, typical
}

// screened answers through the oracle alone.
func screened[F float32 | float64](k kind, p, q []F) F {
	st := regular
	for i, x := range p {
		y := F(1)
		if k != entropySum {
			y = q[i]
		}
		if !valid(float64(x)) || !valid(float64(y)) {
			return F(math.NaN())
		}
		if (k == klSum || k == crossSum) && x > 0 && y == 0 {
			st = infinite
		}
	}
	if st == infinite {
		return F(math.Inf(1))
	}
	return exactly(k, p, q)
}

// form returns a value that is known to be finite as the oracle holds it.
func form[F float32 | float64](k kind, p, q []F) *exact.Form {
	switch k {
	case klSum:
		return exact.KL(p, q)
	case entropySum:
		return exact.Entropy(p)
	case crossSum:
		return exact.CrossEntropy(p, q)
	default:
		return exact.JensenShannon(p, q)
	}
}

// exactly returns a value that is known to be finite, by the oracle.
func exactly[F float32 | float64](k kind, p, q []F) F {
	_, single := any(F(0)).(float32)
	format := exact.Float64
	if single {
		format = exact.Float32
	}
	r, err := form(k, p, q).Round(format)
	if err != nil {
		// Base e without a rational part is never a tie, and 2^15 bits always decide.
		panic(fmt.Sprintf("impl: %v of %d elements: %v", k, len(p), err))
	}
	if single {
		return F(math.Float32frombits(uint32(r.Bits)))
	}
	return F(math.Float64frombits(r.Bits))
}
