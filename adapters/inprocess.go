package adapters

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"unsafe"

	"klconf/spec"
)

// A Func is a function of float64 vectors. q is nil where the quantity has
// one array.
type Func func(p, q []float64) float64

// InProcess returns Go functions as an implementation: operations on float64
// vectors, without options. They see the memory of the question itself. A
// panic value for which refused names a kind is a deliberate refusal, any
// other panic goes on. A call is not interrupted when its context is done.
func InProcess(d spec.Description, ops map[spec.Op]Func, refused func(panicked any) (kind string)) spec.Implementation {
	d.Ops = slices.Sorted(maps.Keys(ops))
	d.DTypes = []spec.DType{spec.F64}
	d.Language = "Go"
	return &inProcess{d, ops, refused}
}

type inProcess struct {
	d       spec.Description
	ops     map[spec.Op]Func
	refused func(any) string
}

func (f *inProcess) Describe() spec.Description { return f.d }

// Prepare returns the call on the memory of the arrays.
func (f *inProcess) Prepare(r spec.Request) (func() float64, bool) {
	call, ok := f.ops[r.Op]
	quantity, _, _, _ := r.Op.Split()
	if !ok || !plain(r.Options) || len(r.Arrays) != quantity.Arity() {
		return nil, false
	}
	var x [2][]float64
	for i, b := range r.Arrays {
		if b.DType != spec.F64 || len(b.Shape) != 1 {
			return nil, false
		}
		x[i] = float64s(b)
	}
	return func() float64 { return call(x[0], x[1]) }, true
}

func (f *inProcess) Answer(_ context.Context, r spec.Request) (a spec.Answer) {
	unsupported := func(format string, args ...any) spec.Answer {
		return spec.Answer{Status: spec.Unsupported, Message: fmt.Sprintf(format, args...)}
	}
	call, ok := f.ops[r.Op]
	if !ok {
		return unsupported("op %q", r.Op)
	}
	if !plain(r.Options) {
		return unsupported("options")
	}
	quantity, _, _, _ := r.Op.Split()
	arity := quantity.Arity()
	switch n := len(r.Arrays); {
	case n == arity+1 && r.Arrays[arity].Name == "mask":
		return unsupported("a mask")
	case n != arity:
		return spec.Answer{Status: spec.Errored, Message: fmt.Sprintf("%s takes %d arrays, not %d", r.Op, arity, n)}
	}
	var x [2][]float64
	for i, b := range r.Arrays {
		if b.DType != spec.F64 || len(b.Shape) != 1 {
			return unsupported("%s of shape %v; only f64 vectors are", b.DType, b.Shape)
		}
		x[i] = float64s(b)
	}
	defer func() {
		if p := recover(); p != nil {
			kind := ""
			if f.refused != nil {
				kind = f.refused(p)
			}
			if kind == "" {
				panic(p)
			}
			a = spec.Answer{Status: spec.Rejected, Kind: kind, Message: fmt.Sprint(p)}
		}
	}()
	v := math.Float64bits(call(x[0], x[1]))
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("result", spec.F64, v)}}
}

// plain reports whether no option says anything but the definition.
func plain(o spec.Options) bool {
	return o.Reduction == "" && (o.Base == "" || o.Base == "e") && o.Temperature == "" && o.Beta == "" &&
		o.Estimator == "" && o.Grad == "" && (o.ResultDType == "" || o.ResultDType == spec.F64) && len(o.Unknown) == 0
}

// float64s returns the elements of an f64 array in place, so that timing pays
// for no copy and a function that writes to its arguments is caught; a copy
// only where the memory cannot be read as float64.
func float64s(a spec.Array) []float64 {
	if len(a.Data) == 0 {
		return []float64{}
	}
	data := unsafe.Pointer(unsafe.SliceData(a.Data))
	if one := uint16(1); *(*byte)(unsafe.Pointer(&one)) == 1 && uintptr(data)%8 == 0 {
		return unsafe.Slice((*float64)(data), len(a.Data)/8)
	}
	return a.Floats()
}
