package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"klconf/conform"
	"klconf/spec"
)

// Each page of reports/findings has its parts, stands in the index, and names a check that
// the published result of the implementation says is not passed.
func TestFindings(t *testing.T) {
	all, err := readResults(publishedFolder)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join("..", "..", "reports", "findings")
	index, err := os.ReadFile(filepath.Join(folder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	check := regexp.MustCompile("\\*\\*Check:\\*\\* `([^`]+)` of ([^;]+);")
	for _, page := range pages {
		name := filepath.Base(page)
		if name == "README.md" {
			continue
		}
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		title, _, _ := strings.Cut(strings.TrimPrefix(text, "# "), "\n")
		if !strings.Contains(string(index), "["+title+"]("+name+")") {
			t.Errorf("%s is not in the index", name)
		}
		for _, part := range []string{"**Affected:** ", "```", "**Expected:** ", "**Why:** ", "**Fix:** "} {
			if !strings.Contains(text, part) {
				t.Errorf("%s has no %q", name, part)
			}
		}
		m := check.FindStringSubmatch(text)
		if m == nil {
			if strings.Contains(text, "klconf run") {
				t.Errorf("%s names no check", name)
			}
			continue
		}
		found := false
		for _, r := range all {
			for _, x := range r.Results {
				if r.Implementation.ID == m[2] && conform.Match(m[1], x.ID) && (x.Status.Red() || x.Status == spec.KnownFail || x.Status == spec.KnownFlaky) {
					found = true
				}
			}
		}
		if !found {
			t.Errorf("%s: %s of %s is not among what fails", name, m[1], m[2])
		}
	}
	if n := strings.Count(string(index), ".md)"); n != len(pages)-1 {
		t.Errorf("the index has %d pages, the folder %d", n, len(pages)-1)
	}
}
