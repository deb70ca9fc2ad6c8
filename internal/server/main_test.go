package server

import (
	"os"
	"testing"

	"casflow/internal/devstack"
	"casflow/internal/devtest"
)

// The servers that all tests share; each test has a database and a bucket of its
// own. Tasks in Redis are told apart by their documents.
var (
	redisServer *devstack.Redis
	s3Server    *devstack.S3
)

func TestMain(m *testing.M) { os.Exit(devtest.Main(m, &redisServer, &s3Server)) }
