package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"casflow/client"
	"casflow/internal/redact"
	"casflow/internal/s3event"
	"casflow/internal/storage/objectstore"
)

// s3Event is a record of S3's own, of an object as its server would tell it.
func s3Event(name string, o objectstore.Info) string {
	return fmt.Sprintf(`{"eventSource":"aws:s3","eventName":%q,"s3":{"bucket":{"name":%q},"object":{"key":%q,"size":%d,"eTag":%q}}}`,
		name, o.Bucket, url.QueryEscape(o.Key), o.Size, o.ETag)
}

func records(all ...string) string { return `{"Records":[` + strings.Join(all, ",") + `]}` }

func (l *lab) event(t *testing.T, body string) client.EventsTaken {
	t.Helper()
	return wanted[client.EventsTaken](t, l.post(t, "/v1/s3-events", body), http.StatusOK)
}

func TestServer_PostEvents(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	objects := l.put(t, "in/May 2026/a+b.PDF", "in/notes.txt", "in/folder.pdf/", "in/gone.pdf")
	const created = "ObjectCreated:Put"
	elsewhere := objects[0]
	elsewhere.Key = "in/elsewhere.pdf"
	body := records(
		s3Event(created, objects[0]), s3Event(created, objects[1]), s3Event(created, objects[2]),
		s3Event("ObjectRemoved:DeleteMarkerCreated", objects[3]), s3Event("s3:ObjectCreated:Copy", elsewhere),
	)
	if got := l.event(t, body); got != (client.EventsTaken{Recorded: 2, Ignored: 3}) {
		t.Errorf("first: %+v, want two recorded and three ignored", got)
	}
	// Without S3 being asked, the second is taken for what the event says.
	want := [][]string{
		{idOf(objects[0], "smart"), "in/May 2026/a+b.PDF", "19", "smart", "bulk", "events", "pending"},
		{idOf(elsewhere, "smart"), "in/elsewhere.pdf", "19", "smart", "bulk", "events", "pending"},
	}
	if diff := cmp.Diff(want, l.documents(t, "document_id, object_key, size_bytes, kind, queue, batch, status")); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
	if got := l.event(t, body); got != (client.EventsTaken{Known: 2, Ignored: 3}) {
		t.Errorf("again: %+v, want two known", got)
	}
	if got := l.event(t, `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}`); got != (client.EventsTaken{Ignored: 1}) {
		t.Errorf("S3's test: %+v", got)
	}
	// Other programs record the same document.
	reference := fmt.Sprintf(`{"bucket":%q,"key":"in/May 2026/a+b.PDF"}`, l.bucket)
	if got := wanted[client.Submitted](t, l.post(t, "/v1/documents", reference), http.StatusAccepted); got.New {
		t.Errorf("submitted: %+v, want the document of the event", got)
	}
}

// TestServer_PostEvents_EventBridge shows that a key is taken as it is, unless S3
// has only what it would be decoded.
func TestServer_PostEvents_EventBridge(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	l.put(t, "a+b.pdf", "c d.pdf")
	for _, key := range []string{"a+b.pdf", "c+d.pdf", "e+f.pdf"} {
		event := `{"detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":%q},"object":{"key":%q,"size":7}}}`
		l.event(t, fmt.Sprintf(event, l.bucket, key))
	}
	if diff := cmp.Diff([][]string{{"a+b.pdf"}, {"c d.pdf"}}, l.documents(t, "object_key")); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

// metadataSource finds passwords in the metadata of objects.
type metadataSource struct{}

func (metadataSource) Metadata() bool { return true }
func (metadataSource) Candidates(o objectstore.Info) []redact.Secret {
	return []redact.Secret{redact.Secret(o.Metadata["pw"])}
}

// TestServer_PostEvents_Passwords shows that the configured sources find the
// passwords of what an event tells of.
func TestServer_PostEvents_Passwords(t *testing.T) {
	t.Parallel()
	l := setup(t, func(c *Config) { c.Recorder.Sources = metadataSource{} })
	object, err := l.Store.Put(t.Context(), l.bucket, "a.pdf", strings.NewReader("x"), 1, map[string]string{"pw": "hush-metadata"})
	if err != nil {
		t.Fatal(err)
	}
	l.event(t, records(s3Event("ObjectCreated:Put", object)))
	if got := l.passwords(t, idOf(object, "smart")); got != "hush-metadata" {
		t.Errorf("passwords are %q", got)
	}
	// A service's own come first.
	second := l.put(t, "b.pdf")[0]
	body := fmt.Sprintf(`{"bucket":%q,"key":"b.pdf","password":"hush-own"}`, l.bucket)
	wanted[client.Submitted](t, l.post(t, "/v1/documents", body), http.StatusAccepted)
	if got := l.passwords(t, idOf(second, "smart")); got != "hush-own" {
		t.Errorf("passwords are %q", got)
	}
}

func TestServer_PostEvents_Bad(t *testing.T) {
	t.Parallel()
	l := setup(t, func(c *Config) { c.Buckets = []string{"other"}; c.UploadBucket = "" })
	for _, body := range []string{"", "hush", "{}", "[]", `{"Records":[{"eventName":"ObjectCreated:Put"}]}`} {
		l.post(t, "/v1/s3-events", body).wantProblem(t, http.StatusBadRequest)
	}
	l.post(t, "/v1/s3-events", strings.Repeat(" ", maxEvents+1)).wantProblem(t, http.StatusRequestEntityTooLarge)
	if got := l.event(t, records(s3Event("ObjectCreated:Put", l.put(t, "a.pdf")[0]))); got != (client.EventsTaken{Ignored: 1}) {
		t.Errorf("of another bucket: %+v, want it ignored", got)
	}
}

// TestServer_Source shows what is recorded of a queue's objects, and what of no use to
// be told again.
func TestServer_Source(t *testing.T) {
	t.Parallel()
	of := func(bucket, key, etag string) s3event.Object {
		return s3event.Object{Bucket: bucket, Key: key, ETag: etag, Size: -1}
	}
	l := setup(t, nil)
	l.put(t, "a.pdf")
	take := l.Source("queue")
	err := take(t.Context(), []s3event.Object{of(l.bucket, "gone-of-ZZZPA0001Z.pdf", ""), of(l.bucket, "a.pdf", ""), of(l.bucket, "b.pdf", "e"), of(l.bucket, "notes.txt", "e")})
	if !errors.Is(err, ErrUnfit) || !strings.HasSuffix(err.Error(), "key there is no such object in the bucket") {
		t.Errorf("of an object that is gone: %v, want ErrUnfit", err)
	}
	if diff := cmp.Diff([][]string{{"a.pdf"}, {"b.pdf"}}, l.documents(t, "object_key")); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
	if err := take(t.Context(), []s3event.Object{of(l.bucket, "a.pdf", ""), of(l.bucket, "b.pdf", "e")}); err != nil {
		t.Errorf("told again: %v", err)
	}
	for outcome, want := range map[string]float64{outcomeNew: 2, outcomeKnown: 2, outcomeRefused: 1, outcomeFailed: 0} {
		if got := testutil.ToFloat64(l.metrics.submissions.WithLabelValues("queue", outcome)); got != want {
			t.Errorf("%v are counted as %s, want %v", got, outcome, want)
		}
	}

	strange := setup(t, func(c *Config) { c.Store = openStore(t, "another") })
	err = strange.Source("queue")(t.Context(), []s3event.Object{of(strange.bucket, "a.pdf", ""), of(strange.bucket, "b.pdf", "e")})
	if !errors.Is(err, ErrUnfit) || len(strange.documents(t, "object_key")) != 1 {
		t.Errorf("without access: %v, want ErrUnfit, and what needs none recorded", err)
	}
	strange.post(t, "/v1/s3-events", records(`{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"a.pdf"}}}`)).
		wantProblem(t, http.StatusUnprocessableEntity, "bucket")

	l.db.Close()
	if err := take(t.Context(), []s3event.Object{of(l.bucket, "a.pdf", "")}); err == nil || errors.Is(err, ErrUnfit) {
		t.Errorf("without the ledger: %v, want an error that may pass", err)
	}
}
