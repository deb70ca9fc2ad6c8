package enqueuercli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// letter is what dead list --json writes for each document.
type letter struct {
	DocumentID string    `json:"document_id"`
	Reason     string    `json:"reason"`
	HTTPStatus int       `json:"http_status"`
	Message    string    `json:"message"`
	RequestID  string    `json:"request_id"`
	DeadAt     time.Time `json:"dead_at"`
	Bucket     string    `json:"bucket"`
	ObjectKey  string    `json:"object_key"`
	Batch      string    `json:"batch"`

	DiscardedAt  *time.Time `json:"discarded_at"`
	DiscardedBy  string     `json:"discarded_by"`
	DiscardedWhy string     `json:"discarded_why"`
}

// graveyard has, oldest first: a task without a document, then documents dead of
// wrong_password (batch may), not_a_pdf (may), wrong_password (none), and one
// that is alive. The first two letters are two days old.
type graveyard struct {
	lab
	task uuid.UUID
	ids  []uuid.UUID
}

const panKey = "in/ZZZPA0001Z_may.pdf"

func setupGraveyard(t *testing.T) graveyard {
	t.Helper()
	g := graveyard{lab: setup(t), task: uuid.New()}
	err := g.db.BuryTask(t.Context(), storage.DeadLetter{DocumentID: g.task, Reason: storage.ReasonBadTask, Message: "no JSON"})
	if err != nil {
		t.Fatal(err)
	}
	g.ids = append(g.record(t, "may", panKey, "in/b.pdf"), g.record(t, "", "in/c.pdf", "in/alive.pdf")...)
	g.kill(t, g.ids[0], storage.ReasonWrongPassword)
	storagetest.Rows(t, g.url, "UPDATE cas.dead_letters SET dead_at = dead_at - interval '2 days'")
	g.kill(t, g.ids[1], storage.ReasonNotAPDF)
	g.kill(t, g.ids[2], storage.ReasonWrongPassword)
	return g
}

// list are the documents that dead list --json tells of.
func (g graveyard) list(t *testing.T, flags ...string) []string {
	t.Helper()
	ids := []string{}
	for _, l := range decode[[]letter](t, g.ask(t, append([]string{"dead", "list", "--json"}, flags...)...).wantDone(t)) {
		ids = append(ids, l.DocumentID)
	}
	return ids
}

func texts(ids ...uuid.UUID) []string {
	all := []string{}
	for _, id := range ids {
		all = append(all, id.String())
	}
	return all
}

func TestDeadList_Filters(t *testing.T) {
	t.Parallel()
	g := setupGraveyard(t)
	for _, test := range []struct {
		name  string
		flags []string
		want  []string
	}{
		{"all", nil, texts(g.task, g.ids[0], g.ids[1], g.ids[2])},
		{"reason", []string{"--reason", "wrong_password"}, texts(g.ids[0], g.ids[2])},
		{"batch", []string{"--batch", "may"}, texts(g.ids[0], g.ids[1])},
		{"documents", []string{"--document", g.ids[2].String(), "--document", g.ids[1].String()}, texts(g.ids[1], g.ids[2])},
		{"limit", []string{"--limit", "2"}, texts(g.task, g.ids[0])},
		{"older", []string{"--older-than", "36h"}, texts(g.task, g.ids[0])},
		{"newer", []string{"--newer-than", "2h30m"}, texts(g.ids[1], g.ids[2])},
		{"between", []string{"--older-than", "36h", "--newer-than", "1000h", "--reason", "bad_task"}, texts(g.task)},
		{"several", []string{"--batch", "may", "--reason", "wrong_password", "--limit", "5"}, texts(g.ids[0])},
		{"living", []string{"--document", g.ids[3].String()}, texts()},
		{"none", []string{"--reason", "too_large"}, texts()},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, g.list(t, test.flags...)); diff != "" {
				t.Errorf("dead letters (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeadList_JSON(t *testing.T) {
	t.Parallel()
	g := setupGraveyard(t)
	for flag, key := range map[string]string{"--limit=9": "in/ZZ*******Z_may.pdf", "--unmasked": panKey} {
		out := g.ask(t, "dead", "list", "--json", "--document", g.ids[0].String(), flag).wantDone(t)
		got := decode[[]letter](t, out)
		want := []letter{{
			DocumentID: g.ids[0].String(), Reason: "wrong_password", HTTPStatus: 422, Message: "it is wrong_password",
			RequestID: requestOf(g.ids[0], storage.ReasonWrongPassword), Bucket: g.bucket, ObjectKey: key, Batch: "may",
		}}
		if len(got) == 1 && !got[0].DeadAt.IsZero() {
			want[0].DeadAt = got[0].DeadAt
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("dead list %s (-want +got):\n%s", flag, diff)
		}
	}
	if got := g.ask(t, "dead", "list", "--json", "--reason", "crashed").wantDone(t); got != "[]\n" {
		t.Errorf("an empty list is %q, want []", got)
	}
}

func TestDeadList_Text(t *testing.T) {
	t.Parallel()
	g := setupGraveyard(t)
	var rows []string
	for line := range strings.Lines(g.ask(t, "dead", "list").wantDone(t)) {
		at, rest, _ := strings.Cut(strings.Join(strings.Fields(line), " "), " ")
		if _, err := time.Parse(time.RFC3339, at); err != nil && len(rows) > 0 {
			t.Errorf("a row begins with %q, want the time of death", at)
		}
		rows = append(rows, rest)
	}
	want := []string{"AT REASON STATUS DOCUMENT OBJECT BATCH REQUEST MESSAGE", "bad_task " + g.task.String() + " no JSON"}
	for n, tail := range []string{"wrong_password in/ZZ*******Z_may.pdf may", "not_a_pdf in/b.pdf may", "wrong_password in/c.pdf"} {
		reason, place, _ := strings.Cut(tail, " ")
		id := g.ids[n].String()
		want = append(want, reason+" 422 "+id+" "+g.address(place)+" req_"+reason+"_"+id+" it is "+reason)
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("dead list (-want +got):\n%s", diff)
	}
	if got := g.ask(t, "dead", "list", "--unmasked").wantDone(t); !strings.Contains(got, g.address(panKey)) {
		t.Errorf("--unmasked does not show the key:\n%s", got)
	}
	if got := g.ask(t, "dead", "list", "--reason", "crashed").wantDone(t); got != "no dead letters\n" {
		t.Errorf("an empty list is %q", got)
	}
}
