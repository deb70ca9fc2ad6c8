package devstack

import (
	"context"
	"crypto/md5" //nolint:gosec // SQS has it so
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Queue makes a queue and returns its URL. A message that was received most times
// without being deleted goes to the queue deadLetters; most 0 is never.
func (s *SQS) Queue(name string, most int, deadLetters string) (url string) {
	s.queues.mu.Lock()
	defer s.queues.mu.Unlock()
	s.queues.byName[name] = &sqsQueue{most: most, deadLetters: deadLetters}
	return s.Endpoint + "/000000000000/" + name
}

// Send puts messages into a queue.
func (s *SQS) Send(queue string, bodies ...string) {
	s.queues.mu.Lock()
	defer s.queues.mu.Unlock()
	for _, body := range bodies {
		s.queues.sent++
		s.queues.byName[queue].messages = append(s.queues.byName[queue].messages, &sqsMessage{id: fmt.Sprintf("message-%d", s.queues.sent), body: body})
	}
	s.queues.changed.Broadcast()
}

// Advance lets time pass: hidden messages are seen again after it.
func (s *SQS) Advance(d time.Duration) {
	s.queues.mu.Lock()
	defer s.queues.mu.Unlock()
	s.queues.now += d
	s.queues.changed.Broadcast()
}

// Await waits until a queue is as wanted: until holds tells of its messages that
// are not deleted. It returns ctx's error if that ends before.
func (s *SQS) Await(ctx context.Context, queue string, until func([]SQSMessage) bool) error {
	return s.queues.await(ctx, func() bool {
		q := s.queues.byName[queue]
		seen := make([]SQSMessage, len(q.messages))
		for n, m := range q.messages {
			seen[n] = SQSMessage{Body: m.body, Received: m.received, Hidden: max(0, m.hiddenUntil-s.queues.now), Extended: m.extended}
		}
		return until(seen)
	})
}

// SQSMessage is a message that is not deleted.
type SQSMessage struct {
	Body     string
	Received int           // times
	Hidden   time.Duration // from others; 0 not
	Extended int           // times its being hidden was extended
}

// sqsQueues are the queues of a server.
type sqsQueues struct {
	mu      sync.Mutex
	changed *sync.Cond
	now     time.Duration // since the start
	sent    int
	byName  map[string]*sqsQueue
}

type sqsQueue struct {
	most        int
	deadLetters string
	messages    []*sqsMessage
}

type sqsMessage struct {
	id, body    string
	receipt     string // of the last time it was received
	received    int
	extended    int
	hiddenUntil time.Duration
}

func newSQSQueues() *sqsQueues {
	q := &sqsQueues{byName: make(map[string]*sqsQueue)}
	q.changed = sync.NewCond(&q.mu)
	return q
}

// await waits until holds, which is asked under the lock after each change.
func (q *sqsQueues) await(ctx context.Context, holds func() bool) error {
	stop := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.changed.Broadcast()
	})
	defer stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	for !holds() {
		if ctx.Err() != nil {
			return ctx.Err() //nolint:wrapcheck // an interruption
		}
		q.changed.Wait()
	}
	return nil
}

// queue is the queue of a URL. The lock is held.
func (q *sqsQueues) queue(url string) (*sqsQueue, error) {
	found := q.byName[url[strings.LastIndex(url, "/")+1:]]
	if found == nil {
		return nil, refuseSQS("QueueDoesNotExist", "The specified queue does not exist.")
	}
	return found, nil
}

// receive hands out messages, as soon as there is one.
func (q *sqsQueues) receive(ctx context.Context, in sqsReceive) (any, error) {
	if in.MaxNumberOfMessages < 1 || in.MaxNumberOfMessages > 10 || in.WaitTimeSeconds < 1 || in.WaitTimeSeconds > 20 ||
		in.VisibilityTimeout < 1 || in.VisibilityTimeout > 43200 {
		return nil, refuseSQS("InvalidParameterValue", "%+v is out of range, or polls without waiting", in)
	}
	var answer sqsReceived
	var refused error
	err := q.await(ctx, func() bool {
		queue, err := q.queue(in.QueueURL)
		if err != nil {
			refused = err
			return true
		}
		var kept []*sqsMessage
		for _, m := range queue.messages {
			if m.hiddenUntil <= q.now && queue.most > 0 && m.received >= queue.most {
				letters := q.byName[queue.deadLetters]
				letters.messages = append(letters.messages, &sqsMessage{id: m.id, body: m.body})
				q.changed.Broadcast()
				continue
			}
			kept = append(kept, m)
			if m.hiddenUntil <= q.now && len(answer.Messages) < in.MaxNumberOfMessages {
				answer.Messages = append(answer.Messages, m.deliver(q.now+time.Duration(in.VisibilityTimeout)*time.Second, in.MessageSystemAttributeNames))
			}
		}
		queue.messages = kept
		if len(answer.Messages) == 0 {
			return false
		}
		q.changed.Broadcast()
		return true
	})
	if err == nil {
		err = refused
	}
	return answer, err
}

func (m *sqsMessage) deliver(hidden time.Duration, attributes []string) sqsDelivery {
	m.received++
	m.hiddenUntil = hidden
	m.receipt = fmt.Sprintf("%s-receipt-%d", m.id, m.received)
	sum := md5.Sum([]byte(m.body)) //nolint:gosec // SQS has it so
	d := sqsDelivery{MessageID: m.id, ReceiptHandle: m.receipt, MD5OfBody: hex.EncodeToString(sum[:]), Body: m.body}
	for _, name := range attributes {
		if name == "ApproximateReceiveCount" {
			d.Attributes = map[string]string{name: strconv.Itoa(m.received)}
		}
	}
	return d
}

// change deletes messages, or changes how long they are hidden.
func (q *sqsQueues) change(in sqsBatch, visibility bool) (any, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.changed.Broadcast()
	queue, err := q.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if len(in.Entries) < 1 || len(in.Entries) > 10 {
		return nil, refuseSQS("TooManyEntriesInBatchRequest", "%d entries", len(in.Entries))
	}
	seen := make(map[string]bool)
	answer := sqsChanged{Successful: []sqsDone{}, Failed: []sqsFailed{}}
	for _, entry := range in.Entries {
		if entry.ID == "" || seen[entry.ID] || (entry.VisibilityTimeout != nil) != visibility {
			return nil, refuseSQS("InvalidParameterValue", "entry %+v", entry)
		}
		seen[entry.ID] = true
		if queue.apply(entry, q.now) {
			answer.Successful = append(answer.Successful, sqsDone{entry.ID})
		} else {
			answer.Failed = append(answer.Failed, sqsFailed{entry.ID, "ReceiptHandleIsInvalid", true})
		}
	}
	return answer, nil
}

// apply is false for a receipt that another one has replaced.
func (q *sqsQueue) apply(entry sqsEntry, now time.Duration) bool {
	for n, m := range q.messages {
		if m.receipt != entry.ReceiptHandle || m.receipt == "" {
			continue
		}
		if entry.VisibilityTimeout == nil {
			q.messages = append(q.messages[:n], q.messages[n+1:]...)
			return true
		}
		if *entry.VisibilityTimeout > 0 {
			m.extended++
		}
		m.hiddenUntil = now + time.Duration(*entry.VisibilityTimeout)*time.Second
		return true
	}
	return false
}
