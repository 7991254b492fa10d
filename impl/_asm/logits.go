package main

import (
	"fmt"
	"math/bits"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// logitsTerms is the number of terms of a running sum in a block [Z3]: the depth of the plain
// sums of low parts is as much, or twice that if a vector of a turn has running sums of its
// own [Z5].
const logitsTerms = 16

// logitsTarget is what is done differently with each set of instructions.
type logitsTarget interface {
	name() string
	constants() string // the type of the constants
	lanes() int        // float64 in a vector
	sums() int         // vectors of a turn that have running sums of their own

	begin(k *logitsKernel) // loads constants, which clobbers nothing

	register() VecVirtual
	clear(v VecVirtual)
	constant(field string, index ...int) Mem
	point(field string) Mem

	// load returns a number in all lanes, and with calls plain, or broadcast with a number
	// in memory as its first operand, whichever takes a constant.
	load(at Mem) VecVirtual
	with(plain, broadcast func(...Op), at Mem, rest ...Op)

	// power returns 2^f as th·(1 + rl), but for what ln 2 lacks. It may overwrite t, whose
	// last four bits are those of 16f.
	power(t, f VecVirtual) (th, rl VecVirtual)

	clearLow(i int)
	addLow(i int, x VecVirtual)
	low(i int) VecVirtual

	testNonzero(x, zero VecVirtual) // sets the flags if a float32 of x is not 0, a NaN perhaps

	clearOutside()
	widenOutside(at Register) // by the logits of a turn
	leaveIfOutside(label string)

	// takeFar puts fars into nears where |x| > near.
	takeFar(x VecVirtual, fars, nears [2]VecVirtual)
}

// logitsKernels writes the kernels of one target.
func logitsKernels(target func() logitsTarget) {
	for _, k := range []*logitsKernel{{kind: "Wide"}, {kind: "Near", series: true}, {kind: "Mixed", mixed: true}} {
		k.logitsTarget = target()
		k.emit()
	}
	surveyLogits(target())
}

// logitsKernel is what the emitting functions share.
type logitsKernel struct {
	logitsTarget
	kind   string
	series bool // φ(x) by its series, or else e^z
	mixed  bool // φ(x) by its series or as e^x − 1 − x, lane by lane

	x, y Register

	toPower, log2e, ln2, half, e4, e5, lnLo Op

	w, third, s []VecVirtual // running sums in their windows: e^y; e^z or e^y·2φ; e^y·x
}

// emit writes a kernel that adds up what the divergence of logits is made of [Z].
func (k *logitsKernel) emit() {
	perTurn := unroll * k.lanes()
	turns := logitsTerms * k.sums() / unroll
	name := "klLogits" + k.kind + k.name()
	TEXT(name, NOSPLIT, fmt.Sprintf("func(t *%s, x, y *float32, n int, p *logitsPoint, acc *logitsSums) (done int)", k.constants()))
	Doc(fmt.Sprintf("%s adds the elements of whole vectors of %d to acc, in blocks of %d, until it", name, perTurn, perTurn*turns),
		"meets a block that it cannot take, and returns how many it added.")
	Pragma("noescape")

	acc := Dereference(Param("acc"))
	k.begin(k)
	k.x, k.y = Load(Param("x"), GP64()), Load(Param("y"), GP64())
	left := Load(Param("n"), GP64())
	done := GP64()
	XORQ(done, done)
	elements := U8(bits.TrailingZeros(uint(perTurn)))
	SHRQ(elements, left)
	for range k.sums() {
		k.w, k.third, k.s = append(k.w, k.register()), append(k.third, k.register()), append(k.s, k.register())
	}
	names := []string{"w", "third", "s"}
	windows := [][]VecVirtual{k.w, k.third, k.s}

	Label("block")
	TESTQ(left, left)
	JE(LabelRef("end"))
	rest, count := GP64(), GP64()
	MOVQ(U32(turns), rest)
	CMPQ(left, rest)
	CMOVQLT(left, rest)
	MOVQ(rest, count)
	k.clearOutside()
	for i := range windows {
		k.clearLow(i)
		for _, sum := range windows[i] {
			k.with(move, VBROADCASTSD, k.point(names[i]), sum)
		}
	}

	Label("turn")
	Comment("Range [Z1].")
	for _, base := range []Register{k.x, k.y} {
		k.widenOutside(base)
	}
	for v := range unroll {
		k.add(v)
	}
	ADDQ(U8(4*perTurn), k.x)
	ADDQ(U8(4*perTurn), k.y)
	DECQ(rest)
	JNE(LabelRef("turn"))

	Comment("Leave out a block with a logit out of range.")
	k.leaveIfOutside("end")
	for i, name := range names {
		high, low := resolve(acc.Field(name).Field("high").Index(0)), resolve(acc.Field(name).Field("low").Index(0))
		if k.mixed && name == "third" { // no window
			for _, sum := range windows[i] {
				twoSumInto(high, low, sum, k.register)
			}
			twoSumInto(high, low, k.low(i), k.register)
			continue
		}
		s := k.register()
		k.with(VSUBPD, VSUBPD_BCST, k.point(name), windows[i][0], s)
		for _, sum := range windows[i][1:] {
			s1 := k.register()
			k.with(VSUBPD, VSUBPD_BCST, k.point(name), sum, s1)
			VADDPD(s1, s, s)
		}
		twoSumInto(high, low, s, k.register)
		twoSumInto(high, low, k.low(i), k.register)
	}
	SUBQ(count, left)
	SHLQ(elements, count)
	ADDQ(count, done)
	JMP(LabelRef("block"))

	Label("end")
	Store(done, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// move is VMOVAPD, or VMOVUPD from memory.
func move(ops ...Op) {
	if IsM(ops[0]) {
		VMOVUPD(ops...)
	} else {
		VMOVAPD(ops...)
	}
}

// copyOf returns a copy of a register or of what is in memory.
func (k *logitsKernel) copyOf(x Op) VecVirtual {
	v := k.register()
	move(x, v)
	return v
}

// add adds vector v of a turn.
func (k *logitsKernel) add(v int) {
	a, b := k.register(), k.register()
	VCVTPS2PD(Mem{Base: k.x, Disp: 4 * k.lanes() * v}, a)
	VCVTPS2PD(Mem{Base: k.y, Disp: 4 * k.lanes() * v}, b)
	w, third, s := k.w[v%k.sums()], k.third[v%k.sums()], k.s[v%k.sums()]
	x := k.register()
	if k.series {
		VSUBPD(a, b, x)
		k.with(VSUBPD, VSUBPD_BCST, k.point("centre"), x, x)
		k.with(VSUBPD, VSUBPD_BCST, k.point("top"), a, a)
	} else {
		k.with(VSUBPD, VSUBPD_BCST, k.point("top"), a, a)
		k.with(VSUBPD, VSUBPD_BCST, k.point("topB"), b, b)
		VSUBPD(a, b, x)
	}
	var h, l VecVirtual
	if k.mixed {
		h, l = k.exp(a, w)
		k.addLow(0, l)
		k.excess(h, l, b, x, third)
	} else if k.series {
		ph, pl := k.phi(x)
		h, l = k.exp(a, w)
		k.addLow(0, l)
		Comment("e^y·2φ.")
		r := k.product(h, ph, third)
		VFMADD231PD(l, ph, r)
		VFMADD231PD(h, pl, r)
		k.addLow(1, r)
	} else {
		h, l = k.exp(a, w)
		k.addLow(0, l)
		_, lb := k.exp(b, third)
		k.addLow(1, lb)
	}
	Comment("e^y·x.")
	r := k.product(h, x, s)
	VFMADD231PD(l, x, r)
	k.addLow(2, r)
}

// excess adds e^y·φ(x) to a sum [Z8].
func (k *logitsKernel) excess(h, l, z, x, sum VecVirtual) {
	hz, lz := k.exp(z, k.load(k.point("weight")))
	Comment("e^z − e^y(1 + x).")
	q, t := k.register(), k.register()
	k.with(VADDPD, VADDPD_BCST, k.constant("one", 0), x, q)
	VMULPD(h, q, t)
	te := k.copyOf(t)
	VFMSUB231PD(h, q, te)
	VFMADD231PD(l, q, te)
	VSUBPD(te, lz, lz)
	s1, e := k.sumOf(hz, t, true)
	VADDPD(lz, e, e)
	Comment("e^y·φ(x) by the series.")
	ph, pl := k.phi(x)
	VMULPD(k.half, ph, ph)
	VMULPD(k.half, pl, pl)
	p := k.register()
	VMULPD(h, ph, p)
	pe := k.copyOf(p)
	VFMSUB231PD(h, ph, pe)
	VFMADD231PD(l, ph, pe)
	VFMADD231PD(h, pl, pe)
	Comment("One of them.")
	k.takeFar(x, [2]VecVirtual{s1, e}, [2]VecVirtual{p, pe})
	next, rest := k.sumOf(sum, p, false)
	VMOVAPD(next, sum)
	VADDPD(pe, rest, rest)
	k.addLow(1, rest)
}

// sumOf returns a + b or a − b and what is lost, exactly.
func (k *logitsKernel) sumOf(a, b VecVirtual, minus bool) (s, e VecVirtual) {
	s, e = k.register(), k.register()
	t, u := k.register(), k.register()
	if minus {
		VSUBPD(b, a, s)
	} else {
		VADDPD(b, a, s)
	}
	VSUBPD(a, s, t) // the part of b that arrived
	VSUBPD(t, s, u)
	VSUBPD(u, a, e)
	if minus {
		VADDPD(t, b, t)
		VSUBPD(t, e, e)
	} else {
		VSUBPD(t, b, t)
		VADDPD(t, e, e)
	}
	return s, e
}

// product adds a·b to a sum and returns what is lost [Z4].
func (k *logitsKernel) product(a, b, sum VecVirtual) (rest VecVirtual) {
	rest = k.register()
	next := k.copyOf(sum)
	VFMADD231PD(a, b, next)
	VSUBPD(sum, next, rest)
	VFMSUB231PD(a, b, rest)
	VMOVAPD(next, sum)
	return rest
}

// exp adds e^y to a sum and returns it as h + l, h a multiple of the sum's grid [Z2], [Z3].
func (k *logitsKernel) exp(y, sum VecVirtual) (h, l VecVirtual) {
	Comment("e^y = th·e^r·(1 + rl), f a multiple of 1/16.")
	t, f, r := k.copyOf(k.toPower), k.register(), y
	VFMADD231PD(k.log2e, y, t)
	VSUBPD(k.toPower, t, f)
	VFNMADD231PD(k.ln2, f, r)
	th, rl := k.power(t, f)
	VFMADD231PD(k.lnLo, f, rl)

	Comment("e^r·(1 + rl) = 1 + s + d.")
	rr, m, d := k.register(), k.register(), k.register()
	VMULPD(r, r, rr)
	rre := k.copyOf(rr)
	VFMSUB231PD(r, r, rre)
	VMULPD(r, rr, m)
	p := k.copyOf(k.e5)
	VFMADD213PD(k.e4, r, p)
	for i := 3; i >= 0; i-- {
		k.with(VFMADD213PD, VFMADD213PD_BCST, k.constant("exp", i), r, p)
	}
	VFMADD213PD(rre, m, p)
	s := k.copyOf(r)
	VFMADD231PD(k.half, rr, s)
	VSUBPD(r, s, d)
	VFMSUB231PD(k.half, rr, d)
	VADDPD(rl, d, d)
	VFMADD231PD(k.half, p, d)
	VADDPD(s, d, p)
	VFMADD231PD(rl, p, d)

	Comment("e^y = th + ph + lo.")
	ph := k.register()
	VMULPD(th, s, ph)
	lo := k.copyOf(ph)
	VFMSUB231PD(th, s, lo)
	VFMADD231PD(th, d, lo)

	next := k.register()
	h, l = k.register(), k.register()
	VADDPD(th, sum, next)
	VADDPD(ph, next, next)
	VADDPD(lo, next, next)
	VSUBPD(sum, next, h)
	VMOVAPD(next, sum)
	VSUBPD(h, th, l)
	VADDPD(ph, l, l)
	VADDPD(lo, l, l)
	return h, l
}

// phi returns 2(e^x − 1 − x) for |x| ≤ 1/4 [Z6].
func (k *logitsKernel) phi(x VecVirtual) (h, l VecVirtual) {
	Comment("2φ(x).")
	const terms = 11
	q := k.load(k.constant("phi", terms-1))
	for i := terms - 2; i >= 0; i-- {
		k.with(VFMADD213PD, VFMADD213PD_BCST, k.constant("phi", i), x, q)
	}
	h, l = k.step("twelfth", q, nil, x)
	h, l = k.step("third", h, l, x)
	h, l = k.step("one", h, l, x)

	xx, ph := k.register(), k.register()
	VMULPD(x, x, xx)
	xe := k.copyOf(xx)
	VFMSUB231PD(x, x, xe)
	VMULPD(xx, h, ph)
	pl := k.copyOf(ph)
	VFMSUB231PD(xx, h, pl)
	VFMADD231PD(xx, l, pl)
	VFMADD231PD(xe, h, pl)
	return ph, pl
}

// step returns c + x(h + l).
func (k *logitsKernel) step(c string, h, l, x VecVirtual) (sh, sl VecVirtual) {
	p := k.register()
	sh, sl = k.register(), k.register()
	VMULPD(x, h, p)
	c0 := k.load(k.constant(c, 0))
	VADDPD(p, c0, sh)
	VSUBPD(sh, c0, sl)
	VADDPD(p, sl, sl)
	if l != nil {
		pe := k.copyOf(p)
		VFMSUB231PD(x, h, pe)
		VFMADD231PD(x, l, pe)
		VADDPD(pe, sl, sl)
	}
	if c != "one" {
		k.with(VADDPD, VADDPD_BCST, k.constant(c, 1), sl, sl)
	}
	return sh, sl
}

// surveyLogits writes the first look at the logits.
func surveyLogits(target logitsTarget) {
	name := "surveyLogits" + target.name()
	TEXT(name, NOSPLIT, "func(x, y *float32, n int, s *logitsExtremes) (special bool)")
	Doc(fmt.Sprintf("%s finds the extremes of the elements of whole vectors of 16, and whether there are", name),
		"infinities or NaNs among them.")
	Pragma("noescape")
	x, y := Load(Param("x"), GP64()), Load(Param("y"), GP64())
	left := Load(Param("n"), GP64())
	s := Dereference(Param("s"))
	names := []string{"a", "b", "most", "least"}
	lanes := 2 * target.lanes()
	extremes := make([][4]VecVirtual, 16/lanes)
	for part := range extremes {
		for i, n := range names {
			extremes[part][i] = target.register()
			VMOVUPS(resolve(s.Field(n).Index(lanes*part)), extremes[part][i])
		}
	}
	Comment("0·d adds up to 0 unless there is an infinity or a NaN.")
	zero, bad := target.register(), target.register()
	target.clear(zero)
	target.clear(bad)
	SHRQ(U8(4), left)
	JE(LabelRef("end"))
	Label("turn")
	for part := range extremes {
		e := &extremes[part]
		a, b, d := target.register(), target.register(), target.register()
		VMOVUPS(Mem{Base: x, Disp: 4 * lanes * part}, a)
		VMOVUPS(Mem{Base: y, Disp: 4 * lanes * part}, b)
		VSUBPS(a, b, d)
		VFMADD231PS(zero, d, bad)
		VMAXPS(a, e[0], e[0])
		VMAXPS(b, e[1], e[1])
		VMAXPS(d, e[2], e[2])
		VMINPS(d, e[3], e[3])
	}
	ADDQ(U8(64), x)
	ADDQ(U8(64), y)
	DECQ(left)
	JNE(LabelRef("turn"))
	Label("end")
	for part := range extremes {
		for i, n := range names {
			VMOVUPS(extremes[part][i], resolve(s.Field(n).Index(lanes*part)))
		}
	}
	target.testNonzero(bad, zero)
	result := GP8()
	SETNE(result)
	Store(result, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
