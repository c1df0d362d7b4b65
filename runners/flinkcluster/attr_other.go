//go:build !linux

package flinkcluster

import "syscall"

// attributes put a program in a process group of its own, which is killed as a whole: an interrupt at the terminal is
// for the launcher, which stops its cluster in order.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
