package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Resaved is what became of an answer that was read anew.
type Resaved struct {
	// Current is true when the rows of the statement are the document's, false when
	// another answer keeps its place.
	Current bool
	// Err is why its rows could not be written: ErrRefused, or ErrNotFound where the
	// document is gone, or its answer another one than was read.
	Err error
}

// ResaveAll is Save for answers of different documents that the ledger has already and
// that were read anew: it replaces the rows of each, also where they stood under another
// key, and makes dead documents parsed. Rows that stand as they would be written are left
// alone, table by table: of an answer that is read as before nothing is written but that
// it was. The error is trouble with the ledger.
func (db *DB) ResaveAll(ctx context.Context, answers []Reread) ([]Resaved, error) {
	done, err := db.resaveTogether(ctx, answers)
	if err != nil {
		return nil, err
	}
	results := make([]Resaved, len(answers))
	for i, r := range answers {
		if done[r.Answer.DocumentID] {
			results[i].Current = true
			continue
		}
		saved, err := db.resave(ctx, r)
		if err != nil && !errors.Is(err, ErrRefused) && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		results[i] = Resaved{saved.Current, err}
	}
	return results, nil
}

// resaveTogether does all that can be done together, and returns whose answers that
// was: of documents whose header stands.
func (db *DB) resaveTogether(ctx context.Context, answers []Reread) (map[uuid.UUID]bool, error) {
	done := make(map[uuid.UUID]bool, len(answers))
	families := make(map[*family][]*compared)
	for _, r := range answers {
		if c := newCompared(r); !c.unclear {
			families[r.Content.family()] = append(families[r.Content.family()], c)
		}
	}
	for of, all := range families {
		err := db.compare(ctx, of, all)
		if errors.Is(err, errTextForm) || errors.Is(refused(err), ErrRefused) {
			continue // each on its own is written, or shows that it is the one with such a key
		}
		if err != nil {
			return nil, err
		}
		var same, differ []*compared
		for _, c := range all {
			switch {
			case !c.found:
			case c.same():
				same = append(same, c)
			default:
				differ = append(differ, c)
			}
		}
		marked, err := mark(ctx, db.pool, same)
		if err != nil {
			return nil, err
		}
		rewritten, err := db.rewrite(ctx, of, differ)
		if err != nil {
			return nil, err
		}
		for _, id := range append(marked, rewritten...) {
			done[id] = true
		}
	}
	return done, nil
}

// markSQL notes that the answers of documents were read anew, where the ledger says of
// them already all else that a save would write. They are locked in the order in
// which an erasure does.
const markSQL = `
WITH locked AS MATERIALIZED (
	SELECT document_id FROM cas.documents d
	JOIN unnest($1::uuid[], $2::bytea[], $3::text[], $4::date[], $5::date[], $6::text[]) AS k (document_id, sha256, pan, period_from, period_to, cas_type)
		USING (document_id, sha256, pan, period_from, period_to, cas_type)
	WHERE d.status = 'parsed' AND d.claimed_by IS NULL AND d.sealed_passwords IS NULL AND d.not_before IS NULL AND d.stalled_since IS NULL
	  AND NOT EXISTS (SELECT FROM cas.dead_letters l WHERE l.document_id = d.document_id AND l.redriven_at IS NULL)
	ORDER BY document_id FOR NO KEY UPDATE OF d
)
UPDATE cas.documents SET normalized_at = now(), updated_at = now() WHERE document_id = ANY (ARRAY(SELECT document_id FROM locked)) RETURNING document_id`

// mark returns the documents that it has marked.
func mark(ctx context.Context, q querier, all []*compared) ([]uuid.UUID, error) {
	if len(all) == 0 {
		return nil, nil
	}
	n := len(all)
	ids, sums := make([]uuid.UUID, n), make([][]byte, n)
	pans, froms, tos, types := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, c := range all {
		filed := c.Content.filed()
		ids[i], sums[i] = c.Answer.DocumentID, c.Answer.SHA256[:]
		pans[i], froms[i], tos[i], types[i] = filed.pan, filed.from, filed.to, filed.casType
	}
	rows, err := q.Query(ctx, markSQL, ids, sums, pans, literal(froms), literal(tos), types)
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err != nil {
		return nil, fmt.Errorf("mark documents: %w", err)
	}
	return ids, nil
}

// errMoved means that something has changed since rows were compared.
var errMoved = errors.New("changed meanwhile")

// rewrite replaces the rows of documents in the tables in which they differ, in one
// transaction, and returns the documents. If it cannot, for whichever it is, it does
// nothing and returns none.
func (db *DB) rewrite(ctx context.Context, of *family, all []*compared) ([]uuid.UUID, error) {
	if len(all) == 0 {
		return nil, nil
	}
	slices.SortFunc(all, func(a, b *compared) int { return slices.Compare(a.Content.key(), b.Content.key()) })
	var marked []uuid.UUID
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) (err error) {
		if marked, err = mark(ctx, tx, all); err != nil {
			return err
		}
		held, err := tx.Exec(ctx, of.holdSQL(), append(keys(of, all), literal(xmins(all)), sums(all))...)
		if err != nil {
			return err //nolint:wrapcheck // wrapped below
		}
		if len(marked) != len(all) || held.RowsAffected() != int64(len(all)) {
			return errMoved
		}
		batch := &pgx.Batch{}
		for _, c := range all {
			if c.headerDiffers {
				c.Content.queueHeader(batch, arguments(c.Content.key(), c.Answer.DocumentID))
			}
		}
		for i, rows := range all[0].Content.rows() {
			if old := slices.DeleteFunc(slices.Clone(all), func(c *compared) bool { return !c.tables[i].differs || c.tables[i].rows == 0 }); len(old) > 0 {
				batch.Queue("DELETE FROM cas."+rows.table.name+" AS t USING "+of.keyed()+" WHERE "+of.equal("t", "k"), keys(of, old)[:len(of.key)]...)
			}
		}
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err //nolint:wrapcheck // wrapped below
		}
		copying := newCopying()
		for i, rows := range all[0].Content.rows() {
			var anew []*copyable
			for _, c := range all {
				if c.tables[i].differs {
					anew = append(anew, &c.copyable)
				}
			}
			if err := copying.rows(ctx, tx, rows.table, i, anew); err != nil {
				return err
			}
		}
		copying.keep()
		return nil
	})
	if _, ofPostgres := errors.AsType[*pgconn.PgError](err); ofPostgres || errors.Is(err, errMoved) {
		return nil, nil // each on its own shows which it is, and whether it is any still
	}
	if err != nil {
		return nil, fmt.Errorf("rewrite rows: %w", err)
	}
	return marked, nil
}

func xmins(all []*compared) []string {
	texts := make([]string, len(all))
	for i, c := range all {
		texts[i] = strconv.FormatUint(uint64(c.xmin), 10)
	}
	return texts
}

func sums(all []*compared) [][]byte {
	sums := make([][]byte, len(all))
	for i, c := range all {
		sums[i] = c.Sum[:]
	}
	return sums
}

// holdSQL locks headers that are what they were when they were compared, and whose
// answers are what was read (see unchanged; mark holds the documents), and makes them
// another version: so whoever has compared rows before finds out.
func (f *family) holdSQL() string {
	return "UPDATE cas." + f.header + " AS h SET revision = h.revision FROM " + f.keyed("document_id uuid", "xmin xid", "sum bytea") +
		" WHERE " + f.equal("h", "k") + " AND h.document_id = k.document_id AND h.xmin = k.xmin" +
		" AND EXISTS (SELECT FROM cas.answers AS a WHERE a.document_id = k.document_id AND sha256(a.body) = k.sum)"
}
