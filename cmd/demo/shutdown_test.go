package main

import (
	"context"
	"testing"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/config"
	"casflow/internal/samples"
)

// TestPipeline_Shutdown ends a worker while calls are under way: each of them is
// saved, no other is begun, and the next worker makes none of them again.
func TestPipeline_Shutdown(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 20, Seed: 19})
	p.scan("in/")

	const underWay = 8
	release := p.api.Hold()
	defer release()
	ctx, sigterm := context.WithCancel(t.Context()) // what main makes of the signal
	ended := make(chan int, 1)
	go func() { ended <- p.worker(ctx, "--concurrency", "8") }()
	if err := p.api.AwaitCalls(t.Context(), underWay); err != nil {
		t.Fatal(err)
	}
	sigterm()
	p.awaitLog("worker stops")
	release()
	if code := <-ended; code != config.ExitDone {
		t.Errorf("exit code %d, want 0: it was told to stop", code)
	}
	if got := p.api.Totals(); got.Calls != underWay || got.Billed != underWay {
		t.Errorf("calls %+v, want the %d under way and no more", got, underWay)
	}
	if got := p.value(`SELECT count(*) FROM cas.documents WHERE status = 'parsed'`); got != "8" {
		t.Errorf("%s documents are parsed, want the 8 whose calls were under way", got)
	}
	if got := p.value(`SELECT count(*) FROM cas.documents WHERE status NOT IN ('parsed', 'pending', 'queued')`); got != "0" {
		t.Errorf("%s documents are left in between", got)
	}

	p.drain()
	for _, s := range all {
		if got := p.api.Document(s.sum); got != (sandbox.Count{Calls: 1, Billed: 1}) {
			t.Errorf("%s: %+v, want one call", s.key, got)
		}
	}
	if got := p.fates(); len(got) != len(all) {
		t.Errorf("%d documents, want %d", len(got), len(all))
	}
	for key, got := range p.fates() {
		if got.Status != "parsed" {
			t.Errorf("%s: %+v, want parsed", key, got)
		}
	}
}

// TestPipeline_DrainInterrupted: whoever waits for a drain learns that it was not
// finished.
func TestPipeline_DrainInterrupted(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	p.putSamples(samples.Options{Investors: 2, Seed: 23})
	p.scan("in/")
	release := p.api.Hold()
	defer release()
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- p.worker(ctx, "--drain", "--concurrency", "1") }()
	if err := p.api.AwaitCalls(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	interrupt()
	p.awaitLog("worker stops")
	release()
	if code := <-ended; code != config.ExitInterrupted {
		t.Errorf("exit code %d, want %d", code, config.ExitInterrupted)
	}
	p.drain("--fail-on-dead")
}

// TestPipeline_FailOnDead: cron learns by the exit code that something is dead.
func TestPipeline_FailOnDead(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	p.put("in/none.pdf", []byte("no PDF"))
	p.scan("in/")
	if code := p.worker(t.Context(), "--drain", "--fail-on-dead"); code != config.ExitDead {
		t.Errorf("exit code %d, want %d", code, config.ExitDead)
	}
}

// TestPipeline_StoppedAtStart: a worker that is told to stop before it has begun
// has done its duty, but not one that was to drain.
func TestPipeline_StoppedAtStart(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if code := p.worker(ctx); code != config.ExitDone {
		t.Errorf("exit code %d, want 0", code)
	}
	if code := p.worker(ctx, "--drain"); code != config.ExitInterrupted {
		t.Errorf("exit code %d with --drain, want %d", code, config.ExitInterrupted)
	}
}
