package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"klconf/adapters"
	"klconf/conform"
	"klconf/golden"
	"klconf/property"
	"klconf/reports"
	"klconf/reports/published"
	"klconf/spec"
)

func explainCommand() *cobra.Command {
	var folder string
	cmd := &cobra.Command{
		Use:   "explain ID|NAME",
		Short: "Explain a requirement, a vector or an implementation",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("explain takes the id of a requirement or a vector, or the name of an implementation")
			}
			s, err := newShelf(folder)
			if err != nil {
				return err
			}
			return explain(cmd.Context(), cmd.OutOrStdout(), s, args[0])
		},
		ValidArgsFunction: completeNames,
	}
	cmd.Flags().StringVar(&folder, "adapters", "", "folder `DIR` of adapters in place of the embedded ones")
	return cmd
}

func explain(ctx context.Context, w io.Writer, s shelf, name string) error {
	if q, ok := spec.Lookup(strings.ToUpper(name)); ok {
		return explainRequirement(ctx, w, q)
	}
	if v, ok := golden.Lookup(name); ok {
		return explainVector(w, v)
	}
	if found, err := s.find(name); err == nil {
		for i, x := range found {
			if i > 0 {
				fmt.Fprintln(w)
			}
			if err := explainSubject(w, x); err != nil {
				return err
			}
		}
		return nil
	}
	var known []string
	for _, q := range spec.Requirements() {
		known = append(known, q.ID)
	}
	for _, v := range golden.Vectors() {
		known = append(known, v.ID)
	}
	known = append(known, s.names()...)
	if near, ok := nearest(name, known); ok {
		return fmt.Errorf("no requirement, vector or implementation is called %q; did you mean %s?", name, near)
	}
	return fmt.Errorf("no requirement, vector or implementation is called %q; klconf list requirements, klconf list vectors and klconf list show them", name)
}

func explainRequirement(ctx context.Context, w io.Writer, q spec.Requirement) error {
	fmt.Fprintf(w, "%s (%s, since %s)%s\n%s\n", q.ID, q.Force, q.Since, planned(q), q.Statement)
	rows := [][]string{{"formula", q.Formula}, {"why", q.Rationale}, {"source", q.Source}}
	for _, l := range property.Laws() {
		if l.Requirement == q.ID {
			rows = append(rows, []string{"law", l.Statement}, []string{"proof", l.Proof})
		}
	}
	checks, err := citing(ctx, q.ID)
	if err != nil {
		return err
	}
	for _, prefix := range slices.Sorted(maps.Keys(checks)) {
		row := prefix
		if names := checks[prefix]; len(names) > 0 {
			row += ": " + strings.Join(names, ", ")
		}
		rows = append(rows, []string{"check", row})
	}
	flags := flagsOf(q.ID)
	for _, f := range flags {
		n := golden.Notes()[f]
		rows = append(rows, []string{"bug", fmt.Sprintf("%s: %s; %s", f, n.BugType, n.Effect)})
		if len(n.Victims) > 0 {
			rows = append(rows, []string{"victims", strings.Join(n.Victims, ", ")})
		}
		if len(n.Links) > 0 {
			rows = append(rows, []string{"seen in", strings.Join(n.Links, ", ")})
		}
	}
	results, err := published.Reports()
	if err != nil {
		return err
	}
	for _, r := range results {
		if s := reports.Against(r, q.ID); s != "" {
			rows = append(rows, []string{"broken by", s})
		}
	}
	return writeRows(w, rows)
}

// citing returns the checks that cite a requirement: the names below each
// prefix of two components. Checks that are not vectors exist only while they
// are made, so they are taken from runs: those of behaviour from one of the
// reference, the others from one of an implementation that answers nothing, which
// ends each at its first question. What only answers cite (IO-2 where one was asked
// for twice, ACC where its error was measured) needs a whole run.
func citing(ctx context.Context, id string) (map[string][]string, error) {
	reference, err := newReference("reference")
	if err != nil {
		return nil, err
	}
	var checks []spec.Result
	for _, v := range golden.Vectors() {
		checks = append(checks, spec.Result{ID: v.ID, Requirements: v.Requirements})
	}
	type part struct {
		impl spec.Implementation
		only []string
	}
	parts := []part{{undeclared{reference}, []string{"io", "detect"}}, {silent{reference}, []string{"random", "law"}}}
	if id == "IO-2" || strings.HasPrefix(id, "ACC-") {
		parts = []part{{undeclared{reference}, nil}}
	}
	for _, p := range parts {
		report, err := conform.Run(ctx, conform.Target{ID: "reference", Impl: p.impl}, conform.Options{Version: version, Seed: 1, Only: p.only})
		if err != nil {
			return nil, err
		}
		checks = append(checks, report.Results...)
	}
	cite := map[string][]string{}
	for _, c := range checks {
		if !slices.Contains(c.Requirements, id) {
			continue
		}
		parts := strings.Split(c.ID, "/")
		prefix, below := strings.Join(parts[:2], "/"), parts[2:]
		cite[prefix] = append(cite[prefix], below[:min(1, len(below))]...)
	}
	for prefix, names := range cite {
		slices.Sort(names)
		cite[prefix] = slices.Compact(names)
	}
	return cite, nil
}

// undeclared hides the convention, so that every field of it is detected.
type undeclared struct{ spec.Implementation }

func (u undeclared) Describe() spec.Description {
	d := u.Implementation.Describe()
	d.Convention = nil
	return d
}

// silent answers nothing.
type silent struct{ spec.Implementation }

func (silent) Answer(context.Context, spec.Request) spec.Answer {
	return spec.Answer{Status: spec.Unsupported}
}

// flagsOf returns the flags of the vectors that cite a requirement, the
// commonest first.
func flagsOf(id string) []string {
	times := map[string]int{}
	for _, v := range golden.Vectors() {
		if slices.Contains(v.Requirements, id) {
			for _, f := range v.Flags {
				times[f]++
			}
		}
	}
	return slices.SortedFunc(maps.Keys(times), func(a, b string) int {
		return cmp.Or(cmp.Compare(times[b], times[a]), cmp.Compare(a, b))
	})
}

func explainVector(w io.Writer, v golden.Vector) error {
	fmt.Fprintf(w, "%s\n%s\n", v.ID, v.Comment)
	request := fmt.Sprintf("%s of %s %v", v.Op, v.DType, v.Shape)
	rows := [][]string{{"question", request}, {"stratum", v.Stratum}, {"class", string(v.Class)}, {"source", v.Source}}
	if v.Convention != nil {
		rows = append(rows, []string{"under", conventionText(v.Convention)})
	}
	if g := v.Generator; g != nil {
		rows = append(rows, []string{"made by", fmt.Sprintf("%s, kind %s, seed %s", g.Name, g.Kind, g.Seed)})
	}
	if d := v.Data; d != nil {
		rows = append(rows, []string{"from", fmt.Sprintf("%s, rows %v and %v", d.File, d.P, d.Q)})
	}
	if v.Hardness > 0 {
		rows = append(rows, []string{"hardness", fmt.Sprintf("%d bits after the round bit are equal", v.Hardness)})
	}
	if cond := slices.Compact(slices.Clone(v.Cond)); len(cond) == 1 && cond[0] != "" {
		rows = append(rows, []string{"condition", cond[0]})
	}
	for _, id := range v.Requirements {
		q, _ := spec.Lookup(id)
		rows = append(rows, []string{"checks", id + ": " + q.Statement})
	}
	for _, f := range v.Flags {
		n := golden.Notes()[f]
		rows = append(rows, []string{"bug", fmt.Sprintf("%s: %s; %s", f, n.BugType, n.Effect)})
	}
	return writeRows(w, rows)
}

func explainSubject(w io.Writer, x subject) error {
	fmt.Fprintf(w, "%s: %s\n", x.id, x.title())
	var rows [][]string
	convention := x.entry.Convention
	if x.impl != nil {
		impl, err := x.impl()
		if err != nil {
			return err
		}
		d := impl.Describe()
		convention = d.Convention
		rows = append(rows, []string{"version", d.Version}, []string{"language", d.Language}, []string{"homepage", d.Homepage},
			[]string{"ops", words(d.Ops)}, []string{"dtypes", words(d.DTypes)}, []string{"claim", string(d.Accuracy)})
	} else {
		m := x.manifest
		rows = append(rows, []string{"tool", m.Title}, []string{"language", m.Language}, []string{"homepage", m.Homepage},
			[]string{"packages", packages(m)}, []string{"needs", strings.Join(m.Needs, ", ")},
			[]string{"setup", strings.Join(m.Setup, " ")}, []string{"start", strings.Join(m.Start, " ")},
			[]string{"ops", words(x.entry.Ops)}, []string{"dtypes", words(x.entry.DTypes)}, []string{"claim", string(x.entry.Claim)},
			[]string{"note", x.entry.Note})
	}
	rows = append(rows, []string{"computes", computes(convention)}, []string{"convention", conventionText(convention)})
	results, err := published.Reports()
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.Implementation.ID == x.id {
			rows = append(rows, []string{"published", fmt.Sprintf("%s %s, accuracy level %s", r.Implementation.Version, r.Verdict, r.Level)},
				[]string{"KL in nats", reports.Answer(r)})
		}
	}
	list := x.manifest.Known
	if x.impl != nil {
		var err error
		if list, err = adapters.Known(x.tool()); err != nil {
			return err
		}
	}
	known := knownOf(list, x)
	for i, k := range known {
		if i > 0 && known[i-1].Why == k.Why {
			k.Why = "the same" // as the line above
		} else if k.Source != "" {
			k.Why += " (" + k.Source + ")"
		}
		rows = append(rows, []string{string(k.Status), k.ID + ": " + k.Why})
	}
	return writeRows(w, slices.DeleteFunc(rows, func(r []string) bool { return r[1] == "" }))
}

// computes says in words what a convention computes.
func computes(c *spec.Convention) string {
	if c == nil {
		return "not declared; run detects it"
	}
	var parts []string
	for _, f := range spec.Fields {
		if d := c.Departure(f); d != "" {
			parts = append(parts, d)
		}
	}
	if parts == nil {
		return "the definition"
	}
	return "the definition, but " + strings.Join(parts, "; ")
}

func words[T ~string](list []T) string {
	var out []string
	for _, x := range list {
		out = append(out, string(x))
	}
	return strings.Join(out, " ")
}

func conventionText(c *spec.Convention) string {
	if c == nil {
		return ""
	}
	b, err := json.Marshal(c)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
