package enqueuercli_test

import (
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// summary is what scan --json writes.
type summary struct {
	Bucket          string      `json:"bucket"`
	Prefix          string      `json:"prefix"`
	Batch           string      `json:"batch"`
	Listed          int         `json:"listed"`
	LeftOut         int         `json:"left_out"`
	Known           int         `json:"known"`
	New             int         `json:"new"`
	WithoutPassword int         `json:"without_password"`
	Seconds         json.Number `json:"seconds"`
	DryRun          bool        `json:"dry_run"`
	Resumed         *sofar      `json:"resumed"`

	CostAtMost       *int   `json:"cost_at_most"`
	CreditsRemaining string `json:"credits_remaining"`
}

// sofar is what it writes of a scan that it went on with.
type sofar struct {
	BeganAt         time.Time `json:"began_at"`
	Listed          int       `json:"listed"`
	LeftOut         int       `json:"left_out"`
	Known           int       `json:"known"`
	New             int       `json:"new"`
	WithoutPassword int       `json:"without_password"`
}

// wantSummary checks what a scan with --json tells, times aside.
func (r result) wantSummary(t *testing.T, want summary) {
	t.Helper()
	got := decode[summary](t, r.wantDone(t))
	if got.Seconds == "" {
		t.Error("the summary has no seconds")
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(summary{}, "Seconds"), cmpopts.IgnoreTypes(time.Time{})); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

func TestScan_Recorded(t *testing.T) {
	t.Parallel()
	l := setup(t)
	objects := l.put(t, "in/a.pdf", "in/b.PDF", "in/deep/c.pdf", "in/notes.txt", "other/d.pdf")
	l.putWith(t, "in/folder.pdf/", "", nil) // what consoles put for a folder
	l.putWith(t, "in/empty.pdf", "", nil)   // no folder: the worker says what is wrong with it

	want := summary{Bucket: l.bucket, Prefix: "in/", Batch: "may", Listed: 6, LeftOut: 2, New: 4, WithoutPassword: 4}
	l.scan(t, "in/", "--json", "--batch", "may").wantSummary(t, want)
	rows := [][]string{
		{"in/a.pdf", l.bucket, "8", "smart", "bulk", "may", "pending", "0", "<null>", "<null>"},
		{"in/b.PDF", l.bucket, "8", "smart", "bulk", "may", "pending", "0", "<null>", "<null>"},
		{"in/deep/c.pdf", l.bucket, "13", "smart", "bulk", "may", "pending", "0", "<null>", "<null>"},
		{"in/empty.pdf", l.bucket, "0", "smart", "bulk", "may", "pending", "0", "<null>", "<null>"},
	}
	const columns = "object_key, bucket, size_bytes, kind, queue, batch, status, attempts, version_id, sealed_passwords"
	if diff := cmp.Diff(rows, l.documents(t, columns)); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
	id := storage.DocumentID(l.bucket, "in/a.pdf", objects[0].ETag, storage.KindSmart)
	if got := l.documents(t, "document_id")[0][0]; got != id.String() {
		t.Errorf("document_id is %s, want %s", got, id)
	}

	// Once more: what is known stays as it is, whatever the flags say now.
	want.Batch, want.Known, want.New, want.WithoutPassword = "june", 4, 0, 0
	l.scan(t, "in/", "--json", "--batch", "june", "--queue", "interactive").wantSummary(t, want)
	if diff := cmp.Diff(rows, l.documents(t, columns)); diff != "" {
		t.Errorf("documents after the second scan (-want +got):\n%s", diff)
	}

	// An object that was overwritten is another document, and so is one that
	// another parser is to read.
	l.putWith(t, "in/a.pdf", "another content", nil)
	l.scan(t, "in/a", "--json").wantSummary(t, summary{Bucket: l.bucket, Prefix: "in/a", Listed: 1, New: 1, WithoutPassword: 1})
	l.scan(t, "in/a", "--json", "--kind", "nsdl", "--queue", "interactive").
		wantSummary(t, summary{Bucket: l.bucket, Prefix: "in/a", Listed: 1, New: 1, WithoutPassword: 1})
	wantRows := [][]string{{"nsdl", "interactive", "1"}, {"smart", "bulk", "5"}}
	got := storagetest.Rows(t, l.url, "SELECT kind, queue, count(*) FROM cas.documents GROUP BY 1, 2 ORDER BY 1, 2")
	if diff := cmp.Diff(wantRows, got); diff != "" {
		t.Errorf("documents by kind and queue (-want +got):\n%s", diff)
	}
}

func TestScan_Chosen(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.put(t, "a.pdf", "b.PDF", "c.txt", "d.Pdf")
	// All with --dry-run, so that each row finds the same ledger.
	for _, test := range []struct {
		name  string
		flags []string
		want  summary
	}{
		{"suffix in any case", []string{"--suffix", ".pDF"}, summary{LeftOut: 1, New: 3}},
		{"another suffix", []string{"--suffix", "C.TXT"}, summary{LeftOut: 3, New: 1}},
		{"no suffix", []string{"--suffix="}, summary{New: 4}},
		{"since a past date", []string{"--since", "2000-01-01"}, summary{LeftOut: 1, New: 3}},
		{"since a date to come", []string{"--since", "2999-01-01"}, summary{LeftOut: 4}},
		{"since a past time", []string{"--since", "2000-01-01T10:00:00+05:30"}, summary{LeftOut: 1, New: 3}},
		{"since a time to come", []string{"--since", "2999-01-01T10:00:00Z"}, summary{LeftOut: 4}},
		{"since an age", []string{"--since", "36h"}, summary{LeftOut: 1, New: 3}},
		{"limit", []string{"--limit", "2"}, summary{LeftOut: 1, New: 2}},
		{"limit above", []string{"--limit", "20"}, summary{LeftOut: 1, New: 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := test.want
			want.Bucket, want.Listed, want.WithoutPassword, want.DryRun = l.bucket, 4, want.New, true
			l.scan(t, "", append(test.flags, "--json", "--dry-run")...).wantSummary(t, want)
			l.wantCount(t, 0)
		})
	}
}

func TestScan_Text(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.put(t, "in/a.pdf", "in/b.pdf", "in/c.txt")
	for _, test := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--dry-run"}, "3 objects listed under " + l.address("in/") + ": 2 would be recorded, 0 known, 1 left out (0.0 s)\n" +
			"2 of them without a password; --password-from names sources\n"},
		{nil, "3 objects listed under " + l.address("in/") + ": 2 recorded, 0 known, 1 left out (0.0 s)\n" +
			"2 of them without a password; --password-from names sources\n"},
		{nil, "3 objects listed under " + l.address("in/") + ": 0 recorded, 2 known, 1 left out (0.0 s)\n"},
	} {
		got := regexp.MustCompile(`\d+\.\d s`).ReplaceAllString(l.scan(t, "in/", test.flags...).wantDone(t), "0.0 s")
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("scan %v (-want +got):\n%s", test.flags, diff)
		}
	}
}
