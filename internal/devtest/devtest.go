// Package devtest is what the tests of programs share: servers beside the Postgres of
// storagetest, an environment without the caller's settings, and programs that run
// and log within the test's own process.
//
//	func TestMain(m *testing.M) { os.Exit(devtest.Main(m, &redisServer, &s3Server)) }
package devtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"casflow/internal/devstack"
	"casflow/internal/storage/storagetest"
)

// Main starts a Redis and an S3 server, sets the environment for them, runs the tests
// with storagetest.Main, and stops the servers. It returns the exit code. A machine
// without one of the servers fails the run, saying what to install.
func Main(m *testing.M, redis **devstack.Redis, s3 **devstack.S3) int {
	ctx := context.Background()
	var err error
	if *redis, err = devstack.StartRedis(ctx); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "tests need a Redis:", err)
		return 1
	}
	code := 1
	if *s3, err = devstack.StartS3(ctx); err == nil {
		if err = SetEnvironment(*s3); err == nil {
			code = storagetest.Main(m)
		}
		err = errors.Join(err, (*s3).Stop())
	}
	if err = errors.Join(err, (*redis).Stop()); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "servers of the tests:", err)
		return max(code, 1)
	}
	return code
}

// SetEnvironment leaves nothing of the caller's settings and gives credentials for the
// S3 server. It is for TestMain: done once, tests can be parallel.
func SetEnvironment(s3 *devstack.S3) error {
	var faults []error
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		for _, ours := range []string{"DATABASE_URL", "REDIS_URL", "AWS_", "S3_", "CASPARSER_", "CASFLOW_"} {
			if strings.HasPrefix(name, ours) {
				faults = append(faults, os.Unsetenv(name))
			}
		}
	}
	nowhere := filepath.Join(os.TempDir(), "casflow-no-such-file")
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": s3.AccessKey, "AWS_SECRET_ACCESS_KEY": s3.SecretKey.Reveal(), "AWS_REGION": s3.Region,
		"AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere,
	} {
		faults = append(faults, os.Setenv(name, value))
	}
	return errors.Join(append(faults, EndAtOnce())...)
}

// EndAtOnce keeps programs that tests start as processes of their own from sleeping for
// a second at their end, which they do with the race detector.
func EndAtOnce() error {
	return os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0") //nolint:wrapcheck // says it all
}
