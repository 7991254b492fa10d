package impl

// KLApprox returns [KL] approximately: in plain float64, without a rounding test. Its
// error is at most
//
//	2⁻⁴⁸·Σ p[i] + 72·2⁻⁵³·Σ p[i]·(|ln(p[i]/q[i])| + 1)
//
// and mostly far less: of 1000 or more elements that differ by a tenth or more, a few
// units in the last place of Σ p[i]·|ln(p[i]/q[i])|, which TestApprox measures. The bits
// depend on the backend. Where the terms cancel, as in nearly equal vectors, few digits
// may be right, and the sign may be wrong. Special cases are those of [KL]; so is the
// value of weights beyond 2⁻⁴⁰⁰ … 2¹¹².
func KLApprox(p, q []float64) float64 { return current.Load().KLApprox(p, q) }

// KLApprox is [KLApprox] by this backend.
func (b *Backend) KLApprox(p, q []float64) float64 {
	sameLength("KLApprox", len(p), len(q))
	if b == &exactBackend || b.isa == avx2 { // which have no kernel for it
		return b.KL(p, q)
	}
	s := batch{tier: TierOne}
	for i := 0; i < len(p); {
		n := 0
		if b.isa != noVectors && len(p)-i >= vectorLeast {
			var acc vectorSums
			n = vectorApprox(p[i:min(len(p), i+vectorMost)], q[i:], &acc)
			high, low := acc.pair()
			s.add(high)
			s.add(low)
		}
		if n == 0 {
			if n = len(p) - i; b.isa != noVectors {
				n = min(n, vectorBlock)
			}
			if s.plain(klSum, p[i:][:n], q[i:][:n]) != regular {
				return b.KL(p, q)
			}
		}
		i += n
	}
	s.flush()
	h, l, _ := s.result(klSum)
	return h + l
}
