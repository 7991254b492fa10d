package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"klconf/adapters"
	"klconf/bench"
	"klconf/conform"
	"klconf/reports/speed"
	"klconf/spec"
)

// A bencher is one call of klconf bench.
type bencher struct {
	plan    bench.Plan
	op      string
	sizes   []string
	dtypes  []string
	data    []string
	out     string
	svg     string
	steps   bool
	from    bool
	trend   bool
	agree   bool
	unit    string
	folder  string
	timeout float64
	setup   adapters.Options
	chosen  []subject
}

// benchFamilies are those of klconf bench, generic ones first.
func benchFamilies() []bench.Family {
	list := slices.Clone(bench.Families)
	return append(list, bench.Zeros)
}

func benchCommand() *cobra.Command {
	b := &bencher{}
	var names []string
	for _, f := range benchFamilies() {
		names = append(names, f.Name)
	}
	cmd := &cobra.Command{
		Use:   "bench [NAME…] [-- CMD ARG…]",
		Short: "Time implementations side by side, on the same vectors",
		Long: `Bench times implementations: those that are named (klconf list shows the names), an adapter that
is started by a command, or, without either, what needs no installation. Each holds the
same vectors in memory; in every round each is timed once, in the opposite order of the
round before, and the ratios are taken round by round. The first that is named is what the
others are compared with. An implementation whose answer differs from the one that is graded, whose
times do not grow with the iterations, or that says less than half of the time that passes, is
not timed, and it is said why.

The samples are written in Go's benchmark format with --out: go tool benchstat -col /impl
compares implementations, klconf gate two files. With --from the table and the pictures are
drawn from such files. With --trend a file to which run after run was appended is shown by
benchmark, with the runs at which the level changed.

Exit codes: 0 everything was timed; 2 wrong usage; 3 an adapter could not start or speak;
4 something was not timed.`,
		Example: `  klconf bench reference gonum scipy/special.rel_entr pytorch/kl_div.sum --out bench.txt
  klconf bench gonum --sizes 1024 --data softmax -- ./my-adapter
  klconf bench --from bench.txt --svg pictures/
  klconf bench --trend history.txt --unit ns/el`,
		RunE: func(cmd *cobra.Command, args []string) error { return b.run(cmd, args) },
	}
	f := cmd.Flags()
	f.StringVar(&b.op, "op", "kl", "the quantity: kl, cross_entropy or js")
	f.StringSliceVar(&b.sizes, "sizes", []string{"64", "1024", "32768", "128256", "4194304"}, "lengths of the vectors")
	f.StringSliceVar(&b.dtypes, "dtypes", []string{"f64"}, "formats: f64, f32")
	f.StringSliceVar(&b.data, "data", names, "families of vectors")
	f.IntVar(&b.plan.Rounds, "rounds", 4, "samples of each implementation in one pass")
	f.IntVar(&b.plan.Passes, "passes", 3, "how often everything is timed anew; six samples in all are needed for an interval")
	f.DurationVar(&b.plan.Sample, "sample", 5*time.Millisecond, "the least that one sample takes")
	f.DurationVar(&b.plan.Limit, "limit", time.Second, "do not time what takes longer than this for one call")
	f.Float64Var(&b.timeout, "timeout", 1, "factor on all time-outs")
	f.BoolVar(&b.steps, "steps", true, "also time lengths around powers of two, for PERF-6")
	f.StringVar(&b.out, "out", "", "write the samples to `FILE` in the benchmark format; - is standard output")
	f.StringVar(&b.svg, "svg", "", "draw time against length and accuracy against time into the folder `DIR`")
	f.BoolVar(&b.from, "from", false, "time nothing: the arguments are files in the benchmark format")
	f.BoolVar(&b.trend, "trend", false, "time nothing: the arguments are a history in the benchmark format, and what changed in it is shown")
	f.BoolVar(&b.agree, "agree", false, "time nothing: say which ratios of two files do not agree within their intervals")
	f.StringVar(&b.unit, "unit", "x-dot", "unit of --trend")
	f.StringVar(&b.folder, "adapters", "", "folder `DIR` of adapters in place of the embedded ones")
	f.StringVar(&b.setup.Python, "python", "", "interpreter `PATH` that has the modules of a Python adapter")
	f.BoolVar(&b.setup.Offline, "offline", false, "fetch nothing")
	cmd.MarkFlagsMutuallyExclusive("from", "trend", "agree", "out")
	cmd.ValidArgsFunction = completeNames
	return cmd
}

func (b *bencher) run(cmd *cobra.Command, args []string) error {
	if b.agree {
		return writeAgreement(cmd.OutOrStdout(), args)
	}
	if b.from || b.trend {
		all, err := readBenchmarks(args)
		switch {
		case err != nil:
			return err
		case b.trend:
			return b.drawTrends(cmd.OutOrStdout(), all)
		}
		return b.draw(cmd.OutOrStdout(), all)
	}
	if err := b.prepare(args, cmd.ArgsLenAtDash()); err != nil {
		return err
	}
	ctx, stop := interruptible(cmd)
	defer stop()
	errs := cmd.ErrOrStderr()
	contestants, conversations, outcome := b.open(ctx, errs)
	defer func() {
		for _, c := range conversations {
			c.Close()
		}
	}()
	if len(contestants) == 0 {
		return outcome.as()
	}
	bar := newProgress(errs)
	progress := bar.of("bench")
	steps := b.plan
	steps.Families, steps.Sizes = bench.Families[1:2], bench.StepSizes()
	if !b.steps {
		steps.Sizes = nil
	}
	total := len(b.plan.DTypes) * (len(b.plan.Families)*len(b.plan.Sizes) + len(steps.Sizes)) * b.plan.Passes
	finished := 0
	done := func() {
		finished++
		progress(finished, total)
	}
	cells, err := b.plan.Measure(ctx, contestants, done)
	var boundaries []bench.Cell
	if err == nil {
		boundaries, err = steps.Measure(ctx, contestants, done)
	}
	bar.close()
	if err != nil {
		fmt.Fprintln(errs, "klconf: interrupted; what was timed until then is written")
		outcome = gravest([]status{outcome, incomplete})
	}
	var samples bytes.Buffer
	if err := bench.WriteHeader(&samples, "suite: klconf "+version, "commit: "+commit(ctx), "date: "+time.Now().UTC().Format(time.RFC3339)); err != nil {
		return err
	}
	if err := bench.WriteBenchmarks(&samples, benchName(b.plan.Op), cells); err != nil {
		return err
	}
	if err := bench.WriteBenchmarks(&samples, speed.Steps, boundaries); err != nil {
		return err
	}
	table := cmd.OutOrStdout()
	switch b.out {
	case "":
	case "-":
		table = errs
		if _, err := cmd.OutOrStdout().Write(samples.Bytes()); err != nil {
			return err
		}
	default:
		if err := os.WriteFile(b.out, samples.Bytes(), 0o666); err != nil {
			return fileError(err)
		}
	}
	timed := slices.ContainsFunc(cells, func(c bench.Cell) bool {
		return slices.ContainsFunc(c.Entries, func(e bench.Entry) bool { return e.Times != nil })
	})
	if timed {
		all, err := speed.Read(&samples, "the samples")
		if err != nil {
			return err
		}
		if err := b.draw(table, all); err != nil {
			return err
		}
	}
	for _, line := range omitted(append(cells, boundaries...)) {
		outcome = gravest([]status{outcome, incomplete})
		fmt.Fprintln(table, line)
	}
	return outcome.as()
}

// prepare checks everything that can be wrong before anything is timed.
func (b *bencher) prepare(args []string, dash int) error {
	names, command, err := split(args, dash)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	s, err := newShelf(b.folder)
	if err != nil {
		return err
	}
	if len(names) == 0 && command == nil {
		names = slices.DeleteFunc(s.names(), func(n string) bool {
			own := strings.HasPrefix(n, "reference/") && n != "reference/exact"
			return !own && n != "gonum" && n != "naive"
		})
		slices.Reverse(names) // the fastest first
	}
	if b.chosen, err = s.choose(names, command); err != nil {
		return err
	}
	b.plan.Op = spec.Op(b.op)
	switch b.plan.Op {
	case "kl", "cross_entropy", "js":
	default:
		return unknown("quantity of two vectors", b.op, []string{"kl", "cross_entropy", "js"})
	}
	for _, text := range b.sizes {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1<<24 {
			return fmt.Errorf("--sizes has %q; a length is a number from 1 to %d", text, 1<<24)
		}
		b.plan.Sizes = append(b.plan.Sizes, n)
	}
	for _, text := range b.dtypes {
		if text != "f64" && text != "f32" {
			return unknown("format", text, []string{"f64", "f32"})
		}
		b.plan.DTypes = append(b.plan.DTypes, spec.DType(text))
	}
	var known []string
	for _, f := range benchFamilies() {
		known = append(known, f.Name)
	}
	for _, text := range b.data {
		i := slices.Index(known, text)
		if i < 0 {
			return unknown("family", text, known)
		}
		b.plan.Families = append(b.plan.Families, benchFamilies()[i])
	}
	switch {
	case b.plan.Rounds < 1 || b.plan.Rounds > 10000 || b.plan.Passes < 1 || b.plan.Passes > 10000:
		return errors.New("--rounds and --passes are numbers from 1 to 10000")
	case b.plan.Sample < time.Microsecond || b.plan.Sample > time.Minute:
		return errors.New("--sample is a time from 1us to 1m, such as 5ms")
	case b.plan.Limit <= 0:
		return errors.New("--limit is a time, such as 1s")
	}
	if err := checkTimeout(b.timeout); err != nil {
		return err
	}
	if b.out != "" && b.out != "-" {
		return checkFile(b.out)
	}
	return nil
}

// open starts every subject; what cannot be started is said.
func (b *bencher) open(ctx context.Context, errs io.Writer) (all []bench.Contestant, open []*conform.Conversation, outcome status) {
	ready := setUp(ctx, b.chosen, b.setup, errs)
	outcome = conforming
	for _, s := range b.chosen {
		c, err := (*conform.Conversation)(nil), ready[s.manifest.Name]
		if err == nil {
			var t conform.Target
			if t, err = s.target(b.setup); err == nil {
				c, err = conform.Open(ctx, t, conform.Options{Version: version, TimeoutScale: b.timeout})
			}
		}
		if err != nil {
			fmt.Fprintf(errs, "klconf: %v\n", err)
			outcome = unstarted
			continue
		}
		open = append(open, c)
		all = append(all, contestant(s, c))
	}
	return all, open, outcome
}

// contestant is a conversation as something that is timed.
func contestant(s subject, c *conform.Conversation) bench.Contestant {
	x := bench.Contestant{
		Name:          s.id,
		Description:   c.Description,
		Deterministic: c.Description.Deterministic != nil && *c.Description.Deterministic || s.impl != nil,
		Ask:           func(ctx context.Context, r spec.Request) spec.Answer { return c.Ask(ctx, "bench/"+string(r.Op), r) },
	}
	if s.impl == nil {
		x.Peak = c.Peak
	}
	return x
}

// draw prints the table and writes the pictures.
func (b *bencher) draw(w io.Writer, all []*speed.Series) error {
	if err := speed.Table(w, all); err != nil {
		return err
	}
	if err := speed.WriteFindings(w, speed.Requirements(all)); err != nil {
		return err
	}
	return b.write(map[string]func(io.Writer) error{
		"time.svg":     func(w io.Writer) error { return speed.Time(w, all) },
		"accuracy.svg": func(w io.Writer) error { return speed.Accuracy(w, all) },
	})
}

// drawTrends prints what changed in a history and draws it.
func (b *bencher) drawTrends(w io.Writer, all []*speed.Series) error {
	list := speed.Trends(all, b.unit)
	if len(list) == 0 {
		return fmt.Errorf("no benchmark has the unit %q; --unit names another, such as ns/op", b.unit)
	}
	if err := speed.WriteTrends(w, list); err != nil {
		return err
	}
	return b.write(map[string]func(io.Writer) error{"trend.svg": func(w io.Writer) error { return speed.DrawTrends(w, list) }})
}

// write writes pictures into the folder of --svg, if there is one.
func (b *bencher) write(pictures map[string]func(io.Writer) error) error {
	if b.svg == "" {
		return nil
	}
	if err := os.MkdirAll(b.svg, 0o777); err != nil {
		return fileError(err)
	}
	for name, draw := range pictures {
		var picture bytes.Buffer
		if err := draw(&picture); err != nil {
			return fmt.Errorf("cannot draw %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(b.svg, name), picture.Bytes(), 0o666); err != nil {
			return fileError(err)
		}
	}
	return nil
}

// writeAgreement compares the ratios of two files. Whether they agree is no matter of the exit code.
func writeAgreement(w io.Writer, files []string) error {
	if len(files) != 2 {
		return fmt.Errorf("--agree takes two files, not %d", len(files))
	}
	a, err := readBenchmarks(files[:1])
	if err != nil {
		return err
	}
	b, err := readBenchmarks(files[1:])
	if err != nil {
		return err
	}
	list := speed.Ratios(a, b)
	if len(list) == 0 {
		return errors.New("the two files have no ratio in common: each needs two implementations, and the same first one")
	}
	return speed.WriteRatios(w, list)
}

// readBenchmarks reads files in the benchmark format.
func readBenchmarks(files []string) ([]*speed.Series, error) {
	if len(files) == 0 {
		return nil, errors.New("name the files in the benchmark format, as klconf bench --out writes them")
	}
	var all []*speed.Series
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, fileError(err)
		}
		list, err := speed.Read(f, name)
		f.Close()
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// omitted says what was not timed, once for each implementation and reason.
func omitted(cells []bench.Cell) []string {
	var lines []string
	where := map[string][]string{}
	for _, c := range cells {
		for _, e := range c.Entries {
			if e.Why == "" {
				continue
			}
			line := fmt.Sprintf("%s is not timed: %s", e.Name, e.Why)
			if where[line] == nil {
				lines = append(lines, line)
			}
			where[line] = append(where[line], fmt.Sprintf("%s %s n=%d", c.DType, c.Data, c.N))
		}
	}
	for i, line := range lines {
		at := where[line]
		text := at[0]
		if len(at) > 1 {
			text += fmt.Sprintf(" and %d more", len(at)-1)
		}
		lines[i] = fmt.Sprintf("%s (%s)", line, text)
	}
	return lines
}

// benchName is the benchmark's function of an op, as Go's benchmarks of package impl call it.
func benchName(op spec.Op) string {
	return map[spec.Op]string{"kl": "KL", "cross_entropy": "CrossEntropy", "js": "JensenShannon"}[op]
}

// commit returns the commit of the working folder, with + where it is changed, or unknown.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*").Output()
	if err != nil {
		return "unknown"
	}
	return cmp.Or(strings.TrimSpace(string(out)), "unknown")
}
