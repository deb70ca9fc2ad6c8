package jobs

import (
	"context"
	"errors"
	"time"

	"casflow/internal/storage"
)

// saveGrace is how much longer writes to the ledger are tried once the worker is
// shutting down. It is less than the time asynq leaves for the end of a task.
const saveGrace = 20 * time.Second

// refusedForGood reports whether trying a write again is useless.
func refusedForGood(err error) bool {
	return errors.Is(err, storage.ErrRefused) || errors.Is(err, storage.ErrNotFound)
}

// persist tries a write until Postgres takes or refuses it: while Postgres is
// away there is nothing better to do, and a document that is claimed must not be
// left so. Neither a deadline nor, for saveGrace, a shutdown ends it.
func (r *run) persist(ctx context.Context, write func(context.Context) error) error {
	return r.persistWithin(ctx, writeLimit, write)
}

// persistWithin is persist with another limit than writeLimit for each try.
func (r *run) persistWithin(ctx context.Context, limit time.Duration, write func(context.Context) error) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	//nolint:contextcheck // the processor's end bounds the write, the task's context must not
	defer context.AfterFunc(r.p.shutdown, func() { time.AfterFunc(saveGrace, cancel) })()
	backoff := Backoff{Base: 100 * time.Millisecond, Max: 5 * time.Second}
	for tries := 1; ; tries++ {
		err := within(ctx, limit, write)
		if err == nil || refusedForGood(err) {
			return err
		}
		if tries%10 == 1 { // not at every try: an outage need not fill the disk with it
			r.warn(ctx, "ledger cannot be written, trying on", err)
		}
		select {
		case <-time.After(backoff.Delay(tries)):
		case <-ctx.Done():
			return err
		}
	}
}

// writeLimit is how long Postgres may take for a write before it counts as failed
// and is tried again: a server that hangs must not keep an answer from being parked.
const writeLimit = 10 * time.Second

func within(ctx context.Context, limit time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return do(ctx)
}
