//go:build !purego

package impl

import "math"

//go:generate go run -C _asm . -isa avx2
//go:generate go run -C _asm . -isa logits2

// tableAVX2 is what the AVX2 kernels read.
var tableAVX2 = func() (t constantsAVX2) {
	for i := range 4 {
		t.half[i], t.mask[i] = 1<<43, 0xfffff<<44
		t.exponent[i], t.bias[i] = math.Float64bits(0x1p52), 0x1p52+1023
		t.halfWindow[i] = 1 << 48
		t.abs[i] = 1<<63 - 1
		t.ln2Hi[i], t.ln2Lo[i] = fineLn2.hi, fineLn2.lo
		t.one[i], t.two[i] = 1, 2
		t.w0[i], t.w1[i] = w0, w1
		t.fifth[i], t.seventh[i], t.ninth[i] = 1.0/5, 1.0/7, 1.0/9
		t.thirdHi[i], t.thirdLo[i] = thirdHi, thirdLo
	}
	t.logs = fineOctave
	for i := range 8 {
		t.first[i], t.outside[i] = uint32(math.Float64bits(0x1p-400)>>32), 7<<29
		t.drift[i] = 0x7fff << 17
		t.tail[i] = math.MaxUint64
	}
	return t
}()

// vectorSumAVX2 is vectorSum by the AVX2 kernels.
func vectorSumAVX2(k kind, t Tier, p, q []float64, m float64, acc *vectorSums) (done int) {
	switch {
	case k == klSum && t == TierOne:
		return klTier1AVX2(&tableAVX2, &p[0], &q[0], len(p), m, acc)
	case k == klSum:
		return klTier2AVX2(&tableAVX2, &p[0], &q[0], len(p), m, acc)
	case k == entropySum:
		return entropyAVX2(&tableAVX2, &p[0], len(p), m, acc)
	default:
		return crossAVX2(&tableAVX2, &p[0], &q[0], len(p), m, acc)
	}
}

// vectorSum32AVX2 is vectorSum32 by the AVX2 kernels, of which none is for TierSingle.
func vectorSum32AVX2(k kind, t Tier, p, q []float32, m float64, acc *vectorSums) (done int) {
	switch {
	case t == TierSingle:
		return 0
	case k == klSum && t == TierOne:
		return klTier132AVX2(&tableAVX2, &p[0], &q[0], len(p), m, acc)
	case k == klSum:
		return klTier232AVX2(&tableAVX2, &p[0], &q[0], len(p), m, acc)
	case k == entropySum:
		return entropy32AVX2(&tableAVX2, &p[0], len(p), m, acc)
	default:
		return cross32AVX2(&tableAVX2, &p[0], &q[0], len(p), m, acc)
	}
}

// logitsVectorAVX2 is logitsVector by the AVX2 kernels.
func logitsVectorAVX2(k logitsKernel, a, b []float32, p *logitsPoint, acc *logitsSums) (done int) {
	switch k {
	case logitsSeries:
		return klLogitsNearAVX2(&tableLogitsAVX2, &a[0], &b[0], len(a), p, acc)
	case logitsMixed:
		return klLogitsMixedAVX2(&tableLogitsAVX2, &a[0], &b[0], len(a), p, acc)
	}
	return klLogitsWideAVX2(&tableLogitsAVX2, &a[0], &b[0], len(a), p, acc)
}
