package impl

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// KLRows sets dst[i] to the Kullback-Leibler divergence [KL] of the i-th rows of p and q,
// which have the shape [len(dst), n], row after row. Rows are shared out among
// GOMAXPROCS goroutines; as each is rounded correctly, the result does not depend on that.
// A call allocates a little for the goroutines, nothing for a row.
//
// KLRows panics if p and q differ in length or are not len(dst) rows of one length, and
// if dst is empty and they are not. dst must not overlap p or q.
func KLRows(dst, p, q []float64) { current.Load().KLRows(dst, p, q) }

// KLRows32 is [KLRows] of float32 weights, each row rounded once, to float32.
func KLRows32(dst, p, q []float32) { current.Load().KLRows32(dst, p, q) }

// KLLogitsRows32 sets dst[i] to the divergence [KLLogits32] of the i-th rows of the logits a
// and b, as [KLRows] does, each row rounded once, to float64. It panics as KLRows does.
func KLLogitsRows32(dst []float64, a, b []float32) { current.Load().KLLogitsRows32(dst, a, b) }

// KLRows is [KLRows] by this backend.
func (b *Backend) KLRows(dst, p, q []float64) { rows("KLRows", dst, p, q, b.KL) }

// KLRows32 is [KLRows32] by this backend.
func (b *Backend) KLRows32(dst, p, q []float32) { rows("KLRows32", dst, p, q, b.KL32) }

// KLLogitsRows32 is [KLLogitsRows32] by this backend.
func (b *Backend) KLLogitsRows32(dst []float64, x, y []float32) {
	rows("KLLogitsRows32", dst, x, y, b.KLLogits32)
}

// rowsAlone is the number of elements below which goroutines cost more than they save.
const rowsAlone = 1 << 14

func rows[R, F float32 | float64](name string, dst []R, p, q []F, kl func(p, q []F) R) {
	sameLength(name, len(p), len(q))
	if len(dst) == 0 && len(p) != 0 || len(dst) != 0 && len(p)%len(dst) != 0 {
		panic(fmt.Sprintf("impl: %s of %d elements into %d rows", name, len(p), len(dst)))
	}
	if len(dst) == 0 {
		return
	}
	n := len(p) / len(dst)
	var next atomic.Int64
	// A goroutine takes one row at a time: some may need the oracle.
	work := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(dst) {
				return
			}
			dst[i] = kl(p[i*n:][:n], q[i*n:][:n])
		}
	}
	workers := min(runtime.GOMAXPROCS(0), len(dst))
	if len(p) < rowsAlone {
		workers = 1
	}
	var wg sync.WaitGroup
	for range workers - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}
