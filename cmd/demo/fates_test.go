package main

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/samples"
)

// status is a fault that answers with a status, times calls long.
func status(code, times int) sandbox.Fault { return sandbox.Fault{Status: code, Times: times} }

// TestPipeline_MixedFates runs both programs over more than 300 documents, and
// holds each one's end, its calls, its credits and its rows against what is known
// of it.
func TestPipeline_MixedFates(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putAll(func(yield func(*samples.Sample) bool) {
		for s := range samples.Generate(moderate(samples.Options{Investors: 101, Months: 3, Seed: 7})) {
			if s.PeriodFrom != "2025-04-01" { // some have a password of their own
				s.Password = "sesame" + s.Filename[len("investor-"):len("investor-0001_2025-04")]
			}
			if !yield(s) {
				return
			}
		}
	})
	want := make(map[string]fate)
	parsed := make(map[string]sample) // by key
	for _, s := range all {
		want[s.key] = fate{Status: "parsed", Attempts: 1}
		parsed[s.key] = s
	}
	// What follows gives the first samples other fates.
	next := 0
	take := func(end fate) sample {
		s := all[next]
		next++
		want[s.key] = end
		if end.Status != "parsed" {
			delete(parsed, s.key)
		}
		return s
	}
	ok := func(attempts int) fate { return fate{Status: "parsed", Attempts: attempts} }
	dead := func(reason, code string, attempts int) fate {
		return fate{Status: "dead", Reason: reason, HTTPStatus: code, Attempts: attempts}
	}
	fails := func(end fate, faults ...sandbox.Fault) { p.api.FailDocument(take(end).sum, faults...) }

	// Troubles that pass.
	fails(ok(3), status(500, 2))
	fails(ok(2), status(503, 1))
	fails(ok(4), status(502, 1), status(504, 1), sandbox.Fault{Cut: true})
	fails(ok(2), sandbox.Fault{Status: 502, Body: "<html>Bad gateway</html>"})
	fails(ok(2), sandbox.Fault{Status: 200, Body: "<html>Please wait</html>"})
	fails(ok(2), sandbox.Fault{Status: 200, Body: `{"meta":{"cas_type":"CDSL"`})
	fails(ok(2), sandbox.Fault{Status: 429, Header: http.Header{"Retry-After": {"1"}}})
	fails(ok(2), status(413, 1)) // by upload; by link it passes
	// A key or a balance that is refused, though a probe finds the account well: such
	// documents come back by themselves.
	fails(ok(2), status(401, 1))
	fails(ok(2), status(402, 1))
	// Those that do not.
	fails(dead("retries_exhausted", "500", 4), status(500, -1))
	fails(dead("bad_request", "400", 1), status(400, 1))
	fails(dead("forbidden", "403", 1), status(403, 1))
	fails(dead("unprocessable", "422", 1), status(422, 1))
	fails(dead("unprocessable", "200", 1), sandbox.Fault{Status: 200, Body: `{"status":"failed","msg":"Unsupported file"}`})
	fails(dead("bad_answer", "200", 1), sandbox.Fault{Status: 200, Body: `{"hello":"world"}`})
	fails(dead("bad_answer", "200", 1), sandbox.Fault{Status: 200, Body: `{"meta":{},"investor":{"pan":"ZZZPZ0000Z"}}`})
	fails(dead("missing_pan", "200", 1), sandbox.Fault{Status: 200, Body: `{"meta":{"statement_period":{"to":"2025-04-30"}},"investor":{"name":"Minor"}}`})
	// Passwords.
	takeWithPasswords := func(end fate, passwords ...string) {
		s := take(end)
		for i := range p.passwords {
			if p.passwords[i][0] == s.key {
				p.passwords[i][1] = "" // the manifest's own row has none
			}
		}
		for _, password := range passwords {
			if password == "right" {
				password = s.Password
			}
			p.passwords = append(p.passwords, []string{s.key, password})
		}
	}
	takeWithPasswords(ok(1), "wrong-one", "wrong-two", "right") // found out before the call
	takeWithPasswords(dead("wrong_password", "", 0), "wrong-one", "wrong-two")
	takeWithPasswords(dead("wrong_password", "", 0))
	// No PDFs, and objects that are not what was listed.
	for key, content := range map[string]struct {
		body []byte
		end  fate
	}{
		"in/page.pdf":      {[]byte("<html></html>"), dead("not_a_pdf", "", 0)},
		"in/empty.pdf":     {nil, dead("not_a_pdf", "", 0)},
		"in/torn.pdf":      {[]byte("%PDF-1.7\nand no more"), dead("not_a_pdf", "400", 1)},
		"in/huge.pdf":      {append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("x"), 10<<20)...), dead("too_large", "", 0)},
		"in/deleted.pdf":   {[]byte("%PDF-1.7\nsoon gone"), dead("object_missing", "", 0)},
		"in/rewritten.pdf": {[]byte("%PDF-1.7\nsoon another"), dead("object_changed", "", 0)},
	} {
		p.put(key, content.body, "any-password")
		want[key] = content.end
	}
	if len(want) < 300 {
		t.Fatalf("only %d documents", len(want))
	}

	p.scan("in/")
	p.put("in/rewritten.pdf", []byte("%PDF-1.7\nanother"))
	p.remove("in/deleted.pdf")
	p.drain("--max-attempts", "4", "--probe-interval", "1s")

	if diff := cmp.Diff(want, p.fates()); diff != "" {
		t.Errorf("fates (-want +got):\n%s", diff)
	}
	for key, s := range parsed {
		if got := p.api.Document(s.sum); got.Billed != 1 {
			t.Errorf("%s: billed %d times, want once", key, got.Billed)
		}
	}
	if got := p.api.Totals().Billed; got != len(parsed) {
		t.Errorf("%d calls billed, want one for each of %d statements", got, len(parsed))
	}
	if got, want := p.value(`SELECT sum(credits) FROM cas.attempts`), fmt.Sprintf("%d.0", len(parsed)); got != want {
		t.Errorf("credits in the ledger: %s, want %s", got, want)
	}
	if got := p.value(`SELECT count(*) FROM cas.attempts WHERE finished_at IS NULL OR outcome = 'calling'`); got != "0" {
		t.Errorf("%s attempts are open", got)
	}
	if got := p.value(`SELECT count(*) FROM cas.documents WHERE status = 'parsed' AND sealed_passwords IS NOT NULL`); got != "0" {
		t.Errorf("%s parsed documents still have passwords", got)
	}
	var statements []*samples.Statement
	for _, s := range parsed {
		statements = append(statements, s.Statement)
	}
	p.rowsEqual(statements, 1)
	p.archived(want)
}
