package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// History is what the ledger knows of one document.
type History struct {
	DocumentID uuid.UUID       `json:"document_id"`
	Document   *DocumentRecord `json:"document,omitempty"`    // nil: a bad_task without one
	DeadLetter *DeadRecord     `json:"dead_letter,omitempty"` // nil: it never died
	Attempts   []Attempt       `json:"attempts"`              // in order
}

// DocumentRecord is where a document lies, and how far it has come.
type DocumentRecord struct {
	Status     Status     `db:"status" json:"status"`
	Bucket     string     `db:"bucket" json:"bucket"`
	Key        string     `db:"object_key" json:"object_key"`
	VersionID  string     `db:"version_id" json:"version_id,omitempty"` // "" the current one
	ETag       string     `db:"etag" json:"etag"`
	SizeBytes  int64      `db:"size_bytes" json:"size_bytes"`
	Kind       string     `db:"kind" json:"kind"`
	Queue      string     `db:"queue" json:"queue"`
	Batch      string     `db:"batch" json:"batch,omitempty"`
	Counted    int        `db:"attempts" json:"attempts_counted"` // since it was recorded or redriven
	AnswerKept bool       `db:"answer_kept" json:"answer_kept"`
	CreatedAt  time.Time  `db:"created_at" json:"created_at"`
	UpdatedAt  time.Time  `db:"updated_at" json:"updated_at"`
	FinishedAt *time.Time `db:"finished_at" json:"finished_at,omitempty"` // nil: neither parsed nor dead
}

// History returns what the ledger knows of a document, or of a task without one,
// or ErrNotFound.
func (db *DB) History(ctx context.Context, id uuid.UUID) (History, error) {
	h := History{DocumentID: id}
	document, documentErr := one[DocumentRecord](ctx, db.pool, `
SELECT d.status, d.bucket, d.object_key, coalesce(d.version_id, '') AS version_id, d.etag, coalesce(d.size_bytes, 0) AS size_bytes,
	d.kind, d.queue, coalesce(d.batch, '') AS batch, d.attempts, d.created_at, d.updated_at, d.finished_at,
	EXISTS (SELECT FROM cas.answers a WHERE a.document_id = d.document_id) AS answer_kept
FROM cas.documents d WHERE d.document_id = @id`, pgx.NamedArgs{"id": id})
	letter, letterErr := one[DeadRecord](ctx, db.pool, `
SELECT `+deadRecordColumns+` FROM cas.dead_letters l WHERE l.document_id = @id`, pgx.NamedArgs{"id": id})
	missing := 0
	for _, err := range []error{documentErr, letterErr} {
		switch {
		case errors.Is(err, ErrNotFound):
			missing++
		case err != nil:
			return History{}, fmt.Errorf("read history of document %s: %w", id, err)
		}
	}
	if missing == 2 {
		return History{}, fmt.Errorf("document %s: %w", id, ErrNotFound)
	}
	if documentErr == nil {
		h.Document = &document
	}
	if letterErr == nil {
		h.DeadLetter = &letter
	}
	var err error
	h.Attempts, err = db.Attempts(ctx, id)
	return h, err
}
