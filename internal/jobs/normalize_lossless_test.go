package jobs

import (
	"errors"
	"fmt"
	"testing"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// saveAnswer saves an answer's statement as that of a document of its own.
func saveAnswer(t *testing.T, db *storage.DB, name string, body []byte, content storage.Content) storage.Saved {
	t.Helper()
	d := newDocument(name, storage.QueueBulk)
	if _, err := db.Record(t.Context(), []storage.NewDocument{d}); err != nil {
		t.Fatal(err)
	}
	answer := storage.Answer{DocumentID: d.ID, SHA256: [32]byte{1}, Endpoint: "/v4/smart/parse", RequestID: "req_1", Body: body, ReceivedAt: receivedAt}
	saved, err := db.Save(t.Context(), answer, content, storage.AttemptEnd{})
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

// TestNormalize_Lossless writes arbitrary answers into Postgres and rebuilds them
// from the rows alone: nothing is lost, whatever it is and wherever it stands.
func TestNormalize_Lossless(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	const answers = 300
	kept := 0
	for i := range answers {
		body := generate(uint64(i), fmt.Sprintf("ZZZPZ%04dZ", i))
		statement, err := readAnswer(body, storage.KindSmart)
		if errors.Is(err, errBadAnswer) || errors.Is(err, errMissingPAN) {
			continue // a period that cannot be read, say
		}
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		saveAnswer(t, db, fmt.Sprintf("%d.pdf", i), body, statement)
		rebuilt, err := db.RebuildAnswer(t.Context(), statement.Key)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		assertRebuilt(t, body, rebuilt)
		if t.Failed() {
			t.Fatalf("answer %d: %.3000s\nrebuilt: %.3000s", i, body, rebuilt)
		}
		kept++
	}
	if kept < answers*9/10 {
		t.Errorf("only %d of %d answers could be saved", kept, answers)
	}
}

// FuzzNormalize: whatever is taken for a statement can be rebuilt from its rows.
func FuzzNormalize(f *testing.F) {
	for i := range uint64(30) {
		f.Add(generate(i, zed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		statement, err := readAnswer(body, storage.KindSmart)
		if err != nil {
			if !errors.Is(err, errBadAnswer) && !errors.Is(err, errMissingPAN) {
				t.Errorf("unexpected error: %v", err)
			}
			return
		}
		rebuilt, err := statement.Answer()
		if err != nil {
			t.Fatal(err)
		}
		assertRebuilt(t, body, rebuilt)
	})
}
