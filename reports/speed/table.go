package speed

import (
	"fmt"
	"io"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"klconf/reports/grid"
)

// Table writes a table for each function, format and family: for the first implementation
// nanoseconds per element, for every other its time over that of the first in the same round, the
// median with its interval; then the time over a dot product of the longest vectors, and
// the largest error and memory of all lengths.
func Table(w io.Writer, all []*Series) error {
	list := groups(all)
	if len(list) == 0 {
		return fmt.Errorf("no benchmark has the keys impl and n in its name, as KL/impl=gonum/dtype=f64/data=softmax/n=1024 has")
	}
	for _, g := range list {
		if _, err := fmt.Fprintf(w, "%s\n\n%s\n\n", g.title(), g.table()); err != nil {
			return err
		}
	}
	return nil
}

func (g *group) table() string {
	t := grid.NewTable()
	header := table.Row{"implementation"}
	configs := []table.ColumnConfig{{Number: 1, Align: text.AlignLeft, AlignHeader: text.AlignLeft}}
	right := func(title string) {
		header = append(header, title)
		configs = append(configs, table.ColumnConfig{Number: len(header), Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	for _, n := range g.sizes {
		right(fmt.Sprintf("n = %d", n))
	}
	right("× dot")
	right("ulp-max")
	right("B/op")
	for i, impl := range g.impls {
		row := table.Row{impl}
		dot, ulp, bytes := none, none, none
		most := map[string][]float64{} // of each length
		for _, n := range g.sizes {
			s, first := g.at[cell{impl, n}], g.at[cell{g.impls[0], n}]
			if s == nil {
				row = append(row, none)
				dot = none
				continue
			}
			text := none
			if i == 0 {
				if x, ok := s.perElement(); ok {
					text = x.String() + " ns"
				}
			} else if first != nil {
				if x, ok := g.ratio(impl, n); ok {
					text = x.String()
				}
			} else if x, ok := s.perElement(); ok {
				text = x.String() + " ns"
			}
			row = append(row, text)
			dot = none
			if x := s.Values["x-dot"]; len(x) > 0 {
				dot = written(intervalOf(x).Center)
			}
			for _, unit := range []string{"ulp-max", "B/op"} {
				if x := s.Values[unit]; len(x) > 0 {
					most[unit] = append(most[unit], slices.Max(x))
				}
			}
		}
		if x := most["ulp-max"]; x != nil {
			ulp = written(slices.Max(x))
		}
		if x := most["B/op"]; x != nil {
			bytes = fmt.Sprintf("%.0f", slices.Max(x))
		}
		t.AppendRow(append(row, dot, ulp, bytes))
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(configs)
	return t.Render()
}

// none stands where nothing was measured.
const none = "–"

// String writes the median, and the interval in brackets.
func (x Interval) String() string {
	return fmt.Sprintf("%s [%s, %s]", written(x.Center), written(x.Lo), written(x.Hi))
}
