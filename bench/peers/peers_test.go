package main

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"klconf/bench"
	"klconf/bench/peers/libmvec"
)

// Every peer must pass the check, and so must the values of vectors with a rest.
func TestSubjects(t *testing.T) {
	s64, err := subjects64()
	if err != nil {
		t.Fatal(err)
	}
	s32, err := subjects32()
	if err != nil {
		t.Fatal(err)
	}
	if s64[0].kind != limit || s32[0].kind != limit {
		t.Error("the dot product is not the first subject")
	}
	for _, f := range bench.Families {
		for _, n := range []int{1, 63, 1024, 1027, 32768} {
			checkAll(t, s64, f, n)
			checkAll(t, s32, f, n)
		}
	}
}

func checkAll[F float](t *testing.T, subjects []subject[F], f bench.Family, n int) {
	t.Helper()
	p, q := pair[F](f, n, 0)
	var want, abs float64
	for i, x := range p {
		want += float64(x) * float64(q[i])
	}
	abs = want
	for _, s := range subjects {
		if s.kind == limit {
			if got := s.f(p, q, 1); math.Abs(got-want) > float64(n)*s.u*abs {
				t.Errorf("dot product of %d elements: %v, want %v", n, got, want)
			}
			continue
		}
		if err := check(s, p, q); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

// What computes something else must not be timed.
func TestCheckCatches(t *testing.T) {
	wrong := map[string]func(p, q []float64) float64{
		"swapped":                func(p, q []float64) float64 { return naive(q, p) },
		"without the last":       func(p, q []float64) float64 { return naive(p[:len(p)-1], q[:len(q)-1]) },
		"in bits":                func(p, q []float64) float64 { return naive(p, q) / math.Ln2 },
		"with 1e-7 added":        func(p, q []float64) float64 { return shifted(p, q, 1e-7) },
		"in float32":             func(p, q []float64) float64 { return float64(float32(naive(p, q))) },
		"of nothing":             func(p, q []float64) float64 { return 0 },
		"NaN":                    func(p, q []float64) float64 { return math.NaN() },
		"without a whole vector": func(p, q []float64) float64 { return naive(p[8:], q[8:]) },
	}
	p, q := pair[float64](bench.Families[0], 1024, 0)
	for name, f := range wrong {
		s := subject[float64]{name, peer, 64, goOf(f), 0, u64}
		if err := check(s, p, q); err == nil || !strings.Contains(err.Error(), "not timed") {
			t.Errorf("%s: %v", name, err)
		}
	}
	right := subject[float64]{"as said", peer, 64, goOf(func(p, q []float64) float64 { return shifted(p, q, 1e-7) }), 1e-7, u64}
	if err := check(right, p, q); err != nil {
		t.Error(err)
	}
}

func shifted(p, q []float64, by float64) float64 {
	s := 0.0
	for i, x := range p {
		s += x * math.Log((x+by)/(q[i]+by))
	}
	return s
}

func TestLibmvecIsLookedFor(t *testing.T) {
	if err := libmvec.Check([]string{"_ZGVeN8v_log", "_ZGVeN8v_lgamma"}); err == nil || !strings.Contains(err.Error(), "_ZGVeN8v_lgamma is not called") {
		t.Errorf("%v", err)
	}
}

// The mode of a peer in which it is fastest counts, also where it is not in the process in
// which we are.
func TestRows(t *testing.T) {
	process := func(libmvec, other float64) []cell {
		return []cell{{"f64", "softmax", 100, []timed{
			{"dot", limit, 512, bench.Times{10, 20, 10}},
			{"libmvec-512", peer, 512, bench.Times{libmvec, 2 * libmvec, libmvec}},
			{"libmvec-256", peer, 256, bench.Times{other, 2 * other, 9}},
			{"klconf-avx2", ours, 256, bench.Times{200, 400, 200}},
			{"klconf-avx512", ours, 512, bench.Times{100, 200, 100}},
		}}}
	}
	got := rows([][]cell{process(160, 200), process(100, 250)})
	want := []row{
		{"f64", "softmax", 100, "klconf-avx2", 2, 20, rival{"libmvec-256", 1}, rival{"libmvec-512", 2}},
		{"f64", "softmax", 100, "klconf-avx512", 1, 10, rival{"libmvec-512", 1}, rival{"libmvec-512", 1}},
	}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	var out bytes.Buffer
	if err := write(&out, "a-cpu", [][]cell{process(160, 200), process(100, 250)}); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"libmvec-256", "1.000", "klconf-avx512", "a-cpu"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %s in\n%s", part, &out)
		}
	}
}

// A wrong command line ends with one sentence.
func TestMain(m *testing.M) {
	if os.Getenv("PEERS_AS_PROGRAM") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestUsage(t *testing.T) {
	cmd := exec.Command(os.Args[0], "now")
	cmd.Env = append(os.Environ(), "PEERS_AS_PROGRAM=1")
	out, err := cmd.CombinedOutput()
	if err == nil || string(out) != "peers: unexpected argument \"now\"; the flags are -quick\n" {
		t.Errorf("%v\n%s", err, out)
	}
}
