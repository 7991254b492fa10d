package conform_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"klconf/conform"
	"klconf/spec"
	"klconf/spec/klap"
)

// The test binary is every adapter of this file: KLCONF_TEST_ADAPTER names
// what goes wrong.
func TestMain(m *testing.M) {
	if fault := os.Getenv("KLCONF_TEST_ADAPTER"); fault != "" {
		adapter(fault)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// faulty is right but for one question.
type faulty struct {
	obedient
	fault string
}

func (f faulty) Answer(ctx context.Context, r spec.Request) spec.Answer {
	guilty := len(r.Arrays) == 2 && r.Arrays[0].Len() == 37 && r.Arrays[0].DType == spec.F64
	if !guilty {
		return f.obedient.Answer(ctx, r)
	}
	switch f.fault {
	case "exit":
		fmt.Fprintln(os.Stderr, "about to leave")
		os.Exit(7)
	case "signal":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "hang":
		time.Sleep(time.Hour)
	case "print":
		fmt.Println("debug: n = 37")
	case "grandchild":
		spawnSleeper()
		os.Exit(1)
	case "error":
		return spec.Answer{Status: spec.Errored, Message: "a caught surprise"}
	case "short":
		return spec.Answer{Status: spec.OK}
	}
	return f.obedient.Answer(ctx, r)
}

func spawnSleeper() {
	p, err := os.StartProcess("/bin/sleep", []string{"sleep", "600"}, &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err == nil {
		fmt.Fprintln(os.Stderr, "grandchild", p.Pid)
	}
}

func adapter(fault string) {
	switch fault {
	case "silent at hello":
		time.Sleep(time.Hour)
	case "dead at hello":
		fmt.Fprintln(os.Stderr, "Traceback: no module named numpy")
		os.Exit(3)
	case "garbage at hello":
		fmt.Println("Welcome to my adapter!")
	case "prints always":
		in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
		r, w := io.Pipe()
		go func() {
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					w.Close()
					return
				}
				if !strings.Contains(line, `"hello"`) {
					fmt.Println("warning: something is deprecated")
				}
				io.WriteString(w, line)
			}
		}()
		klap.Serve(r, struct{ io.Writer }{os.Stdout}, obedient{dtypes: []spec.DType{spec.F64}})
		out.Flush()
		return
	}
	klap.Serve(os.Stdin, os.Stdout, faulty{obedient{dtypes: []spec.DType{spec.F64}}, fault})
}

func grade(t *testing.T, fault string, o conform.Options) (spec.Report, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Version, o.Seed = "test", 1
	return conform.Run(t.Context(), conform.Target{ID: "adapter", Command: []string{self}, Env: []string{"KLCONF_TEST_ADAPTER=" + fault}}, o)
}

// One bad question costs its own check and no other.
func TestOneBadQuestionCostsOne(t *testing.T) {
	only := []string{"golden/lengths", "io", "random/generic"}
	fine, err := grade(t, "none", conform.Options{Only: only})
	if err != nil || fine.Verdict != spec.Conforming {
		t.Fatalf("without a fault: %v %s %v", err, fine.Verdict, reds(fine))
	}
	for _, c := range []struct {
		fault  string
		status spec.Status
		says   string
	}{
		{"exit", spec.StatusCrash, "exit status 7; stderr ends: about to leave"},
		{"signal", spec.StatusCrash, "signal: killed"},
		{"hang", spec.StatusTimeout, "no answer within"},
		{"print", spec.StatusProtocol, `debug: n = 37`},
		{"grandchild", spec.StatusCrash, "exit status 1"},
		{"error", spec.StatusError, "a caught surprise"},
		{"short", spec.Fail, "0 buffers"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			o := conform.Options{Only: only}
			if c.fault == "hang" {
				o.TimeoutScale = 0.1
			}
			rep, err := grade(t, c.fault, o)
			if err != nil {
				t.Fatal(err)
			}
			if rep.Verdict != spec.Nonconforming {
				t.Errorf("verdict %s", rep.Verdict)
			}
			bad := 0
			for i, r := range rep.Results {
				if r.ID != fine.Results[i].ID {
					t.Fatalf("result %d is %s, without a fault %s", i, r.ID, fine.Results[i].ID)
				}
				if r.Status == fine.Results[i].Status {
					continue
				}
				bad++
				if r.Status != c.status || !strings.Contains(r.Message, c.says) || !strings.Contains(r.ID, "37") {
					t.Errorf("%s: %s: %s", r.ID, r.Status, r.Message)
				}
				if c.fault == "grandchild" {
					after := r.Message[strings.Index(r.Message, "grandchild ")+len("grandchild "):]
					pid, _ := strconv.Atoi(strings.TrimRight(strings.Fields(after)[0], "|;,"))
					if pid == 0 || alive(pid) {
						t.Errorf("the grandchild %d is still there: %s", pid, r.Message)
					}
				}
			}
			if bad != 1 {
				t.Errorf("%d checks changed, not one", bad)
			}
		})
	}
}

// alive reports whether a process runs; one that is merely unreaped by its
// new parent does not.
func alive(pid int) bool {
	for range 50 {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(b), ") Z ") {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
	return true
}

func TestAnAdapterThatDoesNotSpeak(t *testing.T) {
	for _, c := range []struct{ fault, says string }{
		{"silent at hello", "no hello within"},
		{"dead at hello", "it ended before it said hello: exit status 3; stderr ends: Traceback: no module named numpy"},
		{"garbage at hello", "Welcome to my adapter!"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			_, err := grade(t, c.fault, conform.Options{TimeoutScale: 0.05})
			if !errors.Is(err, conform.ErrStart) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
	_, err := conform.Run(t.Context(), conform.Target{ID: "x", Command: []string{"/no/such/adapter"}}, conform.Options{})
	if !errors.Is(err, conform.ErrStart) || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
}

// An adapter that prints before every answer is given up, incomplete, with
// the print quoted.
func TestStrayPrintsEverywhere(t *testing.T) {
	rep, err := grade(t, "prints always", conform.Options{Only: []string{"golden", "io"}})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Verdict != spec.Incomplete && rep.Verdict != spec.Nonconforming {
		t.Errorf("verdict %s", rep.Verdict)
	}
	said := strings.Join(rep.Findings, "\n") + strings.Join(reds(rep), "\n")
	if !strings.Contains(said, "something is deprecated") {
		t.Errorf("the print is not quoted:\n%s", said)
	}
}

func TestInterruptedRunIsIncomplete(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := 0
	rep, err := conform.Run(ctx, conform.Target{ID: "x", Impl: obedient{dtypes: []spec.DType{spec.F64}}},
		conform.Options{Progress: func(int, int) {
			if done++; done == 5 {
				cancel()
			}
		}})
	if err != nil || rep.Verdict != spec.Incomplete || rep.Incomplete != "interrupted" || len(rep.Results) == 0 {
		t.Errorf("%v %s %q %d results", err, rep.Verdict, rep.Incomplete, len(rep.Results))
	}
}

func TestNothingSelectedIsIncomplete(t *testing.T) {
	rep, err := conform.Run(t.Context(), conform.Target{ID: "x", Impl: obedient{dtypes: []spec.DType{spec.F64}}},
		conform.Options{Only: []string{"no/such/check"}})
	if err != nil || rep.Verdict != spec.Incomplete || rep.Incomplete != "nothing was selected" {
		t.Errorf("%v %s %q", err, rep.Verdict, rep.Incomplete)
	}
}

func TestKnownFailuresAreStrict(t *testing.T) {
	late := func(known ...spec.Known) spec.Report {
		rep, err := conform.Run(t.Context(), conform.Target{ID: "x", Known: known,
			Impl: fake{`{"complete":true}`, "", func(p, q []float64) (float64, error) {
				if len(p) == 1 {
					return 42, nil
				}
				return right(p, q)
			}}}, conform.Options{Only: []string{"golden/lengths"}, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		return rep
	}
	one := spec.Known{ID: "golden/lengths/n-01/f64", Status: spec.KnownFail, Why: "n = 1 is 42"}
	two := spec.Known{ID: "golden/lengths/n-02/f64", Status: spec.KnownFail, Why: "n = 2 is not"}
	flaky := spec.Known{ID: "golden/lengths/n-02/f64", Status: spec.KnownFlaky, Why: "perhaps"}
	if rep := late(); rep.Verdict != spec.Nonconforming {
		t.Errorf("nothing known: %s", rep.Verdict)
	}
	if rep := late(one, flaky); rep.Verdict != spec.Conforming || rep.Counts[spec.KnownFail] != 1 {
		t.Errorf("known: %s %v %v", rep.Verdict, rep.Counts, reds(rep))
	}
	if rep := late(one, two); rep.Verdict != spec.Nonconforming || !strings.Contains(strings.Join(reds(rep), ""), "unexpected pass") {
		t.Errorf("an unexpected pass: %s %v", rep.Verdict, reds(rep))
	}
}
