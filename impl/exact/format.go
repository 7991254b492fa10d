package exact

import (
	"math"
	"math/big"
)

// A Format is a binary floating-point format of the IEEE 754 kind: a sign, an
// exponent and a fraction, with subnormal numbers, infinities and NaNs.
type Format struct {
	prec    int // bits of the significand, the hidden one included
	expBits int
}

// The formats of results.
var (
	Float64  = Format{53, 11}
	Float32  = Format{24, 8}
	Float16  = Format{11, 5}
	BFloat16 = Format{8, 8}
)

// Bits returns the size of a number in bits.
func (to Format) Bits() int { return to.prec + to.expBits }

// Precision returns the bits of the significand, the hidden one included.
func (to Format) Precision() int { return to.prec }

func (to Format) bias() int { return 1<<(to.expBits-1) - 1 }

// Least returns the exponent of the least positive subnormal number, 2^Least.
func (to Format) Least() int { return 2 - to.bias() - to.prec }

// NaN returns the quiet NaN without a sign or a payload.
func (to Format) NaN() uint64 { return to.infinity() | 1<<(to.prec-2) }

func (to Format) infinity() uint64 { return (1<<to.expBits - 1) << (to.prec - 1) }

func (to Format) sign(neg bool, b uint64) uint64 {
	if neg && b != 0 {
		b |= 1 << (to.Bits() - 1)
	}
	return b
}

// quantum is the exponent of the last place of results in v, which excludes 0.
func (to Format) quantum(v bounds) int {
	return max(min(v.lo.BitLen(), v.hi.BitLen())+v.exp-to.prec, to.Least())
}

// dyadic returns the bits of x·2^e rounded to nearest, ties to even.
func (to Format) dyadic(x *big.Int, e int) uint64 {
	n := x.BitLen()
	if n == 0 {
		return 0
	}
	neg := x.Sign() < 0
	q := max(n+e-to.prec, to.Least())
	if n+e > to.bias()+2 {
		return to.sign(neg, to.infinity())
	}
	// man = ⌊|x|·2^(e-q)⌋ < 2^prec, then one more where the rest asks for it.
	var man uint64
	z := new(big.Int).Abs(x)
	if cut := q - e; cut <= 0 {
		man = z.Lsh(z, uint(-cut)).Uint64()
	} else {
		tail := z.TrailingZeroBits()
		up := z.Bit(cut-1) == 1
		tie := tail == uint(cut-1)
		man = z.Rsh(z, uint(cut)).Uint64()
		if up && (!tie || man&1 == 1) {
			man++
		}
	}
	// A significand below 2^(prec-1) occurs with the least quantum only, so the
	// sum is the encoding, and a carry out of man moves to the next binade.
	b := uint64(q-to.Least())<<(to.prec-1) + man
	return to.sign(neg, min(b, to.infinity()))
}

// RoundRat returns the bits of r rounded to nearest, ties to even. Overflow
// gives an infinity; every zero result is +0.
func (to Format) RoundRat(r *big.Rat) uint64 {
	if r.Sign() == 0 {
		return 0
	}
	// A truncated quotient of prec+2 bits or more, with a last bit that stands for
	// whatever was lost, rounds as the quotient does.
	num := new(big.Int).Abs(r.Num())
	k := to.prec + 2 + max(0, r.Denom().BitLen()-num.BitLen())
	q, exact := divScaled(num, r.Denom(), k)
	q.Lsh(q, 1)
	if !exact {
		q.SetBit(q, 0, 1)
	}
	if r.Sign() < 0 {
		q.Neg(q)
	}
	return to.dyadic(q, -k-1)
}

// RoundBig is RoundRat of a dyadic number or an infinity.
func (to Format) RoundBig(x *big.Float) uint64 {
	if x.IsInf() {
		return to.sign(x.Signbit(), to.infinity())
	}
	if x.Sign() == 0 {
		return 0
	}
	prec := int(x.MinPrec())
	man := new(big.Float)
	e := x.MantExp(man) // keeps the precision of x, so it is exact
	n, _ := man.SetMantExp(man, prec).Int(nil)
	return to.dyadic(n, e-prec)
}

// Value returns the number with the given bits, which float64 holds exactly.
func (to Format) Value(b uint64) float64 {
	if to == Float64 {
		return math.Float64frombits(b)
	}
	neg := b>>(to.Bits()-1)&1 == 1
	b &= 1<<(to.Bits()-1) - 1
	var x float64
	switch inf := to.infinity(); {
	case b == inf:
		x = math.Inf(1)
	case b > inf:
		return math.NaN()
	default:
		man, q := b&(1<<(to.prec-1)-1), int(b>>(to.prec-1))
		if q > 0 {
			man |= 1 << (to.prec - 1)
			q--
		}
		x = math.Ldexp(float64(man), q+to.Least())
	}
	if neg {
		x = -x
	}
	return x
}
