package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The readers of golden/readers take what export writes: each counts what its naive loop gets
// right of the same vectors, and one whose arguments are swapped gets most wrong.
func TestReaders(t *testing.T) {
	var csv bytes.Buffer
	if err := (exporter{format: "csv", op: "kl", dtype: "f64", level: "L1", most: 64}).run(&csv); err != nil {
		t.Fatal(err)
	}
	total := 0
	for line := range strings.Lines(csv.String()) {
		if !strings.HasPrefix(line, "#") {
			total++
		}
	}
	for _, x := range []struct {
		file, call, swapped string
		command             []string // FILE is the program, OUT a binary that is made of it
		build               []string
	}{
		{"read.py", "kl([*map(number, p.split())], [*map(number, q.split())])", "kl([*map(number, q.split())], [*map(number, p.split())])", []string{"python3", "FILE"}, nil},
		{"read.mjs", "kl(numbers(p), numbers(q))", "kl(numbers(q), numbers(p))", []string{"node", "FILE"}, nil},
		{"read.go", "kl(numbers(f[3], \" \"), numbers(f[4], \" \"))", "kl(numbers(f[4], \" \"), numbers(f[3], \" \"))", []string{"go", "run", "FILE"}, nil},
		{"Read.java", "kl(numbers(f[3]), numbers(f[4]))", "kl(numbers(f[4]), numbers(f[3]))", []string{"java", "FILE"}, nil},
		{"read.rs", "kl(&numbers(f[3]), &numbers(f[4]))", "kl(&numbers(f[4]), &numbers(f[3]))", []string{"OUT"}, []string{"rustc", "-O", "-o", "OUT", "FILE"}},
		{"read.c", "kl(p, n, q, m, &answered)", "kl(q, m, p, n, &answered)", []string{"OUT"}, []string{"cc", "-O2", "-o", "OUT", "FILE", "-lm"}},
		{"read.c", "kl(p, n, q, m, &answered)", "kl(q, m, p, n, &answered)", []string{"OUT"}, []string{"c++", "-O2", "-o", "OUT", "-x", "c++", "FILE"}},
	} {
		tool := append(x.build, x.command...)[0]
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(tool); err != nil {
				t.Skipf("%s is not here, so %s is not tried", tool, x.file)
			}
			program, err := os.ReadFile(filepath.Join("..", "..", "golden", "readers", x.file))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(program), x.call); n != 1 {
				t.Fatalf("%s calls %s %d times", x.file, x.call, n)
			}
			right := func(program string) int {
				dir := t.TempDir()
				words := func(list []string) *exec.Cmd {
					r := strings.NewReplacer("FILE", filepath.Join(dir, x.file), "OUT", filepath.Join(dir, "reader"))
					for i := range list {
						list[i] = r.Replace(list[i])
					}
					return exec.Command(list[0], list[1:]...)
				}
				if err := os.WriteFile(filepath.Join(dir, x.file), []byte(program), 0o666); err != nil {
					t.Fatal(err)
				}
				if x.build != nil {
					if out, err := words(append([]string{}, x.build...)).CombinedOutput(); err != nil {
						t.Fatalf("%v\n%s", err, out)
					}
				}
				cmd := words(append([]string{}, x.command...))
				var errs bytes.Buffer
				cmd.Stdin, cmd.Stderr = bytes.NewReader(csv.Bytes()), &errs
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%v\n%s", err, errs.String())
				}
				var n, of int
				if _, err := fmt.Sscanf(string(out), "%d of %d right\n", &n, &of); err != nil || of != total {
					t.Fatalf("it says %q of %d vectors", out, total)
				}
				if wrong := strings.Count(errs.String(), "wrong: golden/"); wrong != of-n {
					t.Errorf("%d are named wrong, %d counted", wrong, of-n)
				}
				return n
			}
			// The naive loop is wrong where a ratio overflows and near 0, and in Go at subnormals.
			if n := right(string(program)); n < total*85/100 || n == total {
				t.Errorf("%d of %d are right", n, total)
			}
			if n := right(strings.Replace(string(program), x.call, x.swapped, 1)); n > total*70/100 {
				t.Errorf("with the arguments swapped %d of %d are right", n, total)
			}
		})
	}
}
