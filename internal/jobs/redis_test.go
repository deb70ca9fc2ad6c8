package jobs

import (
	"cmp"
	"net/url"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"casflow/internal/redact"
)

// seen is what of redis.UniversalOptions an address decides.
type seen struct {
	Addrs              []string
	DB                 int
	Username, Password string
	Master             string
	Cluster            bool
	TLSFor             string // the server name that TLS checks; "any" is that of each host, "" no TLS
	Guards             string // user and password of the sentinels
}

func see(o *redis.UniversalOptions) seen {
	s := seen{Addrs: o.Addrs, DB: o.DB, Username: o.Username, Password: o.Password, Master: o.MasterName, Cluster: o.IsClusterMode}
	if o.TLSConfig != nil {
		s.TLSFor = cmp.Or(o.TLSConfig.ServerName, "any")
	}
	if o.SentinelUsername != "" || o.SentinelPassword != "" {
		s.Guards = o.SentinelUsername + ":" + o.SentinelPassword
	}
	return s
}

func TestRedisOptions(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]seen{
		"redis://127.0.0.1:6379/0":             {Addrs: []string{"127.0.0.1:6379"}},
		"redis://cache.invalid":                {Addrs: []string{"cache.invalid:6379"}},
		"redis://cache.invalid:7000/3":         {Addrs: []string{"cache.invalid:7000"}, DB: 3},
		"redis://:hush@cache.invalid/1":        {Addrs: []string{"cache.invalid:6379"}, DB: 1, Password: "hush"},
		"redis://zed:hu%2Fsh@cache.invalid":    {Addrs: []string{"cache.invalid:6379"}, Username: "zed", Password: "hu/sh"},
		"rediss://zed:hush@cache.invalid:6380": {Addrs: []string{"cache.invalid:6380"}, Username: "zed", Password: "hush", TLSFor: "cache.invalid"},
		"redis://[::1]:7000/2":                 {Addrs: []string{"[::1]:7000"}, DB: 2},
		"unix:///run/redis.sock?db=2":          {Addrs: []string{"/run/redis.sock"}, DB: 2},
		"unix://zed:hush@/run/redis.sock":      {Addrs: []string{"/run/redis.sock"}, Username: "zed", Password: "hush"},

		"redis-sentinel://one,two/0?master=main":  {Addrs: []string{"one:26379", "two:26379"}, Master: "main"},
		"redis-sentinel://one?master=main":        {Addrs: []string{"one:26379"}, Master: "main"},
		"redis-sentinel://one/?master=main":       {Addrs: []string{"one:26379"}, Master: "main"},
		"redis-sentinel://one:1,two:2?master=m":   {Addrs: []string{"one:1", "two:2"}, Master: "m"},
		"redis-sentinel://z:hush@one/5?master=ma": {Addrs: []string{"one:26379"}, Master: "ma", DB: 5, Username: "z", Password: "hush"},
		"redis-sentinel://:hush@one?master=main":  {Addrs: []string{"one:26379"}, Master: "main", Password: "hush"},

		"redis-sentinel://one:1,two/0?master=m":   {Addrs: []string{"one:1", "two:26379"}, Master: "m"},
		"redis-sentinel://[::1],[::2]:7?master=m": {Addrs: []string{"[::1]:26379", "[::2]:7"}, Master: "m"},

		"redis-sentinel://:hush@one?master=m&sentinel_username=guard&sentinel_password=hu%2Fsh": {
			Addrs: []string{"one:26379"}, Master: "m", Password: "hush", Guards: "guard:hu/sh",
		},
		"rediss-sentinel://one,two/2?master=m": {Addrs: []string{"one:26379", "two:26379"}, Master: "m", DB: 2, TLSFor: "any"},
		"rediss-cluster://:hush@one":           {Addrs: []string{"one:6379"}, Cluster: true, Password: "hush", TLSFor: "any"},

		"redis-cluster://one":                  {Addrs: []string{"one:6379"}, Cluster: true},
		"redis-cluster://one,two:7001":         {Addrs: []string{"one:6379", "two:7001"}, Cluster: true},
		"redis-cluster://zed:hush@one:1,two:2": {Addrs: []string{"one:1", "two:2"}, Cluster: true, Username: "zed", Password: "hush"},
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			options, err := redisOptions(address)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(want, see(options)); diff != "" {
				t.Errorf("redisOptions() (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRedisOptions_Kind shows which client the options lead to.
func TestRedisOptions_Kind(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"redis://one":                      "tcp",
		"unix:///run/redis.sock":           "unix",
		"redis-cluster://one":              "cluster", // one seed is enough
		"redis-sentinel://one?master=main": "FailoverClient",
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			options, err := redisOptions(address)
			if err != nil {
				t.Fatal(err)
			}
			client := redis.NewUniversalClient(options)
			t.Cleanup(func() { _ = client.Close() })
			got := "cluster"
			if single, ok := client.(*redis.Client); ok {
				if got = single.Options().Addr; got != want { // a failover client says so there
					got = single.Options().Network
				}
			}
			if got != want {
				t.Errorf("a client of kind %s, want %s", got, want)
			}
		})
	}
}

func TestRedisOptions_Faults(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"":                                         "not a URL",
		"127.0.0.1:6379":                           "not a URL",
		"http://zed:hush@one":                      "none of redis, rediss, unix, redis-sentinel, redis-cluster, rediss-sentinel",
		"redis+sentinel://:hush@one?master=main":   "none of redis",
		"://zed:hush@one":                          "scheme",
		"redis://zed:hush@one:port":                "expected redis://",
		"redis://zed:hu%zzsh@one":                  "expected redis://",
		"redis://zed:hush@one\x7f":                 "expected redis://",
		"redis://zed:hush@one/main":                "expected redis://",
		"redis://zed:hush@one/1/2":                 "expected redis://",
		"redis://zed:hush@one?dial_timeout=soon":   "expected redis://",
		"unix://zed:hush@":                         "expected redis://",
		"redis-sentinel://zed:hush@one":            "?master=NAME",
		"redis-sentinel://zed:hush@one?master=":    "?master=NAME",
		"redis-sentinel://zed:hush@one/x?master=m": "number of a database",
		"redis-sentinel://zed:hush@?master=main":   "no host",
		"redis-cluster://zed:hush@":                "no host",
		"redis-cluster://zed:hush@one,,two":        "no host",
		"redis-cluster://zed:hush@one,":            "no host",
		"redis-cluster://zed:hush@one/3":           "database 0",
		"redis-cluster://zed:hu%zzsh@one":          "percent-encoded",
		"redis-sentinel://one?master=%zz":          "parameters",
		"redis-sentinel://one?master=m&hush=1":     "sentinel_password only",
		"redis-cluster://one?hush":                 "no parameters",
		"rediss-sentinel://zed:hush@one":           "?master=NAME",
	} {
		t.Run(url.PathEscape(address), func(t *testing.T) {
			t.Parallel()
			options, err := redisOptions(address)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("redisOptions() = %+v, %v, want an error with %q", options, err, want)
			}
			for _, secret := range []string{"hush", "hu%zzsh", "hu/sh"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows the password: %v", err)
				}
			}
		})
	}
}

func TestOpenRedis(t *testing.T) {
	t.Parallel()
	address, err := url.Parse(redisURL)
	if err != nil {
		t.Fatal(err)
	}
	client, err := OpenRedis(t.Context(), redact.Secret(redisURL))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}

	const wrong = "hush-not-this-one"
	address.User = url.UserPassword("zed", wrong)
	client, err = OpenRedis(t.Context(), redact.Secret(address.String()))
	if err == nil {
		t.Fatalf("OpenRedis(wrong password) = %v, want an error", client)
	}
	if !strings.Contains(err.Error(), address.Host) || !strings.Contains(err.Error(), "REDIS_URL") {
		t.Errorf("OpenRedis() = %v, want it to say where and what to mend", err)
	}
	if strings.Contains(err.Error(), wrong) {
		t.Errorf("the error shows the password: %v", err)
	}
	if client, err = OpenRedis(t.Context(), "redis-cluster://:"+wrong+"@"); err == nil || strings.Contains(err.Error(), wrong) ||
		!strings.HasPrefix(err.Error(), "REDIS_URL: ") {
		t.Errorf("OpenRedis(no host) = %v, %v, want an error about REDIS_URL without the password", client, err)
	}
}
