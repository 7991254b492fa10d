package adapters

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"klconf/spec"
	"klconf/spec/klap"
)

// A helper is the protocol for one language, with an adapter whose library
// prints, changes its argument, answers −0, refuses and fails:
//
//	kl(p, q)    writes 7 into p[0] if p has one element; Σ p ln(p/q); refuses different lengths
//	entropy(p)  p[0]; a surprise if there is none
type helper struct {
	language, file, adapter, program string
	needs, setup, start              []string
}

var javascript = helper{
	language: "JavaScript", file: "javascript/klap.mjs", adapter: "adapter.mjs",
	needs: []string{"node"}, setup: []string{"node", "{file}", "--check"}, start: []string{"node", "{file}"},
	program: `
import { serve } from "../javascript/klap.mjs";
await serve({
  f: async () => {
    console.log("loading");
    const kl = (p, q, { base }) => {
      console.log("a stray print");
      process.stdout.write("a stray write\n");
      if (p.length !== q.length) throw new RangeError("lengths\n differ");
      const s = p.reduce((s, x, i) => s + x * Math.log(x / q[i]), 0);
      if (p.length === 1) p[0] = 7;
      return base === undefined ? s : s / Math.log(base);
    };
    const entropy = (p) => {
      if (!p.length) throw new TypeError("surprise");
      return p[0];
    };
    return { package: "rude", prepare: (a) => Array.from(a), options: ["base"], ops: { kl, entropy } };
  },
});
`}

var java = helper{
	language: "Java", file: "java/Klap.java", adapter: "adapter.java",
	needs: []string{"java", "javac"},
	setup: []string{"javac", "-J-XX:TieredStopAtLevel=1", "--release", "17", "-d", "{dir}/classes", "{dir}/../java/Klap.java", "{file}", "&&", "java", "-cp", "{dir}/classes", "Adapter", "{dir}", "--check"},
	start: []string{"java", "-cp", "{dir}/classes", "Adapter", "{dir}"},
	program: `
import java.util.Map;
final class Adapter {
  public static void main(String[] args) throws Exception {
    Klap.serve(args, Map.of("f", () -> {
      System.out.println("loading");
      return new Klap.Library<Object>("rude", x -> x, Map.of("kl", Adapter::kl, "entropy", (p, q) -> {
        if (p instanceof float[] f) return f[0];
        if (((double[]) p).length == 0) throw new IllegalStateException("surprise");
        return ((double[]) p)[0];
      }), e -> e instanceof IllegalArgumentException);
    }));
  }
  static Object kl(Object x, Object y) {
    System.out.println("a stray print");
    if (x instanceof float[] p) {
      float s = 0;
      for (int i = 0; i < p.length; i++) s += p[i] * (float) Math.log(p[i] / ((float[]) y)[i]);
      return s;
    }
    double[] p = (double[]) x, q = (double[]) y;
    if (p.length != q.length) throw new IllegalArgumentException("lengths\n differ");
    double s = 0;
    for (int i = 0; i < p.length; i++) s += p[i] * Math.log(p[i] / q[i]);
    if (p.length == 1) p[0] = 7;
    return s;
  }
}
`}

// A change of a helper's text for the worse, and the fault that shows it.
type change struct{ old, new, fault string }

// begin starts the rude adapter with a helper that is changed.
func (h helper) begin(t *testing.T, changes []change) *live {
	t.Helper()
	have(t, strings.ToLower(h.language), h.needs)
	text, err := embedded.ReadFile(h.file)
	if err != nil {
		t.Fatal(err)
	}
	changed := string(text)
	for _, c := range changes {
		if !strings.Contains(changed, c.old) {
			t.Fatalf("%s has no text %q to change", h.file, c.old)
		}
		changed = strings.ReplaceAll(changed, c.old, c.new)
	}
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	put(t, filepath.Join(dir, filepath.FromSlash(h.file)), changed)
	put(t, filepath.Join(dir, "rude", h.adapter), h.program)
	put(t, filepath.Join(dir, "rude", "manifest.json"), fmt.Sprintf(`{"name":"rude","title":"Rude","language":%q,"packages":{},"start":[],
		"entries":[{"id":"f","title":"f","ops":["kl","entropy"],"dtypes":["f64","f32"],"claim":"L0","deterministic":false,"convention":{"zero_p":"nan"}}]}`, h.language))
	m := Manifest{Name: "rude", Language: h.language, Dir: filepath.Join(dir, "rude"), Setup: h.setup, Start: h.start}
	return start(t, m, Entry{ID: "f"}, Options{})
}

// faults tries what an adapter with a helper of ours must do, and says what
// it does not.
func (l *live) faults() (found []string) {
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	for _, encoding := range []string{klap.Hex, klap.B64, klap.Frame} {
		l.Encoding = encoding
		for _, d := range spec.DTypes {
			x := spec.NewArray("x", d, 2, 3)
			for i := range x.Data {
				x.Data[i] = byte(0xb1 + 3*i)
			}
			if y, ok := l.ask(spec.Request{Op: spec.OpEcho, Arrays: []spec.Array{x}}).Result(); !ok || !bytes.Equal(y.Data, x.Data) || fmt.Sprint(y.Shape) != "[2 3]" {
				fault("echo of %s in %s", d, encoding)
			}
		}
		for _, d := range []spec.DType{spec.F64, spec.F32} {
			x, ok := l.ask(pair("entropy", d, []float64{math.Copysign(0, -1), 1}, nil)).Result()
			if !ok || x.DType != d || x.Float(0) != 0 || !math.Signbit(x.Float(0)) {
				fault("-0 of %s in %s", d, encoding)
			}
			y, ok := l.ask(pair("kl", d, half, []float64{.25, .75})).Result()
			if !ok || y.DType != d || !near(y.Float(0), .5*math.Log(4./3), d) {
				fault("the value of %s in %s", d, encoding)
			}
		}
	}
	one := pair("kl", spec.F64, []float64{1}, []float64{1})
	l.want(spec.Request{Op: spec.OpLoad, Key: "m", Arrays: one.Arrays[:1]}, spec.OK, "", "")
	l.ask(spec.Request{Op: "kl", Keys: []string{"m", "m"}})
	if x, ok := l.ask(spec.Request{Op: spec.OpEcho, Key: "m"}).Result(); !ok || x.Float(0) != 7 {
		fault("a change of the argument does not show")
	}
	if a := l.ask(pair("kl", spec.F64, seedP, half)); a.Status != spec.Rejected || a.Kind != spec.KindLength || !strings.HasSuffix(a.Message, "lengths differ") {
		fault("a refusal: %s %s %q", a.Status, a.Kind, a.Message)
	}
	if a := l.ask(pair("entropy", spec.F64, []float64{}, nil)); a.Status != spec.Errored || !strings.HasSuffix(a.Message, "surprise") {
		fault("a surprise: %s %q", a.Status, a.Message)
	}
	return found
}

// A helper does all of it, and each change for the worse is found.
func (h helper) test(t *testing.T, changes []change) *live {
	found := strings.Join(h.begin(t, changes).faults(), "; ")
	for _, c := range changes {
		if !strings.Contains(found, c.fault) {
			t.Errorf("with %q for %q: %q", c.new, c.old, found)
		}
	}
	l := h.begin(t, nil)
	if found := l.faults(); found != nil {
		t.Error(strings.Join(found, "; "))
	}
	verbs(l, 0x1.84dcfd8f12612p-5)
	if l.hello.Accuracy != "L0" || *l.hello.Deterministic || l.hello.Convention == nil || l.hello.Convention.ZeroP != "nan" || l.hello.Name != "rude/f" || l.hello.Language != h.language {
		t.Errorf("hello: %+v", l.hello)
	}
	if said := l.stderr.String(); !strings.Contains(said, "loading") || !strings.Contains(said, "a stray print") {
		t.Errorf("standard error: %q", said)
	}
	return l
}

func TestJavaScriptHelper(t *testing.T) {
	l := javascript.test(t, []change{
		{"data.subarray(i, i + size).reverse()", "0", "the value of f64 in hex"},
		{"TYPED[dtype].of(x)", "TYPED[dtype].of(x + 0)", "-0 of f64 in frame"},
		{"if (!Array.isArray(b.prepared)) return b;", "return b;", "a change of the argument does not show"},
		{"e?.constructor === RangeError", "false", "a refusal: error"},
	})
	bits := pair("kl", spec.F64, half, []float64{.25, .75})
	bits.Options.Base = "0x1.8p+1"
	l.value(bits, .5*math.Log(4./3)/math.Log(3))
	bits.Options.Base = "10"
	l.value(bits, .5*math.Log(4./3)/math.Ln10)
	bits.Options.Base = "e"
	l.value(bits, .5*math.Log(4./3))
	if l.hello.Packages["node"] == "" {
		t.Errorf("hello: %+v", l.hello)
	}
}

// escapes sees that the JSON of a helper takes and gives escaped characters: the op, which it
// does not know, comes back in its message.
func (l *live) escapes(odd string) {
	l.t.Helper()
	if a := l.ask(spec.Request{Op: spec.Op(odd)}); a.Status != spec.Unsupported || a.Message != "op '"+strings.Join(strings.Fields(odd), " ")+"'" {
		l.t.Errorf("%s %q", a.Status, a.Message)
	}
}

func TestJavaHelper(t *testing.T) {
	l := java.test(t, []change{
		{"j < size / 2", "j < 0", "the value of f64 in hex"},
		{"new double[] {d}", "new double[] {d + 0.0}", "-0 of f64 in frame"},
		{"b.prepared = library.prepare.apply(b.array)", "b.prepared = library.prepare.apply(b.array instanceof double[] x ? x.clone() : b.array)", "a change of the argument does not show"},
		{"!library.refuses.test(e)", "true", "a refusal: error"},
	})
	if l.hello.Packages["java"] == "" {
		t.Errorf("hello: %+v", l.hello)
	}

	l.escapes("\"\\/\b\f\n\r\té∞\U0001f600\u0001")
}

// The versions in package.json and pom.xml are those of the manifest.
func TestPins(t *testing.T) {
	artifact := regexp.MustCompile(`<artifactItem><groupId>[^<]*</groupId><artifactId>([^<]*)</artifactId><version>([^<]*)</version></artifactItem>`)
	for _, m := range all(t) {
		found := map[string]string{}
		file := m.Name + "/package.json"
		text, err := embedded.ReadFile(file)
		if err == nil {
			var p struct{ Dependencies map[string]string }
			if err := json.Unmarshal(text, &p); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			found = p.Dependencies
		} else {
			file = m.Name + "/pom.xml"
			if text, err = embedded.ReadFile(file); err != nil {
				continue
			}
			for _, a := range artifact.FindAllSubmatch(text, -1) {
				found[string(a[1])] = string(a[2])
			}
		}
		if !maps.Equal(found, m.Packages) {
			t.Errorf("%s has %v, manifest.json %v", file, found, m.Packages)
		}
		if bytes.Contains(text, []byte("://")) {
			t.Errorf("%s records an address", file)
		}
	}
}

// What the libraries answer to the seed pair, as programs without klconf have
// measured it.
func TestJavaScriptAndJavaLibraries(t *testing.T) {
	if os.Getenv("KLCONF_FULL") == "" {
		t.Skip("it installs and builds the libraries, which takes minutes the first time: KLCONF_FULL=1, as make test-full has it")
	}
	for _, c := range []struct {
		entry string
		seed  float64
	}{
		{"ml-distance/distance.kullbackLeibler", 0x1.84dcfd8f12612p-5},
		{"mathjs/kldivergence", 0x1.84dcfd8f12612p-5},
		{"ranjs/dependence.kullbackLeibler", 0x1.84dcfd8f12612p-5},
		{"mallet/Maths.klDivergence", 0x1.18816adcf7f06p-4},
		{"corenlp/ArrayMath.klDivergence", 0x1.18816adcf7f06p-4},
		{"corenlp/Counters.klDivergence", 0x1.18816adcf7f08p-4},
		{"lingpipe/Statistics.klDivergence", 0x1.18816adcf7f08p-4},
		{"smile/MathEx.KullbackLeiblerDivergence", 0x1.84dcfd8f12612p-5},
		{"smile/MathEx.KullbackLeiblerDivergence.dense-sparse", 0x1.48521c62dd934p-5}, // KL(Q‖P)
		{"smile/MathEx.KullbackLeiblerDivergence.sparse-sparse", 0x1.84dcfd8f12612p-5},
		{"elki/KullbackLeiblerDivergenceAsymmetricDistance", 0x1.84dcfd8f12612p-5},
		{"s-space/Similarity.klDivergence", 0x1.84dcfd8f12612p-5},
	} {
		t.Run(c.entry, func(t *testing.T) {
			l := startByName(t, c.entry)
			l.value(pair("kl", spec.F64, seedP, seedQ), c.seed)
		})
	}
	t.Run("tfjs", func(t *testing.T) {
		l := startByName(t, "tfjs/kullbackLeiblerDivergence")
		l.value(pair("kl", spec.F32, seedP, seedQ), 0x1.84dcf8p-5)
		l.value(pair("kl", spec.F32, half, []float64{1, 0}), 7.365901)
	})
	t.Run("simsimd", func(t *testing.T) {
		l := startByName(t, "simsimd/kullbackleibler")
		if x, ok := l.ask(pair("kl", spec.F64, seedP, seedQ)).Result(); !ok || math.Abs(x.Float(0)-0x1.35ba4ap-4) > 1e-7 {
			t.Errorf("%v; was its logarithm mended?", x)
		}
	})
}
