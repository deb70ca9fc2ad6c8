package main

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"testing"

	"casflow/cmd/worker/workercli"
	"casflow/internal/devstack"
	"casflow/internal/devtest"
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
	for n := range redisDatabases {
		redisDBs <- n
	}
	return devtest.Main(m, &redisServer, &s3Server)
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
