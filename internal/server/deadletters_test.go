package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"casflow/client"
	"casflow/internal/storage"
)

// bury makes dead documents of keys.
func (l *lab) bury(t *testing.T, reason storage.Reason, batch string, keys ...string) []string {
	t.Helper()
	ids := make([]string, len(keys))
	for n, key := range keys {
		d := storage.NewDocument{
			ID: uuid.New(), Bucket: l.bucket, Key: key, ETag: "e", Kind: storage.KindSmart, Queue: storage.QueueBulk, Batch: batch,
		}
		if _, err := l.db.Record(t.Context(), []storage.NewDocument{d}); err != nil {
			t.Fatal(err)
		}
		letter := storage.DeadLetter{DocumentID: d.ID, Reason: reason, HTTPStatus: 422, Message: "of ZZZPA0001Z", RequestID: "req_one"}
		if err := l.db.Bury(t.Context(), letter, storage.AttemptEnd{}); err != nil {
			t.Fatal(err)
		}
		ids[n] = d.ID.String()
	}
	return ids
}

func TestServer_GetDeadLetters(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	wrong := l.bury(t, storage.ReasonWrongPassword, "may", "ZZZPA0001Z.pdf", "b.pdf", "c.pdf")
	large := l.bury(t, storage.ReasonTooLarge, "june", "d.pdf")
	list := func(query string) client.DeadLetters {
		t.Helper()
		return wanted[client.DeadLetters](t, l.get(t, "/v1/dead-letters"+query), http.StatusOK)
	}
	ids := func(page client.DeadLetters) (ids []string) {
		for _, letter := range page.DeadLetters {
			ids = append(ids, letter.DocumentID)
		}
		return ids
	}
	all := list("")
	want := client.DeadLetter{
		DocumentID: wrong[0], Reason: "wrong_password", Message: "of ZZ*******Z", HTTPStatus: 422, RequestID: "req_one",
		Bucket: l.bucket, Key: "ZZ*******Z.pdf", Batch: "may",
	}
	if diff := cmp.Diff(want, all.DeadLetters[0], cmpopts.IgnoreFields(client.DeadLetter{}, "DeadAt")); diff != "" {
		t.Errorf("first letter (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(append(wrong, large...), ids(all)); diff != "" || all.NextCursor != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(large, ids(list("?reason=too_large&batch=june"))); diff != "" {
		t.Errorf("by reason and batch (-want +got):\n%s", diff)
	}
	if got := list("?batch=none"); len(got.DeadLetters) != 0 || got.DeadLetters == nil {
		t.Errorf("of no batch: %+v, want an empty list", got)
	}
	var pages []string
	for cursor := "?limit=3"; cursor != ""; {
		page := list(cursor)
		pages = append(pages, ids(page)...)
		if cursor = ""; page.NextCursor != "" {
			cursor = "?limit=3&cursor=" + page.NextCursor
		}
	}
	if diff := cmp.Diff(append(wrong, large...), pages); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	l.get(t, "/v1/dead-letters?reason=hush&limit=0&cursor=hush").wantProblem(t, http.StatusBadRequest, "reason", "limit", "cursor")
	l.get(t, "/v1/dead-letters?limit=1001").wantProblem(t, http.StatusBadRequest, "limit")
	l.get(t, "/v1/dead-letters?limit=1&limit=2").wantProblem(t, http.StatusBadRequest, "limit")
	l.get(t, "/v1/dead-letters?page=2").wantProblem(t, http.StatusBadRequest, "page")
	l.get(t, "/v1/dead-letters?%zz").wantProblem(t, http.StatusBadRequest)
}

func TestServer_PostRedrive(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	wrong := l.bury(t, storage.ReasonWrongPassword, "may", "a.pdf", "b.pdf", "c.pdf")
	l.bury(t, storage.ReasonTooLarge, "june", "d.pdf")
	redrive := func(body string) client.Redriven {
		t.Helper()
		return wanted[client.Redriven](t, l.post(t, "/v1/dead-letters:redrive", body), http.StatusOK)
	}
	statuses := func(want ...string) {
		t.Helper()
		var got []string
		for _, row := range l.documents(t, "status") {
			got = append(got, row[0])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("statuses (-want +got):\n%s", diff)
		}
	}
	want := client.Redriven{Documents: 4, ByReason: map[string]int{"wrong_password": 3, "too_large": 1}, CreditsAtMost: 4, DryRun: true}
	if diff := cmp.Diff(want, redrive(`{"all":true,"dry_run":true}`)); diff != "" {
		t.Errorf("dry run (-want +got):\n%s", diff)
	}
	statuses("dead", "dead", "dead", "dead")
	want = client.Redriven{Documents: 1, ByReason: map[string]int{"wrong_password": 1}, CreditsAtMost: 1}
	if diff := cmp.Diff(want, redrive(`{"reason":"wrong_password","batch":"may","limit":1}`)); diff != "" {
		t.Errorf("by reason (-want +got):\n%s", diff)
	}
	statuses("pending", "dead", "dead", "dead")
	if got := redrive(`{"documents":["` + wrong[1] + `"],"passwords":["hush-new"]}`); got.Documents != 1 {
		t.Errorf("by id: %+v, want one", got)
	}
	statuses("pending", "pending", "dead", "dead")
	if got := l.passwords(t, wrong[1]); got != "hush-new" {
		t.Errorf("passwords are %q", got)
	}
	if got := redrive(`{"batch":"none"}`); got.Documents != 0 {
		t.Errorf("of no batch: %+v, want none", got)
	}
}

func TestServer_PostRedrive_Bad(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	for name, test := range map[string]struct {
		body   string
		fields []string
	}{
		"Nothing":   {`{}`, []string{"body"}},
		"DryRun":    {`{"dry_run":true}`, []string{"body"}},
		"Unknown":   {`{"all":true,"older_than":"2h"}`, []string{"older_than"}},
		"Reason":    {`{"reason":"hush"}`, []string{"reason"}},
		"Limit":     {`{"limit":-1}`, []string{"limit"}},
		"LimitType": {`{"limit":1.5}`, []string{"limit"}},
		"AllType":   {`{"all":"yes"}`, []string{"all"}},
		"Document":  {`{"documents":["` + uuid.NewString() + `","hush"]}`, []string{"documents.1"}},
		"Documents": {`{"documents":["x"` + strings.Repeat(`,"`+uuid.NewString()+`"`, maxRedriven) + `]}`, []string{"documents", "documents.0"}},
		"Passwords": {`{"all":true,"passwords":["hush"]}`, []string{"passwords"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l.post(t, "/v1/dead-letters:redrive", test.body).wantProblem(t, http.StatusBadRequest, test.fields...)
		})
	}
}

func TestServer_GetBatch(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	const batch = "2026/05 ZZZPA0001Z"
	l.put(t, "a.pdf", "b.pdf")
	l.bury(t, storage.ReasonWrongPassword, batch, "c.pdf")
	for _, key := range []string{"a.pdf", "b.pdf"} {
		body := fmt.Sprintf(`{"bucket":%q,"key":%q,"batch":%q}`, l.bucket, key, batch)
		wanted[client.Submitted](t, l.post(t, "/v1/documents", body), http.StatusAccepted)
	}
	want := client.Batch{
		Batch: "2026/05 ZZ*******Z", Documents: map[string]int{"queued": 2, "dead": 1}, Dead: map[string]int{"wrong_password": 1}, Left: 2,
		FinishedLastMinute: 1, ETASeconds: 120, CreditsSpent: "0",
	}
	got := wanted[client.Batch](t, l.get(t, "/v1/batches/2026%2F05%20ZZZPA0001Z"), http.StatusOK)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("batch (-want +got):\n%s", diff)
	}
	l.get(t, "/v1/batches/none").wantProblem(t, http.StatusNotFound)
	l.get(t, "/v1/batches/a%00b").wantProblem(t, http.StatusNotFound)
	l.get(t, "/v1/batches/none?watch=true").wantProblem(t, http.StatusBadRequest, "watch")
}
