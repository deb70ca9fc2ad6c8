package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"

	"casflow/internal/config"
	"casflow/internal/storage"
	"casflow/internal/telemetry"
)

type statusCommand struct {
	Postgres config.Postgres `embed:""`
	API      config.API      `embed:""`

	Batch string        `help:"Only the documents of this batch."`
	Watch bool          `help:"Show it again and again until stopped, or until nothing is left to do."`
	Every time.Duration `default:"2s" help:"With --watch: how often."`
	JSON  bool          `name:"json" help:"Write it as JSON."`
}

// status is how the documents stand.
type status struct {
	storage.Overview
	Left             int    `json:"left"`                        // documents that are neither parsed nor dead
	ETASeconds       int    `json:"eta_seconds,omitempty"`       // at the pace of the last minute; absent when nothing finished in it
	CreditsRemaining string `json:"credits_remaining,omitempty"` // decimal; "unlimited"; "unknown: " and why; absent without an API key
	// Schedules are those of enqueuer serve; absent where there are none, or with a batch.
	Schedules []storage.Schedule `json:"schedules,omitempty"`

	all int // documents
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *statusCommand) Faults() error {
	faults := []error{c.Postgres.Faults()}
	if asksAPI(c.API) {
		faults = append(faults, c.API.Faults())
	}
	if c.Every <= 0 {
		faults = append(faults, fmt.Errorf("--every is %s; expected more than 0", c.Every))
	}
	return errors.Join(faults...)
}

func (c *statusCommand) Run(ctx context.Context, console *console) error {
	if err := config.Validate(c); err != nil {
		return err
	}
	db, err := openLedger(ctx, c.Postgres)
	if err != nil {
		return err
	}
	defer db.Close()
	ask, err := credits(c.API)
	if err != nil {
		return config.Usage(err)
	}
	for {
		s, err := c.read(ctx, db, ask)
		if err != nil {
			return err
		}
		if err := c.show(console, s); err != nil {
			return err
		}
		if !c.Watch || s.Left == 0 {
			return nil
		}
		select {
		case <-time.After(c.Every):
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // an interruption
		}
	}
}

func (c *statusCommand) read(ctx context.Context, db *storage.DB, credits func(context.Context) string) (status, error) {
	overview, err := db.Overview(ctx, c.Batch)
	if err != nil {
		return status{}, err
	}
	if c.Batch != "" && overview.Batch == nil {
		return status{}, unknownBatch(c.Batch, storage.ErrNotFound)
	}
	s := status{Overview: overview, Left: overview.Left(), ETASeconds: int(overview.ETA().Seconds()), CreditsRemaining: credits(ctx)}
	for _, n := range overview.Documents {
		s.all += n
	}
	if c.Batch == "" {
		if s.Schedules, err = db.Schedules(ctx); err != nil {
			return status{}, err
		}
	}
	return s, nil
}

func (c *statusCommand) show(console *console, s status) error {
	if c.JSON {
		return console.json(s)
	}
	var b strings.Builder
	if c.Watch && telemetry.IsTerminal(console.out) {
		b.WriteString("\x1b[H\x1b[2J" + s.bar()) // to the top of an empty screen
	}
	table := newStatusTable()
	row := table.row
	for _, at := range storage.Statuses() {
		note := ""
		if oldest := s.oldest(); at == storage.StatusPending && !oldest.IsZero() {
			note = "oldest waits since " + oldest.UTC().Format(time.RFC3339)
		}
		row(string(at), s.Documents[at], note)
	}
	for _, reason := range storage.Reasons() {
		if n := s.Dead[reason]; n > 0 {
			row("  "+string(reason), n, "")
		}
	}
	if s.Discarded > 0 {
		row("  discarded", s.Discarded, "")
	}
	row("finished in the last minute", s.FinishedLately, "")
	if s.Left > 0 {
		switch {
		case s.ETASeconds > 0:
			row("done in about", time.Duration(s.ETASeconds)*time.Second, "")
		case s.Account.Paused():
			row("done in about", "unknown", "the account is paused")
		default:
			row("done in about", "unknown", "nothing finished in the last minute")
		}
	}
	row("credits spent", s.Credits, "")
	if b := s.Batch; b != nil {
		row("credits of the batch's budget", used(b.Credits, b.MaxCredits), spent(*b))
	}
	if s.OverBudget > 0 {
		row("over budget", s.OverBudget, "pending, and wait for a higher --max-credits of their batch")
	}
	row("credits of today's budget", used(s.Today.Credits, s.Today.MaxCredits), usedToday(s.Today))
	if why, unknown := strings.CutPrefix(s.CreditsRemaining, balanceUnknown); unknown {
		row("credits left", "unknown", why)
	} else if s.CreditsRemaining != "" {
		row("credits left", s.CreditsRemaining, "")
	}
	if s.Account.Paused() {
		row("account", "paused", fmt.Sprintf("%s since %s: %s", s.Account.Reason, s.Account.PausedAt.UTC().Format(time.RFC3339), s.Account.Message))
		row("next probe", s.Account.NextProbe.UTC().Format(time.RFC3339), "worker resume opens it at once")
	}
	if s.Unknown > 0 {
		row("attempts of unknown outcome", s.Unknown, "")
	}
	for _, schedule := range s.Schedules {
		state, note := lastRun(schedule)
		row(schedule.Name, state, note)
	}
	text, err := table.layOut()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(console.out, b.String()+text); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// bar shows how much is done; nothing where there is nothing to do.
func (s status) bar() string {
	if s.all == 0 {
		return ""
	}
	const width = 40
	done := s.all - s.Left
	full := done * width / s.all
	return fmt.Sprintf("[%s%s] %d %%: %d of %d done\n\n", strings.Repeat("#", full), strings.Repeat(".", width-full), done*100/s.all, done, s.all)
}

// used is how much of a budget is; most 0 is no cap.
func used(credits string, most int) string {
	if most == 0 {
		return credits
	}
	return fmt.Sprintf("%s of %d", credits, most)
}

// usedUp reports whether credits leave less than one of most: a statement costs one.
func usedUp(credits string, most int) bool {
	n, ok := new(big.Rat).SetString(credits)
	return ok && n.Cmp(big.NewRat(int64(most-1), 1)) > 0
}

// usedToday says what waits where the day's budget is used up.
func usedToday(day storage.Day) string {
	switch {
	case day.MaxCredits == 0 || !usedUp(day.Credits, day.MaxCredits-day.InteractiveFloor):
		return ""
	case !usedUp(day.Credits, day.MaxCredits):
		return "bulk waits for tomorrow (India): the rest is for interactive"
	}
	return "used up: all waits for tomorrow (India), or for a higher CASFLOW_DAILY_CREDITS"
}

// spent says what to do where a batch has used up its budget.
func spent(b storage.Batch) string {
	if b.MaxCredits == 0 || !usedUp(b.Credits, b.MaxCredits) {
		return ""
	}
	return "used up: scan again with a higher --max-credits to go on"
}

func (s status) oldest() time.Time {
	var oldest time.Time
	for _, at := range s.OldestPending {
		if oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
	}
	return oldest
}
