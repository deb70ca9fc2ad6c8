package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/hibiken/asynq"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/jobs"
	"casflow/internal/samples"
	"casflow/internal/storage/storagetest"
)

// enqueueRaw puts a task of another service straight into Redis.
func (p *pipeline) enqueueRaw(queue, payload string) {
	p.t.Helper()
	client := asynq.NewClientFromRedisClient(p.redis)
	if _, err := client.EnqueueContext(p.t.Context(), asynq.NewTask(jobs.TaskType, []byte(payload)), asynq.Queue(queue)); err != nil {
		p.t.Fatal(err)
	}
}

// TestPipeline_ForeignTasks: other services enqueue straight into Redis; what is
// no task of ours becomes a dead letter that does not repeat it.
func TestPipeline_ForeignTasks(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 2, Seed: 29})
	unlocked := []string{}
	for i, queue := range []string{"interactive", "bulk"} {
		// By key alone no password is known.
		p.enqueueRaw(queue, `{"bucket":"`+p.bucket+`","key":"`+all[i].key+`","batch":"theirs"}`)
		unlocked = append(unlocked, all[i].key)
	}
	p.enqueueRaw("bulk", `{"bucket":"`+p.bucket+`","key":"in/nowhere.pdf"}`)
	p.enqueueRaw("bulk", `{"pan":"ZZZPA1234Z"}`)
	p.enqueueRaw("bulk", `not JSON, and ZZZPA1234Z in it`)
	p.enqueueRaw("interactive", `{"document_id":"`+uuid.NewString()+`"}`)
	p.drainQueue()
	p.drain()

	fates := p.fates()
	for _, key := range unlocked {
		if got := fates[key]; got.Reason != "wrong_password" {
			t.Errorf("%s: %+v, want wrong_password", key, got)
		}
	}
	if got := fates["in/nowhere.pdf"]; got != (fate{Status: "dead", Reason: "object_missing"}) {
		t.Errorf("object that is not there: %+v, want object_missing", got)
	}
	var messages []string
	for _, row := range storagetest.Rows(t, p.url, `SELECT message FROM cas.dead_letters WHERE reason = 'bad_task' ORDER BY message`) {
		messages = append(messages, row[0])
	}
	want := []string{
		`payload of 20 bytes: json: unknown field "pan"`,
		"payload of 30 bytes: not JSON (at byte 2)",
		"the ledger has no such document",
	}
	if diff := cmp.Diff(want, messages); diff != "" {
		t.Errorf("bad tasks (-want +got):\n%s", diff)
	}
	if got := p.value(`SELECT string_agg(DISTINCT queue, ',') FROM cas.documents WHERE batch = 'theirs'`); !strings.Contains(got, "bulk") || !strings.Contains(got, "interactive") {
		t.Errorf("queues %s, want those that the tasks came by", got)
	}
	// What others have put into Redis stays in asynq's archive as it came.
	if err := p.redis.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}
