package figure

import "testing"

func TestInked(t *testing.T) {
	if got := inked([]byte(`<svg a><path style="stroke:#000000"/><text style="font-family:Times;font-size:1px">`)); string(got) != `<svg fill="currentColor" a><path style="stroke:currentColor"/><text style="font-family:sans-serif;font-size:1px">` {
		t.Errorf("%s", got)
	}
}
