package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"klconf/adapters"
	"klconf/golden"
	"klconf/impl"
	"klconf/property"
	"klconf/spec"
)

// lists are what klconf list can show, each a table without a header: one
// thing a line, its name first.
var lists = []struct {
	name string
	rows func(shelf) ([][]string, error)
}{
	{"implementations", listImplementations},
	{"requirements", listRequirements},
	{"vectors", listVectors},
	{"laws", listLaws},
	{"adapters", listAdapters},
	{"backends", listBackends},
}

func listNames() []string {
	var names []string
	for _, l := range lists {
		names = append(names, l.name)
	}
	return names
}

func listCommand() *cobra.Command {
	var folder string
	cmd := &cobra.Command{
		Use:       "list [" + strings.Join(listNames(), "|") + "]",
		Short:     "List what there is; implementations if nothing is said",
		ValidArgs: listNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			what := "implementations"
			switch len(args) {
			case 0:
			case 1:
				what = args[0]
			default:
				return fmt.Errorf("list takes one of %s", strings.Join(listNames(), ", "))
			}
			i := slices.Index(listNames(), what)
			if i < 0 {
				return unknown("list", what, listNames())
			}
			s, err := newShelf(folder)
			if err != nil {
				return err
			}
			rows, err := lists[i].rows(s)
			if err != nil {
				return err
			}
			return writeRows(cmd.OutOrStdout(), rows)
		},
	}
	cmd.Flags().StringVar(&folder, "adapters", "", "folder `DIR` of adapters in place of the embedded ones")
	return cmd
}

// writeRows aligns cells in columns.
func writeRows(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(t, strings.Join(r, "\t"))
	}
	return t.Flush()
}

func listImplementations(s shelf) (rows [][]string, err error) {
	for _, x := range s.subjects {
		rows = append(rows, []string{x.id, x.about})
	}
	return rows, nil
}

func listRequirements(shelf) (rows [][]string, err error) {
	for _, q := range spec.Requirements() {
		rows = append(rows, []string{q.ID, string(q.Force), q.Statement + planned(q)})
	}
	return rows, nil
}

// planned marks a requirement that this version does not check.
func planned(q spec.Requirement) string {
	if q.Since > spec.Version {
		return " (planned for " + q.Since + ")"
	}
	return ""
}

func listVectors(shelf) (rows [][]string, err error) {
	for _, v := range golden.Vectors() {
		rows = append(rows, []string{v.ID, v.Stratum, string(v.Class), strings.Join(v.Requirements, ","), v.Comment})
	}
	return rows, nil
}

func listLaws(shelf) (rows [][]string, err error) {
	for _, l := range property.Laws() {
		holds := "not under the definition"
		if l.HoldsUnder(spec.Definition()) {
			holds = "under the definition"
		}
		rows = append(rows, []string{l.ID, l.Statement, holds, "finds " + power(l), l.Proof})
	}
	return rows, nil
}

// power says which fault a law finds, the most general that it does, and from
// which size on.
func power(l property.Law) string {
	if len(l.Power()) == 0 {
		return "nothing"
	}
	fault := l.Power()[0].Fault
	var sizes []string
	for _, p := range l.Power() {
		if p.Fault == fault && p.Size > 0 {
			sizes = append(sizes, fmt.Sprintf("%.1e at %s", p.Size, p.Level))
		}
	}
	if sizes == nil {
		return string(fault)
	}
	return string(fault) + " from " + strings.Join(sizes, ", ")
}

func listAdapters(s shelf) (rows [][]string, err error) {
	for _, m := range s.manifests {
		rows = append(rows, []string{m.Name, m.Language, packages(m), m.Title})
	}
	return rows, nil
}

// packages lists what an adapter installs.
func packages(m adapters.Manifest) string {
	var list []string
	for name, v := range m.Packages {
		list = append(list, name+" "+v)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func listBackends(shelf) (rows [][]string, err error) {
	for _, b := range impl.Backends() {
		mark := ""
		if b == impl.Current() {
			mark = "chosen"
		}
		rows = append(rows, []string{b, mark})
	}
	return rows, nil
}
