package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"casflow/client"
	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

// problem is an error as it is answered with.
type problem struct {
	client.Problem
	cause error  // for the log; nil: it is the caller's fault
	allow string // of a path that has other methods
	// missing tells that an object of S3 is not there.
	missing bool
	stack   []byte // of a panic
}

// Error is for the log: without the fields, whose names are the caller's.
func (p *problem) Error() string {
	if p.cause != nil {
		return p.cause.Error()
	}
	return p.Detail
}

func newProblem(status int, format string, args ...any) *problem {
	return &problem{Problem: client.Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...),
	}}
}

// badFields is a request whose fields make no sense.
func badFields(fields ...client.FieldError) *problem {
	p := newProblem(http.StatusBadRequest, "the request makes no sense; see errors")
	p.Errors = fields
	return p
}

// unfit is a request that is in order, for something that cannot be done.
func unfit(field, format string, args ...any) *problem {
	p := newProblem(http.StatusUnprocessableEntity, "the request cannot be followed; see errors")
	p.Errors = []client.FieldError{fieldError(field, format, args...)}
	return p
}

// fieldError masks what it says: callers give keys, which may hold a PAN.
func fieldError(field, format string, args ...any) client.FieldError {
	return client.FieldError{Field: redact.PANs(field), Detail: redact.PANs(fmt.Sprintf(format, args...))}
}

// panicked is a request that ended in a panic. Its text may quote data; where it
// happened cannot.
func panicked(cause any) *problem {
	p := newProblem(http.StatusInternalServerError, "")
	p.cause, p.stack = fmt.Errorf("panic (%T)", cause), debug.Stack()
	return p
}

// guarded does something in a goroutine of ours, where a panic would end the
// process, and turns one into an error.
func guarded(do func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = panicked(cause)
		}
	}()
	return do()
}

// comeAgain is when callers are asked to try again that cannot be served now.
const comeAgain = 5 * time.Second

// unavailable is a request that a part which is away keeps from being served.
func unavailable(what string, cause error) *problem {
	p := newProblem(http.StatusServiceUnavailable, "%s cannot be reached at the moment", what)
	p.cause, p.RetryAfter = cause, comeAgain
	return p
}

// problemOf is what an error of a handler is answered with.
func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if at, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return newProblem(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", at.Limit)
	}
	if fault, ok := errors.AsType[*objectstore.Error](err); ok && !errors.Is(err, context.Canceled) {
		if errors.Is(err, fs.ErrPermission) {
			return unfit("bucket", "casflow may not use it")
		}
		return unavailable("S3", fault)
	}
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return newProblem(http.StatusNotFound, "there is no such document")
	case errors.Is(err, storage.ErrRefused):
		p := newProblem(http.StatusUnprocessableEntity, "the values cannot be stored")
		p.cause = err
		return p
	default:
		return unavailable("the ledger", err)
	}
}

// writeProblem answers with a problem.
func writeProblem(w http.ResponseWriter, p *problem) {
	header := w.Header()
	if p.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
	if p.allow != "" {
		header.Set("Allow", p.allow)
	}
	if p.Status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", "Bearer")
	}
	header.Set("Content-Type", "application/problem+json")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p.Problem) // whoever asked may have gone
}

// respond answers with a value, as JSON.
func respond(w http.ResponseWriter, status int, value any) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // whoever asked may have gone
	return nil
}
