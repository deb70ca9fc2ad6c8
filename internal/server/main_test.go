package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"casflow/internal/devstack"
	"casflow/internal/storage/storagetest"
)

// The servers that all tests share; each test has a database and a bucket of its
// own. Tasks in Redis are told apart by their documents.
var (
	redisServer *devstack.Redis
	s3Server    *devstack.S3
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	ctx := context.Background()
	var err error
	if redisServer, err = devstack.StartRedis(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "tests need a Redis:", err)
		return 1
	}
	code := 1
	if s3Server, err = devstack.StartS3(ctx); err == nil {
		code = storagetest.Main(m)
		err = s3Server.Stop()
	}
	if err = errors.Join(err, redisServer.Stop()); err != nil {
		fmt.Fprintln(os.Stderr, "servers of the tests:", err)
		return max(code, 1)
	}
	return code
}
