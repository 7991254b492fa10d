package main

import (
	_ "embed"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/cpu"

	"klconf/golden"
	"klconf/impl"
	"klconf/spec"
)

// thirdParty names every module in the binary with its licence, and holds the
// licences in full. TestThirdParty writes it.
//
//go:embed THIRD_PARTY.txt
var thirdParty string

func versionCommand() *cobra.Command {
	var licences bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print versions, the processor and the backend chosen",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := cmd.OutOrStdout()
			if licences {
				_, err := io.WriteString(w, thirdParty)
				return err
			}
			for _, row := range [][2]string{
				{"klconf", version},
				{"requirements", spec.Version},
				{"vectors", golden.Version},
				{"protocol", "KLAP/1"},
				{"result file", spec.ResultSchema},
				{"processor", strings.Join(append([]string{runtime.GOOS + "/" + runtime.GOARCH}, features()...), " ")},
				{"backend", fmt.Sprintf("%s of %s", impl.Current(), strings.Join(impl.Backends(), ", "))},
				{"go", runtime.Version()},
			} {
				if _, err := fmt.Fprintf(w, "%-13s %s\n", row[0], row[1]); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&licences, "licenses", false, "print the modules in this binary and their licences")
	return cmd
}

// features names the extensions of the processor that kernels care about.
func features() []string {
	var have []string
	for _, f := range []struct {
		name string
		here bool
	}{
		{"fma", cpu.X86.HasFMA}, {"avx2", cpu.X86.HasAVX2}, {"avx512f", cpu.X86.HasAVX512F}, {"avx512dq", cpu.X86.HasAVX512DQ},
		{"asimd", cpu.ARM64.HasASIMD}, {"sve", cpu.ARM64.HasSVE}, {"sve2", cpu.ARM64.HasSVE2},
	} {
		if f.here {
			have = append(have, f.name)
		}
	}
	return have
}
