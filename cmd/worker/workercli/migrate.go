package workercli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"casflow/internal/config"
	"casflow/internal/storage"
	"casflow/migrations"
)

type migrateCommand struct {
	Up     migrateUp     `cmd:"" help:"Apply what is missing."`
	Down   migrateDown   `cmd:"" help:"Take back the newest migration, with the data that it holds."`
	Status migrateStatus `cmd:"" help:"List the migrations and when they were applied."`
}

type migrateUp struct {
	Postgres config.Postgres `embed:""`
}

type migrateDown struct {
	Postgres config.Postgres `embed:""`
}

type migrateStatus struct {
	Postgres config.Postgres `embed:""`
}

// withMigrator checks the settings, connects, and does something.
func withMigrator(ctx context.Context, postgres config.Postgres, do func(*migrations.Migrator) error) (err error) {
	if err := config.Validate(postgres); err != nil {
		return err
	}
	// The ledger's own way of connecting says best what is wrong, if anything is.
	db, err := storage.Open(ctx, postgres.URL.Reveal(), 1)
	if err != nil {
		return err
	}
	db.Close()
	migrator, err := migrations.Open(postgres.URL.Reveal())
	if err != nil {
		return fmt.Errorf("open database (DATABASE_URL): %w", err)
	}
	defer func() { err = errors.Join(err, migrator.Close()) }()
	return do(migrator)
}

func (c *migrateUp) Run(ctx context.Context, console *console) error {
	return withMigrator(ctx, c.Postgres, func(m *migrations.Migrator) error {
		applied, err := m.Up(ctx)
		for _, state := range applied {
			if err := say(console.out, "applied %s\n", state.Name); err != nil {
				return err
			}
		}
		if err == nil && len(applied) == 0 {
			return say(console.out, "nothing to apply: the schema is at version %d\n", migrations.Latest())
		}
		return err
	})
}

func (c *migrateDown) Run(ctx context.Context, console *console) error {
	return withMigrator(ctx, c.Postgres, func(m *migrations.Migrator) error {
		state, err := m.Down(ctx)
		switch {
		case err != nil:
			return err
		case state.Version == 0:
			return say(console.out, "nothing to take back\n")
		}
		return say(console.out, "took back %s\n", state.Name)
	})
}

func (c *migrateStatus) Run(ctx context.Context, console *console) error {
	return withMigrator(ctx, c.Postgres, func(m *migrations.Migrator) error {
		states, err := m.Status(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(console.out, 0, 0, 2, ' ', 0)
		for _, state := range states {
			applied := "not applied"
			if !state.AppliedAt.IsZero() {
				applied = state.AppliedAt.UTC().Format(time.RFC3339)
			}
			if err := say(table, "%s\t%s\n", state.Name, applied); err != nil {
				return err
			}
		}
		return table.Flush()
	})
}

func say(w io.Writer, format string, args ...any) error {
	if _, err := fmt.Fprintf(w, format, args...); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
