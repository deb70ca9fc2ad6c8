package devstack

import "syscall"

// childAttributes has the kernel send deathSignal to the child when this process
// ends, however it ends.
func childAttributes(as account, deathSignal syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: deathSignal, Credential: as.credential()}
}
