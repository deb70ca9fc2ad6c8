package jobs

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
)

// failoverAddr is the address that go-redis gives to a client that asks sentinels.
const failoverAddr = "FailoverClient"

// askMaster finds out which server the sentinels have led to.
func askMaster(ctx context.Context, master *redis.Client, facts *RedisFacts) error {
	facts.FailsOver = true
	connection, err := master.Do(ctx, "CLIENT", "INFO").Text()
	if err = note(&facts.Withheld, "CLIENT", err); err != nil {
		return err
	}
	for field := range strings.FieldsSeq(connection) {
		if addr, ok := strings.CutPrefix(field, "laddr="); ok {
			facts.Addr = addr
		}
	}
	return nil
}

// askNode asks a node about its cluster.
func askNode(ctx context.Context, node *redis.Client, facts *RedisFacts) error {
	text, err := node.ClusterInfo(ctx).Result()
	if err = note(&facts.Withheld, "CLUSTER", err); err != nil {
		return err
	}
	told := fieldsOf(text)
	facts.Unserved = told["cluster_state"] == "fail" || told["cluster_state"] != "" && told["cluster_slots_ok"] != clusterSlots
	facts.Partial = told["cluster_size"] != "" && told["cluster_size"] != "1"
	return nil
}

// clusterSlots is the number of slots that a cluster has.
const clusterSlots = "16384"
