// Package call calls C functions often enough to time them: the loop is in C, as a call
// from Go takes longer than a short vector.
package call

/*
#cgo CFLAGS: -O3
#include <stddef.h>

typedef double (*f64)(double const *p, double const *q, size_t n);
typedef double (*f32)(float const *p, float const *q, size_t n);

static double repeat64(void *f, double const *p, double const *q, size_t n, size_t iters) {
	double s = 0;
	while (iters--) s = ((f64)f)(p, q, n);
	return s;
}

static double repeat32(void *f, float const *p, float const *q, size_t n, size_t iters) {
	double s = 0;
	while (iters--) s = ((f32)f)(p, q, n);
	return s;
}
static char const *compiler(void) {
#ifdef __clang__
	return __VERSION__;
#else
	return "gcc " __VERSION__;
#endif
}
*/
import "C"

import "unsafe"

// A Function is the address of a C function that takes two vectors and their length and
// returns a double: double f(T const *p, T const *q, size_t n). It is nil where the processor
// cannot run it.
type Function unsafe.Pointer

// F64 calls f so many times and returns the last result. The vectors are not empty.
func F64(f Function, p, q []float64, iters int) float64 {
	return float64(C.repeat64(unsafe.Pointer(f), (*C.double)(&p[0]), (*C.double)(&q[0]), C.size_t(len(p)), C.size_t(iters)))
}

// F32 calls f so many times and returns the last result. The vectors are not empty.
func F32(f Function, p, q []float32, iters int) float64 {
	return float64(C.repeat32(unsafe.Pointer(f), (*C.float)(&p[0]), (*C.float)(&q[0]), C.size_t(len(p)), C.size_t(iters)))
}

// Compiler names the C compiler.
func Compiler() string { return C.GoString(C.compiler()) }
