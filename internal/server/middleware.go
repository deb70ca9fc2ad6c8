package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// ServeHTTP implements http.Handler: whatever is not public needs a token, even to
// be told that it does not exist.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.handlers.Add(1)
	defer s.handlers.Done()
	answer := &answer{ResponseWriter: w, began: time.Now(), service: nobody, route: elsewhere}
	s.metrics.inflight.Inc()
	defer s.metrics.inflight.Dec()
	defer s.finish(r, answer)
	_, pattern := s.mux.Handler(r)
	route, known := s.routes[pattern]
	if known {
		answer.route = pattern
	}
	if !route.public {
		service := s.tokens.service(r)
		if service == "" {
			s.fail(answer, newProblem(http.StatusUnauthorized, ""))
			return
		}
		answer.service = service
		if err := s.limits.admit(service); err != nil {
			s.fail(answer, err)
			return
		}
	}
	if !known {
		s.fail(answer, s.unknown(r))
		return
	}
	s.mux.ServeHTTP(answer, r)
}

// serve calls the handler of a route.
func (s *Server) serve(route route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, ok := w.(*answer)
		if !ok {
			panic("a route is served past ServeHTTP") // a mistake in this package
		}
		if err := route.handle(answer, r, answer.service); err != nil {
			s.fail(answer, err)
		}
	}
}

// fail answers with an error.
func (s *Server) fail(w *answer, err error) {
	w.err = err
	if w.status == 0 {
		writeProblem(w, problemOf(err))
	}
}

// unknown is the problem of a request that no route is for: its path is unknown, or
// its method, and then the answer says which there are.
func (s *Server) unknown(r *http.Request) error {
	told := &discard{header: http.Header{}}
	s.mux.ServeHTTP(told, r)
	if told.status == http.StatusMethodNotAllowed {
		p := newProblem(http.StatusMethodNotAllowed, "this path has other methods; see Allow")
		p.allow = told.header.Get("Allow")
		return p
	}
	return newProblem(http.StatusNotFound, "there is nothing at this path")
}

// answer is how a request is answered, for log and metrics.
type answer struct {
	http.ResponseWriter
	began          time.Time
	service, route string
	status         int // 0 nothing is written yet
	err            error
}

// WriteHeader notes the status.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write notes that there is an answer.
func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(p) //nolint:wrapcheck // a writer passes on
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// discard is a ResponseWriter whose body nobody wants.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header { return d.header }

func (d *discard) WriteHeader(status int) { d.status = status }

func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// gone is the status, in metrics and log, of requests that nobody waits for any
// more.
const gone = 499

// finish contains a panic, counts the request and writes its line in the log.
func (s *Server) finish(r *http.Request, a *answer) {
	cause := recover()
	if cause != nil && cause != http.ErrAbortHandler { //nolint:errorlint // documented to be this very value
		s.fail(a, panicked(cause))
	}
	status, took := a.status, time.Since(a.began)
	if errors.Is(r.Context().Err(), context.Canceled) && (a.err != nil || status == 0) {
		status = gone
	}
	s.metrics.served(a.service, a.route, status, took)
	s.log(r, a, status, took)
	if cause != nil && a.status < http.StatusInternalServerError {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
}

func (s *Server) log(r *http.Request, a *answer, status int, took time.Duration) {
	level := slog.LevelDebug
	fault, failed := errors.AsType[*problem](a.err)
	switch {
	case failed && fault.stack != nil:
		level = slog.LevelError
	case status >= http.StatusInternalServerError:
		level = slog.LevelWarn
	case status >= http.StatusBadRequest, r.Method != http.MethodGet && r.Method != http.MethodHead:
		level = slog.LevelInfo
	}
	attrs := []slog.Attr{
		slog.String("service", a.service), slog.String("route", a.route), slog.Int("status_code", status), slog.Duration("duration", took),
	}
	if a.err != nil {
		attrs = append(attrs, slog.Any("err", a.err))
	}
	if failed && fault.stack != nil {
		attrs = append(attrs, slog.String("stack", string(fault.stack)))
	}
	s.Logger.LogAttrs(context.WithoutCancel(r.Context()), level, "request served", attrs...)
}
