package storage_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage/storagetest"
)

var update = flag.Bool("update", false, "write doc/schema.md anew")

// dictionaryPath is the data dictionary.
const dictionaryPath = "../../doc/schema.md"

// TestDictionary holds doc/schema.md against the database: every table, view and
// column, with what its comment says it means. "go test ./internal/storage -run
// Dictionary -update" writes it.
func TestDictionary(t *testing.T) {
	t.Parallel()
	got := dictionary(t, storagetest.URL(t))
	if *update {
		if err := os.WriteFile(dictionaryPath, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(dictionaryPath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("doc/schema.md is not what the database has; run go test ./internal/storage -run Dictionary -update (-have +database):\n%s", diff)
	}
}

// dictionary is what doc/schema.md should say.
func dictionary(t *testing.T, address string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`# Data dictionary

Every table and view of schema ` + "`cas`" + `, made from the comments in the database. The key of a table is in bold.

`)
	relations := storagetest.Rows(t, address, `
SELECT c.relname, CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, obj_description(c.oid, 'pg_class') FROM pg_class c
WHERE c.relnamespace = 'cas'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition AND c.relname <> 'schema_migrations'
ORDER BY c.relkind = 'v', c.relname`)
	for _, r := range relations {
		fmt.Fprintf(&b, "- [%s](#%s)\n", r[0], r[0])
	}
	for _, r := range relations {
		name, kind, meaning := r[0], r[1], r[2]
		if meaning == "<null>" {
			t.Errorf("cas.%s has no comment", name)
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s: %s\n\n| column | type | may be NULL | meaning |\n|---|---|---|---|\n", name, kind, meaning)
		for _, c := range storagetest.Rows(t, address, `
SELECT a.attname, format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN '' ELSE 'yes' END, col_description(a.attrelid, a.attnum),
       coalesce(a.attnum = ANY (k.conkey), false)
FROM pg_attribute a LEFT JOIN pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'p'
WHERE a.attrelid = ('cas.' || $1)::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, name) {
			if c[3] == "<null>" {
				t.Errorf("cas.%s.%s has no comment", name, c[0])
			}
			column := "`" + c[0] + "`"
			if c[4] == "t" {
				column = "**" + column + "**"
			}
			nullable := c[2]
			if kind == "view" {
				nullable = "" // Postgres does not know it of views
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", column, c[1], nullable, strings.ReplaceAll(c[3], "|", `\|`))
		}
	}
	return b.String()
}
