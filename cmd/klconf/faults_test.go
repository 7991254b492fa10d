package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode"

	"klconf/conform"
	"klconf/reports"
	"klconf/spec"
)

// peakLimit is what klconf and its adapter may keep in memory, whatever is thrown at them.
const peakLimit = 200 << 20

var proof = flag.Bool("proof", false, "try every command with every fault and write what came of it into reports/proof.md")

const (
	proofPage    = "../../reports/proof.md"
	proofSection = "Ill-behaved adapters"
)

// Each fault costs what it must and no more, is said in one sentence, ends with its exit code
// within the time-outs, and leaves no process behind. doctor and bench are tried with every
// third fault; a full run tries them with all.
func TestFaults(t *testing.T) {
	conform.AdoptOrphans() // what klconf leaves comes here
	right := started(t, "run", fault{name: "right", only: []string{"golden"}})
	if right.exit != 0 || len(right.results) == 0 {
		t.Fatalf("a right adapter: exit %d\n%s", right.exit, right.output)
	}
	if good := started(t, "doctor", fault{name: "right"}); good.exit != 0 || strings.Contains(good.output, "WRONG") || strings.Contains(good.output, "\n-") {
		t.Errorf("a right adapter: %s", good.output)
	}
	// Most of the time is spent waiting for time-outs: more at once than there are processors.
	var wg sync.WaitGroup
	turns := make(chan struct{}, 8)
	full := *proof || os.Getenv("KLCONF_FULL") != ""
	var mu sync.Mutex
	ends := map[string]end{}
	for i, f := range faults {
		for command, want := range map[string]verdict{"run": f.run, "doctor": f.doctor, "bench": f.bench} {
			if want == (verdict{}) || command != "run" && i%3 != 0 && !full {
				continue
			}
			turns <- struct{}{}
			wg.Go(func() {
				defer func() { <-turns }()
				t.Run(f.name+"/"+command, func(t *testing.T) {
					got := f.examine(t, command, want, right.results)
					mu.Lock()
					defer mu.Unlock()
					ends[f.name+"/"+command] = got
				})
			})
		}
	}
	wg.Wait()
	if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != syscall.ECHILD {
		t.Errorf("a process was left: %d %v", pid, err)
	}
	if *proof && !t.Failed() {
		page, err := os.ReadFile(proofPage)
		if err == nil {
			err = os.WriteFile(proofPage, []byte(reports.Section(string(page), proofSection, proven(ends))), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("ill-behaved adapters: %d faults, %d runs\n", len(faults), len(ends))
	}
}

// proven writes what came of every fault: the exit codes, the sentence of run, or of doctor
// where run sees nothing, and what was lost.
func proven(ends map[string]end) string {
	var peak int64
	for _, e := range ends {
		peak = max(peak, e.peak)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `**%d faults**, %d runs of klconf with them: each ended by itself, within its time-outs and with the exit code that it must have; none left a
process behind, and none lost a check outside the last column. At most %d MB were resident, with a line of 100 MB thrown at it.
Each fault is a program in [adapter_test.go](../cmd/klconf/adapter_test.go).

| fault | exit code of run | of doctor | of bench | what is said | lost |
|---|---|---|---|---|---|
`, len(faults), len(ends), peak>>20)
	for _, f := range faults {
		row := []string{"`" + f.name + "`"}
		command, want := "run", f.run
		if want.exit == 0 && f.doctor.exit != 0 {
			command, want = "doctor", f.doctor
		}
		said := regexp.MustCompile(want.says).FindString(ends[f.name+"/"+command].output)
		said, _, _ = strings.Cut(said, "; stderr ends: /") // a trace of this machine's paths
		for _, command := range []string{"run", "doctor", "bench"} {
			code := "–"
			if e, ok := ends[f.name+"/"+command]; ok {
				code = fmt.Sprint(e.exit)
			}
			row = append(row, code)
		}
		said = strings.Map(func(r rune) rune {
			if r == '|' || !unicode.IsPrint(r) {
				return ' '
			}
			return r
		}, said)
		if r := []rune(said); len(r) > 120 {
			said = string(r[:120]) + " …"
		}
		row = append(row, said, strings.Join(f.costs, ", "))
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	return b.String()
}

// The committed page has a row of every fault.
func TestProofOfFaultsIsCurrent(t *testing.T) {
	page, err := os.ReadFile(proofPage)
	if err != nil {
		t.Fatal(err)
	}
	section, found := reports.ReadSection(string(page), proofSection)
	if !found || !strings.Contains(section, fmt.Sprintf("**%d faults**", len(faults))) {
		t.Errorf("reports/proof.md does not speak of %d faults: make prove writes it anew", len(faults))
	}
	for _, f := range faults {
		if !strings.Contains(section, "\n| `"+f.name+"` | ") {
			t.Errorf("reports/proof.md has no row of %s: make prove writes it anew", f.name)
		}
	}
}

// examine runs one command with the fault.
func (f fault) examine(t *testing.T, command string, want verdict, right map[string]spec.Status) end {
	got := started(t, command, f)
	if got.exit != want.exit || !regexp.MustCompile(want.says).MatchString(got.output) {
		t.Errorf("exit %d, want %d and %q:\n%.4000s", got.exit, want.exit, want.says, got.output)
	}
	switch {
	case command == "doctor" && (want.exit == 0) == strings.Contains(got.output, "WRONG"):
		t.Errorf("exit %d:\n%s", got.exit, got.output)
	case command == "run" && want.exit != 3:
		f.loses(t, right, got.results)
	case command == "bench" && !strings.Contains(got.output, "naive "):
		t.Errorf("naive, which is right, is not in the table:\n%s", got.output)
	}
	return got
}

// loses compares results with those of a right adapter.
func (f fault) loses(t *testing.T, right, got map[string]spec.Status) {
	lostAny := false
	for id, status := range right {
		asked := f.only != nil || slices.ContainsFunc(lost, func(prefix string) bool { return strings.HasPrefix(id, prefix+"/") })
		if !asked || got[id] == status {
			continue
		}
		lostAny = true
		if !slices.ContainsFunc(f.costs, func(prefix string) bool { return strings.HasPrefix(id, prefix+"/") }) {
			t.Errorf("%s is %q, and %s with a right adapter", id, got[id], status)
		}
	}
	if lostAny != (f.costs != nil) {
		t.Errorf("something is lost: %v", lostAny)
	}
}

// An end is what came of one command.
type end struct {
	exit    int
	output  string
	peak    int64                  // bytes resident
	results map[string]spec.Status // of run
}

// started runs klconf with an adapter and sees that nothing is left of either.
func started(t *testing.T, command string, f fault) (e end) {
	t.Helper()
	dir, scale := t.TempDir(), "1"
	if f.slow {
		scale = "0.05"
	}
	args := []string{command, "--timeout", scale}
	switch command {
	case "run":
		args = append(args, "--full-output", "--json", "results.json")
		only := f.only
		if only == nil {
			only = lost
		}
		for _, prefix := range only {
			args = append(args, "--only", prefix)
		}
	case "bench":
		args = append(args, "naive", "--sizes", "64", "--data", "softmax", "--rounds", "2", "--sample", "1ms", "--steps=false")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "klconf", append(args, "--", "adapter", f.name)...)
	mark := "KLCONF_TEST_MARK=" + dir
	cmd.Dir, cmd.Env = dir, append(os.Environ(), mark)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v\n%s", err, out)
	}
	if ctx.Err() != nil {
		t.Fatalf("it does not end:\n%s", out)
	}
	if left := marked(mark); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	if peak > peakLimit {
		t.Errorf("%d MB were resident", peak>>20)
	} else {
		t.Logf("%d MB were resident", peak>>20)
	}
	if bytes.Contains(out, []byte("goroutine ")) && !bytes.Contains(out, []byte("stderr ends")) {
		t.Errorf("it panicked:\n%s", out)
	}
	e = end{cmd.ProcessState.ExitCode(), string(out), peak, map[string]spec.Status{}}
	if command == "run" && e.exit != 3 {
		var report spec.Report
		text, err := os.ReadFile(filepath.Join(dir, "results.json"))
		if err == nil {
			err = json.Unmarshal(text, &report)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range report.Results {
			e.results[r.ID] = r.Status
		}
	}
	return e
}

// marked lists the running processes that have inherited a mark in their environment.
func marked(mark string) (list []string) {
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range all {
		environ, err := os.ReadFile(file)
		if err == nil && slices.Contains(strings.Split(string(environ), "\x00"), mark) {
			command, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
			list = append(list, fmt.Sprintf("%s %q", file, command))
		}
	}
	return list
}

// What is left behind is seen.
func TestMarkedCanFind(t *testing.T) {
	mark := "KLCONF_TEST_MARK=" + t.TempDir()
	cmd := exec.Command("setsid", "sleep", "600")
	cmd.Env = append(os.Environ(), mark)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for range 500 {
		if left := marked(mark); len(left) == 1 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a process is not found")
}
