package exact

import (
	"encoding/binary"
	"math/big"
	"math/bits"
)

// Limbs are little-endian 64-bit words. A fraction of n limbs x stands for
// x·2^(-64n).

// setLimbs writes x ≥ 0 into z, which must be long enough; buf has 8·len(z) bytes.
func setLimbs(z []uint64, x *big.Int, buf []byte) {
	x.FillBytes(buf)
	for i := range z {
		z[i] = binary.BigEndian.Uint64(buf[len(buf)-8*(i+1):])
	}
}

// bigInt returns x as an integer.
func bigInt(x []uint64) *big.Int {
	buf := make([]byte, 8*len(x))
	for i, w := range x {
		binary.BigEndian.PutUint64(buf[len(buf)-8*(i+1):], w)
	}
	return new(big.Int).SetBytes(buf)
}

// leadingZeros is the number of zero bits above the highest set bit of x.
func leadingZeros(x []uint64) int {
	for i := len(x) - 1; i >= 0; i-- {
		if x[i] != 0 {
			return 64*(len(x)-1-i) + bits.LeadingZeros64(x[i])
		}
	}
	return 64 * len(x)
}

// add sets z += x over equal lengths and drops the carry.
func add(z, x []uint64) {
	var c uint64
	x = x[:len(z)]
	for i := range z {
		z[i], c = bits.Add64(z[i], x[i], c)
	}
}

// sub sets z -= x over equal lengths and drops the borrow.
func sub(z, x []uint64) {
	var c uint64
	x = x[:len(z)]
	for i := range z {
		z[i], c = bits.Sub64(z[i], x[i], c)
	}
}

// negate sets z to its two's complement.
func negate(z []uint64) {
	c := uint64(1)
	for i := range z {
		z[i], c = bits.Add64(^z[i], 0, c)
	}
}

// shiftLeft sets z = x·2^s for s < 64; len(z) = len(x)+1, z may not alias x.
func shiftLeft(z, x []uint64, s uint) {
	var c uint64
	for i, w := range x {
		z[i] = w<<s | c
		c = w >> (64 - s)
	}
	z[len(x)] = c
}

// addMul sets z += x·m, letting the carry run on through z as far as it goes;
// z must be long enough for the result.
func addMul(z, x []uint64, m uint64) {
	c := addMulRow(z, x, m)
	for i := len(x); c != 0; i++ {
		var k uint64
		z[i], k = bits.Add64(z[i], c, 0)
		c = k
	}
}

// addMulRow sets z[:len(x)] += x·m and returns the carry limb.
func addMulRow(z, x []uint64, m uint64) (c uint64) {
	z = z[:len(x)]
	for i, w := range x {
		hi, lo := bits.Mul64(w, m)
		lo, k := bits.Add64(lo, c, 0)
		hi += k
		z[i], k = bits.Add64(z[i], lo, 0)
		c = hi + k
	}
	return c
}

// mulTop sets z = ⌊x·y·2^(-64n)⌋ for n-limb fractions: the product of two
// fractions, short by less than one unit of the last place. z may alias x or
// y; scratch has at least 2n limbs.
func mulTop(z, x, y, scratch []uint64) {
	n := len(z)
	switch n {
	case 1:
		z[0], _ = bits.Mul64(x[0], y[0])
		return
	case 2:
		mulTop2(z, x, y)
		return
	}
	p := scratch[:2*n]
	clear(p[:n])
	for i, w := range y[:n] {
		p[n+i] = addMulRow(p[i:], x[:n], w)
	}
	copy(z, p[n:])
}

func mulTop2(z, x, y []uint64) {
	x0, x1, y0, y1 := x[0], x[1], y[0], y[1]
	p1, _ := bits.Mul64(x0, y0)
	h1, l1 := bits.Mul64(x1, y0)
	h2, l2 := bits.Mul64(x0, y1)
	h3, l3 := bits.Mul64(x1, y1)
	p1, c := bits.Add64(p1, l1, 0)
	p2, c := bits.Add64(h1, 0, c)
	_, d := bits.Add64(p1, l2, 0)
	p2, e := bits.Add64(p2, h2, d)
	p2, f := bits.Add64(p2, l3, 0)
	z[0], z[1] = p2, h3+c+e+f
}

// An accumulator is an exact sum Σ ±x·m·2^e: (pos - neg)·2^low. Positive and
// negative contributions stay apart, so that carries never oscillate.
type accumulator struct {
	pos, neg []uint64
	low      int
	shifted  []uint64
	limbs    []uint64 // the significand of a wide multiplier
}

// newAccumulator makes room for n products of an operand of the given number
// of limbs with numbers that are multiples of 2^low and below 2^high.
func newAccumulator(low, high, n, operand int) *accumulator {
	size := operand + (high-low+bits.Len(uint(n)))/64 + 3
	buf := make([]uint64, 2*size+operand+1)
	return &accumulator{pos: buf[:size], neg: buf[size : 2*size], low: low, shifted: buf[2*size:]}
}

// addMul adds x·|a|, negated if neg, exactly.
func (s *accumulator) addMul(x []uint64, a Num, neg bool) {
	if a.isZero() {
		return
	}
	z := s.pos
	if neg {
		z = s.neg
	}
	at := uint(int(a.exp) - s.low)
	z = z[at/64:]
	if r := at % 64; r != 0 {
		shiftLeft(s.shifted, x, r)
		x = s.shifted
	}
	if a.wide == nil {
		addMul(z, x, a.man)
		return
	}
	n := (a.wide.BitLen() + 63) / 64
	if cap(s.limbs) < n {
		s.limbs = make([]uint64, n)
	}
	m := s.limbs[:n]
	setLimbs(m, a.wide, make([]byte, 8*n))
	for i, w := range m {
		addMul(z[i:], x, w)
	}
}

// value returns the sum as a multiple of 2^low.
func (s *accumulator) value() *big.Int {
	z := bigInt(s.pos)
	return z.Sub(z, bigInt(s.neg))
}
