package storage_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// BenchmarkDB_Claim claims documents and begins their attempts, eight at once, with
// the triggers of cas.documents that count its documents and without them: what the
// counts cost.
func BenchmarkDB_Claim(b *testing.B) {
	for name, triggers := range map[string]string{"counted": "ENABLE", "uncounted": "DISABLE"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			url := storagetest.URL(b)
			db, err := storage.Open(b.Context(), url, 8)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(db.Close)
			storagetest.Rows(b, url, "ALTER TABLE cas.documents "+triggers+" TRIGGER USER")
			worker := startWorker(b, db)
			documents := make([]storage.NewDocument, b.N)
			for i := range documents {
				documents[i] = newDocument(fmt.Sprintf("%d.pdf", i), storage.QueueBulk)
			}
			if _, err := db.Record(b.Context(), documents); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			atOnce(b, 8, b.N, func(_, i int) error {
				id := documents[i].ID
				if _, err := db.Claim(b.Context(), id, worker); err != nil {
					return err
				}
				_, err := db.BeginAttempt(b.Context(), storage.NewAttempt{
					RequestID: "req_" + uuid.NewString(), DocumentID: id, WorkerID: worker, Endpoint: "/v4/smart/parse",
					SHA256: [32]byte(append(id[:], id[:]...)), SizeBytes: 40_000,
				})
				return err
			})
		})
	}
}
