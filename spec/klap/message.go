package klap

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"klconf/spec"
)

// The limits of one message.
const (
	MaxLine   = 16 << 20 // bytes of a line, its line feed not counted
	MaxFrames = 1 << 30  // raw bytes after a line
	MaxBufs   = 64       // buffers
)

// The encodings of a buffer.
const (
	Frame = "frame" // raw little-endian bytes after the line
	B64   = "b64"   // the same bytes in base64
	Hex   = "hex"   // fixed-width words, most significant digit first
)

// Encodings lists the encodings in the order of preference.
var Encodings = []string{Frame, B64, Hex}

// A message is any line of the protocol; a request has an op, an answer a
// status. What hello says about an implementation is read separately.
type message struct {
	ID json.RawMessage `json:"id"`

	Op        spec.Op         `json:"op,omitempty"`
	Protocol  json.RawMessage `json:"protocol,omitempty"`
	Suite     string          `json:"suite,omitempty"`
	Encodings []string        `json:"encodings,omitempty"`
	Key       string          `json:"key,omitempty"`
	Keys      []string        `json:"keys,omitempty"`
	Of        spec.Op         `json:"of,omitempty"`
	Options   json.RawMessage `json:"options,omitempty"`

	Status  spec.AnswerStatus `json:"status,omitempty"`
	Kind    string            `json:"kind,omitempty"`
	Message string            `json:"message,omitempty"`
	NS      int64             `json:"ns,omitempty"`
	Allocs  *spec.Allocs      `json:"allocs,omitempty"`

	Iters int     `json:"iters,omitempty"` // of both
	Bufs  buffers `json:"bufs,omitempty"`
}

// buffers are those of one message.
type buffers []buffer

// UnmarshalJSON refuses too many before it takes memory for them, which would be forty
// times that of the line. No part of a buffer has a brace in it.
func (l *buffers) UnmarshalJSON(b []byte) error {
	if n := bytes.Count(b, []byte("{")); n > MaxBufs {
		return fmt.Errorf("%d buffers; a message has at most %d", n, MaxBufs)
	}
	return json.Unmarshal(b, (*[]buffer)(l))
}

// A buffer is an array on the wire, with exactly one of Bytes, B64 and Hex.
type buffer struct {
	Name  string     `json:"name,omitempty"`
	DType spec.DType `json:"dtype"`
	Shape []int      `json:"shape"`
	Bytes *int64     `json:"bytes,omitempty"`
	B64   *string    `json:"b64,omitempty"`
	Hex   []string   `json:"hex,omitzero"`

	raw []byte // the frame
}

// A source reads messages.
type source struct {
	r      *bufio.Reader
	framed bool // the message before announced frames
}

func newSource(r io.Reader) *source { return &source{r: bufio.NewReaderSize(r, 64<<10)} }

// next reads one message with its frames and returns its line too. Between
// messages the end of the stream is io.EOF; every other error is a *Fault.
func (s *source) next() (*message, []byte, error) {
	line, err := s.line()
	if err != nil {
		return nil, nil, err
	}
	m := new(message)
	if err := s.parse(line, m); err != nil {
		return nil, line, err
	}
	s.framed = false
	total := int64(0)
	for i := range m.Bufs {
		b := &m.Bufs[i]
		if b.Bytes == nil {
			continue
		}
		n := *b.Bytes
		if n < 0 || n > MaxFrames-total {
			return nil, line, faultf(Protocol, line, "buffer %q announces %d bytes; a message carries 0 to %d", b.Name, n, MaxFrames)
		}
		total += n
		if b.raw, err = s.frame(n); err != nil {
			return nil, line, err
		}
		s.framed = true
	}
	return m, line, nil
}

// line reads up to a line feed and never holds more than MaxLine bytes.
func (s *source) line() ([]byte, error) {
	var line []byte
	for {
		part, err := s.r.ReadSlice('\n')
		if len(line)+len(bytes.TrimSuffix(part, []byte("\n"))) > MaxLine {
			return nil, faultf(Protocol, append(line, part...), "a line longer than %d bytes", MaxLine)
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case err == bufio.ErrBufferFull:
		case err == io.EOF && len(line) == 0:
			return nil, io.EOF
		case err == io.EOF:
			return nil, faultf(EOF, line, "the stream ended within a line")
		default:
			return nil, faultf(IO, line, "reading: %v", err)
		}
	}
}

// frame reads n raw bytes. Memory grows with what arrives, not with what was
// announced.
func (s *source) frame(n int64) ([]byte, error) {
	data := []byte{}
	for int64(len(data)) < n {
		have := len(data)
		more := int(min(n-int64(have), int64(max(have, 1<<20))))
		data = slices.Grow(data, more)[:have+more]
		if got, err := io.ReadFull(s.r, data[have:]); err != nil {
			got += have
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return nil, faultf(EOF, data[:got], "the stream ended after %d of %d announced bytes", got, n)
			}
			return nil, faultf(IO, data[:got], "reading: %v", err)
		}
	}
	return data, nil
}

func (s *source) parse(line []byte, m *message) error {
	hint := "; only the protocol may go to standard output: was this a print?"
	if s.framed {
		hint = "; did more or fewer raw bytes follow the message before than it announced?"
	}
	text := bytes.TrimLeft(line, " \t\r")
	switch {
	case len(text) == 0:
		return faultf(Protocol, line, "an empty line%s", hint)
	case text[0] != '{':
		return faultf(Protocol, line, "a line that is not a JSON object%s", hint)
	case !utf8.Valid(line):
		return faultf(Protocol, line, "a line that is not UTF-8%s", hint)
	}
	if err := json.Unmarshal(line, m); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return faultf(Protocol, line, "a line that is not JSON (%v)%s", err, hint)
		}
		return faultf(Protocol, line, "a message with a field of the wrong type (%v)", err)
	}
	if len(m.ID) == 0 || string(m.ID) == "null" {
		return faultf(Protocol, line, "a message without id")
	}
	return nil
}

var errUnknownDType = errors.New("unknown dtype")

// arrays decodes the buffers of a complete message.
func (m *message) arrays() ([]spec.Array, error) {
	var list []spec.Array
	for _, b := range m.Bufs {
		a, err := b.array()
		if err != nil {
			return nil, fmt.Errorf("buffer %q: %w", b.Name, err)
		}
		list = append(list, a)
	}
	return list, nil
}

func (b buffer) array() (spec.Array, error) {
	a := spec.Array{Name: b.Name, DType: b.DType, Shape: b.Shape}
	var carried []string
	if b.Bytes != nil {
		carried = append(carried, "bytes")
		a.Data = b.raw
	}
	if b.B64 != nil {
		carried = append(carried, "b64")
	}
	if b.Hex != nil {
		carried = append(carried, "hex")
	}
	size := b.DType.Size()
	switch {
	case size == 0:
		return a, fmt.Errorf("%w %q; known: %v", errUnknownDType, b.DType, spec.DTypes)
	case len(carried) == 0:
		return a, errors.New("carries no data: one of bytes, b64 and hex is needed")
	case len(carried) > 1:
		return a, fmt.Errorf("carries %s; exactly one of bytes, b64 and hex is legal", strings.Join(carried, " and "))
	case b.Shape == nil:
		return a, errors.New("has no shape; a scalar has []")
	}
	if b.B64 != nil {
		var err error
		if a.Data, err = base64.StdEncoding.DecodeString(*b.B64); err != nil {
			return a, fmt.Errorf("is not base64: %v", err)
		}
	}
	if b.Hex != nil {
		a.Data = make([]byte, len(b.Hex)*size)
		for i, word := range b.Hex {
			bits, err := strconv.ParseUint(word, 16, 64)
			if len(word) != 2*size || err != nil {
				return a, fmt.Errorf("word %d is %q; %s takes %d hexadecimal digits", i, word, b.DType, 2*size)
			}
			a.SetBits(i, bits)
		}
	}
	if err := a.Check(); err != nil {
		_, text, _ := strings.Cut(err.Error(), ": ")
		return a, errors.New(text)
	}
	return a, nil
}

// encodeBuffers returns arrays as they stand in a line. Those of encoding
// Frame are then written after it.
func encodeBuffers(arrays []spec.Array, encoding string) buffers {
	var list buffers
	for _, a := range arrays {
		b := buffer{Name: a.Name, DType: a.DType, Shape: a.Shape}
		if b.Shape == nil {
			b.Shape = []int{}
		}
		switch encoding {
		case Frame:
			n := int64(len(a.Data))
			b.Bytes = &n
		case B64:
			text := base64.StdEncoding.EncodeToString(a.Data)
			b.B64 = &text
		default:
			b.Hex = make([]string, a.Len())
			for i := range b.Hex {
				b.Hex[i] = spec.HexBits(a.DType, a.Bits(i))
			}
		}
		list = append(list, b)
	}
	return list
}

// encode returns m as a line that announces the arrays. Arrays that a message
// cannot carry are ErrTooLarge or ErrNeedsFrame before anything is allocated
// for them.
func encode(m *message, arrays []spec.Array, encoding string) ([]byte, error) {
	total, text := 0, 0
	for _, a := range arrays {
		if err := a.Check(); err != nil {
			return nil, err
		}
		total += len(a.Data)
		switch encoding {
		case B64:
			text += base64.StdEncoding.EncodedLen(len(a.Data))
		case Hex:
			text += 2*len(a.Data) + 3*a.Len()
		}
	}
	switch {
	case total > MaxFrames:
		return nil, ErrTooLarge
	case text > MaxLine:
		return nil, ErrNeedsFrame
	}
	m.Bufs = encodeBuffers(arrays, encoding)
	return line(m)
}

// line returns m as a line with its line feed. The value is a *message or
// another struct of the protocol.
func line(m any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("klap: %w", err)
	}
	if b.Len() > MaxLine+1 {
		return nil, ErrNeedsFrame
	}
	return b.Bytes(), nil
}

// send writes a line, and the arrays' raw bytes after it if they are framed.
func send(w *bufio.Writer, line []byte, arrays []spec.Array, encoding string) error {
	w.Write(line)
	if encoding == Frame {
		for _, a := range arrays {
			w.Write(a.Data)
		}
	}
	return w.Flush() // bufio keeps the first error
}

// knownOptions are the names of the options of this version.
var knownOptions = func() map[string]bool {
	known := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[spec.Options]()) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "-" {
			known[name] = true
		}
	}
	return known
}()

// parseOptions reads options and collects the names it does not know. Names
// are compared with their case.
func parseOptions(text json.RawMessage) (o spec.Options, err error) {
	if len(text) == 0 || string(text) == "null" {
		return o, nil
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &all); err != nil {
		return o, fmt.Errorf("options: %w", err)
	}
	for name := range all {
		if !knownOptions[name] {
			o.Unknown = append(o.Unknown, name)
			delete(all, name)
		}
	}
	slices.Sort(o.Unknown)
	if text, err = json.Marshal(all); err == nil {
		err = json.Unmarshal(text, &o)
	}
	if err != nil {
		return o, fmt.Errorf("options: %w", err)
	}
	return o, nil
}

// formatOptions is the inverse of parseOptions; an unknown option is sent as
// true.
func formatOptions(o spec.Options) (json.RawMessage, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	if len(o.Unknown) > 0 {
		all := map[string]any{}
		if err := json.Unmarshal(text, &all); err != nil {
			return nil, err
		}
		for _, name := range o.Unknown {
			all[name] = true
		}
		text, err = json.Marshal(all)
	}
	if string(text) == "{}" {
		return nil, err
	}
	return text, err
}
