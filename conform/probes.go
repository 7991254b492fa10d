package conform

import (
	"math"

	"klconf/conform/judge"
	"klconf/spec"
)

// pairPQ is the input of a probe.
type pairPQ struct{ p, q []float64 }

var (
	// Generic inputs, far from every threshold that anybody clips at. Their
	// lengths differ, so that a mean is no scale.
	pmfProbes = []pairPQ{
		{[]float64{.25, .5, .25}, []float64{.5, .125, .375}},
		{[]float64{.5, .25, .125, .125}, []float64{.125, .125, .25, .5}},
		{[]float64{.125, .25, .125, .25, .25}, []float64{.25, .125, .25, .25, .125}},
	}
	measureProbes = []pairPQ{
		{[]float64{.25, .5}, []float64{.125, .25}},
		{[]float64{.5, .75}, []float64{.875, .25}},
	}
	// Inputs that meet thresholds: zeros, small numbers, numbers above 1.
	zeroQ      = pairPQ{[]float64{.5, .5}, []float64{1, 0}}
	zeroP      = pairPQ{[]float64{0, 1}, []float64{.5, .5}}
	zeroZero   = pairPQ{[]float64{.5, .5, 0}, []float64{.25, .75, 0}}
	stepProbes = []pairPQ{
		zeroQ,
		{[]float64{1, 0}, []float64{0, 1}},
		zeroP,
		{[]float64{.5, .5}, []float64{0x1p-10, 1}},
		{[]float64{.5, .5}, []float64{0x1p-20, 1}},
		{[]float64{0x1p-10, 1}, []float64{.5, .5}},
		{[]float64{0x1p-14, 1}, []float64{1, 0x1p-14}},
		{[]float64{2, 8}, []float64{1, 9}},
		zeroZero,
	}
	// The same, below the range of float16.
	tinyProbes = []pairPQ{
		{[]float64{.5, .5}, []float64{0x1p-40, 1}},
		{[]float64{.5, .5}, []float64{0x1p-60, 1}},
		{[]float64{0x1p-40, 1}, []float64{1, 0x1p-40}},
		{[]float64{.5, .5}, []float64{0x1p-100, 1}},
	}
	// One small p by itself: what is added to a ratio or dropped with a small
	// p shows only here. A kernel that fails on such inputs is detected
	// without them.
	extremeProbes = []pairPQ{
		{[]float64{0x1p-40}, []float64{1}},
		{[]float64{0x1p-60}, []float64{1}},
		{[]float64{0x1p-40}, []float64{0x1p-8}},
		{[]float64{0x1p-40}, []float64{0x1p8}},
		{[]float64{0x1p-126}, []float64{1}},
		{[]float64{0x1p-1022}, []float64{1}},
	}
	// Inputs whose answers depend on a threshold smoothly: q = 0, and for what
	// shows only at small p, a p below it.
	anchors   = []pairPQ{zeroQ, {[]float64{0x1p-126}, []float64{1}}, {[]float64{0x1p-1022}, []float64{1}}}
	nanProbes = []pairPQ{
		{[]float64{math.NaN(), .5, .25}, []float64{.5, .25, .25}},
		{[]float64{.5, .25, .25}, []float64{.25, math.NaN(), .125}},
	}
	negativeProbes = []pairPQ{
		{[]float64{-.25, 1.25}, []float64{.5, .5}},
		{[]float64{.5, .5}, []float64{-.25, 1.25}},
		{[]float64{-.25, 1.25}, []float64{-.5, 1.5}},
	}
	infiniteProbes = []pairPQ{
		{[]float64{math.Inf(1), .5}, []float64{.5, .5}},
		{[]float64{.5, .5}, []float64{math.Inf(1), .5}},
		{[]float64{math.Inf(1), .5}, []float64{math.Inf(1), .5}},
	}
	emptyProbes    = []pairPQ{{[]float64{}, []float64{}}}
	mismatchProbes = []pairPQ{
		{[]float64{.5, .5}, []float64{.25, .5, .25}},
		{[]float64{.25, .5, .25}, []float64{.5, .5}},
		{[]float64{1}, []float64{.25, .5, .25}},
		{[]float64{.25, .5, .25}, []float64{1}},
	}
)

// subnormalProbes meet the least subnormal of the format.
func subnormalProbes(d spec.DType) []pairPQ {
	least := d.Widen(1)
	return []pairPQ{
		{[]float64{.5, .5}, []float64{least, 1}},
		{[]float64{.5, .5}, []float64{512 * least, 1}},
	}
}

// thresholds is the committed list that a detected threshold snaps to: 1e-4 …
// 1e-16 as float64 and rounded to the format, and eps and least normal of
// each format.
func thresholds(d spec.DType) []float64 {
	list := []float64{0x1p-52, 0x1p-23, 0x1p-10, 0x1p-7, 0x1p-53, 0x1p-24, 0x1p-1022, 0x1p-126, 0x1p-14}
	for _, x := range []float64{1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16} {
		list = append(list, x)
		if y := d.Widen(judge.Bits(d, x)); y != x && y > 0 {
			list = append(list, y)
		}
	}
	return list
}

var unit, nothing = spec.Threshold{All: "1"}, spec.Threshold{All: "0"}

// stepFamilies are the shapes of what real libraries do, the commonest
// first; each is a function of one threshold.
var stepFamilies = []func(spec.Threshold) []spec.Step{
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "clamp", Of: "both", In: "both", Lo: &v, Hi: &unit}}
	},
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "clamp", Of: "both", In: "both", Lo: &v}}
	},
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "clamp", Of: "q", In: "both", Lo: &v}}
	},
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "clamp", Of: "q", In: "both", Lo: &v, Hi: &unit}}
	},
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "clamp", Of: "both", In: "log", Lo: &v, Hi: &unit}}
	},
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "clamp", Of: "both", In: "log", Lo: &v}}
	},
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "add", Of: "both", In: "log", Value: &v}}
	},
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "add", Of: "both", In: "both", Value: &v}}
	},
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "add", Of: "q", In: "both", Value: &v}}
	},
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "add", Of: "p", In: "log", Value: &v}}
	},
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "replace", Of: "q", AtOrBelow: &nothing, Value: &v}}
	},
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "replace", Of: "both", AtOrBelow: &nothing, Value: &v}}
	},
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "add_ratio", Value: &v}}
	},
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "drop_term", Where: "p", AtOrBelow: &v}}
	},
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "drop_term", Where: "q", AtOrBelow: &v}}
	},
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "drop_term", Where: "p", AtOrBelow: &v}, {Do: "drop_term", Where: "q", AtOrBelow: &v}}
	},
	func(v spec.Threshold) []spec.Step {
		return []spec.Step{{Do: "drop_term", Where: "p", AtOrBelow: &v}, {Do: "clamp", Of: "q", In: "both", Lo: &v}}
	},
}
