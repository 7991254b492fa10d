package adapters

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"klconf/spec"
)

func all(t *testing.T) []Manifest {
	t.Helper()
	ms, err := All()
	if err != nil {
		t.Fatal(err)
	}
	return ms
}

func TestManifests(t *testing.T) {
	ms := all(t)
	var names []string
	for _, m := range ms {
		names = append(names, m.Name)
		if m.Homepage == "" || len(m.Packages) == 0 {
			t.Errorf("%s: homepage and packages should be given", m.Name)
		}
		for _, e := range m.Entries {
			if len(e.Ops) == 0 || len(e.DTypes) == 0 {
				t.Errorf("%s/%s: ops and dtypes should be given", m.Name, e.ID)
			}
		}
	}
	for _, want := range []string{"nltk", "scipy"} {
		if !slices.Contains(names, want) {
			t.Errorf("adapter %s is not embedded", want)
		}
	}
	onDisk, err := Load(".")
	if err != nil {
		t.Fatal(err)
	}
	if len(onDisk) != len(ms) {
		t.Errorf("%d adapters in the folder, %d embedded", len(onDisk), len(ms))
	}
}

// The versions of the inline metadata are those of the manifest.
func TestPythonPins(t *testing.T) {
	line := regexp.MustCompile(`(?m)^# dependencies = \[(.*)\]$`)
	pin := regexp.MustCompile(`"([^"]*)"`)
	ms, err := Load(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		if m.Language != "Python" {
			continue
		}
		program, err := os.ReadFile(filepath.Join(m.Dir, "adapter.py"))
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		if metadata := line.FindSubmatch(program); metadata != nil {
			for _, p := range pin.FindAllSubmatch(metadata[1], -1) {
				name, version, _ := strings.Cut(string(p[1]), "==")
				found[name] = version
			}
		}
		for name, version := range m.Packages {
			if found[name] != version {
				t.Errorf("%s: %s is %q in adapter.py and %q in manifest.json", m.Name, name, found[name], version)
			}
			delete(found, name)
		}
		for name := range found {
			t.Errorf("%s: %s of adapter.py is not in manifest.json", m.Name, name)
		}
	}
}

func TestFind(t *testing.T) {
	ms := all(t)
	m, entries, err := Find(ms, "scipy")
	if err != nil || m.Name != "scipy" || len(entries) != 6 {
		t.Errorf("scipy: %s, %d entries, %v", m.Name, len(entries), err)
	}
	m, entries, err = Find(ms, "scipy/stats.entropy")
	if err != nil || m.Name != "scipy" || len(entries) != 1 || entries[0].ID != "stats.entropy" {
		t.Errorf("scipy/stats.entropy: %s, %v, %v", m.Name, entries, err)
	}
	for name, want := range map[string]string{
		"scpy":        `no adapter is called "scpy"; there are `,
		"scipy/nope":  `adapter scipy has no entry "nope"; it has stats.entropy, special.rel_entr, special.kl_div`,
		"nltk/":       `adapter nltk has no entry ""; it has identity`,
		"Scipy/stats": `no adapter is called "Scipy"; there are `,
	} {
		if _, _, err := Find(ms, name); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

func TestUnpack(t *testing.T) {
	into := t.TempDir()
	ms := all(t)
	m, _, err := Find(ms, "scipy")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := m.Unpack(into)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(dir) != into {
		t.Errorf("unpacked to %s, not to a folder of %s", dir, into)
	}
	helper := filepath.Join(dir, "python", "klap.py")
	before, err := os.Stat(helper)
	if err != nil {
		t.Fatal(err)
	}
	spoiled := filepath.Join(dir, "scipy", "adapter.py")
	if err := os.WriteFile(spoiled, []byte("spoiled"), 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := m.Unpack(into)
	if err != nil || again != dir {
		t.Fatalf("unpacked again to %s, %v", again, err)
	}
	if after, err := os.Stat(helper); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Error("an unchanged file was written again")
	}
	want, _ := embedded.ReadFile("scipy/adapter.py")
	if got, _ := os.ReadFile(spoiled); string(got) != string(want) {
		t.Error("a changed file was not restored")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*", ".tmp-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	// Every adapter comes with all that its folder and its helper's embed.
	for _, m := range ms {
		dir, err := m.Unpack(into)
		if err != nil {
			t.Fatal(err)
		}
		found, err := Load(dir)
		if err != nil || len(found) != 1 || found[0].Name != m.Name {
			t.Errorf("%s: %d adapters in the unpacked folder, %v", m.Name, len(found), err)
		}
		shared, _ := fs.Glob(embedded, strings.ToLower(m.Language)+"/*")
		files, _ := fs.Glob(embedded, m.Name+"/*")
		for _, file := range append(files, shared...) {
			if _, err := os.Stat(filepath.Join(dir, file)); err != nil && path.Base(file) != "known.json" {
				t.Errorf("%s: %v", m.Name, err)
			}
		}
	}
}

const good = `{"name":"x","title":"X","language":"C","packages":{},"start":["{dir}/x"],"entries":[{"id":"f","title":"f"}]}`

func TestManifestErrors(t *testing.T) {
	edit := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for _, c := range []struct{ manifest, known, want string }{
		{good, `{"schema":"klconf-known/1","known":[]}`, ""},
		{good, `{"schema":"klconf-known/1","known":[{"id":"golden/*/f64","status":"known-fail","why":"w"}]}`, ""},
		{edit(`"x"`, `"y"`), "", `the name "y" is not that of the folder`},
		{edit(`"X"`, `""`), "", "title and language must be given"},
		{edit(`"title"`, `"titel"`), "", `unknown field "titel"`},
		{edit(`{dir}`, `{home}`), "", "{home} is none of {file}, {dir}, {python}"},
		{edit(`{dir}`, `{python}`), "", "{python} is a word of its own"},
		{edit(`["{dir}/x"]`, `[]`), "", "start must be given"},
		{edit(`{}`, `{"a":">=1"}`), "", `package "a": ">=1" is not an exact version`},
		{edit(`"start"`, `"setup":["a","&&"],"start"`), "", "the word && of setup stands between two commands"},
		{edit(`"start"`, `"setup":["&&","a"],"start"`), "", "the word && of setup stands between two commands"},
		{edit(`"start"`, `"setup":["a","&&","&&","b"],"start"`), "", "the word && of setup stands between two commands"},
		{edit(`"start"`, `"setup":["a","&&","b"],"start"`), "", ""},
		{edit(`"id":"f"`, `"id":"f/g"`), "", "the id is not letters"},
		{edit(`"id":"f"`, `"id":"f","ops":["bench"]`), "", `unknown op "bench"`},
		{edit(`"id":"f"`, `"id":"f","dtypes":["f80"]`), "", `unknown dtype "f80"`},
		{edit(`"id":"f"`, `"id":"f","claim":"L9"`), "", `unknown level "L9"`},
		{edit(`"id":"f"`, `"id":"f","convention":{"bass":"e"}`), "", `a convention has no field "bass"`},
		{edit(`"id":"f"`, `"id":"f","convention":{"nan":"maybe"}`), "", `not "maybe"`},
		{edit(`{"id"`, `{"id":"f","title":"f"},{"id"`), "", `entry "f" appears twice`},
		{good, `{"schema":"klconf-known/1","known":[{"id":"[","status":"known-fail","why":"w"}]}`, "is not a pattern"},
		{good, `{"schema":"klconf-known/1","known":[{"id":"a","status":"fail","why":"w"}]}`, `not "fail"`},
		{good, `{"schema":"klconf-known/1","known":[{"id":"a","status":"known-fail"}]}`, "why must be given"},
	} {
		dir := t.TempDir()
		put(t, filepath.Join(dir, "x", "manifest.json"), c.manifest)
		if c.known != "" {
			put(t, filepath.Join(dir, "x", "known.json"), c.known)
		}
		_, err := Load(dir)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.manifest, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s %s: %v, want %s", c.manifest, c.known, err, c.want)
		}
	}
	if _, err := Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "holds a manifest.json") {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "cannot read the adapters in") {
		t.Errorf("no folder: %v", err)
	}
}

func TestKnown(t *testing.T) {
	for _, name := range []string{"scipy", "nltk", "gonum", "naive", "nobody"} {
		if _, err := Known(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("PATH", t.TempDir())
	put(t, filepath.Join(dir, "x", "adapter.py"), "")
	x := filepath.Join(dir, "x")
	file := filepath.Join(x, "adapter.py")
	m := Manifest{Name: "x", Dir: x, Setup: []string{"{python}", "{file}", "--check"}, Start: []string{"{python}", "{file}"}}
	uv, err := uvPath()
	if err != nil {
		t.Fatal(err)
	}
	c := Manifest{Name: "x", Dir: x, Setup: []string{"cc", "-o", "{dir}/build", "{file}"}, Start: []string{"{dir}/build"}}
	for _, k := range []struct {
		m            Manifest
		o            Options
		start, setup []string
	}{
		{m, Options{}, []string{uv, "run", "--quiet", "--offline", "--script", file, "f"}, []string{uv, "run", "--script", file, "--check"}},
		{m, Options{Offline: true}, []string{uv, "run", "--quiet", "--offline", "--script", file, "f"}, []string{uv, "run", "--offline", "--script", file, "--check"}},
		{m, Options{Python: "py"}, []string{"py", file, "f"}, []string{"py", file, "--check"}},
		{c, Options{}, []string{x + "/build", "f"}, []string{"cc", "-o", x + "/build", file}},
	} {
		start, setup, err := Command(k.m, Entry{ID: "f"}, k.o)
		if err != nil || !slices.Equal(start, k.start) || !slices.Equal(setup, k.setup) {
			t.Errorf("%+v: start %q, setup %q, %v", k.o, start, setup, err)
		}
	}
	put(t, filepath.Join(x, "adapter.c"), "")
	if _, _, err := Command(m, Entry{}, Options{}); err == nil || !strings.Contains(err.Error(), "exactly one file adapter.*") {
		t.Errorf("two programs: %v", err)
	}
}

func TestSetup(t *testing.T) {
	dir, bin := filepath.Join(t.TempDir(), "x"), t.TempDir()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("PATH", bin)
	script := func(name, body string) {
		t.Helper()
		if err := write(filepath.Join(bin, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(dir, "adapter.py"), "")
	m := Manifest{Name: "x", Dir: dir, Needs: []string{"klc"}, Setup: []string{"klc", "{file}"}, Start: []string{"{file}"}}
	setup := func(want string, o Options) string {
		t.Helper()
		var said strings.Builder
		err := Setup(context.Background(), m, &said, o)
		switch {
		case want == "" && err != nil:
			t.Errorf("%v", err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%v, want %s", err, want)
		}
		return said.String()
	}

	setup("adapter x needs the command klc, which is not on PATH", Options{})
	script("klc", "echo first; echo the last line; exit 1")
	setup("setting up the adapter x failed: the last line", Options{})
	script("klc", "echo built")
	if said := setup("", Options{}); said != "built\n" {
		t.Errorf("the first setup said %q", said)
	}
	if said := setup("", Options{Offline: true}); said != "" {
		t.Errorf("a repeated setup said %q", said)
	}
	if said := setup("", Options{Again: true}); said != "built\n" {
		t.Errorf("a forced setup said %q", said)
	}
	put(t, filepath.Join(dir, "adapter.py"), "changed")
	if said := setup("", Options{}); said != "built\n" {
		t.Errorf("the setup of a changed program said %q", said)
	}
	// Two at once wait for each other.
	script("klc", "busy=${1%adapter.py}busy; /bin/mkdir $busy || exit 1; /bin/sleep 0.2; /bin/rmdir $busy")
	both := make(chan error)
	for range 2 {
		go func() { both <- Setup(context.Background(), m, io.Discard, Options{Again: true}) }()
	}
	for range 2 {
		if err := <-both; err != nil {
			t.Errorf("two setups at once: %v", err)
		}
	}
	script("klc", "echo built")
	m.Language = "C"
	if said := setup("", Options{}); said != "" {
		t.Errorf("without files of its language the setup said %q", said)
	}
	put(t, filepath.Join(dir, "..", "c", "klap.h"), "shared")
	if said := setup("", Options{}); said != "built\n" {
		t.Errorf("the setup with another shared file said %q", said)
	}

	// Several commands end at the first that fails; npm, mvn and cargo are told
	// not to fetch.
	m.Setup = []string{"npm", "install", "&&", "mvn", "copy", "&&", "klc", "{file}"}
	script("npm", `echo npm "$@"`)
	script("mvn", `printf '\033[0m[ERROR] No such jar in central (https://jars.example/x) -> [Help 1]\n[ERROR] \n[ERROR] See the guide.\n'; exit 1`)
	if said := setup("setting up the adapter x failed: No such jar in central (the registry)", Options{}); strings.Contains(said, "built") {
		t.Errorf("the setup went on after a failure: %q", said)
	}
	script("mvn", `echo mvn "$@"`)
	if said := setup("", Options{Offline: true}); said != "npm install --offline\nmvn copy --offline\nbuilt\n" {
		t.Errorf("an offline setup said %q", said)
	}
	script("npm", `echo "npm error code E404"; echo "npm error 404 Not Found - GET https://packages.example/x"; echo "npm error A complete log"; exit 1`)
	setup("setting up the adapter x failed: code E404; 404 Not Found - GET the registry", Options{Again: true})

	m = Manifest{Name: "x", Dir: dir, Setup: []string{"{python}", "{file}", "--check"}, Start: []string{"{python}", "{file}"}}
	setup("adapter x: there is neither uv nor python3 on PATH; install Python 3.11 or later, with pip and venv", Options{})
	setup("adapter x: uv is not on PATH and nothing may be fetched", Options{Offline: true})
	script("python3", "echo ensurepip is not available; exit 1")
	setup("cannot make a virtual environment to fetch uv: ensurepip is not available", Options{})
	script("uv", `[ "$1" = --version ] && exit; echo "error: No solution"; echo "  cause: no scipy"; echo; echo "hint: the network"; exit 1`)
	setup("setting up the adapter x failed: error: No solution; cause: no scipy", Options{})
	setup("adapter x is not set up and nothing may be fetched: error: No solution", Options{Offline: true})
	script("py", "echo no module; exit 1")
	setup("py cannot run the adapter x: no module", Options{Python: filepath.Join(bin, "py")})

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Setup(ctx, m, io.Discard, Options{}); err == nil || !strings.Contains(err.Error(), "was stopped") {
		t.Errorf("cancelled: %v", err)
	}
}

func TestInProcess(t *testing.T) {
	impl := InProcess(spec.Description{Name: "x"}, map[spec.Op]Func{"kl": func(p, q []float64) float64 {
		p[0] = 7
		switch len(q) {
		case 0:
			panic("refused")
		case 1:
			panic("surprise")
		}
		return p[0] + q[1]
	}}, func(p any) string {
		if p == "refused" {
			return spec.KindLength
		}
		return ""
	})
	ask := func(r spec.Request) spec.Answer { return impl.Answer(context.Background(), r) }
	p, q := spec.Float64s("p", []float64{1, 2}), spec.Float64s("q", []float64{3, 4})
	a, ok := ask(spec.Request{Op: "kl", Arrays: []spec.Array{p, q}}).Result()
	if !ok || a.Float(0) != 11 {
		t.Errorf("kl: %v", a)
	}
	if p.Float(0) != 7 {
		t.Error("a write to the argument does not show in the question")
	}
	f32 := spec.NewArray("p", spec.F32, 2)
	for _, c := range []struct {
		r    spec.Request
		want spec.AnswerStatus
	}{
		{spec.Request{Op: "js", Arrays: []spec.Array{p, q}}, spec.Unsupported},
		{spec.Request{Op: "kl", Arrays: []spec.Array{f32, f32}}, spec.Unsupported},
		{spec.Request{Op: "kl", Arrays: []spec.Array{p, q, spec.NewArray("mask", spec.U8, 2)}}, spec.Unsupported},
		{spec.Request{Op: "kl", Arrays: []spec.Array{p, q}, Options: spec.Options{Base: "2"}}, spec.Unsupported},
		{spec.Request{Op: "kl", Arrays: []spec.Array{p, q}, Options: spec.Options{Base: "e"}}, spec.OK},
		{spec.Request{Op: "kl", Arrays: []spec.Array{p}}, spec.Errored},
		{spec.Request{Op: "kl", Arrays: []spec.Array{p, spec.NewArray("q", spec.F64, 0)}}, spec.Rejected},
	} {
		if a := ask(c.r); a.Status != c.want {
			t.Errorf("%v: %s %s, want %s", c.r, a.Status, a.Message, c.want)
		}
	}
	defer func() {
		if recover() != "surprise" {
			t.Error("a panic that is no refusal did not go on")
		}
	}()
	ask(spec.Request{Op: "kl", Arrays: []spec.Array{p, spec.NewArray("q", spec.F64, 1)}})
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := write(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
