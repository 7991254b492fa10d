package conform_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"klconf/conform"
	"klconf/spec"
)

// Every family of steps at thresholds on the committed list and off it: what
// is not declared is found, and nothing else fails.
func TestDetectionSweep(t *testing.T) {
	if os.Getenv("KLCONF_FULL") == "" {
		t.Skip("KLCONF_FULL is not set: the sweep takes a minute")
	}
	families := map[string]string{
		"clip both":    `{"do":"clamp","of":"both","in":"both","lo":V,"hi":"1"}`,
		"floor both":   `{"do":"clamp","of":"both","in":"both","lo":V}`,
		"floor q":      `{"do":"clamp","of":"q","in":"both","lo":V}`,
		"clip q":       `{"do":"clamp","of":"q","in":"both","lo":V,"hi":"1"}`,
		"clip log":     `{"do":"clamp","of":"both","in":"log","lo":V,"hi":"1"}`,
		"floor log":    `{"do":"clamp","of":"both","in":"log","lo":V}`,
		"add log":      `{"do":"add","of":"both","in":"log","value":V}`,
		"add both":     `{"do":"add","of":"both","in":"both","value":V}`,
		"add q":        `{"do":"add","of":"q","in":"both","value":V}`,
		"add p log":    `{"do":"add","of":"p","in":"log","value":V}`,
		"replace q":    `{"do":"replace","of":"q","at_or_below":"0","value":V}`,
		"replace both": `{"do":"replace","of":"both","at_or_below":"0","value":V}`,
		"add ratio":    `{"do":"add_ratio","value":V}`,
		"drop p":       `{"do":"drop_term","where":"p","at_or_below":V}`,
		"drop q":       `{"do":"drop_term","where":"q","at_or_below":V}`,
	}
	listed := []float64{1e-4, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16, 0x1p-52, 0x1p-23}
	others := []float64{1e-3, 3e-8, 2.5e-11, 1e-20, 1e-30, 1e-100}
	for name, text := range families {
		for i, v := range append(listed, others...) {
			if strings.HasPrefix(name, "drop") && i >= len(listed) {
				continue // what is dropped shows no number to read a threshold off
			}
			for _, norm := range []string{"", "before", "after"} {
				steps := strings.ReplaceAll(text, "V", fmt.Sprintf("%q", spec.RealOf(v)))
				switch norm {
				case "before":
					steps = `{"do":"normalise","of":"both"},` + steps
				case "after":
					steps += `,{"do":"normalise","of":"both"}`
				}
				switch {
				case norm != "" && (name == "add ratio" || strings.HasPrefix(name, "drop")),
					norm == "after" && strings.HasSuffix(name, "log"):
					continue // nobody does that
				case norm == "before" && strings.HasPrefix(name, "add") && v == 1e-15:
					continue // next to normalised numbers it is as small as L1
				}
				t.Run(fmt.Sprintf("%s/%g/%s", name, v, norm), func(t *testing.T) {
					t.Parallel()
					c := parse(t, `{"steps":[`+steps+`]}`)
					rep, err := conform.Run(t.Context(), conform.Target{ID: "x", Impl: obedient{follows: c, dtypes: floats[:1]}},
						conform.Options{Seed: 2, Skip: []string{"law"}})
					if err != nil {
						t.Fatal(err)
					}
					if bad := reds(rep); len(bad) > 0 || rep.Verdict != spec.Undeclared && rep.Verdict != spec.Conforming {
						t.Errorf("%s %v\n%s", rep.Verdict, rep.Findings, strings.Join(bad, "\n"))
					}
				})
			}
		}
	}
}
