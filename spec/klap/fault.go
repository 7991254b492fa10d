package klap

import (
	"errors"
	"fmt"
)

// A FaultKind says on which level a conversation failed.
type FaultKind string

// The kinds of faults.
const (
	Protocol FaultKind = "protocol" // what arrived is not of the protocol
	EOF      FaultKind = "eof"      // the other side closed the stream
	IO       FaultKind = "io"       // reading or writing failed
)

// A Fault is a failure of the conversation, as opposed to an answer that
// says "error".
type Fault struct {
	Kind    FaultKind
	Message string
	First   []byte // the first bytes of what arrived, at most 80
	// InStep says that only this message is bad: its id was right and its
	// end is known, so that the next question may be put to the same process.
	InStep bool
}

// Error returns the message and the quoted first bytes.
func (f *Fault) Error() string {
	if len(f.First) == 0 {
		return "klap: " + f.Message
	}
	return fmt.Sprintf("klap: %s; first bytes: %q", f.Message, f.First)
}

// Errors that concern a message before any byte of it is written.
var (
	// ErrNeedsFrame says that a message does not fit a line and that raw
	// frames were not offered by both sides.
	ErrNeedsFrame = errors.New("klap: the message does not fit a line of 16 MiB: needs frame")
	// ErrTooLarge says that the raw bytes of a message exceed MaxFrames.
	ErrTooLarge = errors.New("klap: the buffers of the message exceed 1 GiB")
)

const maxFirst = 80

func faultf(kind FaultKind, first []byte, format string, args ...any) *Fault {
	if len(first) > maxFirst {
		first = first[:maxFirst]
	}
	return &Fault{Kind: kind, Message: fmt.Sprintf(format, args...), First: append([]byte(nil), first...)}
}
