// Package dot is the dot product in C, which no function of two vectors can beat by much.
package dot

/*
#cgo CFLAGS: -O3 -march=native -ffast-math
#include <stddef.h>

double peers_dot64(double const *p, double const *q, size_t n);
double peers_dot32(float const *p, float const *q, size_t n);
*/
import "C"

import "klconf/bench/peers/call"

var (
	F64 = call.Function(C.peers_dot64)
	F32 = call.Function(C.peers_dot32)
)
