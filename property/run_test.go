package property

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"klconf/spec"
	"pgregory.net/rapid"
)

func subject(ask asker) Subject {
	return Subject{Ask: ask, Level: spec.L5, DType: spec.F64, Offers: offersAll}
}

func TestSameSeedSameOutcome(t *testing.T) {
	for _, id := range []string{"LAW-M5", "LAW-1"} {
		l := lawOf(t, id)
		one := Run(t.Context(), l, subject(wrongly("clipped at 1e-3")), Options{Seed: 7})
		two := Run(t.Context(), l, subject(wrongly("clipped at 1e-3")), Options{Seed: 7})
		if diff := cmp.Diff(one, two); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
		if one.Status != spec.Fail || len(one.Requests) == 0 || len(one.Answers) != len(one.Requests) {
			t.Errorf("%s: %+v", id, one)
		}
	}
}

// What is asked for a law depends on the seed, the law and the format.
func TestSeeds(t *testing.T) {
	first := func(id string, d spec.DType, seed uint64) string {
		var asked strings.Builder
		s := subject(func(ctx context.Context, r spec.Request) spec.Answer {
			for _, a := range r.Arrays {
				asked.Write(a.Data)
			}
			return oracle(spec.Convention{})(ctx, r)
		})
		s.DType = d
		Run(t.Context(), lawOf(t, id), s, Options{Seed: seed, Draws: 20})
		return asked.String()
	}
	a := first("LAW-2", spec.F64, 1)
	if a != first("LAW-2", spec.F64, 1) {
		t.Error("the same seed drew other questions")
	}
	for _, b := range []string{first("LAW-2", spec.F64, 2), first("LAW-2S", spec.F64, 1), first("LAW-2", spec.F32, 1)} {
		if a == b {
			t.Error("another seed, law or format drew the same questions")
		}
	}
}

// An answer that is none ends the law and is no counterexample.
func TestAnswersThatEndALaw(t *testing.T) {
	for answered, want := range map[spec.AnswerStatus]spec.Status{
		spec.Crashed: spec.StatusCrash, spec.TimedOut: spec.StatusTimeout, spec.ProtocolError: spec.StatusProtocol,
		spec.NotRun: spec.StatusNotRun, spec.Errored: spec.StatusError, spec.Unsupported: spec.StatusUnsupported,
	} {
		asked := 0
		o := Run(t.Context(), lawOf(t, "LAW-M1"), subject(func(ctx context.Context, r spec.Request) spec.Answer {
			if asked++; asked < 10 {
				return oracle(spec.Convention{})(ctx, r)
			}
			return spec.Answer{Status: answered, Message: "why"}
		}), Options{Seed: 1})
		if o.Status != want || asked != 10 || o.Draws != 5 || !strings.Contains(o.Message, "why") || len(o.Answers) != 2 {
			t.Errorf("%s: %d asked, %+v", answered, asked, o)
		}
	}
	o := Run(t.Context(), lawOf(t, "LAW-M1"), subject(func(context.Context, spec.Request) spec.Answer { panic("boom") }), Options{Seed: 1})
	if o.Status != spec.StatusCrash || !strings.Contains(o.Message, "boom") {
		t.Errorf("a panic: %+v", o)
	}
}

// A counterexample stands although the subject dies while it is made smaller.
func TestCrashWhileShrinking(t *testing.T) {
	ask, failed := wrongly("swapped-arguments"), 0
	o := Run(t.Context(), lawOf(t, "LAW-M8"), subject(func(ctx context.Context, r spec.Request) spec.Answer {
		a := ask(ctx, r)
		if cmp.Diff(a, oracle(spec.Convention{})(ctx, r)) != "" {
			if failed++; failed > 3 {
				return spec.Answer{Status: spec.Crashed}
			}
		}
		return a
	}), Options{Seed: 1})
	if o.Status != spec.Fail || len(o.Requests) != 1 {
		t.Errorf("%+v", o)
	}
}

// A refusal or a NaN is a violation where only a number is right, and says
// nothing where the convention allows it.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer spec.Answer
		zeroQ  string
		want   spec.Status
	}{
		{"refused", spec.Answer{Status: spec.Rejected, Message: "no"}, "", spec.Fail},
		{"NaN", number(spec.F64, nan), "", spec.Fail},
		{"wrong format", number(spec.F32, 0), "", spec.Fail},
		{"two numbers", spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Float64s("", []float64{1, 2})}}, "", spec.Fail},
		{"nothing", spec.Answer{Status: spec.OK}, "", spec.Fail},
	} {
		o := Run(t.Context(), lawOf(t, "LAW-M1"), subject(func(context.Context, spec.Request) spec.Answer { return c.answer }), Options{Seed: 1})
		if o.Status != c.want {
			t.Errorf("%s: %s %s", c.name, o.Status, o.Message)
		}
	}
	// LAW-20 draws zeros in Q whatever the convention does with them.
	c := spec.Convention{ZeroQ: "reject"}
	s := subject(oracle(c))
	s.Convention = c
	if o := run(t.Context(), lawOf(t, "LAW-20"), s, Options{Seed: 1}, 0); o.Status != spec.Pass {
		t.Errorf("refused by convention: %s %s", o.Status, o.Message)
	}
}

func TestNotOffered(t *testing.T) {
	s := subject(oracle(spec.Convention{}))
	s.Offers = nil
	for _, id := range []string{"LAW-M9", "LAW-21"} {
		if o := Run(t.Context(), lawOf(t, id), s, Options{}); o.Status != spec.StatusUnsupported {
			t.Errorf("%s: %+v", id, o)
		}
	}
	s.DType = spec.F8E4M3
	if o := Run(t.Context(), lawOf(t, "LAW-M1"), s, Options{}); o.Status != spec.StatusUnsupported {
		t.Errorf("f8: %+v", o)
	}
	s.DType = spec.F32
	v := spec.Threshold{Under: map[spec.DType]spec.Real{spec.F64: "0x1p-52"}}
	s.Convention.Steps = []spec.Step{{Do: "add_ratio", Value: &v}}
	if o := Run(t.Context(), lawOf(t, "LAW-M1"), s, Options{}); o.Status != spec.StatusUnsupported {
		t.Errorf("no threshold: %+v", o)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	ask := func(ctx context.Context, r spec.Request) spec.Answer {
		if asked++; asked == 7 {
			cancel()
		}
		return oracle(spec.Convention{})(ctx, r)
	}
	o := Run(ctx, lawOf(t, "LAW-M4"), subject(ask), Options{Seed: 1})
	if o.Status != spec.StatusNotRun || asked != 7 {
		t.Errorf("in the midst: %d asked, %+v", asked, o)
	}
	if o := Run(ctx, lawOf(t, "LAW-M4"), subject(ask), Options{Seed: 1}); o.Status != spec.StatusNotRun || asked != 7 {
		t.Errorf("before: %d asked, %+v", asked, o)
	}
}

// A law that goes wrong itself is an error of the suite, and never a pass or
// a counterexample.
func TestBrokenLaw(t *testing.T) {
	broken := func(pose func(t *rapid.T) *trial) Law {
		return Law{ID: "LAW-0", Requirement: "LAW-0", HoldsUnder: func(spec.Convention) bool { return true },
			pose: func(t *rapid.T, s *setting) *trial { return pose(t) }}
	}
	s := subject(oracle(spec.Convention{}))
	for name, pose := range map[string]func(t *rapid.T) *trial{
		"panics": func(t *rapid.T) *trial { panic("in the law") },
		"panics after a draw": func(t *rapid.T) *trial {
			if rapid.IntRange(0, 5).Draw(t, "n") == 3 {
				panic("in the law")
			}
			return new(trial)
		},
		"fails":         func(t *rapid.T) *trial { t.Fatal("in the law"); return nil },
		"fails later":   func(t *rapid.T) *trial { t.Errorf("in the law"); return new(trial) },
		"an empty draw": func(t *rapid.T) *trial { rapid.SampledFrom([]int{}).Draw(t, "in the law"); return nil },
	} {
		o := Run(t.Context(), broken(pose), s, Options{Seed: 1})
		if o.Status != spec.StatusError || o.Message == "" || strings.Contains(o.Message, "-rapid.") {
			t.Errorf("%s: %+v", name, o)
		}
	}
	if o := Run(t.Context(), broken(func(t *rapid.T) *trial { return new(trial) }), s, Options{}); o.Status != spec.StatusUnsupported {
		t.Errorf("nothing claimed: %+v", o)
	}
	if o := Run(t.Context(), broken(func(t *rapid.T) *trial { t.Skip(); return nil }), s, Options{}); o.Status != spec.StatusError {
		t.Errorf("nothing drawn: %+v", o)
	}
}

// The recorder leaves like a test.
func TestRecorder(t *testing.T) {
	for name, f := range map[string]func(rapid.TB){
		"Error":   func(t rapid.TB) { t.Error("a", "b") },
		"Errorf":  func(t rapid.TB) { t.Errorf("%s%s", "a", "b") },
		"Fatal":   func(t rapid.TB) { t.Fatal("a", "b"); panic("not left") },
		"Fatalf":  func(t rapid.TB) { t.Fatalf("%s%s", "a", "b"); panic("not left") },
		"FailNow": func(t rapid.TB) { t.FailNow(); panic("not left") },
		"Fail":    func(t rapid.TB) { t.Fail() },
		"panic":   func(t rapid.TB) { panic("ab") },
	} {
		r := record("klconf/x", func(r *recorder) { f(r) })
		if !r.Failed() || strings.Contains(r.message(), "not left") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	for name, f := range map[string]func(rapid.TB){
		"nothing": func(t rapid.TB) { t.Helper(); t.Log("a"); t.Logf("a") },
		"SkipNow": func(t rapid.TB) { t.SkipNow(); panic("not left") },
		"Skip":    func(t rapid.TB) { t.Skip("a"); panic("not left") },
		"Skipf":   func(t rapid.TB) { t.Skipf("a"); panic("not left") },
	} {
		if r := record("klconf/x", func(r *recorder) { f(r) }); r.Failed() {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// Shrinking ends at a small counterexample after a bounded number of
// questions.
func TestShrinking(t *testing.T) {
	for seed := range uint64(10) {
		n := 0
		ask := wrongly("swapped-arguments")
		o := Run(t.Context(), lawOf(t, "LAW-1"), subject(func(ctx context.Context, r spec.Request) spec.Answer {
			n++
			return ask(ctx, r)
		}), Options{Seed: seed})
		if o.Status != spec.Fail || n > o.Draws+shrinkLimit || o.Requests[0].Arrays[0].Len() > 4 {
			t.Errorf("seed %d: %d questions, %s: %s", seed, n, o.Status, o.Message)
		}
	}
}

// A subject that changes its mind is reported with what it said.
func TestMovingSubject(t *testing.T) {
	n := 0
	o := Run(t.Context(), lawOf(t, "LAW-M4"), subject(func(_ context.Context, r spec.Request) spec.Answer {
		if n++; n == 30 {
			return number(spec.F64, 1)
		}
		return number(spec.F64, 0)
	}), Options{Seed: 1})
	if o.Status != spec.Fail || o.Draws != 30 || o.Answers[0].Arrays[0].Float(0) != 1 {
		t.Errorf("%+v", o)
	}
}

// rapid's flags are as they were, and nothing is written.
func TestLeavesNothingBehind(t *testing.T) {
	flags := func() map[string]string {
		m := map[string]string{}
		flag.VisitAll(func(f *flag.Flag) { m[f.Name] = f.Value.String() })
		return m
	}
	before := flags()
	Run(t.Context(), lawOf(t, "LAW-1"), subject(wrongly("swapped-arguments")), Options{Seed: 1})
	if diff := cmp.Diff(before, flags()); diff != "" {
		t.Error(diff)
	}
	if found, _ := filepath.Glob("testdata/rapid"); found != nil {
		t.Error("a file of a failure was written")
	}
}

// Near the deadline of a test binary rapid stops early and green when it
// reports to a *testing.T. The recorder makes it draw everything.
func TestNearTheDeadline(t *testing.T) {
	const name = "KLCONF_NEAR_THE_DEADLINE"
	if os.Getenv(name) != "" {
		o := Run(t.Context(), lawOf(t, "LAW-M4"), subject(func(context.Context, spec.Request) spec.Answer {
			time.Sleep(250 * time.Millisecond)
			return number(spec.F64, 0)
		}), Options{Draws: 6})
		if o.Status != spec.Pass || o.Draws != 6 {
			t.Errorf("%+v", o)
		}
		return
	}
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^TestNearTheDeadline$", "-test.timeout=2500ms")
	cmd.Env = append(os.Environ(), name+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// A program that is no test runs laws too.
func TestOutsideGoTest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "outside.exe")
	if out, err := exec.Command("go", "build", "-o", program, "./testdata/outside").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program, "-not", "a flag of ours")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.HasPrefix(string(out), "pass 100\nfail ") {
		t.Errorf("it printed %q", out)
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "*")); len(found) != 1 {
		t.Errorf("it left %v", found)
	}
}
