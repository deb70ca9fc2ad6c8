package storage

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// family is what tables have in common whose rows are kept under one key: that of
// their header, whose document they are of. Its parameters in every statement are
// the key, from 1 on, and then the document's id.
type family struct {
	header string   // the table
	key    []column // as in newTable
	types  []string // of the key's columns
	// names and values are the key's for an INSERT; at picks the rows of a key;
	// held is true where the header row is the document's own.
	names, values, at, held string
}

func newFamily(header string, key ...string) *family {
	f := &family{header: header}
	var names, values, at []string
	for i, k := range key {
		c := parseColumn(k)
		value := "$" + strconv.Itoa(i+1)
		if c.cast != "text" {
			value += "::" + c.cast
		}
		names, values, at = append(names, c.name), append(values, value), append(at, c.name+" = "+value)
		f.types = append(f.types, c.cast)
		c.cast = "text" // as the key is held in Go
		f.key = append(f.key, c)
	}
	f.names, f.values, f.at = strings.Join(names, ", "), strings.Join(values, ", "), " WHERE "+strings.Join(at, " AND ")
	f.held = "EXISTS (SELECT FROM cas." + header + f.at + " AND document_id = " + f.parameter(1) + ")"
	return f
}

// parameter is the nth parameter after the key.
func (f *family) parameter(n int) string { return "$" + strconv.Itoa(len(f.key)+n) }

// keyNames are the columns of the key.
func (f *family) keyNames() []string {
	names := make([]string, len(f.key))
	for i, k := range f.key {
		names[i] = k.name
	}
	return names
}

// saveHeader writes the INSERT of a header row from the key, the document, when its
// answer was received, the header's own columns ("NAME TYPE") and those of its
// table. Where there is a row already it takes its place if it is the same
// document's or if wins is true, of which s is the row that is there and excluded
// the new one. The row lock it takes, also when it loses, makes a second save of the
// key wait.
func (f *family) saveHeader(t table, own []string, wins string) string {
	var names, values, updates strings.Builder
	add := func(name, value string) {
		fmt.Fprintf(&names, ", %s", name)
		fmt.Fprintf(&values, ", %s", value)
		fmt.Fprintf(&updates, "%s = excluded.%[1]s, ", name)
	}
	add("document_id", f.parameter(1)+"::uuid")
	add("received_at", f.parameter(2)+"::timestamptz")
	for i, column := range own {
		c := parseColumn(column)
		add(c.name, f.parameter(i+3)+"::"+c.cast)
	}
	for i, c := range t.columns {
		add(c.name, "nullif("+f.parameter(len(own)+i+3)+", '')::"+c.cast)
	}
	return `
INSERT INTO cas.` + f.header + ` AS s (` + f.names + names.String() + `, revision)
SELECT ` + f.values + values.String() + `, 1
WHERE EXISTS (SELECT FROM cas.documents WHERE document_id = ` + f.parameter(1) + `)
ON CONFLICT (` + f.names + `) DO UPDATE SET ` + updates.String() + `
	revision = s.revision + (s.document_id <> excluded.document_id)::integer
WHERE s.document_id = excluded.document_id OR ` + wins
}

// Content is what an answer was read as, for [DB.Save] to write: a *Statement or a
// *ContractNote.
type Content interface {
	family() *family
	// key returns the key's values, in the family's order.
	key() []string
	// filed says under what the ledger knows the document.
	filed() filing
	// queueHeader adds the header row, and then what is noted of it, to a batch. args
	// are the key and the document's id.
	queueHeader(batch *pgx.Batch, args []any)
	// deleteSQL takes away the rows that an earlier save left at the key.
	deleteSQL() string
	// rows lists the rows below the header in the order in which they are written.
	rows() []rows
	// head is the header row, for comparing it.
	head() head
}

// filing is what cas.documents says of what its document was read as.
type filing struct{ pan, from, to, casType string }

// arguments are the key of content and the id of its document.
func arguments(key []string, document any) []any {
	args := make([]any, 0, len(key)+1)
	for _, k := range key {
		args = append(args, k)
	}
	return append(args, document)
}
