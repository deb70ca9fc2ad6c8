package devstack

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"iter"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"casflow/internal/redact"
)

// S3 is a running S3 server that keeps its objects in memory. It checks
// signatures (V4), knows conditions, ranges and object versions, and no buckets
// at first.
type S3 struct {
	// Endpoint is its base URL, http on a loopback address. Buckets are
	// addressed by path.
	Endpoint string
	// Region is the one that clients are to sign for; any other does too.
	Region string
	// AccessKey and SecretKey are made up, and the only ones it takes.
	AccessKey string
	SecretKey redact.Secret

	objects *s3mem.Backend
	server  *HTTPServer
}

// StartS3 starts an S3 server inside this process, on a free loopback port. The
// context is for the start alone.
func StartS3(ctx context.Context) (*S3, error) {
	accessKey, secretKey := "CASFLOW"+rand.Text()[:13], rand.Text()
	objects := s3mem.New()
	backend := gofakes3.New(s3Backend{objects}, gofakes3.WithV4Auth(map[string]string{accessKey: secretKey}))
	server, err := ServeHTTP(ctx, loopback(0), rememberVersion(backend.Server()))
	if err != nil {
		return nil, fmt.Errorf("start s3: %w", err)
	}
	return &S3{
		Endpoint: server.URL, Region: "us-east-1", AccessKey: accessKey, SecretKey: redact.Secret(secretKey),
		objects: objects, server: server,
	}, nil
}

// Fill puts an object of one byte under each key into a bucket, which it makes,
// without a request for each: for tests of many.
func (s *S3) Fill(ctx context.Context, bucket string, keys iter.Seq[string]) error {
	return s.FillWith(ctx, bucket, func(yield func(string, []byte) bool) {
		for key := range keys {
			if !yield(key, []byte("x")) {
				return
			}
		}
	})
}

// FillWith is Fill with the content of each object.
func (s *S3) FillWith(ctx context.Context, bucket string, objects iter.Seq2[string, []byte]) error {
	if err := s.objects.CreateBucket(ctx, bucket); err != nil {
		return fmt.Errorf("make bucket: %w", err)
	}
	for key, content := range objects {
		if _, err := s.objects.PutObject(ctx, bucket, key, nil, bytes.NewReader(content), int64(len(content))); err != nil {
			return fmt.Errorf("put object: %w", err)
		}
	}
	return nil
}

// Stop closes the server, requests in flight included, and waits for its end; the
// objects are gone. Stopping twice is no error.
func (s *S3) Stop() error { return s.server.Stop() }
