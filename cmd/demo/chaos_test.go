package main

import (
	"flag"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/devstack"
	"casflow/internal/samples"
	"casflow/internal/storage/storagetest"
	"casflow/migrations"
)

// rounds is how often each test of faults strikes; make chaos gives more.
var rounds = flag.Int("rounds", 3, "how often the tests of faults strike")

// workerProcess runs a worker as a process, and returns what ends it as a crash would.
func (p *pipeline) workerProcess(args ...string) (kill func()) {
	p.t.Helper()
	command := program(p.t, "worker", p.workerArgs(args...)...)
	command.Stderr = p
	if err := command.Start(); err != nil {
		p.t.Fatal(err)
	}
	return func() {
		p.t.Helper()
		if err := command.Process.Kill(); err != nil {
			p.t.Error(err)
		}
		if _, ok := command.Wait().(*exec.ExitError); !ok { //nolint:errorlint // Wait returns it as it is
			p.t.Error("the worker had ended by itself")
		}
	}
}

// accounted holds the ledger against the stand-in's: all of n statements parsed
// and stored once, nothing open, and no more credits spent than one for each, and
// one for each attempt whose answer never came, which the ledger knows of.
func (p *pipeline) accounted(n int) {
	p.t.Helper()
	if got := p.counts(); got != fmt.Sprintf("parsed %d", n) {
		p.t.Errorf("documents: %s, want all %d parsed", got, n)
	}
	if got := p.value(`SELECT count(*) FROM cas.statements`); got != fmt.Sprint(n) {
		p.t.Errorf("%s statements, want %d", got, n)
	}
	if got := p.value(`SELECT count(*) FROM cas.attempts WHERE outcome = 'calling' OR finished_at IS NULL`); got != "0" {
		p.t.Errorf("%s attempts are open", got)
	}
	var lost int
	if _, err := fmt.Sscan(p.value(`SELECT count(*) FROM cas.attempts WHERE outcome IN ('unknown', 'lost')`), &lost); err != nil {
		p.t.Fatal(err)
	}
	if got := p.api.Totals().Billed; got < n || got > n+lost {
		p.t.Errorf("%d calls billed for %d documents and %d attempts without an answer", got, n, lost)
	}
	if got := p.value(`SELECT count(*) FROM cas.attempts WHERE outcome = 'answered'`); got != fmt.Sprint(n) {
		p.t.Errorf("%s attempts were answered, want %d", got, n)
	}
}

// TestChaos_KilledWorkers kills workers in the midst of their work, over and over.
func TestChaos_KilledWorkers(t *testing.T) {
	t.Parallel()
	const documents = 150
	p := newPipeline(t, sandbox.Config{Credits: -1, Latency: 20 * time.Millisecond})
	p.putSamples(samples.Options{Investors: documents, Seed: 43})
	p.scan("in/")
	for round := range *rounds {
		begun := p.api.Totals().Calls
		kill := p.workerProcess("--concurrency", "8", "--api-timeout", "5s")
		if err := p.api.AwaitCalls(t.Context(), min(begun+9+7*round%5, documents)); err != nil {
			t.Fatal(err)
		}
		kill()
	}
	p.drain("--api-timeout", "5s")
	p.accounted(documents)
}

// TestChaos_PostgresAndWorker: answers that arrive while Postgres is away outlive
// even their worker.
func TestChaos_PostgresAndWorker(t *testing.T) {
	t.Parallel()
	const underWay = 6
	postgres, p := newFragilePostgres(t)
	all := p.putSamples(samples.Options{Investors: 12, Seed: 47})
	p.scan("in/")
	release := p.api.Hold()
	defer release()
	kill := p.workerProcess("--concurrency", fmt.Sprint(underWay), "--api-timeout", "10s")
	if err := p.api.AwaitCalls(t.Context(), underWay); err != nil {
		t.Fatal(err)
	}
	if err := postgres.Kill(); err != nil {
		t.Fatal(err)
	}
	release()
	p.await("parked answers", func() bool { return len(p.parked()) == underWay })
	for _, key := range p.parked() {
		text, err := p.redis.Get(t.Context(), key).Result()
		if err != nil || strings.Contains(text, "investor") {
			t.Errorf("what is parked is not sealed (%v)", err)
		}
	}
	kill()
	if err := postgres.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.drain("--api-timeout", "10s")
	p.accounted(len(all))
	if got := p.api.Totals(); got.Calls != len(all) || got.Billed != len(all) {
		t.Errorf("calls %+v, want one for each of %d documents", got, len(all))
	}
	if got := p.parked(); len(got) != 0 {
		t.Errorf("still parked: %v", got)
	}
}

// TestChaos_PostgresRestarts: a worker lives through Postgres' crashes.
func TestChaos_PostgresRestarts(t *testing.T) {
	t.Parallel()
	const documents = 100
	postgres, p := newFragilePostgres(t)
	p.putSamples(samples.Options{Investors: documents, Seed: 53})
	p.scan("in/")
	stop := p.startWorker("--concurrency", "8")
	defer stop()
	for round := range *rounds {
		if err := p.api.AwaitCalls(t.Context(), min(8+16*round, documents)); err != nil {
			t.Fatal(err)
		}
		if err := postgres.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := postgres.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	p.awaitParsed(documents)
	p.accounted(documents)
	if got := p.api.Totals().Billed; got != documents {
		t.Errorf("%d calls billed, want %d: no answer may be lost", got, documents)
	}
}

// TestChaos_RedisLosesEverything: Redis is disposable.
func TestChaos_RedisLosesEverything(t *testing.T) {
	t.Parallel()
	const documents = 80
	server, err := devstack.StartRedis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	_, database := storagetest.NewURL(t)
	p := newPipelineOn(t, sandbox.Config{Credits: -1, Latency: 20 * time.Millisecond}, database, server.URL)
	p.putSamples(samples.Options{Investors: documents, Seed: 59})
	p.scan("in/")
	stop := p.startWorker("--concurrency", "8")
	defer stop()
	for round := range *rounds {
		if err := p.api.AwaitCalls(t.Context(), min(8+12*round, documents)); err != nil {
			t.Fatal(err)
		}
		if round%2 == 0 {
			if err := p.redis.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	p.awaitParsed(documents)
	p.accounted(documents)
	if got := p.api.Totals().Billed; got != documents {
		t.Errorf("%d calls billed, want %d", got, documents)
	}
}

// newFragilePostgres is a pipeline on a Postgres of its own.
func newFragilePostgres(t *testing.T) (*devstack.Postgres, *pipeline) {
	t.Helper()
	postgres, err := devstack.StartPostgres(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = postgres.Stop() })
	migrator, err := migrations.Open(postgres.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = migrator.Close() }()
	if _, err := migrator.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	return postgres, newPipelineOn(t, sandbox.Config{Credits: -1, Latency: 20 * time.Millisecond}, postgres.URL, newRedisURL(t))
}

// parked are the keys of answers that wait for Postgres.
func (p *pipeline) parked() []string {
	p.t.Helper()
	keys, err := p.redis.Keys(p.t.Context(), "casflow:parked:*").Result()
	if err != nil && err != redis.Nil { //nolint:errorlint // go-redis returns it as it is
		p.t.Fatal(err)
	}
	return keys
}
