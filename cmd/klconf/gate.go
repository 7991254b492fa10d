package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"klconf/bench/gate"
)

// A gating is one call of klconf gate.
type gating struct {
	run           gate.Run
	commands      bool
	policy        string
	printPolicy   bool
	filter        string
	warnWallClock bool
	markdown      string
	junit         string
	json          string
}

func gateCommand() *cobra.Command {
	g := &gating{}
	cmd := &cobra.Command{
		Use:   "gate OLD NEW",
		Short: "Say whether a benchmark is slower than it was",
		Long: `Gate compares two files in the Go benchmark format (- is standard input), or with
--run two commands that print it, and says for each benchmark and unit: regressed,
improved, unchanged, inconclusive, missing or added.

A change counts if its p-value, by Holm's correction for all benchmarks together, is
below 0.05, if it is at least 2 %, and if the confidence interval excludes no change.
Where the spread is above 3 % nothing is called unchanged. Units that are exact
(allocs/op, ulp-max, what a file declares by "Unit X assume=exact") are compared exactly.
--print-policy shows all of this as a file, which --policy reads after you changed it.

With --run, OLD and NEW are command lines, each one argument and quoted as in a shell;
they run in turn, OLD NEW NEW OLD …, and what is suspected of a change runs once more.
In them {bench}, or {bench:REGEXP}, stands for the benchmarks: all, or those that REGEXP
names, and then the suspects. Without it everything is run again.

Exit codes: 0 no regression; 2 wrong usage; 3 a command could not start or failed;
4 inconclusive, if the policy has fail_inconclusive; 5 a regression; 6 a benchmark is on
one side only; 7 a line is not in the Go benchmark format; 8 a unit is on one side only,
declared in two ways, or has no direction; 9 too few samples. Of several the first that
applies of 2, 3, 7, 5, 8, 6, 9, 4, 0.`,
		Example: `  go test -run '^$' -bench . -count 12 >new.txt && klconf gate old.txt new.txt
  klconf gate --run "./old.test -test.bench {bench}" "./new.test -test.bench {bench}"`,
		RunE: func(cmd *cobra.Command, args []string) error { return g.gate(cmd, args) },
	}
	f := cmd.Flags()
	f.BoolVar(&g.commands, "run", false, "OLD and NEW are commands that print the Go benchmark format")
	f.IntVar(&g.run.Rounds, "rounds", 12, "with --run, rounds that count, after one to warm up")
	f.BoolVar(&g.run.NoRerun, "no-rerun", false, "with --run, do not run suspects once more")
	f.StringVar(&g.run.Keep, "keep", "", "with --run, write what the commands print into the folder `DIR`")
	f.StringVar(&g.policy, "policy", "", "read the policy from `FILE` (spec/schema/gate-policy.json)")
	f.BoolVar(&g.printPolicy, "print-policy", false, "print the policy that holds, and compare nothing")
	f.StringVar(&g.filter, "filter", "", "compare only what matches this `EXPR` of golang.org/x/perf/benchproc, such as '.name:KL /n:1024'")
	f.StringSliceVar(&g.run.Units, "unit", nil, "compare only these `UNITS`, such as ns/op,allocs/op")
	f.BoolVar(&g.warnWallClock, "warn-wall-clock", false, "regressions of times only warn, unless the host is quiet")
	f.BoolVar(&g.run.QuietHost, "quiet-host", os.Getenv("KLCONF_QUIET_HOST") == "1", "the host does nothing else (also KLCONF_QUIET_HOST=1)")
	f.StringVar(&g.markdown, "markdown", "", "write Markdown to `FILE`; - is standard output")
	f.StringVar(&g.junit, "junit", "", "write JUnit XML to `FILE`; - is standard output")
	f.StringVar(&g.json, "json", "", "write everything as JSON to `FILE`; - is standard output")
	return cmd
}

// gate compares and reports.
func (g *gating) gate(cmd *cobra.Command, args []string) error {
	if err := g.readPolicy(cmd); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if g.printPolicy {
		if len(args) > 0 {
			return errors.New("gate: --print-policy compares nothing: leave OLD and NEW out")
		}
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		return e.Encode(g.run.Policy)
	}
	if len(args) != 2 {
		return fmt.Errorf("gate takes OLD and NEW, two files in the Go benchmark format, or with --run two commands, not %d arguments", len(args))
	}
	if err := g.check(cmd); err != nil {
		return err
	}
	report, err := g.compare(cmd, args)
	if err != nil {
		return err
	}
	table := out
	for _, d := range g.files(report) {
		if d.name == "-" {
			table = cmd.ErrOrStderr()
		}
	}
	if err := report.Text(table); err != nil {
		return fmt.Errorf("cannot write the table: %w", err)
	}
	outcome := gateStatus(report)
	for _, d := range g.files(report) {
		if d.name == "" {
			continue
		}
		if err := to(d.name, out, d.write); err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "klconf: %v\n", err)
			outcome = misused
		}
	}
	return outcome.as()
}

// readPolicy reads the policy and applies the flags to it.
func (g *gating) readPolicy(cmd *cobra.Command) error {
	g.run.Policy = gate.DefaultPolicy()
	if g.policy != "" {
		data, err := os.ReadFile(g.policy)
		if err != nil {
			return fileError(err)
		}
		if g.run.Policy, err = gate.ReadPolicy(data); err != nil {
			return fmt.Errorf("%s: %w", g.policy, err)
		}
	}
	if cmd.Flags().Changed("filter") {
		g.run.Policy.Filter = g.filter
	}
	if g.warnWallClock {
		g.run.Policy.WarnWallClock = true
	}
	return g.run.Policy.Check()
}

// check finds what would fail after all the work.
func (g *gating) check(cmd *cobra.Command) error {
	if !g.commands {
		for _, name := range []string{"rounds", "no-rerun", "keep"} {
			if cmd.Flags().Changed(name) {
				return fmt.Errorf("--%s is for --run: files hold the samples they hold", name)
			}
		}
	}
	dashes := 0
	for _, d := range g.files(nil) {
		switch d.name {
		case "":
		case "-":
			dashes++
		default:
			if err := checkFile(d.name); err != nil {
				return err
			}
		}
	}
	if dashes > 1 {
		return errors.New("only one of --json, --junit and --markdown can be standard output")
	}
	if g.run.Keep != "" {
		return fileError(os.MkdirAll(g.run.Keep, 0o777))
	}
	return nil
}

// A written is a file that a report is written to.
type written struct {
	name  string
	write func(io.Writer) error
}

func (g *gating) files(r *gate.Report) []written {
	return []written{{g.json, r.JSON}, {g.junit, r.JUnit}, {g.markdown, r.Markdown}}
}

func (g *gating) compare(cmd *cobra.Command, args []string) (report *gate.Report, err error) {
	if !g.commands {
		report, err = gate.Files(args[0], args[1], cmd.InOrStdin(), g.run.Options)
	} else {
		ctx, stop := interruptible(cmd)
		defer stop()
		for i, c := range []*gate.Command{&g.run.Old, &g.run.New} {
			if *c, err = gate.ParseCommand(args[i]); err != nil {
				return nil, err
			}
		}
		bar := newProgress(cmd.ErrOrStderr())
		defer bar.close()
		g.run.Progress = bar.of("gate")
		report, err = g.run.Compare(ctx)
	}
	var syntax *gate.Syntax
	var start *gate.StartError
	switch {
	case errors.As(err, &syntax):
		return nil, ended{notBenchmark, err}
	case errors.As(err, &start):
		return nil, ended{unstarted, err}
	case errors.Is(err, context.Canceled):
		return nil, ended{incomplete, errors.New("interrupted")}
	}
	return report, fileError(err)
}

// gateStatus returns how a comparison ends; the order is that of the help.
func gateStatus(r *gate.Report) status {
	switch {
	case r.Regressed():
		return regressed
	case r.Has(gate.MixedUnits):
		return mixedUnits
	case r.Has(gate.SetsDiffer):
		return setsDiffer
	case r.Has(gate.TooFew):
		return tooFew
	case r.Policy.FailInconclusive && r.Count(gate.Inconclusive) > 0:
		return incomplete
	}
	return conforming
}
