package storage

import (
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// column is a column of a statement table below the key, the type its text is
// cast to, and the paths in the row's object at which its value may stand: none
// for a place, and for what is not put back.
type column struct {
	name, cast string
	paths      []string
}

// table writes the rows of one statement, or contract note, into one table: a DELETE by key and an
// INSERT from arrays, one array of text per column. Both do something only where
// the statement's header row belongs to the document that is being saved, so a
// statement that lost against a newer one changes nothing.
type table struct {
	of                           *family
	name                         string
	columns                      []column
	deleteSQL, sql, selectedText string
}

// newTable describes a table whose rows are objects of the answer: columns of
// their place, which have no path, then those of their values.
func newTable(of *family, name string, places []string, columns ...string) table {
	return newBareTable(of, name, places, append(columns, "extra jsonb @-", "source_form jsonb @-")...)
}

func newBareTable(of *family, name string, places []string, columns ...string) table {
	t := table{of: of, name: name}
	for _, p := range places {
		column := parseColumn(p)
		column.paths = nil
		t.columns = append(t.columns, column)
	}
	for _, c := range columns {
		t.columns = append(t.columns, parseColumn(c))
	}
	var names, typed, arrays, read, order []string
	for i, c := range t.columns {
		quoted := pgx.Identifier{c.name}.Sanitize()
		names = append(names, quoted)
		typed = append(typed, "nullif(r."+quoted+", '')::"+c.cast)
		arrays = append(arrays, of.parameter(i+2)+"::text[]")
		read = append(read, c.selected(quoted, i < len(places)))
		if i < len(places) {
			order = append(order, quoted)
		}
	}
	t.deleteSQL = "DELETE FROM cas." + name + of.at + " AND " + of.held
	t.sql = "INSERT INTO cas." + name + " (" + of.names + ", " + strings.Join(names, ", ") + ")\n" +
		"SELECT " + of.values + ", " + strings.Join(typed, ", ") + "\n" +
		"FROM unnest(" + strings.Join(arrays, ", ") + ") AS r (" + strings.Join(names, ", ") + ")\nWHERE " + of.held
	t.selectedText = strings.Join(read, ", ") + " FROM cas." + name + of.at
	if len(order) > 0 {
		t.selectedText += " ORDER BY " + strings.Join(order, ", ")
	}
	return t
}

func parseColumn(text string) column {
	text, path, found := strings.Cut(text, " @")
	c := column{cast: "text"}
	name, cast, typed := strings.Cut(text, " ")
	if c.name = name; typed {
		c.cast = cast
	}
	switch {
	case !found:
		c.paths = []string{c.name}
	case path != "-":
		c.paths = strings.Split(path, "|")
	}
	return c
}

// selected is the column as it is read: as text in the form in which it was
// written, whatever the session's settings say.
func (c column) selected(quoted string, place bool) string {
	switch {
	case c.cast == "text[]", c.cast == "integer" && place:
		return quoted
	case c.cast == "date":
		return "coalesce(to_char(" + quoted + ", 'FMYYYY-MM-DD'), '')"
	case c.cast == "timestamptz":
		return "coalesce(to_char(" + quoted + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '')`
	}
	return "coalesce(" + quoted + "::text, '')"
}

// queue adds the table's DELETE and, if there are rows, its INSERT to a batch,
// and reports whether it added an INSERT.
func (r rows) queue(batch *pgx.Batch, key []any) bool {
	t, n := r.table, r.n
	batch.Queue(t.deleteSQL, key...)
	if n == 0 {
		return false
	}
	texts := make([]string, n*len(t.columns)) // one allocation, cut into columns
	var (
		cells []any
		at    int
	)
	for i := range n {
		at = i
		cells = r.cells(i, &at, cells[:0])
		for c, cell := range cells {
			texts[c*n+i] = cellText(cell)
		}
	}
	args := make([]any, 0, len(key)+len(t.columns))
	args = append(args, key...)
	for c := range t.columns {
		args = append(args, texts[c*n:(c+1)*n])
	}
	batch.Queue(t.sql, args...)
	return true
}

// cellText is a cell as text that Postgres casts to the column's type.
func cellText(cell any) string {
	switch v := cell.(type) {
	case *string:
		return *v
	case *int:
		return strconv.Itoa(*v)
	case *[]string:
		return textArray(*v)
	default:
		panic("storage: a cell is neither text, place nor list") // see columns.go
	}
}

// textArray writes values as the text of a Postgres text[]; nil gives "" (NULL).
func textArray(values []string) string {
	if values == nil {
		return ""
	}
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	var b strings.Builder
	b.WriteByte('{')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		_, _ = escape.WriteString(&b, v) // a Builder takes everything
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}

// queueRows adds all tables of a statement or contract note to a batch and returns,
// for each statement of the batch that it added, the table that it inserts into, ""
// for a DELETE.
func queueRows(batch *pgx.Batch, all []rows, key []any) []string {
	var inserts []string
	for _, rows := range all {
		inserts = append(inserts, "")
		if rows.queue(batch, key) {
			inserts = append(inserts, rows.table.name)
		}
	}
	return inserts
}
