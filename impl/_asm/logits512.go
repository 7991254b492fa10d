package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// logitsDepth is the number of turns in a block: the depth of the plain sums of low parts [Z5].
const logitsDepth = 16

func logits512() {
	(&logitsKernel{}).emit("klLogitsWideAVX512")
	(&logitsKernel{series: true}).emit("klLogitsNearAVX512")
	(&logitsKernel{mixed: true}).emit("klLogitsMixedAVX512")
	surveyLogits512("surveyLogitsAVX512")
	approxLogits512("klLogitsApproxAVX512")
}

// logitsKernel is what the emitting functions share.
type logitsKernel struct {
	series bool // φ(x) by its series, or else e^z
	mixed  bool // φ(x) by its series or as e^x − 1 − x, lane by lane

	x, y   Register
	t, p   gotypes.Component // the constants; the point about which is summed
	hi, lo [2]VecVirtual

	toPower, log2e, ln2, half, e4, e5, lnLo VecVirtual

	w, third, s [unroll]VecVirtual // running sums in their windows: e^y; e^z or e^y·2φ; e^y·x
	low         [3]VecVirtual
}

func (k *logitsKernel) constant(field string, index ...int) Mem {
	c := k.t.Field(field)
	for _, i := range index {
		c = c.Index(i)
	}
	return resolve(c)
}

func (k *logitsKernel) broadcast(field string) VecVirtual {
	v := ZMM()
	VBROADCASTSD(k.constant(field), v)
	return v
}

func (k *logitsKernel) point(field string) Mem { return resolve(k.p.Field(field)) }

// emit writes a kernel that adds up what the divergence of logits is made of [Z].
func (k *logitsKernel) emit(name string) {
	TEXT(name, NOSPLIT, "func(t *constantsLogits, x, y *float32, n int, p *logitsPoint, acc *logitsSums) (done int)")
	Doc(fmt.Sprintf("%s adds the elements of whole vectors of 16 to acc, in blocks of %d, until it", name, 16*logitsDepth),
		"meets a block that it cannot take, and returns how many it added.")
	Pragma("noescape")

	k.t, k.p = Dereference(Param("t")), Dereference(Param("p"))
	acc := Dereference(Param("acc"))
	for i := range 2 {
		k.hi[i], k.lo[i] = ZMM(), ZMM()
		VMOVUPD(k.constant("hi", 8*i), k.hi[i])
		VMOVUPD(k.constant("lo", 8*i), k.lo[i])
	}
	k.toPower, k.log2e, k.ln2, k.half = k.broadcast("toPower"), k.broadcast("log2e"), k.broadcast("ln2"), k.broadcast("half")
	k.e4, k.e5, k.lnLo = ZMM(), ZMM(), k.broadcast("minusLn2Lo")
	VBROADCASTSD(k.constant("exp", 4), k.e4)
	VBROADCASTSD(k.constant("exp", 5), k.e5)
	k.x, k.y = Load(Param("x"), GP64()), Load(Param("y"), GP64())
	left := Load(Param("n"), GP64())
	done := GP64()
	XORQ(done, done)
	SHRQ(U8(4), left)
	outside := ZMM()
	for v := range unroll {
		k.w[v], k.third[v], k.s[v] = ZMM(), ZMM(), ZMM()
	}
	for i := range k.low {
		k.low[i] = ZMM()
	}
	names := []string{"w", "third", "s"}
	windows := []*[unroll]VecVirtual{&k.w, &k.third, &k.s}

	Label("block")
	TESTQ(left, left)
	JE(LabelRef("end"))
	turns, count := GP64(), GP64()
	MOVQ(U32(logitsDepth), turns)
	CMPQ(left, turns)
	CMOVQLT(left, turns)
	MOVQ(turns, count)
	VPXORQ(outside, outside, outside)
	for i := range k.low {
		VPXORQ(k.low[i], k.low[i], k.low[i])
		for v := range unroll {
			VBROADCASTSD(k.point(names[i]), windows[i][v])
		}
	}

	Label("turn")
	Comment("Range [Z1].")
	for _, base := range []Register{k.x, k.y} {
		bits := ZMM()
		VMOVDQU32(Mem{Base: base}, bits)
		VPADDD(bits, bits, bits)
		VPSUBD_BCST(k.constant("first"), bits, bits)
		VPMAXUD(bits, outside, outside)
	}
	for v := range unroll {
		k.lanes(v)
	}
	ADDQ(U8(32*unroll), k.x)
	ADDQ(U8(32*unroll), k.y)
	DECQ(turns)
	JNE(LabelRef("turn"))

	Comment("Leave out a block with a logit out of range.")
	bad := K()
	VPCMPUD_BCST(U8(5), k.constant("span"), outside, bad) // ≥
	KTESTW(bad, bad)
	JNE(LabelRef("end"))
	for i, name := range names {
		high, low := resolve(acc.Field(name).Field("high").Index(0)), resolve(acc.Field(name).Field("low").Index(0))
		if k.mixed && name == "third" { // no window
			for v := range unroll {
				twoSumInto(high, low, windows[i][v], ZMM)
			}
			twoSumInto(high, low, k.low[i], ZMM)
			continue
		}
		s, s1 := ZMM(), ZMM()
		VSUBPD_BCST(k.point(name), windows[i][0], s)
		VSUBPD_BCST(k.point(name), windows[i][1], s1)
		VADDPD(s1, s, s)
		twoSumInto(high, low, s, ZMM)
		twoSumInto(high, low, k.low[i], ZMM)
	}
	SUBQ(count, left)
	SHLQ(U8(4), count)
	ADDQ(count, done)
	JMP(LabelRef("block"))

	Label("end")
	Store(done, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// lanes adds eight elements.
func (k *logitsKernel) lanes(v int) {
	a, b := ZMM(), ZMM()
	VCVTPS2PD(Mem{Base: k.x, Disp: 32 * v}, a)
	VCVTPS2PD(Mem{Base: k.y, Disp: 32 * v}, b)
	x := ZMM()
	if k.series {
		VSUBPD(a, b, x)
		VSUBPD_BCST(k.point("centre"), x, x)
		VSUBPD_BCST(k.point("top"), a, a)
	} else {
		VSUBPD_BCST(k.point("top"), a, a)
		VSUBPD_BCST(k.point("topB"), b, b)
		VSUBPD(a, b, x)
	}
	var h, l, ph, pl VecVirtual
	if k.mixed {
		h, l = k.exp(a, k.w[v])
		VADDPD(l, k.low[0], k.low[0])
		k.excess(h, l, b, x, v)
	} else if k.series {
		ph, pl = k.phi(x)
		h, l = k.exp(a, k.w[v])
		VADDPD(l, k.low[0], k.low[0])
		Comment("e^y·2φ.")
		r := k.product(h, ph, k.third[v])
		VFMADD231PD(l, ph, r)
		VFMADD231PD(h, pl, r)
		VADDPD(r, k.low[1], k.low[1])
	} else {
		h, l = k.exp(a, k.w[v])
		VADDPD(l, k.low[0], k.low[0])
		_, lb := k.exp(b, k.third[v])
		VADDPD(lb, k.low[1], k.low[1])
	}
	Comment("e^y·x.")
	r := k.product(h, x, k.s[v])
	VFMADD231PD(l, x, r)
	VADDPD(r, k.low[2], k.low[2])
}

// excess adds e^y·φ(x) [Z8].
func (k *logitsKernel) excess(h, l, z, x VecVirtual, v int) {
	scratch := k.broadcastPoint("weight")
	hz, lz := k.exp(z, scratch)
	Comment("e^z − e^y(1 + x).")
	q, t, te := ZMM(), ZMM(), ZMM()
	VADDPD_BCST(k.constant("one", 0), x, q)
	VMULPD(h, q, t)
	VMOVAPD(t, te)
	VFMSUB231PD(h, q, te)
	VFMADD231PD(l, q, te)
	VSUBPD(te, lz, lz)
	s1, e := k.sumOf(hz, t, true)
	VADDPD(lz, e, e)
	Comment("e^y·φ(x) by the series.")
	ph, pl := k.phi(x)
	VMULPD(k.half, ph, ph)
	VMULPD(k.half, pl, pl)
	p, pe := ZMM(), ZMM()
	VMULPD(h, ph, p)
	VMOVAPD(p, pe)
	VFMSUB231PD(h, ph, pe)
	VFMADD231PD(l, ph, pe)
	VFMADD231PD(h, pl, pe)
	Comment("One of them.")
	far, size := K(), ZMM()
	VPANDQ_BCST(k.constant("notSign"), x, size)
	VCMPPD_BCST(U8(14), k.constant("near"), size, far) // >
	VMOVAPD(s1, far, p)
	VMOVAPD(e, far, pe)
	next, rest := k.sumOf(k.third[v], p, false)
	VMOVAPD(next, k.third[v])
	VADDPD(pe, rest, rest)
	VADDPD(rest, k.low[1], k.low[1])
}

func (k *logitsKernel) broadcastPoint(field string) VecVirtual {
	v := ZMM()
	VBROADCASTSD(k.point(field), v)
	return v
}

// sumOf returns a + b or a − b and what is lost, exactly.
func (k *logitsKernel) sumOf(a, b VecVirtual, minus bool) (s, e VecVirtual) {
	s, e = ZMM(), ZMM()
	t, u := ZMM(), ZMM()
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
	next := ZMM()
	rest = ZMM()
	VMOVAPD(sum, next)
	VFMADD231PD(a, b, next)
	VSUBPD(sum, next, rest)
	VFMSUB231PD(a, b, rest)
	VMOVAPD(next, sum)
	return rest
}

// exp adds e^y to a sum and returns it as h + l, h a multiple of the sum's grid [Z2], [Z3].
func (k *logitsKernel) exp(y, sum VecVirtual) (h, l VecVirtual) {
	Comment("e^y = th·e^r·(1 + rl), f a multiple of 1/16.")
	t, f, r := ZMM(), ZMM(), y
	VMOVAPD(k.toPower, t)
	VFMADD231PD(k.log2e, y, t)
	VSUBPD(k.toPower, t, f)
	VFNMADD231PD(k.ln2, f, r)
	th, rl := ZMM(), t
	VMOVDQA64(t, th)
	VPERMI2PD(k.hi[1], k.hi[0], th)
	VPERMI2PD(k.lo[1], k.lo[0], rl)
	VFMADD231PD(k.lnLo, f, rl)
	VSCALEFPD(f, th, th)

	Comment("e^r·(1 + rl) = 1 + s + d.")
	rr, rre, m, p, s, d := ZMM(), ZMM(), ZMM(), ZMM(), ZMM(), ZMM()
	VMULPD(r, r, rr)
	VMOVAPD(rr, rre)
	VFMSUB231PD(r, r, rre)
	VMULPD(r, rr, m)
	VMOVAPD(k.e5, p)
	VFMADD213PD(k.e4, r, p)
	for i := 3; i >= 0; i-- {
		VFMADD213PD_BCST(k.constant("exp", i), r, p)
	}
	VFMADD213PD(rre, m, p)
	VMOVAPD(r, s)
	VFMADD231PD(k.half, rr, s)
	VSUBPD(r, s, d)
	VFMSUB231PD(k.half, rr, d)
	VADDPD(rl, d, d)
	VFMADD231PD(k.half, p, d)
	VADDPD(s, d, p)
	VFMADD231PD(rl, p, d)

	Comment("e^y = th + ph + lo.")
	ph, lo := ZMM(), ZMM()
	VMULPD(th, s, ph)
	VMOVAPD(ph, lo)
	VFMSUB231PD(th, s, lo)
	VFMADD231PD(th, d, lo)

	next := ZMM()
	h, l = ZMM(), ZMM()
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
	q := ZMM()
	VBROADCASTSD(k.constant("phi", terms-1), q)
	for i := terms - 2; i >= 0; i-- {
		VFMADD213PD_BCST(k.constant("phi", i), x, q)
	}
	h, l = k.step("twelfth", q, nil, x)
	h, l = k.step("third", h, l, x)
	h, l = k.step("one", h, l, x)

	xx, xe, ph, pl := ZMM(), ZMM(), ZMM(), ZMM()
	VMULPD(x, x, xx)
	VMOVAPD(xx, xe)
	VFMSUB231PD(x, x, xe)
	VMULPD(xx, h, ph)
	VMOVAPD(ph, pl)
	VFMSUB231PD(xx, h, pl)
	VFMADD231PD(xx, l, pl)
	VFMADD231PD(xe, h, pl)
	return ph, pl
}

// step returns c + x(h + l).
func (k *logitsKernel) step(c string, h, l, x VecVirtual) (sh, sl VecVirtual) {
	p, c0 := ZMM(), ZMM()
	sh, sl = ZMM(), ZMM()
	VMULPD(x, h, p)
	VBROADCASTSD(k.constant(c, 0), c0)
	VADDPD(p, c0, sh)
	VSUBPD(sh, c0, sl)
	VADDPD(p, sl, sl)
	if l != nil {
		pe := ZMM()
		VMOVAPD(p, pe)
		VFMSUB231PD(x, h, pe)
		VFMADD231PD(x, l, pe)
		VADDPD(pe, sl, sl)
	}
	if c != "one" {
		VADDPD_BCST(k.constant(c, 1), sl, sl)
	}
	return sh, sl
}

// approxLogits512 writes the approximate divergence: everything in float32, 64 additions
// to a sum before it goes to float64.
func approxLogits512(name string) {
	const depth = 32
	TEXT(name, NOSPLIT, "func(t *constantsLogits, x, y *float32, n int, table *[32]float32, acc *[3][8]float64)")
	Doc(name+" adds Σ e^x, Σ e^y and Σ e^x·(y − x) over whole vectors of 16 to acc, approximately;",
		"the table holds 2^(j/32) times the factor of the weights.")
	Pragma("noescape")
	t, table, acc := Dereference(Param("t")), Dereference(Param("table")), Dereference(Param("acc"))
	constant := func(field string) VecVirtual {
		v := ZMM()
		VBROADCASTSS(resolve(t.Field(field)), v)
		return v
	}
	low, high := ZMM(), ZMM()
	VMOVUPS(resolve(table.Index(0)), low)
	VMOVUPS(resolve(table.Index(16)), high)
	toPower, log2e, ln2, half, one := constant("toPower32"), constant("log2e32"), constant("ln232"), constant("half32"), constant("one32")
	x, y := Load(Param("x"), GP64()), Load(Param("y"), GP64())
	left := Load(Param("n"), GP64())
	SHRQ(U8(4), left)
	var total [3]VecVirtual
	var sum [2][3]VecVirtual
	for i := range total {
		total[i], sum[0][i], sum[1][i] = ZMM(), ZMM(), ZMM()
		VPXORQ(total[i], total[i], total[i])
	}

	// exp returns th·u = e^a.
	exp := func(a VecVirtual) (th, u VecVirtual) {
		f, r := ZMM(), ZMM()
		th, u = ZMM(), ZMM()
		VMOVAPS(toPower, th)
		VFMADD231PS(log2e, a, th)
		VSUBPS(toPower, th, f)
		VMOVAPS(a, r)
		VFNMADD231PS(ln2, f, r)
		VPERMI2PS(high, low, th)
		VSCALEFPS(f, th, th)
		VMOVAPS(one, u)
		VFMADD231PS(half, r, u)
		VFMADD213PS(one, r, u)
		return th, u
	}
	vector := func(v int) {
		a, b := ZMM(), ZMM()
		VMOVUPS(Mem{Base: x, Disp: 64 * v}, a)
		VMOVUPS(Mem{Base: y, Disp: 64 * v}, b)
		th, u := exp(a)
		tb, ub := exp(b)
		VSUBPS(a, b, b)
		VMULPS(u, th, th)
		VADDPS(th, sum[v][0], sum[v][0])
		VFMADD231PS(ub, tb, sum[v][1])
		VFMADD231PS(b, th, sum[v][2])
	}

	Label("block")
	TESTQ(left, left)
	JE(LabelRef("end"))
	count, turns := GP64(), GP64()
	MOVQ(U32(2*depth), count)
	CMPQ(left, count)
	CMOVQLT(left, count)
	SUBQ(count, left)
	for i := range total {
		VPXORQ(sum[0][i], sum[0][i], sum[0][i])
		VPXORQ(sum[1][i], sum[1][i], sum[1][i])
	}
	MOVQ(count, turns)
	SHRQ(U8(1), turns)
	JE(LabelRef("odd"))
	Label("turn")
	vector(0)
	vector(1)
	ADDQ(U32(128), x)
	ADDQ(U32(128), y)
	DECQ(turns)
	JNE(LabelRef("turn"))
	Label("odd")
	TESTQ(U32(1), count)
	JE(LabelRef("fold"))
	vector(0)
	ADDQ(U8(64), x)
	ADDQ(U8(64), y)
	Label("fold")
	for i := range total {
		s, upper, wide := ZMM(), YMM(), ZMM()
		VADDPS(sum[0][i], sum[1][i], s)
		VEXTRACTF64X4(U8(1), s, upper)
		VCVTPS2PD(s.AsY(), wide)
		VADDPD(wide, total[i], total[i])
		VCVTPS2PD(upper, wide)
		VADDPD(wide, total[i], total[i])
	}
	JMP(LabelRef("block"))
	Label("end")
	for i := range total {
		VMOVUPD(total[i], resolve(acc.Index(i).Index(0)))
	}
	VZEROUPPER()
	RET()
}

// surveyLogits512 writes the first look at the logits.
func surveyLogits512(name string) {
	TEXT(name, NOSPLIT, "func(x, y *float32, n int, s *logitsExtremes) (special bool)")
	Doc(fmt.Sprintf("%s finds the extremes of the elements of whole vectors of 16, and whether there are", name),
		"infinities or NaNs among them.")
	Pragma("noescape")
	x, y := Load(Param("x"), GP64()), Load(Param("y"), GP64())
	left := Load(Param("n"), GP64())
	s := Dereference(Param("s"))
	names := []string{"a", "b", "most", "least"}
	var extremes [4]VecVirtual
	for i, n := range names {
		extremes[i] = ZMM()
		VMOVUPS(resolve(s.Field(n).Index(0)), extremes[i])
	}
	Comment("0·d adds up to 0 unless there is an infinity or a NaN.")
	zero, bad := ZMM(), ZMM()
	VPXORQ(zero, zero, zero)
	VPXORQ(bad, bad, bad)
	SHRQ(U8(4), left)
	JE(LabelRef("end"))
	Label("turn")
	a, b, d := ZMM(), ZMM(), ZMM()
	VMOVUPS(Mem{Base: x}, a)
	VMOVUPS(Mem{Base: y}, b)
	VSUBPS(a, b, d)
	VFMADD231PS(zero, d, bad)
	VMAXPS(a, extremes[0], extremes[0])
	VMAXPS(b, extremes[1], extremes[1])
	VMAXPS(d, extremes[2], extremes[2])
	VMINPS(d, extremes[3], extremes[3])
	ADDQ(U8(64), x)
	ADDQ(U8(64), y)
	DECQ(left)
	JNE(LabelRef("turn"))
	Label("end")
	for i, n := range names {
		VMOVUPS(extremes[i], resolve(s.Field(n).Index(0)))
	}
	special := K()
	VCMPPS(U8(4), zero, bad, special) // ≠
	KTESTW(special, special)
	result := GP8()
	SETNE(result)
	Store(result, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
