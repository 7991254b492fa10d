package klap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"klconf/spec"
)

// seeds are requests and answers of a conversation.
var seeds = []string{
	"", "\n", "hello\n", "{}\n", `{"id":1}`, greeting,
	`{"id":0,"op":"hello","protocol":[1],"encodings":["frame","b64","hex"]}` + "\n" + `{"id":1,"op":"kl","bufs":[{"dtype":"f64","shape":[1],"bytes":8},{"dtype":"f64","shape":[1],"bytes":8}]}` + "\n0123456789abcdef" + `{"id":2,"op":"bye"}` + "\n",
	`{"id":1,"op":"load","key":"a","bufs":[{"dtype":"f64","shape":[1],"hex":["3ff0000000000000"]}]}` + "\n" + `{"id":2,"op":"kl","keys":["a","a"]}` + "\n" + `{"id":3,"op":"bench","of":"kl","keys":["a","a"],"iters":2}` + "\n" + `{"id":4,"op":"drop","key":"a"}` + "\n",
	`{"id":1,"op":"kl","bufs":[{"dtype":"f99","shape":[1],"b64":""}],"options":{"hue":1}}` + "\n",
	`{"id":"a","op":"echo","bufs":[{"dtype":"u8","shape":[],"b64":"AA=="}]}` + "\r\n",
	`{"id":[1,{"x":"\ud800"}],"op":"bye"}` + "\n",
	`{"id":1,"status":"ok","bufs":[{"dtype":"f64","shape":[],"hex":["3ff0000000000000"]}]}` + "\n",
	`{"id":1,"status":"rejected","kind":"domain","message":"a\nb"}` + "\n",
	`{"id":1,"status":"ok","bufs":[{"dtype":"f64","shape":[-1,-1],"b64":"AAAAAAAA8D8="}]}` + "\n",
	`{"id":1,"status":"ok","bufs":[{"dtype":"f64","shape":[4294967296,4294967296],"b64":""}]}` + "\n",
	`{"id":1e0,"status":"ok","ns":-1,"iters":9223372036854775807,"allocs":{"count":1}}` + "\n",
}

// tired is naive for a thousand questions: bench may be asked to put more than anybody waits
// for.
type tired struct {
	naive
	asked int
}

func (n *tired) Answer(ctx context.Context, r spec.Request) spec.Answer {
	if n.asked++; n.asked > 1000 {
		return errored("enough")
	}
	return n.naive.Answer(ctx, r)
}

// Whatever an adapter is sent, Serve ends with nil or a *Fault of one line, and what it has
// written until then are messages, an answer to a request at most.
func FuzzServe(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var out bytes.Buffer
		err := Serve(bytes.NewReader(data), &out, &tired{})
		var fault *Fault
		if err != nil && (!errors.As(err, &fault) || strings.ContainsAny(err.Error(), "\n\r")) {
			t.Errorf("%T: %v", err, err)
		}
		in, answers := newSource(&out), 0
		for {
			m, line, err := in.next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("it wrote %q: %v", out.Bytes(), err)
			}
			switch m.Status {
			case spec.OK, spec.Rejected, spec.Unsupported, spec.Errored:
			default:
				t.Errorf("it wrote %q", line)
			}
			if _, err := m.arrays(); err != nil {
				t.Errorf("it wrote %q: %v", line, err)
			}
			answers++
		}
		if lines := bytes.Count(data, []byte("\n")) + 1; answers > lines {
			t.Errorf("%d answers to %d lines", answers, lines)
		}
	})
}

// Whatever an adapter answers, hello, a question and bye return at once, with an answer that
// holds together or with an error of one line; after an error that is not InStep there is
// no other.
func FuzzClient(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(greeting + s))
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		c := NewClient(io.Discard, bytes.NewReader(data))
		defer c.Close()
		check := func(err error) (over bool) {
			var fault *Fault
			if !errors.As(err, &fault) || strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("%T: %v", err, err)
			}
			return fault != nil && !fault.InStep
		}
		if _, err := c.Hello(ctx, "test"); err != nil {
			check(err)
			if _, again := c.Ask(ctx, spec.Request{Op: "kl"}); again != err {
				t.Errorf("%v, and then %v", err, again)
			}
			return
		}
		for range 3 {
			a, err := c.Ask(ctx, kl([]float64{1}, []float64{1}))
			if err != nil {
				if check(err) {
					return
				}
				continue
			}
			for _, x := range a.Arrays {
				if err := x.Check(); err != nil {
					t.Errorf("%+v: %v", x, err)
				}
			}
		}
		if err := c.Bye(ctx); err != nil {
			check(err)
		}
	})
}
