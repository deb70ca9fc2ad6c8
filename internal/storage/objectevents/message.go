package objectevents

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// hold keeps messages hidden from others until release is called.
func (q *Queue) hold(ctx context.Context, letters []letter) (release func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // they are held while the queue stops, too
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(q.c.Visibility / 2)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				q.hide(ctx, letters, q.c.Visibility)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// hide hides messages from others for so long from now on; 0 shows them.
func (q *Queue) hide(ctx context.Context, letters []letter, visibility time.Duration) {
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(letters))
	for n, l := range letters {
		entries[n] = types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(n)), ReceiptHandle: l.message.ReceiptHandle, VisibilityTimeout: seconds(visibility),
		}
	}
	output, err := q.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: aws.String(q.c.URL), Entries: entries})
	if err == nil {
		q.refusals(ctx, stepHide, "visibility of messages not changed", output.Failed)
	} else if ctx.Err() == nil { // the messages are delivered again, which does no harm
		q.metrics.failed(stepHide)
		q.c.Logger.WarnContext(ctx, "visibility of messages not changed", slog.Any("err", masked(err)))
	}
}

// longestHidden is the most that SQS takes.
const longestHidden = 12 * time.Hour

// seconds are a time as SQS wants it.
func seconds(d time.Duration) int32 {
	return int32(min(d, longestHidden) / time.Second) //nolint:gosec // it fits
}

// remove deletes messages. One that cannot be deleted is delivered again, and its
// objects are known then.
func (q *Queue) remove(ctx context.Context, letters []letter) {
	if len(letters) == 0 {
		return
	}
	entries := make([]types.DeleteMessageBatchRequestEntry, len(letters))
	for n, l := range letters {
		entries[n] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(n)), ReceiptHandle: l.message.ReceiptHandle}
	}
	output, err := q.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(q.c.URL), Entries: entries})
	if err != nil {
		q.metrics.failed(stepDelete)
		q.c.Logger.WarnContext(ctx, "recorded messages not deleted", slog.Any("err", masked(err)))
		return
	}
	q.metrics.ended(outcomeRecorded, len(letters)-len(output.Failed))
	q.refusals(ctx, stepDelete, "recorded messages not deleted", output.Failed)
}

func (q *Queue) refusals(ctx context.Context, step, what string, failed []types.BatchResultErrorEntry) {
	if len(failed) > 0 {
		q.metrics.failed(step)
		q.c.Logger.WarnContext(ctx, what, slog.Int("messages", len(failed)), slog.String("code", aws.ToString(failed[0].Code))) //nolint:sloglint // one of two constants
	}
}
