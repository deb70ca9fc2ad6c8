package main

import (
	"testing"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/samples"
	"casflow/internal/storage/storagetest"
)

// TestPipeline_AnswerRetention: raw answers that are old are emptied, those of dead
// documents are kept, and the same bytes are not paid for again all the same.
func TestPipeline_AnswerRetention(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 3, Seed: 67})
	p.scan("in/")
	p.drain()
	if got := p.value(`SELECT count(*) FROM cas.answers WHERE pg_column_size(body) < octet_length(body)`); got != p.value(`SELECT count(*) FROM cas.documents`) {
		t.Errorf("%s answers are compressed, want all", got)
	}
	rows := p.value(`SELECT count(*) FROM cas.transactions`)
	storagetest.Rows(t, p.url, `UPDATE cas.answers SET received_at = received_at - interval '2 days'`)
	storagetest.Rows(t, p.url, `
UPDATE cas.answers SET received_at = now() WHERE document_id = (SELECT document_id FROM cas.documents WHERE object_key = $1)`, all[1].key)
	storagetest.Rows(t, p.url, `UPDATE cas.documents SET status = 'dead' WHERE object_key = $1`, all[2].key)
	kept := func() string {
		return p.value(`SELECT coalesce(string_agg(object_key, ' ' ORDER BY object_key), '') FROM cas.answers JOIN cas.documents USING (document_id) WHERE body <> ''`)
	}
	stop := p.startWorker("--answer-retention", "24h")
	p.await("forgotten answers", func() bool { return kept() == all[1].key+" "+all[2].key || kept() == all[2].key+" "+all[1].key })
	stop()

	calls := p.api.Totals().Calls
	for _, s := range all {
		p.put("copies/"+s.Filename, s.pdf, s.Password)
	}
	p.scan("copies/")
	p.drain()
	if got := p.api.Totals().Calls; got != calls {
		t.Errorf("%d calls for copies, want none", got-calls)
	}
	same := p.value(`
SELECT count(*) FROM cas.documents c JOIN cas.documents o ON o.sha256 = c.sha256 AND o.object_key LIKE 'in/%'
WHERE c.object_key LIKE 'copies/%' AND c.status = 'parsed' AND c.sealed_passwords IS NULL
  AND (c.pan, c.period_from, c.period_to, c.cas_type) = (o.pan, o.period_from, o.period_to, o.cas_type)`)
	if want := p.value(`SELECT count(*) FROM cas.documents WHERE object_key LIKE 'in/%'`); same != want {
		t.Errorf("%s copies parsed like the first, want %s", same, want)
	}
	if got := p.value(`SELECT count(*) FROM cas.transactions`); got != rows {
		t.Errorf("%s transactions, want the %s as before", got, rows)
	}
}
