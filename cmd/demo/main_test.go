package main

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"casflow/cmd/worker/workercli"
	"casflow/internal/devstack"
	"casflow/internal/storage/storagetest"
)

// asProgram makes the test binary be a program, demo or worker, so that a test can
// run it with an environment, signals and an exit code of its own.
const asProgram = "CASFLOW_TEST_AS"

// What the tests of this package share. Each has its own database of Postgres
// (storagetest), its own of Redis, and its own bucket.
var (
	redisServer *devstack.Redis
	redisDBs    = make(chan int, redisDatabases) // those that no test has
	s3Server    *devstack.S3
)

// redisDatabases is how many databases a Redis has by default.
const redisDatabases = 16

func TestMain(m *testing.M) {
	switch os.Getenv(asProgram) {
	case "demo":
		os.Exit(start())
	case "worker":
		os.Exit(startAsWorker())
	}
	os.Exit(testMain(m))
}

func startAsWorker() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return workercli.Run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

// testsAtOnce is how many tests run at once, unless -parallel says: they wait for
// leases and backoffs far more than they compute.
const testsAtOnce = 6

func testMain(m *testing.M) int {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked {
		if err := flag.Set("test.parallel", strconv.Itoa(testsAtOnce)); err != nil {
			fmt.Fprintln(os.Stderr, "run tests at once:", err)
			return 1
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := startServers(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "tests need a redis-server:", err)
		return 1
	}
	code := storagetest.Main(m)
	for _, stop := range []func() error{redisServer.Stop, s3Server.Stop} {
		if err := stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop server:", err)
			code = max(code, 1)
		}
	}
	return code
}

func startServers(ctx context.Context) (err error) {
	// The settings of whoever runs the tests are none of theirs.
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "CASFLOW_") || strings.HasPrefix(name, "CASPARSER_") || strings.HasPrefix(name, "AWS_") ||
			name == "DATABASE_URL" || name == "REDIS_URL" || name == "S3_FORCE_PATH_STYLE" {
			if err := os.Unsetenv(name); err != nil {
				return fmt.Errorf("clear environment: %w", err)
			}
		}
	}
	if redisServer, err = devstack.StartRedis(ctx); err != nil {
		return fmt.Errorf("start Redis: %w", err)
	}
	for n := range redisDatabases {
		redisDBs <- n
	}
	if s3Server, err = devstack.StartS3(ctx); err != nil {
		return fmt.Errorf("start S3: %w", err)
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": s3Server.AccessKey, "AWS_SECRET_ACCESS_KEY": s3Server.SecretKey.Reveal(), "AWS_REGION": s3Server.Region,
	} {
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}

// newRedisURL gives the test a database of Redis that no other test has, as long
// as it runs.
func newRedisURL(tb testing.TB) string {
	tb.Helper()
	n := <-redisDBs
	tb.Cleanup(func() { redisDBs <- n })
	u, err := url.Parse(redisServer.URL)
	if err != nil {
		tb.Fatal(err)
	}
	u.Path = fmt.Sprintf("/%d", n)
	return u.String()
}
