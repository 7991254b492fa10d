package golden

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"math/big"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"klconf/spec"
)

// The program in README.md makes the same numbers as this package, of every
// kind and in every format that the kind fits.
func TestGeneratorsAreAsDescribed(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var program string
	for _, block := range regexp.MustCompile("(?s)```python\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(block[1], "def generate") {
			program = block[1]
		}
	}
	if program == "" {
		t.Fatal("README.md has no program that generates")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("not tested here: there is no python3")
	}
	var calls, want strings.Builder
	cases := 0
	for _, kind := range Kinds {
		for _, d := range []spec.DType{spec.F64, spec.F32, spec.F16, spec.BF16} {
			g := Generator{"splitmix64", kind, "0123456789abcdef", 100}
			if g.check(d) != nil {
				continue
			}
			cases++
			fmt.Fprintf(&calls, "show(%q, %q, %d, %d)\n", kind, g.Seed, g.N, digits[d])
			p, q := g.Arrays(d)
			for i := range g.N {
				for _, a := range []spec.Array{p, q} {
					fmt.Fprintln(&want, new(big.Rat).SetFloat64(a.Float(i)).RatString())
				}
			}
		}
	}
	if cases < 16 {
		t.Errorf("%d cases", cases)
	}
	program += `
from fractions import Fraction
def show(*words):
    for pair in generate(*words):
        for m, e in pair:
            print(Fraction(m) * Fraction(2) ** e)
` + calls.String()
	out, err := exec.Command(python, "-c", program).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := string(out); got != want.String() {
		g, w := strings.Fields(got), strings.Fields(want.String())
		i := 0
		for i < min(len(g), len(w)) && g[i] == w[i] {
			i++
		}
		t.Errorf("%d numbers printed, %d made; the first difference is at %d", len(g), len(w), i)
	}
}

// The first outputs of SplitMix64 for the seed 1234567, as published with
// its implementations.
func TestSplitMix64(t *testing.T) {
	s := splitMix64(1234567)
	for i, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821} {
		if got := s.next(); got != want {
			t.Errorf("output %d is %d, not %d", i, got, want)
		}
	}
}

func TestKinds(t *testing.T) {
	for _, d := range []spec.DType{spec.F64, spec.F32} {
		p, q := Generator{"splitmix64", "pmf", "00000000000000ff", 1000}.Arrays(d)
		for _, a := range []spec.Array{p, q} {
			sum := new(big.Rat)
			for _, x := range a.Floats() {
				if !(x > 0) {
					t.Fatalf("%s: an element is %g", d, x)
				}
				sum.Add(sum, new(big.Rat).SetFloat64(x))
			}
			if sum.Cmp(big.NewRat(1, 1)) != 0 {
				t.Errorf("%s: the total is %s", d, sum.RatString())
			}
		}
		p, q = Generator{"splitmix64", "zeros", "00000000000000ff", 1000}.Arrays(d)
		var p0, both int
		for i := range p.Len() {
			switch {
			case p.Float(i) == 0 && q.Float(i) == 0:
				both++
			case p.Float(i) == 0:
				p0++
			case q.Float(i) == 0:
				t.Fatalf("%s: p > 0 = q at %d", d, i)
			}
		}
		if p0 < 80 || both < 80 {
			t.Errorf("%s: %d and %d zeros", d, p0, both)
		}
		p, q = Generator{"splitmix64", "near", "00000000000000ff", 1000}.Arrays(d)
		moved := 0
		for i := range p.Len() {
			if r := q.Float(i) / p.Float(i); r != 1 && math.Abs(r-1) < .01 {
				moved++
			}
		}
		if moved < 900 {
			t.Errorf("%s: only %d of 1000 are next to each other", d, moved)
		}
	}
}

// A changed number in the file is noticed when it is read.
func TestDataIsVerified(t *testing.T) {
	raw, err := unpack(packed, dataSum)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	bad := slices.Clone(raw)
	bad[12345] ^= 1
	if _, err := z.Write(bad); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := unpack(b.Bytes(), dataSum); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("one bit changed: %v", err)
	}
	if _, err := unpack(packed[:1000], dataSum); err == nil {
		t.Error("a part of the file was accepted")
	}
}

// Rounding to a format is to the nearest number, ties to even: against a
// search through all of them.
func TestNarrow(t *testing.T) {
	for _, d := range []spec.DType{spec.F16, spec.BF16} {
		check := func(x float32) {
			got := Narrow(d, x)
			if math.Signbit(float64(x)) != (got>>15 == 1) {
				t.Fatalf("%s: the sign of %g", d, x)
			}
			b := got & 0x7fff
			y := math.Abs(float64(x))
			off := math.Abs(d.Widen(b) - y)
			for _, n := range []uint64{b - 1, b + 1} {
				if n >= 0x7c00 && d == spec.F16 || n > 0x7f7f {
					continue
				}
				if o := math.Abs(d.Widen(n) - y); o < off || o == off && b&1 == 1 {
					t.Fatalf("%s: %g became %g, and %g is nearer or even", d, x, d.Widen(b), d.Widen(n))
				}
			}
		}
		for i := range uint32(200000) {
			check(math.Float32frombits(0x3f000000 + i*577)) // from 1/2 on
			check(-math.Float32frombits(0x33000000 + i*613))
		}
		check(0)
		check(1 + 0x1p-11)
		check(1 + 0x1p-8)
		check(2 - 0x1p-12)
		check(2 - 0x1p-9)
		check(0x1p-24)
		check(0x1.8p-24)
	}
}
