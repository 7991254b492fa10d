package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/bits"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"klconf/golden"
	"klconf/impl"
	"klconf/spec"
	"klconf/spec/klap"
)

// adapterMain is an adapter with the fault that its first argument names; what is no fault of
// the table is right, or right under a convention. It is started as the command adapter.
func adapterMain() {
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	for _, f := range faults {
		if f.name == name && f.program != nil {
			f.program()
			return
		}
	}
	if err := klap.Serve(os.Stdin, os.Stdout, &faulty{fault: name}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	switch name {
	case "exits-2":
		os.Exit(2)
	case "stays":
		select {}
	}
}

// A fault is a way for an adapter to behave ill, and what is said of it. TestFaults starts
// klconf run, doctor and bench with it.
type fault struct {
	name    string
	program func() // nil: it is in faulty.Answer or adapterMain
	run     verdict
	doctor  verdict
	bench   verdict
	only    []string // what a run is about; nil: lost
	costs   []string // id prefixes of the checks that a run loses; nil: none
	slow    bool     // its time-outs are cut short
}

// A verdict is how a command ends, and a pattern of what it says; without either it is not
// started.
type verdict struct {
	exit int
	says string
}

// lost are all prefixes that TestFaults asks.
var lost = []string{"golden/zero", "golden/special", "golden/lengths"}

var faults = []fault{
	// These do not come to speak.
	{name: "garbage", program: func() {
		fmt.Println("Loading model weights, please wait ...")
		bufio.NewReader(os.Stdin).ReadString('\n')
	}, run: verdict{3, `not run: .*was this a print\?.*Loading model weights`}, doctor: verdict{3, "was this a print"},
		bench: verdict{3, "Loading model weights"}},
	{name: "banner", program: func() { // right, but for one line before
		fmt.Println("numpy 2.4.6")
		klap.Serve(os.Stdin, os.Stdout, &faulty{})
	}, run: verdict{3, `was this a print\?.*numpy 2.4.6`}, doctor: verdict{3, "Fix: print nothing but answers to standard output"}},
	{name: "dies-at-hello", program: func() {
		fmt.Fprintln(os.Stderr, "ModuleNotFoundError: No module named 'scipy'")
		os.Exit(1)
	}, run: verdict{3, "not run: it ended before it said hello: exit status 1; stderr ends: ModuleNotFoundError"},
		doctor: verdict{3, `it ended before it said hello; exit status 1; its standard error ends: "ModuleNotFoundError.*\n.*Fix: run the command by hand`},
		bench:  verdict{3, "ModuleNotFoundError"}},
	{name: "ends-at-once", program: func() {}, run: verdict{3, "it ended before it said hello: exit status 0"}, doctor: verdict{3, "it ended before it said hello"}},
	{name: "deaf", program: func() { select {} }, slow: true, run: verdict{3, "no hello within 3s"}, doctor: verdict{3, "no answer to hello within 3s"}},
	{name: "unflushed", program: func() { // writes when its buffer is full, or at the end
		out := bufio.NewWriterSize(os.Stdout, 1<<16)
		klap.Serve(os.Stdin, keeps{out}, &faulty{})
		out.Flush()
	}, slow: true, run: verdict{3, "no hello within 3s"}, doctor: verdict{3, `but it came when the input was closed.*\n.*Fix: flush standard output after each answer`}},
	{name: "half-a-line", program: func() {
		bufio.NewReader(os.Stdin).ReadString('\n')
		fmt.Print(`{"id":0,"status":"o`)
	}, run: verdict{3, "not run: it ended before it said hello"}, doctor: verdict{3, "it ended before it said hello"}},
	{name: "old-protocol", program: func() {
		talk(func(m map[string]any) any { return reply{"id": m["id"], "status": "ok", "protocol": 7, "name": "old"} })
	}, run: verdict{3, "1 is spoken here"}, doctor: verdict{3, "1 is spoken here"}},
	{name: "nameless", program: func() {
		talk(func(m map[string]any) any { return reply{"id": m["id"], "status": "ok", "protocol": 1} })
	}, run: verdict{3, "hello's answer has no name"}, doctor: verdict{3, "hello's answer has no name"}},
	{name: "latin-1", program: func() {
		fmt.Print("{\"id\":0,\"status\":\"ok\",\"protocol\":1,\"name\":\"Kullback\xe9\"}\n")
		select {}
	}, run: verdict{3, "a line that is not UTF-8"}, doctor: verdict{3, "a line that is not UTF-8"}},
	{name: "endless-hello", program: func() { longLine() },
		run: verdict{3, "a line longer than 16777216 bytes"}, doctor: verdict{3, "a line longer than 16777216 bytes"}, bench: verdict{3, "a line longer"}},

	// These die.
	{name: "dies-on-one", run: verdict{1, "CRASH  golden/lengths/n-33/f64\n.*it died: exit status 9, and again when asked once more"},
		doctor: verdict{0, ""}, costs: []string{"golden/lengths"}},
	{name: "dies-the-first-time", run: verdict{1, "it died: exit status 9, and answered when asked once more"}, doctor: verdict{0, ""}, costs: []string{"golden/lengths"}},
	{name: "killed-on-zero", run: verdict{1, "it died: signal: killed"}, doctor: verdict{1, "WRONG results that may be NaN or infinite: it ended instead of answering a question with a zero in q; signal: killed"},
		costs: []string{"golden/zero", "golden/special"}},
	{name: "dies-on-zero", run: verdict{1, "3 of 3 died under golden/zero"}, doctor: verdict{1, `it ended instead of answering a question with a zero in q; exit status 2; its standard error ends: "panic: zero in q"\n.*Fix: answer every question`},
		costs: []string{"golden/zero", "golden/special"}},
	{name: "dies-on-third", run: verdict{4, "the adapter was restarted 20 times"}, doctor: verdict{1, "Segmentation fault"}, bench: verdict{4, "not timed: .*exit status 7"}, only: []string{"golden"}, costs: []string{"golden"}},
	{name: "dies-on-an-unknown-op", program: hearing(func(line []byte) []byte {
		if bytes.Contains(line, []byte("no_such_quantity")) {
			panicOut("KeyError: no_such_quantity")
		}
		return line
	}), doctor: verdict{1, "WRONG an unknown op: it ended instead of answering an unknown op"}, run: verdict{0, "conforming"}},
	{name: "dies-on-a-missing-vector", doctor: verdict{1, `WRONG a missing vector: it ended instead of answering a question without q; exit status 2; .*IndexError`}, run: verdict{0, "conforming"}},
	{name: "does-not-start-again", run: verdict{4, "it could not be restarted: it ended before it said hello: exit status 1"}, costs: lost},
	{name: "eats-memory", run: verdict{1, "it died: exit status 2; stderr ends: .*and again when asked once more"}, costs: []string{"golden/lengths"}},
	{name: "closes-its-output", run: verdict{1, "it died: exit status 0|it died: signal: killed"}, doctor: verdict{1, "it ended instead of answering kl"}, costs: lost},

	// These do not answer.
	{name: "hangs", slow: true, run: verdict{1, "TIMEOUT  golden/zero"}, doctor: verdict{1, "WRONG a question: no answer to kl within 500ms\n.*Fix: read one line for each question"}, bench: verdict{4, "no answer within"}, costs: lost},
	{name: "hangs-on-zero", slow: true, run: verdict{1, "TIMEOUT  golden/zero/q0/f64"}, doctor: verdict{1, "no answer to a question with a zero in q"}, costs: []string{"golden/zero", "golden/special"}},
	{name: "deaf-to-large", program: func() { klap.Serve(&deafened{}, os.Stdout, &faulty{fault: "lines"}) }, slow: true, run: verdict{0, "conforming"}, doctor: verdict{1, "WRONG rows of 262144: no answer to kl"}},
	{name: "short-lines", program: shortLines, run: verdict{0, "conforming"}, doctor: verdict{1, "WRONG rows of 262144: it ended.*token too long.*\n.*Fix: read whole lines of up to 16 MiB"}},
	{name: "half-an-answer", slow: true, program: broken(func(id any) { fmt.Printf(`{"id":%v,"status":"o`, id); select {} }),
		run: verdict{1, "no answer within"}, doctor: verdict{1, "no answer to kl"}, costs: lost},
	{name: "short-frame", slow: true, program: framed(4), run: verdict{1, "no answer within"}, doctor: verdict{1, "no answer to kl"}, costs: lost},

	// These speak another language.
	{name: "prints-on-zero", run: verdict{1, `PROTOCOL-ERROR  golden/zero/q0/f64\n.*first bytes: "RuntimeWarning: divide by zero"`},
		doctor: verdict{1, "RuntimeWarning: divide by zero.*\n.*Fix: print nothing but answers"}, costs: []string{"golden/zero", "golden/special"}},
	{name: "prints-after", program: func() { klap.Serve(os.Stdin, &talkative{}, &faulty{}) }, run: verdict{1, `PROTOCOL-ERROR .*\n.*first bytes: "done"`}, doctor: verdict{1, "Fix: print nothing but answers"}, costs: lost},
	{name: "answers-twice", program: func() {
		talk(func(m map[string]any) any {
			if m["op"] == "kl" {
				fmt.Printf("{\"id\":%v,\"status\":\"unsupported\"}\n", m["id"])
			}
			return simple(m)
		})
	}, run: verdict{1, "a second answer with id"}, doctor: verdict{1, "a second answer with id"}, costs: lost},
	{name: "wrong-ids", program: broken(func(id any) {
		fmt.Printf(`{"id":%v,"status":"ok","bufs":[{"dtype":"f64","shape":[],"hex":["0000000000000000"]}]}`+"\n", id.(float64)+1)
	}), run: verdict{1, "an answer with id"}, doctor: verdict{1, "WRONG a question: an answer with id"}, bench: verdict{4, "an answer with id"}, costs: lost},
	{name: "ids-in-quotes", program: broken(func(id any) { fmt.Printf(`{"id":"%v","status":"unsupported"}`+"\n", id) }),
		run: verdict{1, `id "[0-9]+", which is not a number`}, doctor: verdict{1, "which is not a number"}, costs: lost},
	{name: "decimal", program: broken(func(id any) { fmt.Printf(`{"id":%v,"status":"ok","value":0.25}`+"\n", id) }),
		run: verdict{1, "FAIL"}, doctor: verdict{1, "kl was answered with 0 buffers"}, bench: verdict{4, "the question was answered ok"}, costs: lost},
	{name: "nan-token", program: broken(func(id any) { fmt.Printf(`{"id":%v,"status":"ok","value":NaN}`+"\n", id) }),
		run: verdict{1, "invalid character 'N'"}, doctor: verdict{1, "Fix: write numbers as bits.*JSON has no NaN"}, costs: lost},
	{name: "lines-of-json", program: broken(func(id any) { fmt.Printf("{\n  \"id\": %v,\n  \"status\": \"unsupported\"\n}\n", id) }),
		run: verdict{1, "a line that is not JSON"}, doctor: verdict{1, "Fix: print nothing but answers to standard output, one line of JSON each"}, costs: lost},
	{name: "unknown-status", program: broken(func(id any) { fmt.Printf(`{"id":%v,"status":"OK"}`+"\n", id) }),
		run: verdict{1, `status "OK", which is none of`}, doctor: verdict{1, `status "OK"`}, costs: lost},
	{name: "short-buffer", program: broken(func(id any) {
		fmt.Printf(`{"id":%v,"status":"ok","bufs":[{"name":"kl","dtype":"f64","shape":[],"b64":"AAAA"}]}`+"\n", id)
	}), run: verdict{1, `buffer "kl": .*needs 8 bytes, got 3`}, doctor: verdict{1, "needs 8 bytes, got 3"}, bench: verdict{4, "needs 8 bytes, got 3"}, costs: lost},
	{name: "long-frame", program: framed(16), run: verdict{1, "did more or fewer raw bytes follow"}, doctor: verdict{1, "did more or fewer raw bytes follow"}, costs: lost},
	{name: "long-line", program: broken(func(any) { longLine() }), run: verdict{1, "a line longer than 16777216 bytes"}, doctor: verdict{1, "a line longer than 16777216 bytes"}, bench: verdict{4, "a line longer"}, costs: lost},
	{name: "many-buffers", program: broken(func(id any) {
		fmt.Printf(`{"id":%v,"status":"ok","bufs":[{}%s]}`+"\n", id, strings.Repeat(",{}", 1<<20))
	}), run: verdict{1, "a message has at most 64"}, doctor: verdict{1, "a message has at most 64"}, costs: lost},
	{name: "shape", run: verdict{1, `the result has shape \[1\], not \[\]`}, doctor: verdict{1, `Fix: the result of kl has the shape \[\]`}, costs: lost},
	{name: "error-on-length", run: verdict{0, "conforming"}, doctor: verdict{1, `answer status rejected with kind "length"`}},
	{name: "error-on-nan", run: verdict{1, "it answered error"}, doctor: verdict{1, "with a NaN was answered error"}, costs: []string{"golden/special"}},
	{name: "no-version", run: verdict{0, "conforming"}, doctor: verdict{1, "hello gives no version"}},
	{name: "ignores-options", program: hearing(func(line []byte) []byte {
		return bytes.ReplaceAll(line, []byte(`"options":{"no_such_option":true}`), []byte(`"options":{}`))
	}), run: verdict{0, "conforming"}, doctor: verdict{1, "the option no_such_option was answered ok"}},

	// These change numbers on the way.
	{name: "flips-zero", program: lossy(func(w uint64) uint64 { return math.Float64bits(math.Float64frombits(w) + 0) }),
		doctor: verdict{1, "WRONG the sign of zero survives: echo of f64 changed 8000000000000000 \\(-0\\) to 0000000000000000.*\n.*Fix: keep -0"}},
	{name: "flushes", program: lossy(flush), doctor: verdict{1, "WRONG subnormals survive: echo of f64 changed 0000000000000001 \\(5e-324\\) to 0000000000000000 \\(0\\)\n.*Fix: turn off.*FTZ and DAZ"}},
	{name: "big-endian", program: lossy(bits.ReverseBytes64), doctor: verdict{1, "WRONG the order of bytes survives: echo of f64 changed 3132333435363738 .* to 3837363534333231.*\n.*Fix: read and write words with the least significant byte first"}},
	{name: "cleans-nan", program: lossy(func(w uint64) uint64 {
		if v := math.Float64frombits(w); v != v {
			return 0
		}
		return w
	}), doctor: verdict{1, "WRONG NaN and infinity survive: echo of f64 changed 7fffffffffffffff .* to 0000000000000000"}},
	{name: "narrows", program: lossy(func(w uint64) uint64 { return math.Float64bits(float64(float32(math.Float64frombits(w)))) }),
		doctor: verdict{1, "WRONG all other bits survive: echo of f64 changed"}},
	{name: "big-endian-inputs", run: verdict{1, "FAIL"}, doctor: verdict{1, "WRONG the order of bytes in a question: kl .* as if the bytes of the inputs were swapped"}, costs: lost},
	{name: "big-endian-results", run: verdict{1, "FAIL"}, doctor: verdict{1, "WRONG the order of bytes in a question: kl .* whose bytes are swapped"}, costs: lost},
	{name: "flushed-environment", run: verdict{1, "FAIL"}, doctor: verdict{1, "WRONG subnormals count in a question: kl with q = 5.562684646268003e-309 was answered .Inf, as with q = 0.*\n.*Fix: turn off"},
		costs: []string{"golden/special", "golden/zero"}},

	// These misbehave beside their answers.
	{name: "noisy", program: func() { // floods standard error
		go func() {
			for {
				fmt.Fprintln(os.Stderr, strings.Repeat("debug ", 1000))
			}
		}()
		klap.Serve(os.Stdin, os.Stdout, &faulty{})
	}, run: verdict{0, "conforming"}, doctor: verdict{0, ""}},
	{name: "starts-slowly", program: func() {
		time.Sleep(300 * time.Millisecond)
		klap.Serve(os.Stdin, os.Stdout, &faulty{})
	}, run: verdict{0, "conforming"}, doctor: verdict{0, ""}},
	{name: "leaks", run: verdict{0, "conforming"}, doctor: verdict{0, ""}},
	{name: "reaps-nothing", program: func() { // its children end and stay zombies
		for range 5 {
			child("true")
		}
		klap.Serve(os.Stdin, os.Stdout, &faulty{})
	}, run: verdict{0, "conforming"}, doctor: verdict{0, ""}},
	{name: "exits-2", run: verdict{0, "conforming"}, doctor: verdict{1, "after bye it ended otherwise than with exit code 0; exit status 2"}},
	{name: "stays", slow: true, run: verdict{0, "conforming"}, doctor: verdict{1, "WRONG bye: it did not end after bye"}},
	{name: "leaves-a-child", program: func() {
		child("sleep", "600")
		klap.Serve(os.Stdin, os.Stdout, &faulty{})
	}, run: verdict{0, "conforming"}, doctor: verdict{1, "WRONG bye: after bye it left a process of its own running"}},
	{name: "leaves-a-daemon", program: func() { // outside its process group
		child("setsid", "sleep", "600")
		klap.Serve(os.Stdin, os.Stdout, &faulty{})
	}, run: verdict{0, "conforming"}},
	{name: "dies-and-its-child-holds-the-pipes", run: verdict{1, "it died: exit status 9"}, costs: []string{"golden/lengths"}},

	// These lie about time.
	{name: "bench-is-constant", program: lying(func(m map[string]any) { time.Sleep(2 * time.Millisecond); m["ns"] = 2_000_000 }), bench: verdict{4, "time does not grow with the iterations"}},
	{name: "bench-says-less", program: lying(func(m map[string]any) { m["ns"] = int(m["ns"].(float64)/3) + 1 }), bench: verdict{4, "bench says less than half of the time"}},
	{name: "bench-says-more", program: lying(func(m map[string]any) { m["ns"] = 1_000_000_000 }), bench: verdict{4, "bench says that it took .* and .* passed meanwhile"}},
	{name: "bench-does-fewer", program: lying(func(m map[string]any) { m["iters"] = m["iters"].(float64) + 1 }), bench: verdict{4, "iterations and says that it did"}},
	{name: "bench-says-nothing", program: lying(func(m map[string]any) { m["ns"] = 0 }), bench: verdict{4, "calls took 0 ns"}},
	{name: "bench-gives-another", program: lying(func(m map[string]any) { m["bufs"].([]any)[0].(map[string]any)["b64"] = "AAAAAAAA8D8=" }), bench: verdict{4, `bench gives \[.*\], and the question was answered`}},
	{name: "bench-dies", program: lying(func(m map[string]any) { os.Exit(7) }), bench: verdict{4, "bench was answered crash: exit status 7"}},
	{name: "bench-hangs", program: lying(func(m map[string]any) { select {} }), slow: true, bench: verdict{4, "bench was answered timeout"}},
}

// A faulty implementation is the reference in float64, unless the fault says
// otherwise.
type faulty struct {
	fault string
	asked int
	kept  [][]byte
}

func (f *faulty) Describe() spec.Description {
	yes, no := true, false
	d := spec.Description{Name: "faulty", Version: "1.0", Ops: []spec.Op{"kl"}, DTypes: []spec.DType{spec.F64}, Deterministic: &yes}
	switch f.fault {
	case "bits", "clip", "swapped":
	case "declared-bits":
		d.Convention = &spec.Convention{Complete: true, Base: "2"}
	default:
		d.Convention = &spec.Convention{Complete: true, Generalised: &no}
	}
	switch f.fault {
	case "no-version":
		d.Version = ""
	case "lines":
		d.Encodings = []string{klap.B64, klap.Hex}
	case "does-not-start-again":
		if !first("started") {
			os.Exit(1)
		}
	}
	return d
}

func (f *faulty) Answer(_ context.Context, r spec.Request) spec.Answer {
	if r.Op != "kl" {
		return spec.Answer{Status: spec.Unsupported, Message: "only kl"}
	}
	if o := r.Options; o.Base != "" || o.ResultDType != "" || o.Reduction != "" || o.Grad != "" {
		return spec.Answer{Status: spec.Unsupported, Message: "no options"}
	}
	if len(r.Arrays) != 2 {
		if f.fault == "dies-on-a-missing-vector" {
			panicOut("IndexError: list index out of range")
		}
		return spec.Answer{Status: spec.Errored, Message: "two arrays are needed"}
	}
	if r.Arrays[0].Len() != r.Arrays[1].Len() {
		if f.fault == "error-on-length" {
			return spec.Answer{Status: spec.Errored, Message: "ValueError: operands could not be broadcast"}
		}
		return spec.Answer{Status: spec.Rejected, Kind: spec.KindLength, Message: "different lengths"}
	}
	f.asked++
	p, q := r.Arrays[0].Floats(), r.Arrays[1].Floats()
	switch f.fault {
	case "dies-on-third", "does-not-start-again":
		if f.asked == 3 {
			fmt.Fprintln(os.Stderr, "Segmentation fault (simulated)")
			os.Exit(7)
		}
	case "dies-on-one", "dies-the-first-time", "dies-and-its-child-holds-the-pipes", "eats-memory":
		if !theOne(r) {
			break
		}
		switch f.fault {
		case "dies-the-first-time":
			if !first("died") {
				break
			}
			os.Exit(9)
		case "dies-and-its-child-holds-the-pipes":
			child("sleep", "600")
			os.Exit(9)
		case "eats-memory":
			eatMemory()
		default:
			os.Exit(9)
		}
	case "dies-on-zero", "killed-on-zero", "hangs-on-zero", "prints-on-zero":
		for i := range p {
			if p[i] > 0 && q[i] == 0 {
				switch f.fault {
				case "dies-on-zero":
					panicOut("zero in q")
				case "killed-on-zero":
					killSelf()
				case "hangs-on-zero":
					time.Sleep(time.Hour)
				default:
					fmt.Println("RuntimeWarning: divide by zero")
				}
			}
		}
	case "error-on-nan":
		if slices.ContainsFunc(p, math.IsNaN) {
			return spec.Answer{Status: spec.Errored, Message: "ValueError: NaN"}
		}
	case "hangs":
		time.Sleep(time.Hour)
	case "closes-its-output":
		os.Stdout.Close()
		time.Sleep(time.Hour)
	case "leaks":
		f.kept = append(f.kept, bytes.Repeat([]byte("x"), 64<<10))
	case "slow":
		time.Sleep(2 * time.Millisecond)
		if f.asked == 200 {
			os.WriteFile("asked", nil, 0o666)
		}
	case "big-endian-inputs":
		change(bits.ReverseBytes64, p, q)
	case "flushed-environment":
		change(flush, p, q)
	}
	v := impl.KL(p, q)
	switch f.fault {
	case "swapped":
		v = impl.KL(q, p)
	case "bits", "declared-bits":
		v /= math.Ln2
	case "clip":
		for i := range p {
			p[i], q[i] = min(max(p[i], 1e-7), 1), min(max(q[i], 1e-7), 1)
		}
		v = impl.KL(p, q)
	case "wrong-once":
		if theOne(r) {
			v = 1
		}
	case "big-endian-results":
		v = math.Float64frombits(bits.ReverseBytes64(math.Float64bits(v)))
	case "shape":
		return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Float64s("result", []float64{v})}}
	}
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("result", spec.F64, math.Float64bits(v))}}
}

// change replaces the bits of all numbers.
func change(f func(uint64) uint64, vectors ...[]float64) {
	for _, x := range vectors {
		for i := range x {
			x[i] = math.Float64frombits(f(math.Float64bits(x[i])))
		}
	}
}

// first reports whether nobody has asked this before in the working folder.
func first(name string) bool {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL, 0o666)
	f.Close()
	return err == nil
}

// eatMemory allocates until the system, which is told to be strict, ends the process.
func eatMemory() {
	limit := syscall.Rlimit{Cur: 4 << 30, Max: 4 << 30}
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &limit); err != nil {
		panicOut(err.Error())
	}
	fmt.Fprintln(os.Stderr, len(make([]byte, 1<<34)))
}

// killSelf dies by a signal.
func killSelf() {
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	time.Sleep(time.Hour)
}

// theOne recognises the question of golden/lengths/n-33/f64.
func theOne(r spec.Request) bool {
	v, ok := golden.Lookup("golden/lengths/n-33/f64")
	if !ok {
		panic("the vector is gone")
	}
	one := v.Request()
	return bytes.Equal(one.Arrays[0].Data, r.Arrays[0].Data) && bytes.Equal(one.Arrays[1].Data, r.Arrays[1].Data)
}

// panicOut ends the process as an uncaught exception does.
func panicOut(why string) {
	fmt.Fprintln(os.Stderr, "panic:", why)
	os.Exit(2)
}

type reply map[string]any

func hello(m map[string]any) any {
	return reply{"id": m["id"], "status": "ok", "protocol": 1, "name": "raw", "version": "1", "ops": []string{"kl"}, "dtypes": []string{"f64"},
		"encodings": []string{"frame", "b64", "hex"}}
}

// simple says hello and offers nothing.
func simple(m map[string]any) any {
	switch m["op"] {
	case "hello":
		return hello(m)
	case "bye", "load", "drop":
		return reply{"id": m["id"], "status": "ok"}
	}
	return reply{"id": m["id"], "status": "unsupported"}
}

// broken is an adapter that answers kl with what f prints, and knows nothing else.
func broken(f func(id any)) func() {
	return func() {
		talk(func(m map[string]any) any {
			if m["op"] != "kl" {
				return simple(m)
			}
			f(m["id"])
			return nil
		})
	}
}

// framed answers kl with a frame that has another length than it announces, eight bytes.
func framed(bytes int) func() {
	return broken(func(id any) {
		fmt.Printf(`{"id":%v,"status":"ok","bufs":[{"name":"kl","dtype":"f64","shape":[],"bytes":8}]}`+"\n%s", id, make([]byte, bytes))
	})
}

// lossy is an adapter whose echo changes each word, and which knows nothing else.
func lossy(change func(uint64) uint64) func() {
	return func() {
		talk(func(m map[string]any) any {
			if m["op"] != "echo" {
				return simple(m)
			}
			for _, b := range m["bufs"].([]any) {
				buf := b.(map[string]any)
				var data []byte
				switch {
				case buf["raw"] != nil:
					data = buf["raw"].([]byte)
				case buf["b64"] != nil:
					data, _ = base64.StdEncoding.DecodeString(buf["b64"].(string))
				default:
					for _, word := range buf["hex"].([]any) {
						v, _ := strconv.ParseUint(word.(string), 16, 64)
						data = binary.LittleEndian.AppendUint64(data, v)
					}
				}
				for word := range slices.Chunk(data, 8) {
					binary.LittleEndian.PutUint64(word, change(binary.LittleEndian.Uint64(word)))
				}
				delete(buf, "raw")
				delete(buf, "bytes")
				delete(buf, "hex")
				buf["b64"] = base64.StdEncoding.EncodeToString(data)
			}
			return reply{"id": m["id"], "status": "ok", "bufs": m["bufs"]}
		})
	}
}

// flush makes subnormals zeros of their sign, as FTZ and DAZ do.
func flush(w uint64) uint64 {
	if w<<1>>53 == 0 {
		return w & (1 << 63)
	}
	return w
}

// longLine prints 100 MB without a line feed, and then one.
func longLine() {
	out := bufio.NewWriter(os.Stdout)
	for range 100 {
		if _, err := out.WriteString(strings.Repeat("x", 1_000_000)); err != nil {
			os.Exit(1)
		}
	}
	out.WriteString("\n")
	out.Flush()
}

// keeps passes everything to a buffer that nobody flushes.
type keeps struct{ w *bufio.Writer }

func (k keeps) Write(b []byte) (int, error) { return k.w.Write(b) }

// child starts a program that inherits the pipes and is never waited for.
func child(name string, args ...string) {
	cmd := exec.Command(name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		panicOut(err.Error())
	}
}

// hearing is a right adapter that hears what f makes of each line.
func hearing(f func(line []byte) []byte) func() {
	return func() {
		in := bufio.NewReader(os.Stdin)
		r, w := io.Pipe()
		go func() {
			for {
				line, err := in.ReadBytes('\n')
				w.Write(f(line))
				if err != nil {
					w.Close()
					return
				}
			}
		}()
		klap.Serve(r, os.Stdout, &faulty{fault: "lines"})
	}
}

// deafened is standard input that is not read on within a line of more than a megabyte.
type deafened struct{ line int }

func (d *deafened) Read(b []byte) (int, error) {
	if d.line > 1<<20 {
		select {}
	}
	n, err := os.Stdin.Read(b)
	d.line += n
	if i := bytes.LastIndexByte(b[:n], '\n'); i >= 0 {
		d.line = n - i
	}
	return n, err
}

// lying is a right adapter whose answers to bench are changed.
func lying(f func(answer map[string]any)) func() {
	return func() {
		r, w := io.Pipe()
		go func() {
			klap.Serve(os.Stdin, w, &faulty{fault: "lines"})
			w.Close()
		}()
		in := bufio.NewReader(r)
		for {
			line, err := in.ReadBytes('\n')
			if err != nil {
				return
			}
			var m map[string]any
			if json.Unmarshal(line, &m) == nil && m["ns"] != nil {
				f(m)
				line, _ = json.Marshal(m)
				line = append(line, '\n')
			}
			os.Stdout.Write(line)
		}
	}
}

// talkative prints after each answer but that to hello.
type talkative struct{ written int }

func (t *talkative) Write(b []byte) (int, error) {
	n, err := os.Stdout.Write(b)
	if t.written++; t.written > 1 {
		fmt.Println("done")
	}
	return n, err
}

// shortLines reads with a scanner, which has lines of 64 KiB at most.
func shortLines() {
	in := bufio.NewScanner(os.Stdin)
	r, w := io.Pipe()
	go func() {
		for in.Scan() {
			fmt.Fprintf(w, "%s\n", in.Bytes())
		}
		if err := in.Err(); err != nil {
			panicOut(err.Error())
		}
		w.Close()
	}()
	klap.Serve(r, os.Stdout, &faulty{fault: "lines"})
}

// talk answers each line; nil is no answer.
func talk(answer func(map[string]any) any) {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var m map[string]any
		if json.Unmarshal(line, &m) != nil {
			os.Exit(1)
		}
		if bufs, ok := m["bufs"].([]any); ok {
			for _, b := range bufs {
				buf := b.(map[string]any)
				if n, ok := buf["bytes"].(float64); ok {
					raw := make([]byte, int(n))
					if _, err := io.ReadFull(in, raw); err != nil {
						os.Exit(1)
					}
					buf["raw"] = raw
				}
			}
		}
		if a := answer(m); a != nil {
			b, err := json.Marshal(a)
			if err != nil {
				os.Exit(1)
			}
			fmt.Printf("%s\n", b)
		}
		if m["op"] == "bye" {
			return
		}
	}
}
