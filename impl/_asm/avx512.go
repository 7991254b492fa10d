package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A sum is what a kernel adds up.
type sum int

const (
	klSum      sum = iota // Σ p ln(p/q): lanes (p, q)
	entropySum            // Σ p ln p: lanes (p, 1)
	crossSum              // −Σ p ln q: p times lanes (1, q)
)

const (
	unroll = 2  // vectors that a turn of the inner loop takes
	depth  = 16 // turns in a block, the depth of the plain sums [V5]
)

func avx512() {
	for _, single := range []bool{false, true} {
		suffix := "AVX512"
		if single {
			suffix = "32AVX512"
		}
		(&kernel{sum: klSum, tier: 1, single: single}).emit("klTier1" + suffix)
		(&kernel{sum: klSum, tier: 2, single: single}).emit("klTier2" + suffix)
		(&kernel{sum: entropySum, tier: 1, single: single}).emit("entropy" + suffix)
		(&kernel{sum: crossSum, tier: 1, single: single}).emit("cross" + suffix)
	}
	(&kernel{single: true}).emitPlain("klSingleAVX512")
	(&kernel{}).emitPlain("klApproxAVX512")
}

// kernel is what the emitting functions share.
type kernel struct {
	sum    sum
	tier   int
	single bool // the vectors are of float32, which are widened
	sparse bool // lanes with p = 0 are looked for

	x, y Register
	t    gotypes.Component // the constants

	hi, lo [2]VecVirtual

	outside, drift, logs VecVirtual // not 0 where the block must be left out, or where L ≠ 0
	s, low               [unroll]VecVirtual
	base                 VecVirtual // the bits of the lower end of the window of s [V3]
	phi                  VecVirtual

	// The lanes of the turn before, for which a division is under way.
	before [unroll]struct{ p, d, s, v, vLow, rest VecVirtual }
}

// constant returns the address of a field of the constants.
func (k *kernel) constant(field string, index ...int) Mem {
	c := k.t.Field(field)
	for _, i := range index {
		c = c.Index(i)
	}
	return resolve(c)
}

func resolve(c gotypes.Component) Mem {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// load returns eight numbers of a field.
func (k *kernel) load(field string, index int) VecVirtual {
	v := ZMM()
	VMOVUPD(k.constant(field, index), v)
	return v
}

func (k *kernel) emit(name string) {
	vectors, of := "x, y", "float64"
	if k.sum == entropySum {
		vectors = "x"
	}
	if k.single {
		of = "float32"
	}
	TEXT(name, NOSPLIT, fmt.Sprintf("func(t *constants512, %s *%s, n int, m float64, acc *vectorSums) (done int)", vectors, of))
	Doc(fmt.Sprintf("%s adds n lanes to acc, in blocks of %d, until it meets a block that it cannot", name, 8*unroll*depth),
		"take, and returns how many it added. m is the middle of the window of its sums [V3].")
	Pragma("noescape")

	k.t = Dereference(Param("t"))
	for i := range 2 {
		k.hi[i], k.lo[i] = k.load("hi", 8*i), k.load("lo", 8*i)
	}
	k.x = Load(Param("x"), GP64())
	if k.sum != entropySum {
		k.y = Load(Param("y"), GP64())
	}
	left := Load(Param("n"), GP64())
	acc := Dereference(Param("acc"))
	sums := func(field string) Mem { return resolve(acc.Field(field).Index(0)) }
	middle := ZMM()
	VBROADCASTSD(resolve(Param("m")), middle)
	k.base = ZMM()
	VPSUBQ_BCST(k.constant("halfWindow"), middle, k.base)

	k.outside, k.drift = ZMM(), ZMM()
	for v := range unroll {
		k.s[v], k.low[v] = ZMM(), ZMM()
	}
	if k.tier == 2 {
		k.phi, k.logs = ZMM(), ZMM()
	}
	for v := range unroll {
		b := &k.before[v]
		b.d, b.s, b.rest = ZMM(), ZMM(), ZMM()
		if k.sum == crossSum {
			b.p = ZMM()
		}
		if k.tier == 2 {
			b.v, b.vLow = ZMM(), ZMM()
		}
	}

	Comment("Whether lanes with p = 0 are looked for: from the first block that has one.")
	sparse, startX, startY := GP64(), GP64(), GP64()
	XORQ(sparse, sparse)

	Label("block")
	TESTQ(left, left)
	JE(LabelRef("end"))
	MOVQ(k.x, startX)
	if k.y != nil {
		MOVQ(k.y, startY)
	}
	count := GP64()
	MOVQ(U32(8*unroll*depth), count)
	CMPQ(left, count)
	CMOVQLT(left, count)
	turns, rest := GP64(), GP64()
	MOVQ(count, turns)
	SHRQ(U8(4), turns)
	MOVQ(count, rest)
	ANDQ(U8(8*unroll-1), rest)
	zero := []VecVirtual{k.outside, k.drift, k.low[0], k.low[1]}
	if k.tier == 2 {
		zero = append(zero, k.phi, k.logs)
	}
	for v := range unroll {
		zero = append(zero, k.before[v].d, k.before[v].s, k.before[v].rest)
	}
	for _, z := range zero {
		VPXORQ(z, z, z)
	}
	if k.tier == 2 {
		for v := range unroll {
			VBROADCASTSD(k.constant("one"), k.before[v].v)
			VPXORQ(k.before[v].vLow, k.before[v].vLow, k.before[v].vLow)
		}
	}
	for v := range unroll {
		VMOVAPD(middle, k.s[v])
	}
	k.twice(sparse, turns, rest, func() { k.turn(nil) }, func(bits Register) {
		var masks [unroll]OpmaskVirtual
		for v := range unroll {
			masks[v] = K()
			KMOVW(bits.(GPVirtual).As32(), masks[v])
			SHRQ(U8(8), bits)
		}
		k.turn(&masks)
	})

	Label("fold")
	for v := range unroll {
		k.finish(v)
	}
	if k.tier == 2 {
		k.checkDrift()
	}
	Comment("Leave out a block with a lane out of range, or whose sum left the window.")
	k1, k2 := K(), K()
	VPTESTMQ_BCST(k.constant("outside"), k.outside, k1)
	VPTESTMQ_BCST(k.constant("drift"), k.drift, k2)
	KORTESTB(k2, k1)
	JEQ(LabelRef("add"))
	KORTESTB(k1, k1)
	JNE(LabelRef("outside"))
	INCQ(resolve(acc.Field("drifted")))
	JMP(LabelRef("end"))
	Label("outside")
	k.again(sparse, startX, startY)

	Label("add")
	grid := ZMM()
	VPSUBQ(middle, k.s[0], grid)
	VPADDQ(grid, k.s[1], grid)
	VPSUBQ(middle, grid, grid)
	VPADDQ(sums("grid"), grid, grid)
	VMOVDQU64(grid, sums("grid"))
	VADDPD(k.low[0], k.low[1], k.low[0])
	twoSumInto(sums("high"), sums("low"), k.low[0], ZMM)
	if k.tier == 2 {
		VADDPD(sums("phi"), k.phi, k.phi)
		VMOVUPD(k.phi, sums("phi"))
		VPORQ(sums("logs"), k.logs, k.logs)
		VMOVDQU64(k.logs, sums("logs"))
	}
	SUBQ(count, left)
	JMP(LabelRef("block"))

	Label("end")
	done := Load(Param("n"), GP64())
	SUBQ(left, done)
	Store(done, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// twice writes the turns of a block as they are and, for a block that is tried again,
// with lanes looked for that have p = 0. part is a turn of the lanes whose bits are set.
func (k *kernel) twice(sparse, turns, rest Register, whole func(), part func(bits Register)) {
	TESTQ(sparse, sparse)
	JNE(LabelRef("turnsSparse"))
	k.turns("", turns, rest, whole, part)
	JMP(LabelRef("fold"))
	Label("turnsSparse")
	k.sparse = true
	k.turns("Sparse", turns, rest, whole, part)
	k.sparse = false
}

// turns adds the lanes of a block.
func (k *kernel) turns(suffix string, turns, rest Register, whole func(), part func(bits Register)) {
	TESTQ(turns, turns)
	JE(LabelRef("rest" + suffix))
	Label("turn" + suffix)
	whole()
	ADDQ(U32(k.width()*unroll), k.x)
	if k.y != nil {
		ADDQ(U32(k.width()*unroll), k.y)
	}
	DECQ(turns)
	JNE(LabelRef("turn" + suffix))

	Label("rest" + suffix)
	TESTQ(rest, rest)
	JE(LabelRef("fold"))
	Comment("Lanes beyond the end are (x, x), which adds 0.")
	bits := GP64()
	MOVQ(U32(1), bits)
	SHLXQ(rest, bits, bits)
	DECQ(bits)
	part(bits)
}

// again goes back to the start of a block that was refused, to look for p = 0, but once.
func (k *kernel) again(sparse, startX, startY Register) {
	TESTQ(sparse, sparse)
	JNE(LabelRef("end"))
	INCQ(sparse)
	MOVQ(startX, k.x)
	if k.y != nil {
		MOVQ(startY, k.y)
	}
	JMP(LabelRef("block"))
}

// skipZeros makes lanes with p = 0 and 0 ≤ q < ∞ into (1, 1), which adds 0 as they do.
func (k *kernel) skipZeros(p, q VecVirtual) {
	zero := K()
	VPTESTNMQ_BCST(k.constant("abs"), p, zero)
	if q != nil {
		finite := K()
		VPCMPUQ_BCST(U8(1), k.constant("infinity"), q, zero, finite)
		zero = finite
		VBROADCASTSD(k.constant("one"), zero, q)
	}
	VBROADCASTSD(k.constant("one"), zero, p)
}

// lanes is a vector of lanes on its way through the kernel.
type lanes struct {
	v                int // which of the vectors of a turn
	p, q, d, l, lLow VecVirtual
}

// turn adds two vectors of lanes, those whose bits are set in the masks. What follows
// the division is done a turn later: the processor's window of instructions is too
// short to hide its latency.
func (k *kernel) turn(masks *[unroll]OpmaskVirtual) {
	for v := range unroll {
		x := lanes{v: v}
		var mask Op
		if masks != nil {
			mask = masks[v]
		}
		x.p = k.weights(k.x, v, mask)
		if k.sum != entropySum {
			x.q = k.weights(k.y, v, mask)
		}
		if k.sparse {
			k.skipZeros(x.p, x.q)
		}
		k.reduce(&x)
		k.finish(v)
		k.add(&x)
	}
	k.checkDrift()
}

// checkDrift notes whether a sum has left its window.
func (k *kernel) checkDrift() {
	a, b := ZMM(), ZMM()
	VPSUBQ(k.base, k.s[0], a)
	VPSUBQ(k.base, k.s[1], b)
	or3(a, b, k.drift)
}

// finish adds φ of the turn before.
func (k *kernel) finish(v int) {
	if k.tier == 1 {
		k.phi1(v)
	} else {
		k.phi2(v)
	}
}

// width is the length of a vector of weights in memory.
func (k *kernel) width() int {
	if k.single {
		return 32
	}
	return 64
}

// weights loads a vector, with 1 where the mask has 0.
func (k *kernel) weights(base Register, v int, mask Op) VecVirtual {
	p, at := ZMM(), Mem{Base: base, Disp: k.width() * v}
	load := VMOVUPD
	if k.single {
		load = VCVTPS2PD
	}
	if mask == nil {
		load(at, p)
		return p
	}
	VBROADCASTSD(k.constant("one"), p)
	load(at, mask, p)
	return p
}

// or3 sets the bits of a and b in sum.
func or3(a, b, sum VecVirtual) { VPTERNLOGQ(U8(0xfe), a, b, sum) }

// reduce checks the range and finds L and d.
func (k *kernel) reduce(x *lanes) {
	p, q := x.p, x.q
	Comment("Range [V1].")
	a, b := ZMM(), ZMM()
	VPSUBQ_BCST(k.constant("first"), p, a)
	if q != nil {
		VPSUBQ_BCST(k.constant("first"), q, b)
		or3(a, b, k.outside)
	} else {
		VPORQ(a, k.outside, k.outside)
	}

	Comment("R, a number of five bits near x/y, and L = ln R [V2].")
	r, big := p, ZMM()
	if q != nil {
		r = ZMM()
		VRCP14PD(q, r)
		if k.sum == klSum {
			VMULPD(p, r, r)
		}
	}
	VPADDQ_BCST(k.constant("half"), r, big)
	index, e, ratio := ZMM(), ZMM(), ZMM()
	VPANDQ_BCST(k.constant("mask"), big, ratio)
	VPSRLQ(U8(48), big, index)
	VGETEXPPD(big, e)
	lh, ll := ZMM(), ZMM()
	VMOVDQA64(index, lh)
	VPERMI2PD(k.hi[1], k.hi[0], lh)
	VMOVDQA64(index, ll)
	VPERMI2PD(k.lo[1], k.lo[0], ll)
	VFMADD231PD_BCST(k.constant("ln2Hi"), e, lh)
	VFMADD231PD_BCST(k.constant("ln2Lo"), e, ll)
	if k.tier == 2 {
		VPORQ(lh, k.logs, k.logs)
	}

	Comment("d = Ry − x.")
	d := ratio
	switch k.sum {
	case klSum:
		VFMSUB213PD(p, q, d)
	case entropySum:
		VSUBPD(p, d, d)
	case crossSum:
		VFMSUB213PD_BCST(k.constant("one"), q, d)
	}

	x.d, x.l, x.lLow = d, lh, ll
}

// add adds p·L − d to s. What is lost is in r1 and r2.
func (k *kernel) add(x *lanes) {
	v, p, d, lh, ll := x.v, x.p, x.d, x.l, x.lLow
	Comment("s + (errors) = s + p·L − d [V4].")
	s1, r1 := ZMM(), ZMM()
	VMOVAPD(k.s[v], s1)
	VFMADD231PD(lh, p, s1)
	VSUBPD(s1, k.s[v], r1)
	VFMADD231PD(lh, p, r1)
	r2 := s1
	if k.sum == crossSum {
		VMOVAPD(s1, k.s[v])
		VFNMADD231PD(d, p, k.s[v])
		VSUBPD(k.s[v], s1, r2)
		VFNMADD231PD(d, p, r2)
	} else {
		VSUBPD(d, s1, k.s[v])
		VSUBPD(k.s[v], s1, r2)
		VSUBPD(d, r2, r2)
	}
	VFMADD231PD(ll, p, r1)

	b := &k.before[v]
	VADDPD(r1, r2, b.rest)
	if k.tier == 2 {
		VMOVAPD(d, b.v)
		VFMADD231PD_BCST(k.constant("two"), p, b.v)
		VMOVAPD(b.v, b.vLow)
		VFMSUB231PD_BCST(k.constant("two"), p, b.vLow)
		VADDPD(d, b.vLow, b.vLow)
		VDIVPD(b.v, d, b.s)
		VMOVAPD(d, b.d)
		return
	}
	if k.sum == crossSum {
		VADDPD_BCST(k.constant("two"), d, b.s)
		VMULPD(p, d, b.d)
	} else {
		VMOVAPD(d, b.s)
		VFMADD231PD_BCST(k.constant("two"), p, b.s)
		VMOVAPD(d, b.d)
	}
	VDIVPD(b.s, d, b.s)
}

// phi1 adds φ = d·s(1 − (s − s²)W) in float64 [V6].
func (k *kernel) phi1(v int) {
	Comment("φ.")
	b := &k.before[v]
	s, d := b.s, b.d
	z, w, g := ZMM(), ZMM(), ZMM()
	VMULPD(s, s, z)
	VBROADCASTSD(k.constant("w1", 2), w)
	VFMADD213PD_BCST(k.constant("w1", 1), z, w)
	VFMADD213PD_BCST(k.constant("w1", 0), z, w)
	VSUBPD(z, s, g)
	VMULPD(w, g, g)
	VFNMADD213PD(s, s, g)
	VFMADD231PD(g, d, b.rest)
	VADDPD(b.rest, k.low[v], k.low[v])
}

// phi2 adds φ with s, ds and φ in pairs of numbers [V7].
func (k *kernel) phi2(v int) {
	Comment("s = sh + sl.")
	d, sh, vh, vl := k.before[v].d, k.before[v].s, k.before[v].v, k.before[v].vLow
	sl, rc := ZMM(), ZMM()
	VMOVAPD(d, sl)
	VFNMADD231PD(vh, sh, sl)
	VFNMADD231PD(vl, sh, sl)
	VRCP14PD(vh, rc)
	VMULPD(rc, sl, sl)

	Comment("ds = fh + fl.")
	fh, fl := ZMM(), ZMM()
	VMULPD(sh, d, fh)
	VMOVAPD(fh, fl)
	VFMSUB231PD(sh, d, fl)
	VFMADD231PD(sl, d, fl)

	Comment("s(1 − s)W = s/3 + sδ = gh + gl.")
	z, delta, gh, gl := ZMM(), ZMM(), ZMM(), ZMM()
	VMULPD(sh, sh, z)
	VBROADCASTSD(k.constant("w2", 3), delta)
	for i := 2; i >= 0; i-- {
		VFMADD213PD_BCST(k.constant("w2", i), z, delta)
	}
	VFMADD213PD_BCST(k.constant("thirdLo"), z, delta)
	VFNMADD231PD(sh, delta, delta)
	VMULPD_BCST(k.constant("thirdHi"), sh, gh)
	VSUBPD(gh, delta, delta)
	VBROADCASTSD(k.constant("thirdHi"), z)
	VMOVAPD(gh, gl)
	VFMSUB231PD(z, sh, gl)
	VFMADD231PD(z, sl, gl)
	VFMADD231PD(delta, sh, gl)

	Comment("s + (errors) = s + ds − ds·(gh + gl).")
	VFNMADD231PD(gh, fl, fl)
	VFNMADD231PD(gl, fh, fl)
	VADDPD(fh, k.phi, k.phi)
	s3, r3, r4 := ZMM(), ZMM(), ZMM()
	VADDPD(fh, k.s[v], s3)
	VSUBPD(k.s[v], s3, r3)
	VSUBPD(r3, fh, r3)
	VMOVAPD(s3, k.s[v])
	VFNMADD231PD(gh, fh, k.s[v])
	VSUBPD(k.s[v], s3, r4)
	VFNMADD231PD(gh, fh, r4)
	VADDPD(r4, r3, r3)
	VADDPD(k.before[v].rest, fl, fl)
	VADDPD(r3, fl, fl)
	VADDPD(fl, k.low[v], k.low[v])
}
