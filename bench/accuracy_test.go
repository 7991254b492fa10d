package bench

import (
	"math"
	"strings"
	"testing"

	"klconf/spec"
)

func TestWriteAccuracy(t *testing.T) {
	r := spec.Report{
		Suite:          spec.Suite{Version: "0.1.0", Vectors: "0.2", Mode: "quick", Seed: 1},
		Implementation: spec.Subject{ID: "scipy/stats entropy"},
		Accuracy: []spec.Accuracy{
			{Stratum: "near-equal", DType: spec.F64, N: 12, ULPMax: math.MaxFloat64, ULPMedian: 0.1, CondMax: 1. / 3},
			{Stratum: "generic", DType: spec.F32, N: 7, ULPMax: 0.5},
		},
	}
	var b strings.Builder
	if err := WriteAccuracy(&b, []spec.Report{r}); err != nil {
		t.Fatal(err)
	}
	want := `Unit ulp-max better=lower assume=exact
Unit ulp-median better=lower assume=exact
Unit cond-max better=lower assume=exact
suite: klconf 0.1.0, vectors 0.2, quick, seed 1
BenchmarkAccuracy/impl=scipy:stats_entropy/stratum=near-equal/dtype=f64	12	+Inf ulp-max	0.1 ulp-median	0.3333333333333333 cond-max
BenchmarkAccuracy/impl=scipy:stats_entropy/stratum=generic/dtype=f32	7	0.5 ulp-max	0 ulp-median	0 cond-max
`
	if b.String() != want {
		t.Errorf("%s\nwant\n%s", b.String(), want)
	}
}
