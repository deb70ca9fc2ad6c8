package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Resave is Save for an answer that the ledger has already and that was read anew: it
// replaces the rows of its document, also where they stood under another key, and
// makes a dead document parsed. ErrNotFound means that the document is gone.
func (db *DB) Resave(ctx context.Context, a Answer, content Content) (Saved, error) {
	of := content.family()
	key, err := db.standing(ctx, of, a.DocumentID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Saved{}, err
	}
	if err == nil && !slices.Equal(key, content.key()) {
		// Whoever else has an answer for that key takes it when its turn comes.
		batch := &pgx.Batch{}
		args := arguments(key, a.DocumentID)
		batch.Queue(content.deleteSQL(), args...)
		batch.Queue("DELETE FROM cas."+of.header+of.at+" AND document_id = "+of.parameter(1), args...)
		if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
			return Saved{}, fmt.Errorf("clear rows of document %s: %w", a.DocumentID, err)
		}
	}
	return db.save(ctx, a, content, AttemptEnd{}, false)
}

// standing is the key under which the rows of a document stand, or ErrNotFound.
func (db *DB) standing(ctx context.Context, of *family, document uuid.UUID) ([]string, error) {
	type row struct {
		Key []string `db:"key"`
	}
	var key []string
	for _, c := range of.key {
		key = append(key, "s."+c.name+"::text")
	}
	r, err := one[row](ctx, db.pool, "SELECT ARRAY["+strings.Join(key, ", ")+"] AS key FROM cas.documents d JOIN cas."+of.header+` s ON s.pan = d.pan
WHERE d.document_id = @id AND s.document_id = @id`, pgx.NamedArgs{"id": document})
	if err != nil {
		return nil, fmt.Errorf("look for rows of document %s: %w", document, err)
	}
	return r.Key, nil
}
