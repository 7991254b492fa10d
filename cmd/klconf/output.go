package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"klconf/bench"
	"klconf/reports"
	"klconf/spec"
)

// An output says which files are written. "-" is standard output.
type output struct {
	json, junit, markdown, html, accuracy, badge, folder string
	compact                                              bool

	site   string // a folder
	speeds reports.Speeds
}

// flags adds the flags of an output to a command.
func (o *output) flags(f *pflag.FlagSet) {
	f.StringVar(&o.json, "json", "", "write the result to `FILE`, or to a folder if there are several; - is standard output")
	f.BoolVar(&o.compact, "compact", false, "in --json only count what passed or is not offered, as published results do")
	f.StringVar(&o.junit, "junit", "", "write JUnit XML to `FILE`")
	f.StringVar(&o.markdown, "markdown", "", "write Markdown to `FILE`")
	f.StringVar(&o.html, "html", "", "write one page that needs no network to `FILE`")
	f.StringVar(&o.accuracy, "accuracy", "", "write the errors of each stratum in the benchmark format to `FILE`, for klconf gate")
	f.StringVar(&o.badge, "badge", "", "write a badge of one implementation to `FILE`, an SVG, or JSON for shields if it ends in .json")
	f.StringVar(&o.folder, "out", "", "write all of these into the folder `DIR`")
}

// A destination is one file, or for results a folder.
type destination struct {
	name  string
	write func(io.Writer, []spec.Report) error // nil: one result file for each implementation
}

// destinations lists what is written, --out's as well.
func (o output) destinations() (list []destination) {
	set := func(file, inFolder string, write func(io.Writer, []spec.Report) error) {
		if file != "" {
			list = append(list, destination{file, write})
		}
		if o.folder != "" {
			list = append(list, destination{filepath.Join(o.folder, inFolder), write})
		}
	}
	set(o.json, "", nil)
	set(o.junit, "junit.xml", reports.JUnit)
	set(o.markdown, "report.md", func(w io.Writer, all []spec.Report) error { return reports.Markdown(w, all, o.speeds) })
	set(o.html, "report.html", reports.HTML)
	set(o.accuracy, "accuracy.txt", bench.WriteAccuracy)
	if o.badge != "" {
		draw := reports.BadgeSVG
		if strings.HasSuffix(o.badge, ".json") {
			draw = reports.BadgeJSON
		}
		list = append(list, destination{o.badge, draw})
	}
	return list
}

// empty reports whether nothing is to be written.
func (o output) empty() bool { return len(o.destinations()) == 0 && o.site == "" }

func (o output) usesStdout() bool {
	return slices.ContainsFunc(o.destinations(), func(d destination) bool { return d.name == "-" })
}

// check finds what would fail after all the work: a missing folder, two
// results for one file.
func (o output) check(subjects int) error {
	if subjects > 1 && o.json != "" && !isFolder(o.json) {
		return fmt.Errorf("one result file holds one implementation and %d are graded: give --json a folder, %s", subjects, quoted(strings.TrimSuffix(cmp.Or(strings.Trim(o.json, "-"), "results"), ".json")+"/"))
	}
	if subjects > 1 && o.badge != "" {
		return fmt.Errorf("a badge is about one implementation and %d are given: name one", subjects)
	}
	folders := []string{o.folder}
	if o.json != "-" && isFolder(o.json) {
		folders = append(folders, o.json)
	}
	for _, f := range folders {
		if f != "" {
			if err := os.MkdirAll(f, 0o777); err != nil {
				return fileError(err)
			}
		}
	}
	dashes := 0
	for _, d := range o.destinations() {
		switch {
		case d.name == "-":
			dashes++
		case d.write == nil && isFolder(d.name):
		default:
			if err := checkFile(d.name); err != nil {
				return err
			}
		}
	}
	if dashes > 1 {
		return errors.New("only one of --json, --junit, --markdown, --html, --accuracy and --badge can be standard output")
	}
	return nil
}

// isFolder reports whether a destination is or means a folder.
func isFolder(name string) bool {
	if name == "" {
		return false
	}
	info, err := os.Stat(name)
	return strings.HasSuffix(name, "/") || strings.HasSuffix(name, string(filepath.Separator)) || err == nil && info.IsDir()
}

// checkFile returns an error if the file cannot be written.
func checkFile(name string) error {
	if isFolder(name) {
		return fmt.Errorf("%s is a folder; name a file in it", name)
	}
	_, err := os.Stat(filepath.Dir(name))
	return fileError(err)
}

// write writes every file that was asked for. One that cannot be written
// keeps no other from it.
func (o output) write(stdout io.Writer, graded []spec.Report) []error {
	var errs []error
	write := func(name string, by func(io.Writer) error) {
		if err := to(name, stdout, by); err != nil {
			errs = append(errs, err)
		}
	}
	result := func(r spec.Report) func(io.Writer) error {
		if o.compact {
			r = reports.Compact(r)
		}
		return func(w io.Writer) error { return reports.JSON(w, r) }
	}
	for _, d := range o.destinations() {
		switch {
		case d.write != nil:
			write(d.name, func(w io.Writer) error { return d.write(w, graded) })
		case d.name != "-" && isFolder(d.name):
			for _, r := range graded {
				write(filepath.Join(d.name, fileName(r)), result(r))
			}
		default:
			write(d.name, result(graded[0]))
		}
	}
	if o.site != "" {
		if err := reports.Site(o.page, graded, o.speeds); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// page makes a file of the site, and its folder.
func (o output) page(name string) (io.WriteCloser, error) {
	file := filepath.Join(o.site, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return nil, fileError(err)
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, fileError(err)
	}
	return f, nil
}

// to writes one file.
func to(name string, stdout io.Writer, write func(io.Writer) error) error {
	if name == "-" {
		return write(stdout)
	}
	f, err := os.Create(name)
	if err != nil {
		return fileError(err)
	}
	err = write(f)
	if e := f.Close(); err == nil {
		err = e
	}
	return fileError(err)
}

// fileName names the result file of an implementation in a folder.
func fileName(r spec.Report) string {
	safe := func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._-", c) {
			return c
		}
		return '-'
	}
	name := strings.Trim(strings.Map(safe, r.Implementation.ID), "-.")
	return cmp.Or(name[:min(len(name), 100)], "implementation") + ".json"
}

// fileError makes a sentence of what the system says about a file.
func fileError(err error) error {
	var path *fs.PathError
	if !errors.As(err, &path) {
		return err
	}
	verb := map[string]string{"open": "open", "mkdir": "make the folder", "stat": "find", "read": "read", "write": "write"}[path.Op]
	return fmt.Errorf("cannot %s %s: %w", cmp.Or(verb, path.Op), path.Path, path.Err)
}

// terminal returns the file descriptor of w if w is a terminal.
func terminal(w io.Writer) (int, bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	return int(f.Fd()), true
}

// width returns the columns of a terminal, 0 for anything else.
func width(w io.Writer) int {
	fd, ok := terminal(w)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(fd)
	if err != nil {
		return 0
	}
	return columns
}

// colored reports whether colours are welcome.
func colored(w io.Writer) bool {
	_, ok := terminal(w)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
