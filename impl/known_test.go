package impl

import (
	"bufio"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// readCases returns the vectors of testdata/cases.txt: name|p|q with the bits of the
// elements in hexadecimal.
func readCases(t *testing.T) map[string][2][]float64 {
	t.Helper()
	cases := make(map[string][2][]float64)
	eachLine(t, "testdata/cases.txt", func(line string) {
		part := strings.Split(line, "|")
		var v [2][]float64
		for i := range v {
			for f := range strings.SplitSeq(part[i+1], ",") {
				if f == "" {
					continue
				}
				b, err := strconv.ParseUint(f, 16, 64)
				if err != nil {
					t.Fatal(err)
				}
				v[i] = append(v[i], math.Float64frombits(b))
			}
		}
		cases[part[0]] = v
	})
	return cases
}

func eachLine(t *testing.T, name string, f func(line string)) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := bufio.NewScanner(file)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		f(s.Text())
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
}

// TestKnown checks values that were computed elsewhere, with Arb.
func TestKnown(t *testing.T) {
	cases := readCases(t)
	checked := make(map[string]bool)
	forEachBackend(t, func(t *testing.T, b *Backend) {
		eachLine(t, "testdata/exact.txt", func(line string) {
			f := strings.Fields(line)
			want, err := strconv.ParseFloat(f[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			v, ok := cases[f[0]]
			if !ok {
				t.Fatalf("no case %q", f[0])
			}
			if got := b.KL(v[0], v[1]); math.Float64bits(got) != math.Float64bits(want) {
				t.Errorf("%s: KL = %x, want %x", f[0], got, want)
			}
			checked[f[0]] = true
		})
		for name, v := range cases {
			switch {
			case checked[name]:
			case len(v[0]) != len(v[1]):
				mustPanic(t, name, func() { b.KL(v[0], v[1]) }, strconv.Itoa(len(v[0])), strconv.Itoa(len(v[1])))
			case name == "empty":
				if got := b.KL(v[0], v[1]); math.Float64bits(got) != 0 {
					t.Errorf("KL of empty vectors = %x", got)
				}
			default: // NaN, infinite or negative weights
				if got := b.KL(v[0], v[1]); !math.IsNaN(got) {
					t.Errorf("%s: KL = %x, want NaN", name, got)
				}
			}
		}
	})
}

// mustPanic calls f and checks that it panics with a message that has all parts.
func mustPanic(t *testing.T, name string, f func(), parts ...string) {
	t.Helper()
	defer func() {
		t.Helper()
		s, ok := recover().(string)
		if !ok {
			t.Errorf("%s: no panic", name)
		}
		for _, part := range parts {
			if !strings.Contains(s, part) {
				t.Errorf("%s: panic %q does not name %s", name, s, part)
			}
		}
	}()
	f()
}

func TestLengths(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b *Backend) {
		p, q := make([]float64, 17), make([]float64, 4)
		p32, q32 := make([]float32, 17), make([]float32, 4)
		p[0], q32[0] = math.NaN(), float32(math.NaN()) // a mismatch comes first
		for name, f := range map[string]func(){
			"KL":              func() { b.KL(p, q) },
			"CrossEntropy":    func() { b.CrossEntropy(p, q) },
			"JensenShannon":   func() { b.JensenShannon(p, q) },
			"KL32":            func() { b.KL32(p32, q32) },
			"CrossEntropy32":  func() { b.CrossEntropy32(p32, q32) },
			"JensenShannon32": func() { b.JensenShannon32(p32, q32) },
		} {
			mustPanic(t, name, f, name, "17", "4")
		}
	})
}

// TestSimpleValues checks values that need no oracle.
func TestSimpleValues(t *testing.T) {
	one := []float64{0, 0, 1, 0}
	half := []float64{0.5, 0.5}
	forEachBackend(t, func(t *testing.T, b *Backend) {
		for _, c := range []struct {
			name      string
			got, want float64
		}{
			{"Entropy of one-hot", b.Entropy(one), 0},
			{"CrossEntropy of one-hot", b.CrossEntropy(one, one), 0},
			{"KL of one-hot", b.KL(one, one), 0},
			{"JensenShannon of one-hot", b.JensenShannon(one, one), 0},
			{"Entropy of (½, ½)", b.Entropy(half), math.Ln2},
			{"CrossEntropy of (½, ½)", b.CrossEntropy(half, half), math.Ln2},
			{"KL((1, 0)‖(½, ½))", b.KL([]float64{1, 0}, half), math.Ln2},
			{"KL((1, 1)‖(2, ½))", b.KL([]float64{1, 1}, []float64{2, 0.5}), 0},
			{"KL(1‖e) rounds", b.KL([]float64{1}, []float64{math.E}), -1},
			{"JensenShannon of disjoint", b.JensenShannon([]float64{1, 0}, []float64{0, 1}), math.Ln2},
			{"JensenShannon of ((0, 1), (η, 1))", b.JensenShannon([]float64{0, 1}, []float64{5e-324, 1}), 0},
			{"KL(0‖0)", b.KL([]float64{0}, []float64{0}), 0},
			{"KL(0‖1)", b.KL([]float64{0}, []float64{1}), 0},
			{"KL(−0‖−0)", b.KL([]float64{math.Copysign(0, -1)}, []float64{math.Copysign(0, -1)}), 0},
			{"KL(1‖−0)", b.KL([]float64{1}, []float64{math.Copysign(0, -1)}), math.Inf(1)},
			{"KL that overflows", b.KL([]float64{math.MaxFloat64}, []float64{1}), math.Inf(1)},
			{"KL that overflows below", b.KL([]float64{1e308, 1e308}, []float64{1e308, math.MaxFloat64}), -5.86504251217926e+307},
			{"Entropy that overflows", b.Entropy([]float64{math.MaxFloat64}), math.Inf(-1)},
			{"KL below the least number", b.KL([]float64{0x1p-1074}, []float64{0x1p-1074}), 0},
			{"Entropy of nil", b.Entropy(nil), 0},
			{"JensenShannon of nil", b.JensenShannon(nil, nil), 0},
			{"CrossEntropy of nil", b.CrossEntropy(nil, nil), 0},
		} {
			if c.name == "KL that overflows below" {
				if math.Abs(c.got/c.want-1) > 1e-3 {
					t.Errorf("%s = %g", c.name, c.got)
				}
				continue
			}
			if math.Float64bits(c.got) != math.Float64bits(c.want) {
				t.Errorf("%s = %x, want %x", c.name, c.got, c.want)
			}
		}
	})
}
