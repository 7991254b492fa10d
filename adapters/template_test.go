package adapters

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every template has one adapter with one function that is marked, and a
// script in cmd/klconf that runs it as a newcomer does.
func TestTemplates(t *testing.T) {
	for _, name := range Templates() {
		files, err := Template(name, "some/folder", "1.2.3")
		if err != nil {
			t.Fatal(err)
		}
		found := map[string][]byte{}
		program := ""
		for _, f := range files {
			found[f.Name] = f.Data
			if strings.HasPrefix(f.Name, "adapter.") {
				program += f.Name
			}
			if f.Run != (f.Name == "check.sh") {
				t.Errorf("%s: %s: a command: %t", name, f.Name, f.Run)
			}
		}
		if n := bytes.Count(found[program], []byte("replace this function")); n != 1 {
			t.Errorf("%s: %q says %d times what to replace", name, program, n)
		}
		for file, word := range map[string]string{"README.md": program, "check.sh": program, "workflow.yml": "some/folder"} {
			if !bytes.Contains(found[file], []byte(word)) || !bytes.Contains(found[file], []byte("1.2.3")) {
				t.Errorf("%s: %s does not name %s and the version:\n%s", name, file, word, found[file])
			}
		}
		if _, err := os.Stat(filepath.Join("..", "cmd", "klconf", "testdata", "script", "init_"+name+".txtar")); err != nil {
			t.Errorf("%s: no script tries it: %v", name, err)
		}
	}
	if _, err := Template("cobol", "", ""); err == nil || !strings.Contains(err.Error(), "java, js, python, r, rust") {
		t.Errorf("cobol: %v", err)
	}
}

// The adapter in Python is the complete one of spec/README.md.
func TestTemplateOfSpec(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "spec", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile("(?s)### A complete adapter.*?```python\n(.*?)```").FindSubmatch(text)
	program, err := templates.ReadFile("template/python/adapter.py")
	if err != nil {
		t.Fatal(err)
	}
	if code == nil || !bytes.HasSuffix(program, code[1]) {
		t.Error("template/python/adapter.py does not end like the complete adapter of spec/README.md")
	}
}
