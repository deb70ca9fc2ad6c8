package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/samples"
)

// TestChaos_KilledWorkers kills workers at random moments, over and over.
func TestChaos_KilledWorkers(t *testing.T) {
	t.Parallel()
	p, all := struck(t, 43, "5s", (*process).kill)
	p.accounted(all)
}

// TestChaos_TerminatedWorkers ends workers in good order at random moments: not
// one call is made again.
func TestChaos_TerminatedWorkers(t *testing.T) {
	t.Parallel()
	p, all := struck(t, 97, "2m", (*process).terminate) // no call may time out on a slow machine
	p.accounted(all)
	p.calledOnce(all)
}

// struck runs one worker after the other, strikes each at a random moment, and
// lets a last one finish what they left.
func struck(t *testing.T, seed uint64, timeout string, strike func(*process)) (*pipeline, []sample) {
	t.Helper()
	p := newPipeline(t, sandbox.Config{Credits: -1, Latency: 20 * time.Millisecond})
	all := p.putSamples(samples.Options{Investors: 25 * *rounds, Seed: seed})
	p.scan("in/")
	for range *rounds {
		worker := p.workerProcess("--concurrency", "8", "--api-timeout", timeout)
		p.awaitMoment(len(all))
		strike(worker)
	}
	p.drain("--api-timeout", timeout)
	return p, all
}

// awaitMoment waits until a worker has begun some more calls, of n documents in
// all, and then up to 60 ms: that is enough for a document to go all its way.
func (p *pipeline) awaitMoment(n int) {
	p.t.Helper()
	if err := p.api.AwaitCalls(p.t.Context(), min(p.api.Totals().Calls+1+rand.IntN(10), n)); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-time.After(time.Duration(rand.IntN(60)) * time.Millisecond):
	case <-p.t.Context().Done():
	}
}
