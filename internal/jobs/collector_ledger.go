package jobs

import (
	"context"
	"errors"
	"log/slog"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"casflow/internal/storage"
)

// ledger is how Postgres has it.
func (c *Collector) ledger(ctx context.Context) []prometheus.Metric {
	s, err := c.DB.Standing(ctx, c.Lease)
	callbacks, callbacksErr := c.DB.OpenCallbacks(ctx)
	if err = errors.Join(err, callbacksErr); err != nil {
		c.Logger.WarnContext(ctx, "ledger gauges cannot be read", slog.Any("err", err))
		return []prometheus.Metric{gauge(upDesc, 0, backendPostgres)}
	}
	metrics := []prometheus.Metric{
		gauge(upDesc, 1, backendPostgres), gauge(skewDesc, s.Skew.Seconds(), backendPostgres),
		gauge(unknownDesc, float64(s.Unknown)), gauge(callbacksDesc, float64(callbacks.N)), gauge(overBudgetDesc, float64(s.OverBudget)), gauge(workersDesc, float64(s.Workers)),
		gauge(budgetMaxDesc, float64(s.Today.MaxCredits)), gauge(floorDesc, float64(s.Today.InteractiveFloor)),
		gauge(recentDesc, float64(s.Recent.Total), "recorded"), gauge(recentDesc, float64(s.Recent.Parsed), "parsed"),
		gauge(recentDesc, float64(s.Recent.Dead), "dead"),
		gauge(deadRatioDesc, float64(s.Recent.WorstDead)/float64(max(1, s.Recent.WorstFinished))),
	}
	for _, status := range storage.Statuses() {
		metrics = append(metrics, gauge(documentsDesc, float64(s.Documents[status]), string(status)))
	}
	for _, reason := range []storage.Reason{storage.ReasonUnauthorized, storage.ReasonInsufficientCredits, storage.ReasonForbidden} {
		metrics = append(metrics, gauge(pausedDesc, float64(bit(s.Paused == reason)), string(reason)))
	}
	for _, queue := range []string{storage.QueueInteractive, storage.QueueBulk} {
		metrics = append(metrics, gauge(oldestDesc, s.OldestPending[queue].Seconds(), queue))
	}
	for desc, credits := range map[*prometheus.Desc]string{creditsDesc: s.Credits, budgetDesc: s.Today.Credits} {
		if n, err := strconv.ParseFloat(credits, 64); err == nil { // else it is not known
			metrics = append(metrics, gauge(desc, n))
		}
	}
	return metrics
}
