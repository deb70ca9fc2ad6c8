package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"casflow/internal/casapi"
	"casflow/internal/config"
	"casflow/internal/jobs"
	"casflow/internal/redact"
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

	Kind         string   `default:"smart" enum:"smart,cdsl,nsdl,cams_kfintech,contract_note" help:"Parser of the API: smart finds out; cdsl, nsdl, cams_kfintech refuse others; contract_note is for contract notes of brokers."`
	Broker       string   `placeholder:"BROKER" help:"Whose contract notes they are: zerodha, groww, upstox or icici; the API finds out if it is not told. Only with --kind contract_note."`
	Batch        string   `help:"Name that status and dead letters can be asked for by."`
	PasswordFrom []string `name:"password-from" sep:"none" placeholder:"SOURCE" help:"Where PDF passwords come from, repeatable, tried in order: env:VAR, manifest:FILE.csv (columns key,password; a key may leave out leading folders), metadata:NAME, key:REGEXP (first group or whole match of the object key)."`
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

// read reads the password sources and the key that seals passwords. Its error is
// everything about the settings that makes no sense.
func (i *intake) read() (sources *passwords, secret []byte, err error) {
	sources, faults := openPasswords(i.PasswordFrom)
	secret, err = i.SecretKey.Bytes()
	if err == nil && len(i.PasswordFrom) > 0 && secret == nil {
		err = errors.New("CASFLOW_SECRET_KEY (--secret-key): not set, but required with --password-from; " +
			"make one with: openssl rand -base64 32")
	}
	return sources, secret, errors.Join(i.Postgres.Faults(), i.Redis.Faults(), i.S3.Faults(), err, faults, brokerFault(i.Broker, i.Kind, "broker", "kind"))
}

// brokerFault is what is wrong with a broker and a kind that flags of these names
// have given, nil when nothing is.
func brokerFault(broker, kind, brokerFlag, kindFlag string) error {
	switch brokers := casapi.BrokerTypes(); {
	case broker == "":
		return nil
	case kind != storage.KindContractNote:
		return fmt.Errorf("--%s is %s and --%s %s; a broker goes with --%[3]s contract_note only", brokerFlag, redact.PANs(broker), kindFlag, kind)
	case !slices.Contains(brokers, broker):
		return fmt.Errorf("--%s is %s; expected one of %s", brokerFlag, redact.PANs(broker), strings.Join(brokers, ", "))
	}
	return nil
}

// connect checks the settings and opens what they name, in the order in which
// faults are cheapest to find. faults are those that the command has found
// besides; they are reported together.
func (i *intake) connect(ctx context.Context, faults error) (*connections, error) {
	return i.connectBy(ctx, faults, jobs.OpenRedis)
}

// connectBy is connect with another way to open Redis.
func (i *intake) connectBy(ctx context.Context, faults error, openRedis func(context.Context, redact.Secret) (redis.UniversalClient, error)) (_ *connections, err error) {
	sources, secret, err := i.read()
	if err := errors.Join(faults, err); err != nil {
		return nil, config.Usage(err)
	}
	c := &connections{passwords: sources}
	if secret != nil {
		if c.sealer, err = storage.NewSealer(secret); err != nil {
			return nil, err
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
	if c.redis, err = openRedis(ctx, i.Redis.URL); err != nil {
		return nil, err
	}
	c.enqueuer = jobs.NewEnqueuer(c.db, c.redis, 0)
	c.store, err = objectstore.Open(ctx, objectstore.Config{Endpoint: i.S3.Endpoint, ForcePathStyle: i.S3.ForcePathStyle})
	if err != nil {
		return nil, err
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
		return nil, err
	}
	if err := db.RequireSchema(ctx, migrations.Latest()); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}
