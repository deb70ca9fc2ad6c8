package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// resave is Save for an answer that the ledger has already and that was read anew: it
// replaces the rows of its document, also where they stood under another key, and
// makes a dead document parsed. ErrNotFound means that the document is gone, or its
// answer another one than was read.
func (db *DB) resave(ctx context.Context, r Reread) (Saved, error) {
	document, of := r.Answer.DocumentID, r.Content.family()
	var saved Saved
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if err := unchanged(ctx, tx, r); err != nil {
			return err
		}
		key, err := standingKey(ctx, tx, of, document)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err == nil && !slices.Equal(key, r.Content.key()) {
			// Whoever else has an answer for that key takes it when its turn comes.
			batch := &pgx.Batch{}
			args := arguments(key, document)
			batch.Queue(r.Content.deleteSQL(), args...)
			batch.Queue("DELETE FROM cas."+of.header+of.at+" AND document_id = "+of.parameter(1), args...)
			if err := tx.SendBatch(ctx, batch).Close(); err != nil {
				return fmt.Errorf("clear rows of document %s: %w", document, err)
			}
		}
		saved, err = save(ctx, tx, r.Answer, r.Content, AttemptEnd{}, false)
		return err
	})
	if err != nil {
		return Saved{}, err //nolint:wrapcheck // wrapped above, but for what becomes of the transaction
	}
	return saved, nil
}

// unchanged holds a document, and returns ErrNotFound where its answer is not that any
// more which was read: it may be without a PAN that was erased since. Held first, and
// looked at then: an erasure holds the documents in whose answers it masks a PAN.
func unchanged(ctx context.Context, tx pgx.Tx, r Reread) error {
	const hold = `SELECT FROM cas.documents WHERE document_id = $1 FOR NO KEY UPDATE`
	const look = `SELECT FROM cas.answers WHERE document_id = $1 AND sha256(body) = $2`
	var found int64
	batch := &pgx.Batch{}
	batch.Queue(hold, r.Answer.DocumentID)
	batch.Queue(look, r.Answer.DocumentID, r.Sum[:]).Exec(func(tag pgconn.CommandTag) error { found = tag.RowsAffected(); return nil })
	err := tx.SendBatch(ctx, batch).Close()
	if err == nil && found == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("hold answer of document %s: %w", r.Answer.DocumentID, err)
	}
	return nil
}

// standingKey is the key under which the rows of a document stand, or ErrNotFound.
func standingKey(ctx context.Context, tx pgx.Tx, of *family, document uuid.UUID) ([]string, error) {
	type row struct {
		Key []string `db:"key"`
	}
	var key []string
	for _, c := range of.key {
		key = append(key, "s."+c.name+"::text")
	}
	r, err := one[row](ctx, tx, "SELECT ARRAY["+strings.Join(key, ", ")+"] AS key FROM cas.documents d JOIN cas."+of.header+` s ON s.pan = d.pan
WHERE d.document_id = @id AND s.document_id = @id`, pgx.NamedArgs{"id": document})
	if err != nil {
		return nil, fmt.Errorf("look for rows of document %s: %w", document, err)
	}
	return r.Key, nil
}
