//go:build !amd64 || purego

package impl

func vectorBackends() []*Backend { return nil }

func vectorSum(isa, kind, Tier, []float64, []float64, float64, *vectorSums) int {
	panic("impl: no vector kernel")
}

func vectorSum32(isa, kind, Tier, []float32, []float32, float64, *vectorSums) int {
	panic("impl: no vector kernel")
}

func vectorApprox([]float64, []float64, *vectorSums) int { panic("impl: no vector kernel") }

func logitsVector(isa, logitsKernel, []float32, []float32, *logitsPoint, *logitsSums) int {
	panic("impl: no vector kernel")
}

func surveyLogitsVector(isa, []float32, []float32, *logitsExtremes) bool {
	panic("impl: no vector kernel")
}

func approxLogitsVector(isa, []float32, []float32, int, *[3][8]float64) {
	panic("impl: no vector kernel")
}
