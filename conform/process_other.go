//go:build !unix

package conform

import "os/exec"

// OwnGroup does nothing where there are no process groups.
func OwnGroup(*exec.Cmd) {}

// KillGroup ends the process.
func KillGroup(cmd *exec.Cmd) { cmd.Process.Kill() }
