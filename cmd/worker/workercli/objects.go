package workercli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"casflow/internal/jobs"
	"casflow/internal/storage/objectstore"
)

// linkLife is how long a presigned link is good: the call that it goes with,
// several times over. Users of the API report that ten minutes suffice.
const linkLife = 15 * time.Minute

// objects gives the processor its PDFs from S3.
type objects struct{ store *objectstore.Store }

func (o objects) Open(ctx context.Context, object jobs.Object) (io.ReadCloser, int64, error) {
	opened, err := o.store.Get(ctx, objectstore.Ref(object))
	if err != nil {
		return nil, 0, translate(err)
	}
	return opened.Body, opened.Size, nil
}

func (o objects) Link(ctx context.Context, object jobs.Object) (string, error) {
	link, err := o.store.PresignGet(ctx, objectstore.Ref(object), linkLife)
	return link.Reveal(), translate(err)
}

func (o objects) ETag(ctx context.Context, object jobs.Object) (string, int64, error) {
	info, err := o.store.Head(ctx, objectstore.Ref(object))
	return info.ETag, info.Size, translate(err)
}

// translate says a changed object in the words of jobs.
func translate(err error) error {
	if errors.Is(err, objectstore.ErrChanged) {
		return fmt.Errorf("%w: %w", jobs.ErrObjectChanged, err)
	}
	return err
}
