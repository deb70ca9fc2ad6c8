package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/samples"
	"casflow/internal/storage/storagetest"
)

// TestChaos_Clocks: that Postgres' clock is minutes away from a worker's changes
// nothing: a worker that lives is not taken for dead, one that is dead is, what is
// tried again is tried soon, a vanished task is found, and the usage log is read at
// the right place.
func TestChaos_Clocks(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"Ahead": 5 * time.Minute, "Behind": -5 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPipelineOn(t, sandbox.Config{Credits: -1, Latency: 20 * time.Millisecond}, storagetest.Skewed(t, ahead), newRedisURL(t))
			all := p.putSamples(samples.Options{Investors: 40, Seed: 113})
			p.api.FailDocument(all[0].sum, status(http.StatusServiceUnavailable, 2))
			p.api.FailDocument(all[1].sum, lostSuccess())
			// The worker that is killed may take one of them along.
			putOff := sandbox.Fault{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"5"}}}
			p.api.FailDocument(all[len(all)-1].sum, putOff, putOff)
			p.scan("in/")
			worker := p.workerProcess("--concurrency", "8", "--api-timeout", "5s")
			p.awaitLog("postgres-clock")
			if err := p.api.AwaitCalls(t.Context(), 12); err != nil {
				t.Fatal(err)
			}
			worker.kill()
			stop := p.startWorker("--concurrency", "8", "--api-timeout", "5s")
			defer stop()
			p.await("a document that is put off", func() bool {
				return p.number(`SELECT count(*) FROM cas.attempts WHERE retry_at > finished_at + interval '4 seconds'`) > 0
			})
			if err := p.redis.FlushDB(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			p.awaitParsed(len(all))
			p.accounted(all)
			if got := p.value(`SELECT string_agg(outcome, ',' ORDER BY started_at) FROM cas.attempts JOIN cas.documents USING (document_id)
				WHERE object_key = $1 AND outcome <> 'failed'`, all[1].key); got != "lost,answered" {
				t.Errorf("attempts after a call that was billed, and whose answer never came: %s", got)
			}
		})
	}
}

// TestChaos_WorkerClocks: a worker whose clock is ahead takes the tasks of others
// for abandoned, and asynq hands them out again. The ledger does not.
func TestChaos_WorkerClocks(t *testing.T) {
	t.Parallel()
	const underWay = 6
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: underWay + 4, Seed: 131})
	p.scan("in/")
	release := p.api.Hold()
	defer release()
	stop := p.startWorker("--concurrency", fmt.Sprint(underWay))
	defer stop()
	if err := p.api.AwaitCalls(t.Context(), underWay); err != nil {
		t.Fatal(err)
	}
	tasks, err := p.redis.ZRange(t.Context(), "asynq:{bulk}:lease", 0, -1).Result()
	if err != nil || len(tasks) != underWay {
		t.Fatalf("leases of tasks %v, %v, want %d", tasks, err, underWay)
	}
	stopOther := p.startWorker("--concurrency", "20")
	defer stopOther()
	p.await("tasks that are to be done again", func() bool {
		for _, task := range tasks { // what the other one sees of them; their worker renews them
			if err := p.redis.ZAddXX(t.Context(), "asynq:{bulk}:lease", redis.Z{Member: task}).Err(); err != nil {
				t.Fatal(err)
			}
		}
		n, err := p.redis.ZCard(t.Context(), "asynq:{bulk}:retry").Result()
		return err == nil && n > 0
	})
	p.await("the end of one", func() bool { return p.tasks() < int64(len(all)) })
	release()
	p.awaitParsed(len(all))
	p.accounted(all)
	p.calledOnce(all)
}
