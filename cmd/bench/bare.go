package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"casflow/internal/storage"
)

// connections is how many of them to Postgres the floors use, as many as a worker
// does by default.
const connections = 8

// bareTable is a table like one of cas, keys and checks included, and what is needed
// to write the same rows into it.
type bareTable struct {
	name     string
	columns  []string
	types    []string
	arrays   string // INSERT of a document's rows from an array for each column
	one      string // INSERT of one row from texts
	exported string // SELECT of the arrays, by document
	singly   string // SELECT of the rows, each as an array of texts
}

// bareTables makes tables like those that statements are written into, and answers.
func (s *stand) bareTables(ctx context.Context) ([]bareTable, error) {
	if err := s.exec(ctx, "DROP SCHEMA IF EXISTS bare CASCADE", "CREATE SCHEMA bare"); err != nil {
		return nil, err
	}
	var tables []bareTable
	for _, name := range storage.StatementTables() {
		if err := s.exec(ctx, "CREATE TABLE bare."+name+" (LIKE cas."+name+" INCLUDING ALL)"); err != nil {
			return nil, err
		}
		rows, err := s.db.Query(ctx, `SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
			WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`, "bare."+name)
		if err != nil {
			return nil, fmt.Errorf("read columns: %w", err)
		}
		t := bareTable{name: name}
		var column, kind string
		if _, err := pgx.ForEachRow(rows, []any{&column, &kind}, func() error {
			t.columns, t.types = append(t.columns, pgx.Identifier{column}.Sanitize()), append(t.types, kind)
			return nil
		}); err != nil {
			return nil, fmt.Errorf("read columns: %w", err)
		}
		t.compose()
		tables = append(tables, t)
	}
	return tables, s.exec(ctx, "CREATE TABLE bare.answers (LIKE cas.answers INCLUDING ALL)")
}

func (t *bareTable) compose() {
	var unnest, values, texts, aggregates, cells []string
	for i, column := range t.columns {
		parameter, kind, of, value := fmt.Sprintf("$%d", i+1), t.types[i], column, "r."+column
		if strings.HasSuffix(kind, "[]") { // unnest would take it apart
			kind, of, value = "text", column+"::text", value+"::"+t.types[i]
		}
		unnest = append(unnest, "unnest("+parameter+"::"+kind+"[]) AS "+column)
		values = append(values, value)
		texts = append(texts, parameter+"::text::"+t.types[i])
		cells = append(cells, column+"::text")
		aggregates = append(aggregates, "array_agg("+of+")::text")
	}
	into := "INSERT INTO bare." + t.name + " (" + strings.Join(t.columns, ", ") + ") "
	t.arrays = into + "SELECT " + strings.Join(values, ", ") + " FROM (SELECT " + strings.Join(unnest, ", ") + ") AS r"
	t.one = into + "VALUES (" + strings.Join(texts, ", ") + ")"
	t.singly = "SELECT pan, ARRAY[" + strings.Join(cells, ", ") + "] FROM cas." + t.name
	t.exported = "SELECT pan, ARRAY[" + strings.Join(aggregates, ", ") + "] FROM cas." + t.name + " GROUP BY pan, period_from, period_to, cas_type"
}

// bareDocument is what a document has become.
type bareDocument struct {
	pan    string
	arrays [][]string // by table and column, as the text of an array; nil: no rows
	answer storage.Answer
}

// exportDocuments reads the rows and answers that the pipeline has left; there is
// one statement of each PAN.
func (s *stand) exportDocuments(ctx context.Context, tables []bareTable) ([]*bareDocument, error) {
	of := make(map[string]*bareDocument)
	var documents []*bareDocument
	rows, err := s.db.Query(ctx, `SELECT d.pan, a.document_id, a.endpoint, a.request_id, a.body, a.received_at
		FROM cas.answers a JOIN cas.documents d USING (document_id)`)
	if err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	var pan string
	var a storage.Answer
	if _, err := pgx.ForEachRow(rows, []any{&pan, &a.DocumentID, &a.Endpoint, &a.RequestID, &a.Body, &a.ReceivedAt}, func() error {
		d := &bareDocument{pan: pan, answer: a, arrays: make([][]string, len(tables))}
		of[pan], documents = d, append(documents, d)
		a.Body = nil // the next one is to have its own
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	for i, t := range tables {
		rows, err := s.db.Query(ctx, t.exported)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", t.name, err)
		}
		var arrays []string
		if _, err := pgx.ForEachRow(rows, []any{&pan, &arrays}, func() error {
			of[pan].arrays[i] = arrays
			arrays = nil
			return nil
		}); err != nil {
			return nil, fmt.Errorf("read %s: %w", t.name, err)
		}
	}
	return documents, nil
}

// insertDocuments writes documents over so many connections, each with one pipelined
// batch of one INSERT ... SELECT FROM unnest for each table, and returns how long
// that took.
func (s *stand) insertDocuments(ctx context.Context, tables []bareTable, documents []*bareDocument) (time.Duration, error) {
	return atOnce(ctx, connections, documents, func(ctx context.Context, d *bareDocument) error {
		batch := &pgx.Batch{}
		a := d.answer
		batch.Queue(`INSERT INTO bare.answers (document_id, sha256, endpoint, request_id, body, received_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			a.DocumentID, a.SHA256[:], a.Endpoint, a.RequestID, a.Body, a.ReceivedAt)
		for i, t := range tables {
			if d.arrays[i] == nil {
				continue
			}
			args := make([]any, len(d.arrays[i]))
			for c, array := range d.arrays[i] {
				args[c] = array
			}
			batch.Queue(t.arrays, args...)
		}
		if err := s.db.SendBatch(ctx, batch).Close(); err != nil {
			return fmt.Errorf("insert document: %w", err)
		}
		return nil
	})
}

// atOnce does jobs on so many goroutines and returns how long that took; the first
// error ends it.
func atOnce[T any](ctx context.Context, workers int, jobs []T, do func(context.Context, T) error) (time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan T, len(jobs))
	for _, job := range jobs {
		next <- job
	}
	close(next)
	began := time.Now()
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for job := range next {
				if ctx.Err() != nil {
					return
				}
				if err := do(ctx, job); err != nil {
					cancel(err)
				}
			}
		})
	}
	group.Wait()
	took := time.Since(began)
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return 0, err //nolint:wrapcheck // as do gave it
	}
	return took, ctx.Err() //nolint:wrapcheck // an interruption
}

// singleRows are the rows of documents one by one, by PAN and table.
func (s *stand) singleRows(ctx context.Context, tables []bareTable, documents []*bareDocument) (map[string][][][]any, error) {
	all := make(map[string][][][]any, len(documents))
	for _, d := range documents {
		all[d.pan] = make([][][]any, len(tables))
	}
	for i, t := range tables {
		rows, err := s.db.Query(ctx, t.singly)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", t.name, err)
		}
		var pan string
		var cells []*string
		if _, err := pgx.ForEachRow(rows, []any{&pan, &cells}, func() error {
			if of, wanted := all[pan]; wanted {
				row := make([]any, len(cells))
				for n, cell := range cells {
					row[n] = cell
				}
				of[i] = append(of[i], row)
			}
			cells = nil
			return nil
		}); err != nil {
			return nil, fmt.Errorf("read %s: %w", t.name, err)
		}
	}
	return all, nil
}
