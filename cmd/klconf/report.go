package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"klconf/golden"
	"klconf/reports"
	"klconf/reports/speed"
	"klconf/spec"
)

func reportCommand() *cobra.Command {
	var o output
	var speeds string
	cmd := &cobra.Command{
		Use:   "report RESULT.json…",
		Short: "Write a site, a page, Markdown or JUnit XML from result files",
		Long: `Report reads result files, as klconf run --json writes them, or folders of
them, and writes what is asked for; without any of the flags it prints the table.
The exit code is 0 whatever the verdicts are, 2 if a file cannot be read or written.`,
		Example: `  klconf run --json results/ && klconf report results --html report.html
  klconf report a.json b.json --markdown -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("report takes result files or folders of them")
			}
			all, err := readResults(args...)
			if err != nil {
				return err
			}
			if o.empty() {
				table := cmd.OutOrStdout()
				return reports.Terminal(table, all, reports.Options{Width: width(table), Color: colored(table)})
			}
			if err := o.check(len(all)); err != nil {
				return err
			}
			if speeds != "" {
				if o.speeds, err = readSpeeds(speeds); err != nil {
					return err
				}
			}
			return errors.Join(o.write(cmd.OutOrStdout(), all)...)
		},
	}
	o.flags(cmd.Flags())
	cmd.Flags().StringVar(&o.site, "site", "", "write pages that need no network into the folder `DIR`, one for each implementation and requirement")
	cmd.Flags().StringVar(&speeds, "speed", "", "show on the site and in Markdown the times of `FILE`, which klconf bench --out wrote")
	return cmd
}

// readSpeeds reads the times of a file.
func readSpeeds(name string) (reports.Speeds, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fileError(err)
	}
	defer f.Close()
	all, err := speed.Read(f, name)
	if err != nil {
		return nil, err
	}
	times := reports.Speeds{}
	for impl, x := range speed.OverDot(all, "KL", string(spec.F64), "softmax", 1024) {
		times[strings.ReplaceAll(impl, ":", "/")] = x
	}
	if len(times) == 0 {
		return nil, fmt.Errorf("%s has no benchmark BenchmarkKL/impl=…/dtype=f64/data=softmax/n=1024 with x-dot: klconf bench --data softmax --sizes 1024 --out writes them", name)
	}
	return times, nil
}

// resultFiles returns a file, or the files *.json of a folder in the order of their names.
func resultFiles(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fileError(err)
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	files, err := filepath.Glob(filepath.Join(name, "*.json"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no file *.json is in %s", name)
	}
	return files, err
}

// readResults reads result files, and those of folders in the order of their
// names.
func readResults(names ...string) ([]spec.Report, error) {
	var all []spec.Report
	for _, name := range names {
		files, err := resultFiles(name)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				return nil, fileError(err)
			}
			r, err := spec.ReadReport(data)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f, err)
			}
			if slices.ContainsFunc(all, func(x spec.Report) bool { return x.Implementation.ID == r.Implementation.ID }) {
				return nil, fmt.Errorf("%s: a second result of %s", f, r.Implementation.ID)
			}
			if r.Suite.Vectors == golden.Version {
				r = reports.Expand(r, vectorInputs)
			}
			all = append(all, r)
		}
	}
	return all, nil
}

// vectorInputs returns the inputs of the vector of that id.
func vectorInputs(id string) []spec.Input {
	v, ok := golden.Lookup(id)
	if !ok {
		return nil
	}
	return spec.InputsOf(v.Request().Arrays)
}
