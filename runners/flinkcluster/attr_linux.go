package flinkcluster

import "syscall"

// attributes put a program in a process group of its own, which is killed as a whole: an interrupt at the terminal is
// for the launcher, which stops its cluster in order. Where the launcher dies the program does too.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
