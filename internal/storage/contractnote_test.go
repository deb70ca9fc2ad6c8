package storage_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// fullNote is a contract note with a row in every table.
func fullNote(minute int, name string) *storage.ContractNote {
	return &storage.ContractNote{
		Key:              storage.ContractNoteKey{PAN: "ZZZPA0001Z", TradeDate: "2025-04-07", Number: "CN/1"},
		SettlementNumber: "2025068", SettlementDate: "2025-04-08",
		Broker:  storage.Broker{Type: "zerodha", Name: "Sample Broking", SEBIRegistration: "INZ000999999"},
		Client:  storage.NoteClient{Name: name, GSTStateCode: "9"},
		Charges: storage.Charges{PayInPayOutObligation: "-12345678901234567890.123456789", NetAmountReceivablePayable: "-1001.780"},
		Rest:    storage.Rest{Extra: `{"new": [1, 2]}`}, ReceivedAt: arrival(minute),
		Equities:    []storage.NoteEquity{{ISIN: "INE0ZZ901010", BuyQuantity: "10", NetObligation: "-99.10"}},
		Derivatives: []storage.NoteDerivative{{BuySellBFCF: "CF", Quantity: "-50"}},
		Trades: []storage.NoteTrade{
			{OrderNumber: "0130000001234567890123", OrderTime: "09:15:00", BuySell: "B", NetTotal: "-1000"}, {BuySell: "S", Remarks: `a "b" \ c`},
		},
	}
}

// TestDB_SaveContractNote: a note is read as it was saved, the later answer stands
// whichever is saved first, and its document is filed under its day.
func TestDB_SaveContractNote(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		first, second int // when their answers came
		want          string
		revision      string
	}{
		{"later after earlier", 1, 2, "second", "2"},
		{"earlier after later", 2, 1, "first", "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db, address := storagetest.NewURL(t)
			ids := record(t, db, newDocument("a.pdf", storage.QueueBulk), newDocument("b.pdf", storage.QueueBulk))
			for i, note := range []*storage.ContractNote{fullNote(test.first, "first"), fullNote(test.second, "second")} {
				for range 2 { // a redelivery changes nothing
					saved, err := db.Save(t.Context(), answerFor(ids[i]), note, storage.AttemptEnd{})
					if want := i == 0 || test.want == "second"; err != nil || saved.Current != want {
						t.Fatalf("Save() = %+v, %v, want current %t", saved, err, want)
					}
				}
			}
			want := fullNote(0, test.want)
			got, err := db.ContractNote(t.Context(), want.Key)
			if err != nil {
				t.Fatal(err)
			}
			want.ReceivedAt = got.ReceivedAt
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("contract note (-saved +read):\n%s", diff)
			}
			for sql, want := range map[string]string{
				`SELECT revision FROM cas.contract_notes`:                                                                            test.revision,
				`SELECT DISTINCT concat_ws(' ', status, pan, period_from, period_to, cas_type) FROM cas.documents`:                   "parsed ZZZPA0001Z 2025-04-07 2025-04-07 CONTRACT_NOTE",
				`SELECT count(*) FROM cas.contract_note_trades WHERE pan = 'ZZZPA0001Z'`:                                             "2",
				`SELECT net_amount_receivable_payable || ' ' || pay_in_pay_out_obligation FROM cas.contract_notes WHERE ucc IS NULL`: "-1001.780 -12345678901234567890.123456789",
			} {
				if got := storagetest.Rows(t, address, sql); len(got) != 1 || got[0][0] != want {
					t.Errorf("%s: %v, want %s", sql, got, want)
				}
			}
		})
	}
}

// TestDB_ResaveContractNote: a note whose number is read otherwise by now leaves no
// rows under its old key, and another's rows alone.
func TestDB_ResaveContractNote(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	ids := record(t, db, newDocument("a.pdf", storage.QueueBulk), newDocument("b.pdf", storage.QueueBulk))
	other := fullNote(1, "other")
	other.Key.Number = "CN/2"
	for i, note := range []*storage.ContractNote{fullNote(1, "one"), other} {
		if _, err := db.Save(t.Context(), answerFor(ids[i]), note, storage.AttemptEnd{}); err != nil {
			t.Fatal(err)
		}
	}
	again := fullNote(1, "one")
	again.Key.Number = "CN/3"
	saved, err := db.ResaveAll(t.Context(), []storage.Reread{reread(answerFor(ids[0]), again)})
	if err != nil || saved[0].Err != nil || !saved[0].Current {
		t.Fatalf("ResaveAll() = %+v, %v, want current", saved, err)
	}
	for _, table := range storage.ContractNoteTables() {
		want := [][]string{{"CN/2"}, {"CN/3"}}
		got := storagetest.Rows(t, address, "SELECT DISTINCT contract_note_number FROM cas."+table+" ORDER BY 1")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", table, diff)
		}
	}
}
