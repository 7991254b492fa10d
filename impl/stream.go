package impl

import (
	"io"
	"runtime"
	"unsafe"
)

// StreamRows computes on all cores while its caller reads: read sets a and b to the next
// pair of rows of n elements each and returns [io.EOF] after the last; row, called by
// GOMAXPROCS goroutines, computes something of pair i, counted from 0; and deliver gets the
// results in the order of the rows. read and deliver are called by the goroutine of the
// caller, one at a time. a and b are valid during the call that they are passed to.
//
// StreamRows returns nil after io.EOF, and otherwise the error of read, after the results of
// all pairs before it have been delivered. The rows that wait take at most 24 MiB, or the
// memory of one pair if that is more.
//
// The summary of all rows of two files of logits is
//
//	var s impl.LogitsSummary
//	err := impl.StreamRows(n, read, impl.CompareLogits32, s.Add)
func StreamRows[F float32 | float64, R any](n int, read func(a, b []F) error, row func(i int, a, b []F) R, deliver func(R)) error {
	workers := runtime.GOMAXPROCS(0)
	inBlock := max(1, streamBlock/max(n, 1))
	size := 2 * n * inBlock * int(unsafe.Sizeof(F(0)))
	blocks := max(1, min(2*workers, streamMemory/max(size, 1)))

	// The blocks go round in a ring. One is read into while the others wait for a worker, are
	// worked on, or are done and wait for their turn to be delivered.
	ring := make([]*rowBlock[F, R], blocks)
	work := make(chan *rowBlock[F, R], blocks)
	for range workers {
		go func() {
			for b := range work {
				for k := range b.rows {
					b.out[k] = row(b.first+k, b.a[k*n:][:n:n], b.b[k*n:][:n:n])
				}
				b.done <- struct{}{}
			}
		}()
	}
	defer close(work)
	collect := func(b *rowBlock[F, R]) {
		if b == nil || b.rows == 0 {
			return
		}
		<-b.done
		for _, r := range b.out[:b.rows] {
			deliver(r)
		}
		b.rows = 0
	}

	var err error
	turn, first := 0, 0
	for ; err == nil; turn++ {
		b := ring[turn%blocks]
		if b == nil {
			b = &rowBlock[F, R]{a: make([]F, n*inBlock), b: make([]F, n*inBlock), out: make([]R, inBlock), done: make(chan struct{}, 1)}
			ring[turn%blocks] = b
		}
		collect(b)
		b.first = first
		for b.rows < inBlock {
			if err = read(b.a[b.rows*n:][:n:n], b.b[b.rows*n:][:n:n]); err != nil {
				break
			}
			b.rows++
		}
		first += b.rows
		if b.rows > 0 {
			work <- b
		}
	}
	for k := range blocks {
		collect(ring[(turn+k)%blocks])
	}
	if err == io.EOF {
		return nil
	}
	return err
}

const (
	streamBlock  = 1 << 14  // elements of a row that a worker is given at once, or more rows
	streamMemory = 24 << 20 // bytes of all blocks
)

// A rowBlock is some pairs of rows, and what came of them once done has been told.
type rowBlock[F, R any] struct {
	first, rows int
	a, b        []F
	out         []R
	done        chan struct{}
}
