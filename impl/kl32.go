package impl

import "math"

// single adds the elements of a float32 KL to s as plain float64, the error being
// [S]. It stops at an element that is not an ordinary term and returns its index.
//
// With c, d, s and z as in tier1, x ln(x/y) = x·(e ln 2 + ln c − 2 atanh s).
func single(p, q []float32, s *sums) (done int) {
	q = q[:len(p)]
	for done < len(p) {
		n := min(len(p)-done, block)
		ps, qs := p[done:][:n], q[done:][:n]
		var sum, mass float64
		for i, x32 := range ps {
			xb, yb := math.Float32bits(x32), math.Float32bits(qs[i])
			// Normal numbers are widened by hand: the bits are needed anyway, and
			// CVTSS2SD depends on what its destination held before.
			xw, yw := uint64(xb)<<29+896<<52, uint64(yb)<<29+896<<52
			if xb-first32 >= span32 || yb-first32 >= span32 {
				if xb<<1 == 0 && (yb < inf32Bits || yb == 1<<31) {
					continue
				}
				if xb-1 >= inf32Bits-1 || yb-1 >= inf32Bits-1 {
					return done + i
				}
				xw, yw = math.Float64bits(float64(x32)), math.Float64bits(float64(qs[i]))
			}
			e := int64(xw-yw+1<<51) >> 52
			x, y := math.Float64frombits(xw), math.Float64frombits(yw+uint64(e)<<52)
			t := x/y + toCell
			c := t - toCell
			cell := &cells[math.Float64bits(t)%uint64(len(cells))]
			d := float64(c*y) - x // exact: c·y has 33 bits

			f := float64(e)
			lh := float64(f*ln2Hi) + cell.hi // exact
			ll := float64(f*ln2Lo) + cell.lo
			sv := d / ((x + x) + d)
			z := float64(sv * sv)
			v := float64(sv * (2 + float64(z*(2.0/3+float64(z*(2.0/5)))))) // 2 atanh s
			a := float64(x * (lh - (v - ll)))
			sum += a
			mass += math.Abs(a)
		}
		s.add(sum)
		s.mass += mass
		done += n
	}
	return done
}

// Bits of float32: the infinity, the least normal number, and the span between them.
const (
	inf32Bits = 0xff << 23
	first32   = 1 << 23
	span32    = inf32Bits - first32
)

// singleError bounds the relative error of Σ|x ln(x/y)| in single [S].
const singleError = (block + 13) * u

// solveKL32 is solve32 of KL with a cheaper tier in front.
func solveKL32(p, q []float32, v isa) (float32, Tier) {
	var s sums
	if s.single(p, q, v) {
		if v, ok := certify32(s.pair(0)); ok {
			return v, TierSingle
		}
	}
	return solve32(klSum, p, q, v)
}

// single adds up a float32 KL in plain float64, ok if all its elements were ordinary.
func (s *sums) single(p, q []float32, v isa) (ok bool) {
	for len(p) > 0 {
		n := 0
		if v != noVectors && len(p) >= vectorLeast {
			n = s.singleVectors(p, q, v)
		}
		if n == 0 {
			if n = len(p); v != noVectors {
				n = min(n, vectorBlock)
			}
			before := s.mass
			if single(p[:n], q[:n], s) != n {
				return false
			}
			s.slack += singleError * (s.mass - before) * (1 + 0x1p-20)
		}
		p, q = p[n:], q[n:]
	}
	return true
}
