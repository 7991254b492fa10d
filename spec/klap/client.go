package klap

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"klconf/spec"
)

// A Client is the runner's side of a conversation with a process that is
// already running: w is its standard input and r its standard output. Hello
// comes first; one question is in flight at a time. No method blocks beyond
// its context, whether the process hangs, is deaf on its standard input or
// floods its standard output.
//
// After a context has expired or a [Fault] other than one that is InStep, the
// conversation is over: every further call returns that error, and the caller
// kills the process. The client's goroutines end when it and both pipes are
// closed.
type Client struct {
	// Encoding of the requests. Hello sets it to Frame if both sides offer
	// that, else to B64; it may be changed between questions.
	Encoding string

	w      *bufio.Writer
	in     chan arrival
	turn   chan struct{} // holds a token while nobody asks
	quit   chan struct{} // closed when the conversation is over
	once   sync.Once
	over   error
	next   int64
	framed bool // both sides offer frames
}

// An arrival is a message that was read, or the error in its place.
type arrival struct {
	m    *message
	line []byte
	err  error
}

// grace is how long a failed write waits for what the reader has to say,
// which is nearly always the better explanation.
const grace = time.Second

// NewClient starts reading r. It does not write before Hello.
func NewClient(w io.Writer, r io.Reader) *Client {
	c := &Client{
		Encoding: B64,
		w:        bufio.NewWriterSize(w, 64<<10),
		in:       make(chan arrival),
		turn:     make(chan struct{}, 1),
		quit:     make(chan struct{}),
	}
	c.turn <- struct{}{}
	go c.read(newSource(r))
	return c
}

// read delivers messages, one ahead of the question at most.
func (c *Client) read(s *source) {
	for {
		m, line, err := s.next()
		if err == io.EOF {
			err = faultf(EOF, nil, "the process closed its standard output")
		}
		select {
		case c.in <- arrival{m, line, err}:
		case <-c.quit:
			return
		}
		if err != nil {
			return
		}
	}
}

// Hello opens the conversation and returns what the implementation says
// about itself. The suite is the runner's name and version.
func (c *Client) Hello(ctx context.Context, suite string) (spec.Description, error) {
	var d spec.Description
	a, err := c.exchange(ctx, &message{Op: spec.OpHello, Protocol: json.RawMessage("[1]"), Suite: suite, Encodings: Encodings}, nil)
	if err != nil {
		return d, err
	}
	refuse := func(format string, args ...any) (spec.Description, error) {
		return spec.Description{}, c.end(faultf(Protocol, a.line, format, args...))
	}
	if a.m.Status != spec.OK {
		return refuse("hello was answered %q: %s", a.m.Status, a.m.Message)
	}
	if version, err := strconv.Atoi(string(a.m.Protocol)); err != nil || version != 1 {
		return refuse(`hello was answered with "protocol":%s; 1 is spoken here`, a.m.Protocol)
	}
	if err := json.Unmarshal(a.line, &d); err != nil {
		return refuse("hello's answer cannot be read: %v", err)
	}
	if d.Name == "" {
		return refuse("hello's answer has no name")
	}
	if d.Accuracy != "" && d.Accuracy.Rank() < 0 {
		return refuse("hello claims accuracy %q; the levels are %v", d.Accuracy, spec.Levels)
	}
	if c.framed = slices.Contains(d.Encodings, Frame); c.framed {
		c.Encoding = Frame
	}
	return d, nil
}

// Ask puts a question and returns its answer. The error is a *[Fault], the
// error of ctx, or, before anything is written, [ErrNeedsFrame],
// [ErrTooLarge] or a description of a malformed request. After the error of
// ctx the arrays of r may still be read until the pipe is closed.
func (c *Client) Ask(ctx context.Context, r spec.Request) (spec.Answer, error) {
	options, err := formatOptions(r.Options)
	if err != nil {
		return spec.Answer{}, err
	}
	a, err := c.exchange(ctx, &message{Op: r.Op, Key: r.Key, Keys: r.Keys, Of: r.Of, Iters: r.Iters, Options: options}, r.Arrays)
	if err != nil {
		return spec.Answer{}, err
	}
	m := a.m
	bad := func(format string, args ...any) (spec.Answer, error) {
		f := faultf(Protocol, a.line, format, args...)
		f.InStep = true
		return spec.Answer{}, f
	}
	switch m.Status {
	case spec.OK, spec.Rejected, spec.Unsupported, spec.Errored:
	default:
		return bad("an answer with status %q, which is none of ok, rejected, unsupported and error", m.Status)
	}
	for _, b := range m.Bufs {
		if b.Bytes != nil && !c.framed {
			return bad("buffer %q is framed, which hello did not offer", b.Name)
		}
	}
	arrays, err := m.arrays()
	if err != nil {
		return bad("%v", err)
	}
	return spec.Answer{Status: m.Status, Arrays: arrays, Kind: m.Kind, Message: m.Message, NS: m.NS, Iters: m.Iters, Allocs: m.Allocs}, nil
}

// Bye asks the process to finish; it answers ok and exits with code 0.
func (c *Client) Bye(ctx context.Context) error {
	a, err := c.exchange(ctx, &message{Op: spec.OpBye}, nil)
	if err != nil {
		return err
	}
	if a.m.Status != spec.OK {
		return c.end(faultf(Protocol, a.line, "bye was answered %q: %s", a.m.Status, a.m.Message))
	}
	return nil
}

// Close releases the client's goroutines as soon as the pipes are closed. It
// closes no pipe. Calls after Close fail.
func (c *Client) Close() { c.end(errors.New("klap: the client is closed")) }

// end makes err the answer to every further call.
func (c *Client) end(err error) error {
	c.once.Do(func() {
		c.over = err
		close(c.quit)
	})
	return err
}

// exchange writes a message and waits for the one that answers it.
func (c *Client) exchange(ctx context.Context, m *message, arrays []spec.Array) (arrival, error) {
	if err := ctx.Err(); err != nil {
		return arrival{}, err
	}
	select {
	case <-c.turn:
		defer func() { c.turn <- struct{}{} }()
	case <-ctx.Done():
		return arrival{}, ctx.Err()
	}
	select {
	case <-c.quit:
		return arrival{}, c.over
	default:
	}
	encoding := c.Encoding
	m.ID = strconv.AppendInt(nil, c.next, 10)
	text, err := encode(m, arrays, encoding)
	if err != nil {
		return arrival{}, err
	}
	c.next++

	written := make(chan error, 1)
	go func() { written <- send(c.w, text, arrays, encoding) }()
	var answer arrival
	var failed error              // of writing
	var patience <-chan time.Time // after that failure
	for in, out := c.in, written; in != nil || out != nil; {
		select {
		case answer = <-in:
			if answer.err == nil {
				answer.err = c.matches(answer)
			}
			if answer.err != nil {
				return arrival{}, c.end(answer.err)
			}
			in = nil
		case failed = <-out:
			if out = nil; failed != nil {
				failed = faultf(IO, nil, "writing to the standard input of the process: %v", failed)
				patience = time.After(grace)
			}
		case <-patience:
			in = nil
		case <-c.quit:
			return arrival{}, c.over
		case <-ctx.Done():
			return arrival{}, c.end(ctx.Err())
		}
	}
	if failed != nil {
		return arrival{}, c.end(failed)
	}
	return answer, nil
}

// matches returns a fault unless the answer has the id of the last request.
func (c *Client) matches(a arrival) error {
	last := c.next - 1
	id, err := strconv.ParseFloat(string(a.m.ID), 64) // 7.0 is the number 7
	switch {
	case err != nil:
		return faultf(Protocol, a.line, "an answer with id %s, which is not a number", a.m.ID)
	case id == float64(last):
		return nil
	case 0 <= id && id < float64(last):
		return faultf(Protocol, a.line, "a second answer with id %s; the question in flight is %d", a.m.ID, last)
	}
	return faultf(Protocol, a.line, "an answer with id %s; the question in flight is %d", a.m.ID, last)
}
