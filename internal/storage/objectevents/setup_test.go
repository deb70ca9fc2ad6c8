package objectevents_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"casflow/internal/devstack"
	"casflow/internal/storage/objectevents"
	"casflow/internal/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

// log is what was logged, safe for concurrent use.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// lab is a queue that moves a message to the queue dead once it was received three
// times.
type lab struct {
	sqs    *devstack.SQS
	config objectevents.Config
	log    *log
}

func setup(t *testing.T) *lab {
	t.Helper()
	server, err := devstack.StartSQS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	l := &lab{sqs: server, log: &log{}}
	server.Queue("dead", 0, "")
	l.config = objectevents.Config{
		URL: server.Queue("events", 3, "dead"), Region: server.Region, AccessKey: "CASFLOWSQS", SecretKey: server.SecretKey, Suffix: ".pdf",
		Logger: slog.New(slog.NewTextHandler(l.log, nil)),
	}
	return l
}

// run takes messages until stop is called, which returns what Run did.
func (l *lab) run(t *testing.T, record objectevents.Record) (stop func() error) {
	t.Helper()
	queue, err := objectevents.Open(t.Context(), l.config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- queue.Run(ctx, record) }()
	return sync.OnceValue(func() error {
		cancel()
		return <-done
	})
}

// await waits for a queue to be as wanted.
func (l *lab) await(t *testing.T, queue string, until func([]devstack.SQSMessage) bool) {
	t.Helper()
	if err := l.sqs.Await(t.Context(), queue, until); err != nil {
		t.Fatal(err)
	}
}

func none(messages []devstack.SQSMessage) bool { return len(messages) == 0 }

func event(keys ...string) string {
	var records []string
	for _, key := range keys {
		records = append(records, `{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"statements"},"object":{"key":"`+key+`","size":7,"eTag":"e"}}}`)
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}
