package jobs

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// newCluster is a client of a Redis Cluster that finds out about a failover. Left to
// itself, go-redis asks where the slots are only when a node says that it has lost
// one, which a dead node does not, and once a minute: a minute without a queue,
// although Redis has a new master after seconds.
func newCluster(options *redis.ClusterOptions) *redis.ClusterClient {
	// The cluster's client tries again by itself, and by then may know better where.
	options.DialerRetries = 1
	client := redis.NewClusterClient(options)
	client.OnNewNode(func(node *redis.Client) { node.AddHook(lookout{client}) })
	return client
}

// lookout has the slots looked up anew when a node does not serve.
type lookout struct{ cluster *redis.ClusterClient }

// DialHook leaves dialling as it is: a failed dial fails its command.
func (lookout) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook watches single commands, scripts among them.
func (l lookout) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		err := next(ctx, command)
		if command.Name() != "cluster" { // that is how the slots are looked up
			l.heed(ctx, err)
		}
		return err
	}
}

// ProcessPipelineHook watches pipelines.
func (l lookout) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		err := next(ctx, commands)
		l.heed(ctx, err)
		return err
	}
}

// heed has the slots looked up in the background if err calls for it. While that is
// being done, or was a moment ago, it costs nothing.
func (l lookout) heed(ctx context.Context, err error) {
	if inTrouble(err) {
		l.cluster.ReloadState(ctx)
	}
}

// PingRedis asks Redis whether it is there; of a cluster, each master, for the keys
// of casflow are all over them.
func PingRedis(ctx context.Context, client redis.UniversalClient) error {
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		return client.Ping(ctx).Err() //nolint:wrapcheck // callers say what could not be reached
	}
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		if err := node.Ping(ctx).Err(); err != nil {
			return fmt.Errorf("node %s: %w", node.Options().Addr, err)
		}
		return nil
	})
	if err != nil {
		return err //nolint:wrapcheck // callers say what could not be reached
	}
	return nil
}

// partOf is what part of a cluster a command is for: commands for the same part are
// for the same node. It is the hash tag of the first key, or that key, or "" for a
// command without.
func partOf(command redis.Cmder) string {
	args, at := command.Args(), 1
	if strings.HasPrefix(command.Name(), "eval") { // script, number of keys, keys
		at = 3
	}
	if len(args) <= at {
		return ""
	}
	key, _ := args[at].(string)
	if _, rest, open := strings.Cut(key, "{"); open {
		if tag, _, closed := strings.Cut(rest, "}"); closed && tag != "" {
			return tag
		}
	}
	return key
}
