package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func logits2() {
	logitsKernels(func() logitsTarget { return &logitsAVX2{} })
	approxLogits2("klLogitsApproxAVX2")
}

// logitsAVX2 keeps only running sums in registers. Constants are operands in memory, four
// copies of each; those that are of this call, and the sums of low parts, are on the stack.
type logitsAVX2 struct {
	t      gotypes.Component // the constants
	copies map[string]Mem    // of what the point has

	rows       Mem // places of powers in their table
	lows       [3]Mem
	outsideMem Mem
}

func (*logitsAVX2) name() string         { return "AVX2" }
func (*logitsAVX2) constants() string    { return "constantsLogitsAVX2" }
func (*logitsAVX2) lanes() int           { return lanesAVX2 }
func (*logitsAVX2) sums() int            { return 1 }
func (*logitsAVX2) register() VecVirtual { return YMM() }
func (*logitsAVX2) clear(v VecVirtual)   { VXORPD(v, v, v) }

func (m *logitsAVX2) begin(k *logitsKernel) {
	m.t = Dereference(Param("t"))
	fields := []string{"top", "topB", "centre", "w", "third", "s", "weight"}
	local := AllocLocal((len(fields) + len(m.lows) + 3) * bytesAVX2)
	room := GP64()
	LEAQ(local.Offset(bytesAVX2-1), room)
	ANDQ(I8(-bytesAVX2), room)
	used := 0
	next := func() Mem {
		used++
		return Mem{Base: room, Disp: bytesAVX2 * (used - 1)}
	}
	m.rows, m.outsideMem = next(), next()
	for i := range m.lows {
		m.lows[i] = next()
	}
	p := Dereference(Param("p"))
	m.copies = map[string]Mem{}
	for _, field := range fields {
		v := YMM()
		VBROADCASTSD(resolve(p.Field(field)), v)
		m.copies[field] = next()
		VMOVUPD(v, m.copies[field])
	}
	k.toPower, k.log2e, k.ln2 = m.constant("toPower"), m.constant("log2e"), m.constant("ln2")
	k.half, k.lnLo = m.constant("half"), m.constant("minusLn2Lo")
	k.e4, k.e5 = m.constant("exp", 4), m.constant("exp", 5)
}

func (m *logitsAVX2) constant(field string, index ...int) Mem {
	c := m.t.Field(field)
	for _, i := range index {
		c = c.Index(i)
	}
	return resolve(c.Index(0))
}

func (m *logitsAVX2) point(field string) Mem { return m.copies[field] }

func (*logitsAVX2) load(at Mem) VecVirtual {
	v := YMM()
	VMOVUPD(at, v)
	return v
}

func (*logitsAVX2) with(plain, _ func(...Op), at Mem, rest ...Op) {
	plain(append([]Op{at}, rest...)...)
}

// power takes rows of the table, at 16 times the last four bits of t, a byte. What is left of
// t after a shift by 48 is ⌊f⌋ in the place of an exponent, and those bits, which the table
// has subtracted.
func (m *logitsAVX2) power(t, _ VecVirtual) (th, rl VecVirtual) {
	shifted := YMM()
	VPSLLQ(U8(4), t, shifted)
	VMOVUPD(shifted, m.rows)
	VPSLLQ(U8(48), t, t)
	row := func(i int) Mem {
		g := GP32()
		MOVBLZX(m.rows.Offset(8*i), g)
		at := resolve(m.t.Field("powers").Index(0).Field("bits"))
		at.Index, at.Scale = g.As64(), 1
		return at
	}
	even, odd := YMM(), YMM()
	VBROADCASTF128(row(0), even)
	VBROADCASTF128(row(1), odd)
	VINSERTF128(U8(1), row(2), even, even)
	VINSERTF128(U8(1), row(3), odd, odd)
	th, rl = YMM(), YMM()
	VUNPCKLPD(odd, even, th)
	VUNPCKHPD(odd, even, rl)
	VPADDQ(t, th, th)
	return th, rl
}

func (m *logitsAVX2) clearLow(i int) {
	v := YMM()
	m.clear(v)
	VMOVUPD(v, m.lows[i])
}

func (m *logitsAVX2) addLow(i int, x VecVirtual) {
	sum := YMM()
	VADDPD(m.lows[i], x, sum)
	VMOVUPD(sum, m.lows[i])
}

func (m *logitsAVX2) low(i int) VecVirtual { return m.load(m.lows[i]) }

func (*logitsAVX2) testNonzero(x, zero VecVirtual) {
	nonzero := YMM()
	VCMPPS(U8(4), zero, x, nonzero) // ≠
	VPTEST(nonzero, nonzero)
}

func (m *logitsAVX2) clearOutside() {
	v := YMM()
	m.clear(v)
	VMOVUPD(v, m.outsideMem)
}

func (m *logitsAVX2) widenOutside(at Register) {
	bits := YMM()
	VMOVUPS(Mem{Base: at}, bits)
	VPADDD(bits, bits, bits)
	VPSUBD(m.constant("first"), bits, bits)
	VPMAXUD(m.outsideMem, bits, bits)
	VMOVUPS(bits, m.outsideMem)
}

func (m *logitsAVX2) leaveIfOutside(label string) {
	most, bad := YMM(), YMM()
	VMOVUPS(m.outsideMem, most)
	VPMAXUD(m.constant("span"), most, bad)
	VPCMPEQD(bad, most, bad) // ≥
	VPTEST(bad, bad)
	JNE(LabelRef(label))
}

func (m *logitsAVX2) takeFar(x VecVirtual, fars, nears [2]VecVirtual) {
	far := YMM()
	VANDPD(m.constant("notSign"), x, far)
	VCMPPD(U8(14), m.constant("near"), far, far) // >
	for i, v := range fars {
		VBLENDVPD(far, v, nears[i], nears[i])
	}
}

// approxLogits2 writes the approximate divergence: everything in float32, 64 additions
// to a sum before it goes to float64.
func approxLogits2(name string) {
	const depth = 32
	TEXT(name, NOSPLIT, "func(t *constantsLogitsAVX2, x, y *float32, n int, table *logitsPowers, acc *[3][8]float64)")
	Doc(name+" adds Σ e^x, Σ e^y and Σ e^x·(y − x) over whole vectors of 16 to acc, approximately;",
		"weights are 0 or very small below the least exponent of the table, and at most that of the most.")
	Pragma("noescape")
	t, table, acc := Dereference(Param("t")), Dereference(Param("table")), Dereference(Param("acc"))
	constant := func(field string) Mem { return resolve(t.Field(field).Index(0)) }
	load := func(at Mem) VecVirtual {
		v := YMM()
		VMOVUPS(at, v)
		return v
	}
	powers := load(resolve(table.Field("bits").Index(0)))
	least, most := load(resolve(table.Field("least").Index(0))), load(resolve(table.Field("most").Index(0)))
	x, y := Load(Param("x"), GP64()), Load(Param("y"), GP64())
	left := Load(Param("n"), GP64())
	SHRQ(U8(4), left)
	var sum [3]VecVirtual
	for i := range sum {
		sum[i] = YMM()
	}

	// exp returns th·u = e^a.
	exp := func(a VecVirtual) (th, u VecVirtual) {
		t, f, r := load(constant("toPower32")), YMM(), a
		VFMADD231PS(constant("log2e32"), a, t)
		VSUBPS(constant("toPower32"), t, f)
		VFNMADD231PS(constant("ln232"), f, r)
		th = YMM()
		VPERMPS(powers, t, th)
		VPSLLD(U8(20), t, t)
		VPADDD(t, th, th)
		u = load(constant("sixth32"))
		VFMADD213PS(constant("half32"), r, u)
		VFMADD213PS(constant("one32"), r, u)
		VFMADD213PS(constant("one32"), r, u)
		return th, u
	}
	vector := func(v int) {
		a, b := load(Mem{Base: x, Disp: 32 * v}), load(Mem{Base: y, Disp: 32 * v})
		d, kept := YMM(), YMM()
		VSUBPS(a, b, d)
		VCMPPS(U8(13), least, a, kept) // ≥
		VMINPS(most, a, a)
		VMINPS(most, b, b)
		VMAXPS(least, b, b)
		th, u := exp(a)
		VMULPS(u, th, th)
		VANDPS(kept, th, th)
		VADDPS(th, sum[0], sum[0])
		VFMADD231PS(d, th, sum[2])
		th, u = exp(b)
		VFMADD231PS(u, th, sum[1])
	}

	Label("block")
	TESTQ(left, left)
	JE(LabelRef("end"))
	turns := GP64()
	MOVQ(U32(depth), turns)
	CMPQ(left, turns)
	CMOVQLT(left, turns)
	SUBQ(turns, left)
	for i := range sum {
		VXORPS(sum[i], sum[i], sum[i])
	}
	Label("turn")
	vector(0)
	vector(1)
	ADDQ(U8(64), x)
	ADDQ(U8(64), y)
	DECQ(turns)
	JNE(LabelRef("turn"))
	for i, s := range sum {
		lower, upper := YMM(), YMM()
		VCVTPS2PD(s.AsX(), lower)
		VEXTRACTF128(U8(1), s, upper.AsX())
		VCVTPS2PD(upper.AsX(), upper)
		for half, v := range []VecVirtual{lower, upper} {
			at := resolve(acc.Index(i).Index(lanesAVX2 * half))
			VADDPD(at, v, v)
			VMOVUPD(v, at)
		}
	}
	JMP(LabelRef("block"))
	Label("end")
	VZEROUPPER()
	RET()
}
