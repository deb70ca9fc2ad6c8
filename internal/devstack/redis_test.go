package devstack

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

func startRedis(t *testing.T, start func(context.Context) (*Redis, error)) *Redis {
	t.Helper()
	server, err := start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func connect(t *testing.T, server *Redis) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// assertRefused fails if somebody listens at the address of url.
func assertRefused(t *testing.T, url string) {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", options.Addr)
	if err == nil {
		_ = connection.Close()
		t.Error("the server takes connections after its end")
	}
}

func TestStartRedis_Settings(t *testing.T) {
	t.Parallel()
	client := connect(t, startRedis(t, StartRedis))
	got := map[string]string{}
	for _, name := range []string{"maxmemory-policy", "appendonly", "save", "bind"} {
		setting, err := client.ConfigGet(t.Context(), name).Result()
		if err != nil {
			t.Fatal(err)
		}
		got[name] = setting[name]
	}
	want := map[string]string{"maxmemory-policy": "noeviction", "appendonly": "no", "save": "", "bind": "127.0.0.1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

// TestStartRedis_CLI: redis-cli, of whatever version, takes the URL as it is.
func TestStartRedis_CLI(t *testing.T) {
	t.Parallel()
	cli, err := exec.LookPath("redis-cli")
	if err != nil {
		t.Fatalf("%v: it comes with redis-server, or with redis-tools (apt install redis-tools)", err)
	}
	server := startRedis(t, StartRedis)
	out, err := exec.CommandContext(t.Context(), cli, "-u", server.URL, "PING").Output()
	if err != nil || string(out) != "PONG\n" {
		t.Errorf("redis-cli says %q, %v, want PONG", out, err)
	}
}

func TestStartRedis_NeedsPassword(t *testing.T) {
	t.Parallel()
	server := startRedis(t, StartRedis)
	_, address, _ := strings.Cut(server.URL, "@")
	if err := pingRedis(t.Context(), "redis://"+address); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("without the password: got %v", err)
	}
}

func TestStartRedis_TwoAtOnce(t *testing.T) {
	t.Parallel()
	var servers [2]*Redis
	var starts errgroup.Group
	for i := range servers {
		starts.Go(func() (err error) {
			servers[i], err = StartRedis(t.Context())
			return err
		})
	}
	if err := starts.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, server := range servers {
		if set, err := connect(t, server).SetNX(t.Context(), "only", "once", 0).Result(); err != nil || !set {
			t.Errorf("got %v, %v: the servers share their data", set, err)
		}
	}
	for _, server := range servers {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
		child, err := childOf(server)
		if err != nil {
			t.Fatal(err)
		}
		assertGone(t, pidOf(child.server))
		assertMissing(t, child.dir.path)
	}
}

func TestStartRedis_TakenPort(t *testing.T) {
	t.Parallel()
	server := startRedis(t, StartRedis)
	child, err := childOf(server)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	release := occupy(t, child.port)
	if err := server.Restart(t.Context()); !errors.Is(err, errAddressInUse) {
		t.Errorf("restart on a taken port: got %v", err)
	}
	release()
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := pingRedis(t.Context(), server.URL); err != nil {
		t.Error(err)
	}
}

func TestStartRedis_Cancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, start := range map[string]func(context.Context) (*Redis, error){"Redis": StartRedis, "Miniredis": StartMiniredis} {
		if _, err := start(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestRedis holds what both kinds of server promise.
func TestRedis(t *testing.T) {
	t.Parallel()
	kinds := map[string]func(context.Context) (*Redis, error){"Server": StartRedis, "Miniredis": StartMiniredis}
	for name, start := range kinds {
		t.Run(name+"/KillAndRestart", func(t *testing.T) {
			t.Parallel()
			server := startRedis(t, start)
			url := server.URL
			if err := connect(t, server).Set(t.Context(), "key", "value", 0).Err(); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second kill finds it dead
				if err := server.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			assertRefused(t, url)
			for range 2 { // from dead, then from running
				if err := server.Restart(t.Context()); err != nil {
					t.Fatal(err)
				}
				if n, err := connect(t, server).DBSize(t.Context()).Result(); err != nil || n != 0 {
					t.Errorf("after restart: got %d keys, %v", n, err)
				}
			}
			for range 2 {
				if err := server.Stop(); err != nil {
					t.Error(err)
				}
			}
			if err := server.Restart(t.Context()); err == nil || server.URL != url {
				t.Errorf("after stop: restart gives %v", err)
			}
		})
		t.Run(name+"/KeysExpire", func(t *testing.T) {
			t.Parallel()
			client := connect(t, startRedis(t, start))
			if err := client.Set(t.Context(), "short", "lived", 50*time.Millisecond).Err(); err != nil {
				t.Fatal(err)
			}
			await(t, "the key expires", func() bool {
				n, err := client.Exists(t.Context(), "short").Result()
				return err == nil && n == 0
			})
		})
	}
}
