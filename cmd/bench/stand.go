package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"casflow/internal/devstack"
	"casflow/internal/jobs"
	"casflow/internal/redact"
	"casflow/internal/storage/objectstore"
)

// stand is what one row runs on: a database, an empty Redis, and servers of its own.
type stand struct {
	*lab
	row         string
	databaseURL string
	db          *pgxpool.Pool // the bench's own: for floors, and for looking at the ledger
	servers     *rpc.Client
	child       *devstack.Program
	settings    devstack.Settings
	store       *objectstore.Store
	env         []string
}

func (l *lab) open(ctx context.Context, row string) (_ *stand, err error) {
	s := &stand{lab: l, row: row}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(ctx))
		}
	}()
	if s.databaseURL, err = l.newDatabase(ctx, row, l.template); err != nil {
		return nil, err
	}
	if s.db, err = pgxpool.New(ctx, s.databaseURL+"&pool_max_conns="+fmt.Sprint(connections)); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	redis, err := jobs.OpenRedis(ctx, redact.Secret(l.redis.URL))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(redis.FlushDB(ctx).Err(), redis.Close()); err != nil {
		return nil, fmt.Errorf("empty Redis: %w", err)
	}
	return s, s.startServers(ctx)
}

// startServers starts the process of the servers; they themselves come with api.
func (s *stand) startServers(ctx context.Context) error {
	command, err := self(ctx, "servers")
	if err != nil {
		return err
	}
	in, err := command.StdinPipe()
	if err != nil {
		return fmt.Errorf("start servers: %w", err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start servers: %w", err)
	}
	log, err := os.Create(s.log(s.row, "servers"))
	if err != nil {
		return fmt.Errorf("start servers: %w", err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	command.Stderr = log
	if s.child, err = devstack.StartProgram(command); err != nil {
		return fmt.Errorf("start servers: %w", err)
	}
	s.servers = rpc.NewClient(pipes{out, in})
	return nil
}

// pipes are the connection with the servers.
type pipes struct {
	io.ReadCloser
	in io.WriteCloser
}

func (p pipes) Write(b []byte) (int, error) { return p.in.Write(b) } //nolint:wrapcheck // as it is

// Close ends the process of the servers. The other pipe is closed once that has ended:
// by then a second Close here would be an error.
func (p pipes) Close() error { return p.in.Close() } //nolint:wrapcheck // as it is

func (s *stand) close(ctx context.Context) error {
	if s.db != nil {
		s.db.Close()
	}
	if s.servers == nil {
		return nil
	}
	err := s.servers.Close() // which ends the process
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(err, s.child.Wait(ctx))
}

// ask asks the servers for something.
func (s *stand) ask(ctx context.Context, method string, args, answer any) error {
	call := s.servers.Go("Servers."+method, args, answer, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		if call.Error != nil {
			return fmt.Errorf("servers: %w", call.Error)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // an interruption
	}
}

// api starts the servers.
func (s *stand) api(ctx context.Context, c APIConfig) error {
	var at Endpoints
	if err := s.ask(ctx, "Start", c, &at); err != nil {
		return err
	}
	s.settings = devstack.Settings{
		Database: s.databaseURL, Redis: s.redis.URL, API: at.API, APIKey: apiKey, RatePerMinute: c.RatePerMinute,
		S3: &devstack.S3{Endpoint: at.S3, Region: at.Region, AccessKey: at.AccessKey, SecretKey: redact.Secret(at.SecretKey)},
	}
	for _, v := range s.settings.Variables() {
		s.env = append(s.env, v.Name+"="+v.Value)
	}
	var err error
	s.store, err = objectstore.Open(ctx, objectstore.Config{
		Endpoint: at.S3, Region: at.Region, ForcePathStyle: true, AccessKey: redact.Secret(at.AccessKey), SecretKey: redact.Secret(at.SecretKey),
	})
	return err
}

// checkpoint leaves Postgres nothing to write of what was before, so that it is not
// counted with what comes.
func (s *stand) checkpoint(ctx context.Context) error { return s.exec(ctx, "CHECKPOINT") }

func (s *stand) exec(ctx context.Context, statements ...string) error {
	for _, sql := range statements {
		if _, err := s.db.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%.40s: %w", sql, err)
		}
	}
	return nil
}

// number asks the database for one number.
func (s *stand) number(ctx context.Context, sql string, args ...any) (n int, err error) {
	if err := s.db.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("%.40s: %w", sql, err)
	}
	return n, nil
}

// awaitNone waits until a query counts nothing any more.
func (s *stand) awaitNone(ctx context.Context, sql string) error {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		n, err := s.number(ctx, sql)
		if n == 0 || err != nil {
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // an interruption
		}
	}
}

// durations asks the database for intervals.
func (s *stand) durations(ctx context.Context, sql string) ([]time.Duration, error) {
	rows, err := s.db.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("%.40s: %w", sql, err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[time.Duration])
	if err == nil && len(all) == 0 {
		err = pgx.ErrNoRows
	}
	if err != nil {
		return nil, fmt.Errorf("%.40s: %w", sql, err)
	}
	return all, nil
}

// keys lists the objects of a bucket.
func (s *stand) keys(ctx context.Context, bucket string) ([]objectstore.Info, error) {
	var all []objectstore.Info
	for page, err := range s.store.List(ctx, bucket, "in/") {
		if err != nil {
			return nil, err
		}
		all = slices.Concat(all, page)
	}
	return all, nil
}
