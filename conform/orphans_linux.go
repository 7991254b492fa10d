package conform

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// AdoptOrphans makes this process the parent of every descendant whose own parent ends, so
// that what an adapter leaves behind, even outside its process group, can be found by
// EndOrphans. It is for programs: it holds for the whole process, and the orphans are
// theirs to reap.
func AdoptOrphans() {
	const childSubreaper = 36 // PR_SET_CHILD_SUBREAPER
	// An old kernel refuses: then orphans belong to init, as without this call.
	syscall.RawSyscall(syscall.SYS_PRCTL, childSubreaper, 1, 0)
	inherited = children()
}

// inherited are the children that a shell had which became this program by exec.
var inherited []int

// EndOrphans kills and reaps all children that this process has got since AdoptOrphans, and
// theirs. It is called last, when nobody waits for a child any more.
func EndOrphans() {
	for range 100 { // a process that the kernel does not let go is left after a second
		all := slices.DeleteFunc(children(), func(pid int) bool { return slices.Contains(inherited, pid) })
		if len(all) == 0 {
			return
		}
		for _, pid := range all {
			// Nobody else reaps it, so that the number still means this child.
			syscall.Kill(pid, syscall.SIGKILL)
			syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// children returns the children of this process, ended ones that are not reaped included.
func children() (pids []int) {
	self := strconv.Itoa(os.Getpid())
	for _, p := range processes() {
		if p.parent == self {
			pid, _ := strconv.Atoi(filepath.Base(p.folder))
			pids = append(pids, pid)
		}
	}
	return pids
}

// GroupLeft reports whether a process of OwnGroup that has ended left others of its group
// running. Ended ones do not count: they wait for their new parent.
func GroupLeft(cmd *exec.Cmd) bool {
	group := strconv.Itoa(cmd.Process.Pid)
	return slices.ContainsFunc(processes(), func(p procEntry) bool { return p.group == group && p.state != "Z" })
}

// A procEntry is a process in /proc.
type procEntry struct{ folder, state, parent, group string }

func processes() (list []procEntry) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range all {
		stat, err := os.ReadFile(folder + "/stat")
		if err != nil {
			continue // it has ended
		}
		// PID (NAME) STATE PARENT GROUP …, and a name may hold anything.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) > 2 {
			list = append(list, procEntry{folder, fields[0], fields[1], fields[2]})
		}
	}
	return list
}
