package reports

import (
	"strings"
)

// Section returns a Markdown page with the section under the heading
// "## title" replaced by body, or added behind the others. A page that is
// written by several programs is written section by section, each by its own.
func Section(page, title, body string) string {
	heading := "## " + title + "\n"
	text := heading + "\n" + strings.TrimSpace(body) + "\n"
	from := 0
	if !strings.HasPrefix(page, heading) {
		from = strings.Index(page, "\n"+heading) + 1
		if from == 0 {
			return strings.TrimRight(page, "\n") + "\n\n" + text
		}
	}
	rest := page[from+len(heading):]
	if to := strings.Index(rest, "\n## "); to >= 0 {
		text += rest[to:]
	}
	return page[:from] + text
}

// ReadSection returns the body of the section under the heading "## title", and whether there
// is one.
func ReadSection(page, title string) (body string, ok bool) {
	_, body, ok = strings.Cut("\n"+page, "\n## "+title+"\n")
	body, _, _ = strings.Cut(body, "\n## ")
	return body, ok
}
