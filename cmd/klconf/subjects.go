package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"klconf/adapters"
	"klconf/adapters/gonum"
	"klconf/adapters/naive"
	"klconf/conform"
	"klconf/impl"
	"klconf/spec"
)

// A subject is one implementation that can be graded: in this process, an
// entry of an adapter, or a command.
type subject struct {
	id    string
	owner string                              // what it is part of, as people call it
	about string                              // the call, as a user writes it
	impl  func() (spec.Implementation, error) // in process

	manifest adapters.Manifest // of an adapter
	entry    adapters.Entry

	command []string
}

// tool is what shares a list of known failures: the name up to the slash.
func (s subject) tool() string {
	if s.command != nil {
		return s.id
	}
	tool, _, _ := strings.Cut(s.id, "/")
	return tool
}

// A shelf holds every implementation that has a name.
type shelf struct {
	subjects  []subject
	manifests []adapters.Manifest
}

// newShelf reads the adapters of a folder, or those that are embedded.
func newShelf(folder string) (s shelf, err error) {
	if folder == "" {
		s.manifests, err = adapters.All()
	} else {
		s.manifests, err = adapters.Load(folder)
	}
	if err != nil {
		return s, err
	}
	own := func(id, about string) {
		s.subjects = append(s.subjects, subject{id: id, owner: "klconf", about: about, impl: func() (spec.Implementation, error) { return newReference(id) }})
	}
	peer := func(id, owner, about string, impl func() spec.Implementation) {
		s.subjects = append(s.subjects, subject{id: id, owner: owner, about: about, impl: func() (spec.Implementation, error) { return impl(), nil }})
	}
	own("reference", "impl.KL(p, q), by its fastest backend")
	for _, b := range impl.Backends() {
		own("reference/"+b, "impl.KL(p, q), by backend "+b)
	}
	peer("gonum", "Gonum", "stat.KullbackLeibler(p, q)", gonum.New)
	peer("naive", "A naive loop in Go", "for i := range p { s += p[i] * math.Log(p[i]/q[i]) }", naive.New)
	for _, m := range s.manifests {
		for _, e := range m.Entries {
			s.subjects = append(s.subjects, subject{id: m.Name + "/" + e.ID, owner: m.Title, about: e.Title, manifest: m, entry: e})
		}
	}
	return s, nil
}

// all returns what is graded when nothing is named. The reference is graded
// by its fastest backend only.
func (s shelf) all() []subject {
	return slices.DeleteFunc(slices.Clone(s.subjects), func(x subject) bool { return strings.HasPrefix(x.id, "reference/") })
}

// names returns what find accepts.
func (s shelf) names() []string {
	var names []string
	for _, x := range s.subjects {
		if tool := x.tool(); !slices.Contains(names, tool) {
			names = append(names, tool)
		}
		if !slices.Contains(names, x.id) {
			names = append(names, x.id)
		}
	}
	return names
}

// find returns the subjects of a name: one, or all entries of an adapter.
func (s shelf) find(name string) ([]subject, error) {
	var found []subject
	for _, x := range s.subjects {
		if x.id == name || x.manifest.Name == name && name != "" {
			found = append(found, x)
		}
	}
	if found != nil {
		return found, nil
	}
	err := unknown("implementation", name, s.names())
	if _, stat := os.Stat(name); stat == nil {
		return nil, fmt.Errorf("no implementation is called %q; to grade a command write it after two dashes: klconf run -- %s", name, quoted(name))
	}
	return nil, err
}

// choose returns the subjects of the names and of the command, each once.
// Without either it is everything.
func (s shelf) choose(names, command []string) ([]subject, error) {
	if len(names) == 0 && command == nil {
		return s.all(), nil
	}
	var chosen []subject
	for _, name := range names {
		found, err := s.find(name)
		if err != nil {
			return nil, err
		}
		for _, x := range found {
			if !slices.ContainsFunc(chosen, func(y subject) bool { return x.id == y.id }) {
				chosen = append(chosen, x)
			}
		}
	}
	if command != nil {
		chosen = append(chosen, subject{id: strings.Join(command, " "), command: command})
	}
	return chosen, nil
}

// split parts the arguments of a command line at its two dashes. A command
// that is announced and missing is an error.
func split(args []string, dash int) (names, command []string, err error) {
	if dash < 0 {
		return args, nil, nil
	}
	if names, command = args[:dash], args[dash:]; len(command) == 0 || command[0] == "" {
		return nil, nil, errors.New("a command must follow the two dashes")
	}
	return names, command, nil
}

// quoted writes a word as a shell reads it back.
func quoted(word string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@%+,", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !safe(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// line writes a command line as a shell reads it back.
func line(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = quoted(w)
	}
	return strings.Join(out, " ")
}

// target returns what is asked, ready to start.
func (s subject) target(o adapters.Options) (t conform.Target, err error) {
	t = conform.Target{ID: s.id, Tool: s.toolTitle(), Title: s.title(), Command: s.command}
	switch {
	case s.impl != nil:
		t.Impl, err = s.impl()
	case s.command == nil:
		t.Command, _, err = adapters.Command(s.manifest, s.entry, o)
	}
	return t, err
}

// title returns the call, as a user writes it, or the command.
func (s subject) title() string { return cmp.Or(s.about, s.id) }

// toolTitle returns what the implementation is part of, as people call it.
func (s subject) toolTitle() string { return cmp.Or(s.owner, "Your adapter") }
