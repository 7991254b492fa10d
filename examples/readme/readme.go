// Package readme holds examples/README.md to what the examples print.
package readme

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Check fails unless ../README.md says that the command prints got.
func Check(t *testing.T, command, got string) {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := block(string(text), command)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("examples/README.md is not what %q prints (-README +printed):\n%s\nprinted was\n%s", command, diff, got)
	}
}

// block returns what stands after "$ command" in the fenced block that begins with it.
func block(markdown, command string) (string, error) {
	_, rest, found := strings.Cut(markdown, "\n```\n$ "+command+"\n")
	if !found {
		return "", fmt.Errorf("examples/README.md has no block that begins with %q", "$ "+command)
	}
	output, _, found := strings.Cut(rest, "```\n")
	if !found {
		return "", fmt.Errorf("examples/README.md: the block of %q has no end", command)
	}
	return output, nil
}
