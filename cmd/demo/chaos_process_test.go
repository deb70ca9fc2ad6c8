package main

import (
	"bytes"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"testing"
)

// process is a program as a process of its own.
type process struct {
	t       testing.TB
	command *exec.Cmd
}

// workerProcess starts a worker, and returns when it says so: from then on it
// heeds signals.
func (p *pipeline) workerProcess(args ...string) *process {
	p.t.Helper()
	return p.start(program(p.t, "worker", p.workerArgs(args...)...))
}

// start starts a program, and returns when it has said something.
func (p *pipeline) start(command *exec.Cmd) *process {
	p.t.Helper()
	log := &wholeLines{to: p, some: make(chan struct{})}
	command.Stdout, command.Stderr = &p.stdout, log
	if err := command.Start(); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-log.some:
	case <-p.t.Context().Done():
		p.t.Fatal("never came: a program that starts")
	}
	return &process{t: p.t, command: command}
}

// kill ends the process as a crash would.
func (w *process) kill() {
	w.t.Helper()
	if err := w.command.Process.Kill(); err != nil {
		w.t.Error(err)
	}
	if _, ok := w.command.Wait().(*exec.ExitError); !ok { //nolint:errorlint // Wait returns it as it is
		w.t.Error("the worker had ended by itself")
	}
}

// terminate ends the process as an operator would, and waits for it.
func (w *process) terminate() {
	w.t.Helper()
	if err := w.command.Process.Signal(syscall.SIGTERM); err != nil {
		w.t.Error(err)
	}
	if err := w.command.Wait(); err != nil {
		w.t.Errorf("worker run after SIGTERM: %v", err)
	}
}

// wholeLines passes on whole lines only: several processes write to one log.
type wholeLines struct {
	to    io.Writer
	rest  []byte
	some  chan struct{} // closed when there is one
	first sync.Once
}

func (w *wholeLines) Write(b []byte) (int, error) {
	w.rest = append(w.rest, b...)
	end := bytes.LastIndexByte(w.rest, '\n') + 1
	if end > 0 {
		w.first.Do(func() { close(w.some) })
	}
	_, err := w.to.Write(w.rest[:end])
	w.rest = append(w.rest[:0], w.rest[end:]...)
	return len(b), err
}
