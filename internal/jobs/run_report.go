package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"
)

// report closes the try: one log line with the durations of its stages, and the
// counter.
func (r *run) report(ctx context.Context, level slog.Level, message, outcome string, err error, more ...slog.Attr) {
	r.p.Metrics.ended(r.document.Kind, outcome)
	task, _ := asynq.GetTaskID(ctx)
	attrs := []slog.Attr{
		slog.String("document_id", r.document.ID.String()), slog.String("task_id", task), slog.String("queue", r.document.Queue),
		slog.Int("retried", retried(ctx)), slog.Int("attempts", r.attempts), slog.String("object_key", r.document.Key),
	}
	if r.document.Batch != "" {
		attrs = append(attrs, slog.String("batch", r.document.Batch))
	}
	if r.end.RequestID != "" {
		attrs = append(attrs, slog.String("request_id", r.end.RequestID), slog.Int("status_code", r.end.HTTPStatus))
	}
	attrs = append(attrs, more...)
	if err != nil {
		attrs = append(attrs, slog.Any("err", err))
	}
	if r.stack != nil {
		attrs = append(attrs, slog.String("stack", string(r.stack)))
	}
	attrs = append(attrs, slog.Duration("duration", time.Since(r.stages.began)), slog.Attr{Key: "stages", Value: slog.GroupValue(r.stages.attrs...)})
	r.p.Logger.LogAttrs(ctx, level, message, attrs...) //nolint:sloglint // callers pass constants
}

// warn logs err, if there is one, and goes on: for what the dispatcher mends.
func (r *run) warn(ctx context.Context, message string, err error) {
	if err != nil {
		//nolint:sloglint // callers pass constants
		r.p.Logger.WarnContext(ctx, message, slog.String("document_id", r.document.ID.String()), slog.Any("err", err))
	}
}

// stages times the stages of a try.
type stages struct {
	began   time.Time
	attrs   []slog.Attr
	observe func(stage string, took time.Duration)
}

// start begins a stage; the function it returns ends it.
func (s *stages) start(stage string) (end func()) {
	began := time.Now()
	return func() { s.add(stage, time.Since(began)) }
}

func (s *stages) add(stage string, took time.Duration) {
	s.attrs = append(s.attrs, slog.Duration(stage, took))
	s.observe(stage, took)
}
