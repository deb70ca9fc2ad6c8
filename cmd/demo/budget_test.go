package main

import (
	"testing"
	"time"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/samples"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestPipeline_BatchBudget: a batch costs what it may and not a credit more; with a
// raised cap the rest of it goes on by itself.
func TestPipeline_BatchBudget(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 20, Seed: 43})
	p.scan("in/", "--batch", "may", "--max-credits", "5")
	stop := p.startWorker()
	defer stop()
	p.await("a used-up budget", func() bool { return p.counts() == "parsed 5, pending 15" })
	if got := p.api.Totals(); got.Billed != 5 || got.Calls != 5 {
		t.Errorf("calls %+v, want 5, all of them billed", got)
	}
	// Others go on meanwhile, the rest of the batch does not with them.
	for other := range samples.Generate(samples.Options{Investors: 1, Seed: 44, MinBytes: 20_000, MaxBytes: 60_000}) {
		pdf, err := other.PDF()
		if err != nil {
			t.Fatal(err)
		}
		p.put("other/a.pdf", pdf, other.Password)
	}
	p.scan("other/")
	p.await("a document of no batch", func() bool { return p.counts() == "parsed 6, pending 15" })
	if got := p.api.Totals().Calls; got != 6 {
		t.Errorf("%d calls, want one more", got)
	}
	p.scan("in/", "--batch", "may", "--max-credits", "20")
	p.awaitParsed(21)
	for _, s := range all {
		if got := p.api.Document(s.sum); got.Billed != 1 || got.Calls != 1 {
			t.Errorf("%s: %+v, want one call", s.key, got)
		}
	}
	got := storagetest.Rows(t, p.url, `SELECT total, max_credits, calls + (SELECT coalesce(sum(h.calls), 0) FROM cas.call_changes h WHERE h.batch = b.batch) FROM cas.batches b`)
	if len(got) != 1 || got[0][0] != "20" || got[0][1] != "20" || got[0][2] != "20" {
		t.Errorf("batch %v, want 20 of 20 of 20", got)
	}
}

// TestPipeline_DailyBudget: failures cost nothing, the floor is left to interactive,
// and the next day bulk goes on.
func TestPipeline_DailyBudget(t *testing.T) {
	t.Parallel()
	// By Postgres' clock it is noon in India, so that no day begins meanwhile.
	now := time.Now().UTC()
	p := newPipelineOn(t, sandbox.Config{Credits: -1}, storagetest.Skewed(t, now.Truncate(24*time.Hour).Add(6*time.Hour+30*time.Minute).Sub(now)), newRedisURL(t))
	all := p.putSamples(samples.Options{Investors: 8, Seed: 47})
	for i, s := range all {
		if i%2 == 0 {
			p.api.FailDocument(s.sum, sandbox.Fault{Status: 503}, sandbox.Fault{Status: 503})
		}
	}
	p.scan("in/")
	stop := p.startWorker("--daily-credits", "5", "--interactive-floor", "2")
	defer stop()
	p.await("the floor", func() bool { return p.counts() == "parsed 3, pending 5" })
	waits := p.value(`SELECT object_key FROM cas.documents WHERE status = 'pending' LIMIT 1`)
	storagetest.Rows(t, p.url, `UPDATE cas.documents SET queue = $1 WHERE object_key = $2`, storage.QueueInteractive, waits)
	p.await("an interactive document", func() bool { return p.counts() == "parsed 4, pending 4" })
	if got := p.api.Totals(); got.Billed != 4 {
		t.Errorf("calls %+v, want 4 billed", got)
	}
	storagetest.Rows(t, p.url, `WITH h AS (UPDATE cas.call_changes SET day = day - 1) UPDATE cas.budget_days SET day = day - 1`)
	p.await("the next day's floor", func() bool { return p.counts() == "parsed 7, pending 1" })
}
