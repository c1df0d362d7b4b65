//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// mostResident is the most bytes of memory that an ended process had.
func mostResident(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	switch {
	case !ok:
		return 0
	case runtime.GOOS == "darwin":
		return usage.Maxrss // the only system that counts in bytes
	}
	return int64(usage.Maxrss) << 10
}
