package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"casflow/internal/telemetry"
)

// silent is a logger for tests that are not about the log.
func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// serve starts a server on a free port and ends it with the test.
func serve(t *testing.T, checks map[string]telemetry.Check, logger *slog.Logger) *telemetry.Server {
	t.Helper()
	server, err := telemetry.Serve(t.Context(), "127.0.0.1:0", telemetry.NewRegistry("v1", ""), checks, logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Shutdown(context.WithoutCancel(t.Context())) })
	return server
}

// get asks the server and returns status, body and header.
func get(t *testing.T, server *telemetry.Server, method, path string) (int, string, http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+server.Addr()+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body), response.Header
}

func TestServe_Paths(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]telemetry.Check{
		"postgres": func(context.Context) error { return nil },
		"redis":    func(context.Context) error { return errors.New("dial redis://user:geheim@host: refused") },
	}, silent())
	for name, test := range map[string]struct {
		method, path string
		status       int
		body         string // part of it
	}{
		"Metrics":   {http.MethodGet, "/metrics", http.StatusOK, "cas_build_info{"},
		"Health":    {http.MethodGet, "/healthz", http.StatusOK, `{"process":"ok"}`},
		"Ready":     {http.MethodGet, "/readyz", http.StatusServiceUnavailable, `{"postgres":"ok","redis":"failed"}`},
		"Head":      {http.MethodHead, "/readyz", http.StatusServiceUnavailable, ""},
		"Post":      {http.MethodPost, "/healthz", http.StatusMethodNotAllowed, ""},
		"OtherPath": {http.MethodGet, "/", http.StatusNotFound, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body, header := get(t, server, test.method, test.path)
			if status != test.status || !strings.Contains(body, test.body) {
				t.Errorf("%s %s = %d %q, want %d and %q", test.method, test.path, status, body, test.status, test.body)
			}
			if strings.Contains(body, "geheim") {
				t.Errorf("the answer shows a password: %q", body)
			}
			if strings.HasPrefix(test.body, "{") && header.Get("Content-Type") != "application/json" {
				t.Errorf("Content-Type = %q, want application/json", header.Get("Content-Type"))
			}
		})
	}
}

func TestServe_PortInUse(t *testing.T) {
	t.Parallel()
	first := serve(t, nil, silent())
	second, err := telemetry.Serve(t.Context(), first.Addr(), telemetry.NewRegistry("v1", ""), nil, silent())
	if err == nil {
		_ = second.Shutdown(t.Context())
		t.Fatal("two servers share a port")
	}
	for _, want := range []string{"CASFLOW_ADDR (--addr)", first.Addr(), "address already in use"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
}

// held is a check that waits until it is released.
type held struct {
	began, release chan struct{}
	once           sync.Once
}

func newHeld() *held { return &held{began: make(chan struct{}), release: make(chan struct{})} }

func (h *held) check(context.Context) error {
	h.once.Do(func() { close(h.began) })
	<-h.release
	return nil
}

func TestServer_Shutdown(t *testing.T) {
	t.Parallel()
	t.Run("FinishesRequestsUnderWay", func(t *testing.T) {
		t.Parallel()
		hold := newHeld()
		server := serve(t, map[string]telemetry.Check{"postgres": hold.check}, silent())
		status := make(chan int, 1)
		go func() { status <- statusOf(t.Context(), "http://"+server.Addr()+"/readyz") }()
		<-hold.began
		ended := make(chan error, 1)
		go func() { ended <- server.Shutdown(t.Context()) }()
		for statusOf(t.Context(), "http://"+server.Addr()+"/healthz") != 0 { // until nobody is let in any more
			runtime.Gosched()
		}
		close(hold.release)
		if got := <-status; got != http.StatusOK {
			t.Errorf("status of the request under way = %d, want 200", got)
		}
		if err := <-ended; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	t.Run("CutsOffWhenTimeIsUp", func(t *testing.T) {
		t.Parallel()
		hold := newHeld()
		defer close(hold.release)
		server := serve(t, map[string]telemetry.Check{"postgres": hold.check}, silent())
		status := make(chan int, 1)
		go func() { status <- statusOf(t.Context(), "http://"+server.Addr()+"/readyz") }()
		<-hold.began
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := server.Shutdown(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Shutdown = %v, want context.Canceled", err)
		}
		if got := <-status; got != 0 {
			t.Errorf("status of the request that was cut off = %d, want none", got)
		}
	})
}

// statusOf is the status of an answer, 0 if there was none.
func statusOf(ctx context.Context, address string) int {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func TestServe_LogsWhyAndOnce(t *testing.T) {
	t.Parallel()
	var (
		mu  sync.Mutex
		out bytes.Buffer
		err error
	)
	fails := func(to error) { mu.Lock(); defer mu.Unlock(); err = to }
	server := serve(t, map[string]telemetry.Check{"redis": func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		return err
	}}, telemetry.NewLogger(&out, slog.LevelInfo, "text"))
	for _, state := range []error{nil, errors.New("refused for " + pan), errors.New("refused again"), nil, nil} {
		fails(state)
		get(t, server, http.MethodGet, "/readyz")
	}
	if err := server.Shutdown(t.Context()); err != nil { // nothing is written to out any more
		t.Fatal(err)
	}
	var got []string
	for text := range strings.SplitSeq(strings.TrimSpace(out.String()), "\n") {
		_, text, _ = strings.Cut(text, " ")
		got = append(got, text)
	}
	want := []string{
		`level=WARN msg="readiness check fails" component=redis err="refused for ` + masked + `"`,
		`level=INFO msg="readiness check passes again" component=redis`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("log:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
