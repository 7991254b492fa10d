package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
)

// A row is one of our backends on one pair of vectors.
type row struct {
	dtype, data string
	n           int
	backend     string
	ns          float64 // per element, the fastest of all
	dot         float64 // times the dot product
	same, any   rival   // the fastest peer with vectors no wider than ours, and the fastest
}

// A rival is a peer and our time over its.
type rival struct {
	name  string
	ratio float64
}

// rows reduces what the processes measured, which all have the same cells. A ratio is the
// median over the rounds of a process, and of those the largest, the least
// favourable to us: the loops of libmvec are fast in some processes and slow in others,
// and it is the fast ones that we want to be compared with.
func rows(processes [][]cell) []row {
	var list []row
	for i, c := range processes[0] {
		for j, s := range c.Subjects {
			if s.Kind != ours {
				continue
			}
			r := row{dtype: c.DType, data: c.Data, n: c.N, backend: s.Name, ns: fastest(processes, i, j) / float64(c.N)}
			for _, process := range processes {
				us := process[i].Subjects[j].Times
				for _, t := range process[i].Subjects {
					over := us.Over(t.Times)
					switch {
					case t.Kind == limit:
						r.dot = math.Max(r.dot, over)
					case t.Kind == peer:
						if over > r.any.ratio {
							r.any = rival{t.Name, over}
						}
						if t.Width <= s.Width && over > r.same.ratio {
							r.same = rival{t.Name, over}
						}
					}
				}
			}
			list = append(list, r)
		}
	}
	return list
}

// fastest returns the least time of subject j in cell i.
func fastest(processes [][]cell, i, j int) float64 {
	least := math.Inf(1)
	for _, process := range processes {
		least = min(least, process[i].Subjects[j].Times.Fastest())
	}
	return least
}

// write prints the times of everything, then the ratios.
func write(w io.Writer, cpu string, processes [][]cell) error {
	fmt.Fprint(w, "Nanoseconds per element, the fastest of all rounds and processes\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, dtype := range []string{"f64", "f32"} {
		header := true
		for i, c := range processes[0] {
			if c.DType != dtype {
				continue
			}
			if header {
				fmt.Fprint(t, "cpu\tdtype\tdata\tn\t")
				for _, s := range c.Subjects {
					fmt.Fprintf(t, "%s\t", s.Name)
				}
				fmt.Fprintln(t)
				header = false
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t", cpu, c.DType, c.Data, c.N)
			for j := range c.Subjects {
				fmt.Fprintf(t, "%.3f\t", fastest(processes, i, j)/float64(c.N))
			}
			fmt.Fprintln(t)
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "Our time over that of others: the median of the rounds, and of %d processes the one least favourable to us\n\n", len(processes))
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "cpu\tdtype\tdata\tn\tbackend\tns/el\t× dot\t× fastest peer as wide\t\t× fastest peer\t\t")
	list := rows(processes)
	slices.SortStableFunc(list, func(a, b row) int {
		if a.dtype == b.dtype {
			return 0
		}
		if a.dtype == "f64" {
			return -1
		}
		return 1
	})
	for _, r := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%.3f\t%.1f\t%.2f\t%s\t%.2f\t%s\t\n",
			cpu, r.dtype, r.data, r.n, r.backend, r.ns, r.dot, r.same.ratio, r.same.name, r.any.ratio, r.any.name)
	}
	return t.Flush()
}
