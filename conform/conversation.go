package conform

import (
	"context"
	"fmt"

	"klconf/spec"
)

// A Conversation puts single questions to one implementation, with the time limits, the
// isolation and the restarts of Run. An adapter that is started again has forgotten what
// was loaded.
type Conversation struct {
	asker
	// Description is what the implementation said of itself.
	Description spec.Description
}

// Open starts a conversation with t. The error wraps ErrStart.
func Open(ctx context.Context, t Target, o Options) (*Conversation, error) {
	scale := o.TimeoutScale
	if scale == 0 {
		scale = 1
	}
	var a asker
	if t.Impl != nil {
		a = newInProcess(t.Impl, scale)
	} else {
		a = newProcess(t.Command, t.Env, "klconf "+o.Version, scale)
	}
	d, err := a.hello(ctx)
	if err != nil {
		a.close()
		return nil, fmt.Errorf("%s: %w: %w", t.ID, ErrStart, err)
	}
	return &Conversation{a, d}, nil
}

// Ask puts one question. The id says what it belongs to: questions whose ids share their
// first two components share the limits of deaths and time.
func (c *Conversation) Ask(ctx context.Context, id string, r spec.Request) spec.Answer {
	return c.ask(ctx, id, r)
}

// Close ends the conversation and the adapter's process.
func (c *Conversation) Close() { c.close() }

// Peak calls f and returns by how many bytes the resident memory of the adapter's processes
// rose at most while it ran, in whole pages; ok is false in process and where the system
// does not tell. What a process keeps for its next call, as allocators do, is not seen.
func (c *Conversation) Peak(f func()) (bytes int64, ok bool) {
	p, ok := c.asker.(*process)
	if !ok || p.cmd == nil {
		f()
		return 0, false
	}
	group := p.cmd.Process.Pid
	before, ok := resetPeak(group)
	f()
	after, still := peak(group)
	return max(after-before, 0), ok && still
}
