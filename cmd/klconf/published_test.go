package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"klconf/golden"
	"klconf/property"
	"klconf/reports"
	"klconf/spec"
)

const publishedFolder = "../../reports/published"

// stale says what of a published report is not of this catalogue.
func stale(r spec.Report, names []string) error {
	var errs []error
	if !slices.Contains(names, r.Implementation.ID) {
		errs = append(errs, fmt.Errorf("no implementation is called %s: remove its file", r.Implementation.ID))
	}
	if r.Suite.Spec != spec.Version || r.Suite.Vectors != golden.Version || r.Suite.Version != version {
		errs = append(errs, fmt.Errorf("graded by %+v", r.Suite))
	}
	cited := func(where string, ids ...string) {
		for _, id := range ids {
			if _, ok := spec.Lookup(id); !ok {
				errs = append(errs, fmt.Errorf("%s: there is no requirement %s", where, id))
			}
		}
	}
	for _, x := range r.Results {
		cited(x.ID, x.Requirements...)
		if _, ok := golden.Lookup(x.ID); !ok && strings.HasPrefix(x.ID, "golden/") {
			errs = append(errs, fmt.Errorf("there is no vector %s", x.ID))
		}
		if parts := strings.Split(x.ID, "/"); parts[0] == "law" &&
			!slices.ContainsFunc(property.Laws(), func(l property.Law) bool { return l.ID == parts[1] }) {
			errs = append(errs, fmt.Errorf("%s: there is no such law", x.ID))
		}
	}
	for _, e := range r.Elided {
		if !slices.ContainsFunc(spec.Families, func(f struct{ Name, About string }) bool { return f.Name == e.Cited }) {
			cited("elided", e.Cited)
		}
	}
	return errors.Join(errs...)
}

// The published results are of the schema and of the catalogue, and the page
// and README.md are what is written from them.
func TestPublished(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("..", "..", "spec", "schema", "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := newShelf("")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(publishedFolder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		size += len(data)
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
	if size > 100_000*len(files) {
		t.Errorf("the published results have %d bytes; every binary carries them", size)
	}
	all, err := readResults(publishedFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if err := stale(r, s.names()); err != nil {
			t.Errorf("%s, make publish writes it anew: %v", r.Implementation.ID, err)
		}
	}
	for _, x := range s.all() {
		if !slices.ContainsFunc(all, func(r spec.Report) bool { return r.Implementation.ID == x.id }) {
			t.Errorf("%s is not published: make publish", x.id)
		}
	}
	speeds, err := readSpeeds(filepath.Join(publishedFolder, "speed.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := reports.Markdown(&page, all, speeds); err != nil {
		t.Fatal(err)
	}
	if old, err := os.ReadFile(filepath.Join(publishedFolder, "README.md")); err != nil || !bytes.Equal(old, page.Bytes()) {
		t.Errorf("README.md is not what the results give (%v): make site", err)
	}
}

// The page of what hunts have found is what their states give, each of an implementation that is
// here.
func TestHuntsArePublished(t *testing.T) {
	var table strings.Builder
	if err := writeHunts(&table, []string{filepath.Join(publishedFolder, "hunts")}); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(publishedFolder, "hunts.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(page), "\n\n"+table.String()) {
		t.Error("hunts.md is not what the states in hunts give: make hunt")
	}
	s, err := newShelf("")
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(table.String()), "\n")[2:]
	for _, row := range rows {
		if name := strings.Trim(strings.Split(row, "|")[1], " "); !slices.Contains(s.names(), name) {
			t.Errorf("no implementation is called %s", name)
		}
	}
	if len(rows) < 60 {
		t.Errorf("%d hunts", len(rows))
	}
}

// TestPublished must be able to fail.
func TestStaleResultsAreCaught(t *testing.T) {
	suite := spec.Suite{Version: version, Spec: spec.Version, Vectors: golden.Version}
	right := func() spec.Report {
		return spec.Report{Suite: suite, Implementation: spec.Subject{ID: "gonum"},
			Results: []spec.Result{{ID: "golden/zero/q0/f64", Requirements: []string{"VAL-2"}}, {ID: "law/LAW-1/f64", Requirements: []string{"LAW-1"}}},
			Elided:  []spec.Elision{{Cited: "VAL-1"}, {Cited: "VAL"}}}
	}
	if err := stale(right(), []string{"gonum"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		spoil func(*spec.Report)
		want  string
	}{
		{func(r *spec.Report) { r.Implementation.ID = "gone" }, "no implementation is called gone"},
		{func(r *spec.Report) { r.Suite.Vectors = "0.0" }, "graded by"},
		{func(r *spec.Report) { r.Results[0].ID = "golden/zero/gone/f64" }, "no vector"},
		{func(r *spec.Report) { r.Results[0].Requirements = []string{"VAL-999"} }, "no requirement VAL-999"},
		{func(r *spec.Report) { r.Results[1].ID = "law/LAW-999/f64" }, "no such law"},
		{func(r *spec.Report) { r.Elided[0].Cited = "VAL-999" }, "no requirement VAL-999"},
	} {
		r := right()
		c.spoil(&r)
		if err := stale(r, []string{"gonum"}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}
