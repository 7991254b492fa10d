package foreign

import (
	"testing"

	"klconf/kltest"
)

func TestKL(t *testing.T) { kltest.Run(t, kltest.FuncErr(KL)) }
