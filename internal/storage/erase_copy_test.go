package storage_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestDB_Traces_Copies: a copy of a PAN's PDF that died, or waits to be tried again, is
// that PAN's too, though nothing but its bytes says so; it is listed once.
func TestDB_Traces_Copies(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	sealer := newSealer(t, 1)
	end := func(key string, password redact.Secret, finish func(id, worker uuid.UUID, request string) error) uuid.UUID {
		t.Helper()
		d := newDocument(key, storage.QueueBulk)
		var err error
		if d.SealedPasswords, err = sealer.Passwords(d.ID, []redact.Secret{password}); err != nil {
			t.Fatal(err)
		}
		id := record(t, db, d)[0]
		a := attempt(t, db, id, storage.Budget{})
		a.SHA256 = [32]byte{7}
		if _, err := db.BeginAttempt(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if err := finish(id, a.WorkerID, a.RequestID); err != nil {
			t.Fatal(err)
		}
		return id
	}
	die := func(id, worker uuid.UUID, request string) error {
		return db.Bury(t.Context(), storage.DeadLetter{DocumentID: id, Reason: storage.ReasonRetriesExhausted, Message: "m"},
			storage.AttemptEnd{RequestID: request, Outcome: storage.OutcomeFailed, WorkerID: worker})
	}
	wait := func(id, worker uuid.UUID, request string) error {
		return db.Retry(t.Context(), id, storage.AttemptEnd{RequestID: request, Outcome: storage.OutcomeFailed, WorkerID: worker}, 0)
	}
	save := func(id, worker uuid.UUID, request string) error {
		a := answerFor(id)
		a.SHA256 = [32]byte{7}
		_, err := db.Save(t.Context(), a, full(), storage.AttemptEnd{RequestID: request, Outcome: storage.OutcomeAnswered, WorkerID: worker})
		return err
	}
	pan := full().Key.PAN
	want := map[uuid.UUID]int{end("dead.pdf", "secret", die): 1, end("waits.pdf", redact.Secret(pan), wait): 1, end("parsed.pdf", "", save): 1}
	plain := newDocument("other.pdf", storage.QueueBulk) // of which nothing is known
	record(t, db, plain)

	traces, err := db.Traces(t.Context(), pan, sealer)
	if err != nil {
		t.Fatal(err)
	}
	got := map[uuid.UUID]int{}
	for _, trace := range traces {
		got[trace.DocumentID]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

// TestDB_Erase_AnyCase: a PAN is masked in others' answers however it is written there,
// as it is read however it is written.
func TestDB_Erase_AnyCase(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	bodies := map[string]string{
		"{\"a\":\"ZzzPj0009z\"}":                        "{\"a\":\"Zz*******z\"}",
		"{\"a\":\"zzzpj0009z\"}":                        "{\"a\":\"zz*******z\"}",
		"ä\x00\xff\\ ZZZPJ0009Z, ZzZPJ0009Z\\x":         "ä\x00\xff\\ ZZ*******Z, Zz*******Z\\x",
		"{\"a\":\"of another: ZZZPK0009Z, ZZZPJ0009\"}": "{\"a\":\"of another: ZZZPK0009Z, ZZZPJ0009\"}",
	}
	want := map[uuid.UUID]string{}
	for body, masked := range bodies {
		id := record(t, db, newDocument(fmt.Sprint(len(want)), storage.QueueBulk))[0]
		want[id] = masked
		a := answerFor(id)
		a.Body = []byte(body)
		if _, err := db.Save(t.Context(), a, full(), storage.AttemptEnd{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Erase(t.Context(), "ZZZPJ0009Z", nil, "test", 0); err != nil {
		t.Fatal(err)
	}
	got := map[uuid.UUID]string{}
	for id := range want {
		a, err := db.Answer(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		got[id] = string(a.Body)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}
