package jobs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"casflow/internal/redact"
)

// OpenRedis connects to a Redis of any kind that REDIS_URL can name:
// redis://, unix://, redis-sentinel://host1,host2/0?master=NAME and
// redis-cluster://host1,host2, and with TLS rediss://, rediss-sentinel:// and
// rediss-cluster://. The connection is tried once; the error says what to mend and
// holds no credentials. Close the client.
func OpenRedis(ctx context.Context, address redact.Secret) (redis.UniversalClient, error) {
	options, err := readRedisOptions(address)
	if err != nil {
		return nil, err
	}
	client := newClient(options)
	if err := PingRedis(ctx, client); err != nil {
		where := strings.Join(options.Addrs, ",")
		if options.MasterName != "" && errors.Is(err, redis.Nil) { // that is all that go-redis says
			err = fmt.Errorf("its sentinels know no master of the name %q", options.MasterName)
		}
		return nil, errors.Join(
			fmt.Errorf("redis at %s cannot be reached; check REDIS_URL and that the server runs: %w", where, err), client.Close())
	}
	return client, nil
}

// PrepareRedis is OpenRedis for who can do without Redis for a while: nothing is
// tried yet, and later each command once, with a second for a connection; of a
// cluster a second time, for the first node may say that the key is with another.
func PrepareRedis(address redact.Secret) (redis.UniversalClient, error) {
	options, err := readRedisOptions(address)
	if err != nil {
		return nil, err
	}
	options.MaxRetries, options.MaxRedirects, options.DialerRetries, options.DialTimeout = -1, 1, 1, time.Second
	return newClient(options), nil
}

func readRedisOptions(address redact.Secret) (*redis.UniversalOptions, error) {
	options, err := redisOptions(address.Reveal())
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	silenceRedis()
	return options, nil
}

func newClient(options *redis.UniversalOptions) redis.UniversalClient {
	options.ReadBufferSize, options.WriteBufferSize = redisBuffer, redisBuffer
	if options.IsClusterMode {
		return newCluster(options.Cluster())
	}
	options.PipelineReadBufferSize, options.PipelineWriteBufferSize = redisBuffer, redisBuffer
	return redis.NewUniversalClient(options)
}

// redisBuffer is what each connection to Redis buffers in either direction, in bytes:
// commands and answers are small. go-redis would take 32 KB, and 128 KB for pipelines.
const redisBuffer = 4 << 10

// silenceRedis keeps the library from writing lines of its own to stderr, between
// the JSON ones of ours: what goes wrong comes back as an error anyway.
var silenceRedis = sync.OnceFunc(logging.Disable) //nolint:gochecknoglobals // the library's switch is one

func redisOptions(address string) (*redis.UniversalOptions, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return nil, errors.New("not a URL: expected redis://HOST:PORT/DB")
	}
	switch scheme {
	case "redis", "rediss", "unix":
		single, err := redis.ParseURL(address)
		if err != nil { // whose text may repeat the password
			return nil, errors.New("expected redis://USER:PASSWORD@HOST:PORT/DB")
		}
		return &redis.UniversalOptions{
			Addrs: []string{single.Addr}, DB: single.DB, Username: single.Username, Password: single.Password,
			ClientName: single.ClientName, Protocol: single.Protocol, TLSConfig: single.TLSConfig,
			MaxRetries: single.MaxRetries, MinRetryBackoff: single.MinRetryBackoff, MaxRetryBackoff: single.MaxRetryBackoff,
			DialTimeout: single.DialTimeout, ReadTimeout: single.ReadTimeout, WriteTimeout: single.WriteTimeout,
			PoolSize: single.PoolSize, PoolTimeout: single.PoolTimeout, MinIdleConns: single.MinIdleConns,
			MaxIdleConns: single.MaxIdleConns, MaxActiveConns: single.MaxActiveConns,
			ConnMaxIdleTime: single.ConnMaxIdleTime, ConnMaxLifetime: single.ConnMaxLifetime,
		}, nil
	case "redis-sentinel", "redis-cluster":
		return fleetOptions(rest, scheme == "redis-cluster")
	case "rediss-sentinel", "rediss-cluster":
		options, err := fleetOptions(rest, scheme == "rediss-cluster")
		if err == nil {
			options.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12} // for the name of each host that is dialled
		}
		return options, err
	default:
		return nil, fmt.Errorf("scheme %q is none of redis, rediss, unix, redis-sentinel, redis-cluster, rediss-sentinel, rediss-cluster", scheme)
	}
}

// fleetOptions reads USER:PASSWORD@HOST:PORT,HOST:PORT/DB?PARAMETERS, which net/url
// does not take for the several ports. Its errors do not quote it.
func fleetOptions(rest string, cluster bool) (*redis.UniversalOptions, error) {
	rest, parameters, _ := strings.Cut(rest, "?")
	query, err := url.ParseQuery(parameters)
	if err != nil {
		return nil, errors.New("parameters cannot be read")
	}
	credentials, at := "", strings.LastIndex(rest, "@")
	if at >= 0 {
		credentials, rest = rest[:at], rest[at+1:]
	}
	hosts, database, _ := strings.Cut(rest, "/")
	options := &redis.UniversalOptions{IsClusterMode: cluster}
	user, password, _ := strings.Cut(credentials, ":")
	if options.Username, err = url.PathUnescape(user); err == nil {
		options.Password, err = url.PathUnescape(password)
	}
	if err != nil {
		return nil, errors.New("user and password must be percent-encoded")
	}
	port := "6379"
	if !cluster {
		port = "26379"
		if err := sentinelOptions(options, query); err != nil {
			return nil, err
		}
	} else if len(query) > 0 {
		return nil, errors.New("the cluster form takes no parameters")
	}
	if database = strings.Trim(database, "/"); database != "" {
		if options.DB, err = strconv.Atoi(database); err != nil {
			return nil, errors.New("the path is the number of a database")
		}
		if cluster && options.DB != 0 {
			return nil, errors.New("a cluster has database 0 only")
		}
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if host == "" {
			return nil, errors.New("no host is named")
		}
		if !strings.Contains(host[strings.LastIndex(host, "]")+1:], ":") { // behind an IPv6 address
			host += ":" + port
		}
		options.Addrs = append(options.Addrs, host)
	}
	return options, nil
}

// sentinelOptions reads the parameters of the sentinel form. User and password of the
// URL are for the master; sentinels that ask for some too have theirs here.
func sentinelOptions(options *redis.UniversalOptions, query url.Values) error {
	for name := range query {
		switch name {
		case "master":
			options.MasterName = query.Get(name)
		case "sentinel_username":
			options.SentinelUsername = query.Get(name)
		case "sentinel_password":
			options.SentinelPassword = query.Get(name)
		default: // whose name may be half a password
			return errors.New("the sentinel form takes the parameters master, sentinel_username and sentinel_password only")
		}
	}
	if options.MasterName == "" {
		return errors.New("the sentinel form needs ?master=NAME")
	}
	return nil
}
