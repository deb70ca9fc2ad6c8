package enqueuercli_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

var reportColumns = []string{"document_id", "status", "reason", "credits", "request_id", "calls", "unsettled", "object_key", "recorded_at", "finished_at"}

// table reads a report, times made T.
func table(t *testing.T, text string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		for n := range row {
			if strings.HasPrefix(row[n], "20") && strings.HasSuffix(row[n], "Z") {
				row[n] = "T"
			}
		}
	}
	return rows
}

func TestBatchReport(t *testing.T) {
	t.Parallel()
	l := setup(t)
	ids := append(l.record(t, "may", "in/ZZZPA0001Z, May.pdf"), l.record(t, "may", "=2+2.pdf")...)
	ids = append(ids, l.record(t, "may", "c.pdf")...)
	l.record(t, "june", "other.pdf")
	l.kill(t, ids[0], storage.ReasonUnprocessable) // 1.5 credits
	l.kill(t, ids[1], storage.ReasonUnprocessable)
	l.redriveAll(t)
	second := l.call(t, ids[1])
	request := func(id uuid.UUID) string { return requestOf(id, storage.ReasonUnprocessable) }
	want := [][]string{
		reportColumns,
		{ids[0].String(), "pending", "", "1.5", request(ids[0]), "1", "0", "in/ZZ*******Z, May.pdf", "T", ""},
		{ids[1].String(), "calling", "", "1.5", request(ids[1]), "2", "1", "'=2+2.pdf", "T", ""},
		{ids[2].String(), "pending", "", "0", "", "0", "0", "c.pdf", "T", ""},
	}
	if diff := cmp.Diff(want, table(t, l.ask(t, "batch", "report", "may").wantDone(t))); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}

	// What comes later costs too; of a document that cost nothing, the last call counts.
	l.end(t, ids[1], second, storage.ReasonUnprocessable, "2")
	l.end(t, ids[2], l.call(t, ids[2]), storage.ReasonNotAPDF, "")
	want[2] = []string{ids[1].String(), "dead", "unprocessable", "3.5", request(ids[1]) + " " + second, "2", "0", "'=2+2.pdf", "T", "T"}
	want[3] = []string{ids[2].String(), "dead", "not_a_pdf", "0", "req_again_" + ids[2].String(), "1", "0", "c.pdf", "T", "T"}
	file := filepath.Join(t.TempDir(), "may.csv")
	r := l.ask(t, "batch", "report", "may", "--csv", file)
	if r.code != 0 || r.stdout != "" || r.stderr != "enqueuer: 3 documents written to "+file+"\n" {
		t.Errorf("exit code %d, stdout %q, stderr %q, want 0, none and a note", r.code, r.stdout, r.stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, table(t, string(text))); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestBatchReport_Failures(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.record(t, "may", "a.pdf")
	l.ask(t, "batch", "report", "april").wantFaults(t, 1, `there is no batch "april"; nothing was ever recorded under that name`)
	l.ask(t, "batch", "report", "may", "--csv", "/no/such/folder/may.csv").wantFaults(t, 1, "write file: ...no such file or directory")
	l.ask(t, "status", "--batch", "april").wantFaults(t, 1, `there is no batch "april"; nothing was ever recorded under that name`)
	l.ask(t, "status", "--batch", "april", "--watch").wantFaults(t, 1, `there is no batch "april"`)
	l.ask(t, "status", "--batch", "may").wantDone(t)

	// A report that fails leaves what was there.
	folder := t.TempDir()
	file := filepath.Join(folder, "may.csv")
	if err := os.WriteFile(file, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	storagetest.Rows(t, l.url, `ALTER TABLE cas.attempts RENAME TO gone`)
	l.ask(t, "batch", "report", "may", "--csv", file).wantFaults(t, 1, "report batch: ...attempts...does not exist")
	left, err := os.ReadDir(folder)
	if text, _ := os.ReadFile(file); err != nil || len(left) != 1 || string(text) != "before" {
		t.Errorf("the folder holds %v, the file %q, want what was there", left, text)
	}
}

// A batch of a scan that found nothing new is known all the same.
func TestStatus_EmptyBatch(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.put(t, "a.txt")
	l.scan(t, "", "--batch", "may").wantDone(t)
	if got := l.ask(t, "status", "--batch", "may").wantDone(t); !strings.Contains(got, "pending") {
		t.Errorf("status tells\n%s", got)
	}
	if diff := cmp.Diff([][]string{reportColumns}, table(t, l.ask(t, "batch", "report", "may").wantDone(t))); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}
