package kltest_test

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"klconf/impl/exact"
	"klconf/kltest"
	"klconf/spec"
)

// special answers what is not a sum of logarithms.
func special[F float32 | float64](p, q []F) (answer F, done bool) {
	if len(p) != len(q) {
		panic("lengths differ")
	}
	infinite := false
	for i := range p {
		if p[i] != p[i] || q[i] != q[i] {
			return F(math.NaN()), true
		}
	}
	for i := range p {
		if p[i] < 0 || q[i] < 0 || math.IsInf(float64(p[i]), 0) || math.IsInf(float64(q[i]), 0) {
			return F(math.NaN()), true
		}
		infinite = infinite || p[i] > 0 && q[i] == 0
	}
	return F(math.Inf(1)), infinite
}

// rounded is correctly rounded.
func rounded[F float32 | float64](to exact.Format) func(p, q []F) F {
	return func(p, q []F) F {
		if v, done := special(p, q); done {
			return v
		}
		r, err := exact.KL(p, q).Round(to)
		if err != nil {
			panic(err)
		}
		return F(to.Value(r.Bits))
	}
}

// plain is the textbook's loop, done right.
func plain(p, q []float64) float64 {
	v, done := special(p, q)
	if done {
		return v
	}
	s := 0.0
	for i := range p {
		if p[i] > 0 {
			s += p[i] * (log(p[i]) - log(q[i]))
		}
	}
	return s
}

func TestRounded(t *testing.T) {
	kltest.Run(t, kltest.Func(rounded[float64](exact.Float64)), kltest.Convention(`{"complete":true}`), kltest.Claim(spec.L5))
}

func TestRounded32(t *testing.T) {
	kltest.Run(t, kltest.Func32(rounded[float32](exact.Float32)), kltest.Claim(spec.L5))
}

func TestExample(t *testing.T) { testKL(t) }

func TestPlain(t *testing.T) { kltest.Run(t, kltest.Func(plain)) }

func TestErr(t *testing.T) {
	kltest.Run(t, kltest.FuncErr(func(p, q []float64) (float64, error) {
		if len(p) != len(q) {
			return 0, errors.New("different lengths")
		}
		v := plain(p, q)
		if v != v && !slices.ContainsFunc(slices.Concat(p, q), math.IsNaN) {
			return v, errors.New("a weight is negative or infinite")
		}
		return v, nil
	}))
}

func rows(p, q [][]float64) []float64 {
	if len(p) != len(q) {
		panic("rows: length mismatch")
	}
	r := make([]float64, len(p))
	for i := range p {
		r[i] = plain(p[i], q[i])
	}
	return r
}

func TestRows(t *testing.T) { kltest.Run(t, kltest.Rows(rows)) }

func address(x []float64) uintptr { return uintptr(unsafe.Pointer(&x[0])) }

func TestDeclared(t *testing.T) {
	t.Run("JSON", func(t *testing.T) {
		kltest.Run(t, kltest.Func(dropping), kltest.Convention(`{"zero_q":"drop"}`))
	})
	t.Run("struct", func(t *testing.T) {
		kltest.Run(t, kltest.Func(dropping), kltest.Convention(spec.Convention{ZeroQ: "drop"}))
	})
}

func TestKnown(t *testing.T) {
	kltest.Run(t, kltest.Func(mutating), kltest.Known("go/inputs", "normalises in place"))
}

func dropping(p, q []float64) float64 {
	a, b := []float64{}, []float64{}
	if len(p) != len(q) {
		panic("lengths differ")
	}
	for i := range p {
		if q[i] != 0 || !(p[i] > 0) || math.IsInf(p[i], 1) {
			a, b = append(a, p[i]), append(b, q[i])
		}
	}
	return plain(a, b)
}

func mutating(p, q []float64) float64 {
	v := plain(p, q)
	for i := range p {
		if p[i] > 0 && p[i] < 1 {
			p[i] *= 2
		}
	}
	return v
}

// wrong functions, and what must be said about each.
var wrong = []struct {
	name    string
	f       kltest.Function
	options []kltest.Option
	test    string   // the subtest that fails
	says    []string // in this order
	alone   bool     // nothing else fails
}{
	{"mutates", kltest.Func(mutating), nil, "IO-1",
		[]string{"IO-1: The inputs are not modified.", "go/inputs/f64", "the call changed p[0] from", "go test -run '^TestWrong$/^mutates$/^IO-1$'"}, true},
	{"writes-one-element", kltest.Func(func(p, q []float64) float64 {
		v := plain(p, q)
		if len(q) > 0 {
			q[0] = 7
		}
		return v
	}), nil, "IO-1", []string{"go/inputs/f64", "the call changed q[0] from"}, true},
	{"writes-outside", kltest.Func(func(p, q []float64) float64 {
		if cap(p) > len(p) {
			p[:len(p)+1][len(p)] = 1
		}
		return plain(p, q)
	}), nil, "IO-1", []string{"go/outside/f64", "the call wrote to memory outside p"}, true},
	{"reads-outside", kltest.Func(func(p, q []float64) float64 {
		n := (len(p) + 3) &^ 3
		if len(p) == len(q) && len(p) > 0 && n <= cap(p) && n <= cap(q) && n > len(p) {
			return plain(p[:n], q[:n])
		}
		return plain(p, q)
	}), nil, "IO-2", []string{"IO-2: ", "go/around/f64", "memory outside the slices was read: with NaN around them the answer is NaN, else 0"}, true},
	{"keeps-state", kltest.Func(func() func(p, q []float64) float64 {
		last := map[*float64]float64{}
		return func(p, q []float64) float64 {
			if len(p) == 0 || len(p) != len(q) {
				return plain(p, q)
			}
			v, found := last[&p[0]]
			if !found {
				v = plain(p, q)
				last[&p[0]] = v
			}
			return v
		}
	}()), nil, "IO-7", []string{"IO-7: An answer does not depend on the questions before it.", "go/again/f64"}, false},
	{"order-dependent", kltest.Func(func() func(p, q []float64) float64 {
		var mu sync.Mutex
		before := 0
		return func(p, q []float64) float64 {
			mu.Lock()
			defer mu.Unlock()
			v := plain(p, q)
			if before > 32 && len(p) > 0 {
				v = math.Nextafter(v, 2*v)
			}
			before = len(p)
			return v
		}
	}()), nil, "IO-7", []string{"io/state/f64", "the same question gave"}, false},
	{"disturbed", kltest.Func(func() func(p, q []float64) float64 {
		var inside atomic.Int32
		return func(p, q []float64) float64 {
			defer inside.Add(-1)
			alone := inside.Add(1) == 1
			for range 10 {
				runtime.Gosched()
				alone = alone && inside.Load() == 1
			}
			v := plain(p, q)
			if !alone {
				v *= 1 + 0x1p-50
			}
			return v
		}
	}()), nil, "IO-2", []string{"go/concurrent/f64", "while other goroutines called too the answer was"}, true},
	{"aligned", kltest.Func(func(p, q []float64) float64 {
		if len(p) == len(q) && len(p) > 0 && address(p)%32 == 8 {
			return plain(p, q) * (1 + 0x1p-50)
		}
		return plain(p, q)
	}), nil, "IO-2", []string{"behind a multiple of 64 bytes the answer is"}, true},
	{"panics-on-empty", kltest.Func(func(p, q []float64) float64 {
		_ = p[0]
		return plain(p, q)
	}), nil, "VAL-9", []string{"it died: panic: runtime error: index out of range [0] with length 0 at kltest_test.go:",
		"p:        []", "expected: 0 = 0000000000000000", "got:      crash"}, false},
	{"swapped", kltest.Func(func(p, q []float64) float64 { return plain(q, p) }), nil, "DEF-2",
		[]string{"DEF-2: The first array is P", "your arguments are swapped"}, false},
	{"drops-zero-q", kltest.Func(dropping), nil, "convention",
		[]string{`"zero_q":"drop"`, "kltest.Convention(`{\"zero_q\":\"drop\"}`)"}, true},
	{"drops-zero-q-against-the-definition", kltest.Func(dropping), []kltest.Option{kltest.Convention(`{"complete":true}`)}, "VAL-2",
		[]string{"VAL-2: A pair with p > 0 and q = 0 makes the divergence +Inf.", "case:     golden/", "expected: +Inf = 7ff0000000000000",
			"go test -run '^TestWrong$/^drops-zero-q-against-the-definition$/^VAL-2$'"}, false},
	{"swallows-nan", kltest.Func(func(p, q []float64) float64 {
		if len(p) != len(q) {
			panic("lengths differ")
		}
		a, b := []float64{}, []float64{}
		for i := range p {
			if p[i] == p[i] && q[i] == q[i] {
				a, b = append(a, p[i]), append(b, q[i])
			}
		}
		return plain(a, b)
	}), nil, "convention", []string{"kltest.Convention(`{\"nan\":\"ignore\"}`)"}, false},
	{"normalises-against-the-definition", kltest.Func(func(p, q []float64) float64 {
		if _, done := special(p, q); done || len(p) == 0 {
			return plain(p, q)
		}
		a, b := 0.0, 0.0
		for i := range p {
			a, b = a+p[i], b+q[i]
		}
		if v := plain(p, q)/a + math.Log(b/a); a > 0 {
			return v
		}
		return 0
	}), []kltest.Option{kltest.Convention(`{"complete":true}`)}, "DEF-1", []string{"DEF-1: ", "why:"}, false},
	{"overclaims", kltest.Func(plain), []kltest.Option{kltest.Claim(spec.L5)}, "ACC-6", []string{"L5 is claimed"}, false},
	{"known-passes", kltest.Func(plain), []kltest.Option{kltest.Known("go/inputs", "it did")}, "IO-1", []string{"unexpected pass"}, true},
	{"too-few-rows", kltest.Rows(func(p, q [][]float64) []float64 {
		return slices.DeleteFunc(rows(p, q), func(v float64) bool { return v == 0 })
	}), nil, "", []string{"0 values for one row"}, false},
	{"sorts-rows", kltest.Rows(func(p, q [][]float64) []float64 {
		r := rows(p, q)
		slices.SortFunc(p, func(a, b []float64) int { return len(a) - len(b) })
		slices.Reverse(q)
		return r
	}), nil, "IO-1", []string{"go/rows/f64", "the call changed the rows of q", "shape ["}, true},
	{"bad-option", kltest.Func(plain), []kltest.Option{kltest.Convention(`{"zeroq":"drop"}`)}, "", []string{`a convention has no field "zeroq"`}, false},
}

// TestWrong runs the wrong functions in another process, because only there
// may a test fail.
func TestWrong(t *testing.T) {
	if os.Getenv("KLTEST_WRONG") != "" {
		for _, w := range wrong {
			t.Run(w.name, func(t *testing.T) { kltest.Run(t, w.f, w.options...) })
		}
		return
	}
	said, out := child(t, "^TestWrong$", "-test.short")
	for _, w := range wrong {
		t.Run(w.name, func(t *testing.T) {
			text, ok := said[w.name]
			if !ok {
				t.Fatalf("it did not fail:\n%s", out)
			}
			block := text
			if w.test != "" {
				_, block, ok = strings.Cut(text, "--- FAIL: TestWrong/"+w.name+"/"+w.test+" ")
				block, _, _ = strings.Cut(block, "--- FAIL: ")
			}
			for _, s := range w.says {
				var found bool
				if _, block, found = strings.Cut(block, s); !ok || !found {
					t.Errorf("%q is not said, or not in this order, about %s:\n%s", s, w.test, text)
					break
				}
			}
			if n := strings.Count(text, "--- FAIL: TestWrong/"+w.name+"/"); w.alone && n != 1 {
				t.Errorf("%d requirements fail where one should:\n%s", n, text)
			}
		})
	}
}

// A pattern of Known that matches nothing is a mistake. With -short it may be
// about what is not asked.
func TestKnownMatchesNothing(t *testing.T) {
	if os.Getenv("KLTEST_WRONG") != "" {
		kltest.Run(t, kltest.Func(plain), kltest.Known("golden/no-such", "it did"))
		return
	}
	if _, out := child(t, "^TestKnownMatchesNothing$"); !strings.Contains(out, `Known("golden/no-such", …) matches no case`) {
		t.Errorf("it is not said:\n%s", out)
	}
}

// -run selects a requirement; its other failures are not shown.
func TestRunPattern(t *testing.T) {
	said, out := child(t, "^TestWrong$/^drops-zero-q-against-the-definition$/^VAL-2$", "-test.short")
	text := said["drops-zero-q-against-the-definition"]
	if len(said) != 1 || strings.Count(text, "--- FAIL: TestWrong/drops-zero-q-against-the-definition/") != 1 {
		t.Errorf("more than VAL-2 was shown, or less:\n%s", out)
	}
}

// With -short no laws are asked, without it every one is a subtest of its own.
func TestShort(t *testing.T) {
	const name = "normalises-against-the-definition"
	for _, short := range []string{"false", "true"} {
		said, out := child(t, "^TestWrong$/^"+name+"$", "-test.short="+short)
		for _, law := range []string{"LAW-M6", "LAW-3", "LAW-5", "LAW-11", "LAW-14", "LAW-15"} {
			if shown := strings.Contains(said[name], "--- FAIL: TestWrong/"+name+"/"+law+" "); shown != (short == "false") {
				t.Errorf("-short=%s, %s is shown: %t\n%s", short, law, shown, out)
			}
		}
	}
}

// child returns what the tests that pattern selects print, by wrong function.
func child(t *testing.T, pattern string, flags ...string) (said map[string]string, out string) {
	cmd := exec.Command(os.Args[0], append(flags, "-test.run="+pattern)...)
	cmd.Env = append(os.Environ(), "KLTEST_WRONG=1")
	b, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("the tests of wrong functions ended with %v:\n%s", err, b)
	}
	said = map[string]string{}
	for _, block := range strings.Split(string(b), "\n    --- FAIL: TestWrong/")[1:] {
		name, _, _ := strings.Cut(block, " ")
		said[name] = block
	}
	return said, string(b)
}

// A module of somebody else uses kltest and passes.
func TestForeignModule(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: another module is built")
	}
	if out, err := foreign(t, "-short"); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// The calls at the same time are such that the race detector sees memory that
// is shared.
func TestForeignRace(t *testing.T) {
	if os.Getenv("KLCONF_FULL") == "" {
		t.Skip("KLCONF_FULL is not set: everything is built anew for the race detector")
	}
	out, err := foreign(t, "-short", "-race")
	if err == nil || !strings.Contains(out, "WARNING: DATA RACE") || !strings.Contains(out, "--- FAIL: TestShared (") {
		t.Errorf("the race was not found: %v\n%s", err, out)
	}
	if strings.Contains(out, "--- FAIL: TestKL ") {
		t.Errorf("a race where there is none:\n%s", out)
	}
}

// foreign runs the tests of the foreign module.
func foreign(t *testing.T, flags ...string) (string, error) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/foreign")); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	module := strings.TrimSuffix(reflect.TypeFor[kltest.Function]().PkgPath(), "/kltest")
	mod = []byte(strings.NewReplacer("../../..", root, "require klconf", "require "+module, "replace klconf", "replace "+module).Replace(string(mod)))
	for name, b := range map[string][]byte{"go.mod": mod, "go.sum": sum} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", slices.Concat([]string{"test", "-count=1"}, flags, []string{"."})...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "module lookup disabled") {
		t.Skipf("the module cache does not suffice:\n%s", out)
	}
	return string(out), err
}
