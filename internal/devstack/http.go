package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// HTTPServer is an HTTP server in this process.
type HTTPServer struct {
	// URL is its base URL.
	URL string

	server *http.Server
	served chan error // receives once, how serving ended
}

// ServeHTTP serves handler on addr, HOST:PORT where port 0 takes a free one. The
// context is for the start alone.
func ServeHTTP(ctx context.Context, addr string, handler http.Handler) (*HTTPServer, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("serve HTTP: %w", err)
	}
	s := &HTTPServer{
		URL:    "http://" + listener.Addr().String(),
		served: make(chan error, 1),
		server: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: time.Minute,                // a crowd of calls on a busy machine is slow to send theirs
			ErrorLog:          log.New(io.Discard, "", 0), // cut connections are part of many tests
		},
	}
	go func() { s.served <- s.server.Serve(listener) }()
	return s, nil
}

// Stop closes the server, requests in flight included, and waits for its end.
// Stopping twice is no error.
func (s *HTTPServer) Stop() error {
	err := s.server.Close()
	ended := <-s.served
	s.served <- ended // for the next Stop
	if !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	if err != nil {
		return fmt.Errorf("stop HTTP server: %w", err)
	}
	return nil
}
