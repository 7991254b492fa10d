//go:build race

package foreign

import (
	"testing"

	"klconf/kltest"
)

var scratch []float64

// shared copies into memory that all calls share, and answers right.
func shared(p, q []float64) (float64, error) {
	scratch = append(scratch[:0], p...)
	return KL(p, q)
}

func TestShared(t *testing.T) { kltest.Run(t, kltest.FuncErr(shared)) }
