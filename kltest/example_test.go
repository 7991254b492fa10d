package kltest_test

import (
	"fmt"
	"math"
	"testing"

	"klconf/kltest"
)

// KL is the function under test.
func KL(p, q []float64) float64 {
	if len(p) != len(q) {
		panic("KL: slice length mismatch")
	}
	sum, nan := 0.0, false
	for i := range p {
		if p[i] > 0 {
			sum += p[i] * (log(p[i]) - log(q[i]))
		}
		nan = nan || !(p[i] >= 0 && q[i] >= 0 && p[i]+q[i] < math.Inf(1))
	}
	if nan {
		return math.NaN()
	}
	return sum
}

// log is math.Log, which on amd64 is wrong for subnormal numbers.
func log(x float64) float64 {
	if 0 < x && x < 0x1p-1022 {
		return math.Log(x*0x1p54) - 54*math.Ln2
	}
	return math.Log(x)
}

// testKL is called TestKL in a file of your own.
func testKL(t *testing.T) {
	kltest.Run(t, kltest.Func(KL), kltest.Convention(`{"complete":true}`))
}

// A function and its test. What it does on purpose and what fails today is
// said by options.
func Example() {
	fmt.Printf("%.4f\n", KL([]float64{.5, .5}, []float64{.25, .75}))
	// Output: 0.1438
}
