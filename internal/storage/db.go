package storage

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Errors of this package. Any other error means that Postgres could not be asked
// or did not answer: nothing is known, try again.
var (
	// ErrNotFound means that the ledger has no such row.
	ErrNotFound = errors.New("not in the ledger")
	// ErrFinished means that the document is parsed or dead already.
	ErrFinished = errors.New("document is finished")
	// ErrBusy means that somebody else is at the document.
	ErrBusy = errors.New("document is claimed by another worker")
	// ErrPaused means that the API's account is paused: nothing may be called.
	ErrPaused = errors.New("the account is paused")
	// ErrSameBytes means that another document with the same bytes is being called
	// for: its answer will do for this one too.
	ErrSameBytes = errors.New("another document with the same bytes is being parsed")
	// ErrBudget means that the document's batch, or the day, has used up its credits.
	ErrBudget = errors.New("the budget is used up")
	// ErrRefused means that Postgres refused the values; they will not get better
	// by trying again.
	ErrRefused = errors.New("values refused by the database")
)

// DB is the record in Postgres, safe for concurrent use.
type DB struct {
	pool, forAsks, forSaves *pgxpool.Pool // the last two for groups alone

	asks  groups[*asked]
	saves groups[*saving]
}

// Open connects to url (any libpq URL). At most maxConns connections are used, and three
// more once documents are claimed and saved; 0 leaves it to pool_max_conns of the URL or pgx's
// default. The connection is tried once, so that a wrong URL shows at start.
func Open(ctx context.Context, url string, maxConns int, options ...Option) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The parser's own text may quote the URL, password included.
		return nil, errors.New("DATABASE_URL is not a Postgres URL: expected postgres://USER@HOST:PORT/DATABASE")
	}
	if maxConns > 0 {
		config.MaxConns = int32(min(maxConns, 10_000))
	}
	for _, option := range options {
		option(config)
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "casflow"
	}
	// All statements are short, and compiling one takes Postgres many times longer than
	// running it: a look at the backlog took 36 ms instead of 0.5.
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		takeArrays(conn.TypeMap())
		_, err := conn.Exec(ctx, `SET jit = off`)
		return err //nolint:wrapcheck // pgxpool wraps it
	}
	db := &DB{}
	db.asks.send = db.askTogether
	db.saves.atOnce = savingAtOnce
	db.saves.send, db.saves.most = db.saveTogether, savedTogether
	for pool, config := range map[**pgxpool.Pool]*pgxpool.Config{
		&db.pool: config, &db.forAsks: ofGroups(config, 1), &db.forSaves: ofGroups(config, savingAtOnce),
	} {
		if *pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
			db.Close()
			return nil, fmt.Errorf("prepare connection pool: %w", err)
		}
	}
	if err := db.Ping(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// Close waits for the connections in use and closes all.
func (db *DB) Close() {
	for _, pool := range []*pgxpool.Pool{db.forAsks, db.forSaves, db.pool} {
		if pool != nil {
			pool.Close()
		}
	}
}

// Ping asks Postgres for a sign of life. The error says what to mend.
func (db *DB) Ping(ctx context.Context) error {
	err := db.pool.Ping(ctx)
	if err == nil {
		return nil
	}
	config := db.pool.Config().ConnConfig
	where := net.JoinHostPort(config.Host, fmt.Sprint(config.Port))
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fmt.Errorf("postgres at %s refuses the connection: %s (SQLSTATE %s); check user, password and database of DATABASE_URL",
			where, refused.Message, refused.Code)
	}
	return fmt.Errorf("postgres at %s cannot be reached; check DATABASE_URL and that the server runs: %w", where, reachError(err))
}

// reachError is the innermost cause: pgx wraps it in texts that repeat user and
// database names several times over.
func reachError(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op
	}
	return err
}

// SchemaVersion returns the version of the newest applied migration, 0 for an
// empty database.
func (db *DB) SchemaVersion(ctx context.Context) (int64, error) {
	var exists bool
	if err := db.pool.QueryRow(ctx, `SELECT to_regclass('cas.schema_migrations') IS NOT NULL`).Scan(&exists); err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	if !exists {
		return 0, nil
	}
	var version int64
	err := db.pool.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM cas.schema_migrations WHERE is_applied`).Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	return version, nil
}

// RequireSchema returns an error that says what to do where the schema is older
// than version.
func (db *DB) RequireSchema(ctx context.Context, version int64) error {
	found, err := db.SchemaVersion(ctx)
	if err == nil && found < version {
		err = fmt.Errorf("the database's schema is at version %d, this program needs %d: run worker migrate up", found, version)
	}
	return err
}

// refused turns Postgres' complaints about values (classes 22 and 23, and limits
// exceeded, class 54) into ErrRefused and leaves all else as it is.
func refused(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && len(pg.Code) == 5 {
		switch pg.Code[:2] {
		case "22", "23", "54":
			// The message can quote a value; code, table and column cannot.
			return fmt.Errorf("%w (SQLSTATE %s, table %q, column %q)", ErrRefused, pg.Code, pg.TableName, pg.ColumnName)
		}
	}
	return err
}

// one runs a query that returns at most one row; none is ErrNotFound.
func one[T any](ctx context.Context, q querier, sql string, args pgx.NamedArgs) (T, error) {
	rows, err := q.Query(ctx, sql, args)
	if err != nil {
		var none T
		return none, err
	}
	value, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return value, err
}

// all runs a query and collects its rows.
func all[T any](ctx context.Context, q querier, sql string, args pgx.NamedArgs) ([]T, error) {
	rows, err := q.Query(ctx, sql, args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T]) //nolint:wrapcheck // wrapped by the exported method
}

// querier is what pools, connections and transactions have in common.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}
