package jobs

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	count  atomic.Int64
	mu     sync.Mutex
	done   []any // readings that have ended, of which Redis is still to be told
	due    bool  // it will be, if no other reading tells it sooner
}

// NewPoison returns the Poison of a worker process.
func NewPoison(client redis.UniversalClient, worker uuid.UUID) *Poison {
	return &Poison{client: client, worker: worker}
}

func readingKey(worker uuid.UUID) string { return "casflow:reading:" + worker.String() }

// reading notes that a document is being read, until done is called. Where Redis does not
// answer nothing is noted: a crash is then nobody's fault. Each reading is noted by
// itself, since the end of one may be told after the beginning of another.
func (p *Poison) reading(ctx context.Context, document uuid.UUID) (done func()) {
	member := document.String() + " " + strconv.FormatInt(p.count.Add(1), 10)
	if err := p.tell(context.WithoutCancel(ctx), member); err != nil {
		return func() {}
	}
	return func() { p.end(member) }
}

const (
	// noteLimit bounds what a Redis that hangs costs a document.
	noteLimit = 500 * time.Millisecond
	// noteDelay is how long the end of a reading waits to be told together with the
	// beginning of another: a worker that dies within it has its document suspected.
	noteDelay = 20 * time.Millisecond
)

// tell tells Redis what has begun, unless that is "", and what has ended.
func (p *Poison) tell(ctx context.Context, begun string) error {
	ctx, cancel := context.WithTimeout(ctx, noteLimit)
	defer cancel()
	p.mu.Lock()
	done := p.done
	p.done = nil
	p.mu.Unlock()
	key, pipe := readingKey(p.worker), p.client.Pipeline()
	if len(done) > 0 {
		pipe.SRem(ctx, key, done...)
	}
	if begun != "" {
		pipe.SAdd(ctx, key, begun)
	}
	if pipe.Len() == 0 {
		return nil
	}
	if _, err := pipe.Exec(ctx); err != nil {
		p.mu.Lock()
		p.done = append(p.done, done...)
		p.mu.Unlock()
		return fmt.Errorf("note what is read: %w", err)
	}
	return nil
}

// end notes that a reading has ended.
func (p *Poison) end(member string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = append(p.done, member)
	if !p.due {
		p.due = true
		time.AfterFunc(noteDelay, p.rest)
	}
}

// rest tells of what has ended and nobody has told of.
func (p *Poison) rest() {
	p.mu.Lock()
	p.due = false
	p.mu.Unlock()
	_ = p.tell(context.Background(), "") // the next one tells it again
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
				document, _, _ := strings.Cut(m, " ")
				reading[document] = true
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
