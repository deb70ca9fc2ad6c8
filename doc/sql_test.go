package doc_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"casflow/internal/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

// notRun are the statements that cannot be run as they stand, by what they contain, and
// why.
func notRun() map[string]string {
	return map[string]string{
		"create_distributed_table": "of Citus, an extension that is not part of Postgres",
		"...":                      "cut short, in the midst of a sentence",
	}
}

// placeholders are what a reader fills in.
func placeholders() *strings.Replacer { return strings.NewReplacer("(PID)", "(0)") }

// sqlOf are the statements of a page, by the line they begin at: blocks of SQL, and what
// the text has of it.
func sqlOf(t *testing.T, page string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, pattern := range []string{"(?s)```sql\n(.*?)```", "(?s)[^`]`((?:SELECT|DELETE FROM|UPDATE|INSERT INTO) [^`]+)`"} {
		for _, at := range regexp.MustCompile(pattern).FindAllSubmatchIndex(text, -1) {
			line := 1 + strings.Count(string(text[:at[2]]), "\n")
			found[fmt.Sprintf("%s:%d", filepath.Base(page), line)] = string(text[at[2]:at[3]])
		}
	}
	return found
}

// TestSQL runs all SQL that the pages show on an empty ledger.
func TestSQL(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), storagetest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	ran, left := 0, notRun()
	for _, page := range append(pages, "../README.md", "../deploy/README.md") {
		for where, sql := range sqlOf(t, page) {
			skip := false
			for part := range notRun() {
				if strings.Contains(sql, part) {
					delete(left, part)
					skip = true
				}
			}
			if skip {
				continue
			}
			ran++
			if _, err := conn.PgConn().Exec(t.Context(), placeholders().Replace(sql)).ReadAll(); err != nil {
				t.Errorf("%s: %v\n%s", where, err, sql)
			}
		}
	}
	if ran < 7 || len(left) > 0 {
		t.Errorf("%d statements were run, of those that are not, %v are nowhere", ran, left)
	}
}

// TestSQL_Lead: the runbook finds who leads, and nobody else who holds a lock.
func TestSQL_Lead(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	var ask string
	for _, sql := range sqlOf(t, "operations.md") {
		if strings.Contains(sql, "FROM pg_locks") {
			ask, _, _ = strings.Cut(sql, ";")
		}
	}
	find := func(want int) {
		t.Helper()
		if got := storagetest.Rows(t, address, ask); len(got) != want {
			t.Errorf("the runbook finds %v, want %d sessions", got, want)
		}
	}
	schedules, err := db.LeadSchedules(t.Context())
	if err != nil || schedules == nil {
		t.Fatalf("LeadSchedules() = %v, %v, want the lock", schedules, err)
	}
	defer schedules.Release()
	find(0)
	leader, err := db.Lead(t.Context())
	if err != nil || leader == nil {
		t.Fatalf("Lead() = %v, %v, want a leader", leader, err)
	}
	defer leader.Resign()
	find(1)
}
