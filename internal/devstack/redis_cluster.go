package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisCluster is a Redis Cluster of three masters, each with a replica that takes
// over when it dies. It is safe for concurrent use.
type RedisCluster struct {
	*redisNodes

	// URL names all nodes, as REDIS_URL does. It holds a made-up password.
	URL string
}

// clusterSlots is how many slots a Cluster spreads its keys over.
const clusterSlots = 16384

// StartRedisCluster starts the servers on free loopback ports, set up as StartRedis
// does, and returns when all slots are served and each master has a replica in step.
// A node is taken for dead when it has been silent for silence. The context is for
// the start alone, which is given up after a minute where ctx has no deadline. The
// error matches ErrNotInstalled if there is no redis-server on this machine.
func StartRedisCluster(ctx context.Context, silence time.Duration) (_ *RedisCluster, err error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	nodes, err := newRedisNodes()
	if err != nil {
		return nil, fmt.Errorf("start redis cluster: %w", err)
	}
	c := &RedisCluster{redisNodes: nodes}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start redis cluster: %w", err), c.Stop())
		}
	}()
	settings := fmt.Sprintf("cluster-enabled yes\ncluster-config-file nodes.conf\ncluster-announce-ip 127.0.0.1\ncluster-node-timeout %d\n",
		silence.Milliseconds())
	for range 2 * fleetNodes {
		if err := c.start(ctx, settings, onFreePortPair); err != nil {
			return nil, err
		}
	}
	if err := c.join(ctx); err != nil {
		return nil, err
	}
	var hosts []string
	for _, node := range c.nodes {
		hosts = append(hosts, loopback(node.port))
	}
	address := url.URL{Scheme: "redis-cluster", User: url.UserPassword("", c.password), Host: strings.Join(hosts, ",")}
	c.URL = address.String()
	return c, nil
}

// busOffset is how far above its port a node has another one, for the other nodes.
// Newer servers could be told, older ones cannot.
const busOffset = 10000

// onFreePortPair calls start with one free port after the other that has a free
// port for the bus too, until none of them is taken from under it.
func onFreePortPair(ctx context.Context, start func(port int) error) error {
	return onFreePort(ctx, func(port int) error {
		// The bus' port stays below the range of outgoing connections as well.
		port = firstPort + (port-firstPort)%(lastPort-busOffset-firstPort)
		for _, p := range []int{port, port + busOffset} {
			listener, err := new(net.ListenConfig).Listen(ctx, "tcp", loopback(p))
			if err != nil {
				return fmt.Errorf("%w: %w", errAddressInUse, err)
			}
			if err := listener.Close(); err != nil {
				return fmt.Errorf("find a free port: %w", err)
			}
		}
		return start(port)
	})
}

// join makes the nodes a Cluster: the first three are its masters.
func (c *RedisCluster) join(ctx context.Context) error {
	for i, node := range c.nodes {
		// Epochs of their own, or the nodes would first have to agree on them.
		if err := node.client.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(); err != nil {
			return fmt.Errorf("set epoch: %w", err)
		}
		if i < fleetNodes {
			first, next := i*clusterSlots/fleetNodes, (i+1)*clusterSlots/fleetNodes
			if err := node.client.ClusterAddSlotsRange(ctx, first, next-1).Err(); err != nil {
				return fmt.Errorf("assign slots: %w", err)
			}
		}
		if err := c.nodes[0].client.ClusterMeet(ctx, "127.0.0.1", fmt.Sprint(node.port)).Err(); err != nil {
			return fmt.Errorf("meet: %w", err)
		}
	}
	if err := awaitRedis(ctx, "the nodes do not know each other", c.met); err != nil {
		return err
	}
	for i, node := range c.nodes[fleetNodes:] {
		id, err := c.nodes[i].client.ClusterMyID(ctx).Result()
		if err != nil {
			return fmt.Errorf("ask for id: %w", err)
		}
		if err := node.client.ClusterReplicate(ctx, id).Err(); err != nil {
			return fmt.Errorf("make replica: %w", err)
		}
	}
	return awaitRedis(ctx, "the cluster is not whole", c.whole)
}

// met finds fault with a node that does not know all others.
func (c *RedisCluster) met(ctx context.Context) error {
	for _, node := range c.nodes {
		text, err := node.client.ClusterNodes(ctx).Result()
		if err != nil {
			return fmt.Errorf("ask for nodes: %w", err)
		}
		if known := strings.Count(text, "\n"); known != len(c.nodes) || strings.Contains(text, "handshake") {
			return fmt.Errorf("the node at port %d knows %d nodes, some still shaking hands", node.port, known)
		}
	}
	return nil
}

// KillMasterOf ends the master that has a key at once, as a crash would.
func (c *RedisCluster) KillMasterOf(ctx context.Context, key string) error {
	master, err := c.masterOf(ctx, key)
	if err != nil {
		return err
	}
	return c.kill(master)
}

// masterOf is the living master that has a key.
func (c *RedisCluster) masterOf(ctx context.Context, key string) (*redisNode, error) {
	masters, err := c.masters(ctx)
	if err != nil {
		return nil, err
	}
	alive := c.alive()
	slot, err := alive[0].client.ClusterKeySlot(ctx, key).Result()
	if err != nil {
		return nil, fmt.Errorf("ask for the slot of a key: %w", err)
	}
	for _, node := range alive {
		if node.port == masters[slot] {
			return node, nil
		}
	}
	return nil, fmt.Errorf("the master at port %d has died", masters[slot])
}

// AwaitMasters returns when all living nodes agree on living masters for all slots.
func (c *RedisCluster) AwaitMasters(ctx context.Context) error {
	return awaitRedis(ctx, "slots without a master", func(ctx context.Context) error {
		_, err := c.masters(ctx)
		return err
	})
}

// Repair starts what was killed, lets replicas copy again, and returns when each
// master has a replica in step.
func (c *RedisCluster) Repair(ctx context.Context) error {
	if err := c.repair(ctx, ""); err != nil {
		return err
	}
	return awaitRedis(ctx, "the cluster is not repaired", c.whole)
}

// masters are the ports of the masters by slot, if all living nodes agree on them
// and they live.
func (c *RedisCluster) masters(ctx context.Context) (masters [clusterSlots]int, err error) {
	alive := c.alive()
	for i, node := range alive {
		state, err := node.client.ClusterInfo(ctx).Result()
		if err != nil || !strings.Contains(state, "cluster_state:ok") {
			return masters, errors.Join(fmt.Errorf("for the node at port %d the cluster is not well", node.port), err)
		}
		slots, err := node.client.ClusterSlots(ctx).Result() //nolint:staticcheck // Redis 6.2 knows no other
		if err != nil {
			return masters, fmt.Errorf("ask for slots: %w", err)
		}
		seen, err := mastersIn(slots)
		if err != nil {
			return masters, err
		}
		if i > 0 && seen != masters {
			return masters, fmt.Errorf("the nodes at ports %d and %d do not agree", alive[0].port, node.port)
		}
		masters = seen
	}
	for slot, port := range masters {
		if !slices.ContainsFunc(alive, func(n *redisNode) bool { return n.port == port }) {
			return masters, fmt.Errorf("slot %d is with a dead node", slot)
		}
	}
	return masters, nil
}

// mastersIn reads what a node tells of the slots.
func mastersIn(slots []redis.ClusterSlot) (masters [clusterSlots]int, err error) {
	for _, span := range slots {
		var port int
		if _, err := fmt.Sscanf(span.Nodes[0].Addr, "127.0.0.1:%d", &port); err != nil {
			return masters, fmt.Errorf("read address of a master: %w", err)
		}
		for slot := span.Start; slot <= span.End; slot++ {
			masters[slot] = port
		}
	}
	return masters, nil
}

// whole finds fault with a cluster in which not each master could die without loss.
func (c *RedisCluster) whole(ctx context.Context) error {
	masters, err := c.masters(ctx)
	if err != nil {
		return err
	}
	replicas := 0
	for _, node := range c.alive() {
		if slices.Contains(masters[:], node.port) {
			continue
		}
		if err := node.copies(ctx); err != nil {
			return err
		}
		replicas++
	}
	if replicas != fleetNodes {
		return fmt.Errorf("%d replicas", replicas)
	}
	for _, node := range c.alive() { // how the others see it: a failed one is not followed
		text, err := node.client.ClusterNodes(ctx).Result()
		if err != nil {
			return fmt.Errorf("ask for nodes: %w", err)
		}
		if strings.Contains(text, "fail") || strings.Count(text, " connected") != len(c.nodes) {
			return fmt.Errorf("the node at port %d has no connection to some other", node.port)
		}
	}
	return nil
}
