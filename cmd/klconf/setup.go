package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"klconf/adapters"
)

func setupCommand() *cobra.Command {
	var folder string
	var o adapters.Options
	cmd := &cobra.Command{
		Use:   "setup NAME…",
		Short: "Make adapters ready to start; may fetch what their manifests name",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("setup takes the names of adapters; klconf list adapters shows them")
			}
			s, err := newShelf(folder)
			if err != nil {
				return err
			}
			var chosen []subject
			if chosen, err = s.choose(args, nil); err != nil {
				return err
			}
			ctx, stop := interruptible(cmd)
			defer stop()
			done := map[string]bool{}
			failed := conforming
			for _, x := range chosen {
				name := x.tool()
				if done[name] {
					continue
				}
				done[name] = true
				if x.impl != nil {
					fmt.Fprintf(cmd.OutOrStdout(), "%s runs in process and needs no setup\n", x.id)
					continue
				}
				if err := adapters.Setup(ctx, x.manifest, cmd.ErrOrStderr(), o); err != nil {
					fmt.Fprintf(cmd.ErrOrStderr(), "klconf: %v\n", err)
					failed = unstarted
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s is ready\n", name)
			}
			return failed.as()
		},
		ValidArgsFunction: completeNames,
	}
	f := cmd.Flags()
	f.StringVar(&folder, "adapters", "", "folder `DIR` of adapters in place of the embedded ones")
	f.StringVar(&o.Python, "python", "", "interpreter `PATH` that has the modules of a Python adapter")
	f.BoolVar(&o.Offline, "offline", false, "fetch nothing")
	f.BoolVar(&o.Again, "again", false, "repeat a setup that was done before")
	return cmd
}

// completeNames completes the names of implementations in a shell.
func completeNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	s, err := newShelf("")
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return s.names(), cobra.ShellCompDirectiveNoFileComp
}
