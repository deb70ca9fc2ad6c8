package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/samples"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// client runs one of Postgres' client programs.
func (p *pipeline) client(stdin string, program string, args ...string) {
	p.t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		p.t.Fatalf("%s is not on PATH: apt-get install postgresql-client", program)
	}
	command := exec.CommandContext(p.t.Context(), path, args...)
	command.Stdin = bytes.NewBufferString(stdin)
	if out, err := command.CombinedOutput(); err != nil {
		p.t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// TestPipeline_Restored: Postgres is lost, and restored as it was yesterday, with the
// answers that have come since. As doc/operations.md has it, nothing is paid for again.
func TestPipeline_Restored(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 6, Seed: 61})
	p.put("in/none.pdf", []byte("no PDF"))
	p.scan("in/", "--batch", "may")
	p.drain()
	backup, answers := filepath.Join(t.TempDir(), "casflow.dump"), filepath.Join(t.TempDir(), "answers.copy")
	p.client("", "pg_dump", "--format=custom", "--schema=cas", "--file="+backup, p.url)

	// Today: new documents, one of which is not done when Postgres goes.
	for today := range samples.Generate(samples.Options{Investors: 5, Seed: 62, MinBytes: 20_000, MaxBytes: 60_000}) {
		pdf, err := today.PDF()
		if err != nil {
			t.Fatal(err)
		}
		p.put("in/today/"+today.Filename, pdf, today.Password)
	}
	p.scan("in/", "--batch", "may")
	p.drain()
	want, paid := p.state(), p.api.Totals()
	if paid.Billed != len(all)+5 {
		t.Fatalf("%d calls billed for %d statements", paid.Billed, len(all)+5)
	}
	//nolint:unqueryvet // as doc/operations.md has it
	p.client(`\copy (SELECT * FROM cas.answers) TO '`+answers+`'`, "psql", "--no-psqlrc", "--set=ON_ERROR_STOP=1", p.url)

	p.url = storagetest.Empty(t)
	p.client("", "pg_restore", "--no-owner", "--exit-on-error", "--dbname="+p.url, backup)
	//nolint:unqueryvet // as doc/operations.md has it
	p.client(`CREATE TEMPORARY TABLE saved (LIKE cas.answers);
\copy saved FROM '`+answers+`'
INSERT INTO cas.answers SELECT * FROM saved ON CONFLICT DO NOTHING;
`, "psql", "--no-psqlrc", "--set=ON_ERROR_STOP=1", p.url)
	p.scan("in/", "--batch", "may")
	p.drain()

	if got := p.api.Totals(); got != paid {
		t.Errorf("calls %+v after the restore, before %+v: paid for again", got, paid)
	}
	got := p.state()
	for _, table := range append(storage.StatementTables(), "answers") {
		if diff := cmp.Diff(want[table], got[table]); diff != "" {
			t.Errorf("%s (-before +after):\n%.500s", table, diff)
		}
	}
	if counts := p.counts(); counts != "dead 1, parsed 11" {
		t.Errorf("documents: %s", counts)
	}
	// What the gauges tell has come along with the backup.
	db, err := storage.Open(t.Context(), p.url, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	standing, err := db.Standing(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if standing.Documents[storage.StatusParsed] != 11 || standing.Documents[storage.StatusDead] != 1 || standing.Documents[storage.StatusPending] != 0 {
		t.Errorf("gauges tell %v", standing.Documents)
	}
}
