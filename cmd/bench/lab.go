package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"casflow/internal/devstack"
)

// lab is what all rows share.
type lab struct {
	options
	postgres *devstack.Postgres
	redis    *devstack.Redis
	dir      string // of the programs' logs
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
	if l.postgres, err = (devstack.PostgresOptions{Fsync: true}).Start(ctx); err != nil {
		return nil, err
	}
	l.redis, err = devstack.StartRedis(ctx)
	return l, err
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
func (l *lab) scaled(full int) int { return max(10, int(float64(full)*l.scale)) }

// measure does one row, on a stand of its own.
func (l *lab) measure(ctx context.Context, r row) (results []result, err error) {
	began := time.Now()
	err = l.with(ctx, r.name, func(s *stand) (err error) {
		results, err = r.measure(ctx, s)
		return err
	})
	_, _ = fmt.Fprintf(l.stderr, "%s: took %s\n", r.name, time.Since(began).Round(time.Second))
	return results, err
}

// with does something on a new stand.
func (l *lab) with(ctx context.Context, row string, do func(*stand) error) error {
	s, err := l.open(ctx, row)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.close(ctx))
}
