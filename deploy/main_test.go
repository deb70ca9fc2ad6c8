// Package deploy_test holds what is in this folder against the programs: rules and
// dashboard against a Prometheus that scrapes them, manifests against their flags,
// variables, ports and paths.
package deploy_test

import (
	"os"
	"testing"

	"casflow/internal/devstack"
	"casflow/internal/devtest"
)

// What the tests share besides the Postgres of storagetest.
var (
	redisServer *devstack.Redis
	s3Server    *devstack.S3
)

func TestMain(m *testing.M) { os.Exit(devtest.Main(m, &redisServer, &s3Server)) }

// read returns a file, named from this folder.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
