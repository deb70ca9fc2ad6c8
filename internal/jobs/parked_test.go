package jobs

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"casflow/internal/storage"
)

func newSealer(t *testing.T, with byte) *storage.Sealer {
	t.Helper()
	sealer, err := storage.NewSealer(bytes.Repeat([]byte{with}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

func TestParked(t *testing.T) {
	t.Parallel()
	exerciseParked(t, newRedis(t))
}

func exerciseParked(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	parked := NewParked(client, newSealer(t, 1))
	document := newDocument("a.pdf", storage.QueueBulk).ID
	if _, _, found, err := parked.Take(t.Context(), document); found || err != nil {
		t.Fatalf("Take() of nothing = %t, %v", found, err)
	}
	answer := storage.Answer{
		DocumentID: document, SHA256: [32]byte{1, 2}, Endpoint: "/v4/smart/parse", RequestID: "req_1",
		Body: []byte(`{"investor":{"pan":"ZZZPZ0000Z"}}`), ReceivedAt: time.Date(2026, 5, 1, 2, 3, 4, 5, time.UTC),
	}
	end := storage.AttemptEnd{
		RequestID: "req_1", Outcome: storage.OutcomeAnswered, HTTPStatus: 200, Message: "m", APIRequestID: "req_2", Credits: "1.0",
	}
	if err := parked.Put(t.Context(), answer, end); err != nil {
		t.Fatal(err)
	}
	// Another worker, with the same key, finds it, as often as it looks.
	other := NewParked(client, newSealer(t, 1))
	for range 2 {
		gotAnswer, gotEnd, found, err := other.Take(t.Context(), document)
		if err != nil || !found {
			t.Fatalf("Take() = %t, %v", found, err)
		}
		if diff := cmp.Diff(answer, gotAnswer) + cmp.Diff(end, gotEnd); diff != "" {
			t.Errorf("Take() (-want +got):\n%s", diff)
		}
	}
	raw, err := client.Get(t.Context(), parkedKey(document)).Result()
	if err != nil || strings.Contains(raw, "ZZZP") || strings.Contains(raw, "investor") {
		t.Errorf("what is parked can be read (%v)", err)
	}
	// With another key it can neither be used nor is it lost.
	_, _, found, err := NewParked(client, newSealer(t, 2)).Take(t.Context(), document)
	if found || err == nil || judge(err).action != actStall {
		t.Errorf("Take() with another key = %t, %v, want an error that puts the document off", found, err)
	}
	if err := parked.Drop(t.Context(), document); err != nil {
		t.Fatal(err)
	}
	if _, _, found, err := parked.Take(t.Context(), document); found || err != nil {
		t.Errorf("Take() after Drop() = %t, %v", found, err)
	}
}

func TestPressure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pressure{limit: 100}
		p.add(60)
		if err := p.wait(t.Context()); err != nil {
			t.Errorf("wait() below the limit: %v", err)
		}
		p.add(40)
		waited := make(chan error, 1)
		go func() { waited <- p.wait(t.Context()) }()
		ctx, cancel := context.WithCancelCause(t.Context())
		impatient := make(chan error, 1)
		go func() { impatient <- p.wait(ctx) }()
		synctest.Wait() // both wait
		cancel(errShutdown)
		if err := <-impatient; !errors.Is(err, errShutdown) {
			t.Errorf("wait() of who gave up = %v, want the cause", err)
		}
		select {
		case err := <-waited:
			t.Fatalf("wait() at the limit returned %v", err)
		default:
		}
		p.add(-60)
		if err := <-waited; err != nil {
			t.Errorf("wait() after there was room: %v", err)
		}
		p.add(-40)
		if p.held != 0 {
			t.Errorf("held = %d, want 0", p.held)
		}
	})
}
