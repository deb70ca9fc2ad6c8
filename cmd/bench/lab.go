package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"casflow/internal/devstack"
	"casflow/internal/redact"
	"casflow/migrations"
)

// lab is what all rows share.
type lab struct {
	options
	postgres *devstack.Postgres
	redis    *devstack.Redis
	template string // the database that those of the rows are copies of
	dir      string // of the programs' logs
	logs     int    // so many so far
	stderr   io.Writer
}

func openLab(ctx context.Context, o options, stderr io.Writer) (_ *lab, err error) {
	l := &lab{options: o, stderr: stderr}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if l.dir, err = os.MkdirTemp("", "casflow-bench-"); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	if o.profiles != "" {
		if err := os.MkdirAll(o.profiles, 0o750); err != nil {
			return nil, fmt.Errorf("make folder: %w", err)
		}
	}
	if l.postgres, err = (devstack.PostgresOptions{Fsync: o.fsync}).Start(ctx); err != nil {
		return nil, err
	}
	if l.redis, err = devstack.StartRedis(ctx); err != nil {
		return nil, err
	}
	return l, l.makeTemplate(ctx)
}

func (l *lab) close() error {
	var faults []error
	if l.redis != nil {
		faults = append(faults, l.redis.Stop())
	}
	if l.postgres != nil {
		faults = append(faults, l.postgres.Stop())
	}
	return errors.Join(append(faults, os.RemoveAll(l.dir))...)
}

// scaled is a size as it was asked for, at least some.
func (l *lab) scaled(full int) int { return max(l.least, int(float64(full)*l.scale)) }

// measure does one row, on a stand of its own. Where it fails, it shows what the
// programs have logged.
func (l *lab) measure(ctx context.Context, r row) (results []result, err error) {
	began := time.Now()
	measure := func(s *stand) (err error) {
		results, err = r.measure(ctx, s)
		return err
	}
	if r.stands {
		err = measure(&stand{lab: l, row: r.name})
	} else {
		err = l.with(ctx, r.name, measure)
	}
	_, _ = fmt.Fprintf(l.stderr, "%s: took %s\n", r.name, time.Since(began).Round(100*time.Millisecond))
	if err != nil && ctx.Err() == nil {
		err = errors.Join(err, l.showLogs(r.name))
	}
	return results, err
}

// log is a new file for what a program of a row writes.
func (l *lab) log(row, name string) string {
	l.logs++
	return filepath.Join(l.dir, fmt.Sprintf("%s-%03d-%s.log", row, l.logs, name))
}

// showLogs shows the end of each log of a row.
func (l *lab) showLogs(row string) error {
	const most = 8000
	files, err := filepath.Glob(filepath.Join(l.dir, row+"-*.log"))
	if err != nil {
		return fmt.Errorf("look for logs: %w", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		if end := text[max(0, len(text)-most):]; len(end) > 0 {
			_, _ = fmt.Fprintf(l.stderr, "== %s ends:\n%s\n", filepath.Base(file), redact.PANs(string(end)))
		}
	}
	return nil
}

// with does something on a new stand.
func (l *lab) with(ctx context.Context, row string, do func(*stand) error) error {
	s, err := l.open(ctx, row)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.close(ctx))
}

// newDatabase makes a copy of a database and returns its URL.
func (l *lab) newDatabase(ctx context.Context, row, template string) (string, error) {
	conn, err := pgx.Connect(ctx, l.postgres.URL)
	if err != nil {
		return "", fmt.Errorf("connect to Postgres: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	name := fmt.Sprintf("bench_%s_%d", row, time.Now().UnixNano())
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		return "", fmt.Errorf("make database: %w", err)
	}
	address, err := url.Parse(l.postgres.URL)
	if err != nil {
		return "", fmt.Errorf("read URL of Postgres: %w", err)
	}
	address.Path = "/" + name
	return address.String(), nil
}

// makeTemplate makes a database with the schema and nothing in it.
func (l *lab) makeTemplate(ctx context.Context) error {
	address, err := l.newDatabase(ctx, "template", "template1")
	if err != nil {
		return err
	}
	migrator, err := migrations.Open(address)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	_, err = migrator.Up(ctx)
	if err = errors.Join(err, migrator.Close()); err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("read URL of Postgres: %w", err)
	}
	l.template = strings.TrimPrefix(parsed.Path, "/")
	return nil
}
