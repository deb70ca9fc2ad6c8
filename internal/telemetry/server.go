package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Server serves /metrics, /healthz and /readyz.
type Server struct {
	listener net.Listener
	server   *http.Server
	done     chan struct{}
}

// Handler serves /metrics, /healthz and /readyz. /healthz is 200 while the process
// lives; /readyz is 200 when all checks pass, else 503, and names each check's
// state. Every check has a few seconds.
func Handler(gatherer prometheus.Gatherer, checks map[string]Check, logger *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: promLog{logger},
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"process": stateOK})
	})
	mux.Handle("GET /readyz", &readiness{checks: checks, logger: logger, states: make(map[string]string, len(checks))})
	return mux
}

// Serve listens on addr and serves Handler in the background until Shutdown. The
// error, of an address that cannot be listened on, says which setting to change.
func Serve(ctx context.Context, addr string, gatherer prometheus.Gatherer, checks map[string]Check, logger *slog.Logger) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("CASFLOW_ADDR (--addr): %q cannot be listened on; choose another one: %w", addr, err)
	}
	s := &Server{
		listener: listener, done: make(chan struct{}),
		server: &http.Server{
			Handler: Handler(gatherer, checks, logger), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
			IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		},
	}
	go func() {
		defer close(s.done)
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			logger.ErrorContext(ctx, "metrics server ended", slog.Any("err", err))
		}
	}()
	return s, nil
}

// Addr is the address that is listened on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Shutdown ends the server after the requests under way, or when ctx ends: those
// that are left are cut off then, and the error says so.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = fmt.Errorf("end metrics server: %w", errors.Join(err, s.server.Close()))
	}
	<-s.done
	return err
}

func answer(w http.ResponseWriter, status int, states map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(states) // whoever asked may have gone
}

// promLog passes on what promhttp has to say.
type promLog struct{ logger *slog.Logger }

func (l promLog) Println(v ...any) {
	l.logger.LogAttrs(context.Background(), slog.LevelWarn, "metrics cannot be shown in full", slog.String("text", fmt.Sprint(v...)))
}
