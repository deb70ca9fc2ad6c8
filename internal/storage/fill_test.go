package storage_test

import (
	"strings"
	"testing"

	"casflow/internal/storage/storagetest"
)

// fillUnseen fills the ledger with n documents in all states, as many attempts, and twice as
// many rows of statements. One in a hundred is dead.
// Postgres' statistics do not tell of them.
func fillUnseen(tb testing.TB, address string, n int) {
	tb.Helper()
	for _, sql := range []string{
		`INSERT INTO cas.batches (batch, total, max_credits) VALUES ('may', $1 / 2, 1), ('june', $1 / 2, NULL)`,
		`INSERT INTO cas.documents (document_id, bucket, object_key, etag, size_bytes, sha256, kind, queue, batch, status, over_budget, finished_at, pan, created_at)
SELECT gen_random_uuid(), 'statements', 'in/' || i || '.pdf', md5(i::text), 123456, sha256(i::text::bytea), 'smart',
	CASE WHEN i % 50 = 0 THEN 'interactive' ELSE 'bulk' END, CASE WHEN i % 2 = 0 THEN 'may' ELSE 'june' END,
	CASE WHEN i % 100 = 9 THEN 'dead' WHEN i % 10 < 6 THEN 'parsed' ELSE 'pending' END, i % 10 = 8,
	CASE WHEN i % 100 = 9 OR i % 10 < 6 THEN now() - i * interval '1 second' END,
	CASE WHEN i % 10 < 6 AND i % 100 <> 9 THEN 'ZZZP' || chr(65 + i / 10000 % 26) || to_char(i % 10000, 'FM0000') || chr(65 + i / 260000) END,
	now() - i * interval '1 second'
FROM generate_series(1, $1::integer) AS i`,
		`INSERT INTO cas.attempts (request_id, document_id, endpoint, worker_id, sha256, started_at, finished_at, outcome, credits)
SELECT 'req_' || object_key, document_id, '/v4/smart/parse', document_id, sha256, created_at, created_at,
	CASE WHEN status = 'dead' THEN 'refused' ELSE 'answered' END, 1
FROM cas.documents WHERE status <> 'pending'`,
		`INSERT INTO cas.answers (document_id, sha256, endpoint, request_id, body, received_at)
SELECT document_id, sha256, '/v4/smart/parse', 'req_' || object_key, '{}', created_at FROM cas.documents WHERE status = 'parsed'`,
		`INSERT INTO cas.dead_letters (document_id, reason, message, dead_at, redriven_at)
SELECT document_id, 'wrong_password', 'no candidate opens it', created_at, CASE WHEN status = 'parsed' THEN created_at END
FROM cas.documents WHERE status IN ('parsed', 'dead')`,
		`INSERT INTO cas.statements (pan, period_from, period_to, cas_type, received_at, document_id, revision, transaction_count)
SELECT pan, '2025-04-01', '2025-04-30', 'CDSL', created_at, document_id, 1, 3 FROM cas.documents WHERE status = 'parsed' ON CONFLICT DO NOTHING`,
		`INSERT INTO cas.transactions (pan, period_from, period_to, cas_type, holding_kind, account_ordinal, holding_ordinal, ordinal, date, amount)
SELECT pan, period_from, period_to, cas_type, 'mutual_fund', 0, 0, i, period_from, 1000.25 FROM cas.statements, generate_series(1, 3) AS i`,
		`INSERT INTO cas.batches (batch, created_at, total, parsed) SELECT 'old ' || i, now() - i * interval '1 day', 10, 10 FROM generate_series(2, 20000) AS i`,
		`INSERT INTO cas.document_counts (batch, state, documents) SELECT 'old ' || i, 'parsed', 10 FROM generate_series(2, 20000) AS i`,
		`INSERT INTO cas.callbacks (document_id, event, state, finished_at) SELECT document_id, 'parsed', 'delivered', now() FROM cas.documents WHERE status = 'parsed'`,
	} {
		var args []any
		if strings.Contains(sql, "$1") {
			args = append(args, n)
		}
		storagetest.Rows(tb, address, sql, args...)
	}
}

// fill is fillUnseen, with statistics.
func fill(tb testing.TB, address string, n int) {
	tb.Helper()
	fillUnseen(tb, address, n)
	for _, table := range grown {
		storagetest.Rows(tb, address, `VACUUM ANALYZE cas.`+table)
	}
}

// grown are the tables that grow with the documents: fill fills each.
var grown = []string{"documents", "attempts", "answers", "dead_letters", "statements", "transactions", "batches", "document_counts", "callbacks"}
