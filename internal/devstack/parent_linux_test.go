package devstack

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestStart_ParentKilled kills a process that has started servers, and expects
// them gone, and their directories too after the next start.
func TestStart_ParentKilled(t *testing.T) {
	t.Parallel()
	command := exec.CommandContext(t.Context(), "/proc/self/exe")
	command.Env = append(os.Environ(), childVariable+"=hang")
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := command.StdinPipe() // stays open, or the child would not hang
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var report childReport
	if err := json.NewDecoder(output).Decode(&report); err != nil || report.Fault != "" {
		t.Fatalf("child: %v: %s", err, report.Fault)
	}
	for _, pid := range report.Processes {
		if vanished(pid) {
			t.Fatalf("process %d is not there to begin with", pid)
		}
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait() // reports the kill
	for _, pid := range report.Processes {
		await(t, fmt.Sprintf("process %d ends with its parent", pid), func() bool { return vanished(pid) })
	}
	next, err := newWorkdir(account{})
	if err != nil {
		t.Fatal(err)
	}
	if err := next.remove(); err != nil {
		t.Error(err)
	}
	for _, path := range report.Directories {
		assertMissing(t, path)
	}
}

// vanished tells whether the process has ended. Orphans are waited for by some
// other process, if at all: a zombie counts as ended.
func vanished(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z")
}

// TestStart_ThreadEnds shows that servers outlive the thread that asked for them:
// only the end of the process is to end them.
func TestStart_ThreadEnds(t *testing.T) {
	t.Parallel()
	var (
		server *Redis
		err    error
		thread int
		ended  = make(chan struct{})
	)
	go func() {
		defer close(ended)
		runtime.LockOSThread() // never unlocked, so the thread ends with the goroutine
		thread = syscall.Gettid()
		server, err = StartRedis(t.Context())
	}()
	<-ended
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the thread ends", func() bool {
		// The first thread of a process never ends; Go parks it.
		_, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", thread))
		return err != nil || thread == os.Getpid()
	})
	if err := pingRedis(t.Context(), server.URL); err != nil {
		t.Error(err)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
}
