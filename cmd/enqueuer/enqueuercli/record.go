package enqueuercli

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"casflow/internal/config"
	"casflow/internal/record"
	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

// items are objects as the flags have them recorded.
func (i *intake) items(objects []objectstore.Info, queue string) []record.Item {
	items := make([]record.Item, len(objects))
	for n, object := range objects {
		items[n] = record.Item{Object: object, Kind: i.Kind, Broker: i.Broker, Queue: queue, Batch: i.Batch}
	}
	return items
}

// documentID is the id that an object has as a document.
func (i *intake) documentID(object objectstore.Info) uuid.UUID {
	return record.Item{Object: object, Kind: i.Kind}.ID()
}

// unknown returns those of the objects that the ledger does not have.
func (i *intake) unknown(ctx context.Context, db *storage.DB, objects []objectstore.Info) ([]objectstore.Info, error) {
	ids := record.IDs(i.items(objects, ""))
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
	return c.recorder().Documents(ctx, i.items(objects, queue))
}

// recorder makes documents of objects.
func (c *connections) recorder() record.Recorder {
	return record.Recorder{Store: c.store, Sealer: c.sealer, Sources: c.passwords}
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
