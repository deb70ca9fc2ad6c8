package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Lifetime says how a server ends.
type Lifetime struct {
	// Delay is how long requests are still taken after /readyz has turned.
	Delay time.Duration
	// Timeout is how long requests under way then have to end.
	Timeout time.Duration

	delayed <-chan time.Time // in place of Delay, in tests; nil: it is over by the clock
}

// Limits of a connection. Uploads and batches have limits of their own.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 3 * time.Minute // a redrive of very many documents
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10 // bytes
)

// Serve serves requests on listener until ctx ends. Then /readyz turns first, for
// load balancers to notice; after the delay no more requests are taken, those under
// way have a while to end, and what is left then is cut off: of a batch, what has
// arrived whole is recorded all the same.
func (s *Server) Serve(ctx context.Context, listener net.Listener, life Lifetime) error {
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
		// Requests under way outlive ctx.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	served := make(chan error, 1)
	go func() { served <- h.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.stopping.Store(true)
	s.Logger.InfoContext(ctx, "server stops: not ready any more, requests are still taken for a while", slog.Duration("duration", life.Delay))
	delayed := life.delayed
	if delayed == nil {
		delayed = time.After(life.Delay)
	}
	select {
	case <-delayed:
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), life.Timeout)
	defer cancel()
	err := h.Shutdown(ending)
	if errors.Is(err, context.DeadlineExceeded) {
		s.Logger.WarnContext(ctx, "requests are cut off that did not end in time")
		err = h.Close()
	}
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	s.handlers.Wait() // also of those that were cut off
	s.hurry.wait()
	if err != nil {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}
