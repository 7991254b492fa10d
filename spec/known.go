package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
)

// KnownSchema is the schema name of a known-failing file.
const KnownSchema = "klconf-known/1"

// A Known names checks that are known to fail today. Matching checks still
// run, and one that passes is red.
type Known struct {
	ID     string `json:"id"`              // a pattern of result ids, component by component
	Entry  string `json:"entry,omitempty"` // of an adapter; "" and "*" mean every entry
	Status Status `json:"status"`          // known-fail | known-flaky
	Why    string `json:"why"`
	Source string `json:"source,omitempty"` // an issue or a line of source
}

// Applies reports whether the item is about that entry.
func (k Known) Applies(entry string) bool { return k.Entry == "" || k.Entry == "*" || k.Entry == entry }

type knownFile struct {
	Schema string  `json:"schema"`
	Known  []Known `json:"known"`
}

// ReadKnown reads a known-failing file (schema/known.json). Its errors name
// the item.
func ReadKnown(data []byte) ([]Known, error) {
	var f knownFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf(`not of the form {"schema":%q,"known":[…]}: %w`, KnownSchema, err)
	}
	if f.Schema != KnownSchema {
		return nil, fmt.Errorf("the schema is %q, not %q", f.Schema, KnownSchema)
	}
	for i, k := range f.Known {
		switch _, err := path.Match(k.ID, ""); {
		case k.ID == "" || err != nil:
			return nil, fmt.Errorf("item %d: %q is not a pattern of result ids", i+1, k.ID)
		case k.Status != KnownFail && k.Status != KnownFlaky:
			return nil, fmt.Errorf("item %d, %q: the status is %s or %s, not %q", i+1, k.ID, KnownFail, KnownFlaky, k.Status)
		case k.Why == "":
			return nil, fmt.Errorf("item %d, %q: why must be given", i+1, k.ID)
		}
	}
	return f.Known, nil
}

// WriteKnown writes what ReadKnown reads, an item a line.
func WriteKnown(known []Known) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\"schema\": %q,\n \"known\": [", KnownSchema)
	for i, k := range known {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n  ")
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(k); err != nil {
			return nil, err
		}
		b.Truncate(b.Len() - 1)
	}
	b.WriteString("]}\n")
	return b.Bytes(), nil
}
