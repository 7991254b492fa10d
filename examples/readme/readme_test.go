package readme

import "testing"

func TestBlock(t *testing.T) {
	const text = "Title\n\n```\n$ go run ./examples/a\n1\n2\n```\n\n```\n$ go run ./examples/b\n"
	if got, err := block(text, "go run ./examples/a"); err != nil || got != "1\n2\n" {
		t.Errorf("%q, %v", got, err)
	}
	for _, command := range []string{"go run ./examples/b", "go run ./examples/c", "go run ./examples"} {
		if got, err := block(text, command); err == nil {
			t.Errorf("%s: %q, want an error", command, got)
		}
	}
}
