package enqueuercli_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"casflow/cmd/enqueuer/enqueuercli"
	"casflow/internal/devstack"
	"casflow/internal/devtest"
)

// The servers that all tests share; each test has a database and a bucket of its
// own. Tasks in Redis are told apart by their documents.
var (
	redisServer *devstack.Redis
	s3Server    *devstack.S3
)

// asProgram makes the test binary be the program, so that a test can kill it and
// look at what it used: its value is a file that then holds what Linux tells of the
// process at its end.
const asProgram = "CASFLOW_TEST_AS_ENQUEUER"

func TestMain(m *testing.M) {
	if file := os.Getenv(asProgram); file != "" {
		code := enqueuercli.Run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)
		// The kernel's own account of an ended process would count its parent's memory too.
		if status, err := os.ReadFile("/proc/self/status"); err == nil {
			_ = os.WriteFile(file, status, 0o600) // who needs it will miss it
		}
		os.Exit(code)
	}
	if err := os.Setenv(passwordVariable, envPassword); err != nil {
		panic(err)
	}
	os.Exit(devtest.Main(m, &redisServer, &s3Server))
}

// program is the program as a process of its own, not yet started. In the end, if it
// comes to one, status has what Linux tells of it.
func program(tb testing.TB, args ...string) (command *exec.Cmd, status string) {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	status = filepath.Join(tb.TempDir(), "status")
	command = exec.CommandContext(tb.Context(), self, args...)
	command.Env = append(os.Environ(), asProgram+"="+status)
	return command, status
}
