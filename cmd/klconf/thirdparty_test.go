package main

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write THIRD_PARTY.txt anew")

// TestThirdParty holds THIRD_PARTY.txt to what is linked on any system: every
// module with its version, the name of its licence, and the licence itself.
func TestThirdParty(t *testing.T) {
	if testing.Short() {
		t.Skip("asks the go command")
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{"Go standard library": strings.TrimSpace(string(goroot))}
	for _, system := range []string{"linux", "darwin", "windows"} {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", ".")
		cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			if module, folder, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
				folders[module] = folder
			}
		}
	}
	var index, full bytes.Buffer
	for _, module := range slices.Sorted(maps.Keys(folders)) {
		text := licence(t, folders[module])
		fmt.Fprintf(&index, "  %-52s %s\n", module, licenceName(t, module, text))
		fmt.Fprintf(&full, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 78), module, text)
	}
	got := "klconf contains these modules:\n\n" + index.String() + "\nTheir licences follow in full.\n" + full.String()
	if *update {
		if err := os.WriteFile("THIRD_PARTY.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(thirdParty, got); d != "" {
		t.Errorf("THIRD_PARTY.txt is not what is linked (go test -run ThirdParty -update writes it):\n%s", d)
	}
}

// licence returns the licence file of a module, without what would differ
// between checkouts.
func licence(t *testing.T, folder string) string {
	found, err := filepath.Glob(filepath.Join(folder, "LICEN[SC]E*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no licence in %s (%v)", folder, err)
	}
	b, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	if chosen, err := os.ReadFile(filepath.Join(folder, "licenses", "ftl.txt")); err == nil {
		b = append(append(b, '\n'), chosen...) // of the two that it may be used under
	}
	return strings.TrimSpace(strings.ReplaceAll(string(b), "\r\n", "\n"))
}

func licenceName(t *testing.T, module, text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, l := range []struct{ sentence, name string }{
		{"Apache License Version 2.0", "Apache-2.0"},
		{"Mozilla Public License Version 2.0", "MPL-2.0"},
		{"Mozilla Public License, version 2.0", "MPL-2.0"},
		{"Permission is hereby granted, free of charge", "MIT"},
		{"Creative Commons Attribution 4.0", "CC-BY-4.0"},
		{"SIL OPEN FONT LICENSE", "OFL-1.1"},
		{"The FreeType License", "FTL"},
		{"Neither the name", "BSD-3-Clause"},
		{"Redistributions in binary form must reproduce", "BSD-2-Clause"},
	} {
		if strings.Contains(text, l.sentence) {
			return l.name
		}
	}
	t.Fatalf("%s has a licence without a name", module)
	return ""
}
