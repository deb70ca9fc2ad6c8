package storage

import (
	"context"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"

	"casflow/internal/redact"
)

// written finds a PAN, in upper or lower case, in a text.
func written(pan string) *regexp.Regexp { return regexp.MustCompile("(?i)" + regexp.QuoteMeta(pan)) }

// batchTables are the tables that name batches, in the order in which they are given
// another name: whoever moves a document notes that under the name the document has,
// and what is noted is added to the counts.
func batchTables() []string {
	return []string{"documents", "document_changes", "call_changes", "document_counts", "batches", "scans"}
}

// maskBatches gives batches whose names mention a PAN others, and returns in how many
// rows. Two may be the same once they are masked, another investor's among them, but
// stay two.
func maskBatches(ctx context.Context, tx pgx.Tx, pan string) (int64, error) {
	// Everybody locks batches before documents.
	rows, err := tx.Query(ctx, `SELECT batch FROM cas.batches WHERE batch ILIKE $1 ORDER BY batch FOR NO KEY UPDATE`, "%"+pan+"%")
	if err != nil {
		return 0, err //nolint:wrapcheck // wrapped by Erase
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return 0, err //nolint:wrapcheck // wrapped by Erase
	}
	var renamed int64
	for _, name := range names {
		masked := written(pan).ReplaceAllStringFunc(name, redact.PANs)
		free := masked
		for n, taken := 2, true; ; n++ {
			if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM cas.batches WHERE batch = $1)`, free).Scan(&taken); err != nil {
				return 0, err //nolint:wrapcheck // wrapped by Erase
			}
			if !taken {
				break
			}
			free = fmt.Sprintf("%s-%d", masked, n)
		}
		for _, table := range batchTables() {
			tag, err := tx.Exec(ctx, "UPDATE "+pgx.Identifier{"cas", table}.Sanitize()+" SET batch = $2 WHERE batch = $1", name, free)
			if err != nil {
				return 0, err //nolint:wrapcheck // wrapped by Erase
			}
			renamed += tag.RowsAffected()
		}
	}
	return renamed, nil
}
