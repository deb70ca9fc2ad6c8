package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/devstack"
	"casflow/internal/samples"
	"casflow/internal/storage/storagetest"
)

// downAfter is how long a server of a fleet may be silent before another one takes
// its place: more than a busy machine keeps it waiting.
const downAfter = 2 * time.Second

// fleet is a Redis of several servers that survives the death of one.
type fleet struct {
	url            string
	cutReplication func(context.Context) error
	killMaster     func(context.Context) error // of the bulk queue
	awaitMasters   func(context.Context) error
	repair         func(context.Context) error
}

// TestChaos_Sentinel: the master dies, and Sentinel makes a replica the master that
// does not have all that was acknowledged.
func TestChaos_Sentinel(t *testing.T) {
	t.Parallel()
	s, err := devstack.StartRedisSentinel(t.Context(), downAfter)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	survive(t, fleet{s.URL, s.CutReplication, s.KillMaster, s.AwaitMaster, s.Repair})
}

// survive has masters of a fleet die in the midst of the work of two workers, with
// calls under way and tasks that no replica has.
func survive(t *testing.T, f fleet) {
	t.Helper()
	const underWay, each = 8, 16
	strikes := max(1, *rounds/3) // a failover takes seconds
	documents := 2 * each * strikes
	_, database := storagetest.NewURL(t)
	p := newPipelineOn(t, sandbox.Config{Credits: -1, Latency: 20 * time.Millisecond}, database, f.url)
	all := p.putSamples(samples.Options{Investors: documents, Seed: 89})
	arguments := []string{"--concurrency", fmt.Sprint(underWay / 2), "--api-timeout", "30s"}
	stop := p.startWorker(arguments...)
	defer stop()
	worker := p.workerProcess(arguments...) // by the end it has nothing to do
	defer worker.kill()
	for strike := range strikes {
		begun := p.api.Totals().Calls
		release := p.api.Hold()
		defer release()
		p.scan("in/", "--limit", fmt.Sprint((2*strike+1)*each))
		if err := p.api.AwaitCalls(t.Context(), begun+underWay); err != nil {
			t.Fatal(err)
		}
		must(t, f.cutReplication)
		p.scan("in/", "--limit", fmt.Sprint((2*strike+2)*each))
		p.await("tasks for what is new", func() bool {
			return p.value(`SELECT count(*) FROM cas.documents WHERE status = 'pending'`) == "0"
		})
		const marker = "acknowledged:{bulk}" // where the queue is
		if err := p.redis.Set(t.Context(), marker, strike, 0).Err(); err != nil {
			t.Fatal(err)
		}
		must(t, f.killMaster)
		release() // the answers find no Redis
		must(t, f.awaitMasters)
		p.await("that what was acknowledged is lost", func() bool { return errors.Is(p.redis.Get(t.Context(), marker).Err(), redis.Nil) })
		must(t, f.repair)
	}
	p.awaitParsed(len(all))
	p.accounted(all)
	p.calledOnce(all) // no answer may be lost
	for _, line := range []string{"redis does not serve, slowing down", "redis serves again"} {
		p.awaitLog(line)
	}
}

func must(t *testing.T, do func(context.Context) error) {
	t.Helper()
	if err := do(t.Context()); err != nil {
		t.Fatal(err)
	}
}
