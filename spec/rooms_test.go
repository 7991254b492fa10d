package spec_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Each room may import the rooms of its line and, beside the standard
// library, the modules of its line: what is written here is the design.
var rooms = []struct {
	room    string
	own     []string
	foreign []string
}{
	{"klconf/spec", nil, nil},
	{"klconf/spec/klap", []string{"klconf/spec"}, nil},
	{"klconf/impl/exact", nil, nil},
	{"klconf/impl", []string{"klconf/impl/exact"}, []string{"golang.org/x/sys"}},
	{"klconf/conform/judge", []string{"klconf/spec", "klconf/impl/exact"}, nil},
	{"klconf/golden", []string{"klconf/spec"}, nil},
	{"klconf/property", []string{"klconf/spec", "klconf/conform/judge", "klconf/impl/exact"}, []string{"pgregory.net/rapid"}},
	{"klconf/property/mutant", []string{"klconf/spec", "klconf/conform/judge", "klconf/impl/exact"}, nil}, // imported by tests only
	{"klconf/conform", []string{"klconf/spec", "klconf/spec/klap", "klconf/conform/judge", "klconf/golden", "klconf/property", "klconf/impl/exact"},
		[]string{"pgregory.net/rapid"}},
	{"klconf/kltest", []string{"klconf/conform", "klconf/spec", "klconf/spec/klap", "klconf/conform/judge", "klconf/golden", "klconf/property", "klconf/impl/exact"},
		[]string{"pgregory.net/rapid"}},
	{"klconf/bench", []string{"klconf/spec", "klconf/conform/judge", "klconf/impl/exact", "klconf/bench/machine"}, []string{"github.com/klauspost/cpuid", "github.com/viterin", "github.com/chewxy/math32", "golang.org/x/exp", "golang.org/x/sys"}},
	{"klconf/bench/gate", []string{"klconf/reports/grid"}, []string{"golang.org/x/perf", "github.com/aclements/go-moremath", "github.com/jedib0t/go-pretty", "github.com/mattn/go-runewidth", "github.com/rivo/uniseg", "golang.org/x/text"}},
	{"klconf/bench/machine", nil, []string{"github.com/klauspost/cpuid", "golang.org/x/sys"}},
	{"klconf/reports", []string{"klconf/spec", "klconf/reports/grid"}, []string{"github.com/jedib0t/go-pretty", "github.com/mattn/go-runewidth", "github.com/rivo/uniseg", "golang.org/x/text"}},
	{"klconf/reports/grid", nil, []string{"github.com/jedib0t/go-pretty", "github.com/mattn/go-runewidth", "github.com/rivo/uniseg", "golang.org/x/text"}},
	{"klconf/reports/figure", nil, []string{
		"gonum.org/v1", "golang.org/x/image", "golang.org/x/sys", "codeberg.org/go-fonts", "codeberg.org/go-latex", "codeberg.org/go-pdf", "git.sr.ht/~sbinet/gg", "github.com/ajstarks/svgo", "github.com/golang/freetype", "golang.org/x/text"}},
	{"klconf/reports/histogram", []string{"klconf/reports/figure"}, []string{
		"gonum.org/v1", "golang.org/x/image", "golang.org/x/sys", "codeberg.org/go-fonts", "codeberg.org/go-latex", "codeberg.org/go-pdf", "git.sr.ht/~sbinet/gg", "github.com/ajstarks/svgo", "github.com/golang/freetype", "golang.org/x/text"}},
	{"klconf/reports/speed", []string{"klconf/spec", "klconf/reports/grid", "klconf/reports/figure"}, []string{"github.com/jedib0t/go-pretty", "github.com/mattn/go-runewidth", "github.com/rivo/uniseg", "golang.org/x/text",
		"golang.org/x/perf", "github.com/aclements/go-moremath", "gonum.org/v1", "golang.org/x/image", "golang.org/x/sys",
		"codeberg.org/go-fonts", "codeberg.org/go-latex", "codeberg.org/go-pdf", "git.sr.ht/~sbinet/gg", "github.com/ajstarks/svgo", "github.com/golang/freetype"}},
	{"klconf/reports/published", []string{"klconf/spec"}, nil},
	{"klconf/adapters", []string{"klconf/spec"}, []string{"github.com/rogpeppe/go-internal"}},
	{"klconf/adapters/gonum", []string{"klconf/spec", "klconf/adapters"}, []string{"gonum.org/v1/gonum", "github.com/rogpeppe/go-internal"}},
}

// offences lists the dependencies of a room that its line does not allow.
func offences(deps, own, foreign []string, room string) []string {
	var bad []string
	for _, d := range deps {
		first, _, _ := strings.Cut(d, "/")
		switch {
		case d == room, slices.Contains(own, d):
		case strings.HasPrefix(d, "klconf/"):
			bad = append(bad, d)
		case strings.Contains(first, "."):
			if strings.HasPrefix(d, "vendor/") || slices.ContainsFunc(foreign, func(m string) bool { return d == m || strings.HasPrefix(d, m+"/") }) {
				continue
			}
			bad = append(bad, d)
		}
	}
	return bad
}

func TestRoomsImportWhatTheDesignAllows(t *testing.T) {
	for _, r := range rooms {
		out, err := exec.Command("go", "list", "-deps", r.room).Output()
		if err != nil {
			t.Fatalf("go list -deps %s: %v", r.room, err)
		}
		if bad := offences(strings.Fields(string(out)), r.own, r.foreign, r.room); len(bad) > 0 {
			t.Errorf("%s depends on %v, which its line in this test does not allow", r.room, bad)
		}
	}
}

// The check must be able to fail.
func TestRoomsCatchAnOffence(t *testing.T) {
	deps := []string{"fmt", "klconf/spec", "klconf/impl", "pgregory.net/rapid", "golang.org/x/sys/cpu"}
	got := offences(deps, []string{"klconf/spec"}, []string{"golang.org/x/sys"}, "klconf/kltest")
	if want := []string{"klconf/impl", "pgregory.net/rapid"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
