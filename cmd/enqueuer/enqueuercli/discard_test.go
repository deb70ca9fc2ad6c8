package enqueuercli_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/hibiken/asynq"

	"casflow/internal/storage"
)

func TestDiscard_Chosen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		flags func(g graveyard) []string
		dry   string
		want  func(g graveyard) []uuid.UUID // are discarded
	}{
		{
			"reason", func(graveyard) []string { return []string{"--reason", "wrong_password"} },
			"wrong_password: 2 dead letters\n2 dead letters would be discarded\n",
			func(g graveyard) []uuid.UUID { return []uuid.UUID{g.ids[0], g.ids[2]} },
		},
		{
			"age and batch", func(graveyard) []string { return []string{"--batch", "may", "--newer-than", "2h"} },
			"not_a_pdf: 1 dead letter\n1 dead letter would be discarded\n",
			func(g graveyard) []uuid.UUID { return g.ids[1:2] },
		},
		{
			"documents", func(g graveyard) []string {
				return []string{"--document", g.ids[3].String(), "--document", g.task.String()}
			},
			"bad_task: 1 dead letter\n1 dead letter would be discarded\n",
			func(g graveyard) []uuid.UUID { return []uuid.UUID{g.task} },
		},
		{
			"limit", func(graveyard) []string { return []string{"--limit", "2"} },
			"bad_task: 1 dead letter\nwrong_password: 1 dead letter\n2 dead letters would be discarded\n",
			func(g graveyard) []uuid.UUID { return []uuid.UUID{g.task, g.ids[0]} },
		},
		{
			"all", func(graveyard) []string { return []string{"--all"} },
			"bad_task: 1 dead letter\nnot_a_pdf: 1 dead letter\nwrong_password: 2 dead letters\n4 dead letters would be discarded\n",
			func(g graveyard) []uuid.UUID { return append([]uuid.UUID{g.task}, g.ids[:3]...) },
		},
		{
			"none", func(graveyard) []string { return []string{"--reason", "crashed"} },
			"0 dead letters would be discarded\n",
			func(graveyard) []uuid.UUID { return nil },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := setupGraveyard(t)
			before, flags, want := g.rows(t), test.flags(g), texts(test.want(g)...)
			if diff := cmp.Diff(test.dry, g.discard(t, append(flags, "--dry-run")...).wantDone(t)); diff != "" {
				t.Errorf("dry run (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, g.rows(t)); diff != "" {
				t.Errorf("changed by a dry run (-want +got):\n%s", diff)
			}
			done := g.discard(t, append(flags, "--why", "w")...).wantDone(t)
			lines := strings.Split(strings.TrimSuffix(test.dry, "\n"), "\n")
			count := strings.TrimSuffix(lines[len(lines)-1], " would be discarded")
			if diff := cmp.Diff(count+" discarded; on record in enqueuer dead list --discarded\n", done); diff != "" {
				t.Errorf("discard (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, g.list(t, "--discarded")); diff != "" {
				t.Errorf("discarded (-want +got):\n%s", diff)
			}
			if got := g.list(t); len(got)+len(want) != 4 {
				t.Errorf("%d open and %d discarded, want 4 in all", len(got), len(want))
			}
		})
	}
}

// What is discarded is out of the way, but on record; only its name brings it
// back.
func TestDiscard_Record(t *testing.T) {
	t.Parallel()
	g := setupGraveyard(t)
	const why = "ZZZPA0001Z has left\tus"
	g.discard(t, "--document", g.ids[0].String(), "--why", " "+why+"\n", "--by", "desk").wantDone(t)
	g.discard(t, "--document", g.ids[1].String(), "--why", "no CAS").wantDone(t)

	letters := decode[[]letter](t, g.ask(t, "dead", "list", "--json", "--discarded").wantDone(t))
	if len(letters) != 2 || letters[0].DiscardedAt == nil || letters[0].DiscardedBy != "desk" || letters[0].DiscardedWhy != "ZZ*******Z has left\tus" {
		t.Fatalf("on record is %+v, want when, who and why", letters)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if user, ok := strings.CutSuffix(letters[1].DiscardedBy, "@"+host); !ok || user == "" {
		t.Errorf("by default %q discards, want the user at %s", letters[1].DiscardedBy, host)
	}
	text := g.ask(t, "dead", "list", "--discarded").wantDone(t)
	if lines := strings.Split(text, "\n"); len(lines) != 4 || !tells("enqueuer: "+lines[0], "MESSAGE...DISCARDED AT...BY...WHY") ||
		!tells("enqueuer: "+lines[1], "wrong_password...desk...ZZ*******Z has left us") {
		t.Errorf("the list does not tell who and why:\n%s", text)
	}

	got := decode[standing](t, g.ask(t, "status", "--json").wantDone(t))
	if diff := cmp.Diff(map[string]int{"bad_task": 1, "wrong_password": 1}, got.Dead); diff != "" || got.Discarded != 2 || got.Documents["dead"] != 3 {
		t.Errorf("status: %d discarded, %d dead, want 2 and 3; reasons (-want +got):\n%s", got.Discarded, got.Documents["dead"], diff)
	}
	if text := g.ask(t, "status").wantDone(t); !strings.Contains(strings.Join(strings.Fields(text), " "), "wrong_password 1 bad_task 1 discarded 2") {
		t.Errorf("status does not count the discarded apart:\n%s", text)
	}

	if got := g.redrive(t, "--batch", "may", "--reason", "wrong_password").wantDone(t); got[0] != '0' {
		t.Errorf("redrive by filter tells %q, want none", got)
	}
	for _, flag := range []string{"--dry-run", "--rate=6000"} {
		if got := g.redrive(t, "--document", g.ids[0].String(), flag).wantDone(t); !strings.Contains(got, "1 document ") {
			t.Errorf("redrive by name %s tells %q, want 1 document", flag, got)
		}
	}
	if diff := cmp.Diff(texts(g.ids[1]), g.list(t, "--discarded")); diff != "" {
		t.Errorf("discarded after one was redriven (-want +got):\n%s", diff)
	}
	// It dies again: as good as any other.
	g.kill(t, g.ids[0], storage.ReasonCrashed)
	if diff := cmp.Diff(texts(g.task, g.ids[2], g.ids[0]), g.list(t)); diff != "" {
		t.Errorf("open after it has died again (-want +got):\n%s", diff)
	}
}

func TestDiscard_Cleans(t *testing.T) {
	t.Parallel()
	l := setup(t)
	ids := make([]uuid.UUID, 0, 2)
	inspector := newInspector(t)
	for _, object := range l.put(t, "a.pdf", "b.pdf") {
		id := storage.DocumentID(object.Bucket, object.Key, object.ETag, storage.KindSmart)
		ids = append(ids, id)
		l.submit(t, object.Key, "--secret-key="+secretKey, "--password-from=env:"+passwordVariable).wantDone(t)
		if err := inspector.ArchiveTask(storage.QueueInteractive, id.String()+":1"); err != nil {
			t.Fatal(err)
		}
		l.kill(t, id, storage.ReasonNotAPDF)
	}
	l.discard(t, "--document", ids[0].String(), "--why", "w").wantDone(t)
	if diff := cmp.Diff(map[string][]string{"a.pdf": nil, "b.pdf": {envPassword}}, l.passwords(t)); diff != "" {
		t.Errorf("passwords (-want +got):\n%s", diff)
	}
	if _, err := inspector.GetTaskInfo(storage.QueueInteractive, ids[0].String()+":1"); !errors.Is(err, asynq.ErrTaskNotFound) {
		t.Errorf("the task of the discarded document: %v, want it gone", err)
	}
	info, err := inspector.GetTaskInfo(storage.QueueInteractive, ids[1].String()+":1")
	if err != nil || info.State != asynq.TaskStateArchived {
		t.Errorf("the task of the other document: %v, %v, want it archived", info, err)
	}
}
