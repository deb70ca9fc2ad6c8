package enqueuercli_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"casflow/cmd/enqueuer/enqueuercli"
	"casflow/internal/devtest"
)

// serving is an enqueuer serve that runs.
type serving struct {
	url  string
	log  *devtest.Log
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
	running, err := devtest.Serve(t.Context(), enqueuercli.Run, l.serveArgs(flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	s := &serving{url: "http://" + running.Addr, log: running.Log}
	s.stop = func() (int, string) { return running.Stop(), s.log.String() }
	t.Cleanup(func() { s.stop() })
	return s
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
	if s.log.Find(t.Context(), pattern) == "" {
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
