package impl

import "math"

// tier2 is tier1 with s and φ in pairs of numbers. The error is [A6]–[A9]
// with [C] for φ.
func tier2(x, y []float64, s *sums) (done int) {
	y = y[:len(x)]
	for done < len(x) {
		n := min(len(x)-done, block)
		xs, ys := x[done:][:n], y[done:][:n]
		var sum, phi, low, mass, far float64
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

			xl := float64(x * lh)
			r := math.FMA(x, lh, -xl)
			a := xl - d
			r += (xl - a) - d
			sum2, r2 := twoSum(sum, a)
			sum = sum2
			mass += math.Abs(a)
			far += math.Abs(xl)

			// s = sh + sl from the exact remainder of the division [C1].
			dh := (x + x) + d
			dl := ((x + x) - dh) + d
			sh := d / dh
			sl := (math.FMA(-sh, dh, d) - float64(sh*dl)) / dh

			// ds = fh + fl [C2].
			fh := float64(d * sh)
			fl := math.FMA(d, sh, -fh) + float64(d*sl)

			// (d − ds)·z·W(z) = ds·g, g = s(1/3 + δ) = gh + gl [C3], [C4].
			z := float64(sh * sh)
			v := float64(z * (0.2 + float64(z*(1.0/7+float64(z*(1.0/9)))))) // z/5 + z²/7 + z³/9
			delta := float64(v*(1-sh)) - float64(sh*thirdHi)
			gh := float64(sh * thirdHi)
			gl := math.FMA(sh, thirdHi, -gh) + (float64(sh*thirdLo) + float64(sl*thirdHi))
			gl += float64(sh * delta)

			// φ = ds − ds·g [C5], [C6].
			ph := float64(fh * gh)
			pl := math.FMA(fh, gh, -ph) + (float64(fh*gl) + float64(fl*gh))
			b := fh - ph
			pl = ((fh - b) - ph) + (fl - pl)
			phi2, r3 := twoSum(phi, b)
			phi = phi2

			low += (r + (r2 + float64(x*ll))) + (r3 + pl)
		}
		s.add(sum)
		s.add(phi)
		s.add(low)
		s.phi += phi
		s.mass += mass
		s.far += far
		done += n
	}
	return done
}

// phiError2 bounds the relative error of Σφ in tier2 [C8].
const phiError2 = (1.2e-5 + (block+2)*7.5e-7) * u
