package impl

import (
	"maps"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestRegistry(t *testing.T) {
	names := Backends()
	if !slices.Contains(names, "exact") || !slices.Contains(names, "go") {
		t.Fatalf("Backends() = %q", names)
	}
	before := Current()
	for _, name := range names {
		restore, err := Use(name)
		if err != nil {
			t.Fatal(err)
		}
		if Current() != name {
			t.Errorf("Current() = %q after Use(%q)", Current(), name)
		}
		restore()
		if Current() != before {
			t.Errorf("Current() = %q after restore, want %q", Current(), before)
		}
	}
	if _, err := Use("abacus"); err == nil || !strings.Contains(err.Error(), "abacus") || !strings.Contains(err.Error(), "exact, go") {
		t.Errorf("Use of an unknown backend: %v", err)
	}
	if Current() != before {
		t.Errorf("a failed Use left %q", Current())
	}
}

// TestEnvironment starts this test binary with KLCONF_BACKEND.
func TestEnvironment(t *testing.T) {
	if os.Getenv("KLCONF_TEST_CURRENT") != "" {
		if err := EnvironmentError(); err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("current=" + Current() + "\n")
		return
	}
	run := func(name string) (string, error) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestEnvironment$", "-test.v")
		cmd.Env = append(os.Environ(), "KLCONF_TEST_CURRENT=1", "KLCONF_BACKEND="+name)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for _, name := range Backends() {
		if out, err := run(name); err != nil || !strings.Contains(out, "current="+name+"\n") {
			t.Errorf("KLCONF_BACKEND=%s: %v\n%s", name, err, out)
		}
	}
	if out, err := run(""); err != nil || !strings.Contains(out, "current="+backends[len(backends)-1].Name+"\n") {
		t.Errorf("without KLCONF_BACKEND: %v\n%s", err, out)
	}
	if out, err := run("abacus"); err == nil || !strings.Contains(out, `no backend "abacus"`) {
		t.Errorf("KLCONF_BACKEND=abacus: %v\n%s", err, out)
	}
}

// TestEveryLength compares with the oracle for every length over several blocks.
func TestEveryLength(t *testing.T) {
	r := newRand(5)
	for _, f := range []family{families[0], softmaxFamily, near6Family, zerosFamily, magnitudeFamily} {
		for n := 0; n <= 300; n++ {
			p, q := f.draw(r, n)
			agree(t, p, q, backends[1:]...)
		}
	}
	for _, n := range []int{511, 512, 513, 1023, 1024, 1025, 4095, 4096, 4097} {
		p, q := families[0].draw(r, n)
		agree(t, p, q, backends[1:]...)
	}
}

var (
	softmaxFamily   = family{"softmax", softmax(0.1)}
	near6Family     = family{"near", near(1e-6)}
	magnitudeFamily = family{"magnitude", magnitude(1e-300)}
	zerosFamily     = family{"zeros", familyNamed("zeros").draw}
)

func familyNamed(name string) family {
	for _, f := range families {
		if f.name == name {
			return f
		}
	}
	panic("no family " + name)
}

// TestEveryLengthAlike compares float32 over two of its longer blocks with pure Go.
func TestEveryLengthAlike(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b *Backend) {
		if b == &exactBackend || b == &goBackend {
			t.Skip("it is what the others are compared with")
		}
		r := newRand(23)
		for _, f := range []family{families[0], near6Family, zerosFamily} {
			p, q := f.draw(r, 2*1024+71)
			p32, q32 := narrow(p), narrow(q)
			for n := range p {
				if got, want := b.KL32(p32[:n], q32[:n]), goBackend.KL32(p32[:n], q32[:n]); got != want {
					t.Fatalf("%s, n = %d: %x, want %x", f.name, n, got, want)
				}
			}
		}
	})
}

// TestLong compares vectors of a vocabulary's length with the oracle.
func TestLong(t *testing.T) {
	if testing.Short() {
		t.Skip("a second of work")
	}
	r := newRand(6)
	for _, f := range []family{families[0], near6Family} {
		p, q := f.draw(r, 128256)
		p32, q32 := narrow(p), narrow(q)
		want, want32 := exactly(klSum, p, q), exactly(klSum, p32, q32)
		for _, b := range backends[1:] {
			if got := b.KL(p, q); got != want {
				t.Errorf("%s, %s: %x, want %x", b.Name, f.name, got, want)
			}
			if got := b.KL32(p32, q32); got != want32 {
				t.Errorf("%s, %s, float32: %x, want %x", b.Name, f.name, got, want32)
			}
		}
	}
}

// TestPermutation checks that the order of the elements does not matter.
func TestPermutation(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b *Backend) {
		r := newRand(8)
		for _, f := range families {
			p, q := f.draw(r, 100)
			p32, q32 := narrow(p), narrow(q)
			want := all(b, p, q, p32, q32)
			for range 3 {
				r.Shuffle(len(p), func(i, j int) {
					p[i], p[j], q[i], q[j] = p[j], p[i], q[j], q[i]
					p32[i], p32[j], q32[i], q32[j] = p32[j], p32[i], q32[j], q32[i]
				})
				if got := all(b, p, q, p32, q32); !maps.Equal(got, want) {
					t.Errorf("%s: %v after a permutation of what gave %v", f.name, got, want)
				}
			}
		}
	})
}

// TestGuards evaluates subslices at every offset between NaNs, which must neither be
// read nor written, and checks that the inputs are as they were.
func TestGuards(t *testing.T) {
	nan := math.NaN()
	forEachBackend(t, func(t *testing.T, b *Backend) {
		r := newRand(9)
		for n := range 70 {
			p, q := families[0].draw(r, n)
			p32, q32 := narrow(p), narrow(q)
			want := all(b, p, q, p32, q32)
			for offset := range 9 {
				pg, qg := guarded(p, offset, nan), guarded(q, 8-offset, nan)
				pg32, qg32 := guarded(p32, offset, float32(nan)), guarded(q32, 8-offset, float32(nan))
				got := all(b, pg[offset:][:n], qg[8-offset:][:n], pg32[offset:][:n], qg32[8-offset:][:n])
				if !maps.Equal(got, want) {
					t.Errorf("n = %d, offset %d: %v, want %v", n, offset, got, want)
				}
				if !unchanged(pg, guarded(p, offset, nan)) || !unchanged(qg, guarded(q, 8-offset, nan)) ||
					!unchanged(pg32, guarded(p32, offset, float32(nan))) || !unchanged(qg32, guarded(q32, 8-offset, float32(nan))) {
					t.Errorf("n = %d, offset %d: inputs changed", n, offset)
				}
			}
		}
	})
}

func guarded[F float32 | float64](x []F, offset int, guard F) []F {
	y := make([]F, len(x)+16)
	for i := range y {
		y[i] = guard
	}
	copy(y[offset:], x)
	return y
}

func unchanged[F float32 | float64](x, y []F) bool {
	return slices.EqualFunc(x, y, func(a, b F) bool { return a == b || a != a && b != b })
}

// TestAliases evaluates vectors that share memory.
func TestAliases(t *testing.T) {
	x, _ := families[0].draw(newRand(10), 101)
	clone := slices.Clone(x)
	forEachBackend(t, func(t *testing.T, b *Backend) {
		if got := b.KL(x, x); math.Float64bits(got) != 0 {
			t.Errorf("KL(x, x) = %x", got)
		}
		if got, want := b.KL(x[:100], x[1:]), exactly(klSum, clone[:100], clone[1:]); got != want {
			t.Errorf("KL of overlapping vectors = %x, want %x", got, want)
		}
	})
}

// TestNoAllocation checks the common path.
func TestNoAllocation(t *testing.T) {
	r := newRand(11)
	p, q := families[0].draw(r, 1000)
	p32, q32 := narrow(p), narrow(q)
	near, _ := near(1e-6)(r, 1000)
	for _, b := range backends[1:] {
		for name, f := range map[string]func(){
			"KL":              func() { sink += b.KL(p, q) },
			"KL near":         func() { sink += b.KL(p, near) },
			"Entropy":         func() { sink += b.Entropy(p) },
			"CrossEntropy":    func() { sink += b.CrossEntropy(p, q) },
			"JensenShannon":   func() { sink += b.JensenShannon(p, q) },
			"KL32":            func() { sink32 += b.KL32(p32, q32) },
			"Entropy32":       func() { sink32 += b.Entropy32(p32) },
			"CrossEntropy32":  func() { sink32 += b.CrossEntropy32(p32, q32) },
			"JensenShannon32": func() { sink32 += b.JensenShannon32(p32, q32) },
		} {
			if n := testing.AllocsPerRun(20, f); n != 0 {
				t.Errorf("%s: %s allocates %v times", b.Name, name, n)
			}
		}
	}
}

// TestConcurrent calls everything from several goroutines while the backend changes.
func TestConcurrent(t *testing.T) {
	p, q := families[0].draw(newRand(12), 200)
	p32, q32 := narrow(p), narrow(q)
	want := all(&goBackend, p, q, p32, q32)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				if got := all(current.Load(), p, q, p32, q32); !maps.Equal(got, want) {
					t.Errorf("%v, want %v", got, want)
				}
			}
		})
	}
	for range 50 {
		for _, name := range Backends() {
			restore, err := Use(name)
			if err != nil {
				t.Fatal(err)
			}
			restore()
		}
	}
	wg.Wait()
}
