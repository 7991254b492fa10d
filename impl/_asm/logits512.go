package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func logits512() {
	logitsKernels(func() logitsTarget { return &logitsAVX512{} })
	approxLogits512("klLogitsApproxAVX512")
}

// logitsAVX512 keeps everything in registers but constants, which are broadcast as operands.
type logitsAVX512 struct {
	t, p          gotypes.Component // the constants; the point about which is summed
	hi, lo        [2]VecVirtual
	outsideVector VecVirtual
	lows          [3]VecVirtual
}

func (*logitsAVX512) name() string         { return "AVX512" }
func (*logitsAVX512) constants() string    { return "constantsLogits" }
func (*logitsAVX512) lanes() int           { return 8 }
func (*logitsAVX512) sums() int            { return unroll }
func (*logitsAVX512) register() VecVirtual { return ZMM() }
func (*logitsAVX512) clear(v VecVirtual)   { VPXORQ(v, v, v) }

func (m *logitsAVX512) begin(k *logitsKernel) {
	m.t, m.p = Dereference(Param("t")), Dereference(Param("p"))
	for i := range 2 {
		m.hi[i], m.lo[i] = ZMM(), ZMM()
		VMOVUPD(m.constant("hi", 8*i), m.hi[i])
		VMOVUPD(m.constant("lo", 8*i), m.lo[i])
	}
	for i := range m.lows {
		m.lows[i] = ZMM()
	}
	m.outsideVector = ZMM()
	k.toPower, k.log2e, k.ln2 = m.load(m.constant("toPower")), m.load(m.constant("log2e")), m.load(m.constant("ln2"))
	k.half, k.lnLo = m.load(m.constant("half")), m.load(m.constant("minusLn2Lo"))
	k.e4, k.e5 = m.load(m.constant("exp", 4)), m.load(m.constant("exp", 5))
}

func (m *logitsAVX512) constant(field string, index ...int) Mem {
	c := m.t.Field(field)
	for _, i := range index {
		c = c.Index(i)
	}
	return resolve(c)
}

func (m *logitsAVX512) point(field string) Mem { return resolve(m.p.Field(field)) }

func (*logitsAVX512) load(at Mem) VecVirtual {
	v := ZMM()
	VBROADCASTSD(at, v)
	return v
}

func (*logitsAVX512) with(_, broadcast func(...Op), at Mem, rest ...Op) {
	broadcast(append([]Op{at}, rest...)...)
}

func (m *logitsAVX512) power(t, f VecVirtual) (th, rl VecVirtual) {
	th, rl = ZMM(), t
	VMOVDQA64(t, th)
	VPERMI2PD(m.hi[1], m.hi[0], th)
	VPERMI2PD(m.lo[1], m.lo[0], rl)
	VSCALEFPD(f, th, th)
	return th, rl
}

func (m *logitsAVX512) clearLow(i int)             { m.clear(m.lows[i]) }
func (m *logitsAVX512) addLow(i int, x VecVirtual) { VADDPD(x, m.lows[i], m.lows[i]) }
func (m *logitsAVX512) low(i int) VecVirtual       { return m.lows[i] }

func (*logitsAVX512) testNonzero(x, zero VecVirtual) {
	nonzero := K()
	VCMPPS(U8(4), zero, x, nonzero) // ≠
	KTESTW(nonzero, nonzero)
}

func (m *logitsAVX512) clearOutside() { m.clear(m.outsideVector) }

func (m *logitsAVX512) widenOutside(at Register) {
	bits := ZMM()
	VMOVDQU32(Mem{Base: at}, bits)
	VPADDD(bits, bits, bits)
	VPSUBD_BCST(m.constant("first"), bits, bits)
	VPMAXUD(bits, m.outsideVector, m.outsideVector)
}

func (m *logitsAVX512) leaveIfOutside(label string) {
	bad := K()
	VPCMPUD_BCST(U8(5), m.constant("span"), m.outsideVector, bad) // ≥
	KTESTW(bad, bad)
	JNE(LabelRef(label))
}

func (m *logitsAVX512) takeFar(x VecVirtual, fars, nears [2]VecVirtual) {
	far, size := K(), ZMM()
	VPANDQ_BCST(m.constant("notSign"), x, size)
	VCMPPD_BCST(U8(14), m.constant("near"), size, far) // >
	for i, v := range fars {
		VMOVAPD(v, far, nears[i])
	}
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
