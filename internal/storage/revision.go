package storage

import "slices"

// saveRevisionSQL notes why a document's answer took the place of the one that
// was there, or did not. It comes after the header, whose row is locked by now
// whoever won: so the header is what other documents have left, and no other can
// come between. Doing it twice for one document and revision changes nothing.
const saveRevisionSQL = `
INSERT INTO cas.statement_revisions (pan, period_from, period_to, cas_type, revision, document_id, outcome, reason,
	generated_at, received_at, transaction_count)
SELECT s.pan, s.period_from, s.period_to, s.cas_type, s.revision, $5::uuid,
	CASE WHEN s.document_id = $5 THEN 'won' ELSE 'lost' END,
	CASE
		WHEN s.document_id <> $5 AND $7::integer = 0 AND s.transaction_count > 0 THEN 'holdings_only'
		WHEN s.document_id <> $5 THEN 'older'
		WHEN s.revision = 1 THEN 'first'
		WHEN before.document_id IS NULL THEN 'unrecorded'
		WHEN before.transaction_count = 0 AND s.transaction_count > 0 THEN 'has_transactions'
		WHEN coalesce(s.generated_at, s.received_at) > coalesce(before.generated_at, before.received_at) THEN 'newer_generated_at'
		ELSE 'later_arrival'
	END,
	nullif($8, '')::timestamptz, $6::timestamptz, $7::integer
FROM cas.statements s
LEFT JOIN cas.statement_revisions before ON before.pan = s.pan AND before.period_from = s.period_from AND before.period_to = s.period_to
	AND before.cas_type = s.cas_type AND before.revision = s.revision - 1 AND before.outcome = 'won'
WHERE s.pan = $1 AND s.period_from = $2::date AND s.period_to = $3::date AND s.cas_type = $4
ON CONFLICT (pan, period_from, period_to, cas_type, revision, document_id) DO NOTHING`

func (s *Statement) revisionArgs(key []any) []any {
	return append(slices.Clip(key), s.ReceivedAt, len(s.Transactions), s.GeneratedAt)
}
