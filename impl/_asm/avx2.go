package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func avx2() {
	for _, width := range []struct {
		name  string
		bytes int
	}{{"", 8}, {"32", 4}} {
		(&kernelAVX2{sum: klSum, tier: 1, width: width.bytes}).emit("klTier1" + width.name + "AVX2")
		(&kernelAVX2{sum: klSum, tier: 2, width: width.bytes}).emit("klTier2" + width.name + "AVX2")
		(&kernelAVX2{sum: entropySum, tier: 1, width: width.bytes}).emit("entropy" + width.name + "AVX2")
		(&kernelAVX2{sum: crossSum, tier: 1, width: width.bytes}).emit("cross" + width.name + "AVX2")
	}
}

// kernelAVX2 is what the emitting functions share. There are half as many registers as in
// AVX-512: constants are operands in memory, and logarithms come from a table there.
type kernelAVX2 struct {
	sum   sum
	tier  int
	width int // bytes of a weight: float64, or float32, which are widened

	x, y Register
	t    gotypes.Component // the constants
	step Register          // from the lanes of this turn to those of the next
	r    [unroll]Mem       // R, from where its bits go to index registers

	outside, drift VecVirtual // not 0 where the block must be left out
	s, low         [unroll]VecVirtual
	base           Mem        // the bits of the lower end of the window of s [W6]
	phi, far       VecVirtual // Σ φ and Σ x|L|
}

const (
	lanesAVX2 = 4 // lanes of a vector
	bytesAVX2 = 8 * lanesAVX2
)

// upper gathers the upper halves of the bits of two vectors, which hold all that a range
// is checked by.
func upper(a, b, halves VecVirtual) { VSHUFPS(U8(0xdd), b, a, halves) }

// constant returns the address of a field of the constants: four copies of one number.
func (k *kernelAVX2) constant(field string) Mem { return resolve(k.t.Field(field).Index(0)) }

func (k *kernelAVX2) emit(name string) {
	vectors := "x, y"
	if k.sum == entropySum {
		vectors = "x"
	}
	TEXT(name, NOSPLIT, fmt.Sprintf("func(t *constantsAVX2, %s *float%d, n int, m float64, acc *vectorSums) (done int)", vectors, 8*k.width))
	Doc(fmt.Sprintf("%s adds n lanes to acc, in blocks of %d, until it meets a block that it cannot", name, lanesAVX2*unroll*depth),
		"take, and returns how many it added. m is the middle of the window of its sums [W6].")
	Pragma("noescape")

	k.t = Dereference(Param("t"))
	local := AllocLocal((unroll + 2) * bytesAVX2)
	room := GP64()
	LEAQ(local.Offset(bytesAVX2-1), room)
	ANDQ(I8(-bytesAVX2), room)
	for v := range unroll {
		k.r[v] = Mem{Base: room, Disp: bytesAVX2 * v}
	}
	k.base = Mem{Base: room, Disp: bytesAVX2 * unroll}
	k.x = Load(Param("x"), GP64())
	if k.sum != entropySum {
		k.y = Load(Param("y"), GP64())
	}
	left := Load(Param("n"), GP64())
	acc := Dereference(Param("acc"))
	sums := func(field string, half int) Mem { return resolve(acc.Field(field).Index(lanesAVX2 * half)) }
	m := resolve(Param("m"))
	base := YMM()
	VBROADCASTSD(m, base)
	VPSUBQ(k.constant("halfWindow"), base, base)
	upper(base, base, base)
	VMOVUPD(base, k.base)

	k.outside, k.drift = YMM(), YMM()
	for v := range unroll {
		k.s[v], k.low[v] = YMM(), YMM()
	}
	clear := []VecVirtual{k.outside, k.drift, k.low[0], k.low[1]}
	if k.tier == 2 {
		k.phi, k.far = YMM(), YMM()
		clear = append(clear, k.phi, k.far)
	}

	Comment("R of the first turn. Each turn finds R of the next, the last one its own again.")
	ahead, zero := GP64(), GP64()
	k.step = GP64()
	XORQ(zero, zero)
	XORQ(k.step, k.step)
	MOVQ(left, ahead)
	SHRQ(U8(3), ahead)
	JE(LabelRef("block"))
	for v := range unroll {
		k.ratio(v, k.weights(k.x, v, nil), k.weights(k.y, v, nil))
	}
	MOVQ(U32(k.width*lanesAVX2*unroll), k.step)

	Label("block")
	TESTQ(left, left)
	JE(LabelRef("end"))
	count := GP64()
	MOVQ(U32(lanesAVX2*unroll*depth), count)
	CMPQ(left, count)
	CMOVQLT(left, count)
	turns, rest := GP64(), GP64()
	MOVQ(count, turns)
	SHRQ(U8(3), turns)
	MOVQ(count, rest)
	ANDQ(U8(lanesAVX2*unroll-1), rest)
	for _, z := range clear {
		VXORPD(z, z, z)
	}
	for v := range unroll {
		VBROADCASTSD(m, k.s[v])
	}
	TESTQ(turns, turns)
	JE(LabelRef("rest"))

	Label("turn")
	DECQ(ahead)
	CMOVQEQ(zero, k.step)
	k.turn(nil)
	ADDQ(U8(k.width*lanesAVX2*unroll), k.x)
	if k.y != nil {
		ADDQ(U8(k.width*lanesAVX2*unroll), k.y)
	}
	DECQ(turns)
	JNE(LabelRef("turn"))

	Label("rest")
	TESTQ(rest, rest)
	JE(LabelRef("fold"))
	Comment("Lanes beyond the end are (1, 1), which adds 0.")
	mask := GP64()
	LEAQ(resolve(k.t.Field("tail").Index(lanesAVX2*unroll)), mask)
	SHLQ(U8(k.width/4+1), rest)
	SUBQ(rest, mask)
	k.turn(mask)

	Label("fold")
	Comment("Leave out a block with a lane out of range, or whose sum left the window.")
	VPTEST(k.constant("outside"), k.outside)
	JNE(LabelRef("end"))
	VPTEST(k.constant("drift"), k.drift)
	JEQ(LabelRef("add"))
	INCQ(resolve(acc.Field("drifted")))
	JMP(LabelRef("end"))

	Label("add")
	middle := YMM()
	VBROADCASTSD(m, middle)
	for v := range unroll {
		VPSUBQ(middle, k.s[v], k.s[v])
		VPADDQ(sums("grid", v), k.s[v], k.s[v])
		VMOVUPD(k.s[v], sums("grid", v))
	}
	VADDPD(k.low[0], k.low[1], k.low[0])
	twoSumInto(sums("high", 0), sums("low", 0), k.low[0], YMM)
	if k.tier == 2 {
		VADDPD(sums("phi", 0), k.phi, k.phi)
		VMOVUPD(k.phi, sums("phi", 0))
		VADDPD(sums("far", 0), k.far, k.far)
		VMOVUPD(k.far, sums("far", 0))
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

// turn adds two vectors of lanes: all, or those that the masks at an address let through.
func (k *kernelAVX2) turn(mask Register) {
	for v := range unroll {
		p, q := k.weights(k.x, v, mask), k.weights(k.y, v, mask)
		if mask != nil {
			k.ratio(v, p, q)
		}
		r, lh, ll := YMM(), YMM(), YMM()
		VMOVUPD(k.r[v], r)
		k.logarithms(v, lh, ll)
		if mask == nil {
			k.next(v)
		}
		k.lanes(v, p, q, r, lh, ll)
	}
	drift := YMM()
	upper(k.s[0], k.s[1], drift)
	VPSUBD(k.base, drift, drift)
	VPOR(drift, k.drift, k.drift)
}

// next finds R for the next turn.
func (k *kernelAVX2) next(v int) {
	load := func(base Register) VecVirtual {
		if base == nil {
			return nil
		}
		return k.load(Mem{Base: base, Index: k.step, Scale: 1, Disp: k.width * lanesAVX2 * v})
	}
	k.ratio(v, load(k.x), load(k.y))
}

// load loads a vector.
func (k *kernelAVX2) load(at Mem) VecVirtual {
	p := YMM()
	if k.width == 8 {
		VMOVUPD(at, p)
	} else {
		VCVTPS2PD(at, p)
	}
	return p
}

// weights loads a vector, with 1 where the mask has 0; nil if there is none.
func (k *kernelAVX2) weights(base Register, v int, mask Register) VecVirtual {
	if base == nil {
		return nil
	}
	at := Mem{Base: base, Disp: k.width * lanesAVX2 * v}
	if mask == nil {
		return k.load(at)
	}
	p, m := YMM(), YMM()
	if bits := (Mem{Base: mask, Disp: k.width * lanesAVX2 * v}); k.width == 8 {
		VMOVUPD(bits, m)
		VMASKMOVPD(at, m, p)
	} else {
		narrow := XMM()
		VMOVUPD(bits, narrow)
		VPMOVSXDQ(narrow, m)
		VMASKMOVPS(at, narrow, narrow)
		VCVTPS2PD(narrow, p)
	}
	VPANDN(k.constant("one"), m, m)
	VPOR(m, p, p)
	return p
}

// ratio stores R.
func (k *kernelAVX2) ratio(v int, p, q VecVirtual) {
	Comment("R, a number of nine bits near x/y [W2].")
	r := YMM()
	switch k.sum {
	case klSum:
		VDIVPD(q, p, r)
		VPADDQ(k.constant("half"), r, r)
	case entropySum:
		VPADDQ(k.constant("half"), p, r)
	case crossSum:
		VMOVUPD(k.constant("one"), r)
		VDIVPD(q, r, r)
		VPADDQ(k.constant("half"), r, r)
	}
	VPAND(k.constant("mask"), r, r)
	VMOVUPD(r, k.r[v])
}

// lanes adds a vector of lanes.
func (k *kernelAVX2) lanes(v int, p, q, r, lh, ll VecVirtual) {
	Comment("Range [W1].")
	a := YMM()
	if q != nil {
		upper(p, q, a)
	} else {
		upper(p, p, a)
	}
	VPSUBD(k.constant("first"), a, a)
	VPOR(a, k.outside, k.outside)

	Comment("L = ln R [W5].")
	e := YMM()
	VPSRLQ(U8(52), r, e)
	VPOR(k.constant("exponent"), e, e)
	VSUBPD(k.constant("bias"), e, e)
	VFMADD231PD(k.constant("ln2Hi"), e, lh)
	VFMADD231PD(k.constant("ln2Lo"), e, ll)

	Comment("d = Ry − x [W3].")
	d := r
	switch k.sum {
	case klSum:
		VFMSUB213PD(p, q, d)
	case entropySum:
		VSUBPD(p, d, d)
	case crossSum:
		VFMSUB213PD(k.constant("one"), q, d)
	}

	Comment("s + (errors) = s + x·L − d [W6].")
	s1, r1 := YMM(), YMM()
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

	if k.tier == 1 {
		k.phi1(v, p, d, r1, r2)
	} else {
		VANDPD(k.constant("abs"), lh, lh)
		VFMADD231PD(lh, p, k.far)
		VADDPD(r2, r1, r1)
		k.phi2(v, p, d, r1)
	}
}

// logarithms loads the rows of the table for R, whose 8 bits after the point are bits 44
// to 51: 16 times them, the size of a row, begins at the fifth byte.
func (k *kernelAVX2) logarithms(v int, hi, lo VecVirtual) {
	Comment("ln of the fraction of R [W5].")
	row := func(i int) Mem {
		g := GP32()
		MOVWLZX(k.r[v].Offset(8*i+5), g)
		ANDL(U32(0xff0), g)
		at := resolve(k.t.Field("logs").Index(0).Field("hi"))
		at.Index, at.Scale = g.As64(), 1
		return at
	}
	even, odd := YMM(), YMM()
	VBROADCASTF128(row(0), even)
	VBROADCASTF128(row(1), odd)
	VINSERTF128(U8(1), row(2), even, even)
	VINSERTF128(U8(1), row(3), odd, odd)
	VUNPCKLPD(odd, even, hi)
	VUNPCKHPD(odd, even, lo)
}

// phi1 adds φ = d·s(1 − (s − s²)W) in float64 [W8].
func (k *kernelAVX2) phi1(v int, p, d, r1, r2 VecVirtual) {
	Comment("φ.")
	s := YMM()
	if k.sum == crossSum {
		VADDPD(k.constant("two"), d, s)
	} else {
		VADDPD(p, p, s)
		VADDPD(d, s, s)
	}
	VDIVPD(s, d, s)
	z, w, g := YMM(), YMM(), YMM()
	VMULPD(s, s, z)
	VMOVUPD(k.constant("w1"), w)
	VFMADD213PD(k.constant("w0"), z, w)
	VSUBPD(z, s, g)
	VMULPD(w, g, g)
	VFNMADD213PD(s, s, g)
	if k.sum == crossSum {
		VMULPD(p, d, d)
	}
	VFMADD231PD(g, d, r2)
	VADDPD(r1, r2, r2)
	VADDPD(r2, k.low[v], k.low[v])
}

// phi2 adds φ with s, ds and φ in pairs of numbers [W9].
func (k *kernelAVX2) phi2(v int, p, d, r VecVirtual) {
	Comment("s = sh + sl.")
	vh, vl, sh, sl, rc := YMM(), YMM(), YMM(), YMM(), YMM()
	VADDPD(p, p, vl)
	VADDPD(d, vl, vh)
	VSUBPD(vh, vl, vl)
	VADDPD(d, vl, vl)
	VMOVUPD(k.constant("one"), rc)
	VDIVPD(vh, rc, rc)
	VMULPD(rc, d, sh)
	VMOVAPD(d, sl)
	VFNMADD231PD(vh, sh, sl)
	VFNMADD231PD(vl, sh, sl)
	VMULPD(rc, sl, sl)

	Comment("ds = fh + fl.")
	fh, fl := YMM(), YMM()
	VMULPD(sh, d, fh)
	VMOVAPD(fh, fl)
	VFMSUB231PD(sh, d, fl)
	VFMADD231PD(sl, d, fl)

	Comment("s(1 − s)W = s/3 + sδ = gh + gl.")
	z, delta, gh, gl := YMM(), YMM(), YMM(), YMM()
	VMULPD(sh, sh, z)
	VMOVUPD(k.constant("ninth"), delta)
	VFMADD213PD(k.constant("seventh"), z, delta)
	VFMADD213PD(k.constant("fifth"), z, delta)
	VMULPD(z, delta, delta)
	VFNMADD231PD(sh, delta, delta)
	VMULPD(k.constant("thirdHi"), sh, gh)
	VSUBPD(gh, delta, delta)
	VMOVAPD(gh, gl)
	VFMSUB231PD(k.constant("thirdHi"), sh, gl)
	VFMADD231PD(k.constant("thirdHi"), sl, gl)
	VFMADD231PD(k.constant("thirdLo"), sh, gl)
	VFMADD231PD(delta, sh, gl)

	Comment("φ = ds − ds·(gh + gl), into s as well.")
	ph, pl, b, bl := YMM(), YMM(), YMM(), YMM()
	VMULPD(gh, fh, ph)
	VMOVAPD(ph, pl)
	VFMSUB231PD(gh, fh, pl)
	VFMADD231PD(gl, fh, pl)
	VFMADD231PD(gh, fl, pl)
	VSUBPD(ph, fh, b)
	VSUBPD(b, fh, bl)
	VSUBPD(ph, bl, bl)
	VSUBPD(pl, fl, fl)
	VADDPD(bl, fl, fl)
	VADDPD(b, k.phi, k.phi)
	s3, r3 := YMM(), YMM()
	VADDPD(b, k.s[v], s3)
	VSUBPD(k.s[v], s3, r3)
	VSUBPD(r3, b, r3)
	VMOVAPD(s3, k.s[v])
	VADDPD(r3, r, r)
	VADDPD(r, fl, fl)
	VADDPD(fl, k.low[v], k.low[v])
}
