// Package numkong is the Kullback-Leibler divergence of NumKong's C headers. They are those of
// its crate, which the Makefile has cargo bring into the folder crates.
package numkong

/*
// Its half-precision types need a newer compiler than gcc 12; they are not used here.
#cgo CFLAGS: -O3 -march=native -DNK_NATIVE_F16=0 -DNK_NATIVE_BF16=0 -I${SRCDIR}/crates/numkong/include
#cgo LDFLAGS: -lm

void *peers_serial_64(void), *peers_serial_32(void);
void *peers_haswell_64(void);
void *peers_skylake_64(void), *peers_skylake_32(void);
int peers_numkong_version(int part);
*/
import "C"

import (
	"fmt"

	"klconf/bench/peers/call"
)

// Version is that of the headers.
func Version() string {
	return fmt.Sprintf("%d.%d.%d", C.peers_numkong_version(0), C.peers_numkong_version(1), C.peers_numkong_version(2))
}

// The kernels: plain C, AVX2, which there is for float64 only, and AVX-512.
var (
	Serial64  = call.Function(C.peers_serial_64())
	Serial32  = call.Function(C.peers_serial_32())
	Haswell64 = call.Function(C.peers_haswell_64())
	Skylake64 = call.Function(C.peers_skylake_64())
	Skylake32 = call.Function(C.peers_skylake_32())
)

// What is added to both weights under the logarithm.
const (
	Epsilon64 = 1e-15
	Epsilon32 = 1e-7
)
