// Package machine names the processor that a time was measured on.
package machine

import (
	"fmt"
	"regexp"
	"runtime"
	"strings"

	"github.com/klauspost/cpuid/v2"
)

// Name returns a name fit for a file, such as amd-epyc-25-17: the processor's own name, family
// and model, as virtual machines often hide which one they have. Where the processor
// does not tell, it is system and architecture.
func Name() string { return name(cpuid.CPU) }

func name(c cpuid.CPUInfo) string {
	if c.BrandName == "" {
		return runtime.GOOS + "-" + runtime.GOARCH
	}
	s := strings.ToLower(fmt.Sprintf("%s %d %d", c.BrandName, c.Family, c.Model))
	return strings.Trim(other.ReplaceAllString(s, "-"), "-")
}

// other matches what a file's name should not have, and trademarks.
var other = regexp.MustCompile(`(\((r|tm)\)|[^a-z0-9.])+`)
