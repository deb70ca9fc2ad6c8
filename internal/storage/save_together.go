package storage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// saving is one document of a group that is saved in one transaction.
type saving struct {
	membership
	copyable
	answer Answer
	end    AttemptEnd
}

func (s *saving) weight() int { return len(s.answer.Body) }

// savedTogether is how many bytes the answers of a group have at most; what has as much
// alone is saved alone.
const savedTogether = 4 << 20

// savingAtOnce is how many groups are saved at once: while the one waits for the disk or
// for this process, Postgres works for the other.
const savingAtOnce = 2

// saveInGroup saves a document together with others and reports whether that is done.
// It takes first answers of keys that nothing is known of, as most are: Postgres takes
// them by COPY at two thirds of what it costs to insert them one by one.
func (db *DB) saveInGroup(ctx context.Context, a Answer, content Content, end AttemptEnd) (Saved, bool) {
	s := &saving{answer: a, end: end}
	if s.weight() >= savedTogether {
		return Saved{}, false
	}
	var ok bool
	if s.copyable, ok = newCopyable(a.DocumentID, content); !ok {
		return Saved{}, false
	}
	// With time left to be saved alone. What the group does after that comes first then.
	ctx, cancel := context.WithTimeout(ctx, groupLimit)
	defer cancel()
	if !db.saves.ask(ctx, s) {
		return Saved{}, false
	}
	saved := Saved{Current: true, Rows: map[string]int64{content.family().header: 1}}
	for i, rows := range content.rows() {
		if n := len(s.images[i].ends); n > 0 {
			saved.Rows[rows.table.name] = int64(n)
		}
	}
	return saved, true
}

// saveTogether saves a group, those of each family in one transaction.
func (db *DB) saveTogether(ctx context.Context, group []*saving) {
	families := make(map[*family]savings)
	documents := make(map[uuid.UUID]bool) // one that was given up and claimed again may come twice
	for _, s := range group {
		if s.ctx.Err() == nil && !documents[s.document] {
			documents[s.document] = true
			families[s.content.family()] = append(families[s.content.family()], s)
		}
	}
	for _, all := range families {
		// In the order of their keys: two groups that write the same ones wait for each
		// other in one direction only. Of two with one key the first goes.
		slices.SortStableFunc(all, func(a, b *saving) int { return slices.Compare(a.content.key(), b.content.key()) })
		all = slices.CompactFunc(all, func(a, b *saving) bool { return slices.Equal(a.content.key(), b.content.key()) })
		saved, err := db.saveAll(ctx, all)
		if err != nil {
			continue // each on its own shows what the matter is
		}
		for _, s := range saved {
			s.went = true
		}
	}
}

// savings are documents of one family, in the order of their keys.
type savings []*saving

// saveAll saves documents and returns those that it has saved: all but those that
// somebody else holds and those about which there is anything else.
func (db *DB) saveAll(ctx context.Context, all savings) (saved savings, err error) {
	err = pgx.BeginFunc(ctx, db.forSaves, func(tx pgx.Tx) error {
		saved, err = all.hold(ctx, tx)
		if err != nil || len(saved) == 0 {
			return err
		}
		copyables := make([]*copyable, len(saved))
		for i, s := range saved {
			copyables[i] = &s.copyable
		}
		copying := newCopying()
		if err := copying.headers(ctx, tx, saved[0].content.head(), copyables); err != nil {
			return err
		}
		for i, rows := range saved[0].content.rows() {
			if err := copying.rows(ctx, tx, rows.table, i, copyables); err != nil {
				return err
			}
		}
		if err := copying.answers(ctx, tx, saved); err != nil {
			return err
		}
		copying.keep()
		return saved.finish(ctx, tx)
	})
	if err != nil {
		return nil, fmt.Errorf("save documents: %w", err)
	}
	return saved, nil
}

// hold makes documents parsed, and returns those that now are.
func (all savings) hold(ctx context.Context, tx pgx.Tx) (savings, error) {
	of := all[0].content.family()
	var pans, froms, tos, types []string
	var sums [][]byte
	for _, s := range all {
		filed := s.content.filed()
		sums = append(sums, s.answer.SHA256[:])
		pans, froms, tos, types = append(pans, filed.pan), append(froms, filed.from), append(tos, filed.to), append(types, filed.casType)
	}
	rows, err := tx.Query(ctx, of.parseTogetherSQL(all[0].content.head().revisions), append(keys(of, all), sums, pans, literal(froms), literal(tos), types)...)
	if err != nil {
		return nil, err //nolint:wrapcheck // wrapped by saveAll
	}
	held, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, err //nolint:wrapcheck // wrapped by saveAll
	}
	return slices.DeleteFunc(slices.Clone(all), func(s *saving) bool { return !slices.Contains(held, s.document) }), nil
}

// parseTogetherSQL is parsedSQL for documents of a group, those that a call was made for
// and whose key nothing is known of.
func (f *family) parseTogetherSQL(revisions string) string {
	none := func(table, condition string) string {
		return "\n\t  AND NOT EXISTS (SELECT FROM cas." + table + " AS t WHERE " + condition + " OFFSET 0)"
	}
	return `
WITH ready AS MATERIALIZED (
	SELECT d.document_id, k.sum, k.filed_pan, k.filed_from, k.filed_to, k.filed_type
	FROM ` + f.keyed("document_id uuid", "sum bytea", "filed_pan text", "filed_from date", "filed_to date", "filed_type text") + `,
	     LATERAL (SELECT document_id FROM cas.documents WHERE document_id = k.document_id AND status = 'calling' FOR NO KEY UPDATE SKIP LOCKED) AS d
	WHERE true` +
		none(f.header, f.equal("t", "k")) + none(revisions, f.equal("t", "k")) + none("answers", "t.document_id = k.document_id") +
		none("dead_letters", "t.document_id = k.document_id AND t.redriven_at IS NULL") + `
)
UPDATE cas.documents d SET ` + parsedAs("r.sum", "r.filed_pan", "r.filed_from", "r.filed_to", "r.filed_type") + `
FROM ready r WHERE d.document_id = r.document_id RETURNING d.document_id`
}

// answers keeps the answers of documents.
func (c *copying) answers(ctx context.Context, tx pgx.Tx, all savings) error {
	names := []string{"document_id", "sha256", "endpoint", "request_id", "body", "received_at"}
	c.begin()
	for _, s := range all {
		a := &s.answer
		c.row(len(names), nil)
		for _, value := range [][]byte{a.DocumentID[:], a.SHA256[:], []byte(a.Endpoint), []byte(a.RequestID), a.Body} {
			c.field(value)
		}
		c.instant(a.ReceivedAt)
	}
	return c.send(ctx, tx, "answers", names)
}

// finish notes the first revisions of keys, and closes the attempts of documents.
func (all savings) finish(ctx context.Context, tx pgx.Tx) error {
	of := all[0].content.family()
	batch := &pgx.Batch{}
	batch.Queue(of.firstRevisionsSQL(all[0].content.head()), keys(of, all)[:len(of.key)]...)
	var statuses []int
	texts := make([][]string, 6)
	// In the order in which attempts are locked that are settled.
	for _, s := range slices.SortedFunc(slices.Values(all), func(a, b *saving) int { return cmp.Compare(a.end.RequestID, b.end.RequestID) }) {
		if s.end.RequestID == "" {
			continue
		}
		statuses = append(statuses, s.end.HTTPStatus)
		for i, text := range []string{s.end.RequestID, string(s.end.Outcome), s.end.Code, s.end.Message, s.end.APIRequestID, s.end.Credits} {
			texts[i] = append(texts[i], text)
		}
	}
	if len(statuses) > 0 {
		endTogether.queue(batch, pgx.NamedArgs{
			"requests": texts[0], "outcomes": texts[1], "codes": texts[2], "messages": texts[3], "answers": texts[4], "credits": texts[5], "statuses": statuses,
		})
	}
	return tx.SendBatch(ctx, batch).Close() //nolint:wrapcheck // wrapped by saveAll
}

// firstRevisionsSQL is saveRevision for first headers of keys.
func (f *family) firstRevisionsSQL(h head) string {
	generated := ""
	if h.generated {
		generated = ", generated_at"
	}
	return "INSERT INTO cas." + h.revisions + " (" + f.names + ", revision, document_id, outcome, reason, received_at, transaction_count" + generated + ")\n" +
		"SELECT h." + strings.Join(f.keyNames(), ", h.") + ", h.revision, h.document_id, 'won', 'first', h.received_at, h.transaction_count" + generated +
		"\nFROM " + f.keyed() + " JOIN cas." + f.header + " AS h ON " + f.equal("h", "k")
}

// endTogether closes the attempts of a group.
//
//nolint:gochecknoglobals // a constant, computed
var endTogether = prepare(endAttempts(`SELECT request_id, outcome, http_status, code, message, api_request_id, credits, NULL::interval AS retry_in
	FROM unnest(@requests::text[], @outcomes::text[], @statuses::integer[], @codes::text[], @messages::text[], @answers::text[], @credits::text[])
		AS g (request_id, outcome, http_status, code, message, api_request_id, credits)`) + ", well AS (" + wellSQL + ")\nSELECT FROM ended")
