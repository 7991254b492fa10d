package conform

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"strings"
	"time"

	"klconf/spec"
	"klconf/spec/klap"
)

// An asker puts questions to one implementation. ask always returns: what
// the implementation did instead of answering becomes the answer's status.
type asker interface {
	hello(ctx context.Context) (spec.Description, error)
	ask(ctx context.Context, id string, r spec.Request) spec.Answer
	// ended says why nothing more can be asked, or "".
	ended() string
	close()
}

// prefix is the part of a result id that shares its fate: its first two
// components.
func prefix(id string) string {
	parts := strings.SplitN(id, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// budget is how long one question may take: 10 s and 1 s for each 4 MiB of
// arrays, 2 s once its prefix has timed out.
func budget(r spec.Request, slow bool, scale float64) time.Duration {
	d := 10 * time.Second
	if slow {
		d = 2 * time.Second
	}
	n := 0
	for _, a := range r.Arrays {
		n += len(a.Data)
	}
	d += time.Duration(n) * time.Second / (4 << 20)
	return time.Duration(float64(d) * scale)
}

// inProcess asks an implementation in this process. A panic costs its
// question; a hang ends the implementation, because a goroutine cannot be
// killed.
type inProcess struct {
	session spec.Implementation
	scale   float64
	why     string
}

func newInProcess(impl spec.Implementation, scale float64) *inProcess {
	return &inProcess{session: klap.NewSession(impl), scale: scale}
}

func (p *inProcess) hello(context.Context) (d spec.Description, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("its description panicked: %v", v)
		}
	}()
	return p.session.Describe(), nil
}

func (p *inProcess) ask(ctx context.Context, id string, r spec.Request) spec.Answer {
	if p.why != "" {
		return spec.Answer{Status: spec.NotRun, Message: p.why}
	}
	limit := budget(r, false, p.scale)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan spec.Answer, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- spec.Answer{Status: spec.Crashed, Message: fmt.Sprintf("panic: %v%s", v, firstFrame(debug.Stack()))}
			}
		}()
		a := p.session.Answer(ctx, r)
		if !environmentKept() {
			a = spec.Answer{Status: spec.Errored, Message: "the floating-point environment was left changed: subnormals are flushed or the rounding mode differs"}
		}
		done <- a
	}()
	select {
	case a := <-done:
		return a
	case <-ctx.Done():
		if ctx.Err() == context.DeadlineExceeded {
			p.why = fmt.Sprintf("%s did not return within %v, and a hang in process cannot be ended", id, limit.Round(time.Millisecond))
			return spec.Answer{Status: spec.TimedOut, Message: fmt.Sprintf("no answer within %v", limit.Round(time.Millisecond))}
		}
		return spec.Answer{Status: spec.NotRun, Message: "interrupted"}
	}
}

func (p *inProcess) ended() string { return p.why }
func (p *inProcess) close()        {}

// firstFrame returns " at FILE:LINE" of the code that panicked.
func firstFrame(stack []byte) string {
	lines := strings.Split(string(stack), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "panic(") && i+3 < len(lines) {
			at, _, _ := strings.Cut(strings.TrimSpace(lines[i+3]), " ")
			return " at " + at[strings.LastIndexByte(at, '/')+1:]
		}
	}
	return ""
}

// Variables, so that the compiler cannot fold the probes.
var (
	leastSubnormal = math.SmallestNonzeroFloat64
	one            = 1.0
	halfUlp        = 0x1p-53
)

// environmentKept reports whether subnormals are numbers and results are
// rounded to nearest, ties to even.
//
//go:noinline
func environmentKept() bool {
	up := one + 3*halfUlp // a tie: rounds to 1 + 2^-51 by even
	return leastSubnormal*one != 0 && one+halfUlp == 1 && up == 1+0x1p-51
}
