package enqueuercli_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"casflow/internal/devstack"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

// submitted is what submit --json writes for each object.
type submitted struct {
	DocumentID string `json:"document_id"`
	Bucket     string `json:"bucket"`
	Key        string `json:"key"`
	New        bool   `json:"new"`
	Status     string `json:"status"`
}

// idOf is the id that every program gives to an object.
func idOf(info objectstore.Info, kind string) string {
	return storage.DocumentID(info.Bucket, info.Key, info.ETag, kind).String()
}

func newInspector(t *testing.T) *asynq.Inspector {
	t.Helper()
	options, err := asynq.ParseRedisURI(redisServer.URL)
	if err != nil {
		t.Fatal(err)
	}
	inspector := asynq.NewInspector(options)
	t.Cleanup(func() {
		if err := inspector.Close(); err != nil {
			t.Error(err)
		}
	})
	return inspector
}

// tasks are the ids of the documents whose tasks wait in a queue of Redis.
func tasks(t *testing.T, queue string) []string {
	t.Helper()
	// No worker runs in these tests, so tasks stay; there are some from each test.
	infos, err := newInspector(t).ListPendingTasks(queue, asynq.PageSize(1000))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, info := range infos {
		var payload struct {
			DocumentID string `json:"document_id"`
		}
		if err := json.Unmarshal(info.Payload, &payload); err != nil || info.Type != "cas:parse" {
			t.Fatalf("task of type %q with payload %q: %v", info.Type, info.Payload, err)
		}
		ids = append(ids, payload.DocumentID)
	}
	return ids
}

func TestSubmit_NewAndKnown(t *testing.T) {
	t.Parallel()
	l := setup(t)
	objects := l.put(t, "in/a.pdf", "in/b.pdf", "in/c.pdf")
	a, b := idOf(objects[0], "smart"), idOf(objects[1], "smart")

	got := decode[[]submitted](t, l.submit(t, "--json", "--batch=desk", "in/a.pdf").wantDone(t))
	want := []submitted{{DocumentID: a, Bucket: l.bucket, Key: "in/a.pdf", New: true, Status: "queued"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("first submit (-want +got):\n%s", diff)
	}
	if !slices.Contains(tasks(t, storage.QueueInteractive), a) {
		t.Error("the task is not in Redis")
	}

	// A known one beside a new one, which is named twice.
	got = decode[[]submitted](t, l.submit(t, "--json", "--queue=bulk", "in/a.pdf", "in/b.pdf", "in/b.pdf").wantDone(t))
	known := want[0]
	known.New = false
	fresh := submitted{DocumentID: b, Bucket: l.bucket, Key: "in/b.pdf", New: true, Status: "queued"}
	if diff := cmp.Diff([]submitted{known, fresh, fresh}, got); diff != "" {
		t.Errorf("second submit (-want +got):\n%s", diff)
	}
	if queued := tasks(t, storage.QueueBulk); !slices.Contains(queued, b) || slices.Contains(queued, a) {
		t.Error("in the queue bulk: want the task of the new document alone")
	}
	rows := [][]string{
		{a, "in/a.pdf", "8", "smart", "interactive", "desk", "queued", "1", "<null>"},
		{b, "in/b.pdf", "8", "smart", "bulk", "<null>", "queued", "1", "<null>"},
	}
	const columns = "document_id, object_key, size_bytes, kind, queue, batch, status, delivery, version_id"
	if diff := cmp.Diff(rows, l.documents(t, columns)); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}

	// A scan finds the same documents.
	l.scan(t, "in/", "--json").wantSummary(t, summary{Bucket: l.bucket, Prefix: "in/", Listed: 3, Known: 2, New: 1, WithoutPassword: 1})
}

// What a scan has recorded is known to submit, and stays the scan's.
func TestSubmit_Scanned(t *testing.T) {
	t.Parallel()
	l := setup(t)
	objects := l.put(t, "a.pdf")
	l.scan(t, "", "--kind", "cdsl").wantDone(t)
	want := []submitted{{DocumentID: idOf(objects[0], "cdsl"), Bucket: l.bucket, Key: "a.pdf", Status: "pending"}}
	got := decode[[]submitted](t, l.submit(t, "a.pdf", "--kind=cdsl", "--json").wantDone(t))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("submit (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]string{{"bulk", "pending"}}, l.documents(t, "queue, status")); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
}

func TestSubmit_Text(t *testing.T) {
	t.Parallel()
	l := setup(t)
	id := idOf(l.put(t, "a.pdf")[0], "smart")
	for _, test := range []struct{ flag, state string }{
		{"--dry-run", "would be recorded"},
		{"--queue=interactive", "queued"},
		{"--queue=interactive", "queued (known)"},
		{"--dry-run", "queued (known)"},
	} {
		want := id + "  " + l.address("a.pdf") + "  " + test.state + "\n"
		if diff := cmp.Diff(want, l.submit(t, "a.pdf", test.flag).wantDone(t)); diff != "" {
			t.Errorf("submit %s (-want +got):\n%s", test.flag, diff)
		}
	}
}

func TestSubmit_DryRun(t *testing.T) {
	t.Parallel()
	l := setup(t)
	id := idOf(l.put(t, "a.pdf")[0], "smart")
	got := decode[[]submitted](t, l.submit(t, "a.pdf", "--dry-run", "--json").wantDone(t))
	if diff := cmp.Diff([]submitted{{DocumentID: id, Bucket: l.bucket, Key: "a.pdf", New: true}}, got); diff != "" {
		t.Errorf("dry run (-want +got):\n%s", diff)
	}
	l.wantCount(t, 0)
}

func TestSubmit_Passwords(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.putWith(t, "in/a.pdf", "a", map[string]string{"pw": "hush-metadata"})
	l.submit(t, "in/a.pdf", "--secret-key="+secretKey, "--password-from="+manifest(t, "key,password\na.pdf,hush-manifest\n"),
		"--password-from=metadata:pw", "--password-from=env:"+passwordVariable).wantDone(t)
	want := map[string][]string{"in/a.pdf": {"hush-manifest", "hush-metadata", envPassword}}
	if diff := cmp.Diff(want, l.passwords(t)); diff != "" {
		t.Errorf("passwords (-want +got):\n%s", diff)
	}
}

// Redis takes connections but no tasks: what is recorded is safe, and said to be
// late.
func TestSubmit_RedisFull(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.put(t, "a.pdf")
	server, err := devstack.StartRedis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	options, err := redis.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	if err := client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	r := l.submit(t, "a.pdf", "--json", "--redis-url="+server.URL)
	if r.code != 0 || !tells(r.stderr, "recorded, but not yet queued: ...running workers do it") {
		t.Errorf("exit code %d, stderr %q, want 0 and a note", r.code, r.stderr)
	}
	if got := decode[[]submitted](t, r.stdout); len(got) != 1 || !got[0].New || got[0].Status != "pending" {
		t.Errorf("submit tells %+v, want a new document that is pending", got)
	}
}
