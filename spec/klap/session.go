package klap

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"time"

	"klconf/spec"
)

// A Session is an implementation with the protocol's verbs: it stores
// buffers, echoes them and times questions, and hands every question about a
// quantity to the implementation it wraps. It may be used by several
// goroutines if that implementation may.
//
// It does not catch panics; [Serve] does.
type Session struct {
	impl spec.Implementation

	mu     sync.Mutex
	stored map[string]spec.Array
}

// NewSession returns a session of impl with nothing stored.
func NewSession(impl spec.Implementation) *Session {
	return &Session{impl: impl, stored: map[string]spec.Array{}}
}

// Describe returns the implementation's description. Its ops are quantities:
// the verbs are not listed.
func (s *Session) Describe() spec.Description { return s.impl.Describe() }

// Answer answers a verb itself and delegates a quantity. Keys are replaced by
// what is stored under them, named p, q and mask in that order; a key given
// twice passes the same memory twice.
func (s *Session) Answer(ctx context.Context, r spec.Request) spec.Answer {
	switch r.Op {
	case spec.OpLoad:
		return s.load(r)
	case spec.OpDrop:
		return s.drop(r)
	case spec.OpEcho:
		return s.echo(r)
	case spec.OpBench:
		return s.bench(ctx, r)
	}
	r, err := s.question(r)
	if err != nil {
		return *err
	}
	return s.impl.Answer(ctx, r)
}

func (s *Session) load(r spec.Request) spec.Answer {
	if r.Key == "" || len(r.Arrays) != 1 {
		return errored("load takes a key and one buffer; this one has key %q and %d buffers", r.Key, len(r.Arrays))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stored[r.Key] = r.Arrays[0].Clone()
	return spec.Answer{Status: spec.OK}
}

func (s *Session) drop(r spec.Request) spec.Answer {
	if _, err := s.get(r.Key); err != nil {
		return *err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.stored, r.Key)
	return spec.Answer{Status: spec.OK}
}

func (s *Session) echo(r spec.Request) spec.Answer {
	arrays := r.Arrays
	switch {
	case r.Key != "":
		a, err := s.get(r.Key)
		if err != nil {
			return *err
		}
		arrays = []spec.Array{a}
	case len(arrays) == 0:
		return errored("echo takes a buffer or a key")
	}
	out := make([]spec.Array, len(arrays))
	for i, a := range arrays {
		out[i] = a.Clone()
	}
	return spec.Answer{Status: spec.OK, Arrays: out}
}

// bench times r.Of. What the loop allocates is counted for the whole process: nothing else
// should run in it.
func (s *Session) bench(ctx context.Context, r spec.Request) spec.Answer {
	if r.Iters < 1 {
		return errored("bench takes at least one iteration, not %d", r.Iters)
	}
	iters := r.Iters
	r.Op, r.Of, r.Iters = r.Of, "", 0
	r, err := s.question(r)
	if err != nil {
		return *err
	}
	var call func() float64
	prepared := false
	if p, ok := s.impl.(spec.Preparer); ok {
		call, prepared = p.Prepare(r)
	}
	var last spec.Answer
	var value float64
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	if prepared {
		for i := 0; i < iters && ctx.Err() == nil; i++ {
			value = call()
		}
	} else {
		for range iters {
			if last = s.impl.Answer(ctx, r); last.Status != spec.OK || ctx.Err() != nil {
				break
			}
		}
	}
	ns := time.Since(start).Nanoseconds()
	runtime.ReadMemStats(&after)
	if err := ctx.Err(); err != nil {
		return errored("bench was given up: %v", err)
	}
	if prepared {
		last = spec.Answer{Status: spec.OK, Arrays: []spec.Array{scalar(r, value)}}
	}
	if last.Status == spec.OK {
		last.NS, last.Iters = max(ns, 1), iters
		last.Allocs = &spec.Allocs{Count: int64(after.Mallocs - before.Mallocs), Bytes: int64(after.TotalAlloc - before.TotalAlloc)}
	}
	return last
}

// scalar is the result of a question as an array, in the format that the question asks for.
func scalar(r spec.Request, value float64) spec.Array {
	t := r.Options.ResultDType
	if t == "" {
		t = r.Arrays[0].DType.ResultDType()
	}
	if t == spec.F32 {
		return spec.Scalar("result", t, uint64(math.Float32bits(float32(value))))
	}
	return spec.Scalar("result", t, math.Float64bits(value))
}

// question checks that r is about a quantity, with options that are known,
// and puts the stored arrays in the place of its keys.
func (s *Session) question(r spec.Request) (spec.Request, *spec.Answer) {
	if _, _, _, ok := r.Op.Split(); !ok {
		return r, unsupported("op %q is not known", r.Op)
	}
	if len(r.Options.Unknown) > 0 {
		return r, unsupported("options not known: %s", strings.Join(r.Options.Unknown, ", "))
	}
	if len(r.Keys) == 0 {
		return r, nil
	}
	if len(r.Arrays) > 0 {
		a := errored("a question has buffers or keys, not both")
		return r, &a
	}
	names := []string{"p", "q", "mask"}
	for i, key := range r.Keys {
		a, err := s.get(key)
		if err != nil {
			return r, err
		}
		if i < len(names) {
			a.Name = names[i]
		}
		r.Arrays = append(r.Arrays, a)
	}
	r.Keys = nil
	return r, nil
}

func (s *Session) get(key string) (spec.Array, *spec.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.stored[key]
	if !ok {
		e := errored("nothing is stored under key %q; load it first", key)
		return a, &e
	}
	return a, nil
}

func errored(format string, args ...any) spec.Answer {
	return spec.Answer{Status: spec.Errored, Message: fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) *spec.Answer {
	return &spec.Answer{Status: spec.Unsupported, Message: fmt.Sprintf(format, args...)}
}
