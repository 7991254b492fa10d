// Package scalar is the loop that everyone writes, in C without licence to reorder sums:
// gcc -O3 -march=native.
package scalar

/*
#cgo CFLAGS: -O3 -march=native
#cgo LDFLAGS: -lm
#include <stddef.h>

double peers_scalar_64(double const *p, double const *q, size_t n);
double peers_scalar_32(float const *p, float const *q, size_t n);
*/
import "C"

import "klconf/bench/peers/call"

var (
	F64 = call.Function(C.peers_scalar_64)
	F32 = call.Function(C.peers_scalar_32)
)
