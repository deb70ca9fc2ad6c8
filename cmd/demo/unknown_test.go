package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"casflow/cmd/worker/workercli"
	"casflow/internal/casapi/sandbox"
	"casflow/internal/config"
	"casflow/internal/samples"
)

// reconcile runs worker reconcile.
func (p *pipeline) reconcile() string {
	p.t.Helper()
	var out bytes.Buffer
	args := []string{"reconcile", "--database-url", p.url, "--api-base-url", p.apiURL, "--api-key", apiKey}
	if code := workercli.Run(p.t.Context(), args, p.alsoTo(&out), p); code != config.ExitDone {
		p.t.Fatalf("worker reconcile: exit code %d\n%s", code, p.logged())
	}
	return out.String()
}

// lostSuccess is billed, and the caller never learns it.
func lostSuccess() sandbox.Fault { return sandbox.Fault{Delay: time.Hour, Billed: true} }

// TestPipeline_UnknownSettled: before a document is called again after a timeout,
// the usage log tells what became of the first call.
func TestPipeline_UnknownSettled(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 2, Seed: 61})
	p.api.FailDocument(all[0].sum, lostSuccess())
	p.api.FailDocument(all[1].sum, sandbox.Fault{Delay: time.Hour})
	p.scan("in/")
	p.drain("--api-timeout", "2s")
	const attempts = `SELECT string_agg(outcome || ' ' || coalesce(credits::text, '-'), ', ' ORDER BY started_at) FROM cas.attempts
		JOIN cas.documents USING (document_id) WHERE object_key = '`
	if got := p.value(attempts + all[0].key + `'`); got != "lost 1.0, answered 1.0" {
		t.Errorf("attempts after a lost success: %s", got)
	}
	if got := p.value(attempts + all[1].key + `'`); got != "failed 0.0, answered 1.0" {
		t.Errorf("attempts after a call that was not billed: %s", got)
	}
	p.accounted(all)
	if got := p.api.Totals().Billed; got != 3 {
		t.Errorf("%d calls billed, want 3", got)
	}
}

// TestPipeline_UnknownHeld: with CASFLOW_UNKNOWN=hold nothing is called again that
// may have been billed, until the log can say.
func TestPipeline_UnknownHeld(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 1, Seed: 67})
	p.api.FailDocument(all[0].sum, lostSuccess())
	p.api.SetUsageFault(503)
	p.scan("in/")
	p.drain("--api-timeout", "2s", "--unknown", "hold")
	if got := p.fates()[all[0].key]; got.Reason != "retries_exhausted" || got.Attempts != 1 {
		t.Errorf("%+v, want held after one attempt", got)
	}
	if got := p.value(`SELECT message FROM cas.dead_letters`); !strings.Contains(got, "worker reconcile") {
		t.Errorf("message %q does not say what to do", got)
	}
	p.api.SetUsageFault(0)
	if got := p.reconcile(); !strings.HasPrefix(got, "1 attempts of unknown outcome: 1 were billed, 0 were not, of 0 ") {
		t.Errorf("worker reconcile: %s", got)
	}
	p.enqueuer(p.settings("dead", "redrive", "--all")...)
	p.drain("--unknown", "hold")
	p.accounted(all)
}

// TestPipeline_SameBytesAtOnce: of two copies in the same moment one is called for,
// the other waits for its answer.
func TestPipeline_SameBytesAtOnce(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 1, Seed: 71})
	p.put("in/copy.pdf", all[0].pdf, all[0].Password)
	p.scan("in/")
	release := p.api.Hold()
	defer release()
	stop := p.startWorker()
	defer stop()
	if err := p.api.AwaitCalls(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	p.awaitLog("another document with the same bytes is being parsed")
	release()
	p.awaitParsed(2)
	if got := p.api.Totals(); got != (sandbox.Count{Calls: 1, Billed: 1}) {
		t.Errorf("calls %+v, want one", got)
	}
}

// TestPipeline_SameBytesInLine: copies that wait for their permits are not called
// for once the first of them is answered.
func TestPipeline_SameBytesInLine(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 1, Seed: 89})
	for _, name := range []string{"b", "c", "d"} {
		p.put("in/"+name+".pdf", all[0].pdf, all[0].Password)
	}
	p.scan("in/")
	p.drain("--api-rate-per-minute", "120")
	if got := p.counts(); got != "parsed 4" {
		t.Errorf("documents: %s", got)
	}
	if got := p.api.Totals(); got != (sandbox.Count{Calls: 1, Billed: 1}) {
		t.Errorf("calls %+v, want one", got)
	}
}
