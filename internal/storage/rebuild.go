package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"
)

// Statement reads a statement as it was saved, or ErrNotFound. Numbers come in
// Postgres' form, with the digits they had; ReceivedAt is left out.
func (db *DB) Statement(ctx context.Context, key StatementKey) (*Statement, error) {
	s := &Statement{Key: key}
	if err := db.read(ctx, s, headerTable, s.cells); err != nil {
		return nil, fmt.Errorf("read statement: %w", err)
	}
	return s, nil
}

// read reads the rows of content, whose key is set, or gives ErrNotFound.
func (db *DB) read(ctx context.Context, content Content, table table, cells func(at *int, c []any) []any) error {
	header := rows{table: table, cells: func(_ int, at *int, c []any) []any { return cells(at, c) }, more: func() {}}
	key := arguments(content.key(), nil)[:len(content.key())]
	batch := &pgx.Batch{}
	found := 0
	for _, r := range append([]rows{header}, content.rows()...) {
		batch.Queue("SELECT "+r.table.selectedText, key...).Query(func(result pgx.Rows) error {
			n, err := r.read(result)
			found += n
			return err
		})
	}
	// One snapshot for all tables: a save between two of them would mix two answers.
	err := pgx.BeginTxFunc(ctx, db.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		return tx.SendBatch(ctx, batch).Close()
	})
	if err == nil && found == 0 {
		err = ErrNotFound
	}
	return err
}

// read reads the rows of a table, in the order of their places.
func (r rows) read(result pgx.Rows) (int, error) {
	var (
		cells []any
		at    int
	)
	read, err := pgx.CollectRows(result, func(row pgx.CollectableRow) (struct{}, error) {
		r.more()
		cells = r.cells(r.n, &at, cells[:0])
		r.n++
		return struct{}{}, row.Scan(cells...)
	})
	return len(read), err
}

// RebuildAnswer gives the answer of a statement back from its rows alone, or
// ErrNotFound. It equals the answer as a JSON value: numbers as decimals; null,
// "", [], {} and an object of nothing else the same as absent; of repeated names
// the last; bytes that are no UTF-8, and half surrogates in names, as U+FFFD.
func (db *DB) RebuildAnswer(ctx context.Context, key StatementKey) ([]byte, error) {
	s, err := db.Statement(ctx, key)
	if err != nil {
		return nil, err
	}
	return s.Answer()
}

// Answer puts the answer together of which these are the rows, as
// [DB.RebuildAnswer] says.
func (s *Statement) Answer() ([]byte, error) {
	b := builder{transactions: make(map[place][]string), holdings: make(map[place][]string), holders: make(map[place][]string)}
	for i := range s.Transactions {
		t := &s.Transactions[i]
		b.add(b.transactions, place{t.HoldingKind, t.Account, t.Holding}, transactionsTable, t.cells(new(int), nil), nil)
	}
	for i := range s.LinkedHolders {
		h := &s.LinkedHolders[i]
		b.add(b.holders, place{kind: h.HolderKind, account: h.Account}, linkedHoldersTable, h.cells(nil, nil), nil)
	}
	b.dematAccounts(s)
	b.folios(s)
	b.npsAccounts(s)
	var policies []string
	for i := range s.InsurancePolicies {
		policies = append(policies, b.row(insurancePoliciesTable, s.InsurancePolicies[i].cells(new(int), nil), nil))
	}
	answer := b.header(s, policies)
	if b.err != nil {
		return nil, fmt.Errorf("rebuild answer: %w", b.err)
	}
	return []byte(answer), nil
}

// place is where rows belong: to a holding of an account, or to an account.
type place struct {
	kind             string
	account, holding int
}

// builder puts rows together. The first error ends it.
type builder struct {
	transactions, holdings, holders map[place][]string
	accounts, funds, pensions       []string // the elements of the answer's arrays
	err                             error
}

// object is a row that is being put together.
type object struct {
	node
	form Members
}

func (b *builder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *builder) add(to map[place][]string, at place, t table, cells []any, more func(*object)) {
	to[at] = append(to[at], b.row(t, cells, more))
}

// row gives the JSON of a row: its columns, then source_form in their stead, then
// extra, then what more adds.
func (b *builder) row(t table, cells []any, more func(*object)) string {
	n := len(cells)
	extra, form := cellText(cells[n-2]), cellText(cells[n-1])
	members, err := readMembers(extra)
	if err != nil {
		b.fail(err)
	}
	o := &object{}
	if o.form, err = readMembers(form); err != nil {
		b.fail(err)
	}
	for i, c := range t.columns {
		if len(c.paths) == 0 || slices.ContainsFunc(c.paths, func(p string) bool { return o.form[p] != "" }) {
			continue
		}
		if raw := c.json(cells[i]); raw != "" {
			b.set(o, c.paths[0], raw)
		}
	}
	for path, raw := range o.form {
		if !strings.Contains(path, ":") && raw != "null" {
			b.set(o, path, raw)
		}
	}
	for path, raw := range members {
		b.set(o, path, raw)
	}
	if more != nil {
		more(o)
	}
	return o.text()
}

func (b *builder) set(o *object, path, raw string) {
	if err := o.set(path, raw); err != nil {
		b.fail(err)
	}
}

// list puts rows into an array of the row, and the nulls between them.
func (b *builder) list(o *object, path string, elements []string) {
	var nulls []int
	b.structure(o, nullsOf+path, &nulls)
	if len(nulls) > 0 {
		elements = withNulls(elements, nulls)
	}
	if len(elements) > 0 {
		b.set(o, path, "["+strings.Join(elements, ",")+"]")
	}
}

func withNulls(elements []string, nulls []int) []string {
	all := make([]string, 0, len(elements)+len(nulls))
	for len(elements) > 0 || len(nulls) > 0 {
		if len(nulls) > 0 && (nulls[0] <= len(all) || len(elements) == 0) {
			all, nulls = append(all, "null"), nulls[1:]
			continue
		}
		all, elements = append(all, elements[0]), elements[1:]
	}
	return all
}

// structure reads what source_form says of the answer's structure, if anything.
func (b *builder) structure(o *object, name string, into any) bool {
	text := o.form[name]
	if text == "" {
		return false
	}
	if err := json.Unmarshal([]byte(text), into, asItCame()); err != nil {
		b.fail(errors.New("source_form of a row cannot be read")) // err might quote it
		return false
	}
	return true
}

// json gives a cell as the JSON of its column's type, "" for NULL.
func (c column) json(cell any) string {
	if list, ok := cell.(*[]string); ok {
		if *list == nil {
			return ""
		}
		quoted := make([]string, len(*list))
		for i, text := range *list {
			quoted[i] = quote(text)
		}
		return "[" + strings.Join(quoted, ",") + "]"
	}
	text := cellText(cell)
	switch c.cast {
	case "numeric", "integer", "boolean":
		return text
	}
	if text == "" {
		return ""
	}
	return quote(text)
}

func index(list string, at int) string { return list + "[" + strconv.Itoa(at) + "]" }
