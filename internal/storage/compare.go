package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Reread is an answer that was read anew.
type Reread struct {
	Answer  Answer   // without its body, of which there may be no use any more
	Sum     [32]byte // SHA-256 of the body
	Content Content
}

// compared is how the rows of an answer compare to those that stand.
type compared struct {
	Reread
	copyable                 // what was read
	headers       int        // that are its document's, of this investor
	found         bool       // its header stands in its place
	xmin          uint32     // of that header: it changes with each save
	headerDiffers bool       // or its revision is not noted
	tables        []standing // by table
	unclear       bool       // what Postgres makes of it is not known here
}

// standing is how the rows of one table compare.
type standing struct {
	rows    int // that stand
	differs bool
}

func (c *compared) same() bool {
	return c.found && !c.unclear && !c.headerDiffers && !slices.ContainsFunc(c.tables, func(s standing) bool { return s.differs })
}

// newCompared writes what was read in the form in which it is compared.
func newCompared(r Reread) *compared {
	c := &compared{Reread: r}
	var ok bool
	c.copyable, ok = newCopyable(r.Answer.DocumentID, r.Content)
	c.unclear, c.tables = !ok, make([]standing, len(c.images))
	return c
}

// compare holds what was read against the rows that stand, as they are at one moment.
func (db *DB) compare(ctx context.Context, of *family, all []*compared) error {
	batch := &pgx.Batch{}
	args := keys(of, all)
	h := all[0].Content.head()
	var doubts doubts
	batch.Queue(of.standingHeadersSQL(h.table, h.revisions), args...).Query(func(rows pgx.Rows) error {
		return eachStanding(rows, all, func(c *compared, values [][]byte) { c.takeHeader(h.table, values, &doubts) })
	})
	for i, rows := range all[0].Content.rows() {
		batch.Queue(rows.table.standingRowsSQL(), args[:len(of.key)]...).Query(func(rows pgx.Rows) error {
			return eachStanding(rows, all, func(c *compared, values [][]byte) {
				image, table := &c.images[i], &c.tables[i]
				n := table.rows
				table.rows++
				table.differs = table.differs || n >= len(image.ends) || !image.table.holds(image.row(n), values, func(read, standing string) {
					doubts.add(&table.differs, read, standing)
				})
			})
		})
	}
	// One snapshot for all tables: a save between two of them would mix two answers.
	err := pgx.BeginTxFunc(ctx, db.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return fmt.Errorf("read rows: %w", err)
	}
	for _, c := range all {
		c.found = c.found && c.headers == 1
		for i := range c.tables {
			c.tables[i].differs = c.tables[i].differs || c.tables[i].rows != len(c.images[i].ends)
		}
	}
	return doubts.settle(ctx, db)
}

// takeHeader notes a header that is the document's. values are whether it is in the
// place of what was read, whether its revision is noted, its xmin, and what it says.
func (c *compared) takeHeader(t table, values [][]byte, doubts *doubts) {
	c.headers++
	yes := []byte{1}
	if !bytes.Equal(values[0], yes) {
		return
	}
	c.found, c.headerDiffers, c.xmin = true, !bytes.Equal(values[1], yes), binary.BigEndian.Uint32(values[2])
	row := c.header
	for _, stands := range values[3:5] {
		var value []byte
		value, row = field(row)
		c.headerDiffers = c.headerDiffers || !bytes.Equal(value, stands)
	}
	c.headerDiffers = c.headerDiffers || !t.holds(row, values[5:], func(read, standing string) {
		doubts.add(&c.headerDiffers, read, standing)
	})
}

// errTextForm means that the connection's settings have Postgres send texts.
var errTextForm = errors.New("rows do not come in binary form")

// eachStanding calls do with each row of a query whose first column is k.n.
func eachStanding(rows pgx.Rows, all []*compared, do func(c *compared, values [][]byte)) error {
	_, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		if row.FieldDescriptions()[0].Format != pgx.BinaryFormatCode {
			return struct{}{}, errTextForm
		}
		values := row.RawValues()
		do(all[binary.BigEndian.Uint64(values[0])-1], values[1:])
		return struct{}{}, nil
	})
	return err //nolint:wrapcheck // wrapped by compare
}

// doubts are pairs of JSON texts of which Postgres must say whether they are the same
// to it.
type doubts struct {
	differs        []*bool
	read, standing []string
}

func (d *doubts) add(differs *bool, read, standing string) {
	d.differs, d.read, d.standing = append(d.differs, differs), append(d.read, read), append(d.standing, standing)
}

func (d *doubts) settle(ctx context.Context, db *DB) error {
	if len(d.differs) == 0 {
		return nil
	}
	rows, err := db.pool.Query(ctx, `SELECT n FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS d (read, standing, n) WHERE read::jsonb::text <> standing`,
		d.read, d.standing)
	if err != nil {
		return fmt.Errorf("compare JSON: %w", err)
	}
	differ, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err = refused(err); errors.Is(err, ErrRefused) {
		for _, differs := range d.differs {
			*differs = true // the save of each tells which it is
		}
		return nil
	}
	for _, n := range differ {
		*d.differs[n-1] = true
	}
	if err != nil {
		return fmt.Errorf("compare JSON: %w", err)
	}
	return nil
}
