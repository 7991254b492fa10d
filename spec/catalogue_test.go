package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestCatalogue(t *testing.T) {
	wellFormed := regexp.MustCompile(`^(DEF|VAL|LAW|ACC|IO|ROW|LLM|PERF)-M?(0|[1-9][0-9]*)[A-Z]?$`)
	since := regexp.MustCompile(`^[0-9]+\.[0-9]+$`)
	families := map[string]bool{}
	for _, f := range Families {
		families[f.Name] = true
	}
	seen := map[string]bool{}
	for _, r := range Requirements() {
		if !wellFormed.MatchString(r.ID) || !families[r.Family()] {
			t.Errorf("%q is not an id", r.ID)
		}
		if seen[r.ID] {
			t.Errorf("%s stands twice", r.ID)
		}
		seen[r.ID] = true
		if r.Force != Must && r.Force != Should && r.Force != May {
			t.Errorf("%s: force %q", r.ID, r.Force)
		}
		if !oneSentence(r.Statement) {
			t.Errorf("%s: not one sentence: %q", r.ID, r.Statement)
		}
		if r.Formula == "" || r.Rationale == "" || r.Source == "" {
			t.Errorf("%s: formula, rationale or source is missing", r.ID)
		}
		if !since.MatchString(r.Since) {
			t.Errorf("%s: since %q", r.ID, r.Since)
		}
		if got, ok := Lookup(r.ID); !ok || got != r {
			t.Errorf("Lookup(%s) = %v, %v", r.ID, got, ok)
		}
	}
	for f := range families {
		if !strings.Contains(fmt.Sprint(seen), f+"-") {
			t.Errorf("family %s is empty", f)
		}
	}
	if _, ok := Lookup("LAW-0"); ok {
		t.Error("LAW-0 was found")
	}
}

// oneSentence reports whether s begins with a capital or a formula, ends with
// the only full stop that ends a sentence in it, and is one line.
func oneSentence(s string) bool {
	return strings.HasSuffix(s, ".") && !strings.Contains(s, "\n") && strings.TrimSpace(s) == s &&
		!regexp.MustCompile(`[.!?] +[A-Z]`).MatchString(s)
}

// TestPermanentIDs holds the ids that others cite; one may be added, none may
// go.
func TestPermanentIDs(t *testing.T) {
	ids := []string{"LAW-2S", "LAW-2Z"}
	for family, last := range map[string]int{"DEF-": 11, "VAL-": 20, "LAW-M": 9, "LAW-": 22, "ACC-": 6, "IO-": 8, "ROW-": 9, "LLM-": 17, "PERF-": 6} {
		for i := 1; i <= last; i++ {
			ids = append(ids, family+strconv.Itoa(i))
		}
	}
	for _, id := range append(ids, "ACC-0") {
		if _, ok := Lookup(id); !ok {
			t.Errorf("%s is gone", id)
		}
	}
}

func TestAccuracyLevels(t *testing.T) {
	for i, force := range []Force{Must, Must, Should, Should, May, May} {
		r, _ := Lookup("ACC-" + strconv.Itoa(i))
		if r.Level != Levels[i] || r.Force != force {
			t.Errorf("%s: level %q, force %s", r.ID, r.Level, r.Force)
		}
	}
	for _, r := range Requirements() {
		if r.Level != "" && r.Family() != "ACC" && r.ID != "ROW-5" && r.ID != "LLM-13" {
			t.Errorf("%s has a level", r.ID)
		}
	}
}

// TestPlanned pins which requirements a suite of this version must check.
func TestPlanned(t *testing.T) {
	now := regexp.MustCompile(`^(DEF|VAL|LAW|ACC|IO|ROW|LLM|PERF-[12346])-?`)
	for _, r := range Requirements() {
		if (r.Since <= Version) != now.MatchString(r.ID) {
			t.Errorf("%s: since %s", r.ID, r.Since)
		}
	}
}

func TestRequirementsFile(t *testing.T) {
	var file struct {
		Version      string        `json:"version"`
		Requirements []Requirement `json:"requirements"`
	}
	d := json.NewDecoder(bytes.NewReader(requirementsJSON))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	if file.Version != Version {
		t.Errorf("requirements.json is version %s, the package %s", file.Version, Version)
	}
}
