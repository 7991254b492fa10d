package klap

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"klconf/spec"
)

// naive answers kl for f64 vectors by the textbook loop; it refuses
// mismatched lengths, panics at NaN and offers everything else to no one.
type naive struct {
	encodings []string
	asked     func(spec.Request)
}

func (n naive) Describe() spec.Description {
	yes := true
	c := spec.Definition()
	return spec.Description{
		Name: "naive", Version: "1", Language: "Go", Ops: []spec.Op{"kl"}, DTypes: []spec.DType{spec.F64},
		Convention: &c, Accuracy: spec.L1, Encodings: n.encodings, Deterministic: &yes,
		Packages: map[string]string{"math": "1.26"},
	}
}

func (n naive) Answer(_ context.Context, r spec.Request) spec.Answer {
	if n.asked != nil {
		n.asked(r)
	}
	if r.Op != "kl" || len(r.Arrays) != 2 {
		return spec.Answer{Status: spec.Unsupported, Message: "only kl of two arrays"}
	}
	p, q := r.Arrays[0].Floats(), r.Arrays[1].Floats()
	if len(p) != len(q) {
		return spec.Answer{Status: spec.Rejected, Kind: spec.KindLength, Message: fmt.Sprintf("%d and %d elements", len(p), len(q))}
	}
	k := 0.0
	for i := range p {
		if math.IsNaN(p[i]) {
			panic("a NaN")
		}
		if p[i] > 0 {
			k += p[i] * math.Log(p[i]/q[i])
		}
	}
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("kl", spec.F64, math.Float64bits(k))}}
}

func kl(p, q []float64) spec.Request {
	return spec.Request{Op: "kl", Arrays: []spec.Array{spec.Float64s("p", p), spec.Float64s("q", q)}}
}

// connect serves impl to a client that has said hello. Whatever Serve returns
// is checked when the test ends.
func connect(t testing.TB, impl spec.Implementation) *Client {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := Serve(inR, outW, impl)
		outW.Close()
		done <- err
	}()
	c := NewClient(inW, outR)
	t.Cleanup(func() {
		inW.Close()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		c.Close()
	})
	if _, err := c.Hello(context.Background(), "test"); err != nil {
		t.Fatal(err)
	}
	return c
}

func ask(t testing.TB, c *Client, r spec.Request) spec.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	a, err := c.Ask(ctx, r)
	if err != nil {
		t.Fatalf("%s: %v", r.Op, err)
	}
	return a
}

// samples has one array of every dtype and of several shapes, with bits that
// no decimal text would carry.
func samples() []spec.Array {
	list := []spec.Array{
		spec.FromBits("p", spec.F64, []uint64{0x7ff8000000000001, 0x8000000000000000, 1, 0xfff0000000000000}),
		spec.Scalar("s", spec.F32, 0x80000000),
		spec.NewArray("none", spec.F64, 0),
		spec.NewArray("", spec.F16, 2, 0, 3),
		spec.NewArray("m", spec.BF16, 2, 3),
	}
	for _, d := range spec.DTypes {
		a := spec.NewArray(string(d), d, 3)
		for i := range a.Data {
			a.Data[i] = byte(37*i + 11)
		}
		list = append(list, a)
	}
	return list
}

func TestMessagesSurvive(t *testing.T) {
	messages := []message{
		{Op: spec.OpHello, Protocol: []byte("[1]"), Suite: "klconf <1>", Encodings: Encodings},
		{Op: "kl"},
		{Op: "kl_logits_rows", Options: []byte(`{"reduction":"mean"}`)},
		{Op: "kl", Keys: []string{"a", "a"}},
		{Op: spec.OpLoad, Key: "a"},
		{Op: spec.OpDrop, Key: "a"},
		{Op: spec.OpBench, Of: "kl", Keys: []string{"a", "b"}, Iters: 100},
		{Op: spec.OpBye},
		{Status: spec.OK},
		{Status: spec.OK, NS: 12345, Iters: 100},
		{Status: spec.Rejected, Kind: spec.KindDomain, Message: "p[3] = −0.5 is negative\nsecond line"},
		{Status: spec.Unsupported, Message: "no"},
		{Status: spec.Errored, Message: "yes"},
	}
	for _, encoding := range Encodings {
		var wire bytes.Buffer
		w := bufio.NewWriter(&wire)
		for i, m := range messages {
			m.ID = fmt.Appendf(nil, "%d", i)
			text, err := encode(&m, samples(), encoding)
			if err != nil {
				t.Fatal(err)
			}
			if err := send(w, text, samples(), encoding); err != nil {
				t.Fatal(err)
			}
		}
		in := newSource(&wire)
		for i, want := range messages {
			want.ID = fmt.Appendf(nil, "%d", i)
			got, _, err := in.next()
			if err != nil {
				t.Fatal(err)
			}
			arrays, err := got.arrays()
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(arrays, samples()) {
				t.Errorf("%s: message %d: buffers changed:\n got %v\nwant %v", encoding, i, arrays, samples())
			}
			got.Bufs = nil
			if !reflect.DeepEqual(*got, want) {
				t.Errorf("%s: message %d changed:\n got %+v\nwant %+v", encoding, i, *got, want)
			}
		}
		if _, _, err := in.next(); err != io.EOF {
			t.Errorf("%s: after the last message: %v", encoding, err)
		}
	}
}

func TestHexIsWrittenAsPeopleWriteIt(t *testing.T) {
	text, err := encode(&message{ID: []byte("7"), Op: "kl"}, []spec.Array{spec.Float64s("p", []float64{0.3})}, Hex)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":7,"op":"kl","bufs":[{"name":"p","dtype":"f64","shape":[1],"hex":["3fd3333333333333"]}]}` + "\n"
	if string(text) != want {
		t.Errorf("got %swant %s", text, want)
	}
}

func TestOptionsSurvive(t *testing.T) {
	for _, o := range []spec.Options{
		{},
		{Reduction: "mean", Base: "2", Temperature: "0x1.8p-1", Beta: "0x1p-4", Estimator: "k3", Grad: "q", ResultDType: spec.F64},
		{Base: "e", Unknown: []string{"colour", "shade"}},
	} {
		text, err := formatOptions(o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseOptions(text)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, o) {
			t.Errorf("%s: got %+v, want %+v", text, got, o)
		}
	}
}

func TestConversation(t *testing.T) {
	for _, offered := range [][]string{nil, {B64, Hex}} {
		c := connect(t, naive{encodings: offered})
		if want := map[bool]string{true: Frame, false: B64}[offered == nil]; c.Encoding != want {
			t.Errorf("offered %v: requests go as %s, want %s", offered, c.Encoding, want)
		}
		for _, encoding := range Encodings {
			if encoding == Frame && offered != nil {
				continue
			}
			c.Encoding = encoding
			k, ok := ask(t, c, kl([]float64{1, 0, 2}, []float64{1, 1, 1})).Result()
			if !ok || k.Float(0) != 2*math.Log(2) || k.Name != "kl" || len(k.Shape) != 0 {
				t.Errorf("%s: got %v", encoding, k)
			}
			for _, a := range samples() {
				got, _ := ask(t, c, spec.Request{Op: spec.OpEcho, Arrays: []spec.Array{a}}).Result()
				if !reflect.DeepEqual(got, a) {
					t.Errorf("%s: echo of %v came back as %v", encoding, a, got)
				}
			}
		}
		a := ask(t, c, kl([]float64{1}, nil))
		if a.Status != spec.Rejected || a.Kind != spec.KindLength || a.Message != "1 and 0 elements" {
			t.Errorf("mismatch: %+v", a)
		}
		if a := ask(t, c, kl([]float64{math.NaN()}, []float64{1})); a.Status != spec.Errored || a.Message != "panic: a NaN" {
			t.Errorf("panic: %+v", a)
		}
		if a := ask(t, c, spec.Request{Op: "js"}); a.Status != spec.Unsupported {
			t.Errorf("js: %+v", a)
		}
		if err := c.Bye(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

func TestDescriptionSurvives(t *testing.T) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	go Serve(inR, outW, naive{})
	c := NewClient(inW, outR)
	got, err := c.Hello(context.Background(), "test")
	if err != nil {
		t.Fatal(err)
	}
	want := naive{}.Describe()
	want.Encodings = Encodings
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	inW.Close()
	outR.Close()
}

// TestSession runs the verbs in process and through a pipe: a question means
// the same in both.
func TestSession(t *testing.T) {
	var last spec.Request
	impl := naive{asked: func(r spec.Request) { last = r }}
	session := NewSession(impl)
	client := connect(t, impl)
	for name, ask := range map[string]func(spec.Request) spec.Answer{
		"in process":     func(r spec.Request) spec.Answer { return session.Answer(context.Background(), r) },
		"through a pipe": func(r spec.Request) spec.Answer { return ask(t, client, r) },
	} {
		t.Run(name, func(t *testing.T) {
			load := func(key string, x ...float64) {
				t.Helper()
				r := spec.Request{Op: spec.OpLoad, Key: key, Arrays: []spec.Array{spec.Float64s("x", x)}}
				if a := ask(r); a.Status != spec.OK {
					t.Fatalf("load: %+v", a)
				}
				r.Arrays[0].SetBits(0, 0) // the session keeps its own copy
			}
			load("a", 1, 2)
			load("b", 2, 1)

			k, ok := ask(spec.Request{Op: "kl", Keys: []string{"a", "b"}}).Result()
			if !ok || k.Float(0) != math.Log(0.5)+2*math.Log(2) {
				t.Errorf("kl of keys: %v", k)
			}
			if last.Arrays[0].Name != "p" || last.Arrays[1].Name != "q" || len(last.Keys) != 0 {
				t.Errorf("the implementation was asked %+v", last)
			}
			if k, ok := ask(spec.Request{Op: "kl", Keys: []string{"a", "a"}}).Result(); !ok || k.Bits(0) != 0 {
				t.Errorf("self: %v", k)
			}
			if &last.Arrays[0].Data[0] != &last.Arrays[1].Data[0] {
				t.Error("one key given twice is not one memory")
			}
			last.Arrays[0].SetBits(0, math.Float64bits(5))
			if x, _ := ask(spec.Request{Op: spec.OpEcho, Key: "a"}).Result(); x.Float(0) != 5 || x.Float(1) != 2 {
				t.Errorf("echo hides a mutation: %v", x.Floats())
			}

			b := ask(spec.Request{Op: spec.OpBench, Of: "kl", Keys: []string{"b", "a"}, Iters: 50})
			direct := ask(spec.Request{Op: "kl", Keys: []string{"b", "a"}})
			if b.Status != spec.OK || b.NS < 1 || b.Iters != 50 || !reflect.DeepEqual(b.Arrays, direct.Arrays) {
				t.Errorf("bench: %+v", b)
			}
			if a := ask(spec.Request{Op: spec.OpDrop, Key: "a"}); a.Status != spec.OK {
				t.Errorf("drop: %+v", a)
			}

			for _, c := range []struct {
				r      spec.Request
				status spec.AnswerStatus
				says   string
			}{
				{spec.Request{Op: "kl", Keys: []string{"a", "b"}}, spec.Errored, `nothing is stored under key "a"`},
				{spec.Request{Op: spec.OpEcho, Key: "z"}, spec.Errored, `nothing is stored under key "z"`},
				{spec.Request{Op: spec.OpDrop, Key: "z"}, spec.Errored, `nothing is stored under key "z"`},
				{spec.Request{Op: spec.OpEcho}, spec.Errored, "a buffer or a key"},
				{spec.Request{Op: spec.OpLoad, Key: "c"}, spec.Errored, "one buffer"},
				{spec.Request{Op: spec.OpBench, Of: "kl", Keys: []string{"b", "b"}}, spec.Errored, "at least one iteration"},
				{spec.Request{Op: spec.OpBench, Of: spec.OpEcho, Keys: []string{"b"}, Iters: 1}, spec.Unsupported, `op "echo"`},
				{spec.Request{Op: spec.OpBench, Of: "js", Keys: []string{"b", "b"}, Iters: 9}, spec.Unsupported, "only kl"},
				{spec.Request{Op: "kl", Keys: []string{"b", "b"}, Arrays: []spec.Array{spec.NewArray("p", spec.F64, 1)}}, spec.Errored, "not both"},
				{spec.Request{Op: "wasserstein"}, spec.Unsupported, `op "wasserstein" is not known`},
				{spec.Request{Op: "kl", Keys: []string{"b", "b"}, Options: spec.Options{Unknown: []string{"colour"}}}, spec.Unsupported, "colour"},
			} {
				if a := ask(c.r); a.Status != c.status || !strings.Contains(a.Message, c.says) {
					t.Errorf("%+v: got %s %q, want %s %q", c.r, a.Status, a.Message, c.status, c.says)
				}
			}
		})
	}
}

func TestBenchGivesUpWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := NewSession(naive{asked: func(spec.Request) { cancel() }})
	r := kl([]float64{1}, []float64{1})
	r.Op, r.Of, r.Iters = spec.OpBench, "kl", math.MaxInt
	if a := s.Answer(ctx, r); a.Status != spec.Errored {
		t.Errorf("got %+v", a)
	}
}

// TestServeRefuses writes raw lines to Serve.
func TestServeRefuses(t *testing.T) {
	long := strings.Repeat("x", MaxLine+1)
	for _, c := range []struct{ name, in, out, fault string }{
		{"nothing", "", "", ""},
		{"not JSON", "hello\n", "", "not a JSON object"},
		{"empty line", "\n", "", "an empty line"},
		{"array", "[1]\n", "", "not a JSON object"},
		{"broken JSON", `{"id":1,` + "\n", "", "not JSON"},
		{"not UTF-8", "{\"id\":1,\"op\":\"\xff\"}\n", "", "not UTF-8"},
		{"wrong type", `{"id":1,"op":7}` + "\n", "", "wrong type"},
		{"no id", `{"op":"kl"}` + "\n", "", "without id"},
		{"no op", `{"id":1}` + "\n", "", "without op"},
		{"cut", `{"id":1,"op":"bye"}`, "", "ended within a line"},
		{"too long", long, "", "longer than"},
		{"cut frame", `{"id":1,"op":"echo","bufs":[{"dtype":"u8","shape":[5],"bytes":5}]}` + "\nabc", "", "after 3 of 5"},
		{"negative frame", `{"id":1,"op":"echo","bufs":[{"dtype":"u8","shape":[5],"bytes":-5}]}` + "\nabc", "", "announces -5 bytes"},
		{"huge frame", `{"id":1,"op":"echo","bufs":[{"dtype":"u8","shape":[5],"bytes":1073741825}]}` + "\nabc", "", "announces 1073741825 bytes"},
		{"id as it came", `{"id":"x y","op":"bye"}` + "\n", `{"id":"x y","status":"ok"}`, ""},
		{"unknown field", `{"id":1,"op":"bye","colour":"red"}` + "\n", `{"id":1,"status":"ok"}`, ""},
		{"other protocol", `{"id":0,"op":"hello","protocol":[2]}` + "\n", `"status":"unsupported","message":"only protocol 1`, ""},
		{"unknown op", `{"id":1,"op":"fisher"}` + "\n", `{"id":1,"status":"unsupported","message":"op \"fisher\" is not known"}`, ""},
		{"unknown option", `{"id":1,"op":"kl","options":{"base":"2","hue":1}}` + "\n", `"status":"unsupported","message":"options not known: hue"`, ""},
		{"option in decimal", `{"id":1,"op":"kl","options":{"base":"2.5"}}` + "\n", `"status":"error","message":"options: \"2.5\" is not an exact number`, ""},
		{"unknown dtype", `{"id":1,"op":"echo","bufs":[{"name":"p","dtype":"f128","shape":[],"b64":""}]}` + "\n", `"status":"unsupported","message":"buffer \"p\": unknown dtype`, ""},
		{"two encodings", `{"id":1,"op":"echo","bufs":[{"name":"p","dtype":"u8","shape":[1],"b64":"AA==","hex":["00"]}]}` + "\n", `"status":"error","message":"buffer \"p\": carries b64 and hex`, ""},
		{"no encoding", `{"id":1,"op":"echo","bufs":[{"name":"p","dtype":"u8","shape":[1]}]}` + "\n", `carries no data`, ""},
		{"no shape", `{"id":1,"op":"echo","bufs":[{"name":"p","dtype":"u8","b64":"AA=="}]}` + "\n", `has no shape`, ""},
		{"hex width", `{"id":1,"op":"echo","bufs":[{"name":"p","dtype":"f32","shape":[1],"hex":["3fd3333333333333"]}]}` + "\n", `f32 takes 8 hexadecimal digits`, ""},
		{"hex digit", `{"id":1,"op":"echo","bufs":[{"name":"p","dtype":"u8","shape":[1],"hex":["+1"]}]}` + "\n", `word 0 is \"+1\"`, ""},
		{"bad base64", `{"id":1,"op":"echo","bufs":[{"name":"p","dtype":"u8","shape":[1],"b64":"AA"}]}` + "\n", `is not base64`, ""},
		{"too few bytes", `{"id":1,"op":"echo","bufs":[{"name":"p","dtype":"u8","shape":[2],"b64":"AA=="}]}` + "\n", `shape [2] of u8 needs 2 bytes, got 1`, ""},
		{"frame of another length", `{"id":1,"op":"echo","bufs":[{"name":"p","dtype":"u8","shape":[2],"bytes":3}]}` + "\nabc" + `{"id":2,"op":"bye"}` + "\n", `{"id":2,"status":"ok"}`, ""},
		{"negative shape", `{"id":1,"op":"echo","bufs":[{"name":"p","dtype":"u8","shape":[-1],"b64":""}]}` + "\n", `negative dimension`, ""},
		{"enormous shape", `{"id":1,"op":"echo","bufs":[{"name":"p","dtype":"u8","shape":[4611686018427387904,4],"hex":[]}]}` + "\n", `too large`, ""},
	} {
		var out strings.Builder
		err := Serve(strings.NewReader(c.in), &out, naive{})
		var fault *Fault
		switch {
		case c.fault == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.fault != "" && (!errors.As(err, &fault) || !strings.Contains(fault.Message, c.fault)):
			t.Errorf("%s: got error %v, want a fault with %q", c.name, err, c.fault)
		case !strings.Contains(out.String(), c.out) || c.out == "" && out.Len() > 0:
			t.Errorf("%s: answered %s, want %s", c.name, out.String(), c.out)
		}
	}
}

type tiny struct{ naive }

func (tiny) Answer(context.Context, spec.Request) spec.Answer {
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{{Name: "r", DType: spec.F64, Shape: []int{2}}}}
}

func TestServeDoesNotSendMalformedAnswers(t *testing.T) {
	c := connect(t, tiny{})
	if a := ask(t, c, spec.Request{Op: "kl"}); a.Status != spec.Errored || !strings.Contains(a.Message, "needs 16 bytes, got 0") {
		t.Errorf("got %+v", a)
	}
}

// greeting is what the fake adapters below answer to hello.
const greeting = `{"id":0,"status":"ok","protocol":1,"name":"fake","version":"1"}` + "\n"

// fake is a process that answers the i-th request line with replies[i],
// whatever it asks, and then closes its output.
func fake(t *testing.T, replies ...string) *Client {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewReaderSize(inR, 1<<16)
		for _, reply := range replies {
			if _, err := lines.ReadString('\n'); err != nil {
				break
			}
			io.WriteString(outW, reply)
		}
		outW.Close()
		io.Copy(io.Discard, inR)
	}()
	c := NewClient(inW, outR)
	t.Cleanup(func() {
		inW.Close()
		outR.Close()
		<-done
		c.Close()
	})
	return c
}

func answerLine(buf string) string { return `{"id":1,"status":"ok","bufs":[` + buf + `]}` + "\n" }

func TestClientNamesTheFault(t *testing.T) {
	frames := strings.Replace(greeting, `"version"`, `"encodings":["frame"],"version"`, 1)
	for _, c := range []struct {
		name    string
		replies []string
		kind    FaultKind
		says    string
		first   string
		inStep  bool
	}{
		{"silent death", nil, EOF, "closed its standard output", "", false},
		{"print before hello", []string{"Loading model...\n" + greeting}, Protocol, "was this a print?", "Loading model...", false},
		{"byte-order mark", []string{"\ufeff" + greeting}, Protocol, "not a JSON object", "\ufeff{", false},
		{"hello refused", []string{`{"id":0,"status":"error","message":"no module named numpy"}` + "\n"}, Protocol, "no module named numpy", "{", false},
		{"hello of another protocol", []string{`{"id":0,"status":"ok","protocol":2}` + "\n"}, Protocol, `"protocol":2`, "{", false},
		{"hello without name", []string{`{"id":0,"status":"ok","protocol":1}` + "\n"}, Protocol, "no name", "{", false},
		{"hello claims too much", []string{strings.Replace(greeting, `"version"`, `"accuracy":"L9","version"`, 1)}, Protocol, "L9", "{", false},
		{"hello with an unknown word", []string{strings.Replace(greeting, `"version"`, `"convention":{"zero_q":"none"},"version"`, 1)}, Protocol, `"zero_q" is inf | drop`, "{", false},
		{"print before the answer", []string{greeting, "DEBUG\n" + answerLine("")}, Protocol, "was this a print?", "DEBUG", false},
		{"print after the answer", []string{greeting + "DEBUG\n"}, Protocol, "was this a print?", "DEBUG", false},
		{"a JSON number", []string{greeting, "0.6931\n"}, Protocol, "not a JSON object", "0.6931", false},
		{"half an object", []string{greeting, `{"id":1,"status":"ok"` + "\n"}, Protocol, "not JSON", `{"id":1`, false},
		{"NaN in JSON", []string{greeting, `{"id":1,"status":"ok","kl":NaN}` + "\n"}, Protocol, "not JSON", `{"id":1`, false},
		{"blank", []string{greeting, "\n"}, Protocol, "an empty line", "", false},
		{"no id", []string{greeting, `{"status":"ok"}` + "\n"}, Protocol, "without id", "{", false},
		{"null id", []string{greeting, `{"id":null,"status":"ok"}` + "\n"}, Protocol, "without id", "{", false},
		{"wrong id", []string{greeting, `{"id":5,"status":"ok"}` + "\n"}, Protocol, "id 5; the question in flight is 1", `{"id":5`, false},
		{"negative id", []string{greeting, `{"id":-1,"status":"ok"}` + "\n"}, Protocol, "id -1; the question in flight is 1", `{"id":-1`, false},
		{"id in quotes", []string{greeting, `{"id":"1","status":"ok"}` + "\n"}, Protocol, `id "1", which is not a number`, `{"id":"1"`, false},
		{"repeated id", []string{greeting + greeting}, Protocol, "a second answer with id 0", `{"id":0`, false},
		{"status of another type", []string{greeting, `{"id":1,"status":0}` + "\n"}, Protocol, "wrong type", `{"id":1`, false},
		{"unknown status", []string{greeting, `{"id":1,"status":"OK"}` + "\n"}, Protocol, `status "OK"`, `{"id":1`, true},
		{"no status", []string{greeting, `{"id":1}` + "\n"}, Protocol, `status ""`, `{"id":1`, true},
		{"cut line", []string{greeting, `{"id":1,"sta`}, EOF, "ended within a line", `{"id":1,"sta`, false},
		{"no answer", []string{greeting, ""}, EOF, "closed its standard output", "", false},
		{"b64 and hex", []string{greeting, answerLine(`{"dtype":"u8","shape":[1],"b64":"AA==","hex":["00"]}`)}, Protocol, "carries b64 and hex", `{"id":1`, true},
		{"no data", []string{greeting, answerLine(`{"name":"k","dtype":"f64","shape":[]}`)}, Protocol, `buffer "k": carries no data`, `{"id":1`, true},
		{"decimal data", []string{greeting, answerLine(`{"dtype":"f64","shape":[1],"values":[0.5]}`)}, Protocol, "carries no data", `{"id":1`, true},
		{"hex width", []string{greeting, answerLine(`{"dtype":"f64","shape":[1],"hex":["3fd"]}`)}, Protocol, "f64 takes 16 hexadecimal digits", `{"id":1`, true},
		{"hex with 0x", []string{greeting, answerLine(`{"dtype":"f16","shape":[1],"hex":["0x3c"]}`)}, Protocol, "f16 takes 4", `{"id":1`, true},
		{"scalar as [1] with two words", []string{greeting, answerLine(`{"dtype":"u8","shape":[1],"hex":["00","01"]}`)}, Protocol, "shape [1] of u8 needs 1 bytes, got 2", `{"id":1`, true},
		{"unknown dtype", []string{greeting, answerLine(`{"dtype":"float64","shape":[],"b64":""}`)}, Protocol, `unknown dtype "float64"`, `{"id":1`, true},
		{"too many buffers", []string{greeting, answerLine("{}" + strings.Repeat(",{}", MaxBufs))}, Protocol, "65 buffers; a message has at most 64", `{"id":1`, false},
		{"frame not offered", []string{greeting, answerLine(`{"dtype":"u8","shape":[1],"bytes":1}`) + "x"}, Protocol, "framed, which hello did not offer", `{"id":1`, true},
		{"frame too short", []string{frames, answerLine(`{"dtype":"f64","shape":[],"bytes":4}`) + "abcd"}, Protocol, "needs 8 bytes, got 4", `{"id":1`, true},
		{"frame cut", []string{frames, answerLine(`{"dtype":"f64","shape":[],"bytes":8}`) + "abcd"}, EOF, "after 4 of 8 announced bytes", "abcd", false},
		{"more than announced", []string{frames + `{"id":1,"status":"ok","bufs":[{"dtype":"u8","shape":[1],"bytes":1}]}` + "\nxyz\n", ""}, Protocol, "more or fewer raw bytes", "yz", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := fake(t, c.replies...)
			ctx := context.Background()
			_, err := client.Hello(ctx, "test")
			for range 2 { // a fault may show with the question after it
				if err == nil {
					_, err = client.Ask(ctx, kl([]float64{1}, []float64{1}))
				}
			}
			var f *Fault
			if !errors.As(err, &f) {
				t.Fatalf("got %v, want a fault", err)
			}
			if f.Kind != c.kind || !strings.Contains(f.Message, c.says) || !bytes.HasPrefix(f.First, []byte(c.first)) || f.InStep != c.inStep {
				t.Errorf("got %s (in step: %v): %v\nwant %s (in step: %v) with %q and %q", f.Kind, f.InStep, f, c.kind, c.inStep, c.says, c.first)
			}
			if len(f.First) > maxFirst || c.first != "" && !strings.Contains(f.Error(), "first bytes") {
				t.Errorf("quotes %q", f.First)
			}
			if _, again := client.Ask(ctx, spec.Request{Op: "kl"}); !f.InStep && again != err {
				t.Errorf("asked again after the end: %v", again)
			}
		})
	}
}

func TestAnswersInStepGoOn(t *testing.T) {
	c := fake(t, greeting, answerLine(`{"dtype":"f64","shape":[1],"hex":["3fd"]}`), `{"id":2.0,"status":"ok"}`+"\r\n")
	ctx := context.Background()
	if _, err := c.Hello(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ask(ctx, spec.Request{Op: "kl"}); err == nil {
		t.Fatal("the malformed buffer passed")
	}
	if _, err := c.Ask(ctx, spec.Request{Op: "kl"}); err != nil {
		t.Errorf("the answer after it: %v", err)
	}
}

// endless yields a line without end and counts what is taken.
type endless struct{ taken, limit int }

func (e *endless) Read(b []byte) (int, error) {
	if e.taken >= e.limit {
		return 0, io.EOF
	}
	for i := range b {
		b[i] = 'a'
	}
	e.taken += len(b)
	return len(b), nil
}

func TestAnOverlongLineIsNotHeld(t *testing.T) {
	flood := &endless{limit: 100 << 20}
	c := NewClient(io.Discard, flood)
	_, err := c.Hello(context.Background(), "test")
	var f *Fault
	if !errors.As(err, &f) || f.Kind != Protocol || !strings.Contains(f.Message, "longer than") || string(f.First) != strings.Repeat("a", maxFirst) {
		t.Errorf("got %v", err)
	}
	if flood.taken > MaxLine+1<<20 {
		t.Errorf("%d bytes were read", flood.taken)
	}
}

func TestTheLongestLine(t *testing.T) {
	for _, extra := range []int{0, 1} {
		text := `{"id":1,"x":"` + strings.Repeat("x", MaxLine+extra-len(`{"id":1,"x":""}`)) + `"}`
		for _, end := range []string{"\n", ""} {
			_, _, err := newSource(strings.NewReader(text + end)).next()
			if ok := extra == 0 && end == "\n"; (err == nil) != ok {
				t.Errorf("%d bytes, line feed %q: %v", len(text), end, err)
			}
		}
	}
}

// TestAnnouncedMemoryIsNotTaken checks that a frame of 1 GiB that never comes
// costs little.
func TestAnnouncedMemoryIsNotTaken(t *testing.T) {
	in := newSource(strings.NewReader(`{"id":1,"bufs":[{"dtype":"u8","shape":[1073741824],"bytes":1073741824}]}` + "\nabc"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := in.next()
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Error("no error")
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
		t.Errorf("%d bytes were allocated", took)
	}
}

func TestAHangEndsWithTheContext(t *testing.T) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	defer inW.Close()
	defer outW.Close()
	go io.Copy(io.Discard, inR)
	c := NewClient(inW, outR)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.Hello(ctx, "test"); err != context.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
	// Late answers are for nobody.
	if _, err := c.Ask(context.Background(), spec.Request{Op: "kl"}); err != context.DeadlineExceeded {
		t.Errorf("asked again: %v", err)
	}
}

func TestADeafProcessEndsWithTheContext(t *testing.T) {
	_, inW := io.Pipe() // nobody reads
	outR, outW := io.Pipe()
	defer outW.Close()
	defer inW.Close()
	c := NewClient(inW, outR)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.Hello(ctx, "test"); err != context.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
}

func TestAClosedStandardInput(t *testing.T) {
	t.Run("alive", func(t *testing.T) {
		inR, inW := io.Pipe()
		inR.Close()
		outR, outW := io.Pipe()
		defer outW.Close()
		c := NewClient(inW, outR)
		_, err := c.Hello(context.Background(), "test")
		var f *Fault
		if !errors.As(err, &f) || f.Kind != IO || !strings.Contains(f.Message, "standard input") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("last words", func(t *testing.T) {
		inR, inW := io.Pipe()
		inR.Close()
		c := NewClient(inW, strings.NewReader("Traceback\n"))
		_, err := c.Hello(context.Background(), "test")
		var f *Fault
		if !errors.As(err, &f) || f.Kind != Protocol || string(f.First) != "Traceback" {
			t.Errorf("got %v", err)
		}
	})
}

func TestWhatDoesNotFit(t *testing.T) {
	c := connect(t, naive{encodings: []string{B64, Hex}})
	big := spec.NewArray("p", spec.F64, 2<<20)
	r := spec.Request{Op: spec.OpEcho, Arrays: []spec.Array{big}}
	for _, encoding := range []string{B64, Hex} {
		c.Encoding = encoding
		if _, err := c.Ask(context.Background(), r); err != ErrNeedsFrame {
			t.Errorf("%s: got %v", encoding, err)
		}
	}
	r.Arrays[0].Shape = []int{3}
	if _, err := c.Ask(context.Background(), r); err == nil || !strings.Contains(err.Error(), "needs 24 bytes") {
		t.Errorf("malformed request: %v", err)
	}
	// None of these has ended the conversation.
	if a := ask(t, c, kl([]float64{1}, []float64{1})); a.Status != spec.OK {
		t.Errorf("afterwards: %+v", a)
	}

	framed := connect(t, naive{})
	r.Arrays[0].Shape = []int{2 << 20}
	if a, ok := ask(t, framed, r).Result(); !ok || len(a.Data) != len(big.Data) {
		t.Errorf("framed: %v", ok)
	}
	framed.Encoding = B64
	small := spec.Request{Op: spec.OpLoad, Key: "a", Arrays: []spec.Array{spec.NewArray("x", spec.U8, 1<<20)}}
	if a := ask(t, framed, small); a.Status != spec.OK {
		t.Errorf("load: %+v", a)
	}
	huge := spec.NewArray("p", spec.U8, 1)
	huge.Data = make([]byte, 1<<20)
	huge.Shape = []int{1 << 20}
	many := make([]spec.Array, 1025)
	for i := range many {
		many[i] = huge
	}
	framed.Encoding = Frame
	if _, err := framed.Ask(context.Background(), spec.Request{Op: spec.OpEcho, Arrays: many}); err != ErrTooLarge {
		t.Errorf("1 GiB and more: %v", err)
	}
}

func TestQuestionsTakeTurns(t *testing.T) {
	c := connect(t, naive{})
	errs := make(chan error)
	for i := range 8 {
		go func() {
			p := float64(i + 1)
			a, err := c.Ask(context.Background(), kl([]float64{p}, []float64{1}))
			if k, ok := a.Result(); err == nil && (!ok || k.Float(0) != p*math.Log(p)) {
				err = fmt.Errorf("question %d was answered %+v", i, a)
			}
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestClosed(t *testing.T) {
	c := connect(t, naive{})
	c.Close()
	if _, err := c.Ask(context.Background(), spec.Request{Op: "kl"}); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("got %v", err)
	}
}

// FuzzReader reads arbitrary bytes: every error is io.EOF or a *Fault, and
// what is read is written and read again unchanged.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"", "\n", "hello\n", greeting, "{}\n", `{"id":1}`, "{\"id\":1,\"op\":\"\xff\"}\n",
		`{"id":7,"op":"kl","bufs":[{"name":"p","dtype":"f64","shape":[1],"b64":"AAAAAAAA8D8="},{"name":"q","dtype":"f64","shape":[1],"hex":["3ff0000000000000"]}],"options":{"base":"2","hue":3}}` + "\n",
		`{"id":7,"op":"echo","bufs":[{"dtype":"u8","shape":[3],"bytes":3}]}` + "\nabc" + `{"id":8,"op":"bye"}` + "\n",
		`{"id":7,"op":"echo","bufs":[{"dtype":"u8","shape":[3],"bytes":9}]}` + "\nabc",
		`{"id":9,"status":"ok","ns":5,"iters":100,"bufs":[{"name":"k","dtype":"f32","shape":[],"hex":["00000000"]}]}` + "\n",
		`{"id":"a","status":"rejected","kind":"domain","message":"p[0] < 0"}` + "\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in := newSource(bytes.NewReader(data))
		for {
			m, _, err := in.next()
			if err != nil {
				var fault *Fault
				if err != io.EOF && !errors.As(err, &fault) {
					t.Fatalf("%T: %v", err, err)
				}
				return
			}
			options, _ := parseOptions(m.Options)
			if text, err := formatOptions(options); err != nil {
				t.Fatal(err)
			} else if again, err := parseOptions(text); err != nil || !reflect.DeepEqual(options, again) {
				t.Fatalf("options %+v became %+v: %v", options, again, err)
			}
			arrays, err := m.arrays()
			if err != nil {
				continue
			}
			for _, encoding := range Encodings {
				text, err := encode(m, arrays, encoding)
				if err != nil {
					continue // longer than what was read
				}
				var wire bytes.Buffer
				if err := send(bufio.NewWriter(&wire), text, arrays, encoding); err != nil {
					t.Fatal(err)
				}
				copied, _, err := newSource(&wire).next()
				if err != nil {
					t.Fatalf("%s: %v", encoding, err)
				}
				if again, err := copied.arrays(); err != nil || !reflect.DeepEqual(arrays, again) {
					t.Fatalf("%s: arrays %v became %v: %v", encoding, arrays, again, err)
				}
			}
		}
	})
}

// BenchmarkOne is one question with one element each way, through pipes of
// this process.
func BenchmarkOne(b *testing.B) {
	for _, encoding := range Encodings {
		b.Run(encoding, func(b *testing.B) {
			c := connect(b, naive{})
			c.Encoding = encoding
			r := kl([]float64{1}, []float64{2})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Ask(context.Background(), r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRows is two vectors of 150 000 float64, answered by one number.
func BenchmarkRows(b *testing.B) {
	p := make([]float64, 150000)
	for _, encoding := range Encodings {
		b.Run(encoding, func(b *testing.B) {
			c := connect(b, naive{})
			c.Encoding = encoding
			r := kl(p, p)
			b.SetBytes(int64(16 * len(p)))
			for b.Loop() {
				if _, err := c.Ask(context.Background(), r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A preparing implementation answers 7 by its prepared call and 8 otherwise.
type preparing struct{ spec.Implementation }

func (preparing) Prepare(r spec.Request) (func() float64, bool) {
	return func() float64 { return 7 }, r.Op == "kl"
}

func (preparing) Answer(context.Context, spec.Request) spec.Answer {
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("result", spec.F64, math.Float64bits(8))}}
}

// What is timed is the prepared call, where there is one, and its number in the format of the
// question is the answer.
func TestBenchOfPreparedCalls(t *testing.T) {
	s := NewSession(preparing{})
	for _, d := range []spec.DType{spec.F64, spec.F32} {
		s.Answer(t.Context(), spec.Request{Op: spec.OpLoad, Key: "a", Arrays: []spec.Array{spec.NewArray("p", d, 3)}})
		for op, want := range map[spec.Op]float64{"kl": 7, "cross_entropy": 8} {
			a := s.Answer(t.Context(), spec.Request{Op: spec.OpBench, Of: op, Keys: []string{"a", "a"}, Iters: 5})
			x, ok := a.Result()
			if !ok || x.Float(0) != want || op == "kl" && x.DType != d || a.Iters != 5 || a.Allocs == nil {
				t.Errorf("%s of %s: %+v", op, d, a)
			}
		}
	}
}
