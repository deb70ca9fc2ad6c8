package storage_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// many is full with several rows in some tables, in another order than that of their
// places, and JSON in other forms than Postgres writes it.
func many(i int) *storage.Statement {
	s := full()
	s.Key.PAN = fmt.Sprintf("ZZZPA%04dZ", i)
	s.Form = `{"meta.cas_type":"nsdl" , "b":1.0,"a":"\u0041"}`
	first := s.DematHoldings[0]
	s.DematHoldings = nil
	for _, at := range []int{2, 0, 1} {
		first.Holding, first.Extra = at, fmt.Sprintf(`{"long name":%d,"b":[1, 2.50]}`, at)
		s.DematHoldings = append(s.DematHoldings, first)
	}
	s.Transactions = append(s.Transactions,
		storage.Transaction{HoldingKind: storage.KindOfDemat, Ordinal: 0, Date: "2025-04-09", Units: "1.50", Credit: "1e-3"},
		storage.Transaction{HoldingKind: storage.KindOfMutualFund, Ordinal: 1, Description: "Zinseszins für €"},
	)
	s.DematAccounts = append(s.DematAccounts, storage.DematAccount{LinkedPANs: []string{}, Rest: storage.Rest{Form: `{"value":"1,00"}`}})
	s.Checks = []storage.Check{{Name: "account_value", Subject: "demat_accounts", Account: "0", Expected: "1.0", Found: "2.00", Difference: "1.00"}}
	return s
}

// reread is an answer that was read as content.
func reread(answer storage.Answer, content storage.Content) storage.Reread {
	return storage.Reread{Answer: answer, Sum: sha256.Sum256(answer.Body), Content: content}
}

// replayed are answers that are saved, and are read anew.
func replayed(t *testing.T, db *storage.DB, contents ...storage.Content) []storage.Reread {
	t.Helper()
	rereads := make([]storage.Reread, len(contents))
	for i, content := range contents {
		id := record(t, db, newDocument(fmt.Sprintf("%d.pdf", i), storage.QueueBulk))[0]
		if _, err := db.Save(t.Context(), answerFor(id), content, storage.AttemptEnd{}); err != nil {
			t.Fatal(err)
		}
		rereads[i] = reread(answerFor(id), content)
	}
	return rereads
}

func resaveAll(t *testing.T, db *storage.DB, rereads []storage.Reread) []storage.Resaved {
	t.Helper()
	saved, err := db.ResaveAll(t.Context(), rereads)
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

// rowTables are the tables that a replay may write to, but for that of documents.
func rowTables() []string {
	return append(append(storage.StatementTables(), storage.ContractNoteTables()...), "statement_checks", "statement_revisions", "contract_note_revisions")
}

// versions are the rows of tables as they are stored: written anew, they are others.
func versions(t *testing.T, address string) map[string]string {
	t.Helper()
	return byTable(t, address, "concat_ws(' ', t.ctid, t.xmin, t)")
}

// texts are the rows of tables, without when a decision was noted.
func texts(t *testing.T, address string) map[string]string {
	t.Helper()
	return byTable(t, address, "(to_jsonb(t) - 'decided_at')::text")
}

func byTable(t *testing.T, address, row string) map[string]string {
	t.Helper()
	var each []string
	for _, table := range rowTables() {
		each = append(each, "SELECT '"+table+"', string_agg("+row+", E'\n' ORDER BY "+row+") FROM cas."+table+" AS t")
	}
	all := make(map[string]string)
	for _, row := range storagetest.Rows(t, address, strings.Join(each, " UNION ALL ")) {
		all[row[0]] = row[1]
	}
	return all
}

// TestDB_ResaveAll_Same: nothing is written of answers that are read as before, but
// that they were read.
func TestDB_ResaveAll_Same(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	empty := &storage.Statement{Key: full().Key, ReceivedAt: arrival(0)}
	empty.Key.PAN = "ZZZPB0002Z"
	rereads := replayed(t, db, many(1), many(2), fullNote(0, "one"), empty)
	want := versions(t, address)
	storagetest.Rows(t, address, `UPDATE cas.documents SET normalized_at = NULL`)
	for i, saved := range resaveAll(t, db, rereads) {
		if !saved.Current || saved.Err != nil {
			t.Errorf("%d: %+v, want current", i, saved)
		}
	}
	if diff := cmp.Diff(want, versions(t, address)); diff != "" {
		t.Errorf("rows are written (-before +after):\n%s", diff)
	}
	if got := storagetest.Rows(t, address, `SELECT count(*) FROM cas.documents WHERE normalized_at IS NULL OR status <> 'parsed'`); got[0][0] != "0" {
		t.Errorf("%s documents are not noted as read", got[0][0])
	}
}

// TestDB_ResaveAll_Damaged: whatever has become of a row, it is put right again, and
// tables in which nothing has are left alone.
func TestDB_ResaveAll_Damaged(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	rereads := replayed(t, db, many(1), fullNote(0, "one"), many(2))
	want := texts(t, address)
	mend := func(damage ...string) {
		t.Helper()
		if err := storagetest.Exec(t, address, strings.Join(damage, ";")); err != nil {
			t.Fatal(err)
		}
		if cmp.Equal(want, texts(t, address)) {
			t.Fatalf("%s: has damaged nothing", damage)
		}
		for i, saved := range resaveAll(t, db, rereads) {
			if !saved.Current || saved.Err != nil {
				t.Errorf("%s: %d: %+v, want current", damage, i, saved)
			}
		}
		if diff := cmp.Diff(want, texts(t, address)); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", damage, diff)
		}
	}
	all := damages(t, address)
	for _, table := range rowTables() {
		before := versions(t, address)
		mend(all[table][0])
		for other, stands := range versions(t, address) {
			header := slices.Contains([]string{"statements", "contract_notes"}, table) || slices.Contains([]string{"statements", "contract_notes"}, other)
			if !header && other != table && stands != before[other] {
				t.Errorf("%s: has rewritten %s", all[table][0], other)
			}
		}
	}
	for round := 1; len(all) > 0; round++ { // of the next in each table
		var damage []string
		for table, damages := range all {
			if round < len(damages) {
				damage = append(damage, damages[round])
			} else {
				delete(all, table)
			}
		}
		if len(damage) > 0 {
			mend(damage...)
		}
	}
}

// TestDB_ResaveAll_Changed: answers that are read otherwise now have their new rows,
// and one that Postgres refuses does not keep the others from that.
func TestDB_ResaveAll_Changed(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	rereads := replayed(t, db, many(1), many(2), many(3), many(4))
	refused, moved := many(2), many(3)
	refused.DematHoldings[0].AssetClass = "unheard of"
	moved.Key.CASType = "CDSL"
	less := many(4)
	less.Investor.Name, less.Transactions, less.DematHoldings = "Other", nil, less.DematHoldings[:2]
	less.Folios = append(less.Folios, less.Folios[0])
	for i, content := range []storage.Content{1: refused, 2: moved, 3: less} {
		if content != nil {
			rereads[i].Content = content
		}
	}
	gone := reread(answerFor(uuid.New()), many(5))
	saved := resaveAll(t, db, append(rereads, gone))
	for i, want := range []error{nil, storage.ErrRefused, nil, nil, storage.ErrNotFound} {
		if got := saved[i]; !errors.Is(got.Err, want) || got.Current != (want == nil) {
			t.Errorf("%d: %+v, want %v", i, got, want)
		}
	}
	for sql, want := range map[string]string{
		`SELECT string_agg(DISTINCT pan || cas_type, ' ' ORDER BY pan || cas_type) FROM cas.statements`:                         "ZZZPA0001ZNSDL ZZZPA0002ZNSDL ZZZPA0003ZCDSL ZZZPA0004ZNSDL",
		`SELECT string_agg(DISTINCT pan || cas_type, ' ' ORDER BY pan || cas_type) FROM cas.demat_holdings`:                     "ZZZPA0001ZNSDL ZZZPA0002ZNSDL ZZZPA0003ZCDSL ZZZPA0004ZNSDL",
		`SELECT count(*) FROM cas.demat_holdings WHERE pan = 'ZZZPA0004Z'`:                                                      "2",
		`SELECT count(*) FROM cas.demat_holdings WHERE pan = 'ZZZPA0002Z' AND asset_class = 'equity'`:                           "3",
		`SELECT count(*) FROM cas.transactions WHERE pan = 'ZZZPA0004Z'`:                                                        "0",
		`SELECT count(*) FROM cas.mutual_fund_folios WHERE pan = 'ZZZPA0004Z'`:                                                  "2",
		`SELECT investor_name || transaction_count FROM cas.statements WHERE pan = 'ZZZPA0004Z'`:                                "Other0",
		`SELECT count(*) || ' ' || max(revision) FROM cas.statement_revisions WHERE pan <> 'ZZZPA0003Z'`:                        "3 1",
		`SELECT count(*) FROM cas.documents d JOIN cas.statements s USING (document_id, pan, period_from, period_to, cas_type)`: "4",
	} {
		if got := storagetest.Rows(t, address, sql)[0][0]; got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
}

// TestDB_ResaveAll_AtOnce: while others save answers for the same statement, and read
// the same ones anew, the rows are always those of one answer, the best one.
func TestDB_ResaveAll_AtOnce(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	const answers = 6
	rereads := make([]storage.Reread, answers)
	for i := range rereads {
		id := record(t, db, newDocument(fmt.Sprint(i), storage.QueueBulk))[0]
		answer := answerFor(id)
		answer.ReceivedAt = arrival(i)
		rereads[i] = reread(answer, named(i, ""))
	}
	for round := range 5 {
		var group sync.WaitGroup
		for i, r := range rereads {
			group.Go(func() {
				if _, err := db.Save(t.Context(), r.Answer, r.Content, storage.AttemptEnd{}); err != nil {
					t.Errorf("save %d: %v", i, err)
				}
			})
		}
		for other := range 3 {
			group.Go(func() {
				read := slices.Clone(rereads)
				for i := range read {
					read[i].Content = named(i, fmt.Sprint(" by ", other))
				}
				if _, err := db.ResaveAll(context.WithoutCancel(t.Context()), read); err != nil {
					t.Errorf("read anew: %v", err)
				}
			})
		}
		group.Wait()
		got := storagetest.Rows(t, address, `SELECT DISTINCT split_part(s.investor_name, ' ', 1), s.investor_name = f.name AND s.investor_name = x.description AND s.investor_name = h.name
			FROM cas.statements s FULL JOIN cas.nps_funds f USING (pan) FULL JOIN cas.transactions x USING (pan) FULL JOIN cas.demat_holdings h USING (pan)`)
		if diff := cmp.Diff([][]string{{fmt.Sprint(answers - 1), "t"}}, got); diff != "" {
			t.Errorf("round %d (-want +got):\n%s", round, diff)
		}
	}
}

// named is a statement whose rows tell the answer, and by whom it was read.
func named(i int, by string) *storage.Statement {
	s := full()
	name := fmt.Sprint(i, by)
	s.GeneratedAt, s.ReceivedAt = "", arrival(i)
	s.Investor.Name, s.NPSFunds[0].Name, s.Transactions[0].Description, s.DematHoldings[0].Name = name, name, name, name
	return s
}

// TestDB_ResaveAll_Texts: a connection whose settings have rows come as texts is slower,
// and no less right.
func TestDB_ResaveAll_Texts(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	rereads := replayed(t, db, many(1), fullNote(0, "one"))
	want := texts(t, address)
	storagetest.Rows(t, address, `DELETE FROM cas.transactions`)
	plain, err := storage.Open(t.Context(), address+"&default_query_exec_mode=simple_protocol", 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plain.Close)
	resaveAll(t, plain, rereads)
	if diff := cmp.Diff(want, texts(t, address)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDB_ReplayGrowth: what a replay asks for each page and group of documents does not
// go through a table that grows with them.
func TestDB_ReplayGrowth(t *testing.T) {
	t.Parallel()
	address := storagetest.URL(t)
	fill(t, address, 50_000)
	db, asked := traced(t, address)
	rereads := replayed(t, db, many(1), many(2), many(3))
	replay, err := db.StartReplay(t.Context(), storage.ReplayFilter{}, false)
	if err != nil {
		t.Fatal(err)
	}
	asked.texts = nil // counting what is left goes through all, once
	enough := errors.New("enough")
	if err := db.ReplayGroups(t.Context(), replay, storage.ReplayFilter{}, func([]storage.Replayed) error { return enough }); !errors.Is(err, enough) {
		t.Fatal(err)
	}
	if _, err := db.Answers(t.Context(), []uuid.UUID{rereads[0].Answer.DocumentID, rereads[1].Answer.DocumentID}); err != nil {
		t.Fatal(err)
	}
	storagetest.Rows(t, address, `UPDATE cas.transactions SET amount = 1 WHERE pan = 'ZZZPA0001Z'`)
	storagetest.Rows(t, address, `UPDATE cas.statements SET investor_name = 'x' WHERE pan = 'ZZZPA0001Z'`)
	resaveAll(t, db, rereads)
	if explained := asked.cheap(t, address); explained < 30 {
		t.Errorf("only %d plans were looked at", explained)
	}
}
