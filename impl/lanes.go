package impl

import "math"

// A kind says which sum is asked for.
type kind uint8

const (
	klSum      kind = iota // Σ p ln(p/q)
	entropySum             // −Σ p ln p
	crossSum               // −Σ p ln q
	jensenSum              // Σ p ln(2p/(p+q)) + q ln(2q/(p+q)), twice the divergence
)

func (k kind) String() string {
	return [...]string{"KL", "Entropy", "CrossEntropy", "JensenShannon"}[k]
}

// A status is what is known of the vectors so far. The largest one wins.
type status uint8

const (
	regular  status = iota
	small           // weights too small for the kernels were left to the slack
	outside         // weights too large for the kernels: the sum is useless
	infinite        // p > 0 = q
	invalid         // NaN, negative or infinite
)

// A batch turns weights into lanes for a kernel: all weights of the sums other
// than KL, and for KL those that the kernel does not take from the vectors.
type batch struct {
	sums
	tier  Tier
	scale int // weights are multiplied by 2^scale first
	n     int
	x, y  [block + lanesPerWeight]float64
	low   float64 // small corrections to the lanes pushed, in plain float64

	isa    isa
	middle float64 // of the window of the vector kernel's sums
}

// lanesPerWeight is the most lanes that one element of the vectors becomes.
const lanesPerWeight = 6

// kernel adds lanes up to the first that the tier's kernel cannot take.
func (b *batch) kernel(x, y []float64) (done int) {
	if b.tier == TierOne {
		return tier1(x, y, &b.sums)
	}
	return tier2(x, y, &b.sums)
}

// push appends a lane that the kernels take.
func (b *batch) push(x, y float64) {
	b.x[b.n], b.y[b.n] = x, y
	b.n++
}

// flush adds the lanes pushed.
func (b *batch) flush() {
	if b.n == 0 && b.low == 0 {
		return
	}
	if done := b.kernel(b.x[:b.n], b.y[:b.n]); done != b.n {
		panic("impl: a lane out of range")
	}
	b.n = 0
	if b.low != 0 {
		b.addExtra(b.low)
		b.low = 0
	}
}

// sum adds up vectors; q is not used by the entropy.
func (b *batch) sum(k kind, p, q []float64) status {
	st := regular
	for len(p) > 0 {
		n := len(p)
		if b.vectorised(k) {
			if n = b.vectors(k, p, q); n == 0 {
				n = min(len(p), vectorBlock)
				st = max(st, refused(b, k, p[:n], q))
			}
		} else {
			st = max(st, b.plain(k, p, q))
		}
		if st == invalid {
			return st
		}
		p = p[n:]
		if k != entropySum {
			q = q[n:]
		}
	}
	b.flush()
	return st
}

// plain adds up vectors in Go and leaves some of their lanes pushed.
func (b *batch) plain(k kind, p, q []float64) status {
	st := regular
	if k == entropySum {
		q = ones[:]
	}
	for len(p) > 0 {
		n := 0
		if b.scale == 0 {
			switch k {
			case klSum:
				n = b.kernel(p, q[:len(p)])
			case entropySum:
				n = b.kernel(p[:min(len(p), block)], q[:min(len(p), block)])
			}
		}
		if n == 0 {
			n = min(len(p), block)
			if st = max(st, b.elements(k, p[:n], q[:n])); st == invalid {
				return st
			}
		}
		p = p[n:]
		if k != entropySum {
			q = q[n:]
		}
	}
	return st
}

// ones stands beside the weights of an entropy, −Σ p ln p = −Σ p ln(p/1).
var ones = func() (x [block]float64) {
	for i := range x {
		x[i] = 1
	}
	return x
}()

// sum32 is sum of vectors that are widened piece by piece.
func (b *batch) sum32(k kind, p, q []float32) status {
	st := regular
	for len(p) > 0 {
		n := 0
		if b.vectorised(k) {
			n = b.vectors32(k, p, q)
		}
		if n == 0 {
			n = min(len(p), vectorBlock)
			st = max(st, refused(b, k, p[:n], q))
		}
		if st == invalid {
			return st
		}
		p = p[n:]
		if k != entropySum {
			q = q[n:]
		}
	}
	b.flush()
	return st
}

// refused adds a block that the vector kernel, if there is one, does not take: without
// the lanes with p = 0 ≤ q < ∞, which add 0, in another attempt, or in Go.
func refused[F float32 | float64](b *batch, k kind, p, q []F) status {
	var x, y [vectorBlock]float64
	n := 0
	for i := range p {
		x[n], y[n] = float64(p[i]), 1
		if k != entropySum {
			y[n] = float64(q[i])
		}
		if k == jensenSum || x[n] != 0 || !valid(y[n]) {
			n++
		}
	}
	done := 0
	if n < len(p) && b.vectorised(k) {
		done = b.vectors(k, x[:n], y[:n])
	}
	return b.plain(k, x[done:n], y[done:n])
}

// elements pushes weights one by one and flushes full blocks.
func (b *batch) elements(k kind, p, q []float64) status {
	st := regular
	for i, x := range p {
		var t status
		switch k {
		case klSum, entropySum:
			t = b.kl(x, q[i])
		case crossSum:
			t = b.cross(x, q[i])
		case jensenSum:
			t = b.jensen(x, q[i])
		}
		if st = max(st, t); st == invalid {
			return st
		}
		if b.n >= block {
			b.flush()
		}
	}
	return st
}

// valid reports a weight: a finite number ≥ 0.
func valid(x float64) bool { return x >= 0 && x <= math.MaxFloat64 }

// tiny is no less than what any element with p < 2⁻⁸⁰⁰ contributes, or changes
// beside another weight [D1].
const tiny = 0x1p-789

// kl pushes lanes for p ln(p/q).
func (b *batch) kl(p, q float64) status {
	if p >= minLane && p < maxLane && q >= 0x1p-1022 && q <= math.MaxFloat64 && b.scale == 0 {
		b.push(p, q)
		return regular
	}
	if !valid(p) || !valid(q) {
		return invalid
	}
	switch {
	case p == 0:
		return regular
	case q == 0:
		return infinite
	}
	p, st := b.fit(p)
	if p == 0 {
		return st
	}
	m, e := math.Frexp(q)
	return b.pushRatio(p, m, e+b.scale)
}

// cross pushes lanes for −p ln q = p ln(p/pq).
func (b *batch) cross(p, q float64) status {
	if !valid(p) || !valid(q) {
		return invalid
	}
	switch {
	case p == 0 || q == 1:
		return regular
	case q == 0:
		return infinite
	}
	p, st := b.fit(p)
	if p == 0 {
		return st
	}
	// pq = y + r. As p ln(p/(y+r)) = p ln(p/y) − p ln(1 + r/y), with |r/y| ≤ u, the last
	// term is nearly −p·r/y [D3].
	e := 0
	y := p * q
	if !(y >= 0x1p-900 && y <= 0x1p1000) {
		q, e = math.Frexp(q)
		y = p * q
	}
	if st := b.pushRatio(p, y, e); st != regular {
		return st
	}
	b.low -= float64(p * (math.FMA(p, q, -y) / y))
	b.slack += p * ((block + 4) * u * u)
	return regular
}

// jensen pushes lanes for p ln(2p/(p+q)) + q ln(2q/(p+q)).
func (b *batch) jensen(p, q float64) status {
	if !valid(p) || !valid(q) {
		return invalid
	}
	p, st1 := b.fit(p)
	q, st2 := b.fit(q)
	// p + q = y + r. Leaving out r changes the two lanes by −(y+r) ln(1 + r/y) together,
	// which is −r − r²/(2y) but for less than u³y [D4].
	y, r := twoSum(p, q)
	if p > 0 {
		b.push(p, y/2)
	}
	if q > 0 {
		b.push(q, y/2)
	}
	if r != 0 {
		b.addExtra(-r)
		b.low -= float64(r / y * (r / 2))
		b.slack += y * (block * u * u * u)
	}
	return max(st1, st2)
}

// fit returns a weight times 2^scale, which is exact, or 0 if there is no room for it
// among the lanes: too small, it goes to the slack; too large, the sum is lost.
func (b *batch) fit(p float64) (float64, status) {
	if b.scale == 0 && p >= minLane && p < maxLane || p == 0 {
		return p, regular
	}
	m, e := math.Frexp(p)
	switch e += b.scale; {
	case e <= -800:
		b.slack += tiny
		return 0, small
	case e > 970:
		return 0, outside
	}
	return math.Ldexp(m, e), regular
}

// pushRatio pushes lanes that add up to x ln(x/(y·2^e)) for a normal y > 0.
func (b *batch) pushRatio(x, y float64, e int) status {
	if e == 0 {
		b.push(x, y)
		return regular
	}
	if k := math.Ilogb(y) + e; k >= -1022 && k <= 1023 {
		b.push(x, math.Ldexp(y, e))
		return regular
	}
	switch {
	case x < 0x1p-500:
		b.slack += 0x1p-489 // [D2]
		return small
	case x > 0x1p500:
		return outside
	}
	// −x·e·ln 2 is the sum of x ln(x/(x·2^k)) over any k that add up to e.
	b.push(x, y)
	for e != 0 {
		k := max(-500, min(e, 500))
		b.push(x, math.Ldexp(x, k))
		e -= k
	}
	return regular
}
