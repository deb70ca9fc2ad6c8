package main

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/jobs"
	"casflow/internal/samples"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// state is what nothing may change that is done again: the ledger and the rows.
func (p *pipeline) state() map[string][][]string {
	p.t.Helper()
	state := map[string][][]string{
		"documents": storagetest.Rows(p.t, p.url, `SELECT document_id, status, attempts, pan, finished_at FROM cas.documents ORDER BY 1`),
		"attempts":  storagetest.Rows(p.t, p.url, `SELECT request_id, document_id, outcome, http_status, finished_at FROM cas.attempts ORDER BY 1`),
		"answers":   storagetest.Rows(p.t, p.url, `SELECT document_id, md5(body) FROM cas.answers ORDER BY 1`),
	}
	for _, table := range storage.StatementTables() {
		state[table] = storagetest.Rows(p.t, p.url, `SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM cas.`+table+` AS t`)
	}
	return state
}

func TestPipeline_DoneAgain(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 6, Months: 2, Seed: 3})
	p.put("in/none.pdf", []byte("no PDF"))
	p.scan("in/")
	p.drain()
	want, calls := p.state(), p.api.Totals()
	if calls.Billed != len(all) {
		t.Fatalf("%d calls billed for %d statements", calls.Billed, len(all))
	}
	unchanged := func(what string) {
		t.Helper()
		if got := p.api.Totals(); got != calls {
			t.Errorf("%s made calls: %+v, before %+v", what, got, calls)
		}
		if diff := cmp.Diff(want, p.state()); diff != "" {
			t.Errorf("%s changed (-before +after):\n%.2000s", what, diff)
		}
	}

	var summary struct {
		New   int `json:"new"`
		Known int `json:"known"`
	}
	if err := json.Unmarshal([]byte(p.scan("in/")), &summary); err != nil {
		t.Fatal(err)
	}
	if summary.New != 0 || summary.Known != len(all)+1 {
		t.Errorf("second scan: %+v, want all %d known", summary, len(all)+1)
	}
	p.drain()
	unchanged("a second scan")

	for range 2 {
		p.enqueuer(p.settings("submit", "s3://"+p.bucket+"/"+all[0].key, "s3://"+p.bucket+"/"+all[1].key)...)
	}
	p.drain()
	unchanged("submitting twice")

	// Every task delivered again, as by a queue that could not note that it was done.
	client := asynq.NewClientFromRedisClient(p.redis)
	for _, row := range storagetest.Rows(t, p.url, `SELECT document_id FROM cas.documents`) {
		task := asynq.NewTask(jobs.TaskType, []byte(`{"document_id":"`+row[0]+`"}`), asynq.Queue("bulk"))
		if _, err := client.EnqueueContext(t.Context(), task); err != nil {
			t.Fatal(err)
		}
	}
	p.drainQueue()
	unchanged("redelivering every task")

	// The same bytes under another key cost nothing, and their rows are the same.
	p.put("copy/of.pdf", all[0].pdf, all[0].Password)
	p.scan("copy/")
	p.drain()
	if got := p.api.Totals(); got != calls {
		t.Errorf("a copy of a PDF made calls: %+v, before %+v", got, calls)
	}
	if got := p.fates()["copy/of.pdf"]; got != (fate{Status: "parsed"}) {
		t.Errorf("a copy of a PDF ended as %+v, want parsed without an attempt", got)
	}
}

func TestPipeline_SameKeyNewContent(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 1, Months: 2, Seed: 5})
	p.scan("in/")
	p.drain()
	// The second month's statement is uploaded over the first one's.
	p.put(all[0].key, all[1].pdf, all[1].Password)
	p.scan("in/")
	p.drain()
	if got := p.value(`SELECT count(*) FROM cas.documents WHERE status = 'parsed'`); got != "3" {
		t.Errorf("%s documents are parsed, want 3: an object that was overwritten is a new one", got)
	}
	if got := p.api.Totals().Billed; got != 2 {
		t.Errorf("%d calls billed, want 2: the bytes were paid for before", got)
	}
	if got := p.value(`SELECT string_agg(revision::text, ',' ORDER BY period_from) FROM cas.statements`); got != "1,2" {
		t.Errorf("revisions %s, want 1,2: the second month came from two documents", got)
	}
}
