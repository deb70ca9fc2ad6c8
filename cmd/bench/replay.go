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
// same rows: where they give the rows that stand, as most do after an upgrade, and
// where all rows have to be replaced.
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
	same, err := s.replayAll(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.outdate(ctx); err != nil {
		return nil, err
	}
	anew, err := s.replayAll(ctx)
	if err != nil {
		return nil, err
	}
	for _, table := range storage.StatementTables() {
		if n, err := s.number(ctx, "SELECT count(*) FROM cas."+table+" WHERE extra ? 'outdated'"); err != nil || n > 0 {
			return nil, errors.Join(fmt.Errorf("%d rows of %s were left as they were", n, table), err)
		}
	}
	floor, err := s.copyRows(ctx)
	if err != nil {
		return nil, err
	}
	perMillion := func(cpu time.Duration) float64 { return cpu.Seconds() * 1e6 / float64(rows) }
	figures := func(name string, p parsed) []result {
		return []result{
			figure(name, perSecond(rows, p.took), "rows/s").over(perSecond(rows, floor.took)),
			figure(name+", CPU", perMillion(p.cpu), "s per 1,000,000"),
			figure(name+", CPU with Postgres", perMillion(p.cpu+p.postgres), "s per 1,000,000").over(perMillion(floor.cpu + floor.postgres)),
			figure(name+", peak memory", float64(p.peak)/1e6, "MB"),
		}
	}
	results := append(figures("replay", same), figures("replay, all rows replaced", anew)...)
	results[0] = results[0].atLeast(0.5)
	return results, nil
}

// replayAll reads all answers anew.
func (s *stand) replayAll(ctx context.Context) (p parsed, err error) {
	if err := s.checkpoint(ctx); err != nil {
		return p, err
	}
	before, err := s.postgres.CPU()
	if err != nil {
		return p, err
	}
	program := s.program(ctx, "worker", "replay", "--all")
	if err := program.wait(ctx); err != nil {
		return p, err
	}
	p.took, p.cpu, p.peak = time.Since(program.began), program.CPU(), program.Peak()
	after, err := s.postgres.CPU()
	p.postgres = after - before
	return p, err
}

// outdate leaves all rows as another version might have read them, and what they were
// before vacuumed.
func (s *stand) outdate(ctx context.Context) error {
	for _, table := range storage.StatementTables() {
		if err := s.exec(ctx, "UPDATE cas."+table+` SET extra = '{"outdated": 1}'`, "VACUUM cas."+table); err != nil {
			return err
		}
	}
	return nil
}

// copyRows is the floor: a COPY for each table of each thousand documents, from
// text that is made ready beforehand, all one after the other in one connection.
func (s *stand) copyRows(ctx context.Context) (p parsed, err error) {
	if _, err := s.bareTables(ctx); err != nil {
		return p, err
	}
	conn, err := s.db.Acquire(ctx)
	if err != nil {
		return p, fmt.Errorf("connect: %w", err)
	}
	defer conn.Release()
	type chunk struct {
		table string
		text  []byte
	}
	var chunks []chunk
	documents, err := s.number(ctx, "SELECT count(*) FROM cas.statements")
	if err != nil {
		return p, err
	}
	for from := 0; from < documents; from += copied {
		for _, table := range storage.StatementTables() {
			var text bytes.Buffer
			//nolint:unqueryvet // the very columns of a table that is made like it
			if _, err := conn.Conn().PgConn().CopyTo(ctx, &text, fmt.Sprintf(
				"COPY (SELECT t.* FROM cas.%s t JOIN (SELECT pan FROM cas.statements ORDER BY pan OFFSET %d LIMIT %d) p USING (pan)) TO STDOUT",
				table, from, copied)); err != nil {
				return p, fmt.Errorf("read rows: %w", err)
			}
			chunks = append(chunks, chunk{table, text.Bytes()})
		}
	}
	if err := s.checkpoint(ctx); err != nil {
		return p, err
	}
	stop, err := s.clock(&p)
	if err != nil {
		return p, err
	}
	began := time.Now()
	for _, c := range chunks {
		if _, err := conn.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(c.text), "COPY bare."+c.table+" FROM STDIN"); err != nil {
			return p, fmt.Errorf("copy rows: %w", err)
		}
	}
	p.took = time.Since(began)
	if err := stop(); err != nil {
		return p, err
	}
	if n, err := s.number(ctx, "SELECT count(*) FROM bare.transactions"); err != nil || n == 0 {
		return p, errors.Join(errors.New("no rows were copied"), err)
	}
	return p, nil
}
