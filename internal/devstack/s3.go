package devstack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

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
	server  *http.Server
	served  chan error // receives once, how serving ended
}

// StartS3 starts an S3 server inside this process, on a free loopback port. The
// context is for the start alone.
func StartS3(ctx context.Context) (*S3, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", loopback(0))
	if err != nil {
		return nil, fmt.Errorf("start s3: %w", err)
	}
	accessKey, secretKey := "CASFLOW"+rand.Text()[:13], rand.Text()
	objects := s3mem.New()
	backend := gofakes3.New(s3Backend{objects}, gofakes3.WithV4Auth(map[string]string{accessKey: secretKey}))
	s := &S3{
		Endpoint:  "http://" + listener.Addr().String(),
		Region:    "us-east-1",
		AccessKey: accessKey,
		SecretKey: redact.Secret(secretKey),
		objects:   objects,
		server: &http.Server{
			Handler:           rememberVersion(backend.Server()),
			ReadHeaderTimeout: 10 * time.Second,
			ErrorLog:          log.New(io.Discard, "", 0), // cut connections are part of many tests
		},
		served: make(chan error, 1),
	}
	go func() { s.served <- s.server.Serve(listener) }()
	return s, nil
}

// Fill puts an object of one byte under each key into a bucket, which it makes,
// without a request for each: for tests of many.
func (s *S3) Fill(ctx context.Context, bucket string, keys iter.Seq[string]) error {
	if err := s.objects.CreateBucket(ctx, bucket); err != nil {
		return fmt.Errorf("make bucket: %w", err)
	}
	for key := range keys {
		if _, err := s.objects.PutObject(ctx, bucket, key, nil, strings.NewReader("x"), 1); err != nil {
			return fmt.Errorf("put object: %w", err)
		}
	}
	return nil
}

// Stop closes the server, requests in flight included, and waits for its end; the
// objects are gone. Stopping twice is no error.
func (s *S3) Stop() error {
	err := s.server.Close()
	ended := <-s.served
	s.served <- ended // for the next Stop
	if !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	if err != nil {
		return fmt.Errorf("stop s3: %w", err)
	}
	return nil
}
