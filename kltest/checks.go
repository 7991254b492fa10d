package kltest

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"unsafe"

	"klconf/golden"
	"klconf/spec"
)

// A question is one golden vector.
type question[E float] struct {
	id      string
	request spec.Request
	p, q    []E
	answer  string // to aligned copies
}

// checkedLength is the longest vector of the checks here.
const checkedLength = 300

func (f pair[E]) questions() []question[E] {
	var all []question[E]
	for _, v := range golden.Vectors() {
		if v.Op != "kl" || v.DType != dtype[E]() || v.Len() > checkedLength || v.Convention != nil || v.Mask != nil {
			continue
		}
		r := v.Request()
		x := question[E]{id: v.ID, request: r, p: numbers[E](r.Arrays[0]), q: numbers[E](r.Arrays[1])}
		x.answer = f.ask(aligned(x.p), aligned(x.q))
		all = append(all, x)
	}
	return all
}

// ask returns an answer as text; equal bits are equal texts.
func (f pair[E]) ask(p, q []E) string {
	a := f.call(p, q)
	switch x, ok := a.Result(); {
	case !ok && a.Status == spec.Rejected:
		return "a refusal"
	case !ok:
		return "a panic"
	case x.Float(0) != x.Float(0):
		return "NaN"
	default:
		return number(x.DType, x.Bits(0))
	}
}

// checks asks what only Go can see: what happens to memory, and what memory
// does to answers. Each check ends with its first failure.
func (f pair[E]) checks() []spec.Result {
	questions := f.questions()
	var results []spec.Result
	check := func(name, requirement string, why func(question[E]) string) bool {
		x := spec.Result{ID: fmt.Sprintf("go/%s/%s", name, dtype[E]()), Requirements: []string{requirement}, Status: spec.Pass}
		for _, q := range questions {
			if w := why(q); w != "" {
				x.Status, x.Message, x.Inputs = spec.Fail, requirement+": "+w+" (on "+q.id+")", inputs(q.request.Arrays)
				break
			}
		}
		results = append(results, x)
		return x.Status == spec.Pass
	}
	unmodified := check("inputs", "IO-1", f.inputs)
	outside := check("outside", "IO-1", f.outside)
	if !check("again", "IO-7", f.again) {
		return results // answers that do not repeat cannot be compared
	}
	check("around", "IO-2", f.around)
	check("alignment", "IO-2", f.alignment)
	check("same-slice", "IO-3", f.sameSlice)
	check("overlap", "IO-3", f.overlap)
	if unmodified && outside {
		differing := f.concurrent(questions)
		check("concurrent", "IO-2", func(q question[E]) string { return differing[q.id] })
	}
	return results
}

// guardElements lie on either side of a slice that place returns.
const guardElements = 64

// place puts x into larger memory that is full of NaN, so many elements behind
// a multiple of 64 bytes. The slice's capacity reaches into the memory behind.
func place[E float](x []E, offset int) (slice, memory []E) {
	line := 64 / int(unsafe.Sizeof(E(0)))
	memory = make([]E, guardElements+2*line+len(x)+guardElements)
	for i := range memory {
		memory[i] = E(math.NaN())
	}
	start := guardElements
	for uintptr(unsafe.Pointer(&memory[start]))%64 != 0 {
		start++
	}
	slice = memory[start+offset:][:len(x)]
	copy(slice, x)
	return slice, memory
}

// aligned returns a copy of x at a multiple of 64 bytes, without memory behind
// it. All slices are such copies where nothing else is said, so that no answer
// depends on where memory happens to be.
func aligned[E float](x []E) []E {
	s, _ := place(x, 0)
	return slices.Clip(s)
}

func (f pair[E]) inputs(x question[E]) string {
	p, q := aligned(x.p), aligned(x.q)
	f.ask(p, q)
	for _, s := range []struct {
		name      string
		was, have []E
	}{{"p", x.p, p}, {"q", x.q, q}} {
		if i := changed(s.was, s.have); i >= 0 {
			return fmt.Sprintf("the call changed %s[%d] from %s to %s", s.name, i, number(dtype[E](), bits(s.was[i])), number(dtype[E](), bits(s.have[i])))
		}
	}
	return ""
}

func (f pair[E]) outside(x question[E]) string {
	p, memoryP := place(x.p, 0)
	q, memoryQ := place(x.q, 0)
	wasP, wasQ := slices.Clone(memoryP), slices.Clone(memoryQ)
	f.ask(p, q)
	copy(p, x.p) // the inputs themselves are another check's
	copy(q, x.q)
	switch {
	case changed(wasP, memoryP) >= 0:
		return "the call wrote to memory outside p"
	case changed(wasQ, memoryQ) >= 0:
		return "the call wrote to memory outside q"
	}
	return ""
}

// rowsCheck asks batches and looks at the rows and at the lists of them
// afterwards.
func rowsCheck(f func(p, q [][]float64) []float64) spec.Result {
	x := spec.Result{ID: "go/rows/f64", Requirements: []string{"IO-1"}, Status: spec.Pass}
	for _, v := range golden.Vectors() {
		if v.Op != "kl_rows" || v.DType != spec.F64 || v.Options.Reduction != "" || v.Len() > checkedLength || v.Convention != nil || v.Mask != nil {
			continue
		}
		arrays := v.Request().Arrays
		var batch, list [2][][]float64
		for i, a := range arrays {
			batch[i] = matrix(a)
			list[i] = slices.Clone(batch[i])
		}
		guarded(v.QShape != nil, func() (spec.Array, error) { return spec.Float64s("kl", f(batch[0], batch[1])), nil })
		for i, a := range arrays {
			same := slices.EqualFunc(batch[i], list[i], func(r, s []float64) bool {
				return len(r) == len(s) && unsafe.SliceData(r) == unsafe.SliceData(s)
			})
			if !same || changed(numbers[float64](a), slices.Concat(list[i]...)) >= 0 {
				x.Status, x.Inputs = spec.Fail, inputs(arrays)
				x.Message = fmt.Sprintf("IO-1: the call changed the rows of %s (on %s)", a.Name, v.ID)
				return x
			}
		}
	}
	return x
}

// changed returns the first index where the bits differ, or -1.
func changed[E float](x, y []E) int {
	for i := range x {
		if bits(x[i]) != bits(y[i]) {
			return i
		}
	}
	return -1
}

// again asks the same question twice with another between them that uses the
// same memory.
func (f pair[E]) again(x question[E]) string {
	p, q := aligned(x.p), aligned(x.q)
	first := f.ask(p, q)
	counted := make([]E, max(len(p), len(q)))
	for i := range counted {
		counted[i] = E(i%3 + 1)
	}
	copy(p, counted)
	copy(q, counted)
	// What the call does to its slices is another check's.
	other, fresh := f.ask(p, q), f.ask(aligned(counted[:len(p)]), aligned(counted[:len(q)]))
	copy(p, x.p)
	copy(q, x.q)
	second := f.ask(p, q)
	switch {
	case first != x.answer || second != x.answer:
		return fmt.Sprintf("the same question was answered %s, then %s, then %s", x.answer, first, second)
	case other != fresh:
		return fmt.Sprintf("slices whose contents had changed since the last call were answered %s, and new slices with those contents %s", other, fresh)
	}
	return ""
}

func (f pair[E]) around(x question[E]) string {
	p, _ := place(x.p, 0)
	q, _ := place(x.q, 0)
	if got := f.ask(p, q); got != x.answer {
		return fmt.Sprintf("memory outside the slices was read: with NaN around them the answer is %s, else %s", got, x.answer)
	}
	return ""
}

// alignment moves the slices element by element over 64 bytes: the one, the
// other, and both.
func (f pair[E]) alignment(x question[E]) string {
	if len(x.p) > 70 || !slices.Contains(lengths, len(x.p)) {
		return ""
	}
	for i := range 64 / int(unsafe.Sizeof(E(0))) {
		for _, at := range [][2]int{{i, 0}, {0, i}, {i, i}} {
			p, _ := place(x.p, at[0])
			q, _ := place(x.q, at[1])
			p, q = slices.Clip(p), slices.Clip(q)
			if got := f.ask(p, q); got != x.answer {
				return fmt.Sprintf("with p and q %d and %d elements behind a multiple of 64 bytes the answer is %s, else %s", at[0], at[1], got, x.answer)
			}
		}
	}
	return ""
}

// lengths are those that loops over 2, 4, 8, 16 or 32 elements end at.
var lengths = []int{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 70}

func (f pair[E]) sameSlice(x question[E]) string {
	for _, s := range [][]E{x.p, x.q} {
		want := f.ask(aligned(s), aligned(s))
		s := aligned(s)
		if got := f.ask(s, s); got != want {
			return fmt.Sprintf("with the first slice as both arguments the answer is %s, with two equal slices %s", got, want)
		}
	}
	return ""
}

func (f pair[E]) overlap(x question[E]) string {
	for _, s := range [][]E{x.p, x.q} {
		if len(s) < 2 {
			continue
		}
		s := aligned(s)
		p, q := slices.Clip(s[:len(s)-1]), s[1:]
		copied, _ := place(q, 1) // aligned as q is
		want := f.ask(aligned(p), slices.Clip(copied))
		if got := f.ask(p, q); got != want {
			return fmt.Sprintf("on slices that overlap (s[:n-1] and s[1:]) the answer is %s, on copies of them %s", got, want)
		}
	}
	return ""
}

// concurrent asks everything from several goroutines on shared slices, each in
// an order of its own, and returns what differed by question.
func (f pair[E]) concurrent(questions []question[E]) map[string]string {
	const goroutines = 4
	var mu sync.Mutex
	var all sync.WaitGroup
	differing := map[string]string{}
	for g := range goroutines {
		all.Go(func() {
			for i := range questions {
				x := questions[(i+g*len(questions)/goroutines)%len(questions)]
				if got := f.ask(x.p, x.q); got != x.answer {
					mu.Lock()
					differing[x.id] = fmt.Sprintf("while other goroutines called too the answer was %s, else %s", got, x.answer)
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return differing
}

func inputs(arrays []spec.Array) []spec.Input {
	var in []spec.Input
	for _, a := range arrays {
		x := spec.Input{Name: a.Name, DType: a.DType, Shape: a.Shape}
		for i := range a.Len() {
			x.Hex = append(x.Hex, spec.HexBits(a.DType, a.Bits(i)))
			x.Decimal = append(x.Decimal, spec.Decimal(a.Float(i)))
		}
		in = append(in, x)
	}
	return in
}
