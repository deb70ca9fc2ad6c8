package storage_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

func arrival(minute int) time.Time {
	return time.Date(2026, 5, 2, 1, minute, 0, 0, time.UTC)
}

func answerFor(document uuid.UUID) storage.Answer {
	return storage.Answer{
		DocumentID: document, SHA256: [32]byte{7}, Endpoint: "/v4/smart/parse", RequestID: "req_one",
		Body: []byte(`{"meta":{}}`), ReceivedAt: arrival(0),
	}
}

// full is a statement with a row in every table, and text that needs quoting.
func full() *storage.Statement {
	return &storage.Statement{
		Key:        storage.StatementKey{PAN: "ZZZPA0001Z", PeriodFrom: "2025-04-01", PeriodTo: "2025-04-30", CASType: "NSDL"},
		Investor:   storage.Investor{Name: "Asha Sample", Email: "asha@example.invalid", CASID: "ZZ0099"},
		TotalValue: "12345678901234567890.123456789", Summary: storage.Summary{Demat: storage.SummaryClass{Count: "1", Value: "10.50"}},
		GeneratedAt: "2025-05-01T10:00:00+05:30", ReceivedAt: arrival(0), Rest: storage.Rest{Extra: `{"new": [1, 2]}`},
		DematAccounts: []storage.DematAccount{{
			DematType: "NSDL", DPID: "IN399999", ClientID: "10004321", Value: "10.50", LinkedPANs: []string{`a "b"`, `c\d,{e}`, ""},
		}},
		DematHoldings:     []storage.DematHolding{{AssetClass: storage.AssetEquity, ISIN: "INE0ZZ901010", Units: "3", Value: "10.50", MaturityDate: "2030-01-02"}},
		Folios:            []storage.Folio{{FolioNumber: "77001234/56", AMC: "Sample AMC", RTA: "CAMS", PAN: "ZZZPA0001Z"}},
		Schemes:           []storage.Scheme{{ISIN: "INF0ZZ9KA024", Units: "143.217", NAV: "38.4102", IsDemat: "false", Nominees: []string{"One"}}},
		Transactions:      []storage.Transaction{{HoldingKind: storage.KindOfMutualFund, Date: "2025-04-07", Type: "REDEMPTION", Amount: "-100.10", OrderNo: "00123"}},
		InsurancePolicies: []storage.InsurancePolicy{{PolicyNumber: "P1", SumAssured: "500000"}},
		NPSAccounts:       []storage.NPSAccount{{PRAN: "119999000123", Value: "1"}},
		NPSFunds:          []storage.NPSFund{{Name: "Fund", Units: "1e-7", Tier: "1"}},
		LinkedHolders:     []storage.LinkedHolder{{HolderKind: storage.KindOfDemat, Name: "Asha Sample", PAN: "ZZZPA0001Z"}},
	}
}

func TestDB_Save(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	document := newDocument("a.pdf", storage.QueueBulk)
	document.SealedPasswords = []byte("sealed")
	record(t, db, document)
	worker := startWorker(t, db)
	if _, err := db.Claim(t.Context(), document.ID, worker); err != nil {
		t.Fatal(err)
	}
	begin(t, db, document.ID, worker, "req_one")

	end := storage.AttemptEnd{RequestID: "req_one", Outcome: storage.OutcomeAnswered, HTTPStatus: 200, Credits: "1.0"}
	for range 2 { // a redelivery changes nothing
		saved, err := db.Save(t.Context(), answerFor(document.ID), full(), end)
		if err != nil || !saved.Current {
			t.Fatalf("Save() = %+v, %v, want current", saved, err)
		}
		for _, table := range []string{
			"statements", "demat_accounts", "demat_holdings", "mutual_fund_folios", "mutual_fund_schemes", "transactions",
			"insurance_policies", "nps_accounts", "nps_funds", "linked_holders",
		} {
			if saved.Rows[table] != 1 {
				t.Errorf("%s: %d rows written, want 1", table, saved.Rows[table])
			}
			if got := storagetest.Rows(t, address, "SELECT count(*) FROM cas."+table); got[0][0] != "1" {
				t.Errorf("%s: %s rows, want 1", table, got[0][0])
			}
		}
	}
	for sql, want := range map[string][]string{
		`SELECT status, pan, period_from, period_to, cas_type, sealed_passwords IS NULL, finished_at IS NOT NULL FROM cas.documents`: {
			"parsed", "ZZZPA0001Z", "2025-04-01", "2025-04-30", "NSDL", "t", "t",
		},
		`SELECT total_value, investor_mobile, demat_count, generated_at AT TIME ZONE 'UTC', revision, transaction_count, extra FROM cas.statements`: {
			"12345678901234567890.123456789", "<null>", "1", "2025-05-01 04:30:00", "1", "1", `{"new": [1, 2]}`,
		},
		`SELECT linked_pans[1], linked_pans[2], linked_pans[3], bo_id, extra FROM cas.demat_accounts`: {`a "b"`, `c\d,{e}`, "", "<null>", "<null>"},
		`SELECT units, value, maturity_date, open_units FROM cas.demat_holdings`:                      {"3", "10.50", "2030-01-02", "<null>"},
		`SELECT units, nav, is_demat, nominees::text, cost FROM cas.mutual_fund_schemes`:              {"143.217", "38.4102", "f", "{One}", "<null>"},
		`SELECT date, amount, order_no, units FROM cas.transactions`:                                  {"2025-04-07", "-100.10", "00123", "<null>"},
		`SELECT units FROM cas.nps_funds`:                                                             {"0.0000001"},
		`SELECT outcome, http_status, credits FROM cas.attempts`:                                      {"answered", "200", "1.0"},
		`SELECT convert_from(body, 'UTF8'), encode(sha256, 'hex') LIKE '0700%' FROM cas.answers`:      {`{"meta":{}}`, "t"},
	} {
		if diff := cmp.Diff([][]string{want}, storagetest.Rows(t, address, sql)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sql, diff)
		}
	}
	answer, err := db.AnswerFor(t.Context(), uuid.New(), [32]byte{7}, "/v4/smart/parse")
	if err != nil || string(answer.Body) != `{"meta":{}}` {
		t.Errorf("AnswerFor() = %q, %v, want the body", answer.Body, err)
	}
	if _, err := db.AnswerFor(t.Context(), uuid.New(), [32]byte{7}, "/v4/nsdl/parse"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("AnswerFor(other endpoint) = %v, want ErrNotFound", err)
	}
	// A second answer with fewer rows leaves none of the first one's behind.
	smaller := full()
	smaller.DematHoldings, smaller.Schemes = nil, nil
	if _, err := db.Save(t.Context(), answerFor(document.ID), smaller, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	if got := storagetest.Rows(t, address, `SELECT count(*) FROM cas.demat_holdings`)[0][0]; got != "0" {
		t.Errorf("%s holdings left behind, want 0", got)
	}
}

func TestDB_Save_Revisions(t *testing.T) {
	t.Parallel()
	older := version{true, "2025-05-01T10:00:00Z", 0}
	for name, test := range map[string]struct {
		loser, winner version
	}{
		"LaterGenerated":             {older, version{true, "2025-05-02T10:00:00Z", 0}},
		"LaterGeneratedArrivedFirst": {version{true, "2025-05-01T10:00:00Z", 5}, version{true, "2025-05-02T10:00:00Z", 1}},
		"LaterArrived":               {older, version{true, "2025-05-01T10:00:00Z", 1}},
		"UnknownGenerated":           {older, version{true, "", 1}},
		"WithTransactions":           {version{false, "2025-05-09T10:00:00Z", 9}, older},
	} {
		for _, order := range []string{"LoserFirst", "WinnerFirst"} {
			t.Run(name+"/"+order, func(t *testing.T) {
				t.Parallel()
				db, address := storagetest.NewURL(t)
				save := func(key string, v version) bool {
					id, current := saveVersion(t, db, key, v)
					if got := statusOf(t, db, id); got != storage.StatusParsed {
						t.Errorf("%s is %s, want parsed", key, got)
					}
					return current
				}
				revision := "1"
				if order == "LoserFirst" {
					save("loser", test.loser)
					if !save("winner", test.winner) {
						t.Error("the winner's rows did not take the place")
					}
					revision = "2"
				} else {
					save("winner", test.winner)
					if save("loser", test.loser) {
						t.Error("the loser's rows took the place")
					}
				}
				got := storagetest.Rows(t, address, `SELECT s.investor_name, f.name, s.revision FROM cas.statements s JOIN cas.nps_funds f USING (pan)`)
				if diff := cmp.Diff([][]string{{"winner", "winner", revision}}, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestDB_Save_Refused(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	id, worker := claimed(t, db, "a.pdf")
	begin(t, db, id, worker, "req_one")
	s := full()
	s.Schemes[0].NAV = "not a number"
	end := storage.AttemptEnd{RequestID: "req_one", Outcome: storage.OutcomeAnswered}
	if _, err := db.Save(t.Context(), answerFor(id), s, end); !errors.Is(err, storage.ErrRefused) {
		t.Fatalf("Save() = %v, want ErrRefused", err)
	}
	got := storagetest.Rows(t, address, `SELECT (SELECT count(*) FROM cas.statements), (SELECT count(*) FROM cas.answers), (SELECT outcome FROM cas.attempts)`)
	if diff := cmp.Diff([][]string{{"0", "0", "calling"}}, got); diff != "" {
		t.Errorf("nothing is written (-want +got):\n%s", diff)
	}
	if err := db.SaveAnswer(t.Context(), answerFor(id), end); err != nil {
		t.Fatal(err)
	}
	document, err := db.Document(t.Context(), id)
	if err != nil || document.Status != storage.StatusAnswered || !document.HasAnswer {
		t.Errorf("%s, has answer %v (%v); want answered with one", document.Status, document.HasAnswer, err)
	}
	if err := db.Bury(t.Context(), storage.DeadLetter{DocumentID: id, Reason: storage.ReasonBadAnswer, Message: "m"}, end); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, db, id); got != storage.StatusDead {
		t.Errorf("status %s, want dead", got)
	}
}
