package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"klconf/conform/judge"
	"klconf/golden"
	"klconf/spec"
)

// An exporter is one call of klconf export.
type exporter struct {
	format, convention, op, dtype, level string
	most                                 int
	folder                               string
}

func exportCommand() *cobra.Command {
	var e exporter
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the vectors for other test runners, as JSON or CSV",
		Long: `Export writes the vectors with what may be answered under a convention, for a test runner
that does not speak the adapter protocol. All numbers are bits in hexadecimal, most
significant digit first. An answer x is right if it is NaN and nan is 1; if it is a
refusal (an exception, an error) and reject is 1; or if lo ≤ x ≤ hi for one of the
pairs lo:hi, which are numbers of the result's format. The pairs hold what reaches
the level; at L5 both are the correctly rounded number.

A CSV line is id,dtype,shape,p,q,result,rn,ranges,nan,reject. Words of a list are separated by
blanks, the ranges of the rows of an answer by semicolons. The lines before the first id
begin with #. No field has a comma or a quotation mark. golden/readers has a reader for
each of some languages.

The convention is that of an adapter's entry, such as scipy/stats.entropy, or a JSON
object as hello declares it; without one it is the definition.`,
		Example: `  klconf export --format csv >kl.csv
  klconf export --convention scipy/stats.entropy --level L2 --dtype f32
  klconf export --convention '{"base":"2"}' --op kl_rows`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.run(cmd.OutOrStdout()) },
	}
	f := cmd.Flags()
	f.StringVar(&e.format, "format", "json", "json or csv")
	f.StringVar(&e.convention, "convention", "", "an entry, or a JSON `OBJECT`")
	f.StringVar(&e.op, "op", "kl", "the operation: kl, entropy, kl_logits, kl_rows …")
	f.StringVar(&e.dtype, "dtype", "f64", "format of the vectors")
	f.StringVar(&e.level, "level", "L1", "the level of accuracy that is demanded, L1 to L5")
	f.IntVar(&e.most, "most", 4096, "leave out vectors of more elements")
	f.StringVar(&e.folder, "adapters", "", "folder `DIR` of adapters in place of the embedded ones")
	return cmd
}

// An exported vector is written as it is; CSV has the same fields.
type exported struct {
	ID         string           `json:"id"`
	Comment    string           `json:"comment,omitempty"`
	DType      spec.DType       `json:"dtype"`
	Shape      []int            `json:"shape"`
	P          []string         `json:"p"`
	Q          []string         `json:"q"`
	Options    *spec.Options    `json:"options,omitempty"`
	Result     spec.DType       `json:"result"`
	Answers    []exportedAnswer `json:"answers"`
	NaN        bool             `json:"nan"`    // NaN is right, in place of any answer
	Reject     bool             `json:"reject"` // a refusal is right
	MustReject bool             `json:"must_reject"`
}

type exportedAnswer struct {
	RN     string      `json:"rn,omitempty"`
	Ranges [][2]string `json:"ranges"` // lo and hi
}

func (e exporter) run(w io.Writer) error {
	c, err := e.effective()
	if err != nil {
		return err
	}
	d, level := spec.DType(e.dtype), spec.Level(e.level)
	switch {
	case !slices.Contains([]string{"json", "csv"}, e.format):
		return unknown("format", e.format, []string{"json", "csv"})
	case level.Rank() < spec.L1.Rank():
		return unknown("level", e.level, []string{"L1", "L2", "L3", "L4", "L5"})
	case !d.Float():
		return unknown("dtype", e.dtype, []string{"f64", "f32", "f16", "bf16", "f8e4m3", "f8e5m2"})
	}
	if _, _, _, ok := spec.Op(e.op).Split(); !ok {
		return fmt.Errorf("no operation is called %q; there are kl, entropy, cross_entropy and js, each also with _logits or _logprobs and _rows", e.op)
	}
	var list []exported
	for _, v := range golden.Vectors() {
		if v.Op != spec.Op(e.op) || v.DType != d || v.Len() > e.most || v.Mask != nil || v.QShape != nil && e.format == "csv" || !v.Concerns(c) {
			continue
		}
		if e.format == "csv" && !reflect.DeepEqual(v.Options, spec.Options{}) {
			continue
		}
		x, err := export(v, c, level)
		if err != nil {
			continue // not judged under this convention
		}
		list = append(list, x)
	}
	if len(list) == 0 {
		return fmt.Errorf("no vector asks for %s in %s with at most %d elements", e.op, e.dtype, e.most)
	}
	about := map[string]any{"format": "klconf-export/1", "suite": spec.Suite{Version: version, Spec: spec.Version, Vectors: golden.Version}, "op": e.op,
		"level": level, "convention": c, "rule": "x is right if it is NaN and nan is set, a refusal and reject is set, or lo ≤ x ≤ hi for one of the ranges"}
	b := bufio.NewWriter(w)
	if e.format == "json" {
		about["vectors"] = list
		enc := json.NewEncoder(b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		if err := enc.Encode(about); err != nil {
			return err
		}
		return b.Flush()
	}
	convention, err := json.Marshal(c)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "# klconf-export/1, klconf %s, vectors %s, %s at %s under %s\n# id,dtype,shape,p,q,result,rn,ranges,nan,reject: bits in hexadecimal; %s\n",
		version, golden.Version, e.op, level, convention, about["rule"])
	for _, x := range list {
		fmt.Fprintln(b, x.csv())
	}
	return b.Flush()
}

// effective returns the convention in full.
func (e exporter) effective() (c spec.Convention, err error) {
	switch {
	case e.convention == "":
	case strings.HasPrefix(e.convention, "{"):
		if err := json.Unmarshal([]byte(e.convention), &c); err != nil {
			return c, fmt.Errorf("--convention: %w", err)
		}
	default:
		s, err := newShelf(e.folder)
		if err != nil {
			return c, err
		}
		subjects, err := s.choose([]string{e.convention}, nil)
		if err != nil {
			return c, err
		}
		if len(subjects) != 1 || subjects[0].entry.Convention == nil {
			return c, fmt.Errorf("%s is not one entry with a convention of its own", e.convention)
		}
		c = *subjects[0].entry.Convention
	}
	definition := spec.Definition()
	for _, f := range spec.Fields {
		if !c.Has(f) {
			c.Take(f, definition)
		}
	}
	return c, c.Check()
}

// export makes what is written of a vector.
func export(v golden.Vector, c spec.Convention, l spec.Level) (x exported, err error) {
	r := v.Request()
	want, err := judge.Expect(r, c)
	if err != nil {
		return x, err
	}
	x = exported{ID: v.ID, Comment: v.Comment, DType: v.DType, Shape: v.Shape, Result: want.DType}
	if !reflect.DeepEqual(v.Options, spec.Options{}) {
		x.Options = &v.Options
	}
	x.P, x.Q = r.Arrays[0].Words(), []string{}
	if len(r.Arrays) > 1 {
		x.Q = r.Arrays[1].Words()
	}
	sets := want.Values
	if want.Whole != nil {
		x.MustReject, sets = true, []spec.Set{*want.Whole}
	}
	for _, s := range sets {
		x.NaN, x.Reject = x.NaN || s.NaN, x.Reject || s.Reject
		a := exportedAnswer{RN: s.RN, Ranges: [][2]string{}}
		for _, g := range judge.Acceptable(s, want.DType, l) {
			a.Ranges = append(a.Ranges, [2]string{spec.HexBits(want.DType, g.Lo), spec.HexBits(want.DType, g.Hi)})
		}
		x.Answers = append(x.Answers, a)
	}
	return x, nil
}

func (x exported) csv() string {
	flag := map[bool]string{false: "0", true: "1"}
	var shape, rn, ranges []string
	for _, n := range x.Shape {
		shape = append(shape, strconv.Itoa(n))
	}
	for _, a := range x.Answers {
		var pairs []string
		for _, g := range a.Ranges {
			pairs = append(pairs, g[0]+":"+g[1])
		}
		rn, ranges = append(rn, a.RN), append(ranges, strings.Join(pairs, " "))
	}
	return strings.Join([]string{x.ID, string(x.DType), strings.Join(shape, " "), strings.Join(x.P, " "), strings.Join(x.Q, " "), string(x.Result),
		strings.Join(rn, ";"), strings.Join(ranges, ";"), flag[x.NaN], flag[x.Reject]}, ",")
}
