package conform

import (
	"os"
	"strconv"
	"strings"
)

// members returns the folders in /proc of the processes of a group.
func members(group int) (folders []string) {
	for _, p := range processes() {
		if p.group == strconv.Itoa(group) {
			folders = append(folders, p.folder)
		}
	}
	return folders
}

// resetPeak sets the peaks of a group to what is resident now, and returns that.
func resetPeak(group int) (bytes int64, ok bool) {
	for _, folder := range members(group) {
		if os.WriteFile(folder+"/clear_refs", []byte("5"), 0) != nil {
			return 0, false
		}
	}
	return peak(group)
}

// peak returns the sum of the peaks of resident memory of a group.
func peak(group int) (bytes int64, ok bool) {
	for _, folder := range members(group) {
		status, err := os.ReadFile(folder + "/status")
		if err != nil {
			return 0, false
		}
		_, line, found := strings.Cut(string(status), "\nVmHWM:")
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.SplitN(line, "kB", 2)[0]), 10, 64)
		if !found || err != nil {
			return 0, false
		}
		bytes += kib << 10
		ok = true
	}
	return bytes, ok
}
