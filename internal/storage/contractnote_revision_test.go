package storage_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// saveNote saves an answer for the note of fullNote(), which carries the name of its
// document.
func saveNote(t *testing.T, db *storage.DB, name string, minute int, transactions bool) {
	t.Helper()
	id := record(t, db, newDocument(name, storage.QueueBulk))[0]
	note := fullNote(minute, name)
	note.Equities[0].SecurityName = name
	if !transactions {
		note.Equities, note.Derivatives, note.Trades = nil, nil, nil
	}
	if _, err := db.Save(t.Context(), answerFor(id), note, storage.AttemptEnd{}); err != nil {
		t.Error(err)
	}
}

// TestDB_SaveContractNote_RevisionsNoted: which document won or lost, and why.
func TestDB_SaveContractNote_RevisionsNoted(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	steps := []struct {
		name            string
		minute          int
		transactions    bool
		revision        string
		outcome, reason string
	}{
		{"a", 5, false, "1", "won", "first"},
		{"b", 4, false, "1", "lost", "older"},
		{"c", 1, true, "2", "won", "has_transactions"},
		{"d", 9, false, "2", "lost", "no_transactions"},
		{"e", 3, true, "3", "won", "later_arrival"},
		{"f", 2, true, "3", "lost", "older"},
	}
	var want [][]string
	for _, step := range steps {
		for range 2 { // a redelivery is no new revision
			saveNote(t, db, step.name, step.minute, step.transactions)
		}
		count := "0"
		if step.transactions {
			count = "4"
		}
		want = append(want, []string{step.name, step.revision, step.outcome, step.reason, count})
	}
	got := storagetest.Rows(t, address, `SELECT d.object_key, r.revision, r.outcome, r.reason, r.transaction_count
		FROM cas.contract_note_revisions r JOIN cas.documents d USING (document_id) ORDER BY d.object_key`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := storagetest.Rows(t, address, `SELECT count(*) FROM cas.statement_revisions`); got[0][0] != "0" {
		t.Errorf("%s revisions of statements, want none", got[0][0])
	}
}

// TestDB_SaveContractNote_AtOnce saves answers for one note at the same moment, over
// and over: whatever the order, the best one has the place with all of its rows, and
// the revisions are counted without a gap.
func TestDB_SaveContractNote_AtOnce(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	const answers = 12
	const best = "10" // the last of those with transactions
	for round := range 3 {
		order := rand.Perm(answers)
		var group sync.WaitGroup
		for _, i := range order {
			group.Go(func() { saveNote(t, db, fmt.Sprint(i), i, i != answers-1) })
		}
		group.Wait()
		got := storagetest.Rows(t, address, `SELECT n.client_name, e.security_name, n.transaction_count,
				(SELECT count(*) FROM cas.contract_note_derivatives), (SELECT count(*) FROM cas.contract_note_trades)
			FROM cas.contract_notes n JOIN cas.contract_note_equities e USING (pan)`)
		if diff := cmp.Diff([][]string{{best, best, "4", "1", "2"}}, got); diff != "" {
			t.Errorf("round %d, order %v (-want +got):\n%s", round, order, diff)
		}
		got = storagetest.Rows(t, address, `SELECT n.revision = count(*) FILTER (WHERE r.outcome = 'won'),
				n.revision = max(r.revision), count(DISTINCT r.document_id),
				bool_or(r.outcome = 'won' AND r.document_id = n.document_id AND r.revision = n.revision)
			FROM cas.contract_notes n JOIN cas.contract_note_revisions r USING (pan) GROUP BY n.revision, n.document_id`)
		if diff := cmp.Diff([][]string{{"t", "t", "12", "t"}}, got); diff != "" {
			t.Errorf("round %d, order %v: revisions (-want +got):\n%s", round, order, diff)
		}
	}
}

// TestViews_ContractNotes: the masked views tell all that the tables do but whose it is.
func TestViews_ContractNotes(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	note := fullNote(1, "Asha Sample")
	note.Client.UCC, note.Client.Address = "ZZPA0001Z-code", "1, Example Road"
	note.Equities[0].SecurityName, note.Derivatives[0].ContractDescription = "of ZZZPA0001Z", "for zzzpa0001z"
	note.Trades[0].SecurityDescription, note.Trades[1].Remarks = "ZZZPA0001Z/EQ", "by ZZZPB0002Z"
	id := record(t, db, newDocument("a.pdf", storage.QueueBulk))[0]
	if _, err := db.Save(t.Context(), answerFor(id), note, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	runScript(t, address, rolesPath)
	for sql, want := range map[string][][]string{
		`SELECT pan, trade_date, contract_note_number, net_amount_receivable_payable, transaction_count FROM cas.pan_masked_contract_notes`: {
			{"ZZ*******Z", "2025-04-07", "CN/1", "-1001.780", "4"},
		},
		`SELECT pan, isin, security_name, buy_quantity FROM cas.pan_masked_contract_note_equities`: {
			{"ZZ*******Z", "INE0ZZ901010", "of ZZ*******Z", "10"},
		},
		`SELECT pan, contract_description, quantity FROM cas.pan_masked_contract_note_derivatives`: {
			{"ZZ*******Z", "for zz*******z", "-50"},
		},
		`SELECT pan, ordinal, order_number, security_description, remarks FROM cas.pan_masked_contract_note_trades ORDER BY ordinal`: {
			{"ZZ*******Z", "0", "0130000001234567890123", "ZZ*******Z/EQ", "<null>"},
			{"ZZ*******Z", "1", "<null>", "<null>", "by ZZ*******Z"},
		},
	} {
		if diff := cmp.Diff(want, storagetest.Rows(t, address, sql)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sql, diff)
		}
		if err := storagetest.Exec(t, address, "BEGIN; SET LOCAL ROLE casflow_analyst; "+sql+"; ROLLBACK"); err != nil {
			t.Errorf("as casflow_analyst: %s: %v", sql, err)
		}
	}
	for _, table := range storage.ContractNoteTables() {
		if err := storagetest.Exec(t, address, "BEGIN; SET LOCAL ROLE casflow_analyst; SELECT pan FROM cas."+table+"; ROLLBACK"); err == nil {
			t.Errorf("casflow_analyst may read %s", table)
		}
		text := storagetest.Rows(t, address, "SELECT string_agg(m::text, ' ') FROM cas.pan_masked_"+table+" m")[0][0]
		for _, secret := range []string{"PA0001", "pa0001", "PB0002", "Asha", "Example Road"} {
			if strings.Contains(text, secret) {
				t.Errorf("pan_masked_%s tells %q", table, secret)
			}
		}
	}
}
