package enqueuercli_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// shown is what dead show --json writes for each document.
type shown struct {
	DocumentID string         `json:"document_id"`
	Document   *shownDocument `json:"document"`
	DeadLetter *shownLetter   `json:"dead_letter"`
	Attempts   []shownAttempt `json:"attempts"`
}

type shownDocument struct {
	Status     string     `json:"status"`
	Bucket     string     `json:"bucket"`
	ObjectKey  string     `json:"object_key"`
	VersionID  string     `json:"version_id"`
	ETag       string     `json:"etag"`
	SizeBytes  int        `json:"size_bytes"`
	Kind       string     `json:"kind"`
	Queue      string     `json:"queue"`
	Batch      string     `json:"batch"`
	Counted    int        `json:"attempts_counted"`
	AnswerKept bool       `json:"answer_kept"`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	FinishedAt *time.Time `json:"finished_at"`
}

type shownLetter struct {
	Reason       string     `json:"reason"`
	HTTPStatus   int        `json:"http_status"`
	Message      string     `json:"message"`
	RequestID    string     `json:"request_id"`
	DeadAt       time.Time  `json:"dead_at"`
	RedrivenAt   *time.Time `json:"redriven_at"`
	DiscardedAt  *time.Time `json:"discarded_at"`
	DiscardedBy  string     `json:"discarded_by"`
	DiscardedWhy string     `json:"discarded_why"`
}

type shownAttempt struct {
	RequestID    string     `json:"request_id"`
	Endpoint     string     `json:"endpoint"`
	StartedAt    time.Time  `json:"started_at"`
	FinishedAt   *time.Time `json:"finished_at"`
	Seconds      float64    `json:"duration_seconds"`
	Outcome      string     `json:"outcome"`
	HTTPStatus   int        `json:"http_status"`
	Code         string     `json:"code"`
	Message      string     `json:"message"`
	APIRequestID string     `json:"api_request_id"`
	Credits      string     `json:"credits"`
	RetryAt      *time.Time `json:"retry_at"`
}

var ignoreTimes = cmpopts.IgnoreTypes(time.Time{}, &time.Time{})

// setupHistory has a document that was tried twice, at times that are known, is
// dead and discarded; and one that was redriven and is being called for.
func setupHistory(t *testing.T) (l lab, dead, alive uuid.UUID) {
	t.Helper()
	l = setup(t)
	ids := l.record(t, "may", panKey, "in/al\tive\n.pdf")
	dead, alive = ids[0], ids[1]
	storagetest.Rows(t, l.url, `
INSERT INTO cas.attempts (request_id, document_id, endpoint, worker_id, started_at, finished_at, outcome, http_status, code, message, api_request_id, retry_at)
SELECT 'req_first', document_id, '/v4/smart/parse', gen_random_uuid(), '2026-05-01 10:00:00Z', '2026-05-01 10:00:02.5Z', 'failed', 503,
       'BUSY', 'of ZZZPA0001Z', 'req_theirs', '2026-05-01 10:01:00Z' FROM cas.documents WHERE object_key LIKE '%may.pdf'`)
	l.kill(t, dead, storage.ReasonNotAPDF)
	storagetest.Rows(t, l.url, "UPDATE cas.attempts SET started_at = '2026-05-01 10:01:00Z', finished_at = '2026-05-01 10:01:01Z' WHERE outcome = 'refused'")
	storagetest.Rows(t, l.url, "UPDATE cas.dead_letters SET dead_at = '2026-05-01 10:01:01Z'")
	l.discard(t, "--all", "--why", "no CAS", "--by", "desk").wantDone(t)

	l.kill(t, alive, storage.ReasonCrashed)
	l.redrive(t, "--all").wantDone(t)
	worker := l.claim(t, alive)
	_, err := l.db.BeginAttempt(t.Context(), storage.NewAttempt{RequestID: "req_now", DocumentID: alive, WorkerID: worker, Endpoint: "/v4/smart/parse"})
	if err != nil {
		t.Fatal(err)
	}
	return l, dead, alive
}

func TestDeadShow_JSON(t *testing.T) {
	t.Parallel()
	l, dead, alive := setupHistory(t)
	requests := []string{requestOf(dead, storage.ReasonNotAPDF), requestOf(alive, storage.ReasonCrashed)}
	want := []shown{
		{
			DocumentID: dead.String(),
			Document: &shownDocument{
				Status: "dead", Bucket: l.bucket, ObjectKey: "in/ZZ*******Z_may.pdf", ETag: "etag", SizeBytes: 9, Kind: "smart",
				Queue: "bulk", Batch: "may", Counted: 1,
			},
			DeadLetter: &shownLetter{
				Reason: "not_a_pdf", HTTPStatus: 422, Message: "it is not_a_pdf", RequestID: requests[0], DiscardedBy: "desk", DiscardedWhy: "no CAS",
			},
			Attempts: []shownAttempt{
				{
					RequestID: "req_first", Endpoint: "/v4/smart/parse", Seconds: 2.5, Outcome: "failed", HTTPStatus: 503, Code: "BUSY",
					Message: "of ZZ*******Z", APIRequestID: "req_theirs",
				},
				{RequestID: requests[0], Endpoint: "/v4/smart/parse", Seconds: 1, Outcome: "refused", HTTPStatus: 422, Credits: "1.5"},
			},
		},
		{
			DocumentID: alive.String(),
			Document: &shownDocument{
				Status: "calling", Bucket: l.bucket, ObjectKey: "in/al\tive\n.pdf", ETag: "etag", Kind: "smart", Queue: "bulk", Batch: "may", Counted: 1,
			},
			DeadLetter: &shownLetter{Reason: "crashed", HTTPStatus: 422, Message: "it is crashed", RequestID: requests[1]},
			Attempts: []shownAttempt{
				{RequestID: requests[1], Endpoint: "/v4/smart/parse", Outcome: "refused", HTTPStatus: 422, Credits: "1.5"},
				{RequestID: "req_now", Endpoint: "/v4/smart/parse", Outcome: "calling"},
			},
		},
	}
	got := decode[[]shown](t, l.ask(t, "dead", "show", "--json", dead.String(), alive.String()).wantDone(t))
	if len(got) != 2 || len(got[1].Attempts) != 2 {
		t.Fatalf("dead show tells of %d documents, want 2 with all attempts", len(got))
	}
	first, now := got[0].Attempts[0], got[1].Attempts[1]
	at := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	if !first.StartedAt.Equal(at) || first.FinishedAt == nil || !first.FinishedAt.Equal(at.Add(2500*time.Millisecond)) ||
		first.RetryAt == nil || !first.RetryAt.Equal(at.Add(time.Minute)) {
		t.Errorf("times of the first attempt: %+v", first)
	}
	if now.FinishedAt != nil || got[1].DeadLetter.RedrivenAt == nil || got[0].DeadLetter.RedrivenAt != nil || got[0].DeadLetter.DiscardedAt == nil {
		t.Errorf("what is under way has ended, or who was redriven or discarded does not show: %+v", got)
	}
	got[1].Attempts[0].Seconds = 0 // whatever it was
	if diff := cmp.Diff(want, got, ignoreTimes); diff != "" {
		t.Errorf("dead show (-want +got):\n%s", diff)
	}
}

func TestDeadShow_Text(t *testing.T) {
	t.Parallel()
	l, dead, alive := setupHistory(t)
	lines := func(ids ...string) []string {
		var all []string
		for line := range strings.Lines(l.ask(t, append([]string{"dead", "show"}, ids...)...).wantDone(t)) {
			words := strings.Fields(line)
			if len(words) == 2 && slices.Contains([]string{"recorded", "finished", "discarded"}, words[0]) {
				words = words[:1] // and when that was
			}
			all = append(all, strings.Join(words, " "))
		}
		return all
	}
	request := requestOf(dead, storage.ReasonNotAPDF)
	want := []string{
		"document " + dead.String(), "status dead", "object " + l.address("in/ZZ*******Z_may.pdf"), "etag etag", "size 9 bytes",
		"kind smart", "queue bulk", "batch may", "recorded", "finished", "died 2026-05-01T10:01:01Z", "reason not_a_pdf", "http status 422",
		"message it is not_a_pdf", "request " + request, "discarded", "by desk", "why no CAS", "attempts 2 in all, 1 counted",
		"STARTED FINISHED TOOK ENDPOINT OUTCOME STATUS CODE CREDITS REQUEST API REQUEST RETRY AT MESSAGE",
		"2026-05-01T10:00:00Z 2026-05-01T10:00:02Z 2.5s /v4/smart/parse failed 503 BUSY req_first req_theirs 2026-05-01T10:01:00Z of ZZ*******Z",
		"2026-05-01T10:01:00Z 2026-05-01T10:01:01Z 1s /v4/smart/parse refused 422 1.5 " + request,
	}
	if diff := cmp.Diff(want, lines(dead.String())); diff != "" {
		t.Errorf("dead show (-want +got):\n%s", diff)
	}
	both := lines(dead.String(), alive.String())
	if len(both) < len(want)+4 || both[len(want)] != "" || both[len(want)+2] != "status calling" || both[len(want)+3] != "object "+l.address("in/al ive .pdf") {
		t.Errorf("the second one is not told apart, in lines of its own:\n%s", strings.Join(both, "\n"))
	}
	if text := l.ask(t, "dead", "show", "--unmasked", dead.String()).wantDone(t); !strings.Contains(text, l.address(panKey)) {
		t.Errorf("--unmasked does not show the key:\n%s", text)
	}
}

func TestDeadShow_Unknown(t *testing.T) {
	t.Parallel()
	g := setupGraveyard(t)
	one, other := uuid.NewString(), uuid.NewString()
	r := g.ask(t, "dead", "show", one, g.task.String(), other)
	if want := "document " + g.task.String() + " status a task without a document died "; !strings.HasPrefix(strings.Join(strings.Fields(r.stdout), " "), want) {
		t.Errorf("the known one is not shown:\n%s", r.stdout)
	}
	r.stdout = ""
	r.wantFaults(t, 1, "document "+one+": not in the ledger", "document "+other+": not in the ledger")
	g.ask(t, "dead", "show", one).wantFaults(t, 1, one)
}
