package spec

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// A DType names the format of one element of an Array.
type DType string

// The element formats of the protocol.
const (
	F64    DType = "f64"    // IEEE 754 binary64
	F32    DType = "f32"    // IEEE 754 binary32
	F16    DType = "f16"    // IEEE 754 binary16
	BF16   DType = "bf16"   // the high half of a binary32
	F8E4M3 DType = "f8e4m3" // OCP 8-bit float, no infinities, one NaN a sign
	F8E5M2 DType = "f8e5m2" // OCP 8-bit float, the high half of a binary16
	U8     DType = "u8"
	I32    DType = "i32"
	I64    DType = "i64"
)

// DTypes lists every element format.
var DTypes = []DType{F64, F32, F16, BF16, F8E4M3, F8E5M2, U8, I32, I64}

// Size returns the bytes of one element, 0 for an unknown format.
func (d DType) Size() int {
	switch d {
	case F64, I64:
		return 8
	case F32, I32:
		return 4
	case F16, BF16:
		return 2
	case F8E4M3, F8E5M2, U8:
		return 1
	}
	return 0
}

// Float reports whether d is a floating-point format.
func (d DType) Float() bool {
	switch d {
	case F64, F32, F16, BF16, F8E4M3, F8E5M2:
		return true
	}
	return false
}

// ResultDType is the format of an answer to a question in format d when
// nothing else was asked for: the format of the inputs, and f32 for the
// formats narrower than that.
func (d DType) ResultDType() DType {
	switch d {
	case F16, BF16, F8E4M3, F8E5M2:
		return F32
	}
	return d
}

// An Array is a named buffer: raw little-endian bits with a format and a
// shape. The empty shape is a scalar.
type Array struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
}

// Len returns the number of elements that the shape announces.
func (a Array) Len() int {
	n := 1
	for _, d := range a.Shape {
		n *= d
	}
	return n
}

// Check returns an error unless the format is known, the shape is not
// negative and the data has exactly the announced length.
func (a Array) Check() error {
	size := a.DType.Size()
	if size == 0 {
		return fmt.Errorf("buffer %q: unknown dtype %q; known: %v", a.Name, a.DType, DTypes)
	}
	n := 1
	for _, d := range a.Shape {
		if d < 0 {
			return fmt.Errorf("buffer %q: shape %v has a negative dimension", a.Name, a.Shape)
		}
		if d > 0 && n > math.MaxInt/8/d {
			return fmt.Errorf("buffer %q: shape %v is too large", a.Name, a.Shape)
		}
		n *= d
	}
	if want := n * size; len(a.Data) != want {
		return fmt.Errorf("buffer %q: shape %v of %s needs %d bytes, got %d", a.Name, a.Shape, a.DType, want, len(a.Data))
	}
	return nil
}

// Clone returns a copy that shares no memory with a.
func (a Array) Clone() Array {
	a.Shape = append([]int(nil), a.Shape...)
	a.Data = append([]byte(nil), a.Data...)
	return a
}

// Bits returns the bit pattern of element i.
func (a Array) Bits(i int) uint64 {
	switch a.DType.Size() {
	case 8:
		return binary.LittleEndian.Uint64(a.Data[8*i:])
	case 4:
		return uint64(binary.LittleEndian.Uint32(a.Data[4*i:]))
	case 2:
		return uint64(binary.LittleEndian.Uint16(a.Data[2*i:]))
	}
	return uint64(a.Data[i])
}

// SetBits sets the bit pattern of element i.
func (a Array) SetBits(i int, bits uint64) {
	switch a.DType.Size() {
	case 8:
		binary.LittleEndian.PutUint64(a.Data[8*i:], bits)
	case 4:
		binary.LittleEndian.PutUint32(a.Data[4*i:], uint32(bits))
	case 2:
		binary.LittleEndian.PutUint16(a.Data[2*i:], uint16(bits))
	default:
		a.Data[i] = byte(bits)
	}
}

// Float returns element i of a floating-point array; every format widens to
// float64 exactly. It panics for an integer format.
func (a Array) Float(i int) float64 { return a.DType.Widen(a.Bits(i)) }

// Floats returns all elements, widened exactly.
func (a Array) Floats() []float64 {
	x := make([]float64, a.Len())
	for i := range x {
		x[i] = a.Float(i)
	}
	return x
}

// Widen returns the value of a bit pattern of format d, exactly. It panics
// for an integer format.
func (d DType) Widen(bits uint64) float64 {
	switch d {
	case F64:
		return math.Float64frombits(bits)
	case F32:
		return float64(math.Float32frombits(uint32(bits)))
	case BF16:
		return float64(math.Float32frombits(uint32(bits) << 16))
	case F16:
		return widen(bits, 5, 10, true)
	case F8E5M2:
		return widen(bits, 5, 2, true)
	case F8E4M3:
		return widen(bits, 4, 3, false)
	}
	panic("spec: " + string(d) + " is not a floating-point format")
}

// widen decodes a small binary format. Without infinities (E4M3) only the
// all-ones pattern is NaN and the top exponent holds ordinary numbers.
func widen(bits uint64, ebits, mbits uint, inf bool) float64 {
	m := bits & (1<<mbits - 1)
	e := int(bits >> mbits & (1<<ebits - 1))
	bias := 1<<(ebits-1) - 1
	top := 1<<ebits - 1
	sign := 1.0
	if bits>>(ebits+mbits)&1 != 0 {
		sign = -1
	}
	switch {
	case e == top && inf && m == 0:
		return math.Inf(int(sign))
	case e == top && (inf || m == 1<<mbits-1):
		return math.NaN()
	case e == 0:
		return math.Copysign(math.Ldexp(float64(m), 1-bias-int(mbits)), sign)
	}
	return sign * math.Ldexp(float64(m|1<<mbits), e-bias-int(mbits))
}

// NewArray returns an array of zeros.
func NewArray(name string, d DType, shape ...int) Array {
	a := Array{Name: name, DType: d, Shape: append([]int{}, shape...)}
	a.Data = make([]byte, a.Len()*d.Size())
	return a
}

// Float64s returns x as a one-dimensional array.
func Float64s(name string, x []float64) Array {
	a := NewArray(name, F64, len(x))
	for i, v := range x {
		a.SetBits(i, math.Float64bits(v))
	}
	return a
}

// Float32s returns x as a one-dimensional array.
func Float32s(name string, x []float32) Array {
	a := NewArray(name, F32, len(x))
	for i, v := range x {
		a.SetBits(i, uint64(math.Float32bits(v)))
	}
	return a
}

// FromBits returns a one-dimensional array of the given bit patterns.
func FromBits(name string, d DType, bits []uint64) Array {
	a := NewArray(name, d, len(bits))
	for i, b := range bits {
		a.SetBits(i, b)
	}
	return a
}

// Scalar returns a scalar array of one bit pattern.
func Scalar(name string, d DType, bits uint64) Array {
	a := NewArray(name, d)
	a.SetBits(0, bits)
	return a
}

// HexBits writes a bit pattern of format d as the protocol's hexadecimal
// word: fixed width, most significant digit first.
func HexBits(d DType, bits uint64) string { return fmt.Sprintf("%0*x", 2*d.Size(), bits) }

// Words returns the elements as HexBits writes them.
func (a Array) Words() []string {
	w := make([]string, a.Len())
	for i := range w {
		w[i] = HexBits(a.DType, a.Bits(i))
	}
	return w
}

// Decimal writes x for people: the shortest decimal that reads back as the
// same float64, "-0" for the negative zero.
func Decimal(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
