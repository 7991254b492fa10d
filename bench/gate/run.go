package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"
)

// A Run compares two commands that print the Go benchmark format.
//
// Each round runs both once, in a new process each, the order alternating: OLD NEW, NEW OLD,
// OLD NEW … (ABBA), so that what slows the host for a while, or drifts, falls on both. A
// first round warms up and is discarded. A run gives one sample of each benchmark, the median
// if it prints several.
type Run struct {
	Old, New Command
	Rounds   int    // that count
	NoRerun  bool   // do not measure suspects once more
	Keep     string // a folder for what the commands print, if not ""
	Options

	Progress func(done, total int) // may be nil
}

// The least and the most rounds of a run.
const (
	MinRounds = 6
	MaxRounds = 100
)

// A StartError says that a command could not start or failed.
type StartError struct{ sentence string }

func (e *StartError) Error() string { return e.sentence }

// A Command is a command line split into words.
type Command []string

// ParseCommand splits a command line as a shell does: words are parted by blanks, '…' takes
// everything in it literally, "…" everything but \" and \\, and \ the next character. Nothing
// is expanded and no shell is run.
func ParseCommand(line string) (Command, error) {
	var words Command
	var word strings.Builder
	in, quote, escaped := false, rune(0), false
	for _, r := range line {
		switch {
		case escaped:
			if quote == '"' && r != '"' && r != '\\' {
				word.WriteByte('\\')
			}
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, in = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, in = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if in {
				words = append(words, word.String())
				word.Reset()
			}
			in = false
		default:
			word.WriteRune(r)
			in = true
		}
	}
	if quote != 0 || escaped {
		return nil, fmt.Errorf("the command %q ends within a quotation: close the %c", line, max(quote, '\\'))
	}
	if in {
		words = append(words, word.String())
	}
	if len(words) == 0 {
		return nil, errors.New("a command is empty; it is a command line that prints Go benchmark format, such as \"./old.test -test.run '^$' -test.bench .\"")
	}
	return words, nil
}

// placeholder is {bench}, or {bench:REGEXP} with what it stands for the first time.
var placeholder = regexp.MustCompile(`\{bench(:(.*))?\}`)

// with returns the words with the placeholder replaced; pattern "" is the first time.
func (c Command) with(pattern string) []string {
	out := make([]string, len(c))
	for i, w := range c {
		out[i] = placeholder.ReplaceAllStringFunc(w, func(s string) string {
			switch first := placeholder.FindStringSubmatch(s)[2]; {
			case pattern != "":
				return pattern
			case first != "":
				return first
			}
			return "."
		})
	}
	return out
}

// pattern returns the regular expression that names those benchmarks to go test -bench, and
// no others but those that differ in -N: every component anchored, the benchmarks parted by |.
func pattern(keys []key) string {
	var list []string
	seen := map[string]bool{}
	for _, k := range keys {
		base, parts := benchfmt.Name(strings.TrimPrefix(k.name, "Benchmark")).Parts()
		words := []string{"Benchmark" + string(base)}
		suffix := ""
		for _, p := range parts {
			if p[0] == '-' {
				// It need not be the suffix: with GOMAXPROCS=1 there is none.
				suffix = "(" + regexp.QuoteMeta(string(p)) + ")?"
				continue
			}
			words = append(words, string(p[1:]))
		}
		for i, w := range words {
			words[i] = regexp.QuoteMeta(w)
			if i == len(words)-1 {
				words[i] += suffix
			}
			words[i] = "^" + words[i] + "$"
		}
		if p := strings.Join(words, "/"); !seen[p] {
			seen[p] = true
			list = append(list, p)
		}
	}
	return strings.Join(list, "|")
}

// Compare runs the commands and compares what they print. Its errors are *[Syntax],
// *[StartError], that of the context, or of the options.
func (r Run) Compare(ctx context.Context) (*Report, error) {
	if r.Rounds < MinRounds || r.Rounds > MaxRounds {
		return nil, fmt.Errorf("the number of rounds is from %d to %d, not %d", MinRounds, MaxRounds, r.Rounds)
	}
	if r.Progress == nil {
		r.Progress = func(done, total int) {}
	}
	old, new, err := r.rounds(ctx, "", "", 1)
	if err != nil {
		return nil, err
	}
	if err := r.nothing(old, new, old.read+new.read); err != nil {
		return nil, err
	}
	j := r.judge(old, new, true)
	rerun := func(suspects []key) (*set, *set, error) {
		old, new, err := r.rounds(ctx, pattern(suspects), "rerun-", 1+r.Rounds)
		if err == nil && len(old.packages()) <= 1 && len(new.packages()) <= 1 && suspects[0].pkg == "" {
			old.withoutPackage()
			new.withoutPackage()
		}
		return old, new, err
	}
	if r.NoRerun {
		rerun = nil
	}
	if err := j.run(rerun); err != nil {
		return nil, err
	}
	j.report.Rounds = r.Rounds
	return j.report, nil
}

// rounds runs all rounds; that of the first that counts has the given number.
func (r Run) rounds(ctx context.Context, pattern, prefix string, number int) (old, new *set, err error) {
	sides := []struct {
		name    string
		command Command
		set     *set
	}{{"OLD", r.Old, nil}, {"NEW", r.New, nil}}
	for round := range 1 + r.Rounds {
		for turn := range sides {
			s := &sides[(turn+round)%2]
			out, err := run(ctx, s.command.with(pattern))
			if err != nil {
				return nil, nil, err
			}
			if r.Keep != "" {
				if err := keep(filepath.Join(r.Keep, prefix+strings.ToLower(s.name)+".txt"), round, out); err != nil {
					return nil, nil, err
				}
			}
			r.Progress(2*round+turn+1, 2*(1+r.Rounds))
			got, err := readSet(s.name, out, r.Policy, number+round-1)
			switch {
			case err != nil:
				return nil, nil, err
			case round == 0:
			case s.set == nil:
				s.set = got
			default:
				if err := s.set.merge(got); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	return sides[0].set, sides[1].set, nil
}

// run returns what a command prints on standard output.
func run(ctx context.Context, words []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	// Interrupted, it may end by itself.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 2 * time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		said := strings.TrimSpace(errs.String())
		if said == "" {
			said = strings.TrimSpace(out.String())
		}
		if i := strings.LastIndexByte(said, '\n'); i >= 0 {
			said = said[i+1:]
		}
		if said != "" {
			said = ": it said " + fmt.Sprintf("%.200q", said)
		}
		return nil, &StartError{fmt.Sprintf("the command %s failed: %v%s; it must print Go benchmark format and end with exit code 0", strings.Join(words, " "), err, said)}
	}
	return out.Bytes(), nil
}

// keep appends what a run printed, below a configuration line with its round; 0 is the
// warm-up.
func keep(file string, round int, out []byte) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "round: %d\n", round)
	if err == nil {
		_, err = io.Copy(f, bytes.NewReader(out))
	}
	return errors.Join(err, f.Close())
}
