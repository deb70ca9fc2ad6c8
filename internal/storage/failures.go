package storage

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Option changes how Open opens a DB.
type Option func(*pgxpool.Config)

// OnFailure calls failed, from any goroutine, each time that Postgres does not do what
// it is asked to: it cannot be reached, breaks the connection, takes too long or
// reports an error. Refused values are no failure of Postgres, nor is a caller who
// gives up.
func OnFailure(failed func()) Option {
	return func(config *pgxpool.Config) { config.ConnConfig.Tracer = failureTracer{failed} }
}

// failureTracer tells failures of connecting, of queries and of batches apart from
// what is none.
type failureTracer struct{ failed func() }

func (t failureTracer) note(err error) {
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(refused(err), ErrRefused) {
		t.failed()
	}
}

// TraceConnectStart implements pgx.ConnectTracer.
func (t failureTracer) TraceConnectStart(ctx context.Context, _ pgx.TraceConnectStartData) context.Context {
	return ctx
}

// TraceConnectEnd implements pgx.ConnectTracer.
func (t failureTracer) TraceConnectEnd(_ context.Context, data pgx.TraceConnectEndData) {
	t.note(data.Err)
}

// TraceQueryStart implements pgx.QueryTracer.
func (t failureTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (t failureTracer) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	t.note(data.Err)
}

// TraceBatchStart implements pgx.BatchTracer.
func (t failureTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer; a batch counts once, at its end.
func (t failureTracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (t failureTracer) TraceBatchEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	t.note(data.Err)
}
