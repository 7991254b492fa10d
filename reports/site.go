package reports

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"klconf/spec"
)

// sorting sorts a table by the heading that is pressed.
//
//go:embed sort.js
var sorting string

// Site writes the pages over all reports, as HTML does in one: index.html, accuracy.html, a
// page of each implementation with every failure and the command that asks again, and one of each
// requirement with who breaks it. They lead to one another by relative links and load nothing
// but style.css and sort.js beside them. speeds may be nil.
//
// create makes the file of a name with slashes.
func Site(create func(name string) (io.WriteCloser, error), reports []spec.Report, speeds Speeds) error {
	p := newPage(reports)
	p.Speed = speeds.points(reports)
	for i := range p.Rows {
		p.Rows[i].Speed = speeds.of(reports[i])
	}
	front, implementations, requirements := place{}.template(), place{root: "../", heading: 3}.template(), place{root: "../", heading: 4}.template()
	write := func(name string, t *template.Template, part string, data any) error {
		var b bytes.Buffer
		if err := t.ExecuteTemplate(&b, part, data); err != nil {
			return fmt.Errorf("%s cannot be written: %w", name, err)
		}
		return save(create, name, b.String())
	}
	errs := []error{
		save(create, "style.css", pageCSS),
		save(create, "sort.js", sorting),
		write("index.html", front, "index", p),
		write("accuracy.html", front, "accuracies", p),
	}
	for _, one := range p.Implementations {
		errs = append(errs, write(implementationFile(one.Anchor), implementations, "alone", one))
	}
	for _, f := range p.Families {
		for _, q := range f.Requirements {
			errs = append(errs, write(requirementFile(q.ID), requirements, "one", q))
		}
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func save(create func(string) (io.WriteCloser, error), name, text string) error {
	f, err := create(name)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

func implementationFile(anchor string) string {
	return "implementations/" + strings.TrimPrefix(anchor, "i-") + ".html"
}

func requirementFile(id string) string { return "requirements/" + id + ".html" }

// A place is where a template is written: in the one page that holds everything, or in a page
// of a site, which is so far from its root.
type place struct {
	whole   bool
	root    string
	heading int // the level that is the page's own; 0 leaves levels as they are
}

// template returns the templates with the links, the headings and the style of a place.
func (at place) template() *template.Template {
	level := func(k int) int {
		if at.heading > 0 {
			return k - at.heading + 1
		}
		return k
	}
	to := func(file, anchor string) string {
		if at.whole {
			return "#" + anchor
		}
		return at.root + file
	}
	return template.Must(template.Must(pageTemplate.Clone()).Funcs(template.FuncMap{
		"implementation": func(anchor string) string { return to(implementationFile(anchor), anchor) },
		"requirement":    func(id string) string { return to(requirementFile(id), id) },
		"family":         func(name string) string { return to("index.html#"+name, name) },
		"part": func(name string) string {
			if name == "accuracy" {
				return to("accuracy.html", name)
			}
			return to("index.html#"+name, name)
		},
		"open": func(k int, id string) template.HTML {
			if id == "" {
				return template.HTML(fmt.Sprintf("<h%d>", level(k)))
			}
			return template.HTML(fmt.Sprintf(`<h%d id="%s">`, level(k), template.HTMLEscapeString(id)))
		},
		"close": func(k int) template.HTML { return template.HTML(fmt.Sprintf("</h%d>", level(k))) },
		"whole": func() bool { return at.whole },
		// Of a file opened from a disk 'self' is nothing, so file: is said too.
		"policy": func() string {
			if at.whole {
				return "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
			}
			return "default-src 'none'; style-src 'self' file: 'unsafe-inline'; script-src 'self' file:; img-src data:"
		},
		"style": func() template.HTML {
			if at.whole {
				return template.HTML("<style>" + pageCSS + "</style>")
			}
			return template.HTML(fmt.Sprintf(`<link rel="stylesheet" href="%sstyle.css"><script defer src="%[1]ssort.js"></script>`, at.root))
		},
	}).Parse(""))
}

// Speeds are times over that of a dot product of the same vectors, rows of a softmax of 1024
// numbers in float64, by implementation.
type Speeds map[string]float64

// of returns the time of an implementation as text, and "" if none is known.
func (s Speeds) of(r spec.Report) string {
	x, ok := s[r.Implementation.ID]
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.3g", x)
}
