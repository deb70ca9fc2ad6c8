package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"casflow/client"
	"casflow/internal/casapi"
	"casflow/internal/devtest"
	"casflow/internal/jobs"
	"casflow/internal/record"
	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
	"casflow/internal/storage/storagetest"
)

// hush is in every secret of these tests, and in no answer, log or label.
const hush = "hush"

const (
	token       = hush + "-token-of-billing"
	otherToken  = hush + "-token-of-crm"
	callbackURL = "https://billing.example/ended?token=" + hush
)

// lab is a server on a ledger and a bucket that are empty.
type lab struct {
	*Server
	db       *storage.DB
	database string // its URL
	redis    redis.UniversalClient
	bucket   string
	registry *prometheus.Registry
	url      string
	log      *devtest.Log
}

var buckets atomic.Int64

// noSources is the absence of configured password sources.
type noSources struct{}

func (noSources) Metadata() bool                              { return false }
func (noSources) Candidates(objectstore.Info) []redact.Secret { return nil }

// setup makes a lab. change may change the settings.
func setup(tb testing.TB, change func(*Config)) *lab {
	tb.Helper()
	l := &lab{bucket: fmt.Sprintf("statements-%d", buckets.Add(1)), registry: prometheus.NewPedanticRegistry(), log: devtest.NewLog()}
	l.db, l.database = storagetest.NewURL(tb)
	store := openStore(tb, s3Server.SecretKey)
	if err := store.CreateBucket(tb.Context(), l.bucket); err != nil {
		tb.Fatal(err)
	}
	var err error
	if l.redis, err = jobs.PrepareRedis(redact.Secret(redisServer.URL)); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.redis.Close() })
	sealer, err := storage.NewSealer(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		tb.Fatal(err)
	}
	policy := jobs.CallbackPolicy{Hosts: []string{"billing.example"}}
	config := Config{
		DB: l.db, Queue: jobs.NewEnqueuer(l.db, l.redis, 0), Store: store, Recorder: record.Recorder{Store: store, Sealer: sealer, Sources: noSources{}},
		Services: []Service{{"billing", token}, {"crm", otherToken}}, Kinds: jobs.Kinds(), Brokers: casapi.BrokerTypes(), UploadBucket: l.bucket, UploadPrefix: "uploads/",
		MaxUploads: 4, MaxBatchLines: 100_000, CheckCallback: policy.Check, Registerer: l.registry,
		Events: Events{Kind: storage.KindSmart, Queue: storage.QueueBulk, Batch: "events", Suffix: ".pdf"},
		Health: func(ready func(context.Context) error) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				status := http.StatusOK
				if r.URL.Path == "/readyz" && ready(r.Context()) != nil {
					status = http.StatusServiceUnavailable
				}
				w.WriteHeader(status)
			})
		},
		Logger: slog.New(slog.NewJSONHandler(l.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&config)
	}
	l.Server = New(config)
	server := httptest.NewServer(l.Server)
	l.url = server.URL
	tb.Cleanup(func() {
		server.Close()
		l.handlers.Wait()
		l.hurry.wait()
		if text := l.log.String(); strings.Contains(text, hush) || strings.Contains(text, "ZZZPA0001Z") {
			tb.Errorf("the log holds a secret or a PAN:\n%s", text)
		}
	})
	return l
}

func openStore(tb testing.TB, secret redact.Secret) *objectstore.Store {
	tb.Helper()
	store, err := objectstore.Open(tb.Context(), objectstore.Config{
		Endpoint: s3Server.Endpoint, ForcePathStyle: true, Region: s3Server.Region, AccessKey: redact.Secret(s3Server.AccessKey), SecretKey: secret,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return store
}

// put writes objects whose content is their key.
func (l *lab) put(tb testing.TB, keys ...string) []objectstore.Info {
	tb.Helper()
	infos := make([]objectstore.Info, len(keys))
	for n, key := range keys {
		var err error
		if infos[n], err = l.Store.Put(tb.Context(), l.bucket, key, strings.NewReader(key), int64(len(key)), nil); err != nil {
			tb.Fatal(err)
		}
	}
	return infos
}

// reply is what a request is answered with.
type reply struct {
	status int
	header http.Header
	body   string
}

// send makes a request of the service billing. A header is NAME: VALUE; one of
// Authorization takes the place of the token's.
func (l *lab) send(tb testing.TB, method, path string, body io.Reader, headers ...string) reply {
	tb.Helper()
	request, err := http.NewRequestWithContext(tb.Context(), method, l.url+path, body)
	if err != nil {
		tb.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	if strings.Contains(string(text), hush) || strings.Contains(string(text), "ZZZPA0001Z") {
		tb.Errorf("%s %s: a secret or a PAN is told: %s", method, path, text)
	}
	return reply{response.StatusCode, response.Header, string(text)}
}

// post sends JSON.
func (l *lab) post(tb testing.TB, path, body string) reply {
	tb.Helper()
	return l.send(tb, http.MethodPost, path, strings.NewReader(body), "Content-Type: application/json")
}

func (l *lab) get(tb testing.TB, path string) reply {
	tb.Helper()
	return l.send(tb, http.MethodGet, path, http.NoBody)
}

// wanted decodes an answer that has this status, and no other members than T.
func wanted[T any](tb testing.TB, r reply, status int) T {
	tb.Helper()
	var v T
	if r.status != status {
		tb.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	decoder := json.NewDecoder(strings.NewReader(r.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&v); err != nil {
		tb.Fatalf("%v in:\n%s", err, r.body)
	}
	return v
}

// wantProblem checks that an answer is a problem of this status that names these
// fields.
func (r reply) wantProblem(tb testing.TB, status int, fields ...string) client.Problem {
	tb.Helper()
	p := wanted[client.Problem](tb, r, status)
	var got []string
	for _, e := range p.Errors {
		got = append(got, e.Field)
	}
	if fmt.Sprint(got) != fmt.Sprint(fields) || p.Status != status || p.Title != http.StatusText(status) || p.Type != "about:blank" ||
		r.header.Get("Content-Type") != "application/problem+json" {
		tb.Errorf("problem %s, want one of the fields %v", r.body, fields)
	}
	return p
}

// documents are the rows of the ledger by key: columns, as SQL has them.
func (l *lab) documents(tb testing.TB, columns string) [][]string {
	tb.Helper()
	return storagetest.Rows(tb, l.database, "SELECT "+columns+" FROM cas.documents ORDER BY object_key")
}

// passwords are the candidates that are sealed for a document.
func (l *lab) passwords(tb testing.TB, id string) string {
	tb.Helper()
	document, err := l.db.Document(tb.Context(), parseID(tb, id))
	if err != nil {
		tb.Fatal(err)
	}
	candidates, err := l.Recorder.Sealer.OpenPasswords(document.ID, document.SealedPasswords)
	if err != nil {
		tb.Fatal(err)
	}
	var b strings.Builder
	for _, c := range candidates {
		b.WriteString(c.Reveal() + " ")
	}
	return strings.TrimSpace(b.String())
}

// awaitServed waits until n requests have been served, which those who sent them
// cannot tell.
func (l *lab) awaitServed(tb testing.TB, n int) {
	tb.Helper()
	for strings.Count(l.log.String(), `"msg":"request served"`) < n {
		select {
		case <-tb.Context().Done():
			tb.Fatal("the requests were never served")
		case <-time.After(time.Millisecond):
		}
	}
}
