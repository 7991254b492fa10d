package impl

import (
	"fmt"
	"math"
	"runtime"
	"testing"
)

func TestRows(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b *Backend) {
		r := newRand(21)
		for _, shape := range [][2]int{{0, 0}, {1, 0}, {3, 0}, {1, 1}, {5, 3}, {7, 300}, {100, 257}} {
			m, n := shape[0], shape[1]
			if b == &exactBackend && m*n > 1000 {
				continue
			}
			p, q := families[0].draw(r, m*n)
			want, got := make([]float64, m), make([]float64, m)
			p32, q32 := narrow(p), narrow(q)
			want32, got32 := make([]float32, m), make([]float32, m)
			for i := range m {
				want[i] = b.KL(p[i*n:][:n], q[i*n:][:n])
				want32[i] = b.KL32(p32[i*n:][:n], q32[i*n:][:n])
			}
			for _, procs := range []int{1, 2, 5} {
				old := runtime.GOMAXPROCS(procs)
				clear(got)
				clear(got32)
				b.KLRows(got, p, q)
				b.KLRows32(got32, p32, q32)
				runtime.GOMAXPROCS(old)
				for i := range m {
					if math.Float64bits(got[i]) != math.Float64bits(want[i]) || math.Float32bits(got32[i]) != math.Float32bits(want32[i]) {
						t.Errorf("%v, %d processors: row %d is %x and %x, want %x and %x", shape, procs, i, got[i], got32[i], want[i], want32[i])
					}
				}
			}
		}
	})
}

func TestRowsPanic(t *testing.T) {
	for _, c := range []struct{ dst, p, q int }{{2, 5, 5}, {0, 1, 1}, {2, 4, 6}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v: no panic", c)
				}
			}()
			KLRows(make([]float64, c.dst), make([]float64, c.p), make([]float64, c.q))
		}()
	}
}

// TestRowsAllocate compares few rows with many: nothing is allocated for a row.
func TestRowsAllocate(t *testing.T) {
	p, q := families[0].draw(newRand(22), 40000)
	count := func(m int) float64 {
		dst := make([]float64, m)
		return testing.AllocsPerRun(10, func() { KLRows(dst, p, q) })
	}
	if few, many := count(4), count(400); many > few+2 {
		t.Errorf("%v allocations for 4 rows, %v for 400", few, many)
	}
}

func ExampleKLRows() {
	p := []float64{0.5, 0.5, 0.25, 0.75}
	q := []float64{0.5, 0.5, 0.5, 0.5}
	dst := make([]float64, 2)
	KLRows(dst, p, q)
	fmt.Println(dst)
	// Output: [0 0.13081203594113697]
}
