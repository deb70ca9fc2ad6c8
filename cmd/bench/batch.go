package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

// serveToken is of the service that submits.
const serveToken = "bench-0123456789abcdef"

// batch measures documents submitted in one NDJSON stream, against the bare HEAD of
// each, by so many goroutines, and then a COPY of the same rows.
func batch(ctx context.Context, s *stand) ([]result, error) {
	n := s.scaled(20_000)
	if err := s.api(ctx, APIConfig{}); err != nil {
		return nil, err
	}
	if err := s.ask(ctx, "Fill", Objects{"batch", n}, nil); err != nil {
		return nil, err
	}
	objects, err := s.keys(ctx, "batch")
	if err != nil {
		return nil, err
	}
	s.env = append(s.env, "CASFLOW_API_TOKENS=bench:"+serveToken)
	server := s.program(ctx, "enqueuer", "serve", "--addr", "127.0.0.1:0", "--log-format", "json", "--stop-delay", "0s")
	var took time.Duration
	err = server.during(ctx, func(ctx context.Context) (err error) {
		addr, err := server.says(ctx, "API is served")
		if err != nil {
			return err
		}
		if err = s.checkpoint(ctx); err != nil {
			return err
		}
		took, err = post(ctx, "http://"+addr+"/v1/documents:batch", objects)
		return err
	})
	if err != nil {
		return nil, err
	}
	peak := server.Peak()
	if err := server.terminate(ctx); err != nil {
		return nil, err
	}
	if got, err := s.number(ctx, "SELECT count(*) FROM cas.documents"); err != nil || got != n {
		return nil, errors.Join(fmt.Errorf("%d of %d documents are recorded", got, n), err)
	}
	floor, err := s.headAndCopy(ctx, objects)
	if err != nil {
		return nil, err
	}
	return []result{
		figure("batch", perSecond(n, took), "documents/s").over(perSecond(n, floor)),
		figure("batch, CPU", server.CPU().Seconds()*1e5/float64(n), "s per 100,000"),
		figure("batch, peak memory", float64(peak)/1e6, "MB"),
	}, nil
}

// post submits objects and reads the results to their end.
func post(ctx context.Context, url string, objects []objectstore.Info) (time.Duration, error) {
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for _, o := range objects {
		if err := encoder.Encode(map[string]string{"bucket": o.Bucket, "key": o.Key}); err != nil {
			return 0, fmt.Errorf("write line: %w", err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, &lines)
	if err != nil {
		return 0, fmt.Errorf("submit: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+serveToken)
	request.Header.Set("Content-Type", "application/x-ndjson")
	began := time.Now()
	answer, err := receive(http.DefaultClient, request)
	if err != nil {
		return 0, err
	}
	took := time.Since(began)
	if got := bytes.Count(answer, []byte(`"document_id"`)); got != len(objects) {
		return 0, fmt.Errorf("%d results for %d lines: %.200s", got, len(objects), answer)
	}
	return took, nil
}

// heads is how many HEADs are asked for at once.
const heads = 32

func (s *stand) headAndCopy(ctx context.Context, objects []objectstore.Info) (time.Duration, error) {
	if err := s.exec(ctx, "CREATE SCHEMA bare", "CREATE TABLE bare.documents (LIKE cas.documents INCLUDING ALL)", "CHECKPOINT"); err != nil {
		return 0, err
	}
	looked, err := atOnce(ctx, heads, objects, func(ctx context.Context, o objectstore.Info) error {
		_, err := s.store.Head(ctx, objectstore.Ref{Bucket: o.Bucket, Key: o.Key})
		return err
	})
	if err != nil {
		return 0, err
	}
	rows := make([][]any, len(objects))
	for i, o := range objects {
		id := storage.DocumentID(o.Bucket, o.Key, o.ETag, storage.KindSmart)
		rows[i] = []any{id, o.Bucket, o.Key, o.ETag, o.Size, storage.KindSmart, storage.QueueInteractive, nil}
	}
	copying, err := s.copyDocuments(ctx, rows)
	return looked + copying, err
}
