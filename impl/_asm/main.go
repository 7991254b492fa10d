// Command asm writes the assembly kernels of package impl. ACCURACY.md has their
// proofs; the letters in brackets name its lines.
package main

import (
	"flag"
	"go/build"

	. "github.com/mmcloughlin/avo/build"
)

func main() {
	isa := flag.String("isa", "avx512", "write the kernels of `avx512` or avx2")
	// avo resolves the types of parameters for the platform it runs on; what it writes
	// must not depend on that.
	build.Default.GOOS, build.Default.GOARCH = "linux", "amd64"
	Package("klconf/impl")
	ConstraintExpr("!purego")
	flag.Parse()
	if *isa == "avx512" {
		avx512()
	}
	Generate()
}
