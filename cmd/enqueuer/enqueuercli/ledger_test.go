package enqueuercli_test

import (
	"testing"

	"github.com/google/uuid"

	"casflow/internal/storage"
)

// record records documents of the lab's bucket without there being objects.
func (l lab) record(t *testing.T, batch string, keys ...string) []uuid.UUID {
	t.Helper()
	ids := make([]uuid.UUID, len(keys))
	documents := make([]storage.NewDocument, len(keys))
	for n, key := range keys {
		ids[n] = storage.DocumentID(l.bucket, key, "etag", storage.KindSmart)
		documents[n] = storage.NewDocument{
			ID: ids[n], Bucket: l.bucket, Key: key, ETag: "etag", Kind: storage.KindSmart, Queue: storage.QueueBulk, Batch: batch,
		}
	}
	if _, err := l.db.Record(t.Context(), documents); err != nil {
		t.Fatal(err)
	}
	return ids
}

// claim gives a document to a worker.
func (l lab) claim(t *testing.T, id uuid.UUID) (worker uuid.UUID) {
	t.Helper()
	worker = uuid.New()
	if _, err := l.db.Claim(t.Context(), id, worker); err != nil {
		t.Fatal(err)
	}
	return worker
}

// kill has a worker call the API for a document, at 1.5 credits, and bury it.
func (l lab) kill(t *testing.T, id uuid.UUID, reason storage.Reason) {
	t.Helper()
	l.begin(t, id, requestOf(id, reason))
	l.end(t, id, requestOf(id, reason), reason, "1.5")
}

// call has a worker begin another call for a document.
func (l lab) call(t *testing.T, id uuid.UUID) (request string) {
	t.Helper()
	request = "req_again_" + id.String()
	l.begin(t, id, request)
	return request
}

func (l lab) begin(t *testing.T, id uuid.UUID, request string) {
	t.Helper()
	_, err := l.db.BeginAttempt(t.Context(), storage.NewAttempt{
		RequestID: request, DocumentID: id, WorkerID: l.claim(t, id), Endpoint: "/v4/smart/parse", SizeBytes: 9,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// end has a call be refused, at so many credits, and its document be buried.
func (l lab) end(t *testing.T, id uuid.UUID, request string, reason storage.Reason, credits string) {
	t.Helper()
	letter := storage.DeadLetter{DocumentID: id, Reason: reason, HTTPStatus: 422, Message: "it is " + string(reason), RequestID: request}
	end := storage.AttemptEnd{RequestID: request, Outcome: storage.OutcomeRefused, HTTPStatus: 422, Credits: credits}
	if err := l.db.Bury(t.Context(), letter, end); err != nil {
		t.Fatal(err)
	}
}

// redriveAll puts all dead documents back.
func (l lab) redriveAll(t *testing.T) {
	t.Helper()
	if _, err := l.db.Redrive(t.Context(), storage.DeadFilter{}); err != nil {
		t.Fatal(err)
	}
}

// requestOf is the request that kill makes.
func requestOf(id uuid.UUID, reason storage.Reason) string {
	return "req_" + string(reason) + "_" + id.String()
}
