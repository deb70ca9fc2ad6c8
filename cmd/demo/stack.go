package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/devstack"
	"casflow/internal/storage/objectstore"
)

// stack is all that the pipeline needs around it, on this machine.
type stack struct {
	redisKind string // redis-server, or what stands in for it
	store     *objectstore.Store
	sandbox   *sandbox.Sandbox
	env       []devstack.Variable
	dir       string         // of the manifest and the worker's log
	stops     []func() error // in the order of starting
}

const (
	demoBucket = "statements"
	demoKey    = "demo-key"
)

// startStack starts the parts, one after the other, saying so.
func startStack(ctx context.Context, say func(format string, args ...any), api sandbox.Config) (_ *stack, err error) {
	s := &stack{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "casflow-demo-"); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	s.stops = append(s.stops, func() error { return os.RemoveAll(s.dir) })

	postgres, err := devstack.StartPostgres(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("the demo needs Postgres' programs on this machine, not a running server: %w", err)
	}
	s.stops = append(s.stops, postgres.Stop)
	say("Postgres        throw-away cluster")

	redis, err := s.startRedis(ctx)
	if err != nil {
		return nil, err
	}
	say("Redis           %s", s.redisKind)

	s3, err := devstack.StartS3(ctx)
	if err != nil {
		return nil, fmt.Errorf("start S3 server: %w", err)
	}
	s.stops = append(s.stops, s3.Stop)
	say("S3              in process, %s", s3.Endpoint)

	s.sandbox = sandbox.New(api)
	server, err := devstack.ServeHTTP(ctx, "127.0.0.1:0", s.sandbox)
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, server.Stop)
	say("CAS Parser API  stand-in, %s", server.URL)

	s.env = devstack.Settings{
		Database: postgres.URL, Redis: redis.URL, S3: s3, API: server.URL, APIKey: api.Key, RatePerMinute: api.RatePerMinute,
	}.Variables()
	// The programs read their settings from the environment, as they do anywhere.
	for _, v := range s.env {
		if err := os.Setenv(v.Name, v.Value); err != nil {
			return nil, fmt.Errorf("set %s: %w", v.Name, err)
		}
	}
	s.store, err = objectstore.Open(ctx, objectstore.Config{Endpoint: s3.Endpoint, ForcePathStyle: true})
	if err != nil {
		return nil, fmt.Errorf("open S3: %w", err)
	}
	if err := s.store.CreateBucket(ctx, demoBucket); err != nil {
		return nil, fmt.Errorf("make bucket: %w", err)
	}
	return s, nil
}

// startRedis starts redis-server, or what does instead where there is none.
func (s *stack) startRedis(ctx context.Context) (*devstack.Redis, error) {
	redis, err := devstack.StartRedis(ctx)
	s.redisKind = "redis-server"
	if errors.Is(err, devstack.ErrNotInstalled) {
		redis, err = devstack.StartMiniredis(ctx)
		s.redisKind = "in process (redis-server is not installed)"
	}
	if err != nil {
		return nil, fmt.Errorf("start Redis: %w", err)
	}
	s.stops = append(s.stops, redis.Stop)
	return redis, nil
}

// stop ends all parts, the last one started first.
func (s *stack) stop() error {
	var faults []error
	for _, stop := range slices.Backward(s.stops) {
		faults = append(faults, stop())
	}
	return errors.Join(faults...)
}

func (s *stack) manifest() string { return filepath.Join(s.dir, "manifest.csv") }
func (s *stack) log() string      { return filepath.Join(s.dir, "worker.log") }

func (s *stack) setting(name string) string {
	at := slices.IndexFunc(s.env, func(v devstack.Variable) bool { return v.Name == name })
	return s.env[at].Value
}
