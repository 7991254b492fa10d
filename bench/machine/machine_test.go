package machine

import (
	"runtime"
	"testing"

	"github.com/klauspost/cpuid/v2"
)

func TestName(t *testing.T) {
	for _, c := range []struct {
		cpu  cpuid.CPUInfo
		want string
	}{
		{cpuid.CPUInfo{BrandName: "AMD EPYC", Family: 25, Model: 17}, "amd-epyc-25-17"},
		{cpuid.CPUInfo{BrandName: "Intel(R) Xeon(R) Processor @ 2.60GHz", Family: 6, Model: 207}, "intel-xeon-processor-2.60ghz-6-207"},
		{cpuid.CPUInfo{}, runtime.GOOS + "-" + runtime.GOARCH},
	} {
		if got := name(c.cpu); got != c.want {
			t.Errorf("%q: %s, want %s", c.cpu.BrandName, got, c.want)
		}
	}
}
