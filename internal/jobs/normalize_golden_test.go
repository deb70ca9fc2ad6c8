package jobs

import (
	"flag"
	"fmt"
	"maps"
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
// document that each is for: one of each source, and the shapes met in the wild.
var goldens = map[string]string{
	"cdsl":          storage.KindCDSL,
	"nsdl":          storage.KindNSDL,
	"cams_kfintech": storage.KindCAMSKFintech,

	"amc_wrapper":       storage.KindSmart, // folios inside an object for each AMC
	"data_wrapper":      storage.KindSmart,
	"exact":             storage.KindSmart, // more digits than a double holds, and numbers that no column takes
	"flat_holdings":     storage.KindSmart, // one list, with instrument types
	"holdings_only":     storage.KindSmart,
	"hostile":           storage.KindSmart, // odd values everywhere
	"joint_holders":     storage.KindSmart,
	"minor":             storage.KindSmart, // without a PAN of his own
	"movements":         storage.KindSmart, // equal transactions, redemptions, reversals without units
	"no_mutual_funds":   storage.KindSmart,
	"nulls":             storage.KindSmart, // for any object or array
	"odd_names":         storage.KindSmart, // and repeated ones
	"other_depository":  storage.KindSmart, // accounts of CDSL in an eCAS of NSDL
	"placeholder_folio": storage.KindSmart,
	"same_isin_folios":  storage.KindSmart,
	"status_wrapper":    storage.KindSmart,
}

// readAnswer normalizes an answer.
func readAnswer(body []byte, kind string) (*storage.Statement, error) {
	read, err := normalize(source{body: body, kind: kind, receivedAt: receivedAt})
	if err != nil {
		return nil, err
	}
	statement, ok := read.content.(*storage.Statement)
	if !ok {
		return nil, fmt.Errorf("read as %T", read.content)
	}
	return statement, nil
}

// golden reads and normalizes an answer of testdata/normalize.
func golden(t *testing.T, name string) (body []byte, statement *storage.Statement) {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "normalize", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	statement, err = readAnswer(body, goldens[name])
	if err != nil {
		t.Fatal(err)
	}
	return body, statement
}

// encode writes rows as JSON. What is unknown or 0 is left out: whether a text
// is "" or "0" can be seen, and the ordinals are in order.
func encode(t *testing.T, content storage.Content) string {
	t.Helper()
	text, err := json.Marshal(content, json.OmitZeroStructFields(true), jsontext.WithIndent("  "))
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
			assertGolden(t, name, encode(t, statement))
		})
	}
}

// assertGolden holds rows against the golden file of an answer.
func assertGolden(t *testing.T, name, got string) {
	t.Helper()
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
		t.Errorf("rows of %s changed; if that is meant: go test ./internal/jobs -run Normalize -update (-want +got):\n%s", name, diff)
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
				got, err := readAnswer(body, kind)
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

// TestNormalize_Stored shows that Postgres takes whatever normalize gives, for rows
// that it refuses would make a dead letter of an answer that was paid for, and that
// it gives the answer back.
func TestNormalize_Stored(t *testing.T) {
	t.Parallel()
	for name := range goldens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := storagetest.New(t)
			body, statement := golden(t, name)
			want := map[string]int64{
				"statements": 1, "demat_accounts": int64(len(statement.DematAccounts)), "demat_holdings": int64(len(statement.DematHoldings)),
				"mutual_fund_folios": int64(len(statement.Folios)), "mutual_fund_schemes": int64(len(statement.Schemes)),
				"transactions": int64(len(statement.Transactions)), "insurance_policies": int64(len(statement.InsurancePolicies)),
				"nps_accounts": int64(len(statement.NPSAccounts)), "nps_funds": int64(len(statement.NPSFunds)),
				"linked_holders": int64(len(statement.LinkedHolders)), "statement_checks": int64(len(statement.Checks)),
			}
			maps.DeleteFunc(want, func(_ string, n int64) bool { return n == 0 })
			saved := saveAnswer(t, db, name+".pdf", body, statement)
			if diff := cmp.Diff(want, saved.Rows); diff != "" {
				t.Errorf("rows written (-want +got):\n%s", diff)
			}
			rebuilt, err := db.RebuildAnswer(t.Context(), statement.Key)
			if err != nil {
				t.Fatal(err)
			}
			assertRebuilt(t, body, rebuilt)
		})
	}
}
