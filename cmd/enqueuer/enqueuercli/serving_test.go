package enqueuercli_test

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"casflow/cmd/enqueuer/enqueuercli"
)

// logText is what a program logs, for who waits for a line of it.
type logText struct {
	mu      sync.Mutex
	changed *sync.Cond
	text    strings.Builder
}

func newLogText() *logText {
	l := &logText{}
	l.changed = sync.NewCond(&l.mu)
	return l
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.changed.Broadcast()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// find waits for the pattern to fit, and returns what its group does, if it has one;
// "" where ctx ends before.
func (l *logText) find(ctx context.Context, pattern string) string {
	stop := context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.changed.Broadcast()
	})
	defer stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	for expression := regexp.MustCompile(pattern); ctx.Err() == nil; l.changed.Wait() {
		if found := expression.FindStringSubmatch(l.text.String()); found != nil {
			return found[len(found)-1]
		}
	}
	return ""
}

// serving is an enqueuer serve that runs.
type serving struct {
	url  string
	log  *logText
	stop func() (code int, log string)
}

// serveArgs are the arguments of a server on a free port.
func (l lab) serveArgs(flags ...string) []string {
	return slices.Concat([]string{"serve"}, l.settings(), []string{
		"--addr", "127.0.0.1:0", "--log-format", "json", "--stop-delay", "0s", "--api-tokens", "billing:" + serveToken + " crm:" + hush, "--secret-key", secretKey,
	}, flags)
}

// start runs enqueuer serve until it is stopped, or the test ends.
func (l lab) start(t *testing.T, flags ...string) *serving {
	t.Helper()
	s := &serving{log: newLogText()}
	ctx, cancel := context.WithCancel(t.Context())
	code := 0
	ended, stopped := context.WithCancel(context.Background())
	go func() {
		defer stopped()
		code = enqueuercli.Run(ctx, l.serveArgs(flags...), io.Discard, s.log)
	}()
	s.stop = func() (int, string) {
		cancel()
		<-ended.Done()
		return code, s.log.String()
	}
	t.Cleanup(func() { s.stop() })
	if address := s.log.find(ended, `"msg":"API is served","addr":"([^"]+)"`); address != "" {
		s.url = "http://" + address
		return s
	}
	t.Fatalf("serve ended with %d: %s", code, s.log)
	return nil
}

// serve is start, for who needs no more than these.
func (l lab) serve(t *testing.T, flags ...string) (url string, stop func() (int, string)) {
	t.Helper()
	s := l.start(t, flags...)
	return s.url, s.stop
}

// await waits for a line of the log.
func (s *serving) await(t *testing.T, pattern string) {
	t.Helper()
	if s.log.find(t.Context(), pattern) == "" {
		t.Fatalf("not logged: %s:\n%s", pattern, s.log)
	}
}

// wantMetrics checks lines of /metrics.
func (s *serving) wantMetrics(t *testing.T, lines ...string) {
	t.Helper()
	response, err := http.Get(s.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if !strings.Contains("\n"+string(text), "\n"+line+"\n") {
			t.Errorf("/metrics has no line %q", line)
		}
	}
}
