package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"casflow/internal/storage"
)

// save writes answer and rows in one transaction. Where the rows cannot be
// written for what they are, the answer alone is kept.
func (r *run) save(ctx context.Context, answer storage.Answer) error {
	defer r.stages.start("save")()
	if len(answer.Body) > largeAnswer || r.document.Crashes > 0 {
		// It has to wait for its turn, or a worker has died of it: should this one die
		// too, the answer is kept.
		if err := r.keep(ctx, answer); err != nil {
			return err
		}
	}
	defer r.p.turns.enter(answer)()
	read, fault := r.normalize(ctx, answer)
	if fault == nil {
		var saved storage.Saved
		err := r.persistAnswer(ctx, answer, func(ctx context.Context) (err error) {
			saved, err = r.p.DB.Save(ctx, answer, read.content, r.end)
			return err
		})
		if err == nil {
			r.p.Metrics.wrote(saved.Rows)
			r.p.Metrics.couldNotRead(read.unreadable)
			r.document.SealedPasswords = nil
			return nil
		}
		if !errors.Is(err, storage.ErrRefused) {
			return err
		}
		fault = fmt.Errorf("%w: %w", errBadAnswer, err)
	}
	return errors.Join(fault, r.keep(ctx, answer))
}

// normalize reads the answer. A panic of it becomes an error, so that the answer,
// which is paid for, is kept all the same.
func (r *run) normalize(ctx context.Context, answer storage.Answer) (read reading, err error) {
	defer r.p.Poison.reading(ctx, r.document.ID)()
	defer r.contain(&err)
	return normalize(source{body: answer.Body, kind: r.document.Kind, receivedAt: answer.ReceivedAt})
}

// contain, deferred, turns a panic into errPanic.
func (r *run) contain(err *error) {
	if cause := recover(); cause != nil {
		// The panic's text may quote data; where it happened cannot.
		r.stack = debug.Stack()
		if elsewhere, ok := cause.(*asidePanic); ok {
			cause, r.stack = elsewhere.cause, elsewhere.stack
		}
		*err = fmt.Errorf("%w (%T)", errPanic, cause)
	}
}

// keep saves the answer alone.
func (r *run) keep(ctx context.Context, answer storage.Answer) error {
	return r.persistAnswer(ctx, answer, func(ctx context.Context) error {
		return r.p.DB.SaveAnswer(ctx, answer, r.closing())
	})
}

// persistAnswer persists an answer that is paid for. While Postgres does not take
// it, it is parked, so that the death of this worker does not cost it.
func (r *run) persistAnswer(ctx context.Context, answer storage.Answer, write func(context.Context) error) error {
	// A second more for each megabyte: 30 of them hold some 100,000 rows.
	limit := writeLimit + time.Duration(len(answer.Body)>>20)*time.Second
	err := r.persistWithin(ctx, limit, func(ctx context.Context) error {
		err := write(ctx)
		if err != nil && !refusedForGood(err) && !r.parked {
			r.park(ctx, answer)
		}
		return err
	})
	if r.parked && err == nil {
		// What stays behind in Redis costs memory only: the next try would use it.
		r.warn(ctx, "parked answer cannot be dropped", r.p.Parked.Drop(ctx, answer.DocumentID))
		r.parked = false
	}
	return err
}

// parkLimit bounds an attempt to park an answer.
const parkLimit = 5 * time.Second

// park puts an answer aside that Postgres does not take, even when the time for
// that is over.
func (r *run) park(ctx context.Context, answer storage.Answer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), parkLimit)
	defer cancel()
	err := r.p.Parked.Put(ctx, answer, r.end)
	r.parked = err == nil
	r.warn(ctx, "answer that Postgres does not take cannot be parked in Redis either, it waits in memory", err)
}

// closing is how the attempt in hand ended, for moving the document on.
func (r *run) closing() storage.AttemptEnd {
	end := r.end
	end.WorkerID = r.p.WorkerID
	return end
}
