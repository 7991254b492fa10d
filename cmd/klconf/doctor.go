package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"klconf/conform"
	"klconf/spec"
	"klconf/spec/klap"
)

func doctorCommand() *cobra.Command {
	var scale float64
	cmd := &cobra.Command{
		Use:   "doctor -- CMD ARG…",
		Short: "Tell whether an adapter speaks the protocol, before any mathematics",
		Long: `Doctor starts an adapter and tries framing, flushing, bits, special numbers, large
questions, errors and the end, one sentence and a remedy each. Exit codes: 0 everything is right; 1 something is not; 3 it does not start or
does not say hello.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			names, command, err := split(args, cmd.ArgsLenAtDash())
			switch {
			case err != nil:
				return fmt.Errorf("doctor: %w", err)
			case command == nil || len(names) > 0:
				return errors.New("doctor takes the adapter's command after two dashes: klconf doctor -- ./my-adapter")
			}
			if err := checkTimeout(scale); err != nil {
				return err
			}
			ctx, stop := interruptible(cmd)
			defer stop()
			d := doctor{ctx: ctx, w: cmd.OutOrStdout(), command: command, scale: scale}
			return d.examine().as()
		},
	}
	cmd.Flags().Float64Var(&scale, "timeout", 1, "factor on all time-outs")
	return cmd
}

// A doctor examines one adapter. Each symptom is a sentence and has a remedy.
type doctor struct {
	ctx     context.Context
	w       io.Writer
	command []string
	scale   float64
	patient *patient
	says    spec.Description
	ill     bool
	remedy  string // the last one
	flushes bool   // what it did not answer in time did not come later either
}

// A symptom is what is wrong and what to do about it.
type symptom struct{ what, remedy string }

func (s symptom) Error() string { return s.what }

func wrong(remedy, format string, args ...any) error {
	return symptom{fmt.Sprintf(format, args...), remedy}
}

// An unable error says that a part cannot be examined, which is no fault.
type unable struct{ error }

func (d *doctor) examine() status {
	defer func() { d.patient.kill() }()
	err := d.begin()
	d.tell("starts and says hello", err)
	if err != nil {
		return unstarted
	}
	type part struct {
		name    string
		examine func() error
	}
	parts := []part{{"hello describes it", d.description}}
	for _, l := range losses {
		parts = append(parts, part{l.what, func() error { return d.survives(l) }})
	}
	parts = append(parts, []part{
		{"encodings", d.encodings},
		{"a question", d.question},
		{"the order of bytes in a question", d.asymmetric},
		{"results that may be NaN or infinite", d.specials},
		{"subnormals count in a question", d.environment},
		{"loaded buffers", d.loaded},
		{"an unknown op", d.unknownOp},
		{"an unknown option", d.unknownOption},
		{"vectors of different lengths", d.lengths},
		{"a missing vector", d.missing},
		{"rows of 262144", d.big},
		{"bye", d.bye},
		{"end of input", d.endOfInput},
	}...)
	for _, part := range parts {
		if d.ctx.Err() != nil {
			fmt.Fprintln(d.w, "interrupted")
			return incomplete
		}
		err := d.begin()
		if err == nil {
			err = part.examine()
		}
		d.tell(part.name, err)
		if !d.patient.fit() {
			d.patient.kill()
		}
	}
	if d.ill {
		return nonconforming
	}
	fmt.Fprintln(d.w, "This adapter speaks the protocol; klconf run grades its mathematics.")
	return conforming
}

// tell writes the outcome of one part.
func (d *doctor) tell(name string, err error) {
	var no unable
	var s symptom
	switch {
	case err == nil:
		fmt.Fprintf(d.w, "ok    %s\n", name)
		return
	case errors.As(err, &no):
		fmt.Fprintf(d.w, "-     %s: %v\n", name, err)
		return
	case errors.As(err, &s):
		remedy := s.remedy
		if remedy == d.remedy {
			remedy = "as above"
		}
		d.remedy = s.remedy
		fmt.Fprintf(d.w, "WRONG %s: %s\n      Fix: %s.\n", name, s.what, remedy)
	default:
		fmt.Fprintf(d.w, "WRONG %s: %v\n", name, err)
	}
	d.ill = true
}

// begin starts the adapter unless it is alive, and says hello.
func (d *doctor) begin() error {
	if d.patient.fit() {
		return nil
	}
	d.patient.kill()
	p, err := admit(d.command)
	if err != nil {
		return wrong("give a command that the shell finds too, with its path", "%s cannot be started: %v", quoted(d.command[0]), err)
	}
	d.patient = p
	limit := d.limit(60 * time.Second)
	err = p.during(d.ctx, limit, func(ctx context.Context) (err error) {
		d.says, err = p.client.Hello(ctx, "klconf "+version)
		return err
	})
	if err != nil {
		return d.diagnose(err, "hello", limit)
	}
	return nil
}

func (d *doctor) limit(t time.Duration) time.Duration { return time.Duration(float64(t) * d.scale) }

// diagnose turns a failed conversation into a symptom.
func (d *doctor) diagnose(err error, question string, limit time.Duration) error {
	limit = limit.Round(time.Millisecond)
	late := false
	if errors.Is(err, context.DeadlineExceeded) && !d.flushes {
		late = d.patient.heldBack()
		d.flushes = !late
	}
	end := d.patient.kill()
	var f *klap.Fault
	switch {
	case late:
		return wrong("flush standard output after each answer: print(…, flush=True) in Python, fflush(stdout) in C, and do not wait for the end of the input before answering",
			"no answer to %s within %v, but it came when the input was closed%s", question, limit, end)
	case errors.Is(err, context.DeadlineExceeded):
		return wrong("read one line for each question, with the bytes that it announces, and answer it before reading on; see where it waits or computes for so long",
			"no answer to %s within %v%s", question, limit, end)
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	case (err == errGone || errors.As(err, &f) && f.Kind != klap.Protocol) && question == "hello":
		return wrong("run the command by hand and see why it ends", "it ended before it said hello%s", end)
	case err == errGone || errors.As(err, &f) && f.Kind == klap.EOF && len(f.First) == 0:
		return wrong("answer every question, with status error where something unexpected happens, and stay until bye or the end of the input",
			"it ended instead of answering %s%s", question, end)
	case errors.As(err, &f) && f.Kind != klap.Protocol:
		return wrong("write one whole line of JSON for each answer, then exactly the bytes it announces", "%s, at %s%s", strings.TrimPrefix(f.Error(), "klap: "), question, end)
	case errors.As(err, &f) && numberToken.MatchString(f.Message):
		return wrong("write numbers as bits, in b64, hex or frame: JSON has no NaN and no Infinity", "%s, at %s%s", strings.TrimPrefix(f.Error(), "klap: "), question, end)
	case errors.As(err, &f):
		return wrong("print nothing but answers to standard output, one line of JSON each with the id of its question; everything else goes to standard error",
			"%s, at %s%s", strings.TrimPrefix(f.Error(), "klap: "), question, end)
	}
	return err
}

// numberToken matches what the JSON reader says of NaN, Infinity and -Infinity.
var numberToken = regexp.MustCompile(`invalid character '[NI]'`)

// ask puts one question; an error is a symptom.
func (d *doctor) ask(name string, r spec.Request) (spec.Answer, error) {
	limit := d.limit(10 * time.Second)
	for _, a := range r.Arrays {
		limit += d.limit(time.Duration(len(a.Data)) * time.Second / (4 << 20))
	}
	var a spec.Answer
	err := d.patient.during(d.ctx, limit, func(ctx context.Context) (err error) {
		a, err = d.patient.client.Ask(ctx, r)
		return err
	})
	var f *klap.Fault
	switch {
	case err == nil:
		return a, nil
	case errors.Is(err, klap.ErrNeedsFrame):
		return a, unable{errors.New("the question does not fit one line; offer the encoding frame to be asked large questions")}
	case errors.As(err, &f) && f.InStep:
		return a, wrong("answer with status ok and bufs, rejected, unsupported or error", "%s, at %s", strings.TrimPrefix(f.Error(), "klap: "), name)
	}
	return a, d.diagnose(err, name, limit)
}

// said writes an answer's status with its message.
func said(a spec.Answer) string {
	if a.Message == "" {
		return string(a.Status)
	}
	return fmt.Sprintf("%s (%s)", a.Status, a.Message)
}

func (d *doctor) description() error {
	for _, t := range d.says.DTypes {
		if t.Size() == 0 {
			return wrong(fmt.Sprintf("the dtypes are %v", spec.DTypes), "hello lists the dtype %q", t)
		}
	}
	for _, op := range d.says.Ops {
		if _, _, _, ok := op.Split(); !ok && !slices.Contains([]spec.Op{spec.OpHello, spec.OpLoad, spec.OpDrop, spec.OpEcho, spec.OpBench, spec.OpBye}, op) {
			return wrong("an op is kl, entropy, cross_entropy, js or kl_estimate, with _logits or _logprobs and _rows after it", "hello lists the op %q", op)
		}
	}
	if d.says.Version == "" {
		return wrong("say which version answers, so that a result can be repeated", "hello gives no version")
	}
	if len(d.says.Encodings) > 0 && (!slices.Contains(d.says.Encodings, klap.B64) || !slices.Contains(d.says.Encodings, klap.Hex)) {
		return wrong("list them: b64 and hex are always legal", "hello offers the encodings %v only", d.says.Encodings)
	}
	return nil
}

// formats returns the offered floating-point formats.
func (d *doctor) formats() []spec.DType {
	list := slices.DeleteFunc(slices.Clone(d.says.DTypes), func(t spec.DType) bool { return !t.Float() })
	if len(list) == 0 {
		return []spec.DType{spec.F64}
	}
	return list
}

// A loss is what moving numbers, and not bytes, does to some of them.
type loss struct {
	what   string
	words  func(t spec.DType) []uint64
	remedy string
}

// signOf is the sign bit of a format.
func signOf(t spec.DType) uint64 { return 1 << (8*t.Size() - 1) }

// fractions are the bits of a format below its exponent.
var fractions = map[spec.DType]int{spec.F64: 52, spec.F32: 23, spec.F16: 10, spec.BF16: 7, spec.F8E4M3: 3, spec.F8E5M2: 2}

// losses are told apart by words that suffer one of them only. The last has all the rest:
// decimal text and narrower formats.
var losses = []loss{
	{"the order of bytes survives", func(t spec.DType) []uint64 {
		return []uint64{0x3132333435363738 >> (64 - 8*t.Size())}
	}, "read and write words with the least significant byte first, whatever the machine does: '<f8' in NumPy, LittleEndian in Go"},
	{"the sign of zero survives", func(t spec.DType) []uint64 {
		return []uint64{0, signOf(t)}
	}, "keep -0: move bytes, and do not add 0 to the numbers, convert them to integers or write them as text"},
	{"subnormals survive", func(t spec.DType) (list []uint64) {
		for i := range fractions[t] {
			list = append(list, 1<<i, 1<<i|signOf(t))
		}
		return list
	}, flushed},
	{"NaN and infinity survive", func(t spec.DType) []uint64 {
		nan := signOf(t) - 1 // in every format
		list := []uint64{nan, nan | signOf(t)}
		if inf := nan >> fractions[t] << fractions[t]; math.IsInf(t.Widen(inf), 0) {
			list = append(list, inf, inf|signOf(t))
		}
		return list
	}, "let NaN and infinity pass as they are: move bytes, and do not clean, clip or print the numbers"},
	{"all other bits survive", patterns, "move bytes, not numbers: read the buffer as little-endian bits and write the same bits"},
}

// flushed is the remedy where the environment loses subnormals.
const flushed = "turn off that subnormals count as zero (FTZ and DAZ): do not compile or link with -ffast-math or -Ofast, " +
	"which sets it for the whole process, nor call torch.set_flush_denormal"

// patterns returns every byte repeated over the word, and the neighbours of 1 and of the
// largest word, with both signs.
func patterns(t spec.DType) (list []uint64) {
	sign := signOf(t)
	for _, b := range []uint64{sign>>1 - 1, sign >> 1, sign - 2, sign - 1} {
		list = append(list, b, b|sign)
	}
	for b := range uint64(256) {
		list = append(list, (b*0x0101010101010101)&(sign<<1-1))
	}
	if t == spec.F64 {
		list = append(list, math.Float64bits(0.1))
	}
	return list
}

// survives looks for one loss in each offered format.
func (d *doctor) survives(l loss) error {
	for _, t := range d.formats() {
		if err := d.echo(spec.FromBits("x", t, l.words(t)), l.remedy); err != nil {
			return err
		}
	}
	return nil
}

// echo sends an array and compares what comes back; NaN payloads are never
// required.
func (d *doctor) echo(x spec.Array, remedy string) error {
	a, err := d.ask("echo", spec.Request{Op: spec.OpEcho, Arrays: []spec.Array{x}})
	if err != nil {
		return err
	}
	if a.Status == spec.Unsupported {
		return unable{errors.New("echo is not offered, so that nobody can tell whether bits survive; answer it with the buffer as it came")}
	}
	y, ok := a.Result()
	if !ok {
		return wrong("answer echo with status ok and the one buffer that came", "echo was answered %s with %d buffers", said(a), len(a.Arrays))
	}
	if y.DType != x.DType || !slices.Equal(y.Shape, x.Shape) {
		return wrong("keep dtype and shape of the buffer", "echo of %s %v came back as %s %v", x.DType, x.Shape, y.DType, y.Shape)
	}
	for i := range x.Len() {
		if b, c := x.Bits(i), y.Bits(i); b != c && !(math.IsNaN(x.Float(i)) && math.IsNaN(y.Float(i))) {
			return wrong(remedy, "echo of %s changed %s (%s) to %s (%s)", x.DType,
				spec.HexBits(x.DType, b), spec.Decimal(x.Float(i)), spec.HexBits(x.DType, c), spec.Decimal(y.Float(i)))
		}
	}
	return nil
}

// encodings tries each encoding that is legal with this adapter, and an empty
// buffer in each.
func (d *doctor) encodings() error {
	before := d.patient.client.Encoding
	for _, e := range []string{klap.B64, klap.Hex, klap.Frame} {
		if e == klap.Frame && before != klap.Frame {
			continue
		}
		t := d.formats()[0]
		for _, x := range []spec.Array{spec.FromBits("x", t, patterns(t)), spec.NewArray("x", t, 0)} {
			d.patient.client.Encoding = e
			err := d.echo(x, losses[len(losses)-1].remedy)
			var no unable
			if errors.As(err, &no) {
				err = d.question() // without echo, whether it is understood
			}
			if err != nil {
				var s symptom
				if errors.As(err, &s) {
					s.what = "in the encoding " + e + ", " + s.what
					return s
				}
				return err
			}
		}
	}
	d.patient.client.Encoding = before
	return nil
}

// pair returns two vectors of n and m elements, all ¼.
func (d *doctor) pair(n, m int) []spec.Array {
	t := d.formats()[0]
	quarter := map[spec.DType]uint64{spec.F64: 0x3fd0000000000000, spec.F32: 0x3e800000, spec.F16: 0x3400, spec.BF16: 0x3e80,
		spec.F8E4M3: 0x28, spec.F8E5M2: 0x34}[t]
	return d.vectors(slices.Repeat([]uint64{quarter}, n), slices.Repeat([]uint64{quarter}, m))
}

// vectors returns the arrays of a question from their bits.
func (d *doctor) vectors(p, q []uint64) []spec.Array {
	arrays := []spec.Array{spec.FromBits("p", d.formats()[0], p), spec.FromBits("q", d.formats()[0], q)}
	if d.rows() {
		for i := range arrays {
			arrays[i].Shape = []int{1, arrays[i].Shape[0]}
		}
	}
	return arrays
}

// numbers returns the arrays of a question in f64 or f32, if one is offered first.
func (d *doctor) numbers(p, q []float64) ([]spec.Array, error) {
	t := d.formats()[0]
	words := func(x []float64) (list []uint64) {
		for _, v := range x {
			if t == spec.F32 {
				list = append(list, uint64(math.Float32bits(float32(v))))
			} else {
				list = append(list, math.Float64bits(v))
			}
		}
		return list
	}
	if t != spec.F64 && t != spec.F32 {
		return nil, unable{fmt.Errorf("the first format is %s; it is asked in f64 and f32", t)}
	}
	return d.vectors(words(p), words(q)), nil
}

// op is the divergence as the adapter offers it.
func (d *doctor) op() spec.Op {
	switch {
	case d.rows():
		return "kl_rows"
	case d.says.Offers("kl", "") || len(d.says.Ops) == 0:
		return "kl"
	}
	return d.says.Ops[0]
}

func (d *doctor) rows() bool { return !d.says.Offers("kl", "") && d.says.Offers("kl_rows", "") }

// scalar checks the form of an answer, not its number.
func (d *doctor) scalar(a spec.Answer) error {
	x, ok := a.Result()
	shape := []int{}
	if d.rows() {
		shape = []int{1}
	}
	switch {
	case a.Status != spec.OK:
		return wrong("answer ok with one buffer", "%s of two equal vectors was answered %s", d.op(), said(a))
	case !ok:
		return wrong("answer with the result alone", "%s was answered with %d buffers", d.op(), len(a.Arrays))
	case !slices.Equal(x.Shape, shape):
		return wrong(fmt.Sprintf("the result of %s has the shape %v", d.op(), shape), "%s was answered with the shape %v", d.op(), x.Shape)
	case !x.DType.Float():
		return wrong("give the result in a floating-point format", "%s was answered in %s", d.op(), x.DType)
	}
	return nil
}

// ready says why nothing about the divergence can be asked.
func (d *doctor) ready() error {
	if !d.says.Offers(d.op(), d.formats()[0]) || !strings.HasPrefix(string(d.op()), "kl") {
		return unable{fmt.Errorf("hello offers neither kl nor kl_rows in %s", d.formats()[0])}
	}
	return nil
}

func (d *doctor) question() error {
	if err := d.ready(); err != nil {
		return err
	}
	a, err := d.ask(string(d.op()), spec.Request{Op: d.op(), Arrays: d.pair(4, 4)})
	if err != nil {
		return err
	}
	return d.scalar(a)
}

// about asks for the divergence of two vectors.
func (d *doctor) about(name string, p, q []float64) (spec.Answer, error) {
	if err := d.ready(); err != nil {
		return spec.Answer{}, err
	}
	arrays, err := d.numbers(p, q)
	if err != nil {
		return spec.Answer{}, err
	}
	return d.ask(name, spec.Request{Op: d.op(), Arrays: arrays})
}

// asymmetric looks for swapped bytes where there is no echo to show them. KL of (¼, ¾) and
// (½, ½) is 0.13 nats; the bases, factors and ε in use leave it between 1e-3 and 10.
// With swapped bytes all four numbers are subnormal or beyond 1e30, and so is the result.
func (d *doctor) asymmetric() error {
	a, err := d.about(string(d.op()), []float64{0.25, 0.75}, []float64{0.5, 0.5})
	if err != nil {
		return err
	}
	x, ok := a.Result()
	if !ok || x.Len() != 1 || !x.DType.Float() {
		return nil // that was said of the question before
	}
	plausible := func(v float64) bool { v = math.Abs(v); return v > 1e-3 && v < 10 }
	if v := x.Float(0); !plausible(v) && (math.IsNaN(v) || math.IsInf(v, 0) || math.Abs(v) < 1e-30 || math.Abs(v) > 1e30) {
		remedy, what := losses[0].remedy, "as if the bytes of the inputs were swapped"
		if plausible(x.DType.Widen(bits.ReverseBytes64(x.Bits(0)) >> (64 - 8*x.DType.Size()))) {
			what = "whose bytes are swapped"
		}
		return wrong(remedy, "%s of (0.25, 0.75) and (0.5, 0.5) was answered %s, %s", d.op(), spec.Decimal(v), what)
	}
	return nil
}

// environment looks for subnormal inputs that count as zero. Whatever else the convention
// does to small numbers, an ε say, it does to the least normal number too.
func (d *doctor) environment() error {
	if c := d.says.Convention; c != nil && c.Subnormal == "flushed" {
		return nil
	}
	least := math.Ldexp(1, -1022)
	if d.formats()[0] == spec.F32 {
		least = math.Ldexp(1, -126)
	}
	var said [3]string
	for i, small := range []float64{least, least / 4, 0} {
		a, err := d.about("a question with "+spec.Decimal(small), []float64{0.5, 0.5}, []float64{0.5, small})
		if err != nil {
			return err
		}
		said[i] = string(a.Status)
		if x, ok := a.Result(); ok && x.Len() == 1 && x.DType.Float() {
			said[i] = spec.Decimal(x.Float(0))
		}
	}
	if said[0] != said[2] && said[1] == said[2] {
		return wrong(flushed+`; if it is meant, declare "subnormal":"flushed"`, "%s with q = %s was answered %s, as with q = 0, and with q = %s it is %s",
			d.op(), spec.Decimal(least/4), said[1], spec.Decimal(least), said[0])
	}
	return nil
}

// specials asks what may be answered NaN or infinite, or be refused: in which of these ways
// is for klconf run to judge.
func (d *doctor) specials() error {
	for _, c := range []struct {
		what string
		p, q []float64
	}{
		{"a NaN", []float64{math.NaN(), 0.5}, []float64{0.5, 0.5}},
		{"a zero in q", []float64{0.5, 0.5}, []float64{1, 0}},
	} {
		a, err := d.about("a question with "+c.what, c.p, c.q)
		if err != nil {
			return err
		}
		if a.Status == spec.Errored {
			return wrong(`answer ok with the bits of NaN or infinity, or rejected with kind "domain": error is for surprises`, "%s with %s was answered %s", d.op(), c.what, said(a))
		}
	}
	return nil
}

func (d *doctor) loaded() error {
	if err := d.ready(); err != nil {
		return err
	}
	arrays := d.pair(4, 4)
	for i, key := range []string{"a", "b"} {
		a, err := d.ask("load", spec.Request{Op: spec.OpLoad, Key: key, Arrays: arrays[i : i+1]})
		if err != nil {
			return err
		}
		if a.Status == spec.Unsupported {
			return unable{errors.New("load is not supported, so that changed inputs and aliasing cannot be checked")}
		}
		if a.Status != spec.OK {
			return wrong("store the buffer under the key and answer ok", "load was answered %s", said(a))
		}
	}
	a, err := d.ask(string(d.op()), spec.Request{Op: d.op(), Keys: []string{"a", "b"}})
	if err != nil {
		return err
	}
	if err := d.scalar(a); err != nil {
		return err
	}
	a, err = d.ask("echo", spec.Request{Op: spec.OpEcho, Key: "a"})
	if err != nil {
		return err
	}
	if _, ok := a.Result(); !ok {
		return wrong("answer echo with a key by what is stored under it now", "echo of a loaded buffer was answered %s", said(a))
	}
	for _, key := range []string{"a", "b"} {
		if a, err = d.ask("drop", spec.Request{Op: spec.OpDrop, Key: key}); err != nil {
			return err
		}
		if a.Status != spec.OK {
			return wrong("forget the buffer and answer ok", "drop was answered %s", said(a))
		}
	}
	return nil
}

func (d *doctor) unknownOp() error {
	a, err := d.ask("an unknown op", spec.Request{Op: "no_such_quantity", Arrays: d.pair(2, 2)})
	if err != nil {
		return err
	}
	if a.Status != spec.Unsupported {
		return wrong("answer status unsupported to every op that it does not know", "the op no_such_quantity was answered %s", said(a))
	}
	return nil
}

func (d *doctor) unknownOption() error {
	if err := d.ready(); err != nil {
		return err
	}
	a, err := d.ask("an unknown option", spec.Request{Op: d.op(), Arrays: d.pair(4, 4), Options: spec.Options{Unknown: []string{"no_such_option"}}})
	if err != nil {
		return err
	}
	if a.Status != spec.Unsupported {
		return wrong("answer status unsupported to every option that it does not know: ignoring one answers another question", "the option no_such_option was answered %s", said(a))
	}
	return nil
}

func (d *doctor) lengths() error {
	if err := d.ready(); err != nil {
		return err
	}
	a, err := d.ask("vectors of different lengths", spec.Request{Op: d.op(), Arrays: d.pair(4, 3)})
	if err != nil {
		return err
	}
	declared := d.says.Convention != nil && d.says.Convention.Mismatch != "" && d.says.Convention.Mismatch != "reject"
	switch {
	case a.Status == spec.Errored:
		return wrong(`answer status rejected with kind "length": error is for surprises`, "4 elements against 3 were answered %s", said(a))
	case a.Status == spec.OK && !declared:
		return wrong(`answer status rejected with kind "length", or declare "mismatch" in the convention`, "4 elements against 3 were answered with a number")
	case a.Status == spec.Rejected && a.Kind != spec.KindLength:
		return wrong(`give the kind "length"`, "4 elements against 3 were rejected with the kind %q", a.Kind)
	}
	return nil
}

func (d *doctor) missing() error {
	if err := d.ready(); err != nil {
		return err
	}
	a, err := d.ask("a question without q", spec.Request{Op: d.op(), Arrays: d.pair(4, 4)[:1]})
	if err != nil {
		return err
	}
	if a.Status == spec.OK {
		return wrong("answer status error to a question that lacks an array", "a question without q was answered with a number")
	}
	// It must still be there.
	return d.question()
}

func (d *doctor) big() error {
	p := slices.Repeat([]float64{0x1p-18}, 1<<18) // a pmf, as some refuse what is none
	a, err := d.about(string(d.op()), p, p)
	if err != nil {
		var s symptom
		if errors.As(err, &s) {
			s.remedy = "read whole lines of up to 16 MiB, and all the bytes that a line announces; " + s.remedy
			return s
		}
		return err
	}
	return d.scalar(a)
}

func (d *doctor) bye() error {
	limit := d.limit(10 * time.Second)
	if err := d.patient.during(d.ctx, limit, d.patient.client.Bye); err != nil {
		return d.diagnose(err, "bye", limit)
	}
	return d.leaves("after bye", limit)
}

func (d *doctor) endOfInput() error {
	d.patient.in.Close()
	return d.leaves("at the end of its input", d.limit(10*time.Second))
}

// leaves waits for the adapter to end by itself.
func (d *doctor) leaves(when string, limit time.Duration) error {
	select {
	case <-d.patient.exited:
	case <-d.ctx.Done():
		return errors.New("interrupted")
	case <-time.After(limit):
		d.patient.kill()
		return wrong("exit 0 when bye was answered or the input has ended", "it did not end %s within %v", when, limit)
	}
	// What it started may need a moment to see that it has ended.
	for range 100 {
		if !conform.GroupLeft(d.patient.cmd) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	left := conform.GroupLeft(d.patient.cmd)
	if end := d.patient.kill(); left {
		return wrong("end every process that it has started, and wait for it, before it exits", "%s it left a process of its own running", when)
	} else if !d.patient.cmd.ProcessState.Success() {
		return wrong("exit 0 when bye was answered or the input has ended", "%s it ended otherwise than with exit code 0%s", when, end)
	}
	return nil
}

// A patient is a running adapter.
type patient struct {
	cmd    *exec.Cmd
	in     io.Closer
	out    io.Closer
	client *klap.Client
	heard  atomic.Int64 // bytes of its standard output
	stderr ending
	exited chan struct{}
	gone   bool
}

// heldBack reports whether its standard output comes when its input ends, within three seconds,
// as that of a program does that does not flush. What it wrote last may be read a moment after
// it has ended.
func (p *patient) heldBack() bool {
	before := p.heard.Load()
	p.in.Close()
	limit, exited := time.After(3*time.Second), p.exited
	for p.heard.Load() == before {
		select {
		case <-exited:
			limit, exited = time.After(500*time.Millisecond), nil
		case <-limit:
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	return true
}

// A meter counts what is read.
type meter struct {
	io.Reader
	n *atomic.Int64
}

func (m meter) Read(b []byte) (int, error) {
	n, err := m.Reader.Read(b)
	m.n.Add(int64(n))
	return n, err
}

// admit starts the command in a process group of its own.
func admit(command []string) (*patient, error) {
	p := &patient{cmd: exec.Command(command[0], command[1:]...), exited: make(chan struct{})}
	conform.OwnGroup(p.cmd)
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	// A pipe of our own: Wait closes that of StdoutPipe before its last
	// message is read.
	out, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = w, &p.stderr
	p.cmd.WaitDelay = time.Second
	err = p.cmd.Start()
	w.Close()
	if err != nil {
		out.Close()
		var e *exec.Error
		if errors.As(err, &e) {
			err = e.Err
		}
		return nil, err
	}
	p.in, p.out, p.client = in, out, klap.NewClient(in, meter{out, &p.heard})
	go func() {
		p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

var errGone = errors.New("the process has ended")

// during calls f with a context that ends after the limit, or soon after the process: one of
// its children that holds its output open would hide its end.
func (p *patient) during(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ctx, gone := context.WithCancelCause(ctx)
	defer gone(nil)
	go func() {
		select {
		case <-p.exited:
			time.AfterFunc(200*time.Millisecond, func() { gone(errGone) }) // for its last words
		case <-ctx.Done():
		}
	}()
	err := f(ctx)
	if err != nil && context.Cause(ctx) == errGone {
		return errGone
	}
	return err
}

// fit reports whether the adapter can be asked.
func (p *patient) fit() bool {
	if p == nil || p.gone {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// kill ends the adapter and says how it had ended by itself, if it had, and
// what it wrote last, as the end of a sentence.
func (p *patient) kill() (how string) {
	if p == nil {
		return ""
	}
	killed := false
	if !p.gone {
		p.gone = true
		select {
		case <-p.exited:
		case <-time.After(100 * time.Millisecond): // to die by itself
			killed = true
		}
		conform.KillGroup(p.cmd)
		p.client.Close()
		p.in.Close()
		p.out.Close()
		<-p.exited
	}
	if !killed {
		how = "; " + p.cmd.ProcessState.String()
	}
	if lines := strings.Split(strings.TrimSpace(string(p.stderr)), "\n"); lines[0] != "" {
		how += fmt.Sprintf("; its standard error ends: %q", strings.TrimSpace(lines[len(lines)-1]))
	}
	return how
}

// An ending keeps the end of what is written to it.
type ending []byte

func (e *ending) Write(b []byte) (int, error) {
	*e = append(*e, b...)
	if n := len(*e) - 1<<12; n > 0 {
		*e = append((*e)[:0], (*e)[n:]...)
	}
	return len(b), nil
}
