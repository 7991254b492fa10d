package mutant_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"klconf/conform"
	"klconf/property/mutant"
	"klconf/reports"
	"klconf/spec"
)

var (
	all   = flag.Bool("all", false, "grade every fault and every variant, not a sample")
	laws  = flag.Bool("laws", false, "ask the laws of every fault and variant, not only where one is named")
	seeds = flag.Int("seeds", 1, "seeds of the random checks of each variant")
	write = flag.Bool("write", false, "write reports/proof.md: with -all")
)

const (
	page      = "../../reports/proof.md"
	again     = "reports/proof.md is stale, make prove writes it anew"
	firstSeed = 1
	wrong     = "Wrong implementations"
	right     = "Right but different implementations"
	head      = "# How often the suite is wrong\n\n`make prove` writes this page. Every section is written by its own test, which fails when the section is not current.\n"
)

// every takes a sample of a list, spread over it, unless all are wanted.
func every[T any](list []T, step int) []T {
	if *all {
		return list
	}
	var some []T
	for i := step / 2; i < len(list); i += step {
		some = append(some, list[i])
	}
	return some
}

func grade(t *testing.T, impl spec.Implementation, o conform.Options) spec.Report {
	t.Helper()
	o.TimeoutScale = 30 // a busy host proves nothing
	rep, err := conform.Run(t.Context(), conform.Target{ID: "mutant", Impl: impl}, o)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// red lists the checks that failed.
func red(rep spec.Report) (list []spec.Result) {
	for _, r := range rep.Results {
		if r.Status.Red() {
			list = append(list, r)
		}
	}
	return list
}

// killers are the requirements that a report finds broken: every MUST that a
// failed check cites.
func killers(rep spec.Report) map[string]bool {
	set := map[string]bool{}
	for _, r := range red(rep) {
		for _, id := range r.Requirements {
			if q, ok := spec.Lookup(id); ok && q.Force == spec.Must {
				set[id] = true
			}
		}
	}
	return set
}

// compact writes requirements by family: "DEF 1 4 · LAW 3 M2".
func compact(set map[string]bool) string {
	var parts []string
	last := ""
	for _, q := range spec.Requirements() {
		if !set[q.ID] {
			continue
		}
		family, number, _ := strings.Cut(q.ID, "-")
		if family != last {
			parts = append(parts, family)
			last = family
		}
		parts[len(parts)-1] += " " + number
	}
	return strings.Join(parts, " · ")
}

// what is a failed check in a few words.
func what(list []spec.Result) string {
	var b strings.Builder
	for _, r := range list[:min(len(list), 5)] {
		fmt.Fprintf(&b, "\n%s %s: %s", r.ID, r.Status, r.Message)
	}
	return b.String()
}

// ofFull is what a full run asks beyond a quick one that a fault behind a length needs.
var ofFull = []string{"golden/large", "golden/model", "random/large-n"}

// A row is one fault in the kill matrix.
type row struct {
	fault mutant.Fault
	kills map[string]bool
}

func (r row) String() string {
	run := ""
	if r.fault.Full {
		run = " (full run)"
	}
	return fmt.Sprintf("| `%s` | %s | %s%s | %s |", r.fault.Name, r.fault.Fault, r.fault.Killer, run, compact(r.kills))
}

// Every fault is found by the requirement that it names, in a quick run
// unless it says otherwise. The laws, which shrink what they find, are the
// slowest: without -laws they are left out, except where one is named.
func TestFaultsAreFound(t *testing.T) {
	began := time.Now()
	var mu sync.Mutex
	var rows []row
	var beyond []string
	t.Run("faults", func(t *testing.T) {
		for _, f := range every(mutant.Faults(), 16) {
			t.Run(f.Name, func(t *testing.T) {
				t.Parallel()
				o := conform.Options{Version: "proof", Seed: firstSeed}
				if !*laws && !strings.HasPrefix(f.Killer, "LAW") {
					o.Skip = []string{"law"}
				}
				if f.Full {
					if rep := grade(t, f.New(), o); len(red(rep)) > 0 {
						t.Errorf("a quick run finds it too: %s", what(red(rep)))
					}
					o.Full, o.Only = true, ofFull
				}
				rep := grade(t, f.New(), o)
				k := killers(rep)
				if !k[f.Killer] || rep.Verdict != spec.Nonconforming {
					t.Errorf("%s does not find it; %s, %d checks failed, of %s%s", f.Killer, rep.Verdict, len(red(rep)), compact(k), what(red(rep)))
				}
				mu.Lock()
				defer mu.Unlock()
				rows = append(rows, row{f, k})
				if !k[f.Killer] {
					beyond = append(beyond, f.Name)
				}
			})
		}
	})
	fmt.Printf("sensitivity: %d of %d faults found by the requirement that they name, in %v\n", len(rows)-len(beyond), len(rows), time.Since(began).Round(time.Second))
	if *write && *all {
		writeSection(t, wrong, matrix(rows, beyond, time.Since(began)))
	}
}

// matrix writes the section on the faults.
func matrix(rows []row, missed []string, took time.Duration) string {
	place := map[string]int{}
	for i, f := range mutant.Faults() {
		place[f.Name] = i
	}
	slices.SortFunc(rows, func(a, b row) int { return place[a.fault.Name] - place[b.fault.Name] })
	count := map[string]int{}
	full, claim := 0, 0
	for _, r := range rows {
		for id := range r.kills {
			count[id]++
		}
		if r.fault.Full {
			full++
		}
		if d := r.fault.New().Describe(); d.Accuracy != "" {
			claim++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Sensitivity: **%d of %d** faults are found by the requirement that they name, %d of them by a quick run and %d by a full one.\n", len(rows)-len(missed), len(rows), len(rows)-len(missed)-full, full)
	if len(missed) > 0 {
		fmt.Fprintf(&b, "Not found by the requirement that they name: %s.\n", strings.Join(missed, ", "))
	}
	fmt.Fprintf(&b, `Seed %d; %s on %d cores. [property/mutant](../property/mutant) has them, with who shipped each. Each has one fault and is
graded under the definition, or under what it declares.

A requirement finds a fault where a check that cites it failed. Every MUST that was broken stands in the last column. %s

| fault | what it does | must be found by | is found by |
|---|---|---|---|
`, firstSeed, rounded(took), runtime.NumCPU(), askedLaws())
	for _, r := range rows {
		b.WriteString(r.String() + "\n")
	}
	b.WriteString("\nHow many faults each requirement finds:\n\n")
	var found, none []string
	for _, q := range spec.Requirements() {
		switch n := count[q.ID]; {
		case n > 0:
			found = append(found, fmt.Sprintf("%s %d", q.ID, n))
		case q.Force == spec.Must:
			none = append(none, q.ID)
		}
	}
	b.WriteString(strings.Join(found, ", ") + ".\n\n")
	fmt.Fprintf(&b, "A MUST that finds nothing here: %s. %s\n\nA SHOULD and a MAY make a note and never a failure, so they find no fault.\n", strings.Join(none, ", "), whyNone)
	return b.String()
}

// askedLaws says of whom the laws were asked.
func askedLaws() string {
	if *laws {
		return "The laws were asked of all."
	}
	return "**The laws were asked only of those that one must find** (make prove asks them of all)."
}

// whyNone says why a MUST finds no fault, of those that do not.
const whyNone = "What is about the way to the implementation (IO-5) or its floating-point environment (IO-8) no implementation in Go can break in its own process."

func rounded(d time.Duration) string { return d.Round(time.Second).String() }

// fields lists the fields that a run found undeclared.
func fields(rep spec.Report) (list []string) {
	for _, r := range rep.Results {
		if f, ok := strings.CutPrefix(r.ID, "detect/"); ok && r.Status == spec.Note {
			list = append(list, f)
		}
	}
	return list
}

// Every variant conforms under its declaration. With nothing declared no
// check fails, and what differs is named and nothing else. Beyond the first
// seed only what is random is asked again, with the convention declared and not
// in turn, and the laws, which are the slowest, with every fourth seed.
func TestVariantsAreNotAccused(t *testing.T) {
	began := time.Now()
	var mu sync.Mutex
	lines := map[string]string{}
	runs, accused := 0, 0
	t.Run("variants", func(t *testing.T) {
		for place, v := range every(mutant.Variants(), 12) {
			t.Run(v.Name, func(t *testing.T) {
				t.Parallel()
				line, failed, n := "", 0, 0
				for i := range *seeds {
					for _, declared := range []bool{true, false} {
						o := conform.Options{Version: "proof", Seed: firstSeed + uint64(i)}
						if i > 0 {
							if declared != (i%2 == 0) {
								continue
							}
							o.Only = []string{"random", "law", "detect"}
						}
						if !*laws || i > 0 && (i+place)%4 != 0 {
							o.Skip = []string{"law"}
						}
						rep := grade(t, v.New(declared), o)
						want := spec.Conforming
						if !declared && len(v.Differs()) > 0 {
							want = spec.Undeclared
						}
						if n++; rep.Verdict != want || len(red(rep)) > 0 {
							failed++
							t.Errorf("seed %d, declared %v: %s, want %s: %v%s", o.Seed, declared, rep.Verdict, want, rep.Findings, what(red(rep)))
						} else if !declared && !slices.Equal(fields(rep), v.Differs()) {
							failed++
							t.Errorf("seed %d: %v are named, %v differ: %v", o.Seed, fields(rep), v.Differs(), rep.Findings)
						}
						if i == 0 && declared {
							line = variantRow(v, rep.Level)
						}
					}
				}
				mu.Lock()
				defer mu.Unlock()
				lines[v.Name], runs = line, runs+n
				if failed > 0 {
					accused++
				}
			})
		}
	})
	fmt.Printf("specificity: %d of %d variants are not accused, in %d runs of %d seeds, %v\n", len(lines)-accused, len(lines), runs, *seeds, time.Since(began).Round(time.Second))
	if *write && *all {
		var b strings.Builder
		fmt.Fprintf(&b, "Specificity: **%d of %d** are not accused, with %d seeds of the random checks each: %d runs, %s on %d cores.\n", len(lines)-accused, len(lines), *seeds, runs, rounded(time.Since(began)), runtime.NumCPU())
		if *laws {
			b.WriteString("Seed 1 is a whole quick run, declared and not; the others ask what is random, declared and not in turn, and the laws with every fourth.\n")
		} else {
			b.WriteString("Seed 1 is a quick run **without the laws** (make prove asks them too), declared and not; the others ask what is random, declared and not in turn.\n")
		}
		b.WriteString(`Under its declaration each is conforming. With nothing declared no check fails, and the verdict names exactly what differs.
The level is the one that was measured.

| variant | what it does | follows | level | named when not declared |
|---|---|---|---|---|
`)
		for _, v := range mutant.Variants() {
			b.WriteString(lines[v.Name] + "\n")
		}
		writeSection(t, right, b.String())
	}
}

func variantRow(v mutant.Variant, level spec.Level) string {
	named := strings.Join(v.Differs(), ", ")
	if named == "" {
		named = "nothing"
	}
	return fmt.Sprintf("| %s | %s | `%s` | %s | %s |", v.Name, v.Statement, v.Convention, level, named)
}

func writeSection(t *testing.T, title, body string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if os.IsNotExist(err) {
		text, err = []byte(head), nil
	}
	if err == nil {
		err = os.WriteFile(page, []byte(reports.Section(string(text), title, body)), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The committed page is about the faults and variants that are here, in words
// that are theirs.
func TestProofIsCurrent(t *testing.T) {
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := reports.ReadSection(string(b), wrong)
	variants, _ := reports.ReadSection(string(b), right)
	want := map[string]bool{}
	for _, f := range mutant.Faults() {
		want[f.Name] = true
		if s := fmt.Sprintf("| `%s` | %s | %s", f.Name, f.Fault, f.Killer); !strings.Contains(text, s) {
			t.Errorf("%s: it has no row %q", again, s)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(text, -1) {
		if !want[m[1]] {
			t.Errorf("%s: there is no fault %s", again, m[1])
		}
	}
	for _, v := range mutant.Variants() {
		if s := fmt.Sprintf("| %s | %s | `%s` |", v.Name, v.Statement, v.Convention); !strings.Contains(variants, s) {
			t.Errorf("%s: it has no row %q", again, s)
		}
	}
	if n := strings.Count(text, fmt.Sprintf("**%d of %d** faults", len(want), len(want))); n != 1 {
		t.Errorf("%s: it does not say that all of %d faults are found", again, len(want))
	}
	if n := len(mutant.Variants()); !strings.Contains(variants, fmt.Sprintf("**%d of %d** are not accused", n, n)) {
		t.Errorf("%s: it does not say that none of %d variants is accused", again, n)
	}
}

// The tables are in order: unique names, sources, requirements of the
// catalogue that can fail.
func TestTables(t *testing.T) {
	names := map[string]bool{}
	for _, f := range mutant.Faults() {
		if q, ok := spec.Lookup(f.Killer); !ok || q.Force != spec.Must {
			t.Errorf("%s: %q is not a MUST of the catalogue", f.Name, f.Killer)
		}
		if names[f.Name] || f.Fault == "" || f.Source == "" {
			t.Errorf("%s: the name is not unique, or there is no sentence or no source", f.Name)
		}
		names[f.Name] = true
	}
	clear(names)
	for _, v := range mutant.Variants() {
		if names[v.Name] || v.Statement == "" {
			t.Errorf("%s: the name is not unique, or there is no sentence", v.Name)
		}
		names[v.Name] = true
	}
	// Every graded field and every word of it occurs among the conventions.
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(mutant.Conventions)) {
		for _, v := range mutant.Variants() {
			if v.Name == name {
				for _, f := range v.Differs() {
					seen[f] = true
				}
			}
		}
	}
	for _, f := range spec.Fields {
		if !seen[f] && f != "requires_normalised" { // a narrower domain is no departure
			t.Errorf("no variant departs in %s", f)
		}
	}
}
