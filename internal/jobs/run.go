package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/hibiken/asynq"

	"casflow/internal/redact"
	"casflow/internal/storage"
)

// run is one try of one document, from claim to verdict.
type run struct {
	p        *Processor
	document storage.Document
	object   Object
	parser   parser
	attempts int                // counted API attempts, this try's included
	end      storage.AttemptEnd // the attempt that is not yet closed in the ledger, if it has a RequestID
	parked   bool               // the answer in hand is, or may be, parked in Redis
	stages   stages
	stack    []byte // of a panic
}

func newRun(p *Processor, document storage.Document, started time.Time) *run {
	r := &run{
		p: p, document: document, parser: parsers[document.Kind], attempts: document.Attempts,
		object: Object{Bucket: document.Bucket, Key: document.Key, VersionID: document.VersionID, ETag: document.ETag},
	}
	r.stages.began = started
	r.stages.observe = func(stage string, took time.Duration) {
		p.Metrics.stageDuration.WithLabelValues(stage).Observe(took.Seconds())
	}
	r.stages.add("claim", time.Since(started))
	return r
}

// fetch brings the PDF to this machine.
func (r *run) fetch(ctx context.Context) (*pdf, error) {
	defer r.stages.start("fetch")()
	file, err := spool(ctx, r.p.Objects, r.object)
	if err != nil && judge(err).action == actStall {
		r.p.Metrics.backendFailed(backendS3)
	}
	return file, err
}

// saveGrace is how much longer writes to the ledger are tried once the worker is
// shutting down. It is less than the time asynq leaves for the end of a task.
const saveGrace = 20 * time.Second

// save writes answer and rows in one transaction. Where the rows cannot be
// written for what they are, the answer alone is kept.
func (r *run) save(ctx context.Context, answer storage.Answer) error {
	defer r.stages.start("save")()
	if r.document.Crashes > 0 {
		// A worker has died of it: should this one die too, the answer is kept.
		if err := r.keep(ctx, answer); err != nil {
			return err
		}
	}
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

// conclude moves the document to where the end of this try puts it, says so in
// one log line and in the metrics, and tells asynq.
func (r *run) conclude(ctx context.Context, err error) error {
	ctx = context.WithoutCancel(ctx) // a verdict is written even at the end of a task's time
	if err == nil {
		r.report(ctx, slog.LevelInfo, "document parsed", "parsed", nil)
		return nil
	}
	if errors.Is(err, storage.ErrBusy) {
		r.report(ctx, slog.LevelWarn, "claim was lost to another worker", "released", err)
		return nil
	}
	v := judge(err)
	if v.action == actStall && r.parked {
		v.action = actRelease // its attempt stays open: the next delivery finds the answer parked
	}
	if v.action == actStall && r.end.RequestID != "" {
		// The call was made, and then casflow's own parts failed: whether it was
		// billed, only the usage log can say.
		v.action, r.end.Outcome = actRetry, storage.OutcomeUnknown
	}
	switch {
	case v.action == actRetry && r.attempts >= r.p.MaxAttempts:
		return r.bury(ctx, storage.ReasonRetriesExhausted, err)
	case v.action == actRetry:
		return r.retry(ctx, err, max(v.delay, r.p.Backoff.Delay(r.attempts)))
	case v.action == actThrottle:
		return r.throttle(ctx, v.delay, err)
	case v.action == actBury:
		return r.bury(ctx, v.reason, err)
	case v.action == actRelease:
		r.settle(ctx, func(ctx context.Context) error { return r.p.DB.Release(ctx, r.document.ID, r.p.WorkerID, v.delay) })
		r.report(ctx, slog.LevelInfo, "document released", "released", err)
		return nil
	default:
		return r.stall(ctx, v.delay, err)
	}
}

// settle persists where the document goes. If even that fails the worker is at
// its end, and the dispatcher of another one frees the document.
func (r *run) settle(ctx context.Context, write func(context.Context) error) {
	r.warn(ctx, "ledger could not be written, the document stays claimed until this worker is gone", r.persist(ctx, write))
}

func (r *run) bury(ctx context.Context, reason storage.Reason, cause error) error {
	reason, account := r.accountReason(ctx, reason)
	if account { // before the document is dead: the others must not follow it
		r.pauseAccount(ctx, reason, redact.PANs(cause.Error()))
	}
	letter := storage.DeadLetter{
		DocumentID: r.document.ID, Reason: reason, HTTPStatus: r.end.HTTPStatus, RequestID: r.end.RequestID,
		Message: redact.PANs(cause.Error()),
	}
	r.settle(ctx, func(ctx context.Context) error { return r.p.DB.Bury(ctx, letter, r.closing()) })
	r.p.Metrics.died(reason, 1)
	r.report(ctx, slog.LevelError, "document is dead", "dead", cause, slog.String("reason", string(reason)))
	return fmt.Errorf("%s: %w", reason, asynq.SkipRetry)
}

func (r *run) retry(ctx context.Context, cause error, delay time.Duration) error {
	r.settle(ctx, func(ctx context.Context) error { return r.p.DB.Retry(ctx, r.document.ID, r.closing(), delay) })
	r.report(ctx, slog.LevelWarn, "document is tried again", "retry", cause, slog.Duration("retry_in", delay))
	return retryIn(delay, true, "attempt %d failed", r.attempts)
}

func (r *run) throttle(ctx context.Context, delay time.Duration, cause error) error {
	r.warn(ctx, "fleet cannot be held", r.p.Limiter.Hold(ctx, delay))
	r.settle(ctx, func(ctx context.Context) error { return r.p.DB.Retry(ctx, r.document.ID, r.closing(), delay) })
	r.report(ctx, slog.LevelWarn, "API asks for a slower pace", "throttled", cause, slog.Duration("retry_in", delay))
	return retryIn(delay, false, "throttled")
}

// stall puts a document off that casflow's own parts keep from being tried, and
// gives it up after stallLimit. delay 0 is the backoff.
func (r *run) stall(ctx context.Context, delay time.Duration, cause error) error {
	if since := r.document.StalledSince; since != nil && time.Since(*since) > stallLimit {
		return r.bury(ctx, storage.ReasonRetriesExhausted, cause)
	}
	if delay == 0 {
		delay = r.stallDelay()
	}
	r.settle(ctx, func(ctx context.Context) error { return r.p.DB.Stall(ctx, r.document.ID, r.p.WorkerID, delay) })
	r.report(ctx, slog.LevelWarn, "document is put off", "stalled", cause, slog.Duration("retry_in", delay))
	return nil // the dispatcher hands it over again
}

// stallDelay grows with how long the document has been kept from being tried: at
// random between half of that and all of it, within the bounds of the backoff.
func (r *run) stallDelay() time.Duration {
	var age time.Duration
	if r.document.StalledSince != nil {
		age = time.Since(*r.document.StalledSince)
	}
	ceiling := min(max(age, r.p.Backoff.Base), r.p.Backoff.Max)
	return ceiling/2 + Backoff{Base: ceiling / 2, Max: ceiling / 2, Jitter: r.p.Backoff.Jitter}.Delay(1)
}

// report closes the try: one log line with the durations of its stages, and the
// counter.
func (r *run) report(ctx context.Context, level slog.Level, message, outcome string, err error, more ...slog.Attr) {
	r.p.Metrics.ended(r.document.Kind, outcome)
	task, _ := asynq.GetTaskID(ctx)
	attrs := []slog.Attr{
		slog.String("document_id", r.document.ID.String()), slog.String("task_id", task), slog.String("queue", r.document.Queue),
		slog.Int("retried", retried(ctx)), slog.Int("attempts", r.attempts), slog.String("object_key", r.document.Key),
	}
	if r.document.Batch != "" {
		attrs = append(attrs, slog.String("batch", r.document.Batch))
	}
	if r.end.RequestID != "" {
		attrs = append(attrs, slog.String("request_id", r.end.RequestID), slog.Int("status_code", r.end.HTTPStatus))
	}
	attrs = append(attrs, more...)
	if err != nil {
		attrs = append(attrs, slog.Any("err", err))
	}
	if r.stack != nil {
		attrs = append(attrs, slog.String("stack", string(r.stack)))
	}
	attrs = append(attrs, slog.Duration("duration", time.Since(r.stages.began)), slog.Attr{Key: "stages", Value: slog.GroupValue(r.stages.attrs...)})
	r.p.Logger.LogAttrs(ctx, level, message, attrs...) //nolint:sloglint // callers pass constants
}

// warn logs err, if there is one, and goes on: for what the dispatcher mends.
func (r *run) warn(ctx context.Context, message string, err error) {
	if err != nil {
		//nolint:sloglint // callers pass constants
		r.p.Logger.WarnContext(ctx, message, slog.String("document_id", r.document.ID.String()), slog.Any("err", err))
	}
}

// stages times the stages of a try.
type stages struct {
	began   time.Time
	attrs   []slog.Attr
	observe func(stage string, took time.Duration)
}

// start begins a stage; the function it returns ends it.
func (s *stages) start(stage string) (end func()) {
	began := time.Now()
	return func() { s.add(stage, time.Since(began)) }
}

func (s *stages) add(stage string, took time.Duration) {
	s.attrs = append(s.attrs, slog.Duration(stage, took))
	s.observe(stage, took)
}
