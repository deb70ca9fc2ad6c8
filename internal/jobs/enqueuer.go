package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"casflow/internal/storage"
)

// Enqueuer records documents and hands them to the queue.
type Enqueuer struct {
	db        *storage.DB
	redis     redis.UniversalClient
	client    *asynq.Client
	inspector *asynq.Inspector
	timeout   time.Duration
}

// NewEnqueuer returns an Enqueuer on the given ledger and Redis, which stay the
// caller's to close. taskTimeout is how long a worker may be at a task; 0 is an
// hour.
func NewEnqueuer(db *storage.DB, client redis.UniversalClient, taskTimeout time.Duration) *Enqueuer {
	if taskTimeout == 0 {
		taskTimeout = time.Hour
	}
	return &Enqueuer{
		db: db, redis: client, client: asynq.NewClientFromRedisClient(client), inspector: asynq.NewInspectorFromRedisClient(client), timeout: taskTimeout,
	}
}

// ErrNotQueued means that documents are safely recorded but could not be handed
// to Redis; the dispatcher of the workers does it as soon as it can.
var ErrNotQueued = errors.New("recorded, but not yet queued")

// Submit records documents and hands those that wait to the queue at once,
// ahead of the dispatcher. It returns the ids that are new. Doing it again
// changes nothing. With ErrNotQueued all of them are recorded.
func (e *Enqueuer) Submit(ctx context.Context, documents []storage.NewDocument) ([]uuid.UUID, error) {
	recorded, err := e.db.Record(ctx, documents)
	if err != nil {
		return nil, fmt.Errorf("submit: %w", err)
	}
	return recorded, e.Queue(ctx, recorded)
}

// Queue hands recorded documents that wait to the queue at once, ahead of the
// dispatcher. An error matches ErrNotQueued.
func (e *Enqueuer) Queue(ctx context.Context, recorded []uuid.UUID) error {
	deliveries, err := e.db.Requeue(ctx, recorded)
	if err == nil {
		err = e.deliver(ctx, deliveries)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotQueued, err)
	}
	return nil
}

// deliverers is how many tasks are written to Redis at once: one at a time is a
// round trip each, sixteen come near what Redis can take.
const deliverers = 16

// deliver enqueues the tasks of deliveries. A task that is there already is
// fine. What cannot be enqueued goes back to pending.
func (e *Enqueuer) deliver(ctx context.Context, deliveries []storage.Delivery) error {
	if err := e.announce(ctx, deliveries); err != nil {
		return errors.Join(err, e.db.Unqueue(context.WithoutCancel(ctx), documentsOf(deliveries)))
	}
	var (
		mu     sync.Mutex
		failed []uuid.UUID
		first  error
		group  errgroup.Group
	)
	group.SetLimit(deliverers)
	for _, d := range deliveries {
		group.Go(func() error {
			if err := e.enqueue(ctx, d); err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, d.DocumentID)
				if first == nil {
					first = err
				}
			}
			return nil // the others are still tried
		})
	}
	_ = group.Wait() // no function returns an error
	if first == nil {
		return nil
	}
	// If this fails too, Stale finds them.
	return errors.Join(fmt.Errorf("enqueue %d of %d tasks: %w", len(failed), len(deliveries), first),
		e.db.Unqueue(context.WithoutCancel(ctx), failed))
}

// announce adds the queues to asynq's list of them. asynq does that once per
// client, and so not again after Redis has lost everything.
func (e *Enqueuer) announce(ctx context.Context, deliveries []storage.Delivery) error {
	queues := make(map[string]bool)
	for _, d := range deliveries {
		queues[d.Queue] = true
	}
	for queue := range queues {
		if err := e.announceQueue(ctx, queue); err != nil {
			return err
		}
	}
	return nil
}

func (e *Enqueuer) announceQueue(ctx context.Context, queue string) error {
	if err := e.redis.SAdd(ctx, "asynq:queues", queue).Err(); err != nil {
		return fmt.Errorf("announce queue: %w", err)
	}
	return nil
}

func documentsOf(deliveries []storage.Delivery) []uuid.UUID {
	ids := make([]uuid.UUID, len(deliveries))
	for i, d := range deliveries {
		ids[i] = d.DocumentID
	}
	return ids
}

func (e *Enqueuer) enqueue(ctx context.Context, d storage.Delivery) error {
	task, err := newTask(d, e.timeout)
	if err != nil {
		return err
	}
	if _, err := e.client.EnqueueContext(ctx, task); err != nil {
		return fmt.Errorf("enqueue task: %w", err)
	}
	return nil
}

// revive makes sure that documents which have been queued for long still have a
// task that will run: one that has vanished is enqueued again, one that asynq
// has archived or completed blocks its id, so the document gets a new delivery.
func (e *Enqueuer) revive(ctx context.Context, stale []storage.Delivery) error {
	if err := e.announce(ctx, stale); err != nil {
		return err
	}
	var blocked []uuid.UUID
	for _, d := range stale {
		err := e.enqueue(ctx, d)
		if err == nil {
			continue
		}
		if !errors.Is(err, asynq.ErrTaskIDConflict) {
			return err
		}
		info, err := e.inspector.GetTaskInfo(d.Queue, taskID(d.DocumentID, d.Number))
		switch {
		case errors.Is(err, asynq.ErrTaskNotFound), errors.Is(err, asynq.ErrQueueNotFound):
			// It ran in this very moment; its document says how that went.
		case err != nil:
			return fmt.Errorf("look up task: %w", err)
		case info.State == asynq.TaskStateArchived || info.State == asynq.TaskStateCompleted:
			blocked = append(blocked, d.DocumentID)
		case info.State == asynq.TaskStateActive:
			ghost, err := e.exorcise(ctx, d)
			if err != nil {
				return err
			}
			if ghost {
				blocked = append(blocked, d.DocumentID)
			}
		}
	}
	if len(blocked) == 0 {
		return nil
	}
	deliveries, err := e.db.Requeue(ctx, blocked)
	if err != nil {
		return fmt.Errorf("renew deliveries: %w", err)
	}
	return e.deliver(ctx, deliveries)
}

// exorciseScript removes a task that asynq holds for active although nobody has a
// lease on it, which asynq's own recovery never finds, or whose lease is over, which
// it finds late. KEYS are the queue's leases, its active tasks and the task; ARGV is
// the task's id.
//
//nolint:gochecknoglobals // a constant
var exorciseScript = redis.NewScript(`
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
if lease and tonumber(lease) >= tonumber(redis.call('TIME')[1]) then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('LREM', KEYS[2], 0, ARGV[1])
redis.call('DEL', KEYS[3])
return 1`)

// exorcise removes the task of a delivery if it is such a ghost.
func (e *Enqueuer) exorcise(ctx context.Context, d storage.Delivery) (ghost bool, err error) {
	prefix, id := "asynq:{"+d.Queue+"}:", taskID(d.DocumentID, d.Number)
	removed, err := exorciseScript.Run(ctx, e.redis, []string{prefix + "lease", prefix + "active", prefix + "t:" + id}, id).Bool()
	if err != nil {
		return false, fmt.Errorf("remove task without a lease: %w", err)
	}
	return removed, nil
}

// Forget removes the archived tasks of redriven documents, so that asynq's own
// tools do not show them as dead any more. It is housekeeping: a task that
// cannot be removed is trimmed by asynq in time.
func (e *Enqueuer) Forget(redriven []storage.Redriven) error {
	for _, r := range redriven {
		err := e.inspector.DeleteTask(r.Queue, taskID(r.DocumentID, r.Delivery))
		if err != nil && !errors.Is(err, asynq.ErrTaskNotFound) && !errors.Is(err, asynq.ErrQueueNotFound) {
			return fmt.Errorf("remove archived task: %w", err)
		}
	}
	return nil
}
