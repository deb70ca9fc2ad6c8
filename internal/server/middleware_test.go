package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/time/rate"

	"casflow/client"
	"casflow/internal/devstack"
	"casflow/internal/jobs"
	"casflow/internal/redact"
	"casflow/internal/storage"
)

func TestServer_Auth(t *testing.T) {
	t.Parallel()
	l := setup(t, func(c *Config) { c.Services = append(c.Services, Service{"billing", "hush-new-token"}) })
	for name, test := range map[string]struct {
		header string
		status int
	}{
		"Good":      {"Authorization: Bearer " + token, http.StatusNotFound},
		"Other":     {"Authorization: Bearer " + otherToken, http.StatusNotFound},
		"Second":    {"Authorization: bearer  hush-new-token ", http.StatusNotFound},
		"None":      {"Authorization: ", http.StatusUnauthorized},
		"Empty":     {"Authorization: Bearer ", http.StatusUnauthorized},
		"Wrong":     {"Authorization: Bearer " + token + "x", http.StatusUnauthorized},
		"Short":     {"Authorization: Bearer " + token[1:], http.StatusUnauthorized},
		"OtherCase": {"Authorization: Bearer " + strings.ToUpper(token), http.StatusUnauthorized},
		"Basic":     {"Authorization: Basic " + token, http.StatusUnauthorized},
		"Bare":      {"Authorization: " + token, http.StatusUnauthorized},
		"WithName":  {"Authorization: Bearer billing:" + token, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"/v1/documents/none", "/v1/nothing", "/nothing"} {
				r := l.send(t, http.MethodGet, path, http.NoBody, test.header)
				p := r.wantProblem(t, test.status)
				if test.status == http.StatusUnauthorized && (p.Detail != "" || r.header.Get("WWW-Authenticate") != "Bearer") {
					t.Errorf("it says %q, challenge %q, want no detail", p.Detail, r.header.Get("WWW-Authenticate"))
				}
			}
		})
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/openapi.json"} {
		if r := l.send(t, http.MethodGet, path, http.NoBody, "Authorization: Bearer wrong"); r.status != http.StatusOK {
			t.Errorf("%s: status %d without a token", path, r.status)
		}
	}
}

func TestServer_Unknown(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	for path, allow := range map[string]string{
		"/": "", "/v1": "", "/v1/documents/a/b": "", "/v2/documents": "", "/v1/documents": "POST", "/v1/documents:batch": "POST",
		"/v1/dead-letters:redrive": "POST", "/v1/s3-events": "POST",
	} {
		r := l.get(t, path)
		status := http.StatusNotFound
		if allow != "" {
			status = http.StatusMethodNotAllowed
		}
		r.wantProblem(t, status)
		if got := r.header.Get("Allow"); got != allow {
			t.Errorf("%s: Allow is %q, want %q", path, got, allow)
		}
	}
	r := l.send(t, http.MethodDelete, "/v1/documents/x", http.NoBody)
	r.wantProblem(t, http.StatusMethodNotAllowed)
	if got := r.header.Get("Allow"); got != "GET, HEAD" {
		t.Errorf("Allow is %q", got)
	}
}

func TestServer_Rate(t *testing.T) {
	t.Parallel()
	l := setup(t, func(c *Config) { c.RatePerSecond = 50 })
	if given := l.limits.rates["billing"]; given.Limit() != 50 || given.Burst() != 100 {
		t.Errorf("the limit is %v, %d at once, want 50 and 100", given.Limit(), given.Burst())
	}
	l.limits.rates["billing"] = rate.NewLimiter(rate.Every(time.Hour), 2)
	for range 2 {
		l.get(t, "/v1/batches/none").wantProblem(t, http.StatusNotFound)
	}
	r := l.get(t, "/v1/batches/none")
	r.wantProblem(t, http.StatusTooManyRequests)
	if seconds, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 3600 {
		t.Errorf("Retry-After is %q, want within the hour", r.header.Get("Retry-After"))
	}
	// Nobody else suffers.
	l.send(t, http.MethodGet, "/v1/batches/none", http.NoBody, "Authorization: Bearer "+otherToken).wantProblem(t, http.StatusNotFound)
}

// badQueue is a queue of functions.
type badQueue struct{ queue func() error }

func (q badQueue) Queue(context.Context, []uuid.UUID) error { return q.queue() }
func (q badQueue) Forget([]storage.Redriven) error          { return q.queue() }

// TestServer_Panic shows that a panic costs its request and no other, and that its
// text, which may quote anything, is told to nobody.
func TestServer_Panic(t *testing.T) {
	t.Parallel()
	l := setup(t, func(c *Config) { c.DB = nil })
	for range 2 {
		l.get(t, "/v1/batches/none").wantProblem(t, http.StatusInternalServerError)
	}
	l.awaitServed(t, 2)
	if text := l.log.String(); !strings.Contains(text, `"level":"ERROR"`) || !strings.Contains(text, "batches.go") {
		t.Errorf("the log does not tell where: %s", text)
	}
	// One that comes when the answer has begun cuts it off.
	answer := &answer{ResponseWriter: &discard{header: http.Header{}}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if cause := recover(); cause != http.ErrAbortHandler { //nolint:errorlint // this very value
			t.Errorf("panic(%v), want http.ErrAbortHandler", cause)
		}
	}()
	func() {
		defer l.finish(request, answer)
		_, _ = answer.Write(nil)
		panic("hush")
	}()
}

// TestServer_RedisAway shows that documents are taken without Redis, and that nobody
// waits for it again and again.
func TestServer_RedisAway(t *testing.T) {
	t.Parallel()
	server, err := devstack.StartRedis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	away, err := jobs.PrepareRedis(redact.Secret(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = away.Close() })
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	l := setup(t, nil)
	l.hurry.to = jobs.NewEnqueuer(l.db, away, 0)
	l.put(t, "a.pdf", "b.pdf")
	for _, key := range []string{"a.pdf", "b.pdf"} {
		got := wanted[client.Submitted](t, l.post(t, "/v1/documents", l.lineOf(key, "")), http.StatusAccepted)
		if !got.New || got.Status != "pending" {
			t.Errorf("%+v, want a new document that is pending", got)
		}
	}
	if l.get(t, "/readyz").status != http.StatusOK {
		t.Error("it is not ready, although it takes documents")
	}
	l.hurry.wait()
	if diff := cmp.Diff([][]string{{"pending"}, {"pending"}}, l.documents(t, "status")); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
	if n := strings.Count(l.log.String(), "left to the dispatcher"); n != 1 {
		t.Errorf("it is logged %d times, want once", n)
	}
}

// TestServer_PostgresAway shows that callers are asked to come again.
func TestServer_PostgresAway(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	l.put(t, "a.pdf")
	l.db.Close()
	for name, r := range map[string]reply{
		"Document": l.post(t, "/v1/documents", l.lineOf("a.pdf", "")), "Upload": l.upload(t, "file:"+pdf("x")),
		"Batch":  l.send(t, http.MethodPost, "/v1/documents:batch", strings.NewReader(l.lineOf("a.pdf", "")), ndjson),
		"Lookup": l.get(t, "/v1/documents/"+uuid.NewString()), "Status": l.get(t, "/v1/batches/none"), "DeadLetters": l.get(t, "/v1/dead-letters"),
		"Redrive": l.post(t, "/v1/dead-letters:redrive", `{"all":true}`),
		"Events":  l.post(t, "/v1/s3-events", records(s3Event("ObjectCreated:Put", l.put(t, "b.pdf")[0]))),
	} {
		r.wantProblem(t, http.StatusServiceUnavailable)
		if r.header.Get("Retry-After") != "5" || strings.Contains(r.body, "pool") {
			t.Errorf("%s: Retry-After %q, %s", name, r.header.Get("Retry-After"), r.body)
		}
	}
}

// TestServer_S3Away shows the same for S3.
func TestServer_S3Away(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	away := setup(t, func(c *Config) { c.Store = awayStore(t) })
	away.post(t, "/v1/documents", l.lineOf("a.pdf", "")).wantProblem(t, http.StatusServiceUnavailable)
	away.send(t, http.MethodPost, "/v1/documents:batch", strings.NewReader(l.lineOf("a.pdf", "")+l.lineOf("b.pdf", "")), ndjson).
		wantProblem(t, http.StatusServiceUnavailable)
}

func TestServer_Metrics(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	l.put(t, "a.pdf")
	wanted[client.Submitted](t, l.post(t, "/v1/documents", l.lineOf("a.pdf", "")), http.StatusAccepted)
	l.batch(t, l.lineOf("a.pdf", "")+l.lineOf("a.pdf", "")+l.lineOf("hush.pdf", "")+"{}\n")
	for n := range 50 { // whatever callers make up
		l.get(t, fmt.Sprintf("/v1/documents/%d", n))
		l.get(t, fmt.Sprintf("/made-up/%d", n))
		l.send(t, http.MethodGet, fmt.Sprintf("/v1/batches/%d", n), http.NoBody, fmt.Sprintf("Authorization: Bearer %d", n))
	}
	l.awaitServed(t, 152)
	problems, err := testutil.GatherAndLint(l.registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	want := `
# HELP cas_http_requests_total Requests of the HTTP API, by service, route and status.
# TYPE cas_http_requests_total counter
cas_http_requests_total{code="200",route="POST /v1/documents:batch",service="billing"} 1
cas_http_requests_total{code="202",route="POST /v1/documents",service="billing"} 1
cas_http_requests_total{code="401",route="GET /v1/batches/{id}",service="none"} 50
cas_http_requests_total{code="404",route="GET /v1/documents/{id}",service="billing"} 50
cas_http_requests_total{code="404",route="other",service="billing"} 50
# HELP cas_http_submissions_total Documents that services submitted, by service and outcome: new, known, refused (by what was asked for), failed (by what was away).
# TYPE cas_http_submissions_total counter
cas_http_submissions_total{outcome="failed",service="billing"} 0
cas_http_submissions_total{outcome="failed",service="crm"} 0
cas_http_submissions_total{outcome="known",service="billing"} 2
cas_http_submissions_total{outcome="known",service="crm"} 0
cas_http_submissions_total{outcome="new",service="billing"} 1
cas_http_submissions_total{outcome="new",service="crm"} 0
cas_http_submissions_total{outcome="refused",service="billing"} 2
cas_http_submissions_total{outcome="refused",service="crm"} 0
`
	if err := testutil.GatherAndCompare(l.registry, strings.NewReader(want), "cas_http_requests_total", "cas_http_submissions_total"); err != nil {
		t.Error(err)
	}
}

// TestHurry shows that a Redis which hangs holds nobody up, and one that fails is
// let alone for a while.
func TestHurry(t *testing.T) {
	t.Parallel()
	hang, failures := make(chan struct{}), 0
	h := newHurry(badQueue{func() error { <-hang; return nil }}, discardLogger())
	if h.queue(t.Context(), nil) {
		t.Error("queued, although Redis hangs")
	}
	close(hang)
	if !h.queue(t.Context(), nil) {
		t.Error("not queued, although Redis is well again")
	}
	h.wait()
	h = newHurry(badQueue{func() error { failures++; return errors.New("made up") }}, discardLogger())
	for range 3 {
		if h.queue(t.Context(), nil) {
			t.Error("queued, although Redis fails")
		}
	}
	if h.wait(); failures != 1 {
		t.Errorf("asked %d times, want once", failures)
	}
}
