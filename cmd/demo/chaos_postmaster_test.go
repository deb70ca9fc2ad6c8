package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"casflow/internal/devstack"
	"casflow/internal/storage/storagetest"
)

// postmaster is the process of a Postgres server that starts all its others.
type postmaster struct {
	t   *testing.T
	pid int
}

func postmasterOf(t *testing.T, postgres *devstack.Postgres) *postmaster {
	t.Helper()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		missingProc(t, err)
	}
	m := &postmaster{t: t}
	row := storagetest.Rows(t, postgres.URL, `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`)
	checkpointer, err := strconv.Atoi(row[0][0])
	if err != nil {
		t.Fatal(err)
	}
	_, m.pid = m.status(checkpointer)
	return m
}

// missingProc ends a test that has to look at processes: only Linux has /proc, and
// there it is a fault that it cannot be read.
func missingProc(tb testing.TB, err error) {
	tb.Helper()
	if runtime.GOOS != "linux" {
		tb.Skip("processes can be looked at on Linux alone: ", err)
	}
	tb.Fatalf("%v: mount proc on /proc, and run no test where it hides processes", err)
}

// shutDown stops the server as pg_ctl does.
func (m *postmaster) shutDown(postgres *devstack.Postgres) (start func()) {
	m.t.Helper()
	m.signal(syscall.SIGINT, m.pid)
	await(m.t, "the end of Postgres", func() bool {
		state, _ := m.status(m.pid)
		return state == ""
	})
	return func() {
		m.t.Helper()
		if err := postgres.Restart(m.t.Context()); err != nil {
			m.t.Fatal(err)
		}
	}
}

// freeze makes the server hang, every process of it.
func (m *postmaster) freeze(*devstack.Postgres) (thaw func()) {
	m.t.Helper()
	m.t.Cleanup(func() { m.signal(syscall.SIGCONT, append(m.children(), m.pid)...) }) // or it could not be stopped
	m.signal(syscall.SIGSTOP, m.pid)
	await(m.t, "a Postgres that starts no more processes", func() bool {
		state, _ := m.status(m.pid)
		return state == "T"
	})
	m.signal(syscall.SIGSTOP, m.children()...)
	return func() {
		m.t.Helper()
		m.signal(syscall.SIGCONT, append(m.children(), m.pid)...)
	}
}

func (m *postmaster) signal(signal syscall.Signal, pids ...int) {
	m.t.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			m.t.Errorf("%s to process %d of Postgres: %v", signal, pid, err)
		}
	}
}

// children are the processes that the postmaster has started.
func (m *postmaster) children() []int {
	m.t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		m.t.Fatal(err)
	}
	var pids []int
	for _, file := range files {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			m.t.Fatal(err)
		}
		if state, parent := m.status(pid); state != "" && parent == m.pid {
			pids = append(pids, pid)
		}
	}
	return pids
}

// status is a process' state, as ps shows it, and its parent; "" where there is no
// such process.
func (m *postmaster) status(pid int) (state string, parent int) {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return "", 0
	}
	if err != nil {
		m.t.Fatal(err)
	}
	// The name before them, in brackets, may hold spaces.
	fields := strings.Fields(string(text)[strings.LastIndexByte(string(text), ')')+1:])
	if parent, err = strconv.Atoi(fields[1]); err != nil {
		m.t.Fatal(err)
	}
	return fields[0], parent
}
