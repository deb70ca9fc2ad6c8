package storage

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"casflow/internal/redact"
)

// Trace is a document that a PAN is behind: its statement is that PAN's, it is a copy
// of such a PDF, its object key names the PAN, or it is one of its passwords.
type Trace struct {
	DocumentID uuid.UUID `db:"document_id"`
	Bucket     string    `db:"bucket"`
	Key        string    `db:"object_key"`
	Queue      string    `db:"queue"`
	Delivery   int       `db:"delivery"`
	Status     Status    `db:"status"`
}

// Traces lists the documents that a PAN is behind, whatever their state. Sealed
// passwords are looked into with sealer; the error is ErrSealed where they cannot be.
func (db *DB) Traces(ctx context.Context, pan string, sealer *Sealer) ([]Trace, error) {
	const columns = `SELECT document_id, bucket, object_key, queue, delivery, status`
	traces, err := all[Trace](ctx, db.pool, columns+` FROM cas.documents
WHERE pan = @pan OR strpos(upper(object_key), @pan) > 0
	OR pan IS NULL AND sha256 IN (SELECT sha256 FROM cas.documents WHERE pan = @pan) -- it would bring them back`, pgx.NamedArgs{"pan": pan})
	if err != nil {
		return nil, fmt.Errorf("look for documents: %w", err)
	}
	found := make([]uuid.UUID, len(traces))
	for i, t := range traces {
		found[i] = t.DocumentID
	}
	type sealed struct {
		Trace
		Passwords []byte `db:"sealed_passwords"`
	}
	rows, err := db.pool.Query(ctx, columns+`, sealed_passwords FROM cas.documents
WHERE sealed_passwords IS NOT NULL AND document_id <> ALL (@found)`, pgx.NamedArgs{"found": found})
	if err != nil {
		return nil, fmt.Errorf("look into sealed passwords: %w", err)
	}
	defer rows.Close()
	for rows.Next() { //nolint:forbidigo // one at a time: all of them may not fit into memory
		s, err := pgx.RowToStructByName[sealed](rows)
		if err != nil {
			return nil, fmt.Errorf("look into sealed passwords: %w", err)
		}
		candidates, err := sealer.OpenPasswords(s.DocumentID, s.Passwords)
		if err != nil {
			return nil, fmt.Errorf("look into sealed passwords of document %s: %w", s.DocumentID, err)
		}
		for _, candidate := range candidates {
			if strings.Contains(strings.ToUpper(candidate.Reveal()), pan) {
				traces = append(traces, s.Trace)
				break
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look into sealed passwords: %w", err)
	}
	return traces, nil
}

// Erasure is what Erase did.
type Erasure struct {
	Documents int   // forgotten
	Rows      int64 // of statements, deleted
	Masked    int64 // rows of others in which the PAN was masked, raw answers included
}

// Erase removes every trace of a PAN from the database, in one transaction, and
// leaves a row in cas.erasures: its statements, the given documents with their
// answers, passwords and dead letters, and its mention in what is others' (a joint
// holder's statement, say), where it is masked. Attempts stay, for what was paid: they
// do not name anybody. objects is how many objects were deleted from S3.
func (db *DB) Erase(ctx context.Context, pan string, traces []Trace, by string, objects int) (Erasure, error) {
	var done Erasure
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) (err error) {
		done, err = erase(ctx, tx, pan, traces)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
INSERT INTO cas.erasures (erasure_id, pan_masked, erased_by, documents, rows, masked, objects)
VALUES (@id, @pan, @by, @documents, @rows, @masked, @objects)`, pgx.NamedArgs{
			"id": uuid.New(), "pan": redact.PANs(pan), "by": redact.PANs(by),
			"documents": done.Documents, "rows": done.Rows, "masked": done.Masked, "objects": objects,
		})
		return err //nolint:wrapcheck // wrapped below
	})
	if err != nil {
		return Erasure{}, fmt.Errorf("erase: %w", err)
	}
	return done, nil
}

// erasedColumn is a column of the schema that may hold a PAN.
type erasedColumn struct {
	Table string `db:"relname"`
	Name  string `db:"attname"`
	Type  string `db:"type"`
	Key   bool   `db:"key"` // it is the PAN that the row is about
}

// columnsSQL lists the columns of all tables, whatever a migration has added.
const columnsSQL = `
SELECT c.relname, a.attname, format_type(a.atttypid, NULL) AS type, a.attname = 'pan' AND c.relname <> 'documents' AS key
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' -- which follow from others
WHERE c.relnamespace = 'cas'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND format_type(a.atttypid, NULL) IN ('text', 'text[]', 'jsonb')
ORDER BY c.relname, a.attnum`

// forgetScansSQL has the scans begin anew that have come to a key which mentions @pan:
// masked, it would be another place among the keys, and those between would be left out.
// Before all else, as a scan too writes its own rows before documents.
const forgetScansSQL = `
WITH gone AS (
	DELETE FROM cas.scans WHERE finished_at IS NULL AND scan_id IN (
		SELECT scan_id FROM cas.scan_ranges WHERE after_key ILIKE @like OR until_key ILIKE @like)
	RETURNING scan_id
)
DELETE FROM cas.scan_ranges WHERE scan_id IN (SELECT scan_id FROM gone)`

func erase(ctx context.Context, tx pgx.Tx, pan string, traces []Trace) (Erasure, error) {
	ids := make([]uuid.UUID, len(traces))
	for i, t := range traces {
		ids[i] = t.DocumentID
	}
	args := pgx.NamedArgs{"ids": ids, "pan": pan, "masked": redact.PANs(pan), "like": "%" + pan + "%"}
	run := func(sql string) (int64, error) {
		tag, err := tx.Exec(ctx, sql, args)
		return tag.RowsAffected(), err
	}
	var done Erasure
	if _, err := run(forgetScansSQL); err != nil {
		return done, err
	}
	batches, err := maskBatches(ctx, tx, pan)
	if err != nil {
		return done, err
	}
	done.Masked = batches
	others, err := mentions(ctx, tx, pan)
	if err != nil {
		return done, err
	}
	args["held"] = append(others, ids...)
	for _, sql := range []string{
		`SELECT FROM cas.documents WHERE document_id = ANY (@held) ORDER BY document_id FOR UPDATE`, // a save under way ends first
		`INSERT INTO cas.erased_documents (document_id) SELECT document_id FROM cas.documents WHERE document_id = ANY (@ids) ON CONFLICT DO NOTHING`,
		`UPDATE cas.attempts SET sha256 = NULL WHERE document_id = ANY (@ids)`,
		`DELETE FROM cas.answers WHERE document_id = ANY (@ids)`,
		`DELETE FROM cas.dead_letters WHERE document_id = ANY (@ids)`,
		`DELETE FROM cas.callbacks WHERE document_id = ANY (@ids)`,
		`DELETE FROM cas.documents WHERE document_id = ANY (@ids)`,
	} {
		n, err := run(sql)
		if err != nil {
			return done, err
		}
		done.Documents = int(n) // of the last: the documents
	}
	found, err := all[erasedColumn](ctx, tx, columnsSQL, nil)
	if err != nil {
		return done, err
	}
	columns := make(map[string][]erasedColumn)
	for _, c := range found {
		columns[c.Table] = append(columns[c.Table], c)
		if c.Key {
			n, err := run("DELETE FROM " + pgx.Identifier{"cas", c.Table}.Sanitize() + " WHERE pan = @pan")
			if err != nil {
				return done, err
			}
			done.Rows += n
		}
	}
	for table, of := range columns {
		n, err := run(maskSQL(table, of))
		if err != nil {
			return done, err
		}
		done.Masked += n
	}
	n, err := maskAnswers(ctx, tx, pan)
	done.Masked += n
	return done, err
}

// maskSQL masks @pan, in upper or lower case, wherever a table's rows mention it.
func maskSQL(table string, columns []erasedColumn) string {
	var set, where []string
	for _, c := range columns {
		name := pgx.Identifier{c.Name}.Sanitize()
		masked := "regexp_replace(" + name + ", @pan, @masked, 'gi')"
		switch c.Type {
		case "jsonb":
			masked = "regexp_replace(" + name + "::text, @pan, @masked, 'gi')::jsonb"
		case "text[]":
			masked = "regexp_replace(" + name + "::text, @pan, @masked, 'gi')::text[]"
		}
		mentions := name + "::text ILIKE @like"
		set = append(set, name+" = CASE WHEN "+mentions+" THEN "+masked+" ELSE "+name+" END")
		where = append(where, mentions)
	}
	return "UPDATE " + pgx.Identifier{"cas", table}.Sanitize() + " SET " + strings.Join(set, ", ") + " WHERE " + strings.Join(where, " OR ")
}

// mentions are the documents whose raw answers mention a PAN, in letters of either case
// and both: it is read from any.
func mentions(ctx context.Context, tx pgx.Tx, pan string) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `SELECT document_id FROM cas.answers
WHERE position(lower(@pan) IN lower(encode(body, 'escape') COLLATE "C")) > 0`, pgx.NamedArgs{"pan": pan})
	if err != nil {
		return nil, err //nolint:wrapcheck // wrapped by Erase
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]) //nolint:wrapcheck // wrapped by Erase
}

// maskAnswers masks a PAN in raw answers, byte for byte, one at a time: they may be
// large. Those that came since the erasure began are among them.
func maskAnswers(ctx context.Context, tx pgx.Tx, pan string) (int64, error) {
	ids, err := mentions(ctx, tx, pan)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		var body []byte
		if err := tx.QueryRow(ctx, `SELECT body FROM cas.answers WHERE document_id = $1 FOR UPDATE`, id).Scan(&body); err != nil {
			return 0, err //nolint:wrapcheck // wrapped by Erase
		}
		body = written(pan).ReplaceAllFunc(body, func(found []byte) []byte { return []byte(redact.PANs(string(found))) })
		if _, err := tx.Exec(ctx, `UPDATE cas.answers SET body = $2 WHERE document_id = $1`, id, body); err != nil {
			return 0, err //nolint:wrapcheck // wrapped by Erase
		}
	}
	return int64(len(ids)), nil
}
