// Package storage keeps casflow's record in Postgres: the ledger (documents,
// attempts, answers, dead letters, workers) and the rows of the statements. It
// is the home of pgx and knows neither the queue nor the API.
//
// The ledger is the truth. A document goes
//
//	pending ──Dispatch──► queued ──Claim──► calling ──Save──► parsed
//	   ▲                    ▲                 │ │ └─SaveAnswer─► answered ─┐
//	   │                    └──Retry, Stall───┘ └──Bury──► dead ◄─────────┘
//	   └──Release, Reclaim (worker gone), Redrive (from dead)
//
// and each arrow is one statement or one transaction, so that whatever dies, the row
// says where the document stands. Exported methods own their transaction. Claims,
// lookups and attempts of documents that are in flight at once go together
// (together.go); a replay holds what it reads against the rows that stand (compare.go)
// and writes those that differ (rewrite.go).
//
//	db, err := storage.Open(ctx, url, 8)
//	...
//	document, err := db.Claim(ctx, id, worker)
package storage
