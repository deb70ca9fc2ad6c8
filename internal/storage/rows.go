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

// table writes the rows of one statement, or contract note, into one table: an INSERT
// from arrays, one for each column. It does something only where the header row
// belongs to the document that is being saved, so one that lost against a newer one
// changes nothing.
type table struct {
	of                *family
	name              string
	columns           []column
	sql, selectedText string
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
		array, value := c.array(quoted)
		typed = append(typed, value)
		arrays = append(arrays, "unnest("+of.parameter(i+2)+array+") AS "+quoted)
		read = append(read, c.selected(quoted, i < len(places)))
		if i < len(places) {
			order = append(order, quoted)
		}
	}
	t.sql = "INSERT INTO cas." + name + " (" + of.names + ", " + strings.Join(names, ", ") + ")\n" +
		"SELECT " + of.values + ", " + strings.Join(typed, ", ") + "\n" +
		"FROM (SELECT " + strings.Join(arrays, ", ") + ") AS r WHERE " + of.held
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

// array is the type of the array in which the column's values are sent, and the
// expression for one of them. What has a short text that needs no quotes goes as
// an array of its type, as text; the rest as texts. In both "" is NULL.
func (c column) array(quoted string) (array, value string) {
	switch c.cast {
	case "integer", "numeric", "date", "boolean":
		return "::" + c.cast + "[]", "r." + quoted
	case "text":
		return "::text[]", "r." + quoted
	}
	return "::text[]", "r." + quoted + "::" + c.cast
}

// queue adds the table's INSERT to a batch.
func (r rows) queue(batch *pgx.Batch, key []any) {
	t, n := r.table, r.n
	written := make([]string, n*len(t.columns)) // one allocation, cut into columns
	filled := make([]bool, len(t.columns))
	var (
		cells []any
		at    int
	)
	for i := range n {
		at = i
		cells = r.cells(i, &at, cells[:0])
		for c, cell := range cells {
			text := cellText(cell)
			written[c*n+i] = text
			filled[c] = filled[c] || text != ""
		}
	}
	args := make([]any, 0, len(key)+len(t.columns))
	args = append(args, key...)
	for c, column := range t.columns {
		values := written[c*n : (c+1)*n]
		switch array, _ := column.array(""); {
		case !filled[c]:
			args = append(args, nil) // unnest makes it as long as the others, with NULL
		case array == "::text[]":
			args = append(args, texts(values))
		default:
			args = append(args, literal(values))
		}
	}
	batch.Queue(t.sql, args...)
}

// literal writes values that need no quotes as an array, "" as NULL.
func literal(values []string) string {
	size := 2
	for _, v := range values {
		size += max(len(v), 4) + 1
	}
	b := make([]byte, 0, size)
	b = append(b, '{')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		if v == "" {
			v = "NULL"
		}
		b = append(b, v...)
	}
	return string(append(b, '}'))
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
	var b strings.Builder
	b.WriteByte('{')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		for at := strings.IndexAny(v, `\"`); at >= 0; at = strings.IndexAny(v, `\"`) {
			b.WriteString(v[:at])
			b.WriteByte('\\')
			b.WriteByte(v[at])
			v = v[at+1:]
		}
		b.WriteString(v)
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}

// deleteOf takes away the rows that an earlier save left at the key, where the
// document is to have the place. The first document ever has nothing to take away:
// its revision was written by this very transaction.
func deleteOf(of *family, revisions string, all []rows) string {
	var b strings.Builder
	b.WriteString("WITH old AS MATERIALIZED (SELECT 1 WHERE " + of.held + "\n\tAND NOT EXISTS (SELECT FROM cas." + revisions + of.at +
		" AND revision = 1 AND document_id = " + of.parameter(1) + " AND xmin = pg_current_xact_id()::xid))")
	for _, rows := range all {
		b.WriteString(",\n\t" + rows.table.name + " AS (DELETE FROM cas." + rows.table.name + of.at + " AND EXISTS (SELECT FROM old))")
	}
	b.WriteString("\nSELECT 1")
	return b.String()
}

//nolint:gochecknoglobals // constants, computed
var (
	deleteStatementSQL    = deleteOf(statementFamily, statementRevisions, (&Statement{}).rows())
	deleteContractNoteSQL = deleteOf(noteFamily, noteRevisions, (&ContractNote{}).rows())
)

// queueRows adds all tables of a statement or contract note to a batch and returns
// the table of each statement that it added, "" for one that deletes.
func queueRows(batch *pgx.Batch, content Content, key []any) []string {
	batch.Queue(content.deleteSQL(), key...)
	tables := []string{""}
	for _, rows := range content.rows() {
		if rows.n > 0 {
			rows.queue(batch, key)
			tables = append(tables, rows.table.name)
		}
	}
	return tables
}
