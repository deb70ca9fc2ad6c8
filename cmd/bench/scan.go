package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"casflow/internal/storage"
)

// scan measures how fast listed objects are recorded, against the bare listing and
// then a COPY of the same rows, and whether its memory grows with their number.
func scan(ctx context.Context, s *stand) ([]result, error) {
	if err := s.api(ctx, APIConfig{}); err != nil {
		return nil, err
	}
	few, many := s.scaled(10_000), s.scaled(100_000)
	fewer, err := s.scanned(ctx, "few", few)
	if err != nil {
		return nil, err
	}
	more, err := s.scanned(ctx, "many", many)
	if err != nil {
		return nil, err
	}
	floor, err := s.listAndCopy(ctx, "many", many)
	if err != nil {
		return nil, err
	}
	results := []result{
		figure("scan", perSecond(many, more.took), "objects/s").over(perSecond(many, floor)).atLeast(0.6),
		figure("scan, CPU", more.cpu.Seconds()*1e5/float64(many), "s per 100,000"),
		figure(fmt.Sprintf("scan, peak memory at %d to %d", many, few), float64(more.peak)/1e6, "MB").over(float64(fewer.peak) / 1e6).below(flat),
	}
	if !s.million {
		return results, nil
	}
	most, err := s.scanned(ctx, "most", 1_000_000)
	if err != nil {
		return nil, err
	}
	return append(results,
		figure("scan, 1,000,000", perSecond(1_000_000, most.took), "objects/s").over(perSecond(many, more.took)),
		figure(fmt.Sprintf("scan, peak memory at 1,000,000 to %d", few), float64(most.peak)/1e6, "MB").over(float64(fewer.peak)/1e6).below(flat),
	), nil
}

// flat is how much memory may grow where it must not: the collector's pace is not
// the same in each run.
const flat = 1.25

// scanned is a scan of n new objects in a bucket.
func (s *stand) scanned(ctx context.Context, bucket string, n int) (parsed, error) {
	if err := s.ask(ctx, "Fill", Objects{bucket, n}, nil); err != nil {
		return parsed{}, err
	}
	if err := s.checkpoint(ctx); err != nil {
		return parsed{}, err
	}
	program := s.program(ctx, "enqueuer", "scan", "s3://"+bucket+"/in/", "--batch", bucket)
	if err := program.wait(ctx); err != nil {
		return parsed{}, err
	}
	took := time.Since(program.began)
	if got, err := s.number(ctx, "SELECT count(*) FROM cas.documents WHERE bucket = $1", bucket); err != nil || got != n {
		return parsed{}, errors.Join(fmt.Errorf("%d of %d objects are recorded", got, n), err)
	}
	return parsed{documents: n, took: took, cpu: program.CPU(), peak: program.Peak()}, nil
}

// documentColumns are those of a document that is new.
const documentColumns = "document_id, bucket, object_key, etag, size_bytes, kind, queue, batch"

// listAndCopy is the floor: page after page of the listing, and then one COPY of the
// same rows into a table with the same keys.
func (s *stand) listAndCopy(ctx context.Context, bucket string, n int) (time.Duration, error) {
	if err := s.exec(ctx, "CREATE SCHEMA IF NOT EXISTS bare", "CREATE TABLE bare.documents (LIKE cas.documents INCLUDING ALL)", "CHECKPOINT"); err != nil {
		return 0, err
	}
	began := time.Now()
	objects, err := s.keys(ctx, bucket)
	if err != nil {
		return 0, err
	}
	listed := time.Since(began)
	rows := make([][]any, len(objects))
	for i, o := range objects {
		id := storage.DocumentID(o.Bucket, o.Key, o.ETag, storage.KindSmart)
		rows[i] = []any{id, o.Bucket, o.Key, o.ETag, o.Size, storage.KindSmart, storage.QueueBulk, bucket}
	}
	copying, err := s.copyDocuments(ctx, rows)
	if err == nil && len(rows) != n {
		err = fmt.Errorf("%d objects are listed, want %d", len(rows), n)
	}
	return listed + copying, err
}

// copyDocuments writes rows of documents with one COPY.
func (s *stand) copyDocuments(ctx context.Context, rows [][]any) (time.Duration, error) {
	began := time.Now()
	_, err := s.db.CopyFrom(ctx, pgx.Identifier{"bare", "documents"}, strings.Split(documentColumns, ", "), pgx.CopyFromRows(rows))
	if err != nil {
		return 0, fmt.Errorf("copy documents: %w", err)
	}
	return time.Since(began), nil
}
