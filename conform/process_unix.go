//go:build unix

package conform

import (
	"os/exec"
	"syscall"
)

// OwnGroup puts the process into a group of its own, so that whatever it
// starts can be ended with it.
func OwnGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// KillGroup ends a process of OwnGroup with whatever it started.
func KillGroup(cmd *exec.Cmd) { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
