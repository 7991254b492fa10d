package bench

import "fmt"

// A Case is what a benchmark is of, but for the function.
type Case struct {
	Backend string
	DType   string // f64 or f32
	Data    string // the family's name
	N       int
}

// String returns the keys of the benchmark's name, such as
// backend=avx512/dtype=f64/data=softmax/n=128256.
func (c Case) String() string {
	return fmt.Sprintf("backend=%s/dtype=%s/data=%s/n=%d", c.Backend, c.DType, c.Data, c.N)
}
