package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"

	"casflow/internal/storage"
)

// CallbackTaskType is the type of the task that tells a document's end to who
// asked for it.
const CallbackTaskType = "cas:callback"

// QueueCallbacks is the queue of callbacks: one of their own, with workers of
// their own, so that a host which hangs delays no parsing.
const QueueCallbacks = "callbacks"

const (
	callbackConcurrency = 8                // attempts at once in a process
	callbackWindow      = 200              // callbacks kept in Redis; the others wait in Postgres
	callbackInterval    = time.Second      // between looks for those that are due
	callbackTaskTimeout = 2 * time.Minute  // far more than an attempt and its note take
	callbackShutdown    = 20 * time.Second // an attempt and its note
)

// callbackPayload is what a task carries: what is told stays in the ledger.
type callbackPayload struct {
	CallbackID uuid.UUID `json:"callback_id"`
}

func decodeCallback(data []byte) (uuid.UUID, error) {
	var p callbackPayload
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return uuid.Nil, payloadFault(data, err)
	}
	if p.CallbackID == uuid.Nil {
		return uuid.Nil, payloadFault(data, errors.New("no callback_id"))
	}
	return p.CallbackID, nil
}

func newCallbackTask(d storage.CallbackDelivery) (*asynq.Task, error) {
	payload, err := json.Marshal(callbackPayload{CallbackID: d.ID})
	if err != nil {
		return nil, fmt.Errorf("encode payload: %w", err)
	}
	return asynq.NewTask(CallbackTaskType, payload, asynq.TaskID(taskID(d.ID, d.Number)), asynq.Queue(QueueCallbacks),
		asynq.MaxRetry(maxRetry), asynq.Timeout(callbackTaskTimeout)), nil
}

// feedCallbacks hands callbacks that are due to the queue. What cannot be handed
// over is due again.
func (d *Dispatcher) feedCallbacks(ctx context.Context, leader *storage.Leader) error {
	due, err := leader.DueCallbacks(ctx, callbackWindow)
	if err != nil || len(due) == 0 {
		return err
	}
	err = d.Enqueuer.deliverCallbacks(ctx, due)
	if err == nil {
		return nil
	}
	ids := make([]uuid.UUID, len(due))
	for n := range due {
		ids[n] = due[n].ID
	}
	return errors.Join(err, d.DB.UnqueueCallbacks(context.WithoutCancel(ctx), ids))
}

// deliverCallbacks enqueues the tasks of callbacks. A task that is there already
// is fine.
func (e *Enqueuer) deliverCallbacks(ctx context.Context, due []storage.CallbackDelivery) error {
	if err := e.announceQueue(ctx, QueueCallbacks); err != nil {
		return err
	}
	for _, d := range due {
		task, err := newCallbackTask(d)
		if err != nil {
			return err
		}
		if _, err := e.client.EnqueueContext(ctx, task); err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
			return fmt.Errorf("enqueue callback: %w", err)
		}
	}
	return nil
}
