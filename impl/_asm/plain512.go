package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// plainDepth is the depth of the plain sums here [X3].
const plainDepth = 64

// emitPlain writes the Kullback-Leibler divergence in plain float64: the first tier of
// float32 [X], or KLApprox of float64.
func (k *kernel) emitPlain(name string) {
	of := "float64"
	if k.single {
		of = "float32"
	}
	TEXT(name, NOSPLIT, fmt.Sprintf("func(t *constants512, x, y *%s, n int, acc *vectorSums) (done int)", of))
	Doc(fmt.Sprintf("%s adds n elements to acc, in blocks of %d, until it meets a block that it", name, 8*unroll*plainDepth),
		"cannot take, and returns how many it added.")
	Pragma("noescape")

	k.t = Dereference(Param("t"))
	ln := [2]VecVirtual{k.load("ln", 0), k.load("ln", 8)}
	k.x, k.y = Load(Param("x"), GP64()), Load(Param("y"), GP64())
	left := Load(Param("n"), GP64())
	acc := Dereference(Param("acc"))
	sums := func(field string) Mem { return resolve(acc.Field(field).Index(0)) }

	mass, special := ZMM(), K() // mass is Σx, or for float64 not 0 where a block must be left out
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
		VPERMI2PD(ln[1], ln[0], l)
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
		s := ZMM()
		VDIVPD(b.v, b.d, s)
		z, w := ZMM(), ZMM()
		VMULPD(s, s, z)
		poly, degree := "atanh", 1
		if !k.single {
			poly, degree = "atanhLong", 2
		}
		VBROADCASTSD(k.constant(poly, degree), w)
		for i := degree - 1; i >= 0; i-- {
			VFMADD213PD_BCST(k.constant(poly, i), z, w)
		}
		VFNMADD231PD(w, s, b.l)
		VFMADD231PD(b.l, b.x, sum[v])
	}
	turn := func(mask Op) {
		var x, y VecVirtual
		if k.single {
			// Special values are looked for sixteen at a time.
			x, y = ZMM(), ZMM()
			if mask == nil {
				VMOVUPS(Mem{Base: k.x}, x)
				VMOVUPS(Mem{Base: k.y}, y)
			} else {
				VBROADCASTSS(k.constant("small"), x)
				VMOVAPS(x, y)
				VMOVUPS(Mem{Base: k.x}, mask, x)
				VMOVUPS(Mem{Base: k.y}, mask, y)
			}
			if k.sparse {
				zero, finite := K(), K()
				VPTESTNMD_BCST(k.constant("abs32"), x, zero)
				VPCMPUD_BCST(U8(1), k.constant("infinity32"), y, zero, finite)
				VBROADCASTSS(k.constant("small"), finite, x)
				VBROADCASTSS(k.constant("small"), finite, y)
			}
			kx, ky := K(), K()
			VFPCLASSPSZ(U8(0xdf), x, kx)
			VFPCLASSPSZ(U8(0xdf), y, ky)
			KORW(kx, special, special)
			KORW(ky, specialY, specialY)
			VADDPS(x, mass, mass)
		}
		for v := range unroll {
			var xd, yd VecVirtual
			switch {
			case k.single && (mask != nil || k.sparse):
				xd, yd = k.widen(x, v), k.widen(y, v)
			case k.single:
				xd, yd = k.weights(k.x, v, nil), k.weights(k.y, v, nil)
			default:
				m := mask
				if mask != nil && v == 1 {
					upper := K()
					KSHIFTRW(U8(8), mask, upper)
					m = upper
				}
				xd, yd = k.weights(k.x, v, m), k.weights(k.y, v, m)
				if k.sparse {
					k.skipZeros(xd, yd)
				}
				a, b := ZMM(), ZMM()
				VPSUBQ_BCST(k.constant("first"), xd, a)
				VPSUBQ_BCST(k.constant("first"), yd, b)
				or3(a, b, mass)
			}
			finish(v)
			reduce(&before[v], xd, yd)
		}
	}

	Comment("Whether lanes with p = 0 are looked for: from the first block that has one.")
	sparse, startX, startY := GP64(), GP64(), GP64()
	XORQ(sparse, sparse)

	Label("block")
	TESTQ(left, left)
	JE(LabelRef("end"))
	MOVQ(k.x, startX)
	MOVQ(k.y, startY)
	count := GP64()
	MOVQ(U32(8*unroll*plainDepth), count)
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
	k.twice(sparse, turns, rest, func() { turn(nil) }, func(bits Register) {
		mask := K()
		KMOVW(bits.(GPVirtual).As32(), mask)
		turn(mask)
	})

	Label("fold")
	for v := range unroll {
		finish(v)
	}
	if k.single {
		KORTESTW(specialY, special)
	} else {
		VPTESTMQ_BCST(k.constant("outside"), mass, special)
		KORTESTB(special, special)
	}
	JEQ(LabelRef("add"))
	k.again(sparse, startX, startY)

	Label("add")
	VADDPD(sum[0], sum[1], sum[0])
	twoSumInto(sums("high"), sums("low"), sum[0], ZMM)
	if k.single {
		lower := k.widen(mass, 0)
		VADDPD(k.widen(mass, 1), lower, lower)
		VADDPD(sums("phi"), lower, lower)
		VMOVUPD(lower, sums("phi"))
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

// widen returns half v of sixteen numbers.
func (k *kernel) widen(x VecVirtual, v int) VecVirtual {
	wide, half := ZMM(), x.AsY()
	if v == 1 {
		half = YMM()
		VEXTRACTF64X4(U8(1), x, half)
	}
	VCVTPS2PD(half, wide)
	return wide
}

// twoSumInto adds b to the pairs of numbers in memory, in registers as wide as b.
func twoSumInto(high, low Mem, b VecVirtual, register func() VecVirtual) {
	a, s, t, u := register(), register(), register(), register()
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
