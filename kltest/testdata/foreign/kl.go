// Package foreign is somebody else's.
package foreign

import (
	"errors"
	"math"
)

// KL returns the divergence of P from Q. It refuses what is no pair of
// measures.
func KL(p, q []float64) (float64, error) {
	if len(p) != len(q) {
		return 0, errors.New("foreign: different lengths")
	}
	sum := 0.0
	for _, x := range [][]float64{p, q} {
		for _, v := range x {
			if math.IsNaN(v) {
				sum = v
			}
		}
	}
	if math.IsNaN(sum) {
		return sum, nil
	}
	for i := range p {
		if p[i] < 0 || q[i] < 0 || math.IsInf(p[i], 1) || math.IsInf(q[i], 1) {
			return 0, errors.New("foreign: a weight is negative or infinite")
		}
		if p[i] > 0 {
			sum += p[i] * (log(p[i]) - log(q[i]))
		}
	}
	return sum, nil
}

// log is math.Log, which on amd64 is wrong for subnormal numbers.
func log(x float64) float64 {
	if 0 < x && x < 0x1p-1022 {
		return math.Log(x*0x1p54) - 54*math.Ln2
	}
	return math.Log(x)
}
