//go:build unix

package conform

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the process into a group of its own, so that whatever it
// starts can be ended with it.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(cmd *exec.Cmd) { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
