// Package adapters holds the foreign tools that the suite can ask: one folder
// for each, with a manifest, one small program that speaks the protocol KLAP,
// and the list of what fails today.
//
//	scipy/manifest.json   what it is, how to set it up and to start it, its entries
//	scipy/adapter.py      the program; its last argument is the id of an entry
//	scipy/known.json      checks that are known to fail
//	python/klap.py        the protocol, for all adapters in Python
//	javascript/klap.mjs   for those in JavaScript
//	java/Klap.java        for those in Java
//	rust/klap.rs          for those in Rust
//	c/klap.h              for those in C and C++
//	r/klap.R              for those in R
//
// A package.json, pom.xml or Cargo.toml beside a manifest pins what npm, Maven
// or cargo fetches; what R takes, manifest.json pins itself.
// The files are embedded, so that an installed binary carries them, and are
// unpacked as they lie here: a program runs from a clone in the same way.
// The peers in Go, gonum and naive, are packages and run in process.
package adapters

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"klconf/spec"
)

//go:embed */manifest.json */adapter.* */known.json */package.json */pom.xml */Cargo.toml
//go:embed python/*.py javascript/*.mjs java/*.java rust/*.rs c/*.h r/*.R
var embedded embed.FS

// own are the files of an adapter on which its setup and its answers depend.
var own = []string{"manifest.json", "adapter.*", "Cargo.toml", "package.json", "pom.xml"}

// helpers are the files that the adapters of a language share.
var helpers = map[string]string{
	"Python": "python/*.py", "JavaScript": "javascript/*.mjs", "Java": "java/*.java",
	"Rust": "rust/*.rs", "C": "c/*.h", "C++": "c/*.h", "R": "r/*.R",
}

// A Manifest describes one foreign tool: manifest.json and known.json of its
// folder.
//
// In the commands, one word each element, {file} stands for the adapter
// program, {dir} for its folder and {python} for the words that run a Python
// program with the packages of its inline metadata (see Command). The word &&
// parts the commands of a setup, which end at the first that fails.
type Manifest struct {
	Name     string            `json:"name"` // the name of the folder
	Title    string            `json:"title"`
	Language string            `json:"language"`
	Homepage string            `json:"homepage,omitempty"`
	Packages map[string]string `json:"packages"`        // exact versions of what is installed directly
	Needs    []string          `json:"needs,omitempty"` // commands that must be on PATH before the setup
	Setup    []string          `json:"setup,omitempty"` // run once in the folder; may fetch and build
	Start    []string          `json:"start"`           // the id of an entry is added; never fetches
	Entries  []Entry           `json:"entries"`

	Known []spec.Known `json:"-"`
	Dir   string       `json:"-"` // absolute; empty as long as the adapter is embedded only
}

// An Entry is one function of the tool, graded as an implementation of its
// own.
type Entry struct {
	ID            string           `json:"id"`
	Title         string           `json:"title"` // the call, as a user of the tool writes it
	Convention    *spec.Convention `json:"convention,omitempty"`
	Claim         spec.Level       `json:"claim,omitempty"` // the accuracy that the tool promises
	Ops           []spec.Op        `json:"ops,omitempty"`
	DTypes        []spec.DType     `json:"dtypes,omitempty"`
	Deterministic *bool            `json:"deterministic,omitempty"` // absent: true
	Note          string           `json:"note,omitempty"`
}

// All returns the embedded adapters by name.
func All() ([]Manifest, error) { return load(embedded, "") }

// Load returns the adapters in the subfolders of dir that hold a
// manifest.json, by name.
func Load(dir string) ([]Manifest, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("cannot read the adapters in %s: %w", dir, errors.Unwrap(err))
	}
	ms, err := load(os.DirFS(dir), dir)
	if err == nil && len(ms) == 0 {
		err = fmt.Errorf("no folder in %s holds a manifest.json", dir)
	}
	return ms, err
}

// Find returns the adapter and the entries that a name stands for: every
// entry for "scipy", one for "scipy/stats.entropy".
func Find(ms []Manifest, name string) (Manifest, []Entry, error) {
	tool, id, one := strings.Cut(name, "/")
	for _, m := range ms {
		if m.Name != tool {
			continue
		}
		if !one {
			return m, m.Entries, nil
		}
		var ids []string
		for _, e := range m.Entries {
			if e.ID == id {
				return m, []Entry{e}, nil
			}
			ids = append(ids, e.ID)
		}
		return Manifest{}, nil, fmt.Errorf("adapter %s has no entry %q; it has %s", tool, id, strings.Join(ids, ", "))
	}
	var names []string
	for _, m := range ms {
		names = append(names, m.Name)
	}
	return Manifest{}, nil, fmt.Errorf("no adapter is called %q; there are %s", tool, strings.Join(names, ", "))
}

// Known returns what is known to fail of the tool of that name, or of a peer
// in Go. It is empty for a name without a list.
func Known(name string) ([]spec.Known, error) { return known(embedded, name) }

// Unpack writes the embedded files that the adapter consists of, with those
// that it shares with others of its language, to a folder of dir that is named
// by their content, and returns it. An empty dir is klconf/adapters in the
// user's cache folder. What is there already and unchanged is left alone, and
// so is what a setup has put beside it.
func (m Manifest) Unpack(dir string) (string, error) {
	if dir == "" {
		cache, err := cacheDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(cache, "adapters")
	}
	patterns := []string{}
	for _, file := range own {
		patterns = append(patterns, m.Name+"/"+file)
	}
	if shared := helpers[m.Language]; shared != "" {
		patterns = append(patterns, shared)
	}
	files, err := glob(embedded, patterns)
	if err != nil {
		return "", err
	}
	key, err := digest(embedded, files)
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, m.Name+"-"+key)
	for _, name := range files {
		data, err := embedded.ReadFile(name)
		if err != nil {
			return "", err
		}
		if err := write(filepath.Join(dir, filepath.FromSlash(name)), data, 0o644); err != nil {
			return "", fmt.Errorf("cannot unpack the adapter %s: %w", m.Name, err)
		}
	}
	return dir, nil
}

// unpacked returns m with a folder on disk.
func unpacked(m Manifest) (Manifest, error) {
	if m.Dir != "" {
		return m, nil
	}
	dir, err := m.Unpack("")
	m.Dir = filepath.Join(dir, m.Name)
	return m, err
}

// program returns the path of the adapter program.
func (m Manifest) program() (string, error) {
	found, err := filepath.Glob(filepath.Join(m.Dir, "adapter.*"))
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("adapter %s needs exactly one file adapter.* in its folder and has %d", m.Name, len(found))
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}

func load(fsys fs.FS, dir string) ([]Manifest, error) {
	files, err := fs.Glob(fsys, "*/manifest.json")
	if err != nil {
		return nil, err
	}
	var ms []Manifest
	for _, file := range files {
		name := path.Dir(file)
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, err
		}
		m, err := parse(data)
		if err == nil {
			err = m.check(name)
		}
		if err == nil {
			m.Known, err = known(fsys, name)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, file), err)
		}
		if dir != "" {
			m.Dir = filepath.Join(dir, name)
		}
		ms = append(ms, m)
	}
	return ms, nil
}

func parse(data []byte) (m Manifest, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err = d.Decode(&m); err != nil {
		return m, err
	}
	if _, err := d.Token(); err != io.EOF {
		return m, errors.New("text after the manifest")
	}
	// A convention decodes itself and lets unknown fields pass.
	var raw struct {
		Entries []struct{ Convention map[string]json.RawMessage }
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return m, err
	}
	for i, e := range raw.Entries {
		for field := range e.Convention {
			if field != "normalises" && field != "epsilon" && !m.Entries[i].Convention.Has(field) {
				return m, fmt.Errorf("entry %q: a convention has no field %q", m.Entries[i].ID, field)
			}
		}
	}
	return m, nil
}

var (
	plainName    = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)
	entryID      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	exactVersion = regexp.MustCompile(`^[0-9][0-9A-Za-z.+_-]*$`)
	placeholder  = regexp.MustCompile(`\{[a-z]+\}`)
)

func (m Manifest) check(folder string) error {
	switch {
	case m.Name != folder:
		return fmt.Errorf("the name %q is not that of the folder", m.Name)
	case !plainName.MatchString(m.Name):
		return fmt.Errorf("the name %q is not lower-case letters, digits, dots and dashes", m.Name)
	case m.Title == "" || m.Language == "":
		return errors.New("title and language must be given")
	case len(m.Start) == 0:
		return errors.New("start must be given")
	case len(m.Entries) == 0:
		return errors.New("there is no entry")
	}
	for _, word := range slices.Concat(m.Setup, m.Start) {
		for _, p := range placeholder.FindAllString(word, -1) {
			switch {
			case p != "{file}" && p != "{dir}" && p != "{python}":
				return fmt.Errorf("%s is none of {file}, {dir}, {python}", p)
			case p == "{python}" && word != p:
				return fmt.Errorf("{python} is a word of its own, not part of %q", word)
			}
		}
	}
	for _, command := range commands(m.Setup) {
		if len(command) == 0 {
			return errors.New("the word && of setup stands between two commands")
		}
	}
	for name, version := range m.Packages {
		if !exactVersion.MatchString(version) {
			return fmt.Errorf("package %q: %q is not an exact version", name, version)
		}
	}
	seen := map[string]bool{}
	for _, e := range m.Entries {
		if err := e.check(); err != nil {
			return fmt.Errorf("entry %q: %w", e.ID, err)
		}
		if seen[e.ID] {
			return fmt.Errorf("entry %q appears twice", e.ID)
		}
		seen[e.ID] = true
	}
	return nil
}

func (e Entry) check() error {
	if !entryID.MatchString(e.ID) {
		return errors.New("the id is not letters, digits, dots, dashes and underscores")
	}
	if e.Title == "" {
		return errors.New("title must be given")
	}
	for _, op := range e.Ops {
		if _, _, _, ok := op.Split(); !ok {
			return fmt.Errorf("unknown op %q", op)
		}
	}
	for _, d := range e.DTypes {
		if d.Size() == 0 {
			return fmt.Errorf("unknown dtype %q; known: %v", d, spec.DTypes)
		}
	}
	if e.Claim != "" && e.Claim.Rank() < 0 {
		return fmt.Errorf("unknown level %q; known: %v", e.Claim, spec.Levels)
	}
	return nil
}

func known(fsys fs.FS, name string) ([]spec.Known, error) {
	data, err := fs.ReadFile(fsys, name+"/known.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	items, err := spec.ReadKnown(data)
	if err != nil {
		return nil, fmt.Errorf("known.json: %w", err)
	}
	return items, nil
}

// glob returns the files that match the patterns.
func glob(fsys fs.FS, patterns []string) (files []string, err error) {
	for _, pattern := range patterns {
		found, err := fs.Glob(fsys, pattern)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}

// digest names the content of the files, and some words beside them.
func digest(fsys fs.FS, files []string, words ...string) (string, error) {
	h := sha256.New()
	for _, name := range files {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(data), data)
	}
	fmt.Fprintf(h, "%q", words)
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// write puts data into a file unless it is there already, in one step for
// whoever else looks.
func write(file string, data []byte, mode fs.FileMode) error {
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, data) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// cacheDir returns klconf's folder in the user's cache folder.
func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no cache folder: %w", err)
	}
	return filepath.Join(dir, "klconf"), nil
}
