package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"casflow/cmd/worker/workercli"
	"casflow/internal/casapi/sandbox"
	"casflow/internal/config"
	"casflow/internal/samples"
	"casflow/internal/storage/objectstore"
	"casflow/internal/storage/storagetest"
)

// everything is all that the database holds, as text, raw answers as they came.
func (p *pipeline) everything() string {
	p.t.Helper()
	return storagetest.Everything(p.t, p.url)
}

// erase runs worker erase and returns its stdout and exit code.
func (p *pipeline) erase(args ...string) (string, int) {
	p.t.Helper()
	var out bytes.Buffer
	code := workercli.Run(p.t.Context(), p.settings(append([]string{"erase"}, args...)...), p.alsoTo(&out), p)
	return out.String(), code
}

// TestPipeline_Erase: after erasing a PAN nothing holds it any more, what is others'
// is still there, and a scan does not bring it back.
func TestPipeline_Erase(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 4, Months: 2, Seed: 61})
	pan, other := all[0].PAN, ""
	theirs := 0
	for _, s := range all {
		if s.PAN == pan {
			theirs++
		} else {
			other = s.PAN
		}
	}
	p.scan("in/", "--batch", "may")
	p.drain()
	// Others know of the PAN too: a joint holder, in whatever spelling; its raw answer;
	// what has no column.
	storagetest.Rows(t, p.url, `
INSERT INTO cas.linked_holders (pan, period_from, period_to, cas_type, holder_kind, account_ordinal, ordinal, name, holder_pan, extra)
SELECT pan, period_from, period_to, cas_type, 'nps', 99, 0, 'Joint', lower($1), jsonb_build_object('note', 'with ' || $1) FROM cas.statements WHERE pan = $2`, pan, other)
	storagetest.Rows(t, p.url, `
UPDATE cas.answers SET body = body || convert_to(' ' || $1 || lower($1), 'UTF8') WHERE document_id = (SELECT document_id FROM cas.documents WHERE pan = $2 LIMIT 1)`, pan, other)
	// Documents that were never parsed: one whose key tells, one whose password does.
	p.put("more/"+strings.ToLower(pan)+".pdf", []byte("%PDF-1.7 nothing"))
	p.put("more/b.pdf", []byte("%PDF-1.7 nothing more"), "x"+pan)
	p.scan("more/")
	p.enqueueRaw("bulk", `{"bucket":"`+p.bucket+`","key":"more/`+pan+`-2.pdf"}`)

	out, code := p.erase("--pan", pan, "--dry-run")
	if want := "would be erased"; code != config.ExitDone || !strings.Contains(out, want) || strings.Contains(out, pan) {
		t.Errorf("dry run: exit code %d, %q, want it to say %q and not the PAN", code, out, want)
	}
	if !strings.Contains(p.everything(), pan) {
		t.Fatal("the database does not hold the PAN even before it is erased")
	}
	statements := p.value(`SELECT count(*) FROM cas.statements WHERE pan <> $1`, pan)
	out, code = p.erase("--pan", strings.ToLower(pan), "--objects", "--by", "the officer for "+pan)
	if code != config.ExitDone {
		t.Fatalf("exit code %d\n%s", code, p.logged())
	}
	for place, text := range map[string]string{"database": p.everything(), "Redis": p.dump(t.Context()), "output": out + p.logged()} {
		if at := strings.Index(strings.ToUpper(text), pan); at >= 0 {
			t.Errorf("the %s still holds the PAN: ...%s", place, strings.ReplaceAll(text[max(0, at-80):at], pan, "PAN"))
		}
	}
	for page, err := range p.store.List(t.Context(), p.bucket, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range page {
			for _, s := range all {
				if s.key == object.Key && s.PAN == pan {
					t.Errorf("%s is still in S3", s.key)
				}
			}
		}
	}
	if got := p.value(`SELECT count(*) FROM cas.statements`); got != statements || got == "0" {
		t.Errorf("%s statements, want the %s of others", got, statements)
	}
	want := fmt.Sprintf("%d %d true true the officer for %s*******%s", theirs+2, theirs+2, pan[:2], pan[9:])
	if got := p.value(`SELECT documents || ' ' || objects || ' ' || (rows > 0) || ' ' || (masked >= 2) || ' ' || erased_by FROM cas.erasures`); got != want {
		t.Errorf("audit row %q, want %q", got, want)
	}

	// Somebody puts the same PDF back: a scan leaves it out.
	p.put(all[0].key, all[0].pdf, all[0].Password)
	before := p.api.Totals().Calls
	p.scan("in/")
	p.drain()
	if got := p.api.Totals().Calls; got != before || strings.Contains(p.everything(), pan) {
		t.Errorf("%d calls more, want the erased document left alone", got-before)
	}
	if _, err := p.store.Head(t.Context(), objectstore.Ref{Bucket: p.bucket, Key: all[0].key}); err != nil {
		t.Errorf("the object that was put back: %v", err)
	}
}
