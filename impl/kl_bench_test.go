package impl

import "testing"

var (
	sink   float64
	sink32 float32
)

// BenchmarkTiers times each tier alone. The functions of each backend are timed in
// klconf/bench.
func BenchmarkTiers(b *testing.B) {
	const n = 128256
	p, q := families[0].draw(newRand(n), n)
	for _, tier := range []struct {
		name string
		f    func(p, q []float64, s *sums) int
	}{{"1", tier1}, {"2", tier2}} {
		b.Run(tier.name, func(b *testing.B) {
			for b.Loop() {
				var s sums
				tier.f(p, q, &s)
				sink += s.h
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/el")
		})
	}
}
