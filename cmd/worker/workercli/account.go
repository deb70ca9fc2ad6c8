package workercli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"casflow/internal/casapi"
	"casflow/internal/config"
	"casflow/internal/jobs"
)

type resumeCommand struct {
	Postgres config.Postgres `embed:""`
	Redis    config.Redis    `embed:""`
}

func (c *resumeCommand) Run(ctx context.Context, console *console) (err error) {
	if err := config.Validate(c.Postgres, c.Redis); err != nil {
		return err
	}
	db, err := openLedger(ctx, c.Postgres)
	if err != nil {
		return err
	}
	defer db.Close()
	account, err := db.Account(ctx)
	if err != nil {
		return err
	}
	if !account.Paused() {
		return say(console.out, "the account is not paused\n")
	}
	redis, err := jobs.OpenRedis(ctx, c.Redis.URL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.Close()) }()
	n, err := jobs.Resume(ctx, db, jobs.NewEnqueuer(db, redis, 0))
	if err != nil {
		return err
	}
	return say(console.out, "the account, paused for %s since %s, is open again; %d documents that died of it are pending\n",
		account.Reason, account.PausedAt.UTC().Format(time.RFC3339), n)
}

type reconcileCommand struct {
	Postgres config.Postgres `embed:""`
	API      config.API      `embed:""`

	Since time.Duration `default:"720h" help:"Settle attempts that were started at most so long ago; the API's log goes back 30 days."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *reconcileCommand) Faults() error {
	faults := []error{c.Postgres.Faults(), c.API.Faults()}
	if c.Since <= 0 {
		faults = append(faults, fmt.Errorf("--since: is %s; expected more than 0s", c.Since))
	}
	return errors.Join(faults...)
}

func (c *reconcileCommand) Run(ctx context.Context, console *console) error {
	if err := config.Validate(c); err != nil {
		return err
	}
	key, err := c.API.KeySource()
	if err != nil {
		return config.Usage(err)
	}
	api, err := casapi.New(casapi.Config{BaseURL: c.API.BaseURL, APIKey: key, Timeout: c.API.Timeout})
	if err != nil {
		return err
	}
	db, err := openLedger(ctx, c.Postgres)
	if err != nil {
		return err
	}
	defer db.Close()
	result, err := jobs.Reconcile(ctx, db, api, uuid.Nil, time.Now().Add(-c.Since))
	if err != nil {
		return err
	}
	return say(console.out, "%d attempts of unknown outcome: %d were billed, %d were not, of %d the log cannot say yet\n",
		result.Unknown, result.Billed, result.Free, result.Left)
}
