// Package published holds the results of named implementations, as
// make publish wrote them: one compact result file for each (schema
// klconf-result/1), index.html and README.md written from them.
package published

import (
	"embed"
	"fmt"

	"klconf/spec"
)

//go:embed *.json
var files embed.FS

// Reports returns the published results by file name.
func Reports() ([]spec.Report, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var all []spec.Report
	for _, e := range entries {
		data, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		r, err := spec.ReadReport(data)
		if err != nil {
			return nil, fmt.Errorf("published %s: %w", e.Name(), err)
		}
		all = append(all, r)
	}
	return all, nil
}
