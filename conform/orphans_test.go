//go:build linux

package conform_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"klconf/conform"
)

// What a program leaves behind, in its process group and outside, is found and ended, and is
// no zombie then.
func TestOrphans(t *testing.T) {
	conform.AdoptOrphans()
	before := exec.Command("sleep", "600")
	if err := before.Start(); err != nil {
		t.Fatal(err)
	}
	defer before.Wait()
	defer before.Process.Kill()
	conform.AdoptOrphans() // what is a child already is not touched
	for _, c := range []struct {
		script string
		group  bool
	}{{"sleep 600 & echo $!", true}, {"setsid sleep 600 & echo $!", false}, {"(sleep 600 & echo $!)", true}} {
		cmd := exec.Command("sh", "-c", c.script+"; exec >/dev/null 2>&1")
		conform.OwnGroup(cmd)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout = w
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, 20)
		n, _ := r.Read(line)
		cmd.Wait()
		pid := strings.TrimSpace(string(line[:n]))
		if !c.group { // until setsid has left the group
			for conform.GroupLeft(cmd) {
			}
		}
		if got := conform.GroupLeft(cmd); got != c.group {
			t.Errorf("%s: left in the group: %v", c.script, got)
		}
		if _, err := os.Stat("/proc/" + pid); err != nil {
			t.Errorf("%s: nothing was left: %v", c.script, err)
		}
		conform.EndOrphans()
		if _, err := os.Stat("/proc/" + pid); err == nil || conform.GroupLeft(cmd) {
			t.Errorf("%s: %s is still there", c.script, pid)
		}
		w.Close()
		r.Close()
	}
	if !alive(before.Process.Pid) {
		t.Error("what was a child before has been ended too")
	}
}
