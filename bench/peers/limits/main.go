// Command limits tells what bounds the time of the AVX-512 kernels on this processor:
// cycles of the instructions that they are made of, how many of these a turn of each
// kernel's loop has, and the cycles that a turn takes on vectors in the first cache.
package main

// #cgo CFLAGS: -O2 -mavx512f -mavx512dq
// #include "ports.h"
import "C"

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/cpuid/v2"
	"klconf/bench/machine"
	"klconf/impl"
)

// fastest returns the least of several times.
func fastest(f func() float64) float64 {
	best := math.Inf(1)
	for range 9 {
		best = min(best, f())
	}
	return best
}

func main() {
	if !cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512DQ) {
		fmt.Println("limits: this processor has no AVX-512, whose kernels it is about")
		return
	}
	const turns = 1 << 18
	time := func(what C.int) float64 {
		return fastest(func() float64 { return float64(C.seconds(what, turns)) }) / turns
	}
	clock := 8 / time(C.CLOCK)
	fmt.Printf("%s, %.2f GHz (a chain of additions takes one cycle each)\n\ncycles per instruction on 64 bytes\n", machine.Name(), clock/1e9)
	for _, i := range []struct {
		name  string
		what  C.int
		count float64
	}{
		{"multiply-add", C.FMA, 8}, {"addition", C.ADD, 8}, {"division", C.DIVIDE, 8}, {"integer addition", C.INTEGER, 8},
		{"table of 16", C.PERMUTE, 8}, {"reciprocal of 14 bits", C.RECIPROCAL, 8}, {"exponent", C.EXPONENT, 8},
		{"float32 to float64", C.CONVERT, 8}, {"multiply-add, addition, integer", C.MIXED, 24},
	} {
		fmt.Printf("  %-33s %5.2f\n", i.name, time(i.what)*clock/i.count)
	}
	mixed := time(C.MIXED) * clock / 24
	division := time(C.DIVIDED)*clock - 16*mixed
	fmt.Printf("  %-33s %5.2f\n\n", "a division among 16 others adds", division)

	counts, err := loops(filepath.Join("..", "..", "impl", "avx512_amd64.s"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "limits:", err)
		os.Exit(1)
	}
	fmt.Println("cycles of a turn of the loop, 16 elements; measured with all that surrounds it, n = 1024")
	fmt.Printf("  %-22s %12s %9s %7s %9s\n", "kernel", "instructions", "divisions", "floor", "measured")
	r := rand.New(rand.NewPCG(1, 2))
	p, q := make([]float64, 1024), make([]float64, 1024)
	p32, q32 := make([]float32, 1024), make([]float32, 1024)
	for i := range p {
		p[i], q[i] = r.ExpFloat64()/1024, r.ExpFloat64()/1024
		p32[i], q32[i] = float32(p[i]), float32(q[i])
	}
	near := make([]float64, len(p))
	for i, x := range p {
		near[i] = x * (1 + 1e-6*r.NormFloat64())
	}
	b, err := impl.Lookup("avx512")
	if err != nil {
		fmt.Fprintln(os.Stderr, "limits:", err)
		os.Exit(1)
	}
	for _, k := range []struct {
		name string
		f    func()
	}{
		{"klTier1AVX512", func() { b.KL(p, q) }}, {"klTier2AVX512", func() { b.KL(p, near) }},
		{"klSingleAVX512", func() { b.KL32(p32, q32) }}, {"klApproxAVX512", func() { b.KLApprox(p, q) }},
	} {
		c := counts[k.name]
		floor := float64(c.others)*mixed + float64(c.divisions)*division
		fmt.Printf("  %-22s %12d %9d %7.1f %9.1f\n", k.name, c.others, c.divisions, floor, measure(k.f)*clock/64)
	}
}

// measure returns the seconds of a call.
func measure(f func()) float64 {
	return fastest(func() float64 {
		start, n := time.Now(), 0
		for ; time.Since(start) < 5*time.Millisecond; n += 20 {
			for range 20 {
				f()
			}
		}
		return time.Since(start).Seconds() / float64(n)
	})
}

// count is of the instructions in a loop that occupy the vector pipes.
type count struct{ others, divisions int }

// loops counts the instructions between the label "turn" and the jump back to it. Moves
// between registers are renamed away, and loads and masks have pipes of their own.
func loops(file string) (map[string]count, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	counts, name, inside := map[string]count{}, "", false
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		op, _, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(line, "TEXT ·"):
			name = line[len("TEXT ·"):strings.IndexByte(line, '(')]
		case line == "turn:":
			inside = true
		case strings.HasPrefix(line, "JNE") && strings.HasSuffix(line, " turn"):
			inside = false
		case inside && strings.HasPrefix(op, "V") && !strings.HasPrefix(op, "VMOV") && !strings.HasPrefix(op, "VBROADCAST"):
			c := counts[name]
			if op == "VDIVPD" {
				c.divisions++
			} else {
				c.others++
			}
			counts[name] = c
		}
	}
	return counts, lines.Err()
}
