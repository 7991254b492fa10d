package exact

import (
	"math"
	"math/big"
	"math/bits"
	"sync"
)

// expUnit bounds the error of one exponential in units of 2^-w; see the package
// comment for its parts.
const expUnit = 2

// The reduced exponent r < ln 2 + 2^-30 is coarse/2^8 + fine/2^16 + s with s < 2^-16.
const (
	coarseBits  = 8
	coarseCount = 178 // 2^8·(ln 2 + 2^-30) < 178
	fineBits    = 16
	fineCount   = 1 << (fineBits - coarseBits)
)

// An expTable holds the constants for results of n limbs, w = 64n bits. All of
// them are fractions of n+1 limbs, short by less than one unit of the last.
type expTable struct {
	ln2          []uint64   // ln 2 within 1+2^-40 units
	coarse, fine [][]uint64 // e^(j/2^8) - 1 and e^(j/2^16) - 1
	inverse      [][]uint64 // 1/m! for 2 ≤ m ≤ len-1
}

var expTables struct {
	sync.Mutex
	m map[int]*expTable
}

// expTableFor returns the table for n limbs, made once.
func expTableFor(n int) *expTable {
	expTables.Lock()
	defer expTables.Unlock()
	t := expTables.m[n]
	if t == nil {
		t = newExpTable(n)
		if expTables.m == nil {
			expTables.m = make(map[int]*expTable)
		}
		expTables.m[n] = t
	}
	return t
}

func newExpTable(n int) *expTable {
	size := n + 1
	buf := make([]byte, 8*size)
	const extra = 64 // bits beyond the table's, for the rounding of its making
	g := 64*size + extra
	one := new(big.Int).Lsh(big.NewInt(1), uint(g))
	limbs := func(x *big.Int) []uint64 {
		z := make([]uint64, size)
		setLimbs(z, new(big.Int).Rsh(x, extra), buf)
		return z
	}

	// Powers of e^(2^-k): each product is short by less than 1 and carries on
	// the shortfall of its factors, together less than 2^9·len ≪ 2^extra.
	powers := func(k uint, count int) [][]uint64 {
		step, t := new(big.Int), new(big.Int).Set(one)
		for m := int64(1); t.Sign() > 0; m++ {
			step.Add(step, t)
			t.Rsh(t, k)
			t.Quo(t, big.NewInt(m))
		}
		z := make([][]uint64, count)
		x := new(big.Int).Set(one)
		for j := range z {
			z[j] = limbs(new(big.Int).Sub(x, one))
			x.Rsh(x.Mul(x, step), uint(g))
		}
		return z
	}
	t := &expTable{ln2: tableFor(n).ln2, coarse: powers(coarseBits, coarseCount), fine: powers(fineBits, fineCount)}

	// The series ends where s^(N+1)/(N+1)! < 2^-(w+64).
	t.inverse = make([][]uint64, 2)
	factorial := big.NewInt(2)
	for m := 2; fineBits*m+factorial.BitLen()-1 < 64*size; m++ {
		t.inverse = append(t.inverse, limbs(new(big.Int).Quo(one, factorial)))
		factorial.Mul(factorial, big.NewInt(int64(m+1)))
	}
	return t
}

// An expKernel evaluates exponentials with one table, reusing its scratch space.
type expKernel struct {
	n       int
	t       *expTable
	y, q    []uint64 // n+2 limbs: a fraction of n+1 and an integer
	s, h, f []uint64 // fractions of n+1 limbs
	scratch []uint64
	out     []uint64 // n+1 limbs, a fraction of n and an integer: the last result
}

func newExpKernel(n int) *expKernel {
	size := n + 1
	return &expKernel{n: n, t: expTableFor(n), y: make([]uint64, size+1), q: make([]uint64, size+1),
		s: make([]uint64, size), h: make([]uint64, size), f: make([]uint64, size),
		scratch: make([]uint64, 2*size), out: make([]uint64, size)}
}

// load sets y = |x|/t, short by less than 2^-(w+64). It is below 2^63.
func (k *expKernel) load(x, t Num) {
	shift := int(x.exp) + 64*(k.n+1)
	if x.wide != nil || t.man != 1 || t.exp != 0 {
		z := x.Abs().significand()
		if shift -= int(t.exp); t.wide == nil && t.man == 1 {
			z = floorScaled(z, nil, shift)
		} else {
			z = floorScaled(z, t.significand(), shift)
		}
		setLimbs(k.y, z, make([]byte, 8*len(k.y)))
		return
	}
	clear(k.y)
	switch i := shift / 64; {
	case shift <= -64:
	case shift < 0:
		k.y[0] = x.man >> -shift
	default:
		k.y[i] = x.man << (shift % 64)
		if hi := x.man >> 1 >> (63 - shift%64); hi != 0 {
			k.y[i+1] = hi
		}
	}
}

// reduce turns y into the fraction r = s + coarse + fine, 0 ≤ r < ln 2 + 2^-30,
// with e^±y = 2^e·e^r: the error of r is below (|e| + 2)·2^-(w+63).
func (k *expKernel) reduce(neg bool) (e int) {
	size := k.n + 1
	y := float64(k.y[size]) + float64(k.y[size-1])*0x1p-64 // within 2^-37 of y < 2^15
	e = int(y / math.Ln2)
	if neg {
		e++
	}
	for {
		clear(k.q)
		addMul(k.q, k.t.ln2, uint64(e))
		x, z := k.y, k.q // r = x - z
		if neg {
			x, z = k.q, k.y
		}
		if !less(x, z) {
			copy(k.s, x)
			sub(k.s, z) // the integer parts are equal or the difference is below 1
			break
		}
		if neg {
			e++
		} else {
			e--
		}
	}
	if neg {
		return -e
	}
	return e
}

// less reports x < y for equal lengths.
func less(x, y []uint64) bool {
	for i := len(x) - 1; i >= 0; i-- {
		if x[i] != y[i] {
			return x[i] < y[i]
		}
	}
	return false
}

// power returns the whole part, 1 or 2, of e^r for the r that reduce left, and
// leaves the fraction in f. It is short by less than 16·2^-(w+64) of e^r.
func (k *expKernel) power() (whole uint64) {
	top := len(k.s) - 1
	coarse := k.s[top] >> (64 - coarseBits)
	fine := k.s[top] >> (64 - fineBits) & (fineCount - 1)
	k.s[top] &= 1<<(64-fineBits) - 1

	// e^s - 1 = s + s·(s·(1/2! + s/3! + …)), all of it below 2^-15.
	inverse := k.t.inverse
	copy(k.h, inverse[len(inverse)-1])
	for m := len(inverse) - 2; m >= 2; m-- {
		mulTop(k.h, k.h, k.s, k.scratch)
		add(k.h, inverse[m])
	}
	mulTop(k.h, k.h, k.s, k.scratch)
	mulTop(k.h, k.h, k.s, k.scratch)
	add(k.h, k.s)

	// (1+a)(1+b) = 1 + a + b + ab, below 1 for the fine part.
	join := func(a []uint64) (carry uint64) {
		mulTop(k.f, k.h, a, k.scratch)
		carry = addCarry(k.f, k.h)
		return carry + addCarry(k.f, a)
	}
	join(k.t.fine[fine])
	copy(k.h, k.f)
	return 1 + join(k.t.coarse[coarse])
}

// addCarry sets z += x over equal lengths and returns the carry.
func addCarry(z, x []uint64) (c uint64) {
	for i := range z {
		z[i], c = bits.Add64(z[i], x[i], c)
	}
	return c
}

// exp sets k.out = E with |E - 2^w·e^(x/t)| < expUnit, for x ≤ 0 < t.
func (k *expKernel) exp(x, t Num) {
	clear(k.out)
	if x.isZero() {
		k.out[k.n] = 1
		return
	}
	if w := 64 * k.n; x.Abs().Cmp(t.Mul(Int(int64(w)))) >= 0 {
		return // below e^-w
	}
	k.load(x, t)
	e := k.reduce(true)
	whole := k.power()
	// f and whole are n+2 limbs in units of 2^-(w+64); 64 - e of them go.
	drop := 64 - e
	at := func(i int) uint64 {
		switch {
		case i < len(k.f):
			return k.f[i]
		case i == len(k.f):
			return whole
		}
		return 0
	}
	limb, bit := drop/64, uint(drop%64)
	for i := range k.out {
		lo, hi := at(i+limb), at(i+limb+1)
		k.out[i] = lo>>bit | hi<<1<<(63-bit)
	}
}

// maxPower limits the exponents of factor: beyond e^±2^15 every format has only 0
// and infinity.
const maxPower = 1 << 15

// factor encloses e^(x/t) within 2^-(w+40) of itself, or within [0, 2^-47000]
// below e^-maxPower. It panics above e^maxPower.
func (k *expKernel) factor(x, t Num) bounds {
	switch limit := t.Mul(Int(maxPower)); {
	case x.isZero():
		return bounds{big.NewInt(1), big.NewInt(1), 0}
	case x.Abs().Cmp(limit) <= 0:
	case x.neg:
		return bounds{new(big.Int), big.NewInt(1), -47000}
	default:
		panic("exact: a weight above e^32768")
	}
	k.load(x, t)
	e := k.reduce(x.neg)
	whole := k.power()
	m := bigInt(append(k.f[:len(k.f):len(k.f)], whole))
	// Parts 1 to 4 of the error: |e| < 2^16 makes it less than 2^-(w+45) of e^r < 2.01.
	err := new(big.Int).Lsh(big.NewInt(1), 20)
	return bounds{new(big.Int).Sub(m, err), m.Add(m, err), e - 64*(k.n+1)}
}
