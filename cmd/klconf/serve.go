package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"klconf/impl"
	"klconf/spec/klap"
)

func serveCommand() *cobra.Command {
	var backend string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Be the reference as an adapter, on standard input and output",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			name := "reference"
			if backend != "" {
				if _, err := impl.Lookup(backend); err != nil {
					return unknown("backend", backend, impl.Backends())
				}
				name += "/" + backend
			}
			reference, err := newReference(name)
			if err != nil {
				return err
			}
			if err := klap.Serve(cmd.InOrStdin(), cmd.OutOrStdout(), reference); err != nil {
				return ended{unstarted, fmt.Errorf("serve: %w", err)}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&backend, "backend", "", "`NAME` of a backend of the reference (klconf list backends)")
	return cmd
}

// noArgs refuses arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no argument; got %q", cmd.Name(), args[0])
	}
	return nil
}
