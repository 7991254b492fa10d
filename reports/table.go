package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"klconf/reports/grid"
	"klconf/spec"
)

// A column of the table over implementations.
type column struct {
	title string
	align text.Align
	cell  func(spec.Report) string
	// spare columns are left out where the table is too wide, the highest
	// first; what they say stands below the table too.
	spare int
}

// none stands where nothing was measured.
const none = "–"

var columns = []column{
	{"implementation", text.AlignLeft, name, 0},
	{"verdict", text.AlignLeft, Verdict, 0},
	{"pmfs as\ndefined", text.AlignLeft, agrees(func(a spec.Agreement) (bool, bool) { return a.PMF, a.PMFAsked }), 0},
	{"measures\nas defined", text.AlignLeft, agrees(func(a spec.Agreement) (bool, bool) { return a.Measure, a.MeasureAsked }), 0},
	{"level", text.AlignLeft, func(r spec.Report) string { return orNone(string(r.Level)) }, 0},
	{"pass", text.AlignRight, func(r spec.Report) string { return fmt.Sprint(count(r, spec.Pass)) }, 2},
	{"fail", text.AlignRight, func(r spec.Report) string { return fmt.Sprint(len(bad(r))) }, 0},
	{"known", text.AlignRight, func(r spec.Report) string { return fmt.Sprint(count(r, spec.KnownFail, spec.KnownFlaky)) }, 3},
	{"unsup-\nported", text.AlignRight, func(r spec.Report) string { return fmt.Sprint(count(r, spec.StatusUnsupported, spec.Skipped)) }, 4},
	{"typical\nerror, ulp", text.AlignRight, func(r spec.Report) string {
		if x, _, ok := errorsOf(r); ok {
			return digits(x)
		}
		return none
	}, 5},
	{"largest\nerror, ulp", text.AlignRight, func(r spec.Report) string {
		if _, x, ok := errorsOf(r); ok {
			return digits(x)
		}
		return none
	}, 0},
	{"time", text.AlignRight, func(r spec.Report) string {
		if r.Environment.Seconds == 0 {
			return none
		}
		return fmt.Sprintf("%.1f s", r.Environment.Seconds)
	}, 1},
}

func agrees(of func(spec.Agreement) (yes, asked bool)) func(spec.Report) string {
	return func(r spec.Report) string {
		switch yes, known := of(r.Agrees); {
		case !asked(r) || yes && !known:
			return none
		case yes:
			return "yes"
		}
		return "no"
	}
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return s
}

// writer returns the table of those columns, with the words of verdicts
// painted if paint is not nil and names broken at the given width if it is
// not 0.
func writer(columns []column, reports []spec.Report, paint func(spec.Verdict, string) string, names int) table.Writer {
	t := grid.NewTable()
	var header table.Row
	var configs []table.ColumnConfig
	for i, c := range columns {
		header = append(header, c.title)
		configs = append(configs, table.ColumnConfig{Number: i + 1, Align: c.align, AlignHeader: c.align, VAlignHeader: text.VAlignBottom})
	}
	configs[0].WidthMax, configs[0].WidthMaxEnforcer = names, text.WrapSoft
	for _, r := range reports {
		var row table.Row
		for _, c := range columns {
			s := c.cell(r)
			if c.title == "verdict" && paint != nil {
				s = paint(r.Verdict, s)
			}
			row = append(row, s)
		}
		t.AppendRow(row)
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(configs)
	return t
}

// Names are broken to the first width before columns are left out, and never
// to less than the second.
const (
	nameWidth  = 28
	leastWidth = 14
)

// fit renders the table for a terminal of that width; 0 is any width.
func fit(reports []spec.Report, width int, paint func(spec.Verdict, string) string) string {
	longest := 0
	for _, r := range reports {
		longest = max(longest, text.StringWidth(name(r)))
	}
	shown := slices.Clone(columns)
	for {
		whole := writer(shown, reports, paint, 0).Render()
		over := text.LongestLineLen(whole) - width
		if width == 0 || over <= 0 {
			return whole
		}
		spare := 0
		for i, c := range shown {
			if c.spare > shown[spare].spare {
				spare = i
			}
		}
		if room := longest - over; room >= nameWidth || shown[spare].spare == 0 {
			return writer(shown, reports, paint, max(room, leastWidth)).Render()
		}
		shown = slices.Delete(shown, spare, spare+1)
	}
}

// markdown renders the table in Markdown.
func markdown(reports []spec.Report) string {
	whole := slices.Clone(columns)
	for i := range whole {
		whole[i].title = strings.NewReplacer("-\n", "", "\n", " ").Replace(whole[i].title)
	}
	return writer(whole, reports, nil, 0).RenderMarkdown()
}
