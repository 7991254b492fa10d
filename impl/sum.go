package impl

import "math"

// Go may fuse x*y + z into one rounding, on some architectures and not on others.
// Wherever the number of roundings matters, this package writes float64(x*y) + z
// for two and math.FMA for one.

// u is the unit roundoff of float64.
const u = 0x1p-53

// twoSum returns s = RN(a + b) and e with s + e = a + b exactly.
func twoSum(a, b float64) (s, e float64) {
	s = a + b
	t := s - a
	return s, (a - (s - t)) + (b - t)
}

// sums is what a tier knows of a sum of lanes.
type sums struct {
	h, m, l float64 // the sum, unevaluated; the rounding errors of h are in m, those of m in l
	adds    int     // calls of add

	// What the error bound is made of, each a plain sum of numbers ≥ 0.
	phi   float64 // Σ φ
	mass  float64 // Σ |a|, and what else was added
	far   float64 // Σ x·(|e|+1) over the lanes with L ≠ 0 is at most 513.6 times this [A6]
	slack float64 // a bound on what was left out
}

// add adds x with an error in l alone [A9].
func (s *sums) add(x float64) {
	var e float64
	s.h, e = twoSum(s.h, x)
	s.m, e = twoSum(s.m, e)
	s.l += e
	s.adds++
}

// addExtra adds a correction term, which the bound counts as mass.
func (s *sums) addExtra(x float64) {
	s.add(x)
	s.mass += math.Abs(x)
}

// pair returns the sum as h + l with |h + l − Σ| ≤ err, where c bounds the relative
// error of Σφ [A10].
func (s *sums) pair(c float64) (h, l, err float64) {
	const (
		cFar  = (block + 6) * 0x1p-85             // [A6], [A7]
		cMass = (block + 2) * (block + 5) * u * u // [A7]
	)
	g := float64(s.adds) * u
	err = c*s.phi + cFar*s.far + cMass*s.mass + 1.1*g*g*g*(s.mass+s.phi) + s.slack
	err *= 1.002 // [A10]

	h, e := twoSum(s.h, s.m)
	low := e + s.l
	h, l = twoSum(h, low)
	return h, l, err + 0x1p-50*math.Abs(low)
}

// certify64 returns RN(x) if all reals x with |x − (h + l)| ≤ err, err
// widened as pair does, round to the same float64 [A11].
func certify64(h, l, err float64) (v float64, ok bool) {
	lo, hi := h+(l-err), h+(l+err)
	if lo == 0 {
		lo = 0 // not −0
	}
	return lo, lo == hi
}

// certify32 is certify64 for float32. The sums h + (l ± err) are themselves rounded, so
// they are first moved outwards [A12].
func certify32(h, l, err float64) (v float32, ok bool) {
	pad := 0x1p-51 * math.Abs(h)
	lo, hi := float32(h+(l-err)-pad), float32(h+(l+err)+pad)
	if lo == 0 {
		lo = 0
	}
	return lo, lo == hi
}
