package devstack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisSentinel is a Redis of three servers, one of which is the master, and three
// Sentinels that make another one the master when it dies. It is safe for
// concurrent use.
type RedisSentinel struct {
	*redisNodes

	// URL names the sentinels, as REDIS_URL does. It holds made-up passwords.
	URL string

	guards []*guard
}

// guard is a Sentinel, and our connection to it.
type guard struct {
	*redisProcess
	client *redis.SentinelClient
}

const (
	// sentinelMaster is what the sentinels call the servers that they watch.
	sentinelMaster = "casflow"
	// sentinelQuorum is how many sentinels must find the master dead.
	sentinelQuorum = 2
	fleetNodes     = 3 // of a Sentinel set-up, each of both kinds; masters of a Cluster
)

// StartRedisSentinel starts the servers on free loopback ports, set up as StartRedis
// does, and returns when the sentinels know all there is to know. A master is taken
// for dead when it has been silent for silence. The context is for the start alone,
// which is given up after a minute where ctx has no deadline. The error matches
// ErrNotInstalled if there is no redis-server on this machine.
func StartRedisSentinel(ctx context.Context, silence time.Duration) (_ *RedisSentinel, err error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	nodes, err := newRedisNodes()
	if err != nil {
		return nil, fmt.Errorf("start redis with sentinels: %w", err)
	}
	s := &RedisSentinel{redisNodes: nodes}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start redis with sentinels: %w", err), s.Stop())
		}
	}()
	copying := ""
	for range fleetNodes {
		if err := s.start(ctx, copying, onFreePort); err != nil {
			return nil, err
		}
		copying = replicaOf(s.nodes[0].port)
	}
	password := rand.Text()
	var hosts []string
	for range fleetNodes {
		if err := s.startGuard(ctx, password, silence); err != nil {
			return nil, err
		}
		hosts = append(hosts, loopback(s.guards[len(s.guards)-1].port))
	}
	if err := awaitRedis(ctx, "the sentinels do not agree", s.whole); err != nil {
		return nil, err
	}
	address := url.URL{
		Scheme: "redis-sentinel", User: url.UserPassword("", nodes.password), Host: strings.Join(hosts, ","), Path: "0",
		RawQuery: url.Values{"master": {sentinelMaster}, "sentinel_password": {password}}.Encode(),
	}
	s.URL = address.String()
	return s, nil
}

func replicaOf(port int) string { return fmt.Sprintf("replicaof 127.0.0.1 %d\n", port) }

// startGuard starts one more sentinel.
func (s *RedisSentinel) startGuard(ctx context.Context, password string, silence time.Duration) error {
	process, err := s.process("sentinel" + strconv.Itoa(len(s.guards)))
	if err != nil {
		return err
	}
	process.password = password
	configuration := filepath.Join(process.dir.path, "sentinel.conf") // which a Sentinel keeps its own notes in
	err = onFreePort(ctx, func(port int) error {
		process.port = port
		text := fmt.Sprintf("bind 127.0.0.1\nport %d\nrequirepass %s\nsentinel monitor %s 127.0.0.1 %d %d\nsentinel auth-pass %[3]s %[6]s\n"+
			"sentinel down-after-milliseconds %[3]s %[7]d\nsentinel failover-timeout %[3]s %[8]d\n",
			port, password, sentinelMaster, s.nodes[0].port, sentinelQuorum, s.password, silence.Milliseconds(), 5*silence.Milliseconds())
		if err := os.WriteFile(configuration, []byte(text), 0o600); err != nil {
			return fmt.Errorf("write configuration of sentinel: %w", err)
		}
		if err := s.account.own(configuration); err != nil {
			return err
		}
		return process.run(ctx, nil, configuration, "--sentinel")
	})
	if err != nil {
		return err
	}
	client := redis.NewSentinelClient(&redis.Options{Addr: loopback(process.port), Password: password, MaxRetries: -1, DialerRetries: 1})
	s.guards = append(s.guards, &guard{process, client})
	s.stops = append(s.stops, client.Close, process.kill)
	return nil
}

// KillMaster ends the master at once, as a crash would.
func (s *RedisSentinel) KillMaster(ctx context.Context) error {
	master, err := s.livingMaster(ctx)
	if err != nil {
		return err
	}
	return s.kill(master)
}

// AwaitMaster returns when all sentinels name one master, and that is alive and takes
// writes.
func (s *RedisSentinel) AwaitMaster(ctx context.Context) error {
	return awaitRedis(ctx, "no master", func(ctx context.Context) error {
		_, err := s.livingMaster(ctx)
		return err
	})
}

// Repair starts what was killed, lets replicas copy again, and returns when all are
// in step and the sentinels know it.
func (s *RedisSentinel) Repair(ctx context.Context) error {
	master, err := s.livingMaster(ctx)
	if err != nil {
		return err
	}
	if err := s.repair(ctx, replicaOf(master.port)); err != nil {
		return err
	}
	return awaitRedis(ctx, "redis is not repaired", s.whole)
}

// master is the port of the master that all sentinels agree on.
func (s *RedisSentinel) master(ctx context.Context) (int, error) {
	agreed := ""
	for _, guard := range s.guards {
		address, err := guard.client.GetMasterAddrByName(ctx, sentinelMaster).Result()
		if err != nil {
			return 0, fmt.Errorf("ask sentinel for the master: %w", err)
		}
		named := address[len(address)-1] // host, port
		if agreed != "" && agreed != named {
			return 0, fmt.Errorf("the sentinels name the masters at ports %s and %s", agreed, named)
		}
		agreed = named
	}
	port, err := strconv.Atoi(agreed)
	if err != nil {
		return 0, fmt.Errorf("port of the master: %w", err)
	}
	return port, nil
}

// livingMaster is the agreed master, if it is one.
func (s *RedisSentinel) livingMaster(ctx context.Context) (*redisNode, error) {
	port, err := s.master(ctx)
	if err != nil {
		return nil, err
	}
	for _, node := range s.alive() {
		if node.port != port {
			continue
		}
		return node, node.masters(ctx)
	}
	return nil, fmt.Errorf("the master at port %d is dead", port)
}

// whole finds fault with a set-up in which a failover could not be made, or would
// lose what is in there now.
func (s *RedisSentinel) whole(ctx context.Context) error {
	master, err := s.livingMaster(ctx)
	if err != nil {
		return err
	}
	for _, node := range s.alive() {
		if node == master {
			continue
		}
		if err := node.copies(ctx); err != nil {
			return err
		}
	}
	for _, guard := range s.guards {
		if err := guard.ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ready finds fault with a sentinel that could not make a replica the master yet.
func (g *guard) ready(ctx context.Context) error {
	if err := g.client.CkQuorum(ctx, sentinelMaster).Err(); err != nil {
		return fmt.Errorf("the sentinel at port %d knows no quorum: %w", g.port, err)
	}
	told, err := g.client.Master(ctx, sentinelMaster).Result()
	if err != nil {
		return fmt.Errorf("ask sentinel about the master: %w", err)
	}
	if told["num-other-sentinels"] != strconv.Itoa(fleetNodes-1) || told["flags"] != "master" {
		return fmt.Errorf("the sentinel at port %d knows %s others, and the master as %s", g.port, told["num-other-sentinels"], told["flags"])
	}
	replicas, err := g.client.Replicas(ctx, sentinelMaster).Result()
	if err != nil {
		return fmt.Errorf("ask sentinel about replicas: %w", err)
	}
	fit := 0
	for _, replica := range replicas {
		if replica["flags"] == "slave" && replica["master-link-status"] == "ok" {
			fit++
		}
	}
	if fit != fleetNodes-1 {
		return fmt.Errorf("the sentinel at port %d knows %d replicas that are in step", g.port, fit)
	}
	return nil
}
