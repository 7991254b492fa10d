package adapters

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"klconf/spec"
)

// The rude adapter of helpers_test.go, in R. Its own functions cannot change an argument; C code
// that a package calls can.
var r = helper{
	language: "R", file: "r/klap.R", adapter: "adapter.R",
	needs: []string{"Rscript", "cc", "make"},
	setup: []string{"Rscript", "{file}", "{dir}", "--build"},
	start: []string{"Rscript", "--vanilla", "{file}", "{dir}"},
	program: `
dir <- commandArgs(TRUE)[1]
source(file.path(dir, "../r/klap.R"))
if (commandArgs(TRUE)[2] == "--build") {
  writeLines("#include <Rinternals.h>\nSEXP rude(SEXP p) { REAL(p)[0] = 7; return p; }", file.path(dir, "rude.c"))
  quit(status = system2("R", c("CMD", "SHLIB", file.path(dir, "rude.c"))))
}
serve("base", list(f = function() {
  cat("loading\n")
  dyn.load(file.path(dir, "rude.so"))
  kl <- function(p, q) {
    print("a stray print")
    if (length(p) != length(q)) stop("lengths\n differ")
    s <- sum(p * log(p / q))
    if (length(p) == 1) .Call("rude", p)
    s
  }
  entropy <- function(p) {
    if (!length(p)) {
      options(warn = 2)
      warning("surprise") # becomes an error that nobody stopped with
    }
    p[1]
  }
  list(kl = kl, entropy = entropy)
}))
`}

func TestRHelper(t *testing.T) {
	l := r.test(t, []change{
		{"[size:1, ])", ")", "the value of f64 in hex"},
		{"writeBin(as.double(x),", "writeBin(as.double(x) + 0,", "-0 of f64 in frame"},
		{"p <- bufs[[1]]$x", "p <- bufs[[1]]$x + 0", "a change of the argument does not show"},
		{"identical(call[[1]], quote(stop))", "FALSE", "a refusal: error"},
	})
	if l.hello.Packages["R"] == "" {
		t.Errorf("hello: %+v", l.hello)
	}

	l.escapes("\"\\/\f\n\r\té∞\U0001f600<")
}

// A package is built from the repository, where an older version lies in the archive, or copied from
// where R has the pinned version; what cannot be had is named with what R has instead.
func TestRLibrary(t *testing.T) {
	have(t, "r", []string{"Rscript"})
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	repository := t.TempDir()
	profile := filepath.Join(repository, "profile")
	put(t, profile, `options(repos = c(CRAN = "file://`+filepath.ToSlash(repository)+"\"))\n")
	t.Setenv("R_PROFILE_USER", profile)
	t.Setenv("R_LIBS", "")
	contrib := filepath.Join(repository, "src", "contrib")
	put(t, filepath.Join(contrib, "tiny_2.0.tar.gz"), tiny(t, "2.0"))
	put(t, filepath.Join(contrib, "Archive", "tiny", "tiny_1.0.tar.gz"), tiny(t, "1.0"))

	// setup returns the library.
	setup := func(pin, want string, o Options) string {
		t.Helper()
		dir := t.TempDir()
		for _, file := range []string{"klap.R", "library.R"} {
			text, err := embedded.ReadFile("r/" + file)
			if err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(dir, "r", file), string(text))
		}
		put(t, filepath.Join(dir, "x", "adapter.R"), "")
		put(t, filepath.Join(dir, "x", "manifest.json"), `{"packages":{"tiny":"`+pin+`"}}`)
		var said strings.Builder
		m := Manifest{Name: "x", Language: "R", Dir: filepath.Join(dir, "x"), Needs: []string{"Rscript"},
			Setup: []string{"Rscript", "{dir}/../r/library.R", "{dir}"}, Start: []string{"Rscript", "{file}"}}
		err := Setup(t.Context(), m, &said, o)
		library := filepath.Join(m.Dir, "library")
		if want != "" {
			if err == nil || err.Error() != want {
				t.Errorf("%s: %v, want %s\n%s", pin, err, want, &said)
			}
			return library
		}
		text, readErr := os.ReadFile(filepath.Join(library, "tiny", "DESCRIPTION"))
		if err != nil || readErr != nil || !strings.Contains(string(text), "Version: "+pin+"\n") || !strings.HasSuffix(said.String(), "tiny "+pin+"\n") {
			t.Errorf("%s: %v, %v\n%s\n%s", pin, err, readErr, &said, text)
		}
		return library
	}
	setup("1.0", "", Options{})
	library := setup("2.0", "", Options{})
	setup("3.0", "setting up the adapter x failed: the package tiny 3.0 is not in R and could not be had from CRAN; in Debian: apt-get install r-cran-tiny", Options{})

	t.Setenv("R_LIBS", library)
	setup("2.0", "", Options{Offline: true})
	setup("1.0", "adapter x is not set up and nothing may be fetched: the package tiny 1.0 is not in R, which has 2.0, and could not be had from CRAN; in Debian: apt-get install r-cran-tiny", Options{Offline: true})

	t.Setenv("PATH", t.TempDir())
	setup("2.0", "adapter x needs the command Rscript, which is not on PATH; in Debian: apt-get install r-base-core", Options{})
}

// tiny returns the sources of a package in R, as its repository holds them.
func tiny(t *testing.T, version string) string {
	t.Helper()
	var b strings.Builder
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, file := range [][2]string{
		{"tiny/DESCRIPTION", "Package: tiny\nVersion: " + version + "\nTitle: T\nDescription: D.\nLicense: none\nAuthor: A\nMaintainer: A <a@b.c>\n"},
		{"tiny/NAMESPACE", "export(f)\n"},
		{"tiny/R/f.R", "f <- function() 1\n"},
	} {
		if err := w.WriteHeader(&tar.Header{Name: file[0], Mode: 0o644, Size: int64(len(file[1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, file[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What the packages answer to the seed pair, as programs without klconf have measured it.
func TestRPackages(t *testing.T) {
	if os.Getenv("KLCONF_FULL") == "" {
		t.Skip("it installs the packages, which may take minutes the first time: KLCONF_FULL=1, as make test-full has it")
	}
	for _, c := range []struct {
		entry string
		seed  float64
	}{
		{"proxy/dist.Kullback", 0x1.84dcfd8f12612p-5},
		{"proxy/dist.Kullback.matrix", 0x1.48521c62dd934p-5}, // KL(Q‖P)
		{"flexmix/KLdiv", 0x1.84dcfd8f12614p-5},
	} {
		t.Run(c.entry, func(t *testing.T) {
			l := startByName(t, c.entry)
			l.value(pair("kl", spec.F64, seedP, seedQ), c.seed)
		})
	}
}
