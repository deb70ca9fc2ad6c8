package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"

	"casflow/internal/redact"
)

// fault is one line about a setting: its variable and flag, and what to do.
func fault(variable, flag, format string, args ...any) error {
	return fmt.Errorf("%s (--%s): %w", variable, flag, fmt.Errorf(format, args...))
}

// Log says what is logged and how.
type Log struct {
	// Level is debug, info, warn or error. Defaults to info.
	Level string `name:"log-level" env:"CASFLOW_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"Least level that is logged: debug, info, warn or error."`
	// Format is json, text or auto. Defaults to auto: text on a terminal, else json.
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

// LogValue shows the settings.
func (l Log) LogValue() slog.Value {
	return slog.GroupValue(slog.String("level", l.Level), slog.String("format", l.Format))
}

// Postgres says where the ledger is.
type Postgres struct {
	// URL is any libpq URL, several hosts and a socket's directory included.
	URL redact.Secret `name:"database-url" env:"DATABASE_URL" file-env:"DATABASE_URL_FILE" placeholder:"URL" help:"Postgres, any libpq URL: postgres://USER:PASSWORD@HOST:PORT/DATABASE. Required."`
	// MaxConns is per process. Defaults to 8; 0 leaves it to pool_max_conns of the URL.
	MaxConns int `name:"database-connections" env:"CASFLOW_DATABASE_CONNECTIONS" default:"8" help:"Most connections to Postgres per process, besides one for the heartbeat and three for groups of documents; 0 leaves it to pool_max_conns of the URL."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (p Postgres) Faults() error {
	const variable, flag, expected = "DATABASE_URL", "database-url", "postgres://USER:PASSWORD@HOST:PORT/DATABASE"
	var faults []error
	switch a, err := splitAddress(p.URL.Reveal()); {
	case p.URL == "":
		faults = append(faults, fault(variable, flag, "not set; give it as %s", expected))
	case err != nil:
		faults = append(faults, fault(variable, flag, "%w; expected %s", err, expected))
	case a.scheme != "postgres" && a.scheme != "postgresql":
		faults = append(faults, fault(variable, flag, "is not a Postgres URL; expected %s", expected))
	}
	if p.MaxConns < 0 {
		faults = append(faults, fault("CASFLOW_DATABASE_CONNECTIONS", "database-connections", "is %d; expected 0 (as the URL says) or more", p.MaxConns))
	}
	return errors.Join(faults...)
}

// LogValue shows the settings without credentials.
func (p Postgres) LogValue() slog.Value {
	return slog.GroupValue(slog.String("url", WithoutCredentials(p.URL)), slog.Int("max_conns", p.MaxConns))
}

// Redis says where the queue is.
type Redis struct {
	// URL names a server, sentinels or a cluster. Defaults to
	// redis://127.0.0.1:6379/0.
	URL redact.Secret `name:"redis-url" env:"REDIS_URL" file-env:"REDIS_URL_FILE" default:"redis://127.0.0.1:6379/0" help:"Redis: redis://, redis-sentinel://HOST,HOST/0?master=NAME or redis-cluster://HOST,HOST; with TLS rediss, rediss-sentinel or rediss-cluster."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (r Redis) Faults() error {
	if err := r.check(); err != nil {
		return fault("REDIS_URL", "redis-url",
			"%w; expected redis://HOST:PORT/DB (or rediss), redis-sentinel://HOST,HOST/0?master=NAME or redis-cluster://HOST,HOST", err)
	}
	return nil
}

func (r Redis) check() error {
	a, err := splitAddress(r.URL.Reveal())
	if err != nil {
		return err
	}
	switch a.scheme {
	case "unix":
		return nil
	case "redis", "rediss", "redis-cluster", "rediss-cluster", "redis-sentinel", "rediss-sentinel":
	default:
		return errors.New("is not a Redis URL")
	}
	single := a.scheme == "redis" || a.scheme == "rediss"
	if a.hosts == "" && !single { // a single one may be left to the default, localhost
		return errNoHosts
	}
	if database := strings.Trim(a.path, "/"); database != "" {
		if _, err := strconv.ParseUint(database, 10, 16); err != nil {
			return errors.New("has a path that is not the number of a database")
		}
	}
	if strings.HasSuffix(a.scheme, "-sentinel") {
		if query, err := url.ParseQuery(a.query); err != nil || query.Get("master") == "" {
			return errors.New("names no master")
		}
	}
	return nil
}

// LogValue shows the settings without credentials.
func (r Redis) LogValue() slog.Value {
	return slog.GroupValue(slog.String("url", WithoutCredentials(r.URL)))
}

// S3 says where the PDFs are, beyond what the AWS SDK finds in AWS_* itself.
type S3 struct {
	// Endpoint is the URL of an S3-compatible server; empty is AWS.
	Endpoint string `name:"s3-endpoint" env:"AWS_ENDPOINT_URL_S3" placeholder:"URL" help:"URL of an S3-compatible server; empty is AWS."`
	// ForcePathStyle puts the bucket into the path. Defaults to false.
	ForcePathStyle bool `name:"s3-force-path-style" env:"S3_FORCE_PATH_STYLE" default:"false" help:"Put the bucket into the path instead of the host name, as most S3-compatible servers want it."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (s S3) Faults() error {
	if s.Endpoint == "" {
		return nil
	}
	return checkEndpoint("AWS_ENDPOINT_URL_S3", "s3-endpoint", s.Endpoint)
}

// LogValue shows the settings without credentials.
func (s S3) LogValue() slog.Value {
	return slog.GroupValue(slog.String("endpoint", WithoutCredentials(redact.Secret(s.Endpoint))), slog.Bool("force_path_style", s.ForcePathStyle))
}
