package conform

import (
	"path"
	"strings"
)

// Match reports whether a pattern selects a result id. Both are split at "/"
// and each component of the pattern is matched as by path.Match against the
// component in its place; an id that goes on after the pattern's end is
// selected too, so "golden/special" selects everything below it.
func Match(pattern, id string) bool {
	p, s := strings.Split(strings.TrimSuffix(pattern, "/"), "/"), strings.Split(id, "/")
	if len(p) > len(s) {
		return false
	}
	for i := range p {
		if ok, err := path.Match(p[i], s[i]); err != nil || !ok {
			return false
		}
	}
	return true
}

// CheckPattern returns an error for a malformed pattern.
func CheckPattern(pattern string) error {
	_, err := path.Match(pattern, "")
	return err
}

func matchAny(patterns []string, id string) bool {
	for _, p := range patterns {
		if Match(p, id) {
			return true
		}
	}
	return false
}
