package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"casflow/internal/storage"
)

// Poison remembers, in Redis, which documents each worker is reading at the
// moment: looking into their PDF or taking apart their answer, which is when a
// document can bring a worker down. A document that waits for a permit or for the API is
// not suspected when its worker dies, and so does not suffer for a neighbour.
type Poison struct {
	client redis.UniversalClient
	worker uuid.UUID // this process
}

// NewPoison returns the Poison of a worker process.
func NewPoison(client redis.UniversalClient, worker uuid.UUID) *Poison {
	return &Poison{client: client, worker: worker}
}

func readingKey(worker uuid.UUID) string { return "casflow:reading:" + worker.String() }

// reading notes that a document is being read, until done is called. Where Redis
// does not answer nothing is noted: a crash is then nobody's fault.
func (p *Poison) reading(ctx context.Context, document uuid.UUID) (done func()) {
	ctx = context.WithoutCancel(ctx)
	if err := p.note(ctx, p.client.SAdd, document); err != nil {
		return func() {}
	}
	return func() { _ = p.note(ctx, p.client.SRem, document) }
}

// noteLimit bounds what a Redis that hangs costs a document.
const noteLimit = 500 * time.Millisecond

func (p *Poison) note(ctx context.Context, how func(context.Context, string, ...any) *redis.IntCmd, document uuid.UUID) error {
	ctx, cancel := context.WithTimeout(ctx, noteLimit)
	defer cancel()
	if err := how(ctx, readingKey(p.worker), document.String()).Err(); err != nil {
		return fmt.Errorf("note what is read: %w", err)
	}
	return nil
}

// suspects are those of the lost documents that their workers were reading when
// they died. What the workers left behind is removed.
func (p *Poison) suspects(ctx context.Context, lost []storage.Lost) ([]uuid.UUID, error) {
	workers := make(map[uuid.UUID]map[string]bool)
	var suspects []uuid.UUID
	for _, l := range lost {
		reading, asked := workers[l.WorkerID]
		if !asked {
			members, err := p.client.SMembers(ctx, readingKey(l.WorkerID)).Result()
			if err != nil {
				return nil, fmt.Errorf("ask what a dead worker was reading: %w", err)
			}
			reading = make(map[string]bool, len(members))
			for _, m := range members {
				reading[m] = true
			}
			workers[l.WorkerID] = reading
		}
		if reading[l.DocumentID.String()] {
			suspects = append(suspects, l.DocumentID)
		}
	}
	for worker := range workers {
		if err := p.client.Del(ctx, readingKey(worker)).Err(); err != nil {
			return nil, fmt.Errorf("forget what a dead worker was reading: %w", err)
		}
	}
	return suspects, nil
}
