package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"casflow/internal/casapi"
	"casflow/internal/config"
	"casflow/internal/jobs"
	"casflow/internal/redact"
	"casflow/internal/server"
	"casflow/internal/telemetry"
)

type serveCommand struct {
	Log           config.Log           `embed:""`
	Postgres      config.Postgres      `embed:""`
	Redis         config.Redis         `embed:""`
	S3            config.S3            `embed:""`
	SecretKey     config.SecretKey     `embed:""`
	Serve         config.Serve         `embed:""`
	Tokens        config.Tokens        `embed:""`
	Events        config.Events        `embed:""`
	SQS           config.SQS           `embed:""`
	Schedules     config.Schedules     `embed:""`
	CallbackHosts config.CallbackHosts `embed:""`

	PasswordFrom []string `name:"password-from" sep:"none" placeholder:"SOURCE" help:"Where PDF passwords come from besides requests, which go first: env:VAR, manifest:FILE.csv, metadata:NAME, key:REGEXP; repeatable, tried in order."`
}

// shortToken is what a token should be longer than, in characters.
const shortToken = 16

// intake is what serving has in common with recording: connections and passwords.
func (c *serveCommand) intake() *intake {
	return &intake{Postgres: c.Postgres, Redis: c.Redis, S3: c.S3, SecretKey: c.SecretKey, PasswordFrom: c.PasswordFrom}
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *serveCommand) Faults() error {
	_, _, settings := c.intake().read()
	return errors.Join(settings, c.Serve.Faults(), c.Tokens.Faults(), c.CallbackHosts.Faults(), c.sqsFault(), c.Schedules.Faults(), c.scheduleFaults(),
		brokerFault(c.Events.Broker, c.Events.Kind, "event-broker", "event-kind"))
}

func (c *serveCommand) Run(ctx context.Context, console *console) (err error) {
	if err := config.Validate(c); err != nil {
		return err
	}
	logger := telemetry.NewLogger(console.err, c.Log.SlogLevel(), c.Log.Format)
	logger.InfoContext(ctx, "server starts", slog.String("version", config.Version()), slog.Any("postgres", c.Postgres),
		slog.Any("redis", c.Redis), slog.Any("s3", c.S3), slog.Any("serve", c.Serve))
	services, err := c.services(ctx, logger)
	if err != nil {
		return config.Usage(err)
	}
	parts, err := c.intake().connectBy(ctx, nil, prepareRedis)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.close()) }()

	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Serve.Addr)
	if err != nil {
		return fmt.Errorf("CASFLOW_ADDR (--addr): %q cannot be listened on; choose another one: %w", c.Serve.Addr, err)
	}
	registry := telemetry.NewRegistry(config.Version(), config.Revision())
	api := server.New(c.settings(parts, services, registry, logger))
	queue, err := c.openQueue(ctx, registry, logger)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	schedules, err := c.newSchedules(parts, registry, logger)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	group, running := errgroup.WithContext(ctx) // what fails ends the others too
	logger.InfoContext(ctx, "API is served", slog.String("addr", listener.Addr().String()))
	group.Go(func() error {
		return api.Serve(running, listener, server.Lifetime{Delay: c.Serve.StopDelay, Timeout: c.Serve.StopTimeout})
	})
	if queue != nil {
		group.Go(func() error { return queue.Run(running, recording(api.Source(sqsSource))) })
	}
	if schedules != nil {
		group.Go(func() error { return schedules.Run(running) })
	}
	if err := group.Wait(); err != nil {
		return err //nolint:wrapcheck // its functions' own
	}
	logger.InfoContext(context.WithoutCancel(ctx), "server has stopped")
	return nil
}

// services are who may call. A token that is easily guessed is logged, by the name
// of its service.
func (c *serveCommand) services(ctx context.Context, logger *slog.Logger) ([]server.Service, error) {
	pairs, err := c.Tokens.Pairs()
	if err != nil {
		return nil, err
	}
	services := make([]server.Service, len(pairs))
	for n, pair := range pairs {
		services[n] = server.Service{Name: pair.Service, Token: pair.Token}
		if len(pair.Token) < shortToken {
			logger.WarnContext(ctx, "token is short; make one with: openssl rand -hex 32", slog.String("service", pair.Service))
		}
	}
	return services, nil
}

// prepareRedis opens Redis without asking it: documents are taken while it is away.
func prepareRedis(_ context.Context, address redact.Secret) (redis.UniversalClient, error) {
	return jobs.PrepareRedis(address)
}

func (c *serveCommand) settings(parts *connections, services []server.Service, registry *prometheus.Registry, logger *slog.Logger) server.Config {
	bucket, prefix := c.Serve.Upload()
	settings := server.Config{
		DB: parts.db, Queue: parts.enqueuer, Store: parts.store, Recorder: parts.recorder(), Services: services, Kinds: jobs.Kinds(), Brokers: casapi.BrokerTypes(),
		UploadBucket: bucket, UploadPrefix: prefix, Buckets: c.Serve.Buckets, RatePerSecond: c.Serve.RatePerSecond,
		MaxUploads: c.Serve.MaxUploads, MaxBatchLines: c.Serve.MaxBatchLines, Events: server.Events(c.Events),
		Registerer: registry, Logger: logger,
		// Redis is not asked: documents are taken without it.
		Health: func(ready func(context.Context) error) http.Handler {
			return telemetry.Handler(registry, map[string]telemetry.Check{"postgres": parts.db.Ping, "serving": ready}, logger)
		},
	}
	if len(c.CallbackHosts.Hosts) > 0 {
		settings.CheckCallback = jobs.CallbackPolicy{Hosts: c.CallbackHosts.Hosts, Private: c.CallbackHosts.Private}.Check
	}
	return settings
}
