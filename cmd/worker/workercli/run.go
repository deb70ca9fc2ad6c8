package workercli

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"casflow/internal/config"
	"casflow/internal/jobs"
	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
	"casflow/internal/telemetry"
	"casflow/migrations"
)

type runCommand struct {
	Log        config.Log       `embed:""`
	Postgres   config.Postgres  `embed:""`
	Redis      config.Redis     `embed:""`
	S3         config.S3        `embed:""`
	API        config.API       `embed:""`
	SecretKey  config.SecretKey `embed:""`
	Worker     config.Worker    `embed:""`
	Account    config.Account   `embed:""`
	Callback   config.Callback  `embed:""`
	Drain      bool             `help:"End once no document is pending, queued or being parsed."`
	FailOnDead bool             `help:"With --drain: exit with 3 if documents are dead."`
}

// workerLease is how long a worker may go unseen before others take over what it
// has claimed.
const workerLease = 20 * time.Second

// metricsGrace is how long the metrics server has to end.
const metricsGrace = 5 * time.Second

func (c *runCommand) Run(ctx context.Context, console *console) (err error) {
	if err := config.Validate(c.Postgres, c.Redis, c.S3, c.API, c.SecretKey, c.Worker, c.Account, c.Callback); err != nil {
		return err
	}
	started := false
	defer func() {
		if !started && ctx.Err() != nil { // told to stop before it had begun: nothing is under way
			err = c.verdict(ctx, nil)
		}
	}()
	logger := telemetry.NewLogger(console.err, c.Log.SlogLevel(), c.Log.Format)
	logger.InfoContext(ctx, "worker starts", slog.String("version", config.Version()), slog.Any("postgres", c.Postgres),
		slog.Any("redis", c.Redis), slog.Any("api", c.API), slog.Any("callback", c.Callback), slog.Int("concurrency", c.Worker.Concurrency))

	newHeadroom().start()
	registry := telemetry.NewRegistry(config.Version(), config.Revision())
	metrics := jobs.NewMetrics(registry)
	db, err := openLedger(ctx, c.Postgres, storage.OnFailure(metrics.PostgresFailed))
	if err != nil {
		return err
	}
	defer db.Close()
	redis, err := jobs.OpenRedis(ctx, c.Redis.URL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.Close()) }()
	jobs.Brake(redis, metrics, logger)
	store, err := objectstore.Open(ctx, objectstore.Config{Endpoint: c.S3.Endpoint, ForcePathStyle: c.S3.ForcePathStyle, Logger: logger})
	if err != nil {
		return err
	}
	enqueuer := jobs.NewEnqueuer(db, redis, c.taskTimeout())
	key, err := c.API.KeySource()
	if err != nil {
		return config.Usage(err)
	}
	if err := c.checkStart(ctx, db, redis, key, logger); err != nil {
		return err
	}
	processor, err := c.processor(db, objects{store}, enqueuer, metrics, key, logger)
	if err != nil {
		return err
	}
	answers, err := c.answerSealer(key())
	if err != nil {
		return err
	}
	processor.Parked = jobs.NewParked(redis, answers)
	processor.Poison = jobs.NewPoison(redis, processor.WorkerID)
	processor.Limiter = jobs.NewLimiter(redis, key(), c.API.RatePerMinute, c.API.Timeout)
	registry.MustRegister(jobs.NewCollector(jobs.CollectorConfig{
		DB: db, Redis: redis, Limiter: processor.Limiter, Lease: workerLease, Logger: logger,
	}))

	server, err := telemetry.Serve(ctx, c.Worker.Addr, registry, map[string]telemetry.Check{
		"postgres": db.Ping, "redis": func(ctx context.Context) error { return jobs.PingRedis(ctx, redis) },
	}, logger)
	if err != nil {
		return err
	}
	logger.InfoContext(ctx, "metrics are served", slog.String("addr", server.Addr()))
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), metricsGrace)
		defer cancel()
		err = errors.Join(err, server.Shutdown(ending))
	}()

	heart, err := storage.Open(ctx, c.Postgres.URL.Reveal(), 1, storage.OnFailure(metrics.PostgresFailed))
	if err != nil {
		return err
	}
	defer heart.Close()
	callbacks, err := c.callbacks(ctx, db, logger)
	if err != nil {
		return err
	}
	worker := jobs.NewWorker(jobs.WorkerConfig{
		Callbacks: callbacks,
		Processor: processor, Heart: heart, Redis: redis, Concurrency: c.Worker.Concurrency, CallTimeout: c.API.Timeout, Drain: c.Drain,
		Dispatcher: jobs.DispatcherConfig{
			Window: c.Worker.Window, Lease: workerLease, API: processor.API, ProbeInterval: c.Account.ProbeInterval, Poison: processor.Poison,
			Budget: processor.Budget, Retention: c.Worker.Retention,
		},
	})
	if account, err := db.Account(ctx); err == nil && account.Paused() { // else the first look of the leader tells
		logger.WarnContext(ctx, "account is paused: nothing is called until a probe finds it well, or worker resume",
			slog.String("reason", string(account.Reason)), slog.String("text", account.Message))
	}
	started = true
	if err := worker.Run(ctx); err != nil {
		return err
	}
	logger.InfoContext(ctx, "worker has stopped")
	return c.verdict(ctx, db)
}

// verdict is how the worker ends: a service that was told to stop has done its
// duty, but with --drain it was interrupted before all was done. ErrDead is for
// callers who want to know of dead documents.
func (c *runCommand) verdict(ctx context.Context, db *storage.DB) error {
	switch {
	case !c.Drain:
		return nil
	case ctx.Err() != nil:
		return ctx.Err() //nolint:wrapcheck // an interruption
	case !c.FailOnDead:
		return nil
	}
	overview, err := db.Overview(ctx, "")
	if err != nil {
		return err
	}
	if n := overview.Documents[storage.StatusDead] - overview.Discarded; n > 0 {
		return fmt.Errorf("%w: %d, see enqueuer dead list", config.ErrDead, n)
	}
	return nil
}

// openLedger connects to Postgres and makes sure that its schema is this
// program's.
func openLedger(ctx context.Context, postgres config.Postgres, options ...storage.Option) (*storage.DB, error) {
	db, err := storage.Open(ctx, postgres.URL.Reveal(), postgres.MaxConns, options...)
	if err != nil {
		return nil, err
	}
	if err := db.RequireSchema(ctx, migrations.Latest()); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// processor puts together what works on one document.
func (c *runCommand) processor(db *storage.DB, pdfs jobs.Objects, enqueuer *jobs.Enqueuer, metrics *jobs.Metrics, key func() redact.Secret, logger *slog.Logger) (jobs.ProcessorConfig, error) {
	api, err := newAPI(c.API, key, metrics.Called)
	if err != nil {
		return jobs.ProcessorConfig{}, err
	}
	sealer, err := newSealer(c.SecretKey)
	if err != nil {
		return jobs.ProcessorConfig{}, err
	}
	limit, oneWay := c.API.UploadLimit()
	return jobs.ProcessorConfig{
		DB: db, API: api, Objects: pdfs, Sealer: sealer, Enqueuer: enqueuer, Metrics: metrics, Logger: logger, WorkerID: uuid.New(),
		MaxAttempts: c.Worker.MaxAttempts, Backoff: jobs.Backoff{Base: c.Worker.BackoffBase, Max: c.Worker.BackoffMax},
		UploadLimit: limit, OneWay: oneWay, ProbeInterval: c.Account.ProbeInterval, HoldUnknown: c.Account.Unknown == "hold",
		Budget: storage.Budget{DailyCredits: c.Account.DailyCredits, InteractiveFloor: c.Account.InteractiveFloor},
	}, nil
}

// newSealer is what passwords are sealed with; nil without a key.
func newSealer(c config.SecretKey) (*storage.Sealer, error) {
	secret, err := c.Bytes()
	if err != nil {
		return nil, config.Usage(err)
	}
	if secret == nil {
		return nil, nil //nolint:nilnil // documented: there is no key
	}
	return storage.NewSealer(secret)
}

// answerSealer seals the answers that are parked in Redis: with the secret key,
// which all workers share, or else with a key that is derived from the API key.
func (c *runCommand) answerSealer(apiKey redact.Secret) (*storage.Sealer, error) {
	secret, err := c.SecretKey.Bytes()
	if err != nil {
		return nil, config.Usage(err)
	}
	material := secret
	if material == nil {
		material = []byte(apiKey.Reveal())
	}
	derived, err := hkdf.Key(sha256.New, material, nil, "casflow parked answers", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive key for parked answers: %w", err)
	}
	return storage.NewSealer(derived)
}

// taskTimeout is how long a task may hold its slot: the wait for a permit, a
// call for each of a few passwords, and time to save.
func (c *runCommand) taskTimeout() time.Duration {
	const permitAndSave, calls = 15 * time.Minute, 5
	return permitAndSave + calls*c.API.Timeout
}
