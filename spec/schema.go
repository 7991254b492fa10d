package spec

import "embed"

//go:embed schema/*.json
var schemas embed.FS

// SchemaNames lists the JSON schemas (draft 2020-12). They refer to each
// other as NAME.json; common holds what they share.
var SchemaNames = []string{"common", "convention", "gate-policy", "klap-message", "known", "manifest", "result", "vectors"}

// Schema returns the JSON schema of that name, nil if there is none. The
// schemas are normative: what an adapter, a manifest or a file must look like
// is written there.
func Schema(name string) []byte {
	b, err := schemas.ReadFile("schema/" + name + ".json")
	if err != nil {
		return nil
	}
	return b
}
