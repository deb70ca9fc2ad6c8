package enqueuercli_test

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/devstack"
	"casflow/internal/storage/objectstore"
	"casflow/internal/storage/storagetest"
)

// queue is an SQS queue that S3 tells of its objects, beside a queue of dead letters.
type queue struct {
	*devstack.SQS
	url string
}

// startQueue makes a queue whose messages are dead letters when they were received
// twice in vain.
func startQueue(t *testing.T) queue {
	t.Helper()
	server, err := devstack.StartSQSBeside(t.Context(), s3Server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	server.Queue("dead", 0, "")
	return queue{server, server.Queue("events", 2, "dead")}
}

// await waits for one of the queues to be as wanted.
func (q queue) await(t *testing.T, name string, until func([]devstack.SQSMessage) bool) {
	t.Helper()
	if err := q.Await(t.Context(), name, until); err != nil {
		t.Fatal(err)
	}
}

// awaitLeft waits until so many messages are left, each of them received, or given
// up.
func (q queue) awaitLeft(t *testing.T, name string, n int) {
	t.Helper()
	q.await(t, name, func(messages []devstack.SQSMessage) bool { return len(messages) == n })
}

// created is what S3 tells of an object that was created.
func created(o objectstore.Info) string {
	return fmt.Sprintf(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":%q},"object":{"key":%q,"size":%d,"eTag":%q}}}]}`,
		o.Bucket, url.QueryEscape(o.Key), o.Size, o.ETag)
}

// bridged is what EventBridge tells of one, without the ETag.
func bridged(bucket, key string) string {
	return fmt.Sprintf(`{"detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":%q},"object":{"key":%q}}}`, bucket, key)
}

// TestServe_SQS: what the queue tells of is recorded, with its password; what cannot
// be is left to the queue's redrive policy, and takes nothing with it.
func TestServe_SQS(t *testing.T) {
	t.Parallel()
	l, q := setup(t), startQueue(t)
	first := l.putWith(t, "in/a b.PDF", "a", map[string]string{"pw": hush + "-metadata"})
	objects := l.put(t, "in/b.pdf", "in/c.pdf", "in/notes.txt")
	refused := l.put(t, "in/refused.pdf")[0]
	storagetest.Rows(t, l.url, `ALTER TABLE cas.documents ADD CONSTRAINT documents_test CHECK (object_key <> 'in/refused.pdf')`)
	elsewhere := objects[0]
	elsewhere.Bucket = "elsewhere"
	q.Send("events", created(first), created(objects[0]), created(objects[0]), bridged(l.bucket, "in/c.pdf"), created(objects[2]), created(elsewhere),
		"of ZZZPA0001Z", bridged(l.bucket, "in/gone.pdf"), created(refused))

	s := l.start(t, "--sqs-url", q.url, "--event-batch", "night", "--password-from", "metadata:pw", "--buckets", l.bucket, "--log-level", "debug")
	q.awaitLeft(t, "events", 3)
	want := [][]string{{"in/a b.PDF", "smart", "bulk", "night", "pending"}, {"in/b.pdf", "smart", "bulk", "night", "pending"}, {"in/c.pdf", "smart", "bulk", "night", "pending"}}
	if diff := cmp.Diff(want, l.documents(t, "object_key, kind, queue, batch, status")); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
	if got := l.passwords(t)["in/a b.PDF"]; len(got) != 1 || got[0] != hush+"-metadata" {
		t.Errorf("passwords are %v", got)
	}
	for range 2 { // each comes again, and then is a dead letter
		q.await(t, "events", func(messages []devstack.SQSMessage) bool {
			return len(messages) == 0 || messages[0].Hidden > 0 && messages[len(messages)-1].Hidden > 0
		})
		q.Advance(time.Minute)
	}
	q.awaitLeft(t, "dead", 3)
	s.await(t, `left to the queue's redrive policy","message_id":"message-7","receive_count":"2","err":"no S3, EventBridge or MinIO notification: not JSON`)
	s.await(t, `"message_id":"message-8","receive_count":"2","err":"cannot be recorded \(cannot be recorded: key there is no such object in the bucket\)"`)
	s.await(t, `"message_id":"message-9","receive_count":"2","err":"cannot be recorded`)
	s.wantMetrics(t, `cas_sqs_messages_total{outcome="unfit"} 6`, `cas_sqs_messages_total{outcome="recorded"} 6`, `cas_sqs_failures_total{step="record"} 0`,
		`cas_http_submissions_total{outcome="new",service="sqs"} 3`)
	code, log := s.stop()
	if code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	for _, secret := range []string{"ZZZPA0001Z", hush, secretKey} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

// TestServe_SQSKilled: a server that is killed with messages at hand loses none, and
// neither does one that finds the ledger away.
func TestServe_SQSKilled(t *testing.T) {
	t.Parallel()
	l, q := setup(t), startQueue(t)
	const n = 12
	for i := range n {
		q.Send("events", created(l.put(t, fmt.Sprintf("in/%02d.pdf", i))[0]))
	}
	storagetest.Rows(t, l.url, `ALTER TABLE cas.documents RENAME TO away`)
	doomed, _ := program(t, l.serveArgs("--sqs-url", q.url)...)
	var log bytes.Buffer
	doomed.Stderr = &log
	if err := doomed.Start(); err != nil {
		t.Fatal(err)
	}
	q.await(t, "events", func(messages []devstack.SQSMessage) bool { return messages[0].Received == 1 })
	if err := doomed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = doomed.Wait() // killed
	q.awaitLeft(t, "events", n)

	s := l.start(t, "--sqs-url", q.url)
	s.await(t, `"msg":"objects of the queue not yet recorded","objects":\d+,"err":".*does not exist`)
	q.awaitLeft(t, "events", n)
	storagetest.Rows(t, l.url, `ALTER TABLE cas.away RENAME TO documents`)
	q.awaitLeft(t, "events", 10) // those that the killed one had
	q.Advance(time.Minute)
	q.awaitLeft(t, "events", 0)
	l.wantCount(t, n)
	if code, log := s.stop(); code != 0 || strings.Contains(log, "redrive policy") {
		t.Errorf("exit code %d, want 0 and no poison:\n%s", code, log)
	}
	q.awaitLeft(t, "dead", 0)
}

// TestServe_SQSFaults: a queue that there is not ends the server, with a reason.
func TestServe_SQSFaults(t *testing.T) {
	t.Parallel()
	l, q := setup(t), startQueue(t)
	args := append([]string{"serve", "--api-tokens", "billing:" + hush, "--addr", "127.0.0.1:0", "--stop-delay", "0s", "--log-level", "error"}, l.settings()...)
	run(t, append(args, "--sqs-url", "sqs.example.com/"+hush)...).wantFaults(t, 2, "CASFLOW_SQS_URL (--sqs-url): is not the URL of an SQS queue: expected https://sqs.")
	run(t, append(args, "--sqs-url", q.Endpoint+"/1/none")...).wantFaults(t, 1, "take messages of the SQS queue: ...check its URL and what the credentials may do with it")
}
