package klap

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"klconf/spec"
)

// Serve is the adapter's side: it answers the requests of r on w until bye
// or the end of r, and then returns nil. The implementation is wrapped in a
// [Session], so it need only know quantities. An answer's buffers are encoded
// as the question's were.
//
// A panic of the implementation becomes an answer with status error. A
// request with a bad buffer or option is answered error as well (unsupported
// for an unknown dtype or option); a line that is not of the protocol cannot
// be answered and is returned as a *[Fault].
func Serve(r io.Reader, w io.Writer, impl spec.Implementation) error {
	session, ok := impl.(*Session)
	if !ok {
		session = NewSession(impl)
	}
	s := server{Session: session, w: bufio.NewWriterSize(w, 64<<10)}
	in := newSource(r)
	for {
		m, line, err := in.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch m.Op {
		case "":
			return faultf(Protocol, line, "a request without op")
		case spec.OpHello:
			err = s.hello(m)
		case spec.OpBye:
			return s.reply(m, spec.Answer{Status: spec.OK})
		default:
			err = s.reply(m, s.ask(m))
		}
		if err != nil {
			return err
		}
	}
}

type server struct {
	*Session
	w     *bufio.Writer
	frame bool // both sides offer frames
}

// A helloAnswer is the answer to hello.
type helloAnswer struct {
	ID       json.RawMessage   `json:"id"`
	Status   spec.AnswerStatus `json:"status"`
	Protocol int               `json:"protocol"`
	spec.Description
}

func (s *server) hello(m *message) error {
	var versions []int
	if err := json.Unmarshal(m.Protocol, &versions); err != nil || !slices.Contains(versions, 1) {
		return s.reply(m, *unsupported("only protocol 1 is spoken here; hello offers %s", m.Protocol))
	}
	d := s.Describe()
	if len(d.Encodings) == 0 {
		d.Encodings = Encodings
	}
	s.frame = slices.Contains(m.Encodings, Frame) && slices.Contains(d.Encodings, Frame)
	text, err := line(helloAnswer{ID: m.ID, Status: spec.OK, Protocol: 1, Description: d})
	if err != nil {
		return err
	}
	return send(s.w, text, nil, "")
}

// ask turns the message into a question and answers it.
func (s *server) ask(m *message) (answer spec.Answer) {
	arrays, err := m.arrays()
	if errors.Is(err, errUnknownDType) {
		return *unsupported("%v", err)
	}
	if err != nil {
		return errored("%v", err)
	}
	options, err := parseOptions(m.Options)
	if err != nil && len(options.Unknown) == 0 {
		return errored("%v", err)
	}
	defer func() {
		if v := recover(); v != nil {
			answer = errored("panic: %v", v)
		}
	}()
	return s.Answer(context.Background(), spec.Request{
		Op: m.Op, Arrays: arrays, Keys: m.Keys, Options: options, Key: m.Key, Of: m.Of, Iters: m.Iters,
	})
}

// reply writes an answer to m.
func (s *server) reply(m *message, a spec.Answer) error {
	encoding := B64
	switch {
	case len(m.Bufs) > 0 && m.Bufs[0].Hex != nil:
		encoding = Hex
	case s.frame && (len(m.Bufs) == 0 || m.Bufs[0].Bytes != nil):
		encoding = Frame
	}
	text, err := encode(&message{ID: m.ID, Status: a.Status, Kind: a.Kind, Message: a.Message, NS: a.NS, Iters: a.Iters, Allocs: a.Allocs},
		a.Arrays, encoding)
	if err != nil {
		a = errored("the answer cannot be sent: %v", err)
		if text, err = line(&message{ID: m.ID, Status: a.Status, Message: a.Message}); err != nil {
			return err
		}
	}
	return send(s.w, text, a.Arrays, encoding)
}
