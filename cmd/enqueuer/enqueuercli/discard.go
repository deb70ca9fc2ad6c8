package enqueuercli

import (
	"context"
	"errors"
	"strings"

	"casflow/internal/config"
	"casflow/internal/jobs"
	"casflow/internal/storage"
)

type deadDiscard struct {
	Postgres   config.Postgres `embed:""`
	Redis      config.Redis    `embed:""`
	deadChoice `embed:""`

	Why    string `placeholder:"TEXT" help:"Why they are given up; kept on record. Required, but for a dry run."`
	By     string `placeholder:"NAME" help:"Who gives them up; kept on record. By default the user and the machine that this runs as."`
	DryRun bool   `help:"Say how many dead letters of which reasons it would be, and do nothing."`
}

func (c *deadDiscard) checkWhy() error {
	if strings.TrimSpace(c.Why) == "" && !c.DryRun {
		return errors.New("--why is not given; say in a few words why they are given up, for who reads the record")
	}
	return nil
}

// Faults reports, in one error, what makes no sense; nil when all does. It is
// asked where another flag cannot be read, which may be the one that chooses.
func (c *deadDiscard) Faults() error {
	_, err := c.filter()
	return errors.Join(err, c.checkWhy(), c.Postgres.Faults(), c.Redis.Faults())
}

func (c *deadDiscard) Run(ctx context.Context, console *console) (err error) {
	filter, err := c.chosen()
	if err := errors.Join(err, c.checkWhy(), c.Postgres.Faults(), c.Redis.Faults()); err != nil {
		return config.Usage(err)
	}
	parts := &connections{}
	defer func() { err = errors.Join(err, parts.close()) }()
	if parts.db, err = openLedger(ctx, c.Postgres); err != nil {
		return err
	}
	if c.DryRun {
		return c.preview(ctx, console, parts.db, filter)
	}
	if parts.redis, err = jobs.OpenRedis(ctx, c.Redis.URL); err != nil {
		return err
	}
	by := strings.TrimSpace(c.By)
	if by == "" {
		by = config.Operator()
	}
	letters, documents, err := parts.db.Discard(ctx, filter, by, strings.TrimSpace(c.Why))
	if err != nil {
		return err
	}
	if err := console.say("%s discarded; on record in enqueuer dead list --discarded\n", plural(letters, "dead letter")); err != nil {
		return err
	}
	return jobs.NewEnqueuer(parts.db, parts.redis, 0).Forget(documents)
}

// preview tells what would be discarded.
func (c *deadDiscard) preview(ctx context.Context, console *console, db *storage.DB, filter storage.DeadFilter) error {
	counts, err := db.CountDead(ctx, filter)
	if err != nil {
		return err
	}
	total := 0
	for _, count := range counts {
		total += count.N
		if err := console.say("%s: %s\n", count.Reason, plural(count.N, "dead letter")); err != nil {
			return err
		}
	}
	return console.say("%s would be discarded\n", plural(total, "dead letter"))
}
