// Package deploy_test holds what is in this folder against the programs: rules and
// dashboard against a Prometheus that scrapes them, manifests against their flags,
// variables, ports and paths.
package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"casflow/internal/devstack"
	"casflow/internal/storage/storagetest"
)

// What the tests share besides the Postgres of storagetest.
var (
	redisServer *devstack.Redis
	s3Server    *devstack.S3
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	ctx := context.Background()
	if err := startServers(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "servers of the tests:", err)
		return 1
	}
	code := storagetest.Main(m)
	if err := errors.Join(s3Server.Stop(), redisServer.Stop()); err != nil {
		fmt.Fprintln(os.Stderr, "servers of the tests:", err)
		return max(code, 1)
	}
	return code
}

func startServers(ctx context.Context) (err error) {
	if redisServer, err = devstack.StartRedis(ctx); err != nil {
		return fmt.Errorf("start Redis: %w", err)
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

// read returns a file, named from this folder.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
