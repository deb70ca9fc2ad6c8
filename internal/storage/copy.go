package storage

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// copyable is content in the form in which COPY takes it.
type copyable struct {
	content  Content
	document uuid.UUID
	key      []byte  // its columns' fields
	header   []byte  // when received, transactions, and the fields of its table
	images   []image // by table
}

func (c *copyable) self() *copyable { return c }

// head is a header row, for comparing and copying it.
type head struct {
	table        table
	revisions    string // the table
	generated    bool   // answers say when they were generated
	received     time.Time
	transactions int
	cells        []any
}

func (s *Statement) head() head {
	return head{headerTable, statementRevisions, true, s.ReceivedAt, len(s.Transactions), s.cells(nil, nil)}
}

func (n *ContractNote) head() head {
	return head{noteTable, noteRevisions, false, n.ReceivedAt, n.transactions(), n.cells(nil, nil)}
}

// newCopyable writes content in that form. ok is false where what Postgres makes of it is
// not known here.
func newCopyable(document uuid.UUID, content Content) (c copyable, ok bool) {
	c.content, c.document = content, document
	of := content.family()
	for i, k := range content.key() {
		if c.key, ok = (&column{cast: of.types[i]}).appendField(c.key, &k); !ok {
			return c, false
		}
	}
	h := content.head()
	c.header = append32(append32(appendInstant(append32(nil, 8), h.received), 4), h.transactions)
	for i, cell := range h.cells {
		if c.header, ok = h.table.columns[i].appendField(c.header, cell); !ok {
			return c, false
		}
	}
	for _, rows := range content.rows() {
		image, ok := imageOf(rows)
		if !ok {
			return c, false
		}
		c.images = append(c.images, image)
	}
	return c, true
}

// copying copies rows into one table after the other, from one buffer.
type copying struct{ bytes []byte }

// copyings are kept for their buffers: each group of documents takes some hundred
// kilobytes of one.
var copyings = sync.Pool{New: func() any { return new(copying) }} //nolint:gochecknoglobals // buffers are the process'

// newCopying returns one, which is given back by keep.
func newCopying() *copying {
	c, _ := copyings.Get().(*copying)
	return c
}

// keep gives the buffer back. Not after an error: pgx may still be reading it.
func (c *copying) keep() { copyings.Put(c) }

// headers copies the headers of documents, each the first one of its key.
func (c *copying) headers(ctx context.Context, tx pgx.Tx, h head, all []*copyable) error {
	names := append(h.table.of.keyNames(), "document_id", "revision", "received_at", "transaction_count")
	for _, column := range h.table.columns {
		names = append(names, column.name)
	}
	c.begin()
	for _, from := range all {
		c.row(len(names), from.key)
		c.field(from.document[:])
		c.field([]byte{0, 0, 0, 1})
		c.bytes = append(c.bytes, from.header...)
	}
	return c.send(ctx, tx, h.table.name, names)
}

// rows copies the rows of documents in one table, the one at that place among those of
// their family.
func (c *copying) rows(ctx context.Context, tx pgx.Tx, t table, at int, all []*copyable) error {
	names := t.of.keyNames()
	for _, column := range t.columns {
		names = append(names, column.name)
	}
	c.begin()
	none := len(c.bytes)
	for _, from := range all {
		image := &from.images[at]
		c.bytes = slices.Grow(c.bytes, len(image.bytes)+len(image.ends)*(2+len(from.key)))
		for n := range image.ends {
			c.row(len(names), from.key)
			c.bytes = append(c.bytes, image.row(n)...)
		}
	}
	if len(c.bytes) == none {
		return nil
	}
	return c.send(ctx, tx, t.name, names)
}

func (c *copying) begin() {
	const head = "PGCOPY\n\xFF\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"
	c.bytes = append(c.bytes[:0], head...)
}

// row begins a row of so many fields with some that are written already.
func (c *copying) row(fields int, first []byte) {
	c.bytes = append(append16(c.bytes, fields), first...)
}

func (c *copying) field(value []byte) {
	c.bytes = append(append32(c.bytes, len(value)), value...)
}

func (c *copying) instant(at time.Time) {
	c.bytes = appendInstant(append32(c.bytes, 8), at)
}

func (c *copying) send(ctx context.Context, tx pgx.Tx, table string, columns []string) error {
	for i := range columns {
		columns[i] = pgx.Identifier{columns[i]}.Sanitize()
	}
	const end = "\xFF\xFF"
	c.bytes = append(c.bytes, end...)
	_, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(c.bytes),
		"COPY cas."+table+" ("+strings.Join(columns, ", ")+") FROM STDIN (FORMAT binary)")
	return err //nolint:wrapcheck // wrapped by who copies
}
