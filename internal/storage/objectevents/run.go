package objectevents

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"casflow/internal/s3event"
)

const (
	// firstWait and longestWait are how long is waited after something failed: the
	// first time, and at most.
	firstWait, longestWait = time.Second, 30 * time.Second
	// grace is how long record may take to finish once the queue is to stop.
	grace = 10 * time.Second
	// goodbye is how long is spent on telling SQS, then, what became of its messages.
	goodbye = 10 * time.Second
)

// Record takes objects that were created, of up to ten messages. It may be told of
// an object more than once. Where it is of no use to try again, its error matches
// ErrUnfit.
type Record func(ctx context.Context, objects []s3event.Object) error

// Run takes messages until ctx ends, and then returns nil once those at hand are
// recorded, or given back for others to take at once. An error means that SQS
// refused from the beginning: no such queue, or not for these credentials.
func (q *Queue) Run(ctx context.Context, record Record) error {
	wait, served := firstWait, false
	for ctx.Err() == nil {
		messages, err := q.receive(ctx)
		if err == nil {
			wait, served = firstWait, true
			q.handle(ctx, messages, record)
			continue
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to stop
		}
		if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && !served && answer.HTTPStatusCode() < http.StatusInternalServerError {
			return fmt.Errorf("take messages of the SQS queue: %w; check its URL and what the credentials may do with it", masked(err))
		}
		q.metrics.failed(stepReceive)
		q.c.Logger.ErrorContext(ctx, "no messages from the queue", slog.Any("err", masked(err)), slog.Duration("wait", wait))
		wait = pause(ctx, wait)
	}
	return nil
}

// pause waits, unless ctx ends before, and returns how long to wait the next time.
func pause(ctx context.Context, wait time.Duration) time.Duration {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return min(2*wait, longestWait)
}

func (q *Queue) receive(ctx context.Context) ([]types.Message, error) {
	output, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(q.c.URL), MaxNumberOfMessages: batch, WaitTimeSeconds: seconds(longPoll),
		VisibilityTimeout:           seconds(q.c.Visibility),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount},
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // wrapped, or logged, by Run
	}
	return output.Messages, nil
}

// letter is a message and what it tells.
type letter struct {
	message types.Message
	objects []s3event.Object
}

// handle records what messages tell and deletes them.
func (q *Queue) handle(ctx context.Context, messages []types.Message, record Record) {
	var letters []letter
	for _, message := range messages {
		objects, _, err := s3event.Parse([]byte(aws.ToString(message.Body)))
		if err != nil {
			q.poison(ctx, message, err)
			continue
		}
		letters = append(letters, letter{message, q.chosen(objects)})
	}
	if len(letters) == 0 {
		return
	}
	release := q.hold(ctx, letters)
	done, left := q.record(ctx, letters, record)
	release()
	// What was recorded is told whatever happens; ctx may have ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	q.remove(ctx, done)
	if len(left) > 0 {
		q.metrics.ended(outcomeReturned, len(left))
		q.hide(ctx, left, 0)
	}
}

// chosen leaves out the objects that are none of ours.
func (q *Queue) chosen(objects []s3event.Object) []s3event.Object {
	var chosen []s3event.Object
	for _, o := range objects {
		if s3event.HasSuffix(o.Key, q.c.Suffix) {
			chosen = append(chosen, o)
		}
	}
	return chosen
}

// record records letters: together, else each by itself. It gives up when ctx ends:
// left are those that are neither recorded nor unfit.
func (q *Queue) record(ctx context.Context, letters []letter, record Record) (done, left []letter) {
	err := q.persist(ctx, letters, record)
	switch {
	case err == nil:
		return letters, nil
	case !errors.Is(err, ErrUnfit):
		return nil, letters
	case len(letters) == 1:
		q.poison(ctx, letters[0].message, err)
		return nil, nil
	}
	for n := range letters {
		well, rest := q.record(ctx, letters[n:n+1], record)
		done, left = append(done, well...), append(left, rest...)
	}
	return done, left
}

// persist tries until the objects are recorded, or never can be, or ctx ends.
func (q *Queue) persist(ctx context.Context, letters []letter, record Record) error {
	var objects []s3event.Object
	for _, l := range letters {
		objects = append(objects, l.objects...)
	}
	if len(objects) == 0 {
		return nil
	}
	for wait := firstWait; ; {
		err := finishing(ctx, func(ctx context.Context) error { return record(ctx, objects) })
		if err == nil || errors.Is(err, ErrUnfit) || ctx.Err() != nil {
			return err
		}
		q.metrics.failed(stepRecord)
		q.c.Logger.ErrorContext(ctx, "objects of the queue not yet recorded",
			slog.Int("objects", len(objects)), slog.Any("err", err), slog.Duration("wait", wait))
		if wait = pause(ctx, wait); ctx.Err() != nil {
			return err
		}
	}
}

// finishing calls do with a context that ends a while after ctx.
func finishing(ctx context.Context, do func(context.Context) error) error {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, cancel)
		<-longer.Done()
		timer.Stop()
	})
	defer stop()
	return do(longer)
}

// poison says that a message is left to the redrive policy.
func (q *Queue) poison(ctx context.Context, message types.Message, err error) {
	q.metrics.ended(outcomeUnfit, 1)
	q.c.Logger.ErrorContext(ctx, "message left to the queue's redrive policy", slog.String("message_id", aws.ToString(message.MessageId)),
		slog.String("receive_count", message.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)]), slog.Any("err", err))
}
