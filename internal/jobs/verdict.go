package jobs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/storage"
)

// action is what is done with a document after a try.
type action int

const (
	actBury     action = iota + 1 // dead at once
	actRetry                      // again later; the attempt counts
	actThrottle                   // again later; the attempt does not count, the fleet holds
	actStall                      // again later; the API was not asked
	actRelease                    // back to pending: the worker is shutting down, the account is paused, the budget used up
)

// verdict is the decision on an error.
type verdict struct {
	action  action
	reason  storage.Reason  // of actBury
	outcome storage.Outcome // of the attempt, if there was one
	delay   time.Duration   // asked for by the API, say; 0: ours to choose
}

// Errors that the processor itself finds; all of them bury the document.
var (
	errMissing        = errors.New("the object is not there")
	errEmpty          = errors.New("the object is empty")
	errNotPDF         = errors.New("the object does not start like a PDF (%PDF-)")
	errPasswordNeeded = errors.New("no password is known, and the API takes a contract note only with one; redrive with --password-from")
	errNoPassword     = errors.New("the PDF is encrypted, and no password is known; redrive with --password-from")
	// Found out here, as well as by the API.
	errWrongPassword = errors.New("none of the candidate passwords opens the PDF; redrive with --password-from")
	errTooLarge      = errors.New("the object is larger than 10 MB, which the API does not take")
	errMissingPAN    = errors.New("the statement names no PAN that its folios and holders agree on; the answer is kept")
	errBadAnswer     = errors.New("the answer is not a statement that can be stored; it is kept")
	errPanic         = errors.New("processing panicked")
	errExhausted     = errors.New("as many attempts as are allowed were made, and none was answered")
	errHeld          = errors.New("whether an earlier call was billed is not known; see worker reconcile, then redrive (CASFLOW_UNKNOWN=hold)")
)

// ErrObjectChanged is what Objects return for an object that has another ETag
// than it was recorded with.
var ErrObjectChanged = errors.New("the object was overwritten after it was recorded; scan or submit it again")

// errShutdown ends waiting, never a call.
var errShutdown = errors.New("the worker is shutting down")

// judge decides on an error. The order matters: what the processor found itself
// comes first, then what the API said, and all else is casflow's own trouble
// (S3, Postgres, Redis), which is not the document's fault.
func judge(err error) verdict {
	bury := func(r storage.Reason) verdict {
		return verdict{action: actBury, reason: r, outcome: storage.OutcomeRefused}
	}
	switch {
	case errors.Is(err, errShutdown), errors.Is(err, storage.ErrPaused):
		return verdict{action: actRelease}
	case errors.Is(err, storage.ErrBudget):
		return verdict{action: actRelease, delay: budgetWait}
	case errors.Is(err, storage.ErrSameBytes):
		return verdict{action: actStall, delay: sameBytesWait}
	case errors.Is(err, errPanic):
		return bury(storage.ReasonCrashed)
	case errors.Is(err, errEmpty), errors.Is(err, errNotPDF):
		return bury(storage.ReasonNotAPDF)
	case errors.Is(err, errTooLarge):
		return bury(storage.ReasonTooLarge)
	case errors.Is(err, ErrObjectChanged):
		return bury(storage.ReasonObjectChanged)
	case errors.Is(err, errMissing):
		return bury(storage.ReasonObjectMissing)
	case errors.Is(err, errHeld), errors.Is(err, errExhausted):
		return bury(storage.ReasonRetriesExhausted)
	case errors.Is(err, errMissingPAN):
		return bury(storage.ReasonMissingPAN)
	case errors.Is(err, errBadAnswer), errors.Is(err, storage.ErrRefused):
		return bury(storage.ReasonBadAnswer)
	case errors.Is(err, storage.ErrSealed), errors.Is(err, errNoPassword), errors.Is(err, errPasswordNeeded), errors.Is(err, errWrongPassword):
		return bury(storage.ReasonWrongPassword)
	}
	if api, ok := errors.AsType[*casapi.Error](err); ok {
		return judgeAPI(api)
	}
	return verdict{action: actStall}
}

// judgeAPI decides on what the API answered, or did not.
func judgeAPI(err *casapi.Error) verdict {
	terminal := []struct {
		is     error
		reason storage.Reason
	}{
		{casapi.ErrUnauthorized, storage.ReasonUnauthorized},
		{casapi.ErrInsufficientCredits, storage.ReasonInsufficientCredits},
		{casapi.ErrForbidden, storage.ReasonForbidden},
		{casapi.ErrWrongPassword, storage.ReasonWrongPassword},
		{casapi.ErrNotPDF, storage.ReasonNotAPDF},
		{casapi.ErrTooLarge, storage.ReasonTooLarge},
		{casapi.ErrUnprocessable, storage.ReasonUnprocessable},
		{casapi.ErrBadAnswer, storage.ReasonBadAnswer},
		{casapi.ErrBadRequest, storage.ReasonBadRequest},
		{casapi.ErrNotFound, storage.ReasonBadRequest},
	}
	for _, t := range terminal {
		if errors.Is(err, t.is) {
			return verdict{action: actBury, reason: t.reason, outcome: storage.OutcomeRefused}
		}
	}
	switch {
	case errors.Is(err, casapi.ErrRateLimited):
		wait := throttleWait
		if err.HasRetryAfter {
			wait = max(err.RetryAfter, time.Second)
		}
		return verdict{action: actThrottle, outcome: storage.OutcomeThrottled, delay: wait}
	case errors.Is(err, casapi.ErrOutcomeUnknown):
		return verdict{action: actRetry, outcome: storage.OutcomeUnknown, delay: err.RetryAfter}
	default:
		return verdict{action: actRetry, outcome: storage.OutcomeFailed, delay: err.RetryAfter}
	}
}

// Backoff is how long a document waits between tries.
type Backoff struct {
	Base, Max time.Duration
	// Jitter draws from [0, n); nil is a random draw. Tests take away the chance.
	Jitter func(n int64) int64
}

// Delay is the wait after a number of failed tries, from 1: exponential with full
// jitter, that is, anything between nothing and Base doubled that often, at most
// Max. Full jitter keeps documents that failed together from coming back together.
func (b Backoff) Delay(tries int) time.Duration {
	ceiling := b.Max
	if shift := max(0, tries-1); shift < 62 && b.Base > 0 && b.Base <= b.Max>>shift {
		ceiling = b.Base << shift
	}
	if ceiling <= 0 {
		return 0
	}
	jitter := b.Jitter
	if jitter == nil {
		jitter = rand.Int64N
	}
	return time.Duration(jitter(int64(ceiling)) + 1)
}

// sameBytesWait is how long a document waits for the answer to another one with
// the same bytes, before it looks again. asynq counts in whole seconds.
const sameBytesWait = 2 * time.Second

// budgetWait is how long a document rests that a worker has found over budget. It is
// rare: the dispatcher leaves out what the budget does not allow, but may have been
// told of another one than the worker was.
const budgetWait = time.Minute

// throttleWait is how long the fleet holds after a 429 that does not say how
// long: the API's documentation names 60 s.
const throttleWait = 60 * time.Second

// stallLimit is how long S3, Postgres or Redis may keep a document from being
// tried before it is given up.
const stallLimit = 24 * time.Hour

// taskError is what ProcessTask tells asynq about a document that is to be tried
// again: when. Its text goes to Redis and holds nothing but the reason.
type taskError struct {
	delay   time.Duration
	counted bool
	text    string
}

func (e *taskError) Error() string { return e.text }

func retryIn(delay time.Duration, counted bool, format string, args ...any) error {
	return &taskError{delay: delay, counted: counted, text: fmt.Sprintf(format, args...)}
}
