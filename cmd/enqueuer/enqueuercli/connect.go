package enqueuercli

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"casflow/internal/config"
	"casflow/internal/jobs"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
	"casflow/migrations"
)

// intake are the settings that commands share which record documents.
type intake struct {
	Postgres  config.Postgres  `embed:""`
	Redis     config.Redis     `embed:""`
	S3        config.S3        `embed:""`
	SecretKey config.SecretKey `embed:""`

	Kind         string   `default:"smart" enum:"smart,cdsl,nsdl,cams_kfintech" help:"Parser of the API: smart finds out; cdsl, nsdl, cams_kfintech refuse others."`
	Batch        string   `help:"Name that status and dead letters can be asked for by."`
	PasswordFrom []string `name:"password-from" sep:"none" placeholder:"SOURCE" help:"Where PDF passwords come from, repeatable, tried in order: env:VAR, manifest:FILE.csv (columns key,password), metadata:NAME, key:REGEXP (first group or whole match of the object key)."`
	DryRun       bool     `help:"Say what would be done, and do nothing."`
}

// connections are the parts that commands work with.
type connections struct {
	db        *storage.DB
	redis     redis.UniversalClient
	store     *objectstore.Store
	sealer    *storage.Sealer
	passwords *passwords
	enqueuer  *jobs.Enqueuer
}

// connect checks the settings and opens what they name, in the order in which
// faults are cheapest to find.
func (i *intake) connect(ctx context.Context) (_ *connections, err error) {
	c := &connections{}
	sources, faults := openPasswords(i.PasswordFrom)
	c.passwords = sources
	secret, err := i.SecretKey.Bytes()
	if err == nil && c.passwords.given() && secret == nil {
		faults = errors.Join(faults, errors.New(
			"CASFLOW_SECRET_KEY (--secret-key): required with --password-from; make one with: openssl rand -base64 32"))
	}
	if err := errors.Join(config.Validate(i.Postgres, i.Redis, i.S3, i.SecretKey), faults); err != nil {
		return nil, config.Usage(err)
	}
	if secret != nil {
		if c.sealer, err = storage.NewSealer(secret); err != nil {
			return nil, err //nolint:wrapcheck // storage says it all
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if c.db, err = openLedger(ctx, i.Postgres); err != nil {
		return nil, err
	}
	if c.redis, err = jobs.OpenRedis(ctx, i.Redis.URL); err != nil {
		return nil, err //nolint:wrapcheck // jobs says it all
	}
	c.enqueuer = jobs.NewEnqueuer(c.db, c.redis, 0)
	c.store, err = objectstore.Open(ctx, objectstore.Config{Endpoint: i.S3.Endpoint, ForcePathStyle: i.S3.ForcePathStyle})
	if err != nil {
		return nil, err //nolint:wrapcheck // objectstore says it all
	}
	return c, nil
}

func (c *connections) close() error {
	if c.db != nil {
		c.db.Close()
	}
	if c.redis == nil {
		return nil
	}
	if err := c.redis.Close(); err != nil {
		return fmt.Errorf("close Redis: %w", err)
	}
	return nil
}

// openLedger connects to Postgres and makes sure that its schema is this
// program's.
func openLedger(ctx context.Context, postgres config.Postgres) (*storage.DB, error) {
	db, err := storage.Open(ctx, postgres.URL.Reveal(), postgres.MaxConns)
	if err != nil {
		return nil, err //nolint:wrapcheck // storage says it all
	}
	if err := db.RequireSchema(ctx, migrations.Latest()); err != nil {
		db.Close()
		return nil, err //nolint:wrapcheck // storage says it all
	}
	return db, nil
}
