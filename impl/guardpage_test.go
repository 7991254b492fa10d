//go:build linux

package impl

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"
)

// fenced returns a writable slice of whole pages, at least n bytes, between two pages on
// which every access faults.
func fenced[F float32 | float64](t *testing.T, n int) []F {
	t.Helper()
	page := os.Getpagesize()
	size := (n + page - 1) / page * page
	memory, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(memory); err != nil {
			t.Error(err)
		}
	})
	for _, fence := range [][]byte{memory[:page], memory[page+size:]} {
		if err := syscall.Mprotect(fence, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return unsafe.Slice((*F)(unsafe.Pointer(&memory[page])), size/int(unsafe.Sizeof(F(0))))
}

// faults runs f and returns the fault that it ran into, if any.
func faults(f func()) (fault error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			fault = fmt.Errorf("%v", r)
		}
	}()
	f()
	return nil
}

// values evaluates what reads p and q alone.
func values(b *Backend, p, q []float64, p32, q32 []float32) [6]uint64 {
	bits, bits32 := math.Float64bits, func(x float32) uint64 { return uint64(math.Float32bits(x)) }
	return [6]uint64{
		bits(b.KL(p, q)), bits(b.Entropy(p)), bits(b.CrossEntropy(p, q)),
		bits32(b.KL32(p32, q32)), bits32(b.Entropy32(p32)), bits32(b.CrossEntropy32(p32, q32)),
	}
}

// TestGuardPages evaluates vectors of every length over two blocks that begin after, or end
// before, a page on which a read faults, or up to 7 elements from there with NaN between.
func TestGuardPages(t *testing.T) {
	const most = 2*vectorBlock + 70
	p, q := families[0].draw(newRand(16), most)
	p32, q32 := narrow(p), narrow(q)
	fp, fq := fenced[float64](t, 8*(most+8)), fenced[float64](t, 8*(most+8))
	fp32, fq32 := fenced[float32](t, 4*(most+8)), fenced[float32](t, 4*(most+8))
	var want [most + 1][6]uint64
	for n := range want {
		want[n] = values(&goBackend, p[:n], q[:n], p32[:n], q32[:n])
	}
	forEachBackend(t, func(t *testing.T, b *Backend) {
		lengths := most
		if b == &exactBackend {
			lengths = 12 // it is slow, and Go checks its indices
		}
		for n := 0; n <= lengths; n++ {
			for offset := range 8 {
				for _, atEnd := range []bool{false, true} {
					x, y := lay(fp, p[:n], offset, atEnd), lay(fq, q[:n], 3*offset%8, atEnd)
					x32, y32 := lay(fp32, p32[:n], offset, atEnd), lay(fq32, q32[:n], 3*offset%8, atEnd)
					var got [6]uint64
					if err := faults(func() { got = values(b, x, y, x32, y32) }); err != nil {
						t.Fatalf("%d elements, %d from a page (its end: %v): %v", n, offset, !atEnd, err)
					}
					if got != want[n] {
						t.Fatalf("%d elements, %d from a page (its end: %v): %x, want %x", n, offset, !atEnd, got, want[n])
					}
				}
			}
		}

		// One element more and the test would see it.
		for _, n := range []int{1, 9, 100, most} {
			x, y := lay(fp, p[:n], 0, true), lay(fq, q[:n], 0, true)
			x, y = unsafe.Slice(&x[0], n+1), unsafe.Slice(&y[0], n+1)
			if faults(func() { b.KL(x, y) }) == nil || faults(func() { b.Entropy(x) }) == nil {
				t.Errorf("element %d is beyond the page, and nothing happened", n)
			}
		}
	})
}

// TestLogitsGuardPages is TestGuardPages of the logits, whose approximation is compared with
// itself.
func TestLogitsGuardPages(t *testing.T) {
	const most = 2*logitsBlock + 70
	p, q := perturbed(2, 0.5)(newRand(31), most)
	fp, fq := fenced[float32](t, 4*(most+8)), fenced[float32](t, 4*(most+8))
	var want [most + 1]float64
	for n := range want {
		want[n] = goBackend.KLLogits32(p[:n], q[:n])
	}
	for _, b := range backends[2:] {
		t.Run(b.Name, func(t *testing.T) {
			for n := 0; n <= most; n++ {
				wantApprox := b.KLLogitsApprox32(p[:n:n], q[:n:n])
				for offset := range 8 {
					for _, atEnd := range []bool{false, true} {
						x, y := lay(fp, p[:n], offset, atEnd), lay(fq, q[:n], 3*offset%8, atEnd)
						var got, gotApprox float64
						if err := faults(func() { got, gotApprox = b.KLLogits32(x, y), b.KLLogitsApprox32(x, y) }); err != nil {
							t.Fatalf("%d elements, %d from a page (its end: %v): %v", n, offset, !atEnd, err)
						}
						if n > 0 && (got != want[n] || gotApprox != wantApprox) {
							t.Fatalf("%d elements, %d from a page (its end: %v): %x and about %x, want %x and %x", n, offset, !atEnd, got, gotApprox, want[n], wantApprox)
						}
					}
				}
			}

			// One element more and the test would see it.
			for _, n := range []int{17, 100, most} {
				x, y := lay(fp, p[:n], 0, true), lay(fq, q[:n], 0, true)
				x, y = unsafe.Slice(&x[0], n+1), unsafe.Slice(&y[0], n+1)
				if faults(func() { b.KLLogits32(x, y) }) == nil || faults(func() { b.KLLogitsApprox32(x, y) }) == nil {
					t.Errorf("element %d is beyond the page, and nothing happened", n)
				}
			}
		})
	}
}

// lay copies x into room, offset elements from its begin or end, with NaN next to it.
func lay[F float32 | float64](room, x []F, offset int, atEnd bool) []F {
	at := offset
	if atEnd {
		at = len(room) - offset - len(x)
	}
	nan := F(math.NaN())
	for i := max(0, at-8); i < min(len(room), at+len(x)+8); i++ {
		room[i] = nan
	}
	copy(room[at:], x)
	return room[at:][:len(x):len(x)]
}
