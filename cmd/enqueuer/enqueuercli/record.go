package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

// heads is how many objects are asked for their metadata at once.
const heads = 16

// newDocuments makes documents of objects: ids, and sealed passwords for those
// that the ledger does not have. relative gives an object's key below the
// scanned prefix. Known ones are left out and counted.
func (i *intake) newDocuments(
	ctx context.Context, c *connections, objects []objectstore.Info, queue string, relative func(key string) string,
) (documents []storage.NewDocument, known int, err error) {
	ids := make([]uuid.UUID, len(objects))
	for n, object := range objects {
		ids[n] = storage.DocumentID(object.Bucket, object.Key, object.ETag, i.Kind)
	}
	recorded, err := c.db.Known(ctx, ids)
	if err != nil {
		return nil, 0, err //nolint:wrapcheck // storage says it all
	}
	var fresh []objectstore.Info
	for n, object := range objects {
		if recorded[ids[n]] {
			known++
			continue
		}
		fresh = append(fresh, object)
	}
	if needsMetadata(i.PasswordFrom) {
		if fresh, err = withMetadata(ctx, c.store, fresh); err != nil {
			return nil, 0, err
		}
	}
	for _, object := range fresh {
		document := storage.NewDocument{
			ID:     storage.DocumentID(object.Bucket, object.Key, object.ETag, i.Kind),
			Bucket: object.Bucket, Key: object.Key, VersionID: object.VersionID, ETag: object.ETag, SizeBytes: object.Size,
			Kind: i.Kind, Queue: queue, Batch: i.Batch,
		}
		document.SealedPasswords, err = c.sealer.Passwords(document.ID, c.passwords.candidates(object, relative(object.Key)))
		if err != nil {
			return nil, 0, fmt.Errorf("seal passwords: %w", err)
		}
		documents = append(documents, document)
	}
	return documents, known, nil
}

// withMetadata asks for the metadata of objects. One that is gone meanwhile, or
// another one by now, keeps its entry without: the worker will say so.
func withMetadata(ctx context.Context, store *objectstore.Store, objects []objectstore.Info) ([]objectstore.Info, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(heads)
	for n := range objects {
		group.Go(func() error {
			info, err := store.Head(ctx, objects[n].Ref)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, objectstore.ErrChanged) {
				return nil
			}
			objects[n].Metadata = info.Metadata
			return err //nolint:wrapcheck // objectstore says it all
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err //nolint:wrapcheck // objectstore says it all
	}
	return objects, nil
}

// bucketAndKey reads s3://BUCKET/KEY.
func bucketAndKey(address string) (bucket, key string, err error) {
	rest, ok := strings.CutPrefix(address, "s3://")
	bucket, key, _ = strings.Cut(rest, "/")
	if !ok || bucket == "" {
		return "", "", errors.New("expected s3://BUCKET/KEY")
	}
	return bucket, key, nil
}
