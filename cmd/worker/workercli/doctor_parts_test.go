package workercli_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/devstack"
	"casflow/internal/storage/storagetest"
)

func TestDoctor_API(t *testing.T) {
	t.Parallel()
	answering := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
	}
	args := healthy(t)
	for name, test := range map[string]struct {
		api  http.Handler
		code int
		want map[string]string
	}{
		"NoCredits": {
			sandbox.New(sandbox.Config{Key: apiKey}), 1,
			map[string]string{"api": "ok ", "credits": "fail 0 of 0 left; they are given anew on ", "features": "ok "},
		},
		"Unlimited": {sandbox.New(sandbox.Config{Key: apiKey, Credits: -1}), 0, map[string]string{"credits": "ok unlimited"}},
		"WrongKey": {
			sandbox.New(sandbox.Config{Key: "sk_another", Credits: 1}), 1,
			map[string]string{"api": "fail the key of CASPARSER_API_KEY is not taken: /v1/credits: unauthorized: status 401", "credits": ""},
		},
		"Forbidden": {
			answering(http.StatusForbidden, `{"status":"failed","msg":"not for your plan"}`), 1,
			map[string]string{"api": "fail the key of CASPARSER_API_KEY may not ask for its credits: "},
		},
		"QuotaUsedUp": {
			answering(http.StatusPaymentRequired, `{"status":"failed","msg":"no credits"}`), 1,
			map[string]string{"api": "fail /v1/credits: insufficient credits"},
		},
		"Throttled": {
			answering(http.StatusTooManyRequests, `{"status":"failed","msg":"slow down"}`), 0,
			map[string]string{"api": "warn /v1/credits: rate limited"},
		},
		"Another": {answering(http.StatusOK, "<html>"), 1, map[string]string{"api": "fail http://"}},
		"NoSmartParser": {
			answering(http.StatusOK, `{"used":1,"remaining":2.5,"enabled_features":["cdsl_cas_parser","inbox_pull"]}`), 0,
			map[string]string{"credits": "ok 2.5 left", "features": "warn the smart parser is not among cdsl_cas_parser, inbox_pull; ask"},
		},
		"LittleTold": {
			answering(http.StatusOK, `{"used":1,"limit":100}`), 0,
			map[string]string{"credits": "warn the API does not tell how many are left", "features": ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := httptest.NewServer(test.api)
			t.Cleanup(api.Close)
			wantFindings(t, examine(t, test.code, append(args, "--api-base-url", api.URL)...), test.want)
		})
	}
}

func TestDoctor_Ledger(t *testing.T) {
	t.Parallel()
	args := healthy(t)
	wantFindings(t, examine(t, 1, append(args, "--database-url", storagetest.Empty(t))...), map[string]string{
		"postgres": "ok ", "postgres-schema": "fail at version 0, this program needs ",
	})
	address := storagetest.URL(t)
	storagetest.Rows(t, address, "INSERT INTO cas.schema_migrations (version_id, is_applied) VALUES (9999, true)")
	wantFindings(t, examine(t, 0, append(args, "--database-url", address, "--database-connections", "5000")...), map[string]string{
		"postgres-schema":      "warn at version 9999, newer than the ",
		"postgres-connections": "warn ",
	})
	wantFindings(t, examine(t, 1, append(args, "--database-url", address+"&default_transaction_read_only=on")...), map[string]string{
		"postgres": "fail version ",
	})
}

// evicting starts a Redis that throws tasks away when it is full.
func evicting(t *testing.T) string {
	t.Helper()
	return redisWith(t, "maxmemory-policy", "allkeys-lru")
}

// full starts a Redis that has no room for anything.
func full(t *testing.T) string {
	t.Helper()
	return redisWith(t, "maxmemory", "1")
}

// redisWith starts a Redis with a setting.
func redisWith(t *testing.T, setting, value string) string {
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
	options, err := redis.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	if err := client.ConfigSet(t.Context(), setting, value).Err(); err != nil {
		t.Fatal(err)
	}
	return server.URL
}

func TestDoctor_Redis(t *testing.T) {
	t.Parallel()
	args := healthy(t)
	wantFindings(t, examine(t, 1, append(args, "--redis-url", evicting(t))...), map[string]string{
		"redis":        "ok version ",
		"redis-policy": "fail maxmemory-policy is allkeys-lru: Redis throws tasks away when its memory is full; set it to noeviction",
	})
	got := examine(t, 1, append(args, "--redis-url", full(t))...)
	wantFindings(t, got, map[string]string{
		"redis": "ok version ", "redis-policy": "ok ", "redis-writes": "fail a write is refused: OOM ",
	})
	for _, check := range []string{"redis-writes", "redis-memory"} {
		if !strings.HasPrefix(got[check], "fail ") || !strings.Contains(got[check], "; raise maxmemory (") {
			t.Errorf("%s: %q, want it to fail and to say what to do", check, got[check])
		}
	}
	standIn, err := devstack.StartMiniredis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = standIn.Stop() })
	wantFindings(t, examine(t, 0, append(args, "--redis-url", standIn.URL)...), map[string]string{
		"redis":             "warn it answers, but its version cannot be read; make sure that it is 6.2 or newer",
		"redis-policy":      "warn maxmemory-policy cannot be read (CONFIG is refused); make sure that it is noeviction",
		"redis-memory":      "warn use and maxmemory cannot be read; make sure",
		"redis-persistence": "warn whether it keeps anything cannot be read (CONFIG is refused)",
		"redis-clock":       "ok ",
		"redis-writes":      "ok it takes writes",
	})
	wantFindings(t, examine(t, 0, append(args, "--redis-url", strings.Replace(standIn.URL, "redis://", "redis-cluster://", 1))...), map[string]string{
		"redis": "warn node 127.0.0.1:", "redis-policy": "warn node 127.0.0.1:",
	})
}

// TestDoctor_RedisFleet: with Sentinel the master is looked at, of a Cluster each
// master, and whether a replica would take its place.
func TestDoctor_RedisFleet(t *testing.T) {
	t.Parallel()
	const silence = 2 * time.Second
	sentinel, err := devstack.StartRedisSentinel(t.Context(), silence)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sentinel.Stop() })
	cluster, err := devstack.StartRedisCluster(t.Context(), silence)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Stop() })
	args := healthy(t)
	wantNodes(t, 1, examine(t, 0, append(args, "--redis-url", sentinel.URL)...), map[string]string{
		"redis": "version ", "redis-policy": "maxmemory-policy is noeviction", "redis-replicas": "2 would take its place",
	})
	wantNodes(t, 3, examine(t, 0, append(args, "--redis-url", cluster.URL)...), map[string]string{
		"redis": "version ", "redis-policy": "maxmemory-policy is noeviction", "redis-replicas": "1 would take its place",
	})
	// One node, taken for all of it.
	first, _, _ := strings.Cut(strings.Replace(cluster.URL, "redis-cluster://", "redis://", 1), ",")
	wantFindings(t, examine(t, 1, append(args, "--redis-url", first)...), map[string]string{
		"redis": "fail one node of a cluster answers", "redis-replicas": "",
	})
}

// wantNodes checks that as many servers are told apart, and what is said of each.
func wantNodes(t *testing.T, n int, got, want map[string]string) {
	t.Helper()
	for check, text := range want {
		lines := strings.Split(got[check], "\n")
		if len(lines) != n {
			t.Errorf("%s: %q, want %d servers", check, lines, n)
		}
		for _, line := range lines {
			if !strings.HasPrefix(line, "ok node 127.0.0.1:") || !strings.Contains(line, ": "+text) {
				t.Errorf("%s: %q, want that of the node %q is said", check, line, text)
			}
		}
	}
}
