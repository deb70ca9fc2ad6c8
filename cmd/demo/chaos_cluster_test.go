package main

import (
	"context"
	"testing"

	"casflow/internal/devstack"
)

// TestChaos_Cluster: of the three masters of a Cluster the one dies that has the bulk
// queue, and its replica, which does not have all that was acknowledged, takes its
// place.
func TestChaos_Cluster(t *testing.T) {
	t.Parallel()
	c, err := devstack.StartRedisCluster(t.Context(), downAfter)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	kill := func(ctx context.Context) error { return c.KillMasterOf(ctx, "asynq:{bulk}:pending") }
	survive(t, fleet{c.URL, c.CutReplication, kill, c.AwaitMasters, c.Repair})
}
