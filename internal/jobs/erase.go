package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"casflow/internal/storage"
)

// ErrErasing means that a task which names the PAN is being worked on.
var ErrErasing = errors.New("a task that names the PAN is being worked on; try again in a minute")

// Erase removes from Redis what a PAN is behind: the tasks of the given documents,
// the answers that are parked for them, and tasks by which other services named an
// object whose key has the PAN. Nothing else in Redis names anybody. It returns
// ErrErasing where a worker is at such a task.
func (e *Enqueuer) Erase(ctx context.Context, pan string, traces []storage.Trace) error {
	for _, t := range traces {
		if err := e.redis.Del(ctx, parkedKey(t.DocumentID)).Err(); err != nil {
			return fmt.Errorf("drop parked answer: %w", err)
		}
		err := e.inspector.DeleteTask(t.Queue, taskID(t.DocumentID, t.Delivery))
		if err != nil && !errors.Is(err, asynq.ErrTaskNotFound) && !errors.Is(err, asynq.ErrQueueNotFound) && !isActive(e, t) {
			return fmt.Errorf("remove task: %w", err)
		}
	}
	for _, queue := range []string{storage.QueueInteractive, storage.QueueBulk} {
		if err := e.eraseTasks(ctx, queue, pan); err != nil {
			return err
		}
	}
	return nil
}

// isActive reports whether a worker is at a document's task: it finds no document
// any more when it saves, and the task names nobody.
func isActive(e *Enqueuer, t storage.Trace) bool {
	info, err := e.inspector.GetTaskInfo(t.Queue, taskID(t.DocumentID, t.Delivery))
	return err == nil && info.State == asynq.TaskStateActive
}

// eraseTasks goes through all tasks of a queue, whatever their state: asynq keeps one
// key for each.
func (e *Enqueuer) eraseTasks(ctx context.Context, queue, pan string) error {
	prefix := "asynq:{" + queue + "}:t:"
	return e.eachKey(ctx, prefix+"*", func(key string) error {
		id := strings.TrimPrefix(key, prefix)
		info, err := e.inspector.GetTaskInfo(queue, id)
		switch {
		case errors.Is(err, asynq.ErrTaskNotFound), errors.Is(err, asynq.ErrQueueNotFound):
			return nil // it has ended meanwhile
		case err != nil:
			return fmt.Errorf("look up task: %w", err)
		case !strings.Contains(strings.ToUpper(id+string(info.Payload)+info.LastErr), pan):
			return nil
		case info.State == asynq.TaskStateActive:
			return ErrErasing
		}
		if err := e.inspector.DeleteTask(queue, id); err != nil && !errors.Is(err, asynq.ErrTaskNotFound) {
			return fmt.Errorf("remove task: %w", err)
		}
		return nil
	})
}

// eachKey calls do for every key that matches, on each server of a cluster.
func (e *Enqueuer) eachKey(ctx context.Context, pattern string, do func(key string) error) error {
	scan := func(ctx context.Context, client redis.Cmdable) error {
		keys := client.Scan(ctx, 0, pattern, 1000).Iterator()
		for keys.Next(ctx) {
			if err := do(keys.Val()); err != nil {
				return err
			}
		}
		if err := keys.Err(); err != nil {
			return fmt.Errorf("look through Redis: %w", err)
		}
		return nil
	}
	if cluster, ok := e.redis.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return scan(ctx, node) }) //nolint:wrapcheck // wrapped by scan
	}
	return scan(ctx, e.redis)
}
