package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"casflow/internal/storage"
)

// copied is how many documents one COPY of a table is of.
const copied = 1000

// replay measures how fast stored answers become rows again, against a COPY of the
// same rows.
func replay(ctx context.Context, s *stand) ([]result, error) {
	if _, err := s.parseAll(ctx, s.scaled(2000)); err != nil {
		return nil, err
	}
	rows := 0
	for _, table := range storage.StatementTables() {
		n, err := s.number(ctx, "SELECT count(*) FROM cas."+table)
		if err != nil {
			return nil, err
		}
		rows += n
	}
	if err := s.checkpoint(ctx); err != nil {
		return nil, err
	}
	program := s.program(ctx, "worker", "replay", "--all")
	if err := program.wait(ctx); err != nil {
		return nil, err
	}
	took := time.Since(program.began)
	floor, err := s.copyRows(ctx)
	if err != nil {
		return nil, err
	}
	return []result{
		figure("replay", perSecond(rows, took), "rows/s").over(perSecond(rows, floor)).atLeast(0.5),
		figure("replay, CPU", program.CPU().Seconds()*1e6/float64(rows), "s per 1,000,000"),
		figure("replay, peak memory", float64(program.Peak())/1e6, "MB"),
	}, nil
}

// copyRows is the floor: a COPY for each table of each thousand documents, from
// text that is made ready beforehand, all one after the other in one connection.
func (s *stand) copyRows(ctx context.Context) (took time.Duration, err error) {
	if _, err := s.bareTables(ctx); err != nil {
		return 0, err
	}
	conn, err := s.db.Acquire(ctx)
	if err != nil {
		return 0, fmt.Errorf("connect: %w", err)
	}
	defer conn.Release()
	type chunk struct {
		table string
		text  []byte
	}
	var chunks []chunk
	documents, err := s.number(ctx, "SELECT count(*) FROM cas.statements")
	if err != nil {
		return 0, err
	}
	for from := 0; from < documents; from += copied {
		for _, table := range storage.StatementTables() {
			var text bytes.Buffer
			//nolint:unqueryvet // the very columns of a table that is made like it
			if _, err := conn.Conn().PgConn().CopyTo(ctx, &text, fmt.Sprintf(
				"COPY (SELECT t.* FROM cas.%s t JOIN (SELECT pan FROM cas.statements ORDER BY pan OFFSET %d LIMIT %d) p USING (pan)) TO STDOUT",
				table, from, copied)); err != nil {
				return 0, fmt.Errorf("read rows: %w", err)
			}
			chunks = append(chunks, chunk{table, text.Bytes()})
		}
	}
	if err := s.checkpoint(ctx); err != nil {
		return 0, err
	}
	began := time.Now()
	for _, c := range chunks {
		if _, err := conn.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(c.text), "COPY bare."+c.table+" FROM STDIN"); err != nil {
			return 0, fmt.Errorf("copy rows: %w", err)
		}
	}
	took = time.Since(began)
	if n, err := s.number(ctx, "SELECT count(*) FROM bare.transactions"); err != nil || n == 0 {
		return 0, errors.Join(errors.New("no rows were copied"), err)
	}
	return took, nil
}
