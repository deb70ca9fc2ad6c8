package jobs

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"casflow/internal/redact"
)

// info is what Redis writes for INFO: lines that end in CRLF, and headings.
func info(lines ...string) string { return strings.Join(append(lines, ""), "\r\n") }

func TestRedisFacts_Info(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		info string
		want RedisFacts
	}{
		"Redis7": {
			info("# Server", "redis_version:7.0.15", "redis_mode:standalone", "executable:/usr/bin/redis-server", "", "# Memory", "used_memory:1048576",
				"maxmemory:4194304", "maxmemory_policy:allkeys-lru", "# Persistence", "rdb_last_bgsave_status:ok", "aof_enabled:1", "aof_last_write_status:ok",
				"# Stats", "evicted_keys:3", "# Replication", "role:master", "connected_slaves:3", "slave0:ip=10.0.0.2,port=6379,state=online,offset=14,lag=1",
				"slave1:ip=10.0.0.3,port=6379,state=wait_bgsave,offset=0,lag=0", "slave2:ip=10.0.0.4,port=6379,state=online,offset=14,lag=0"),
			RedisFacts{
				Version: "7.0.15", Mode: "standalone", Role: "master", Policy: "allkeys-lru", UsedMemory: 1 << 20, MaxMemory: 4 << 20,
				Evicted: 3, Persistence: PersistenceAOF, Replicas: 2,
			},
		},
		"Redis28": { // knows no maxmemory in INFO yet
			info("# Server", "redis_version:2.8.19", "redis_mode:standalone", "# Memory", "used_memory:5000", "# Persistence", "aof_enabled:0", "# Replication", "role:master", "connected_slaves:0"),
			RedisFacts{Version: "2.8.19", Mode: "standalone", Role: "master", UsedMemory: 5000, MaxMemory: -1},
		},
		"ClusterReplica": {
			info("redis_version:6.2.6", "redis_mode:cluster", "role:slave", "used_memory:1", "maxmemory:0", "maxmemory_policy:noeviction", "aof_enabled:0", "cluster_enabled:1"),
			RedisFacts{Version: "6.2.6", Mode: "cluster", Role: "slave", Policy: "noeviction", UsedMemory: 1, Replicas: -1},
		},
		"Sentinel": {
			info("redis_version:7.2.4", "redis_mode:sentinel", "# Sentinel", "sentinel_masters:1", "master0:name=main,status=ok,address=10.0.0.1:6379,slaves=1,sentinels=3"),
			RedisFacts{Version: "7.2.4", Mode: "sentinel", UsedMemory: -1, MaxMemory: -1, Replicas: -1},
		},
		"Valkey": {
			info("redis_version:7.2.4", "server_name:valkey", "valkey_version:8.1.0", "server_mode:standalone"),
			RedisFacts{Version: "7.2.4", UsedMemory: -1, MaxMemory: -1, Replicas: -1},
		},
		"DiskFull": {
			info("rdb_last_bgsave_status:err", "aof_enabled:0"),
			RedisFacts{UsedMemory: -1, MaxMemory: -1, Replicas: -1, SaveFailed: true},
		},
		"LogBroken": {
			info("aof_enabled:1", "aof_last_write_status:err"),
			RedisFacts{UsedMemory: -1, MaxMemory: -1, Replicas: -1, SaveFailed: true, Persistence: PersistenceAOF},
		},
		"PlainNewlines": {"redis_version:7.0.15\nused_memory:7\n", RedisFacts{Version: "7.0.15", UsedMemory: 7, MaxMemory: -1, Replicas: -1}},
		"Nonsense":      {"#\n:\nused_memory:lots\nmaxmemory:-5\nredis_version", RedisFacts{UsedMemory: -1, MaxMemory: -1, Replicas: -1}},
		"Nothing":       {"", RedisFacts{UsedMemory: -1, MaxMemory: -1, Replicas: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, factsOf(test.info)); diff != "" {
				t.Errorf("factsOf() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRedisFacts_TooOld(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]struct{ old, known bool }{
		"2.8.19": {true, true}, "5.0.14": {true, true}, "6.0.16": {true, true}, "6.1.240": {true, true},
		"6.2": {false, true}, "6.2.0": {false, true}, "6.10.1": {false, true}, "7.0.15": {false, true}, "7.4-rc1.2": {false, false},
		"10.0.0": {false, true}, "255.255.255": {false, true},
		"": {false, false}, "7": {false, false}, "unknown": {false, false}, "v7.0": {false, false},
	} {
		if old, known := (RedisFacts{Version: version}).TooOld(); old != want.old || known != want.known {
			t.Errorf("version %q: too old %t, known %t, want %t, %t", version, old, known, want.old, want.known)
		}
	}
}

func TestRedisFacts_MemoryPercent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		used, limit, want int64
		known             bool
	}{
		"Empty": {0, 100, 0, true}, "Most": {71 << 20, 100 << 20, 71, true}, "Over": {3000, 2000, 150, true},
		"Tiny": {5, 10, 5, true}, "NoLimit": {5, 0, 0, false}, "UnknownLimit": {5, -1, 0, false}, "UnknownUse": {-1, 5, 0, false},
	} {
		if got, known := (RedisFacts{UsedMemory: test.used, MaxMemory: test.limit}).MemoryPercent(); got != test.want || known != test.known {
			t.Errorf("%s: %d %%, known %t, want %d, %t", name, got, known, test.want, test.known)
		}
	}
}

func TestRedisFacts_Writable(t *testing.T) {
	t.Parallel()
	full := RedisFacts{UsedMemory: 100, MaxMemory: 100, Policy: PolicyNoEviction}
	with := func(facts RedisFacts, change func(*RedisFacts)) RedisFacts {
		change(&facts)
		return facts
	}
	for name, test := range map[string]struct {
		facts RedisFacts
		want  bool
	}{
		"Unknown":      {RedisFacts{UsedMemory: -1, MaxMemory: -1}, true},
		"Refuses":      {RedisFacts{Refusal: "OOM command not allowed"}, false},
		"FullButTakes": {full, true}, // some memory is not counted
		"FullNode":     {with(full, func(f *RedisFacts) { f.Mode = "cluster" }), false},
		"NodeWithRoom": {with(full, func(f *RedisFacts) { f.Mode, f.UsedMemory = "cluster", 99 }), true},
		"NodeEvicts":   {with(full, func(f *RedisFacts) { f.Mode, f.Policy = "cluster", "allkeys-lru" }), true},
		"FullNotTried": {with(full, func(f *RedisFacts) { f.Withheld = []string{"SET"} }), false},
	} {
		if got := test.facts.Writable(); got != test.want {
			t.Errorf("%s: writable %t, want %t", name, got, test.want)
		}
	}
}

// factsOfOne reads the facts of a Redis that is one server.
func factsOfOne(t *testing.T, client redis.UniversalClient) RedisFacts {
	t.Helper()
	all, err := ReadRedisFacts(t.Context(), client)
	if err != nil || len(all) != 1 {
		t.Fatalf("ReadRedisFacts() = %+v, %v, want those of one server", all, err)
	}
	return all[0]
}

func TestReadRedisFacts(t *testing.T) {
	t.Parallel()
	_, client := startRedis(t)
	set := func(name, value string) {
		t.Helper()
		if err := client.ConfigSet(t.Context(), name, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	got := factsOfOne(t, client)
	if old, known := got.TooOld(); old || !known || got.Mode != "standalone" || got.Role != "master" || got.Addr != "" || got.FailsOver || len(got.Withheld) > 0 {
		t.Errorf("facts %+v, want those of one server of a known version that tells all", got)
	}
	if got.Policy != PolicyNoEviction || got.UsedMemory < 1 || got.MaxMemory != 0 || got.Persistence != PersistenceOff || got.SaveFailed {
		t.Errorf("facts %+v, want noeviction, no limit, nothing kept", got)
	}
	set("maxmemory-policy", "allkeys-lru")
	set("maxmemory", "100mb")
	set("save", "3600 1 300 100")
	// A Redis that takes snapshots takes one when it is stopped, but cannot write
	// into its directory here, and then would not stop.
	t.Cleanup(func() { client.ConfigSet(context.WithoutCancel(t.Context()), "save", "") })
	if got = factsOfOne(t, client); got.Policy != "allkeys-lru" || got.MaxMemory != 100<<20 || got.Persistence != PersistenceRDB {
		t.Errorf("facts %+v, want allkeys-lru, 100 MB, snapshots", got)
	}
	if !got.Writable() || got.Full() {
		t.Errorf("facts %+v, want writes taken", got)
	}
	for name, value := range map[string]string{"maxmemory": "1", "min-replicas-to-write": "1"} {
		set(name, value)
		want := map[string]string{"maxmemory": "OOM ", "min-replicas-to-write": "NOREPLICAS "}[name]
		if got := factsOfOne(t, client); !strings.HasPrefix(got.Refusal, want) || got.Writable() || len(got.Withheld) > 0 {
			t.Errorf("%s %s: facts %+v, want a refusal that begins with %s", name, value, got, want)
		}
		set(name, "0")
	}
	if n := client.Exists(t.Context(), "casflow:probe").Val(); n != 0 {
		t.Error("asking has written something")
	}
	hourAgo := func() time.Time { return time.Now().Add(-time.Hour) }
	if got, err := readFacts(t.Context(), client, hourAgo); err != nil || got.Skew.Round(time.Hour) != time.Hour {
		t.Errorf("skew %s, %v, want an hour ahead", got.Skew, err)
	}
}

// startStandIn starts the Redis of the demo, which hook can have answer otherwise.
func startStandIn(t *testing.T, hook server.Hook) *miniredis.Miniredis {
	t.Helper()
	standIn := miniredis.RunT(t)
	standIn.Server().SetPreHook(hook)
	return standIn
}

func open(t *testing.T, address string) redis.UniversalClient {
	t.Helper()
	client, err := OpenRedis(t.Context(), redact.Secret(address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestReadRedisFacts_Withheld(t *testing.T) {
	t.Parallel()
	refuse := func(commands ...string) server.Hook {
		return func(c *server.Peer, command string, _ ...string) bool {
			refused := slices.Contains(commands, strings.ToUpper(command))
			if refused {
				c.WriteError("NOPERM this user has no permissions to run the '" + command + "' command")
			}
			return refused
		}
	}
	for name, test := range map[string]struct {
		hook server.Hook
		want []string
	}{
		"StandIn": {nil, []string{"CONFIG"}}, // has INFO, but little in it
		"All":     {refuse("INFO", "CONFIG", "TIME", "SET"), []string{"INFO", "CONFIG", "TIME", "SET"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := factsOfOne(t, open(t, "redis://"+startStandIn(t, test.hook).Addr()))
			got.Skew = 0
			if diff := cmp.Diff(RedisFacts{UsedMemory: -1, MaxMemory: -1, Replicas: -1, Withheld: test.want}, got); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadRedisFacts_Cluster(t *testing.T) {
	t.Parallel()
	standIn := startStandIn(t, func(c *server.Peer, command string, _ ...string) bool {
		if !strings.EqualFold(command, "INFO") {
			return false
		}
		c.WriteBulk(info("redis_version:7.2.4", "redis_mode:cluster", "role:master", "maxmemory_policy:volatile-lru"))
		return true
	})
	got := factsOfOne(t, open(t, "redis-cluster://"+standIn.Addr()))
	if got.Addr != standIn.Addr() || got.Version != "7.2.4" || got.Policy != "volatile-lru" {
		t.Errorf("facts %+v, want those of the node at %s", got, standIn.Addr())
	}
}

func TestReadRedisFacts_Down(t *testing.T) {
	t.Parallel()
	if got, err := ReadRedisFacts(t.Context(), deadRedis(t)); err == nil {
		t.Errorf("ReadRedisFacts() = %+v, want an error", got)
	}
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{net.JoinHostPort("127.0.0.1", "1")}, MaxRedirects: -1})
	t.Cleanup(func() { _ = cluster.Close() })
	if got, err := ReadRedisFacts(t.Context(), cluster); err == nil {
		t.Errorf("ReadRedisFacts(cluster) = %+v, want an error", got)
	}
	if err := PingRedis(t.Context(), cluster); err == nil {
		t.Error("PingRedis(cluster) = nil, want an error")
	}
}
