package impl

import "math"

// An isa names the instructions of a vector kernel. It is not a function, through which
// the sums would escape to the heap.
type isa uint8

const (
	noVectors isa = iota // Go alone
	avx2
	avx512
)

func (v isa) String() string { return [...]string{"", "avx2 ", "avx512 "}[v] }

// vectorSums is what a vector kernel has added up: S = Σ grid·ulp(m) is exact, and
// Σ high + low is the rest, with φ of tier 1.
type vectorSums struct {
	grid      [8]int64
	high, low [8]float64
	phi       [8]float64 // Σ φ in tier 2, Σ p of float32
	logs      [8]uint64  // 0 if all L were, tier 2 of avx512
	drifted   uint64     // not 0 if a sum left its window in the block that was not added
	far       [8]float64 // Σ x·|L|, tier 2 of avx2
}

// constants512 is what the AVX-512 kernels read.
type constants512 struct {
	hi, lo           [16]float64 // ln(1 + j/16)
	ln               [16]float64 // their sums, rounded
	first            uint64      // bits of the least weight [V1]
	outside          uint64      // bits that are set in the difference for a weight out of range
	half, mask       uint64      // to round the bits of a float64 to 4 after the point [V2]
	halfWindow       uint64      // from the middle of the window of s to its end, in bits [V3]
	drift            uint64      // bits that are set in the difference outside the window
	ln2Hi, ln2Lo     float64
	ln2              float64
	atanh            [2]float64 // 2 atanh(s)/s by s², for float32 [X2]
	atanhLong        [3]float64 // the same for KLApprox
	small            float32    // stands beyond the end of vectors of float32
	one, two         float64
	abs32            uint32
	infinity32       uint32
	abs, infinity    uint64     // bits of all but the sign, and of +Inf
	w1               [3]float64 // W for tier 1 [V6]
	w2               [4]float64 // the coefficients of z in W for tier 2 [V7]
	thirdHi, thirdLo float64
}

// constantsAVX2 is what the AVX2 kernels read.
type constantsAVX2 struct {
	first, outside   [8]uint32 // upper bits of the least weight, and what the difference has out of range [W1]
	half, mask       [4]uint64 // to round the bits of a float64 to 8 after the point [W2]
	exponent         [4]uint64 // bits of 2⁵², which make an integer a float64
	bias             [4]float64
	halfWindow       [4]uint64 // from the middle of the window of s to its end, in bits [W6]
	drift            [8]uint32 // upper bits that are set in the difference outside the window [W6]
	abs              [4]uint64
	ln2Hi, ln2Lo     [4]float64
	one, two         [4]float64
	w0, w1           [4]float64 // W for tier 1 [W8]
	fifth            [4]float64 // and its coefficients for tier 2 [W9]
	seventh, ninth   [4]float64
	thirdHi, thirdLo [4]float64
	logs             [256]struct{ hi, lo float64 } // ln(1 + j/256) [W5]
	tail             [16]uint64                    // all ones, then zeros
}

const (
	vectorBlock = 256     // the most elements of a block
	vectorLeast = 8       // shorter vectors are not worth the call
	vectorMost  = 1 << 21 // more could overflow the grid [V4], [W6]

	vectorPhi1 = 31 * u     // [V6]
	vectorPhi2 = 3.6e-3 * u // [V7]
	vectorLane = 0x1p-85    // times 2^k, for each lane [V5], [W7]
	vectorFlat = 0x1p-100   // the same where all L are 0, and in tier 2 of avx2, where far counts the rest [W9]

	vectorSingle = 0x1p-34 // of Σp, float32 [X4]
)

// vectorised reports whether there is a vector kernel for what is asked.
func (b *batch) vectorised(k kind) bool {
	return b.isa != noVectors && b.scale == 0 && (k == klSum || k != jensenSum && b.tier == TierOne)
}

// vectors adds as many elements as the vector kernel takes.
func (b *batch) vectors(k kind, p, q []float64) (done int) {
	n := min(len(p), vectorMost)
	if n < vectorLeast {
		return 0
	}
	var acc vectorSums
	done = vectorSum(b.isa, k, b.tier, p[:n], q, b.middle, &acc)
	b.join(&acc, done)
	return done
}

// vectors32 is vectors of float32.
func (b *batch) vectors32(k kind, p, q []float32) (done int) {
	n := min(len(p), vectorMost)
	if n < vectorLeast {
		return 0
	}
	var acc vectorSums
	done = vectorSum32(b.isa, k, b.tier, p[:n], q, b.middle, &acc)
	b.join(&acc, done)
	return done
}

// join adds what a vector kernel has added up of so many elements.
func (b *batch) join(acc *vectorSums, done int) {
	scale := b.middle / 1.5
	if acc.drifted != 0 {
		b.middle *= 8
	}
	if done == 0 {
		return
	}

	var top, rest int64
	for _, g := range acc.grid {
		top += g >> 32
		rest += g & (1<<32 - 1)
	}
	grid := scale * 0x1p-52
	b.addExtra(float64(top) * (grid * 0x1p32))
	b.addExtra(float64(rest) * grid)
	high, low := acc.pair()
	b.addExtra(high)
	b.addExtra(low)

	lane := float64(vectorLane)
	if b.tier == TierOne {
		b.phi += math.Abs(high) + float64(done)*(0x1p-36*scale)
	} else {
		phi, far, logs := 0.0, 0.0, uint64(0)
		for i, x := range acc.phi {
			phi += x
			far += acc.far[i]
			logs |= acc.logs[i]
		}
		b.phi += phi
		b.far += far // [W9]
		switch {
		case logs<<1 != 0:
		case phi != 0 || far != 0:
			lane = vectorFlat
		default:
			lane = 0 // φ = 0 only if d = 0: the vectors are equal
		}
	}
	b.slack += float64(done) * (lane * scale)
}

// singleVectors adds as many elements of a float32 KL as the vector kernel takes.
func (s *sums) singleVectors(p, q []float32, v isa) (done int) {
	n := min(len(p), vectorMost)
	var acc vectorSums
	if done = vectorSum32(v, klSum, TierSingle, p[:n], q, 0, &acc); done == 0 {
		return 0
	}
	high, low := acc.pair()
	s.addExtra(high)
	s.addExtra(low)
	mass := 0.0
	for _, x := range acc.phi {
		mass += x
	}
	s.slack += vectorSingle * mass
	return done
}

// pair adds up high and low.
func (acc *vectorSums) pair() (high, low float64) {
	high, low = acc.high[0], acc.low[0]
	for i := 1; i < 8; i++ {
		var e float64
		high, e = twoSum(high, acc.high[i])
		low += acc.low[i] + e
	}
	return high, low
}

// middle returns 1.5·2^k for a typical |x ln(x/y)| of a vector. Any k is right: one too
// small sends blocks to Go, one too large the sum to the next tier. In tier 1, there is
// room for blocks 2¹⁰ times as large as typical, and the lanes err by 2⁻⁶⁷ of themselves.
// In tier 2, where the sum may be much smaller than its terms, both are half as much.
func middle(typical float64, t Tier) float64 {
	if !(typical > 0x1p-450 && typical < 0x1p200) {
		return 1.5
	}
	k := uint64(18)
	if t == TierTwo {
		k = 17
	}
	return math.Float64frombits((math.Float64bits(typical)>>52+k)<<52 | 1<<51)
}

// termSize estimates |x ln(x/y)| within a small factor, for the bits of weights.
func termSize(x, y float64) float64 {
	e := int64(math.Float64bits(x)>>52) - int64(math.Float64bits(y)>>52)
	if -2 < e && e < 2 {
		return math.Abs(x - y)
	}
	return x * math.Abs(float64(e))
}
