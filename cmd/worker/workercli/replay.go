package workercli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"casflow/internal/config"
	"casflow/internal/jobs"
	"casflow/internal/redact"
	"casflow/internal/storage"
)

type replayCommand struct {
	Postgres config.Postgres `embed:""`

	PAN      redact.Secret `name:"pan" placeholder:"PAN" help:"Answers of this PAN; with --document, whose statement it is where the answer names no PAN."`
	Document string        `placeholder:"ID" help:"The answer of this document, even if its dead letter was discarded."`
	Since    string        `placeholder:"TIME" help:"Answers received since: a date (2026-05-01), a time (RFC 3339) or an age (36h)."`
	All      bool          `help:"All answers."`
	Anew     bool          `help:"Start over where an earlier run of the same choice was cut short, instead of going on with it."`
	Workers  int           `default:"8" help:"Investors to work on at once."`
}

// filter reads what is chosen. pan is the PAN to supply, if that is what it is for.
func (c *replayCommand) filter(now time.Time) (filter storage.ReplayFilter, pan string, err error) {
	if c.PAN != "" {
		pan, err = readPAN(c.PAN.Reveal())
	}
	if c.Document != "" {
		id, fault := uuid.Parse(c.Document)
		if fault != nil {
			err = errors.Join(err, fmt.Errorf("--document: %q is no document id; enqueuer dead list shows them", redact.PANs(c.Document)))
		}
		filter.Document = id
	} else {
		filter.PAN, pan = pan, ""
	}
	if c.Since != "" {
		var fault error
		if filter.Since, fault = config.ParseSince(c.Since, now); fault != nil {
			err = errors.Join(err, fmt.Errorf("--since: %w", fault))
		}
	}
	if c.Workers < 1 {
		err = errors.Join(err, fmt.Errorf("--workers: is %d; expected at least 1", c.Workers))
	}
	chosen := c.PAN != "" || c.Document != "" || c.Since != ""
	switch {
	case c.All && chosen:
		err = errors.Join(err, errors.New("--all: leaves nothing to choose with --pan, --document or --since; give the one or the others"))
	case !c.All && !chosen:
		err = errors.Join(err, errors.New("which answers? give --pan, --document, --since or --all"))
	}
	return filter, pan, err
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *replayCommand) Faults() error {
	_, _, err := c.filter(time.Now())
	return errors.Join(c.Postgres.Faults(), err)
}

func (c *replayCommand) Run(ctx context.Context, console *console) error {
	if err := config.Validate(c); err != nil {
		return err
	}
	filter, pan, err := c.filter(time.Now())
	if err != nil {
		return config.Usage(err)
	}
	db, err := openLedger(ctx, c.Postgres)
	if err != nil {
		return err
	}
	defer db.Close()
	replay, err := db.StartReplay(ctx, filter, c.Anew)
	if err != nil {
		return err
	}
	if replay.Resumed {
		if err := say(console.err, "going on with the replay of %s\n", replay.StartedAt.UTC().Format(time.RFC3339)); err != nil {
			return err
		}
	}
	began, told := time.Now(), time.Now()
	replayer := jobs.Replayer{DB: db, Workers: c.Workers, PAN: pan, Progress: func(r jobs.ReplayResult) {
		if r.Failure != nil {
			_ = say(console.err, "%s\n", r.Failure) // the count at the end tells too
		}
		if time.Since(told) >= time.Second {
			told = time.Now()
			done := r.Read + r.Failed
			_ = say(console.err, "%d of %d answers read, %.0f/s\n", done, replay.Left, float64(done)/time.Since(began).Seconds())
		}
	}}
	result, err := replayer.Run(ctx, replay, filter)
	if err != nil {
		return fmt.Errorf("%w; %d answers were read, run it again to go on", err, result.Read)
	}
	if err := say(console.out, "%d answers read anew, %d of them the rows that stand; %d cannot be read (%.1f s)\n",
		result.Read, result.Current, result.Failed, time.Since(began).Seconds()); err != nil {
		return err
	}
	if result.Failed > 0 {
		return fmt.Errorf("%d answers cannot be read; their documents are as they were", result.Failed)
	}
	if filter.Document != uuid.Nil && result.Read == 0 {
		return errors.New("the document has no answer that could be read anew; enqueuer dead show tells more")
	}
	return nil
}
