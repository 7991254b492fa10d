package adapters

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"text/template"
)

// A folder of template is a language: an adapter in one file and
// language.json. What lies beside the folders is written for every language.
//
//go:embed template
var templates embed.FS

// A language is language.json of a template.
type language struct {
	Language string   `json:"language"`
	Needs    string   `json:"needs"`   // what a user must have
	Build    string   `json:"build"`   // makes the command, in that folder; "" if there is nothing to do
	Command  []string `json:"command"` // starts the adapter in its folder
	Steps    []string `json:"steps"`   // of the GitHub workflow, that make the command available
}

// Templates returns the languages that Template knows.
func Templates() (names []string) {
	entries, _ := templates.ReadDir("template")
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// A File is one that Template makes.
type File struct {
	Name string
	Data []byte
	Run  bool // is a command
}

// Template returns the files of a new adapter, an implementation of the
// definition to be replaced: the program, instructions, and steps for
// continuous integration that need this version of klconf and find the files
// in the folder.
func Template(name, folder, version string) ([]File, error) {
	if !slices.Contains(Templates(), name) {
		return nil, fmt.Errorf("there is no template for %q; there are %s", name, strings.Join(Templates(), ", "))
	}
	var l language
	data, err := templates.ReadFile("template/" + name + "/language.json")
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		err = d.Decode(&l)
	}
	if err != nil {
		return nil, fmt.Errorf("the template for %s: %w", name, err)
	}
	own, err := fs.Glob(templates, "template/"+name+"/*")
	if err != nil {
		return nil, err
	}
	values := map[string]any{"Version": version, "Folder": folder, "Needs": l.Needs, "Build": l.Build, "Command": strings.Join(l.Command, " "), "Steps": l.Steps}
	var files []File
	for _, file := range own {
		if path.Base(file) == "language.json" {
			continue
		}
		data, err := templates.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(path.Base(file), "adapter.") {
			values["File"] = path.Base(file)
		}
		files = append(files, File{Name: path.Base(file), Data: data})
	}
	common, err := template.New("").Delims("<<", ">>").Option("missingkey=error").ParseFS(templates, "template/*.*")
	if err != nil {
		return nil, err
	}
	for _, t := range common.Templates() {
		if t.Name() == "" {
			continue
		}
		var b bytes.Buffer
		if err := t.Execute(&b, values); err != nil {
			return nil, fmt.Errorf("the template for %s: %w", name, err)
		}
		files = append(files, File{Name: t.Name(), Data: b.Bytes(), Run: strings.HasSuffix(t.Name(), ".sh")})
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return files, nil
}
