package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// passwordPattern is how enqueuer finds the passwords in the keys of objects.
const passwordPattern = `key:([A-Z]{5}[0-9]{4}[A-Z])\.pdf$` //nolint:gosec // none itself

// realistic is a bucket of statements of some 285 rows, 60 KB of answer and 40 KB of
// PDF each.
func realistic(n int) Statements {
	return Statements{Bucket: "statements", Count: n, Seed: 211, Holdings: 62, Transactions: 168, PDFBytes: 40_000}
}

// parsed is what a run of the pipeline took.
type parsed struct {
	documents int
	took      time.Duration // from the start of the scan to the last statement
	cpu       time.Duration // of worker and enqueuer
	postgres  time.Duration // processor time of Postgres
	peak      int64         // memory of the worker, in bytes
}

// parseAll brings n statements from S3 to rows.
func (s *stand) parseAll(ctx context.Context, n int) (parsed, error) {
	if err := s.api(ctx, APIConfig{}); err != nil {
		return parsed{}, err
	}
	statements := realistic(n)
	if err := s.ask(ctx, "Put", statements, nil); err != nil {
		return parsed{}, err
	}
	if err := s.checkpoint(ctx); err != nil {
		return parsed{}, err
	}
	before, err := s.postgres.CPU()
	if err != nil {
		return parsed{}, err
	}
	worker := s.worker(ctx)
	scan := s.program(ctx, "enqueuer", "scan", "s3://"+statements.Bucket+"/in/", "--password-from", passwordPattern)
	err = worker.during(ctx, func(ctx context.Context) error {
		if err := scan.wait(ctx); err != nil {
			return err
		}
		if err := s.ask(ctx, "AwaitCalls", n, nil); err != nil {
			return err
		}
		return s.awaitNone(ctx, `SELECT count(*) FROM cas.documents WHERE status <> 'parsed'`)
	})
	if err != nil {
		return parsed{}, err
	}
	if err := worker.terminate(ctx); err != nil {
		return parsed{}, err
	}
	var ended time.Time
	if err := s.db.QueryRow(ctx, `SELECT max(finished_at) FROM cas.documents`).Scan(&ended); err != nil {
		return parsed{}, fmt.Errorf("look for the end: %w", err)
	}
	after, err := s.postgres.CPU()
	return parsed{
		documents: n, took: ended.Sub(scan.began), cpu: worker.CPU() + scan.CPU(), postgres: after - before, peak: worker.Peak(),
	}, err
}

// plainly is how many documents the straightforward client does at most: its rate does
// not change with more.
const plainly = 200

// perSecond is a rate.
func perSecond(n int, took time.Duration) float64 { return float64(n) / took.Seconds() }

// pipeline measures the way from S3 to rows, against the bare way and the plain one.
func pipeline(ctx context.Context, s *stand) ([]result, error) {
	n := s.scaled(2000)
	casflow, err := s.parseAll(ctx, n)
	if err != nil {
		return nil, err
	}
	tables, err := s.bareTables(ctx)
	if err != nil {
		return nil, err
	}
	documents, err := s.exportDocuments(ctx, tables)
	if err != nil {
		return nil, err
	}
	objects, err := s.links(ctx, realistic(n).Bucket)
	if err != nil {
		return nil, err
	}
	if len(documents) != n || len(objects) != n {
		return nil, fmt.Errorf("%d documents and %d objects, want %d", len(documents), len(objects), n)
	}
	bare, err := s.bareWay(ctx, tables, documents, objects)
	if err != nil {
		return nil, err
	}
	few := min(n, plainly)
	plain, err := s.plainWay(ctx, tables, documents[:few], objects[:few], insertSingly)
	if err != nil {
		return nil, err
	}
	careful, err := s.plainWay(ctx, tables, documents[:few], objects[:few], insertTogether)
	if err != nil {
		return nil, err
	}
	per1000 := func(cpu time.Duration) float64 { return cpu.Seconds() * 1000 / float64(n) }
	rate := perSecond(n, casflow.took)
	return []result{
		figure("pipeline", rate, "documents/s").over(perSecond(n, bare.took)).atLeast(0.7),
		figure("pipeline, to a straightforward client", rate, "documents/s").over(perSecond(few, plain)).atLeast(4),
		figure("pipeline, to one with a transaction each", rate, "documents/s").over(perSecond(few, careful)),
		figure("pipeline, CPU", per1000(casflow.cpu), "s per 1,000").over(per1000(bare.cpu)),
		figure("pipeline, CPU of Postgres", per1000(casflow.postgres), "s per 1,000").over(per1000(bare.postgres)),
		figure("pipeline, peak memory", float64(casflow.peak)/1e6, "MB"),
	}, nil
}

// bareWay is the floor: the same bytes, and then the same rows.
func (s *stand) bareWay(ctx context.Context, tables []bareTable, documents []*bareDocument, objects []linked) (p parsed, err error) {
	if err := s.checkpoint(ctx); err != nil {
		return p, err
	}
	client := httpClient()
	defer client.CloseIdleConnections()
	stop, err := s.clock(&p)
	if err != nil {
		return p, err
	}
	exchanged, err := atOnce(ctx, connections, objects, func(ctx context.Context, o linked) error { return s.exchange(ctx, client, o) })
	if err != nil {
		return p, err
	}
	inserted, err := s.insertDocuments(ctx, tables, documents)
	if err != nil {
		return p, err
	}
	p.documents, p.took = len(documents), exchanged+inserted
	return p, stop()
}

// clock notes the processor time that this process and Postgres take until stop is
// called.
func (s *stand) clock(p *parsed) (stop func() error, err error) {
	own, err := ownCPU()
	if err != nil {
		return nil, err
	}
	postgres, err := s.postgres.CPU()
	if err != nil {
		return nil, err
	}
	return func() error {
		ownNow, err := ownCPU()
		if err != nil {
			return err
		}
		postgresNow, err := s.postgres.CPU()
		p.cpu, p.postgres = ownNow-own, postgresNow-postgres
		return err
	}, nil
}

// plainWay is a straightforward client: goroutines that each do one document after
// the other, with one INSERT for each row.
func (s *stand) plainWay(
	ctx context.Context, tables []bareTable, documents []*bareDocument, objects []linked,
	insert func(context.Context, *pgxpool.Pool, []bareTable, [][][]any) error,
) (time.Duration, error) {
	if _, err := s.bareTables(ctx); err != nil { // empty ones
		return 0, err
	}
	rows, err := s.singleRows(ctx, tables, documents)
	if err != nil {
		return 0, err
	}
	if err := s.checkpoint(ctx); err != nil {
		return 0, err
	}
	client := httpClient()
	defer client.CloseIdleConnections()
	at := make([]int, len(documents))
	for n := range at {
		at[n] = n
	}
	return atOnce(ctx, connections, at, func(ctx context.Context, n int) error {
		if err := s.exchangePlainly(ctx, client, objects[n]); err != nil {
			return err
		}
		return insert(ctx, s.db, tables, rows[documents[n].pan])
	})
}

// insertSingly writes each row on its own, as whoever has a pool at hand does first.
func insertSingly(ctx context.Context, db *pgxpool.Pool, tables []bareTable, rows [][][]any) error {
	return insertRows(ctx, db, tables, rows)
}

// insertTogether writes all rows in one transaction.
func insertTogether(ctx context.Context, db *pgxpool.Pool, tables []bareTable, rows [][][]any) error {
	//nolint:wrapcheck // as insertRows gave it
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error { return insertRows(ctx, tx, tables, rows) })
}

// execer is what pools and transactions have in common.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

func insertRows(ctx context.Context, db execer, tables []bareTable, rows [][][]any) error {
	for i, t := range tables {
		for _, row := range rows[i] {
			if _, err := db.Exec(ctx, t.one, row...); err != nil {
				return fmt.Errorf("insert row: %w", err)
			}
		}
	}
	return nil
}

// ownCPU is the processor time that this process has taken.
func ownCPU() (time.Duration, error) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()), nil
}
