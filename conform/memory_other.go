//go:build !linux

package conform

func resetPeak(int) (int64, bool) { return 0, false }

func peak(int) (int64, bool) { return 0, false }
