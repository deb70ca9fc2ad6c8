package storage

import (
	"database/sql/driver"
	"encoding/binary"
	"math"
	"strconv"

	"github.com/jackc/pgx/v5/pgtype"
)

// array is a column of rows in the binary form of text[] or integer[]. pgx would
// write arrays too, but value by value, each by way of an interface and into a buffer
// that grows: that took more of a save than all the rest that this process does for it.
type array struct {
	bytes []byte
	// after is how many bytes the same statement takes beyond these: pgx puts all of
	// its arguments into one buffer, which so grows once.
	after int
}

// takeArrays lets a connection take arrays besides what it takes anyway.
func takeArrays(types *pgtype.Map) {
	for _, oid := range []uint32{pgtype.TextArrayOID, pgtype.Int4ArrayOID} {
		known, _ := types.TypeForOID(oid) // pgx knows them all
		types.RegisterType(&pgtype.Type{OID: oid, Name: known.Name, Codec: arrayCodec{known.Codec}})
	}
}

// arrayCodec is pgx's own codec of a type, but for arrays.
type arrayCodec struct{ pgtype.Codec }

// PlanEncode plans how a value is written.
func (c arrayCodec) PlanEncode(types *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ready := value.(array); ready && format == pgtype.BinaryFormatCode {
		return arrayPlan{}
	}
	return c.Codec.PlanEncode(types, oid, format, value)
}

type arrayPlan struct{}

// Encode appends an array.
func (arrayPlan) Encode(value any, to []byte) ([]byte, error) {
	a := value.(array) //nolint:errcheck // PlanEncode has looked
	if cap(to)-len(to) < len(a.bytes) {
		to = append(make([]byte, 0, len(to)+len(a.bytes)+a.after), to...)
	}
	return append(to, a.bytes...), nil
}

func (a array) element() uint32 { return binary.BigEndian.Uint32(a.bytes[8:]) }

// Value is the text of the array, for who cannot take the binary form, such as one
// who looks at the plan of a statement.
func (a array) Value() (driver.Value, error) {
	texts := make([]*string, binary.BigEndian.Uint32(a.bytes[12:]))
	rest := a.bytes[arrayHead:]
	for i := range texts {
		n := binary.BigEndian.Uint32(rest)
		if rest = rest[4:]; n == isNull {
			continue
		}
		text := string(rest[:n])
		if a.element() == pgtype.Int4OID {
			text = strconv.FormatUint(uint64(binary.BigEndian.Uint32(rest)), 10)
		}
		texts[i], rest = &text, rest[n:]
	}
	return arrayText(texts), nil
}

// columnArray writes the cells of a column as an array.
type columnArray struct {
	rows int
	// element is the type of the elements of a binary array; 0 for one that is sent as
	// text, whose elements need no quotes.
	element uint32
	bytes   []byte // nil: all NULL so far
}

const (
	arrayHead = 20 // bytes before the first element of a binary array
	// isNull stands in place of the length of an element that is NULL.
	isNull = math.MaxUint32
	// spare is how much longer than the first an element may be, on average, before
	// its array grows.
	spare = 4
)

func newColumnArray(c column, cell any, rows int) columnArray {
	a := columnArray{rows: rows}
	if _, place := cell.(*int); place {
		a.element = pgtype.Int4OID
	} else if c.arrayType() == "text" {
		a.element = pgtype.TextOID
	}
	return a
}

// add adds the cell of a row; all of the rows before have been added.
func (a *columnArray) add(row int, cell any) {
	if place, ok := cell.(*int); ok {
		a.begin(row, 4)
		a.length(4)
		a.length(uint32(*place)) //nolint:gosec // an index in memory
		return
	}
	text := cellText(cell)
	if text == "" {
		if a.bytes != nil {
			a.null()
		}
		return
	}
	a.begin(row, len(text))
	if a.element == 0 {
		a.bytes = append(append(a.bytes, text...), ',')
		return
	}
	a.length(uint32(len(text))) //nolint:gosec // a part of an answer
	a.bytes = append(a.bytes, text...)
}

// begin begins the array, if that is still to be done, for an element of so many
// bytes in a row: NULL stands in those before it.
func (a *columnArray) begin(row, size int) {
	if a.bytes != nil {
		return
	}
	a.bytes = make([]byte, 0, arrayHead+row*len("NULL,")+(a.rows-row)*(size+4+spare))
	if a.element == 0 {
		a.bytes = append(a.bytes, '{')
	} else { // of one dimension, which may have NULLs, and whose first index is 1
		for _, head := range []uint32{1, 1, a.element, uint32(a.rows), 1} { //nolint:gosec // rows in memory
			a.length(head)
		}
	}
	for range row {
		a.null()
	}
}

func (a *columnArray) null() {
	if a.element == 0 {
		a.bytes = append(a.bytes, "NULL,"...)
	} else {
		a.length(isNull)
	}
}

func (a *columnArray) length(n uint32) { a.bytes = binary.BigEndian.AppendUint32(a.bytes, n) }

// argument is the array as an argument of a statement, after which others take so
// many bytes. One without values is NULL: unnest makes it as long as the others.
func (a *columnArray) argument(after int) any {
	switch {
	case a.bytes == nil:
		return nil
	case a.element == 0:
		a.bytes[len(a.bytes)-1] = '}' // in place of the last comma
		return string(a.bytes)
	}
	return array{bytes: a.bytes, after: after}
}
