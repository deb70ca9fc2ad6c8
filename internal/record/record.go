// Package record makes documents of the objects of S3, for whoever records them:
// a scan, a command, another service. It finds their passwords and seals them.
// What becomes of the documents is the caller's: storage.DB.Record writes them.
//
//	documents, err := recorder.Documents(ctx, items)
package record

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

// heads is how many objects are asked for their metadata at once.
const heads = 16

// Item is an object that is to become a document.
type Item struct {
	Object      objectstore.Info // with its ETag
	Kind, Queue string
	Broker      string          // of contract notes; "": the API finds out
	Batch       string          // "" none
	CallbackURL string          // "" none
	Passwords   []redact.Secret // tried before those that the sources have
}

// ID is the id that the item has as a document.
func (i Item) ID() uuid.UUID {
	return storage.DocumentID(i.Object.Bucket, i.Object.Key, i.Object.ETag, i.Kind)
}

// IDs are the ids of items.
func IDs(items []Item) []uuid.UUID {
	ids := make([]uuid.UUID, len(items))
	for n, item := range items {
		ids[n] = item.ID()
	}
	return ids
}

// sources are where passwords come from.
type sources interface {
	// Metadata tells that the objects' metadata are needed, which a listing does not
	// have.
	Metadata() bool
	// Candidates are the passwords to try on an object, in order.
	Candidates(object objectstore.Info) []redact.Secret
}

// Recorder makes documents of objects. It is safe for concurrent use.
type Recorder struct {
	Store   *objectstore.Store
	Sealer  *storage.Sealer // nil: no key is set, and a password is an error
	Sources sources
}

// Documents makes documents of items, with the passwords that they and the sources
// have.
func (r Recorder) Documents(ctx context.Context, items []Item) ([]storage.NewDocument, error) {
	ids := IDs(items)
	sealed, err := r.Seal(ctx, ids, items)
	if err != nil {
		return nil, err
	}
	documents := make([]storage.NewDocument, len(items))
	for n, item := range items {
		o := item.Object
		documents[n] = storage.NewDocument{
			ID: ids[n], Bucket: o.Bucket, Key: o.Key, VersionID: o.VersionID, ETag: o.ETag, SizeBytes: max(0, o.Size),
			Kind: item.Kind, Broker: item.Broker, Queue: item.Queue, Batch: item.Batch, SealedPasswords: sealed[n], CallbackURL: item.CallbackURL,
		}
	}
	return documents, nil
}

// Seal finds and seals the passwords of items, each for the document of the same
// place in ids; nil where there are none.
func (r Recorder) Seal(ctx context.Context, ids []uuid.UUID, items []Item) ([][]byte, error) {
	if r.Sources.Metadata() {
		if err := addMetadata(ctx, r.Store, items); err != nil {
			return nil, err
		}
	}
	sealed := make([][]byte, len(items))
	for n, item := range items {
		var err error
		if sealed[n], err = r.Sealer.Passwords(ids[n], r.candidates(item)); err != nil {
			return nil, fmt.Errorf("seal passwords: %w", err)
		}
	}
	return sealed, nil
}

// candidates are the passwords to try on an item, in order, each once.
func (r Recorder) candidates(item Item) []redact.Secret {
	var all []redact.Secret
	for _, candidate := range slices.Concat(item.Passwords, r.Sources.Candidates(item.Object)) {
		if candidate != "" && !slices.Contains(all, candidate) {
			all = append(all, candidate)
		}
	}
	return all
}

// addMetadata asks for the metadata of objects that do not have them yet, and puts
// them there. One that is gone meanwhile, or another one by now, keeps its entry
// without: the worker will say so.
func addMetadata(ctx context.Context, store *objectstore.Store, items []Item) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(heads)
	for n := range items {
		object := &items[n].Object
		if object.Metadata != nil {
			continue
		}
		group.Go(func() error {
			info, err := store.Head(ctx, object.Ref)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, objectstore.ErrChanged) {
				return nil
			}
			object.Metadata = info.Metadata
			return err
		})
	}
	return group.Wait() //nolint:wrapcheck // objectstore says it all
}
