package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"casflow/internal/config"
	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

// heads is how many objects are asked for their metadata at once.
const heads = 16

// documentID is the id that an object has as a document.
func (i *intake) documentID(object objectstore.Info) uuid.UUID {
	return storage.DocumentID(object.Bucket, object.Key, object.ETag, i.Kind)
}

// unknown returns those of the objects that the ledger does not have.
func (i *intake) unknown(ctx context.Context, db *storage.DB, objects []objectstore.Info) ([]objectstore.Info, error) {
	ids := make([]uuid.UUID, len(objects))
	for n, object := range objects {
		ids[n] = i.documentID(object)
	}
	known, err := db.Known(ctx, ids)
	if err != nil {
		return nil, err
	}
	var unknown []objectstore.Info
	for n, object := range objects {
		if !known[ids[n]] {
			unknown = append(unknown, object)
		}
	}
	return unknown, nil
}

// documents makes documents of objects, with the passwords that the sources have
// for them.
func (i *intake) documents(ctx context.Context, c *connections, objects []objectstore.Info, queue string) ([]storage.NewDocument, error) {
	ids := make([]uuid.UUID, len(objects))
	for n, object := range objects {
		ids[n] = i.documentID(object)
	}
	sealed, err := c.sealPasswords(ctx, ids, objects)
	if err != nil {
		return nil, err
	}
	documents := make([]storage.NewDocument, len(objects))
	for n, object := range objects {
		documents[n] = storage.NewDocument{
			ID: ids[n], Bucket: object.Bucket, Key: object.Key, VersionID: object.VersionID, ETag: object.ETag,
			SizeBytes: object.Size, Kind: i.Kind, Broker: i.Broker, Queue: queue, Batch: i.Batch, SealedPasswords: sealed[n],
		}
	}
	return documents, nil
}

// sealPasswords finds and seals the passwords of objects, each for the document
// of the same place in ids; nil where there are none.
func (c *connections) sealPasswords(ctx context.Context, ids []uuid.UUID, objects []objectstore.Info) ([][]byte, error) {
	if c.passwords.metadata {
		if err := addMetadata(ctx, c.store, objects); err != nil {
			return nil, err
		}
	}
	sealed := make([][]byte, len(objects))
	for n, object := range objects {
		var err error
		if sealed[n], err = c.sealer.Passwords(ids[n], c.passwords.candidates(object)); err != nil {
			return nil, fmt.Errorf("seal passwords: %w", err)
		}
	}
	return sealed, nil
}

// addMetadata asks for the metadata of objects and puts it into them. One that is
// gone meanwhile, or another one by now, keeps its entry without: the worker will
// say so.
func addMetadata(ctx context.Context, store *objectstore.Store, objects []objectstore.Info) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(heads)
	for n := range objects {
		group.Go(func() error {
			info, err := store.Head(ctx, objects[n].Ref)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, objectstore.ErrChanged) {
				return nil
			}
			objects[n].Metadata = info.Metadata
			return err
		})
	}
	return group.Wait() //nolint:wrapcheck // objectstore says it all
}

// bucketAndKey reads an address of the given form, which starts with
// s3://BUCKET/. What follows may be empty.
func bucketAndKey(address, form string) (bucket, key string, err error) {
	rest, ok := strings.CutPrefix(address, "s3://")
	bucket, key, _ = strings.Cut(rest, "/")
	if !ok || bucket == "" {
		return "", "", fmt.Errorf("%s: expected %s", presentable(address), form)
	}
	return bucket, key, nil
}

// presentable is an address as it may be shown: somebody may give a presigned
// URL, which is as good as a password.
func presentable(address string) string {
	if strings.Contains(address, "://") {
		return config.WithoutCredentials(redact.Secret(address))
	}
	return fmt.Sprintf("%q", address)
}
