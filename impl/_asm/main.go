// Command asm writes the assembly kernels of package impl, or with -check says how the
// committed files differ from what it would write. ACCURACY.md has the proofs of the
// kernels; the letters in brackets name its lines.
package main

import (
	"flag"
	"fmt"
	"go/build"
	"os"
	"os/exec"
	"path/filepath"

	. "github.com/mmcloughlin/avo/build"
)

func main() {
	isa := flag.String("isa", "avx512", "write the kernels of `avx512`, avx2, logits512 or logits2")
	check := flag.Bool("check", false, "compare, write nothing")
	flag.Parse()
	// avo resolves the types of parameters for the platform it runs on; what it writes
	// must not depend on that. Nor may it on the stubs that it writes, hence purego.
	build.Default.GOOS, build.Default.GOARCH = "linux", "amd64"
	os.Setenv("GOFLAGS", "-tags=purego -mod=mod")

	Package("klconf/impl")
	ConstraintExpr("!purego")
	kernels, ok := map[string]func(){"avx512": avx512, "avx2": avx2, "logits512": logits512, "logits2": logits2}[*isa]
	if !ok {
		stop("asm: no kernels for -isa %s", *isa)
	}
	kernels()

	dir, err := os.MkdirTemp("", "asm")
	if err != nil {
		stop("asm: %v", err)
	}
	defer os.RemoveAll(dir)
	files := map[string]string{"out": *isa + "_amd64.s", "stubs": *isa + "_amd64.go"}
	for name, file := range files {
		flag.Set(name, filepath.Join(dir, file))
	}
	flag.Set("pkg", "impl")
	os.Args = []string{"go run -C _asm . -isa " + *isa}
	Generate()

	for _, file := range files {
		committed, fresh := filepath.Join("..", file), filepath.Join(dir, file)
		if *check {
			diff := exec.Command("diff", "-u", committed, fresh)
			diff.Stdout, diff.Stderr = os.Stdout, os.Stderr
			if diff.Run() != nil {
				stop("asm: impl/%s is stale: go generate ./impl", file)
			}
			continue
		}
		text, err := os.ReadFile(fresh)
		if err == nil {
			err = os.WriteFile(committed, text, 0o666)
		}
		if err != nil {
			stop("asm: %v", err)
		}
	}
}

func stop(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}
