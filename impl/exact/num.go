package exact

import (
	"math"
	"math/big"
	"math/bits"
)

// A Num is an exact dyadic rational m·2^e of either sign. The zero value is
// the number 0, and values are immutable. Two equal numbers have equal
// fields except for the identity of wide, so compare with [Num.Cmp], not ==.
type Num struct {
	man  uint64   // odd; 0 for the number 0 and where wide is set
	wide *big.Int // odd, more than 64 bits, never modified; nil where man holds the significand
	exp  int32
	neg  bool
}

// Float returns x exactly. It panics if x is NaN or infinite.
func Float(x float64) Num {
	b := math.Float64bits(x)
	man, e := b&(1<<52-1), int(b>>52&0x7ff)
	switch e {
	case 0x7ff:
		panic("exact: Float of a value that is not finite")
	case 0:
		e = 1
	default:
		man |= 1 << 52
	}
	return small(b>>63 != 0, man, e-1075)
}

// Int returns n exactly.
func Int(n int64) Num {
	if n < 0 {
		return small(true, -uint64(n), 0)
	}
	return small(false, uint64(n), 0)
}

// small returns ±man·2^exp in canonical form.
func small(neg bool, man uint64, exp int) Num {
	if man == 0 {
		return Num{}
	}
	z := bits.TrailingZeros64(man)
	return Num{man: man >> z, exp: exponent(exp + z), neg: neg}
}

// wide returns ±man·2^exp in canonical form; man ≥ 0 becomes its property.
func wide(neg bool, man *big.Int, exp int) Num {
	if man.Sign() == 0 {
		return Num{}
	}
	if z := man.TrailingZeroBits(); z > 0 {
		man.Rsh(man, z)
		exp += int(z)
	}
	if man.IsUint64() {
		return Num{man: man.Uint64(), exp: exponent(exp), neg: neg}
	}
	return Num{wide: man, exp: exponent(exp), neg: neg}
}

func exponent(e int) int32 {
	if int(int32(e)) != e {
		panic("exact: exponent out of range")
	}
	return int32(e)
}

func (x Num) isZero() bool { return x.man == 0 && x.wide == nil }

// bitLen is the length of the odd significand, 0 for the number 0.
func (x Num) bitLen() int {
	if x.wide != nil {
		return x.wide.BitLen()
	}
	return bits.Len64(x.man)
}

// top is the exponent with 2^(top-1) ≤ |x| < 2^top, for x ≠ 0.
func (x Num) top() int { return int(x.exp) + x.bitLen() }

// odd is the significand of x as a number: odd and positive.
func (x Num) odd() Num { return Num{man: x.man, wide: x.wide} }

// significand returns the odd significand, which must not be modified.
func (x Num) significand() *big.Int {
	if x.wide != nil {
		return x.wide
	}
	return new(big.Int).SetUint64(x.man)
}

// signed returns the significand with the sign of x, shifted left by k.
func (x Num) signed(k int) *big.Int {
	z := new(big.Int).Lsh(x.significand(), uint(k))
	if x.neg {
		z.Neg(z)
	}
	return z
}

// Sign returns -1, 0 or +1.
func (x Num) Sign() int {
	switch {
	case x.isZero():
		return 0
	case x.neg:
		return -1
	}
	return 1
}

// Neg returns -x.
func (x Num) Neg() Num {
	x.neg = !x.neg && !x.isZero()
	return x
}

// Abs returns |x|.
func (x Num) Abs() Num {
	x.neg = false
	return x
}

// Ldexp returns x·2^k.
func (x Num) Ldexp(k int) Num {
	if !x.isZero() {
		x.exp = exponent(int(x.exp) + k)
	}
	return x
}

// Half returns x/2.
func (x Num) Half() Num { return x.Ldexp(-1) }

// Cmp returns -1, 0 or +1 as x is less than, equal to or greater than y.
func (x Num) Cmp(y Num) int {
	sx, sy := x.Sign(), y.Sign()
	switch {
	case sx < sy:
		return -1
	case sx > sy:
		return 1
	case sx == 0:
		return 0
	}
	return sx * x.cmpAbs(y)
}

// cmpAbs compares |x| and |y|, both not 0.
func (x Num) cmpAbs(y Num) int {
	tx, ty := x.top(), y.top()
	switch {
	case tx < ty:
		return -1
	case tx > ty:
		return 1
	case x.wide == nil && y.wide == nil:
		a := x.man << bits.LeadingZeros64(x.man)
		b := y.man << bits.LeadingZeros64(y.man)
		switch {
		case a < b:
			return -1
		case a > b:
			return 1
		}
		return 0
	}
	low := min(x.exp, y.exp)
	return x.Abs().signed(int(x.exp - low)).Cmp(y.Abs().signed(int(y.exp - low)))
}

// Add returns x + y.
func (x Num) Add(y Num) Num {
	if x.isZero() {
		return y
	}
	if y.isZero() {
		return x
	}
	if x.exp < y.exp {
		x, y = y, x
	}
	d := int(x.exp) - int(y.exp)
	if x.wide == nil && y.wide == nil && d+bits.Len64(x.man) <= 63 && bits.Len64(y.man) <= 63 {
		a, b, e := x.man<<d, y.man, int(y.exp)
		switch {
		case x.neg == y.neg:
			return small(x.neg, a+b, e)
		case a >= b:
			return small(x.neg, a-b, e)
		}
		return small(y.neg, b-a, e)
	}
	z := x.signed(d)
	z.Add(z, y.signed(0))
	neg := z.Sign() < 0
	return wide(neg, z.Abs(z), int(y.exp))
}

// Sub returns x - y.
func (x Num) Sub(y Num) Num { return x.Add(y.Neg()) }

// Mul returns x·y.
func (x Num) Mul(y Num) Num {
	if x.isZero() || y.isZero() {
		return Num{}
	}
	neg, e := x.neg != y.neg, int(x.exp)+int(y.exp)
	if x.wide == nil && y.wide == nil {
		if hi, lo := bits.Mul64(x.man, y.man); hi == 0 {
			return small(neg, lo, e)
		}
	}
	return wide(neg, new(big.Int).Mul(x.significand(), y.significand()), e)
}

// Rat returns x as a new rational.
func (x Num) Rat() *big.Rat {
	if x.exp >= 0 {
		return new(big.Rat).SetInt(x.signed(int(x.exp)))
	}
	den := new(big.Int).Lsh(big.NewInt(1), uint(-x.exp))
	return new(big.Rat).SetFrac(x.signed(0), den)
}

// Float returns x as a new big.Float that is exactly x.
func (x Num) Float() *big.Float { return dyadic(x.signed(0), int(x.exp)) }

// dyadic returns m·2^e exactly. SetMantExp keeps the precision of its
// mantissa, which SetInt made wide enough.
func dyadic(m *big.Int, e int) *big.Float {
	f := new(big.Float).SetInt(m)
	return f.SetMantExp(f, e)
}

// Sum returns the exact sum of xs. Its cost is linear in len(xs); its memory
// is proportional to the spread of the exponents.
func Sum(xs []Num) Num {
	low, high := span(len(xs), func(i int) Num { return xs[i] })
	s := newAccumulator(low, high, len(xs), 1)
	one := []uint64{1}
	for _, x := range xs {
		s.addMul(one, x, x.neg)
	}
	z := s.value()
	neg := z.Sign() < 0
	return wide(neg, z.Abs(z), low)
}

// span returns exponents with every |at(i)| a multiple of 2^low and < 2^high.
func span(n int, at func(int) Num) (low, high int) {
	empty := true
	for i := range n {
		x := at(i)
		switch {
		case x.isZero():
		case empty:
			low, high, empty = int(x.exp), x.top(), false
		default:
			low, high = min(low, int(x.exp)), max(high, x.top())
		}
	}
	return low, high
}
