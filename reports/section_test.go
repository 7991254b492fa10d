package reports_test

import (
	"strings"
	"testing"

	"klconf/reports"
)

func TestSection(t *testing.T) {
	const page = "# Page\n\nHead.\n\n## One\n\nFirst.\n\n## Two\n\nSecond.\n"
	for _, c := range []struct{ page, title, body, want string }{
		{page, "One", "1\n", "# Page\n\nHead.\n\n## One\n\n1\n\n## Two\n\nSecond.\n"},
		{page, "Two", "2\n\n", "# Page\n\nHead.\n\n## One\n\nFirst.\n\n## Two\n\n2\n"},
		{page, "Three", "3", page + "\n## Three\n\n3\n"},
		{"## One\n\nx\n", "One", "y", "## One\n\ny\n"},
		{"# Page\n", "One", "y", "# Page\n\n## One\n\ny\n"},
	} {
		if got := reports.Section(c.page, c.title, c.body); got != c.want {
			t.Errorf("%s in %q:\n%q, want\n%q", c.title, c.page, got, c.want)
		}
		if got := reports.Section(c.want, c.title, c.body); got != c.want {
			t.Errorf("%s: written twice it changes", c.title)
		}
		if body, ok := reports.ReadSection(c.want, c.title); !ok || strings.TrimSpace(body) != strings.TrimSpace(c.body) {
			t.Errorf("%s is read as %q", c.title, body)
		}
		if _, ok := reports.ReadSection(c.want, "On"); ok {
			t.Error("half a title is found")
		}
	}
}
