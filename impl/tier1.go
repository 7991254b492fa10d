package impl

import "math"

// block is the number of lanes whose low parts and φ are summed in plain float64.
// The error bounds grow with it, the cost of adding up the blocks falls.
const block = 32

// A lane is a pair (x, y) and contributes x·ln(x/y). The kernels take lanes
// with x in [minLane, maxLane) and y normal, so that nothing underflows or
// overflows [A1], and x = 0 ≤ y < ∞, which contributes nothing.
const (
	minLane = 0x1p-800
	maxLane = 0x1p970

	firstX  = (1023 - 800) << 52      // bits of minLane
	spanX   = (1023+970)<<52 - firstX // to the bits of maxLane
	firstY  = 1 << 52                 // bits of the least normal number
	spanY   = infBits - firstY        // to the bits of +Inf
	infBits = 0x7ff << 52
)

// isZeroLane reports x = 0 ≤ y < ∞ from the bits of x and y.
func isZeroLane(x, y uint64) bool {
	return x<<1 == 0 && (y < infBits || y == 1<<63)
}

// tier1 adds lanes to s, in whole blocks, until it meets one that it cannot take,
// and returns how many it added. The error is [A6]–[A9] with [B] for φ.
//
// With e such that y' = y·2^e is within a factor 3/2 of x, c the multiple of 2⁻⁸
// nearest to x/y', and d = c·y' − x, which is exact [A3],
//
//	x ln(x/y) = x·L − d + φ,   L = e ln 2 + ln c,   φ = d − x log1p(d/x) ≥ 0.
//
// The first two terms are added without error but for the part of L below 2⁻⁴⁰.
// With s = d/(2x+d) and z = s², φ = ds − (d − ds)·z·W(z), W(z) = 1/3 + z/5 + …
func tier1(x, y []float64, s *sums) (done int) {
	y = y[:len(x)]
	for done < len(x) {
		n := min(len(x)-done, block)
		xs, ys := x[done:][:n], y[done:][:n]
		var sum, low, mass, phi float64
		for i, x := range xs {
			xb, yb := math.Float64bits(x), math.Float64bits(ys[i])
			if xb-firstX >= spanX || yb-firstY >= spanY {
				if isZeroLane(xb, yb) {
					continue
				}
				return done
			}
			e := int64(xb-yb+1<<51) >> 52
			y := math.Float64frombits(yb + uint64(e)<<52)
			t := x/y + toCell
			c := t - toCell
			cell := &cells[math.Float64bits(t)%uint64(len(cells))]
			d := math.FMA(c, y, -x)

			f := float64(e)
			lh := float64(f*ln2Hi) + cell.hi // exact
			ll := float64(f*ln2Lo) + cell.lo

			// sum + (errors) = sum + x·lh − d.
			xl := float64(x * lh)
			r := math.FMA(x, lh, -xl)
			a := xl - d
			r += (xl - a) - d
			next := sum + a
			v := next - sum
			r2 := (sum - (next - v)) + (a - v)
			sum = next
			low += r + (r2 + float64(x*ll))
			mass += math.Abs(a)

			sv := d / ((x + x) + d)
			z := float64(sv * sv)
			w := float64(z*w1) + w0
			ds := float64(d * sv)
			phi += ds - float64((d-ds)*float64(z*w))
		}
		s.add(sum)
		s.add(low + phi)
		s.phi += phi
		s.mass += mass
		s.far += mass
		done += n
	}
	return done
}

// phiError1 bounds the relative error of Σφ in tier1 [B5].
const phiError1 = (block + 6) * u
