//go:build !purego

package impl

import (
	"math"

	"golang.org/x/sys/cpu"
)

//go:generate go run -C _asm . -isa avx512
//go:generate go run -C _asm . -isa logits512

// vectorBackends returns the backends that this processor runs, the fastest last.
func vectorBackends() (list []*Backend) {
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		b := accelerated("avx2", avx2)
		b.kl32 = func(p, q []float32) (float32, Tier) { return solve32(klSum, p, q, avx2) }
		list = append(list, b)
	}
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasBMI2 {
		list = append(list, accelerated("avx512", avx512))
	}
	return list
}

// accelerated returns goBackend with a vector kernel before the lanes of the vectors.
func accelerated(name string, v isa) *Backend {
	b := goBackend
	b.Name, b.isa = name, v
	b.kl = func(p, q []float64) (float64, Tier) { return solve(klSum, p, q, v) }
	b.kl32 = func(p, q []float32) (float32, Tier) { return solveKL32(p, q, v) }
	b.entropy32 = func(p []float32) float32 { return first(solve32(entropySum, p, nil, v)) }
	b.crossEntropy32 = func(p, q []float32) float32 { return first(solve32(crossSum, p, q, v)) }
	b.klLogits32 = func(x, y []float32) (float64, Tier) { return solveLogitsVectors(x, y, v) }
	b.klLogitsApprox32 = func(x, y []float32) float64 { return approxLogitsVectors(x, y, v) }
	b.entropy = func(p []float64) float64 { return first(solve(entropySum, p, nil, v)) }
	b.crossEntropy = func(p, q []float64) float64 { return first(solve(crossSum, p, q, v)) }
	return &b
}

// table512 is what the AVX-512 kernels read.
var table512 = func() (t constants512) {
	for j, c := range octave {
		t.hi[j], t.lo[j], t.ln[j] = c.hi, c.lo, c.hi+c.lo
	}
	t.first = math.Float64bits(0x1p-400)
	t.outside = 7 << 61
	t.half, t.mask = 1<<47, 0xffff<<48
	t.halfWindow = 1 << 48
	t.drift = 0x7fff << 49
	t.ln2Hi, t.ln2Lo, t.one, t.two = ln2Hi, ln2Lo, 1, 2
	t.w1 = [3]float64{v0, v1, v2}
	t.w2 = [4]float64{1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11}
	t.thirdHi, t.thirdLo = thirdHi, thirdLo
	t.ln2, t.small = math.Ln2, 0x1p-60
	t.abs, t.infinity = 1<<63-1, infBits
	t.abs32, t.infinity32 = 1<<31-1, inf32Bits
	t.atanh = [2]float64{x0, x1}
	t.atanhLong = [3]float64{y0, y1, y2}
	return t
}()

// vectorSum adds the sum k of p and q to acc, in blocks, until it meets a block that it
// cannot take, and returns how many elements it added. m is 1.5 times a power of two and
// sets the precision of the sums: ACCURACY.md [V].
func vectorSum(v isa, k kind, t Tier, p, q []float64, m float64, acc *vectorSums) (done int) {
	if v == avx2 {
		return vectorSumAVX2(k, t, p, q, m, acc)
	}
	switch {
	case k == klSum && t == TierOne:
		return klTier1AVX512(&table512, &p[0], &q[0], len(p), m, acc)
	case k == klSum:
		return klTier2AVX512(&table512, &p[0], &q[0], len(p), m, acc)
	case k == entropySum:
		return entropyAVX512(&table512, &p[0], len(p), m, acc)
	default:
		return crossAVX512(&table512, &p[0], &q[0], len(p), m, acc)
	}
}

// vectorSum32 is vectorSum of float32.
func vectorSum32(v isa, k kind, t Tier, p, q []float32, m float64, acc *vectorSums) (done int) {
	if v == avx2 {
		return vectorSum32AVX2(k, t, p, q, m, acc)
	}
	switch {
	case k == klSum && t == TierSingle:
		return klSingleAVX512(&table512, &p[0], &q[0], len(p), acc)
	case k == klSum && t == TierOne:
		return klTier132AVX512(&table512, &p[0], &q[0], len(p), m, acc)
	case k == klSum:
		return klTier232AVX512(&table512, &p[0], &q[0], len(p), m, acc)
	case k == entropySum:
		return entropy32AVX512(&table512, &p[0], len(p), m, acc)
	default:
		return cross32AVX512(&table512, &p[0], &q[0], len(p), m, acc)
	}
}

// vectorApprox is vectorSum for KLApprox.
func vectorApprox(p, q []float64, acc *vectorSums) (done int) {
	return klApproxAVX512(&table512, &p[0], &q[0], len(p), acc)
}

// logitsVector adds elements to acc until it meets a block that it cannot take, and
// returns how many: ACCURACY.md [Z].
func logitsVector(v isa, k logitsKernel, a, b []float32, p *logitsPoint, acc *logitsSums) (done int) {
	if v == avx2 {
		return logitsVectorAVX2(k, a, b, p, acc)
	}
	switch k {
	case logitsSeries:
		return klLogitsNearAVX512(&tableLogits, &a[0], &b[0], len(a), p, acc)
	case logitsMixed:
		return klLogitsMixedAVX512(&tableLogits, &a[0], &b[0], len(a), p, acc)
	}
	return klLogitsWideAVX512(&tableLogits, &a[0], &b[0], len(a), p, acc)
}

// surveyLogitsVector takes whole vectors into the extremes.
func surveyLogitsVector(v isa, a, b []float32, e *logitsExtremes) (special bool) {
	if v == avx2 {
		return surveyLogitsAVX2(&a[0], &b[0], len(a), e)
	}
	return surveyLogitsAVX512(&a[0], &b[0], len(a), e)
}

// approxLogitsVector adds up whole vectors, weights times 2^scale.
func approxLogitsVector(v isa, a, b []float32, scale int, acc *[3][8]float64) {
	if v == avx2 {
		p := powersOf(scale)
		klLogitsApproxAVX2(&tableLogitsAVX2, &a[0], &b[0], len(a), &p, acc)
		return
	}
	var table [32]float32
	for j := range table {
		table[j] = float32(math.Ldexp(powers[2*j].h, scale))
	}
	klLogitsApproxAVX512(&tableLogits, &a[0], &b[0], len(a), &table, acc)
}
