package conform_test

import (
	"testing"

	"klconf/conform"
	"klconf/spec"
)

// BenchmarkQuick is a quick run of a right implementation in process.
func BenchmarkQuick(b *testing.B) {
	for b.Loop() {
		_, err := conform.Run(b.Context(), conform.Target{ID: "right", Impl: fake{`{"complete":true}`, spec.L5, right}}, conform.Options{Seed: 1})
		if err != nil {
			b.Fatal(err)
		}
	}
}
