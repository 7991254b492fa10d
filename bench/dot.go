package bench

import (
	"runtime"

	"github.com/viterin/vek"
	"github.com/viterin/vek/vek32"

	"klconf/spec"
)

// Dot returns the dot product of vectors of equal length, as fast as vek has it: by AVX2
// where the processor does. It is about what reading the vectors takes.
func Dot[F float32 | float64](p, q []F) float64 {
	if x, ok := any(p).([]float64); ok {
		return vek.Dot(x, any(q).([]float64))
	}
	return float64(vek32.Dot(any(p).([]float32), any(q).([]float32)))
}

// DotKind returns AVX2, or Go where Dot is a plain loop.
func DotKind() string {
	if vek.Info().Acceleration {
		return "AVX2"
	}
	return "Go"
}

// dotOf returns the dot product of two arrays, to be repeated.
func dotOf(a []spec.Array) func(iters int) {
	x, y := a[0].Floats(), a[1].Floats()
	if a[0].DType == spec.F32 {
		return repeated(As[float32](x), As[float32](y))
	}
	return repeated(x, y)
}

func repeated[F float32 | float64](x, y []F) func(iters int) {
	return func(iters int) {
		s := 0.0
		for range iters {
			s += Dot(x, y)
		}
		runtime.KeepAlive(s) // so that no call can be left out
	}
}
