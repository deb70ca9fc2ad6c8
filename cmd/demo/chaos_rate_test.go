package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/samples"
	"casflow/internal/storage/storagetest"
)

// TestChaos_Rate: three workers on one key do not exceed the permitted rate, and, at
// full size, use it, and an interactive document goes ahead of what they have to do.
// These two depend on a machine that has time, as in make chaos; TestLimiter_Rate and
// TestLimiter_InteractiveSoon show them by a clock of their own.
func TestChaos_Rate(t *testing.T) {
	t.Parallel()
	const (
		perMinute = 600
		interval  = time.Minute / perMinute
		urgent    = 9
		warm      = 30 // calls at the start and at the end, when not all workers are at it
	)
	p := newPipeline(t, sandbox.Config{Credits: -1, RatePerMinute: perMinute, Latency: 5 * time.Millisecond})
	all := p.putSamples(samples.Options{Investors: size(200, 900), Seed: 109})
	bulk, now := all[urgent:], all[:urgent]
	for i, s := range now {
		p.remove(s.key)
		now[i].key = fmt.Sprintf("now/%d-%s.pdf", i, s.Password)
		p.put(now[i].key, s.pdf)
	}
	p.scan("in/")
	var workers []*process
	for range 3 {
		workers = append(workers, p.workerProcess("--concurrency", "8", "--api-rate-per-minute", fmt.Sprint(perMinute)))
	}
	between := (len(bulk) - 2*warm) / urgent
	for i, s := range now {
		if err := p.api.AwaitCalls(t.Context(), warm+i*between); err != nil {
			t.Fatal(err)
		}
		p.enqueuer(p.settings("submit", "s3://"+p.bucket+"/"+s.key, "--password-from", `key:([A-Z]{5}[0-9]{4}[A-Z])\.pdf$`)...)
	}
	p.awaitParsed(len(all))
	for _, worker := range workers {
		worker.terminate()
	}
	p.accounted(all)
	p.calledOnce(all)

	calls := p.api.Calls()
	if got := len(p.answeredWith(http.StatusTooManyRequests)); got != 0 {
		t.Errorf("%d calls were refused, want none: the API permits %d in any minute", got, perMinute)
	}
	waits, ids := p.permitWaits(), make(map[string]string)
	for _, row := range storagetest.Rows(t, p.url, `SELECT object_key, document_id FROM cas.documents`) {
		ids[row[0]] = row[1]
		if _, known := waits[row[1]]; !known {
			t.Errorf("the log does not tell how long document %s waited", row[1])
		}
	}
	if !*full {
		return
	}
	for i := range calls {
		for j := range i {
			// Ten calls are what uneven ways through a busy machine may add up to.
			if soon := time.Duration(i-j)*interval - calls[i].At.Sub(calls[j].At); soon > 10*interval {
				t.Fatalf("calls %d to %d came %s sooner than the rate permits", j, i, soon)
			}
		}
	}
	loaded := calls[warm : len(bulk)-warm]
	took := loaded[len(loaded)-1].At.Sub(loaded[0].At)
	if used := float64(len(loaded)-1) * float64(interval) / float64(took); used < 0.97 {
		t.Errorf("%.1f %% of the permitted rate was used while documents waited for it, want 97 %% at least", 100*used)
	}

	passed := 0
	for _, s := range now {
		wait := waits[ids[s.key]]
		others, at := 0, time.Time{}
		for _, call := range calls {
			if call.SHA256 == s.sum {
				at = call.At
			}
		}
		for _, call := range calls {
			if call.At.Before(at) && call.At.After(at.Add(-wait)) {
				others++
			}
		}
		if others <= 2 {
			passed++
		}
	}
	if passed < urgent-1 { // one may have met a busy moment of this machine
		t.Errorf("%d of %d interactive documents waited for two other calls at most", passed, urgent)
	}
}

// permitWaits tells how long each document that was parsed had waited for its
// permit, as the log has it.
func (p *pipeline) permitWaits() map[string]time.Duration {
	p.t.Helper()
	waits := make(map[string]time.Duration)
	for line := range strings.Lines(p.logged()) {
		var parsed struct {
			Msg        string `json:"msg"`
			DocumentID string `json:"document_id"`
			Stages     struct {
				Wait string `json:"wait"`
			} `json:"stages"`
		}
		if !strings.Contains(line, "document parsed") {
			continue
		}
		if err := json.Unmarshal([]byte(line), &parsed); err != nil {
			p.t.Fatalf("%v: %s", err, line)
		}
		wait, err := time.ParseDuration(parsed.Stages.Wait)
		if err != nil {
			p.t.Fatalf("%v: %s", err, line)
		}
		waits[parsed.DocumentID] = wait
	}
	return waits
}
