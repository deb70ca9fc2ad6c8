package enqueuercli_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"casflow/cmd/enqueuer/enqueuercli"
	"casflow/internal/devstack"
	"casflow/internal/storage/storagetest"
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
	os.Exit(testMain(m))
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

func testMain(m *testing.M) int {
	ctx := context.Background()
	var err error
	if redisServer, err = devstack.StartRedis(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "tests need a Redis:", err)
		return 1
	}
	if s3Server, err = devstack.StartS3(ctx); err == nil {
		err = setEnvironment()
	}
	code := 1
	if err == nil {
		code = storagetest.Main(m)
		err = s3Server.Stop()
	}
	if err = errors.Join(err, redisServer.Stop()); err != nil {
		fmt.Fprintln(os.Stderr, "servers of the tests:", err)
		return max(code, 1)
	}
	return code
}

// setEnvironment is done once, so that tests can be parallel: nothing of the
// caller's settings, credentials for the S3 server, and a password.
func setEnvironment() error {
	var errs []error
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		for _, ours := range []string{"DATABASE_URL", "REDIS_URL", "AWS_", "S3_", "CASPARSER_", "CASFLOW_"} {
			if strings.HasPrefix(name, ours) {
				errs = append(errs, os.Unsetenv(name))
			}
		}
	}
	nowhere := filepath.Join(os.TempDir(), "casflow-no-such-file")
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": s3Server.AccessKey, "AWS_SECRET_ACCESS_KEY": s3Server.SecretKey.Reveal(), "AWS_REGION": s3Server.Region,
		"AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, passwordVariable: envPassword,
	} {
		errs = append(errs, os.Setenv(name, value))
	}
	return errors.Join(errs...)
}
