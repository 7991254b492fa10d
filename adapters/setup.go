package adapters

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// uvVersion is the release of uv that is fetched where there is none.
const uvVersion = "0.13.9"

// Options say how adapters are set up and started.
type Options struct {
	// Python is an interpreter that has the modules of a Python adapter. It
	// is used as it is, nothing is installed.
	Python string
	// Offline forbids fetching anything.
	Offline bool
	// Again repeats a setup that was done before.
	Again bool
}

// Command returns the words that start an entry of the adapter and the words
// that set the adapter up, none if there is nothing to do. {python} is
//
//	uv run --quiet --offline --script      in start: the environment is there or it fails at once
//	uv run --script                        in setup
//
// and just o.Python if that is given. An adapter that is only embedded is
// unpacked.
func Command(m Manifest, e Entry, o Options) (start, setup []string, err error) {
	if m, err = unpacked(m); err != nil {
		return nil, nil, err
	}
	file, err := m.program()
	if err != nil {
		return nil, nil, err
	}
	expand := func(words, python []string) (argv []string) {
		for _, word := range words {
			if word == "{python}" {
				argv = append(argv, python...)
				continue
			}
			argv = append(argv, strings.NewReplacer("{file}", file, "{dir}", m.Dir).Replace(word))
		}
		return argv
	}
	forStart, forSetup := []string{o.Python}, []string{o.Python}
	if o.Python == "" && slices.Contains(slices.Concat(m.Start, m.Setup), "{python}") {
		uv, err := uvPath()
		if err != nil {
			return nil, nil, err
		}
		forStart = []string{uv, "run", "--quiet", "--offline", "--script"}
		forSetup = []string{uv, "run", "--script"}
		if o.Offline {
			forSetup = []string{uv, "run", "--offline", "--script"}
		}
	}
	return append(expand(m.Start, forStart), e.ID), expand(m.Setup, forSetup), nil
}

// Setup makes the adapter ready to start: it obtains uv where {python} asks
// for it, runs the setup command and remembers that, so that the next call
// returns at once. What the commands print goes to w.
func Setup(ctx context.Context, m Manifest, w io.Writer, o Options) error {
	m, err := unpacked(m)
	if err != nil {
		return err
	}
	_, argv, err := Command(m, Entry{}, o)
	if err != nil {
		return err
	}
	for _, need := range m.Needs {
		if _, err := exec.LookPath(need); err != nil {
			return fmt.Errorf("adapter %s needs the command %s, which is not on PATH%s", m.Name, need, debian[need])
		}
	}
	if len(argv) == 0 {
		return nil
	}
	python := slices.Contains(m.Setup, "{python}")
	if python && o.Python != "" {
		if err := run(ctx, w, m.Dir, argv); err != nil {
			return fmt.Errorf("%s cannot run the adapter %s: %w", o.Python, m.Name, err)
		}
		return nil
	}
	stamp, err := stampFile(m, argv)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(stamp), 0o755); err != nil {
		return err
	}
	// Two programs that want the same adapter would install into the same folder.
	unlock, err := lockedfile.MutexAt(stamp + ".lock").Lock()
	if err != nil {
		return fmt.Errorf("adapter %s: %w", m.Name, err)
	}
	defer unlock()
	if _, err := os.Stat(stamp); err == nil && !o.Again {
		if !python || isFile(argv[0]) {
			return nil
		}
	}
	if python {
		if err := obtainUV(ctx, w, o); err != nil {
			return fmt.Errorf("adapter %s: %w", m.Name, err)
		}
	}
	for _, command := range commands(argv) {
		if flag := offline[command[0]]; o.Offline && flag != "" {
			command = slices.Insert(slices.Clone(command), min(2, len(command)), flag)
		}
		if err := run(ctx, w, m.Dir, command); err != nil {
			if o.Offline {
				return fmt.Errorf("adapter %s is not set up and nothing may be fetched: %w", m.Name, err)
			}
			return fmt.Errorf("setting up the adapter %s failed: %w", m.Name, err)
		}
	}
	return write(stamp, []byte(strings.Join(argv, " ")+"\n"), 0o644)
}

// offline are the options by which a command that fetches is told not to,
// after its first argument.
var offline = map[string]string{"npm": "--offline", "mvn": "--offline", "cargo": "--offline", "pip": "--no-index", "Rscript": "--offline"}

// debian says how to come by a command that a package has whose name is another.
var debian = map[string]string{"Rscript": "; in Debian: apt-get install r-base-core"}

// commands parts the words of a setup at each &&.
func commands(words []string) (parted [][]string) {
	for len(words) > 0 {
		i := slices.Index(words, "&&")
		if i < 0 {
			return append(parted, words)
		}
		if parted = append(parted, words[:i]); i == len(words)-1 {
			return append(parted, nil)
		}
		words = words[i+1:]
	}
	return parted
}

// stampFile names the file that remembers a setup: of this content, that of the
// language's shared files too, in this place, by this command.
func stampFile(m Manifest, argv []string) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	fsys := os.DirFS(filepath.Dir(m.Dir))
	var patterns []string
	for _, pattern := range own {
		patterns = append(patterns, path.Join(filepath.Base(m.Dir), pattern))
	}
	if shared := helpers[m.Language]; shared != "" {
		patterns = append(patterns, shared)
	}
	files, err := glob(fsys, patterns)
	if err != nil {
		return "", err
	}
	argv = slices.DeleteFunc(slices.Clone(argv), func(word string) bool { return word == "--offline" })
	key, err := digest(fsys, files, argv...)
	return filepath.Join(cache, "setup", m.Name+"-"+key), err
}

// uvPath returns the uv on PATH, or else where obtainUV puts its own.
func uvPath() (string, error) {
	if p, err := exec.LookPath("uv"); err == nil && exec.Command(p, "--version").Run() == nil {
		return p, nil
	}
	cache, err := cacheDir()
	return filepath.Join(cache, "uv-"+uvVersion, exe("uv")), err
}

// UV returns the path of the uv that runs Python programs, which is fetched if there is none.
// What is said meanwhile goes to w.
func UV(ctx context.Context, w io.Writer, o Options) (string, error) {
	if err := obtainUV(ctx, w, o); err != nil {
		return "", err
	}
	return uvPath()
}

// obtainUV installs uv with pip into a passing virtual environment and keeps
// its program.
func obtainUV(ctx context.Context, w io.Writer, o Options) error {
	uv, err := uvPath()
	if err != nil || isFile(uv) {
		return err
	}
	if o.Offline {
		return errors.New("uv is not on PATH and nothing may be fetched")
	}
	var python string
	for _, name := range []string{"python3", "python"} {
		if p, err := exec.LookPath(name); err == nil {
			python = p
			break
		}
	}
	if python == "" {
		return errors.New("there is neither uv nor python3 on PATH; install Python 3.11 or later, with pip and venv")
	}
	if err := os.MkdirAll(filepath.Dir(uv), 0o755); err != nil {
		return err
	}
	venv, err := os.MkdirTemp(filepath.Dir(uv), "venv-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(venv)
	fmt.Fprintf(w, "fetching uv %s\n", uvVersion)
	if err := run(ctx, w, "", []string{python, "-m", "venv", venv}); err != nil {
		return fmt.Errorf("%s cannot make a virtual environment to fetch uv: %w", python, err)
	}
	bin := filepath.Join(venv, "bin")
	if runtime.GOOS == "windows" {
		bin = filepath.Join(venv, "Scripts")
	}
	pip := []string{filepath.Join(bin, exe("python")), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv==" + uvVersion}
	if err := run(ctx, w, "", pip); err != nil {
		return fmt.Errorf("pip cannot install uv %s: %w", uvVersion, err)
	}
	return os.Rename(filepath.Join(bin, exe("uv")), uv)
}

// run runs a command, copies what it prints to w and, if it fails, returns
// its complaint as the error.
func run(ctx context.Context, w io.Writer, dir string, argv []string) error {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Stdout = io.MultiWriter(w, &said)
	cmd.Stderr = cmd.Stdout
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s was stopped: %w", filepath.Base(argv[0]), context.Cause(ctx))
	case err != nil:
		return errors.New(cmp.Or(complaint(said.String()), err.Error()))
	}
	return nil
}

// complaint returns the last line that was printed; or the causes that uv
// prints between its error and its hints; or the first lines of npm and Maven,
// whose last ones say where to read more; or the first error of a C compiler,
// whose own #error it is as a rule.
func complaint(said string) string {
	lines := strings.FieldsFunc(said, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	lines = slices.DeleteFunc(lines, func(s string) bool { return s == "" || strings.HasPrefix(s, "hint:") })
	for i, s := range lines {
		switch {
		case strings.HasPrefix(s, "error: "):
			return strings.Join(lines[i:], "; ")
		case strings.Contains(s, "[ERROR] "): // after escape sequences
			_, s, _ = strings.Cut(s, "[ERROR] ")
			s, _, _ = strings.Cut(s, " -> [Help")
			return address.ReplaceAllString(s, "the registry")
		case strings.HasPrefix(s, "collect2: error: ") && i > 0: // after what the linker said
			return lines[i-1]
		case strings.Contains(s, " error: "):
			_, s, _ = strings.Cut(s, " error: ")
			return strings.Trim(strings.TrimPrefix(s, "#error "), `"`)
		case strings.HasPrefix(s, "npm error "):
			s = strings.TrimPrefix(s, "npm error ")
			if i+1 < len(lines) {
				s += "; " + strings.TrimPrefix(lines[i+1], "npm error ")
			}
			return address.ReplaceAllString(s, "the registry")
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

// A reason is kept in reports, where no address belongs.
var address = regexp.MustCompile(`https?://[^\s)]+`)

func isFile(p string) bool {
	info, err := os.Stat(p)
	return err == nil && info.Mode().IsRegular()
}

func exe(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}
