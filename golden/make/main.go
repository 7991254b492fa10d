// Make writes the files of package golden.
//
//	go run ./golden/make          write golden/vectors
//	go run ./golden/make -keep    the same in seconds, computing only what is new
//	go run ./golden/make -check   exit 1, with a summary, when they are not what would be written
//
// The tables in this folder declare questions by their inputs alone; what a
// right answer may be comes from conform/judge. Both commands run from the
// top of the module; elsewhere, give -dir.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"klconf/golden"
)

func main() {
	check := flag.Bool("check", false, "compare, write nothing")
	keep := flag.Bool("keep", false, "take over the answers of stored questions instead of computing them again")
	dir := flag.String("dir", "", "folder of the files (default golden/vectors of this module)")
	flag.Parse()
	if err := run(*dir, *check, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "golden/make:", err)
		os.Exit(1)
	}
}

func run(dir string, check, keep bool) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if dir == "" {
		var err error
		if dir, err = home(); err != nil {
			return err
		}
	}
	known := map[string]golden.Vector{}
	if keep {
		for _, v := range golden.Vectors() {
			known[v.ID] = v
		}
	}
	files, err := build(families(), known)
	if err != nil {
		return err
	}
	if check {
		return compare(dir, files)
	}
	return write(dir, files)
}

// home finds golden/vectors from the working directory upwards.
func home() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "golden", "vectors"), nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod above the working directory: give -dir")
		}
		dir = up
	}
}

// stored lists the files of a folder.
func stored(dir string) (map[string][]byte, error) {
	names, err := fs.Glob(os.DirFS(dir), "*.json")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, name := range names {
		if files[name], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func write(dir string, files map[string][]byte) error {
	old, err := stored(dir)
	if err != nil {
		return err
	}
	for name := range old {
		if _, ok := files[name]; !ok {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	for name, b := range files {
		if bytes.Equal(old[name], b) {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// compare returns an error that sums up the differences.
func compare(dir string, files map[string][]byte) error {
	old, err := stored(dir)
	if err != nil {
		return err
	}
	diff := summary(old, files)
	if diff == "" {
		return nil
	}
	return fmt.Errorf("the stored vectors are stale; run make golden and look at the difference\n%s", diff)
}

// summary says file by file where the stored text departs from the wanted
// one; it is empty when it does not.
func summary(have, want map[string][]byte) string {
	const most = 3 // lines shown of a file
	names := map[string]bool{}
	for name := range have {
		names[name] = true
	}
	for name := range want {
		names[name] = true
	}
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	var b strings.Builder
	for _, name := range sorted {
		h, w := have[name], want[name]
		switch {
		case h == nil:
			fmt.Fprintf(&b, "%s: missing\n", name)
			continue
		case w == nil:
			fmt.Fprintf(&b, "%s: no table writes it\n", name)
			continue
		case bytes.Equal(h, w):
			continue
		}
		hl, wl := strings.Split(string(h), "\n"), strings.Split(string(w), "\n")
		fmt.Fprintf(&b, "%s: %d lines stored, %d wanted\n", name, len(hl), len(wl))
		id, shown := "", 0
		for i := 0; i < max(len(hl), len(wl)) && shown < most; i++ {
			var x, y string
			if i < len(hl) {
				x = hl[i]
			}
			if i < len(wl) {
				y = wl[i]
			}
			if t, ok := strings.CutPrefix(strings.TrimSpace(y), `"id": `); ok {
				id = strings.Trim(t, `",`)
			}
			if x != y {
				fmt.Fprintf(&b, "  line %d (%s)\n    - %s\n    + %s\n", i+1, id, clip(x), clip(y))
				shown++
			}
		}
	}
	return b.String()
}

func clip(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 160 {
		s = s[:160] + "…"
	}
	return s
}
