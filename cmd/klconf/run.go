package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"klconf/adapters"
	"klconf/conform"
	"klconf/golden"
	"klconf/reports"
	"klconf/spec"
)

// A runner is one call of klconf run.
type runner struct {
	options   conform.Options
	quick     bool
	shard     string
	jobs      int
	known     string
	newKnown  string
	output    output
	folder    string // of adapters
	setup     adapters.Options
	fullText  bool
	subjects  []subject
	knownList []spec.Known
}

func runCommand() *cobra.Command {
	r := &runner{}
	cmd := &cobra.Command{
		Use:   "run [NAME…] [-- CMD ARG…]",
		Short: "Grade implementations and print a table",
		Long: `Run grades implementations: those that are named (klconf list shows the names),
an adapter that is started by a command, or, without either, all that klconf knows.
Nothing is written unless asked for.

Exit codes: 0 all conforming; 1 one is nonconforming or undeclared, or passed a check
that is listed as failing; 2 wrong usage; 3 an adapter could not start or speak;
4 incomplete. Of several the first that applies of 2, 3, 1, 4, 0.`,
		Example: `  klconf run scipy/stats.entropy gonum
  klconf run -- python3 my_adapter.py
  klconf run --only 'golden/special' --json result.json -- ./my-adapter`,
		RunE: func(cmd *cobra.Command, args []string) error { return r.run(cmd, args) },
	}
	f := cmd.Flags()
	f.BoolVar(&r.quick, "quick", false, "vectors up to 4096 elements, one of each larger stratum, 100 draws a law (default)")
	f.BoolVar(&r.options.Full, "full", false, "all vectors, 2000 draws a law")
	f.StringArrayVar(&r.options.Only, "only", nil, "ask only checks whose id matches this `GLOB` (repeatable)")
	f.StringArrayVar(&r.options.Skip, "skip", nil, "do not ask checks whose id matches this `GLOB` (repeatable)")
	f.Uint64Var(&r.options.Seed, "seed", 1, "seed of everything that is drawn")
	f.IntVar(&r.jobs, "jobs", runtime.GOMAXPROCS(0), "implementations graded at the same time")
	f.StringVar(&r.shard, "shard", "", "ask the i-th of n parts, 1/n to n/n (also from TEST_SHARD_INDEX or JOB_COMPLETION_INDEX with TEST_TOTAL_SHARDS)")
	f.Float64Var(&r.options.TimeoutScale, "timeout", 1, "factor on all time-outs")
	f.StringVar(&r.known, "known", "", "`FILE` of checks that are known to fail, in place of the adapter's own")
	f.StringVar(&r.newKnown, "write-known", "", "write the checks that fail now to `FILE`, a list for --known; what is listed there already keeps its reason")
	f.BoolVar(&r.options.Strict, "strict", false, "also demand the definition's value on distributions, whatever is declared")
	f.BoolVar(&r.options.AcceptDetected, "accept-detected", false, "accept a convention that is detected and not declared")
	r.output.flags(f)
	f.StringVar(&r.folder, "adapters", "", "folder `DIR` of adapters in place of the embedded ones")
	f.StringVar(&r.setup.Python, "python", "", "interpreter `PATH` that has the modules of a Python adapter")
	f.BoolVar(&r.setup.Offline, "offline", false, "fetch nothing")
	f.BoolVar(&r.fullText, "full-output", false, "print every failure in full")
	cmd.MarkFlagsMutuallyExclusive("quick", "full")
	cmd.MarkFlagsMutuallyExclusive("known", "write-known")
	cmd.ValidArgsFunction = completeNames
	return cmd
}

// run grades and reports. The status that is printed and the one that is
// returned are the same value.
func (r *runner) run(cmd *cobra.Command, args []string) error {
	if err := r.prepare(args, cmd.ArgsLenAtDash()); err != nil {
		return err
	}
	ctx, stop := interruptible(cmd)
	defer stop()

	table := cmd.OutOrStdout()
	if r.output.usesStdout() {
		table = cmd.ErrOrStderr()
	}
	errs := cmd.ErrOrStderr()
	graded, statuses := r.grade(ctx, errs)
	problems := r.output.write(cmd.OutOrStdout(), graded)
	if r.newKnown != "" {
		partial := len(r.options.Only)+len(r.options.Skip)+r.options.Shards > 0
		items := newKnown(r.knownList, r.subjects, graded, partial)
		if err := writeKnown(r.newKnown, items); err != nil {
			problems = append(problems, err)
		} else {
			fmt.Fprintf(errs, "klconf: wrote %d known failures to %s\n", len(items), r.newKnown)
		}
	}
	for _, err := range problems {
		fmt.Fprintf(errs, "klconf: %v\n", err)
		statuses = append(statuses, misused)
	}
	outcome := gravest(statuses)
	o := reports.Options{Width: width(table), Color: colored(table), More: "--full-output prints them, --json F writes them"}
	if r.fullText {
		o.Failures = -1
	}
	if err := reports.Terminal(table, graded, o); err != nil {
		return fmt.Errorf("cannot write the table: %w", err)
	}
	fmt.Fprintf(table, "\n%s; exit %d\n", r.summary(graded), outcome)
	return outcome.as()
}

// prepare checks everything that can be wrong before anything is asked.
func (r *runner) prepare(args []string, dash int) error {
	names, command, err := split(args, dash)
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	s, err := newShelf(r.folder)
	if err != nil {
		return err
	}
	if r.subjects, err = s.choose(names, command); err != nil {
		return err
	}
	for _, p := range slices.Concat(r.options.Only, r.options.Skip) {
		if err := conform.CheckPattern(p); err != nil {
			return fmt.Errorf("%q is not a pattern: *, ? and [a-z] stand for characters of one component, \\ takes their meaning away", p)
		}
	}
	if err := checkTimeout(r.options.TimeoutScale); err != nil {
		return err
	}
	if r.jobs < 1 {
		return errors.New("--jobs is a number from 1")
	}
	r.options.Version = version
	if r.options.Shard, r.options.Shards, err = shard(r.shard, os.Getenv); err != nil {
		return err
	}
	if file := r.known + r.newKnown; file != "" {
		for _, x := range r.subjects {
			if x.tool() != r.subjects[0].tool() {
				return fmt.Errorf("a list of known failures belongs to one tool; %s and %s are two", r.subjects[0].tool(), x.tool())
			}
		}
	}
	switch {
	case r.known != "":
		r.knownList, err = readKnown(r.known)
	case r.newKnown != "":
		if err = checkFile(r.newKnown); err != nil {
			break
		}
		if _, none := os.Stat(r.newKnown); none == nil {
			r.knownList, err = readKnown(r.newKnown)
		} else {
			r.knownList, err = r.builtIn(r.subjects[0])
		}
	}
	if err != nil {
		return err
	}
	return r.output.check(len(r.subjects))
}

// checkTimeout checks --timeout.
func checkTimeout(scale float64) error {
	if scale > 0 && scale <= 1e6 {
		return nil
	}
	return errors.New("--timeout is a factor above 0 and at most 1000000, such as 0.5 or 4")
}

// builtIn returns the list of known failures that comes with a subject.
func (r *runner) builtIn(s subject) ([]spec.Known, error) {
	switch {
	case s.command != nil:
		return nil, nil
	case s.manifest.Name != "":
		return s.manifest.Known, nil
	}
	return adapters.Known(s.tool())
}

// shard returns which part of how many is asked, from 0; 0 of 0 is all. The
// environment is that of Bazel or of a Kubernetes Indexed Job.
func shard(flag string, getenv func(string) string) (index, total int, err error) {
	if flag == "" {
		n := getenv("TEST_TOTAL_SHARDS")
		i := getenv("TEST_SHARD_INDEX")
		if i == "" {
			i = getenv("JOB_COMPLETION_INDEX")
		}
		if n == "" || i == "" {
			return 0, 0, nil
		}
		if status := getenv("TEST_SHARD_STATUS_FILE"); status != "" {
			// Tells Bazel that the parts are told apart.
			if err := os.WriteFile(status, nil, 0o644); err != nil {
				return 0, 0, fileError(err)
			}
		}
		index, errI := strconv.Atoi(i)
		total, errN := strconv.Atoi(n)
		if errI != nil || errN != nil || index < 0 || index >= total {
			return 0, 0, fmt.Errorf("the environment asks for part %s of %s; the parts are 0 to TEST_TOTAL_SHARDS-1", i, n)
		}
		return index, total, nil
	}
	i, n, _ := strings.Cut(flag, "/")
	index, errI := strconv.Atoi(i)
	total, errN := strconv.Atoi(n)
	if errI != nil || errN != nil || index < 1 || index > total {
		return 0, 0, fmt.Errorf("--shard %s is not one of 1/n to n/n", quoted(flag))
	}
	return index - 1, total, nil
}

// grade returns one report and one status for each subject, in their order.
func (r *runner) grade(ctx context.Context, errs io.Writer) ([]spec.Report, []status) {
	ready := setUp(ctx, r.subjects, r.setup, errs)
	graded := make([]spec.Report, len(r.subjects))
	statuses := make([]status, len(r.subjects))
	bar := newProgress(errs)
	defer bar.close()
	var wg sync.WaitGroup
	turns := make(chan struct{}, r.jobs)
	for i, s := range r.subjects {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			err := ready[s.manifest.Name]
			if err == nil {
				graded[i], err = r.one(ctx, s, bar.of(s.id))
			}
			statuses[i] = statusOf(graded[i].Verdict)
			switch {
			case err == nil:
			case ctx.Err() != nil:
				graded[i], statuses[i] = r.notRun(s, errors.New("interrupted")), incomplete
			default:
				graded[i], statuses[i] = r.notRun(s, err), unstarted
			}
		})
	}
	wg.Wait()
	return graded, statuses
}

// setUp makes the adapters of all subjects ready, one after the other, and
// returns the errors of those that are not, by name.
func setUp(ctx context.Context, subjects []subject, o adapters.Options, errs io.Writer) map[string]error {
	ready := map[string]error{}
	for _, s := range subjects {
		name := s.manifest.Name
		if _, done := ready[name]; done || name == "" {
			continue
		}
		ready[name] = adapters.Setup(ctx, s.manifest, &announced{w: errs, heading: "setting up " + name + "\n"}, o)
	}
	return ready
}

// one grades one subject.
func (r *runner) one(ctx context.Context, s subject, progress func(done, total int)) (spec.Report, error) {
	t, err := s.target(r.setup)
	if err != nil {
		return spec.Report{}, err
	}
	t.Rerun = func(id string, seed uint64) string { return r.rerun(s, id, seed) }
	if r.newKnown == "" {
		list := r.knownList
		if r.known == "" {
			if list, err = r.builtIn(s); err != nil {
				return spec.Report{}, err
			}
		}
		t.Known = knownOf(list, s)
	}
	o := r.options
	o.Progress = progress
	return conform.Run(ctx, t, o)
}

// rerun returns the command line that repeats one check.
func (r *runner) rerun(s subject, id string, seed uint64) string {
	words := []string{"klconf", "run"}
	if s.command == nil {
		words = append(words, s.id)
	}
	words = append(words, "--only", id, "--seed", fmt.Sprint(seed))
	if r.options.Full {
		words = append(words, "--full")
	}
	if s.manifest.Name != "" {
		if r.folder != "" {
			words = append(words, "--adapters", r.folder)
		}
		if r.setup.Python != "" {
			words = append(words, "--python", r.setup.Python)
		}
	}
	if s.command != nil {
		words = append(append(words, "--"), s.command...)
	}
	return line(words)
}

// notRun reports on a subject that could not be asked.
func (r *runner) notRun(s subject, why error) spec.Report {
	return spec.Report{
		Schema:         spec.ResultSchema,
		Suite:          spec.Suite{Version: version, Spec: spec.Version, Vectors: golden.Version, Mode: r.mode(), Seed: r.options.Seed},
		Environment:    spec.Environment{OS: runtime.GOOS, Arch: runtime.GOARCH},
		Implementation: spec.Subject{ID: s.id, Tool: s.toolTitle(), Title: s.title(), Description: spec.Description{Name: s.id}},
		Verdict:        spec.Incomplete,
		Incomplete:     "not run: " + strings.TrimPrefix(why.Error(), fmt.Sprintf("%s: %v: ", s.id, conform.ErrStart)),
		Counts:         map[spec.Status]int{},
		Results:        []spec.Result{},
	}
}

func (r *runner) mode() string {
	if r.options.Full {
		return "full"
	}
	return "quick"
}

// summary is one line on everything.
func (r *runner) summary(graded []spec.Report) string {
	text := fmt.Sprintf("klconf %s, %s, seed %d", version, r.mode(), r.options.Seed)
	if r.options.Shards > 0 {
		text += fmt.Sprintf(", part %d of %d", r.options.Shard+1, r.options.Shards)
	}
	n := map[string]int{}
	for _, g := range graded {
		n[reports.Verdict(g)]++
	}
	var parts []string
	for _, v := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%d %s", n[v], v))
	}
	return text + ": " + strings.Join(parts, ", ")
}
