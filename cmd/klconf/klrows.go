package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"klconf/impl"
	"klconf/reports/grid"
	"klconf/reports/histogram"
	"klconf/spec"
)

// A rowsCommand is what klconf kl was asked for where files hold rows of logits.
type rowsCommand struct {
	logits, reverse       bool
	temperature           float64
	dtype                 spec.DType
	columns               int
	tensors               []string
	mask, rows, svg, arit string
}

func (k *rowsCommand) flags(f *pflag.FlagSet) {
	f.BoolVar(&k.reverse, "reverse", false, "KL(Q‖P) instead of KL(P‖Q)")
	f.IntVar(&k.columns, "columns", 0, "with --logits and --dtype: the numbers of a row; the files hold rows")
	f.StringArrayVar(&k.tensors, "tensor", nil, "with --logits: the tensor of a .safetensors file; given twice, that of P and that of Q")
	f.StringVar(&k.mask, "mask", "", "with --logits: a .npy or raw file of 0 and 1, where 1 keeps: `FILE` has the shape of the logits, or one number for each column or each row")
	f.StringVar(&k.rows, "rows", "", "with --logits: write every row to `FILE` as CSV; - is standard output, and the summary goes to standard error")
	f.StringVar(&k.svg, "svg", "", "with --logits: draw the histogram of the rows into `FILE`")
	f.StringVar(&k.arit, "arithmetic", "", "with --logits: llama.cpp also computes each row as llama.cpp does, and says how far that is off")
}

// wantsRows reports whether even one row is treated as rows.
func (k *rowsCommand) wantsRows() bool { return k.rows != "" || k.svg != "" || k.arit != "" }

// check finds flags that contradict each other.
func (k *rowsCommand) check(cmd *cobra.Command, dtype spec.DType) error {
	k.dtype = dtype
	f := cmd.Flags()
	for _, name := range []string{"columns", "tensor", "mask", "rows", "svg", "arithmetic"} {
		if f.Changed(name) && !k.logits {
			return fmt.Errorf("--%s is for logits; add --logits", name)
		}
	}
	switch {
	case f.Changed("columns") && k.columns < 1:
		return fmt.Errorf("--columns is the number of logits of a row, 1 or more, not %d", k.columns)
	case len(k.tensors) > 2:
		return fmt.Errorf("--tensor is given once, or twice for P and Q, not %d times", len(k.tensors))
	case k.arit != "" && k.arit != "llama.cpp":
		return unknown("arithmetic", k.arit, []string{"llama.cpp"})
	case k.arit != "" && (k.temperature != 1 || k.mask != ""):
		return errors.New("llama.cpp has neither a temperature nor a mask; leave out --temperature and --mask, or --arithmetic")
	case k.rows == "-" && k.svg == "-":
		return errors.New("--rows and --svg cannot both be standard output")
	}
	if k.dtype != "" && k.columns == 0 && (k.rows != "" || k.svg != "") {
		return errors.New("raw numbers do not say how long a row is; add --columns")
	}
	return nil
}

// open opens P, Q and the mask and demands that they fit together.
func (k *rowsCommand) open(args []string, in io.Reader) (files [2]*rowFile, mask *rowMask, err error) {
	fail := func(err error) ([2]*rowFile, *rowMask, error) {
		for _, f := range files {
			if f != nil {
				f.close()
			}
		}
		return files, nil, err
	}
	for i, name := range args {
		format := rowFormat{dtype: k.dtype, columns: k.columns}
		if len(k.tensors) > 0 {
			format.tensor = k.tensors[min(i, len(k.tensors)-1)]
		}
		if files[i], err = openRows(name, format, in); err != nil {
			return fail(err)
		}
	}
	p, q := files[0], files[1]
	switch {
	case p.rows == 1 && q.rows == 1 && p.n != q.n:
		return fail(fmt.Errorf("%s has %d elements and %s has %d; both need the same number", p.name, p.n, q.name, q.n))
	case p.n != q.n || p.rows != q.rows && p.rows >= 0 && q.rows >= 0:
		return fail(fmt.Errorf("%s has %s and %s has %s; both need the same shape", p.name, p.size(), q.name, q.size()))
	case k.arit != "" && (p.isWide() || q.isWide()):
		return fail(errors.New("llama.cpp computes with float32 logits, and these are not; round them first, or leave out --arithmetic"))
	}
	if k.mask != "" {
		if mask, err = openMask(k.mask, max(p.rows, q.rows), p.n); err != nil {
			return fail(err)
		}
	}
	return files, mask, nil
}

// isWide reports whether float32 does not hold what the file holds.
func (s *rowFile) isWide() bool {
	if s.vector == nil {
		return s.dtype == spec.F64
	}
	for _, v := range s.vector {
		if float64(float32(v)) != v && v == v {
			return true
		}
	}
	return false
}

// A rowResult is all that is known of one row.
type rowResult struct {
	impl.LogitsRow
	left    bool // by the mask
	llama   float64
	self    float64 // of P and P, by llama.cpp
	dropped int
}

// rowResults are the summaries of all rows.
type rowResults struct {
	exact, llama, self, bias impl.LogitsSummary
	negative                 int // llama.cpp's
	dropped                  impl.LogitsSummary
	left                     int
	few                      []rowResult // the first
}

// fewRows are listed one by one.
const fewRows = 10

func (r *rowResults) add(x rowResult, llama bool) {
	if x.left {
		r.left++
		return
	}
	r.exact.Add(x.LogitsRow)
	if len(r.few) <= fewRows {
		r.few = append(r.few, x)
	}
	if !llama {
		return
	}
	with := func(v float64) impl.LogitsRow { return impl.LogitsRow{Row: x.Row, KL: v} }
	r.llama.Add(with(x.llama))
	r.self.Add(with(x.self))
	if !math.IsInf(x.KL, 1) {
		r.bias.Add(with(x.llama - x.KL))
	}
	r.dropped.Add(with(float64(x.dropped)))
	if x.llama < 0 {
		r.negative++
	}
}

// run computes all rows and writes what was asked for.
func (k *rowsCommand) run(cmd *cobra.Command, files [2]*rowFile, mask *rowMask) (outer error) {
	out := cmd.OutOrStdout()
	toStdout := k.rows == "-" || k.svg == "-"
	summary := out
	if toStdout {
		summary = cmd.ErrOrStderr()
	}
	var csv *bufio.Writer
	if k.rows != "" {
		w, end, err := create(k.rows, out)
		if err != nil {
			return err
		}
		defer func() { outer = errors.Join(outer, end()) }()
		csv = bufio.NewWriter(w)
		k.writeHeader(csv)
	}
	svg, end, err := create(k.svg, out)
	if err != nil {
		return err
	}
	defer func() { outer = errors.Join(outer, end()) }()

	var results rowResults
	p := newProgress(cmd.ErrOrStderr())
	tell := p.of("rows")
	done, every := 0, max(1, 1<<20/files[0].n)
	total := max(files[0].rows, files[1].rows)
	deliver := func(x rowResult) {
		results.add(x, k.arit != "")
		if csv != nil && !x.left {
			k.writeRow(csv, x)
		}
		if done++; done%every == 0 {
			tell(done, max(total, done))
		}
	}
	if files[0].isWide() || files[1].isWide() || k.temperature != 1 {
		err = streamRows(files, mask, func(i int, a, b []float64) rowResult {
			return k.row64(i, a, b, mask)
		}, deliver)
	} else {
		err = streamRows(files, mask, func(i int, a, b []float32) rowResult {
			return k.row32(i, a, b, mask)
		}, deliver)
	}
	p.close()
	if err == nil && csv != nil {
		err = csv.Flush()
	}
	if err != nil {
		return err
	}
	if results.exact.Len() == 0 {
		if n, _ := results.exact.NaNs(); n == 0 {
			return errors.New("the mask leaves no row")
		}
	}
	h := histogram.New(results.exact.Values)
	if k.svg != "" {
		if err := h.SVG(svg, fmt.Sprintf("%s of %d rows", k.title(), results.exact.Len()), k.title()+", nats"); err != nil {
			return err
		}
	}
	return k.print(summary, files, &results, h)
}

// streamRows reads two files side by side.
func streamRows[F float32 | float64](files [2]*rowFile, mask *rowMask, row func(i int, a, b []F) rowResult, deliver func(rowResult)) error {
	next := 0
	return impl.StreamRows(files[0].n, func(a, b []F) error {
		err, other := readRow(files[0], a), readRow(files[1], b)
		if err == nil && other == nil {
			next++
			return hide(mask, next-1, a, b)
		}
		// One of the two may be a pipe that has other rows than the file.
		for i, e := range []error{err, other} {
			if e != nil && e != io.EOF {
				return e
			}
			if e == nil {
				return fmt.Errorf("%s has more rows than %s, which has %d; both need the same shape", files[i].name, files[1-i].name, next)
			}
		}
		return io.EOF
	}, row, deliver)
}

func (k *rowsCommand) row32(i int, a, b []float32, mask *rowMask) rowResult {
	if !mask.keeps(i) {
		return rowResult{left: true}
	}
	if k.reverse {
		a, b = b, a
	}
	r := rowResult{LogitsRow: impl.CompareLogits32(i+1, a, b)}
	if k.arit != "" {
		r.llama, r.dropped = llamaKL(a, b)
		r.self, _ = llamaKL(a, a)
	}
	return r
}

func (k *rowsCommand) row64(i int, a, b []float64, mask *rowMask) rowResult {
	if !mask.keeps(i) {
		return rowResult{left: true}
	}
	if k.reverse {
		a, b = b, a
	}
	return rowResult{LogitsRow: impl.CompareLogits(i+1, a, b, k.temperature)}
}

// create opens a file for writing, "-" for out, "" for nothing.
func create(file string, out io.Writer) (io.Writer, func() error, error) {
	switch file {
	case "":
		return io.Discard, func() error { return nil }, nil
	case "-":
		return out, func() error { return nil }, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, nil, fileError(err)
	}
	return f, func() error { return fileError(f.Close()) }, nil
}

func (k *rowsCommand) writeHeader(w io.Writer) {
	if k.arit != "" {
		fmt.Fprintln(w, "row,kl,same_top,"+k.arit)
		return
	}
	fmt.Fprintln(w, "row,kl,same_top")
}

func (k *rowsCommand) writeRow(w io.Writer, x rowResult) {
	fmt.Fprintf(w, "%d,%s,%t", x.Row, spec.Decimal(x.KL), x.SameTop)
	if k.arit != "" {
		fmt.Fprint(w, ","+spec.Decimal(x.llama))
	}
	fmt.Fprintln(w)
}

// title is the name of what is computed.
func (k *rowsCommand) title() string {
	name := "KL(P‖Q)"
	if k.reverse {
		name = "KL(Q‖P)"
	}
	if k.temperature != 1 {
		name += " at temperature " + spec.Decimal(k.temperature)
	}
	return name
}

// quantiles are those of llama-perplexity and the quartiles, in thousandths.
var quantiles = []struct {
	name string
	at   int
}{{"99.9 %", 999}, {"99 %", 990}, {"95 %", 950}, {"90 %", 900}, {"75 %", 750}, {"median", 500}, {"25 %", 250}, {"10 %", 100}, {"5 %", 50}, {"1 %", 10}, {"0.1 %", 1}}

// print writes the summary.
func (k *rowsCommand) print(w io.Writer, files [2]*rowFile, r *rowResults, h *histogram.Histogram) error {
	var b strings.Builder
	rows := r.exact.Len()
	nans, first := r.exact.NaNs()
	fmt.Fprintf(&b, "%s, nats: %s of %d logits, P = %s, Q = %s\n", k.title(), plural(rows+nans, "row"), files[0].n, files[0].described(), files[1].described())
	if r.left > 0 {
		fmt.Fprintf(&b, "%s left out by the mask\n", plural(r.left, "row"))
	}
	if nans > 0 {
		fmt.Fprintf(&b, "%s NaN, from row %d on, and left out below: a logit is NaN or +Inf, all are -Inf, or 4096 bits do not decide\n", isAre(nans), first)
	}
	if n := r.exact.Infinite(); n > 0 {
		fmt.Fprintf(&b, "%s +Inf, from row %d on: Q is -Inf where P is not\n", isAre(n), r.exact.Max().Row)
	}
	b.WriteString("\n")
	if len(r.few) <= fewRows {
		k.printRows(&b, r.few)
	}
	if rows == 0 {
		_, err := io.WriteString(w, b.String())
		return err
	}
	k.printTable(&b, r)
	fmt.Fprintf(&b, "\nsame top element: %d of %s, %.2f %%\n", r.exact.SameTop(), plural(rows, "row"), 100*float64(r.exact.SameTop())/float64(rows))
	if k.arit != "" {
		k.printBias(&b, r)
	}
	b.WriteString("\n")
	columns := width(w)
	if columns == 0 {
		columns = 80
	}
	if err := h.Text(&b, columns); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (k *rowsCommand) printRows(b *strings.Builder, few []rowResult) {
	t := grid.NewTable()
	header := []any{"row", "KL", "same top"}
	if k.arit != "" {
		header = append(header, k.arit)
	}
	t.AppendHeader(header)
	for _, x := range few {
		same := "no"
		if x.SameTop {
			same = "yes"
		}
		line := []any{x.Row, spec.Decimal(x.KL), same}
		if k.arit != "" {
			line = append(line, spec.Decimal(x.llama))
		}
		t.AppendRow(line)
	}
	fmt.Fprintf(b, "%s\n\n", t.Render())
}

func (k *rowsCommand) printTable(b *strings.Builder, r *rowResults) {
	t := grid.NewTable()
	header := []any{"", "each row rounded once"}
	all := []*impl.LogitsSummary{&r.exact}
	if k.arit != "" {
		header, all = append(header, k.arit), append(all, &r.llama)
	}
	t.AppendHeader(header)
	line := func(name string, of func(*impl.LogitsSummary) string) {
		cells := []any{name}
		for _, s := range all {
			if s.Len() == 0 {
				cells = append(cells, "NaN")
				continue
			}
			cells = append(cells, of(s))
		}
		t.AppendRow(cells)
	}
	line("mean", func(s *impl.LogitsSummary) string { return spec.Decimal(s.Mean()) })
	line("± standard error", func(s *impl.LogitsSummary) string { return spec.Decimal(s.StandardError()) })
	line("maximum", func(s *impl.LogitsSummary) string { return at(s.Max()) })
	for _, q := range quantiles {
		line(q.name, func(s *impl.LogitsSummary) string { return spec.Decimal(s.Quantile(q.at, 1000)) })
	}
	line("minimum", func(s *impl.LogitsSummary) string { return at(s.Min()) })
	b.WriteString(t.Render() + "\n")
}

// at writes a value and its row.
func at(x impl.LogitsRow) string { return fmt.Sprintf("%s (row %d)", spec.Decimal(x.KL), x.Row) }

// printBias says what llama.cpp's arithmetic does to the rows.
func (k *rowsCommand) printBias(b *strings.Builder, r *rowResults) {
	rows := r.llama.Len()
	if rows == 0 || r.bias.Len() == 0 || r.self.Len() == 0 {
		return
	}
	fmt.Fprintf(b, "\nllama.cpp − exact: %s on average, %s … %s; relative to the mean %s\n", three(r.bias.Mean()), three(r.bias.Min().KL), three(r.bias.Max().KL), three(r.bias.Mean()/r.exact.Mean()))
	fmt.Fprintf(b, "llama.cpp is below 0 in %d of %s\n", r.negative, plural(rows, "row"))
	nonzero, negative := 0, 0
	for v := range r.self.Values {
		if v != 0 {
			nonzero++
		}
		if v < 0 {
			negative++
		}
	}
	fmt.Fprintf(b, "llama.cpp of two equal rows, exactly 0: not 0 in %d, below 0 in %d; %s on average, %s … %s\n", nonzero, negative, three(r.self.Mean()), three(r.self.Min().KL), three(r.self.Max().KL))
	fmt.Fprintf(b, "entries that its floor of -16 drops: %.0f on average, %.0f … %.0f\n", r.dropped.Mean(), r.dropped.Min().KL, r.dropped.Max().KL)
}

func three(x float64) string {
	if math.IsNaN(x) {
		return "NaN"
	}
	return fmt.Sprintf("%.3g", x)
}

// described names a file and its format.
func (s *rowFile) described() string {
	if s.vector != nil {
		return s.name
	}
	return fmt.Sprintf("%s (%s)", s.name, s.dtype)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func isAre(n int) string {
	if n == 1 {
		return "1 row is"
	}
	return fmt.Sprintf("%d rows are", n)
}
