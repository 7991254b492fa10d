// Package libmvec is the loop that everyone writes, by a compiler that may reorder sums: gcc
// -O3 -march=native -ffast-math, with vectors of 512 and of 256 bits.
package libmvec

/*
#cgo CFLAGS: -O3 -march=native -ffast-math
#cgo LDFLAGS: -lm
#include <stddef.h>

double peers_libmvec512_64(double const *p, double const *q, size_t n);
double peers_libmvec512_32(float const *p, float const *q, size_t n);
double peers_libmvec256_64(double const *p, double const *q, size_t n);
double peers_libmvec256_32(float const *p, float const *q, size_t n);
*/
import "C"

import (
	"debug/elf"
	"fmt"
	"os"
	"slices"

	"klconf/bench/peers/call"
)

var (
	F64x512 = call.Function(C.peers_libmvec512_64)
	F32x512 = call.Function(C.peers_libmvec512_32)
	F64x256 = call.Function(C.peers_libmvec256_64)
	F32x256 = call.Function(C.peers_libmvec256_32)
)

// The logarithms of libmvec for vectors of each width.
var (
	Logs512 = []string{"_ZGVeN8v_log", "_ZGVeN16v_logf"}
	Logs256 = []string{"_ZGVdN4v_log", "_ZGVdN8v_logf"}
)

// Check returns an error unless the running program calls all those functions. A compiler
// that did not vectorise would make a slow peer.
func Check(logs []string) error {
	name, err := os.Executable()
	if err != nil {
		return err
	}
	f, err := elf.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	symbols, err := f.ImportedSymbols()
	if err != nil {
		return err
	}
	for _, log := range logs {
		if !slices.ContainsFunc(symbols, func(s elf.ImportedSymbol) bool { return s.Name == log }) {
			return fmt.Errorf("the C compiler took no logarithm from libmvec: %s is not called; use gcc 8 or later with glibc 2.22 or later", log)
		}
	}
	return nil
}
