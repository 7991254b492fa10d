package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"klconf/conform"
	"klconf/reports"
	"klconf/spec"
)

func mergeCommand() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "merge RESULT.json…",
		Short: "Make one result of the results of shards",
		Long: `Merge reads what klconf run --shard I/N --json wrote, in any order and of any number of
implementations, and makes the results of whole runs: those of one run without shards,
byte for byte but for the seconds, which are added. Without a flag it prints the table.

Exit codes: those of klconf run for what was merged; 2 if a shard is missing or there
twice, or if shards are of different suites, seeds, implementations or selections.`,
		Example: `  klconf run --shard 1/2 --json one.json -- ./my-adapter
  klconf run --shard 2/2 --json two.json -- ./my-adapter
  klconf merge one.json two.json --json whole.json --junit klconf.xml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("merge takes the result files of shards, or folders of them")
			}
			var ids []string
			shards := map[string][]spec.Report{}
			for _, name := range args {
				files, err := resultFiles(name)
				if err != nil {
					return err
				}
				for _, f := range files {
					data, err := os.ReadFile(f)
					if err != nil {
						return fileError(err)
					}
					r, err := spec.ReadReport(data)
					if err != nil {
						return fmt.Errorf("%s: %w", f, err)
					}
					id := r.Implementation.ID
					if !slices.Contains(ids, id) {
						ids = append(ids, id)
					}
					shards[id] = append(shards[id], r)
				}
			}
			var merged []spec.Report
			var statuses []status
			for _, id := range ids {
				r, err := conform.Merge(shards[id])
				if err != nil {
					return fmt.Errorf("%s: %w", id, err)
				}
				merged = append(merged, r)
				statuses = append(statuses, statusOf(r.Verdict))
			}
			if err := o.check(len(merged)); !o.empty() && err != nil {
				return err
			}
			table := cmd.OutOrStdout()
			if o.usesStdout() {
				table = cmd.ErrOrStderr()
			}
			for _, err := range o.write(cmd.OutOrStdout(), merged) {
				fmt.Fprintf(cmd.ErrOrStderr(), "klconf: %v\n", err)
				statuses = append(statuses, misused)
			}
			if err := reports.Terminal(table, merged, reports.Options{Width: width(table), Color: colored(table)}); err != nil {
				return fmt.Errorf("cannot write the table: %w", err)
			}
			return gravest(statuses).as()
		},
	}
	o.flags(cmd.Flags())
	return cmd
}
