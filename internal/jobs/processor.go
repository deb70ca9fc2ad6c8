package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"

	"casflow/internal/casapi"
	"casflow/internal/storage"
)

// ProcessorConfig is what a Processor works with. All fields are required unless
// they say otherwise.
type ProcessorConfig struct {
	DB       *storage.DB
	API      *casapi.Client
	Objects  Objects
	Sealer   *storage.Sealer // nil: no key is set, sealed passwords cannot be opened
	Limiter  *Limiter
	Enqueuer *Enqueuer
	Metrics  *Metrics
	Parked   *Parked
	Poison   *Poison
	Logger   *slog.Logger
	WorkerID uuid.UUID // of this process, as in the heartbeat

	MaxAttempts int     // counted API attempts before retries_exhausted
	Backoff     Backoff // between tries
	// ProbeInterval is the first wait between probes of a paused account.
	ProbeInterval time.Duration
	// Budget is what the fleet may spend in a day.
	Budget storage.Budget
	// UnsavedLimit is how many bytes of answers may be held that Postgres does not
	// take; beyond it no further call is made. 0 is 256 MiB.
	UnsavedLimit int64
	// Uploads is how many PDFs are on their way to the API at once; calls that have
	// sent theirs and wait for the answer do not count. 0 is 64.
	Uploads int
	// HoldUnknown keeps a document from being called again while it is not known
	// whether an earlier call was billed, instead of trying again.
	HoldUnknown bool
	// UploadLimit is the size in bytes above which a PDF goes by link instead of
	// in the request: 0 sends every PDF by link, MaxPDFBytes none.
	UploadLimit int64
	// OneWay keeps a PDF that the API refuses as too large by upload from being
	// tried by link.
	OneWay bool
}

// Processor works on one document per task. It is safe for concurrent use.
type Processor struct {
	ProcessorConfig
	shutdown context.Context //nolint:containedctx // the lifetime of the processor, not of a call
	drain    context.CancelCauseFunc
	unsaved  pressure
	memory   memory // of small PDFs
	uploads  line   // what the system's sockets hold of PDFs is bounded by its places
	turns    turns
	failures atomic.Int64 // tasks in a row that could not be begun
	working  working
}

// defaultUploads PDFs of a megabyte, sent to a server 30 ms away, are some 200 a
// second: more than any rate permits and most networks carry.
const defaultUploads = 64

// NewProcessor returns a Processor.
func NewProcessor(config ProcessorConfig) *Processor {
	ctx, cancel := context.WithCancelCause(context.Background())
	p := &Processor{ProcessorConfig: config, shutdown: ctx, drain: cancel}
	p.unsaved.limit = config.UnsavedLimit
	if p.unsaved.limit == 0 {
		p.unsaved.limit = 256 << 20
	}
	p.uploads = newLine(cmp.Or(config.Uploads, defaultUploads))
	return p
}

// Drain lets no further call begin: documents that wait for a permit go back to
// pending, calls under way go on and are saved.
func (p *Processor) Drain() { p.drain(errShutdown) }

// ProcessTask implements asynq.Handler: it claims the document of the task, gets
// its answer (one that is kept, or one call), and saves its statement. It
// returns nil when nothing is left to do for this task, an error that wraps
// asynq.SkipRetry for a document that is dead, and one that says when for a
// document that is to be tried again.
func (p *Processor) ProcessTask(ctx context.Context, task *asynq.Task) error {
	var r *run
	var end error
	aside(func() { r, end = p.begin(ctx, task) })
	if r == nil {
		return end
	}
	defer r.done()
	return r.conclude(ctx, r.try(ctx))
}

// begin claims the document of a task. Where there is nothing to work on, run is nil,
// and end is what becomes of the task.
func (p *Processor) begin(ctx context.Context, task *asynq.Task) (r *run, end error) {
	started := time.Now()
	payload, err := DecodePayload(task.Payload())
	if err != nil {
		return nil, p.buryTask(ctx, task, payload.DocumentID, err)
	}
	if payload.DocumentID == uuid.Nil {
		return nil, p.intake(ctx, payload)
	}
	// Before the claim: one whose confirmation is lost is found by its absence here.
	done := p.working.begin(payload.DocumentID)
	defer func() {
		if r == nil {
			done()
		}
	}()
	document, err := p.DB.Claim(ctx, payload.DocumentID, p.WorkerID)
	switch {
	case errors.Is(err, storage.ErrFinished), errors.Is(err, storage.ErrBusy):
		return nil, nil // a redelivery: somebody has done it, or is at it
	case errors.Is(err, storage.ErrNotFound):
		return nil, p.buryTask(ctx, task, payload.DocumentID, errors.New("the ledger has no such document"))
	case err != nil:
		// Not claimed: the document stays queued and is found by the dispatcher
		// even if this task is lost.
		return nil, p.putOff(ctx, "ledger cannot be asked", err)
	}
	p.failures.Store(0)
	r = newRun(p, document, started)
	r.done = done
	return r, nil
}

// hold notes bytes of answers that are not saved yet; a negative number lets them go.
func (p *Processor) hold(bytes int64) {
	p.unsaved.add(bytes)
	p.Metrics.holds(bytes)
}

// intake records a document that another service put into the queue by its
// object, and hands it over as a task of its own.
func (p *Processor) intake(ctx context.Context, payload Payload) error {
	object := Object{Bucket: payload.Bucket, Key: payload.Key, VersionID: payload.VersionID}
	etag, size, err := p.Objects.ETag(ctx, object)
	if err != nil && judge(missing(err)).action != actBury { // a missing object is recorded, and buried by name
		p.Metrics.backendFailed(backendS3)
		return p.putOff(ctx, "object cannot be looked up", err)
	}
	queue, ok := asynq.GetQueueName(ctx)
	if !ok || queue != storage.QueueInteractive {
		queue = storage.QueueBulk
	}
	document := storage.NewDocument{
		ID:     storage.DocumentID(payload.Bucket, payload.Key, etag, payload.Kind),
		Bucket: payload.Bucket, Key: payload.Key, VersionID: payload.VersionID, ETag: etag, SizeBytes: size,
		Kind: payload.Kind, Broker: payload.Broker, Queue: queue, Batch: payload.Batch, CallbackURL: payload.CallbackURL,
	}
	_, err = p.Enqueuer.Submit(ctx, []storage.NewDocument{document})
	if errors.Is(err, ErrNotQueued) {
		err = nil
	}
	if err == nil && document.CallbackURL != "" { // it may have been known, to nobody who is told
		err = p.DB.AskCallbacks(ctx, []uuid.UUID{document.ID}, []string{document.CallbackURL})
	}
	if err != nil {
		return p.putOff(ctx, "document cannot be recorded", err)
	}
	return nil
}

// buryTask records a task that cannot be worked on as a dead letter. The id is
// the document's, if the task names one, else derived from the task.
func (p *Processor) buryTask(ctx context.Context, task *asynq.Task, id uuid.UUID, fault error) error {
	name, _ := asynq.GetTaskID(ctx)
	if id == uuid.Nil {
		id = uuid.NewSHA1(uuid.NameSpaceOID, append([]byte(name+"\x00"), task.Payload()...))
	}
	letter := storage.DeadLetter{DocumentID: id, Reason: storage.ReasonBadTask, Message: fault.Error()}
	if err := p.DB.BuryTask(ctx, letter); err != nil {
		return p.putOff(ctx, "bad task cannot be recorded", err)
	}
	p.Metrics.died(storage.ReasonBadTask, 1)
	p.Logger.ErrorContext(ctx, "bad task", slog.String("task_id", name), slog.String("document_id", id.String()), slog.Any("err", fault))
	return fmt.Errorf("bad_task: %w", asynq.SkipRetry)
}

// putOff tells asynq to deliver a task again later that could not be begun. asynq
// does not count such tries, so this process does: the more of them fail in a row,
// the longer each waits.
func (p *Processor) putOff(ctx context.Context, what string, err error) error {
	failures := int(p.failures.Add(1))
	delay := p.Backoff.Delay(failures)
	if failures%10 == 1 { // an outage need not fill the disk with it
		p.Logger.WarnContext(ctx, "task is put off", slog.String("text", what), slog.Int("failures", failures),
			slog.Duration("retry_in", delay), slog.Any("err", err))
	}
	return retryIn(delay, false, "%s", what)
}

func retried(ctx context.Context) int {
	n, _ := asynq.GetRetryCount(ctx)
	return n
}
