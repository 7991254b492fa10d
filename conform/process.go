package conform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"klconf/spec"
	"klconf/spec/klap"
)

// The limits of protocol.md's runner: they are stated in spec/README.md.
const (
	helloLimit   = 60 * time.Second
	deathLimit   = 3  // under one id prefix
	restartLimit = 20 // in one run
	stderrTail   = 2048
	byeLimit     = 2 * time.Second
	farewell     = 200 * time.Millisecond // for the last words of a process that has ended
)

// A process asks an adapter through its pipes. When the adapter dies, hangs
// or speaks nonsense, its process group is killed and it is started again.
type process struct {
	command  []string
	env      []string
	suite    string
	scale    float64
	cmd      *exec.Cmd
	client   *klap.Client
	stderr   *tail
	pipes    []io.Closer
	exited   chan struct{}
	state    error // of Wait, once exited is closed
	deaths   map[string]int
	slow     map[string]bool
	restarts int
	why      string
}

func newProcess(command, env []string, suite string, scale float64) *process {
	return &process{command: command, env: env, suite: suite, scale: scale, deaths: map[string]int{}, slow: map[string]bool{}}
}

// start runs the command in a process group of its own.
func (p *process) start() error {
	cmd := exec.Command(p.command[0], p.command[1:]...)
	cmd.Env = append(append(os.Environ(), "LC_ALL=C"), p.env...)
	OwnGroup(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	errs, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot start %q: %w", p.command[0], plain(err))
	}
	p.cmd, p.stderr, p.exited = cmd, &tail{}, make(chan struct{})
	p.pipes = []io.Closer{in, out, errs}
	drained := make(chan struct{})
	go func() { io.Copy(p.stderr, errs); close(drained) }()
	p.client = klap.NewClient(in, out)
	exited := p.exited
	go func() {
		// Not cmd.Wait, which closes the pipes before the last message is
		// read. A grandchild may hold stderr open, hence the limit.
		state, _ := cmd.Process.Wait()
		select {
		case <-drained:
		case <-time.After(farewell):
		}
		if state != nil && !state.Success() {
			p.state = errors.New(state.String())
		} else {
			p.state = nil
		}
		close(exited)
	}()
	return nil
}

// plain strips the operation and path from an error of exec.
func plain(err error) error {
	var e *exec.Error
	if errors.As(err, &e) {
		return e.Err
	}
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// kill ends the process group and returns how the process ended, with the
// tail of what it wrote to stderr.
func (p *process) kill() string {
	if p.cmd == nil {
		return ""
	}
	// A process that closed its output is given a moment to die by itself,
	// so that its own exit code is reported and not our signal.
	select {
	case <-p.exited:
	case <-time.After(100 * time.Millisecond):
	}
	KillGroup(p.cmd)
	<-p.exited
	p.client.Close()
	for _, c := range p.pipes {
		c.Close()
	}
	how := "exit status 0"
	if p.state != nil {
		how = p.state.Error()
	}
	if t := p.stderr.String(); t != "" {
		how += "; stderr ends: " + t
	}
	p.cmd, p.client = nil, nil
	return how
}

func (p *process) hello(ctx context.Context) (spec.Description, error) {
	if err := p.start(); err != nil {
		return spec.Description{}, err
	}
	limit := time.Duration(float64(helloLimit) * p.scale)
	hctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	d, err := p.client.Hello(hctx, p.suite)
	if err == nil {
		return d, nil
	}
	timedOut := hctx.Err() == context.DeadlineExceeded
	how := p.kill()
	switch {
	case ctx.Err() != nil:
		return d, ctx.Err()
	case timedOut:
		return d, fmt.Errorf("no hello within %v (killed: %s)", limit, how)
	}
	var f *klap.Fault
	if errors.As(err, &f) && f.Kind != klap.Protocol {
		return d, fmt.Errorf("it ended before it said hello: %s", how)
	}
	return d, fmt.Errorf("%w (%s)", err, how)
}

func (p *process) ask(ctx context.Context, id string, r spec.Request) spec.Answer {
	pre := prefix(id)
	if p.why != "" {
		return spec.Answer{Status: spec.NotRun, Message: p.why}
	}
	if p.deaths[pre] >= deathLimit {
		return spec.Answer{Status: spec.NotRun, Message: fmt.Sprintf("%d of %d died under %s", deathLimit, deathLimit, pre)}
	}
	a, died := p.once(ctx, pre, r)
	if !died || a.Status != spec.Crashed || p.why != "" || p.deaths[pre] >= deathLimit {
		return a
	}
	// After a crash the guilty question is asked once more: always, or a
	// flake?
	b, again := p.once(ctx, pre, r)
	switch {
	case again:
		p.deaths[pre]-- // one question, one death of its prefix
		a.Message += ", and again when asked once more"
	case b.Status == spec.NotRun:
	default:
		a.Message += ", and answered when asked once more"
	}
	return a
}

// once asks one question, restarting a dead adapter first. died says that
// the adapter had to be ended.
func (p *process) once(ctx context.Context, pre string, r spec.Request) (a spec.Answer, died bool) {
	if p.client == nil {
		if p.restarts >= restartLimit {
			p.why = fmt.Sprintf("the adapter was restarted %d times", restartLimit)
			return spec.Answer{Status: spec.NotRun, Message: p.why}, false
		}
		p.restarts++
		if _, err := p.hello(ctx); err != nil {
			p.why = "it could not be restarted: " + err.Error()
			return spec.Answer{Status: spec.NotRun, Message: p.why}, false
		}
	}
	limit := budget(r, p.slow[pre], p.scale)
	qctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	qctx, gone := p.whileAlive(qctx)
	defer gone()
	a, err := p.client.Ask(qctx, r)
	if err == nil {
		return a, false
	}
	if errors.Is(err, klap.ErrNeedsFrame) {
		return spec.Answer{Status: spec.Unsupported, Message: "needs frame: the question does not fit one line"}, false
	}
	if ctx.Err() != nil {
		p.kill()
		p.why = "interrupted"
		return spec.Answer{Status: spec.NotRun, Message: p.why}, true
	}
	p.deaths[pre]++
	if qctx.Err() == context.DeadlineExceeded && context.Cause(qctx) != errGone {
		p.slow[pre] = true
		how := p.kill()
		return spec.Answer{Status: spec.TimedOut, Message: fmt.Sprintf("no answer within %v (killed%s)", limit.Round(time.Millisecond), onlyStderr(how))}, true
	}
	var f *klap.Fault
	if errors.As(err, &f) && f.InStep {
		p.deaths[pre]--
		return spec.Answer{Status: spec.ProtocolError, Message: err.Error()}, false
	}
	how := p.kill()
	if f != nil && f.Kind == klap.Protocol {
		return spec.Answer{Status: spec.ProtocolError, Message: err.Error()}, true
	}
	return spec.Answer{Status: spec.Crashed, Message: how}, true
}

var errGone = errors.New("the process has ended")

// whileAlive returns a context that ends soon after the process: a grandchild
// that holds its output open would hide its death until the time limit.
func (p *process) whileAlive(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	exited := p.exited
	go func() {
		select {
		case <-exited:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(farewell):
			cancel(errGone)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

func onlyStderr(how string) string {
	if i := strings.Index(how, "; stderr ends"); i >= 0 {
		return how[i:]
	}
	return ""
}

func (p *process) ended() string { return p.why }

func (p *process) close() {
	if p.client == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), byeLimit)
	defer cancel()
	if p.client.Bye(ctx) == nil {
		select {
		case <-p.exited:
		case <-ctx.Done():
		}
	}
	p.kill()
}

// A tail keeps the last bytes written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(b) > stderrTail {
		t.b = append(t.b[:0], b[len(b)-stderrTail:]...)
		return len(b), nil
	}
	t.b = append(t.b, b...)
	if n := len(t.b) - stderrTail; n > 0 {
		t.b = append(t.b[:0], t.b[n:]...)
	}
	return len(b), nil
}

// String returns the last lines in one.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.b)), "\n")
	lines = lines[max(0, len(lines)-3):]
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, " | ")
}
