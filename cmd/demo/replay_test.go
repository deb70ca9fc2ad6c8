package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/cmd/worker/workercli"
	"casflow/internal/casapi/sandbox"
	"casflow/internal/config"
	"casflow/internal/samples"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// replay runs worker replay and returns its stdout and exit code.
func (p *pipeline) replay(args ...string) (string, int) {
	p.t.Helper()
	var out bytes.Buffer
	code := workercli.Run(p.t.Context(), append([]string{"replay", "--database-url", p.url}, args...), p.alsoTo(&out), p)
	return out.String(), code
}

// rowsOf are the rows of tables, without when a decision was noted.
func (p *pipeline) rowsOf(tables []string) map[string][][]string {
	p.t.Helper()
	rows := make(map[string][][]string)
	for _, table := range tables {
		rows[table] = storagetest.Rows(p.t, p.url, "SELECT t::text FROM cas."+table+" AS t ORDER BY 1")
	}
	return rows
}

// TestPipeline_Replay: rows that are lost, wrong or under a wrong key are as a fresh
// parse would give them, without a call; an interrupted replay goes on.
func TestPipeline_Replay(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 5, Months: 2, Seed: 71})
	p.scan("in/")
	p.drain()
	want, calls := p.rowsOf(storage.StatementTables()), p.api.Totals().Calls
	finished := p.value(`SELECT string_agg(finished_at::text, ' ' ORDER BY document_id) FROM cas.documents`)

	damage := func() {
		storagetest.Rows(t, p.url, `DELETE FROM cas.transactions`)
		storagetest.Rows(t, p.url, `UPDATE cas.demat_holdings SET value = 1`)
		// As an older version may have read it: another PAN.
		const wrong = "ZZZPZ9999Z"
		for _, table := range append(storage.StatementTables(), "documents") {
			storagetest.Rows(t, p.url, `UPDATE cas.`+table+` SET pan = $1 WHERE pan = $2`, wrong, all[0].PAN)
		}
	}
	damage()
	out, code := p.replay("--all")
	if wantOut := fmt.Sprintf("%d answers read anew, %d of them the rows that stand; 0 cannot be read", len(all), len(all)); code != config.ExitDone || !strings.HasPrefix(out, wantOut) {
		t.Errorf("exit code %d, %q, want %q", code, out, wantOut)
	}
	if diff := cmp.Diff(want, p.rowsOf(storage.StatementTables())); diff != "" {
		t.Errorf("rows (-parsed +replayed):\n%s", diff)
	}
	if got := p.value(`SELECT string_agg(finished_at::text, ' ' ORDER BY document_id) FROM cas.documents`); got != finished {
		t.Errorf("when documents were finished has changed: %s, want %s", got, finished)
	}

	// Cut short after all but one were done.
	damage()
	storagetest.Rows(t, p.url, `UPDATE cas.documents SET normalized_at = now() - interval '1 hour' WHERE object_key = $1`, all[1].key)
	storagetest.Rows(t, p.url, `INSERT INTO cas.replays (replay_id, selection, started_at) VALUES (gen_random_uuid(), 'all', now() - interval '1 minute')`)
	storagetest.Rows(t, p.url, `UPDATE cas.documents SET normalized_at = now() WHERE object_key <> $1`, all[1].key)
	if out, code = p.replay("--all"); code != config.ExitDone || !strings.HasPrefix(out, "1 answers read anew") {
		t.Errorf("exit code %d, %q, want one answer read", code, out)
	}
	if out, code = p.replay("--all", "--anew"); code != config.ExitDone || !strings.HasPrefix(out, fmt.Sprint(len(all), " answers")) {
		t.Errorf("anew: exit code %d, %q, want all answers read", code, out)
	}
	if diff := cmp.Diff(want, p.rowsOf(storage.StatementTables())); diff != "" {
		t.Errorf("rows (-parsed +replayed):\n%s", diff)
	}
	if out, code = p.replay("--pan", all[0].PAN); code != config.ExitDone || strings.Contains(out, all[0].PAN) || strings.HasPrefix(out, "0 ") {
		t.Errorf("one PAN: exit code %d, %q", code, out)
	}
	if got := p.api.Totals().Calls; got != calls {
		t.Errorf("%d calls by replays, want none", got-calls)
	}
}

// TestPipeline_ReplayMissingPAN: an answer without a PAN is dead, kept, and parsed
// once somebody knows the PAN.
func TestPipeline_ReplayMissingPAN(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	s := p.putSamples(samples.Options{Investors: 1, Seed: 73})[0]
	p.scan("in/")
	p.drain()
	id := p.value(`SELECT document_id FROM cas.documents WHERE object_key = $1`, s.key)
	storagetest.Rows(t, p.url, `
UPDATE cas.answers SET body = convert_to(regexp_replace(convert_from(body, 'UTF8'), '[A-Z]{5}[0-9]{4}[A-Z]', 'unknown', 'g'), 'UTF8') WHERE document_id = $1`, id)
	for _, table := range storage.StatementTables() {
		storagetest.Rows(t, p.url, `DELETE FROM cas.`+table)
	}
	storagetest.Rows(t, p.url, `UPDATE cas.documents SET status = 'dead', pan = NULL, period_from = NULL, period_to = NULL WHERE document_id = $1`, id)
	storagetest.Rows(t, p.url, `INSERT INTO cas.dead_letters (document_id, reason, message) VALUES ($1, 'missing_pan', 'm')`, id)

	if out, code := p.replay("--document", id); code != config.ExitFailed || !strings.Contains(out, "1 cannot be read") {
		t.Errorf("without a PAN: exit code %d, %q, want a failure", code, out)
	}
	if got := p.fates()[s.key]; got.Reason != "missing_pan" {
		t.Errorf("%+v, want it dead as before", got)
	}
	if out, code := p.replay("--document", id, "--pan", strings.ToLower(s.PAN)); code != config.ExitDone {
		t.Errorf("with a PAN: exit code %d, %q\n%s", code, out, p.logged())
	}
	if got := p.value(`SELECT d.status || ' ' || (s.pan = $1) FROM cas.documents d JOIN cas.statements s USING (document_id)`, s.PAN); got != "parsed true" {
		t.Errorf("%q, want it parsed", got)
	}
	if got := p.fates()[s.key]; got.Status != "parsed" || got.Reason != "" {
		t.Errorf("%+v, want it parsed and no dead letter", got)
	}
}
