package storage_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestDB_BeginAttempt_OlderWorker: while versions are side by side, what an older worker
// is calling for, which notes the bytes with the document only, is not called for again.
func TestDB_BeginAttempt_OlderWorker(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	first, _ := claimed(t, db, "a.pdf")
	second, worker := claimed(t, db, "b.pdf")
	sum := [32]byte{7}
	storagetest.Rows(t, address, `
WITH counted AS (
	UPDATE cas.documents SET attempts = attempts + 1, sha256 = decode($2, 'hex') WHERE document_id = $1 RETURNING document_id, claimed_by
)
INSERT INTO cas.attempts (request_id, document_id, endpoint, worker_id) SELECT 'req_old', document_id, '/v4/smart/parse', claimed_by FROM counted`,
		first.String(), hex.EncodeToString(sum[:]))
	_, err := db.BeginAttempt(t.Context(), storage.NewAttempt{
		RequestID: "req_new", DocumentID: second, WorkerID: worker, Endpoint: "/v4/smart/parse", SHA256: sum, SizeBytes: 9,
	})
	if !errors.Is(err, storage.ErrSameBytes) {
		t.Errorf("BeginAttempt() = %v, want ErrSameBytes", err)
	}
}
