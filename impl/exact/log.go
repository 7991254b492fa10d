package exact

import (
	"math/big"
	"math/bits"
	"sync"
)

// unit bounds the error of one logarithm in units of 2^-w; see the package
// comment for its parts.
const unit = 7

// The reduced argument lies in (7/10, 10/7), so that J runs over this range.
const (
	firstJ = 90
	lastJ  = 183
)

// A table holds the constants for fractions of n limbs, w = 64n bits.
type table struct {
	n     int
	ln2   []uint64   // 2^(w+64)·ln 2 within 1+2^-40: n+1 limbs
	lnJ   [][]uint64 // 2^w·ln(J/128) within 1+2^-40, J from firstJ: n+1 limbs, two's complement
	recip [][]uint64 // ⌊2^w/(2k+1)⌋ for 0 ≤ k ≤ w/16 (index 0 unused): n limbs
}

var tables struct {
	sync.Mutex
	m map[int]*table
}

// tableFor returns the table for n limbs, made once.
func tableFor(n int) *table {
	tables.Lock()
	defer tables.Unlock()
	t := tables.m[n]
	if t == nil {
		t = newTable(n)
		if tables.m == nil {
			tables.m = make(map[int]*table)
		}
		tables.m[n] = t
	}
	return t
}

func newTable(n int) *table {
	t := &table{n: n}
	buf := make([]byte, 8*(n+1))
	limbs := func(x *big.Int, size int) []uint64 {
		z := make([]uint64, size)
		setLimbs(z, x, buf[:8*size])
		return z
	}

	// With g = w+128 bits each atanhInv is short by less than 2g, and at most
	// 110 of them are added: 220g < 2^24 for w ≤ 2^16. The truncation that
	// follows drops 64 bits or more and makes that less than 1 + 2^-40.
	g := 64*n + 128
	a, b, c := atanhInv(26, g), atanhInv(4801, g), atanhInv(8749, g)
	ln2 := a.Mul(a, big.NewInt(18)) // ln 2 = 18 atanh 1/26 - 2 atanh 1/4801 + 8 atanh 1/8749
	ln2.Sub(ln2, b.Lsh(b, 1))
	ln2.Add(ln2, c.Lsh(c, 3))
	t.ln2 = limbs(ln2.Rsh(ln2, 64), n+1)

	t.lnJ = make([][]uint64, lastJ-firstJ+1)
	modulus := new(big.Int).Lsh(big.NewInt(1), uint(64*(n+1)))
	set := func(j int, x *big.Int) {
		y := new(big.Int).Rsh(x, 128) // floor, also below 0
		if y.Sign() < 0 {
			y.Add(y, modulus)
		}
		t.lnJ[j-firstJ] = limbs(y, n+1)
	}
	set(128, new(big.Int))
	step := func(j int) *big.Int { // ln((j+1)/j) = 2 atanh 1/(2j+1)
		x := atanhInv(2*j+1, g)
		return x.Lsh(x, 1)
	}
	x := new(big.Int)
	for j := 129; j <= lastJ; j++ {
		set(j, x.Add(x, step(j-1)))
	}
	x.SetInt64(0)
	for j := 127; j >= firstJ; j-- {
		set(j, x.Sub(x, step(j)))
	}

	one := new(big.Int).Lsh(big.NewInt(1), uint(64*n))
	t.recip = make([][]uint64, 4*n+1)
	for k := 1; k <= 4*n; k++ {
		t.recip[k] = limbs(x.Quo(one, big.NewInt(int64(2*k+1))), n)
	}
	return t
}

// atanhInv returns 2^g·atanh(1/m) for m ≥ 26, too small by less than 2g
// units: with fewer than g/9 terms, each loses less than 1.01 in the power
// and 1 in the division, and what is left out is below 1.
func atanhInv(m, g int) *big.Int {
	x := new(big.Int).Lsh(big.NewInt(1), uint(g))
	x.Quo(x, big.NewInt(int64(m)))
	square := big.NewInt(int64(m) * int64(m))
	sum, t, d := new(big.Int), new(big.Int), new(big.Int)
	for k := int64(1); x.Sign() > 0; k += 2 {
		sum.Add(sum, t.Quo(x, d.SetInt64(k)))
		x.Quo(x, square)
	}
	return sum
}

// A kernel evaluates logarithms with one table, reusing its scratch space.
type kernel struct {
	t          *table
	z, v, s, u []uint64 // fractions of n limbs
	out        []uint64 // n+1 limbs: the last result
	product    []uint64 // n+2 limbs
	scratch    []uint64 // 2n limbs

	num, den, tmp *big.Int // for significands wider than fastBits
	bytes         []byte
}

func newKernel(t *table) *kernel {
	n := t.n
	buf := make([]uint64, 8*n+3)
	cut := func(k int) []uint64 {
		z := buf[:k:k]
		buf = buf[k:]
		return z
	}
	return &kernel{t: t, z: cut(n), v: cut(n), s: cut(n), u: cut(n), out: cut(n + 1), product: cut(n + 2), scratch: cut(2 * n)}
}

// fastBits is the widest significand for which 128·b + J·c fits one word
// after b or c has been doubled: 128·2^55 + 183·2^54 < 2^64.
const fastBits = 54

// leading returns the leading fastBits bits of the significand, the highest set.
func (x Num) leading() uint64 {
	if x.wide != nil {
		k := uint(x.wide.BitLen() - fastBits)
		return new(big.Int).Rsh(x.wide, k).Uint64()
	}
	return x.man << bits.LeadingZeros64(x.man) >> (64 - fastBits)
}

// log sets k.out = |L| for an integer L with |L - 2^w·ln(b/c)| < unit, and
// reports L < 0. b and c are positive.
func (k *kernel) log(b, c Num) (neg bool) {
	// b/c = x·2^e with x = hb/hc in (7/10, 10/7), up to the bits that leading
	// dropped; near-equal numbers get e = 0 and J = 128.
	hb, hc := b.leading(), c.leading()
	e := b.top() - c.top()
	db, dc := uint(0), uint(0)
	switch {
	case 5*hb > 7*hc:
		dc, e = 1, e+1
	case 7*hb < 5*hc:
		db, e = 1, e-1
	}
	hb, hc = hb<<db, hc<<dc
	j := (hb<<7 + hc>>1) / hc

	// z = (128x - J)/(128x + J), |z| < 2^-8, short by less than 1.
	var minus bool
	if b.bitLen() <= fastBits && c.bitLen() <= fastBits {
		x, y := hb<<7, j*hc
		minus = x < y
		rem, den := x-y, x+y
		if minus {
			rem = y - x
		}
		for i := k.t.n - 1; i >= 0; i-- {
			k.z[i], rem = bits.Div64(rem, 0, den)
		}
	} else {
		minus = k.wideRatio(b, c, db, dc, j)
	}
	k.atanh()

	// L = ln(J/128) ± 2·atanh z + e·ln 2 in two's complement.
	copy(k.out, k.t.lnJ[j-firstJ]) // within 1 + 2^-40
	shiftLeft(k.product[:k.t.n+1], k.z, 1)
	if minus {
		sub(k.out, k.product[:k.t.n+1])
	} else {
		add(k.out, k.product[:k.t.n+1])
	}
	if e != 0 {
		// |e|·ln 2 with 64 further bits that are then dropped: within 1 + 2^-30.
		m := e
		if m < 0 {
			m = -m
		}
		clear(k.product)
		addMul(k.product, k.t.ln2, uint64(m))
		if e < 0 {
			sub(k.out, k.product[1:])
		} else {
			add(k.out, k.product[1:])
		}
	}
	if neg = k.out[k.t.n]>>63 != 0; neg {
		negate(k.out)
	}
	return neg
}

// wideRatio is the general path of log to z and its sign. J comes from leading
// bits, x moves by less than 2^-51 thereby, and |z| < 2^-8 still holds.
func (k *kernel) wideRatio(b, c Num, db, dc uint, j uint64) (minus bool) {
	if k.num == nil {
		k.num, k.den, k.tmp = new(big.Int), new(big.Int), new(big.Int)
		k.bytes = make([]byte, 8*k.t.n)
	}
	lb, lc := b.bitLen(), c.bitLen()
	x := k.num.Lsh(b.significand(), db+7+uint(max(lc-lb, 0)))
	y := k.tmp.Lsh(c.significand(), dc+uint(max(lb-lc, 0)))
	y.Mul(y, k.den.SetUint64(j))
	k.den.Add(x, y)
	x.Sub(x, y)
	minus = x.Sign() < 0
	x.Lsh(x.Abs(x), uint(64*k.t.n))
	y.QuoRem(x, k.den, x)
	setLimbs(k.z, y, k.bytes)
	return minus
}

// atanh replaces the fraction z < 2^-8 by one less than 1.01 units below atanh z:
// z + z·v·(1/3 + v/5 + v²/7 + …) with v = z².
func (k *kernel) atanh() {
	n := k.t.n
	w := 64 * n
	mulTop(k.v, k.z, k.z, k.scratch) // v short by less than 1
	lead := leadingZeros(k.v)        // z² < 2^-lead, and lead ≥ 16
	terms := (w+lead-1)/lead - 1     // the rest is less than 0.002
	if terms == 0 {
		return
	}
	// The sum s at step i will be multiplied by less than 2^(-lead·i), so that its
	// low limbs are dropped, all but one of those the weight allows. Every step
	// loses less than 2.34 units of the last limb kept.
	clear(k.s)
	for i := terms; i >= 1; i-- {
		low := max(0, min(n-1, lead*i/64-1)) // n - t
		s, v := k.s[low:], k.v[low:]
		if i < terms {
			mulTop(s, s, v, k.scratch)
		}
		add(s, k.t.recip[i][low:])
	}
	mulTop(k.u, k.v, k.s, k.scratch) // short by less than 1.35
	mulTop(k.u, k.u, k.z, k.scratch) // short by less than 1.006
	add(k.z, k.u)
}
