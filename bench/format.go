package bench

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"strings"

	"klconf/bench/machine"
)

// units says of each unit which way is better and whether it is counted, in the words of the
// benchmark format.
var units = []string{
	"ns/el better=lower",
	"GB/s better=higher",
	"x-dot better=lower",
	"peak-B/el better=lower",
	"fallthrough better=lower assume=exact",
	"exact better=lower assume=exact",
	"ulp-max better=lower assume=exact",
}

// WriteHeader writes the lines that precede benchmarks: system, processor, the kind of dot
// product, further lines such as "commit: 0123abc", and what the units mean.
func WriteHeader(w io.Writer, further ...string) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "goos: %s\ngoarch: %s\nmachine: %s\ndot: %s\n", runtime.GOOS, runtime.GOARCH, machine.Name(), DotKind())
	for _, l := range further {
		fmt.Fprintln(b, l)
	}
	for _, u := range units {
		fmt.Fprintln(b, "Unit", u)
	}
	return b.Flush()
}

// WriteBenchmarks writes cells in the benchmark format, one line for each sample. The name
// of an implementation is the key impl, with a colon in the place of each slash.
func WriteBenchmarks(w io.Writer, function string, cells []Cell) error {
	b := bufio.NewWriter(w)
	for _, c := range cells {
		n := float64(c.N)
		for _, e := range c.Entries {
			name := fmt.Sprintf("Benchmark%s/impl=%s/dtype=%s/data=%s/n=%d", function, keyed(e.Name), c.DType, c.Data, c.N)
			for round, ns := range e.Times {
				fmt.Fprintf(b, "%s\t%d\t%.6g ns/op\t%.6g ns/el\t%.6g x-dot", name, e.Iters, ns, ns/n, ns/c.Dot[round])
				if e.ULP != nil {
					fmt.Fprintf(b, "\t%.6g ulp-max", *e.ULP)
				}
				if e.Allocs != nil {
					fmt.Fprintf(b, "\t%d B/op\t%d allocs/op", e.Allocs.Bytes/int64(e.Iters), e.Allocs.Count/int64(e.Iters))
				}
				if e.Peak != nil {
					fmt.Fprintf(b, "\t%.6g peak-B/el", float64(*e.Peak)/n)
				}
				fmt.Fprintln(b)
			}
		}
	}
	return b.Flush()
}

// keyed makes a name fit for the value of a key.
func keyed(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '/':
			return ':'
		case r <= ' ':
			return '_'
		}
		return r
	}, name)
}
