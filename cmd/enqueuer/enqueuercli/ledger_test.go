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
	worker, request := l.claim(t, id), "req_"+string(reason)+"_"+id.String()
	_, err := l.db.BeginAttempt(t.Context(), storage.NewAttempt{
		RequestID: request, DocumentID: id, WorkerID: worker, Endpoint: "/v4/smart/parse", SizeBytes: 9,
	})
	if err != nil {
		t.Fatal(err)
	}
	letter := storage.DeadLetter{DocumentID: id, Reason: reason, HTTPStatus: 422, Message: "it is " + string(reason), RequestID: request}
	end := storage.AttemptEnd{RequestID: request, Outcome: storage.OutcomeRefused, HTTPStatus: 422, Credits: "1.5"}
	if err := l.db.Bury(t.Context(), letter, end); err != nil {
		t.Fatal(err)
	}
}

// requestOf is the request that kill makes.
func requestOf(id uuid.UUID, reason storage.Reason) string {
	return "req_" + string(reason) + "_" + id.String()
}
