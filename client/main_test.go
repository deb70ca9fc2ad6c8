package client_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"casflow/client"
	"casflow/cmd/enqueuer/enqueuercli"
	"casflow/internal/devstack"
	"casflow/internal/devtest"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
	"casflow/migrations"
)

// What all tests share: enqueuer serve, on a Postgres and an S3 server of its own.
// It does without Redis.
var (
	serverURL string
	ledger    *storage.DB
	store     *objectstore.Store
)

const (
	token  = "hush-token-of-billing"
	bucket = "statements"
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	ctx, cancel := context.WithCancel(context.Background())
	stop, err := start(ctx)
	code := 1
	if err == nil {
		code = m.Run()
	}
	cancel()
	if err = errors.Join(err, stop()); err != nil {
		fmt.Fprintln(os.Stderr, "tests need a Postgres and a free port:", err)
		return max(code, 1)
	}
	return code
}

// start starts the parts. stop is to be called in any case, after ctx has ended.
func start(ctx context.Context) (stop func() error, err error) {
	var stops []func() error
	stop = func() error {
		var faults []error
		for _, stop := range slices.Backward(stops) {
			faults = append(faults, stop())
		}
		return errors.Join(faults...)
	}
	postgres, err := devstack.StartPostgres(ctx, "")
	if err != nil {
		return stop, err
	}
	stops = append(stops, postgres.Stop)
	migrator, err := migrations.Open(postgres.URL)
	if err != nil {
		return stop, err
	}
	_, err = migrator.Up(ctx)
	if err = errors.Join(err, migrator.Close()); err != nil {
		return stop, err
	}
	if ledger, err = storage.Open(ctx, postgres.URL, 4); err != nil {
		return stop, err
	}
	stops = append(stops, func() error { ledger.Close(); return nil })
	s3, err := devstack.StartS3(ctx)
	if err != nil {
		return stop, err
	}
	stops = append(stops, s3.Stop)
	if err := devtest.SetEnvironment(s3); err != nil {
		return stop, err
	}
	if store, err = objectstore.Open(ctx, objectstore.Config{Endpoint: s3.Endpoint, ForcePathStyle: true}); err != nil {
		return stop, err
	}
	if err := store.CreateBucket(ctx, bucket); err != nil {
		return stop, err
	}
	serving, err := devtest.Serve(ctx, enqueuercli.Run,
		"serve", "--database-url", postgres.URL, "--redis-url", "redis://127.0.0.1:1", "--s3-endpoint", s3.Endpoint,
		"--s3-force-path-style", "--api-tokens", "billing:"+token, "--upload-to", "s3://"+bucket+"/uploads", "--stop-delay", "0s",
		"--callback-hosts", "billing.example", "--secret-key", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "--log-format", "json")
	if err != nil {
		return stop, err
	}
	serverURL = "http://" + serving.Addr
	stops = append(stops, func() error {
		if code := serving.Stop(); code != 0 {
			return fmt.Errorf("enqueuer serve ended with %d: %s", code, serving.Log)
		}
		return nil
	})
	return stop, nil
}

func newClient(tb testing.TB) *client.Client {
	tb.Helper()
	c, err := client.New(client.Config{BaseURL: serverURL, Token: token})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// put stores an object whose content is its key.
func put(ctx context.Context, key string) error {
	_, err := store.Put(ctx, bucket, key, strings.NewReader(key), int64(len(key)), nil)
	return err
}
