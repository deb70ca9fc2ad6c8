package workercli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"casflow/internal/redact"
	"casflow/internal/storage"
)

// startTimeout is how long each part has to answer at start: a worker that starts
// while the API is down is to start all the same, and soon.
const startTimeout = 5 * time.Second

// checkStart refuses a Redis that may lose tasks, unless that is forced, and logs
// whatever else the doctor would tell of. An account that is exhausted or locked
// is no reason not to start, nor is a Redis that is full: the documents wait.
func (c *runCommand) checkStart(ctx context.Context, db *storage.DB, client redis.UniversalClient, key func() redact.Secret, logger *slog.Logger) error {
	queue := limited(ctx, startTimeout, func(ctx context.Context) []finding { return redisFindings(ctx, client) })
	if stopped(ctx) {
		return nil
	}
	if refused := slices.DeleteFunc(failures(queue), waits); len(refused) > 0 && !c.Worker.Force {
		return refusal(refused)
	}
	ledger := func(ctx context.Context) []finding {
		health, err := db.Health(ctx)
		if err != nil {
			return []finding{broken("postgres", err)}
		}
		return healthFindings(health)
	}
	account := func(ctx context.Context) []finding { return apiFindings(ctx, c.API, key) }
	room := func(context.Context) []finding { return checkTemporary(os.TempDir(), c.Worker.Concurrency) }
	logFindings(ctx, logger, queue)
	for _, check := range []check{ledger, account, room} {
		findings := limited(ctx, startTimeout, check)
		if stopped(ctx) {
			return nil
		}
		logFindings(ctx, logger, findings)
	}
	return nil
}

// waits reports whether what a check of Redis found passes by itself, or by a change of its
// settings, and loses nothing meanwhile.
func waits(f finding) bool { return f.Check == "redis-memory" || f.Check == "redis-writes" }

// stopped reports whether the worker was told to stop while it was being checked.
// Then nothing was found out, and how it ends is for the worker to say.
func stopped(ctx context.Context) bool { return ctx.Err() != nil }

// refusal is, in one line, why a worker does not start.
func refusal(findings []finding) error {
	reasons := make([]string, len(findings))
	for n, f := range findings {
		reasons[n] = f.Check + ": " + f.String()
	}
	return fmt.Errorf("not started on this Redis: %s (--force or CASFLOW_FORCE_START=true starts all the same)", strings.Join(reasons, "; "))
}

func logFindings(ctx context.Context, logger *slog.Logger, findings []finding) {
	for _, f := range findings {
		at := slog.LevelWarn
		if f.Level == levelOK {
			at = slog.LevelDebug
		}
		logger.LogAttrs(ctx, at, "checked at start", slog.String("check", f.Check), slog.String("found", oneLine(f.Found)), slog.String("remedy", f.Remedy))
	}
}
