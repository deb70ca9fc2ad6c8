package record

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

// sourcesOf are sources without metadata.
type sourcesOf []redact.Secret

func (sourcesOf) Metadata() bool                                { return false }
func (s sourcesOf) Candidates(objectstore.Info) []redact.Secret { return s }

func newItem(passwords ...redact.Secret) Item {
	return Item{
		Object: objectstore.Info{Ref: objectstore.Ref{Bucket: "b", Key: "k", VersionID: "v", ETag: "e"}, Size: 7},
		Kind:   storage.KindNSDL, Queue: storage.QueueBulk, Batch: "night", CallbackURL: "https://h/", Passwords: passwords,
	}
}

func TestRecorder_Documents(t *testing.T) {
	t.Parallel()
	sealer, err := storage.NewSealer(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	recorder := Recorder{Sealer: sealer, Sources: sourcesOf{"source", "", "own"}}
	unknownSize := newItem()
	unknownSize.Object.Size = -1
	documents, err := recorder.Documents(t.Context(), []Item{newItem("own", "other"), unknownSize})
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range [][]redact.Secret{{"own", "other", "source"}, {"source", "own"}} {
		got, err := sealer.OpenPasswords(documents[n].ID, documents[n].SealedPasswords)
		if err != nil || !cmp.Equal(want, got, cmp.Comparer(func(a, b redact.Secret) bool { return a.Reveal() == b.Reveal() })) {
			t.Errorf("document %d has %d passwords, %v, want %d in order", n, len(got), err, len(want))
		}
		documents[n].SealedPasswords = nil
	}
	want := storage.NewDocument{
		ID: storage.DocumentID("b", "k", "e", storage.KindNSDL), Bucket: "b", Key: "k", VersionID: "v", ETag: "e", SizeBytes: 7,
		Kind: storage.KindNSDL, Queue: storage.QueueBulk, Batch: "night", CallbackURL: "https://h/",
	}
	sizeless := want
	sizeless.SizeBytes = 0
	if diff := cmp.Diff([]storage.NewDocument{want, sizeless}, documents); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

func TestRecorder_NoKey(t *testing.T) {
	t.Parallel()
	recorder := Recorder{Sources: sourcesOf{}}
	if _, err := recorder.Documents(t.Context(), []Item{newItem()}); err != nil {
		t.Errorf("without passwords: %v", err)
	}
	if _, err := recorder.Documents(t.Context(), []Item{newItem("hush")}); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("with a password: %v, want an error that does not tell it", err)
	}
}
