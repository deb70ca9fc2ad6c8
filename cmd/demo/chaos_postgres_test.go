package main

import (
	"fmt"
	"testing"
	"time"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/devstack"
	"casflow/internal/samples"
)

// newFragilePostgres is a pipeline on a Postgres of its own.
func newFragilePostgres(t *testing.T) (*devstack.Postgres, *pipeline) {
	t.Helper()
	postgres := ownPostgres(t)
	return postgres, newPipelineOn(t, sandbox.Config{Credits: -1, Latency: 20 * time.Millisecond}, postgres.URL, newRedisURL(t))
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
	worker := p.workerProcess("--concurrency", fmt.Sprint(underWay), "--api-timeout", "10s")
	if err := p.api.AwaitCalls(t.Context(), underWay); err != nil {
		t.Fatal(err)
	}
	if err := postgres.Kill(); err != nil {
		t.Fatal(err)
	}
	release()
	p.awaitParked(underWay)
	worker.kill()
	if err := postgres.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.drain("--api-timeout", "10s")
	p.accounted(all)
	p.calledOnce(all)
	if got := p.parked(); len(got) != 0 {
		t.Errorf("still parked: %v", got)
	}
}

// TestChaos_PostgresRestarts: a worker lives through Postgres' crashes.
func TestChaos_PostgresRestarts(t *testing.T) {
	t.Parallel()
	postgres, p := newFragilePostgres(t)
	all := p.putSamples(samples.Options{Investors: max(60, 18**rounds), Seed: 53})
	p.scan("in/")
	stop := p.startWorker("--concurrency", "8")
	defer stop()
	for round := range *rounds {
		if err := p.api.AwaitCalls(t.Context(), 8+16*round); err != nil {
			t.Fatal(err)
		}
		if err := postgres.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := postgres.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	p.awaitParsed(len(all))
	p.accounted(all)
	p.calledOnce(all)
}

// TestChaos_PostgresAway: a Postgres that is stopped, or that hangs, in the midst
// of the work costs no call, however long: what was answered waits for it, and
// nothing else is called for.
func TestChaos_PostgresAway(t *testing.T) {
	t.Parallel()
	for name, outage := range map[string]func(*postmaster, *devstack.Postgres) (end func()){
		"Stopped": (*postmaster).shutDown,
		"Hanging": (*postmaster).freeze,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const underWay = 6
			postgres, p := newFragilePostgres(t)
			all := p.putSamples(samples.Options{Investors: 40, Seed: 101})
			p.scan("in/")
			stop := p.startWorker("--concurrency", fmt.Sprint(underWay))
			defer stop()
			if err := p.api.AwaitCalls(t.Context(), 10); err != nil {
				t.Fatal(err)
			}
			release := p.api.Hold()
			defer release()
			p.await("calls under way", func() bool { return p.underWay() == underWay })
			calls := p.api.Totals().Calls

			over := time.After(size(0, 30*time.Second))
			end := outage(postmasterOf(t, postgres), postgres)
			release()
			p.awaitParked(underWay)
			<-over
			if got := p.api.Totals().Calls; got != calls {
				t.Errorf("%d calls were begun without a ledger", got-calls)
			}
			end()
			p.awaitParsed(len(all))
			p.accounted(all)
			p.calledOnce(all)
		})
	}
}
