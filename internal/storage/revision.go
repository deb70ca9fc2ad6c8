package storage

import "slices"

// The tables of revisions.
const (
	statementRevisions = "statement_revisions"
	noteRevisions      = "contract_note_revisions"
)

// saveRevision writes the INSERT that notes, in the revisions of a header, why a
// document's answer took the place of the one that was there, or did not. It comes
// after the header, whose row is locked by now whoever won: so the header is what
// other documents have left, and no other can come between. Doing it twice for one
// document and revision changes nothing. Its parameters are the key, the document,
// when its answer was received, how many transactions it has and, where answers say
// when they were generated, that. fewer is the reason for which an answer without
// transactions loses against one that has some.
func (f *family) saveRevision(revisions, fewer string, generated bool) string {
	document, received, count := f.parameter(1), f.parameter(2), f.parameter(3)
	newer, column, value := "", "", ""
	if generated {
		newer = "WHEN coalesce(s.generated_at, s.received_at) > coalesce(before.generated_at, before.received_at) THEN 'newer_generated_at'"
		column, value = ", generated_at", ", nullif("+f.parameter(4)+", '')::timestamptz"
	}
	return `
INSERT INTO cas.` + revisions + ` (` + f.names + `, revision, document_id, outcome, reason, received_at, transaction_count` + column + `)
SELECT ` + f.values + `, s.revision, ` + document + `::uuid,
	CASE WHEN s.document_id = ` + document + ` THEN 'won' ELSE 'lost' END,
	CASE
		WHEN s.document_id <> ` + document + ` AND ` + count + `::integer = 0 AND s.transaction_count > 0 THEN '` + fewer + `'
		WHEN s.document_id <> ` + document + ` THEN 'older'
		WHEN s.revision = 1 THEN 'first'
		WHEN before.document_id IS NULL THEN 'unrecorded'
		WHEN before.transaction_count = 0 AND s.transaction_count > 0 THEN 'has_transactions'
		` + newer + `
		ELSE 'later_arrival'
	END,
	` + received + `::timestamptz, ` + count + `::integer` + value + `
FROM cas.` + f.header + ` s LEFT JOIN LATERAL (
	SELECT document_id, transaction_count, received_at` + column + ` FROM cas.` + revisions + f.at + ` AND revision = s.revision - 1 AND outcome = 'won'
) AS before ON true` + f.at + `
ON CONFLICT (` + f.names + `, revision, document_id) DO NOTHING`
}

//nolint:gochecknoglobals // constants, computed
var (
	saveStatementRevisionSQL = statementFamily.saveRevision(statementRevisions, "holdings_only", true)
	saveNoteRevisionSQL      = noteFamily.saveRevision(noteRevisions, "no_transactions", false)
)

func (s *Statement) revisionArgs(key []any) []any {
	return append(slices.Clip(key), s.ReceivedAt, len(s.Transactions), s.GeneratedAt)
}

func (n *ContractNote) revisionArgs(key []any) []any {
	return append(slices.Clip(key), n.ReceivedAt, n.transactions())
}
