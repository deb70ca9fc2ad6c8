package storage_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

func noWait(int) time.Duration { return 0 }

// TestDB_BeginAttempt_Paused: no attempt begins while the account is paused.
func TestDB_BeginAttempt_Paused(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id, worker := claimed(t, db, "a.pdf")
	if paused, err := db.PauseAccount(t.Context(), storage.ReasonUnauthorized, 401, "m", noWait); !paused || err != nil {
		t.Fatalf("PauseAccount() = %t, %v", paused, err)
	}
	attempt := storage.NewAttempt{RequestID: "req_one", DocumentID: id, WorkerID: worker, Endpoint: "/v4/smart/parse", SHA256: [32]byte{1}}
	if n, err := db.BeginAttempt(t.Context(), attempt); n != 0 || !errors.Is(err, storage.ErrPaused) {
		t.Errorf("BeginAttempt() = %d, %v, want ErrPaused", n, err)
	}
	if attempts, err := db.Attempts(t.Context(), id); err != nil || len(attempts) != 0 {
		t.Errorf("Attempts() = %v, %v, want none", attempts, err)
	}
	if _, err := db.ResumeAccount(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := db.BeginAttempt(t.Context(), attempt); n != 1 || err != nil {
		t.Errorf("BeginAttempt() of the open account = %d, %v, want 1", n, err)
	}
}

// TestDB_BeginAttempt_SameBytes: of many documents with the same bytes that begin
// at once, one does.
func TestDB_BeginAttempt_SameBytes(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	const copies = 8
	attempts := make([]storage.NewAttempt, copies)
	for i := range attempts {
		id, worker := claimed(t, db, string(rune('a'+i))+".pdf")
		attempts[i] = storage.NewAttempt{
			RequestID: "req_" + string(rune('a'+i)), DocumentID: id, WorkerID: worker, Endpoint: "/v4/smart/parse", SHA256: [32]byte{7},
		}
	}
	errs := make([]error, copies)
	var group sync.WaitGroup
	for i, attempt := range attempts {
		group.Go(func() { _, errs[i] = db.BeginAttempt(t.Context(), attempt) })
	}
	group.Wait()
	begun := -1
	for i, err := range errs {
		switch {
		case err == nil && begun < 0:
			begun = i
		case err == nil:
			t.Errorf("both %d and %d have begun", begun, i)
		case !errors.Is(err, storage.ErrSameBytes):
			t.Errorf("BeginAttempt() = %v, want ErrSameBytes", err)
		}
	}
	if begun < 0 {
		t.Fatal("none has begun")
	}
	other := attempts[(begun+1)%copies]
	otherEndpoint := other
	otherEndpoint.Endpoint, otherEndpoint.RequestID = "/v4/cdsl/parse", "req_cdsl"
	if _, err := db.BeginAttempt(t.Context(), otherEndpoint); err != nil {
		t.Errorf("BeginAttempt() for another endpoint = %v, want none of our business", err)
	}
	// The first one fails: the next may try.
	third := attempts[(begun+2)%copies]
	end := storage.AttemptEnd{RequestID: attempts[begun].RequestID, Outcome: storage.OutcomeFailed}
	if err := db.Retry(t.Context(), attempts[begun].DocumentID, end, time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := db.BeginAttempt(t.Context(), third); err != nil {
		t.Errorf("BeginAttempt() after the first has failed = %v", err)
	}
}

// TestDB_ResumeAccount: what died of the account comes back, nothing else does.
func TestDB_ResumeAccount(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	reasons := []storage.Reason{
		storage.ReasonUnauthorized, storage.ReasonInsufficientCredits, storage.ReasonForbidden, storage.ReasonWrongPassword,
	}
	ids := make(map[storage.Reason]uuid.UUID)
	for _, reason := range reasons {
		id, _ := claimed(t, db, string(reason)+".pdf")
		ids[reason] = id
		if err := db.Bury(t.Context(), storage.DeadLetter{DocumentID: id, Reason: reason, Message: "m"}, storage.AttemptEnd{}); err != nil {
			t.Fatal(err)
		}
	}
	if redriven, err := db.ResumeAccount(t.Context()); len(redriven) != 0 || err != nil {
		t.Errorf("ResumeAccount() of an open one = %v, %v, want nothing done", redriven, err)
	}
	if _, err := db.PauseAccount(t.Context(), storage.ReasonInsufficientCredits, 402, "m", noWait); err != nil {
		t.Fatal(err)
	}
	if redriven, err := db.ResumeAccount(t.Context()); len(redriven) != 2 || err != nil {
		t.Errorf("ResumeAccount() = %v, %v, want two documents", redriven, err)
	}
	for _, reason := range reasons {
		want := storage.StatusDead
		if reason == storage.ReasonUnauthorized || reason == storage.ReasonInsufficientCredits {
			want = storage.StatusPending
		}
		if got := statusOf(t, db, ids[reason]); got != want {
			t.Errorf("%s: %s, want %s", reason, got, want)
		}
	}
	if got := storagetest.Rows(t, address, `SELECT reason FROM cas.dead_letters WHERE redriven_at IS NULL ORDER BY 1`); len(got) != 2 {
		t.Errorf("open dead letters: %v, want two", got)
	}
}

func TestDB_Settle(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	id, worker := claimed(t, db, "a.pdf")
	for _, request := range []string{"req_billed", "req_free", "req_open"} {
		begin(t, db, id, worker, request)
	}
	for _, request := range []string{"req_billed", "req_free"} {
		if err := db.EndAttempt(t.Context(), storage.AttemptEnd{RequestID: request, Outcome: storage.OutcomeUnknown}); err != nil {
			t.Fatal(err)
		}
	}
	unknown, err := db.UnknownAttempts(t.Context(), uuid.Nil, time.Time{})
	if err != nil || len(unknown) != 2 {
		t.Fatalf("UnknownAttempts() = %v, %v, want two", unknown, err)
	}
	if others, err := db.UnknownAttempts(t.Context(), uuid.New(), time.Time{}); err != nil || len(others) != 0 {
		t.Errorf("UnknownAttempts(another document) = %v, %v, want none", others, err)
	}
	if document, err := db.Document(t.Context(), id); err != nil || document.Unsettled != 3 {
		t.Errorf("unsettled = %d, %v, want 3: the open one counts", document.Unsettled, err)
	}
	settled, err := db.Settle(t.Context(), []storage.Settlement{
		{RequestID: "req_billed", HTTPStatus: 200, Credits: "1.0", Billed: true},
		{RequestID: "req_free", Credits: "0"},
		{RequestID: "req_open", HTTPStatus: 200, Credits: "1.0", Billed: true}, // is not unknown
	})
	if settled != 2 || err != nil {
		t.Errorf("Settle() = %d, %v, want 2", settled, err)
	}
	got := storagetest.Rows(t, address, `SELECT request_id, outcome, http_status, credits, settled_at IS NOT NULL FROM cas.attempts ORDER BY 1`)
	want := [][]string{
		{"req_billed", "lost", "200", "1.0", "t"}, {"req_free", "failed", "<null>", "0", "t"}, {"req_open", "calling", "<null>", "<null>", "f"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}

// TestDB_BeginAttempt_Answered: bytes that were answered while a document waited
// for its permit are not called for again.
func TestDB_BeginAttempt_Answered(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	first, firstWorker := claimed(t, db, "a.pdf")
	second, secondWorker := claimed(t, db, "b.pdf")
	attempt := storage.NewAttempt{RequestID: "req_a", DocumentID: first, WorkerID: firstWorker, Endpoint: "/v4/smart/parse", SHA256: [32]byte{9}}
	if _, err := db.BeginAttempt(t.Context(), attempt); err != nil {
		t.Fatal(err)
	}
	if _, err := db.AnswerFor(t.Context(), second, [32]byte{9}, "/v4/smart/parse"); !errors.Is(err, storage.ErrSameBytes) {
		t.Errorf("AnswerFor() during the call = %v, want ErrSameBytes", err)
	}
	answer := storage.Answer{DocumentID: first, SHA256: [32]byte{9}, Endpoint: "/v4/smart/parse", RequestID: "req_a", Body: []byte("{}"), ReceivedAt: time.Now()}
	end := storage.AttemptEnd{RequestID: "req_a", Outcome: storage.OutcomeAnswered, WorkerID: firstWorker}
	if err := db.SaveAnswer(t.Context(), answer, end); err != nil {
		t.Fatal(err)
	}
	if got, err := db.AnswerFor(t.Context(), second, [32]byte{9}, "/v4/smart/parse"); string(got.Body) != "{}" || err != nil {
		t.Errorf("AnswerFor() after the answer = %q, %v, want it", got.Body, err)
	}
	attempt = storage.NewAttempt{RequestID: "req_b", DocumentID: second, WorkerID: secondWorker, Endpoint: "/v4/smart/parse", SHA256: [32]byte{9}}
	if _, err := db.BeginAttempt(t.Context(), attempt); !errors.Is(err, storage.ErrSameBytes) {
		t.Errorf("BeginAttempt() after the answer = %v, want ErrSameBytes", err)
	}
}

// TestDB_LateWorker: a worker that was taken for dead moves nothing any more that
// another one holds.
func TestDB_LateWorker(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id, worker := claimed(t, db, "a.pdf")
	late := uuid.New()
	end := storage.AttemptEnd{RequestID: "req_late", Outcome: storage.OutcomeFailed, WorkerID: late}
	if err := db.Retry(t.Context(), id, end, time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, db, id); got != storage.StatusCalling {
		t.Errorf("after a late Retry(): %s, want calling", got)
	}
	if err := db.Bury(t.Context(), storage.DeadLetter{DocumentID: id, Reason: storage.ReasonBadRequest, Message: "m"}, end); err != nil {
		t.Fatal(err)
	}
	if letters, err := db.DeadLetters(t.Context(), storage.DeadFilter{}); len(letters) != 0 || err != nil {
		t.Errorf("after a late Bury(): %v, %v, want no dead letter", letters, err)
	}
	answer := storage.Answer{DocumentID: id, Endpoint: "/v4/smart/parse", RequestID: "req_late", Body: []byte("{}"), ReceivedAt: time.Now()}
	if err := db.SaveAnswer(t.Context(), answer, end); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, db, id); got != storage.StatusCalling {
		t.Errorf("after a late SaveAnswer(): %s, want calling; the answer itself is kept", got)
	}
	if _, err := db.Answer(t.Context(), id); err != nil {
		t.Errorf("the late answer: %v, want it kept", err)
	}
	end.WorkerID = worker
	if err := db.Retry(t.Context(), id, end, time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, db, id); got != storage.StatusQueued {
		t.Errorf("after Retry() of who holds it: %s, want queued", got)
	}
}

// TestDB_PauseForStragglers: who died of the account after it was opened comes back
// with the next probe, but not for ever.
func TestDB_PauseForStragglers(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	id, _ := claimed(t, db, "a.pdf")
	if err := db.Bury(t.Context(), storage.DeadLetter{DocumentID: id, Reason: storage.ReasonUnauthorized, Message: "m"}, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	paused := func() bool {
		t.Helper()
		if err := db.PauseForStragglers(t.Context()); err != nil {
			t.Fatal(err)
		}
		account, err := db.Account(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return account.Paused() && account.Due
	}
	if paused() {
		t.Error("paused for who has just died: the worker may be about to pause it itself")
	}
	storagetest.Rows(t, address, `UPDATE cas.dead_letters SET dead_at = now() - interval '1 hour'`)
	if !paused() {
		t.Error("not paused for a straggler")
	}
	if redriven, err := db.ResumeAccount(t.Context()); len(redriven) != 1 || err != nil {
		t.Errorf("ResumeAccount() = %v, %v, want the straggler", redriven, err)
	}
	storagetest.Rows(t, address, `UPDATE cas.dead_letters SET redriven_at = NULL, auto_redrives = 5`)
	if paused() {
		t.Error("paused for a document that is always refused")
	}
}

// TestDB_Idle_DiedOfAccount: there is something left to do while a document that died of
// the account is about to be put back, and no longer.
func TestDB_Idle_DiedOfAccount(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	expect := func(want bool, when string) {
		t.Helper()
		if idle, err := db.Idle(t.Context()); idle != want || err != nil {
			t.Errorf("Idle() = %t, %v %s, want %t", idle, err, when, want)
		}
	}
	id, _ := claimed(t, db, "a.pdf")
	bury := func(reason storage.Reason) {
		t.Helper()
		if err := db.Bury(t.Context(), storage.DeadLetter{DocumentID: id, Reason: reason, Message: "m"}, storage.AttemptEnd{}); err != nil {
			t.Fatal(err)
		}
	}
	bury(storage.ReasonUnauthorized)
	expect(false, "once a document was refused just as the account was opened")
	storagetest.Rows(t, address, `UPDATE cas.dead_letters SET reason = 'forbidden'`)
	expect(true, "once a document was refused for itself")
	pause := func(reason storage.Reason) {
		t.Helper()
		if _, err := db.PauseAccount(t.Context(), reason, 403, "m", func(int) time.Duration { return time.Hour }); err != nil {
			t.Fatal(err)
		}
	}
	pause(storage.ReasonForbidden)
	expect(false, "while the probe is due of an account that refuses all")
	storagetest.Rows(t, address, `UPDATE cas.account SET paused_reason = NULL, paused_at = NULL, next_probe_at = NULL, http_status = NULL, message = NULL`)
	storagetest.Rows(t, address, `UPDATE cas.dead_letters SET reason = 'unauthorized'`)
	pause(storage.ReasonUnauthorized)
	expect(false, "while the probe is due")
	if err := db.Probed(t.Context(), "m", time.Hour); err != nil {
		t.Fatal(err)
	}
	expect(true, "while the account is unwell and a probe an hour away")
	if redriven, err := db.ResumeAccount(t.Context()); len(redriven) != 1 || err != nil {
		t.Fatalf("ResumeAccount() = %v, %v, want the document", redriven, err)
	}
	expect(false, "with the document put back")

	storagetest.Rows(t, address, `UPDATE cas.dead_letters SET redriven_at = NULL`)
	storagetest.Rows(t, address, `UPDATE cas.documents SET status = 'dead', finished_at = now()`)
	for _, column := range []string{"redriven_at = now()", "discarded_at = now(), discarded_by = 'b', discarded_why = 'w'", "auto_redrives = 5", "reason = 'wrong_password'"} {
		expect(false, "with the document refused again")
		storagetest.Rows(t, address, `UPDATE cas.dead_letters SET `+column)
		expect(true, "with a letter of "+column)
		storagetest.Rows(t, address, `UPDATE cas.dead_letters SET redriven_at = NULL, discarded_at = NULL, discarded_by = NULL, discarded_why = NULL, auto_redrives = 1, reason = 'unauthorized'`)
	}
	storagetest.Rows(t, address, `UPDATE cas.account SET probes = 5`)
	expect(true, "with an account that probes found well five times, and no statement came of it")
}

// TestDB_ReleaseAbandoned: a claim of which its worker does not know is given back,
// what it works on or has just claimed is not.
func TestDB_ReleaseAbandoned(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	id, worker := claimed(t, db, "a.pdf")
	begin(t, db, id, worker, "req_open")
	release := func(working ...uuid.UUID) int {
		t.Helper()
		n, err := db.ReleaseAbandoned(t.Context(), worker, working)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := release(); n != 0 {
		t.Errorf("%d released that were claimed just now", n)
	}
	storagetest.Rows(t, address, `UPDATE cas.documents SET updated_at = now() - interval '1 minute'`)
	if n := release(uuid.New(), id); n != 0 {
		t.Errorf("%d released that are worked on", n)
	}
	if n := release(uuid.New()); n != 1 {
		t.Errorf("%d released, want the one that nobody works on", n)
	}
	if got := statusOf(t, db, id); got != storage.StatusPending {
		t.Errorf("%s, want pending", got)
	}
	if got := storagetest.Rows(t, address, `SELECT outcome FROM cas.attempts`); got[0][0] != "unknown" {
		t.Errorf("its open attempt is %s, want unknown", got[0][0])
	}
}

// TestDB_BeginAttempt_UnknownTwin: while it is not known whether a document was
// answered, a copy of its bytes waits; of two copies that are not known the first goes.
func TestDB_BeginAttempt_UnknownTwin(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	begin := func(key, request string) (storage.NewAttempt, error) {
		t.Helper()
		id, worker := claimed(t, db, key)
		a := storage.NewAttempt{RequestID: request, DocumentID: id, WorkerID: worker, Endpoint: "/v4/smart/parse", SHA256: [32]byte{7}}
		_, found := db.AnswerFor(t.Context(), id, a.SHA256, a.Endpoint)
		if !errors.Is(found, storage.ErrSameBytes) && !errors.Is(found, storage.ErrNotFound) {
			t.Fatal(found)
		}
		_, err := db.BeginAttempt(t.Context(), a)
		if errors.Is(found, storage.ErrSameBytes) != errors.Is(err, storage.ErrSameBytes) {
			t.Errorf("AnswerFor(%s) = %v, but BeginAttempt() = %v", key, found, err)
		}
		return a, err
	}
	release := func(a storage.NewAttempt) {
		t.Helper()
		if err := db.Release(t.Context(), a.DocumentID, a.WorkerID, 0); err != nil {
			t.Fatal(err)
		}
	}
	first, err := begin("a.pdf", "req_a")
	if err != nil {
		t.Fatal(err)
	}
	release(first) // its attempt stays unknown
	second, err := begin("b.pdf", "req_b")
	if !errors.Is(err, storage.ErrSameBytes) {
		t.Errorf("BeginAttempt() of a copy = %v, want ErrSameBytes", err)
	}
	release(second)
	if first, err = begin("a.pdf", "req_c"); err != nil {
		t.Errorf("BeginAttempt() of the first = %v, want it to go on", err)
	}
	release(first)
	// Both unknown, as when both were called for before this rule.
	if _, err := db.Settle(t.Context(), []storage.Settlement{{RequestID: "req_a"}, {RequestID: "req_c"}}); err != nil {
		t.Fatal(err)
	}
	if second, err = begin("b.pdf", "req_d"); err != nil {
		t.Errorf("BeginAttempt() of the copy, the first settled = %v", err)
	}
	release(second)
	if _, err = begin("a.pdf", "req_e"); !errors.Is(err, storage.ErrSameBytes) {
		t.Errorf("BeginAttempt() of the first, the copy unknown = %v, want ErrSameBytes", err)
	}
	if _, err = begin("b.pdf", "req_f"); err != nil {
		t.Errorf("BeginAttempt() of the copy itself = %v", err)
	}
}
