package spec_test

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"klconf/spec"
	"klconf/spec/klap"
)

func prose(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// fences returns the fenced blocks of a Markdown text with their info
// strings.
func fences(text string) (blocks [][2]string) {
	for _, m := range regexp.MustCompile("(?ms)^```([^\n]+)\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, [2]string{m[1], m[2]})
	}
	return blocks
}

func TestExamplesOfTheReadmeValidate(t *testing.T) {
	all := schemas(t)
	seen := map[string]int{}
	for _, f := range fences(prose(t, "README.md")) {
		name, ok := strings.CutPrefix(f[0], "json ")
		if !ok {
			continue
		}
		if all[name] == nil {
			t.Fatalf("an example of %q, which has no schema", name)
		}
		texts := []string{f[1]}
		if name == "klap-message" {
			texts = strings.Split(strings.TrimSpace(f[1]), "\n")
		}
		for _, text := range texts {
			seen[name]++
			if err := validate(t, all[name], text); err != nil {
				t.Errorf("%s: %v\n%s", name, err, text)
			}
		}
	}
	for name, least := range map[string]int{"klap-message": 18, "convention": 2, "known": 1, "manifest": 1} {
		if seen[name] < least {
			t.Errorf("%d examples of %s, want %d", seen[name], name, least)
		}
	}
}

// TestTheReadmeNamesEveryWord holds the prose to the data: every field and
// word of a convention, every option, status, verdict, level, dtype and
// family stands in the README between backquotes or bars.
func TestTheReadmeNamesEveryWord(t *testing.T) {
	text := strings.ReplaceAll(prose(t, "README.md"), `\|`, "|")
	code := " " + strings.Join(regexp.MustCompile("`[^`\n]+`").FindAllString(text, -1), " ") + " "
	has := func(what, word string) {
		if !regexp.MustCompile(`[^\w|]` + regexp.QuoteMeta(word) + `[^\w|]`).MatchString(code) {
			t.Errorf("the README does not name the %s %s", what, word)
		}
	}
	var convention struct {
		Properties map[string]struct{ Enum []string }
	}
	if err := json.Unmarshal(spec.Schema("convention"), &convention); err != nil {
		t.Fatal(err)
	}
	for field, p := range convention.Properties {
		has("field", field)
		for _, word := range p.Enum {
			has("word of "+field, word)
		}
	}
	for _, kind := range []string{"none", "clip_both", "clip_log", "add_both", "replace_q0"} {
		has("epsilon", kind)
	}
	for _, s := range spec.Statuses {
		has("status", string(s))
	}
	for _, v := range []spec.Verdict{spec.Conforming, spec.Undeclared, spec.Nonconforming, spec.Incomplete} {
		has("verdict", string(v))
	}
	for _, d := range spec.DTypes {
		has("dtype", string(d))
	}
	for _, q := range spec.Quantities {
		has("quantity", string(q))
	}
	for _, o := range []string{"reduction", "base", "temperature", "beta", "estimator", "grad", "result_dtype"} {
		has("option", o)
	}
	for _, op := range []spec.Op{spec.OpHello, spec.OpLoad, spec.OpDrop, spec.OpEcho, spec.OpBench, spec.OpBye} {
		has("verb", string(op))
	}
	for _, l := range spec.Levels {
		if !strings.Contains(text, "\n| "+string(l)+" |") {
			t.Errorf("the README has no row for level %s", l)
		}
	}
	for _, f := range spec.Families {
		if !strings.Contains(text, "\n| "+f.Name+" |") {
			t.Errorf("the README has no row for family %s", f.Name)
		}
	}
}

func TestTheProseCitesRequirementsThatExist(t *testing.T) {
	cited := regexp.MustCompile(`\b(DEF|VAL|LAW|ACC|IO|ROW|LLM|PERF)-[0-9A-Z]+\b`)
	for _, name := range []string{"README.md", "article.md"} {
		ids := cited.FindAllString(prose(t, name), -1)
		if len(ids) < 10 {
			t.Errorf("%s cites %d requirements", name, len(ids))
		}
		for _, id := range ids {
			if _, ok := spec.Lookup(id); !ok {
				t.Errorf("%s cites %s", name, id)
			}
		}
	}
}

// TestTheLinksOfTheProseLead checks links to files and to headings.
func TestTheLinksOfTheProseLead(t *testing.T) {
	for _, name := range []string{"README.md", "article.md"} {
		text := prose(t, name)
		anchors := map[string]bool{}
		for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
			kept := regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(m[1]), "")
			anchors["#"+strings.ReplaceAll(kept, " ", "-")] = true
		}
		for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(m[1], "#") {
				if !anchors[m[1]] {
					t.Errorf("%s: no heading for %s", name, m[1])
				}
			} else if _, err := os.Stat(filepath.FromSlash(m[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestTheNumbersOfTheArticle computes each number that article.md states for
// its examples.
func TestTheNumbersOfTheArticle(t *testing.T) {
	text := prose(t, "article.md")
	kl := func(p, q []float64) (k float64) {
		for i := range p {
			k += p[i] * math.Log(p[i]/q[i])
		}
		return k
	}
	cross := func(p, q []float64) (h float64) {
		for i := range p {
			h -= p[i] * math.Log(q[i])
		}
		return h
	}
	p, q := []float64{.2, .5, .3}, []float64{.1, .6, .3}
	a, b := []float64{1. / 6, 1. / 6, 1. / 6, 1. / 6, 1. / 6, 1. / 6}, []float64{.5, .1, .1, .1, .1, .1}
	modes, flat, peaked := []float64{.49, .01, .01, .49}, []float64{.25, .25, .25, .25}, []float64{.97, .01, .01, .01}
	even, near, far := []float64{.5, .5}, []float64{.25, .75}, []float64{.1, .9}
	for stated, want := range map[string]float64{
		"KL(P‖Q) = 0.0474686577150118": kl(p, q),
		"KL(Q‖P) = 0.0400782160203782": kl(q, p),
		"0.6 ln 4 = 0.831776616671934": kl([]float64{.2, .8}, []float64{.8, .2}),
		"is 0.510825623765991":         kl(even, far),
		"only 0.236172551598963":       kl(even, near) + kl(near, far),
		"H(P,Q) = 1.077121671779585":   cross(p, q),
		"H(Q,P) = 0.938023940877158":   cross(q, p),
		"it is 2.034345440921695":      cross(a, b),
		"against 1.791759469228055":    cross(b, a),
		"KL(A‖B) = 0.242585971693641":  kl(a, b),
		"(0.349977578351646":           kl(a, b) / math.Ln2,
		"KL(B‖A) = 0.293893332451060":  kl(b, a),
		"definition 0.510825623765991": kl([]float64{.5, .5}, []float64{.3, .3}),
		"KL(P‖A) = 0.595108067280213":  kl(modes, flat),
		"KL(P‖B) = 1.572375512681756":  kl(modes, peaked),
		"KL(A‖P) = 1.272965675812887":  kl(flat, modes),
		"KL(B‖P) = 0.623485756999867":  kl(peaked, modes),
	} {
		if !strings.Contains(strings.ReplaceAll(text, "\n", " "), stated) {
			t.Errorf("the article does not state %q", stated)
		}
		words := strings.Fields(strings.TrimLeft(stated, "("))
		var got float64
		if err := json.Unmarshal([]byte(words[len(words)-1]), &got); err != nil || math.Abs(got-want) > 2e-15*max(1, want) {
			t.Errorf("the article states %q; computed: %.15f", stated, want)
		}
	}
}

// TestTheAdapterOfTheReadme runs the Python program of the README.
func TestTheAdapterOfTheReadme(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	var program string
	for _, f := range fences(prose(t, "README.md")) {
		if f[0] == "python" {
			program = f[1]
		}
	}
	file := filepath.Join(t.TempDir(), "adapter.py")
	if err := os.WriteFile(file, []byte(program), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, file)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	c := klap.NewClient(in, io.TeeReader(out, &lines))
	d, err := c.Hello(ctx, "test")
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "example" || !d.Offers("kl", spec.F64) || c.Encoding != klap.Frame {
		t.Errorf("it says %+v", d)
	}
	inf, nan := math.Inf(1), math.NaN()
	x := func(v ...float64) []float64 { return v }
	for _, encoding := range klap.Encodings {
		c.Encoding = encoding
		for _, q := range []struct {
			p, q   []float64
			status spec.AnswerStatus
			want   float64
		}{
			{x(.5, .5), x(.25, .75), spec.OK, 0.14384103622589045},
			{x(1, 0), x(.5, .5), spec.OK, math.Ln2},
			{x(.5, .5), x(1, 0), spec.OK, inf},
			{x(0), x(0), spec.OK, 0},
			{x(), x(), spec.OK, 0},
			{x(4), x(2.22e-308), spec.OK, 2839.139983229607},
			{x(nan), x(1), spec.OK, nan},
			{x(0), x(nan), spec.OK, nan},
			{x(-1), x(1), spec.Rejected, 0},
			{x(1), x(inf), spec.Rejected, 0},
			{x(1, 2), x(1), spec.Rejected, 0},
		} {
			r := spec.Request{Op: "kl", Arrays: []spec.Array{spec.Float64s("p", q.p), spec.Float64s("q", q.q)}}
			a, err := c.Ask(ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			got := math.NaN()
			if k, ok := a.Result(); ok {
				got = k.Float(0)
			}
			same := got == q.want || math.IsNaN(got) && math.IsNaN(q.want) || math.Abs(got-q.want) < 1e-12*math.Abs(q.want)
			if a.Status != q.status || a.Status == spec.OK && !same {
				t.Errorf("%s: KL(%v‖%v): %s %v %s, want %s %v", encoding, q.p, q.q, a.Status, got, a.Message, q.status, q.want)
			}
		}
		for _, r := range []spec.Request{
			{Op: "js", Arrays: []spec.Array{spec.Float64s("p", x(1)), spec.Float64s("q", x(1))}},
			{Op: "kl", Arrays: []spec.Array{spec.Float32s("p", nil), spec.Float32s("q", nil)}},
			{Op: "kl", Arrays: []spec.Array{spec.Float64s("p", x(1)), spec.Float64s("q", x(1))}, Options: spec.Options{Base: "2"}},
			{Op: spec.OpEcho, Key: "a"},
		} {
			if a, err := c.Ask(ctx, r); err != nil || a.Status != spec.Unsupported {
				t.Errorf("%+v: %+v, %v", r, a, err)
			}
		}
	}
	if err := c.Bye(ctx); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after bye: %v", err)
	}
	schema := schemas(t)["klap-message"]
	for line := range strings.Lines(lines.String()) {
		if err := validate(t, schema, line); err != nil {
			t.Errorf("%v\n%s", err, line)
		}
	}
	// At the end of its input it exits with code 0 too.
	silent := exec.CommandContext(ctx, python, file)
	silent.Stdin = strings.NewReader("")
	if err := silent.Run(); err != nil {
		t.Errorf("at the end of input: %v", err)
	}
}
