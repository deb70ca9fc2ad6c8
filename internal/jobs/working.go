package jobs

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/google/uuid"

	"casflow/internal/storage"
)

// working is what a process works on. The zero value is ready.
type working struct {
	mu        sync.Mutex
	documents map[uuid.UUID]int // a document may be delivered twice
}

// begin notes a document until end is called.
func (w *working) begin(document uuid.UUID) (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.documents == nil {
		w.documents = make(map[uuid.UUID]int)
	}
	w.documents[document]++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.documents[document]--; w.documents[document] == 0 {
			delete(w.documents, document)
		}
	}
}

func (w *working) list() []uuid.UUID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.AppendSeq(make([]uuid.UUID, 0, len(w.documents)), maps.Keys(w.documents))
}

// sweep gives back what this process holds without working on it.
func (p *Processor) sweep(ctx context.Context, db *storage.DB) error {
	n, err := db.ReleaseAbandoned(ctx, p.WorkerID, p.working.list())
	if n > 0 {
		p.Logger.WarnContext(ctx, "documents were claimed without this worker's knowledge, they are pending again", slog.Int("documents", n))
	}
	return err
}
