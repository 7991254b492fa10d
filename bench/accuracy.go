package bench

import (
	"bufio"
	"fmt"
	"io"
	"math"

	"klconf/spec"
)

// WriteAccuracy writes the errors of each stratum in the Go benchmark format, so that klconf
// gate can compare them with those of an earlier run: counted, not measured, and the less the
// better.
//
//	BenchmarkAccuracy/impl=scipy:stats.entropy/stratum=near-equal/dtype=f64 96 1.25 ulp-max 0.5 ulp-median 2 cond-max
//
// The iterations are the questions. An infinite error is +Inf.
func WriteAccuracy(w io.Writer, all []spec.Report) error {
	b := bufio.NewWriter(w)
	for _, unit := range []string{"ulp-max", "ulp-median", "cond-max"} {
		fmt.Fprintf(b, "Unit %s better=lower assume=exact\n", unit)
	}
	for _, r := range all {
		fmt.Fprintf(b, "suite: klconf %s, vectors %s, %s, seed %d\n", r.Suite.Version, r.Suite.Vectors, r.Suite.Mode, r.Suite.Seed)
		name := keyed(r.Implementation.ID)
		for _, a := range r.Accuracy {
			fmt.Fprintf(b, "BenchmarkAccuracy/impl=%s/stratum=%s/dtype=%s\t%d\t%s ulp-max\t%s ulp-median\t%s cond-max\n",
				name, a.Stratum, a.DType, a.N, exactly(a.ULPMax), exactly(a.ULPMedian), exactly(a.CondMax))
		}
	}
	return b.Flush()
}

// exactly writes a number that reads back as it is; what JSON has as the largest is infinite.
func exactly(x float64) string {
	if x >= math.MaxFloat64 {
		return "+Inf"
	}
	return fmt.Sprint(x)
}
