package kltest

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"

	"klconf/spec"
)

// A Function is what Run tests: made by [Func], [FuncErr], [Func32] or [Rows].
type Function struct {
	ops    []spec.Op
	dtype  spec.DType
	answer func(spec.Request) spec.Answer
	checks func() []spec.Result // those of Go
}

// Func takes a function of float64 vectors. A panic on different lengths is a
// refusal if its message speaks of length, shape or dimension. Any other is a
// failure of its case, the runtime's own (index out of range) included.
func Func(f func(p, q []float64) float64) Function {
	return pair[float64](func(p, q []float64) (float64, error) { return f(p, q), nil }).function()
}

// FuncErr takes a function of float64 vectors that refuses with an error.
func FuncErr(f func(p, q []float64) (float64, error)) Function {
	return pair[float64](f).function()
}

// Func32 takes a function of float32 vectors. It refuses as that of [Func].
func Func32(f func(p, q []float32) float32) Function {
	return pair[float32](func(p, q []float32) (float32, error) { return f(p, q), nil }).function()
}

// Rows takes a function of a batch: one value for each row. It refuses as that
// of [Func]. Batches of one row stand for vectors.
func Rows(f func(p, q [][]float64) []float64) Function {
	one := pair[float64](func(p, q []float64) (float64, error) {
		r := f([][]float64{p}, [][]float64{q})
		if len(r) != 1 {
			return 0, errCount(len(r))
		}
		return r[0], nil
	})
	fn := one.function()
	vector := fn.answer
	fn.ops = append(fn.ops, "kl_rows")
	fn.answer = func(r spec.Request) spec.Answer {
		if r.Op != "kl_rows" {
			return vector(r)
		}
		if len(r.Arrays) != 2 || len(r.Arrays[0].Shape) != 2 || len(r.Arrays[1].Shape) != 2 {
			return unsupported("only two matrices")
		}
		p, q := matrix(r.Arrays[0]), matrix(r.Arrays[1])
		mismatch := fmt.Sprint(r.Arrays[0].Shape) != fmt.Sprint(r.Arrays[1].Shape)
		return guarded(mismatch, func() (spec.Array, error) { return spec.Float64s("kl", f(p, q)), nil })
	}
	fn.checks = func() []spec.Result { return append(one.checks(), rowsCheck(f)) }
	return fn
}

type errCount int

func (n errCount) Error() string { return fmt.Sprintf("%d values for one row", int(n)) }

// matrix cuts the rows of one array out of one piece of memory.
func matrix(a spec.Array) [][]float64 {
	x, rows := a.Floats(), make([][]float64, a.Shape[0])
	for i := range rows {
		rows[i] = x[i*a.Shape[1]:][:a.Shape[1]]
	}
	return rows
}

type float interface{ float32 | float64 }

// A pair is a function of two vectors; an error is a refusal.
type pair[E float] func(p, q []E) (E, error)

func (f pair[E]) function() Function {
	return Function{[]spec.Op{"kl"}, dtype[E](), f.answer, f.checks}
}

func (f pair[E]) answer(r spec.Request) spec.Answer {
	if r.Op != "kl" || len(r.Arrays) != 2 || len(r.Arrays[0].Shape) != 1 || len(r.Arrays[1].Shape) != 1 {
		return unsupported("only kl of two vectors")
	}
	a, b := r.Arrays[0], r.Arrays[1]
	p := numbers[E](a)
	q := p
	if len(a.Data) == 0 || len(a.Data) != len(b.Data) || &a.Data[0] != &b.Data[0] {
		q = numbers[E](b)
	}
	return f.call(p, q)
}

func (f pair[E]) call(p, q []E) spec.Answer {
	return guarded(len(p) != len(q), func() (spec.Array, error) {
		v, err := f(p, q)
		return spec.Scalar("kl", dtype[E](), bits(v)), err
	})
}

// guarded calls f and turns errors and panics into answers.
func guarded(mismatch bool, f func() (spec.Array, error)) (a spec.Answer) {
	kind := spec.KindDomain
	if mismatch {
		kind = spec.KindLength
	}
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		message := fmt.Sprint(v)
		if _, accident := v.(runtime.Error); mismatch && !accident && aboutLength(message) {
			a = spec.Answer{Status: spec.Rejected, Kind: kind, Message: message}
			return
		}
		a = spec.Answer{Status: spec.Crashed, Message: "panic: " + message + panicked()}
	}()
	x, err := f()
	if count := errCount(0); errors.As(err, &count) {
		return spec.Answer{Status: spec.Errored, Message: err.Error()}
	}
	if err != nil {
		return spec.Answer{Status: spec.Rejected, Kind: kind, Message: err.Error()}
	}
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{x}}
}

func aboutLength(message string) bool {
	message = strings.ToLower(message)
	return slices.ContainsFunc([]string{"length", "len(", "shape", "dimension"}, func(w string) bool { return strings.Contains(message, w) })
}

// panicked returns " at FILE:LINE" of the panic that is being recovered.
func panicked() string {
	pc := make([]uintptr, 32)
	frames := runtime.CallersFrames(pc[:runtime.Callers(1, pc)])
	for found := false; ; {
		f, more := frames.Next()
		inside := strings.HasPrefix(f.Function, "runtime.")
		switch {
		case f.Function == "runtime.gopanic":
			found = true
		case found && !inside:
			return fmt.Sprintf(" at %s:%d", f.File[strings.LastIndexByte(f.File, '/')+1:], f.Line)
		}
		if !more {
			return ""
		}
	}
}

func unsupported(why string) spec.Answer {
	return spec.Answer{Status: spec.Unsupported, Message: why}
}

func dtype[E float]() spec.DType {
	if _, ok := any(E(0)).(float32); ok {
		return spec.F32
	}
	return spec.F64
}

func bits[E float](x E) uint64 {
	if y, ok := any(x).(float32); ok {
		return uint64(math.Float32bits(y))
	}
	return math.Float64bits(float64(x))
}

func numbers[E float](a spec.Array) []E {
	x := make([]E, a.Len())
	for i := range x {
		x[i] = E(a.Float(i))
	}
	return aligned(x)
}

// An implementation is a Function with what the options say about it.
type implementation struct {
	Function
	desc spec.Description
}

func (m implementation) Describe() spec.Description { return m.desc }
