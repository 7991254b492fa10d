// Search finds questions that are hard to round: exact values that lie very
// close to a number of the result format, or to the middle of two.
//
//	go run ./golden/make/search > golden/make/hard.txt
//
// It is deterministic and takes about ten minutes on one core; hard.txt is
// committed and nothing runs the search by itself. A line of the table is
//
//	HARDNESS NAME DTYPE OP BASE P Q
//
// where P and Q are words separated by commas, Q is - for one array, and
// HARDNESS is the number of equal bits after the round bit.
//
// Walking through random inputs gives one more bit for each doubling of the
// time and ends at 40 or so. Two observations give more:
//
//   - where p/q = r is kept, the term p ln r is linear in p, and then the p that
//     bring it closest to a multiple of half a step are denominators of the
//     continued fraction of ln r, scaled: as many bits as p has;
//   - with several such terms the integers that make a sum of logarithms close
//     to a multiple come from a short vector of a lattice: as many bits as all
//     the p have together.
//
// Of the small formats every pair is looked at.
package main

import (
	"fmt"
	"math"
	"math/big"
	"os"
	"slices"
	"strings"

	"klconf/impl/exact"
	"klconf/spec"
)

// A found case: P and Q as exact dyadic numbers, with the hardness of its
// value.
type found struct {
	hardness int
	name     string
	dtype    spec.DType
	op, base string
	p, q     []float64
}

func main() {
	for _, s := range []func() []found{lattices, ratios, walks, crossEntropies, smallFormats, singles} {
		for _, c := range s() {
			fmt.Println(c.line())
			fmt.Fprintf(os.Stderr, "%3d %s/%s\n", c.hardness, c.name, c.dtype)
		}
	}
}

func (c found) line() string {
	words := func(x []float64) string {
		if x == nil {
			return "-"
		}
		w := make([]string, len(x))
		for i, v := range x {
			w[i] = spec.HexBits(c.dtype, encode(c.dtype, v))
		}
		return strings.Join(w, ",")
	}
	return fmt.Sprintf("%d %s %s %s %s %s %s", c.hardness, c.name, c.dtype, c.op, c.base, words(c.p), words(c.q))
}

// encode returns the bits of x, a positive normal number of the format.
func encode(d spec.DType, x float64) uint64 {
	switch d {
	case spec.F64:
		return math.Float64bits(x)
	case spec.F32:
		return uint64(math.Float32bits(float32(x)))
	case spec.BF16:
		return uint64(math.Float32bits(float32(x)) >> 16)
	}
	f, e := math.Frexp(x) // f16: 11 bits, bias 15
	return uint64(e+14-1)<<10 + uint64(f*2048)
}

// precision is that of the result format.
func precision(d spec.DType) int {
	if d == spec.F64 {
		return 53
	}
	return 24
}

// logarithm returns ln x, or log_base x, as an integer in units of 2^-bits.
func logarithm(x *big.Rat, base string, bits int) *big.Int {
	f := new(exact.Form)
	num, den := new(big.Float).SetInt(x.Num()), new(big.Float).SetInt(x.Denom())
	f.AddLog(exact.Int(1), number(num), number(den))
	if base != "e" {
		b, ok := new(big.Float).SetString(base)
		if !ok {
			panic(base)
		}
		f.SetBase(number(b))
	}
	e := f.Enclose(bits + 64)
	m := new(big.Float).SetPrec(uint(bits+256)).Add(e.Lo, e.Hi)
	m.SetMantExp(m, bits-1)
	n, _ := m.Int(nil)
	return n
}

func number(x *big.Float) exact.Num {
	f, accuracy := x.Float64()
	if accuracy != big.Exact {
		panic("search: a number of more than 53 bits")
	}
	return exact.Float(f)
}

// hardnessOf returns the number of equal bits after the round bit of the value
// of a case, and whether it lies beside the middle of two numbers.
func hardnessOf(c found) (k int, tie bool) {
	f := new(exact.Form)
	for i, x := range c.p {
		p := exact.Float(x)
		switch c.op {
		case "kl":
			f.AddLog(p, p, exact.Float(c.q[i]))
		case "cross_entropy":
			f.AddLog(p, exact.Int(1), exact.Float(c.q[i]))
		case "entropy":
			f.AddLog(p, exact.Int(1), p)
		}
	}
	if c.base != "e" {
		b, _ := new(big.Float).SetString(c.base)
		f.SetBase(number(b))
	}
	e := f.Enclose(640)
	x := new(big.Float).SetPrec(1024).Add(e.Lo, e.Hi)
	x.Quo(x, big.NewFloat(2)).Abs(x)
	x.SetMantExp(x, precision(c.dtype)+1-x.MantExp(nil)) // in half steps
	n := new(big.Int)
	new(big.Float).Add(x, big.NewFloat(.5)).Int(n)
	d := x.Sub(x, new(big.Float).SetPrec(1024).SetInt(n))
	if d.Sign() == 0 {
		return 0, false
	}
	return -d.MantExp(nil), n.Bit(0) == 1
}

// A splitMix64 gives the starting points.
type splitMix64 uint64

func (s *splitMix64) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// best keeps the n hardest of the cases.
func best(n int, cases []found) []found {
	slices.SortStableFunc(cases, func(a, b found) int { return b.hardness - a.hardness })
	cases = slices.CompactFunc(cases, func(a, b found) bool { return slices.Equal(a.p, b.p) && slices.Equal(a.q, b.q) })
	return cases[:min(n, len(cases))]
}

// named numbers the cases, those beside a middle and those beside a number
// apart.
func named(prefix string, cases []found) []found {
	count := map[bool]int{}
	for i := range cases {
		c := &cases[i]
		var tie bool
		c.hardness, tie = hardnessOf(*c)
		count[tie]++
		where := "number"
		if tie {
			where = "middle"
		}
		c.name = fmt.Sprintf("%s-%s-%d", prefix, where, count[tie])
	}
	return cases
}
