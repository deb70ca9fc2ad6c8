package devstack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisNodes are the servers of a Sentinel set-up or of a Cluster. They share a
// password and a directory, in which each has one of its own.
type redisNodes struct {
	program  string
	account  account
	dir      workdir
	password string

	mu      sync.Mutex
	nodes   []*redisNode
	stops   []func() error // in the order of starting
	stopped bool
}

// redisNode is one of them, and our connection to it.
type redisNode struct {
	*redisProcess
	client *redis.Client
}

// newRedisNodes prepares for servers, of which it starts none.
func newRedisNodes() (*redisNodes, error) {
	program, err := pickRedis(redisPrograms())
	if err != nil {
		return nil, err
	}
	as, err := unprivileged("redis", "nobody")
	if err != nil {
		return nil, err
	}
	dir, err := newWorkdir(as)
	if err != nil {
		return nil, err
	}
	return &redisNodes{program: program, account: as, dir: dir, password: rand.Text()}, nil
}

// process is a server that is not started yet, with a directory that it may write
// to: it keeps there what it knows of the others.
func (n *redisNodes) process(name string) (*redisProcess, error) {
	path := filepath.Join(n.dir.path, name)
	if err := os.Mkdir(path, 0o700); err != nil {
		return nil, fmt.Errorf("make directory of %s: %w", name, err)
	}
	if err := n.account.own(path); err != nil {
		return nil, err
	}
	return &redisProcess{program: n.program, account: n.account, dir: workdir{path: path}, password: n.password}, nil
}

// start starts one more server, on a port that onPort finds. Others can copy from
// it, and it from others, at once.
func (n *redisNodes) start(ctx context.Context, settings string, onPort func(context.Context, func(port int) error) error) error {
	process, err := n.process("node" + strconv.Itoa(len(n.nodes)))
	if err != nil {
		return err
	}
	process.settings = "masterauth " + n.password + "\nrepl-diskless-sync yes\nrepl-diskless-sync-delay 0\n" + settings
	err = onPort(ctx, func(port int) error {
		process.port = port
		return process.launch(ctx)
	})
	if err != nil {
		return err
	}
	client := redis.NewClient(&redis.Options{Addr: loopback(process.port), Password: n.password, MaxRetries: -1, DialerRetries: 1})
	n.nodes = append(n.nodes, &redisNode{process, client})
	n.stops = append(n.stops, client.Close, process.kill)
	return nil
}

// Stop ends all servers, waits for their end and removes what they wrote. Stopping
// twice is no error.
func (n *redisNodes) Stop() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopped {
		return nil
	}
	n.stopped = true
	var faults []error
	// The last first: sentinels would see to the end of the others. Killed, because
	// none has anything to save, and a master would wait for its replicas.
	for _, stop := range slices.Backward(n.stops) {
		faults = append(faults, stop())
	}
	return errors.Join(append(faults, n.dir.remove())...)
}

// CutReplication keeps whatever is written from now on from reaching a replica:
// should its master die, it is lost, although it was acknowledged. Repair ends that.
func (n *redisNodes) CutReplication(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.authenticate(ctx, rand.Text()); err != nil {
		return err
	}
	for _, node := range n.running() { // the connections that there are
		if err := node.client.ClientKillByFilter(ctx, "TYPE", "replica").Err(); err != nil {
			return fmt.Errorf("cut replication: %w", err)
		}
	}
	return nil
}

// authenticate sets the password that replicas will give to their masters.
func (n *redisNodes) authenticate(ctx context.Context, password string) error {
	for _, node := range n.running() {
		if err := node.client.ConfigSet(ctx, "masterauth", password).Err(); err != nil {
			return fmt.Errorf("set password of replication: %w", err)
		}
	}
	return nil
}

// repair starts the servers that were killed, with more settings, and lets replicas
// copy again.
func (n *redisNodes) repair(ctx context.Context, settings string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopped {
		return errors.New("repair redis: it has been stopped for good")
	}
	for _, node := range n.nodes {
		if node.server.running() {
			continue
		}
		node.settings += settings
		if err := node.launch(ctx); err != nil {
			return fmt.Errorf("repair redis: %w", err)
		}
	}
	return n.authenticate(ctx, n.password)
}

// kill ends a server at once, as a crash would.
func (n *redisNodes) kill(node *redisNode) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return node.kill()
}

// alive are the servers that have not been killed.
func (n *redisNodes) alive() []*redisNode {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.running()
}

// running is alive for whoever holds mu.
func (n *redisNodes) running() []*redisNode {
	var running []*redisNode
	for _, node := range n.nodes {
		if node.server.running() {
			running = append(running, node)
		}
	}
	return running
}

// masters finds fault with a node that is no master.
func (n *redisNode) masters(ctx context.Context) error { return n.tells(ctx, "role:master") }

// copies finds fault with a node that is no replica in step with its master.
func (n *redisNode) copies(ctx context.Context) error {
	return n.tells(ctx, "role:slave", "master_link_status:up")
}

// tells finds fault with a node that does not tell each line about replication.
func (n *redisNode) tells(ctx context.Context, lines ...string) error {
	text, err := n.client.Info(ctx, "replication").Result()
	if err != nil {
		return fmt.Errorf("ask redis about replication: %w", err)
	}
	for _, line := range lines {
		if !strings.Contains(text, line+"\r\n") {
			return fmt.Errorf("the server at port %d does not say %s", n.port, line)
		}
	}
	return nil
}

// fleetInterval is how often several servers are asked whether they are as they
// should be, which takes them seconds to find out themselves.
const fleetInterval = 50 * time.Millisecond

// awaitRedis asks again and again until check finds no fault.
func awaitRedis(ctx context.Context, what string, check func(context.Context) error) error {
	poll := time.NewTicker(fleetInterval)
	defer poll.Stop()
	for {
		fault := check(ctx)
		if fault == nil {
			return nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: %w", what, context.Cause(ctx), fault)
		}
	}
}
