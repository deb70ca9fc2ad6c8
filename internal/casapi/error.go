package casapi

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// The classes of failure. An [*Error] matches exactly one of them by
// [errors.Is].
var (
	// ErrBadRequest: the request itself was wrong (400), or was refused by this
	// package before anything was sent. Repeating it is useless.
	ErrBadRequest = errors.New("bad request")
	// ErrUnauthorized: the key is missing, wrong or expired (401; users also
	// report 403). Every other call with this key will fail too.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrInsufficientCredits: no credits are left (402), or the quota is used up
	// (403). Every other call with this key will fail too.
	ErrInsufficientCredits = errors.New("insufficient credits")
	// ErrForbidden: the plan lacks the feature, or the key may not use it (403).
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: what was asked for is not there (404, 410).
	ErrNotFound = errors.New("not found")
	// ErrWrongPassword: the PDF needs a password, or another one. The same bytes
	// may pass with a new password. The docs differ on the status (400, 422);
	// users report 200 with a failed status.
	ErrWrongPassword = errors.New("wrong password")
	// ErrUnprocessable: the document is none the API can read (422, 200 with a
	// failed status, an unsupported or wrong type of statement).
	ErrUnprocessable = errors.New("unprocessable document")
	// ErrNotPDF: the document is no PDF, or a damaged one.
	ErrNotPDF = errors.New("not a PDF")
	// ErrTooLarge: the document or the body is over a limit (413). By URL it may
	// pass, users report.
	ErrTooLarge = errors.New("too large")
	// ErrRateLimited: too many calls (429); not the document's fault.
	ErrRateLimited = errors.New("rate limited")
	// ErrUnavailable: the API, or the way to it, failed for now (408, 409, 5xx,
	// network errors, timeouts, answers that were cut off or are no JSON).
	ErrUnavailable = errors.New("unavailable")
	// ErrBadAnswer: the API answered with success, but not with what was asked
	// for. Parse returns the answer besides the error, so that it can be kept.
	ErrBadAnswer = errors.New("bad answer")
	// ErrReconnect: the inbox token is revoked or has expired (401). The owner of the
	// mailbox has to connect it anew.
	ErrReconnect = errors.New("mailbox must be connected anew")
	// ErrSource: reading Request.PDF failed, or it did not hold Request.Size
	// bytes. The API cannot have parsed the document. The reader's own error is
	// found by errors.Is and errors.As.
	ErrSource = errors.New("unreadable source")
)

// ErrOutcomeUnknown is matched, besides its class, by the error of a call that may
// have been carried out, and billed, although no usable answer arrived: a document
// parsed, a mail or an SMS sent.
var ErrOutcomeUnknown = errors.New("outcome unknown")

// Error is a call that failed. The texts in it are fit for logs: the password,
// key and URL of the request are replaced, PANs masked, and Error never prints
// Err, whose text is not under this package's control.
type Error struct {
	Endpoint   Endpoint
	StatusCode int    // 0: there was no answer
	Code       string // the API's own code, such as "INVALID_PASSWORD"; "" when it gave none
	Message    string // at most 500 bytes, one line
	// RequestID is the id the API answered with, or else the one it was sent.
	RequestID string
	// RetryAfter is how long the API asked to wait: between 0 and an hour. It
	// means something only when HasRetryAfter is set. The docs name no such
	// header; the official SDK reads it.
	RetryAfter    time.Duration
	HasRetryAfter bool
	// Class is the one class of failure, never nil in an error of this package.
	Class error
	// OutcomeUnknown makes the error match ErrOutcomeUnknown.
	OutcomeUnknown bool
	// Err is what caused the failure where there was no answer, or nil.
	Err error
}

// Error describes the failure in one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Endpoint != "" {
		b.WriteString(string(e.Endpoint))
		b.WriteString(": ")
	}
	if e.Class != nil {
		b.WriteString(e.Class.Error())
	} else {
		b.WriteString("failed")
	}
	if e.OutcomeUnknown {
		b.WriteString(", outcome unknown")
	}
	if e.StatusCode != 0 {
		b.WriteString(": status ")
		b.WriteString(strconv.Itoa(e.StatusCode))
		if e.Code != "" {
			b.WriteString(" ")
			b.WriteString(e.Code)
		}
	}
	if e.Message != "" {
		b.WriteString(": ")
		b.WriteString(e.Message)
	}
	if e.RequestID != "" {
		b.WriteString(" (request ")
		b.WriteString(e.RequestID)
		b.WriteString(")")
	}
	return b.String()
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the error's class, or ErrOutcomeUnknown where
// that applies.
func (e *Error) Is(target error) bool {
	if target == ErrOutcomeUnknown {
		return e.OutcomeUnknown
	}
	return e.Class != nil && target == e.Class
}
