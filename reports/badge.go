package reports

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"unicode/utf8"

	"klconf/spec"
)

// A badge is one line about one implementation.
type badge struct {
	label, message, word string // word is the name of the colour that shields use
	colour               string
}

// badgeOf says the verdict, the level, and which suite and catalogue it is from.
func badgeOf(r spec.Report) badge {
	b := badge{label: "KL divergence", message: Verdict(r), word: "lightgrey", colour: "#6e6e6e"}
	switch r.Verdict {
	case spec.Conforming:
		b.word, b.colour = "brightgreen", "#2c7a1f"
	case spec.Nonconforming:
		b.word, b.colour = "red", "#b3261e"
	case spec.Undeclared:
		b.word, b.colour = "orange", "#9a5b00"
	}
	if r.Level != "" && r.Verdict == spec.Conforming {
		b.message += " " + string(r.Level)
	}
	b.message += fmt.Sprintf(" · klconf %s, spec %s", r.Suite.Version, r.Suite.Spec)
	return b
}

// one returns the only report, which a badge is about.
func one(reports []spec.Report) (spec.Report, error) {
	if len(reports) != 1 {
		return spec.Report{}, fmt.Errorf("a badge is about one implementation, not %d", len(reports))
	}
	return reports[0], nil
}

// BadgeJSON writes the verdict of one implementation for the endpoint badge of shields.io
// (schemaVersion 1).
func BadgeJSON(w io.Writer, reports []spec.Report) error {
	r, err := one(reports)
	if err != nil {
		return err
	}
	b := badgeOf(r)
	return json.NewEncoder(w).Encode(struct {
		Schema  int    `json:"schemaVersion"`
		Label   string `json:"label"`
		Message string `json:"message"`
		Color   string `json:"color"`
		IsError bool   `json:"isError,omitempty"`
	}{1, b.label, b.message, b.word, r.Verdict == spec.Nonconforming})
}

// The text is stretched to its width, so that any font fits.
var badgeSVG = template.Must(template.New("badge").Parse(`<svg xmlns="http://www.w3.org/2000/svg" width="{{.Width}}" height="20" role="img" aria-label="{{.Label}}: {{.Message}}">
<title>{{.Label}}: {{.Message}}</title>
<rect width="{{.Left}}" height="20" fill="#444"/><rect x="{{.Left}}" width="{{.Right}}" height="20" fill="{{.Colour}}"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="6" y="14" textLength="{{.LeftText}}" lengthAdjust="spacingAndGlyphs">{{.Label}}</text><text x="{{.RightAt}}" y="14" textLength="{{.RightText}}" lengthAdjust="spacingAndGlyphs">{{.Message}}</text>
</g></svg>
`))

// BadgeSVG draws the verdict of one implementation; the words are in it, not the colour alone.
func BadgeSVG(w io.Writer, reports []spec.Report) error {
	r, err := one(reports)
	if err != nil {
		return err
	}
	b := badgeOf(r)
	const perLetter, margin = 7, 6
	left, right := perLetter*utf8.RuneCountInString(b.label), perLetter*utf8.RuneCountInString(b.message)
	return badgeSVG.Execute(w, struct {
		Label, Message               string
		Colour                       template.CSS
		Width, Left, Right           int
		LeftText, RightText, RightAt int
	}{b.label, b.message, template.CSS(b.colour), left + right + 4*margin, left + 2*margin, right + 2*margin, left, right, left + 3*margin})
}
