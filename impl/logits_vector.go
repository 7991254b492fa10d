package impl

import "math"

// constantsLogits is what the AVX-512 kernels of the logits read.
type constantsLogits struct {
	hi, lo          [16]float64 // 2^(j/16) = hi·(1 + lo)
	first, span     uint32      // twice the bits of the least logit but sign, and their range [Z1]
	toPower         float64     // rounds to a multiple of 1/16
	log2e           float64
	ln2, minusLn2Lo float64
	half            float64
	exp             [6]float64  // 2(e^r − 1 − r − r²/2)/r³ [Z2]
	notSign         uint64      // all bits of a float64 but its sign
	near            float64     // up to where φ is a series
	one             [1]float64  // 2(e^x − 1 − x)/x² = 1 + x/3 + x²/12 + … [Z6]
	third, twelfth  [2]float64  // 1/3, 1/12
	phi             [11]float64 // from x³ on

	toPower32, log2e32, ln232, half32, one32 float32 // of the approximation; to a multiple of 1/32
}

// tableLogits is what the AVX-512 kernels of the logits read.
var tableLogits = func() (t constantsLogits) {
	for j := range t.hi {
		t.hi[j], t.lo[j] = powers[4*j].h, powers[4*j].l/powers[4*j].h
	}
	t.first = math.Float32bits(0x1p-22) << 1
	t.span = math.Float32bits(logitsLimit)<<1 - t.first
	t.toPower, t.log2e = 0x1.8p48, 1/math.Ln2
	t.ln2, t.minusLn2Lo, t.half = math.Ln2, -ln2Rest, 0.5
	t.exp = expPolynomial
	t.notSign, t.near = 1<<63-1, logitsNear
	t.one = [1]float64{1}
	t.third = [2]float64{thirdHi, thirdLo}
	t.twelfth = [2]float64{thirdHi / 4, thirdLo / 4}
	t.toPower32, t.log2e32, t.ln232, t.half32, t.one32 = 0x1.8p18, 1/math.Ln2, math.Ln2, 0.5, 1
	for i := range t.phi {
		t.phi[i] = 2 * factorials[5+i].h
	}
	return t
}()

// constantsLogitsAVX2 is what the AVX2 kernels of the logits read: constantsLogits in all lanes.
type constantsLogitsAVX2 struct {
	powers [16]struct {
		bits uint64  // of hi, less j·2^48
		lo   float64 // 2^(j/16) = hi·(1 + lo)
	}
	first, span     [8]uint32
	toPower, log2e  [4]float64
	ln2, minusLn2Lo [4]float64
	half            [4]float64
	exp             [6][4]float64
	notSign         [4]uint64
	near            [4]float64
	one             [1][4]float64
	third, twelfth  [2][4]float64
	phi             [11][4]float64

	toPower32, log2e32, ln232, sixth32, half32, one32 [8]float32 // of the approximation; to a multiple of 1/8
}

// tableLogitsAVX2 is what the AVX2 kernels of the logits read.
var tableLogitsAVX2 = func() (t constantsLogitsAVX2) {
	c := &tableLogits
	for j := range t.powers {
		t.powers[j].bits, t.powers[j].lo = math.Float64bits(c.hi[j])-uint64(j)<<48, c.lo[j]
	}
	for i := range 4 {
		t.toPower[i], t.log2e[i], t.ln2[i], t.minusLn2Lo[i] = c.toPower, c.log2e, c.ln2, c.minusLn2Lo
		t.half[i], t.one[0][i], t.notSign[i], t.near[i] = c.half, c.one[0], c.notSign, c.near
		for j, x := range c.exp {
			t.exp[j][i] = x
		}
		for j := range c.third {
			t.third[j][i], t.twelfth[j][i] = c.third[j], c.twelfth[j]
		}
		for j, x := range c.phi {
			t.phi[j][i] = x
		}
	}
	for i := range 8 {
		t.first[i], t.span[i] = c.first, c.span
		t.toPower32[i], t.log2e32[i], t.ln232[i] = 4*c.toPower32, c.log2e32, c.ln232
		t.sixth32[i], t.half32[i], t.one32[i] = 1.0/6, c.half32, c.one32
	}
	return t
}()

// A logitsKernel is one of the vector kernels.
type logitsKernel uint8

const (
	logitsWide   logitsKernel = iota // Σ e^z
	logitsSeries                     // Σ e^y·2φ(x) for |x| ≤ 1/4
	logitsMixed                      // Σ e^y·φ(x), each as it can be had
)

// A logitsPoint is where the kernels sum about: y = a − top, z = b − topB, x = b − a − centre,
// with the middles of the windows of the sums.
type logitsPoint struct {
	top, topB, centre float64
	w, third, s       float64
	weight            float64 // for a single e^z
}

// logitsSums is what a kernel has added up.
type logitsSums struct {
	w, third, s struct{ high, low [8]float64 } // Σ e^y, Σ e^z or Σ e^y·2φ(x), Σ e^y·x
}

// logitsExtremes are the largest logits and the largest and least differences, lane by lane.
type logitsExtremes struct{ a, b, most, least [16]float32 }

const (
	logitsBlock      = 256           // the most elements of a block
	logitsLimit      = 64            // of the logits of a kernel and of its centre [Z1]
	logitsLeast      = 16            // shorter vectors are left to Go
	mostWeightVector = 32            // of the exponents of the weights of b
	logitsNear       = 0.25          // of |x| for the series
	farError         = 80 * expError // of e^y·φ(x) in the mixed kernel [Z8]
	expError         = 12 * 0x1p-72  // of e^y, relative [Z2]
)

// solveLogitsVectors is solveLogits with vector kernels in front: the cheapest that the
// differences allow, about the mean of a sample; then, if that does not tell, the one whose
// relative error is small for any difference, about the mean that the first has found.
func solveLogitsVectors(a, b []float32, v isa) (float64, Tier) {
	if len(a) < logitsLeast || len(a) > mostLogits {
		return solveLogits(a, b)
	}
	e, special := extremesOf(a, b, v)
	s, most, least := e.survey()
	if special {
		s = surveyLogits(a, b)
		if v, ok := s.special(); ok {
			return v, TierOne
		}
		most, least = math.Inf(1), math.Inf(-1)
	}
	if most == 0 && least == 0 {
		return 0, TierOne
	}
	c := sampled(a, b, s.top)
	for _, mixed := range []bool{false, true} {
		m, ok := s.vectorMoments(v, a, b, c, most, least, mixed)
		if !ok {
			break
		}
		if kl, ok := certify64(m.divergence()); ok {
			if 2*m.plain > len(a) {
				return kl, TierTwo
			}
			return kl, TierOne
		}
		c += m.s.h / m.w.h
	}
	if special {
		return s.solve(a, b)
	}
	return solveLogits(a, b)
}

// extremesOf is the first look.
func extremesOf(a, b []float32, v isa) (e logitsExtremes, special bool) {
	for i := range e.a {
		e.a[i], e.b[i] = a[len(a)-1-i], b[len(a)-1-i]
		d := e.b[i] - e.a[i]
		e.most[i], e.least[i] = d, d
		if d-d != 0 {
			special = true
		}
	}
	if surveyLogitsVector(v, a, b, &e) {
		special = true
	}
	return e, special
}

// survey returns the extremes over all lanes.
func (e *logitsExtremes) survey() (s logitsSurvey, most, least float64) {
	top, topB := e.a[0], e.b[0]
	d, c := e.most[0], e.least[0]
	for i := range e.a {
		top, topB = max(top, e.a[i]), max(topB, e.b[i])
		d, c = max(d, e.most[i]), min(c, e.least[i])
	}
	s.top, s.topB = float64(top), float64(topB)
	return s, float64(d), float64(c)
}

// window returns 1.5·2^k such that sums up to x stay inside [2^k, 2^(k+1)).
func window(x float64) float64 {
	_, e := math.Frexp(x)
	return math.Ldexp(1.5, e+1)
}

// sampled returns a mean of b − a over a sample, 0 if that has none.
func sampled(a, b []float32, top float64) float64 {
	const samples = 64
	var sum, weight float64
	for i := 0; i < len(a); i += max(1, len(a)/samples) {
		if d := float64(b[i]) - float64(a[i]); d-d == 0 {
			w := math.Exp(float64(a[i])-top) + 0x1p-500
			weight += w
			sum += w * d
		}
	}
	if weight == 0 {
		return 0
	}
	return sum / weight
}

// vectorMoments adds up with the kernels, and what they leave in Go.
func (s logitsSurvey) vectorMoments(v isa, a, b []float32, c, most, least float64, mixed bool) (m moments, ok bool) {
	p := logitsPoint{top: math.Ceil(s.top*0x1p20) * 0x1p-20}
	c = max(c, s.topB-p.top-mostWeightVector)
	p.centre = math.RoundToEven(c*0x1p32) * 0x1p-32
	p.topB = p.top + p.centre
	if !(math.Abs(p.top) <= logitsLimit && math.Abs(p.centre) <= logitsLimit && math.Abs(p.topB) <= logitsLimit) {
		return m, false
	}
	size := max(math.Abs(most-p.centre), math.Abs(least-p.centre))
	size += 0x1p-23 * (size + math.Abs(p.centre))
	size = min(size, 4*logitsLimit)
	k := logitsWide
	if size <= logitsNear {
		k = logitsSeries
	} else if mixed {
		k = logitsMixed
	}
	const depth = logitsBlock/16 + 1
	p.w, p.s = window(depth), window(depth*size)
	switch largest := math.Exp(s.topB - p.topB); k {
	case logitsSeries:
		p.third = window(depth * 1.2 * size * size)
	case logitsWide:
		p.third = window(depth * largest)
	case logitsMixed:
		p.weight = window(1.1 * largest)
	}
	var acc logitsSums
	kernel := 0
	for i := 0; i < len(a); {
		n := 0
		if len(a)-i >= logitsLeast {
			n = logitsVector(v, k, a[i:], b[i:], &p, &acc)
			kernel += n
		}
		i += n
		if n = min(len(a)-i, logitsBlock); n == 0 {
			break
		}
		// The kernel has refused this block, perhaps for elements that add nothing.
		var x, y [logitsBlock]float32
		kept := withoutMasked(x[:], y[:], a[i:i+n], b[i:i+n])
		done := 0
		if kept < n && kept >= logitsLeast {
			done = logitsVector(v, k, x[:kept], y[:kept], &p, &acc)
			kernel += done
		}
		m.add(x[done:kept], y[done:kept], p.top, p.centre)
		i += n
	}
	m.join(&acc, &p, k, size, kernel)
	m.errW += momentError * m.w.h
	return m, true
}

// withoutMasked copies the elements of a and b that are not −Inf in both, and returns
// their number.
func withoutMasked(x, y, a, b []float32) (kept int) {
	for i, v := range a {
		x[kept], y[kept] = v, b[i]
		if v >= -math.MaxFloat32 || b[i] >= -math.MaxFloat32 {
			kept++
		}
	}
	return kept
}

// seriesError bounds the relative error of φ(x), |x| ≤ size ≤ 1/4, in a kernel [Z6].
func seriesError(size float64) float64 { return (4.1*u/60)*(size*size*size) + 0x1p-70 }

// join adds the sums of a kernel over n elements.
func (m *moments) join(acc *logitsSums, p *logitsPoint, k logitsKernel, size float64, n int) {
	fold := func(s *struct{ high, low [8]float64 }) pair {
		high, low := (&vectorSums{high: s.high, low: s.low}).pair()
		return sorted(high, low)
	}
	w, third, x := fold(&acc.w), fold(&acc.third), fold(&acc.s)
	lanes := float64(n) * 0x1p-97 // [Z5]
	errW := expError*w.h + lanes*p.w
	m.w.add(w.h)
	m.w.add(w.l)
	m.s.add(x.h)
	m.s.add(x.l)
	var mass float64
	switch k {
	case logitsSeries:
		third = pair{third.h / 2, third.l / 2}
		m.errG += (expError+seriesError(size))*third.h + lanes*(p.third+p.w*size*size)
		mass = size * w.h
	case logitsMixed:
		m.errG += farError*third.h + lanes/4*(p.weight+p.w*(1+size))
		mass = min(2*third.h+w.h/2, size*w.h)
	case logitsWide:
		errB := expError*third.h + lanes*p.third
		third = third.plus(w.negated()).plus(x.negated())
		mass = min(2*third.h+w.h/2, size*w.h)
		m.errG += errB + errW + expError*mass + lanes*(p.s+p.w*size) + 0x1p-100*(w.h+mass)
	}
	m.g.add(third.h)
	m.g.add(third.l)
	m.errW += errW
	m.errS += expError*mass + lanes*(p.s+p.w*size)
}

const mostWeight32 = 0x1p100 // of the approximation

// logitsPowers is what the approximate AVX2 kernel reads for a factor of the weights.
type logitsPowers struct {
	bits        [8]uint32  // of 2^(j/8) times the factor, less j·2^20
	least, most [8]float32 // logits whose weights are the least normal numbers, and above mostWeight32
}

func powersOf(scale int) (p logitsPowers) {
	for j := range p.bits {
		p.bits[j] = math.Float32bits(float32(math.Ldexp(powers[8*j].h, scale))) - uint32(j)<<20
		p.least[j], p.most[j] = float32(float64(-125-scale)*math.Ln2), float32(float64(110-scale)*math.Ln2)
	}
	return p
}

// approxLogitsVectors is approxLogits with a kernel in front.
func approxLogitsVectors(a, b []float32, v isa) float64 {
	if len(a) < logitsLeast {
		return approxLogits(a, b)
	}
	top := a[0]
	for i := 0; i < len(a); i += max(1, len(a)/64) {
		top = max(top, a[i], b[i])
	}
	scale := -int(min(max(float64(top)*(1/math.Ln2), -100), 100))
	var acc [3][8]float64
	approxLogitsVector(v, a, b, scale, &acc)
	var sum [3]float64
	for i, lanes := range acc {
		for _, x := range lanes {
			sum[i] += x
		}
	}
	for i := len(a) &^ 15; i < len(a); i++ {
		x, y := float64(a[i]), float64(b[i])
		w := math.Ldexp(math.Exp(x), scale)
		sum[0] += w
		sum[1] += math.Ldexp(math.Exp(y), scale)
		sum[2] += w * (y - x)
	}
	w, wb, s := sum[0], sum[1], sum[2]
	if !(w > 0x1p-60 && wb > 0x1p-60 && w < mostWeight32 && wb < mostWeight32 && s-s == 0) {
		return approxLogits(a, b)
	}
	return max(0, math.Log(wb/w)-s/w)
}
