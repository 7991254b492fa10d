package exact

import "math"

type float interface{ float32 | float64 }

// KL returns Σ p·ln(p/q). Terms with p = 0 are 0. It panics if the lengths
// differ, if a weight is negative or not finite, or if p > 0 = q anywhere.
func KL[F float](p, q []F) *Form {
	return linear(p, q, func(add adder, p, q Num) { add(p, p, q) })
}

// Entropy returns -Σ p·ln p. Terms with p = 0 are 0. It panics if a weight is
// negative or not finite.
func Entropy[F float](p []F) *Form {
	one := Int(1)
	return linear(p, p, func(add adder, p, _ Num) { add(p, one, p) })
}

// CrossEntropy returns -Σ p·ln q. Terms with p = 0 are 0. It panics as KL does.
func CrossEntropy[F float](p, q []F) *Form {
	one := Int(1)
	return linear(p, q, func(add adder, p, q Num) { add(p, one, q) })
}

// JensenShannon returns ½Σ p·ln(p/m) + ½Σ q·ln(q/m) with the exact midpoint
// m = (p+q)/2. Terms with a zero factor are 0. It panics if the lengths
// differ or a weight is negative or not finite.
func JensenShannon[F float](p, q []F) *Form { return JensenShannonWeighted(p, q, 0.5) }

// JensenShannonWeighted returns βΣ p·ln(p/m) + (1-β)Σ q·ln(q/m) with the exact mixture
// m = βp + (1-β)q. It panics as JensenShannon does, and unless 0 ≤ β ≤ 1.
func JensenShannonWeighted[F float](p, q []F, beta float64) *Form {
	if !(beta >= 0 && beta <= 1) {
		panic("exact: a weight β that is not between 0 and 1")
	}
	b := Float(beta)
	c := Int(1).Sub(b)
	return linear(p, q, func(add adder, p, q Num) {
		m := b.Mul(p).Add(c.Mul(q))
		add(b.Mul(p), p, m)
		add(c.Mul(q), q, m)
	})
}

type adder func(a, b, c Num)

// linear builds a form in which every pair of weights contributes terms.
func linear[F float](p, q []F, each func(add adder, p, q Num)) *Form {
	if len(p) != len(q) {
		panic("exact: vectors of different lengths")
	}
	b := &block{terms: make([]term, 0, len(p))}
	add := func(x, y, z Num) {
		if x.isZero() {
			return
		}
		if y.isZero() || z.isZero() {
			panic("exact: logarithm of 0")
		}
		if y.Cmp(z) != 0 {
			b.terms = append(b.terms, term{x, y, z})
		}
	}
	for i := range p {
		each(add, weight(p[i]), weight(q[i]))
	}
	b.shared.Store(true)
	if len(b.terms) == 0 {
		return new(Form)
	}
	return &Form{groups: []group{{b: b}}}
}

func weight[F float](x F) Num {
	if !(x >= 0) || math.IsInf(float64(x), 1) {
		panic("exact: a weight that is negative or not finite")
	}
	return Float(float64(x))
}
