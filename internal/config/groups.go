package config

import (
	"errors"
	"log/slog"
	"net/url"
	"strings"

	"casflow/internal/redact"
)

// Log says what is logged and how.
type Log struct {
	Level  string `name:"log-level" env:"CASFLOW_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"Least level that is logged: debug, info, warn or error."`
	Format string `name:"log-format" env:"CASFLOW_LOG_FORMAT" default:"auto" enum:"auto,json,text" help:"json or text; auto is text on a terminal, else json."`
}

// SlogLevel is the level for slog.
func (l Log) SlogLevel() slog.Level {
	var level slog.Level
	if level.UnmarshalText([]byte(l.Level)) != nil {
		return slog.LevelInfo // Parse lets no other words through
	}
	return level
}

// Postgres says where the ledger is.
type Postgres struct {
	URL redact.Secret `name:"database-url" env:"DATABASE_URL" help:"Postgres, any libpq URL: postgres://USER:PASSWORD@HOST:PORT/DATABASE. Required."`
	// MaxConns 0 leaves it to pool_max_conns of the URL.
	MaxConns int `name:"database-connections" env:"CASFLOW_DATABASE_CONNECTIONS" default:"8" help:"Most connections to Postgres per process; 0 leaves it to pool_max_conns of the URL."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (p Postgres) Faults() error {
	var faults []error
	switch u, err := url.Parse(p.URL.Reveal()); {
	case p.URL == "":
		faults = append(faults, fault("DATABASE_URL", "database-url", "not set; give it as postgres://USER:PASSWORD@HOST:PORT/DATABASE"))
	case err != nil, u.Scheme != "postgres" && u.Scheme != "postgresql":
		faults = append(faults, fault("DATABASE_URL", "database-url", "not a Postgres URL; expected postgres://USER:PASSWORD@HOST:PORT/DATABASE"))
	}
	if p.MaxConns < 0 {
		faults = append(faults, fault("CASFLOW_DATABASE_CONNECTIONS", "database-connections", "is %d; expected 0 or more", p.MaxConns))
	}
	return errors.Join(faults...)
}

// LogValue shows the settings without credentials.
func (p Postgres) LogValue() slog.Value {
	return slog.GroupValue(slog.String("url", WithoutCredentials(p.URL)), slog.Int("max_conns", p.MaxConns))
}

// Redis says where the queue is.
type Redis struct {
	URL redact.Secret `name:"redis-url" env:"REDIS_URL" default:"redis://127.0.0.1:6379/0" help:"Redis: redis://, rediss://, redis-sentinel://HOST,HOST/0?master=NAME or redis-cluster://HOST,HOST."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (r Redis) Faults() error {
	u, err := url.Parse(r.URL.Reveal())
	if err == nil {
		switch u.Scheme {
		case "redis", "rediss", "unix", "redis-sentinel", "redis-cluster":
			return nil
		}
	}
	return fault("REDIS_URL", "redis-url", "not a Redis URL; expected redis://HOST:PORT/DB (or rediss, redis-sentinel, redis-cluster)")
}

// LogValue shows the settings without credentials.
func (r Redis) LogValue() slog.Value {
	return slog.GroupValue(slog.String("url", WithoutCredentials(r.URL)))
}

// S3 says where the PDFs are, beyond what the AWS SDK finds in AWS_* itself.
type S3 struct {
	Endpoint       string `name:"s3-endpoint" env:"AWS_ENDPOINT_URL_S3" help:"URL of an S3-compatible server; empty is AWS."`
	ForcePathStyle bool   `name:"s3-force-path-style" env:"S3_FORCE_PATH_STYLE" default:"false" help:"Put the bucket into the path instead of the host name, as most S3-compatible servers want it."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (s S3) Faults() error {
	if s.Endpoint == "" {
		return nil
	}
	if u, err := url.Parse(s.Endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fault("AWS_ENDPOINT_URL_S3", "s3-endpoint", "not a URL with http or https and a host")
	}
	return nil
}

// WithoutCredentials is a URL as it may be shown: without user, password and
// parameters.
func WithoutCredentials(address redact.Secret) string {
	if address == "" {
		return ""
	}
	u, err := url.Parse(address.Reveal())
	if err != nil || u.Scheme == "" {
		return address.String()
	}
	return u.Scheme + "://" + u.Host + strings.TrimSuffix(u.Path, "/")
}
