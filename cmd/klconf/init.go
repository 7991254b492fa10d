package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"klconf/adapters"
)

func initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init LANG [DIR]",
		Short: "Write an adapter in one file, with one function to replace, and a step for CI",
		Long: fmt.Sprintf(`Init writes an adapter that needs nothing but the language, into DIR (klconf by default): put
your call in the place of its one function and run it. Nothing is overwritten. Languages: %s.`, strings.Join(adapters.Templates(), ", ")),
		Example: "  klconf init python && cd klconf && klconf run -- python3 adapter.py",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return fmt.Errorf("init takes a language and perhaps a folder: klconf init %s [DIR]", strings.Join(adapters.Templates(), "|"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "klconf"
			if len(args) == 2 {
				dir = args[1]
			}
			folder := filepath.ToSlash(filepath.Clean(dir))
			if filepath.IsAbs(dir) {
				folder = filepath.Base(dir)
			}
			files, err := adapters.Template(args[0], folder, version)
			if err != nil {
				return fmt.Errorf("init: %w", err)
			}
			for _, f := range files {
				if _, err := os.Lstat(filepath.Join(dir, f.Name)); !errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("init: %s is there already and is not overwritten; name another folder: klconf init %s DIR", filepath.Join(dir, f.Name), args[0])
				}
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("init: %w", err)
			}
			for _, f := range files {
				mode := fs.FileMode(0o644)
				if f.Run {
					mode = 0o755
				}
				if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, mode); err != nil {
					return fmt.Errorf("init: %w", err)
				}
				fmt.Fprintln(cmd.OutOrStdout(), filepath.Join(dir, f.Name))
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveFilterDirs
			}
			return adapters.Templates(), cobra.ShellCompDirectiveNoFileComp
		},
	}
}
