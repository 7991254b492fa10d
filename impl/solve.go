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
	TierOne                // the sum in pairs of float64, φ in float64
	TierTwo                // φ in pairs as well
	TierExact              // the package exact
)

func (t Tier) String() string { return [...]string{"single", "1", "2", "exact"}[t] }

// solve returns the correctly rounded value of a sum and the tier that gave it. The vector
// kernels of v add the elements that they take.
func solve(k kind, p, q []float64, v isa) (float64, Tier) {
	t, typical := survey(k, p, q, v)
	if v != noVectors && typical == 0 {
		t = TierTwo // which alone tells that vectors are equal
	}
	scale := 0
	for {
		b := batch{tier: t, scale: scale, isa: v, middle: middle(typical, t)}
		st := b.sum(k, p, q)
		switch st {
		case invalid:
			return math.NaN(), t
		case infinite:
			return math.Inf(1), t
		case regular, small:
			if v, ok := certify64(b.result(k)); ok {
				if v, ok = unscale(v, scale); ok {
					return v, t
				}
			}
		}
		switch {
		case scale == 0 && (st == outside || st == small && t == TierTwo):
			// Bring the largest weight to about 1 and try once more.
			if scale = -exponent(k, p, q); scale == 0 {
				return exactly(k, p, q), TierExact
			}
			t = TierTwo
		case t == TierOne:
			t = TierTwo
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
	for t := TierOne; t < TierExact; t++ {
		b := batch{tier: t, isa: v, middle: middle(typical, t)}
		switch b.sum32(k, p, q) {
		case invalid:
			return float32(math.NaN()), t
		case infinite:
			return float32(math.Inf(1)), t
		}
		if v, ok := certify32(b.result(k)); ok {
			return v, t
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

// survey guesses from a sample which tier will do, and what a typical |x ln(x/y)| is.
// Tier 1 fails in about 2⁷·Σφ/|K| of all cases (with 16 cells 2⁶), and tier 2 takes twice
// its time.
func survey[F float32 | float64](k kind, p, q []F, v isa) (t Tier, typical float64) {
	samples := 16
	if len(p) < 4096 {
		samples = 8 // a twentieth of the time of 1024 elements
	}
	if len(p) < vectorLeast {
		return TierOne, 0
	}
	// For normalised vectors K is Σ p ln(p/q) − p + q, each term of which is about
	// (q − p)²/(p + q). So is φ or, away from p = q, it is about 2⁻¹⁸/6·p. The two lanes
	// of a Jensen-Shannon term are half as far apart.
	most, part := 0x1p-18/6, 0x1p-8
	if v == avx512 {
		most, part = 0x1p-14, 0x1p-7 // of x, of K
	}
	var sum, phi, size float64
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
		phi += min(term, x*most)
	}
	typical = size / float64(count)
	if len(p) >= 64 && (k == klSum || k == jensenSum) && phi > part*sum {
		return TierTwo, typical
	}
	return TierOne, typical
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
