package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/config"
	"casflow/internal/samples"
)

// startWorker runs a worker until the function that it returns is called.
func (p *pipeline) startWorker(args ...string) (stop func()) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	ended := make(chan int, 1)
	go func() { ended <- p.worker(ctx, args...) }()
	return func() {
		p.t.Helper()
		cancel()
		if code := <-ended; code != config.ExitDone {
			p.t.Errorf("worker run: exit code %d", code)
		}
	}
}

// counts are the documents by status, as "parsed 3, pending 4".
func (p *pipeline) counts() string {
	p.t.Helper()
	return p.value(`SELECT coalesce(string_agg(status || ' ' || n, ', ' ORDER BY status), '') FROM
		(SELECT status, count(*) AS n FROM cas.documents GROUP BY status) AS s`)
}

func (p *pipeline) awaitParsed(n int) {
	p.t.Helper()
	p.await(fmt.Sprintf("%d parsed documents", n), func() bool { return p.counts() == fmt.Sprintf("parsed %d", n) })
}

// TestPipeline_OutOfCredits: behind an empty account a few documents die, the rest
// waits, and when credits are there again all of it goes on without a human.
func TestPipeline_OutOfCredits(t *testing.T) {
	t.Parallel()
	const atOnce = 16
	documents := size(200, 1_000)
	paidFor := documents / 2
	p := newPipeline(t, sandbox.Config{Credits: paidFor})
	all := p.putSamples(samples.Options{Investors: documents, Seed: 37, Holdings: 2, Transactions: 2})
	p.scan("in/")
	stop := p.startWorker("--concurrency", fmt.Sprint(atOnce), "--probe-interval", "1s")
	defer stop()
	p.await("a paused account", func() bool {
		return p.value(`SELECT count(*) FROM cas.account WHERE paused_reason = 'insufficient_credits'`) == "1"
	})
	p.await("asynq's paused queues", func() bool {
		n, err := p.redis.Exists(t.Context(), "asynq:{bulk}:paused", "asynq:{interactive}:paused").Result()
		return err == nil && n == 2
	})
	p.await("calls to end", func() bool { return p.value(`SELECT count(*) FROM cas.documents WHERE status = 'calling'`) == "0" })
	if got := p.api.Totals(); got.Billed != paidFor || got.Calls > paidFor+atOnce+1 {
		t.Errorf("calls %+v, want %d billed and at most %d refused", got, paidFor, atOnce+1)
	}
	dead := p.number(`SELECT count(*) FROM cas.documents WHERE status = 'dead'`)
	waiting := p.number(`SELECT count(*) FROM cas.documents WHERE status IN ('pending', 'queued')`)
	if dead > atOnce+1 || waiting != documents-paidFor-dead {
		t.Errorf("documents: %s, want %d parsed, %d dead at most, and all the others waiting", p.counts(), paidFor, atOnce+1)
	}
	if got := p.enqueuer("status", "--database-url", p.url); !strings.Contains(got, "paused") || !strings.Contains(got, "insufficient_credits") {
		t.Errorf("status does not say that the account is paused:\n%s", got)
	}
	p.api.SetCredits(documents)
	p.awaitParsed(documents)
	p.accounted(all)
	if got := p.api.Totals().Billed; got != documents {
		t.Errorf("%d calls billed, want one for each of %d documents", got, documents)
	}
	p.await("asynq's queues", func() bool {
		n, err := p.redis.Exists(t.Context(), "asynq:{bulk}:paused", "asynq:{interactive}:paused").Result()
		return err == nil && n == 0
	})
}

// TestPipeline_KeyRotated: a key that was revoked pauses the account, a new one in
// the key file opens it.
func TestPipeline_KeyRotated(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	p.putSamples(samples.Options{Investors: 12, Seed: 41})
	p.scan("in/")
	p.keyFile = filepath.Join(t.TempDir(), "key")
	write := func(key string) {
		t.Helper()
		if err := os.WriteFile(p.keyFile, []byte(key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(apiKey)
	p.keepSecret("API key", "sk_test_the_new_one")
	p.api.SetKey("sk_test_the_new_one")
	stop := p.startWorker("--concurrency", "4", "--probe-interval", "1s")
	defer stop()
	p.await("a paused account", func() bool {
		return p.value(`SELECT count(*) FROM cas.account WHERE paused_reason = 'unauthorized'`) == "1"
	})
	write("sk_test_the_new_one")
	p.awaitParsed(12)
	if got := p.api.Totals(); got.Billed != 12 || got.Calls > 12+5 {
		t.Errorf("calls %+v, want each document billed once, and at most 5 refused", got)
	}
}
