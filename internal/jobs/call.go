package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/pdfcheck"
	"casflow/internal/redact"
	"casflow/internal/storage"
)

// permitPatience is how long a document waits for a permit before it makes room
// for another.
const permitPatience = 10 * time.Minute

var errNoPermit = errors.New("no permit to call the API for a long time")

// passwords are those to try on the PDF: at least one, which may be "" for none.
func (r *run) passwords(ctx context.Context, file *pdf) ([]redact.Secret, error) {
	candidates, err := r.p.Sealer.OpenPasswords(r.document.ID, r.document.SealedPasswords)
	if err != nil {
		return nil, fmt.Errorf("open passwords: %w", err)
	}
	return r.openable(ctx, file, candidates)
}

// ask gets the answer of a PDF by calling the API: once per candidate password
// until one fits, and once more by link where an upload is too large.
func (r *run) ask(ctx context.Context) (storage.Answer, error) {
	byLink := r.file.size > r.p.UploadLimit && !r.parser.uploadOnly
	for i := 0; ; {
		answer, err := r.call(ctx, r.file, r.candidates[i], byLink, i+1 == len(r.candidates))
		if err == nil {
			return answer, nil
		}
		switch {
		case errors.Is(err, casapi.ErrWrongPassword) && i+1 < len(r.candidates):
			i++
		case errors.Is(err, casapi.ErrTooLarge) && !byLink && !r.p.OneWay && !r.parser.uploadOnly && r.end.HTTPStatus == 413:
			byLink = true // the edge caps bodies; a link has no such cap
		default:
			return storage.Answer{}, err
		}
		if err := r.persist(ctx, func(ctx context.Context) error { return r.p.DB.EndAttempt(ctx, r.end) }); err != nil {
			return storage.Answer{}, err
		}
		r.end = storage.AttemptEnd{}
	}
}

// openable reduces candidate passwords to the one that opens the PDF, as far as
// that can be told here: a wrong one need not cost a call. What cannot be told is
// left to the API.
func (r *run) openable(ctx context.Context, file *pdf, candidates []redact.Secret) ([]redact.Secret, error) {
	defer r.stages.start("check")()
	defer r.p.Poison.reading(ctx, r.document.ID)()
	found := pdfcheck.Check(ctx, file.content, file.size, candidates, pdfcheck.Limits{})
	switch {
	case found.Verdict == pdfcheck.Opens && found.Index != pdfcheck.NoPassword:
		return candidates[found.Index : found.Index+1], nil
	case found.Verdict == pdfcheck.Locked && len(candidates) == 0:
		return nil, errNoPassword
	case found.Verdict == pdfcheck.Locked:
		return nil, errWrongPassword
	case r.parser.uploadOnly && len(candidates) == 0:
		return nil, errPasswordNeeded
	case r.parser.uploadOnly:
		return candidates, nil // one must be sent, needed or not
	case found.Verdict == pdfcheck.Opens, len(candidates) == 0:
		return []redact.Secret{""}, nil // a PDF without a password
	}
	return candidates, nil
}

// call makes one attempt: permit, row, request. From the moment the row is
// written neither a deadline nor a shutdown ends it, because its money may be
// spent. What became of it is in r.end.
// last says that the bytes are not needed for another attempt of this try.
func (r *run) call(ctx context.Context, file *pdf, password redact.Secret, byLink, last bool) (storage.Answer, error) {
	request := casapi.Request{Endpoint: r.parser.endpoint, BrokerType: r.document.Broker, RequestID: casapi.NewRequestID(), Password: password}
	if last {
		request.Sent = file.letGo
	}
	get := nothingElse
	if byLink {
		var link string
		var err error
		aside(func() { link, err = r.p.Objects.Link(ctx, r.object) })
		if err != nil {
			return storage.Answer{}, fmt.Errorf("sign link: %w", err)
		}
		request.URL = redact.Secret(link)
		file.letGo() // no later attempt of this try uploads it either
	} else {
		request.PDF, request.Size, request.Filename = file.reader(), file.size, "statement.pdf"
		// A place is taken before the slot, because a slot that waits for one would be
		// used late, together with others: more calls in a minute than are permitted.
		// It is taken at the head of the line for slots and no sooner, because bulk
		// documents that wait for the rate would hold all places, and an interactive
		// one could not even ask. Who has a place waits for nothing that needs another.
		var leave func()
		get, leave = r.p.uploads.place()
		defer leave()
		request.Taken = leave
	}
	if err := r.permit(ctx, get); err != nil {
		return storage.Answer{}, err
	}

	ctx = context.WithoutCancel(ctx)
	var err error
	aside(func() {
		r.attempts, err = r.p.DB.BeginAttempt(ctx, storage.NewAttempt{
			RequestID: request.RequestID, DocumentID: r.document.ID, WorkerID: r.p.WorkerID,
			Endpoint: string(r.parser.endpoint), SHA256: file.sum, SizeBytes: file.size, Budget: r.p.Budget,
		})
	})
	if err != nil {
		r.giveBack(ctx)
		return storage.Answer{}, err
	}
	r.end = storage.AttemptEnd{RequestID: request.RequestID}

	defer r.stages.start("call")()
	r.p.Metrics.inflight.Inc()
	began := time.Now()
	answer, err := r.p.API.Parse(ctx, request)
	r.p.Metrics.inflight.Dec()
	r.note(answer, err)
	r.warn(ctx, "call cannot be reported", r.p.Limiter.Report(ctx, healthOf(err), time.Since(began)))
	if answer == nil {
		return storage.Answer{}, err
	}
	r.p.Metrics.credits(answer.CreditsUsed, answer.CreditsRemaining)
	kept := storage.Answer{
		DocumentID: r.document.ID, SHA256: file.sum, Endpoint: string(r.parser.endpoint),
		RequestID: request.RequestID, Body: answer.Body, ReceivedAt: time.Now(),
	}
	if err != nil { // paid for, but no statement: keep it
		return storage.Answer{}, errors.Join(err, r.keep(ctx, kept))
	}
	return kept, nil
}

// note puts the end of a call into r.end.
func (r *run) note(answer *casapi.Answer, err error) {
	if answer != nil {
		r.end.Outcome = storage.OutcomeAnswered
		r.end.HTTPStatus, r.end.APIRequestID, r.end.Credits = answer.StatusCode, answer.RequestID, answer.CreditsUsed
	}
	if err == nil {
		return
	}
	r.end.Message = err.Error()
	if verdict := judge(err); answer == nil {
		r.end.Outcome = verdict.outcome
	}
	if api, ok := errors.AsType[*casapi.Error](err); ok {
		r.end.HTTPStatus, r.end.Code, r.end.APIRequestID = api.StatusCode, api.Code, api.RequestID
	}
}

// permit waits until the API may be called, and for what get gets: it ends with the
// worker's shutdown, but not with a call's.
func (r *run) permit(ctx context.Context, get func(context.Context) error) error {
	defer r.stages.start("wait")()
	began := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, permitPatience, errNoPermit)
	defer cancel()
	ctx, cancelCause := context.WithCancelCause(ctx)
	defer cancelCause(nil)
	//nolint:contextcheck // the processor's end is what is waited for besides the call's context
	defer context.AfterFunc(r.p.shutdown, func() { cancelCause(errShutdown) })()
	if err := r.p.unsaved.wait(ctx); err != nil {
		return err
	}

	err := r.p.Limiter.WaitWith(ctx, r.document.Queue, get)
	r.p.Metrics.limiterWait.Observe(time.Since(began).Seconds())
	if r.p.shutdown.Err() != nil { // even with a permit in hand: no new call
		if err == nil {
			r.giveBack(context.WithoutCancel(ctx))
		}
		return errShutdown
	}
	return err
}

// giveBack gives back a permit that no call is made with. It may be the breaker's probe:
// then it is another one's turn.
func (r *run) giveBack(ctx context.Context) {
	r.warn(ctx, "unused permit cannot be given back", r.p.Limiter.Report(ctx, HealthUnknown, 0))
}
