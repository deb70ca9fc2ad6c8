package retrieve

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"time"

	"golang.org/x/sync/singleflight"

	"casflow/internal/jobs"
	"casflow/internal/storage/objectstore"
)

// putPause is the first wait before a put is tried again; it doubles.
const putPause = time.Second

// Shelf is where in S3 PDFs are put. It may be used by many goroutines at once, and
// must not be copied.
type Shelf struct {
	Store  *objectstore.Store
	Bucket string
	Prefix string // of keys: "", or ending in a slash
	// Patience is how long a put is tried again while S3 fails, beyond what the AWS SDK
	// does. 0: not at all, which is right for what can be had again.
	Patience time.Duration

	puts singleflight.Group // by key or content: one content under two names is put once
}

// FindContent looks for a PDF by its content, whatever its name; the error of one that
// is not there matches fs.ErrNotExist.
func (s *Shelf) FindContent(ctx context.Context, pdf *jobs.Upload) (objectstore.Info, error) {
	key, err := s.Store.First(ctx, s.Bucket, s.Prefix+contentName(pdf), "")
	switch {
	case err != nil:
		return objectstore.Info{}, err
	case key == "":
		return objectstore.Info{}, fs.ErrNotExist
	}
	return s.head(ctx, key)
}

// Find looks for an object; the error of one that is not there matches fs.ErrNotExist.
func (s *Shelf) Find(ctx context.Context, key string) (objectstore.Info, error) {
	return s.head(ctx, s.Prefix+key)
}

// PutContent puts a PDF, unless its content is there already, if under another name.
func (s *Shelf) PutContent(ctx context.Context, pdf *jobs.Upload, name string) (objectstore.Info, error) {
	content := contentName(pdf)
	return s.once(content, func() (objectstore.Info, error) {
		found, err := s.FindContent(ctx, pdf)
		if errors.Is(err, fs.ErrNotExist) {
			return s.put(ctx, content+"/"+safeName(name), pdf)
		}
		return found, err
	})
}

// PutAs puts a PDF under a key below the prefix, unless something is there already.
func (s *Shelf) PutAs(ctx context.Context, pdf *jobs.Upload, key string) (objectstore.Info, error) {
	return s.once(key, func() (objectstore.Info, error) { return s.put(ctx, key, pdf) })
}

// once lets one of those who put the same thing at the same time do it for all.
func (s *Shelf) once(thing string, put func() (objectstore.Info, error)) (objectstore.Info, error) {
	placed, err, _ := s.puts.Do(thing, func() (any, error) { return put() })
	info, _ := placed.(objectstore.Info) // it is nothing else
	return info, err                     //nolint:wrapcheck // of put
}

// put puts a PDF, patiently.
func (s *Shelf) put(ctx context.Context, key string, pdf *jobs.Upload) (objectstore.Info, error) {
	until := time.Now().Add(s.Patience)
	for pause := putPause; ; pause *= 2 {
		placed, err := s.putOnce(ctx, s.Prefix+key, pdf)
		lasting := errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
		if err == nil || lasting || !time.Now().Add(pause).Before(until) {
			return placed, err
		}
		if wait(ctx, pause) != nil {
			return objectstore.Info{}, err
		}
	}
}

func (s *Shelf) putOnce(ctx context.Context, key string, pdf *jobs.Upload) (objectstore.Info, error) {
	info, err := s.Store.PutNew(ctx, s.Bucket, key, pdf.Body(), pdf.Size(), nil)
	if errors.Is(err, fs.ErrExist) {
		return s.head(ctx, key)
	}
	info.VersionID = "" // the ETag pins it
	return info, err
}

func (s *Shelf) head(ctx context.Context, key string) (objectstore.Info, error) {
	info, err := s.Store.Head(ctx, objectstore.Ref{Bucket: s.Bucket, Key: key})
	info.VersionID = ""
	return info, err
}

// contentName begins the keys of a content.
func contentName(pdf *jobs.Upload) string {
	sum := pdf.SHA256()
	return hex.EncodeToString(sum[:])
}

// wait waits, or returns the error of ctx as soon as that has one.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the caller's own
	}
}
