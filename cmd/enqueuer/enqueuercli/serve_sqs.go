package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"casflow/internal/s3event"
	"casflow/internal/server"
	"casflow/internal/storage/objectevents"
)

// sqsSource is what objects of the SQS queue are counted as; a service may have the
// same name.
const sqsSource = "sqs"

func (c *serveCommand) sqsFault() error {
	if c.SQS.URL == "" {
		return nil
	}
	if err := objectevents.CheckURL(c.SQS.URL); err != nil {
		return fmt.Errorf("CASFLOW_SQS_URL (--sqs-url): %w", err)
	}
	return nil
}

// openQueue opens the queue of notifications; nil where there is none.
func (c *serveCommand) openQueue(ctx context.Context, registry *prometheus.Registry, logger *slog.Logger) (*objectevents.Queue, error) {
	if c.SQS.URL == "" {
		return nil, nil //nolint:nilnil // no queue, and nothing wrong with that
	}
	queue, err := objectevents.Open(ctx, objectevents.Config{URL: c.SQS.URL, Suffix: c.Events.Suffix, Logger: logger, Registerer: registry})
	if err != nil {
		return nil, fmt.Errorf("CASFLOW_SQS_URL (--sqs-url): %w", err)
	}
	logger.InfoContext(ctx, "notifications are taken from the SQS queue", slog.Any("sqs", c.SQS))
	return queue, nil
}

// recording has a source take what a queue tells of.
func recording(take server.Source) objectevents.Record {
	return func(ctx context.Context, objects []s3event.Object) error {
		err := take(ctx, objects)
		if errors.Is(err, server.ErrUnfit) {
			return fmt.Errorf("%w (%w)", objectevents.ErrUnfit, err)
		}
		return err
	}
}
