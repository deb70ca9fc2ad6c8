package objectevents_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/devstack"
	"casflow/internal/s3event"
	"casflow/internal/storage"
	"casflow/internal/storage/objectevents"
	"casflow/internal/storage/storagetest"
)

// What is told is recorded in the ledger, and then the messages are deleted.
func TestRun_Recorded(t *testing.T) {
	t.Parallel()
	l := setup(t)
	db, url := storagetest.NewURL(t)
	var want []string
	for n := range 25 {
		want = append(want, fmt.Sprintf("in/%02d a.PDF", n))
		l.sqs.Send("events", event(fmt.Sprintf("in/%02d+a.PDF", n), "in/notes.txt"))
	}
	l.sqs.Send("events", event("in/00+a.PDF"), event("other.txt"), `{"Event":"s3:TestEvent","Bucket":"statements"}`,
		strings.Replace(event("in/gone.pdf"), "ObjectCreated:Put", "ObjectRemoved:DeleteMarkerCreated", 1))
	stop := l.run(t, func(ctx context.Context, objects []s3event.Object) error {
		var documents []storage.NewDocument
		for _, o := range objects {
			documents = append(documents, storage.NewDocument{
				ID: storage.DocumentID(o.Bucket, o.Key, o.ETag, storage.KindSmart), Bucket: o.Bucket, Key: o.Key, ETag: o.ETag, SizeBytes: o.Size,
				Kind: storage.KindSmart, Queue: storage.QueueInteractive,
			})
		}
		_, err := db.Record(ctx, documents)
		return err
	})
	l.await(t, "events", none)
	if err := stop(); err != nil {
		t.Error(err)
	}
	var got []string
	for _, row := range storagetest.Rows(t, url, `SELECT object_key FROM cas.documents ORDER BY 1`) {
		got = append(got, row[0])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	l.await(t, "dead", none)
	if l.log.String() != "" {
		t.Errorf("logged:\n%s", l.log)
	}
}

// What cannot be read, or never be recorded, stays for the redrive policy, and
// takes none of its neighbours with it.
func TestRun_Poison(t *testing.T) {
	t.Parallel()
	l := setup(t)
	bodies := []string{"ZZZPA0001Z", `{"hello":1}`, event("in/unfit.pdf")}
	l.sqs.Send("events", bodies[0], event("in/a.pdf"), bodies[1], bodies[2], event("in/b.pdf"))
	var mu sync.Mutex
	var recorded []string
	stop := l.run(t, func(_ context.Context, objects []s3event.Object) error {
		mu.Lock()
		defer mu.Unlock()
		for _, o := range objects {
			if o.Key == "in/unfit.pdf" {
				return fmt.Errorf("%w: too bad", objectevents.ErrUnfit)
			}
		}
		for _, o := range objects {
			recorded = append(recorded, o.Key)
		}
		return nil
	})
	for n := range 3 {
		l.await(t, "events", func(messages []devstack.SQSMessage) bool {
			return len(messages) == 3 && !slices.ContainsFunc(messages, func(m devstack.SQSMessage) bool { return m.Received <= n || m.Hidden == 0 })
		})
		l.sqs.Advance(time.Minute)
	}
	var dead []string
	l.await(t, "dead", func(messages []devstack.SQSMessage) bool {
		dead = nil
		for _, m := range messages {
			dead = append(dead, m.Body)
		}
		return len(messages) == 3
	})
	if diff := cmp.Diff(bodies, dead); diff != "" {
		t.Errorf("dead (-want +got):\n%s", diff)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if n := strings.Count(l.log.String(), "redrive policy"); n != 9 {
		t.Errorf("%d lines in the log, want one for each of 3 deliveries of 3 messages:\n%s", n, l.log)
	}
	if diff := cmp.Diff([]string{"in/a.pdf", "in/b.pdf"}, recorded); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	for _, words := range []string{"message_id=message-1 receive_count=1", "receive_count=3", "no S3, EventBridge or MinIO notification", "cannot be recorded: too bad"} {
		if !strings.Contains(l.log.String(), words) {
			t.Errorf("not logged: %s", words)
		}
	}
	if strings.Contains(l.log.String(), "ZZZPA") {
		t.Errorf("a PAN is logged:\n%s", l.log)
	}
}

// While the ledger is away, messages are held and tried again, and do not use up
// their deliveries.
func TestRun_LedgerAway(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.config.Visibility = 2 * time.Second // extended every second
	l.sqs.Send("events", event("in/a.pdf"))
	tries := 0
	stop := l.run(t, func(context.Context, []s3event.Object) error {
		if tries++; tries < 3 {
			return errors.New("postgres is away")
		}
		return nil
	})
	l.await(t, "events", func(messages []devstack.SQSMessage) bool { return len(messages) == 0 || messages[0].Extended > 0 })
	l.await(t, "events", none)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if tries != 3 || strings.Count(l.log.String(), "objects of the queue not yet recorded") != 2 {
		t.Errorf("tried %d times, want 3, the first two with a line in the log:\n%s", tries, l.log)
	}
}

// While recording takes long, the message stays hidden from others.
func TestRun_Slow(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.config.Visibility = 2 * time.Second
	l.sqs.Send("events", event("in/a.pdf"))
	tries := 0
	stop := l.run(t, func(ctx context.Context, _ []s3event.Object) error {
		tries++
		for n := range 3 { // each time almost all of it has passed
			err := l.sqs.Await(ctx, "events", func(messages []devstack.SQSMessage) bool { return messages[0].Extended > n })
			if err != nil {
				return err
			}
			l.sqs.Advance(1900 * time.Millisecond)
		}
		return nil
	})
	l.await(t, "events", none)
	if err := stop(); err != nil || tries != 1 {
		t.Errorf("recorded %d times, %v, want once", tries, err)
	}
}

// A stop waits for what is being recorded, and gives back what is not.
func TestRun_Stop(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		err  error
		left int
	}{{"recorded", nil, 0}, {"failed", errors.New("postgres is away"), 1}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := setup(t)
			l.sqs.Send("events", event("in/a.pdf"))
			at, goOn := make(chan struct{}), make(chan struct{})
			stop := l.run(t, func(ctx context.Context, _ []s3event.Object) error {
				close(at)
				<-goOn
				return errors.Join(test.err, ctx.Err())
			})
			<-at
			stopped := make(chan error, 1)
			go func() { stopped <- stop() }()
			close(goOn)
			if err := <-stopped; err != nil {
				t.Error(err)
			}
			l.await(t, "events", func(messages []devstack.SQSMessage) bool {
				return len(messages) == test.left && (test.left == 0 || messages[0].Hidden == 0)
			})
		})
	}
}

// A queue that is not there, or not ours, is said at once.
func TestRun_Refused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*objectevents.Config)
		want   string
	}{
		{"no queue", func(c *objectevents.Config) { c.URL += "-x" }, "The specified queue does not exist"},
		{"credentials", func(c *objectevents.Config) { c.AccessKey = "OTHER" }, "InvalidSecurity"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := setup(t)
			test.change(&l.config)
			queue, err := objectevents.Open(t.Context(), l.config)
			if err != nil {
				t.Fatal(err)
			}
			err = queue.Run(t.Context(), nil)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "check its URL and what the credentials may do with it") {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestOpen_URL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		url string
		ok  bool
	}{
		{"https://sqs.ap-south-1.amazonaws.com/123456789012/statements", true},
		{"https://sqs.cn-north-1.amazonaws.com.cn/123456789012/statements", true},
		{"http://127.0.0.1:9324/000000000000/statements", false}, // of no known region
		{"", false},
		{"statements", false},
		{"https://sqs.ap-south-1.amazonaws.com", false},
		{"https://user:hush@sqs.ap-south-1.amazonaws.com/1/statements", false},
		{"arn:aws:sqs:ap-south-1:123456789012:statements", false},
	} {
		_, err := objectevents.Open(t.Context(), objectevents.Config{URL: test.url, AccessKey: "a", SecretKey: "s"})
		if (err == nil) != test.ok || err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v, want ok %t", test.url, err, test.ok)
		}
	}
}
