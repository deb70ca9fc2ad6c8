package objectstore_test

import (
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"casflow/internal/devstack"
	"casflow/internal/redact"
	"casflow/internal/storage/objectstore"
)

// bundle is a store on a server of its own, with one empty bucket.
type bundle struct {
	*objectstore.Store
	server *devstack.S3
	bucket string
}

func setup(tb testing.TB) bundle {
	tb.Helper()
	server, err := devstack.StartS3(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Stop(); err != nil {
			tb.Error(err)
		}
	})
	b := bundle{Store: open(tb, configFor(server)), server: server, bucket: "statements"}
	if err := b.CreateBucket(tb.Context(), b.bucket); err != nil {
		tb.Fatal(err)
	}
	return b
}

func configFor(server *devstack.S3) objectstore.Config {
	return objectstore.Config{
		Endpoint: server.Endpoint, Region: server.Region, ForcePathStyle: true,
		AccessKey: redact.Secret(server.AccessKey), SecretKey: server.SecretKey,
	}
}

func open(tb testing.TB, config objectstore.Config) *objectstore.Store {
	tb.Helper()
	store, err := objectstore.Open(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	return store
}

// put writes an object and returns what Put says of it.
func (b bundle) put(tb testing.TB, key, content string, metadata map[string]string) objectstore.Info {
	tb.Helper()
	info, err := b.Put(tb.Context(), b.bucket, key, strings.NewReader(content), int64(len(content)), metadata)
	if err != nil {
		tb.Fatal(err)
	}
	return info
}

// withoutAWS leaves no trace of a configuration to the SDK but what is given.
func withoutAWS(t *testing.T, environment map[string]string) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	t.Setenv("AWS_CONFIG_FILE", nowhere)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for name, value := range environment {
		t.Setenv(name, value)
	}
}

//nolint:paralleltest // it sets the environment
func TestOpen_Environment(t *testing.T) {
	server, err := devstack.StartS3(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	keys := func(more map[string]string) map[string]string {
		all := map[string]string{"AWS_ACCESS_KEY_ID": server.AccessKey, "AWS_SECRET_ACCESS_KEY": server.SecretKey.Reveal()}
		maps.Copy(all, more)
		return all
	}
	tests := map[string]struct {
		environment map[string]string
		config      objectstore.Config
		want        []string // in the error of opening; none: it opens and works
	}{
		"Endpoint":      {keys(map[string]string{"AWS_ENDPOINT_URL_S3": server.Endpoint}), objectstore.Config{}, nil},
		"EndpointOfAll": {keys(map[string]string{"AWS_ENDPOINT_URL": server.Endpoint}), objectstore.Config{}, nil},
		"ConfigWins": {
			keys(map[string]string{"AWS_ENDPOINT_URL_S3": "http://192.0.2.1:9", "AWS_REGION": "ap-south-1"}),
			objectstore.Config{Endpoint: server.Endpoint},
			nil,
		},
		"NoRegion": {keys(nil), objectstore.Config{}, []string{"AWS_REGION", "AWS_ENDPOINT_URL_S3"}},
		"NoCredentials": {
			map[string]string{"AWS_REGION": "ap-south-1"},
			objectstore.Config{},
			[]string{"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "role"},
		},
		"HalfCredentials": {
			map[string]string{"AWS_REGION": "ap-south-1"},
			objectstore.Config{AccessKey: "lonely"},
			[]string{"AWS_SECRET_ACCESS_KEY"},
		},
		"BadEndpoint": {
			keys(map[string]string{"AWS_ENDPOINT_URL_S3": "user:hunter2@minio:9000"}),
			objectstore.Config{},
			[]string{"AWS_ENDPOINT_URL_S3", "http://HOST:PORT"},
		},
		"BadProfile": {map[string]string{"AWS_PROFILE": "absent"}, objectstore.Config{}, []string{"absent"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			withoutAWS(t, test.environment)
			store, err := objectstore.Open(t.Context(), test.config)
			if test.want == nil {
				if err == nil {
					err = store.CreateBucket(t.Context(), "bucket")
				}
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatal("opened")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), server.SecretKey.Reveal()) {
				t.Errorf("secret in error: %v", err)
			}
		})
	}
}

func TestStore_WrongCredentials(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, change := range map[string]func(*objectstore.Config){
		"AccessKey": func(c *objectstore.Config) { c.AccessKey = "unknown-key" },
		"SecretKey": func(c *objectstore.Config) { c.SecretKey = "guessed-secret" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := configFor(b.server)
			change(&config)
			store := open(t, config)
			_, getErr := store.Get(t.Context(), objectstore.Ref{Bucket: b.bucket, Key: "a.pdf"})
			for _, err := range []error{getErr, store.CheckBucket(t.Context(), b.bucket)} {
				assertError(t, err, isPermission, "check the credentials")
				if strings.Contains(err.Error(), "guessed-secret") {
					t.Errorf("secret in error: %v", err)
				}
			}
		})
	}
}

func TestStore_Unreachable(t *testing.T) {
	t.Parallel()
	// A listener of our own, since nobody can be kept from a port left free.
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go hangUp(listener)
	address := listener.Addr().String()
	store := open(t, objectstore.Config{
		Endpoint: "http://" + address, ForcePathStyle: true, AccessKey: "key", SecretKey: "made-up-secret",
	})
	err = store.CheckBucket(t.Context(), "statements")
	assertError(t, err, isTransient, "S3 at "+address+" cannot be reached")
	if !strings.Contains(err.Error(), "AWS_ENDPOINT_URL_S3") {
		t.Errorf("no remedy in %v", err)
	}
	_, err = store.Get(t.Context(), objectstore.Ref{Bucket: "statements", Key: "ZZZPA0001Z.pdf"})
	assertError(t, err, isTransient, `bucket "statements", key "ZZ*******Z.pdf"`)
}

// hangUp closes every connection at once.
func hangUp(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		_ = connection.Close()
	}
}

func TestStore_Cancelled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Get(ctx, objectstore.Ref{Bucket: b.bucket, Key: "a.pdf"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
