package jobs

import (
	"context"
	"errors"
	"time"

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
	done     func() // the process no longer works on the document

	// What a call needs, from prepare.
	file       *pdf
	candidates []redact.Secret // passwords that may open it; "" is none
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
	file, err := spool(ctx, r.p.Objects, r.object, &r.p.memory)
	if err != nil && judge(err).action == actStall {
		r.p.Metrics.backendFailed(backendS3)
	}
	return file, err
}

// try does the work on a claimed document and contains its panics.
func (r *run) try(ctx context.Context) (err error) {
	defer r.contain(&err)
	answer, err := r.answer(ctx)
	if err != nil {
		return err
	}
	if len(answer.Body) == 0 { // it has become rows, and is not kept any more
		return r.p.DB.ParsedLike(ctx, r.document.ID, answer.DocumentID, r.p.WorkerID)
	}
	held := int64(len(answer.Body))
	r.p.hold(held)
	defer r.p.hold(-held)
	return r.save(ctx, answer)
}

// answer returns the document's answer: one that is known, or a new one.
func (r *run) answer(ctx context.Context) (answer storage.Answer, err error) {
	defer func() { r.warn(ctx, "temporary file cannot be closed", r.file.Close()) }()
	found := false
	aside(func() { answer, found, err = r.prepare(ctx) })
	if found || err != nil {
		return answer, err
	}
	return r.ask(ctx)
}

// prepare finds the document's answer: the one that is kept for it, or parked while
// Postgres was away, or the one that was paid for the same bytes. Where there is none
// it brings the PDF and finds the passwords to try, for a call.
func (r *run) prepare(ctx context.Context) (answer storage.Answer, found bool, err error) {
	if r.document.HasAnswer {
		r.p.Metrics.answersReused.Inc()
		answer, err = r.p.DB.Answer(ctx, r.document.ID)
		return answer, true, err
	}
	if r.document.Tried {
		answer, found, err = r.unsettled(ctx)
		if found || err != nil {
			return answer, found, err
		}
	}
	if r.document.Attempts >= r.p.MaxAttempts {
		// Its workers died in the midst of its calls, each time.
		return answer, false, errExhausted
	}
	if r.file, err = r.fetch(ctx); err != nil {
		return answer, false, err
	}
	answer, err = r.p.DB.AnswerFor(ctx, r.document.ID, r.file.sum, string(r.parser.endpoint))
	switch {
	case err == nil:
		r.p.Metrics.answersReused.Inc()
		if len(answer.Body) > 0 {
			answer.DocumentID = r.document.ID
		}
		return answer, true, nil
	case !errors.Is(err, storage.ErrNotFound):
		return answer, false, err
	}
	r.candidates, err = r.passwords(ctx, r.file)
	return answer, false, err
}
