package property

import (
	"testing"
	"time"

	"klconf/spec"
)

var formatsDrawn = []spec.DType{spec.F64, spec.F32, spec.F16, spec.BF16}

// The laws are theorems: the oracle obeys them without tolerance.
func TestOracleObeysEveryLaw(t *testing.T) {
	for _, d := range formatsDrawn {
		for seed := range uint64(2) {
			start := time.Now()
			for _, l := range Laws() {
				o := Run(t.Context(), l, Subject{oracle(spec.Definition()), spec.Definition(), spec.L5, d, offersAll}, Options{seed, 100})
				if o.Status != spec.Pass {
					t.Errorf("%s in %s, seed %d: %s: %s", l.ID, d, seed, o.Status, o.Message)
				}
			}
			t.Logf("%s, seed %d: %v", d, seed, time.Since(start))
		}
	}
}

// A plain loop in float64 obeys them within L1.
func TestPlainLoopObeysEveryLaw(t *testing.T) {
	for _, d := range formatsDrawn {
		for seed := range uint64(2) {
			for _, l := range Laws() {
				o := Run(t.Context(), l, Subject{loop(naive), spec.Definition(), spec.L1, d, offersAll}, Options{seed, 100})
				if o.Status != spec.Pass && o.Status != spec.Note {
					t.Errorf("%s in %s, seed %d: %s: %s", l.ID, d, seed, o.Status, o.Message)
				}
			}
		}
	}
}
