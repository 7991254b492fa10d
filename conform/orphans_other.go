//go:build !linux

package conform

import "os/exec"

// AdoptOrphans does nothing where only init adopts.
func AdoptOrphans() {}

// EndOrphans does nothing: AdoptOrphans has adopted none.
func EndOrphans() {}

// GroupLeft is false: there is no /proc to look at.
func GroupLeft(*exec.Cmd) bool { return false }
