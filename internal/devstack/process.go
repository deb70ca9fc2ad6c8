package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"casflow/internal/redact"
)

const (
	// startLimit bounds a start whose context has no deadline.
	startLimit = time.Minute
	// stopLimit is how long a server may take to end before it is killed.
	stopLimit = 30 * time.Second
	// pollInterval is how often a starting server is asked whether it is ready.
	pollInterval = 10 * time.Millisecond
	// tailBytes of a log go into the error of a failed start.
	tailBytes = 2000
)

// process is a child that ends, at the latest, when this process does.
type process struct {
	command *exec.Cmd
	ended   chan struct{} // closed once the child has been waited for
	err     error         // how it ended; to be read after ended
	log     string        // file that holds its output
	logFrom int64         // where in log the output of this child begins
}

// startProcess starts the command in a process group of its own, so that Ctrl-C
// on a terminal reaches it through us alone and in our order. Its output is
// appended to the file log. When this process dies the child gets deathSignal.
func startProcess(command *exec.Cmd, as account, deathSignal syscall.Signal, log string) (*process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", command.Path, err)
	}
	defer func() { _ = output.Close() }() // the child has its own copy
	from, err := output.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", command.Path, err)
	}
	command.Stdout, command.Stderr = output, output
	p := &process{command: command, ended: make(chan struct{}), log: log, logFrom: from}
	return p, p.start(as, deathSignal)
}

// start starts the command, which gets deathSignal when this process dies.
func (p *process) start(as account, deathSignal syscall.Signal) error {
	command := p.command
	command.SysProcAttr = childAttributes(as, deathSignal)
	started := make(chan error, 1)
	go func() {
		// The death signal is sent when the thread that forked the child ends,
		// not when the process does: the thread is kept for the child's life.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := command.Start(); err != nil {
			started <- err
			return
		}
		started <- nil
		p.err = command.Wait()
		close(p.ended)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", command.Path, err)
	}
	return nil
}

// running tells whether the child has not ended yet.
func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// stop sends the signal and waits for the end. A child that has ended already
// is no error; one that had to be killed is.
func (p *process) stop(signal syscall.Signal) error {
	if !p.running() {
		return nil
	}
	if err := p.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", p.command.Path, err)
	}
	patience := time.NewTimer(stopLimit)
	defer patience.Stop()
	select {
	case <-p.ended:
		return nil
	case <-patience.C:
	}
	if err := p.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.command.Path, err)
	}
	<-p.ended
	return fmt.Errorf("%s did not stop within %s and was killed", p.command.Path, stopLimit)
}

// failed describes a child that ended when it should not have, with the end of
// its output, which usually says why.
func (p *process) failed() error {
	return fmt.Errorf("%s ended early: %w: %s", p.command.Path, p.exitError(), p.tail())
}

// exitError is how the child ended; never nil.
func (p *process) exitError() error {
	if p.err == nil {
		return errors.New("exit status 0")
	}
	return p.err
}

// tail returns the end of what this child wrote, PANs masked: a database quotes
// rows in its messages.
func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return "its log cannot be read: " + err.Error()
	}
	if int64(len(text)) > p.logFrom {
		text = text[p.logFrom:]
	}
	if len(text) > tailBytes {
		text = text[len(text)-tailBytes:]
	}
	return redact.PANs(strings.TrimSpace(string(text)))
}

// addressInUse tells whether the child ended because somebody else took its
// port between our look and its bind.
func (p *process) addressInUse() bool {
	return strings.Contains(strings.ToLower(p.tail()), "address already in use")
}

// awaitReady asks ready again and again until it says yes. The error matches
// errAddressInUse if the child ended because its port was taken.
func (p *process) awaitReady(ctx context.Context, ready func(context.Context) bool) error {
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for !ready(ctx) {
		select {
		case <-poll.C:
		case <-p.ended:
			if p.addressInUse() {
				return fmt.Errorf("%w: %w", errAddressInUse, p.failed())
			}
			return p.failed()
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w: %s", p.command.Path, context.Cause(ctx), p.tail())
		}
	}
	return nil
}
