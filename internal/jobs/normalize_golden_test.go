package jobs

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

var update = flag.Bool("update", false, "write the golden files of testdata/normalize anew")

// receivedAt is when the answers of these tests arrived.
var receivedAt = time.Date(2025, 5, 1, 5, 0, 0, 0, time.UTC)

// goldens are the answers in testdata/normalize, by name, and the kind of
// document that each is for.
var goldens = map[string]string{
	"cdsl":          storage.KindCDSL,
	"nsdl":          storage.KindNSDL,
	"cams_kfintech": storage.KindCAMSKFintech,
	"hostile":       storage.KindSmart,
}

// golden reads and normalizes an answer of testdata/normalize.
func golden(t *testing.T, name string) (body []byte, statement *storage.Statement) {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "normalize", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	statement, err = normalize(body, goldens[name], receivedAt)
	if err != nil {
		t.Fatal(err)
	}
	return body, statement
}

// encode writes rows as JSON. What is unknown or 0 is left out: whether a text
// is "" or "0" can be seen, and the ordinals are in order.
func encode(t *testing.T, statement *storage.Statement) string {
	t.Helper()
	text, err := json.Marshal(statement, json.OmitZeroStructFields(true), jsontext.WithIndent("  "))
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

func TestNormalize_Golden(t *testing.T) {
	t.Parallel()
	for name := range goldens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, statement := golden(t, name)
			got := encode(t, statement)
			path := filepath.Join("testdata", "normalize", name+".golden.json")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("rows of %s changed; if that is meant: go test ./internal/jobs -run Golden -update (-want +got):\n%s", name, diff)
			}
		})
	}
}

// TestNormalize_Pure shows that the same answer gives the same rows, however the
// maps on the way are walked, and leaves the answer alone.
func TestNormalize_Pure(t *testing.T) {
	t.Parallel()
	for name, kind := range goldens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, want := golden(t, name)
			before := string(body)
			for range 20 {
				got, err := normalize(body, kind, receivedAt)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("another run gives other rows (-first +later):\n%s", diff)
				}
			}
			if string(body) != before {
				t.Error("the answer was changed")
			}
		})
	}
}

// TestNormalize_Storable shows that Postgres takes whatever normalize gives: rows
// that it refuses would make a dead letter of an answer that was paid for.
func TestNormalize_Storable(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	for name := range goldens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, statement := golden(t, name)
			d := newDocument(name+".pdf", storage.QueueBulk)
			if _, err := db.Record(t.Context(), []storage.NewDocument{d}); err != nil {
				t.Fatal(err)
			}
			answer := storage.Answer{DocumentID: d.ID, SHA256: [32]byte{1}, Endpoint: "/v4/smart/parse", RequestID: "req_1", Body: body, ReceivedAt: receivedAt}
			saved, err := db.Save(t.Context(), answer, statement, storage.AttemptEnd{})
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]int64{
				"statements": 1, "demat_accounts": int64(len(statement.DematAccounts)), "demat_holdings": int64(len(statement.DematHoldings)),
				"mutual_fund_folios": int64(len(statement.Folios)), "mutual_fund_schemes": int64(len(statement.Schemes)),
				"transactions": int64(len(statement.Transactions)), "insurance_policies": int64(len(statement.InsurancePolicies)),
				"nps_accounts": int64(len(statement.NPSAccounts)), "nps_funds": int64(len(statement.NPSFunds)),
				"linked_holders": int64(len(statement.LinkedHolders)),
			}
			for table, n := range want {
				if saved.Rows[table] != n {
					t.Errorf("%d rows in %s, want %d", saved.Rows[table], table, n)
				}
			}
		})
	}
}
