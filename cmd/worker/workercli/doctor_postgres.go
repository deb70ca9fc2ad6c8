package workercli

import (
	"context"
	"time"

	"casflow/internal/storage"
	"casflow/migrations"
)

const (
	// oldestPostgres is the version that the schema is tested with at the least,
	// as server_version_num has it.
	oldestPostgres = 140000
	// mostSkew is how far a clock may be off: asynq times its leases and retries by
	// the clocks of the workers, with tens of seconds to spare.
	mostSkew = 5 * time.Second
)

func (c *doctorCommand) checkPostgres(ctx context.Context) []finding {
	const name = "postgres"
	db, err := storage.Open(ctx, c.Postgres.URL.Reveal(), c.Postgres.MaxConns)
	if err != nil {
		return []finding{broken(name, err)}
	}
	defer db.Close()
	health, err := db.Health(ctx)
	if err != nil {
		return []finding{broken(name, err)}
	}
	findings := []finding{serverFinding(health), schemaFinding(ctx, db)}
	return append(findings, healthFindings(health)...)
}

func serverFinding(health storage.Health) finding {
	const name = "postgres"
	switch {
	case health.ReadOnly:
		return bad(levelFail, name, "let DATABASE_URL name the primary", "version %s answers, but takes no writes", health.Version)
	case health.VersionNumber < oldestPostgres:
		return bad(levelWarn, name, "use Postgres 14 or newer", "version %s answers, which is older than what casflow is tested with", health.Version)
	default:
		return good(name, "version %s answers", health.Version)
	}
}

func schemaFinding(ctx context.Context, db *storage.DB) finding {
	const name = "postgres-schema"
	found, err := db.SchemaVersion(ctx)
	switch want := migrations.Latest(); {
	case err != nil:
		return broken(name, err)
	case found < want:
		return bad(levelFail, name, "run worker migrate up", "at version %d, this program needs %d", found, want)
	case found > want:
		return bad(levelWarn, name, "upgrade this program", "at version %d, newer than the %d of this program", found, want)
	default:
		return good(name, "at version %d", found)
	}
}

// healthFindings are those that a start looks at too.
func healthFindings(health storage.Health) []finding {
	return []finding{clockFinding("postgres-clock", health.Skew), connectionsFinding(health)}
}

func connectionsFinding(health storage.Health) finding {
	const name = "postgres-connections"
	const found = "%d of %d are free, each process uses up to %d"
	free := max(health.MaxConnections-health.UsedConnections, 0)
	if free < health.PoolSize {
		return bad(levelWarn, name, "raise max_connections of Postgres, or lower CASFLOW_DATABASE_CONNECTIONS",
			found, free, health.MaxConnections, health.PoolSize)
	}
	return good(name, found, free, health.MaxConnections, health.PoolSize)
}

// clockFinding judges by how much a server's clock is ahead of ours.
func clockFinding(name string, skew time.Duration) finding {
	const remedy = "set both clocks by NTP: leases and retries go by them"
	switch {
	case skew > mostSkew:
		return bad(levelWarn, name, remedy, "%s ahead of this machine's clock", skew.Round(time.Millisecond))
	case skew < -mostSkew:
		return bad(levelWarn, name, remedy, "%s behind this machine's clock", -skew.Round(time.Millisecond))
	default:
		return good(name, "within %s of this machine's clock", mostSkew)
	}
}
