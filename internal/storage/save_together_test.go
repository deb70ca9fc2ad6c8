package storage_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// called are documents for which calls have been answered: how to save each.
type called struct {
	db       *storage.DB
	address  string
	ids      []uuid.UUID
	contents []storage.Content
}

// callFor records a document for each content, under a batch, and begins its call.
func callFor(t *testing.T, db *storage.DB, address string, contents ...storage.Content) called {
	t.Helper()
	c := called{db: db, address: address, contents: contents}
	worker := startWorker(t, db)
	for i := range contents {
		document := newDocument(fmt.Sprintf("%03d.pdf", i), storage.QueueBulk)
		document.Batch, document.SealedPasswords = "june", []byte("sealed")
		c.ids = append(c.ids, record(t, db, document)...)
		if _, err := db.Claim(t.Context(), c.ids[i], worker); err != nil {
			t.Fatal(err)
		}
		_, err := db.BeginAttempt(t.Context(), storage.NewAttempt{
			RequestID: c.request(i), DocumentID: c.ids[i], WorkerID: worker, Endpoint: "/v4/smart/parse", SHA256: sha256.Sum256(c.ids[i][:]), SizeBytes: 9,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *called) request(i int) string { return fmt.Sprintf("req_%03d", i) }

type saveFunc func(context.Context, storage.Answer, storage.Content, storage.AttemptEnd) (storage.Saved, error)

// save saves one of the documents.
func (c *called) save(t *testing.T, i int, save saveFunc) (storage.Saved, error) {
	t.Helper()
	answer := answerFor(c.ids[i])
	answer.SHA256, answer.RequestID, answer.Body = sha256.Sum256(c.ids[i][:]), c.request(i), fmt.Appendf(nil, `{"meta":{"answer":%d}}`, i)
	return save(t.Context(), answer, c.contents[i], storage.AttemptEnd{
		RequestID: c.request(i), Outcome: storage.OutcomeAnswered, HTTPStatus: 200, APIRequestID: "api_" + c.request(i), Credits: []string{"1.0", "0"}[i%2],
	})
}

// saveAll saves the documents at once and returns what came of each.
func (c *called) saveAll(t *testing.T) ([]storage.Saved, []error) {
	t.Helper()
	saved, errs := make([]storage.Saved, len(c.ids)), make([]error, len(c.ids))
	var group sync.WaitGroup
	for i := range c.ids {
		group.Go(func() { saved[i], errs[i] = c.save(t, i, c.db.Save) })
	}
	group.Wait()
	return saved, errs
}

// transactions is in how many of them the answers were written.
func (c *called) transactions(t *testing.T) string {
	t.Helper()
	return storagetest.Rows(t, c.address, `SELECT count(DISTINCT xmin::text) FROM cas.answers`)[0][0]
}

// ledger is all that a save leaves behind, besides the time.
func ledger(t *testing.T, address string) map[string]string {
	t.Helper()
	left := texts(t, address)
	for table, row := range map[string]string{
		"answers":          "(to_jsonb(t))::text",
		"documents":        "(to_jsonb(t) - '{created_at,updated_at,finished_at,normalized_at,claimed_by}'::text[])::text || (t.finished_at IS NULL)::text || (t.normalized_at IS NULL)::text || (t.claimed_by IS NULL)::text",
		"attempts":         "(to_jsonb(t) - '{started_at,finished_at,worker_id}'::text[])::text || (t.finished_at IS NULL)::text",
		"call_changes":     "concat_ws(' ', t.batch, t.calls, t.discount)",
		"document_changes": "concat_ws(' ', t.batch, t.state, t.documents, t.credits)",
	} {
		from := "cas." + table + " AS t"
		switch table { // of which the sums matter
		case "call_changes":
			from = "(SELECT batch, sum(calls) AS calls, sum(discount) AS discount FROM cas.call_changes GROUP BY batch) AS t"
		case "document_changes":
			from = "(SELECT batch, state, sum(documents) AS documents, sum(credits) AS credits FROM cas.document_changes GROUP BY batch, state) AS t"
		}
		left[table] = storagetest.Rows(t, address, "SELECT string_agg("+row+", E'\n' ORDER BY "+row+") FROM "+from)[0][0]
	}
	return left
}

// someContents are statements, and a contract note among them, each of an investor of
// its own.
func someContents(n int) []storage.Content {
	contents := make([]storage.Content, n)
	for i := range contents {
		contents[i] = many(i)
		if i%5 == 4 {
			note := fullNote(i, "note")
			note.Key.PAN = fmt.Sprintf("ZZZPN%04dZ", i)
			contents[i] = note
		}
	}
	return contents
}

// TestDB_Save_Together: documents that are saved at once leave the same behind as those
// that are saved one by one, in fewer transactions.
func TestDB_Save_Together(t *testing.T) {
	t.Parallel()
	const n = 30
	db, address := storagetest.NewURL(t)
	group := callFor(t, db, address, someContents(n)...)
	otherDB, otherAddress := storagetest.NewURL(t)
	single := callFor(t, otherDB, otherAddress, someContents(n)...)
	for _, c := range []*called{&group, &single} { // one that is saved before has nothing to wait for
		if err := storagetest.Exec(t, c.address, `UPDATE cas.account SET probes = 3`); err != nil {
			t.Fatal(err)
		}
	}
	saved, errs := group.saveAll(t)
	for i := range n {
		want, err := single.save(t, i, otherDB.SaveAlone)
		if err != nil || errs[i] != nil {
			t.Fatalf("document %d: %v, alone %v", i, errs[i], err)
		}
		maps.DeleteFunc(want.Rows, func(_ string, rows int64) bool { return rows == 0 })
		if diff := cmp.Diff(want.Rows, saved[i].Rows); diff != "" || !saved[i].Current || !want.Current {
			t.Errorf("document %d: %+v, rows (-alone +together):\n%s", i, saved[i], diff)
		}
	}
	if diff := cmp.Diff(ledger(t, otherAddress), ledger(t, address)); diff != "" {
		t.Errorf("(-alone +together):\n%s", diff)
	}
	for _, c := range []called{group, single} {
		if got := storagetest.Rows(t, c.address, `SELECT probes FROM cas.account`)[0][0]; got != "0" {
			t.Errorf("%s probes are left of an account that answers", got)
		}
	}
	if got := single.transactions(t); got != fmt.Sprint(n) {
		t.Errorf("saved alone in %s transactions, want %d", got, n)
	}
	var transactions int
	if _, err := fmt.Sscan(group.transactions(t), &transactions); err != nil || transactions > n/2 {
		t.Errorf("saved together in %d transactions (%v), want at most %d", transactions, err, n/2)
	}
	// Once more changes nothing: that is what a worker does that was told of no end.
	before := ledger(t, address)
	if _, errs := group.saveAll(t); errors.Join(errs...) != nil {
		t.Error(errors.Join(errs...))
	}
	if diff := cmp.Diff(before, ledger(t, address)); diff != "" {
		t.Errorf("saved again (-before +after):\n%s", diff)
	}
}

// TestDB_Save_Together_Odd: one document that somebody holds, one that Postgres refuses
// and those that are of one statement keep nobody from being saved.
func TestDB_Save_Together_Odd(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	const n, held, refused, gone, best = 24, 3, 7, 11, 19
	contents := someContents(n)
	contents[refused] = func() storage.Content { s := many(refused); s.Schemes[0].NAV = "not a number"; return s }()
	nullByte := many(refused + 1)
	nullByte.Investor.Name = "a\x00b" // which only Postgres refuses
	contents[refused+1] = nullByte
	for _, i := range []int{15, 16, best} { // one statement, which the last of them generated latest
		s := many(15)
		s.Investor.Name, s.GeneratedAt, s.ReceivedAt = fmt.Sprint(i), fmt.Sprintf("2025-05-%02dT00:00:00Z", i), arrival(n-i)
		contents[i] = s
	}
	c := callFor(t, db, address, contents...)
	if err := storagetest.Exec(t, address, `DELETE FROM cas.documents WHERE document_id = '`+c.ids[gone].String()+`'`); err != nil {
		t.Fatal(err)
	}
	release := holding(t, address, `SELECT FROM cas.documents WHERE document_id = '`+c.ids[held].String()+`' FOR UPDATE`)
	errs := make([]error, n)
	var others, last sync.WaitGroup
	for i := range n {
		group := &others
		if i == held {
			group = &last
		}
		group.Go(func() { _, errs[i] = c.save(t, i, db.Save) })
	}
	others.Wait() // with the document held
	release()
	last.Wait()
	for i, err := range errs {
		var want error
		switch i {
		case refused, refused + 1:
			want = storage.ErrRefused
		case gone:
			want = storage.ErrNotFound
		}
		if !errors.Is(err, want) {
			t.Errorf("document %d: %v, want %v", i, err, want)
		}
	}
	got := storagetest.Rows(t, address, `SELECT status, count(*) FROM cas.documents GROUP BY 1 ORDER BY 1`)
	if diff := cmp.Diff([][]string{{"calling", "2"}, {"parsed", "21"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got = storagetest.Rows(t, address, `SELECT s.investor_name, (SELECT count(*) FROM cas.nps_funds f WHERE f.pan = s.pan), count(DISTINCT r.document_id),
			bool_or(r.outcome = 'won' AND r.document_id = s.document_id AND r.revision = s.revision)
		FROM cas.statements s JOIN cas.statement_revisions r USING (pan) WHERE pan = '`+many(15).Key.PAN+`' GROUP BY s.pan, s.investor_name`)
	if diff := cmp.Diff([][]string{{fmt.Sprint(best), "1", "3", "t"}}, got); diff != "" {
		t.Errorf("of one statement (-want +got):\n%s", diff)
	}
}
