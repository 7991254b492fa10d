package golden

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"

	"klconf/spec"
)

// A Generator is a rule that makes both arrays of a vector from integers
// alone, so that every language gets the same bits: README.md describes it in
// words and as a program. It stands for vectors that are too long to store.
type Generator struct {
	Name string `json:"name"` // splitmix64
	Kind string `json:"kind"` // one of Kinds
	Seed string `json:"seed"` // 16 hexadecimal digits
	N    int    `json:"n"`    // elements of each array
}

// Kinds lists what a Generator can make.
var Kinds = []string{
	"pmf",     // totals of exactly 1
	"softmax", // powers of two times odd integers over 30 binades, Q within four binades of P
	"near",    // the same, Q next to P
	"zeros",   // the same as softmax, with zeros in P and in both
	"even",    // every term weighs alike
	"tail",    // only the last 17 terms weigh
}

// A splitMix64 is the generator of Steele, Lea and Flood (2014).
type splitMix64 uint64

func (s *splitMix64) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// tailTerms is how many terms weigh in the kind tail.
const tailTerms = 17

// The precision of the formats that a generator knows, and the exponent of
// the least subnormal.
var (
	digits = map[spec.DType]int{spec.F64: 53, spec.F32: 24, spec.F16: 11, spec.BF16: 8}
	leasts = map[spec.DType]int{spec.F64: -1074, spec.F32: -149, spec.F16: -24, spec.BF16: -133}
)

func (g Generator) check(d spec.DType) error {
	switch {
	case g.Name != "splitmix64":
		return fmt.Errorf("%q is not splitmix64", g.Name)
	case !slices.Contains(Kinds, g.Kind):
		return fmt.Errorf("the kind %q is none of %v", g.Kind, Kinds)
	case g.N < 1:
		return fmt.Errorf("%d elements", g.N)
	case digits[d] == 0:
		return fmt.Errorf("vectors of %s are not in this schema", d)
	case g.Kind == "pmf" && digits[d] <= bits.Len(uint(g.N)):
		return fmt.Errorf("%d elements are too many for totals of 1 in %s", g.N, d)
	case g.Kind == "near" && digits[d] < 24, (g.Kind == "softmax" || g.Kind == "zeros") && d == spec.F16:
		return fmt.Errorf("the kind %s does not fit %s", g.Kind, d)
	}
	if _, err := g.seed(); err != nil {
		return err
	}
	return nil
}

func (g Generator) seed() (splitMix64, error) {
	s, err := strconv.ParseUint(g.Seed, 16, 64)
	if err != nil || len(g.Seed) != 16 {
		return 0, fmt.Errorf("the seed %q is not 16 hexadecimal digits", g.Seed)
	}
	return splitMix64(s), nil
}

// Arrays returns P and Q in format d. It panics where the generator does not
// fit the format, which Parse excludes.
func (g Generator) Arrays(d spec.DType) (p, q spec.Array) {
	if err := g.check(d); err != nil {
		panic("golden: generator: " + err.Error())
	}
	s, _ := g.seed()
	w := digits[d]
	p, q = spec.NewArray("p", d, g.N), spec.NewArray("q", d, g.N)
	put := func(a spec.Array, i int, m uint64, e int) { a.SetBits(i, word(d, m, e)) }
	leftP, leftQ := uint64(1)<<w, uint64(1)<<w // of the totals of a pmf
	share := w - bits.Len(uint(g.N))
	for i := range g.N {
		a, b := s.next(), s.next()
		switch g.Kind {
		case "pmf":
			m, k := 1+a>>(64-share), 1+b>>(64-share)
			if i == g.N-1 {
				m, k = leftP, leftQ
			}
			leftP, leftQ = leftP-m, leftQ-k
			put(p, i, m, -w)
			put(q, i, k, -w)
		case "softmax", "near", "zeros":
			m := a>>(66-w)<<1 | 1 // odd, of w − 1 bits
			e := -w - int(a&15+a>>4&15)
			k, f := b>>(66-w)<<1|1, e+1-int(b&3)
			if g.Kind == "near" {
				reach := w/2 - 6
				k, f = m+b&(2<<reach-1), e
				if k <= 1<<reach {
					k = m
				} else {
					k -= 1 << reach
				}
			}
			if g.Kind == "zeros" && a>>8&3 == 0 {
				m = 0
				if b>>8&1 == 0 {
					k = 0
				}
			}
			put(p, i, m, e)
			put(q, i, k, f)
		case "even", "tail":
			if g.Kind == "tail" && i < g.N-tailTerms {
				put(p, i, 1, -24)
				put(q, i, 1, -24)
				continue
			}
			put(p, i, 16+a>>62, -4)
			put(q, i, 16+b>>62, -10)
		}
	}
	return p, q
}

// word returns the bits of m·2^e, which must be a number of the format.
func word(d spec.DType, m uint64, e int) uint64 {
	if m == 0 {
		return 0
	}
	w := digits[d]
	least := leasts[d]
	// The significand gets w bits, or as many as the least subnormal leaves it.
	shift := max(w-bits.Len64(m), 0)
	shift = min(shift, e-least)
	if shift < 0 {
		panic(fmt.Sprintf("golden: %d·2^%d is not a number of %s", m, e, d))
	}
	m, e = m<<shift, e-shift
	if m < 1<<(w-1) {
		return m
	}
	return uint64(e-least)<<(w-1) + m
}
