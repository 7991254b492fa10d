package gate

import (
	"fmt"
	"io"
	"os"
)

// Options are what a call of the gate chooses.
type Options struct {
	Policy    Policy
	Units     []string // the only ones that are compared, if any
	QuietHost bool     // the host does nothing else while it measures

	limits *limits // in place of the policy's, for the proof
}

func (o Options) judge(old, new *set, paired bool) *judge {
	j := &judge{policy: o.Policy, limits: newLimits(o.Policy), units: o.Units, quiet: o.QuietHost, paired: paired, old: old, new: new}
	if o.limits != nil {
		j.limits = *o.limits
	}
	return j
}

// Files compares two files in the Go benchmark format; "-" is stdin. Its errors are *[Syntax]
// for a line that is not of the format, of the file system, or of the options.
func Files(old, new string, stdin io.Reader, o Options) (*Report, error) {
	if old == "-" && new == "-" {
		return nil, errBoth
	}
	var sets [2]*set
	read := 0
	for i, name := range []string{old, new} {
		text, err := func() ([]byte, error) {
			if name == "-" {
				return io.ReadAll(stdin)
			}
			return os.ReadFile(name)
		}()
		if err != nil {
			return nil, err
		}
		if sets[i], err = readSet(name, text, o.Policy, 0); err != nil {
			return nil, err
		}
		read += sets[i].read
	}
	return o.compare(sets[0], sets[1], read)
}

func (o Options) compare(old, new *set, read int) (*Report, error) {
	if err := o.nothing(old, new, read); err != nil {
		return nil, err
	}
	j := o.judge(old, new, false)
	if err := j.run(nil); err != nil {
		return nil, err
	}
	return j.report, nil
}

// nothing returns an error if the filter leaves nothing of what was read.
func (o Options) nothing(old, new *set, read int) error {
	if read > 0 && len(old.order)+len(new.order) == 0 {
		return fmt.Errorf("no benchmark of %s and %s is left by the filter %q", old.name, new.name, o.Policy.Filter)
	}
	return nil
}
