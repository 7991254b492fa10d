package spec_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"klconf/spec"
	"klconf/spec/klap"
)

// schemas compiles every schema from what is embedded.
func schemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	for _, name := range spec.SchemaNames {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(spec.Schema(name)))
		if err != nil {
			t.Fatalf("%s.json: %v", name, err)
		}
		if err := c.AddResource(name+".json", doc); err != nil {
			t.Fatal(err)
		}
	}
	all := map[string]*jsonschema.Schema{}
	for _, name := range spec.SchemaNames {
		s, err := c.Compile(name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		all[name] = s
	}
	return all
}

func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return s.Validate(doc)
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSchemasAreEmbedded(t *testing.T) {
	schemas(t)
	if spec.Schema("nothing") != nil || spec.Schema("../README") != nil {
		t.Error("a schema that does not exist was returned")
	}
}

// full is a convention with every field.
func full() spec.Convention {
	c := spec.Definition()
	v := spec.Threshold{All: "0x1p-24"}
	byFormat := spec.Threshold{Under: map[spec.DType]spec.Real{spec.F64: "0x1p-52", spec.F32: "0x1p-23"}}
	c.Direction, c.DomainP, c.DomainQ = "q||p", "probs", "logprobs"
	c.Base, c.Scale = "0x1.8p+1", "0x1p-1"
	c.Steps = []spec.Step{
		{Do: "normalise", Of: "both"},
		{Do: "clamp", Of: "p", In: "log", Lo: &v},
		{Do: "clamp", Of: "both", In: "both", Lo: &byFormat, Hi: &spec.Threshold{All: "1"}},
		{Do: "add", Of: "q", In: "log", Value: &v},
		{Do: "replace", Of: "q", AtOrBelow: &spec.Threshold{All: "0"}, Value: &v},
		{Do: "add_ratio", Value: &v},
		{Do: "drop_term", Where: "p", AtOrBelow: &v},
	}
	c.RequiresNormalised = &spec.Tolerance{Required: true, Within: "0x1p-20"}
	c.ResultDType = map[spec.DType]spec.DType{spec.F16: spec.F32}
	return c
}

func description() spec.Description {
	c, yes := full(), true
	return spec.Description{
		Name: "naive", Version: "1", Language: "Go", Homepage: "https://example.org", Ops: []spec.Op{"kl", "js_logits_rows"},
		DTypes: spec.DTypes, Convention: &c, Accuracy: spec.L1, Encodings: klap.Encodings, Deterministic: &yes,
		MaxInflight: 1, Packages: map[string]string{"math": "1.26"},
	}
}

func report() spec.Report {
	half, element := 0.5, 2
	set := spec.Set{
		Intervals: []spec.Interval{{Lo: big.NewFloat(0.5), Hi: big.NewFloat(0.75)}, {Lo: big.NewFloat(0).SetInf(true), Hi: big.NewFloat(0)}},
		NaN:       true, Reject: true, RN: "3fe4000000000000",
	}
	return spec.Report{
		Schema:      spec.ResultSchema,
		Suite:       spec.Suite{Version: "0.1", Spec: spec.Version, Vectors: "0.1", Mode: "quick", Seed: 1<<64 - 1},
		Environment: spec.Environment{OS: "linux", Arch: "amd64", CPU: "?", Packages: map[string]string{"numpy": "2.4.6"}, Threads: map[string]string{"GOMAXPROCS": "2"}, Seconds: 1.5},
		Implementation: spec.Subject{
			Description: description(), ID: "naive", Tool: "A loop", Title: "kl(p, q)",
			ConventionSource: map[string]string{"base": "declared", "steps": "detected", "nan": "default"},
		},
		Verdict: spec.Nonconforming, Agrees: spec.Agreement{PMF: true}, Level: spec.L1,
		Findings: []string{"looks like clipping"}, Suggestion: `{"steps":[]}`, Incomplete: "interrupted",
		Counts: map[spec.Status]int{spec.Pass: 3, spec.StatusNotRun: 0},
		Results: []spec.Result{
			{ID: "law/LAW-M1", Requirements: []string{"LAW-M1", "LAW-2S"}, Status: spec.Pass},
			{
				ID: "golden/zero-q/one-hot/f64", Requirements: []string{"VAL-2"}, Status: spec.Fail, Message: "too large",
				Got: &spec.Got{Hex: "7ff0000000000000", Decimal: "+Inf", Status: "ok", Element: &element}, Expected: &set,
				ULP: &half, Cond: &half, Rerun: "klconf run naive",
				Known:  &spec.Known{ID: "golden/zero-q", Entry: "f", Status: spec.KnownFail, Why: "drops the term", Source: "an issue"},
				Inputs: []spec.Input{{Name: "p", DType: spec.F64, Shape: []int{1}, Hex: []string{"3ff0000000000000"}, Decimal: []string{"1"}}},
			},
			{ID: "io/echo", Requirements: []string{"IO-5"}, Status: spec.Note, Expected: &spec.Set{Reject: true}},
		},
		Elided: []spec.Elision{{Cited: "DEF-1", Under: []string{"golden/zero"}, Counts: map[spec.Status]int{spec.Pass: 2}}, {Cited: "DEF", Counts: map[spec.Status]int{spec.Pass: 2}}},
		Shard:  &spec.Shard{Index: 1, Total: 2, Order: []int{0, 3}, Only: []string{"golden"}, Skip: []string{"law"}, Strict: true, AcceptDetected: true},
		Accuracy: []spec.Accuracy{{Stratum: "generic", DType: spec.F64, N: 10, ULPMax: 1, ULPP99: .9, ULPMedian: .3,
			CondMax: .2, BitsLost: 1, Worst: "random/generic/7", Level: spec.L2, ULPLog2: map[int]int{-10: 1, 3: 2, 1024: 1},
			WorstInputs: []spec.Input{{Name: "p", DType: spec.F64, Shape: []int{1}, Hex: []string{"3ff0000000000000"}, Decimal: []string{"1"}}}, ULPs: []float64{.5, 1}},
			{Stratum: "softmax", DType: spec.BF16}},
	}
}

// TestGoWritesWhatTheSchemasAsk marshals filled and sparse values of every
// type, validates them and reads them back.
func TestGoWritesWhatTheSchemasAsk(t *testing.T) {
	all := schemas(t)
	for _, c := range []struct {
		schema string
		value  any
	}{
		{"convention", spec.Convention{}},
		{"convention", spec.Definition()},
		{"convention", full()},
		{"result", report()},
		{"result", spec.Report{
			Schema: spec.ResultSchema, Suite: spec.Suite{Mode: "full"}, Verdict: spec.Incomplete,
			Implementation: spec.Subject{ID: "x", Description: spec.Description{Name: "x"}},
			Counts:         map[spec.Status]int{}, Results: []spec.Result{},
		}},
	} {
		text := marshal(t, c.value)
		if err := validate(t, all[c.schema], text); err != nil {
			t.Errorf("%s: %v\n%s", c.schema, err, text)
		}
		back := reflect.New(reflect.TypeOf(c.value))
		if err := json.Unmarshal([]byte(text), back.Interface()); err != nil {
			t.Errorf("%s: %v", c.schema, err)
		} else if again := marshal(t, back.Interface()); again != text {
			t.Errorf("%s changed (-written +read):\n%s", c.schema, cmp.Diff(text, again))
		}
	}
}

// TestSchemasKnowEveryField compares the fields of the Go types, taken from
// filled values, with the properties of the schemas: neither has more.
func TestSchemasKnowEveryField(t *testing.T) {
	properties := func(name string, path ...string) []string {
		var doc any
		if err := json.Unmarshal(spec.Schema(name), &doc); err != nil {
			t.Fatal(err)
		}
		for _, p := range append(path, "properties") {
			doc = doc.(map[string]any)[p]
		}
		return keys(doc)
	}
	fields := func(v any) []string {
		var doc any
		if err := json.Unmarshal([]byte(marshal(t, v)), &doc); err != nil {
			t.Fatal(err)
		}
		return keys(doc)
	}
	r := report()
	options := spec.Options{Reduction: "sum", Base: "e", Temperature: "1", Beta: "1", Estimator: "k1", Grad: "p", ResultDType: spec.F64}
	for _, c := range []struct {
		schema []string
		extra  []string // in the schema only
		value  any
	}{
		{[]string{"convention"}, []string{"normalises", "epsilon"}, full()},
		{[]string{"common", "$defs", "description"}, nil, description()},
		{[]string{"common", "$defs", "set"}, []string{"w", "errs", "cond"}, r.Results[1].Expected},
		{[]string{"klap-message", "$defs", "options"}, nil, options},
		{[]string{"result"}, nil, r},
		{[]string{"result", "properties", "suite"}, nil, r.Suite},
		{[]string{"result", "properties", "environment"}, nil, r.Environment},
		{[]string{"result", "$defs", "result"}, nil, r.Results[1]},
		{[]string{"result", "$defs", "result", "properties", "got"}, nil, r.Results[1].Got},
		{[]string{"result", "$defs", "inputs", "items"}, nil, r.Results[1].Inputs[0]},
		{[]string{"result", "properties", "elided", "items"}, nil, r.Elided[0]},
		{[]string{"known", "properties", "known", "items"}, nil, r.Results[1].Known},
		{[]string{"result", "$defs", "accuracy"}, nil, r.Accuracy[0]},
	} {
		got := append(fields(c.value), c.extra...)
		slices.Sort(got)
		if diff := cmp.Diff(properties(c.schema[0], c.schema[1:]...), got); diff != "" {
			t.Errorf("%v (-schema +Go):\n%s", c.schema, diff)
		}
	}
}

func keys(doc any) []string {
	var names []string
	for name := range doc.(map[string]any) {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// answers is an implementation that answers from a list.
type answers map[spec.Op]spec.Answer

func (answers) Describe() spec.Description { return description() }

func (a answers) Answer(_ context.Context, r spec.Request) spec.Answer {
	if a, ok := a[r.Op]; ok {
		return a
	}
	panic("not in the list")
}

// TestMessagesValidate holds a conversation between Client and Serve with
// every kind of message in every encoding and validates each line.
func TestMessagesValidate(t *testing.T) {
	schema := schemas(t)["klap-message"]
	impl := answers{
		"kl":      {Status: spec.OK, Arrays: []spec.Array{spec.Scalar("r", spec.F64, 0x7ff8000000000000)}},
		"kl_rows": {Status: spec.OK, Arrays: []spec.Array{spec.NewArray("r", spec.F32, 3)}},
		"entropy": {Status: spec.Rejected, Kind: spec.KindDomain, Message: "p[0] = -1 < 0"},
		"js":      {Status: spec.Unsupported, Message: "not offered"},
	}
	var sent, got bytes.Buffer
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := klap.Serve(io.TeeReader(inR, &sent), io.MultiWriter(outW, &got), impl)
		outW.Close()
		done <- err
	}()
	c := klap.NewClient(inW, outR)
	ctx := context.Background()
	if _, err := c.Hello(ctx, "klconf 0.1"); err != nil {
		t.Fatal(err)
	}
	p := spec.FromBits("p", spec.F16, []uint64{0x7e00, 0x8000})
	for _, c.Encoding = range klap.Encodings {
		for _, r := range []spec.Request{
			{Op: spec.OpLoad, Key: "a", Arrays: []spec.Array{p}},
			{Op: spec.OpEcho, Key: "a"},
			{Op: spec.OpEcho, Arrays: []spec.Array{p}},
			{Op: "kl", Arrays: []spec.Array{p, p}},
			{Op: "kl", Keys: []string{"a", "a"}},
			{Op: "kl_rows", Arrays: []spec.Array{p, p, spec.NewArray("mask", spec.U8, 2)},
				Options: spec.Options{Reduction: "mean", Base: "2", Temperature: "0x1.8p-1", ResultDType: spec.F64}},
			{Op: spec.OpBench, Of: "kl", Keys: []string{"a", "a"}, Iters: 3},
			{Op: "entropy", Arrays: []spec.Array{p}},
			{Op: "js", Keys: []string{"a", "a"}},
			{Op: "cross_entropy", Keys: []string{"a", "a"}}, // panics
			{Op: spec.OpDrop, Key: "a"},
			{Op: "kl", Keys: []string{"a", "a"}}, // no longer there
		} {
			if _, err := c.Ask(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.Bye(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, lines := range []string{sent.String(), got.String()} {
		n := 0
		for len(lines) > 0 {
			line, rest, _ := strings.Cut(lines, "\n")
			if err := validate(t, schema, line); err != nil {
				t.Errorf("%v\n%s", err, line)
			}
			n++
			var m struct{ Bufs []struct{ Bytes int } }
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			for _, b := range m.Bufs {
				rest = rest[b.Bytes:]
			}
			lines = rest
		}
		if want := 2 + 3*12; n != want {
			t.Errorf("%d messages, want %d", n, want)
		}
	}
}

// good are documents by hand that validate; each bad one below is a good one
// with one thing wrong.
var good = map[string][]string{
	"convention": {`{}`, `{"complete":true}`, `{"base":"2","scale":1,"epsilon":{"kind":"clip_both","value":"0x1.ad7f29abcaf48p-24"}}`,
		`{"normalises":"both","epsilon":{"kind":"none"},"requires_normalised":false}`},
	"klap-message": {
		`{"id":7,"op":"kl","bufs":[{"name":"p","dtype":"f64","shape":[1],"hex":["3ff0000000000000"]},{"name":"q","dtype":"f64","shape":[1],"b64":"AAAAAAAA8D8="}]}`,
		`{"id":7,"op":"kl","keys":["a","b"],"colour":"unknown fields are ignored"}`,
		`{"id":0,"status":"ok","protocol":1,"name":"x","version":"1"}`,
		`{"id":9,"status":"error","message":""}`,
	},
	"manifest": {`{"name":"scipy","title":"SciPy","language":"Python","homepage":"https://scipy.org","packages":{"scipy":"1.17.1"},"needs":["uv"],
		"setup":["{python}","{file}","--check"],"start":["{python}","{file}"],
		"entries":[{"id":"stats.entropy","title":"scipy.stats.entropy(pk, qk)","ops":["kl"],"dtypes":["f64"],"claim":"L1","convention":{"steps":[{"do":"normalise","of":"both"}]},"deterministic":true,"note":"n"}]}`,
		`{"name":"x","language":"C","packages":{},"start":["{dir}/x"],"entries":[{"id":"kl","title":"kl"}]}`},
	"known": {`{"schema":"klconf-known/1","known":[]}`,
		`{"schema":"klconf-known/1","known":[{"id":"golden/zero-q/*/f64","entry":"stats.entropy","status":"known-fail","why":"it drops them","source":"scipy/scipy#1"}]}`},
	"vectors": {
		`{"schema":"klconf-vectors/1","family":"zero-q","notes":{"inf-lost":{"bug_type":"zero rule","effect":"a finite loss","victims":["x"],"links":["o/r#1"]}},
		"vectors":[{"id":"golden/zero-q/one-hot/f32","comment":"c","op":"kl","dtype":"f32","shape":[2],"p":["3f800000","00000000"],"q":["00000000","3f800000"],
		"options":{"base":"2"},"stratum":"zero","class":"pmf","requirements":["VAL-2"],"flags":["inf-lost"],"source":"s","expected":{"set":[{"lo":"+Inf","hi":"+Inf"}],"nan":false,"reject":false,"rn":"7f800000"}}]}`,
		`{"schema":"klconf-vectors/1","family":"e","vectors":[{"id":"golden/e/rows/f16","comment":"","op":"entropy_rows","dtype":"f16","shape":[1,1],"p":["3c00"],"stratum":"generic","class":"pmf","requirements":["DEF-5","ROW-1"],
		"expected":[{"set":[{"lo":"-0x1.8p-1075","hi":"0x0p+00"}],"nan":false,"reject":false,"w":128,"errs":2}]}]}`,
	},
}

var bad = []struct{ schema, rule, text string }{
	{"convention", "unknown field", `{"zeroq":"inf"}`},
	{"convention", "unknown word", `{"zero_q":"none"}`},
	{"convention", "base in decimal text", `{"base":"2.5"}`},
	{"convention", "e where no base is meant", `{"scale":"e"}`},
	{"convention", "steps is a list", `{"steps":{"do":"normalise","of":"both"}}`},
	{"convention", "unknown step", `{"steps":[{"do":"smooth","of":"both"}]}`},
	{"convention", "a step lacks a part", `{"steps":[{"do":"clamp","of":"both"}]}`},
	{"convention", "a step has a part of another", `{"steps":[{"do":"normalise","of":"both","value":"1"}]}`},
	{"convention", "whose", `{"steps":[{"do":"add","of":"r","value":"1"}]}`},
	{"convention", "where", `{"steps":[{"do":"drop_term","where":"both","at_or_below":"0"}]}`},
	{"convention", "threshold of no format", `{"steps":[{"do":"add_ratio","value":{}}]}`},
	{"convention", "threshold of an integer format", `{"steps":[{"do":"add_ratio","value":{"i32":"1"}}]}`},
	{"convention", "epsilon without value", `{"epsilon":{"kind":"clip_both"}}`},
	{"convention", "epsilon of unknown kind", `{"epsilon":{"kind":"clip","value":"1"}}`},
	{"convention", "normalised or not", `{"requires_normalised":true}`},
	{"convention", "result format", `{"result_dtype":{"f64":"i64"}}`},

	{"klap-message", "neither request nor answer", `{"id":7}`},
	{"klap-message", "both", `{"id":7,"op":"bye","status":"ok"}`},
	{"klap-message", "no id", `{"op":"bye"}`},
	{"klap-message", "id is a number", `{"id":"7","op":"bye"}`},
	{"klap-message", "not an object", `[7,"bye"]`},
	{"klap-message", "unknown op", `{"id":7,"op":"wasserstein","keys":["a","b"]}`},
	{"klap-message", "hello without protocol", `{"id":0,"op":"hello","encodings":["b64"]}`},
	{"klap-message", "load without key", `{"id":7,"op":"load","bufs":[{"dtype":"u8","shape":[],"hex":["00"]}]}`},
	{"klap-message", "load of two", `{"id":7,"op":"load","key":"a","bufs":[{"dtype":"u8","shape":[],"hex":["00"]},{"dtype":"u8","shape":[],"hex":["00"]}]}`},
	{"klap-message", "drop without key", `{"id":7,"op":"drop"}`},
	{"klap-message", "echo of nothing", `{"id":7,"op":"echo"}`},
	{"klap-message", "bench of a verb", `{"id":7,"op":"bench","of":"echo","keys":["a"],"iters":1}`},
	{"klap-message", "bench of no iterations", `{"id":7,"op":"bench","of":"kl","keys":["a","b"],"iters":0}`},
	{"klap-message", "a question without arrays", `{"id":7,"op":"kl"}`},
	{"klap-message", "keys and buffers", `{"id":7,"op":"kl","keys":["a"],"bufs":[{"dtype":"u8","shape":[],"hex":["00"]}]}`},
	{"klap-message", "unknown option", `{"id":7,"op":"kl","keys":["a","b"],"options":{"axis":"0"}}`},
	{"klap-message", "option as a number", `{"id":7,"op":"kl","keys":["a","b"],"options":{"base":2}}`},
	{"klap-message", "reduction none is no option", `{"id":7,"op":"kl_rows","keys":["a","b"],"options":{"reduction":"none"}}`},
	{"klap-message", "two encodings", `{"id":7,"status":"ok","bufs":[{"dtype":"u8","shape":[],"hex":["00"],"b64":"AA=="}]}`},
	{"klap-message", "no encoding", `{"id":7,"status":"ok","bufs":[{"dtype":"u8","shape":[]}]}`},
	{"klap-message", "no shape", `{"id":7,"status":"ok","bufs":[{"dtype":"u8","hex":["00"]}]}`},
	{"klap-message", "negative dimension", `{"id":7,"status":"ok","bufs":[{"dtype":"u8","shape":[-1],"hex":[]}]}`},
	{"klap-message", "unknown dtype", `{"id":7,"status":"ok","bufs":[{"dtype":"float64","shape":[],"hex":["3ff0000000000000"]}]}`},
	{"klap-message", "width of f64", `{"id":7,"status":"ok","bufs":[{"dtype":"f64","shape":[],"hex":["3ff00000"]}]}`},
	{"klap-message", "width of f32", `{"id":7,"status":"ok","bufs":[{"dtype":"f32","shape":[],"hex":["3ff0000000000000"]}]}`},
	{"klap-message", "width of bf16", `{"id":7,"status":"ok","bufs":[{"dtype":"bf16","shape":[],"hex":["00"]}]}`},
	{"klap-message", "width of f8", `{"id":7,"status":"ok","bufs":[{"dtype":"f8e4m3","shape":[],"hex":["0000"]}]}`},
	{"klap-message", "hex digits", `{"id":7,"status":"ok","bufs":[{"dtype":"u8","shape":[],"hex":["0x"]}]}`},
	{"klap-message", "base64 without padding", `{"id":7,"status":"ok","bufs":[{"dtype":"u8","shape":[],"b64":"AA"}]}`},
	{"klap-message", "more than 1 GiB", `{"id":7,"status":"ok","bufs":[{"dtype":"u8","shape":[1073741825],"bytes":1073741825}]}`},
	{"klap-message", "unknown status", `{"id":7,"status":"OK"}`},
	{"klap-message", "error without message", `{"id":7,"status":"error"}`},
	{"klap-message", "rejected without kind", `{"id":7,"status":"rejected","message":"no"}`},
	{"klap-message", "ok with kind", `{"id":7,"status":"ok","kind":"domain"}`},
	{"klap-message", "error with buffers", `{"id":7,"status":"error","message":"","bufs":[]}`},
	{"klap-message", "bench without result", `{"id":7,"status":"ok","ns":5,"iters":1}`},
	{"klap-message", "hello without version", `{"id":0,"status":"ok","protocol":1,"name":"x"}`},
	{"klap-message", "hello of another protocol", `{"id":0,"status":"ok","protocol":2,"name":"x","version":"1"}`},
	{"klap-message", "hello with a bad convention", `{"id":0,"status":"ok","protocol":1,"name":"x","version":"1","convention":{"nan":"no"}}`},
	{"klap-message", "hello with a bad level", `{"id":0,"status":"ok","protocol":1,"name":"x","version":"1","accuracy":"L6"}`},
	{"klap-message", "hello lists a verb", `{"id":0,"status":"ok","protocol":1,"name":"x","version":"1","ops":["echo"]}`},

	{"manifest", "no start", `{"name":"x","language":"C","packages":{},"entries":[{"id":"kl","title":"kl"}]}`},
	{"manifest", "start is a list of words", `{"name":"x","language":"C","packages":{},"start":"x","entries":[{"id":"kl","title":"kl"}]}`},
	{"manifest", "unknown placeholder", `{"name":"x","language":"C","packages":{},"start":["{home}/x"],"entries":[{"id":"kl","title":"kl"}]}`},
	{"manifest", "no entry", `{"name":"x","language":"C","packages":{},"start":["x"],"entries":[]}`},
	{"manifest", "version range", `{"name":"x","language":"C","packages":{"numpy":">=2"},"start":["x"],"entries":[{"id":"kl","title":"kl"}]}`},
	{"manifest", "name", `{"name":"X y","language":"C","packages":{},"start":["x"],"entries":[{"id":"kl","title":"kl"}]}`},
	{"manifest", "unknown field", `{"name":"x","language":"C","packages":{},"start":["x"],"entries":[{"id":"kl","title":"kl"}],"colour":1}`},
	{"manifest", "entry id", `{"name":"x","language":"C","packages":{},"start":["x"],"entries":[{"id":"a/b","title":"kl"}]}`},
	{"manifest", "entry claim", `{"name":"x","language":"C","packages":{},"start":["x"],"entries":[{"id":"kl","title":"kl","claim":"exact"}]}`},
	{"manifest", "entry op", `{"name":"x","language":"C","packages":{},"start":["x"],"entries":[{"id":"kl","title":"kl","ops":["echo"]}]}`},
	{"manifest", "entry convention", `{"name":"x","language":"C","packages":{},"start":["x"],"entries":[{"id":"kl","title":"kl","convention":{"zero":1}}]}`},

	{"known", "no schema", `{"known":[]}`},
	{"known", "a bare list", `[]`},
	{"known", "status", `{"schema":"klconf-known/1","known":[{"id":"a/b","status":"fail","why":"w"}]}`},
	{"known", "no reason", `{"schema":"klconf-known/1","known":[{"id":"a/b","status":"known-fail"}]}`},
	{"known", "empty reason", `{"schema":"klconf-known/1","known":[{"id":"a/b","status":"known-fail","why":""}]}`},
	{"known", "empty component", `{"schema":"klconf-known/1","known":[{"id":"a//b","status":"known-fail","why":"w"}]}`},

	{"vectors", "schema", `{"schema":"klconf-vectors/2","family":"f","vectors":[]}`},
	{"vectors", "note without effect", `{"schema":"klconf-vectors/1","family":"f","notes":{"x":{"bug_type":"b"}},"vectors":[]}`},
	{"vectors", "id", vector(`"id":"zero-q/one"`)},
	{"vectors", "width of words", vector(`"p":["3ff00000"]`)},
	{"vectors", "decimal values", vector(`"p":[1.0]`)},
	{"vectors", "class", vector(`"class":"counts"`)},
	{"vectors", "no requirement", vector(`"requirements":[]`)},
	{"vectors", "requirement", vector(`"requirements":["KL-1"]`)},
	{"vectors", "integer vectors", vector(`"dtype":"i64"`)},
	{"vectors", "q of entropy", vector(`"op":"entropy"`)},
	{"vectors", "nothing expected", vector(`"expected":{"set":[],"nan":false,"reject":false}`)},
	{"vectors", "bound in decimal", vector(`"expected":{"set":[{"lo":"0.5","hi":"0.5"}],"nan":false,"reject":false}`)},
	{"vectors", "bound missing", vector(`"expected":{"set":[{"lo":"0x1p+0"}],"nan":false,"reject":false}`)},

	{"result", "schema", result(`"schema":"klconf-result/2"`)},
	{"result", "verdict", result(`"verdict":"good"`)},
	{"result", "mode", result(`"suite":{"version":"1","spec":"1","vectors":"1","mode":"slow","seed":1}`)},
	{"result", "no id", result(`"implementation":{"name":"x","version":"1"}`)},
	{"result", "status", result(`"results":[{"id":"a/b","requirements":[],"status":"passed","message":""}]`)},
	{"result", "requirement", result(`"results":[{"id":"a/b","requirements":["val-1"],"status":"pass","message":""}]`)},
	{"result", "null for a list", result(`"results":null`)},
	{"result", "counts", result(`"counts":{"passed":1}`)},
	{"result", "where a field came from", result(`"implementation":{"name":"x","version":"1","id":"x","convention_source":{"nan":"guessed"}}`)},
	{"result", "unknown field", result(`"colour":1`)},
	{"result", "accuracy level", result(`"accuracy":[{"stratum":"s","dtype":"f64","n":1,"ulp_max":1,"ulp_p99":1,"ulp_median":1,"cond_max":1,"bits_lost":1,"worst":"w","level":"L7"}]`)},
}

// vector returns a file with one good vector in which a field is replaced.
func vector(field string) string {
	return `{"schema":"klconf-vectors/1","family":"f","vectors":[` + replace(`{"id":"golden/f/x/f64","comment":"","op":"kl","dtype":"f64",
	"p":["3ff0000000000000"],"q":["3ff0000000000000"],"stratum":"s","class":"measure","requirements":["VAL-2"],
	"expected":{"nan":true,"reject":false}}`, field) + `]}`
}

// result returns a good result file in which a field is replaced.
func result(field string) string {
	return replace(`{"schema":"klconf-result/1","suite":{"version":"1","spec":"1","vectors":"1","mode":"quick","seed":1},
	"environment":{"os":"linux","arch":"amd64","cpu":"","seconds":1},"implementation":{"name":"x","version":"1","id":"x"},
	"verdict":"conforming","agrees_with_definition":{"pmf":true,"measure":true},"counts":{"pass":1},
	"results":[{"id":"a/b","requirements":["VAL-1"],"status":"pass","message":""}]}`, field)
}

// replace sets one field of an object; an empty field leaves it as it is.
func replace(object, field string) string {
	m := map[string]json.RawMessage{}
	for _, text := range []string{object, "{" + field + "}"} {
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			panic(err)
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestSchemasRefuse(t *testing.T) {
	all := schemas(t)
	good["vectors"] = append(good["vectors"], vector(""))
	good["result"] = append(good["result"], result(""))
	for name, texts := range good {
		for _, text := range texts {
			if err := validate(t, all[name], text); err != nil {
				t.Errorf("%s: %v\n%s", name, err, text)
			}
		}
	}
	for _, c := range bad {
		if err := validate(t, all[c.schema], c.text); err == nil {
			t.Errorf("%s, %s: passes: %s", c.schema, c.rule, c.text)
		}
	}
}
