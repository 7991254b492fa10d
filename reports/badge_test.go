package reports

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"klconf/spec"
)

// A badge says the verdict in words, with the level of what conforms and the versions.
func TestBadge(t *testing.T) {
	r := spec.Report{Suite: spec.Suite{Version: "0.1.0", Spec: "0.2"}, Level: spec.L2, Results: []spec.Result{{}}}
	for _, x := range []struct {
		verdict        spec.Verdict
		message, color string
	}{
		{spec.Conforming, "conforming L2 · klconf 0.1.0, spec 0.2", "brightgreen"},
		{spec.Undeclared, "undeclared · klconf 0.1.0, spec 0.2", "orange"},
		{spec.Nonconforming, "nonconforming · klconf 0.1.0, spec 0.2", "red"},
		{spec.Incomplete, "incomplete · klconf 0.1.0, spec 0.2", "lightgrey"},
	} {
		r.Verdict = x.verdict
		var text, svg strings.Builder
		if err := BadgeJSON(&text, []spec.Report{r}); err != nil {
			t.Fatal(err)
		}
		var got struct {
			SchemaVersion         int
			Label, Message, Color string
		}
		if err := json.Unmarshal([]byte(text.String()), &got); err != nil || got.SchemaVersion != 1 || got.Label == "" || got.Message != x.message || got.Color != x.color {
			t.Errorf("%s: %s", x.verdict, text.String())
		}
		if err := BadgeSVG(&svg, []spec.Report{r}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(svg.String(), ">"+x.message+"<") {
			t.Errorf("%s is not drawn: %s", x.message, svg.String())
		}
		for d := xml.NewDecoder(strings.NewReader(svg.String())); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := BadgeSVG(io.Discard, make([]spec.Report, 2)); err == nil {
		t.Error("a badge of two implementations is drawn")
	}
}
