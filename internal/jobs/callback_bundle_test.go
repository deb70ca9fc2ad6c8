package jobs

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"casflow/internal/casapi"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// callbackBundle is a ledger with documents that end, and a service that is told.
type callbackBundle struct {
	db      *storage.DB
	address string // of the ledger
	client  redis.UniversalClient
	worker  uuid.UUID
	metrics *Metrics
	config  CallbackConfig
	service *httptest.Server

	mu      sync.Mutex
	answers []int // statuses that the service answers with; then 204
	told    []toldCallback
}

// toldCallback is what the service was told.
type toldCallback struct{ id, body string }

var callbackSecret = []byte("0123456789abcdef0123456789abcdef")

func setupCallbacks(t *testing.T, answers ...int) *callbackBundle {
	t.Helper()
	b := &callbackBundle{client: newRedis(t), worker: uuid.New(), answers: answers}
	b.db, b.address = storagetest.NewURL(t)
	b.metrics, _ = newMetrics()
	b.config = CallbackConfig{
		Policy: CallbackPolicy{Hosts: []string{"127.0.0.1"}, Private: true}, Secrets: [][]byte{callbackSecret},
		Backoff: Backoff{Base: time.Millisecond, Max: time.Millisecond},
	}
	b.service = httptest.NewServer(b)
	t.Cleanup(b.service.Close)
	return b
}

func (b *callbackBundle) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	header := http.Header{}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = append(b.told, toldCallback{r.Header.Get("Webhook-Id"), string(body)})
	stamp, err := time.ParseDuration(r.Header.Get("Webhook-Timestamp") + "s")
	if sign(header, r.Header.Get("Webhook-Id"), time.Unix(int64(stamp.Seconds()), 0), body, [][]byte{callbackSecret}); err != nil ||
		r.Header.Get("Webhook-Signature") != header.Get("Webhook-Signature") {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	status := http.StatusNoContent
	if len(b.answers) > 0 {
		status, b.answers = b.answers[0], b.answers[1:]
	}
	w.Header().Set("Location", "/elsewhere")
	w.WriteHeader(status)
}

// end records a document that asks for a callback to url, and parses it.
func (b *callbackBundle) end(t *testing.T, key, url string) uuid.UUID {
	t.Helper()
	d := newDocument(key, storage.QueueInteractive)
	d.CallbackURL = url
	if _, err := b.db.Record(t.Context(), []storage.NewDocument{d}); err != nil {
		t.Fatal(err)
	}
	statement := &storage.Statement{
		Key: storage.StatementKey{PAN: "ZZZPA0001Z", PeriodFrom: "2025-04-01", PeriodTo: "2025-04-30", CASType: "NSDL"}, ReceivedAt: time.Now(),
	}
	answer := storage.Answer{DocumentID: d.ID, Endpoint: "/v4/smart/parse", RequestID: "req_one", Body: []byte(`{}`), ReceivedAt: time.Now()}
	if _, err := b.db.Save(t.Context(), answer, statement, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	return d.ID
}

// drain runs a worker until nothing is left to do.
func (b *callbackBundle) drain(t *testing.T) {
	t.Helper()
	enqueuer := NewEnqueuer(b.db, b.client, 0)
	noCredits := fakeCredits(func() (*casapi.Credits, error) { return nil, casapi.ErrUnavailable })
	poison := NewPoison(b.client, b.worker)
	worker := NewWorker(WorkerConfig{
		Processor: ProcessorConfig{
			DB: b.db, Enqueuer: enqueuer, Metrics: b.metrics, Logger: quiet(), WorkerID: b.worker,
			Limiter: NewLimiter(b.client, "key", 0, time.Minute), Poison: poison,
		},
		Dispatcher: DispatcherConfig{
			Window: 10, Lease: time.Minute, Every: 10 * time.Millisecond, API: noCredits, Poison: poison,
		},
		Redis: b.client, Concurrency: 1, CallTimeout: time.Second, Drain: true, Callbacks: &b.config,
	})
	if err := worker.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// attempt has a callback of the ledger told once more, as its task would.
func (b *callbackBundle) attempt(t *testing.T) {
	t.Helper()
	id := storagetest.Rows(t, b.address, `SELECT callback_id FROM cas.callbacks`)[0][0]
	callbacks := newCallbacks(b.config, b.db, b.metrics, quiet())
	if err := callbacks.ProcessTask(t.Context(), asynq.NewTask(CallbackTaskType, []byte(`{"callback_id":"`+id+`"}`))); err != nil {
		t.Fatal(err)
	}
}

// want checks how the only callback stands.
func (b *callbackBundle) want(t *testing.T, state, attempts, status, message string) {
	t.Helper()
	got := storagetest.Rows(t, b.address, `SELECT state, attempts, http_status, message FROM cas.callbacks`)
	if diff := cmp.Diff([][]string{{state, attempts, status, message}}, got); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}
