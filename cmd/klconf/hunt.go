package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"klconf/adapters"
	"klconf/conform"
	"klconf/conform/hunt"
	"klconf/golden"
	"klconf/spec"
)

// A hunter is one call of klconf hunt.
type hunter struct {
	plan      hunt.Plan
	dtype     string
	objective string
	measures  bool
	from      bool
	state     string
	shard     string
	folder    string
	timeout   float64
	setup     adapters.Options
}

func huntCommand() *cobra.Command {
	h := &hunter{}
	cmd := &cobra.Command{
		Use:   "hunt NAME | -- CMD ARG…",
		Short: "Search for the input with the largest error",
		Long: `Hunt searches for the pair of vectors on which one implementation of KL is the most
wrong, by evolution: the worst inputs that were seen are changed, in bits and in structure,
and asked again. An answer is judged under the convention that the implementation declares.
It prints the error in ulp and as a condition number (|got − K|/(u(Σ|t| + P)), the fairest
measure), the input, and a vector in the form of klconf export.

The same seed asks the same questions of an implementation that answers alike. With --state
a hunt goes on where it ended; --shard hunts in another place for each part. The error
found is a lower bound of the largest.

Exit codes: 0 something was found; 2 wrong usage; 3 the adapter could not start or
speak; 4 no answer was a finite number.`,
		Example: `  klconf hunt scipy/stats.entropy --questions 5000
  klconf hunt --objective ulp --state hunt.json -- ./my-adapter`,
		RunE: func(cmd *cobra.Command, args []string) error { return h.run(cmd, args) },
	}
	f := cmd.Flags()
	f.IntVar(&h.plan.Questions, "questions", 2000, "how many are asked, those before in --state included")
	f.Uint64Var(&h.plan.Seed, "seed", 1, "seed of everything that is drawn")
	f.StringVar(&h.dtype, "dtype", "", "format of the vectors: f64, f32, f16 or bf16 (default the first of them that is offered)")
	f.StringVar(&h.objective, "objective", "cond", "what is made large: cond or ulp")
	f.IntSliceVar(&h.plan.Lengths, "lengths", []int{2, 3, 8, 33}, "lengths of the vectors")
	f.BoolVar(&h.measures, "measures", false, "any positive weights, not only pmfs with ratios that every format holds")
	f.StringVar(&h.state, "state", "", "`FILE` to go on from, if it exists, and to write to")
	f.BoolVar(&h.from, "from", false, "ask nothing: the arguments are files of --state, or folders of them; write a table in Markdown")
	f.StringVar(&h.shard, "shard", "", "hunt in the i-th of n places, 1/n to n/n")
	f.StringVar(&h.folder, "adapters", "", "folder `DIR` of adapters in place of the embedded ones")
	f.Float64Var(&h.timeout, "timeout", 1, "factor on all time-outs")
	f.StringVar(&h.setup.Python, "python", "", "interpreter `PATH` that has the modules of a Python adapter")
	f.BoolVar(&h.setup.Offline, "offline", false, "fetch nothing")
	cmd.ValidArgsFunction = completeNames
	return cmd
}

func (h *hunter) run(cmd *cobra.Command, args []string) error {
	if h.from {
		return writeHunts(cmd.OutOrStdout(), args)
	}
	p := &h.plan
	p.DType, p.Objective, p.PMF = spec.DType(h.dtype), hunt.Objective(h.objective), !h.measures
	switch {
	case h.dtype != "" && !slices.Contains(huntedFormats, h.dtype):
		return unknown("dtype", h.dtype, huntedFormats)
	case !slices.Contains([]string{"cond", "ulp"}, h.objective):
		return unknown("objective", h.objective, []string{"cond", "ulp"})
	case len(p.Lengths) == 0 || slices.Min(p.Lengths) < 1 || slices.Max(p.Lengths) > 1<<16:
		return fmt.Errorf("--lengths are numbers of weights from 1 to 65536, not %v", p.Lengths)
	case p.Questions < 1:
		return fmt.Errorf("--questions is 1 or more, not %d", p.Questions)
	}
	part, _, err := shard(h.shard, os.Getenv)
	if err != nil {
		return err
	}
	p.Seed += uint64(part) << 32

	names, command, err := split(args, cmd.ArgsLenAtDash())
	if err != nil {
		return fmt.Errorf("hunt: %w", err)
	}
	s, err := newShelf(h.folder)
	if err != nil {
		return err
	}
	if len(names) == 0 && command == nil {
		return errors.New("hunt takes one implementation: a name of klconf list, or -- and a command")
	}
	subjects, err := s.choose(names, command)
	if err != nil {
		return err
	}
	if len(subjects) != 1 {
		return fmt.Errorf("hunt takes one implementation, and %d are named, %s among them", len(subjects), subjects[0].id)
	}
	x := subjects[0]
	ctx, stop := interruptible(cmd)
	defer stop()
	errs := cmd.ErrOrStderr()
	if err := setUp(ctx, subjects, h.setup, errs)[x.manifest.Name]; err != nil {
		return ended{unstarted, err}
	}
	t, err := x.target(h.setup)
	if err != nil {
		return err
	}
	talk, err := conform.Open(ctx, t, conform.Options{Version: version, TimeoutScale: h.timeout})
	if err != nil {
		return ended{unstarted, err}
	}
	defer talk.Close()
	if i := slices.IndexFunc(huntedFormats, func(d string) bool { return talk.Description.Offers("kl", spec.DType(d)) }); i < 0 {
		return fmt.Errorf("%s offers no kl in %s", x.id, strings.Join(huntedFormats, ", "))
	} else if h.dtype == "" {
		p.DType = spec.DType(huntedFormats[i])
	}
	state := hunt.Start(x.id, *p)
	if h.state != "" {
		data, err := os.ReadFile(h.state)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fileError(err)
		default:
			if state, err = hunt.Resume(data, x.id, *p); err != nil {
				return fmt.Errorf("%s: %w", h.state, err)
			}
		}
	}
	c := spec.Convention{}
	if d := talk.Description.Convention; d != nil {
		c = *d
	}
	bar := newProgress(errs)
	err = state.Run(ctx, *p, c, talk.Ask, bar.of(x.id))
	bar.close()
	if h.state != "" {
		data, encoding := json.MarshalIndent(state, "", " ")
		if encoding != nil {
			return encoding
		}
		if err := os.WriteFile(h.state, append(data, '\n'), 0o666); err != nil {
			return fileError(err)
		}
	}
	if err != nil {
		return err
	}
	return h.print(cmd.OutOrStdout(), state, c)
}

// huntedFormats are the formats of vectors that a hunt can ask about.
var huntedFormats = []string{"f64", "f32", "f16", "bf16"}

// writeHunts writes a table of what hunts have found.
func writeHunts(w io.Writer, names []string) error {
	if len(names) == 0 {
		return errors.New("hunt --from takes files that --state wrote, or folders of them")
	}
	fmt.Fprintln(w, "| implementation | format | questions | largest error, ulp | condition number | the input: P ‖ Q |\n|---|---|---|---|---|---|")
	for _, name := range names {
		files, err := resultFiles(name)
		if err != nil {
			return err
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				return fileError(err)
			}
			s, err := hunt.Read(data)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			fmt.Fprintf(w, "| %s | %s | %d |", s.Name, s.DType, s.Asked)
			if len(s.Found) == 0 {
				fmt.Fprintf(w, " – | – | %s |\n", s.Example)
				continue
			}
			f := s.Found[0]
			fmt.Fprintf(w, " %.3g | %.3g | `%s` ‖ `%s` |\n", f.ULP, f.Cond, strings.Join(f.P, " "), strings.Join(f.Q, " "))
		}
	}
	return nil
}

// print writes what was found.
func (h *hunter) print(w io.Writer, s hunt.State, c spec.Convention) error {
	fmt.Fprintf(w, "%s, %s, seed %d, %d questions", s.Name, s.DType, s.Seed, s.Asked)
	if s.Refused > 0 {
		fmt.Fprintf(w, "; %d answers were no finite number where one is due, %s", s.Refused, s.Example)
	}
	fmt.Fprintln(w)
	if len(s.Found) == 0 {
		return ended{incomplete, errors.New("no answer was a finite number")}
	}
	f := s.Found[0]
	v := golden.Vector{ID: fmt.Sprintf("found/%s/%d-%d/%s", s.Name, s.Seed, f.K, s.DType), Op: "kl", DType: s.DType, Shape: []int{len(f.P)}, P: f.P, Q: f.Q,
		Comment: fmt.Sprintf("klconf hunt %s --seed %d, question %d: %s ulp", s.Name, s.Seed, f.K, strconv.FormatFloat(f.ULP, 'g', 3, 64))}
	x, err := export(v, c, spec.L1)
	if err != nil {
		return err
	}
	for i, side := range [][]string{f.P, f.Q} {
		fmt.Fprintf(w, "%c  ", "PQ"[i])
		for k, word := range side {
			if k > 0 {
				fmt.Fprint(w, ", ")
			}
			fmt.Fprint(w, decimalOf(s.DType, word))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "got %s, right is %s: %.3g ulp, condition number %.3g\n", decimalOf(x.Result, f.Got), decimalOf(x.Result, f.RN), f.ULP, f.Cond)
	data, err := json.Marshal(x)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", data)
	return err
}

// decimalOf writes the number of a word.
func decimalOf(d spec.DType, word string) string {
	var bits uint64
	if _, err := fmt.Sscanf(word, "%x", &bits); err != nil {
		return word
	}
	return spec.Decimal(d.Widen(bits))
}
