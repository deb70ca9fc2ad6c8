package jobs

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"casflow/internal/redact"
)

// OpenRedis connects to a Redis of any kind that REDIS_URL can name:
// redis://, rediss://, unix://, redis-sentinel://host1,host2/0?master=NAME and
// redis-cluster://host1,host2. The connection is tried once; the error says what
// to mend and holds no credentials. Close the client.
func OpenRedis(ctx context.Context, address redact.Secret) (redis.UniversalClient, error) {
	options, err := redisOptions(address.Reveal())
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	silenceRedis()
	client := redis.NewUniversalClient(options)
	if err := client.Ping(ctx).Err(); err != nil {
		where := strings.Join(options.Addrs, ",")
		return nil, errors.Join(
			fmt.Errorf("redis at %s cannot be reached; check REDIS_URL and that the server runs: %w", where, err), client.Close())
	}
	return client, nil
}

// silenceRedis keeps the library from writing lines of its own to stderr, between
// the JSON ones of ours: what goes wrong comes back as an error anyway.
var silenceRedis = sync.OnceFunc(logging.Disable) //nolint:gochecknoglobals // the library's switch is one

func redisOptions(address string) (*redis.UniversalOptions, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("not a URL: expected redis://HOST:PORT/DB") // url's own text would repeat the password
	}
	switch parsed.Scheme {
	case "redis", "rediss", "unix":
		single, err := redis.ParseURL(address)
		if err != nil {
			return nil, errors.New("expected redis://USER:PASSWORD@HOST:PORT/DB")
		}
		return &redis.UniversalOptions{
			Addrs: []string{single.Addr}, DB: single.DB, Username: single.Username, Password: single.Password,
			TLSConfig: single.TLSConfig,
		}, nil
	case "redis-sentinel", "redis-cluster":
		return fleetOptions(parsed)
	default:
		return nil, fmt.Errorf("scheme %q is none of redis, rediss, unix, redis-sentinel, redis-cluster", parsed.Scheme)
	}
}

func fleetOptions(parsed *url.URL) (*redis.UniversalOptions, error) {
	options := &redis.UniversalOptions{IsClusterMode: parsed.Scheme == "redis-cluster"}
	port := "6379"
	if !options.IsClusterMode {
		port = "26379"
		options.MasterName = parsed.Query().Get("master")
		if options.MasterName == "" {
			return nil, errors.New("the sentinel form needs ?master=NAME")
		}
		if db := strings.Trim(parsed.Path, "/"); db != "" {
			n, err := strconv.Atoi(db)
			if err != nil {
				return nil, errors.New("the path of the sentinel form is the number of a database")
			}
			options.DB = n
		}
	}
	if parsed.User != nil {
		options.Username = parsed.User.Username()
		options.Password, _ = parsed.User.Password()
	}
	for host := range strings.SplitSeq(parsed.Host, ",") {
		if host == "" {
			return nil, errors.New("no host is named")
		}
		if !strings.Contains(host, ":") {
			host += ":" + port
		}
		options.Addrs = append(options.Addrs, host)
	}
	return options, nil
}
