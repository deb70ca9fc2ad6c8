package workercli

import (
	"context"
	"errors"
	"io"

	"casflow/internal/storage/objectstore"
)

// firstBytes are read of an object, to see that it can be.
const firstBytes = 5

func (c *doctorCommand) checkS3(ctx context.Context, bucket, prefix string) []finding {
	store, err := objectstore.Open(ctx, objectstore.Config{Endpoint: c.S3.Endpoint, ForcePathStyle: c.S3.ForcePathStyle})
	if err != nil {
		return []finding{broken("s3", err)}
	}
	if bucket == "" {
		return []finding{good("s3", "credentials and region are found; with --bucket s3://BUCKET/PREFIX, listing and reading are tried too")}
	}
	object, listing := firstObject(ctx, store, bucket, prefix)
	if object == nil {
		return []finding{listing}
	}
	return []finding{listing, readFinding(ctx, store, *object)}
}

// firstObject is the first of the first page that can be read: the folders that
// some tools make are empty objects.
func firstObject(ctx context.Context, store *objectstore.Store, bucket, prefix string) (*objectstore.Ref, finding) {
	const name = "s3-list"
	for page, err := range store.List(ctx, bucket, prefix) {
		if err != nil {
			return nil, broken(name, err)
		}
		for _, object := range page {
			if object.Size > 0 {
				return &object.Ref, good(name, "s3://%s/%s can be listed", bucket, prefix)
			}
		}
		break // one page says enough
	}
	return nil, bad(levelWarn, name, "name a prefix under which there are PDFs, so that reading is tried too",
		"s3://%s/%s can be listed, but nothing to read is there", bucket, prefix)
}

func readFinding(ctx context.Context, store *objectstore.Store, ref objectstore.Ref) finding {
	const name = "s3-get"
	object, err := store.Get(ctx, ref)
	if err != nil {
		return broken(name, err)
	}
	_, err = io.CopyN(io.Discard, object.Body, firstBytes)
	if errors.Is(err, io.EOF) {
		err = nil // a small object
	}
	if err := errors.Join(err, object.Body.Close()); err != nil {
		return broken(name, err)
	}
	return good(name, "%q can be read", ref.Key)
}
