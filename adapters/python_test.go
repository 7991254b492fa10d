package adapters

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"klconf/spec"
	"klconf/spec/klap"
)

// A live is an adapter process with a client.
type live struct {
	*klap.Client
	t      *testing.T
	hello  spec.Description
	cmd    *exec.Cmd
	stderr *bytes.Buffer
}

func (l *live) ask(r spec.Request) spec.Answer {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	a, err := l.Ask(ctx, r)
	if err != nil {
		l.t.Fatalf("%s: %v\n%s", r.Op, err, l.stderr)
	}
	return a
}

func (l *live) want(r spec.Request, status spec.AnswerStatus, kind, message string) {
	l.t.Helper()
	if a := l.ask(r); a.Status != status || a.Kind != kind || !strings.Contains(a.Message, message) {
		l.t.Errorf("%s %+v: %s %q %q, want %s %q %q", r.Op, r.Options, a.Status, a.Kind, a.Message, status, kind, message)
	}
}

func (l *live) value(r spec.Request, want float64) {
	l.t.Helper()
	a := l.ask(r)
	got, ok := a.Result()
	switch {
	case !ok:
		l.t.Errorf("%s: %s %s, want %v", r.Op, a.Status, a.Message, want)
	case got.DType != r.Arrays[0].DType.ResultDType():
		l.t.Errorf("%s of %s: a result in %s", r.Op, r.Arrays[0].DType, got.DType)
	case got.Len() != 1 || !near(got.Float(0), want, got.DType):
		l.t.Errorf("%s of %s: %v, want %v", r.Op, r.Arrays[0].DType, got.Floats(), want)
	}
}

// near allows for the mathematical functions of another processor.
func near(got, want float64, d spec.DType) bool {
	u := map[spec.DType]float64{spec.F64: 0x1p-50, spec.F32: 0x1p-21}[d]
	return got == want || math.IsNaN(got) && math.IsNaN(want) || math.Abs(got-want) <= u*math.Abs(want)
}

// required reports whether KLCONF_REQUIRE_ADAPTERS, names with commas, demands
// that an adapter is tested.
func required(tool string) bool {
	return slices.Contains(strings.Split(os.Getenv("KLCONF_REQUIRE_ADAPTERS"), ","), tool)
}

// start sets the adapter up, if it can be, and starts an entry.
func start(t *testing.T, m Manifest, e Entry, o Options) *live {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: no foreign tool is started")
	}
	var said bytes.Buffer
	if err := Setup(t.Context(), m, &said, o); err != nil {
		if os.Getenv("CI") == "true" || required(m.Name) {
			t.Fatalf("%v\n%s", err, &said)
		}
		t.Skipf("not tested here: %v", err)
	}
	argv, _, err := Command(m, e, o)
	if err != nil {
		t.Fatal(err)
	}
	l := &live{t: t, cmd: exec.Command(argv[0], argv[1:]...), stderr: new(bytes.Buffer)}
	l.cmd.Stderr = l.stderr
	in, err := l.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l.Client = klap.NewClient(in, out)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute) // TensorFlow on a busy machine
	defer cancel()
	if l.hello, err = l.Hello(ctx, "test"); err != nil {
		l.cmd.Process.Kill()
		l.cmd.Wait()
		t.Fatalf("hello: %v\n%s", err, l.stderr)
	}
	t.Logf("%s said hello after %v", l.hello.Name, time.Since(begin).Round(time.Millisecond))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := l.Bye(ctx); err != nil {
			t.Errorf("bye: %v", err)
			l.cmd.Process.Kill()
		}
		if err := l.cmd.Wait(); err != nil {
			t.Errorf("after bye: %v\n%s", err, l.stderr)
		}
	})
	return l
}

func startByName(t *testing.T, name string) *live {
	t.Helper()
	m, entries, err := Find(all(t), name)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%s: %d entries, %v", name, len(entries), err)
	}
	l := start(t, m, entries[0], Options{})
	if l.hello.Name != name || !slices.Contains(slices.Collect(maps.Values(m.Packages)), l.hello.Version) || l.hello.Convention == nil {
		t.Errorf("hello: %+v", l.hello)
	}
	for p, version := range m.Packages {
		if l.hello.Packages[p] != version {
			t.Errorf("hello: %s %q, want %s", p, l.hello.Packages[p], version)
		}
	}
	return l
}

// pair is a question about two vectors, in format d.
func pair(op spec.Op, d spec.DType, p, q []float64) spec.Request {
	r := spec.Request{Op: op}
	for i, x := range [][]float64{p, q} {
		if x == nil {
			continue
		}
		bits := make([]uint64, len(x))
		for j, v := range x {
			bits[j] = narrow(d, v)
		}
		r.Arrays = append(r.Arrays, spec.FromBits(string("pq"[i]), d, bits))
	}
	return r
}

// narrow finds the bits of a number that the format holds.
func narrow(d spec.DType, v float64) uint64 {
	switch d {
	case spec.F64:
		return math.Float64bits(v)
	case spec.F32:
		return uint64(math.Float32bits(float32(v)))
	}
	for bits := range uint64(1) << 16 {
		x := d.Widen(bits)
		if x == v && math.Signbit(x) == math.Signbit(v) || math.IsNaN(x) && math.IsNaN(v) {
			return bits
		}
	}
	panic(fmt.Sprintf("%v is not a number of %s", v, d))
}

var (
	seedP = []float64{.2, .5, .3}
	seedQ = []float64{.1, .6, .3}
	half  = []float64{.5, .5}
	inf   = math.Inf(1)
)

// verbs tries what is the same for every adapter with one of our helpers.
func verbs(l *live, want float64) {
	t := l.t
	t.Helper()
	seed := pair("kl", spec.F64, seedP, seedQ)
	p, q := seed.Arrays[0], seed.Arrays[1]
	for _, encoding := range []string{klap.Hex, klap.B64, klap.Frame} {
		l.Encoding = encoding
		l.value(seed, want)
		for _, d := range spec.DTypes {
			x := spec.NewArray("x", d, 2, 3)
			for i := range x.Data {
				x.Data[i] = byte(0xf1 + 3*i)
			}
			a := l.ask(spec.Request{Op: spec.OpEcho, Arrays: []spec.Array{x}})
			if y, ok := a.Result(); !ok || !bytes.Equal(y.Data, x.Data) || y.DType != d || fmt.Sprint(y.Shape) != "[2 3]" || y.Name != "x" {
				t.Errorf("echo of %s in %s: %v", d, encoding, a)
			}
		}
	}
	l.want(spec.Request{Op: spec.OpLoad, Key: "a", Arrays: []spec.Array{p}}, spec.OK, "", "")
	l.want(spec.Request{Op: spec.OpLoad, Key: "b", Arrays: []spec.Array{q}}, spec.OK, "", "")
	keyed := spec.Request{Op: "kl", Keys: []string{"a", "b"}}
	if x, ok := l.ask(keyed).Result(); !ok || !near(x.Float(0), want, spec.F64) {
		t.Errorf("kl by keys: %v", x)
	}
	if x, ok := l.ask(spec.Request{Op: "kl", Keys: []string{"a", "a"}}).Result(); !ok || x.Float(0) != 0 {
		t.Errorf("kl of one array twice: %v", x)
	}
	if x, ok := l.ask(spec.Request{Op: spec.OpEcho, Key: "a"}).Result(); !ok || !bytes.Equal(x.Data, p.Data) {
		t.Errorf("echo of what is loaded: %v", x)
	}
	begin := time.Now()
	b := l.ask(spec.Request{Op: spec.OpBench, Of: "kl", Keys: []string{"a", "b"}, Iters: 20})
	if x, ok := b.Result(); !ok || !near(x.Float(0), want, spec.F64) || b.Iters != 20 || b.NS <= 0 || b.NS > time.Since(begin).Nanoseconds() {
		t.Errorf("bench: %+v", b)
	}
	l.want(spec.Request{Op: spec.OpBench, Of: "kl", Keys: []string{"a", "b"}}, spec.Errored, "", "iters")
	l.want(spec.Request{Op: spec.OpDrop, Key: "a"}, spec.OK, "", "")
	l.want(spec.Request{Op: spec.OpDrop, Key: "a"}, spec.Errored, "", "no buffer is loaded as 'a'")
	l.want(keyed, spec.Errored, "", "no buffer is loaded as 'a'")
	l.want(pair("nonsense", spec.F64, seedP, seedQ), spec.Unsupported, "", "op 'nonsense'")
	l.want(pair("kl", spec.F64, seedP, nil), spec.Errored, "", "kl takes 2 buffers, not 1")
	masked := pair("kl", spec.F64, seedP, seedQ)
	masked.Arrays = append(masked.Arrays, spec.FromBits("mask", spec.U8, []uint64{1, 0, 1}))
	l.want(masked, spec.Unsupported, "", "mask")
	grad := pair("kl", spec.F64, seedP, seedQ)
	grad.Options.Grad = "q"
	l.want(grad, spec.Unsupported, "", "option 'grad'")
	l.want(pair("kl", spec.BF16, half, half), spec.Unsupported, "", "dtype bf16")
	l.want(pair("kl", spec.F64, seedP, half), spec.Rejected, spec.KindLength, "")
}

func TestSciPy(t *testing.T) {
	for _, c := range []struct {
		entry            string
		want             float64
		unnormalised     float64 // [20,50,30]‖[10,60,30]
		negative, infQ   float64
		f32Want, f16Want float64
	}{
		{"stats.entropy", 0x1.84dcfd8f12612p-5, 0x1.84dcfd8f12612p-5, inf, math.NaN(), 0x1.269622p-3, 0x1.269622p-3},
		{"special.rel_entr", 0x1.84dcfd8f12612p-5, 0x1.2fcca617c65bep+2, inf, -inf, 0x1.269622p-3, 0x1.269622p-3},
		{"special.kl_div", 0x1.84dcfd8f12608p-5, 0x1.2fcca617c65bep+2, inf, math.NaN(), 0x1.269622p-3, 0x1.269622p-3},
	} {
		t.Run(c.entry, func(t *testing.T) {
			l := startByName(t, "scipy/"+c.entry)
			verbs(l, c.want)
			l.value(pair("kl", spec.F64, []float64{20, 50, 30}, []float64{10, 60, 30}), c.unnormalised)
			l.value(pair("kl", spec.F64, []float64{-.1, 1.1}, half), c.negative)
			l.value(pair("kl", spec.F64, half, []float64{inf, .5}), c.infQ)
			l.value(pair("kl", spec.F64, []float64{0, 1}, half), math.Ln2)
			l.value(pair("kl", spec.F64, half, []float64{1, 0}), inf)
			l.value(pair("kl", spec.F64, []float64{}, []float64{}), 0)
			// ½ ln ½/¼ + ½ ln ½/¾
			l.value(pair("kl", spec.F32, half, []float64{.25, .75}), c.f32Want)
			l.value(pair("kl", spec.F16, half, []float64{.25, .75}), c.f16Want)

			rows := pair("kl_rows", spec.F64, []float64{.5, .5, 0, 1}, []float64{.5, .5, .5, .5})
			rows.Arrays[0].Shape, rows.Arrays[1].Shape = []int{2, 2}, []int{2, 2}
			if x, ok := l.ask(rows).Result(); !ok || fmt.Sprint(x.Shape) != "[2]" || x.Float(0) != 0 || !near(x.Float(1), math.Ln2, spec.F64) {
				t.Errorf("rows: %v", x)
			}
			for reduction, want := range map[string]float64{"sum": math.Ln2, "mean": math.Ln2 / 4, "batchmean": 0} {
				rows.Options.Reduction = reduction
				if want == 0 || c.entry == "stats.entropy" {
					l.want(rows, spec.Unsupported, "", "reduction")
				} else {
					l.value(rows, want)
				}
			}

			bits := pair("kl", spec.F64, []float64{0, 1}, half)
			bits.Options.Base = "2"
			entropy := pair("entropy", spec.F64, half, nil)
			entropy.Options.Base = "0x1p+1"
			if c.entry == "stats.entropy" {
				l.value(bits, 1)
				l.value(entropy, 1)
				entropy.Options.Base = "e"
				l.value(entropy, math.Ln2)
			} else {
				l.want(bits, spec.Unsupported, "", "option 'base'")
				l.want(entropy, spec.Unsupported, "", "op 'entropy'")
			}
		})
	}
}

func TestNLTK(t *testing.T) {
	l := startByName(t, "nltk/identity")
	verbs(l, 0x1.18816adcf7f00p-4)
	l.want(pair("kl", spec.F64, []float64{0, 1}, half), spec.Rejected, spec.KindDomain, "ValueError")
	l.want(pair("kl", spec.F64, half, []float64{1, 0}), spec.Rejected, spec.KindDomain, "ValueError")
	l.want(pair("kl", spec.F64, []float64{-.5, 1.5}, half), spec.Rejected, spec.KindDomain, "ValueError")
	l.want(pair("kl", spec.F64, seedP, half), spec.Rejected, spec.KindLength, "the adapter refuses lengths 3 and 2")
	l.value(pair("kl", spec.F64, []float64{math.NaN(), .5}, half), math.NaN())
	l.value(pair("kl", spec.F64, []float64{inf, .5}, half), inf)
	l.value(pair("kl", spec.F64, []float64{}, []float64{}), 0)
}

// An adapter in a folder of the user's, in an interpreter of the user's, whose
// library prints, reads the input, fails and changes its arguments.
func TestRudeLibrary(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("python3 is not on PATH")
	}
	dir := t.TempDir()
	helper, err := embedded.ReadFile("python/klap.py")
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "python", "klap.py"), string(helper))
	put(t, filepath.Join(dir, "rude", "manifest.json"), `{"name":"rude","title":"Rude","language":"Python","packages":{},
		"setup":["{python}","{file}","--check"],"start":["{python}","{file}"],
		"entries":[{"id":"f","title":"f","ops":["kl","entropy"],"dtypes":["f64","f32","f16","bf16","u8","i64"],"claim":"L0","deterministic":false}]}`)
	put(t, filepath.Join(dir, "rude", "adapter.py"), `
import os, struct, sys
from pathlib import Path
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Array, Library, serve

def f():
    print("loading")
    def kl(p, q, *, mask=None, temperature=1.0):
        print("a stray print")
        os.system("echo a stray child; cat")
        os.write(1, b"a stray write\n")
        sys.stdin.read()
        if p.shape != q.shape:
            raise ValueError("lengths\n differ")
        if mask:
            return Array("bf16", (2,), b"\x80\x3f\x00\x40")
        if p.data:
            p.data[0] = 1
        return [temperature, *p.floats()]
    def entropy(p):
        raise LookupError("nothing here")
    return Library("0", {"kl": kl, "entropy": entropy}, prepare=lambda a: a)

serve({"f": f})
`)
	ms, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, entries, err := Find(ms, "rude/f")
	if err != nil {
		t.Fatal(err)
	}
	l := start(t, m, entries[0], Options{Python: python})
	if l.hello.Accuracy != "L0" || *l.hello.Deterministic || l.hello.Convention != nil || l.hello.Packages["python"] == "" {
		t.Errorf("hello: %+v", l.hello)
	}
	p := spec.FromBits("p", spec.U8, []uint64{5, 6})
	l.want(spec.Request{Op: spec.OpLoad, Key: "a", Arrays: []spec.Array{p}}, spec.OK, "", "")
	r := spec.Request{Op: "kl", Keys: []string{"a", "a"}, Options: spec.Options{Temperature: "0x1.8p-3"}}
	if x, ok := l.ask(r).Result(); !ok || fmt.Sprint(x.Floats()) != "[0.1875 1 6]" {
		t.Errorf("kl: %v", x)
	}
	if x, ok := l.ask(spec.Request{Op: spec.OpEcho, Key: "a"}).Result(); !ok || x.Data[0] != 1 {
		t.Errorf("a change does not show: %v", x)
	}
	for _, d := range []spec.DType{spec.F16, spec.BF16, spec.F32} {
		x, ok := l.ask(pair("kl", d, []float64{.5, -1.5}, half)).Result()
		if !ok || x.Len() != 3 || x.Float(2) != -1.5 {
			t.Errorf("%s: %v", d, x)
		}
	}
	masked := pair("kl", spec.F64, half, half)
	masked.Arrays = append(masked.Arrays, spec.FromBits("mask", spec.U8, []uint64{1, 1}))
	if x, ok := l.ask(masked).Result(); !ok || x.DType != spec.BF16 || fmt.Sprint(x.Floats()) != "[1 2]" {
		t.Errorf("masked: %v", x)
	}
	l.want(pair("kl", spec.F64, seedP, half), spec.Rejected, spec.KindLength, "ValueError: lengths differ")
	l.want(pair("entropy", spec.F64, half, nil), spec.Errored, "", "LookupError: nothing here")
	if said := l.stderr.String(); !strings.Contains(said, "a stray write") || !strings.Contains(said, "a stray child") {
		t.Errorf("standard error: %q", said)
	}
}
