// Package model_test computes the stored logits anew: regenerate.py, run by uv.
package model_test

import (
	"bytes"
	"context"
	"flag"
	"os/exec"
	"strings"
	"testing"
	"time"

	"klconf/adapters"
)

var logits = flag.Bool("logits", false, "fetch the model and compute the logits anew")

func TestRegenerate(t *testing.T) {
	if !*logits {
		t.Skip("not tested here: make logits fetches a model of 93 MB and takes some two minutes")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	var said bytes.Buffer
	uv, err := adapters.UV(ctx, &said, adapters.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	regenerate := func(words ...string) (string, int) {
		out, err := exec.CommandContext(ctx, uv, append([]string{"run", "--quiet", "--script", "regenerate.py"}, words...)...).CombinedOutput()
		if exit, ok := err.(*exec.ExitError); ok {
			return string(out), exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		return string(out), 0
	}
	out, code := regenerate()
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	t.Logf("\n%s", out)

	// What cannot object proves nothing.
	out, code = regenerate("--spoil")
	if code != 1 || !strings.Contains(out, "the divergences are off by up to") {
		t.Errorf("a spoilt row: exit code %d, want 1\n%s", code, out)
	}
}
