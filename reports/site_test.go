package reports

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"klconf/spec"
)

var someSpeeds = Speeds{"library/f": 22}

type memoryFile struct {
	bytes.Buffer
	done func(string)
}

func (f *memoryFile) Close() error { f.done(f.String()); return nil }

// site returns the files of a site by name.
func site(t *testing.T, reports []spec.Report, speeds Speeds) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := Site(func(name string) (io.WriteCloser, error) {
		if _, ok := files[name]; ok {
			t.Errorf("%s is written twice", name)
		}
		files[name] = ""
		return &memoryFile{done: func(s string) { files[name] = s }}, nil
	}, reports, speeds)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// looseOf lists the links of a site that lead nowhere, and what loose says of each page but
// for the two files that it loads.
func looseOf(files map[string]string) (bad []string) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Ext(name) != ".html" {
			continue
		}
		up := strings.Repeat("../", strings.Count(name, "/"))
		text := strings.Replace(files[name], fmt.Sprintf(`<link rel="stylesheet" href="%sstyle.css"><script defer src="%[1]ssort.js"></script>`, up), "", 1)
		for _, s := range loose(text) {
			bad = append(bad, name+": "+s)
		}
		for _, m := range hrefs.FindAllStringSubmatch(text, -1) {
			file, anchor, _ := strings.Cut(m[1], "#")
			if file == "" || strings.Contains(file, ":") {
				continue
			}
			to := path.Join(path.Dir(name), file)
			if other, ok := files[to]; !ok || anchor != "" && !strings.Contains(other, fmt.Sprintf(`id="%s"`, anchor)) {
				bad = append(bad, name+": nowhere: "+m[1])
			}
		}
	}
	return bad
}

func TestSiteIsWhole(t *testing.T) {
	files := site(t, fixed(), someSpeeds)
	if bad := looseOf(files); len(bad) > 0 {
		t.Error(bad)
	}
	for _, q := range spec.Requirements() {
		if !strings.Contains(files["requirements/"+q.ID+".html"], fmt.Sprintf(`<h1 id="%s-h">`, q.ID)) {
			t.Errorf("no page for %s", q.ID)
		}
	}
	// What is on the one page of HTML is on the page of its implementation.
	for _, r := range fixed() {
		page := files[implementationFile(anchor(r.Implementation.ID))]
		if !strings.Contains(page, "<h1 ") {
			t.Errorf("no page for %s", r.Implementation.ID)
		}
		for _, x := range r.Results {
			if (x.Status.Red() || x.Known != nil) && !strings.Contains(page, "<code>"+x.ID+"</code>") {
				t.Errorf("%s is not on the page of %s", x.ID, r.Implementation.ID)
			}
		}
	}
	for name, want := range map[string]string{
		"implementations/library-f.html": "klconf run library/f --only golden/generic/three/f64 --seed 1",
		"requirements/DEF-1.html":        `<a href="../implementations/library-f.html">`,
		"index.html":                     "library/f: 22 × dot product",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s lacks %q", name, want)
		}
	}
	if again := site(t, fixed(), someSpeeds); !maps.Equal(files, again) {
		t.Error("the same reports give another site")
	}
	if without := site(t, fixed(), nil); strings.Contains(without["index.html"], "scatter") {
		t.Error("times that nobody measured are drawn")
	}
}

// looseOf must be able to fail.
func TestLooseSitesAreCaught(t *testing.T) {
	for _, s := range []string{`<a href="implementations/no-such.html">x</a>`, `<a href="accuracy.html#no-such">x</a>`, `<script src="x.js"></script>`} {
		files := site(t, fixed(), nil)
		files["index.html"] = strings.Replace(files["index.html"], "</main>", s+"</main>", 1)
		if looseOf(files) == nil {
			t.Errorf("%s passes", s)
		}
	}
}

// In a browser, at two widths, in the light and in the dark, the pages are as readable as the
// one of HTML, load what is beside them, and the overview is sorted by its headings.
func TestSiteInBrowser(t *testing.T) {
	dir := t.TempDir()
	var frames []frame
	for folder, reports := range map[string][]spec.Report{"fixed": append(fixed(), wide()), "published": published(t)} {
		files := site(t, reports, someSpeeds)
		if bad := looseOf(files); len(bad) > 0 {
			t.Errorf("%s: %v", folder, bad)
		}
		for name, text := range files {
			file := filepath.Join(dir, folder, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		for _, width := range []int{360, 1280} {
			frames = append(frames, frame{name: fmt.Sprintf("%s/index.html, %d", folder, width), file: filepath.Join(dir, folder, "index.html"), width: width})
		}
	}
	dir = filepath.Join(dir, "fixed")
	for _, name := range []string{"accuracy.html", "implementations/library-f.html", "requirements/DEF-1.html"} {
		frames = append(frames, frame{name: name, file: filepath.Join(dir, filepath.FromSlash(name)), width: 360})
	}
	for _, dark := range []bool{false, true} {
		sights, said := see(t, dark, frames...)
		for _, s := range sights {
			for _, f := range s.Found {
				t.Errorf("dark %v, %s: %s", dark, s.Name, f)
			}
			if sorted := strings.Contains(s.Name, "index.html"); sorted != (s.Sorted > 0) {
				t.Errorf("%s: %d tables were sorted", s.Name, s.Sorted)
			}
		}
		for _, s := range said {
			t.Errorf("dark %v: the console says %s", dark, s)
		}
	}
}

// published reads the results of reports/published.
func published(t *testing.T) (all []spec.Report) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("published", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d results, %v", len(files), err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		r, err := spec.ReadReport(data)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}
