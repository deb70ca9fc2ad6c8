package devstack

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Program is a program as a process of its own, whose use of the machine is looked
// at. It ends, at the latest, when this process does.
type Program struct {
	process *process
	peak    atomic.Int64
	watched chan struct{} // closed once nobody looks any more
}

// watchInterval is how often a program's memory is looked at.
const watchInterval = 20 * time.Millisecond

// StartProgram starts a command in this process' account; its output goes where
// the command says.
func StartProgram(command *exec.Cmd) (*Program, error) {
	p := &Program{process: &process{command: command, ended: make(chan struct{})}, watched: make(chan struct{})}
	if err := p.process.start(account{}, syscall.SIGKILL); err != nil {
		return nil, err
	}
	go p.watch()
	return p, nil
}

// watch remembers the peak of the program's memory while it can be seen: what the
// kernel tells of a child after its end includes the memory of who forked it.
func (p *Program) watch() {
	defer close(p.watched)
	look := time.NewTicker(watchInterval)
	defer look.Stop()
	for {
		if peak, err := p.Memory("VmHWM"); err == nil {
			p.peak.Store(peak)
		}
		select {
		case <-look.C:
		case <-p.process.ended:
			return
		}
	}
}

// Memory is one of the sizes that Linux tells of a process, VmRSS or VmHWM, in bytes.
func (p *Program) Memory(name string) (int64, error) {
	return Memory(p.process.command.Process.Pid, name)
}

// Peak is the most memory, in bytes, that the program has been seen to take.
func (p *Program) Peak() int64 { return p.peak.Load() }

// Ended is closed at the program's end.
func (p *Program) Ended() <-chan struct{} { return p.process.ended }

// Signal sends a signal to the program.
func (p *Program) Signal(signal syscall.Signal) error {
	if err := p.process.command.Process.Signal(signal); err != nil {
		return fmt.Errorf("signal %s: %w", p.process.command.Path, err)
	}
	return nil
}

// Wait waits for the program's end; an error tells that it was none with exit code
// 0. When ctx ends first, the program is killed.
func (p *Program) Wait(ctx context.Context) error {
	select {
	case <-p.process.ended:
	case <-ctx.Done():
		_ = p.Signal(syscall.SIGKILL) // it may have ended this moment
		<-p.process.ended
	}
	<-p.watched
	if p.process.err != nil {
		return fmt.Errorf("%s: %w", p.process.command.Path, p.process.err)
	}
	return nil
}

// CPU is the processor time that the program has taken, to be asked after Wait.
func (p *Program) CPU() time.Duration {
	state := p.process.command.ProcessState
	return state.UserTime() + state.SystemTime()
}

// Memory is one of the sizes that Linux tells of a process, such as VmRSS, in bytes.
func Memory(pid int, name string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read memory of a process: %w", err)
	}
	_, rest, _ := bytes.Cut(text, []byte("\n"+name+":"))
	size, _, told := bytes.Cut(rest, []byte(" kB\n"))
	if !told {
		return 0, fmt.Errorf("read memory of a process: no %s is told of it", name)
	}
	kilobytes, err := strconv.ParseInt(string(bytes.TrimSpace(size)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read memory of a process: %w", err)
	}
	return kilobytes << 10, nil
}

// familyCPU is the processor time that a process and its children have taken, those
// that have ended among them.
func familyCPU(parent int) (time.Duration, error) {
	folders, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	const (
		afterName           = 3 // number of the first field behind the name, which may hold spaces
		ppid, own, ofTheirs = 4 - afterName, 14 - afterName, 16 - afterName
		perSecond           = 100 // clock ticks, the same on every Linux
		userAndSystem       = 2
		tick                = time.Second / perSecond
	)
	total := time.Duration(0)
	for _, file := range folders {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		pid := filepath.Base(filepath.Dir(file))
		if len(fields) < ofTheirs+userAndSystem || pid != strconv.Itoa(parent) && fields[ppid] != strconv.Itoa(parent) {
			continue
		}
		for _, field := range fields[own : ofTheirs+userAndSystem] {
			ticks, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read processor time: %w", err)
			}
			total += time.Duration(ticks) * tick
		}
	}
	return total, nil
}
