package storage

import (
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// keys are parameters for keys, one array for each column of the key; after them come
// those for the ids of documents.
func keys[T interface{ self() *copyable }](of *family, all []T) (args []any) {
	columns := make([][]string, len(of.key)+1)
	for _, it := range all {
		c := it.self()
		for i, k := range c.content.key() {
			columns[i] = append(columns[i], k)
		}
		columns[len(of.key)] = append(columns[len(of.key)], c.document.String())
	}
	for i, values := range columns {
		if i < len(of.key) && of.types[i] == "text" {
			args = append(args, values)
		} else {
			args = append(args, literal(values))
		}
	}
	return args
}

// keyed is keys in a FROM, as k, numbered from 1 on in k.n. more are columns behind the
// key ("NAME TYPE").
func (f *family) keyed(more ...string) string {
	var arrays, names []string
	for i, k := range f.key {
		arrays, names = append(arrays, "$"+strconv.Itoa(i+1)+"::"+f.types[i]+"[]"), append(names, k.name)
	}
	for i, m := range more {
		name, cast, _ := strings.Cut(m, " ")
		arrays, names = append(arrays, f.parameter(i+1)+"::"+cast+"[]"), append(names, name)
	}
	return "unnest(" + strings.Join(arrays, ", ") + ") WITH ORDINALITY AS k (" + strings.Join(names, ", ") + ", n)"
}

// equal is true where the keys of two tables are the same.
func (f *family) equal(a, b string) string {
	var columns []string
	for _, k := range f.key {
		columns = append(columns, a+"."+k.name+" = "+b+"."+k.name)
	}
	return strings.Join(columns, " AND ")
}

// standingRowsSQL selects the rows of keys, in the order of the keys and then of the
// table's own: the lateral SELECT is sorted, so the planner goes by its index.
func (t table) standingRowsSQL() string {
	var names, order []string
	for i, c := range t.columns {
		names = append(names, pgx.Identifier{c.name}.Sanitize())
		if i < t.places {
			order = append(order, names[i])
		}
	}
	for len(order) > 1 && t.columns[len(order)-1].cast == "text" {
		order = order[:len(order)-1] // it tells no two rows apart
	}
	return "SELECT k.n, t.* FROM " + t.of.keyed() + ", LATERAL (SELECT " + strings.Join(names, ", ") + " FROM cas." + t.name + " AS t WHERE " +
		t.of.equal("t", "k") + " ORDER BY " + strings.Join(order, ", ") + ") AS t"
}

// standingHeadersSQL selects the headers of an investor that are a document's.
func (f *family) standingHeadersSQL(t table, revisions string) string {
	names := []string{"h.xmin", "h.received_at", "h.transaction_count"}
	for _, c := range t.columns {
		names = append(names, "h."+pgx.Identifier{c.name}.Sanitize())
	}
	return "SELECT k.n, " + f.equal("h", "k") + ", EXISTS (SELECT FROM cas." + revisions + " AS r WHERE " + f.equal("r", "h") +
		" AND r.revision = h.revision AND r.document_id = h.document_id), " + strings.Join(names, ", ") +
		" FROM " + f.keyed("document_id uuid") + " JOIN cas." + f.header + " AS h ON h.pan = k.pan AND h.document_id = k.document_id"
}

// literal writes values as the text of an array, "" as NULL.
func literal(values []string) string {
	elements := make([]*string, len(values))
	for i := range values {
		if values[i] != "" {
			elements[i] = &values[i]
		}
	}
	return arrayText(elements)
}
