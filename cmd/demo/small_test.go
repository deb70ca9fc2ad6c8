package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"casflow/internal/casapi/sandbox"
)

// mostIdle is what a program may take that has nothing to do, in bytes.
const mostIdle = 40 * megabyte

// mostBinary is how large a program's file may be: what makes it larger must be worth it.
const mostBinary = 42 * megabyte

// TestPrograms_Small builds both programs as make build does and lets them wait for
// work, on a Postgres, a Redis and an S3 server.
func TestPrograms_Small(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	const token = "token-of-the-portal"
	p.keepSecret("token", token)
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", dir, "casflow/cmd/worker", "casflow/cmd/enqueuer")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for name, args := range map[string][]string{
		"worker":   p.workerArgs(),
		"enqueuer": p.settings("serve", "--api-tokens", "portal:"+token, "--addr", "127.0.0.1:0", "--stop-delay", "0s", "--log-format", "json"),
	} {
		file := filepath.Join(dir, name)
		program := p.start(exec.CommandContext(t.Context(), file, args...))
		addr := p.awaitAddress(map[string]string{"worker": "metrics", "enqueuer": "API"}[name])
		for range 3 { // it is ready, and has told all its metrics
			awaitServed(t, "http://"+addr+"/readyz")
			awaitServed(t, "http://"+addr+"/metrics")
		}
		idle, peak := program.memory("VmRSS"), program.memory("VmHWM")
		program.terminate()
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: file of %d kB, %d kB when idle, %d kB at most", name, info.Size()/1000, idle/1000, peak/1000)
		if idle > mostIdle || info.Size() > mostBinary {
			t.Errorf("%s: file of %d kB, %d kB when idle, want %d and %d at most", name, info.Size()/1000, idle/1000, mostBinary/1000, mostIdle/1000)
		}
	}
}
