//go:build unix && !linux

package devstack

import "syscall"

// childAttributes leaves the death signal out: only Linux has one. Elsewhere a
// server outlives a process that is killed before it could stop it.
func childAttributes(as account, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: as.credential()}
}
