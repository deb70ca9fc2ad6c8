package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage/objectstore"
)

func discardLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }

// awayStore is an S3 that cannot be reached.
func awayStore(t *testing.T) *objectstore.Store {
	t.Helper()
	store, err := objectstore.Open(t.Context(), objectstore.Config{
		Endpoint: "http://127.0.0.1:1", ForcePathStyle: true, Region: "us-east-1", AccessKey: "made-up", SecretKey: hush + "-key",
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// serveUntil serves a lab's API on a listener of its own until stop is called; ended
// receives how it ended.
func (l *lab) serveUntil(t *testing.T, life Lifetime) (stop func(), ended chan error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	l.url = "http://" + listener.Addr().String()
	ended = make(chan error, 1)
	go func() { ended <- l.Serve(ctx, listener, life) }()
	return cancel, ended
}

// TestServer_Serve_Stop shows the order of a stop: not ready, then no more requests,
// while those under way come to their end.
func TestServer_Serve_Stop(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	l.put(t, "a.pdf", "b.pdf")
	delayed := make(chan time.Time)
	stop, ended := l.serveUntil(t, Lifetime{Timeout: time.Minute, delayed: delayed})
	connection := l.dial(t)
	writeChunk(t, connection, l.lineOf("a.pdf", ""))
	if got := l.get(t, "/readyz").status; got != http.StatusOK {
		t.Errorf("readyz is %d before the stop", got)
	}
	stop()
	for l.Ready(t.Context()) == nil { // as soon as it is told
		time.Sleep(time.Millisecond)
	}
	if got := l.get(t, "/readyz").status; got != http.StatusServiceUnavailable {
		t.Errorf("readyz is %d in the delay", got)
	}
	l.get(t, "/v1/batches/none").wantProblem(t, http.StatusNotFound) // still served
	close(delayed)
	writeChunk(t, connection, l.lineOf("b.pdf", ""))
	if _, err := connection.Write([]byte("0\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve() = %v", err)
	}
	if diff := cmp.Diff([][]string{{"a.pdf"}, {"b.pdf"}}, l.documents(t, "object_key")); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(l.url, "http://")); err == nil {
		t.Error("connections are still taken")
	}
}

// TestServer_Serve_CutOff shows that a request which does not end is cut off, and
// what has come of it is kept.
func TestServer_Serve_CutOff(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	l.put(t, "a.pdf")
	stop, ended := l.serveUntil(t, Lifetime{Timeout: time.Millisecond})
	connection := l.dial(t)
	writeChunk(t, connection, l.lineOf("a.pdf", "")+`{"bucket"`)
	for len(l.documents(t, "object_key")) == 0 { // it is under way
		time.Sleep(time.Millisecond)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Serve() = %v", err)
	}
	if diff := cmp.Diff([][]string{{"a.pdf"}}, l.documents(t, "object_key")); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

func TestServer_Serve_ListenerFails(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Serve(t.Context(), listener, Lifetime{}); err == nil {
		t.Error("Serve() on a closed listener succeeded")
	}
}
