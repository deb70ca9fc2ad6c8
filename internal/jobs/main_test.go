package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"casflow/internal/devstack"
	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// redisURL is the Redis that the tests of this binary share; newRedis gives each
// of them a database of its own there.
var redisURL string

// databases are the numbers of the databases that no test uses now.
var databases = make(chan int, 16)

// silence is go-redis' own log, which tests of a Redis that is down would fill.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

// testMain starts Redis around the Postgres of storagetest.
func testMain(m *testing.M) int {
	redis.SetLogger(silence{})
	server, err := devstack.StartRedis(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "tests need a Redis:", err)
		return 1
	}
	redisURL = server.URL
	for n := range cap(databases) {
		databases <- n
	}
	code := storagetest.Main(m)
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop Redis:", err)
		return max(code, 1)
	}
	return code
}

// newRedis gives the test an empty database of the shared Redis. asynq's keys
// have fixed names, so tests cannot share one. A test takes one at most, or two
// tests could wait for each other.
func newRedis(tb testing.TB) redis.UniversalClient {
	tb.Helper()
	options, err := redisOptions(redisURL)
	if err != nil {
		tb.Fatal(err)
	}
	options.DB = <-databases
	client := redis.NewUniversalClient(options)
	tb.Cleanup(func() {
		flush(tb, client)
		if err := client.Close(); err != nil {
			tb.Error(err)
		}
		databases <- options.DB
	})
	return client
}

// flush empties the database of one test, as FLUSHALL does for all of them.
func flush(tb testing.TB, client redis.UniversalClient) {
	tb.Helper()
	onMasters(tb, client, func(ctx context.Context, server redis.Cmdable) error { return server.FlushDB(ctx).Err() })
}

// keysOf are the keys of a Redis that match a pattern.
func keysOf(tb testing.TB, client redis.UniversalClient, pattern string) []string {
	tb.Helper()
	var (
		mu  sync.Mutex
		all []string
	)
	onMasters(tb, client, func(ctx context.Context, server redis.Cmdable) error {
		keys, err := server.Keys(ctx, pattern).Result()
		mu.Lock()
		defer mu.Unlock()
		all = append(all, keys...)
		return err
	})
	return all
}

// onMasters does something on each server that has keys.
func onMasters(tb testing.TB, client redis.UniversalClient, do func(context.Context, redis.Cmdable) error) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context())
	var err error
	if cluster, ok := client.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error { return do(ctx, master) })
	} else {
		err = do(ctx, client)
	}
	if err != nil {
		tb.Error(err)
	}
}

var errRedisDown = errors.New("redis is down")

// deadRedis is a client whose Redis cannot be reached.
func deadRedis(t *testing.T) redis.UniversalClient {
	t.Helper()
	client := redis.NewClient(&redis.Options{
		Dialer:     func(context.Context, string, string) (net.Conn, error) { return nil, errRedisDown },
		MaxRetries: -1, DialerRetries: 1, // it stays down: trying again only takes time
	})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// startRedis starts a Redis that the test may stop.
func startRedis(t *testing.T) (*devstack.Redis, redis.UniversalClient) {
	t.Helper()
	server, err := devstack.StartRedis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	client, err := OpenRedis(t.Context(), redact.Secret(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return server, client
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newDocument(key, queue string) storage.NewDocument {
	return storage.NewDocument{
		ID:     storage.DocumentID("statements", key, "etag-"+key, storage.KindSmart),
		Bucket: "statements", Key: key, ETag: "etag-" + key, SizeBytes: 1234, Kind: storage.KindSmart, Queue: queue,
	}
}

func lead(t *testing.T, db *storage.DB) *storage.Leader {
	t.Helper()
	leader, err := db.Lead(t.Context())
	if err != nil || leader == nil {
		t.Fatalf("Lead() = %v, %v, want a leader", leader, err)
	}
	t.Cleanup(leader.Resign)
	return leader
}
