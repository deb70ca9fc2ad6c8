package workercli

import (
	"context"
	"log/slog"

	"casflow/internal/config"
	"casflow/internal/jobs"
	"casflow/internal/storage"
)

// callbacks says how the end of documents is told; nil where no secret is set. Then
// those that somebody waits for are left to another worker, and it is logged that
// there are some.
func (c *runCommand) callbacks(ctx context.Context, db *storage.DB, logger *slog.Logger) (*jobs.CallbackConfig, error) {
	secrets, err := c.Callback.Secrets()
	if err != nil {
		return nil, config.Usage(err)
	}
	if len(secrets) > 0 {
		policy := jobs.CallbackPolicy{Hosts: c.Callback.Hosts, Private: c.Callback.Private}
		return &jobs.CallbackConfig{Policy: policy, Secrets: secrets, PAN: c.Callback.PAN}, nil
	}
	open, err := db.OpenCallbacks(ctx)
	if err != nil {
		return nil, err
	}
	if open.N > 0 {
		logger.WarnContext(ctx, "callbacks wait, but this worker tells nobody: CASFLOW_CALLBACK_SECRET is not set", slog.Int("callbacks", open.N))
	}
	return nil, nil //nolint:nilnil // documented
}
