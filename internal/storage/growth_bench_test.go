package storage_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// BenchmarkDB_Growth takes documents of 300 rows all their way through the ledger, one
// after the other, when nothing is stored and when there are a million documents and
// 2.4 million rows of statements; and how long the dispatcher, the gauges and status
// take then. doc/growth.md has what it gave.
func BenchmarkDB_Growth(b *testing.B) {
	for _, stored := range []int{0, 1_000_000} {
		b.Run(fmt.Sprintf("stored=%d", stored), func(b *testing.B) {
			db, address := storagetest.NewURL(b)
			if stored > 0 {
				fill(b, address, stored)
				storagetest.Rows(b, address, `UPDATE cas.documents SET queue = 'interactive' WHERE status = 'pending'`) // not to be handed over below
				storagetest.Rows(b, address, `VACUUM ANALYZE cas.documents`)
			}
			leader, err := db.Lead(b.Context())
			if err != nil || leader == nil {
				b.Fatalf("Lead() = %v, %v, want a leader", leader, err)
			}
			defer leader.Resign()
			worker := uuid.New()
			check := func(err error) {
				if err != nil {
					b.Fatal(err)
				}
			}
			check(leader.AddUpCounts(b.Context()))
			check(db.OpenBatch(b.Context(), "bench", "", 0))
			const page = 100
			var looks, gauges, status time.Duration
			done := 0
			for b.Loop() {
				documents := make([]storage.NewDocument, page)
				for i := range documents {
					documents[i] = newDocument(fmt.Sprintf("bench/%d.pdf", done+i), storage.QueueBulk)
					documents[i].Batch = "bench"
				}
				_, err := db.Record(b.Context(), documents)
				check(err)
				deliveries, err := leader.Dispatch(b.Context(), storage.QueueBulk, page, storage.Budget{})
				check(err)
				for i, d := range deliveries {
					answer, end := processed(b, db, worker, d.DocumentID)
					answer.Body = benchmarkAnswer(d.DocumentID).Body
					s := threeHundred(done + i)
					s.Key.PeriodFrom, s.Key.PeriodTo = "2025-05-01", "2025-05-31"
					_, err := db.Save(b.Context(), answer, s, end)
					check(err)
				}
				done += len(deliveries)
				b.StopTimer()
				for _, part := range []struct {
					took *time.Duration
					do   func(context.Context) error
				}{
					{&looks, func(ctx context.Context) error {
						_, err := leader.Dispatch(ctx, storage.QueueBulk, page, storage.Budget{})
						return err
					}},
					{&gauges, func(ctx context.Context) error { _, err := db.Standing(ctx, lease); return err }},
					{&status, func(ctx context.Context) error { _, err := db.Overview(ctx, ""); return err }},
				} {
					began := time.Now()
					check(part.do(b.Context()))
					*part.took += time.Since(began)
				}
				check(leader.AddUpCounts(b.Context()))
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(done), "µs/document")
			for name, took := range map[string]time.Duration{"dispatch": looks, "gauges": gauges, "status": status} {
				b.ReportMetric(float64(took.Microseconds())/float64(b.N), "µs-"+name)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkDB_BeginAttempt begins calls on eight connections at once, of one day and one
// batch: where nobody has a cap, and where there is one, whose row is held while a call
// is begun. Nobody adds up what they append: 500 of them are five seconds' at 6,000 a minute.
func BenchmarkDB_BeginAttempt(b *testing.B) {
	for name, test := range map[string]struct {
		batch  string
		budget storage.Budget
	}{
		"Alone":  {"", storage.Budget{}},
		"Batch":  {"may", storage.Budget{}},
		"Capped": {"may", storage.Budget{DailyCredits: 1_000_000_000}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			db := storagetest.New(b)
			worker := uuid.New()
			var mu sync.Mutex
			next := 0
			documents := batchOf(b.N)
			for i := range documents {
				documents[i].Batch = test.batch
			}
			if _, err := db.Record(b.Context(), documents); err != nil {
				b.Fatal(err)
			}
			for _, d := range documents {
				if _, err := db.Claim(b.Context(), d.ID, worker); err != nil {
					b.Fatal(err)
				}
			}
			b.SetParallelism(4) // times two processors
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					mu.Lock()
					d := documents[next]
					next++
					mu.Unlock()
					_, err := db.BeginAttempt(b.Context(), storage.NewAttempt{
						RequestID: "req_" + d.ID.String(), DocumentID: d.ID, WorkerID: worker, Endpoint: "/v4/smart/parse",
						SHA256: [32]byte(append(d.ID[:], d.ID[:]...)), SizeBytes: 9, Budget: test.budget,
					})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
