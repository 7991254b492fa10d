package conform

import (
	"maps"
	"math"
	"testing"

	"klconf/spec"
)

// Every error is counted once, in the power of two below it.
func TestSpread(t *testing.T) {
	got := spread([]float64{0, 1e-9, .25, .4999, .5, .9, 1, 3.99, 4, 1e300, math.MaxFloat64, math.Inf(1)})
	want := map[int]int{spec.LeastULPLog2: 2, -2: 2, -1: 2, 0: 1, 1: 1, 2: 1, 996: 1, spec.InfiniteULPLog2: 2}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
