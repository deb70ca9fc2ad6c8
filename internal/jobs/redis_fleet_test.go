package jobs

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"casflow/internal/devstack"
	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// fleet is a Redis of several servers that survives the death of one.
type fleet struct {
	url            string
	masters        int
	cutReplication func(context.Context) error
	killMaster     func(context.Context) error // of the bulk queue
	awaitMasters   func(context.Context) error
	repair         func(context.Context) error
}

// downAfter is how long a server may be silent until another one takes its place. It
// is more than a busy machine keeps it waiting.
const downAfter = 2 * time.Second

// startFleets are the ways to start one.
func startFleets() map[string]func(t *testing.T) fleet {
	return map[string]func(t *testing.T) fleet{
		"Sentinel": func(t *testing.T) fleet {
			t.Helper()
			s, err := devstack.StartRedisSentinel(t.Context(), downAfter)
			if err != nil {
				t.Fatal(err)
			}
			stopLater(t, s.Stop)
			return fleet{url: s.URL, masters: 1, cutReplication: s.CutReplication, killMaster: s.KillMaster, awaitMasters: s.AwaitMaster, repair: s.Repair}
		},
		"Cluster": func(t *testing.T) fleet {
			t.Helper()
			c, err := devstack.StartRedisCluster(t.Context(), downAfter)
			if err != nil {
				t.Fatal(err)
			}
			stopLater(t, c.Stop)
			kill := func(ctx context.Context) error { return c.KillMasterOf(ctx, "asynq:{bulk}:pending") }
			return fleet{url: c.URL, masters: 3, cutReplication: c.CutReplication, killMaster: kill, awaitMasters: c.AwaitMasters, repair: c.Repair}
		},
	}
}

func stopLater(t *testing.T, stop func() error) {
	t.Helper()
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestFleet shows that all that casflow keeps in Redis works with Sentinel and on a
// Cluster, before a failover and after it, and that a failover which loses what Redis
// had acknowledged loses no document.
func TestFleet(t *testing.T) {
	t.Parallel()
	for name, start := range startFleets() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t)
			client := open(t, f.url)
			exerciseRedis(t, client)
			loseMaster(t, f, client)
			exerciseRedis(t, client)
			if err := f.repair(t.Context()); err != nil {
				t.Fatal(err)
			}
			exerciseFacts(t, f, client)
			exerciseServers(t, f, client)
			exerciseAddress(t, f.url)
		})
	}
}

// exerciseRedis uses all that is kept in Redis.
func exerciseRedis(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	for _, exercise := range []func(*testing.T, redis.UniversalClient){
		exerciseLimiter, exerciseParked, exercisePoison, exerciseCollector, exerciseGhost, exerciseForget, exercisePause, exerciseErase,
	} {
		flush(t, client)
		exercise(t, client)
	}
}

// exercisePause pauses asynq's queues as the account is, and ends that.
func exercisePause(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	enqueuer := NewEnqueuer(storagetest.New(t), client, 0)
	for _, queue := range []string{storage.QueueInteractive, storage.QueueBulk} {
		submit(t, enqueuer, newDocument(queue+".pdf", queue))
		for _, paused := range []bool{true, false} {
			if err := enqueuer.showPause(t.Context(), queue, paused); err != nil {
				t.Fatal(err)
			}
			if info, err := enqueuer.inspector.GetQueueInfo(queue); err != nil || info.Paused != paused {
				t.Errorf("queue %s: %+v, %v, want paused %t", queue, info, err, paused)
			}
		}
	}
}

// loseMaster has the master of the bulk queue die with a task that no replica has,
// and a document get its task back.
func loseMaster(t *testing.T, f fleet, client redis.UniversalClient) {
	t.Helper()
	flush(t, client)
	limiter := NewLimiter(client, "key", fast, time.Minute)
	prepared := prepare(t, f.url) // which tries nothing twice
	if err := prepared.LLen(t.Context(), "asynq:{bulk}:pending").Err(); err != nil {
		t.Errorf("a client that is prepared: %v", err)
	}
	if err := f.cutReplication(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := setupReviveOn(t, client)
	wantTasks(t, client, storage.QueueBulk, idsOf(b.delivery)...) // acknowledged
	if err := f.killMaster(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.awaitMasters(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitServed(t, client)
	awaitServed(t, prepared)
	wantTasks(t, client, storage.QueueBulk)
	b.wantRevived(t, 1)
	if err := limiter.Wait(t.Context(), storage.QueueBulk); err != nil {
		t.Errorf("Wait() after the failover = %v", err)
	}
}

// prepare opens a Redis as enqueuer serve does.
func prepare(t *testing.T, address string) redis.UniversalClient {
	t.Helper()
	client, err := PrepareRedis(redact.Secret(address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// awaitServed returns when the client has found the new master. It asks for the new
// one's state itself, as any command does that fails.
func awaitServed(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	began := time.Now()
	for {
		err := client.LLen(t.Context(), "asynq:{bulk}:pending").Err()
		if err == nil {
			return
		}
		if took := time.Since(began); took > 20*time.Second || t.Context().Err() != nil {
			t.Fatalf("%s after the failover: %v", took, err)
		}
	}
}

// exerciseFacts reads what the servers tell of themselves.
func exerciseFacts(t *testing.T, f fleet, client redis.UniversalClient) {
	t.Helper()
	all, err := ReadRedisFacts(t.Context(), client)
	if err != nil || len(all) != f.masters {
		t.Fatalf("ReadRedisFacts() = %+v, %v, want those of %d masters", all, err, f.masters)
	}
	for _, got := range all {
		if !strings.HasPrefix(got.Addr, "127.0.0.1:") || got.Role != "master" || got.Policy != PolicyNoEviction || len(got.Withheld) > 0 {
			t.Errorf("facts %+v, want those of a master with an address and noeviction", got)
		}
		if !got.FailsOver || got.Replicas < 1 || got.Unserved || got.Partial {
			t.Errorf("facts %+v, want a replica to take its place, and all slots served", got)
		}
	}
}

// exerciseServers reads how the servers stand: each by itself, so that a master which
// has begun to count anew is not taken for one that throws keys away.
func exerciseServers(t *testing.T, f fleet, client redis.UniversalClient) {
	t.Helper()
	count := map[string]int{}
	for name := range gauges(t, newCollector(storagetest.New(t), client)) {
		metric, server, _ := strings.Cut(name, " ")
		if strings.HasPrefix(server, "127.0.0.1:") {
			count[metric]++
		}
	}
	want := map[string]int{"cas_redis_memory_used_bytes": f.masters, "cas_redis_memory_max_bytes": f.masters, "cas_redis_evicted_keys_total": f.masters}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("series by server (-want +got):\n%s", diff)
	}
}

// exerciseAddress has addresses that are nearly right: what is wrong is told without
// the passwords.
func exerciseAddress(t *testing.T, address string) {
	t.Helper()
	const wrong = "hush-not-this-one"
	password := address[strings.Index(address, "//:")+3 : strings.Index(address, "@")]
	for old, test := range map[string]struct{ faulty, want string }{
		password:             {wrong, "WRONGPASS"},
		"master=casflow":     {"master=other", `no master of the name "other"`},
		"sentinel_password=": {"sentinel_password=" + wrong, "WRONGPASS"},
	} {
		if !strings.Contains(address, old) {
			continue // it is of the other form
		}
		client, err := OpenRedis(t.Context(), redact.Secret(strings.Replace(address, old, test.faulty, 1)))
		if err == nil {
			t.Errorf("OpenRedis(%s) = %v, want an error", test.faulty, client)
			continue
		}
		text := err.Error()
		if !strings.Contains(text, "REDIS_URL") || !strings.Contains(text, test.want) || strings.Contains(text, password) || strings.Contains(text, wrong) {
			t.Errorf("OpenRedis(%s) = %v, want it to say what to mend, without passwords", test.faulty, err)
		}
	}
}
