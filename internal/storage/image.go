package storage

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// image is the rows of one document in one table, in binary form and in the order of
// their places, which is that of the table's key.
type image struct {
	table table
	bytes []byte // the rows one after the other, without the key
	ends  []int  // where each of them ends
}

// imageOf writes rows in binary form. ok is false where that is not known of a cell.
func imageOf(r rows) (i image, ok bool) {
	i = image{table: r.table, bytes: make([]byte, 0, r.n*r.table.usualSize()), ends: make([]int, 0, r.n)}
	var cells []any
	var at int
	for n := range r.n {
		at = n
		cells = r.cells(n, &at, cells[:0])
		for c, cell := range cells {
			if i.bytes, ok = r.table.columns[c].appendField(i.bytes, cell); !ok {
				return image{}, false
			}
		}
		i.ends = append(i.ends, len(i.bytes))
	}
	i.sort()
	return i, true
}

// usualSize is room for most rows.
func (t table) usualSize() int { return 10 * len(t.columns) }

func (i *image) row(n int) []byte {
	from := 0
	if n > 0 {
		from = i.ends[n-1]
	}
	return i.bytes[from:i.ends[n]]
}

// sort puts the rows in the order of their places, in which nearly all are anyhow.
func (i *image) sort() {
	sorted := true
	for n := 1; n < len(i.ends) && sorted; n++ {
		sorted = i.byPlace(i.row(n-1), i.row(n)) < 0
	}
	if sorted {
		return
	}
	all := make([][]byte, len(i.ends))
	for n := range all {
		all[n] = i.row(n)
	}
	slices.SortStableFunc(all, i.byPlace)
	i.bytes, i.ends = make([]byte, 0, len(i.bytes)), i.ends[:0]
	for _, row := range all {
		i.bytes = append(i.bytes, row...)
		i.ends = append(i.ends, len(i.bytes))
	}
}

func (i *image) byPlace(a, b []byte) int {
	for range i.table.places {
		var x, y []byte
		x, a = field(a)
		y, b = field(b)
		if order := bytes.Compare(x, y); order != 0 { // places are not negative
			return order
		}
	}
	return 0
}

// field cuts the first field off a row; nil is NULL.
func field(row []byte) (value, rest []byte) {
	n := binary.BigEndian.Uint32(row)
	row = row[4:]
	if n == null {
		return nil, row
	}
	return row[:n:n], row[n:]
}

// holds reports whether a row is the one that stands, whose fields are given in the
// form that pgx asks for: as text, where that is all the difference, else in binary.
// doubt is called with pairs of JSON texts of which that is not known.
func (t table) holds(row []byte, standing [][]byte, doubt func(read, standing string)) bool {
	for c, stands := range standing {
		var value []byte
		value, row = field(row)
		if (value == nil) != (stands == nil) {
			return false
		}
		if t.columns[c].cast == "jsonb" {
			if value != nil && !sameJSON(value[1:], stands) {
				doubt(string(value[1:]), string(stands))
			}
			continue
		}
		if !bytes.Equal(value, stands) {
			return false
		}
	}
	return true
}

// sameJSON reports whether two JSON texts differ in nothing but space around their
// tokens, so that they are the same to Postgres whatever they hold.
func sameJSON(a, b []byte) bool {
	inText, escaped := false, false
	for {
		if !inText {
			a, b = bytes.TrimLeft(a, " \t\r\n"), bytes.TrimLeft(b, " \t\r\n")
		}
		if len(a) == 0 || len(b) == 0 {
			return len(a) == len(b)
		}
		if a[0] != b[0] {
			return false
		}
		switch {
		case escaped:
			escaped = false
		case a[0] == '"':
			inText = !inText
		case a[0] == '\\':
			escaped = true
		}
		a, b = a[1:], b[1:]
	}
}
