package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// singleDepth is the depth of the plain sums of float32 [X3].
const singleDepth = 64

// emitSingle writes the first tier of the Kullback-Leibler divergence of float32: eight
// lanes of float64, one rounding of everything [X].
func (k *kernel) emitSingle(name string) {
	TEXT(name, NOSPLIT, "func(t *constants512, x, y *float32, n int, acc *vectorSums) (done int)")
	Doc(fmt.Sprintf("%s adds n elements to acc, in blocks of %d, until it meets a block that it", name, 8*unroll*singleDepth),
		"cannot take, and returns how many it added.")
	Pragma("noescape")

	k.t = Dereference(Param("t"))
	hi := [2]VecVirtual{k.load("hi", 0), k.load("hi", 8)}
	k.x, k.y = Load(Param("x"), GP64()), Load(Param("y"), GP64())
	left := Load(Param("n"), GP64())
	acc := Dereference(Param("acc"))
	sums := func(field string) Mem { return resolve(acc.Field(field).Index(0)) }

	mass, special := ZMM(), K()
	specialY := K()
	var sum [unroll]VecVirtual
	type lane struct{ x, d, v, l VecVirtual }
	var before [unroll]lane
	for v := range unroll {
		sum[v] = ZMM()
		before[v] = lane{ZMM(), ZMM(), ZMM(), ZMM()}
	}

	// reduce finds L, d and 2x + d of a vector of lanes.
	reduce := func(b *lane, x, y VecVirtual) {
		r := ZMM()
		VRCP14PD(y, r)
		VMULPD(x, r, r)
		VPADDQ_BCST(k.constant("half"), r, r)
		ratio, e, l := ZMM(), ZMM(), ZMM()
		VPANDQ_BCST(k.constant("mask"), r, ratio)
		VPSRLQ(U8(48), r, l)
		VGETEXPPD(r, e)
		VPERMI2PD(hi[1], hi[0], l)
		VFMADD231PD_BCST(k.constant("ln2"), e, l)
		VMOVAPD(l, b.l)
		VFMSUB213PD(x, y, ratio)
		VMOVAPD(ratio, b.d)
		VMOVAPD(ratio, b.v)
		VFMADD231PD_BCST(k.constant("two"), x, b.v)
		VMOVAPD(x, b.x)
	}
	// finish adds x(L − 2 atanh(d/v)) of the turn before.
	finish := func(v int) {
		b := &before[v]
		e, s := ZMM(), ZMM()
		VDIVPD(b.v, b.d, e)
		s = e
		z, w := ZMM(), ZMM()
		VMULPD(s, s, z)
		VBROADCASTSD(k.constant("atanh", 1), w)
		VFMADD213PD_BCST(k.constant("atanh", 0), z, w)
		VFNMADD231PD(w, s, b.l)
		VFMADD231PD(b.l, b.x, sum[v])
	}
	turn := func(mask Op) {
		x, y := ZMM(), ZMM()
		if mask == nil {
			VMOVUPS(Mem{Base: k.x}, x)
			VMOVUPS(Mem{Base: k.y}, y)
		} else {
			VBROADCASTSS(k.constant("small"), x)
			VMOVAPS(x, y)
			VMOVUPS(Mem{Base: k.x}, mask, x)
			VMOVUPS(Mem{Base: k.y}, mask, y)
		}
		kx, ky := K(), K()
		VFPCLASSPSZ(U8(0xdf), x, kx)
		VFPCLASSPSZ(U8(0xdf), y, ky)
		KORW(kx, special, special)
		KORW(ky, specialY, specialY)
		VADDPS(x, mass, mass)
		for v := range unroll {
			xd, yd := ZMM(), ZMM()
			if mask == nil {
				VCVTPS2PD(Mem{Base: k.x, Disp: 32 * v}, xd)
				VCVTPS2PD(Mem{Base: k.y, Disp: 32 * v}, yd)
			} else if v == 0 {
				VCVTPS2PD(x.AsY(), xd)
				VCVTPS2PD(y.AsY(), yd)
			} else {
				hx, hy := YMM(), YMM()
				VEXTRACTF64X4(U8(1), x, hx)
				VEXTRACTF64X4(U8(1), y, hy)
				VCVTPS2PD(hx, xd)
				VCVTPS2PD(hy, yd)
			}
			finish(v)
			reduce(&before[v], xd, yd)
		}
	}

	Label("block")
	TESTQ(left, left)
	JE(LabelRef("end"))
	count := GP64()
	MOVQ(U32(8*unroll*singleDepth), count)
	CMPQ(left, count)
	CMOVQLT(left, count)
	turns, rest := GP64(), GP64()
	MOVQ(count, turns)
	SHRQ(U8(4), turns)
	MOVQ(count, rest)
	ANDQ(U8(8*unroll-1), rest)
	KXORW(special, special, special)
	KXORW(specialY, specialY, specialY)
	VPXORQ(mass, mass, mass)
	for v := range unroll {
		VPXORQ(sum[v], sum[v], sum[v])
		b := before[v]
		VBROADCASTSD(k.constant("one"), b.v)
		for _, z := range []VecVirtual{b.x, b.d, b.l} {
			VPXORQ(z, z, z)
		}
	}
	TESTQ(turns, turns)
	JE(LabelRef("rest"))

	Label("turn")
	turn(nil)
	ADDQ(U8(32*unroll), k.x)
	ADDQ(U8(32*unroll), k.y)
	DECQ(turns)
	JNE(LabelRef("turn"))

	Label("rest")
	TESTQ(rest, rest)
	JE(LabelRef("fold"))
	Comment("Elements beyond the end are equal, which adds 0.")
	bits, mask := GP64(), K()
	MOVQ(U32(1), bits)
	SHLXQ(rest, bits, bits)
	DECQ(bits)
	KMOVW(bits.As32(), mask)
	turn(mask)

	Label("fold")
	for v := range unroll {
		finish(v)
	}
	KORTESTW(specialY, special)
	JNE(LabelRef("end"))
	VADDPD(sum[0], sum[1], sum[0])
	twoSumInto(sums("high"), sums("low"), sum[0])
	lower, upper := ZMM(), YMM()
	VCVTPS2PD(mass.AsY(), lower)
	VEXTRACTF64X4(U8(1), mass, upper)
	VCVTPS2PD(upper, mass)
	VADDPD(lower, mass, mass)
	VADDPD(sums("phi"), mass, mass)
	VMOVUPD(mass, sums("phi"))
	SUBQ(count, left)
	JMP(LabelRef("block"))

	Label("end")
	done := Load(Param("n"), GP64())
	SUBQ(left, done)
	Store(done, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// twoSumInto adds b to eight pairs of numbers in memory.
func twoSumInto(high, low Mem, b VecVirtual) {
	a, s, t, u := ZMM(), ZMM(), ZMM(), ZMM()
	VMOVUPD(high, a)
	VADDPD(b, a, s)
	VMOVUPD(s, high)
	VSUBPD(a, s, t)
	VSUBPD(t, s, u)
	VSUBPD(u, a, u)
	VSUBPD(t, b, t)
	VADDPD(u, t, t)
	VADDPD(low, t, t)
	VMOVUPD(t, low)
}
