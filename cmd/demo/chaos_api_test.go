package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/jobs"
	"casflow/internal/samples"
)

// limiter is what the workers of this pipeline share.
func (p *pipeline) limiter() jobs.LimiterState {
	p.t.Helper()
	state, err := jobs.NewLimiter(p.redis, apiKey, 0, time.Minute).State(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return state
}

// answeredWith are the calls that were answered with a status, in order of arrival.
func (p *pipeline) answeredWith(status int) []sandbox.Call {
	var calls []sandbox.Call
	for _, call := range p.api.Calls() {
		if call.Status == status {
			calls = append(calls, call)
		}
	}
	return calls
}

func always(sandbox.Call) bool { return true }

// TestChaos_APIDown: while the API is down a few documents lose an attempt, and
// not the whole backlog: one call at a time finds out when it is back.
func TestChaos_APIDown(t *testing.T) {
	t.Parallel()
	const atOnce = 8
	// The breaker opens when 80 % of the last 20 calls have failed. The other calls
	// under way fail as well.
	const beforeOpen = 16 + atOnce
	p := newPipeline(t, sandbox.Config{Credits: -1, Latency: 5 * time.Millisecond})
	all := p.putSamples(samples.Options{Investors: 120, Seed: 103})
	p.scan("in/")
	stop := p.startWorker("--concurrency", fmt.Sprint(atOnce))
	defer stop()
	if err := p.api.AwaitCalls(t.Context(), 20); err != nil {
		t.Fatal(err)
	}
	p.api.SetUsageFault(http.StatusServiceUnavailable)
	p.api.FailWhen(always, status(http.StatusServiceUnavailable, -1))
	over := time.After(size(0, 2*time.Minute))
	p.await("an open breaker", func() bool { return p.limiter().BreakerOpen })
	p.await("the calls under way", func() bool { return p.underWay() == 0 })
	open := p.api.Totals().Calls
	if err := p.api.AwaitCalls(t.Context(), open+2); err != nil {
		t.Fatal(err)
	}
	<-over
	// One after 1, 2, 4, 8, 16, 32 and 60 seconds: no more in two minutes.
	probes := p.api.Totals().Calls - open
	if *full && probes > 7 {
		t.Errorf("%d calls in two minutes in which the API was known to be down, want 7 at most", probes)
	}
	p.api.ClearFaults()
	p.api.SetUsageFault(0)
	p.awaitParsed(len(all))
	if got := len(p.answeredWith(http.StatusServiceUnavailable)); got > beforeOpen+probes+1 {
		t.Errorf("%d attempts were burnt, want %d before the breaker opened at most, and %d probes", got, beforeOpen, probes)
	}
	p.accounted(all)
}

// TestChaos_Throttled: a stretch of 429s holds the fleet each time, for as long as
// the API says or a minute, and costs no document an attempt.
func TestChaos_Throttled(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		header http.Header
		hold   time.Duration
		bursts int
	}{
		"RetryAfter": {http.Header{"Retry-After": {"1"}}, time.Second, size(3, 30)},
		"Unsaid":     {nil, time.Minute, size(1, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const atOnce = 8
			p := newPipeline(t, sandbox.Config{Credits: -1, Latency: 5 * time.Millisecond})
			all := p.putSamples(samples.Options{Investors: 60, Seed: 107})
			p.scan("in/")
			stop := p.startWorker("--concurrency", fmt.Sprint(atOnce), "--max-attempts", "1", "--api-rate-per-minute", "6000")
			defer stop()
			if err := p.api.AwaitCalls(t.Context(), 10); err != nil {
				t.Fatal(err)
			}
			p.api.FailWhen(always, sandbox.Fault{Status: http.StatusTooManyRequests, Header: test.header, Times: -1})
			for burst := range test.bursts {
				p.await("a fleet that is held", func() bool {
					return len(p.answeredWith(http.StatusTooManyRequests)) > burst*atOnce && p.limiter().HeldFor > 0
				})
			}
			if got := p.limiter(); got.HeldFor > test.hold || got.Percent == 100 {
				t.Errorf("limiter %+v, want it held for %s at most, and eased", got, test.hold)
			}
			p.api.ClearFaults()
			p.awaitParsed(len(all))
			p.accounted(all)
			if got := p.value(`SELECT count(*) FROM cas.documents WHERE attempts <> 1`); got != "0" {
				t.Errorf("%s documents have not one attempt: a 429 counts for none", got)
			}
			// Of atOnce+1 calls two were made by the same slot of the worker, the later
			// one after the hold that came of the earlier one.
			throttled := p.answeredWith(http.StatusTooManyRequests)
			for i := atOnce; i < len(throttled); i++ {
				if gap := throttled[i].At.Sub(throttled[i-atOnce].At); gap < test.hold {
					t.Errorf("call %d was refused %s after call %d, in spite of a hold of %s", i, gap, i-atOnce, test.hold)
				}
			}
		})
	}
}
