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
	places            int // how many columns, the first ones, say where a row is
	sql, selectedText string
}

// newTable describes a table whose rows are objects of the answer: columns of
// their place, which have no path, then those of their values.
func newTable(of *family, name string, places []string, columns ...string) table {
	return newBareTable(of, name, places, append(columns, "extra jsonb @-", "source_form jsonb @-")...)
}

func newBareTable(of *family, name string, places []string, columns ...string) table {
	t := table{of: of, name: name, places: len(places)}
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
		value := "r." + quoted
		if c.arrayType() != c.cast {
			value += "::" + c.cast
		}
		typed = append(typed, value)
		arrays = append(arrays, "unnest("+of.parameter(i+2)+"::"+c.arrayType()+"[]) AS "+quoted)
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

// arrayType is the type of the elements of the array in which the column's values are
// sent: text where it is neither short nor free of quotes, and then cast.
func (c column) arrayType() string {
	switch c.cast {
	case "integer", "numeric", "date", "boolean":
		return c.cast
	}
	return "text"
}

// queue adds the table's INSERT to a batch.
func (r rows) queue(batch *pgx.Batch, key []any) {
	arrays := make([]columnArray, len(r.table.columns))
	var (
		cells []any
		at    int
	)
	for i := range r.n {
		at = i
		cells = r.cells(i, &at, cells[:0])
		for c, cell := range cells {
			if i == 0 {
				arrays[c] = newColumnArray(r.table.columns[c], cell, r.n)
			}
			arrays[c].add(i, cell)
		}
	}
	size := 0
	for c := range arrays {
		size += len(arrays[c].bytes)
	}
	args := make([]any, 0, len(key)+len(arrays))
	args = append(args, key...)
	for c := range arrays {
		size -= len(arrays[c].bytes)
		args = append(args, arrays[c].argument(size))
	}
	batch.Queue(r.table.sql, args...)
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
	elements := make([]*string, len(values))
	for i := range values {
		elements[i] = &values[i]
	}
	return arrayText(elements)
}

// arrayText writes values as the text of a Postgres array; nil is NULL.
func arrayText(values []*string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, value := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		if value == nil {
			b.WriteString("NULL")
			continue
		}
		v := *value
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
