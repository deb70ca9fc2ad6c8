package devstack

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// silence is how long a server of the tests may be silent: more than a busy machine
// keeps it waiting.
const silence = 2 * time.Second

// testFleet is a Sentinel set-up or a Cluster, as the tests see it.
type testFleet struct {
	*redisNodes
	processes []*redisProcess // the sentinels among them
	url       string
	master    func(context.Context) (*redisNode, error) // that has the key
	kill      func(context.Context) error               // that master
	await     func(context.Context) error
	repair    func(context.Context) error
}

const fleetKey = "{tag}:key"

func startFleets() map[string]func(context.Context) (testFleet, error) {
	return map[string]func(context.Context) (testFleet, error){
		"Sentinel": func(ctx context.Context) (testFleet, error) {
			s, err := StartRedisSentinel(ctx, silence)
			if err != nil {
				return testFleet{}, err
			}
			processes := processesOf(s.nodes)
			for _, guard := range s.guards {
				processes = append(processes, guard.redisProcess)
			}
			return testFleet{s.redisNodes, processes, s.URL, s.livingMaster, s.KillMaster, s.AwaitMaster, s.Repair}, nil
		},
		"Cluster": func(ctx context.Context) (testFleet, error) {
			c, err := StartRedisCluster(ctx, silence)
			if err != nil {
				return testFleet{}, err
			}
			master := func(ctx context.Context) (*redisNode, error) { return c.masterOf(ctx, fleetKey) }
			kill := func(ctx context.Context) error { return c.KillMasterOf(ctx, fleetKey) }
			return testFleet{c.redisNodes, processesOf(c.nodes), c.URL, master, kill, c.AwaitMasters, c.Repair}, nil
		},
	}
}

func processesOf(nodes []*redisNode) []*redisProcess {
	var processes []*redisProcess
	for _, node := range nodes {
		processes = append(processes, node.redisProcess)
	}
	return processes
}

// startAllFleets starts one of each kind.
func startAllFleets(ctx context.Context) ([]testFleet, error) {
	var (
		mu     sync.Mutex
		fleets []testFleet
		starts errgroup.Group
	)
	for _, start := range startFleets() {
		starts.Go(func() error {
			f, err := start(ctx)
			mu.Lock()
			defer mu.Unlock()
			fleets = append(fleets, f)
			return err
		})
	}
	err := starts.Wait()
	return fleets, err
}

// TestFleet: the master dies, twice, and another server takes its place; what no
// replica had is lost.
func TestFleet(t *testing.T) {
	t.Parallel()
	for name, start := range startFleets() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				for range 2 { // stopping twice is no error
					if err := f.Stop(); err != nil {
						t.Error(err)
					}
				}
				for _, process := range f.processes {
					assertGone(t, pidOf(process.server))
				}
				assertMissing(t, f.dir.path)
				if err := f.repair(context.WithoutCancel(t.Context())); err == nil {
					t.Error("a stopped fleet was repaired")
				}
			})
			f.assertProtected(t)
			f.failOver(t, "kept", true)
			must(t, f.repair)
			must(t, f.CutReplication)
			f.failOver(t, "lost", false)
			must(t, f.repair)
			f.failOver(t, "kept again", true)
		})
	}
}

// failOver writes to the master, kills it, and looks whether what was written is with
// the next one.
func (f testFleet) failOver(t *testing.T, value string, kept bool) {
	t.Helper()
	first, err := f.master(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.client.Set(t.Context(), fleetKey, value, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if kept { // or the kill may be faster than its way to a replica
		if n, err := first.client.Wait(t.Context(), 1, time.Minute).Result(); err != nil || n < 1 {
			t.Fatalf("%d replicas have it, %v", n, err)
		}
	}
	must(t, f.kill)
	must(t, f.await)
	next, err := f.master(t.Context())
	if err != nil || next == first {
		t.Fatalf("master after the failover: the same: %t, %v", next == first, err)
	}
	got, err := next.client.Get(t.Context(), fleetKey).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		t.Fatal(err)
	}
	if (got == value) != kept {
		t.Errorf("the next master has %q of %q, want it kept: %t", got, value, kept)
	}
	if err := next.client.Set(t.Context(), fleetKey, "anew", 0).Err(); err != nil {
		t.Errorf("the next master takes no writes: %v", err)
	}
}

// assertProtected fails unless all servers want a password.
func (f testFleet) assertProtected(t *testing.T) {
	t.Helper()
	_, hosts, _ := strings.Cut(f.url, "@")
	hosts, _, _ = strings.Cut(hosts, "/")
	for host := range strings.SplitSeq(hosts, ",") {
		if err := pingRedis(t.Context(), "redis://"+host); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
			t.Errorf("%s without the password: got %v", host, err)
		}
	}
}

func must(t *testing.T, do func(context.Context) error) {
	t.Helper()
	if err := do(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestFleet_Cancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, start := range startFleets() {
		if _, err := start(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
