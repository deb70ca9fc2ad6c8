package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/samples"
	"casflow/internal/storage/storagetest"
)

// TestPipeline_Retries reads in the recorded attempts how each failure was dealt
// with.
func TestPipeline_Retries(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 13, Seed: 11})
	html := "<html><body>Gateway trouble</body></html>"
	cases := []struct {
		name     string
		faults   []sandbox.Fault
		outcomes string // of the attempts, in order
		statuses string
		end      string
	}{
		{"400", []sandbox.Fault{status(400, 1)}, "refused", "400", "bad_request"},
		{"401 of a key that is good", []sandbox.Fault{status(401, 1)}, "refused,answered", "401,200", "parsed"},
		{"402 with credits left", []sandbox.Fault{status(402, 1)}, "refused,answered", "402,200", "parsed"},
		{"403 with a good key and credits", []sandbox.Fault{status(403, 1)}, "refused", "403", "forbidden"},
		{"500 heals", []sandbox.Fault{status(500, 3)}, "failed,failed,failed,answered", "500,500,500,200", "parsed"},
		{"502", []sandbox.Fault{{Status: 502, Body: html, Times: -1}}, "unknown,unknown,unknown,unknown,unknown", "502,502,502,502,502", "retries_exhausted"},
		{"503 heals", []sandbox.Fault{status(503, 1)}, "failed,answered", "503,200", "parsed"},
		{"504 heals", []sandbox.Fault{status(504, 1)}, "unknown,answered", "504,200", "parsed"},
		{"reset heals", []sandbox.Fault{{Cut: true, Times: 2}}, "unknown,unknown,answered", ",,200", "parsed"},
		{"timeout heals", []sandbox.Fault{{Delay: time.Hour}}, "unknown,answered", ",200", "parsed"},
		{"timeouts", []sandbox.Fault{{Delay: time.Hour, Times: -1}}, "unknown,unknown,unknown,unknown,unknown", ",,,,", "retries_exhausted"},
		{"cut off", []sandbox.Fault{{Status: 200, Body: `{"meta":{}}` + html, CutAfter: 20}}, "unknown,answered", "200,200", "parsed"},
		{"429", []sandbox.Fault{status(429, 1)}, "throttled,answered", "429,200", "parsed"},
	}
	const attempts = 5
	p.api.SetUsageFault(503) // outcomes stay as they were noted: nothing settles them
	for i, c := range cases {
		if c.name == "429" {
			c.faults[0].Header = map[string][]string{"Retry-After": {"1"}}
		}
		p.api.FailDocument(all[i].sum, c.faults...)
	}
	p.scan("in/")
	base, most := 100*time.Millisecond, 400*time.Millisecond
	p.drain("--api-timeout", "2s", "--max-attempts", strconv.Itoa(attempts), "--backoff-base", base.String(), "--backoff-max", most.String(),
		"--probe-interval", "1s")

	for i, c := range cases {
		rows := storagetest.Rows(t, p.url, `
SELECT string_agg(a.outcome, ',' ORDER BY a.started_at), string_agg(coalesce(a.http_status::text, ''), ',' ORDER BY a.started_at),
       CASE WHEN d.status = 'dead' THEN l.reason ELSE d.status END, d.attempts,
       CASE WHEN d.status = 'dead' THEN (l.request_id = (array_agg(a.request_id ORDER BY a.started_at DESC))[1])::text ELSE '' END
FROM cas.documents d JOIN cas.attempts a USING (document_id) LEFT JOIN cas.dead_letters l USING (document_id)
WHERE d.object_key = '`+all[i].key+`' GROUP BY d.document_id, l.document_id`)
		if len(rows) != 1 {
			t.Errorf("%s: %d rows, want one", c.name, len(rows))
			continue
		}
		counted := 1
		for _, r := range c.outcomes {
			if r == ',' {
				counted++
			}
		}
		if c.name == "429" || strings.HasPrefix(c.outcomes, "refused,") {
			counted-- // not the document's fault; or redriven, with a fresh set of attempts
		}
		named := ""
		if c.end != "parsed" {
			named = "true"
		}
		if got, want := fmt.Sprint(rows[0]), fmt.Sprint([]string{c.outcomes, c.statuses, c.end, strconv.Itoa(counted), named}); got != want {
			t.Errorf("%s: %s, want %s (outcomes, statuses, end, counted attempts, last request named)", c.name, got, want)
		}
	}
	// Each wait was drawn below a ceiling that doubles from the base to the most.
	rows := storagetest.Rows(t, p.url, `
SELECT n, extract(epoch FROM retry_at - finished_at) FROM (
	SELECT retry_at, finished_at, outcome, row_number() OVER (PARTITION BY document_id ORDER BY started_at) AS n FROM cas.attempts) AS a
WHERE retry_at IS NOT NULL AND outcome IN ('failed', 'unknown')`)
	if len(rows) < 15 {
		t.Errorf("only %d waits were recorded", len(rows))
	}
	for _, row := range rows {
		n, err := strconv.Atoi(row[0])
		if err != nil {
			t.Fatal(err)
		}
		wait, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if ceiling := min(most, base<<(n-1)); wait > ceiling.Seconds() {
			t.Errorf("attempt %d was to be followed after %v s, the ceiling is %s", n, wait, ceiling)
		}
	}
}

// TestPipeline_Throttled: what the API throttles is not lost, whatever the count
// of attempts that a document may have.
func TestPipeline_Throttled(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 3, Seed: 13})
	p.api.FailDocument(all[0].sum, sandbox.Fault{Status: 429, Header: map[string][]string{"Retry-After": {"1"}}, Times: 3})
	p.scan("in/")
	p.drain("--max-attempts", "1")
	for _, s := range all {
		if got := p.fates()[s.key]; got.Status != "parsed" {
			t.Errorf("%s: %+v, want parsed", s.key, got)
		}
	}
	if got := p.value(`SELECT count(*) FROM cas.attempts WHERE outcome = 'throttled'`); got != "3" {
		t.Errorf("%s attempts were throttled, want 3", got)
	}
}

// TestPipeline_Redrive: what died of a password comes back with the right one, and
// with a fresh set of attempts.
func TestPipeline_Redrive(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	var all []sample
	for s := range samples.Generate(samples.Options{Investors: 4, Seed: 17, MinBytes: 20_000, MaxBytes: 60_000}) {
		pdf, err := s.PDF()
		if err != nil {
			t.Fatal(err)
		}
		one := sample{Sample: s, key: "in/" + s.Password + ".pdf", pdf: pdf}
		p.put(one.key, pdf, "the-wrong-one")
		p.keepSecretsOf(one)
		all = append(all, one)
	}
	p.scan("in/")
	p.drain()
	for key, got := range p.fates() {
		if got.Reason != "wrong_password" {
			t.Errorf("%s: %+v, want wrong_password", key, got)
		}
	}
	p.enqueuer(p.settings("dead", "redrive", "--reason", "wrong_password", "--password-from", `key:([A-Z]{5}[0-9]{4}[A-Z])\.pdf$`)...)
	p.drain()
	for _, s := range all {
		if got := p.fates()[s.key]; got.Status != "parsed" {
			t.Errorf("%s: %+v, want parsed", s.key, got)
		}
	}
	if archived, err := p.redis.ZCard(t.Context(), "asynq:{bulk}:archived").Result(); err != nil || archived != 0 {
		t.Errorf("%d tasks in asynq's archive, %v, want none: redriven ones are gone from it", archived, err)
	}
}
