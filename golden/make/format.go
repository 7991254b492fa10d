package main

import (
	"fmt"
	"math"
	"sort"

	"klconf/spec"
)

// A format gives the edges of a floating-point format, for tables that are
// written once for several of them.
type format struct {
	d         spec.DType
	precision int     // bits of the significand
	eta       float64 // least subnormal
	normal    float64 // least normal
	max       float64 // largest finite
}

var (
	f64  = format{spec.F64, 53, 0x1p-1074, 0x1p-1022, 0x1.fffffffffffffp+1023}
	f32  = format{spec.F32, 24, 0x1p-149, 0x1p-126, 0x1.fffffep+127}
	f16  = format{spec.F16, 11, 0x1p-24, 0x1p-14, 0x1.ffcp+15}
	bf16 = format{spec.BF16, 8, 0x1p-133, 0x1p-126, 0x1.fep+127}
)

var formats = map[spec.DType]format{spec.F64: f64, spec.F32: f32, spec.F16: f16, spec.BF16: bf16, spec.F8E4M3: e4m3, spec.F8E5M2: e5m2}

// subnormal is the largest subnormal.
func (f format) subnormal() float64 { return f.normal - f.eta }

// eps is the distance from 1 to the next larger number.
func (f format) eps() float64 { return math.Ldexp(1, 1-f.precision) }

// short is the name as it stands in ids.
func (f format) short() string { return string(f.d) }

// encode returns the bits of x, which must be a number of the format: the
// tables hold values chosen in it, and nothing is rounded here.
func (f format) encode(x float64) (uint64, error) {
	if math.IsNaN(x) {
		return f.nan(), nil
	}
	var bits uint64
	switch f.d {
	case spec.F64:
		return math.Float64bits(x), nil
	case spec.F32:
		bits = uint64(math.Float32bits(float32(x)))
	case spec.BF16:
		bits = uint64(math.Float32bits(float32(x)) >> 16)
	default:
		// The positive patterns are in the order of the numbers.
		size := 8 * f.d.Size()
		top := (1<<(size-f.precision) - 1) << (f.precision - 1) // of infinity
		if f.d == spec.F8E4M3 {
			top = int(f.nan())
		}
		bits = uint64(sort.Search(top, func(i int) bool { return f.d.Widen(uint64(i)) >= math.Abs(x) }))
		if math.Signbit(x) {
			bits |= 1 << (size - 1)
		}
	}
	if y := f.d.Widen(bits); y != x {
		return 0, fmt.Errorf("%x is not a number of %s", x, f.d)
	}
	return bits, nil
}

// nan is the quiet NaN without a payload. Other NaNs are given as bits.
func (f format) nan() uint64 {
	switch f.d {
	case spec.F32:
		return 0x7fc00000
	case spec.F16:
		return 0x7e00
	case spec.BF16:
		return 0x7fc0
	case spec.F8E4M3:
		return 0x7f // the only one
	case spec.F8E5M2:
		return 0x7e
	}
	return 0x7ff8000000000000
}

var (
	nan     = math.NaN()
	inf     = math.Inf(1)
	negInf  = math.Inf(-1)
	negZero = math.Copysign(0, -1)
)
