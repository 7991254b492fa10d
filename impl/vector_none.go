//go:build !amd64 || purego

package impl

func vectorBackends() []*Backend { return nil }

func vectorSum(isa, kind, Tier, []float64, []float64, float64, *vectorSums) int {
	panic("impl: no vector kernel")
}

func vectorSum32(isa, kind, Tier, []float32, []float32, float64, *vectorSums) int {
	panic("impl: no vector kernel")
}

func vectorApprox(isa, []float64, []float64, *vectorSums) int { panic("impl: no vector kernel") }
