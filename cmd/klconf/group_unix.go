//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// ownGroup puts a process into a group of its own, so that whatever it starts
// can be ended with it.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func endGroup(cmd *exec.Cmd) { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
