package jobs

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestCallbacks_Delivered shows the whole way: a document ends, the ledger notes
// it, the dispatcher makes a task of it, and the service is told, signed.
func TestCallbacks_Delivered(t *testing.T) {
	t.Parallel()
	b := setupCallbacks(t)
	id := b.end(t, "in/ZZZPA0001Z.pdf", b.service.URL+"/ended?token=hush")
	b.drain(t)
	b.want(t, "delivered", "1", "204", "<null>")
	if len(b.told) != 1 || !strings.Contains(b.told[0].body, `"document_id":"`+id.String()+`","status":"parsed"`) || strings.Contains(b.told[0].body, "ZZZPA0001Z") {
		t.Errorf("told %+v, want the document once, and no PAN", b.told)
	}
	if got := testutil.ToFloat64(b.metrics.callbacks.attempts.WithLabelValues(outcomeDelivered)); got != 1 {
		t.Errorf("%v are counted as delivered, want 1", got)
	}
	b.drain(t) // and no more than once
	if len(b.told) != 1 {
		t.Errorf("told %d times, want once", len(b.told))
	}
}

// TestCallbacks_Redis shows that what is to be told outlives Redis, and that Redis
// knows nothing of it.
func TestCallbacks_Redis(t *testing.T) {
	t.Parallel()
	b := setupCallbacks(t)
	b.end(t, "ZZZPA0001Z.pdf", b.service.URL+"/hush")
	leader := lead(t, b.db)
	dispatcher := NewDispatcher(DispatcherConfig{DB: b.db, Enqueuer: NewEnqueuer(b.db, b.client, 0), Logger: quiet()})
	if err := dispatcher.feedCallbacks(t.Context(), leader); err != nil {
		t.Fatal(err)
	}
	callback := storagetest.Rows(t, b.address, `SELECT callback_id FROM cas.callbacks`)[0][0]
	wantTasks(t, b.client, QueueCallbacks, callback+":1")
	payload, err := b.client.HGet(t.Context(), "asynq:{callbacks}:t:"+callback+":1", "msg").Result()
	if err != nil || strings.Contains(payload, "hush") || strings.Contains(payload, "ZZZPA0001Z") {
		t.Errorf("task holds %q, %v", payload, err)
	}

	flush(t, b.client)
	storagetest.Rows(t, b.address, `UPDATE cas.callbacks SET next_at = now()`) // a minute later
	if err := dispatcher.feedCallbacks(t.Context(), leader); err != nil {
		t.Fatal(err)
	}
	wantTasks(t, b.client, QueueCallbacks, callback+":1")

	// Without Redis it stays where it is.
	storagetest.Rows(t, b.address, `UPDATE cas.callbacks SET next_at = now()`)
	away := NewDispatcher(DispatcherConfig{DB: b.db, Enqueuer: NewEnqueuer(b.db, deadRedis(t), 0), Logger: quiet()})
	if err := away.feedCallbacks(t.Context(), leader); err == nil {
		t.Error("feedCallbacks() without Redis succeeded")
	}
	b.want(t, "pending", "0", "<null>", "<null>")
	b.attempt(t)
	b.want(t, "delivered", "1", "204", "<null>")
}

// TestCallbacks_Retry shows that a service which fails is asked again, by a task of
// its own, with the same id and body.
func TestCallbacks_Retry(t *testing.T) {
	t.Parallel()
	b := setupCallbacks(t, http.StatusInternalServerError, http.StatusFound)
	b.end(t, "a.pdf", b.service.URL)
	b.attempt(t)
	b.want(t, "pending", "1", "500", "answered with 500")
	b.attempt(t)
	b.want(t, "pending", "2", "302", "answered with 302") // where it leads was not asked for
	leader := lead(t, b.db)
	for got := []storage.CallbackDelivery(nil); len(got) == 0; { // a millisecond later
		var err error
		if got, err = leader.DueCallbacks(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
	}
	b.attempt(t)
	b.want(t, "delivered", "3", "204", "<null>")
	b.attempt(t) // a redelivery
	if len(b.told) != 3 || b.told[0] != b.told[1] || b.told[1] != b.told[2] {
		t.Errorf("told %+v, want the same three times", b.told)
	}
}

func TestCallbacks_GivenUp(t *testing.T) {
	t.Parallel()
	t.Run("Exhausted", func(t *testing.T) {
		t.Parallel()
		b := setupCallbacks(t, 500, 503)
		b.config.MaxAttempts = 2
		b.end(t, "a.pdf", b.service.URL)
		b.attempt(t)
		b.attempt(t)
		b.want(t, "given_up", "2", "503", "answered with 503")
		if got := testutil.ToFloat64(b.metrics.callbacks.attempts.WithLabelValues(outcomeGivenUp)); got != 1 {
			t.Errorf("%v are counted as given up, want 1", got)
		}
	})
	t.Run("Gone", func(t *testing.T) {
		t.Parallel()
		b := setupCallbacks(t, http.StatusGone)
		b.end(t, "a.pdf", b.service.URL)
		b.attempt(t)
		b.want(t, "given_up", "1", "410", "answered with 410")
	})
}

// TestCallbacks_Erased shows that nothing is told of a document that is gone.
func TestCallbacks_Erased(t *testing.T) {
	t.Parallel()
	b := setupCallbacks(t)
	b.end(t, "a.pdf", b.service.URL)
	storagetest.Rows(t, b.address, `DELETE FROM cas.documents`)
	b.attempt(t)
	b.want(t, "given_up", "1", "<null>", "the document is gone")
	if len(b.told) != 0 {
		t.Errorf("told %+v", b.told)
	}
}

// TestCallbacks_Refused shows what is not asked: hosts that are not allowed, and
// addresses from inside, whatever name leads there.
func TestCallbacks_Refused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ url, want string }{
		"Host":    {"https://other.example/hush", "callback_url names a host that is not among CASFLOW_CALLBACK_HOSTS"},
		"Address": {"https://127.0.0.1:PORT/hush", "none of the public internet"},
		"Name":    {"https://localhost:PORT/hush", "none of the public internet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupCallbacks(t)
			b.config.Policy = CallbackPolicy{Hosts: []string{"127.0.0.1", "localhost"}}
			port := b.service.URL[strings.LastIndex(b.service.URL, ":")+1:]
			b.end(t, "a.pdf", strings.ReplaceAll(test.url, "PORT", port))
			b.attempt(t)
			row := storagetest.Rows(t, b.address, `SELECT state, attempts, message FROM cas.callbacks`)[0]
			if row[0] != "pending" || row[1] != "1" || !strings.Contains(row[2], test.want) || strings.Contains(row[2], "hush") || len(b.told) != 0 {
				t.Errorf("ledger %q, told %+v, want it refused: %s", row, b.told, test.want)
			}
		})
	}
}

// TestCallbacks_LedgerAway shows that an attempt which cannot be noted is made again.
func TestCallbacks_LedgerAway(t *testing.T) {
	t.Parallel()
	b := setupCallbacks(t)
	callbacks := newCallbacks(b.config, b.db, b.metrics, quiet())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := callbacks.ProcessTask(ctx, asynq.NewTask(CallbackTaskType, []byte(`{"callback_id":"`+uuid.NewString()+`"}`)))
	if err == nil || isFailure(err) {
		t.Errorf("ProcessTask() = %v, want another delivery", err)
	}
}

func TestCallbacks_Delay(t *testing.T) {
	t.Parallel()
	callbacks := newCallbacks(CallbackConfig{}, nil, &Metrics{}, quiet())
	last, total := time.Duration(0), time.Duration(0)
	for attempts := range callbacks.MaxAttempts - 1 {
		end := callbacks.judge(storage.Callback{Attempts: attempts}, 500, errRedisDown)
		ceiling := min(10*time.Second<<attempts, 6*time.Hour)
		if end.State != storage.CallbackPending || end.RetryIn < ceiling/2 || end.RetryIn > ceiling {
			t.Errorf("after %d attempts: %s in %s, want between half and all of %s", attempts+1, end.State, end.RetryIn, ceiling)
		}
		last, total = ceiling, total+ceiling
	}
	if last != 6*time.Hour || total < 20*time.Hour || total > 30*time.Hour {
		t.Errorf("the last wait is %s, all are %s, want about a day", last, total)
	}
	if end := callbacks.judge(storage.Callback{Attempts: callbacks.MaxAttempts - 1}, 500, errRedisDown); end.State != storage.CallbackGivenUp {
		t.Errorf("after the last attempt it is %s, want given up", end.State)
	}
}
