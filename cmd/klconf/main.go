// Klconf tells whether an implementation of the Kullback-Leibler divergence
// is right, and how right.
//
//	klconf run [NAME…] [-- CMD ARG…]   grade implementations
//	klconf kl P Q                      one exact number from two files, or from each row of logits
//	klconf doctor -- CMD ARG…          is an adapter right, before any mathematics?
//	klconf list [WHAT]                 what there is
//	klconf explain ID|NAME             a requirement, or an implementation
//	klconf report RESULT.json…         a site, a page, Markdown or JUnit XML from result files
//	klconf diff A B                    what changed between result files
//	klconf bench [NAME…] [-- CMD ARG…] time implementations side by side
//	klconf gate OLD NEW                is a benchmark slower than it was?
//	klconf init LANG [DIR]             write an adapter in one file
//	klconf setup NAME…                 make adapters ready to start
//	klconf serve                       the reference as an adapter
//	klconf version                     versions, processor, licences
//
// The exit codes are those of the type status.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"klconf/conform"
	"klconf/impl"
)

// version is the version of the suite.
const version = "0.1.0"

func main() {
	conform.AdoptOrphans()
	s := execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	conform.EndOrphans()
	os.Exit(int(s))
}

// execute runs one command line and returns how it ended. Whatever went
// wrong has then been said in one sentence on stderr.
func execute(args []string, in io.Reader, out, errs io.Writer) status {
	if err := impl.EnvironmentError(); err != nil {
		fmt.Fprintf(errs, "klconf: %v\n", err)
		return misused
	}
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.Execute()
	if err == nil {
		return conforming
	}
	var e ended
	if errors.As(err, &e) && e.error == nil {
		return e.status
	}
	fmt.Fprintf(errs, "klconf: %v\n", err)
	if e.error != nil {
		return e.status
	}
	return misused
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "klconf",
		Short:         "Tell whether an implementation of the Kullback-Leibler divergence is right",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
	}
	root.AddCommand(runCommand(), klCommand(), doctorCommand(), initCommand(), listCommand(), explainCommand(), reportCommand(), mergeCommand(), exportCommand(), huntCommand(), diffCommand(), benchCommand(), gateCommand(), setupCommand(), serveCommand(), versionCommand())
	unknownCommand := func(name string) error {
		var names []string
		for _, c := range root.Commands() {
			names = append(names, c.Name())
		}
		return unknown("command", name, names)
	}
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(args[0])
		}
		return cmd.Help()
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		var missing *pflag.NotExistError
		switch {
		case cmd == root && cmd.Flags().NArg() > 0:
			return unknownCommand(cmd.Flags().Arg(0))
		case errors.As(err, &missing):
			var names []string
			cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
			err = unknown("flag", "--"+missing.GetSpecifiedName(), names)
		}
		if cmd == root {
			return err
		}
		return fmt.Errorf("%s: %w", cmd.Name(), err)
	})
	return root
}

// interruptible returns a context that ends at the first interrupt; the
// second one kills as usual.
func interruptible(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(cmd.Context(), interrupts...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
